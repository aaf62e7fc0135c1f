//! Windows whose lengths are drawn.

use burn_variational_dropout::MaskDraw;

/// Lengths of windows that vary at random, so that no token is always at the edge of a window:
///
/// ```text
/// m = L      with probability 1 - p,    L / 2 with probability p
/// l = max(s, ⌊m + σ e⌋)                 e ~ N(0, 1)
/// ```
///
/// with the length `L` of a fixed window, the probability `p` of a window about half as long, the
/// standard deviation `σ` in steps, and the shortest length `s`. As AWD-LSTM has it, `L = 70`,
/// `p = 0.05`, `σ = 5` and `s = 5`: [`new`](Self::new) has the last three.
///
/// [`TokenWindows::random`](crate::TokenWindows::random) cuts streams so, and
/// [`TokenWindow::rate_factor`](crate::TokenWindow::rate_factor) is what the learning rate of a
/// window is to be multiplied by, `l / L`: the loss is a mean over the steps of the window, which
/// would give each step of a short window more weight. (AWD-LSTM's code does not read a last window
/// of one step, and scales the rate of the last window by the length that was drawn for it.)
///
/// # Example
///
/// ```
/// use burn_variational_dropout::MaskRng;
/// use burn_variational_training::{RandomLengths, TokenWindows};
///
/// let tokens: Vec<u32> = (0..2000).collect();
/// let windows = TokenWindows::with_short_last(&tokens, 2, 70)?;
/// let rng = MaskRng::seeded(1).scope("windows");
/// for epoch in 0..2 {
///     for window in windows.random(&RandomLengths::new(), rng.draw(epoch).part("lengths")) {
///         let learning_rate = 30.0 * window.rate_factor();
///         # let _ = learning_rate;
///     }
/// }
/// # Ok::<(), burn_variational_training::WindowError>(())
/// ```
///
/// # References
///
/// Stephen Merity, Nitish Shirish Keskar and Richard Socher, *Regularizing and Optimizing LSTM
/// Language Models*, 2017, arXiv 1708.02182, section 4.1.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct RandomLengths {
    deviation: f64,
    shortest: usize,
    half_prob: f64,
}

impl Default for RandomLengths {
    fn default() -> Self {
        Self::new()
    }
}

impl RandomLengths {
    /// Those of AWD-LSTM: a standard deviation of 5 steps, at least 5 steps, one window in 20 about
    /// half as long.
    pub fn new() -> Self {
        Self { deviation: 5.0, shortest: 5, half_prob: 0.05 }
    }

    /// The standard deviation of a length, in steps.
    ///
    /// # Panics
    ///
    /// If it is negative or not finite.
    pub fn with_deviation(self, deviation: f64) -> Self {
        assert!(
            deviation >= 0.0 && deviation.is_finite(),
            "RandomLengths: deviation must be finite and not negative, got {deviation}"
        );
        Self { deviation, ..self }
    }

    /// The shortest length, in steps; the last window alone may be shorter.
    ///
    /// # Panics
    ///
    /// If it is 0.
    pub fn with_shortest(self, shortest: usize) -> Self {
        assert!(shortest > 0, "RandomLengths: shortest must be positive, got 0");
        Self { shortest, ..self }
    }

    /// The probability of a window about half as long.
    ///
    /// # Panics
    ///
    /// If it is not in [0, 1].
    pub fn with_half_prob(self, half_prob: f64) -> Self {
        assert!(
            (0.0..=1.0).contains(&half_prob),
            "RandomLengths: half_prob must be in [0, 1], got {half_prob}"
        );
        Self { half_prob, ..self }
    }

