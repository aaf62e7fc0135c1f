//! What a validation step gives: both predictions.

use burn::tensor::activation::log_softmax;
use burn::tensor::{ExecutionError, Int, Tensor};
use burn::train::metric::{Adaptor, LossInput};
use burn::train::{ClassificationOutput, ItemLazy, RegressionOutput};
use burn_variational_dropout::VariationalModel;

use super::classification::ClassificationInput;
use super::regression::RegressionInput;
use super::{ByMonteCarlo, ByWeightAveraging};
use crate::{MonteCarlo, MonteCarloError, ObservationNoise, Samples};

/// Predictions of classes by weight averaging and by Monte Carlo: the output of an `InferenceStep`.
#[derive(Debug, Clone)]
pub struct ValidatedClassification {
    /// The logits by weight averaging, `[batch_size, n_classes]`.
    pub logits: Tensor<2>,
    /// The predictions by Monte Carlo, and the classes.
    pub drawn: ClassificationInput,
}

impl ValidatedClassification {
    /// What a model that gives logits `[batch_size, n_classes]` predicts of a batch.
    ///
    /// # Errors
    ///
    /// As [`MonteCarlo::estimate`].
    pub fn new<M: VariationalModel<Output = Tensor<2>>>(
        mc: &MonteCarlo,
        model: &M,
        input: &M::Input,
        classes: Tensor<1, Int>,
    ) -> Result<Self, MonteCarloError> {
        let prediction = mc.classification(model, input)?.into_value();
        let logits = model.weight_averaged(input.clone());
        Ok(Self { logits, drawn: ClassificationInput { prediction, classes } })
    }
}

/// Predictions of real values by weight averaging and by Monte Carlo: the output of an
/// `InferenceStep`.
#[derive(Debug, Clone)]
pub struct ValidatedRegression {
    /// The prediction by weight averaging.
    pub averaged: RegressionInput,
    /// The prediction by Monte Carlo.
    pub drawn: RegressionInput,
}

impl ValidatedRegression {
    /// What a model predicts of a batch, and the noise of what is observed around it. The draws are
    /// kept until the metrics have read them.
    ///
    /// # Errors
    ///
    /// As [`MonteCarlo::estimate`].
    pub fn new<M: VariationalModel<Output = Tensor<2>>>(
        mc: &MonteCarlo,
        model: &M,
        input: &M::Input,
        observed: Tensor<2>,
        noise: impl Into<ObservationNoise<2>>,
    ) -> Result<Self, MonteCarloError> {
        let noise = noise.into();
        let draws = mc.estimate(model, input, Samples::new())?.into_value();
        let averaged = vec![model.weight_averaged(input.clone())];
        Ok(Self {
            averaged: RegressionInput::new(averaged, observed.clone(), noise.clone()),
            drawn: RegressionInput::new(draws, observed, noise),
        })
    }
}

/// Metrics read tensors in a thread of their own: what computes them is sent off first.
impl ItemLazy for ValidatedClassification {
    fn sync(self) -> Result<Self, ExecutionError> {
        self.logits.device().flush()?;
        Ok(self)
    }
}

/// As that of classes.
impl ItemLazy for ValidatedRegression {
    fn sync(self) -> Result<Self, ExecutionError> {
        self.drawn.observed.device().flush()?;
        Ok(self)
    }
}

impl Adaptor<ByWeightAveraging<ClassificationInput>> for ValidatedClassification {
    fn adapt(&self) -> ByWeightAveraging<ClassificationInput> {
        let (logits, classes) = (self.logits.clone(), self.drawn.classes.clone());
        ByWeightAveraging(ClassificationInput::of_logits(logits, classes))
    }
}

impl Adaptor<ByMonteCarlo<ClassificationInput>> for ValidatedClassification {
    fn adapt(&self) -> ByMonteCarlo<ClassificationInput> {
        ByMonteCarlo(self.drawn.clone())
    }
}

/// The cross-entropy by weight averaging, a number for each row.
impl Adaptor<LossInput> for ValidatedClassification {
    fn adapt(&self) -> LossInput {
        let classes = self.drawn.classes.clone().unsqueeze_dim::<2>(1);
        let log_probabilities = log_softmax(self.logits.clone(), 1).gather(1, classes);
        LossInput::new(log_probabilities.squeeze_dim::<1>(1).neg())
    }
}

impl Adaptor<ByWeightAveraging<RegressionInput>> for ValidatedRegression {
    fn adapt(&self) -> ByWeightAveraging<RegressionInput> {
        ByWeightAveraging(self.averaged.clone())
    }
}

impl Adaptor<ByMonteCarlo<RegressionInput>> for ValidatedRegression {
    fn adapt(&self) -> ByMonteCarlo<RegressionInput> {
        ByMonteCarlo(self.drawn.clone())
    }
}

/// Half the squared error by weight averaging, a number for each row.
impl Adaptor<LossInput> for ValidatedRegression {
    fn adapt(&self) -> LossInput {
        let RegressionInput { mixture, observed } = &self.averaged;
        let errors = (mixture.moments().mean() - observed.clone()).square() / 2.0;
        LossInput::new(errors.mean_dim(1).squeeze_dim(1))
    }
}

/// As it was trained: by the masks of its step.
impl Adaptor<ByWeightAveraging<ClassificationInput>> for ClassificationOutput {
    fn adapt(&self) -> ByWeightAveraging<ClassificationInput> {
        let (logits, classes) = (self.output.clone(), self.targets.clone());
        ByWeightAveraging(ClassificationInput::of_logits(logits, classes))
    }
}

/// As it was trained: by the masks of its step. What depends on the noise takes a precision of 1.
impl Adaptor<ByWeightAveraging<RegressionInput>> for RegressionOutput {
    fn adapt(&self) -> ByWeightAveraging<RegressionInput> {
        let (output, observed) = (self.output.clone(), self.targets.clone());
        ByWeightAveraging(RegressionInput::new(vec![output], observed, 1.0))
    }
}
