//! Monte Carlo over the masks of recurrent layers.

use burn::module::Module;
use burn::tensor::{Device, Distribution, Tensor};
use burn_variational::dropout::{MaskRng, VariationalModel};
use burn_variational::mc::{MonteCarlo, MonteCarloError};
use burn_variational::rnn::{StackDropout, VariationalLstm, VariationalLstmConfig};
use cross_backend_tests::{assert_close, on_every_device, tolerance};

/// The bytes of a row of outputs: 6 steps of 4 units.
const ROW_BYTES: usize = 6 * 4 * size_of::<f32>();

fn lstm(dropout: StackDropout, device: &Device) -> VariationalLstm {
    VariationalLstmConfig::new(3, 4, true).with_n_layers(2).with_dropout(dropout).init(device)
}

fn input(device: &Device) -> Tensor<3> {
    Tensor::random([5, 6, 3], Distribution::Uniform(-1.0, 1.0), device)
}

fn mc(n_draws: usize) -> MonteCarlo {
    MonteCarlo::new(n_draws, MaskRng::seeded(1))
}

on_every_device! {
    fn rate_zero_at_every_site_has_variance_zero(device: &Device) {
        let dropout = StackDropout::none()
            .with_input(0.0)
            .with_between(0.0)
            .with_recurrent(0.0)
            .with_output(0.0);
        let (lstm, input) = (lstm(dropout, device), input(device));
        for max_rows in [1, 7, 1000] {
            let mc = mc(9).with_max_bytes(max_rows * ROW_BYTES);
            let prediction = mc.regression(&lstm, &input).unwrap();
            let variance = prediction.variance().max().into_scalar::<f32>();
            assert_eq!(variance.to_bits(), 0.0_f32.to_bits(), "in passes of {max_rows} rows");
            assert!(!prediction.is_random());
        }
    }

    fn a_model_that_asks_for_no_draw_is_an_error(device: &Device) {
        let (lstm, input) = (lstm(StackDropout::none(), device), input(device));
        let error = mc(4).samples(&lstm, &input).unwrap_err();
        assert_eq!(error, MonteCarloError::NoDraw);
        assert!(error.to_string().starts_with("the model asked for no mask"));
    }

    fn draws_do_not_depend_on_the_size_of_a_pass(device: &Device) {
        let dropout = StackDropout::variational_untied(0.3, 0.3);
        let (lstm, input) = (lstm(dropout, device), input(device));
        let draws = |max_rows| {
            let mc = mc(4).with_max_bytes(max_rows * ROW_BYTES);
            let samples = mc.samples(&lstm, &input).unwrap().into_value();
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
        let averaged = lstm.weight_averaged(input.clone());
        let expected = lstm.forward(input, None, &lstm.identity_masks()).0;
        let expected: Vec<f64> = expected.into_data().iter::<f64>().collect();
        assert_close(&averaged, &expected, tolerance(device), "inverted scaling");
    }

    fn a_trained_model_predicts_on_the_plain_device(device: &Device) {
        let training = device.clone().autodiff();
        let lstm = lstm(StackDropout::variational(0.3, 0.3), &training);
        let error = mc(2).samples(&lstm, &input(&training)).unwrap_err();
        assert_eq!(error, MonteCarloError::Autodiff);
        assert_eq!(mc(2).samples(&lstm.valid(), &input(device)).unwrap().len(), 2);
    }
}
