//! Measures as metrics of burn-train, and validation by weight averaging and by Monte Carlo at once
//! (feature `train`).
//!
//! A validation step gives a [`ValidatedClassification`] or [`ValidatedRegression`], which holds both
//! predictions; [`averaged`] and [`drawn`] make a metric of a measure for the one and for the other,
//! and the dashboard shows both, epoch by epoch:
//!
//! | measure | of classes | of real values |
//! |---|---|---|
//! | error | [`accuracy`](classification::accuracy), [`brier_score`](classification::brier_score) | [`rmse`](regression::rmse), [`crps`](regression::crps) |
//! | likelihood | [`negative_log_likelihood`](classification::negative_log_likelihood) | [`negative_log_likelihood`](regression::negative_log_likelihood) |
//! | calibration | [`CalibrationError`](classification::CalibrationError) | [`coverage`](regression::coverage) |
//! | uncertainty | [`predictive_entropy`](classification::predictive_entropy), [`mutual_information`](classification::mutual_information), [`variation_ratio`](classification::variation_ratio) | [`epistemic_deviation`](regression::epistemic_deviation) |
//!
//! What a metric shows of an epoch is the measure of all its rows, and not the mean over batches: a
//! root is taken once, and bins of calibration are filled by all batches. A batch whose predictions
//! are not finite makes its epoch NaN.
//!
//! # Example
//!
//! A model that trains by one draw for each batch, and is validated both ways. The draw of a batch is
//! stamped on it (`StampedBatcher` in `burn-variational-training`), for a step of burn-train has no
//! number:
//!
//! ```
//! use burn::module::Module;
//! use burn::nn::{Linear, LinearConfig};
//! use burn::tensor::{Device, Tensor};
//! use burn::train::{InferenceStep, RegressionOutput, TrainOutput, TrainStep};
//! use burn_variational_dropout::{LockedDropout, LockedDropoutConfig, MaskRng, VariationalModel};
//! use burn_variational_mc::MonteCarlo;
//! use burn_variational_mc::metrics::ValidatedRegression;
//!
//! #[derive(Module, Debug)]
//! struct Model {
//!     dropout: LockedDropout,
//!     output: Linear,
//! }
//!
//! struct Batch {
//!     inputs: Tensor<3>,
//!     targets: Tensor<2>,
//!     draw: u64,
//! }
//! # use burn_variational_dropout::{DropoutMask, MaskDraw, SequenceExtent};
//! # impl VariationalModel for Model {
//! #     type Input = Tensor<3>;
//! #     type Masks = (DropoutMask<2>, ());
//! #     type Output = Tensor<2>;
//! #     fn sample_masks(&self, extent: &SequenceExtent, draw: MaskDraw) -> Self::Masks {
//! #         (&self.dropout, &self.output).sample_masks(extent, draw)
//! #     }
//! #     fn run(&self, input: Tensor<3>, masks: &Self::Masks) -> Tensor<2> {
//! #         (&self.dropout, &self.output).run(input, masks).mean_dim(1).squeeze_dim(1)
//! #     }
//! # }
//!
//! impl TrainStep for Model {
//!     type Input = Batch;
//!     type Output = RegressionOutput;
//!
//!     fn step(&self, batch: Batch) -> TrainOutput<RegressionOutput> {
//!         let masks = self.masks_for(&batch.inputs, MaskRng::seeded(1).draw(batch.draw));
//!         let output = self.run(batch.inputs, &masks);
//!         let loss = (output.clone() - batch.targets.clone()).square().mean() / 2.0;
//!         let gradients = loss.backward();
//!         TrainOutput::new(self, gradients, RegressionOutput::new(loss, output, batch.targets))
//!     }
//! }
//!
//! impl InferenceStep for Model {
//!     type Input = Batch;
//!     type Output = ValidatedRegression;
//!
//!     fn step(&self, batch: Batch) -> ValidatedRegression {
//!         let mc = MonteCarlo::new(20, MaskRng::seeded(2)).with_first_draw(batch.draw);
//!         ValidatedRegression::new(&mc, self, &batch.inputs, batch.targets, 100.0)
//!             .expect("the model has masks and gives finite numbers")
//!     }
//! }
//!
//! // What the learner does with them.
//! let device = Device::flex();
//! let model = |device: &Device| Model {
//!     dropout: LockedDropoutConfig::new(4, 0.5).init(),
//!     output: LinearConfig::new(4, 1).init(device),
//! };
//! let batch = |device: &Device| Batch {
//!     inputs: Tensor::ones([8, 3, 4], device),
//!     targets: Tensor::ones([8, 1], device),
//!     draw: 7,
//! };
//! let training = device.clone().autodiff();
//! let trained = TrainStep::step(&model(&training), batch(&training));
//! assert_eq!(trained.item.output.dims(), [8, 1]);
//! let validated = InferenceStep::step(&model(&device), batch(&device));
//! assert_eq!(validated.drawn.mixture.draws().len(), 20);
//! ```
//!
//! On several devices burn-train adds the gradients of their batches (`ExecutionStrategy::multi`), as it
//! does those that it accumulates. With `n` of them divide the loss by `n` for the step that one batch of
//! all rows would have, whatever the optimiser. For plain descent without decay or clipping a learning
//! rate divided by `n` comes to the same; for Adam it does not, which has no scale. The KL term, which is
//! once a step, is divided with the loss where it is part of it, and stays as it is where it is a decay.
//!
//! Then `SupervisedTraining` takes the metrics:
//!
//! ```
//! use burn::train::metric::{Metric, Numeric};
//! use burn_variational_mc::metrics::{averaged, drawn, regression};
//!
//! # fn takes(_: impl Metric + Numeric) {}
//! // training.metric_train_numeric(averaged(regression::rmse()))
//! //     .metric_valid_numeric(averaged(regression::rmse()))
//! //     .metric_valid_numeric(drawn(regression::rmse()))
//! //     .metric_valid_numeric(drawn(regression::coverage(0.9)));
//! # takes(averaged(regression::rmse()));
//! # takes(drawn(regression::coverage(0.9)));
//! ```

pub mod classification;
mod measure;
mod metric;
pub mod regression;
mod validation;

pub use measure::{Measure, RowMean};
pub use metric::{ByMonteCarlo, ByWeightAveraging, MeasureMetric, PredictedBy, averaged, drawn};
pub use validation::{ValidatedClassification, ValidatedRegression};

#[cfg(test)]
mod tests;
