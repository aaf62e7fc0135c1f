//! Every bit is the same for any number of threads.

use std::sync::{LazyLock, PoisonError};

use burn::tensor::{Device, FloatDType, Int, Tensor, TensorData};
use rayon::{ThreadPool, ThreadPoolBuilder};

use super::portable::{PATH, numbers};
use crate::{
    Projection, Recurrence, Sequence, SequenceMasks, SequenceSteps, UnitMask, linear_cross_entropy,
};

const THREADS: [usize; 6] = [1, 2, 3, 4, 8, 16];
static POOLS: LazyLock<[ThreadPool; THREADS.len()]> = LazyLock::new(|| {
    THREADS.map(|n_threads| ThreadPoolBuilder::new().num_threads(n_threads).build().unwrap())
});

const BATCH_SIZES: [usize; 7] = [1, 2, 3, 5, 8, 20, 64];
const RECURRENCES: [Recurrence; 4] = [
    Recurrence::Lstm,
    Recurrence::Gru { reset_after: true },
    Recurrence::Gru { reset_after: false },
    Recurrence::Rnn,
];

type UnitMasks = Option<fn(Tensor<2>) -> UnitMask>;

#[derive(Debug, Clone, Copy)]
struct Case {
    recurrence: Recurrence,
    /// Steps, batch size, width of the input and units.
    dims: [usize; 4],
    /// How many of the rows each step has.
    steps: fn(SequenceSteps) -> SequenceSteps,
    /// Masks for each gate, for all of them, or none.
    tied: Option<bool>,
    /// Whether these are others at every step.
    per_step: bool,
    /// Masks on what a step computes: the same at every step, others at each, or none.
    unit_masks: UnitMasks,
    dtype: FloatDType,
}

impl Case {
    /// Rows of the same length.
    fn without_masks(recurrence: Recurrence, dims: [usize; 4], dtype: FloatDType) -> Self {
        let steps = |regular| regular;
        Self { recurrence, dims, steps, tied: None, per_step: false, unit_masks: None, dtype }
    }
}

/// Outputs and all gradients of a layer.
fn run(case: Case) -> Vec<TensorData> {
    let Case { recurrence, dims, steps, tied, per_step, unit_masks, dtype } = case;
    let [seq_length, batch_size, d_input, d_hidden] = dims;
    let steps = steps(SequenceSteps::regular(seq_length, batch_size));
    let device = Device::flex().autodiff();
    let n_gates = recurrence.n_gates();
    let n_masked = if per_step { steps.n_rows() } else { batch_size };
    let of_all = |units: usize| numbers([n_masked, units], &device, dtype);
    let of_each = |units: usize| numbers([n_gates, n_masked, units], &device, dtype);
    let masks = |units: usize| match (tied, per_step) {
        (None, _) => SequenceMasks::Identity,
        (Some(true), false) => SequenceMasks::Tied(of_all(units)),
        (Some(true), true) => SequenceMasks::TiedPerStep(of_all(units)),
        (Some(false), false) => SequenceMasks::Untied(of_each(units)),
        (Some(false), true) => SequenceMasks::UntiedPerStep(of_each(units)),
    };
    let parameter = |dims: [usize; 2]| numbers(dims, &device, dtype).mul_scalar(0.3).require_grad();
    let input = numbers([steps.n_rows(), d_input], &device, dtype).require_grad();
    let weights = parameter([d_input, n_gates * d_hidden]);
    let bias = numbers([n_gates * d_hidden], &device, dtype).require_grad();
    let recurrent = parameter([d_hidden, n_gates * d_hidden]);
    let state = parameter([batch_size, d_hidden]);

    let projection = Projection::new(weights.clone()).with_bias(bias.clone());
    let projected = projection.with_masks(masks(d_input)).run_packed(input.clone(), &steps);
    let mut sequence = Sequence::new(recurrence, recurrent.clone(), state.clone());
    if recurrence.has_cell() {
        sequence = sequence.with_cell(state.clone());
    }
    if let Some(unit_mask) = unit_masks {
        let n_rows = match unit_mask(state.clone()) {
            UnitMask::Repeated(_) => batch_size,
            UnitMask::PerStep(_) => steps.n_rows(),
        };
        let mask = || unit_mask(numbers([n_rows, d_hidden], &device, dtype));
        sequence = sequence.with_hidden_zoneout(mask());
        if recurrence != Recurrence::Rnn {
            sequence = sequence.with_candidate_mask(mask());
        }
        if recurrence.has_cell() {
            sequence = sequence.with_cell_mask(mask()).with_cell_zoneout(mask());
            sequence = sequence.with_hidden_mask(mask());
        }
    }
    let outputs = sequence.with_masks(masks(d_hidden)).run_packed(projected, &steps).outputs;
    let grads = outputs.clone().square().sum().backward();
    let mut found = vec![outputs.into_data(), input.grad(&grads).unwrap().into_data()];
    found.push(bias.grad(&grads).unwrap().into_data());
    for parameter in [weights, recurrent, state] {
        found.push(parameter.grad(&grads).unwrap().into_data());
    }
    found
}

