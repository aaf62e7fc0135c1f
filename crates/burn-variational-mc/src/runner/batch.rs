//! One batch on its way through the draws.

use std::ops::{ControlFlow, Range};

use super::MonteCarlo;
use super::passes::{Plan, Ran, RunPasses};
use crate::finite::FirstNotFinite;
use crate::{EarlyStop, MonteCarloError, Progress, Statistic};

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

    /// Feeds draws of all rows of an input to copies of a statistic, block by block.
    pub(super) fn take_draws<const D: usize, B, E: From<MonteCarloError>>(
        &mut self,
        mc: &MonteCarlo,
        draws: Range<usize>,
        statistic: &S,
        input: &B,
        passes: &mut impl RunPasses<B, D, E>,
    ) -> Result<(), E>
    where
        S: Statistic<D>,
    {
        passes.begin();
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
            self.take_draws_of_block(index, mc, draws.clone(), input, passes)?;
            first_row = self.blocks[index].rows.end;
            index += 1;
        }
        Ok(())
    }

    fn take_draws_of_block<const D: usize, B, E: From<MonteCarloError>>(
        &mut self,
        index: usize,
        mc: &MonteCarlo,
        draws: Range<usize>,
        input: &B,
        passes: &mut impl RunPasses<B, D, E>,
    ) -> Result<(), E>
    where
        S: Statistic<D>,
    {
        let Self { index: batch, n_rows, folds_draws, max_rows, blocks, n_done, is_random, .. } =
            self;
        let (batch, n_rows) = (*batch, *n_rows);
        let Block { rows, statistic, not_finite } = &mut blocks[index];
        let first_row = self.first_row + rows.start as u64;
        let mut n_taken = 0;
        while n_taken < draws.len() {
            // The first pass is alone: it tells how large the others may be.
            let (end, n_draws_of_a_pass) = match *max_rows {
                None => (draws.start + n_taken + 1, 1),
                Some(max_rows) if *folds_draws => (draws.end, (max_rows / rows.len()).max(1)),
                Some(_) => (draws.end, 1),
            };
            let plan = Plan {
                mc,
                draws: draws.start + n_taken..end,
                n_draws_of_a_pass,
                rows: rows.clone(),
                first_row,
                n_rows,
            };
            passes.run(input, &plan, &mut |ran: Ran<D>| {
                let Ran { draws: ran_draws, output, is_random: random } = ran;
                *max_rows = max_rows.or_else(|| Some(mc.rows_of_a_pass(&output)));
                not_finite.see(&output, ran_draws.start, ran_draws.len());
                let (n, flow) = if random {
                    *is_random = true;
                    for draw in output.chunk(ran_draws.len(), 0) {
                        statistic.push(draw);
                    }
                    (ran_draws.len(), ControlFlow::Continue(()))
                } else {
                    // Every draw is the first one: its variance is exactly 0.
                    let first = output.slice_dim(0, 0..rows.len());
                    let rest = ran_draws.start..draws.end;
                    for _ in rest.clone() {
                        statistic.push(first.clone());
                    }
                    (rest.len(), ControlFlow::Break(()))
                };
                n_taken += n;
                *n_done += n * rows.len();
                mc.report(Progress { batch, n_rows, n_draws: mc.n_draws(), n_done: *n_done })?;
                Ok(flow)
            })?;
        }
        not_finite.check(mc.first_draw, first_row)?;
        Ok(())
    }
}
