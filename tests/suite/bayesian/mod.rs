//! Any Burn module made Bayesian: its draws are those of a loop over weights that are masked by
//! hand, and binding a draw changes nothing but the weights that are read.

mod draws;
mod errors;
mod rows;
mod text;

use burn::module::Module;
use burn::nn::conv::{Conv2d, Conv2dConfig};
use burn::nn::transformer::{TransformerEncoderConfig, TransformerEncoderLayer};
use burn::nn::{Linear, LinearConfig, Lstm, LstmConfig};
use burn::optim::GradientsParams;
use burn::tensor::{Device, Tensor};
use burn_variational::dropout::WeightMask;
use burn_variational::prelude::*;
use cross_backend_tests::{assert_close, flex, on_every_device, tolerance};

use super::by_hand::{collected, masked, numbers};

/// Relative error of moments over draws that run the same operations on the same numbers: what
/// is left is the order in which `f32` sums them.
const MOMENTS_TOLERANCE: f64 = 1e-6;

const N_DRAWS: usize = 12;

#[derive(Module, Debug)]
struct Classifier {
    lstm: Lstm,
    output: Linear,
}

impl Classifier {
    fn forward(&self, input: Tensor<3>) -> Tensor<2> {
        let (_, state) = self.lstm.forward(input, None);
        self.output.forward(state.hidden)
    }
}

type BayesianClassifier = Bayesian<Classifier, Tensor<3>, Tensor<2>>;

fn classifier(device: &Device) -> BayesianClassifier {
    let lstm = LstmConfig::new(3, 5, true).init(device);
    let classifier = Classifier { lstm, output: LinearConfig::new(5, 2).init(device) };
    Bayesian::new(classifier, Classifier::forward).with_dropout(0.3)
}

fn draw(k: u64) -> MaskDraw {
    MaskRng::seeded(1).scope("monte carlo").draw(k).part("model")
}

/// That the moments over all draws are those of a plain loop.
fn check<M: Module + Sync, I: ModelInput, const D: usize>(
    model: &Bayesian<M, I, Tensor<D>>,
    forward: fn(&M, I) -> Tensor<D>,
    input: &I,
) {
    let moments = MonteCarlo::new(N_DRAWS, MaskRng::seeded(1)).moments(model, input).unwrap();
    assert!(moments.is_random());

    let draws: Vec<Vec<f64>> = (0..N_DRAWS as u64)
        .map(|k| {
            let masks = model.masks_for(input, draw(k));
            let module = masked(model.module.clone(), &masks);
            forward(&module, input.clone()).into_data().iter::<f64>().collect()
        })
        .collect();
    assert_ne!(draws[0], draws[1]);
    let n = N_DRAWS as f64;
    let over_draws = |f: &dyn Fn(f64, usize) -> f64| -> Vec<f64> {
        let each = (0..draws[0].len()).map(|k| draws.iter().map(|draw| f(draw[k], k)).sum());
        each.map(|sum: f64| sum / n).collect()
    };
    let mean = over_draws(&|value, _| value);
    let variance = over_draws(&|value, k| (value - mean[k]).powi(2));
    assert_close(&moments.mean(), &mean, MOMENTS_TOLERANCE, "mean");
    assert_close(&moments.variance(), &variance, MOMENTS_TOLERANCE, "variance");
}

