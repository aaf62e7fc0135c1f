//! Runs over models, data sets and closures.

use burn::tensor::Tensor;
use burn_variational_dropout::{ModelInput, VariationalModel};

use super::MonteCarlo;
use super::batch::Batch;
use super::devices::OnDevices;
use super::passes::RunPasses;
use crate::{
    EarlyStop, Estimate, Moments, MonteCarloError, MonteCarloResult, Pass, Samples, Statistic,
};

impl MonteCarlo {
    /// A statistic of what a model makes of an input, over the draws of its masks.
    ///
    /// # Errors
    ///
    /// If the model asks for no mask, runs on an autodiff device, or returns other rows or outputs
    /// that are not finite; if the run is cancelled, or is to stop early by a statistic that has no
    /// standard error.
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
    /// set has masks of its own, or all of them the same
    /// ([function samples](Self::with_function_samples)), whatever the batches.
    ///
    /// A batch is dropped before the next one is asked for, unless the run may
    /// [stop early](Self::with_early_stop): it does so when all rows of all batches are settled, and
    /// keeps the batches for the draws to come.
    ///
    /// # Errors
    ///
    /// If the model asks for no mask, runs on an autodiff device, or returns other rows or outputs
    /// that are not finite; if the run is cancelled, or is to stop early by a statistic that has no
    /// standard error.
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
        let (n_rows, folds, devices) = (M::Input::n_rows, model.folds_draws(), model.devices());
        if devices.is_empty() {
            let forward = |input: &M::Input, pass: &Pass| Ok(pass.run(model, input));
            return self.accumulate_batches(batches, n_rows, folds, statistic, forward);
        }
        let passes = OnDevices::new(model, devices);
        self.accumulate_batches(batches, n_rows, folds, statistic, passes)
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
    /// If the closure does; otherwise as [`estimate`](Self::estimate).
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
        mut forward: impl FnMut(&Pass) -> Result<Tensor<D>, E>,
    ) -> Result<Estimate<S::Output>, E> {
        let batches = std::iter::once(n_rows);
        self.accumulate_batches(
            batches,
            |&n_rows| n_rows,
            true,
            statistic,
            |_: &usize, pass: &Pass| forward(pass),
        )
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

    /// Feeds every draw of every batch to a statistic, until it is settled.
    pub(super) fn accumulate_batches<
        const D: usize,
        B,
        S: Statistic<D>,
        E: From<MonteCarloError>,
    >(
        &self,
        batches: impl IntoIterator<Item = B>,
        n_rows: impl Fn(&B) -> usize,
        folds_draws: bool,
        statistic: S,
        mut passes: impl RunPasses<B, D, E>,
    ) -> Result<Estimate<S::Output>, E> {
        let looks = self.early_stop.iter().flat_map(|stop| stop.looks(self.n_draws));
        let mut ends = looks.chain([self.n_draws]);
        let mut n_draws = ends.next().expect("the last one");
        let (mut inputs, mut runs, mut first_row) = (Vec::new(), Vec::new(), self.first_row);
        for input in batches {
            let n_rows = n_rows(&input);
            let mut run = Batch::new(runs.len(), first_row, n_rows, folds_draws);
            run.take_draws(self, 0..n_draws, &statistic, &input, &mut passes)?;
            runs.push(run);
            first_row += n_rows as u64;
            if n_draws < self.n_draws {
                inputs.push(input);
            }
        }
        while let (Some(end), Some(stop)) = (ends.next(), &self.early_stop) {
            if are_settled(&runs, stop)? {
                break;
            }
            for (run, input) in runs.iter_mut().zip(&inputs) {
                run.take_draws(self, n_draws..end, &statistic, input, &mut passes)?;
            }
            n_draws = end;
        }
        let is_random = runs.iter().any(Batch::is_random);
        let all = runs.into_iter().flat_map(Batch::into_statistics).reduce(|mut all, rows| {
            all.append_rows(rows);
            all
        });
        let all = all.expect("MonteCarlo: batches must not be empty, got none");
        let estimate = Estimate::new(all.finish(), n_draws, is_random);
        Ok(estimate.with_failures(passes.failures()))
    }
}

/// Whether all rows of all batches have draws enough.
fn are_settled<const D: usize, S: Statistic<D>>(
    batches: &[Batch<S>],
    stop: &EarlyStop,
) -> Result<bool, MonteCarloError> {
    for batch in batches {
        if !batch.is_settled(stop)? {
            return Ok(false);
        }
    }
    Ok(true)
}
