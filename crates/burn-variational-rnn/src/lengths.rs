//! How long each row of a padded batch is.

use std::ops::Range;

use burn::tensor::{Bool, Device, Int, Tensor, TensorData, kind::Basic};
use burn_variational_dropout::ModelInput;
use thiserror::Error;

use crate::packing::indices;

/// The lengths of the rows of a padded batch, in any order, each at least 1.
///
/// Row `b` of `[batch_size, seq_length, …]` has `lengths[b]` steps from the first on; what lies
/// behind them is padding, which no layer reads.
///
/// # Example
///
/// ```
/// use burn_variational_rnn::Lengths;
///
/// let lengths = Lengths::new(vec![2, 4, 3], 4)?;
/// assert_eq!(lengths.n_steps(), 9);
/// assert_eq!(lengths.padding_share(), 0.25);
/// assert!(Lengths::new(vec![2, 6], 5).is_err());
/// # Ok::<(), burn_variational_rnn::LengthsError>(())
/// ```
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Lengths {
    lengths: Vec<usize>,
    seq_length: usize,
}

/// What lengths cannot be.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
#[non_exhaustive]
pub enum LengthsError {
    /// There is no row.
    #[error("lengths: a batch has at least one row, got none")]
    NoRows,
    /// A row has no step. It would have no last output.
    #[error("lengths: row {row} must have at least one step, got 0")]
    Empty {
        /// The row.
        row: usize,
    },
    /// A row is longer than the batch.
    #[error("lengths: row {row} has {length} steps, more than the {seq_length} of the batch")]
    TooLong {
        /// The row.
        row: usize,
        /// Its length.
        length: usize,
        /// The steps of the batch.
        seq_length: usize,
    },
    /// A step that counts comes after one that is padding.
    #[error("lengths: row {row} goes on at step {step} after padding: padding must come last")]
    Gap {
        /// The row.
        row: usize,
        /// The step.
        step: usize,
    },
}

impl Lengths {
    /// The lengths of rows of at most `seq_length` steps.
    ///
    /// # Errors
    ///
    /// If there is no row, or a length is 0 or more than `seq_length`.
    pub fn new(lengths: Vec<usize>, seq_length: usize) -> Result<Self, LengthsError> {
        if lengths.is_empty() {
            return Err(LengthsError::NoRows);
        }
        for (row, &length) in lengths.iter().enumerate() {
            if length == 0 {
                return Err(LengthsError::Empty { row });
            }
            if length > seq_length {
                return Err(LengthsError::TooLong { row, length, seq_length });
            }
        }
        Ok(Self { lengths, seq_length })
    }

    /// Those of a batch without padding.
    ///
    /// # Panics
    ///
    /// If there is no row, or no step.
    pub fn full(batch_size: usize, seq_length: usize) -> Self {
        Self::new(vec![seq_length; batch_size], seq_length)
            .unwrap_or_else(|error| panic!("{error}"))
    }

    /// From a mask `[batch_size, seq_length]` that is true where a step counts. Waits for its
    /// values.
    ///
    /// # Errors
    ///
    /// If there is no row, a row has no step that counts, or one that does comes after one that
    /// does not.
    pub fn from_mask(counts: Tensor<2, Bool>) -> Result<Self, LengthsError> {
        let [_, seq_length] = counts.dims();
        Self::of_data(counts.into_data(), seq_length)
    }

    /// From tokens `[batch_size, seq_length]`, of which one fills the rows up. Waits for their
    /// values.
    ///
    /// # Errors
    ///
    /// As [`from_mask`](Self::from_mask): the token may not stand in the middle of a row.
    pub fn from_tokens(tokens: Tensor<2, Int>, padding: i64) -> Result<Self, LengthsError> {
        Self::from_mask(tokens.not_equal_elem(padding))
    }

    fn of_data(counts: TensorData, seq_length: usize) -> Result<Self, LengthsError> {
        let batch_size = counts.shape()[0];
        let counts: Vec<bool> = counts.iter::<bool>().collect();
        let mut lengths = Vec::new();
        for row in 0..batch_size {
            let counts = &counts[row * seq_length..][..seq_length];
            let length = counts.iter().take_while(|counts| **counts).count();
            if let Some(gap) = counts[length..].iter().position(|counts| *counts) {
                return Err(LengthsError::Gap { row, step: length + gap });
            }
            lengths.push(length);
        }
        Self::new(lengths, seq_length)
    }

    /// The length of each row.
    pub fn as_slice(&self) -> &[usize] {
        &self.lengths
    }

    /// The number of rows.
    pub fn batch_size(&self) -> usize {
        self.lengths.len()
    }

    /// The steps of the batch, padding and all.
    pub fn seq_length(&self) -> usize {
        self.seq_length
    }

    /// The steps that count, of all rows.
    pub fn n_steps(&self) -> usize {
        self.lengths.iter().sum()
    }

    /// The share of padding in the batch.
    pub fn padding_share(&self) -> f64 {
        1.0 - self.n_steps() as f64 / (self.batch_size() * self.seq_length) as f64
    }

    /// Whether no row has padding.
    pub fn is_full(&self) -> bool {
        self.lengths.iter().all(|&length| length == self.seq_length)
    }

