//! The draws of a prediction, folded into passes of bounded size.

use burn::tensor::Tensor;
use burn_variational_dropout::{MaskDraw, MaskRng, ModelInput, VariationalModel};

use crate::{Estimate, Moments, MonteCarloError, MonteCarloResult, Pass, Samples, Statistic};

/// The scope of the masks of predictions: equal seeds or not, they are never those of training.
const SCOPE: &str = "monte carlo";

/// The rows of the first pass, of one draw, which shows how large the outputs of a model are.
const FIRST_ROWS: usize = 8;

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
    rng: MaskRng,
}

impl MonteCarlo {
    /// So many draws of the masks of this source, in passes whose outputs take 64 MiB at most.
    ///
    /// # Panics
    ///
    /// If there is no draw.
    pub fn new(n_draws: usize, rng: MaskRng) -> Self {
        assert!(n_draws > 0, "MonteCarlo: n_draws must be positive, got 0");
        let rng = rng.scope(SCOPE);
        Self { n_draws, first_draw: 0, first_row: 0, max_bytes: 64 << 20, rng }
    }

    /// With passes whose outputs take so many bytes at most. A pass holds one row of one draw at
    /// least, and the first one, which shows how large an output is, up to 8 rows. What a model
    /// needs on the way to its outputs is in proportion, and not counted.
    ///
    /// # Panics
    ///
    /// If there is no byte.
    pub fn with_max_bytes(mut self, max_bytes: usize) -> Self {
        assert!(max_bytes > 0, "MonteCarlo: max_bytes must be positive, got 0");
        self.max_bytes = max_bytes;
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

    /// The number of draws.
    pub fn n_draws(&self) -> usize {
        self.n_draws
    }

    /// A statistic of what a model makes of an input, over the draws of its masks.
    ///
    /// # Errors
    ///
    /// If the model asks for no mask, runs on an autodiff device or returns other rows.
    ///
    /// # Panics
    ///
    /// If there is no row.
    pub fn estimate<const D: usize, M, S>(
        &self,
        model: &M,
        input: &M::Input,
        statistic: S,
    ) -> MonteCarloResult<S::Output>
    where
        M: VariationalModel<Output = Tensor<D>>,
        S: Statistic<D>,
    {
        self.estimate_batches(model, std::iter::once(input.clone()), statistic)
    }

    /// A statistic of what a model makes of a whole data set, batch after batch; every row of the
    /// set has masks of its own, whatever the batches.
    ///
    /// # Errors
    ///
    /// If the model asks for no mask, runs on an autodiff device or returns other rows.
    ///
    /// # Panics
    ///
    /// If there is no batch, or one without rows.
    ///
    /// # Example
    ///
    /// ```
    /// use burn::tensor::{Device, Tensor};
    /// use burn_variational_dropout::{LockedDropoutConfig, MaskRng};
    /// use burn_variational_mc::{Moments, MonteCarlo};
    ///
    /// let model = LockedDropoutConfig::new(4, 0.5).init();
    /// let batch = |n_rows| Tensor::<3>::ones([n_rows, 3, 4], &Device::flex());
    /// let mc = MonteCarlo::new(20, MaskRng::seeded(1));
    /// let batches = [batch(5), batch(5), batch(2)];
    /// let moments = mc.estimate_batches(&model, batches, Moments::new()).unwrap();
    /// assert_eq!(moments.mean().dims(), [12, 3, 4]);
    /// ```
    pub fn estimate_batches<const D: usize, M, S>(
        &self,
        model: &M,
        batches: impl IntoIterator<Item = M::Input>,
        statistic: S,
    ) -> MonteCarloResult<S::Output>
    where
        M: VariationalModel<Output = Tensor<D>>,
        S: Statistic<D>,
    {
        let mut all: Option<Estimate<S>> = None;
        let mut mc = self.clone();
        for input in batches {
            let n_rows = input.n_rows();
            let folds = model.folds_draws();
            let batch = mc.accumulate_folding(n_rows, folds, statistic.clone(), |pass| {
                Ok::<_, MonteCarloError>(pass.run(model, &input))
            })?;
            mc.first_row += n_rows as u64;
            all = Some(Estimate::append_rows(all, batch));
        }
        let all = all.expect("MonteCarlo: batches must not be empty, got none");
        Ok(all.map(S::finish))
    }

    /// A statistic of what a closure makes of the passes over `n_rows` rows: for what is no
    /// [`VariationalModel`]. The closure may fail with an error of its own.
    ///
    /// # Shapes
    ///
    /// - what `forward` returns: `[pass.batch_size(), ..]`
    ///
    /// # Errors
    ///
    /// If the closure does; if it asks for no mask, runs on an autodiff device or returns other
    /// rows.
    ///
    /// # Panics
    ///
    /// If there is no row.
    ///
    /// # Example
    ///
    /// ```
    /// use burn::tensor::{Device, Tensor};
    /// use burn_variational_dropout::{MaskRng, SiteDropout};
    /// use burn_variational_mc::{Moments, MonteCarlo, MonteCarloError};
    ///
    /// let device = Device::flex();
    /// let input = Tensor::<2>::ones([2, 4], &device);
    /// let mc = MonteCarlo::new(100, MaskRng::seeded(1));
    /// let moments = mc.accumulate(2, Moments::new(), |pass| {
    ///     let input = pass.fold(&input);
    ///     let mask = SiteDropout::new(0.5).sample(input.dims(), &pass.draw(), &device);
    ///     Ok::<_, MonteCarloError>(mask.apply(input).sum_dim(1))
    /// });
    /// assert_eq!(moments.unwrap().mean().dims(), [2, 1]);
    /// ```
    pub fn accumulate<const D: usize, S: Statistic<D>, E: From<MonteCarloError>>(
        &self,
        n_rows: usize,
        statistic: S,
        forward: impl FnMut(&Pass) -> Result<Tensor<D>, E>,
    ) -> Result<Estimate<S::Output>, E> {
        let estimate = self.accumulate_folding(n_rows, true, statistic, forward)?;
        Ok(estimate.map(S::finish))
    }

    /// The outputs of every draw, all of them kept: `n_draws` tensors `[n_rows, ..]`.
    ///
    /// # Errors
    ///
    /// As [`estimate`](Self::estimate).
    ///
    /// # Panics
    ///
    /// If there is no row.
    pub fn samples<const D: usize, M: VariationalModel<Output = Tensor<D>>>(
        &self,
        model: &M,
        input: &M::Input,
    ) -> MonteCarloResult<Vec<Tensor<D>>> {
        self.estimate(model, input, Samples::new())
    }

    /// Mean and variance of the draws, none of them kept.
    ///
    /// # Errors
    ///
    /// As [`estimate`](Self::estimate).
    ///
    /// # Panics
    ///
    /// If there is no row.
    pub fn moments<const D: usize, M: VariationalModel<Output = Tensor<D>>>(
        &self,
        model: &M,
        input: &M::Input,
    ) -> MonteCarloResult<Moments<D>> {
        self.estimate(model, input, Moments::new())
    }

    /// Feeds every draw to a statistic, block of rows by block of rows.
    fn accumulate_folding<const D: usize, S: Statistic<D>, E: From<MonteCarloError>>(
        &self,
        n_rows: usize,
        folds_draws: bool,
        statistic: S,
        mut forward: impl FnMut(&Pass) -> Result<Tensor<D>, E>,
    ) -> Result<Estimate<S>, E> {
        assert!(n_rows > 0, "MonteCarlo: n_rows must be positive, got 0");
        let mut all = None;
        // The rows that a pass may hold, unknown before the first.
        let mut max_rows = None;
        let mut first_row = 0;
        while first_row < n_rows {
            let rows = first_row..n_rows.min(first_row + max_rows.unwrap_or(FIRST_ROWS));
            let mut block = Estimate::new(statistic.clone());
            let mut first_draw = 0;
            while first_draw < self.n_draws {
                let n_draws = max_rows.filter(|_| folds_draws).unwrap_or(1) / rows.len();
                let n_draws = n_draws.clamp(1, self.n_draws - first_draw);
                let (draw, record) = self
                    .draws(first_draw, n_draws)
                    .starting_row(self.first_row + rows.start as u64)
                    .recorded(n_draws * rows.len());
                let pass = Pass::new(draw, rows.clone(), n_rows);
                let output = forward(&pass)?;
                pass.check(&output, &record)?;
                max_rows = max_rows.or_else(|| Some(self.max_rows(&output)));
                if !record.random() {
                    // Every draw is the first one: its variance is exactly 0.
                    let first = output.slice_dim(0, 0..rows.len());
                    (0..self.n_draws).for_each(|_| block.push(first.clone()));
                    block.was_not_random();
                    break;
                }
                for draw in output.chunk(n_draws, 0) {
                    block.push(draw);
                }
                first_draw += n_draws;
            }
            first_row = rows.end;
            all = Some(Estimate::append_rows(all, block));
        }
        Ok(all.expect("at least one row"))
    }

    /// So many draws of this run, from one of them on, for its first row on.
    pub(crate) fn draws(&self, first: usize, n_draws: usize) -> MaskDraw {
        let first = self.first_draw + first as u64;
        self.rng.draws(first..first + n_draws as u64).starting_row(self.first_row)
    }

    /// The bytes that the outputs of a pass may take.
    pub(crate) fn max_bytes(&self) -> usize {
        self.max_bytes
    }

    /// The rows of such an output that take `max_bytes`.
    fn max_rows<const D: usize>(&self, output: &Tensor<D>) -> usize {
        let row_length = output.shape().num_elements() / output.dims()[0];
        let row_bytes = row_length * output.dtype().size();
        (self.max_bytes / row_bytes.max(1)).max(1)
    }
}

#[cfg(test)]
mod tests;
