//! The draws of a prediction, folded into passes of bounded size.

mod batch;
mod devices;
mod estimates;
mod passes;
mod queue;

use std::ops::ControlFlow;

use burn::tensor::Tensor;
use burn_variational_dropout::{MaskDraw, MaskRng};

use crate::progress::Callback;
use crate::{EarlyStop, MonteCarloError, Progress};

/// The scope of the masks of predictions: equal seeds or not, they are never those of training.
const SCOPE: &str = "monte carlo";

/// Prediction by Monte Carlo: `K` draws of a model's masks.
///
/// Draws are folded into the batch as far as the outputs of a pass stay under a number of bytes; a
/// batch too large for that is split too. Neither changes any mask, for a mask is a function of
/// its draw and row. The source is used in the scope `"monte carlo"`, so that no prediction meets
/// the masks of a training step, even with its seed; draw `k` of a model are the masks that it
/// samples from `rng.scope("monte carlo").draw(k).part("model")`.
///
/// # Example
///
/// ```
/// use burn::tensor::{Device, Tensor};
/// use burn_variational_dropout::{LockedDropoutConfig, MaskRng};
/// use burn_variational_mc::MonteCarlo;
///
/// // Any model: here, all that it does is drop.
/// let model = LockedDropoutConfig::new(4, 0.5).init();
/// let input = Tensor::<3>::ones([2, 3, 4], &Device::flex());
/// let prediction = MonteCarlo::new(100, MaskRng::seeded(1)).regression(&model, &input).unwrap();
/// assert_eq!(prediction.mean().dims(), [2, 3, 4]);
/// assert!(prediction.is_random());
/// ```
#[derive(Debug, Clone)]
pub struct MonteCarlo {
    n_draws: usize,
    first_draw: u64,
    first_row: u64,
    max_bytes: usize,
    max_rows: usize,
    has_function_samples: bool,
    early_stop: Option<EarlyStop>,
    progress: Option<Callback>,
    rng: MaskRng,
}

impl MonteCarlo {
    /// So many draws of the masks of this source, in passes of 1024 rows at most, whose outputs take
    /// 64 MiB at most.
    ///
    /// # Panics
    ///
    /// If there is no draw.
    pub fn new(n_draws: usize, rng: MaskRng) -> Self {
        assert!(n_draws > 0, "MonteCarlo: n_draws must be positive, got 0");
        Self {
            n_draws,
            first_draw: 0,
            first_row: 0,
            max_bytes: 64 << 20,
            max_rows: 1024,
            has_function_samples: false,
            early_stop: None,
            progress: None,
            rng: rng.scope(SCOPE),
        }
    }

    /// With passes whose outputs take so many bytes at most. A pass holds one row of one draw at
    /// least, and the first one, which shows how large an output is, up to 8 rows. What a model
    /// needs on the way to its outputs is not counted: [`with_max_rows`](Self::with_max_rows).
    ///
    /// # Panics
    ///
    /// If there is no byte.
    pub fn with_max_bytes(mut self, max_bytes: usize) -> Self {
        assert!(max_bytes > 0, "MonteCarlo: max_bytes must be positive, got 0");
        self.max_bytes = max_bytes;
        self
    }

    /// With passes of so many rows at most, all their draws counted. Where a model gives little of
    /// much, such as one number of a long sequence, this bounds what it needs on the way:
    /// 1024 rows if not said otherwise, which is enough to keep a processor busy.
    ///
    /// # Panics
    ///
    /// If there is no row.
    pub fn with_max_rows(mut self, max_rows: usize) -> Self {
        assert!(max_rows > 0, "MonteCarlo: max_rows must be positive, got 0");
        self.max_rows = max_rows;
        self
    }

    /// With the draws from this one on: what continues another run.
    pub fn with_first_draw(mut self, first_draw: u64) -> Self {
        self.first_draw = first_draw;
        self
    }

    /// With the masks of the rows from this one on: of a batch that continues another. Batches
    /// that start at the same row meet the same masks.
    pub fn with_first_row(mut self, first_row: u64) -> Self {
        self.first_row = first_row;
        self
    }