    /// The steps that count, row after row: `[n_steps, …]` of `[batch_size, seq_length, …]`. A loss,
    /// a statistic or a perplexity of these counts no padding, and padding gets no gradient.
    ///
    /// Of Monte Carlo draws it is what the statistic gives that is counted, for the runner asks a
    /// model for whole rows: `lengths.counted(moments.mean())`.
    ///
    /// # Panics
    ///
    /// If the tensor does not begin with `[batch_size, seq_length]`, or the result has not one
    /// dimension less.
    ///
    /// # Example
    ///
    /// ```
    /// use burn::nn::loss::CrossEntropyLossConfig;
    /// use burn::tensor::{Device, Int, Tensor};
    /// use burn_variational_rnn::Lengths;
    ///
    /// let device = Device::flex();
    /// let lengths = Lengths::new(vec![1, 2], 2)?;
    /// let logits = Tensor::<3>::from_data([[[1.0, 3.0], [9.0, 9.0]], [[2.0, 2.0], [4.0, 0.0]]], &device);
    /// let targets = Tensor::<2, Int>::from_data([[1, 0], [0, 0]], &device);
    ///
    /// let logits: Tensor<2> = lengths.counted(logits);
    /// let targets: Tensor<1, Int> = lengths.counted(targets);
    /// assert_eq!(logits.clone().into_data().iter::<f32>().collect::<Vec<_>>(), [1., 3., 2., 2., 4., 0.]);
    /// let loss = CrossEntropyLossConfig::new().init(&device).forward(logits, targets);
    /// # let _ = loss;
    /// # Ok::<(), burn_variational_rnn::LengthsError>(())
    /// ```
    pub fn counted<const D: usize, const R: usize, K: Basic>(
        &self,
        tensor: Tensor<D, K>,
    ) -> Tensor<R, K> {
        let dims = tensor.dims();
        let expected = [self.batch_size(), self.seq_length];
        assert!(
            R + 1 == D && dims[..2] == expected,
            "Lengths: counted needs a tensor of {} dimensions, the first two {expected:?}, got \
             {dims:?}",
            R + 1
        );
        let mut of_steps: [usize; R] = std::array::from_fn(|k| dims[k + 1]);
        of_steps[0] = dims[0] * dims[1];
        let steps = self.lengths.iter().enumerate();
        let steps =
            steps.flat_map(|(row, length)| (0..*length).map(move |t| row * self.seq_length + t));
        let steps = indices(steps, &tensor.device());
        tensor.reshape(of_steps).select(0, steps)
    }

    /// True where a step counts, `[batch_size, seq_length]`.
    pub fn mask(&self, device: &Device) -> Tensor<2, Bool> {
        let steps = 0..self.seq_length;
        let counts = self.lengths.iter().flat_map(|length| steps.clone().map(move |t| t < *length));
        let counts: Vec<bool> = counts.collect();
        Tensor::from_data(TensorData::new(counts, [self.batch_size(), self.seq_length]), device)
    }
}

/// Has no mask: it stands beside the input that it belongs to.
impl ModelInput for Lengths {
    type Extent = ();

    fn extent(&self) {}

    fn n_rows(&self) -> usize {
        self.batch_size()
    }

    fn fold(&self, rows: Range<usize>, n_draws: usize) -> Self {
        Self { lengths: self.lengths[rows].repeat(n_draws), seq_length: self.seq_length }
    }

    fn to_device(&self, _device: &Device) -> Self {
        self.clone()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lengths_that_cannot_be_are_named() {
        let message = |lengths: &[usize]| Lengths::new(lengths.into(), 5).unwrap_err().to_string();
        assert_eq!(message(&[]), "lengths: a batch has at least one row, got none");
        assert_eq!(message(&[3, 0]), "lengths: row 1 must have at least one step, got 0");
        assert_eq!(message(&[5, 2, 6]), "lengths: row 2 has 6 steps, more than the 5 of the batch");
    }

    #[test]
    fn tokens_and_masks_give_their_lengths() {
        let device = Device::flex();
        let tokens = |rows: [[i64; 4]; 2]| Tensor::<2, Int>::from_data(rows, &device);
        let lengths = Lengths::from_tokens(tokens([[7, 0, 0, 0], [3, 9, 2, 1]]), 0).unwrap();
        assert_eq!(lengths.as_slice(), [1, 4]);
        assert_eq!(Lengths::from_mask(lengths.mask(&device)), Ok(lengths));
        let gap = Lengths::from_tokens(tokens([[7, 1, 0, 0], [3, 0, 2, 1]]), 0);
        assert_eq!(gap, Err(LengthsError::Gap { row: 1, step: 2 }));
        let empty = Lengths::from_tokens(tokens([[7, 1, 0, 0], [0, 0, 0, 0]]), 0);
        assert_eq!(empty, Err(LengthsError::Empty { row: 1 }));
        let no_steps = Tensor::<2, Bool>::empty([3, 0], &device);
        assert_eq!(Lengths::from_mask(no_steps), Err(LengthsError::Empty { row: 0 }));
    }

    #[test]
    fn folded_lengths_go_with_their_rows() {
        let lengths = Lengths::new(vec![1, 2, 3], 4).unwrap();
        assert_eq!(lengths.fold(1..3, 2).as_slice(), [2, 3, 2, 3]);
    }
}
