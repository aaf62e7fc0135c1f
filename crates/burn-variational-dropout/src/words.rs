//! Counter-based randomness: a word is a function of its coordinates, not of what was drawn before.

use rand_chacha::ChaCha8Rng;
use rand_chacha::rand_core::{Rng, SeedableRng};
use serde::{Deserialize, Serialize};

/// The coordinates that make the key of a stream, in bytes:
///
/// ```text
/// 0..8 seed   8..16 draw   16..20 layer   20 direction   21 site   22..24 gate   24..32 step
/// ```
///
/// all little-endian. A released mask is a function of this layout: it never changes.
#[derive(Debug, Clone, Copy, Default)]
pub(crate) struct Coordinates {
    pub(crate) seed: u64,
    pub(crate) draw: u64,
    pub(crate) layer: u32,
    pub(crate) direction: u8,
    pub(crate) site: u8,
    pub(crate) gate: u16,
    pub(crate) step: u64,
}

impl Coordinates {
    pub(crate) fn key(&self) -> [u8; 32] {
        let mut key = [0; 32];
        key[..8].copy_from_slice(&self.seed.to_le_bytes());
        key[8..16].copy_from_slice(&self.draw.to_le_bytes());
        key[16..20].copy_from_slice(&self.layer.to_le_bytes());
        key[20] = self.direction;
        key[21] = self.site;
        key[22..24].copy_from_slice(&self.gate.to_le_bytes());
        key[24..].copy_from_slice(&self.step.to_le_bytes());
        key
    }
}

/// The seed of what is named so under another seed: its own words, at a site (number 0) that no
/// mask is drawn for.
pub(crate) fn scoped_seed(seed: u64, name: &str) -> u64 {
    let key = Coordinates { seed, ..Coordinates::default() }.key();
    let mut words = WordStream { key, row: fnv1a(name) }.generator();
    words.next_u64()
}

/// FNV-1a, 64 bits: one number for a name, on every platform.
fn fnv1a(name: &str) -> u64 {
    name.bytes().fold(0xcbf2_9ce4_8422_2325, |hash, byte| {
        (hash ^ u64::from(byte)).wrapping_mul(0x0100_0000_01b3)
    })
}

/// The number in `[0, 1)` that a word is.
fn uniform(word: u32) -> f64 {
    f64::from(word) / 4_294_967_296.0
}

/// The normal number that two words make (Box & Muller 1958).
pub(crate) fn normal([radius, angle]: [u32; 2]) -> f64 {
    // The logarithm is of (0, 1].
    let radius = (-2.0 * (1.0 - uniform(radius)).ln()).sqrt();
    radius * (std::f64::consts::TAU * uniform(angle)).cos()
}

/// The random words of one row: any of them in constant time, whatever the others.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct WordStream {
    key: [u8; 32],
    row: u64,
}

impl WordStream {
    pub(crate) fn new(key: [u8; 32], row: u64) -> Self {
        Self { key, row }
    }

    /// The key, and the number of the row.
    #[cfg(any(feature = "wgpu", feature = "cuda"))]
    pub(crate) fn coordinates(&self) -> ([u8; 32], u64) {
        (self.key, self.row)
    }

    /// The row so many rows on.
    pub(crate) fn further(self, rows: u64) -> Self {
        Self { row: self.row + rows, ..self }
    }

    /// The word at a position.
    pub fn word(&self, position: u64) -> u32 {
        let mut words = self.generator();
        words.set_word_pos(u128::from(position));
        words.next_u32()
    }

    /// A uniform number in `[0, 1)`, of the word at a position.
    pub fn uniform(&self, position: u64) -> f64 {
        uniform(self.word(position))
    }

    /// A normal number of mean 0 and variance 1, of the word at a position and the one after it.
    pub fn normal(&self, position: u64) -> f64 {
        normal([self.word(position), self.word(position + 1)])
    }

    /// The words from position 0 on.
    pub fn words(&self) -> impl Iterator<Item = u32> {
        let mut words = self.generator();
        std::iter::repeat_with(move || words.next_u32())
    }

    /// Writes the words from a position on to as many places: [`words`](Self::words), several times
    /// as fast.
    pub fn fill(&self, first: u64, words: &mut [u32]) {
        const AT_ONCE: usize = 64;
        let (mut generator, mut bytes) = (self.generator(), [0; 4 * AT_ONCE]);
        generator.set_word_pos(u128::from(first));
        for words in words.chunks_mut(AT_ONCE) {
            let bytes = &mut bytes[..4 * words.len()];
            generator.fill_bytes(bytes);
            for (word, bytes) in words.iter_mut().zip(bytes.as_chunks().0) {
                *word = u32::from_le_bytes(*bytes);
            }
        }
    }

    fn generator(&self) -> ChaCha8Rng {
        let mut words = ChaCha8Rng::from_seed(self.key);
        words.set_stream(self.row);
        words
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn words_that_are_filled_in_are_those_that_come_one_by_one() {
        let key = Coordinates { seed: 3, ..Coordinates::default() }.key();
        let row = WordStream::new(key, 5);
        for n in [0, 1, 16, 63, 64, 65, 200] {
            let mut filled = vec![0; n];
            for first in [0, 1, 70] {
                row.fill(first, &mut filled);
                let one_by_one = row.words().skip(first as usize).take(n);
                assert_eq!(filled, one_by_one.collect::<Vec<_>>());
            }
        }
    }

    #[test]
    fn a_word_does_not_depend_on_the_words_before_it() {
        let key = Coordinates { seed: 3, ..Coordinates::default() }.key();
        let row = WordStream::new(key, 0);
        let in_order: Vec<u32> = row.words().take(200).collect();
        for position in [0, 1, 63, 64, 199] {
            assert_eq!(row.word(position as u64), in_order[position]);
        }
    }
}
