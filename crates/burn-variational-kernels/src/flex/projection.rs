//! The projection of all inputs, `(x_t ∘ z_x) W + b`, on the CPU.

use rayon::prelude::*;

use super::masks::{MaskValues, masked, masked_steps};
use super::product::Product;
use super::real::Real;

/// What a projection reads.
#[derive(Debug, Clone, Copy)]
pub(super) struct Projection<'a, T> {
    /// `[d_in, n_gates · d_hidden]`.
    pub(super) weights: &'a [T],
    pub(super) masks: MaskValues<'a, T>,
    pub(super) batch_size: usize,
    pub(super) d_in: usize,
    pub(super) width: usize,
}

/// Steps are masked and multiplied in parts of about so many rows, so that what is masked and the
/// bias that is added to are still in the cache.
const ROWS: usize = 2048;

impl<T: Real> Projection<'_, T> {
    /// Fills `output`, `[rows, width]`, from inputs `[rows, d_in]`.
    pub(super) fn forward(&self, inputs: &[T], bias: Option<&[T]>, output: &mut [T]) {
        let Self { d_in, width, masks, .. } = *self;
        let rows = self.rows_at_a_time(inputs.len() / d_in);
        let mut buffer = self.buffer(rows);
        for (inputs, output) in inputs.chunks(rows * d_in).zip(output.chunks_mut(rows * width)) {
            let n_rows = inputs.len() / d_in;
            if let Some(bias) = bias {
                output
                    .par_chunks_mut(width)
                    .with_min_len(16)
                    .for_each(|row| row.copy_from_slice(bias));
            }
            let n_runs = masks.n_copies().max(1);
            let columns = width / n_runs;
            for run in 0..n_runs {
                let inputs = self.masked(inputs, run, &mut buffer);
                let product = Product {
                    left: (inputs, d_in, 1),
                    right: (&self.weights[run * columns..], width, 1),
                    dims: [n_rows, d_in, columns],
                };
                product.write(&mut output[run * columns..], width, bias.is_some());
            }
        }
    }

    /// Fills the gradient of the inputs, `[rows, d_in]`, from that of the output.
    pub(super) fn backward(&self, deltas: &[T], output: &mut [T]) {
        let Self { d_in, width, masks, batch_size, .. } = *self;
        let rows = self.rows_at_a_time(deltas.len() / width);
        let mut buffer = self.buffer(rows);
        let n_runs = masks.n_copies().max(1);
        let columns = width / n_runs;
        for (deltas, output) in deltas.chunks(rows * width).zip(output.chunks_mut(rows * d_in)) {
            for run in 0..n_runs {
                let product = Product {
                    left: (&deltas[run * columns..], width, 1),
                    right: (&self.weights[run * columns..], 1, width),
                    dims: [output.len() / d_in, columns, d_in],
                };
                let Some(mask) = masks.of_gate(run) else {
                    product.write(output, d_in, false);
                    continue;
                };
                let buffer = &mut buffer[..output.len()];
                product.write(buffer, d_in, false);
                let step_len = batch_size * d_in;
                let steps = output.par_chunks_mut(step_len).zip(buffer.par_chunks(step_len));
                steps.for_each(|(output, product)| {
                    if run == 0 {
                        masked(output, product, mask);
                    } else {
                        for ((output, &product), &z) in output.iter_mut().zip(product).zip(mask) {
                            *output += product * z;
                        }
                    }
                });
            }
        }
    }

    /// Whole steps.
    fn rows_at_a_time(&self, n_rows: usize) -> usize {
        (ROWS / self.batch_size).max(1).saturating_mul(self.batch_size).min(n_rows)
    }

    fn buffer(&self, rows: usize) -> Vec<T> {
        let len = if self.masks.n_copies() == 0 { 0 } else { rows * self.d_in };
        vec![T::ZERO; len]
    }

    /// The inputs as run `run` of gates sees them.
    fn masked<'b>(&self, inputs: &'b [T], run: usize, buffer: &'b mut [T]) -> &'b [T] {
        let Some(mask) = self.masks.of_gate(run) else { return inputs };
        let step_len = self.batch_size * self.d_in;
        let buffer = &mut buffer[..inputs.len()];
        masked_steps(buffer, mask, |t| &inputs[t * step_len..(t + 1) * step_len]);
        buffer
    }
}

/// The column sums of `[rows, width]`: the gradient of a bias. Every sum is over all rows in
/// order, whatever threads there are.
pub(super) fn column_sums<T: Real>(deltas: &[T], output: &mut [T]) {
    const COLUMNS: usize = 128;
    let width = output.len();
    output.par_chunks_mut(COLUMNS).enumerate().for_each(|(chunk, sums)| {
        sums.fill(T::ZERO);
        for row in deltas.chunks_exact(width) {
            let row = &row[chunk * COLUMNS..][..sums.len()];
            for (sum, &delta) in sums.iter_mut().zip(row) {
                *sum += delta;
            }
        }
    });
}
