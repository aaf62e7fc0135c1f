//! The passes over a block of rows, and who runs them.

use std::ops::{ControlFlow, Range};

use burn::tensor::Tensor;

use super::MonteCarlo;
use crate::{DeviceFailure, MonteCarloError, Pass};

/// Some draws of a block of rows, cut into passes.
#[derive(Debug)]
pub(super) struct Plan<'a> {
    pub(super) mc: &'a MonteCarlo,
    pub(super) draws: Range<usize>,
    pub(super) n_draws_of_a_pass: usize,
    /// The rows of the block in their batch.
    pub(super) rows: Range<usize>,
    /// The place of the first of them among the rows that masks are drawn for.
    pub(super) first_row: u64,
    /// The rows of the batch.
    pub(super) n_rows: usize,
}

impl Plan<'_> {
    /// The draws of each pass, in their order.
    pub(super) fn passes(&self) -> impl Iterator<Item = Range<usize>> {
        let (size, end) = (self.n_draws_of_a_pass, self.draws.end);
        self.draws.clone().step_by(size).map(move |first| first..end.min(first + size))
    }

    /// Runs the pass of these draws, and checks what came of it.
    pub(super) fn run<const D: usize, E: From<MonteCarloError>>(
        &self,
        draws: Range<usize>,
        forward: impl FnOnce(&Pass) -> Result<Tensor<D>, E>,
    ) -> Result<Ran<D>, E> {
        let draw = self.mc.draws(draws.start, draws.len()).starting_row(self.first_row);
        let (draw, record) = draw.recorded(draws.len() * self.rows.len());
        let pass = Pass::new(draw, self.rows.clone(), self.n_rows);
        let output = forward(&pass)?;
        pass.check(&output, &record)?;
        Ok(Ran { draws, output, is_random: record.random() })
    }
}

/// A pass that has run.
#[derive(Debug)]
pub(super) struct Ran<const D: usize> {
    pub(super) draws: Range<usize>,
    pub(super) output: Tensor<D>,
    /// Whether anything in it was random.
    pub(super) is_random: bool,
}

/// What takes in a pass that has run; it may break off.
pub(super) type Take<'a, const D: usize, E> = dyn FnMut(Ran<D>) -> Result<ControlFlow<()>, E> + 'a;

/// Who runs passes over inputs.
pub(super) trait RunPasses<B, const D: usize, E> {
    /// Is told that the input will be another one.
    fn begin(&mut self) {}

    /// The devices that failed so far.
    fn failures(&self) -> Vec<DeviceFailure> {
        Vec::new()
    }

    /// Runs the passes of a plan, and hands them over in the order of their draws.
    fn run(&mut self, input: &B, plan: &Plan<'_>, take: &mut Take<'_, D, E>) -> Result<(), E>;
}

/// One after the other, where the closure runs them.
impl<B, const D: usize, E, F> RunPasses<B, D, E> for F
where
    E: From<MonteCarloError>,
    F: FnMut(&B, &Pass) -> Result<Tensor<D>, E>,
{
    fn run(&mut self, input: &B, plan: &Plan<'_>, take: &mut Take<'_, D, E>) -> Result<(), E> {
        for draws in plan.passes() {
            if take(plan.run(draws, |pass| self(input, pass))?)?.is_break() {
                break;
            }
        }
        Ok(())
    }
}