    /// With function samples: each draw is one function of the model, whose masks are the same for
    /// every row of a data set, whatever its batches. Equal rows have equal outputs in a draw, and the
    /// differences between rows are those that one model has; without it every row has masks of its
    /// own, which averages over rows too.
    ///
    /// # Example
    ///
    /// ```
    /// use burn::tensor::{Device, Tensor};
    /// use burn_variational_dropout::{LockedDropoutConfig, MaskRng};
    /// use burn_variational_mc::MonteCarlo;
    ///
    /// let model = LockedDropoutConfig::new(4, 0.5).init();
    /// let input = Tensor::<3>::ones([2, 3, 4], &Device::flex());
    /// let mc = MonteCarlo::new(1, MaskRng::seeded(1)).with_function_samples();
    /// let draw = mc.samples(&model, &input).unwrap()[0].clone();
    /// let [first, second] = [0..1, 1..2].map(|row| draw.clone().slice_dim(0, row).into_data());
    /// assert_eq!(first, second);
    /// ```
    pub fn with_function_samples(mut self) -> Self {
        self.has_function_samples = true;
        self
    }

    /// With an end as soon as the statistic is settled, and `n_draws` at most. All rows of a run, of
    /// all its batches too, get the same number of draws:
    /// [`Estimate::n_draws`](crate::Estimate::n_draws).
    pub fn with_early_stop(mut self, stop: EarlyStop) -> Self {
        self.early_stop = Some(stop);
        self
    }

    /// With a callback that hears of every pass, and ends the run by [`ControlFlow::Break`]: then
    /// there is no estimate, but [`MonteCarloError::Cancelled`]. What is to be had of fewer draws,
    /// an [early stop](Self::with_early_stop) gives.
    ///
    /// # Example
    ///
    /// ```
    /// use std::ops::ControlFlow;
    /// use std::time::{Duration, Instant};
    ///
    /// use burn::tensor::{Device, Tensor};
    /// use burn_variational_dropout::{LockedDropoutConfig, MaskRng};
    /// use burn_variational_mc::MonteCarlo;
    ///
    /// let model = LockedDropoutConfig::new(4, 0.5).init();
    /// let input = Tensor::<3>::ones([2, 3, 4], &Device::flex());
    /// let end = Instant::now() + Duration::from_secs(60);
    /// let mc = MonteCarlo::new(100, MaskRng::seeded(1)).with_progress(move |progress| {
    ///     println!("{:3.0} %", 100.0 * progress.fraction());
    ///     if Instant::now() < end { ControlFlow::Continue(()) } else { ControlFlow::Break(()) }
    /// });
    /// assert!(mc.moments(&model, &input).is_ok());
    /// ```
    pub fn with_progress(
        mut self,
        callback: impl Fn(Progress) -> ControlFlow<()> + Send + Sync + 'static,
    ) -> Self {
        self.progress = Some(Callback::new(callback));
        self
    }

    /// The number of draws.
    pub fn n_draws(&self) -> usize {
        self.n_draws
    }

    /// So many draws of this run, from one of them on, for its first row on.
    pub(crate) fn draws(&self, first: usize, n_draws: usize) -> MaskDraw {
        let first = self.first_draw + first as u64;
        let draws = self.rng.draws(first..first + n_draws as u64).starting_row(self.first_row);
        if self.has_function_samples { draws.shared_rows() } else { draws }
    }

    /// Tells how far the run is.
    ///
    /// # Errors
    ///
    /// If that ends it.
    pub(crate) fn report(&self, progress: Progress) -> Result<(), MonteCarloError> {
        self.progress.as_ref().map_or(Ok(()), |callback| callback.call(progress))
    }

    /// The number of the first draw.
    pub(crate) fn first_draw(&self) -> u64 {
        self.first_draw
    }

    /// The number of the first row.
    pub(crate) fn first_row(&self) -> u64 {
        self.first_row
    }

    /// Whether an early stop was asked for.
    pub(crate) fn stops_early(&self) -> bool {
        self.early_stop.is_some()
    }

    /// The bytes that the outputs of a pass may take.
    pub(crate) fn max_bytes(&self) -> usize {
        self.max_bytes
    }

    /// The rows that a pass may hold, where the rows of an output are as large as these.
    fn rows_of_a_pass<const D: usize>(&self, output: &Tensor<D>) -> usize {
        let row_length = output.shape().num_elements() / output.dims()[0];
        let row_bytes = row_length * output.dtype().size();
        (self.max_bytes / row_bytes.max(1)).clamp(1, self.max_rows)
    }

    /// The rows of the first pass, of one draw, which shows how large the outputs of a model are.
    fn rows_of_the_first_pass(&self) -> usize {
        self.max_rows.min(8)
    }
}

#[cfg(test)]
mod tests;
