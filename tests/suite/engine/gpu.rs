//! The kernels of GPUs give what the CPU gives.

use burn::tensor::{Device, FloatDType};
use cross_backend_tests::{
    Operation, engine_runs, flex, on_every_gpu, relative_error, tolerance, without_whole_sequences,
};

use super::autodiff;
use super::case::{Case, Numbers};

/// As many cases as a GPU takes: it compiles kernels for each, and takes some of them unless
/// `EVERY_SCHEME` is set.
fn n_cases() -> u64 {
    if std::env::var_os("EVERY_SCHEME").is_some() { 300 } else { 5 }
}

fn check(device: &Device, run: impl Fn(&dyn Fn())) {
    let gpu = autodiff(device, FloatDType::F32);
    let cpu = autodiff(&flex(), FloatDType::F64);
    for seed in 0..n_cases() {
        let case = Case::random(&mut Numbers(seed));
        let expected = case.run(seed, &cpu);
        run(&|| {
            let before = engine_runs(Operation::SequenceKernels);
            let got = case.run(seed, &gpu);
            assert_eq!(engine_runs(Operation::SequenceKernels), before + 1, "{case:?}");
            for ((name, got), (_, expected)) in got.iter().zip(&expected) {
                let error = relative_error(got, expected);
                assert!(error <= tolerance(device), "{case:?}, seed {seed}, {name}: {error:.1e}");
            }
        });
    }
}

on_every_gpu! {
    fn random_cases_are_those_of_the_cpu(device: &Device) {
        check(device, |case| case());
    }

    fn random_cases_step_by_step_are_those_of_the_cpu(device: &Device) {
        check(device, |case| without_whole_sequences(case));
    }
}
