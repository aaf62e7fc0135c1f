//! The matrix product, through `gemm`.

use std::ops::Range;

use rayon::prelude::*;

use crate::flex::numbers::{Real, VECTOR};
use crate::flex::sharing::{Threads, least_columns};

/// An operand: elements, and the strides of its rows and columns.
pub(crate) type Operand<'a, T> = (&'a [T], usize, usize);

/// `left · right`.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Product<'a, T> {
    pub(crate) left: Operand<'a, T>,
    pub(crate) right: Operand<'a, T>,
    /// `[rows, depth, columns]`, none of them 0.
    pub(crate) dims: [usize; 3],
}

impl<T: Real> Product<'_, T> {
    /// Writes it, or adds it, to rows of `width` elements. Every element is summed in the same
    /// order whoever computes it.
    pub(crate) fn write(&self, output: &mut [T], width: usize, add: bool, threads: Threads) {
        let [rows, _, columns] = self.dims;
        assert!(columns <= width && output.len() > last([rows, columns], [width, 1]));
        let output = Output { start: output.as_mut_ptr(), width, add };
        let n_threads = match threads {
            Threads::One => 1,
            Threads::All => rayon::current_num_threads(),
        };
        let write = |columns: Range<usize>, parallelism: gemm::Parallelism| {
            // SAFETY: the last element of the output lies in its slice, which is a unique borrow,
            // and rows do not overlap; parts have columns of their own.
            unsafe { self.write_columns(&output, columns, parallelism) };
        };
        let n_parts = n_threads.min(columns / least_columns(rows)).max(1);
        if n_threads == 1 {
            write(0..columns, gemm::Parallelism::None);
        } else if n_parts < n_threads && rows > 1 {
            write(0..columns, gemm::Parallelism::Rayon(0));
        } else {
            // A part for each thread is faster than all threads at one product, where they wait
            // for what others pack. A single row `gemm` does not share out at all.
            let vectors = columns.div_ceil(VECTOR);
            let start = |part: usize| columns.min(part * vectors / n_parts * VECTOR);
            let parts = (0..n_parts).into_par_iter().with_max_len(1);
            parts.for_each(|part| {
                write(start(part)..start(part + 1), gemm::Parallelism::None);
            });
        }
    }

    /// Some columns of the product.
    ///
    /// # Safety
    ///
    /// Rows of the output do not overlap, all of its elements in these columns may be written, and
    /// nobody else reads or writes them meanwhile.
    unsafe fn write_columns(
        &self,
        output: &Output<T>,
        columns: Range<usize>,
        parallelism: gemm::Parallelism,
    ) {
        let Self { left, right, dims: [rows, depth, _] } = *self;
        let right = (&right.0[columns.start * right.2..], right.1, right.2);
        assert!(
            left.0.len() > last([rows, depth], [left.1, left.2])
                && right.0.len() > last([depth, columns.len()], [right.1, right.2])
        );
        // SAFETY: the last element of each operand lies in its slice, as asserted; the caller
        // vouches for the output.
        unsafe {
            gemm::gemm(
                rows,
                columns.len(),
                depth,
                output.start.add(columns.start),
                1,
                output.width as isize,
                output.add,
                left.0.as_ptr(),
                left.2 as isize,
                left.1 as isize,
                right.0.as_ptr(),
                right.2 as isize,
                right.1 as isize,
                T::ONE,
                T::ONE,
                false,
                false,
                false,
                parallelism,
            );
        }
    }
}

/// Where a product goes: rows of `width` elements.
struct Output<T> {
    start: *mut T,
    width: usize,
    add: bool,
}

// SAFETY: it is only written through an `unsafe` function, whose callers keep columns apart.
unsafe impl<T: Send> Sync for Output<T> {}

/// The last element of a matrix.
fn last([rows, columns]: [usize; 2], [row_stride, column_stride]: [usize; 2]) -> usize {
    (rows - 1) * row_stride + (columns - 1) * column_stride
}
