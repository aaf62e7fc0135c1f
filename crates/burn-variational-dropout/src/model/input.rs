//! What a model runs on.

use std::ops::Range;

use burn::tensor::{Device, Int, Tensor};

use crate::{BatchExtent, SequenceExtent};

/// What a model runs on: rows that can be counted, cut and repeated.
pub trait ModelInput: Clone + Send + Sync {
    /// What of it matters to masks: its sizes and its device.
    type Extent: ModelExtent;

    /// Its extent.
    fn extent(&self) -> Self::Extent;

    /// The number of rows.
    fn n_rows(&self) -> usize;

    /// These rows, all of them once for each of so many draws, draw after draw.
    fn fold(&self, rows: Range<usize>, n_draws: usize) -> Self;

    /// The same on another device.
    fn to_device(&self, device: &Device) -> Self;
}

/// What of an input matters to masks.
pub trait ModelExtent {
    /// The device that the input and its masks are on; none if it has no masks.
    fn device(&self) -> Option<&Device>;
}

impl ModelExtent for SequenceExtent {
    fn device(&self) -> Option<&Device> {
        Some(self.device())
    }
}

impl ModelExtent for BatchExtent {
    fn device(&self) -> Option<&Device> {
        Some(self.device())
    }
}

/// Of what has no mask.
impl ModelExtent for () {
    fn device(&self) -> Option<&Device> {
        None
    }
}

impl<A: ModelExtent, B: ModelExtent> ModelExtent for (A, B) {
    fn device(&self) -> Option<&Device> {
        self.0.device().or_else(|| self.1.device())
    }
}

/// What is the same of tensors of all ranks and kinds: their rows are their first dimension.
macro_rules! rows_of_a_tensor {
    () => {
        fn n_rows(&self) -> usize {
            self.dims()[0]
        }

        fn fold(&self, rows: Range<usize>, n_draws: usize) -> Self {
            self.clone().slice_dim(0, rows).repeat_dim(0, n_draws)
        }

        fn to_device(&self, device: &Device) -> Self {
            self.clone().to_device(device)
        }
    };
}

/// Sequences of features, `[batch_size, seq_length, units]`.
impl ModelInput for Tensor<3> {
    type Extent = SequenceExtent;

    fn extent(&self) -> SequenceExtent {
        let [batch_size, seq_length, _] = self.dims();
        SequenceExtent::new(batch_size, seq_length, &self.device()).with_dtype(self.dtype().into())
    }

    rows_of_a_tensor!();
}

/// Sequences of tokens, `[batch_size, seq_length]`.
impl ModelInput for Tensor<2, Int> {
    type Extent = SequenceExtent;

    fn extent(&self) -> SequenceExtent {
        let [batch_size, seq_length] = self.dims();
        SequenceExtent::new(batch_size, seq_length, &self.device())
    }

    rows_of_a_tensor!();
}

/// Rows of features, `[batch_size, units]`.
impl ModelInput for Tensor<2> {
    type Extent = BatchExtent;

    fn extent(&self) -> BatchExtent {
        BatchExtent::new(self.dims()[0], &self.device()).with_dtype(self.dtype().into())
    }

    rows_of_a_tensor!();
}

/// Images, `[batch_size, channels, height, width]`.
impl ModelInput for Tensor<4> {
    type Extent = BatchExtent;

    fn extent(&self) -> BatchExtent {
        BatchExtent::new(self.dims()[0], &self.device()).with_dtype(self.dtype().into())
    }

    rows_of_a_tensor!();
}

/// Two inputs of the same rows.
///
/// # Panics
///
/// [`n_rows`](ModelInput::n_rows) panics if they have different rows.
impl<A: ModelInput, B: ModelInput> ModelInput for (A, B) {
    type Extent = (A::Extent, B::Extent);

    fn extent(&self) -> Self::Extent {
        (self.0.extent(), self.1.extent())
    }

    fn n_rows(&self) -> usize {
        let (n_rows, others) = (self.0.n_rows(), self.1.n_rows());
        assert!(
            n_rows == others,
            "ModelInput: both must have the same rows, got {n_rows}, {others}"
        );
        n_rows
    }

    fn fold(&self, rows: Range<usize>, n_draws: usize) -> Self {
        (self.0.fold(rows.clone(), n_draws), self.1.fold(rows, n_draws))
    }

    fn to_device(&self, device: &Device) -> Self {
        (self.0.to_device(device), self.1.to_device(device))
    }
}
