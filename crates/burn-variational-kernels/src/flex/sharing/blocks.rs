//! How the units of a layer are cut into blocks, for which the weights have a panel each.

use std::ops::Range;

use crate::flex::numbers::VECTOR;

/// The most units of a panel: four vectors of sixteen, the tile of `gemm`'s AVX-512 kernel.
pub(crate) const MAX_UNITS: usize = 64;

/// The units of each of so many blocks: whole vectors, of which each has about as many, since a
/// last panel of a single vector would take nearly as long as a full one.
pub(crate) fn blocks(d_hidden: usize, n_blocks: usize) -> Vec<Range<usize>> {
    let vectors = d_hidden.div_ceil(VECTOR);
    let start = |block: usize| d_hidden.min(block * vectors / n_blocks * VECTOR);
    (0..n_blocks).map(|block| start(block)..start(block + 1)).collect()
}

/// The width of a panel of so many units: whole vectors, the last one filled up with zeros, or
/// `gemm` would copy the panel at every step.
pub(crate) fn padded(units: usize) -> usize {
    units.next_multiple_of(VECTOR)
}
