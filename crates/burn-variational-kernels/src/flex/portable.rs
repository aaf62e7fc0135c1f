//! On processors that have more, the portable path gives nearly what the vectorised one gives.

use std::sync::atomic::Ordering;
use std::sync::{LazyLock, PoisonError, RwLock};

use burn::tensor::{Device, FloatDType, Int, Tensor, TensorData};

use super::numbers::PORTABLE;
use crate::{
    Projection, Recurrence, Sequence, SequenceMasks, UnitMask, linear_cross_entropy, squared_norm,
    subtract_scaled,
};

/// Held by whoever relies on the path staying as it is.
pub(super) static PATH: RwLock<()> = RwLock::new(());

const STEPS: usize = 4;
const ROWS: usize = 5;
const UNITS: usize = 70;

/// As many as a prime: no width of a layer is a multiple of it, so that no two rows are alike.
static NUMBERS: LazyLock<[f64; 4093]> =
    LazyLock::new(|| std::array::from_fn(|k| ((k + 1) as f64 * 2.3).sin() * 0.6));

pub(super) fn numbers<const D: usize>(
    dims: [usize; D],
    device: &Device,
    dtype: FloatDType,
) -> Tensor<D> {
    let n = dims.iter().product();
    let data = if dtype == FloatDType::F32 {
        TensorData::new(repeated(n, |x| x as f32), dims)
    } else {
        TensorData::new(repeated(n, |x| x), dims)
    };
    Tensor::from_data(data, (device, dtype.into()))
}

/// So many numbers, the first again after the last.
fn repeated<T: Copy>(n: usize, of: impl Fn(f64) -> T) -> Vec<T> {
    let mut values = NUMBERS.map(of).repeat(n.div_ceil(NUMBERS.len()));
    values.truncate(n);
    values
}

pub(super) fn values<const D: usize>(tensor: Tensor<D>) -> Vec<f64> {
    tensor.into_data().iter().collect()
}

/// Outputs and gradients of a layer whose inputs and recurrence have masks, and whose steps have
/// all that the recurrence has a use for, others at every step.
fn of_layer(recurrence: Recurrence, tied: bool, dtype: FloatDType) -> Vec<f64> {
    let device = Device::flex().autodiff();
    let n_gates = recurrence.n_gates();
    let width = n_gates * UNITS;
    let masks = || {
        if tied {
            SequenceMasks::Tied(numbers([ROWS, UNITS], &device, dtype))
        } else {
            SequenceMasks::Untied(numbers([n_gates, ROWS, UNITS], &device, dtype))
        }
    };
    let input = numbers([STEPS, ROWS, UNITS], &device, dtype);
    let weights = numbers([UNITS, width], &device, dtype).require_grad();
    let recurrent = numbers([UNITS, width], &device, dtype).mul_scalar(0.3).require_grad();
    let state = numbers([ROWS, UNITS], &device, dtype);
    let mut sequence =
        Sequence::new(recurrence, recurrent.clone(), state.clone()).with_masks(masks());
    let unit_mask = || UnitMask::PerStep(numbers([STEPS * ROWS, UNITS], &device, dtype));
    sequence = sequence.with_hidden_zoneout(unit_mask());
    if recurrence != Recurrence::Rnn {
        sequence = sequence.with_candidate_mask(unit_mask());
    }
    if recurrence.has_cell() {
        sequence = sequence.with_cell(state);
        sequence = sequence.with_cell_mask(unit_mask()).with_cell_zoneout(unit_mask());
        sequence = sequence.with_hidden_mask(unit_mask());
    }
    let projection = Projection::new(weights.clone()).with_masks(masks());
    let outputs = sequence.run(projection.run(input)).outputs;
    let grads = outputs.clone().square().sum().backward();
    let gradients = [weights, recurrent].map(|weights| values(weights.grad(&grads).unwrap()));
    [values(outputs), gradients.concat()].concat()
}

/// Losses and gradients of an output layer.
fn of_losses(dtype: FloatDType) -> Vec<f64> {
    let device = Device::flex().autodiff();
    // Logits neither small nor far apart: there rounding once or twice makes no difference.
    let input = numbers([ROWS, UNITS], &device, dtype).mul_scalar(3.0).require_grad();
    let weights = numbers([UNITS, 37], &device, dtype).require_grad();
    let targets = Tensor::<1, Int>::from_data([0, 36, 7, 7, 20], &device);
    let losses = linear_cross_entropy(input.clone(), weights.clone(), None, targets, None);
    let grads = losses.clone().sum().backward();
    let gradients = [input, weights].map(|tensor| values(tensor.grad(&grads).unwrap()));
    [values(losses), gradients.concat()].concat()
}

/// A norm and a difference.
fn of_vectors(dtype: FloatDType) -> Vec<f64> {
    let device = Device::flex();
    let a = numbers([ROWS, UNITS], &device, dtype);
    let norm = values(squared_norm(a.clone()));
    let difference = subtract_scaled(a, numbers([ROWS, UNITS], &device, dtype) * 0.7, 0.3);
    [norm, values(difference)].concat()
}

/// Asserts that the portable path gives nearly the same, and that it was another.
fn check(name: &str, dtype: FloatDType, run: impl Fn() -> Vec<f64>) {
    let vectorised = run();
    PORTABLE.store(true, Ordering::Relaxed);
    let portable = run();
    PORTABLE.store(false, Ordering::Relaxed);
    let scale = vectorised.iter().fold(0.0_f64, |scale, x| scale.max(x.abs()));
    // Two roundings where the other has one.
    let tolerance = if dtype == FloatDType::F64 { 1e-13 } else { 1e-5 };
    for (got, expected) in portable.iter().zip(&vectorised) {
        let error = (got - expected).abs() / scale;
        assert!(error <= tolerance, "{name}, {dtype:?}: {error:e}");
    }
    let fused = !matches!(pulp::Arch::new(), pulp::Arch::Scalar);
    assert_eq!(portable != vectorised, fused, "{name}, {dtype:?}: the path");
}

#[test]
fn the_portable_path_gives_what_the_vectorised_one_gives() {
    let _path = PATH.write().unwrap_or_else(PoisonError::into_inner);
    for dtype in [FloatDType::F32, FloatDType::F64] {
        for recurrence in [
            Recurrence::Lstm,
            Recurrence::Gru { reset_after: true },
            Recurrence::Gru { reset_after: false },
            Recurrence::Rnn,
        ] {
            for tied in [true, false] {
                let name = format!("{recurrence:?}, tied {tied}");
                check(&name, dtype, || of_layer(recurrence, tied, dtype));
            }
        }
        check("losses", dtype, || of_losses(dtype));
        check("vectors", dtype, || of_vectors(dtype));
    }
}
