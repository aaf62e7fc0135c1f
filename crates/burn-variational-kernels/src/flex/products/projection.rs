//! The projection of all inputs, `(x_t ∘ z_x) W + b`, on the CPU.

use rayon::prelude::*;

use super::masks::{MaskValues, add_masked, masked};
use super::product::Product;
use crate::flex::memory::Scratch;
use crate::flex::numbers::Real;
use crate::flex::sharing::{Threads, fit_cache, for_each_chunk, least_rows, n_parts, stays};

/// What a projection reads.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Projection<'a, T> {
    /// `[d_in, n_gates · d_hidden]`.
    pub(crate) weights: &'a [T],
    pub(crate) masks: MaskValues<'a, T>,
    pub(crate) batch_size: usize,
    pub(crate) d_in: usize,
    pub(crate) width: usize,
}

impl<T: Real> Projection<'_, T> {
    /// Fills `output`, `[rows, width]`, from inputs `[rows, d_in]`.
    pub(crate) fn forward(&self, inputs: &[T], bias: Option<&[T]>, output: &mut [T]) {
        let Self { d_in, width, masks, .. } = *self;
        let n_runs = masks.n_copies().max(1);
        let columns = width / n_runs;
        let (source, target) = ((inputs, d_in), (output, width));
        let least_rows = least_rows(d_in, columns);
        self.in_parts(source, target, least_rows, |inputs, output, buffer, threads| {
            let n_rows = inputs.len() / d_in;
            if let Some(bias) = bias {
                for_each_chunk(output, width, threads, |_, row| row.copy_from_slice(bias));
            }
            for run in 0..n_runs {
                let inputs = self.masked(inputs, run, buffer, threads);
                let product = Product {
                    left: (inputs, d_in, 1),
                    right: (&self.weights[run * columns..], width, 1),
                    dims: [n_rows, d_in, columns],
                };
                product.write(&mut output[run * columns..], width, bias.is_some(), threads);
            }
        });
    }

    /// Fills the gradient of the inputs, `[rows, d_in]`, from that of the output.
    pub(crate) fn backward(&self, deltas: &[T], output: &mut [T]) {
        let Self { d_in, width, masks, batch_size, .. } = *self;
        let n_runs = masks.n_copies().max(1);
        let columns = width / n_runs;
        let (source, target) = ((deltas, width), (output, d_in));
        let least_rows = least_rows(columns, d_in);
        self.in_parts(source, target, least_rows, |deltas, output, buffer, threads| {
            for run in 0..n_runs {
                let product = Product {
                    left: (&deltas[run * columns..], width, 1),
                    right: (&self.weights[run * columns..], 1, width),
                    dims: [output.len() / d_in, columns, d_in],
                };
                let Some(mask) = masks.of_gate(run) else {
                    product.write(output, d_in, false, threads);
                    continue;
                };
                let buffer = &mut buffer[..output.len()];
                product.write(buffer, d_in, false, threads);
                let step_len = batch_size * d_in;
                for_each_chunk(output, step_len, threads, |t, output| {
                    let product = &buffer[t * step_len..(t + 1) * step_len];
                    if run == 0 {
                        masked(output, product, mask);
                    } else {
                        add_masked(output, product, mask);
                    }
                });
            }
        });
    }

    /// Runs `part(source, output, buffer, threads)` on parts of whole steps, where `source` and
    /// `output` are rows of so many elements. What a part masks and adds to stays in the cache.
    ///
    /// If the weights fit a core's own cache, every thread takes parts of its own, of at least
    /// `least_rows`. They are read by all threads otherwise, at the same time.
    fn in_parts(
        &self,
        (source, source_width): (&[T], usize),
        (output, output_width): (&mut [T], usize),
        least_rows: usize,
        part: impl Fn(&[T], &mut [T], &mut [T], Threads) + Sync,
    ) {
        const ROWS_OF_ALL_THREADS: usize = 2048;
        const ROWS_OF_ONE_THREAD: usize = 192;
        let batch_size = self.batch_size;
        let n_steps = source.len() / (batch_size * source_width);
        let small = stays(n_steps * batch_size, self.weights.len());
        let apart = small || fit_cache::<T>(self.weights.len());
        let steps = |rows: usize| (rows / batch_size).max(1);
        let n_parts = if small {
            1
        } else if apart {
            let least = n_steps.div_ceil(steps(ROWS_OF_ONE_THREAD));
            n_parts(least, n_steps / least_rows.div_ceil(batch_size))
        } else {
            n_steps.div_ceil(steps(ROWS_OF_ALL_THREADS))
        };
        let buffer = |len: usize| {
            let len = if self.masks.n_copies() == 0 { 0 } else { len * batch_size * self.d_in };
            Scratch::new(len)
        };
        let start = |part: usize| part * n_steps / n_parts;
        let mut rest = output;
        let parts: Vec<_> = (0..n_parts)
            .map(|part| {
                let steps = start(part)..start(part + 1);
                let rows = steps.start * batch_size..steps.end * batch_size;
                let output = rest.split_off_mut(..rows.len() * output_width);
                let output = output.expect("room for all steps");
                (&source[rows.start * source_width..rows.end * source_width], output, steps.len())
            })
            .collect();
        if apart && n_parts > 1 {
            parts.into_par_iter().with_max_len(1).for_each(|(source, output, n_steps)| {
                part(source, output, &mut buffer(n_steps), Threads::One);
            });
        } else {
            let mut buffer = buffer(n_steps.div_ceil(n_parts));
            let threads = if apart { Threads::One } else { Threads::All };
            for (source, output, _) in parts {
                part(source, output, &mut buffer, threads);
            }
        }
    }

    /// The inputs as run `run` of gates sees them.
    fn masked<'b>(
        &self,
        inputs: &'b [T],
        run: usize,
        buffer: &'b mut [T],
        threads: Threads,
    ) -> &'b [T] {
        let Some(mask) = self.masks.of_gate(run) else { return inputs };
        let step_len = self.batch_size * self.d_in;
        let buffer = &mut buffer[..inputs.len()];
        for_each_chunk(buffer, step_len, threads, |t, output| {
            masked(output, &inputs[t * step_len..(t + 1) * step_len], mask);
        });
        buffer
    }
}
