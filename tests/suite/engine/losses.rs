//! The operations around a sequence give what plain tensor operations give.

use burn::nn::loss::CrossEntropyLossConfig;
use burn::tensor::{Device, FloatDType, Int, Tensor, module};
use burn_variational::kernels::{cross_entropy, embedding, linear, squared_norm, subtract_scaled};
use cross_backend_tests::{assert_close, flex, on_every_device, relative_error, tolerance};

use super::autodiff;
use super::case::{Numbers, values};

const ROWS: usize = 7;
const N_CLASSES: usize = 37;

on_every_device! {
    fn the_cross_entropy_is_that_of_burn(device: &Device) {
        let place = autodiff(device, FloatDType::F32);
        let logits = Numbers(1).tensor([ROWS, N_CLASSES], 9.0, &place).require_grad();
        let targets: Vec<i32> = (0..7).map(|row| row * 5 % 37).collect();
        let targets = Tensor::<1, Int>::from_data(targets.as_slice(), &place.device);

        let losses = cross_entropy(logits.clone(), targets.clone());
        assert_eq!(losses.dims(), [ROWS]);
        let mean = losses.mean();
        let expected = CrossEntropyLossConfig::new().init(&place.device);
        let expected = expected.forward(logits.clone(), targets);
        assert_close(&mean, &values(expected.clone()), tolerance(device), "loss");
        let gradient = |loss: Tensor<1>| values(logits.grad(&loss.backward()).unwrap());
        let error = relative_error(&gradient(mean), &gradient(expected));
        assert!(error <= tolerance(device), "gradient: {error:.1e}");
    }

    fn a_linear_layer_is_that_of_burn(device: &Device) {
        let place = autodiff(device, FloatDType::F32);
        let mut numbers = Numbers(2);
        let input = numbers.tensor([ROWS, 5], 1.0, &place).require_grad();
        let weights = numbers.tensor([5, N_CLASSES], 1.0, &place).require_grad();
        let bias = numbers.tensor([N_CLASSES], 1.0, &place).require_grad();
        let results = |output: Tensor<2>| {
            let grads = output.clone().square().sum().backward();
            [
                values(output),
                values(input.grad(&grads).unwrap()),
                values(weights.grad(&grads).unwrap()),
                values(bias.grad(&grads).unwrap()),
            ]
        };
        let found = results(linear(input.clone(), weights.clone(), Some(bias.clone())));
        let plain = module::linear(input.clone(), weights.clone(), Some(bias.clone()));
        for (got, expected) in found.iter().zip(&results(plain)) {
            assert!(relative_error(got, expected) <= tolerance(device));
        }
    }

    fn an_embedding_and_its_gradient_are_those_of_burn(device: &Device) {
        let place = autodiff(device, FloatDType::F32);
        let weights = Numbers(4).tensor([6, 5], 1.0, &place).require_grad();
        // One type twice in a row, one in both rows, and two nowhere.
        let tokens = Tensor::<2, Int>::from_data([[1, 1, 3], [3, 0, 5]], &place.device);
        let scale = Numbers(5).tensor([2, 3, 5], 1.0, &place);
        let results = |rows: Tensor<3>| {
            let grads = (rows.clone() * scale.clone()).sum().backward();
            [values(rows), values(weights.grad(&grads).unwrap())]
        };
        let found = results(embedding(weights.clone(), tokens.clone()));
        let plain = results(module::embedding(weights.clone(), tokens));
        for (got, expected) in found.iter().zip(&plain) {
            assert!(relative_error(got, expected) <= tolerance(device));
        }
    }

    fn a_scaled_difference_leaves_its_operands_as_they_are(device: &Device) {
        let place = autodiff(device, FloatDType::F32);
        let (a, b) = (Numbers(6).tensor([7, 9], 1.0, &place), Numbers(7).tensor([7, 9], 1.0, &place));
        let (left, right) = (values(a.clone()), values(b.clone()));
        let expected: Vec<f64> = left.iter().zip(&right).map(|(a, b)| a - 0.3 * b).collect();
        let difference = subtract_scaled(a.clone(), b.clone(), 0.3);
        assert_close(&difference, &expected, tolerance(device), "difference");
        assert_eq!((values(a), values(b)), (left, right));
    }

    fn the_squared_norm_is_the_sum_of_squares(device: &Device) {
        let place = autodiff(device, FloatDType::F32);
        let tensor = Numbers(3).tensor([40, 1000], 1.0, &place);
        let exact: f64 = values(tensor.clone()).iter().map(|x| x * x).sum();
        assert_close(&squared_norm(tensor), &[exact], tolerance(device), "squared norm");
    }
}

#[test]
fn a_class_ruled_out_has_probability_zero() {
    let place = autodiff(&flex(), FloatDType::F32);
    let logits = place.tensor(vec![1.0, f64::NEG_INFINITY, 2.0], [1, 3]).require_grad();
    let targets = Tensor::<1, Int>::from_data([0], &place.device);
    let loss = cross_entropy(logits.clone(), targets);
    let gradient = values(logits.grad(&loss.clone().backward()).unwrap());
    assert!((values(loss)[0] - (1.0 + 1_f64.exp()).ln()).abs() < 1e-6);
    assert_eq!(gradient[1], 0.0);
}

#[test]
#[should_panic(expected = "cross_entropy: targets must be in 0..3, got 3")]
fn a_target_that_is_no_class_is_refused() {
    let device = flex();
    let targets = Tensor::<1, Int>::from_data([3], &device);
    let _ = cross_entropy(Tensor::zeros([1, 3], &device), targets);
}

#[test]
#[should_panic(expected = "got [2, 3] and [1]")]
fn targets_for_another_number_of_rows_are_refused() {
    let device = flex();
    let targets = Tensor::<1, Int>::from_data([0], &device);
    let _ = cross_entropy(Tensor::zeros([2, 3], &device), targets);
}
