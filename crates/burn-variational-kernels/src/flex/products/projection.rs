//! The projection of all inputs, `(x_t ∘ z_x) W + b`, on the CPU.

use std::ops::Range;

use rayon::prelude::*;

use super::masks::{MaskValues, add_masked, masked};
use super::product::Product;
use crate::flex::memory::Scratch;
use crate::flex::numbers::Real;
use crate::flex::sharing::{Threads, fit_cache, for_each_chunk, least_rows, n_parts, stays};
use crate::steps::SequenceSteps;

/// What a projection reads.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Projection<'a, T> {
    /// `[d_in, n_gates · d_hidden]`.
    pub(crate) weights: &'a [T],
    pub(crate) masks: MaskValues<'a, T>,
    pub(crate) steps: &'a SequenceSteps,
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
        self.in_parts(source, target, least_rows, |rows, inputs, output, buffer, threads| {
            if let Some(bias) = bias {
                for_each_chunk(output, width, threads, |_, row| row.copy_from_slice(bias));
            }
            for run in 0..n_runs {
                let inputs = self.masked(rows.start, inputs, run, buffer, threads);
                let product = Product {
                    left: (inputs, d_in, 1),
                    right: (&self.weights[run * columns..], width, 1),
                    dims: [rows.len(), d_in, columns],
                };
                product.write(&mut output[run * columns..], width, bias.is_some(), threads);
            }
        });
    }

    /// Fills the gradient of the inputs, `[rows, d_in]`, from that of the output.
    pub(crate) fn backward(&self, deltas: &[T], output: &mut [T]) {
        let Self { d_in, width, masks, steps, .. } = *self;
        let n_runs = masks.n_copies().max(1);
        let columns = width / n_runs;
        let (source, target) = ((deltas, width), (output, d_in));
        let least_rows = least_rows(columns, d_in);
        self.in_parts(source, target, least_rows, |rows, deltas, output, buffer, threads| {
            for run in 0..n_runs {
                let product = Product {
                    left: (&deltas[run * columns..], width, 1),
                    right: (&self.weights[run * columns..], 1, width),
                    dims: [rows.len(), columns, d_in],
                };
                let Some(mask) = masks.of_gate(run) else {
                    product.write(output, d_in, false, threads);
                    continue;
                };
                let buffer = &mut buffer[..output.len()];
                product.write(buffer, d_in, false, threads);
                for_each_chunk(output, d_in, threads, |index, output| {
                    let product = &buffer[index * d_in..(index + 1) * d_in];
                    let mask = mask.at(steps, steps.at(rows.start + index), &(0..d_in));
                    if run == 0 {
                        masked(output, product, mask);
                    } else {
                        add_masked(output, product, mask);
                    }
                });
            }
        });
    }

    /// Runs `part(rows, source, output, buffer, threads)` on parts of all rows, where `source` and
    /// `output` have so many elements a row. What a part masks and adds to stays in the cache.
    ///
    /// If the weights fit a core's own cache, every thread takes parts of its own, of at least
    /// `least_rows`. They are read by all threads otherwise, at the same time.
    fn in_parts(
        &self,
        (source, source_width): (&[T], usize),
        (output, output_width): (&mut [T], usize),
        least_rows: usize,
        part: impl Fn(Range<usize>, &[T], &mut [T], &mut [T], Threads) + Sync,
    ) {
        const ROWS_OF_ALL_THREADS: usize = 2048;
        const ROWS_OF_ONE_THREAD: usize = 192;
        let n_rows = self.steps.n_rows();
        let small = stays(n_rows, self.weights.len());
        let apart = small || fit_cache::<T>(self.weights.len());
        let n_parts = if small {
            1
        } else if apart {
            n_parts(n_rows.div_ceil(ROWS_OF_ONE_THREAD), n_rows / least_rows)
        } else {
            n_rows.div_ceil(ROWS_OF_ALL_THREADS)
        };
        let buffer = |n_rows: usize| {
            let len = if self.masks.n_copies() == 0 { 0 } else { n_rows * self.d_in };
            Scratch::new(len)
        };
        let start = |part: usize| part * n_rows / n_parts;
        let mut rest = output;
        let parts: Vec<_> = (0..n_parts)
            .map(|part| {
                let rows = start(part)..start(part + 1);
                let output = rest.split_off_mut(..rows.len() * output_width);
                let output = output.expect("room for all rows");
                (rows.clone(), &source[rows.start * source_width..rows.end * source_width], output)
            })
            .collect();
        if apart && n_parts > 1 {
            parts.into_par_iter().with_max_len(1).for_each(|(rows, source, output)| {
                let mut buffer = buffer(rows.len());
                part(rows, source, output, &mut buffer, Threads::One);
            });
        } else {
            let mut buffer = buffer(n_rows.div_ceil(n_parts));
            let threads = if apart { Threads::One } else { Threads::All };
            for (rows, source, output) in parts {
                part(rows, source, output, &mut buffer, threads);
            }
        }
    }

    /// The inputs, from row `first` on, as run `run` of gates sees them.
    fn masked<'b>(
        &self,
        first: usize,
        inputs: &'b [T],
        run: usize,
        buffer: &'b mut [T],
        threads: Threads,
    ) -> &'b [T] {
        let Some(mask) = self.masks.of_gate(run) else { return inputs };
        let d_in = self.d_in;
        let buffer = &mut buffer[..inputs.len()];
        for_each_chunk(buffer, d_in, threads, |index, output| {
            let mask = mask.at(self.steps, self.steps.at(first + index), &(0..d_in));
            masked(output, &inputs[index * d_in..(index + 1) * d_in], mask);
        });
        buffer
    }
}
