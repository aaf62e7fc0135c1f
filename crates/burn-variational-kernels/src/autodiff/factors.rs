//! Factors of masks: constants, that no gradient goes to.

use burn::backend::autodiff::checkpoint::strategy::CheckpointStrategy;
use burn::backend::tensor::{FloatTensor, IntTensor};
use burn::backend::{Autodiff, AutodiffBackend};

use crate::cube::factors::DrawFactors;
use crate::factors::{Bernoulli, FactorDims};

impl<B: DrawFactors, C: CheckpointStrategy> DrawFactors for Autodiff<B, C> {
    fn factors(rows: IntTensor<Self>, bernoulli: Bernoulli, dims: FactorDims) -> FloatTensor<Self> {
        Self::from_inner(B::factors(rows, bernoulli, dims))
    }

    fn some_factors(
        rows: IntTensor<Self>,
        units: IntTensor<Self>,
        bernoulli: Bernoulli,
    ) -> FloatTensor<Self> {
        Self::from_inner(B::some_factors(rows, units, bernoulli))
    }
}
