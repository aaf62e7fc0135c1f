//! Dropout masks as values: drawn once, inspected, saved, repeated at every time step, and drawn
//! again at test time for predictions with uncertainty.
//!
//! A mask is sampled from a [`MaskDraw`] for a [`SiteDropout`] and multiplies a tensor. Nothing
//! here keeps a mask or reads a training flag: whoever holds the mask decides how long it lives.
//! [`VariationalModel`] is the one trait of a model that samples masks and runs with them.
//!
//! ```
//! use burn::tensor::{Device, Tensor};
//! use burn_variational_dropout::{MaskRng, SiteDropout};
//!
//! let device = Device::flex();
//! let draw = MaskRng::seeded(7).draw(0);
//! let mask = SiteDropout::new(0.5).sample([2, 3], &draw, &device);
//!
//! // [seq_length, batch_size, units]: every step of a row meets the same mask.
//! let input = Tensor::<3>::ones([4, 2, 3], &device);
//! let dropped = mask.apply_over_time(input);
//! let (first, last) = (dropped.clone().slice([0..1]), dropped.slice([3..4]));
//! assert_eq!(first.into_data(), last.into_data());
//! ```
//!
//! # References
//!
//! Yarin Gal and Zoubin Ghahramani, *A Theoretically Grounded Application of Dropout in Recurrent
//! Neural Networks*, 2016, arXiv 1512.05287.

#![doc(test(attr(deny(warnings))))]

mod draw;
mod extent;
mod kl;
mod locked;
mod mask;
mod model;
mod prior;
mod rng;
mod site;
mod site_dropout;
mod words;

pub use draw::{DrawRecord, MaskDraw};
pub use extent::{BatchExtent, SequenceExtent};
pub use kl::KlTerm;
pub use locked::{LockedDropout, LockedDropoutConfig};
pub use mask::DropoutMask;
pub use model::{ModelInput, VariationalModel};
pub use prior::DropoutPrior;
pub use rng::MaskRng;
pub use site::{Site, SiteName};
pub use site_dropout::{
    MaskLifetime, MaskScaling, MaskSharing, MaskTying, SiteDropout, SiteFactors,
};
pub use words::WordStream;
