//! The operations on Burn's runtime devices. `NdArray` is named here alone.

#![allow(deprecated, reason = "burn 0.22 deprecates NdArray and still has it")]

use burn::backend::tensor::{FloatTensor, IntTensor};
use burn::backend::{Backend, backend_extension};

use crate::operation::{Constants, LinearParameters, ProjectionConstants, SequenceKernels};
use crate::{Recurrence, generic};

/// The operation on Burn's runtime devices.
#[backend_extension(
    Flex: cfg(feature = "flex"),
    NdArray: cfg(feature = "ndarray"),
    Cube: cfg(feature = "gpu"),
    Autodiff
)]
pub(crate) trait SequenceBackend: Backend {
    fn project(
        input: FloatTensor<Self>,
        #[extension_type] constants: ProjectionConstants<Self>,
    ) -> FloatTensor<Self>;

    fn sequence(
        recurrence: Recurrence,
        projected: FloatTensor<Self>,
        #[extension_type] constants: Constants<Self>,
    ) -> FloatTensor<Self>;

    fn outputs(packed: FloatTensor<Self>) -> FloatTensor<Self>;

    fn squared_norm(tensor: FloatTensor<Self>) -> FloatTensor<Self>;

    fn minus_scaled(a: FloatTensor<Self>, b: FloatTensor<Self>, scale: f64) -> FloatTensor<Self>;

    fn embedded(weights: FloatTensor<Self>, tokens: IntTensor<Self>) -> FloatTensor<Self>;

    fn linear_cross_entropy(
        input: FloatTensor<Self>,
        #[extension_type] parameters: LinearParameters<Self>,
        targets: IntTensor<Self>,
    ) -> FloatTensor<Self>;
}

/// Implements the operations of a backend by its kernels.
macro_rules! dispatch_to_kernels {
    ($backend:ty) => {
        impl SequenceBackend for $backend {
            fn project(
                input: FloatTensor<Self>,
                constants: ProjectionConstants<Self>,
            ) -> FloatTensor<Self> {
                <Self as SequenceKernels>::project(input, &constants)
            }

            fn sequence(
                recurrence: Recurrence,
                projected: FloatTensor<Self>,
                constants: Constants<Self>,
            ) -> FloatTensor<Self> {
                Self::forward(recurrence, projected, constants)
            }

            fn outputs(packed: FloatTensor<Self>) -> FloatTensor<Self> {
                generic::outputs::<Self>(&packed)
            }

            fn squared_norm(tensor: FloatTensor<Self>) -> FloatTensor<Self> {
                Self::sum_of_squares(tensor)
            }

            fn minus_scaled(
                a: FloatTensor<Self>,
                b: FloatTensor<Self>,
                scale: f64,
            ) -> FloatTensor<Self> {
                Self::subtract_scaled(a, b, scale)
            }

            fn embedded(weights: FloatTensor<Self>, tokens: IntTensor<Self>) -> FloatTensor<Self> {
                Self::embed(&weights, &tokens)
            }

            fn linear_cross_entropy(
                input: FloatTensor<Self>,
                parameters: LinearParameters<Self>,
                targets: IntTensor<Self>,
            ) -> FloatTensor<Self> {
                <Self as SequenceKernels>::linear_cross_entropy(input, &parameters, &targets).0
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

#[cfg(feature = "gpu")]
impl SequenceKernels for burn::backend::Cube {}
#[cfg(feature = "gpu")]
dispatch_to_kernels!(burn::backend::Cube);
