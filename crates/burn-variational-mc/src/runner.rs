//! The draws of a prediction, folded into passes of bounded size.

use std::ops::Deref;

use burn::tensor::Tensor;
use burn_variational_dropout::{MaskDraw, MaskRng, ModelInput, VariationalModel};

use crate::{Moments, MonteCarloError, Pass, Samples, Statistic};

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

/// What a Monte Carlo run gives, and whether anything in it was random.
#[derive(Debug, Clone)]
pub struct Estimate<T> {
    value: T,
    is_random: bool,
}

/// An estimate, or why there is none.
pub type MonteCarloResult<T> = Result<Estimate<T>, MonteCarloError>;

impl<T> Estimate<T> {
    /// Whether the draws could differ. They could not if the model asked for masks at rate 0
    /// alone: then a variance of 0 says nothing of what the model knows.
    pub fn is_random(&self) -> bool {
        self.is_random
    }

    /// What was estimated.
    pub fn into_value(self) -> T {
        self.value
    }

    /// What `f` makes of it.
    pub fn map<R>(self, f: impl FnOnce(T) -> R) -> Estimate<R> {
        Estimate { value: f(self.value), is_random: self.is_random }
    }
}

impl<T> Deref for Estimate<T> {
    type Target = T;

    fn deref(&self) -> &T {
        &self.value
    }
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
            all = Some(append_rows(all, batch));
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
            let mut block = Estimate { value: statistic.clone(), is_random: true };
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
                    (0..self.n_draws).for_each(|_| block.value.push(first.clone()));
                    block.is_random = false;
                    break;
                }
                for draw in output.chunk(n_draws, 0) {
                    block.value.push(draw);
                }
                first_draw += n_draws;
            }
            first_row = rows.end;
            all = Some(append_rows(all, block));
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

fn append_rows<const D: usize, S: Statistic<D>>(
    all: Option<Estimate<S>>,
    rows: Estimate<S>,
) -> Estimate<S> {
    match all {
        None => rows,
        Some(mut all) => {
            all.is_random |= rows.is_random;
            all.value.append_rows(rows.value);
            all
        }
    }
}

#[cfg(test)]
mod tests {
    use std::ops::Range;

    use super::*;
    use burn::tensor::Device;
    use burn_variational_dropout::SiteDropout;

    fn input(device: &Device) -> Tensor<2> {
        Tensor::ones([3, 4], device)
    }

    fn mc(n_draws: usize) -> MonteCarlo {
        MonteCarlo::new(n_draws, MaskRng::seeded(1))
    }

    /// The draws of what a closure makes of the passes over three rows.
    fn samples(
        mc: &MonteCarlo,
        mut forward: impl FnMut(&Pass) -> Tensor<2>,
    ) -> MonteCarloResult<Vec<Tensor<2>>> {
        mc.accumulate(3, Samples::new(), |pass| Ok(forward(pass)))
    }

    fn dropped(input: Tensor<2>, pass: &Pass) -> Tensor<2> {
        let (dims, device) = (input.dims(), input.device());
        SiteDropout::new(0.5).sample(dims, &pass.draw(), &device).apply(input)
    }

    #[test]
    fn a_model_that_asks_for_no_mask_is_an_error() {
        let input = input(&Device::flex());
        let result = samples(&mc(4), |pass| pass.fold(&input));
        assert_eq!(result.unwrap_err(), MonteCarloError::NoDraw);
    }

    #[test]
    fn a_model_on_an_autodiff_device_is_an_error() {
        let input = input(&Device::flex().autodiff());
        let result = samples(&mc(4), |pass| pass.fold(&input));
        assert_eq!(result.unwrap_err(), MonteCarloError::Autodiff);
    }

    #[test]
    fn a_model_that_loses_rows_is_an_error() {
        let input = input(&Device::flex());
        let result = samples(&mc(4), |pass| dropped(pass.fold(&input), pass).slice_dim(0, 0..1));
        assert_eq!(result.unwrap_err(), MonteCarloError::Rows { expected: 3, got: 1 });
    }

    #[test]
    fn a_forgotten_fold_is_an_error_that_names_it() {
        let input = input(&Device::flex());
        // The first pass holds one draw, where there is nothing to fold.
        for forgetful in [
            (|input, pass| dropped(input, pass)) as fn(Tensor<2>, &Pass) -> Tensor<2>,
            |input, pass| dropped(input.clone(), pass).repeat_dim(0, pass.n_draws()),
            |input, pass| {
                let _ = dropped(input.clone().repeat_dim(0, pass.n_draws()), pass);
                input
            },
        ] {
            let result = samples(&mc(4), |pass| forgetful(input.clone(), pass));
            let expected = MonteCarloError::ForgottenFold { n_draws: 3, n_rows: 3, got: 3 };
            assert_eq!(result.unwrap_err(), expected);
        }
    }

