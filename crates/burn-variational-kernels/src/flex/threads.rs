//! Who computes: one thread, or all of them.

use rayon::prelude::*;

use super::real::Real;

/// Who computes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Threads {
    /// This thread alone.
    One,
    /// All threads of the pool.
    All,
}

/// Calls `f(index, chunk)` on all chunks of `len` elements.
pub(super) fn for_each_chunk<T: Real>(
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
