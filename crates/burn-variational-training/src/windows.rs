//! A token stream cut into the windows of truncated backpropagation.

use std::ops::Range;

use burn::tensor::{Device, Int, Tensor, TensorData};
use burn_variational_dropout::MaskDraw;
use thiserror::Error;

use crate::RandomLengths;

/// Why a token stream cannot be cut into windows.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
#[non_exhaustive]
pub enum WindowError {
    /// A stream is too short for one window, or for one prediction where a short one is allowed.
    #[error(
        "{tokens} tokens are too few for {batch_size} streams of a window of {seq_length} tokens \
         and one to predict"
    )]
    TooFewTokens {
        /// The tokens there are.
        tokens: usize,
        /// The number of streams.
        batch_size: usize,
        /// The length of a window.
        seq_length: usize,
    },
}

/// A token stream as `batch_size` parallel streams, cut into windows of `seq_length` steps.
///
/// Stream `b` is the `b`-th of equal parts of the tokens (what is left over at the end is not
/// read). Window `w` holds steps `w · seq_length ..` of every stream, and predicts at each step
/// the token after it: the state after one window is the initial state of the next.
///
/// # Example
///
/// ```
/// use burn_variational_training::TokenWindows;
///
/// let windows = TokenWindows::new(&[0, 1, 2, 3, 4, 5, 6, 7, 8, 9], 2, 2)?;
/// let second = windows.window(1);
/// assert_eq!(second.inputs(), [[2, 3], [7, 8]].concat());
/// assert_eq!(second.targets(), [[3, 4], [8, 9]].concat());
/// # Ok::<(), burn_variational_training::WindowError>(())
/// ```
///
/// # References
///
/// Wojciech Zaremba, Ilya Sutskever and Oriol Vinyals, *Recurrent Neural Network Regularization*,
/// 2014, arXiv 1409.2329.
#[derive(Debug, Clone)]
pub struct TokenWindows {
    streams: Vec<Vec<u32>>,
    seq_length: usize,
    keep_short: bool,
}

impl TokenWindows {
    /// Whole windows alone: what is left of every stream after the last is not read.
    ///
    /// # Errors
    ///
    /// If there are too few tokens for a window.
    ///
    /// # Panics
    ///
    /// If a size is zero.
    pub fn new(tokens: &[u32], batch_size: usize, seq_length: usize) -> Result<Self, WindowError> {
        Self::cut(tokens, batch_size, seq_length, false)
    }

    /// Every token of the equal streams: the last window may be shorter than the others.
    ///
    /// # Errors
    ///
    /// If there is no token to predict.
    ///
    /// # Panics
    ///
    /// If a size is zero.
    pub fn with_short_last(
        tokens: &[u32],
        batch_size: usize,
        seq_length: usize,
    ) -> Result<Self, WindowError> {
        Self::cut(tokens, batch_size, seq_length, true)
    }

    fn cut(
        tokens: &[u32],
        batch_size: usize,
        seq_length: usize,
        keep_short: bool,
    ) -> Result<Self, WindowError> {
        for (field, size) in [("batch_size", batch_size), ("seq_length", seq_length)] {
            assert!(size > 0, "TokenWindows: {field} must be positive, got 0");
        }
        let length = tokens.len() / batch_size;
        let shortest = if keep_short { 1 } else { seq_length };
        if length <= shortest {
            return Err(WindowError::TooFewTokens { tokens: tokens.len(), batch_size, seq_length });
        }
        let streams = tokens.chunks_exact(length).take(batch_size).map(<[u32]>::to_vec).collect();
        Ok(Self { streams, seq_length, keep_short })
    }

    /// The number of windows.
    pub fn len(&self) -> usize {
        if self.keep_short {
            self.n_predictions().div_ceil(self.seq_length)
        } else {
            self.n_predictions() / self.seq_length
        }
    }

    /// Whether there is no window; there always is.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// The number of tokens predicted in all windows.
    pub fn n_targets(&self) -> usize {
        let whole = self.len() * self.seq_length;
        let steps = if self.keep_short { self.n_predictions() } else { whole };
        steps * self.streams.len()
    }

    /// The window with this number.
    ///
    /// # Panics
    ///
    /// If there is no such window.
    pub fn window(&self, index: usize) -> TokenWindow {
        assert!(
            index < self.len(),
            "TokenWindows: window must be under {}, got {index}",
            self.len()
        );
        let first = index * self.seq_length;
        self.steps(first..(first + self.seq_length).min(self.n_predictions()))
    }

    /// Windows of lengths that vary at random, in order; they are cut anew in every draw, and are a
    /// function of it alone. Every token of the streams is read: the last window is as long as what
    /// is left for it.
    ///
    /// # Panics
    ///
    /// If the draw is not a part of one.
    pub fn random(
        &self,
        lengths: &RandomLengths,
        draw: MaskDraw,
    ) -> impl ExactSizeIterator<Item = TokenWindow> + Clone + '_ {
        let (n, mut cuts, mut lengths) =
            (self.n_predictions(), vec![0], lengths.lengths(self.seq_length, draw));
        while let Some(&last) = cuts.last()
            && last < n
        {
            cuts.extend(lengths.next().map(|length| (last + length).min(n)));
        }
        (0..cuts.len() - 1).map(move |index| self.steps(cuts[index]..cuts[index + 1]))
    }

    fn n_predictions(&self) -> usize {
        self.streams[0].len() - 1
    }

    fn steps(&self, steps: Range<usize>) -> TokenWindow {
        let cut = |offset: usize| {
            let steps =
                self.streams.iter().flat_map(|s| &s[steps.start + offset..steps.end + offset]);
            steps.map(|&token| i64::from(token)).collect()
        };
        TokenWindow {
            dims: [self.streams.len(), steps.len()],
            first_step: steps.start,
            seq_length: self.seq_length,
            inputs: cut(0),
            targets: cut(1),
        }
    }

    /// The windows, in order.
    pub fn iter(&self) -> impl ExactSizeIterator<Item = TokenWindow> + Clone + '_ {
        (0..self.len()).map(|index| self.window(index))
    }
}

