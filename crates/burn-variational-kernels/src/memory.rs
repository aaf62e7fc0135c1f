//! The memory that the CPU kernel keeps for its next tensors.
//!
//! Tensors and working memory of a quarter of a megabyte and more lie in buffers that are used
//! again once nobody holds them, for fresh memory costs more than the arithmetic on it. Buffers
//! that wait are kept up to a [`limit`], 512 MiB at first, and as long as the process runs: a
//! program that has done its work on Flex and goes on with something else [`trim`]s them.
//!
//! ```
//! use burn::tensor::{Device, Tensor};
//! use burn_variational_kernels::{Projection, memory};
//!
//! memory::set_limit(64 << 20);
//! let device = Device::flex();
//! let input = Tensor::<3>::ones([4, 16, 8], &device);
//! let projected = Projection::new(Tensor::ones([8, 1024], &device)).run(input);
//! drop(projected);
//! assert_eq!(memory::unused(), 4 * 16 * 1024 * size_of::<f32>());
//! memory::trim();
//! assert_eq!(memory::unused(), 0);
//! ```

use crate::flex::POOL;

/// The most bytes of unused buffers that are kept.
pub fn limit() -> usize {
    POOL.limit()
}

/// Keeps no more bytes of unused buffers than these from now on, in the whole process; 0 keeps
/// none. The oldest go first, back to the allocator. What tensors hold does not count.
pub fn set_limit(bytes: usize) {
    POOL.set_limit(bytes);
}

/// The bytes of unused buffers.
pub fn unused() -> usize {
    POOL.unused()
}

/// Gives all unused buffers back to the allocator. The limit stays.
pub fn trim() {
    POOL.trim();
}
