//! The memory: tensors as slices, buffers that are used again, and those that threads share.

mod block;
mod pool;
mod shared;
mod tensors;

pub(crate) use pool::{POOL, Scratch, buffer};
pub(crate) use shared::Shared;
pub(crate) use tensors::{
    FlexTensor, contiguous, contiguous_masks, contiguous_optional, elements, index, indices,
    integers, owned,
};
