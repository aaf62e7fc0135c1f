//! Memory that begins at a cache line.

use std::mem::MaybeUninit;
use std::ops::Range;

/// The bytes of a cache line.
const LINE: usize = 64;

/// Whole cache lines, zero at first.
///
/// They come cleared from the allocator, which has the system map them as they are written: no
/// thread has to fill what kernels overwrite anyway. The standard library asks for that where an
/// element needs no stricter alignment than any has, so the lines lie in room for one more.
#[derive(Debug, Default)]
pub(crate) struct Block {
    words: Vec<u128>,
    n_lines: usize,
}

impl Block {
    /// The bytes of the whole lines that hold so many.
    pub(super) fn rounded(len: usize) -> usize {
        len.next_multiple_of(LINE)
    }

    /// Whole lines of at least so many bytes.
    pub(super) fn new(len: usize) -> Self {
        let n_lines = len.div_ceil(LINE);
        Self { words: vec![0; (n_lines + 1) * LINE / size_of::<u128>()], n_lines }
    }

    /// The number of bytes.
    pub(super) fn len(&self) -> usize {
        self.n_lines * LINE
    }

    pub(super) fn bytes(&self) -> &[MaybeUninit<u8>] {
        let len = size_of_val(self.words.as_slice());
        // SAFETY: words are plain bytes without padding, borrowed as long as `self`.
        let bytes = unsafe { std::slice::from_raw_parts(self.words.as_ptr().cast(), len) };
        &bytes[self.lines()]
    }

    /// # Safety
    ///
    /// Only initialised bytes may be written.
    pub(super) unsafe fn bytes_mut(&mut self) -> &mut [MaybeUninit<u8>] {
        let lines = self.lines();
        let len = size_of_val(self.words.as_slice());
        // SAFETY: words are plain bytes without padding, borrowed as long as `self`; the caller
        // writes initialised bytes only.
        let bytes = unsafe { std::slice::from_raw_parts_mut(self.words.as_mut_ptr().cast(), len) };
        &mut bytes[lines]
    }

    /// Where the lines lie in the bytes of the words, which stay where they are.
    fn lines(&self) -> Range<usize> {
        if self.n_lines == 0 {
            return 0..0;
        }
        let start = self.words.as_ptr().addr().wrapping_neg() % LINE;
        start..start + self.len()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_block_has_whole_lines_from_the_start_of_one() {
        for (len, expected) in [(0, 0), (1, 64), (64, 64), (65, 128), (1 << 20, 1 << 20)] {
            let mut block = Block::new(len);
            assert_eq!((block.len(), block.bytes().len()), (expected, expected));
            // SAFETY: an initialised byte.
            unsafe { block.bytes_mut() }.fill(MaybeUninit::new(1));
            assert!(len == 0 || block.bytes().as_ptr().addr().is_multiple_of(64), "{len} bytes");
        }
    }
}
