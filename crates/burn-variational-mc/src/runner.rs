//! The draws of a prediction, folded into passes of bounded size.

use std::ops::Range;

use burn::tensor::{Tensor, kind::Basic};
use burn_variational_dropout::MaskRng;
use thiserror::Error;

use crate::Moments;

/// Why a Monte Carlo prediction could not be made.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
#[non_exhaustive]
pub enum MonteCarloError {
    /// The model asked for no mask, so all draws would be one and their variance a silent 0.
    #[error(
        "the model asked for no mask: sample its masks from `pass.rng()` and give it at least one \
         dropout site (one at rate 0 counts)"
    )]
    NoDraw,
    /// The model ran on an autodiff device, where every pass would keep its graph.
    #[error("the model ran on an autodiff device: predict with `model.valid()` and plain inputs")]
    Autodiff,
    /// The model returned another number of rows than the pass holds.
    #[error("the model returned {got} rows for a pass of {expected}")]
    Rows {
        /// The rows of the pass.
        expected: usize,
        /// The rows of the output.
        got: usize,
    },
}

/// Prediction by Monte Carlo: `K` draws of a model's masks.
///
/// Draws are folded into the batch as far as a pass may hold rows; a batch larger than that is
/// split too. Neither changes any mask, for a mask is a function of its draw and row.
#[derive(Debug, Clone)]
pub struct MonteCarlo {
    n_draws: usize,
    max_rows: usize,
    rng: MaskRng,
}

/// One forward pass of a Monte Carlo prediction: some rows of the batch, for some draws.
#[derive(Debug, Clone)]
pub struct Pass {
    rng: MaskRng,
    n_draws: usize,
    rows: Range<usize>,
    n_rows: usize,
}

impl Pass {
    /// The source to sample the masks of this pass from.
    pub fn rng(&self) -> &MaskRng {
        &self.rng
    }

    /// The number of draws in this pass.
    pub fn n_draws(&self) -> usize {
        self.n_draws
    }

    /// The rows of the batch in this pass.
    pub fn rows(&self) -> Range<usize> {
        self.rows.clone()
    }

    /// The number of rows a model sees in this pass: draws times rows.
    pub fn batch_size(&self) -> usize {
        self.n_draws * self.rows.len()
    }

    /// The rows of this pass out of a whole batch `[rows, ..]`, once for each draw.
    ///
    /// # Shapes
    ///
    /// - whole: `[n_rows, ..]`
    /// - output: `[batch_size, ..]`, draw after draw
    ///
    /// # Panics
    ///
    /// If the batch has other rows than the prediction was asked for.
    pub fn fold<const D: usize, K: Basic>(&self, whole: &Tensor<D, K>) -> Tensor<D, K> {
        let got = whole.dims()[0];
        assert!(
            got == self.n_rows,
            "Pass: whole must have the {} rows of the prediction, got {got}",
            self.n_rows
        );
        let rows = whole.clone().slice_dim(0, self.rows.clone());
        rows.repeat_dim(0, self.n_draws)
    }
}

impl MonteCarlo {
    /// So many draws of the masks of this source, from its first draw and row on, in passes of at
    /// most 1024 rows.
    ///
    /// A test set predicted batch by batch takes `rng.starting_row(r)` for the batch that starts
    /// at row `r`, or the same `rng` for each batch if all are to meet the same masks.
    ///
    /// # Panics
    ///
    /// If there is no draw, or `rng` gives expected masks and so none at all.
    pub fn new(n_draws: usize, rng: MaskRng) -> Self {
        assert!(n_draws > 0, "MonteCarlo: n_draws must be positive, got 0");
        assert!(
            !rng.is_expected(),
            "MonteCarlo: rng must draw masks, got MaskRng::expected(): use weight_averaging"
        );
        Self { n_draws, max_rows: 1024, rng }
    }

    /// With passes of at most so many rows: what bounds the memory of a forward pass.
    ///
    /// # Panics
    ///
    /// If a pass may hold no row.
    pub fn with_max_rows(mut self, max_rows: usize) -> Self {
        assert!(max_rows > 0, "MonteCarlo: max_rows must be positive, got 0");
        self.max_rows = max_rows;
        self
    }

    /// The number of draws.
    pub fn n_draws(&self) -> usize {
        self.n_draws
    }

