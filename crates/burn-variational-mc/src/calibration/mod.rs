//! Whether predictions hold what they say, and how to make them do so.
//!
//! Everything here is of predictions that have been made: their tensors are read back to the host
//! once, whatever their device and float type, checked there, and every number is computed in `f64`.
//! What is wrong with them is a [`CalibrationError`] that names the value.
//!
//! # Which number tells what
//!
//! | question | number |
//! |---|---|
//! | Of two models, which predicts better, its uncertainty counted? | [negative log-likelihood](LabelledProbabilities::negative_log_likelihood) and [Brier score](LabelledProbabilities::brier_score) of classes; [negative log-likelihood](PredictiveMixture::negative_log_likelihood) and [CRPS](PredictiveMixture::crps) of real values |
//! | When it says 80 %, is it right in 80 of 100 cases? | [reliability table](LabelledProbabilities::reliability), and in one number its [expected calibration error](ReliabilityTable::expected_calibration_error) |
//! | Do 90 % of what is observed lie in the 90 % interval? | [coverage by PIT](PitValues::coverage), [coverage of any interval](PredictionInterval::coverage) |
//! | Are the intervals too wide, too narrow, off to a side? | [histogram of the PIT](PitValues::histogram) |
//! | How much does an interval leave open? | [mean width](PredictionInterval::mean_width) |
//! | Is it more uncertain of what it should be uncertain of? | [area under the ROC curve](auroc) of two kinds of rows |
//!
//! The scores of the first row are *proper*: no model does better than by saying what it holds for
//! true. The others are not, and are no goal by themselves: a model that always gives the shares of
//! the classes is calibrated, and useless. The likelihood punishes a single sure mistake without
//! bound; the Brier score and the CRPS, which has the units of the values and of one draw is the
//! absolute error, do not.
//!
//! Draws are samples of a distribution, of which there are three to judge:
//!
//! | predictive distribution | score |
//! |---|---|
//! | the draws alone, `1/K` on each | [`ObservedDraws::crps`] |
//! | whatever they were drawn from, to compare different `K` | [`ObservedDraws::fair_crps`] |
//! | the draws and the noise of what is observed, `1/K Σ_k N(ŷ_k, 1/τ)` | [`PredictiveMixture::crps`] |
//!
//! A [`GaussianMixture`](crate::GaussianMixture), which gives quantiles and intervals, becomes the
//! last of them by [`observed`](crate::GaussianMixture::observed).
//!
//! # What to fit on which data
//!
//! | what | on |
//! |---|---|
//! | weights, dropout rates that are learned | training data |
//! | the epoch to stop at, rates, length scale, [`τ`](ObservedDraws::fit_precision), [temperature](TemperatureScaling) | validation data |
//! | [conformal intervals](SplitConformal) | calibration data of their own, used for nothing else |
//! | nothing | test data |
//!
//! A temperature or a `τ` fitted on training data is one of a model that has seen the answers, and
//! too sure. One fitted after training with another `τ` in its decay leaves the draws those of that
//! other noise: see [`fit_precision`](ObservedDraws::fit_precision).
//!
//! # Time series
//!
//! The promise of [`SplitConformal`] needs rows that are exchangeable: as probable in any other order.
//! The steps of a series are not. Errors that drift, seasons that are calm and years that are not
//! take it away, and neither the coverage of one interval nor that of all is then promised. What can
//! be done:
//!
//! - *Many series, or windows far apart.* Whole series are exchangeable where they come from one
//!   source: a row for each, and a quantile for each step ahead, which the conformal intervals here
//!   have. Windows that overlap are no such rows.
//! - *One series, followed as it goes on.* [`AdaptiveConformal`] widens its intervals after a miss
//!   and narrows them after a hit. The promise of each single interval is lost for good; kept is the
//!   share of misses in the long run, whatever the series does. It may be kept by intervals that are
//!   too wide for a while and too narrow for another.
//!
//! # Example
//!
//! A regression, its noise fitted on validation data, and judged on test data:
//!
//! ```
//! use burn::tensor::{Device, Distribution, Tensor};
//! use burn_variational_dropout::{LockedDropoutConfig, MaskRng};
//! use burn_variational_mc::calibration::{ObservedDraws, SplitConformal};
//! use burn_variational_mc::{MonteCarlo, Samples};
//!
//! # fn main() -> Result<(), Box<dyn std::error::Error>> {
//! # let device = Device::flex();
//! # device.seed(1);
//! // Stands for a trained model; what is observed is its input and noise.
//! let model = LockedDropoutConfig::new(1, 0.1).init();
//! let predict = |input: &Tensor<3>| {
//!     MonteCarlo::new(20, MaskRng::seeded(1)).estimate(&model, input, Samples::new())
//! };
//! let rows = || {
//!     let input = Tensor::<3>::random([2000, 1, 1], Distribution::Uniform(-1.0, 1.0), &device);
//!     let noise = Tensor::random([2000, 1, 1], Distribution::Normal(0.0, 0.5), &device);
//!     (input.clone(), input + noise)
//! };
//!
//! let (input, observed) = rows();
//! let validation = ObservedDraws::new(&predict(&input)?, &observed)?;
//! let precision = validation.fit_precision()?;
//! assert!((precision - 4.0).abs() < 1.0);
//!
//! let (input, observed) = rows();
//! let mean = |draws: &[Tensor<3>]| Tensor::stack::<4>(draws.to_vec(), 0).mean_dim(0).squeeze_dim(0);
//! let conformal = SplitConformal::fit(&mean(&predict(&input)?), &observed, 0.9)?;
//!
//! let (input, observed) = rows();
//! let draws = predict(&input)?;
//! let test = ObservedDraws::new(&draws, &observed)?.with_precision(precision);
//! let interval = conformal.interval(mean(&draws));
//! println!("CRPS {:.3}", test.crps().mean());
//! println!("{:.3} of what is observed in the 90 % interval", test.pit().coverage(0.9));
//! println!("{:.3} in the conformal one", interval.coverage(&observed)?);
//! # assert!((test.pit().coverage(0.9) - 0.9).abs() < 0.05);
//! # assert!((interval.coverage(&observed)? - 0.9).abs() < 0.05);
//! # Ok(())
//! # }
//! ```

mod auroc;
mod conformal;
mod coverage;
mod error;
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

pub use crate::PredictionInterval;
pub use auroc::auroc;
pub use conformal::{AdaptiveConformal, AdaptiveInterval, NormalisedConformal, SplitConformal};
pub use error::CalibrationError;
pub use labelled_probabilities::LabelledProbabilities;
pub use mixture::PredictiveMixture;
pub use observed_draws::ObservedDraws;
pub use pit::PitValues;
pub use reliability::{Binning, ReliabilityBin, ReliabilityTable};
pub use scores::Scores;
pub use temperature::TemperatureScaling;
