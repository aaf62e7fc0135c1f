//! The operations around a sequence give what plain tensor operations give.

use burn::nn::loss::CrossEntropyLossConfig;
use burn::tensor::activation::log_softmax;
use burn::tensor::{Device, FloatDType, Int, Tensor, module};
use burn_variational::kernels::{embedding, linear_cross_entropy};
use cross_backend_tests::{
    Operation, assert_close, engine_runs, flex, on_every_device, relative_error, tolerance,
};

use super::case::{Numbers, Place, values};
use super::{autodiff, checkpointing};

const ROWS: usize = 7;
const D_INPUT: usize = 5;
const N_CLASSES: usize = 37;

/// A linear layer over classes, and a number by which each row's loss counts.
struct OutputLayer {
    input: Tensor<2>,
    weights: Tensor<2>,
    bias: Option<Tensor<1>>,
    targets: Tensor<1, Int>,
    counts: Tensor<1>,
}

impl OutputLayer {
    fn new([rows, d_input, n_classes]: [usize; 3], with_bias: bool, place: &Place) -> Self {
        let mut numbers = Numbers(1);
        let targets: Vec<u32> = (0..rows as u32).map(|row| row * 5 % n_classes as u32).collect();
        Self {
            input: numbers.tensor([rows, d_input], 2.0, place).require_grad(),
            weights: numbers.tensor([d_input, n_classes], 2.0, place).require_grad(),
            bias: with_bias.then(|| numbers.tensor([n_classes], 2.0, place).require_grad()),
            targets: Tensor::from_data(targets.as_slice(), &place.device),
            counts: numbers.tensor([rows], 1.0, place),
        }
    }

    /// What enters the layer: operations around it are computed once more under gradient
    /// checkpointing.
    fn entering(&self) -> Tensor<2> {
        self.input.clone().mul_scalar(1.5)
    }

    fn by_the_engine(&self) -> Tensor<1> {
        let Self { weights, bias, targets, .. } = self;
        linear_cross_entropy(self.entering(), weights.clone(), bias.clone(), targets.clone(), None)
    }

    fn by_plain_operations(&self) -> Tensor<1> {
        let Self { weights, bias, targets, .. } = self;
        let logits = module::linear(self.entering(), weights.clone(), bias.clone());
        let of_targets = log_softmax(logits, 1).gather(1, targets.clone().unsqueeze_dim(1));
        of_targets.squeeze_dim::<1>(1).neg()
    }

    /// Asserts that losses and gradients are those of plain operations.
    fn check(&self, place: &Place) {
        let before = engine_runs(Operation::LinearCrossEntropy);
        let found = self.results(&self.by_the_engine());
        assert_eq!(engine_runs(Operation::LinearCrossEntropy), before + 1, "the engine ran");
        let plain = self.results(&self.by_plain_operations());
        for ((name, got), (_, expected)) in found.iter().zip(&plain) {
            let error = relative_error(got, expected);
            assert!(error <= place.tolerance(), "{name}: {error:.1e}");
        }
    }

    /// The losses and all gradients of the weighted sum of their squares.
    fn results(&self, losses: &Tensor<1>) -> Vec<(&'static str, Vec<f64>)> {
        let grads = (losses.clone() * losses.clone() * self.counts.clone()).sum().backward();
        let mut results = vec![
            ("losses", values(losses.clone())),
            ("input", values(self.input.grad(&grads).unwrap())),
            ("weights", values(self.weights.grad(&grads).unwrap())),
        ];
        let bias = self.bias.as_ref();
        results.extend(bias.map(|bias| ("bias", values(bias.grad(&grads).unwrap()))));
        results
    }
}

/// Asserts that the losses of a layer with and without bias, and their gradients, are those of
/// plain operations.
fn check_output_layer(place: &Place) {
    for with_bias in [false, true] {
        OutputLayer::new([ROWS, D_INPUT, N_CLASSES], with_bias, place).check(place);
    }
}

