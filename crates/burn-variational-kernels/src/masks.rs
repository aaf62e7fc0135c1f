//! Masks that are the same at every step of a sequence.

use burn::backend::Dispatch;
use burn::tensor::{DType, Tensor};

use crate::operands::Masks;

/// Masks on what enters the gates: constants, repeated at every step. `units` is the width of what
/// is masked.
#[derive(Debug, Clone)]
pub enum SequenceMasks {
    /// No mask.
    Identity,
    /// One for all gates, `[batch_size, units]`.
    Tied(Tensor<2>),
    /// One for each gate, `[n_gates, batch_size, units]`.
    Untied(Tensor<3>),
}

impl SequenceMasks {
    /// Whether a mask wants a gradient.
    pub(crate) fn is_tracked(&self) -> bool {
        match self {
            Self::Identity => false,
            Self::Tied(mask) => mask.is_tracked(),
            Self::Untied(masks) => masks.is_tracked(),
        }
    }

    /// The element type, if there is a mask.
    pub(crate) fn dtype(&self) -> Option<DType> {
        match self {
            Self::Identity => None,
            Self::Tied(mask) => Some(mask.dtype()),
            Self::Untied(masks) => Some(masks.dtype()),
        }
    }

    pub(crate) fn into_dispatch(self) -> Masks<Dispatch> {
        match self {
            Self::Identity => Masks::Identity,
            Self::Tied(mask) => Masks::Tied(mask.into_dispatch()),
            Self::Untied(masks) => Masks::Untied(masks.into_dispatch()),
        }
    }
}
