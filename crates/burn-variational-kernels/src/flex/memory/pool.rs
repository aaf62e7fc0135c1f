//! Buffers that are used again.
//!
//! A tensor of some megabytes comes fresh from the system otherwise, a page at a time, and mapping
//! the pages of a long sequence takes longer than its non-linearities.

use std::marker::PhantomData;
use std::mem::MaybeUninit;
use std::ops::{Deref, DerefMut};
use std::sync::{Mutex, MutexGuard, PoisonError};

use burn::backend::tensor::FloatTensor;
use burn::backend::{DType, Flex, Shape, TensorData};
use burn::tensor::Bytes;
use burn_std::{AccessError, AccessPolicy, AllocationController, AllocationProperty};

use super::block::Block;
use crate::flex::numbers::Real;

/// Below it, the system's allocator keeps memory itself.
const MIN_POOLED: usize = 1 << 18;

/// The buffers of all tensors and kernels.
pub(crate) static POOL: Pool = Pool::new();

/// A tensor whose elements have any value, to be overwritten.
pub(crate) fn buffer<const D: usize>(dims: [usize; D], dtype: DType) -> FloatTensor<Flex> {
    let shape = Shape::from(dims);
    let len = shape.num_elements() * dtype.size();
    if len < MIN_POOLED {
        // `empty` would clear bytes, and copy them to where elements may lie.
        return match dtype {
            DType::F64 => FloatTensor::<Flex>::filled_typed(shape, dtype, 0_f64),
            _ => FloatTensor::<Flex>::filled_typed(shape, dtype, 0_f32),
        };
    }
    let controller = Box::new(Pooled { block: POOL.take(len) });
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

/// Blocks that nobody uses, up to a limit.
pub(crate) struct Pool(Mutex<Free>);

struct Free {
    /// The last one given back at the end.
    blocks: Vec<Block>,
    /// The most bytes kept.
    limit: usize,
}

impl Pool {
    const fn new() -> Self {
        Self(Mutex::new(Free { blocks: Vec::new(), limit: 1 << 29 }))
    }

    /// The smallest unused block of at least `len` bytes and no more than twice as many, or a new
    /// one.
    fn take(&self, len: usize) -> Block {
        let len = Block::rounded(len);
        let mut free = self.free();
        let fits = |block: &Block| (len..=2 * len).contains(&block.len());
        let blocks = &free.blocks;
        let best = (0..blocks.len()).filter(|&i| fits(&blocks[i])).min_by_key(|&i| blocks[i].len());
        let found = best.map(|best| free.blocks.remove(best));
        // The system takes its time for a new one: nobody should wait for that.
        drop(free);
        found.unwrap_or_else(|| Block::new(len))
    }

    /// Keeps a block for the next one who asks.
    fn give_back(&self, block: Block) {
        let mut free = self.free();
        free.blocks.push(block);
        let excess = free.excess();
        // The system takes its time here, too.
        drop(free);
        drop(excess);
    }

    /// The most bytes kept unused.
    pub(crate) fn limit(&self) -> usize {
        self.free().limit
    }

    /// Keeps no more unused bytes than these from now on.
    pub(crate) fn set_limit(&self, limit: usize) {
        let mut free = self.free();
        free.limit = limit;
        let excess = free.excess();
        drop(free);
        drop(excess);
    }

    /// The bytes kept unused.
    pub(crate) fn unused(&self) -> usize {
        self.free().len()
    }

    /// Lets go of all that is unused.
    pub(crate) fn trim(&self) {
        let blocks = std::mem::take(&mut self.free().blocks);
        drop(blocks);
    }

    fn free(&self) -> MutexGuard<'_, Free> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Free {
    fn len(&self) -> usize {
        self.blocks.iter().map(Block::len).sum()
    }

    /// Takes out the oldest blocks until the rest is within the limit.
    fn excess(&mut self) -> Vec<Block> {
        let mut excess = Vec::new();
        while self.len() > self.limit {
            excess.push(self.blocks.remove(0));
        }
        excess
    }
}

/// Owns a block on behalf of a tensor, and gives it back when the tensor goes.
struct Pooled {
    block: Block,
}

impl Drop for Pooled {
    fn drop(&mut self) {
        POOL.give_back(std::mem::take(&mut self.block));
    }
}

impl AllocationController for Pooled {
    /// The most that Burn allows, though a block has more: it asks for as much where it copies.
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
        // SAFETY: the caller writes initialised bytes only.
        Ok(unsafe { self.block.bytes_mut() })
    }

    fn memory(&self, _policy: AccessPolicy) -> Result<&[MaybeUninit<u8>], AccessError> {
        Ok(self.block.bytes())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Gives back one block of so many lines after the other.
    fn filled(pool: &Pool, lines: &[usize]) {
        let blocks: Vec<Block> = lines.iter().map(|lines| pool.take(lines * 64)).collect();
        for block in blocks {
            pool.give_back(block);
        }
    }

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

    #[test]
    fn a_block_serves_for_half_its_size_and_more() {
        let pool = Pool::new();
        filled(&pool, &[10]);
        assert_eq!(pool.take(4 * 64).len(), 4 * 64);
        assert_eq!(pool.take(11 * 64).len(), 11 * 64);
        assert_eq!(pool.take(4 * 64 + 1).len(), 10 * 64);
        assert_eq!(pool.unused(), 0);
    }

    #[test]
    fn beyond_the_limit_the_oldest_blocks_go() {
        let pool = Pool::new();
        pool.set_limit(6 * 64);
        filled(&pool, &[3, 1, 4]);
        assert_eq!(pool.unused(), 5 * 64);
        pool.set_limit(4 * 64);
        assert_eq!(pool.unused(), 4 * 64);
        filled(&pool, &[5]);
        assert_eq!(pool.unused(), 0);
    }

    #[test]
    fn a_trimmed_pool_holds_nothing_and_keeps_its_limit() {
        let pool = Pool::new();
        pool.set_limit(6 * 64);
        filled(&pool, &[3, 1]);
        pool.trim();
        assert_eq!((pool.unused(), pool.limit()), (0, 6 * 64));
    }
}
