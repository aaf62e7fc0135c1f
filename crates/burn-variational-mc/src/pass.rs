//! One forward pass of a Monte Carlo prediction.

use std::ops::Range;

use burn::tensor::{Tensor, kind::Basic};
use burn_variational_dropout::{DrawRecord, MaskDraw, ModelInput, VariationalModel};

use crate::MonteCarloError;

/// One forward pass of a Monte Carlo prediction: some rows of the batch, for some draws.
#[derive(Debug)]
pub struct Pass {
    draw: MaskDraw,
    rows: Range<usize>,
    n_rows: usize,
}

impl Pass {
    /// The draws of `draw` for some of the rows of a batch.
    pub(crate) fn new(draw: MaskDraw, rows: Range<usize>, n_rows: usize) -> Self {
        Self { draw, rows, n_rows }
    }

    /// The draw to sample the masks of this pass from.
    pub fn draw(&self) -> MaskDraw {
        self.draw.starting_step(0)
    }

    /// The number of draws in this pass.
    pub fn n_draws(&self) -> usize {
        self.draw.n_draws()
    }

    /// The rows of the batch in this pass.
    pub fn rows(&self) -> Range<usize> {
        self.rows.clone()
    }

    /// The number of rows a model sees in this pass: draws times rows.
    pub fn batch_size(&self) -> usize {
        self.n_draws() * self.rows.len()
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
        self.check_rows(whole.dims()[0]);
        whole.clone().slice_dim(0, self.rows.clone()).repeat_dim(0, self.n_draws())
    }

    /// Runs a model on the rows of this pass, with the masks of its draws.
    ///
    /// # Panics
    ///
    /// If the input has other rows than the prediction was asked for.
    pub fn run<M: VariationalModel>(&self, model: &M, input: &M::Input) -> M::Output {
        self.check_rows(input.n_rows());
        let folded = input.fold(self.rows.clone(), self.n_draws());
        let masks = model.masks_for(&folded, self.draw.part("model"));
        model.run(folded, &masks)
    }

    fn check_rows(&self, got: usize) {
        assert!(
            got == self.n_rows,
            "Pass: whole must have the {} rows of the prediction, got {got}",
            self.n_rows
        );
    }

    /// Checks what a model gave, and what it asked of the draws on the way.
    pub(crate) fn check<const D: usize>(
        &self,
        output: &Tensor<D>,
        record: &DrawRecord,
    ) -> Result<(), MonteCarloError> {
        let (n_draws, n_rows, got) = (self.n_draws(), self.rows.len(), output.dims()[0]);
        let forgotten_fold = |got| Err(MonteCarloError::ForgottenFold { n_draws, n_rows, got });
        if output.is_autodiff() {
            return Err(MonteCarloError::Autodiff);
        }
        if let Some(asked) = record.other_batch_size() {
            return forgotten_fold(asked);
        }
        if got == n_rows && n_draws > 1 {
            return forgotten_fold(got);
        }
        if got != self.batch_size() {
            return Err(MonteCarloError::Rows { expected: self.batch_size(), got });
        }
        if !record.asked() {
            return Err(MonteCarloError::NoDraw);
        }
        Ok(())
    }
}
