#![doc = include_str!("../README.md")]
#![doc(test(attr(deny(warnings))))]

pub mod acquisition;
pub mod calibration;
#[cfg(feature = "train")]
pub mod metrics;

mod accumulator;
mod classification;
mod early_stop;
mod error;
mod estimate;
mod finite;
mod host;
mod interval;
mod log_mean_exp;
mod moments;
mod normal;
mod pass;
mod perplexity;
mod progress;
mod quantiles;
mod regression;
mod replicas;
mod runner;
mod scored;
mod sequence;
mod shape;
mod statistic;
mod together;

pub use classification::{ClassProbabilities, ClassificationPrediction};
pub use early_stop::EarlyStop;
pub use error::{DeviceFailure, MonteCarloError};
pub use estimate::{Estimate, MonteCarloResult};
pub use interval::PredictionInterval;
pub use log_mean_exp::LogMeanExp;
pub use moments::Moments;
pub use pass::Pass;
pub use perplexity::{StreamModel, StreamWindow, perplexity};
pub use progress::Progress;
pub use quantiles::{Quantiles, central_interval, quantiles};
pub use regression::{
    GaussianMixture, GaussianOutput, ObservationNoise, Precision, RealValues, RegressionPrediction,
};
pub use replicas::Replicas;
pub use runner::MonteCarlo;
pub use sequence::{mean_over_steps, sum_over_steps};
pub use statistic::{Samples, Statistic};
