//! The operations on Burn's runtime devices. `NdArray` is named here alone.

#![allow(deprecated, reason = "burn 0.22 deprecates NdArray and still has it")]

use burn::backend::tensor::{FloatTensor, IntTensor};
use burn::backend::{Backend, backend_extension};

use crate::kernels::SequenceKernels;
use crate::operands::{LinearParameters, ProjectionConstants, SequenceConstants};
use crate::recurrence::Recurrence;
use crate::steps::SequenceSteps;

/// The operations on Burn's runtime devices.
#[backend_extension(
    Flex: cfg(feature = "flex"),
    NdArray: cfg(feature = "ndarray"),
    Cube: cfg(any(feature = "wgpu", feature = "cuda")),
    Remote: cfg(feature = "remote"),
    Autodiff
)]
pub(crate) trait SequenceBackend: Backend {
    fn projection(
        input: FloatTensor<Self>,
        #[extension_type] constants: ProjectionConstants<Self>,
        steps: SequenceSteps,
    ) -> FloatTensor<Self>;

    fn sequence(
        recurrence: Recurrence,
        projected: FloatTensor<Self>,
        #[extension_type] constants: SequenceConstants<Self>,
        steps: SequenceSteps,
    ) -> FloatTensor<Self>;

    fn outputs(packed: FloatTensor<Self>, batch_size: usize) -> FloatTensor<Self>;

    fn side_by_side(left: FloatTensor<Self>, right: FloatTensor<Self>) -> FloatTensor<Self>;

    fn squared_norm(tensor: FloatTensor<Self>) -> FloatTensor<Self>;

    fn subtract_scaled(a: FloatTensor<Self>, b: FloatTensor<Self>, scale: f64)
    -> FloatTensor<Self>;

    fn embedding(weights: FloatTensor<Self>, tokens: IntTensor<Self>) -> FloatTensor<Self>;

    fn linear_cross_entropy(
        input: FloatTensor<Self>,
        #[extension_type] parameters: LinearParameters<Self>,
        targets: IntTensor<Self>,
        ignore_index: Option<i64>,
    ) -> FloatTensor<Self>;
}

/// Implements the operations of a backend by its kernels.
macro_rules! dispatch_to_kernels {
    ($backend:ty) => {
        impl SequenceBackend for $backend {
            fn projection(
                input: FloatTensor<Self>,
                constants: ProjectionConstants<Self>,
                steps: SequenceSteps,
            ) -> FloatTensor<Self> {
                <Self as SequenceKernels>::projection(input, &constants, &steps)
            }

            fn sequence(
                recurrence: Recurrence,
                projected: FloatTensor<Self>,
                constants: SequenceConstants<Self>,
                steps: SequenceSteps,
            ) -> FloatTensor<Self> {
                <Self as SequenceKernels>::sequence(recurrence, projected, constants, &steps)
            }

            fn outputs(packed: FloatTensor<Self>, batch_size: usize) -> FloatTensor<Self> {
                <Self as SequenceKernels>::outputs(&packed, batch_size)
            }

            fn side_by_side(
                left: FloatTensor<Self>,
                right: FloatTensor<Self>,
            ) -> FloatTensor<Self> {
                <Self as SequenceKernels>::side_by_side(left, right)
            }

            fn squared_norm(tensor: FloatTensor<Self>) -> FloatTensor<Self> {
                <Self as SequenceKernels>::squared_norm(tensor)
            }

            fn subtract_scaled(
                a: FloatTensor<Self>,
                b: FloatTensor<Self>,
                scale: f64,
            ) -> FloatTensor<Self> {
                <Self as SequenceKernels>::subtract_scaled(a, b, scale)
            }

            fn embedding(weights: FloatTensor<Self>, tokens: IntTensor<Self>) -> FloatTensor<Self> {
                <Self as SequenceKernels>::embedding(&weights, &tokens)
            }

            fn linear_cross_entropy(
                input: FloatTensor<Self>,
                parameters: LinearParameters<Self>,
                targets: IntTensor<Self>,
                ignore_index: Option<i64>,
            ) -> FloatTensor<Self> {
                let (losses, _) = <Self as SequenceKernels>::linear_cross_entropy(
                    input,
                    &parameters,
                    &targets,
                    ignore_index,
                );
                losses
            }
        }
    };
}

#[cfg(feature = "flex")]
dispatch_to_kernels!(burn::backend::Flex);

#[cfg(feature = "ndarray")]
impl SequenceKernels for burn::backend::NdArray {}
#[cfg(feature = "ndarray")]
dispatch_to_kernels!(burn::backend::NdArray);

#[cfg(any(feature = "wgpu", feature = "cuda"))]
dispatch_to_kernels!(burn::backend::Cube);

#[cfg(feature = "remote")]
dispatch_to_kernels!(burn::backend::Remote);