    /// The outputs of every draw, all of them kept: `n_draws` tensors.
    ///
    /// # Shapes
    ///
    /// - what `forward` returns: `[pass.batch_size(), ..]`
    /// - outputs: `[n_rows, ..]` each
    ///
    /// # Errors
    ///
    /// If the model asks for no mask, runs on an autodiff device or returns other rows.
    ///
    /// # Panics
    ///
    /// If there is no row.
    pub fn samples<const D: usize>(
        &self,
        n_rows: usize,
        forward: impl FnMut(&Pass) -> Tensor<D>,
    ) -> Result<Vec<Tensor<D>>, MonteCarloError> {
        let blocks = self.accumulate(n_rows, Vec::new, forward, Vec::push)?;
        let mut blocks: Vec<_> = blocks.into_iter().map(Vec::into_iter).collect();
        let draw = |_| {
            let rows = blocks.iter_mut().map(|draws| draws.next().expect("as many as draws"));
            Tensor::cat(rows.collect(), 0)
        };
        Ok((0..self.n_draws).map(draw).collect())
    }

    /// Mean and variance of the draws, none of them kept.
    ///
    /// # Shapes
    ///
    /// - what `forward` returns: `[pass.batch_size(), ..]`
    /// - mean and variance: `[n_rows, ..]`
    ///
    /// # Errors
    ///
    /// If the model asks for no mask, runs on an autodiff device or returns other rows.
    ///
    /// # Panics
    ///
    /// If there is no row.
    pub fn mean_and_variance<const D: usize>(
        &self,
        n_rows: usize,
        forward: impl FnMut(&Pass) -> Tensor<D>,
    ) -> Result<(Tensor<D>, Tensor<D>), MonteCarloError> {
        let blocks = self.accumulate(n_rows, Moments::new, forward, Moments::push)?;
        let means = blocks.iter().map(Moments::mean).collect();
        let variances = blocks.iter().map(Moments::variance).collect();
        Ok((Tensor::cat(means, 0), Tensor::cat(variances, 0)))
    }

    /// The output with expected masks: the weight-averaging approximation of the mean, in one
    /// pass for each `max_rows` rows.
    ///
    /// # Errors
    ///
    /// If the model asks for no mask, runs on an autodiff device or returns other rows.
    ///
    /// # Panics
    ///
    /// If there is no row.
    pub fn weight_averaging<const D: usize>(
        &self,
        n_rows: usize,
        forward: impl FnMut(&Pass) -> Tensor<D>,
    ) -> Result<Tensor<D>, MonteCarloError> {
        let expected = Self { n_draws: 1, rng: MaskRng::expected(), ..*self };
        Ok(expected.samples(n_rows, forward)?.remove(0))
    }

    /// Feeds the output of every draw to an accumulator, one for each block of rows.
    pub(crate) fn accumulate<const D: usize, A>(
        &self,
        n_rows: usize,
        new: impl Fn() -> A,
        mut forward: impl FnMut(&Pass) -> Tensor<D>,
        push: impl Fn(&mut A, Tensor<D>),
    ) -> Result<Vec<A>, MonteCarloError> {
        assert!(n_rows > 0, "MonteCarlo: n_rows must be positive, got 0");
        let (rng, record) = self.rng.clone().recorded();
        let mut blocks = Vec::new();
        for first_row in (0..n_rows).step_by(self.max_rows) {
            let rows = first_row..n_rows.min(first_row + self.max_rows);
            let draws_a_pass = (self.max_rows / rows.len()).max(1);
            let mut block = new();
            for first_draw in (0..self.n_draws).step_by(draws_a_pass) {
                let draws = first_draw..self.n_draws.min(first_draw + draws_a_pass);
                let (draw, row) = (rng.first_draw(), rng.first_row());
                let pass = Pass {
                    rng: rng
                        .clone()
                        .draws(draw + draws.start as u64..draw + draws.end as u64)
                        .starting_row(row + first_row as u64),
                    n_draws: draws.len(),
                    rows: rows.clone(),
                    n_rows,
                };
                let output = forward(&pass);
                check_output(&output, &pass)?;
                if !record.asked() {
                    return Err(MonteCarloError::NoDraw);
                }
                if !record.random() {
                    // Every draw is the first one: its variance is exactly 0.
                    let first = output.slice_dim(0, 0..rows.len());
                    (0..self.n_draws).for_each(|_| push(&mut block, first.clone()));
                    break;
                }
                for draw in output.chunk(draws.len(), 0) {
                    push(&mut block, draw);
                }
            }
            blocks.push(block);
        }
        Ok(blocks)
    }
}