/// One window of all streams: its tokens, and the token after each.
#[derive(Debug, Clone)]
pub struct TokenWindow {
    dims: [usize; 2],
    first_step: usize,
    /// What the streams are cut into where nothing is random.
    seq_length: usize,
    inputs: Vec<i64>,
    targets: Vec<i64>,
}

impl TokenWindow {
    /// `[batch_size, seq_length]`.
    pub fn dims(&self) -> [usize; 2] {
        self.dims
    }

    /// The step of the stream at which this window starts.
    pub fn first_step(&self) -> usize {
        self.first_step
    }

    /// How long this window is, in windows of the fixed length: less than 1 for a short last one,
    /// about 1 for one of [`random`](TokenWindows::random) length. It is what to multiply the
    /// learning rate of its step by, where the loss is a mean over steps.
    pub fn rate_factor(&self) -> f64 {
        self.dims[1] as f64 / self.seq_length as f64
    }

    /// The tokens read, stream after stream.
    pub fn inputs(&self) -> &[i64] {
        &self.inputs
    }

    /// The tokens to predict, stream after stream.
    pub fn targets(&self) -> &[i64] {
        &self.targets
    }

    /// The tokens read, `[batch_size, seq_length]`.
    pub fn inputs_on(&self, device: &Device) -> Tensor<2, Int> {
        Tensor::from_data(TensorData::new(self.inputs.clone(), self.dims), device)
    }

    /// The tokens to predict, `[batch_size, seq_length]`.
    pub fn targets_on(&self, device: &Device) -> Tensor<2, Int> {
        Tensor::from_data(TensorData::new(self.targets.clone(), self.dims), device)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use burn_variational_dropout::MaskRng;

    fn tokens(n: u32) -> Vec<u32> {
        (0..n).collect()
    }

    #[test]
    fn whole_windows_leave_the_rest_of_a_stream_unread() {
        let windows = TokenWindows::new(&tokens(13), 2, 2).unwrap();
        // Streams of 6: five predictions, two windows of two.
        assert_eq!((windows.len(), windows.n_targets()), (2, 8));
        let steps: Vec<_> = windows.iter().map(|window| window.first_step()).collect();
        assert_eq!(steps, [0, 2]);
    }

    #[test]
    fn a_short_last_window_reads_every_token() {
        let windows = TokenWindows::with_short_last(&tokens(13), 2, 2).unwrap();
        assert_eq!((windows.len(), windows.n_targets()), (3, 10));
        let last = windows.window(2);
        assert_eq!(last.dims(), [2, 1]);
        assert_eq!((last.inputs(), last.targets()), (&[4, 10][..], &[5, 11][..]));
    }

    #[test]
    fn tokens_for_less_than_a_window_are_an_error() {
        let error = TokenWindows::new(&tokens(6), 2, 3).unwrap_err();
        assert_eq!(
            error.to_string(),
            "6 tokens are too few for 2 streams of a window of 3 tokens and one to predict"
        );
        assert!(TokenWindows::with_short_last(&tokens(3), 2, 3).is_err());
        assert!(TokenWindows::with_short_last(&tokens(4), 2, 3).is_ok());
    }

    #[test]
    fn windows_of_random_lengths_read_every_token_once() {
        let windows = TokenWindows::new(&tokens(1001), 2, 20).unwrap();
        let draw = || MaskRng::seeded(7).draw(3).part("lengths");
        let cut: Vec<_> = windows.random(&RandomLengths::new(), draw()).collect();
        let lengths: Vec<_> = cut.iter().map(|window| window.dims()[1]).collect();
        let drawn: Vec<_> =
            RandomLengths::new().lengths(20, draw()).take(lengths.len() - 1).collect();
        assert_eq!(lengths[..lengths.len() - 1], drawn);
        assert_eq!(lengths.iter().sum::<usize>(), 499);

        let mut at = 0;
        for window in &cut {
            let steps = window.dims()[1];
            assert_eq!(window.first_step(), at);
            assert_eq!(window.rate_factor(), steps as f64 / 20.0);
            let both = |offset: usize| -> Vec<i64> {
                let stream = |first: u32| (i64::from(first)..).skip(at + offset).take(steps);
                stream(0).chain(stream(500)).collect()
            };
            assert_eq!(window.inputs(), both(0));
            assert_eq!(window.targets(), both(1));
            at += steps;
        }
    }

    #[test]
    fn an_expected_draw_cuts_windows_of_the_fixed_length() {
        let windows = TokenWindows::with_short_last(&tokens(13), 2, 2).unwrap();
        let random = windows.random(&RandomLengths::new(), MaskDraw::expected());
        let inputs = |window: TokenWindow| window.inputs().to_vec();
        assert!(random.map(inputs).eq(windows.iter().map(inputs)));
        assert_eq!(windows.window(2).rate_factor(), 0.5);
    }

    #[test]
    #[should_panic(expected = "TokenWindows: batch_size must be positive, got 0")]
    fn no_stream_is_refused() {
        let _ = TokenWindows::new(&tokens(6), 0, 1);
    }

    #[test]
    #[should_panic(expected = "TokenWindows: window must be under 2, got 2")]
    fn a_window_past_the_last_is_refused() {
        let _ = TokenWindows::new(&tokens(13), 2, 2).unwrap().window(2);
    }
}
