//! Whether predictions hold what they say, and how to make them do so.
//!
//! Everything here is of predictions that have been made: their tensors are read back to the host
//! once, whatever their device and float type, checked there, and every number is computed in `f64`.
//! What is wrong with them is a [`CalibrationError`] that names the value.

mod conformal;
mod coverage;
mod error;
mod interval;
mod labelled_probabilities;
mod maximum;
mod mixture;
mod observed_draws;
mod pit;
mod precision;
mod read_back;
mod reliability;
mod scores;
mod temperature;

pub use conformal::{AdaptiveConformal, AdaptiveInterval, NormalisedConformal, SplitConformal};
pub use error::CalibrationError;
pub use interval::PredictionInterval;
pub use labelled_probabilities::LabelledProbabilities;
pub use mixture::PredictiveMixture;
pub use observed_draws::ObservedDraws;
pub use pit::PitValues;
pub use reliability::{Binning, ReliabilityBin, ReliabilityTable};
pub use scores::Scores;
pub use temperature::TemperatureScaling;
