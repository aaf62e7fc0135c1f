//! Reviews cut into pieces, and pieces put into padded batches.

use burn::tensor::{Device, Int, Tensor, TensorData};
use burn_variational::rnn::Lengths;
use burn_variational::training::pad_tokens;

/// Fills rows up. No layer reads it.
const PADDING: i64 = 0;

/// Tokens that a model reads at once, and what it is to predict of them.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Piece {
    pub(crate) tokens: Vec<i64>,
    /// The standardised rating of the review.
    pub(crate) target: f32,
    /// The number of the review.
    pub(crate) review: usize,
}

/// Pieces in the order of their lengths, so that those that follow each other need little padding.
#[derive(Debug, Clone)]
pub(crate) struct Pieces {
    pieces: Vec<Piece>,
}

/// Rows of tokens and their lengths, which a model reads.
pub(crate) type Tokens = (Tensor<2, Int>, Lengths);

impl Pieces {
    /// There must be one, and none may be empty.
    pub(crate) fn new(mut pieces: Vec<Piece>) -> Self {
        assert!(!pieces.is_empty(), "there must be a piece");
        pieces.sort_by_key(|piece| piece.tokens.len());
        Self { pieces }
    }

    pub(crate) fn as_slice(&self) -> &[Piece] {
        &self.pieces
    }

    pub(crate) fn len(&self) -> usize {
        self.pieces.len()
    }

    pub(crate) fn n_tokens(&self) -> usize {
        self.pieces.iter().map(|piece| piece.tokens.len()).sum()
    }

    pub(crate) fn lengths(&self) -> Vec<usize> {
        self.pieces.iter().map(|piece| piece.tokens.len()).collect()
    }

    /// As many of the pieces, or all if there are not so many, spread evenly over all lengths.
    pub(crate) fn sample(&self, most: usize) -> Self {
        let n = most.min(self.len());
        Self { pieces: (0..n).map(|k| self.pieces[k * self.len() / n].clone()).collect() }
    }

    /// The same pieces with other tokens, as many of them.
    pub(crate) fn map_tokens(&self, mut tokens: impl FnMut(&[i64]) -> Vec<i64>) -> Self {
        let piece = |piece: &Piece| Piece { tokens: tokens(&piece.tokens), ..piece.clone() };
        Self { pieces: self.pieces.iter().map(piece).collect() }
    }

    /// The pieces of these numbers as one padded batch.
    pub(crate) fn tokens_of(&self, numbers: &[usize], device: &Device) -> Tokens {
        let rows: Vec<&[i64]> = numbers.iter().map(|&k| &*self.pieces[k].tokens).collect();
        pad_tokens(&rows, PADDING, device).expect("no piece is empty")
    }

    /// Their targets, `[n_rows, 1]`.
    pub(crate) fn targets_of(&self, numbers: &[usize], device: &Device) -> Tensor<2> {
        let targets: Vec<f32> = numbers.iter().map(|&k| self.pieces[k].target).collect();
        Tensor::from_data(TensorData::new(targets, [numbers.len(), 1]), device)
    }

    /// All pieces in batches of so many, in their order.
    pub(crate) fn batches<'a>(
        &'a self,
        batch_size: usize,
        device: &'a Device,
    ) -> impl Iterator<Item = Tokens> + 'a {
        let numbers: Vec<usize> = (0..self.len()).collect();
        let batches: Vec<Vec<usize>> = numbers.chunks(batch_size).map(Vec::from).collect();
        batches.into_iter().map(move |numbers| self.tokens_of(&numbers, device))
    }

    /// All targets, `[n_pieces, 1]`.
    pub(crate) fn targets(&self, device: &Device) -> Tensor<2> {
        self.targets_of(&(0..self.len()).collect::<Vec<_>>(), device)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn pieces(lengths: &[usize]) -> Pieces {
        let piece = |(review, (&length, token)): (usize, (&usize, i64))| Piece {
            tokens: vec![token; length],
            target: review as f32,
            review,
        };
        Pieces::new(lengths.iter().zip(1..).enumerate().map(piece).collect())
    }

    #[test]
    fn batches_hold_all_pieces_in_the_order_of_their_lengths() {
        let device = Device::flex();
        let pieces = pieces(&[3, 1, 2]);
        let batches: Vec<_> = pieces.batches(2, &device).collect();
        let tokens = |batch: &Tokens| batch.0.to_data().iter::<i64>().collect::<Vec<_>>();
        assert_eq!(tokens(&batches[0]), [2, PADDING, 3, 3]);
        assert_eq!(tokens(&batches[1]), [1, 1, 1]);
        assert_eq!(batches[0].1.as_slice(), [1, 2]);
        let targets: Vec<f32> = pieces.targets(&device).into_data().try_to_vec().unwrap();
        assert_eq!(targets, [1.0, 2.0, 0.0]);
    }

    #[test]
    fn a_sample_has_pieces_of_all_lengths() {
        let pieces = pieces(&[1, 2, 3, 4, 5, 6]);
        assert_eq!(pieces.sample(3).lengths(), [1, 3, 5]);
        assert_eq!(pieces.sample(9).lengths(), pieces.lengths());
    }
}