    #[test]
    fn an_error_of_the_closure_comes_back() {
        let result = mc(4).accumulate(3, Samples::<2>::new(), |_| Err(anyhow::anyhow!("mine")));
        assert_eq!(result.unwrap_err().to_string(), "mine");
    }

    #[test]
    fn raw_words_make_a_model_random_and_rates_of_zero_do_not() {
        let input = input(&Device::flex());
        let noisy = samples(&mc(4), |pass| {
            let rows = pass.draw();
            let words: Vec<f32> =
                rows.rows(pass.batch_size(), 0, false).map(|row| row.word(0) as f32).collect();
            let noise = Tensor::<1>::from_data(words.as_slice(), &Device::flex());
            pass.fold(&input) * noise.unsqueeze_dim(1)
        });
        let noisy = noisy.unwrap();
        assert!(noisy.is_random());
        assert_ne!(noisy[0].to_data(), noisy[1].to_data());

        let still = samples(&mc(4), |pass| {
            let input = pass.fold(&input);
            SiteDropout::new(0.0).sample(input.dims(), &pass.draw(), &input.device()).apply(input)
        });
        let still = still.unwrap();
        assert!(!still.is_random() && still.len() == 4);
    }

    #[test]
    fn draws_do_not_depend_on_the_size_of_a_pass() {
        let input = input(&Device::flex());
        let draws = |max_bytes| {
            let mc = mc(5).with_max_bytes(max_bytes);
            let draws = samples(&mc, |pass| dropped(pass.fold(&input), pass)).unwrap();
            draws.into_value().into_iter().map(Tensor::into_data).collect::<Vec<_>>()
        };
        let whole = draws(1 << 20);
        assert_eq!(whole.len(), 5);
        assert_ne!(whole[0], whole[1]);
        for rows in [1, 2, 3, 4, 7, 100] {
            assert_eq!(draws(16 * rows), whole, "in passes of {rows} rows of 16 bytes");
        }
    }

    #[test]
    fn passes_stay_under_the_bytes_they_may_hold_after_the_first() {
        let input = Tensor::<2>::ones([100, 4], &Device::flex());
        let mut sizes = Vec::new();
        let mc = mc(5).with_max_bytes(16 * 40);
        let run = mc.accumulate(100, Samples::new(), |pass| {
            sizes.push(pass.batch_size());
            Ok::<_, MonteCarloError>(dropped(pass.fold(&input), pass))
        });
        assert_eq!(run.unwrap()[4].dims(), [100, 4]);
        assert_eq!(sizes[0], FIRST_ROWS);
        assert!(sizes[1..].iter().all(|&rows| rows <= 40), "{sizes:?}");
        assert_eq!(sizes.iter().sum::<usize>(), 500);
    }

    #[test]
    fn a_run_that_starts_elsewhere_gives_the_masks_from_there() {
        let input = input(&Device::flex());
        let draws = |mc: MonteCarlo, rows: Range<usize>| {
            let input = input.clone().slice_dim(0, rows.clone());
            let forward = |pass: &Pass| Ok::<_, MonteCarloError>(dropped(pass.fold(&input), pass));
            mc.accumulate(rows.len(), Samples::new(), forward).unwrap().into_value()
        };
        let whole = draws(mc(5), 0..3);
        let part = draws(mc(2).with_first_draw(3).with_first_row(1), 1..3);
        for (draw, expected) in part.into_iter().zip(&whole[3..]) {
            let expected = expected.clone().slice_dim(0, 1..3).into_data();
            assert_eq!(draw.into_data(), expected);
        }
    }

    #[test]
    fn the_masks_of_a_prediction_are_not_those_of_training_with_the_same_seed() {
        let ones = Tensor::<2>::ones([1, 64], &Device::flex());
        let predicted = mc(1).accumulate(1, Samples::new(), |pass| {
            Ok::<_, MonteCarloError>(dropped(pass.fold(&ones), pass))
        });
        let trained = SiteDropout::new(0.5)
            .sample([1, 64], &MaskRng::seeded(1).draw(0), &Device::flex())
            .apply(ones.clone());
        assert_ne!(predicted.unwrap()[0].to_data(), trained.into_data());
    }

    #[test]
    #[should_panic(expected = "Pass: whole must have the 5 rows of the prediction, got 3")]
    fn a_batch_of_other_rows_is_refused() {
        let input = input(&Device::flex());
        let _ =
            mc(1).accumulate(5, Samples::new(), |pass| Ok::<_, MonteCarloError>(pass.fold(&input)));
    }

    #[test]
    #[should_panic(expected = "MonteCarlo: n_draws must be positive, got 0")]
    fn no_draw_is_refused() {
        let _ = mc(0);
    }

    #[test]
    #[should_panic(expected = "MonteCarlo: max_bytes must be positive, got 0")]
    fn a_pass_without_bytes_is_refused() {
        let _ = mc(1).with_max_bytes(0);
    }
}
