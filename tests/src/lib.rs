//! What the cross-backend suite stands on: devices, golden values, an independent reference in
//! plain `f64`, and the measure of closeness.

mod closeness;
mod devices;
mod golden;
#[cfg(feature = "train")]
mod learner;
mod reference;

pub use burn_variational_kernels::testing::{
    Hardware, Operation, engine_runs, is_ruled_out, with_no_more_than, without_engine,
    without_kernels, without_whole_sequences,
};
#[cfg(any(feature = "wgpu", feature = "cuda"))]
pub use burn_variational_kernels::testing::{launched, launches};
pub use closeness::{
    CPU_ELEMENT_TOLERANCE, CPU_TOLERANCE, GPU_ELEMENT_TOLERANCE, GPU_TOLERANCE, assert_close,
    assert_elements_close, relative_error, tolerance,
};
pub use devices::{cuda, flex, is_cpu, ndarray, wgpu};
pub use golden::{
    Golden, GoldenCase, GoldenExpected, GoldenExpectedLayer, GoldenLayer, GoldenTensor,
    golden_cases, golden_folder, read_golden,
};
#[cfg(feature = "train")]
pub use learner::{LearnedModel, assert_step, learned};
pub use reference::{
    Cell, Reference, ReferenceBatch, ReferenceMask, ReferenceMasks, ReferenceOutput, ReferenceSites,
};

/// One test for each backend that is compiled in, named `test_name::backend`.
#[macro_export]
macro_rules! on_every_device {
    ($(fn $name:ident($device:ident: &Device) $body:block)+) => {$(
        mod $name {
            /// Apart from the tests, whose names would hide what the body calls.
            mod body {
                #[allow(unused_imports, reason = "some tests need nothing of their file")]
                use super::super::*;

                pub(super) fn on_device($device: &Device) $body
            }

            #[cfg(feature = "flex")]
            #[test]
            fn flex() {
                body::on_device(&$crate::flex());
            }

            #[cfg(feature = "ndarray")]
            #[test]
            fn ndarray() {
                body::on_device(&$crate::ndarray());
            }

            #[cfg(feature = "wgpu")]
            #[test]
            fn wgpu() {
                body::on_device(&$crate::wgpu());
            }

            #[cfg(feature = "cuda")]
            #[test]
            fn cuda() {
                body::on_device(&$crate::cuda());
            }
        }
    )+};
}

/// As [`on_every_device`], of a GPU.
#[macro_export]
macro_rules! on_every_gpu {
    ($(fn $name:ident($device:ident: &Device) $body:block)+) => {$(
        #[cfg(any(feature = "wgpu", feature = "cuda"))]
        mod $name {
            /// Apart from the tests, as in [`on_every_device`].
            mod body {
                #[allow(unused_imports, reason = "some tests need nothing of their file")]
                use super::super::*;

                pub(super) fn on_device($device: &Device) $body
            }

            #[cfg(feature = "wgpu")]
            #[test]
            fn wgpu() {
                body::on_device(&$crate::wgpu());
            }

            #[cfg(feature = "cuda")]
            #[test]
            fn cuda() {
                body::on_device(&$crate::cuda());
            }
        }
    )+};
}

/// One test for each backend that is compiled in, with the sequence engine and with plain tensor
/// operations: `test_name::engine::backend` and `test_name::plain::backend`. Where the engine has
/// kernels of a GPU, those of single steps and its generic body too: `test_name::steps::backend` and
/// `test_name::generic::backend`.
#[macro_export]
macro_rules! on_every_path {
    ($(fn $name:ident($device:ident: &Device) $body:block)+) => {$(
        mod $name {
            use burn::tensor::Device;

            /// What either path has to hold.
            mod either {
                #[allow(unused_imports, reason = "some tests need nothing of their file")]
                use super::super::*;

                pub(super) fn path($device: &Device) $body
            }

            $crate::on_every_device! {
                fn engine(device: &Device) {
                    let before = $crate::engine_runs($crate::Operation::Sequence);
                    let before_on_kernels = $crate::engine_runs($crate::Operation::SequenceKernels);
                    either::path(device);
                    assert!($crate::engine_runs($crate::Operation::Sequence) > before, "the engine ran");
                    let on_kernels = $crate::engine_runs($crate::Operation::SequenceKernels) > before_on_kernels;
                    assert_eq!(on_kernels, !$crate::is_cpu(device), "the kernels of a GPU ran there");
                }

                fn plain(device: &Device) {
                    let before = $crate::engine_runs($crate::Operation::Sequence);
                    $crate::without_engine(|| either::path(device));
                    assert_eq!($crate::engine_runs($crate::Operation::Sequence), before, "the engine did not run");
                }
            }

            $crate::on_every_gpu! {
                fn steps(device: &Device) {
                    let before = $crate::engine_runs($crate::Operation::SequenceKernels);
                    let before_whole = $crate::engine_runs($crate::Operation::WholeSequence);
                    $crate::without_whole_sequences(|| either::path(device));
                    assert!($crate::engine_runs($crate::Operation::SequenceKernels) > before, "kernels ran");
                    let whole = $crate::engine_runs($crate::Operation::WholeSequence);
                    assert_eq!(whole, before_whole, "none of a whole sequence");
                }

                fn generic(device: &Device) {
                    let before = $crate::engine_runs($crate::Operation::Sequence);
                    let before_on_kernels = $crate::engine_runs($crate::Operation::SequenceKernels);
                    $crate::without_kernels(|| either::path(device));
                    assert!($crate::engine_runs($crate::Operation::Sequence) > before, "the engine ran");
                    let on_kernels = $crate::engine_runs($crate::Operation::SequenceKernels);
                    assert_eq!(on_kernels, before_on_kernels, "without its kernels");
                }
            }
        }
    )+};
}