fn check_output<const D: usize>(output: &Tensor<D>, pass: &Pass) -> Result<(), MonteCarloError> {
    let (expected, got) = (pass.batch_size(), output.dims()[0]);
    if output.is_autodiff() {
        return Err(MonteCarloError::Autodiff);
    }
    if got != expected {
        return Err(MonteCarloError::Rows { expected, got });
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;
    use burn::tensor::Device;
    use burn_variational_dropout::SiteDropout;

    fn input(device: &Device) -> Tensor<2> {
        Tensor::ones([3, 4], device)
    }

    #[test]
    fn a_model_that_asks_for_no_mask_is_an_error() {
        let input = input(&Device::flex());
        let result = MonteCarlo::new(4, MaskRng::seeded(1)).samples(3, |pass| pass.fold(&input));
        assert_eq!(result.unwrap_err(), MonteCarloError::NoDraw);
    }

    #[test]
    fn a_model_on_an_autodiff_device_is_an_error() {
        let input = input(&Device::flex().autodiff());
        let result = MonteCarlo::new(4, MaskRng::seeded(1)).samples(3, |pass| pass.fold(&input));
        assert_eq!(result.unwrap_err(), MonteCarloError::Autodiff);
    }

    #[test]
    fn a_model_that_loses_rows_is_an_error() {
        let input = input(&Device::flex());
        let result = MonteCarlo::new(4, MaskRng::seeded(1)).samples(3, |_| input.clone());
        assert_eq!(result.unwrap_err(), MonteCarloError::Rows { expected: 12, got: 3 });
    }

    #[test]
    fn draws_do_not_depend_on_the_size_of_a_pass() {
        let device = Device::flex();
        let input = input(&device);
        let samples = |max_rows| {
            let mc = MonteCarlo::new(5, MaskRng::seeded(1)).with_max_rows(max_rows);
            let draws = mc.samples(3, |pass| {
                let input = pass.fold(&input);
                SiteDropout::new(0.5).sample(input.dims(), pass.rng(), &device).apply(input)
            });
            draws.unwrap().into_iter().map(Tensor::into_data).collect::<Vec<_>>()
        };
        let whole = samples(15);
        assert_eq!(whole.len(), 5);
        assert_ne!(whole[0], whole[1]);
        for max_rows in [1, 2, 3, 4, 7, 100] {
            assert_eq!(samples(max_rows), whole, "in passes of {max_rows} rows");
        }
    }

    #[test]
    fn a_source_that_starts_elsewhere_gives_the_masks_from_there() {
        let device = Device::flex();
        let samples = |n_draws, rng, rows: Range<usize>| {
            let input = input(&device).slice_dim(0, rows.clone());
            let draws = MonteCarlo::new(n_draws, rng).samples(rows.len(), |pass| {
                let input = pass.fold(&input);
                SiteDropout::new(0.5).sample(input.dims(), pass.rng(), &device).apply(input)
            });
            draws.unwrap()
        };
        let whole = samples(5, MaskRng::seeded(1), 0..3);
        let part = samples(2, MaskRng::seeded(1).draw(3).starting_row(1), 1..3);
        for (draw, expected) in part.into_iter().zip(&whole[3..]) {
            let expected = expected.clone().slice_dim(0, 1..3).into_data();
            assert_eq!(draw.into_data(), expected);
        }
    }

    #[test]
    #[should_panic(expected = "Pass: whole must have the 5 rows of the prediction, got 3")]
    fn a_batch_of_other_rows_is_refused() {
        let input = input(&Device::flex());
        let _ = MonteCarlo::new(1, MaskRng::seeded(1)).samples(5, |pass| pass.fold(&input));
    }

    #[test]
    #[should_panic(expected = "MonteCarlo: rng must draw masks, got MaskRng::expected()")]
    fn a_source_without_draws_is_refused() {
        let _ = MonteCarlo::new(2, MaskRng::expected());
    }

    #[test]
    #[should_panic(expected = "MonteCarlo: n_draws must be positive, got 0")]
    fn no_draw_is_refused() {
        let _ = MonteCarlo::new(0, MaskRng::seeded(1));
    }

    #[test]
    #[should_panic(expected = "MonteCarlo: max_rows must be positive, got 0")]
    fn a_pass_without_rows_is_refused() {
        let _ = MonteCarlo::new(1, MaskRng::seeded(1)).with_max_rows(0);
    }
}
