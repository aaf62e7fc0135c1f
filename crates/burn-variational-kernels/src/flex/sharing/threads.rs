//! Who computes: one thread, or all of them.

use rayon::prelude::*;

use crate::flex::numbers::Real;

/// Who computes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Threads {
    /// This thread alone.
    One,
    /// All threads of the pool.
    All,
}

/// Whether an operation of so many rows, steps counted apart, on so many weights stays on the thread
/// that asks for it. To wake one of the pool takes as long as some hundred thousand
/// multiplications; a single row waits for the weights to come from memory, which two threads hardly
/// hasten.
pub(crate) fn stays(rows: usize, weights: usize) -> bool {
    rows * weights < if rows == 1 { 1 << 24 } else { 1 << 21 }
}

/// Runs an operation in the pool, unless it [`stays`].
pub(crate) fn in_pool_unless_small<R: Send>(
    (rows, weights): (usize, usize),
    f: impl FnOnce() -> R + Send,
) -> R {
    if stays(rows, weights) { f() } else { in_pool(f) }
}

/// Runs `f` on a thread of the pool, so that handing work to the others is cheap inside.
pub(crate) fn in_pool<R: Send>(f: impl FnOnce() -> R + Send) -> R {
    rayon::scope(|_| f())
}

/// Calls `f(index, chunk)` on all chunks of `len` elements.
pub(crate) fn for_each_chunk<T: Real>(
    values: &mut [T],
    len: usize,
    threads: Threads,
    f: impl Fn(usize, &mut [T]) + Sync,
) {
    /// Handing a chunk to another thread pays from some ten thousand elements on.
    const MIN_ELEMENTS: usize = 1 << 14;
    match threads {
        Threads::One => {
            values.chunks_mut(len).enumerate().for_each(|(index, chunk)| f(index, chunk));
        }
        Threads::All => {
            let chunks = values.par_chunks_mut(len).enumerate();
            let chunks = chunks.with_min_len(MIN_ELEMENTS.div_ceil(len));
            chunks.for_each(|(index, chunk)| f(index, chunk));
        }
    }
}
