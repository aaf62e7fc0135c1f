//! The matrix products, with the masks on what enters them: of one step, and over all steps.

mod column_sums;
mod masks;
mod panels;
mod product;
mod projection;
mod pull_back;
mod weight_gradient;

pub(crate) use column_sums::{column_sums, weighted_column_sums};
pub(crate) use masks::{Mask, MaskValues, mask, mask_values, masked, write_masked};
pub(crate) use panels::Panels;
pub(crate) use product::Product;
pub(crate) use projection::Projection;
pub(crate) use pull_back::PullBack;
pub(crate) use weight_gradient::{Deltas, Entered, Inputs, weight_gradient};
