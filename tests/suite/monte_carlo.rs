//! Monte Carlo over the masks of recurrent layers.

use burn::module::Module;
use burn::tensor::{Device, Distribution, Tensor};
use burn_variational::dropout::{MaskRng, SiteDropout};
use burn_variational::mc::{MonteCarlo, MonteCarloError};
use burn_variational::rnn::{StackDropout, VariationalLstm, VariationalLstmConfig};
use cross_backend_tests::{assert_close, on_every_device, tolerance};

fn lstm(dropout: StackDropout, device: &Device) -> VariationalLstm {
    VariationalLstmConfig::new(3, 4, true).with_n_layers(2).with_dropout(dropout).init(device)
}

fn input(device: &Device) -> Tensor<3> {
    Tensor::random([5, 6, 3], Distribution::Uniform(-1.0, 1.0), device)
}

/// The last output of every row, for each draw.
fn samples(
    mc: &MonteCarlo,
    lstm: &VariationalLstm,
    input: &Tensor<3>,
) -> Result<Vec<Tensor<3>>, MonteCarloError> {
    mc.samples(5, |pass| {
        let input = pass.fold(input);
        let [batch_size, seq_length, _] = input.dims();
        let masks = lstm.sample_masks([batch_size, seq_length], pass.rng(), &input.device());
        lstm.forward(input, None, &masks).0
    })
}

on_every_device! {
    fn rate_zero_at_every_site_has_variance_zero(device: &Device) {
        let zero = Some(SiteDropout::new(0.0));
        let dropout = StackDropout::none()
            .with_input(zero)
            .with_between(zero)
            .with_recurrent(zero)
            .with_output(zero);
        let (lstm, input) = (lstm(dropout, device), input(device));
        for max_rows in [1, 7, 1000] {
            let mc = MonteCarlo::new(9, MaskRng::seeded(1)).with_max_rows(max_rows);
            let prediction = mc.regression(5, |pass| {
                let input = pass.fold(&input);
                let [batch_size, seq_length, _] = input.dims();
                let masks = lstm.sample_masks([batch_size, seq_length], pass.rng(), device);
                lstm.forward(input, None, &masks).0
            });
            let variance = prediction.unwrap().variance().max().into_scalar::<f32>();
            assert_eq!(variance.to_bits(), 0.0_f32.to_bits(), "in passes of {max_rows} rows");
        }
    }

    fn a_model_that_asks_for_no_draw_is_an_error(device: &Device) {
        let (lstm, input) = (lstm(StackDropout::none(), device), input(device));
        let error = samples(&MonteCarlo::new(4, MaskRng::seeded(1)), &lstm, &input).unwrap_err();
        assert_eq!(error, MonteCarloError::NoDraw);
        assert!(error.to_string().starts_with("the model asked for no mask"));
    }

    fn draws_do_not_depend_on_the_size_of_a_pass(device: &Device) {
        let dropout = StackDropout::variational_untied(0.3, 0.3);
        let (lstm, input) = (lstm(dropout, device), input(device));
        let draws = |max_rows| {
            let mc = MonteCarlo::new(4, MaskRng::seeded(1)).with_max_rows(max_rows);
            let samples = samples(&mc, &lstm, &input).unwrap();
            samples.into_iter().map(|draw| draw.into_data().iter::<f64>().collect())
                .collect::<Vec<Vec<f64>>>()
        };
        let whole = draws(20);
        assert_ne!(whole[0], whole[1]);
        for max_rows in [2, 5, 12] {
            for (draw, expected) in draws(max_rows).into_iter().zip(&whole) {
                let draw = Tensor::<1>::from_data(draw.as_slice(), device);
                assert_close(&draw, expected, tolerance(device), format!("{max_rows} rows"));
            }
        }
    }

    fn weight_averaging_is_the_forward_pass_with_expected_masks(device: &Device) {
        let (lstm, input) = (lstm(StackDropout::variational(0.3, 0.3), device), input(device));
        let averaged = MonteCarlo::new(4, MaskRng::seeded(1)).weight_averaging(5, |pass| {
            let input = pass.fold(&input);
            let [batch_size, seq_length, _] = input.dims();
            let masks = lstm.sample_masks([batch_size, seq_length], pass.rng(), device);
            lstm.forward(input, None, &masks).0
        });
        let expected = lstm.forward(input, None, &lstm.identity_masks()).0;
        let expected: Vec<f64> = expected.into_data().iter::<f64>().collect();
        assert_close(&averaged.unwrap(), &expected, tolerance(device), "inverted scaling");
    }

    fn a_trained_model_predicts_on_the_plain_device(device: &Device) {
        let training = device.clone().autodiff();
        let lstm = lstm(StackDropout::variational(0.3, 0.3), &training);
        let mc = MonteCarlo::new(2, MaskRng::seeded(1));
        let error = samples(&mc, &lstm, &input(&training)).unwrap_err();
        assert_eq!(error, MonteCarloError::Autodiff);
        assert_eq!(samples(&mc, &lstm.valid(), &input(device)).unwrap().len(), 2);
    }
}
