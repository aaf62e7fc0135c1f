//! Dropout masks as values: drawn once, inspected, saved, repeated at every time step, and drawn
//! again at test time for predictions with uncertainty.
//!
//! A mask is drawn by [`MaskRng`] for a [`SiteDropout`] and multiplies a tensor. Nothing here
//! keeps a mask or reads a training flag: whoever holds the mask decides how long it lives.
//!
//! ```
//! use burn::tensor::{Device, Tensor};
//! use burn_variational_dropout::{MaskRng, Site, SiteDropout};
//!
//! let device = Device::flex();
//! let rng = MaskRng::seeded(7).site(Site::Input);
//! let mask = SiteDropout::new(0.5).sample([2, 3], &rng, &device);
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

mod kl;
mod locked;
mod mask;
mod prior;
mod rng;
mod site;

pub use kl::KlTerm;
pub use locked::{LockedDropout, LockedDropoutConfig};
pub use mask::DropoutMask;
pub use prior::DropoutPrior;
pub use rng::{DrawRecord, MaskRng, Site, WordStream};
pub use site::{MaskLifetime, MaskScaling, MaskSharing, MaskTying, SiteDropout, SiteFactors};
