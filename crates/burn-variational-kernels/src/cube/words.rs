//! The words of `ChaCha8` (Bernstein 2008, with a 64-bit counter and a 64-bit stream), block by block.

use cubecl::prelude::*;

/// The words of a block.
pub(super) const BLOCK: usize = 16;

/// The words of a row as they are uploaded: a key of eight, and the number of the row, low before high.
pub(crate) const ROW: usize = 10;

/// Eight rounds are four of columns and four of diagonals.
const DOUBLE_ROUNDS: u32 = 4;
/// Straight and slanting.
const SLANTS: usize = 2;
const COLUMNS: usize = 4;

/// The words of a block of the row that lies `further` on than the one at `place` of the uploaded.
#[cube]
pub(super) fn block(rows: &[u32], place: usize, further: u32, number: u32) -> Array<u32> {
    let mut start = Array::<u32>::new(BLOCK);
    // "expand 32-byte k"
    start[0] = 0x6170_7865_u32;
    start[1] = 0x3320_646e_u32;
    start[2] = 0x7962_2d32_u32;
    start[3] = 0x6b20_6574_u32;
    #[unroll]
    for k in 0..8 {
        start[4 + k] = rows[place * ROW + k];
    }
    start[12] = number;
    start[13] = 0_u32;
    let low = rows[place * ROW + 8];
    start[14] = low + further;
    start[15] = rows[place * ROW + 9] + select(start[14] < low, 1_u32, 0_u32);

    let mut words = Array::<u32>::new(BLOCK);
    #[unroll]
    for k in 0..BLOCK {
        words[k] = start[k];
    }
    for _ in 0..DOUBLE_ROUNDS {
        #[unroll]
        for slant in 0..SLANTS {
            #[unroll]
            for k in 0..COLUMNS {
                quarter_round(&mut words, k, slant);
            }
        }
    }
    #[unroll]
    for k in 0..BLOCK {
        words[k] += start[k];
    }
    words
}

/// Of column `k`, or of the diagonal that begins there where `slant` is 1.
#[cube]
fn quarter_round(words: &mut Array<u32>, #[comptime] k: usize, #[comptime] slant: usize) {
    let a = comptime!(k);
    let b = comptime!(4 + (k + slant) % 4);
    let c = comptime!(8 + (k + 2 * slant) % 4);
    let d = comptime!(12 + (k + 3 * slant) % 4);
    words[a] += words[b];
    words[d] = rotate(words[d] ^ words[a], 16_u32);
    words[c] += words[d];
    words[b] = rotate(words[b] ^ words[c], 12_u32);
    words[a] += words[b];
    words[d] = rotate(words[d] ^ words[a], 8_u32);
    words[c] += words[d];
    words[b] = rotate(words[b] ^ words[c], 7_u32);
}

#[cube]
#[allow(clippy::manual_rotate, reason = "kernels have no rotation")]
fn rotate(word: u32, bits: u32) -> u32 {
    (word << bits) | (word >> (32_u32 - bits))
}
