//! Penalties on activations, and their gradients, are those of AWD-LSTM's code.

use burn::tensor::{DType, Device, Tensor};
use burn_variational::rnn::Lengths;
use burn_variational::training::{activation_penalty, temporal_penalty};
use cross_backend_tests::{
    GoldenTensor, assert_close, flex, golden_cases, is_cpu, on_every_device,
};
use serde::Deserialize;

/// Five significant digits of f32 on every backend: sums of under a hundred squares.
const TOLERANCE: f64 = 1e-5;

#[derive(Debug, Deserialize)]
struct Case {
    name: String,
    alpha: f64,
    beta: f64,
    raw: GoldenTensor,
    output_mask: GoldenTensor,
    lengths: Option<Vec<usize>>,
    expected: Expected,
}

#[derive(Debug, Deserialize)]
struct Expected {
    ar: f64,
    tar: f64,
    grad_ar: GoldenTensor,
    grad_tar: GoldenTensor,
}

/// `[batch_size, seq_length, d]` of PyTorch's `[seq_length, batch_size, d]`.
fn batch_first(tensor: &GoldenTensor, device: &Device) -> Tensor<3> {
    tensor.on::<3>(device).swap_dims(0, 1)
}

fn check(case: &Case, device: &Device) {
    let lengths = |seq_length| {
        let lengths = case.lengths.clone();
        lengths.map(|lengths| Lengths::new(lengths, seq_length).unwrap())
    };
    let raw = batch_first(&case.raw, device).require_grad();
    let lengths = lengths(raw.dims()[1]);
    let mask = batch_first(&case.output_mask, device);
    let ar = activation_penalty(case.alpha, raw.clone() * mask, &lengths);
    let tar = temporal_penalty(case.beta, raw.clone(), &lengths);

    let terms = [
        (ar, case.expected.ar, &case.expected.grad_ar, "AR"),
        (tar, case.expected.tar, &case.expected.grad_tar, "TAR"),
    ];
    for (term, value, gradient, name) in terms {
        let what = format!("{}, {name}", case.name);
        assert_close(&term, &[value], TOLERANCE, &what);
        let got = raw.grad(&term.backward()).unwrap().swap_dims(0, 1);
        assert_close(&got, &gradient.values, TOLERANCE, format!("gradient of {what}"));
    }
}

on_every_device! {
    fn penalties_and_their_gradients_are_those_of_pytorch(device: &Device) {
        let cases: Vec<Case> = golden_cases("awd/penalties");
        let names: Vec<_> = cases.iter().map(|case| case.name.as_str()).collect();
        assert_eq!(names, ["window", "two steps", "lengths"]);
        for case in &cases {
            check(case, &device.clone().autodiff());
        }
    }

    fn padding_is_not_read_and_gets_no_gradient(device: &Device) {
        let device = device.clone().autodiff();
        let lengths = Lengths::new(vec![1, 2], 3).unwrap();
        let nothing = f32::NAN;
        let outputs = [[[2.0], [nothing], [nothing]], [[1.0], [4.0], [nothing]]];
        let outputs = Tensor::<3>::from_data(outputs, &device).require_grad();
        let ar = activation_penalty(3.0, outputs.clone(), &lengths);
        let tar = temporal_penalty(0.5, outputs.clone(), &lengths);
        assert_eq!(ar.clone().into_scalar::<f32>(), 3.0 * (4.0 + 1.0 + 16.0) / 3.0);
        assert_eq!(tar.clone().into_scalar::<f32>(), 0.5 * 9.0);
        let gradient = outputs.grad(&(ar + tar).backward()).unwrap().into_data();
        // 2 x of the activations, and ±3 of the one change there is.
        let expected = [4.0, 0.0, 0.0, 2.0 - 3.0, 8.0 + 3.0, 0.0];
        assert_eq!(gradient.iter::<f32>().collect::<Vec<_>>(), expected);
    }

    fn there_is_no_change_within_one_step(device: &Device) {
        let device = device.clone().autodiff();
        let penalty = |seq_length, lengths: Option<Lengths>| {
            let outputs = Tensor::<3>::ones([3, seq_length, 2], &device).require_grad();
            temporal_penalty(1.0, outputs * 5.0, &lengths).into_scalar::<f32>()
        };
        assert_eq!(penalty(1, None), 0.0);
        assert_eq!(penalty(1, Some(Lengths::full(3, 1))), 0.0);
        assert_eq!(penalty(4, Some(Lengths::new(vec![1; 3], 4).unwrap())), 0.0);
        if is_cpu(&device) {
            let double = Tensor::<3>::ones([3, 1, 2], (&device.inner(), DType::F64));
            let none = temporal_penalty(1.0, double, None);
            assert_eq!((none.dtype(), none.into_scalar::<f64>()), (DType::F64, 0.0));
        }
    }
}

#[test]
fn lengths_without_padding_change_nothing() {
    let values: Vec<f32> = (0..24_u8).map(|k| f32::from(k % 7) - 3.0).collect();
    let outputs = Tensor::<1>::from_floats(&*values, &flex()).reshape([2, 3, 4]);
    let full = Lengths::full(2, 3);
    let value = |penalty: Tensor<1>| penalty.into_scalar::<f32>();
    assert_eq!(
        value(activation_penalty(1.5, outputs.clone(), &full)),
        value(activation_penalty(1.5, outputs.clone(), None))
    );
    assert_eq!(
        value(temporal_penalty(1.5, outputs.clone(), &full)),
        value(temporal_penalty(1.5, outputs, None))
    );
}
