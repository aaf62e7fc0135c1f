#![doc = include_str!("../README.md")]
#![doc(test(attr(deny(warnings))))]

pub mod calibration;
mod classification;
mod error;
mod estimate;
mod log_mean_exp;
mod moments;
mod pass;
mod perplexity;
mod regression;
mod runner;
mod statistic;

pub use classification::{ClassProbabilities, ClassificationPrediction};
pub use error::MonteCarloError;
pub use estimate::{Estimate, MonteCarloResult};
pub use log_mean_exp::LogMeanExp;
pub use moments::Moments;
pub use pass::Pass;
pub use perplexity::{StreamModel, StreamWindow, perplexity};
pub use regression::{RealValues, RegressionPrediction};
pub use runner::MonteCarlo;
pub use statistic::{Samples, Statistic};
