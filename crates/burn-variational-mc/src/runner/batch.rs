//! One batch on its way through the draws.

use std::ops::Range;

use burn::tensor::Tensor;

use super::MonteCarlo;
use crate::finite::FirstNotFinite;
use crate::{EarlyStop, MonteCarloError, Pass, Progress, Statistic};

/// A batch whose rows have met some draws, cut into blocks of rows that fit a pass.
pub(super) struct Batch<S> {
    /// Its place among the batches.
    index: usize,
    /// Its place among the rows that masks are drawn for.
    first_row: u64,
    n_rows: usize,
    folds_draws: bool,
    /// The rows that a pass may hold, unknown before the first.
    max_rows: Option<usize>,
    blocks: Vec<Block<S>>,
    n_done: usize,
    is_random: bool,
}

/// Some rows of a batch, and what is kept of their draws.
struct Block<S> {
    rows: Range<usize>,
    statistic: S,
    not_finite: FirstNotFinite,
}

impl<S> Batch<S> {
    pub(super) fn new(index: usize, first_row: u64, n_rows: usize, folds_draws: bool) -> Self {
        assert!(n_rows > 0, "MonteCarlo: n_rows must be positive, got 0");
        Self {
            index,
            first_row,
            n_rows,
            folds_draws,
            max_rows: None,
            blocks: Vec::new(),
            n_done: 0,
            is_random: false,
        }
    }

    pub(super) fn is_random(&self) -> bool {
        self.is_random
    }

    /// What was kept, block of rows after block of rows.
    pub(super) fn into_statistics(self) -> impl Iterator<Item = S> {
        self.blocks.into_iter().map(|block| block.statistic)
    }

    /// Whether all rows have draws enough.
    pub(super) fn is_settled<const D: usize>(
        &self,
        stop: &EarlyStop,
    ) -> Result<bool, MonteCarloError>
    where
        S: Statistic<D>,
    {
        for block in &self.blocks {
            match block.statistic.is_settled(stop) {
                None => return Err(MonteCarloError::NoStandardError),
                Some(false) => return Ok(false),
                Some(true) => {}
            }
        }
        Ok(true)
    }

    /// Feeds draws of all rows to copies of a statistic, block by block.
    pub(super) fn take_draws<const D: usize, E: From<MonteCarloError>>(
        &mut self,
        mc: &MonteCarlo,
        draws: Range<usize>,
        statistic: &S,
        mut forward: impl FnMut(&Pass) -> Result<Tensor<D>, E>,
    ) -> Result<(), E>
    where
        S: Statistic<D>,
    {
        let (mut index, mut first_row) = (0, 0);
        while first_row < self.n_rows {
            if index == self.blocks.len() {
                let block_rows = self.max_rows.unwrap_or_else(|| mc.rows_of_the_first_pass());
                let end = self.n_rows.min(first_row + block_rows);
                self.blocks.push(Block {
                    rows: first_row..end,
                    statistic: statistic.clone(),
                    not_finite: FirstNotFinite::default(),
                });
            }
            self.take_draws_of_block(index, mc, draws.clone(), &mut forward)?;
            first_row = self.blocks[index].rows.end;
            index += 1;
        }
        Ok(())
    }

    fn take_draws_of_block<const D: usize, E: From<MonteCarloError>>(
        &mut self,
        index: usize,
        mc: &MonteCarlo,
        draws: Range<usize>,
        forward: &mut impl FnMut(&Pass) -> Result<Tensor<D>, E>,
    ) -> Result<(), E>
    where
        S: Statistic<D>,
    {
        let block = &mut self.blocks[index];
        let block_rows = block.rows.len();
        let first_row = self.first_row + block.rows.start as u64;
        let mut first_draw = draws.start;
        while first_draw < draws.end {
            let n_draws = self.max_rows.filter(|_| self.folds_draws).unwrap_or(1) / block_rows;
            let n_draws = n_draws.clamp(1, draws.end - first_draw);
            let draw = mc.draws(first_draw, n_draws).starting_row(first_row);
            let (draw, record) = draw.recorded(n_draws * block_rows);
            let pass = Pass::new(draw, block.rows.clone(), self.n_rows);
            let output = forward(&pass)?;
            pass.check(&output, &record)?;
            self.max_rows = self.max_rows.or_else(|| Some(mc.rows_of_a_pass(&output)));
            block.not_finite.see(&output, first_draw, n_draws);
            let n_taken = if record.random() {
                self.is_random = true;
                output.chunk(n_draws, 0).into_iter().for_each(|draw| block.statistic.push(draw));
                n_draws
            } else {
                // Every draw is the first one: its variance is exactly 0.
                let first = output.slice_dim(0, 0..block_rows);
                let rest = first_draw..draws.end;
                rest.clone().for_each(|_| block.statistic.push(first.clone()));
                rest.len()
            };
            first_draw += n_taken;
            self.n_done += n_taken * block_rows;
            let Self { index: batch, n_rows, n_done, .. } = *self;
            mc.report(Progress { batch, n_rows, n_draws: mc.n_draws(), n_done })?;
        }
        block.not_finite.check(mc.first_draw, first_row)?;
        Ok(())
    }
}