on_every_device! {
    fn draws_of_an_lstm_classifier_are_those_of_weights_masked_by_hand(device: &Device) {
        let model = classifier(device);
        assert_eq!(model.weights().count(), 9);
        check(&model, Classifier::forward, &numbers([4, 6, 3], device));
    }

    fn draws_of_a_linear_layer_are_those_of_weights_masked_by_hand(device: &Device) {
        let linear = LinearConfig::new(6, 4).init(device);
        let forward: fn(&Linear, Tensor<2>) -> Tensor<2> = |linear, input| linear.forward(input);
        for dropout in [
            WeightDropout::new(0.3),
            WeightDropout::new(0.3).input_rows().unscaled(),
            WeightDropout::new(0.3).output_rows(),
        ] {
            let model = Bayesian::new(linear.clone(), forward).with_dropout(dropout);
            check(&model, forward, &numbers([5, 6], device));
        }
    }

    fn draws_of_a_convolution_are_those_of_weights_masked_by_hand(device: &Device) {
        let conv = Conv2dConfig::new([4, 6], [3, 3]).init(device);
        let forward: fn(&Conv2d, Tensor<4>) -> Tensor<4> = |conv, input| conv.forward(input);
        for dropout in [WeightDropout::new(0.4), WeightDropout::new(0.4).input_rows()] {
            let model = Bayesian::new(conv.clone(), forward).with_dropout(dropout);
            check(&model, forward, &numbers([2, 4, 5, 5], device));
        }
    }

    fn draws_of_a_transformer_are_those_of_weights_masked_by_hand(device: &Device) {
        let config = TransformerEncoderConfig::new(8, 16, 2, 1);
        let layer = TransformerEncoderLayer::new(&config, device);
        let forward: fn(&TransformerEncoderLayer, Tensor<3>) -> Tensor<3> =
            |layer, input| layer.forward(input, None, None);
        // Queries, keys, values, their output and the two of the feed-forward network.
        let model = Bayesian::new(layer, forward).with_dropout(0.2);
        assert_eq!(model.weights().count(), 6);
        check(&model, forward, &numbers([2, 4, 8], device));
    }

    fn gradients_reach_the_clean_weights_but_for_those_dropped(device: &Device) {
        let device = &device.clone().autodiff();
        let (model, input) = (classifier(device), numbers([4, 6, 3], device));
        let masks = model.masks_for(&input, draw(0));
        let loss = model.run(input.clone(), &masks).square().sum();
        let grads = GradientsParams::from_grads(loss.backward(), &model);

        // With weights of its own, masked by hand: what the chain rule gives for the clean ones.
        let by_hand = masked(model.module.clone(), &masks);
        let loss = by_hand.forward(input).square().sum();
        let expected = GradientsParams::from_grads(loss.backward(), &by_hand);
        for weight in collected(&model.module) {
            let grad = weight.gradient(&grads);
            let mut expected = weight.gradient(&expected);
            if let Some(mask) = masks.get(&weight.path) {
                expected = weight.times(&expected, mask);
                let factors = weight.times(&vec![1.0; expected.len()], mask);
                let dropped: Vec<f64> =
                    grad.iter().zip(&factors).filter(|(_, z)| **z == 0.0).map(|(g, _)| *g).collect();
                assert!(!dropped.is_empty(), "{}", weight.path);
                assert!(dropped.iter().all(|&grad| grad == 0.0), "{}", weight.path);
            }
            let grad = Tensor::<1>::from_data(grad.as_slice(), &flex());
            let bound = tolerance(&device.clone().without_autodiff());
            assert_close(&grad, &expected, bound, &weight.path);
        }
    }

    fn the_kl_term_knows_what_is_dropped(device: &Device) {
        let model = classifier(device);
        let prior = DropoutPrior::new(0.3, 20).with_precision(5.0);
        let base = 0.3 * 0.3 / (2.0 * 20.0 * 5.0);
        let expected: f64 = collected(&model.module)
            .iter()
            .map(|weight| {
                let lambda = if weight.path.ends_with("bias") { base } else { base / 0.7 };
                lambda * weight.values.iter().map(|value| value * value).sum::<f64>()
            })
            .sum();
        let penalty = model.kl_term(&prior).penalty(&model);
        assert_close(&penalty, &[expected], tolerance(device), "penalty");
    }

    fn a_gain_is_neither_dropped_nor_pulled_to_zero(device: &Device) {
        let layer = TransformerEncoderLayer::new(&TransformerEncoderConfig::new(4, 8, 2, 1), device);
        let model = Bayesian::new(layer, |layer, input: Tensor<3>| layer.forward(input, None, None))
            .with_dropout(0.2);
        let decays = model.kl_term(&DropoutPrior::new(1.0, 10)).decays(&model);
        // Six weights and their biases, of the norms none.
        assert_eq!(decays.len(), 12);
        let masks = model.masks_for(&numbers([1, 2, 4], device), draw(0));
        assert!(masks.iter().all(|(path, _)| path.ends_with("weight")));
    }
}

#[test]
fn a_mask_keeps_its_values_and_its_rank() {
    let values = Tensor::<3>::from_data([[[0.0], [2.0]]], &flex());
    let mask = WeightMask::from_values(values.clone());
    assert_eq!(mask.dims(), [1, 2, 1]);
    assert_eq!(mask.values::<3>().into_data(), values.into_data());
}
