//! The reset gate after the product.

mod equations;
pub(in crate::cube) mod products;
pub(in crate::cube) mod sequence;
pub(in crate::cube) mod steps;
