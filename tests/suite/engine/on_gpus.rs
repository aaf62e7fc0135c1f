//! The kernels of a GPU give what the CPU gives.

use burn::tensor::{Device, FloatDType};
use cross_backend_tests::{Operation, engine_runs, flex, on_every_gpu, relative_error, tolerance};

use super::autodiff;
use super::case::{Case, Numbers};

/// As many cases as a GPU takes: it compiles kernels for each, and takes some of them unless
/// `EVERY_SCHEME` is set (`.ci/every-scheme`).
fn n_random_cases() -> u64 {
    if std::env::var_os("EVERY_SCHEME").is_some() { 300 } else { 20 }
}

on_every_gpu! {
    fn the_kernels_give_what_the_cpu_gives_in_random_cases(device: &Device) {
        let gpu = autodiff(device, FloatDType::F32);
        let cpu = autodiff(&flex(), FloatDType::F64);
        for seed in 0..n_random_cases() {
            let case = Case::random(&mut Numbers(seed));
            let before = engine_runs(Operation::SequenceKernels);
            let got = case.run(seed, &gpu);
            assert_eq!(engine_runs(Operation::SequenceKernels), before + 1, "{case:?}");
            for ((name, got), (_, expected)) in got.iter().zip(&case.run(seed, &cpu)) {
                let error = relative_error(got, expected);
                assert!(error <= tolerance(device), "{case:?}, seed {seed}, {name}: {error:.1e}");
            }
        }
    }
}
