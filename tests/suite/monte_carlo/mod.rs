//! Monte Carlo over the masks of recurrent layers.

mod convergence;
mod errors;
mod exactness;
mod function_samples;
mod splits;

use burn::module::Module;
use burn::tensor::{Device, Distribution, Tensor, activation};
use burn_variational::dropout::{MaskRng, VariationalModel};
use burn_variational::mc::{ClassProbabilities, MonteCarlo, MonteCarloError};
use burn_variational::rnn::{StackDropout, VariationalLstm, VariationalLstmConfig};
use cross_backend_tests::{assert_close, on_every_device, relative_error, tolerance};

/// The bytes of a row of outputs: 6 steps of 4 units.
const ROW_BYTES: usize = 6 * 4 * size_of::<f32>();

fn lstm(dropout: StackDropout, device: &Device) -> VariationalLstm {
    VariationalLstmConfig::new(3, 4, true).with_n_layers(2).with_dropout(dropout).init(device)
}

fn input(device: &Device) -> Tensor<3> {
    Tensor::random([5, 6, 3], Distribution::Uniform(-1.0, 1.0), device)
}

fn bits(tensor: Tensor<3>) -> Vec<u32> {
    let values: Vec<f32> = tensor.into_data().try_to_vec().unwrap();
    values.into_iter().map(f32::to_bits).collect()
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

    fn rate_zero_of_every_scheme_is_the_layer_without_dropout(device: &Device) {
        let lstm_with = |dropout| lstm(dropout, device);
        let whole = lstm_with(StackDropout::none());
        let input = input(device);
        let expected = bits(whole.forward(input.clone(), None, &whole.identity_masks()).0);
        for dropout in [
            StackDropout::naive(0.0),
            StackDropout::variational(0.0, 0.0),
            StackDropout::variational_untied(0.0, 0.0),
            StackDropout::rnn_drop(0.0),
            StackDropout::semeniuta(0.0, 0.0),
            StackDropout::zoneout(0.0, 0.0),
            StackDropout::awd(0.0, 0.0, 0.0, 0.0),
            StackDropout::keras(0.0, 0.0),
            StackDropout::gal_keras(0.0, 0.0),
        ] {
            let asking = whole.clone().with_dropout(dropout.clone());
            let moments = mc(3).moments(&asking, &input).unwrap();
            assert!(!moments.is_random(), "{dropout:?}");
            assert_eq!(bits(moments.mean()), expected, "{dropout:?}");
            assert_eq!(moments.variance().max().into_scalar::<f32>().to_bits(), 0, "{dropout:?}");
        }
    }

    fn probabilities_are_averaged_and_logits_are_not(device: &Device) {
        let lstm = lstm(StackDropout::variational(0.5, 0.5), device);
        // Far from the origin a softmax is no straight line.
        let input = input(device) * 5.0;
        let scaled = |output: Tensor<3>| output * 10.0;
        let estimate = mc(8).accumulate(5, ClassProbabilities::new(), |pass| {
            Ok::<_, MonteCarloError>(scaled(pass.run(&lstm, &input)))
        });
        let got = estimate.unwrap().into_value().probabilities();
        let draws = mc(8).samples(&lstm, &input).unwrap().into_value();
        let mean = |draws: Vec<Tensor<3>>| -> Vec<f64> {
            let mean = Tensor::stack::<4>(draws, 0).mean_dim(0);
            mean.into_data().iter::<f64>().collect()
        };
        let probabilities = |logits: Tensor<3>| activation::softmax(scaled(logits), 2);
        let expected = mean(draws.iter().cloned().map(probabilities).collect());
        assert_close(&got, &expected, tolerance(device), "the mean of the probabilities");
        let logits = Tensor::<1>::from_data(mean(draws).as_slice(), device).reshape([5, 6, 4]);
        let of_mean: Vec<f64> = probabilities(logits).into_data().iter::<f64>().collect();
        assert!(relative_error(&of_mean, &expected) > 1e-2, "those of the mean are others");
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
