//! Prediction with uncertainty: the masks of training drawn again at test time.
//!
//! [`MonteCarlo`] takes any [`VariationalModel`](burn_variational_dropout::VariationalModel) and
//! folds the draws of a prediction into the batch, in passes of bounded size, on a plain device: no
//! gradients are kept and no training flag is read. What is made of the draws is a [`Statistic`],
//! open to your own.
//!
//! ```
//! use burn::tensor::{Device, Tensor};
//! use burn_variational_dropout::{LockedDropoutConfig, MaskRng};
//! use burn_variational_mc::MonteCarlo;
//!
//! let model = LockedDropoutConfig::new(4, 0.5).init();
//! let input = Tensor::<3>::ones([2, 3, 4], &Device::flex());
//! let prediction = MonteCarlo::new(100, MaskRng::seeded(1)).regression(&model, &input).unwrap();
//! assert_eq!(prediction.mean().dims(), [2, 3, 4]);
//! ```
//!
//! # References
//!
//! Yarin Gal and Zoubin Ghahramani, *Dropout as a Bayesian Approximation*, 2016, arXiv 1506.02142.

#![doc(test(attr(deny(warnings))))]

mod classification;
mod error;
mod log_mean_exp;
mod moments;
mod pass;
mod perplexity;
mod regression;
mod runner;
mod statistic;

pub use classification::{ClassProbabilities, ClassificationPrediction};
pub use error::MonteCarloError;
pub use log_mean_exp::LogMeanExp;
pub use moments::Moments;
pub use pass::Pass;
pub use perplexity::{StreamModel, StreamWindow, perplexity};
pub use regression::{RealValues, RegressionPrediction};
pub use runner::{Estimate, MonteCarlo};
pub use statistic::{Samples, Statistic};
