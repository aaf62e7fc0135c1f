//! The kernels of GPUs in half precision. A binary of its own: the software Vulkan that the suite runs
//! on has no f16.

#[allow(dead_code, reason = "the suite runs more of it")]
#[path = "suite/engine/case.rs"]
mod case;

use burn::tensor::{Device, FloatDType, Tensor};
use burn_variational::kernels::Recurrence;
use cross_backend_tests::{
    Operation, engine_runs, flex, on_every_gpu, relative_error, without_whole_sequences,
};

use case::{Case, Masking, Place, RECURRENCES, Results};

fn place(device: &Device, dtype: FloatDType) -> Place {
    Place { device: device.clone().autodiff(), dtype }
}

/// How often kernels have run, and those of all steps among them.
fn runs() -> [usize; 2] {
    [Operation::SequenceKernels, Operation::WholeSequence].map(engine_runs)
}

/// A device in half precision.
///
/// # Panics
///
/// If it has none.
fn half(device: &Device) -> Place {
    let half = place(device, FloatDType::F16);
    let probe = || {
        let two = half.tensor(vec![2.0], [1]);
        Tensor::<1>::into_scalar::<f32>(two.clone() * two)
    };
    let found = std::panic::catch_unwind(std::panic::AssertUnwindSafe(probe));
    assert!(
        found.is_ok_and(|found| found == 4.0),
        "{device:?} has no f16: install a driver that has, as .ci/half-precision does on Debian"
    );
    half
}

/// Asserts that a case on a GPU gives what the CPU gives in `f64`, and by which kernels.
fn check(case: Case, half: &Place, run: impl FnOnce() -> Results, kernels: [usize; 2]) {
    let before = runs();
    let found = run();
    let ran = [runs()[0] - before[0], runs()[1] - before[1]];
    assert_eq!(ran, kernels, "{case:?}");
    for ((name, found), (_, expected)) in
        found.iter().zip(&case.run(1, &place(&flex(), FloatDType::F64)))
    {
        let error = relative_error(found, expected);
        assert!(error <= half.tolerance(), "{case:?} by {kernels:?}, {name}: {error:.1e}");
    }
}

fn check_every_masking(recurrence: Recurrence, half: &Place) {
    for masking in [Masking::None, Masking::Tied, Masking::Untied] {
        let sizes = Case::of_size(recurrence, [3, 4, 5]);
        let case = Case { input: masking, recurrent: masking, ..sizes };
        check(case, half, || case.run(1, half), [1, 1]);
        check(case, half, || without_whole_sequences(|| case.run(1, half)), [1, 0]);
    }
}

on_every_gpu! {
    fn half_precision_is_that_of_the_cpu_by_either_kind_of_kernels(device: &Device) {
        let half = half(device);
        for recurrence in RECURRENCES {
            check_every_masking(recurrence, &half);
        }
    }
}
