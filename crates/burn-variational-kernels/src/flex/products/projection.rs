//! The projection of all inputs, `(x_t ∘ z_x) W + b`, on the CPU.

use rayon::prelude::*;

use super::masks::{MaskValues, add_masked, masked};
use super::product::Product;
use crate::flex::memory::Scratch;
use crate::flex::numbers::Real;
use crate::flex::sharing::{Threads, fit_cache, for_each_chunk};

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
        self.in_parts((inputs, d_in), (output, width), |inputs, output, buffer, threads| {
            let n_rows = inputs.len() / d_in;
            if let Some(bias) = bias {
                for_each_chunk(output, width, threads, |_, row| row.copy_from_slice(bias));
            }
            let n_runs = masks.n_copies().max(1);
            let columns = width / n_runs;
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
        self.in_parts((deltas, width), (output, d_in), |deltas, output, buffer, threads| {
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
    /// If the weights fit a core's own cache, every thread takes parts of its own. They are read
    /// by all threads otherwise, at the same time.
    fn in_parts(
        &self,
        (source, source_width): (&[T], usize),
        (output, output_width): (&mut [T], usize),
        part: impl Fn(&[T], &mut [T], &mut [T], Threads) + Sync,
    ) {
        const ROWS_OF_ALL_THREADS: usize = 2048;
        const ROWS_OF_ONE_THREAD: usize = 192;
        let n_steps = source.len() / (self.batch_size * source_width);
        let apart = fit_cache::<T>(self.weights.len());
        let rows = if apart { ROWS_OF_ONE_THREAD } else { ROWS_OF_ALL_THREADS };
        let mut n_parts = n_steps.div_ceil((rows / self.batch_size).max(1));
        if apart {
            // An even number of threads takes an even number of parts.
            n_parts = n_parts.next_multiple_of(2);
        }
        let rows = n_steps.div_ceil(n_parts) * self.batch_size;
        let buffer = || {
            let len = if self.masks.n_copies() == 0 { 0 } else { rows * self.d_in };
            Scratch::new(len)
        };
        let (sources, outputs) = (rows * source_width, rows * output_width);
        if apart {
            let parts = output.par_chunks_mut(outputs).zip(source.par_chunks(sources));
            parts.with_max_len(1).for_each(|(output, source)| {
                part(source, output, &mut buffer(), Threads::One);
            });
        } else {
            let mut buffer = buffer();
            for (output, source) in output.chunks_mut(outputs).zip(source.chunks(sources)) {
                part(source, output, &mut buffer, Threads::All);
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