    /// Lengths for windows of `seq_length` steps or about that, without end, each a function of the
    /// draw alone. In an [expected](MaskDraw::expected) draw nothing is random, and all are
    /// `seq_length`.
    ///
    /// # Panics
    ///
    /// If the draw is not a part of one.
    pub fn lengths(
        &self,
        seq_length: usize,
        draw: MaskDraw,
    ) -> impl Iterator<Item = usize> + use<> {
        draw.assert_part("RandomLengths");
        let settings = *self;
        let is_expected = draw.is_expected();
        let words = draw.rows(draw.n_draws(), 0, false).next().expect("a draw has a row");
        // Each takes three words.
        (0..).step_by(3).map(move |at| {
            if is_expected {
                return seq_length;
            }
            let halves = words.uniform(at) < settings.half_prob;
            let mean = seq_length as f64 / if halves { 2.0 } else { 1.0 };
            // Negative numbers become 0, and then the shortest.
            let length = (mean + settings.deviation * words.normal(at + 1)) as usize;
            length.max(settings.shortest)
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use burn_variational_dropout::MaskRng;

    fn draw(number: u64) -> MaskDraw {
        MaskRng::seeded(5).draw(number).part("lengths")
    }

    fn moments(values: &[f64]) -> [f64; 2] {
        let n = values.len() as f64;
        let mean = values.iter().sum::<f64>() / n;
        let variance = values.iter().map(|value| (value - mean).powi(2)).sum::<f64>() / n;
        [mean, variance.sqrt()]
    }

    #[test]
    fn lengths_are_normal_about_the_window_and_about_its_half() {
        const N: usize = 20_000;
        let lengths: Vec<f64> =
            RandomLengths::new().lengths(70, draw(0)).take(N).map(|l| l as f64).collect();
        // Seven standard deviations from either: 52.5 divides the two.
        let (half, whole): (Vec<f64>, Vec<f64>) = lengths.iter().partition(|&&l| l < 52.5);
        let expected = 0.05 * N as f64;
        assert!((half.len() as f64 - expected).abs() < 6.0 * (expected * 0.95).sqrt());
        for (lengths, center) in [(half, 35.0), (whole, 70.0)] {
            let [mean, deviation] = moments(&lengths);
            // What is cut off is half a step on average, and a twelfth of a step squared more
            // variance; six standard errors of each.
            let error = 5.0 / (lengths.len() as f64).sqrt();
            assert!((mean - (center - 0.5)).abs() < 6.0 * error, "{mean}");
            let expected = (25.0_f64 + 1.0 / 12.0).sqrt();
            assert!((deviation - expected).abs() < 6.0 * error / 2_f64.sqrt(), "{deviation}");
        }
    }

    #[test]
    fn no_length_is_under_the_shortest() {
        let lengths = RandomLengths::new().with_deviation(100.0).with_shortest(7);
        let lengths: Vec<_> = lengths.lengths(10, draw(0)).take(100).collect();
        assert_eq!(lengths.iter().min(), Some(&7));
    }

    #[test]
    fn lengths_are_a_function_of_their_draw() {
        let lengths = |draw| RandomLengths::new().lengths(70, draw).take(20).collect::<Vec<_>>();
        assert_eq!(lengths(draw(3)), lengths(draw(3)));
        assert_ne!(lengths(draw(3)), lengths(draw(4)));
        assert_eq!(lengths(MaskDraw::expected()), [70; 20]);
    }

    #[test]
    fn the_probability_of_half_may_be_none_or_all() {
        let lengths = |prob| {
            let lengths = RandomLengths::new().with_deviation(0.0).with_half_prob(prob);
            lengths.lengths(71, draw(0)).take(50).collect::<Vec<_>>()
        };
        assert_eq!((lengths(0.0), lengths(1.0)), (vec![71; 50], vec![35; 50]));
    }

    #[test]
    #[should_panic(expected = "RandomLengths: masks must be sampled from a part of a draw")]
    fn a_whole_draw_is_refused() {
        let _ = RandomLengths::new().lengths(70, MaskRng::seeded(5).draw(0));
    }

    #[test]
    #[should_panic(expected = "RandomLengths: deviation must be finite and not negative, got -1")]
    fn a_negative_deviation_is_refused() {
        let _ = RandomLengths::new().with_deviation(-1.0);
    }

    #[test]
    #[should_panic(expected = "RandomLengths: shortest must be positive, got 0")]
    fn no_step_is_refused() {
        let _ = RandomLengths::new().with_shortest(0);
    }

    #[test]
    #[should_panic(expected = "RandomLengths: half_prob must be in [0, 1], got 1.5")]
    fn a_probability_over_one_is_refused() {
        let _ = RandomLengths::new().with_half_prob(1.5);
    }
}
