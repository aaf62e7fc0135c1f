//! The mask on the carried cell, which no layer draws: `RNNDrop` (Moon et al. 2015).

use burn::tensor::activation::sigmoid;
use burn::tensor::{Device, FloatDType, Tensor};
use burn_variational::kernels::{Recurrence, Sequence, UnitMask};
use cross_backend_tests::{flex, on_every_device, relative_error};

use super::autodiff;
use super::case::{Numbers, Place, values};

const STEPS: usize = 4;
const ROWS: usize = 3;
const D_HIDDEN: usize = 6;

fn check(place: &Place) {
    let mut numbers = Numbers(8);
    let width = 4 * D_HIDDEN;
    let projected = numbers.tensor([STEPS, ROWS, width], 1.0, place).require_grad();
    let recurrent = numbers.tensor([D_HIDDEN, width], 0.5, place).require_grad();
    let hidden = numbers.tensor([ROWS, D_HIDDEN], 1.0, place).require_grad();
    let cell = numbers.tensor([ROWS, D_HIDDEN], 1.0, place).require_grad();
    let kept: Vec<f64> = (0..ROWS * D_HIDDEN).map(|k| f64::from(k % 3 != 0)).collect();
    let mask = place.tensor(kept, [ROWS, D_HIDDEN]);

    let sequence = Sequence::new(Recurrence::Lstm, recurrent.clone(), hidden.clone())
        .with_cell(cell.clone())
        .with_cell_mask(UnitMask::Repeated(mask.clone()));
    let found = sequence.run(projected.clone());

    let (mut h, mut c, mut outputs) = (hidden.clone(), cell.clone(), Vec::new());
    for t in 0..STEPS {
        let x = projected.clone().slice_dim(0, t..t + 1).squeeze_dim::<2>(0);
        let gates = (x + h.matmul(recurrent.clone())).chunk(4, 1);
        let [i, f, g, o]: [Tensor<2>; 4] = gates.try_into().unwrap();
        c = (sigmoid(f) * c + sigmoid(i) * g.tanh()) * mask.clone();
        h = sigmoid(o) * c.clone().tanh();
        outputs.push(h.clone());
    }
    let expected = Tensor::stack::<3>(outputs, 0);

    let results = |outputs: Tensor<3>, last_cell: Tensor<2>| {
        let grads = (outputs.clone().square().sum() + last_cell.clone().sum()).backward();
        [
            ("outputs", values(outputs)),
            ("cell", values(last_cell)),
            ("d_projected", values(projected.grad(&grads).unwrap())),
            ("d_U", values(recurrent.grad(&grads).unwrap())),
            ("d_hidden", values(hidden.grad(&grads).unwrap())),
            ("d_cell", values(cell.grad(&grads).unwrap())),
        ]
    };
    let found = results(found.outputs, found.cell.unwrap());
    for ((name, got), (_, expected)) in found.iter().zip(&results(expected, c)) {
        let error = relative_error(got, expected);
        assert!(error <= place.tolerance(), "{name}: {error:.1e}");
    }
}

on_every_device! {
    fn a_mask_on_the_carried_cell_is_that_of_rnn_drop(device: &Device) {
        check(&autodiff(device, FloatDType::F32));
    }
}

#[test]
fn a_mask_on_the_carried_cell_is_that_of_rnn_drop_in_f64_and_f16() {
    for dtype in [FloatDType::F64, FloatDType::F16] {
        check(&autodiff(&flex(), dtype));
    }
}
