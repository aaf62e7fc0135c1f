//! The matrix product, through `gemm`.

use super::real::Real;
use super::threads::Threads;

/// An operand: elements, and the strides of its rows and columns.
pub(super) type Operand<'a, T> = (&'a [T], usize, usize);

/// `left · right`.
#[derive(Debug, Clone, Copy)]
pub(super) struct Product<'a, T> {
    pub(super) left: Operand<'a, T>,
    pub(super) right: Operand<'a, T>,
    /// `[rows, depth, columns]`, none of them 0.
    pub(super) dims: [usize; 3],
}

impl<T: Real> Product<'_, T> {
    /// Writes it, or adds it, to rows of `width` elements. Every element is summed in the same
    /// order whoever computes it.
    pub(super) fn write(&self, output: &mut [T], width: usize, add: bool, threads: Threads) {
        let Self { left, right, dims: [rows, depth, columns] } = *self;
        let last = |[rows, columns]: [usize; 2], [row_stride, column_stride]: [usize; 2]| {
            (rows - 1) * row_stride + (columns - 1) * column_stride
        };
        assert!(
            columns <= width
                && left.0.len() > last([rows, depth], [left.1, left.2])
                && right.0.len() > last([depth, columns], [right.1, right.2])
                && output.len() > last([rows, columns], [width, 1])
        );
        let parallelism = match threads {
            Threads::One => gemm::Parallelism::None,
            Threads::All => gemm::Parallelism::Rayon(0),
        };
        // SAFETY: the last element of each operand lies in its slice, as asserted, rows of the
        // output do not overlap, and the output is a unique borrow.
        unsafe {
            gemm::gemm(
                rows,
                columns,
                depth,
                output.as_mut_ptr(),
                1,
                width as isize,
                add,
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
