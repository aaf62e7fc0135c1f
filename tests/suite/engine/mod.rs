//! The sequence engine gives what plain tensor operations give: outputs, states and every
//! gradient, for whatever it is handed.

mod case;
mod cell_mask;
mod edges;
#[cfg(any(feature = "wgpu", feature = "cuda"))]
mod gpu;
mod losses;
mod refused;
mod side_by_side;
mod sizes;
mod vectors;

use std::ops::Range;

use burn::tensor::{Device, FloatDType};
use burn_variational::kernels::has_engine;
use cross_backend_tests::{
    Operation, engine_runs, flex, is_cpu, on_every_device, relative_error, without_engine,
};

use self::case::{Case, Masking, Numbers, Place, RECURRENCES};

/// A device with autodiff, and numbers of a type on it.
fn autodiff(device: &Device, dtype: FloatDType) -> Place {
    Place { device: device.clone().autodiff(), dtype }
}

/// The same in `f32`, with memory-bound operations computed once more in the backward pass.
fn checkpointing(device: &Device) -> Place {
    let device = device.clone().autodiff().gradient_checkpointing();
    Place { device, dtype: FloatDType::F32 }
}

/// Asserts that the engine runs a case and gives what plain operations give.
fn check(case: &Case, seed: u64, place: &Place) {
    let before = engine_runs(Operation::Sequence);
    let before_on_kernels = engine_runs(Operation::SequenceKernels);
    let engine = case.run(seed, place);
    assert_eq!(engine_runs(Operation::Sequence), before + 1, "{case:?}: the engine runs it");
    let on_kernels = engine_runs(Operation::SequenceKernels) > before_on_kernels;
    let has_kernels = !is_cpu(&place.device) && place.dtype == FloatDType::F32;
    assert_eq!(on_kernels, has_kernels, "{case:?}: the kernels of a GPU run it there");
    let plain = without_engine(|| case.run(seed, place));
    assert_eq!(engine_runs(Operation::Sequence), before + 1, "{case:?}: plain operations run it");
    for ((name, got), (_, expected)) in engine.iter().zip(&plain) {
        let error = relative_error(got, expected);
        let tolerance = place.tolerance();
        assert!(error <= tolerance, "{case:?}, seed {seed}, {name}: {error:.1e}");
    }
}

fn check_random_cases(device: &Device, seeds: Range<u64>, dtype: FloatDType) {
    let place = autodiff(device, dtype);
    for seed in seeds {
        check(&Case::random(&mut Numbers(seed)), seed, &place);
    }
}

#[test]
fn the_engine_gives_what_plain_operations_give_in_150_random_cases_in_f32() {
    check_random_cases(&flex(), 0..150, FloatDType::F32);
}

#[test]
fn the_engine_gives_what_plain_operations_give_in_150_random_cases_in_f64() {
    check_random_cases(&flex(), 1000..1150, FloatDType::F64);
}

/// Asserts that the engine gives what plain operations give, for all recurrences and masks.
fn check_every_recurrence(place: &Place) {
    for recurrence in RECURRENCES {
        for masking in [Masking::None, Masking::Tied, Masking::Untied] {
            let sizes = Case::of_size(recurrence, [3, 3, 5]);
            let case = Case { input: masking, recurrent: masking, ..sizes };
            check(&case, 7, place);
        }
    }
}

#[test]
fn half_precision_takes_the_engine_through_its_generic_body() {
    check_every_recurrence(&autodiff(&flex(), FloatDType::F16));
}

on_every_device! {
    // Only sequences are counted; the tests of the operations around them rest on this.
    fn every_operation_runs_on_the_engine_with_and_without_autodiff(device: &Device) {
        assert!(has_engine(device));
        assert!(has_engine(&device.clone().autodiff()));
    }

    fn every_recurrence_gives_what_plain_operations_give(device: &Device) {
        check_every_recurrence(&autodiff(device, FloatDType::F32));
    }

    fn checkpointed_gradients_are_those_of_plain_operations(device: &Device) {
        check_every_recurrence(&checkpointing(device));
    }
}