on_every_device! {
    fn the_cross_entropy_of_a_linear_layer_is_that_of_plain_operations(device: &Device) {
        check_output_layer(&autodiff(device, FloatDType::F32));
    }

    fn checkpointed_losses_are_those_of_plain_operations(device: &Device) {
        check_output_layer(&checkpointing(device));
    }

    fn losses_are_exact_for_logits_that_are_large_and_differ_little(device: &Device) {
        let place = autodiff(device, FloatDType::F32);
        let weights = place.tensor(vec![0.0; 3], [1, 3]);
        let bias = place.tensor(vec![1e4, 9999.0, -1e4], [3]);
        let targets = Tensor::<1, Int>::from_data([0, 1, 2], &place.device);
        let losses =
            linear_cross_entropy(place.tensor(vec![0.0; 3], [3, 1]), weights, Some(bias), targets, None);
        let smallest = (-1.0_f64).exp().ln_1p();
        for (got, expected) in values(losses).iter().zip([smallest, smallest + 1.0, smallest + 2e4]) {
            let error = (got - expected).abs() / expected;
            assert!(error <= tolerance(device), "{got}, {expected}");
        }
    }

    fn the_mean_of_the_losses_is_the_loss_of_burn(device: &Device) {
        let place = autodiff(device, FloatDType::F32);
        let mut numbers = Numbers(2);
        let input = numbers.tensor([ROWS, D_INPUT], 1.0, &place);
        let weights = numbers.tensor([D_INPUT, N_CLASSES], 1.0, &place);
        let targets = Tensor::<1, Int>::from_data([3, 1, 4, 1, 5, 9, 2], &place.device);
        let mean = linear_cross_entropy(input.clone(), weights.clone(), None, targets.clone(), None);
        let burns = CrossEntropyLossConfig::new().init(&place.device);
        let burns = burns.forward(module::linear(input, weights, None), targets);
        assert_close(&mean.mean(), &values(burns), tolerance(device), "mean");
    }

    fn an_embedding_and_its_gradient_are_those_of_burn(device: &Device) {
        for place in [autodiff(device, FloatDType::F32), checkpointing(device)] {
            let weights = Numbers(4).tensor([6, 5], 1.0, &place).require_grad();
            // One type twice in a row, one in both rows, and two nowhere.
            let tokens = Tensor::<2, Int>::from_data([[1, 1, 3], [3, 0, 5]], &place.device);
            let scale = Numbers(5).tensor([2, 3, 5], 1.0, &place);
            let results = |rows: Tensor<3>| {
                let grads = (rows.clone() * rows.clone() * scale.clone()).sum().backward();
                [values(rows), values(weights.grad(&grads).unwrap())]
            };
            let before = engine_runs(Operation::Embedding);
            let found = results(embedding(weights.clone().mul_scalar(1.5), tokens.clone()));
            assert_eq!(engine_runs(Operation::Embedding), before + 1, "the engine ran");
            let plain = results(module::embedding(weights.clone().mul_scalar(1.5), tokens));
            for (got, expected) in found.iter().zip(&plain) {
                assert!(relative_error(got, expected) <= tolerance(device));
            }
        }
    }
}

#[test]
fn the_cross_entropy_of_a_linear_layer_is_that_of_plain_operations_in_f64() {
    check_output_layer(&autodiff(&flex(), FloatDType::F64));
}

/// Columns in parts for each thread, and sums of columns in several chunks.
#[test]
fn the_losses_over_many_classes_are_those_of_plain_operations() {
    let place = autodiff(&flex(), FloatDType::F32);
    OutputLayer::new([60, 130, 500], true, &place).check(&place);
}

#[test]
fn operands_of_the_losses_may_lie_in_memory_in_any_order() {
    let place = autodiff(&flex(), FloatDType::F32);
    let layer = OutputLayer::new([ROWS, D_INPUT, N_CLASSES], true, &place);
    let transposed = |tensor: &Tensor<2>| {
        // The same values, stored column by column.
        let [rows, columns] = tensor.dims();
        let stored = values(tensor.clone().transpose());
        place.tensor(stored, [columns, rows]).transpose().require_grad()
    };
    let (input, weights) = (transposed(&layer.input), transposed(&layer.weights));
    OutputLayer { input, weights, ..layer }.check(&place);
}

#[test]
fn an_output_layer_that_needs_no_gradient_gets_none_and_changes_no_other() {
    let place = autodiff(&flex(), FloatDType::F32);
    let layer = OutputLayer::new([ROWS, D_INPUT, N_CLASSES], true, &place);
    let input_gradient = |layer: &OutputLayer| {
        let grads = layer.by_the_engine().sum().backward();
        (values(layer.input.grad(&grads).unwrap()), layer.weights.grad(&grads))
    };
    let (expected, of_weights) = input_gradient(&layer);
    assert!(of_weights.is_some());
    let weights = layer.weights.clone().set_require_grad(false);
    let bias = layer.bias.clone().map(|bias| bias.set_require_grad(false));
    let (found, of_weights) = input_gradient(&OutputLayer { weights, bias, ..layer });
    assert!(of_weights.is_none());
    assert_eq!(found, expected);
}

#[test]
fn losses_and_their_gradients_are_bit_equal_for_one_two_and_four_threads() {
    let place = autodiff(&flex(), FloatDType::F32);
    // Enough classes for columns of its own for each thread, and too few.
    for n_classes in [500, 90] {
        let layer = OutputLayer::new([60, 130, n_classes], true, &place);
        let run = |threads: usize| {
            let pool = rayon::ThreadPoolBuilder::new().num_threads(threads).build().unwrap();
            pool.install(|| layer.results(&layer.by_the_engine()))
        };
        let one = run(1);
        for threads in [2, 4] {
            assert!(run(threads) == one, "{n_classes} classes, {threads} threads");
        }
    }
}

#[test]
fn a_class_ruled_out_has_probability_zero() {
    let place = autodiff(&flex(), FloatDType::F32);
    let input = place.tensor(vec![0.0], [1, 1]);
    let weights = place.tensor(vec![0.0; 3], [1, 3]);
    let bias = place.tensor(vec![1.0, f64::NEG_INFINITY, 2.0], [3]).require_grad();
    let targets = Tensor::<1, Int>::from_data([0], &place.device);
    let loss = linear_cross_entropy(input, weights, Some(bias.clone()), targets, None);
    let gradient = values(bias.grad(&loss.clone().backward()).unwrap());
    assert!((values(loss)[0] - (1.0 + 1_f64.exp()).ln()).abs() < 1e-6);
    assert_eq!(gradient[1], 0.0);
}
