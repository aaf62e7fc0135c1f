//! The kernels of GPUs give what the CPU gives.

use burn::tensor::{Device, FloatDType};
use burn_variational::kernels::Recurrence;
use cross_backend_tests::{
    Hardware, Operation, engine_runs, flex, on_every_gpu, relative_error, tolerance,
    with_no_more_than, without_whole_sequences,
};

use super::autodiff;
use super::case::{Case, Masking, Numbers, RECURRENCES};

/// As many cases as a GPU takes: it compiles kernels for each, and takes some of them unless
/// `EVERY_SCHEME` is set.
fn n_cases() -> u64 {
    if std::env::var_os("EVERY_SCHEME").is_some() { 300 } else { 5 }
}

/// How often kernels have run, and those of all steps among them.
fn runs() -> [usize; 2] {
    [Operation::SequenceKernels, Operation::WholeSequence].map(engine_runs)
}

fn check(device: &Device, whole: usize, run: impl Fn(&dyn Fn())) {
    let gpu = autodiff(device, FloatDType::F32);
    let cpu = autodiff(&flex(), FloatDType::F64);
    for seed in 0..n_cases() {
        let turn = seed as usize;
        let case = Case {
            recurrence: RECURRENCES[turn % RECURRENCES.len()],
            recurrent: [Masking::Tied, Masking::Untied, Masking::None][turn % 3],
            ..Case::random(&mut Numbers(seed))
        };
        let expected = case.run(seed, &cpu);
        run(&|| {
            let before = runs();
            let got = case.run(seed, &gpu);
            assert_eq!(runs(), [before[0] + 1, before[1] + whole], "{case:?}");
            for ((name, got), (_, expected)) in got.iter().zip(&expected) {
                let error = relative_error(got, expected);
                assert!(error <= tolerance(device), "{case:?}, seed {seed}, {name}: {error:.1e}");
            }
        });
    }
}

/// Asserts that a case gives what the CPU gives on a GPU that is taken to have no more than this, and
/// by which kernels.
fn check_on(device: &Device, case: Case, hardware: Hardware, expected: [usize; 2]) {
    let [cpu, gpu] = [(&flex(), FloatDType::F64), (device, FloatDType::F32)]
        .map(|(device, dtype)| autodiff(device, dtype));
    let before = runs();
    let found = with_no_more_than(hardware, || case.run(1, &gpu));
    let ran = [runs()[0] - before[0], runs()[1] - before[1]];
    assert_eq!(ran, expected, "{case:?} with {hardware:?}");
    for ((name, found), (_, expected)) in found.iter().zip(&case.run(1, &cpu)) {
        let error = relative_error(found, expected);
        assert!(error <= tolerance(device), "{case:?} with {hardware:?}, {name}: {error:.1e}");
    }
}

on_every_gpu! {
    fn a_gpu_that_lacks_what_a_kernel_needs_takes_the_next_path(device: &Device) {
        const ENOUGH: usize = 1 << 14;
        let [after, before] = [true, false].map(|reset_after| Recurrence::Gru { reset_after });
        for recurrence in [Recurrence::Lstm, after, before, Recurrence::Rnn] {
            let on = |max_bindings, max_shared_memory, expected| {
                let hardware = Hardware { max_bindings, max_shared_memory, ..Hardware::ALL };
                check_on(device, Case::of_size(recurrence, [3, 4, 5]), hardware, expected);
            };
            // All steps in one kernel, kernels of single steps, and none.
            let (whole, steps, generic) = ([1, 1], [1, 0], [0, 0]);
            on(9, ENOUGH, whole);
            on(8, ENOUGH, if recurrence == after { steps } else { whole });
            on(8, 16, steps);
            on(7, ENOUGH, generic);
        }
    }

    fn a_workgroup_takes_several_rows_and_more_units_than_it_has(device: &Device) {
        let one_processor = Hardware { processors: 1, ..Hardware::ALL };
        let [after, before] = [true, false].map(|reset_after| Recurrence::Gru { reset_after });
        // Of five rows a workgroup takes four, and of three two: the last is not full.
        for (recurrence, sizes) in [
            (Recurrence::Lstm, [5, 3, 33]),
            (after, [5, 3, 260]),
            (before, [5, 3, 260]),
            (Recurrence::Rnn, [5, 3, 300]),
            (Recurrence::Lstm, [3, 2, 256]),
        ] {
            check_on(device, Case::of_size(recurrence, sizes), one_processor, [1, 1]);
        }
    }

    fn random_cases_are_those_of_the_cpu(device: &Device) {
        check(device, 1, |case| case());
    }

    fn random_cases_step_by_step_are_those_of_the_cpu(device: &Device) {
        check(device, 0, |case| without_whole_sequences(case));
    }
}
