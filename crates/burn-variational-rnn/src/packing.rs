//! A padded batch as the steps of sequences of different lengths, and back.

use burn::tensor::{Device, IndexingUpdateOp, Int, Tensor, TensorData};
use burn_variational_kernels::SequenceSteps;

use crate::{LayerMasks, Lengths, RecurrentState};

/// Where the rows of a padded batch lie once the longest sequence comes first and padding is gone.
///
/// Padding is selected away, never multiplied by 0: what it holds reaches nothing, and it gets no
/// gradient.
#[derive(Debug, Clone)]
pub(crate) struct Packing {
    steps: SequenceSteps,
    /// The row of the batch that comes first, second, …
    order: Vec<usize>,
    /// The steps of the batch, padding and all.
    seq_length: usize,
}

impl Packing {
    pub(crate) fn new(lengths: &Lengths) -> Self {
        let seq_length = lengths.seq_length();
        let lengths = lengths.as_slice();
        let mut order: Vec<usize> = (0..lengths.len()).collect();
        order.sort_by_key(|&row| std::cmp::Reverse(lengths[row]));
        let longest = lengths[order[0]];
        let n_rows: Vec<usize> =
            (0..longest).map(|t| order.partition_point(|&row| lengths[row] > t)).collect();
        Self { steps: SequenceSteps::packed(&n_rows), order, seq_length }
    }

    /// The steps, walked forward.
    pub(crate) fn steps(&self) -> &SequenceSteps {
        &self.steps
    }

    pub(crate) fn batch_size(&self) -> usize {
        self.order.len()
    }

    /// The rows of all steps, `[n_rows, width]`, of a padded batch `[batch_size, seq_length, width]`,
    /// or `[seq_length, batch_size, width]` without `batch_first`.
    pub(crate) fn pack(&self, padded: Tensor<3>, batch_first: bool) -> Tensor<2> {
        let [first, second, width] = padded.dims();
        let places = self.places(batch_first, &padded.device());
        padded.reshape([first * second, width]).select(0, places)
    }

    /// The way back from [`pack`](Self::pack). Padding is 0.
    pub(crate) fn unpack(&self, packed: Tensor<2>, batch_first: bool) -> Tensor<3> {
        let ([_, width], device) = (packed.dims(), packed.device());
        let (batch_size, seq_length) = (self.batch_size(), self.seq_length);
        let places = self.places(batch_first, &device);
        let zeros = Tensor::zeros([batch_size * seq_length, width], (&device, packed.dtype()));
        let padded = zeros.select_assign(0, places, packed, IndexingUpdateOp::Add);
        if batch_first {
            padded.reshape([batch_size, seq_length, width])
        } else {
            padded.reshape([seq_length, batch_size, width])
        }
    }

    /// The rows of a batch along a dimension, the longest sequence first.
    pub(crate) fn sort<const D: usize>(&self, tensor: Tensor<D>, dim: usize) -> Tensor<D> {
        let device = tensor.device();
        tensor.select(dim, indices(self.order.iter().copied(), &device))
    }

    /// The way back from [`sort`](Self::sort) for `[batch_size, …]`.
    pub(crate) fn unsort<const D: usize>(&self, tensor: Tensor<D>) -> Tensor<D> {
        let mut places = vec![0; self.batch_size()];
        for (place, &row) in self.order.iter().enumerate() {
            places[row] = place;
        }
        let device = tensor.device();
        tensor.select(0, indices(places.into_iter(), &device))
    }

    /// A state of the batch, the longest sequence first.
    pub(crate) fn sort_state<S: RecurrentState>(&self, state: S) -> S {
        state.map(&mut |_, tensor| self.sort(tensor, 0))
    }

    /// The way back from [`sort_state`](Self::sort_state).
    pub(crate) fn unsort_state<S: RecurrentState>(&self, state: S) -> S {
        state.map(&mut |_, tensor| self.unsort(tensor))
    }

    /// Masks of the batch as those of its packed rows.
    pub(crate) fn masks(&self, masks: &LayerMasks) -> LayerMasks {
        masks.map(|masks| masks.packed(self))
    }

    /// Where the packed rows lie in the rows of all steps of the batch.
    fn places(&self, batch_first: bool, device: &Device) -> Tensor<1, Int> {
        let steps = &self.steps;
        let places = (0..steps.seq_length()).flat_map(|t| {
            self.order[..steps.n_at(t)].iter().map(move |&row| {
                if batch_first { row * self.seq_length + t } else { t * self.batch_size() + row }
            })
        });
        indices(places, device)
    }
}

/// Rows to choose, on a device.
pub(crate) fn indices(rows: impl Iterator<Item = usize>, device: &Device) -> Tensor<1, Int> {
    #[allow(clippy::cast_possible_wrap, reason = "no tensor has so many rows")]
    let rows: Vec<i64> = rows.map(|row| row as i64).collect();
    let shape = [rows.len()];
    Tensor::from_data(TensorData::new(rows, shape), device)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rows_come_back_where_they_were_and_padding_is_zero() {
        let device = Device::flex();
        let packing = Packing::new(&Lengths::new(vec![1, 3, 2], 4).unwrap());
        let padded = Tensor::<1, Int>::arange(1..25, &device).float().reshape([3, 4, 2]);
        let packed = packing.pack(padded.clone(), true);
        let first: Vec<f32> = packed.clone().slice_dim(1, 0..1).into_data().iter().collect();
        // Steps of rows 1, 2, 0, then 1, 2, then 1.
        assert_eq!(first, [9.0, 17.0, 1.0, 11.0, 19.0, 13.0]);
        let back = packing.unpack(packed, true);
        let first: Vec<f32> = back.slice_dim(2, 0..1).into_data().iter().collect();
        assert_eq!(first, [1., 0., 0., 0., 9., 11., 13., 0., 17., 19., 0., 0.]);
        let time_first = packing.pack(padded.clone().swap_dims(0, 1), false);
        let batch_first = packing.pack(padded, true);
        assert_eq!(time_first.into_data(), batch_first.into_data());
    }
}
