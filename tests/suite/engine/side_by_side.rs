//! Two tensors side by side, to the bit: nothing is computed.

use burn::tensor::{Device, FloatDType, Tensor, TensorData};
use burn_variational::kernels::side_by_side;
use burn_variational::prelude::*;
use cross_backend_tests::{Operation, engine_runs, flex, on_every_device};

use crate::gradients::numbers;

/// What is done to two tensors of these widths, forward and backward.
fn results(
    join: impl Fn(Tensor<3>, Tensor<3>) -> Tensor<3>,
    [steps, rows, left, right]: [usize; 4],
    (device, dtype): (&Device, FloatDType),
) -> [TensorData; 3] {
    let tensor = |width: usize, salt: f64| {
        let dims = [steps, rows, width];
        let data = TensorData::new(numbers(dims.iter().product(), salt), dims);
        Tensor::<3>::from_data(data, (device, dtype.into()))
    };
    let (a, b) = (tensor(left, 0.1).require_grad(), tensor(right, 0.7).require_grad());
    let both = join(a.clone(), b.clone());
    let gradients = (both.clone() * tensor(left + right, 0.4)).sum().backward();
    let [of_a, of_b] = [a, b].map(|parent| parent.grad(&gradients).expect("a gradient"));
    [both, of_a, of_b].map(|tensor| tensor.into_data())
}

fn check(dims: [usize; 4], place: (&Device, FloatDType)) {
    let before = engine_runs(Operation::SideBySide);
    let engine = results(side_by_side, dims, place);
    assert_eq!(engine_runs(Operation::SideBySide), before + 1, "the engine ran");
    assert_eq!(engine, results(|a, b| Tensor::cat(vec![a, b], 2), dims, place), "{dims:?}");
}

on_every_device! {
    fn two_tensors_side_by_side_are_their_concatenation(device: &Device) {
        let device = &device.clone().autodiff();
        // The last takes several threads, and does not divide among them.
        for dims in [[1, 1, 1, 1], [5, 3, 4, 7], [61, 9, 130, 257]] {
            check(dims, (device, FloatDType::F32));
        }
    }
}

#[test]
fn so_they_are_in_f64() {
    check([61, 9, 130, 257], (&flex().autodiff(), FloatDType::F64));
}

#[test]
fn directions_are_joined_by_the_engine() {
    let stack = VariationalGruConfig::new(3, 4, true).bidirectional().init(&flex());
    let before = engine_runs(Operation::SideBySide);
    let input = Tensor::<3>::ones([2, 5, 3], &flex());
    let _ = stack.forward(input, None, &stack.identity_masks());
    assert_eq!(engine_runs(Operation::SideBySide), before + 1);
}

#[test]
#[should_panic(expected = "side_by_side: right must have dims [2, 3, 5], got [2, 4, 5]")]
fn tensors_of_other_rows_are_refused() {
    let zeros = |rows| Tensor::<3>::zeros([2, rows, 5], &flex());
    let _ = side_by_side(zeros(3), zeros(4));
}
