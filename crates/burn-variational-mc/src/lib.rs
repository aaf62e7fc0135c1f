//! Prediction with uncertainty: the masks of training drawn again at test time.
//!
//! [`MonteCarlo`] folds the draws of a prediction into the batch, in passes of bounded size, on a
//! plain device: no gradients are kept and no training flag is read.
//!
//! ```
//! use burn::tensor::{Device, Tensor};
//! use burn_variational_dropout::{MaskRng, SiteDropout};
//! use burn_variational_mc::MonteCarlo;
//!
//! let device = Device::flex();
//! let dropout = SiteDropout::new(0.5);
//! let input = Tensor::<2>::ones([2, 4], &device);
//! let prediction = MonteCarlo::new(100, MaskRng::seeded(1))
//!     .regression(2, |pass| {
//!         let input = pass.fold(&input);
//!         let mask = dropout.sample(input.dims(), pass.rng(), &device);
//!         mask.apply(input).sum_dim(1)
//!     })
//!     .unwrap();
//! assert_eq!(prediction.mean().dims(), [2, 1]);
//! ```
//!
//! # References
//!
//! Yarin Gal and Zoubin Ghahramani, *Dropout as a Bayesian Approximation*, 2016, arXiv 1506.02142.

#![doc(test(attr(deny(warnings))))]

mod classification;
mod moments;
mod regression;
mod runner;

pub use classification::{ClassificationPrediction, log_mean_exp};
pub use moments::Moments;
pub use regression::RegressionPrediction;
pub use runner::{MonteCarlo, MonteCarloError, Pass};
