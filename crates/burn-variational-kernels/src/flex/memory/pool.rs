//! Buffers that are used again.
//!
//! A tensor of some megabytes comes fresh from the system otherwise, a page at a time, and mapping
//! the pages of a long sequence takes longer than its non-linearities.

use std::marker::PhantomData;
use std::mem::MaybeUninit;
use std::ops::{Deref, DerefMut};
use std::sync::{Mutex, PoisonError};

use burn::backend::tensor::FloatTensor;
use burn::backend::{DType, Flex, Shape, TensorData};
use burn::tensor::Bytes;
use burn_std::{AccessError, AccessPolicy, AllocationController, AllocationProperty};

use crate::flex::numbers::Real;

/// Below it, the system's allocator keeps memory itself.
const MIN_POOLED: usize = 1 << 18;

/// The most bytes kept while unused.
const MAX_KEPT: usize = 1 << 29;

/// The unit of buffers: a cache line.
#[derive(Clone, Copy)]
#[repr(C, align(64))]
struct Line([u8; 64]);

/// Buffers that nobody uses, the last one freed at the end.
static FREE: Mutex<Vec<Vec<Line>>> = Mutex::new(Vec::new());

/// A tensor whose elements have any value, to be overwritten.
pub(crate) fn buffer<const D: usize>(dims: [usize; D], dtype: DType) -> FloatTensor<Flex> {
    let shape = Shape::from(dims);
    let len = shape.num_elements() * dtype.size();
    if len < MIN_POOLED {
        return FloatTensor::<Flex>::empty(shape, dtype);
    }
    let controller = Box::new(Pooled { lines: take(len) });
    // SAFETY: all of the controller's memory is initialised, and it has at least `len` bytes.
    let bytes = unsafe { Bytes::from_controller(controller, len) };
    FloatTensor::<Flex>::from_data(TensorData::from_bytes(bytes, shape, dtype))
}

/// Room for elements that no tensor holds. They have any value at first.
#[derive(Debug)]
pub(crate) struct Scratch<T> {
    tensor: FloatTensor<Flex>,
    elements: PhantomData<T>,
}

impl<T: Real> Scratch<T> {
    pub(crate) fn new(len: usize) -> Self {
        Self { tensor: buffer([len], T::DTYPE), elements: PhantomData }
    }
}

impl<T: Real> Deref for Scratch<T> {
    type Target = [T];

    fn deref(&self) -> &[T] {
        T::elements(&self.tensor)
    }
}

impl<T: Real> DerefMut for Scratch<T> {
    fn deref_mut(&mut self) -> &mut [T] {
        T::elements_mut(&mut self.tensor)
    }
}

/// The smallest free buffer of at least `len` bytes and no more than twice as many, or a new one.
fn take(len: usize) -> Vec<Line> {
    let n_lines = len.div_ceil(size_of::<Line>());
    let mut free = FREE.lock().unwrap_or_else(PoisonError::into_inner);
    let fits = |lines: &Vec<Line>| (n_lines..=2 * n_lines).contains(&lines.len());
    let best = (0..free.len()).filter(|&i| fits(&free[i])).min_by_key(|&i| free[i].len());
    let found = best.map(|best| free.remove(best));
    // The system takes its time for a new one: nobody should wait for that.
    drop(free);
    found.unwrap_or_else(|| vec![Line([0; 64]); n_lines])
}

/// Keeps a buffer for the next one who asks, and lets go of the oldest if there are too many.
fn give_back(lines: Vec<Line>) {
    // Declared before the lock, so freed after it.
    let mut excess = Vec::new();
    let mut free = FREE.lock().unwrap_or_else(PoisonError::into_inner);
    free.push(lines);
    let kept = |free: &[Vec<Line>]| free.iter().map(Vec::len).sum::<usize>() * size_of::<Line>();
    while kept(&free) > MAX_KEPT {
        excess.push(free.remove(0));
    }
}

/// Owns a buffer on behalf of a tensor, and gives it back when the tensor goes.
struct Pooled {
    lines: Vec<Line>,
}

impl Drop for Pooled {
    fn drop(&mut self) {
        give_back(std::mem::take(&mut self.lines));
    }
}

impl AllocationController for Pooled {
    /// The most that Burn allows, though a line has more: it asks for as much where it copies.
    fn alloc_align(&self) -> usize {
        align_of::<u128>()
    }

    fn property(&self) -> AllocationProperty {
        AllocationProperty::Other
    }

    unsafe fn memory_mut(
        &mut self,
        _policy: AccessPolicy,
    ) -> Result<&mut [MaybeUninit<u8>], AccessError> {
        let len = self.lines.len() * size_of::<Line>();
        // SAFETY: lines are plain bytes without padding, borrowed as long as `self`; the caller
        // writes initialised bytes only.
        Ok(unsafe { std::slice::from_raw_parts_mut(self.lines.as_mut_ptr().cast(), len) })
    }

    fn memory(&self, _policy: AccessPolicy) -> Result<&[MaybeUninit<u8>], AccessError> {
        let len = self.lines.len() * size_of::<Line>();
        // SAFETY: lines are plain bytes without padding, borrowed as long as `self`.
        Ok(unsafe { std::slice::from_raw_parts(self.lines.as_ptr().cast(), len) })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_buffer_is_used_again_once_its_tensor_is_gone() {
        let address = |tensor: &FloatTensor<Flex>| tensor.bytes().as_ptr();
        // A size of its own, for tests that run at the same time.
        let dims = [1021, 1031];
        let first = buffer(dims, DType::F32);
        let second = buffer(dims, DType::F32);
        let freed = address(&first);
        assert_ne!(freed, address(&second));
        drop(first);
        assert_eq!(address(&buffer(dims, DType::F32)), freed);
    }
}
