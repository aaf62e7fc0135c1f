//! A buffer that several threads write at once, each its own elements.

use std::marker::PhantomData;
use std::ops::Range;

/// A mutable slice handed to all tasks of a sequence.
///
/// The schedule gives each task of a stage its own rows and units, so no element is written by two
/// of them; and a task reads only its own elements and those that an earlier stage has finished.
/// The type checks bounds; that rule is what its `unsafe` functions ask for.
#[derive(Debug)]
pub(crate) struct Shared<'a, T> {
    start: *mut T,
    len: usize,
    lifetime: PhantomData<&'a mut [T]>,
}

impl<T> Clone for Shared<'_, T> {
    fn clone(&self) -> Self {
        *self
    }
}

impl<T> Copy for Shared<'_, T> {}

// SAFETY: it is a `&mut [T]` that is only reached through `unsafe` functions, whose callers keep
// elements apart.
unsafe impl<T: Send> Send for Shared<'_, T> {}
// SAFETY: as above.
unsafe impl<T: Send + Sync> Sync for Shared<'_, T> {}

impl<'a, T> Shared<'a, T> {
    /// Hands out this slice.
    pub(crate) fn new(slice: &'a mut [T]) -> Self {
        Self { start: slice.as_mut_ptr(), len: slice.len(), lifetime: PhantomData }
    }

    /// These elements, to be read.
    ///
    /// # Safety
    ///
    /// Nobody may write them while the result lives.
    pub(crate) unsafe fn read(&self, range: Range<usize>) -> &'a [T] {
        self.check(&range);
        // SAFETY: in bounds; the caller vouches that nobody writes.
        unsafe { std::slice::from_raw_parts(self.start.add(range.start), range.len()) }
    }

    /// These elements, to be written.
    ///
    /// # Safety
    ///
    /// Nobody else may read or write them while the result lives.
    #[allow(clippy::mut_from_ref, reason = "the caller keeps elements apart")]
    pub(crate) unsafe fn write(&self, range: Range<usize>) -> &'a mut [T] {
        self.check(&range);
        // SAFETY: in bounds; the caller vouches that it is alone.
        unsafe { std::slice::from_raw_parts_mut(self.start.add(range.start), range.len()) }
    }

    fn check(&self, range: &Range<usize>) {
        assert!(
            range.start <= range.end && range.end <= self.len,
            "elements {range:?} of a buffer of {}",
            self.len
        );
    }
}
