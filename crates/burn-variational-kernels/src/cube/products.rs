//! The matrix products of a step.

use std::ops::Range;

use burn::backend::TensorMetadata;
use burn::backend::ops::FloatTensorOps;
use burn_cubecl::CubeBackend;
use burn_cubecl::kernel::matmul::{MatmulStrategy, matmul};
use burn_cubecl::tensor::CubeTensor;

use super::tensors::{contiguous, first_rows, reshaped, room};
use crate::recurrence::Recurrence;

/// The recurrent weights of some gates as the products of a step read them, and room for what they
/// give. What they read and give lies from the beginning of a tensor of its own, in rows of the
/// batch, of which a step takes the first: no view of one begins where a device cannot bind it.
#[derive(Debug)]
pub(super) struct Products {
    /// `[1, d_hidden, gates · d_hidden]`, or gate after gate, `[gates, d_hidden, d_hidden]`, where
    /// each has a mask of its own.
    weights: CubeTensor,
}

impl Products {
    /// Of gates `gates`, `n_masks` of which differ in what enters them.
    pub(super) fn new(
        recurrent: &CubeTensor,
        recurrence: Recurrence,
        gates: Range<usize>,
        n_masks: usize,
    ) -> Self {
        let d_hidden = recurrent.meta.shape()[0];
        let (n_gates, all) = (gates.len(), recurrence.n_gates());
        let weights = reshaped(contiguous(recurrent.clone()), [d_hidden, all, d_hidden]);
        let some = [0..d_hidden, gates, 0..d_hidden].map(Into::into);
        let weights = CubeBackend::float_slice(weights, &some);
        let weights = if n_masks > 1 {
            contiguous(CubeBackend::float_swap_dims(weights, 0, 1))
        } else {
            reshaped(contiguous(weights), [1, d_hidden, n_gates * d_hidden])
        };
        Self { weights }
    }

    /// Whether gates have products of their own, and lie one after the other in what they give.
    pub(super) fn is_apart(&self) -> bool {
        self.weights.meta.shape()[0] > 1
    }

    /// `entering · U` of the first `n` rows, into `product`.
    pub(super) fn run(&self, entering: &CubeTensor, product: &CubeTensor, n: usize) {
        self.multiply(entering, self.matrices(), product, n);
    }

    /// `δ · Uᵀ` of the first `n` rows, of each gate by itself where they are apart, into `back`.
    pub(super) fn run_back(&self, deltas: &CubeTensor, back: &CubeTensor, n: usize) {
        let weights = self.matrices();
        let rank = weights.meta.num_dims();
        let transposed = CubeBackend::float_swap_dims(weights, rank - 2, rank - 1);
        self.multiply(deltas, transposed, back, n);
    }

    /// Room for what a step gives, of at most so many rows.
    pub(super) fn room(&self, batch_size: usize) -> CubeTensor {
        let [blocks, _, width] = self.weights.shape().dims();
        room([blocks, batch_size, width], &self.weights)
    }

    fn matrices(&self) -> CubeTensor {
        match self.weights.shape().dims() {
            [1, d_hidden, width] => reshaped(self.weights.clone(), [d_hidden, width]),
            _ => self.weights.clone(),
        }
    }

    fn multiply(&self, left: &CubeTensor, right: CubeTensor, into: &CubeTensor, n: usize) {
        let blocks = self.weights.meta.shape()[0];
        let (left, into) = (first_rows(left, blocks, n), first_rows(into, blocks, n));
        let dtype = into.dtype;
        matmul(left, right, Some(into), MatmulStrategy::default(), dtype)
            .expect("a product of matrices has a kernel on every device");
    }
}