/// Asserts that `run` gives the same for any number of threads.
fn check(name: &str, run: impl Fn() -> Vec<TensorData> + Sync) {
    let _path = PATH.read().unwrap_or_else(PoisonError::into_inner);
    let mut found = THREADS.iter().zip(POOLS.iter().map(|pool| pool.install(&run)));
    let (_, alone) = found.next().expect("one thread comes first");
    assert!(alone.iter().flat_map(TensorData::iter::<f64>).all(f64::is_finite), "{name}");
    for (n_threads, found) in found {
        let others = found.iter().zip(&alone).filter(|(a, b)| a.as_bytes() != b.as_bytes());
        assert_eq!(others.count(), 0, "{name}: tensors that differ on {n_threads} threads");
    }
}

/// All recurrences and these batch sizes, for so many steps and these widths of the input and units.
/// Masks take turns: each is met by every recurrence.
fn check_layers(
    seq_length: usize,
    batch_sizes: &[usize],
    [d_input, d_hidden]: [usize; 2],
    dtypes: &[FloatDType],
) {
    let mut masks = [None, Some(true), Some(false)].into_iter().cycle();
    for recurrence in RECURRENCES {
        for &batch_size in batch_sizes {
            for &dtype in dtypes {
                let tied = masks.next().expect("it cycles");
                let dims = [seq_length, batch_size, d_input, d_hidden];
                let case = Case { tied, ..Case::without_masks(recurrence, dims, dtype) };
                check(&format!("{case:?}"), || run(case));
            }
        }
    }
}

#[test]
fn layers_whose_weights_fit_the_cache_have_the_same_bits_on_any_number_of_threads() {
    check_layers(1, &BATCH_SIZES, [45, 70], &[FloatDType::F32, FloatDType::F64]);
    check_layers(20, &BATCH_SIZES, [45, 70], &[FloatDType::F32, FloatDType::F64]);
}

#[test]
fn narrow_layers_have_the_same_bits_on_any_number_of_threads() {
    check_layers(20, &BATCH_SIZES, [600, 30], &[FloatDType::F32, FloatDType::F64]);
    check_layers(1, &BATCH_SIZES, [3, 5], &[FloatDType::F32, FloatDType::F64]);
}

#[test]
fn layers_whose_weights_do_not_fit_have_the_same_bits_on_any_number_of_threads() {
    // More units than `gemm` sums up at a time.
    check_layers(1, &[1, 3, 20, 64], [520, 520], &[FloatDType::F32]);
    check_layers(3, &BATCH_SIZES, [300, 280], &[FloatDType::F32, FloatDType::F64]);
}

/// Rows that end one after the other, walked backwards.
fn ending(steps: SequenceSteps) -> SequenceSteps {
    let (seq_length, batch_size) = (steps.seq_length(), steps.batch_size());
    let n_at = |t: usize| batch_size - t * (batch_size - 1) / seq_length;
    SequenceSteps::packed(&(0..seq_length).map(n_at).collect::<Vec<_>>()).backwards()
}

#[test]
fn sequences_of_different_lengths_have_the_same_bits_on_any_number_of_threads() {
    for recurrence in RECURRENCES {
        for dims in [[20, 64, 45, 70], [9, 40, 30, 150], [7, 20, 300, 280]] {
            for tied in [None, Some(true), Some(false)] {
                let case = Case::without_masks(recurrence, dims, FloatDType::F32);
                let case = Case { steps: ending, tied, ..case };
                check(&format!("{case:?}"), || run(case));
            }
        }
    }
}

#[test]
fn masks_of_every_kind_have_the_same_bits_on_any_number_of_threads() {
    let unit_masks: [UnitMasks; 3] = [None, Some(UnitMask::Repeated), Some(UnitMask::PerStep)];
    for recurrence in RECURRENCES {
        for dims in [[1, 20, 45, 70], [9, 40, 30, 150], [4, 20, 300, 280]] {
            for (k, unit_masks) in unit_masks.into_iter().enumerate() {
                let (tied, per_step) = (Some(k != 1), k != 1);
                for steps in [|regular| regular, ending] {
                    let case = Case::without_masks(recurrence, dims, FloatDType::F32);
                    let case = Case { steps, tied, per_step, unit_masks, ..case };
                    check(&format!("{case:?}"), || run(case));
                }
            }
        }
        // With a mask for each gate, others at every step.
        let case = Case::without_masks(recurrence, [5, 20, 33, 130], FloatDType::F64);
        let unit_masks: UnitMasks = Some(UnitMask::PerStep);
        let case = Case { steps: ending, tied: Some(false), per_step: true, unit_masks, ..case };
        check(&format!("{case:?}"), || run(case));
    }
}

#[test]
fn losses_have_the_same_bits_on_any_number_of_threads() {
    let device = Device::flex().autodiff();
    for rows in BATCH_SIZES {
        for [d_input, n_classes] in [[600, 3], [30, 1000], [700, 300]] {
            for dtype in [FloatDType::F32, FloatDType::F64] {
                check(&format!("{rows} rows, {d_input} to {n_classes}, {dtype:?}"), || {
                    let input = numbers([rows, d_input], &device, dtype).require_grad();
                    let weights = numbers([d_input, n_classes], &device, dtype).require_grad();
                    let targets = Tensor::<1, Int>::zeros([rows], &device);
                    let losses =
                        linear_cross_entropy(input.clone(), weights.clone(), None, targets, None);
                    let grads = losses.clone().sum().backward();
                    let gradients =
                        [input, weights].map(|tensor| tensor.grad(&grads).unwrap().into_data());
                    [vec![losses.into_data()], gradients.to_vec()].concat()
                });
            }
        }
    }
}
