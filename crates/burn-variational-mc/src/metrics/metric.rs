//! A measure as a metric of burn-train.

use std::fmt;
use std::marker::PhantomData;
use std::sync::Arc;

use burn::tensor::TensorReadError;
use burn::train::metric::{
    Metric, MetricAttributes, MetricMetadata, MetricName, Numeric, NumericAttributes, NumericEntry,
    SerializedEntry, format_float,
};

use super::Measure;

/// Digits after the point on the dashboard.
const DIGITS: usize = 3;

/// How predictions were made.
pub trait PredictedBy: Send + Sync {
    /// The predictions.
    type Predictions;

    /// What the name of a measure of them ends with.
    const SUFFIX: &'static str;

    /// The predictions.
    fn predictions(&self) -> &Self::Predictions;
}

/// Predictions of one pass: by weight averaging, or in training by the masks of the step.
#[derive(Debug, Clone)]
pub struct ByWeightAveraging<I>(pub I);

/// Predictions by draws.
#[derive(Debug, Clone)]
pub struct ByMonteCarlo<I>(pub I);

impl<I: Send + Sync> PredictedBy for ByWeightAveraging<I> {
    type Predictions = I;

    const SUFFIX: &'static str = "";

    fn predictions(&self) -> &I {
        &self.0
    }
}

impl<I: Send + Sync> PredictedBy for ByMonteCarlo<I> {
    type Predictions = I;

    const SUFFIX: &'static str = " by Monte Carlo";

    fn predictions(&self) -> &I {
        &self.0
    }
}

/// A measure of predictions of one pass, under its own name.
pub fn averaged<M: Measure>(measure: M) -> MeasureMetric<M, ByWeightAveraging<M::Input>>
where
    M::Input: Send + Sync,
{
    MeasureMetric::new(measure)
}

/// A measure of predictions by draws, whose name says so.
pub fn drawn<M: Measure>(measure: M) -> MeasureMetric<M, ByMonteCarlo<M::Input>>
where
    M::Input: Send + Sync,
{
    MeasureMetric::new(measure)
}

/// A measure as a metric: of the batch, and of all rows of the epoch so far. See [`averaged`] and
/// [`drawn`].
pub struct MeasureMetric<M: Measure, P> {
    name: MetricName,
    measure: M,
    epoch: Option<(M::Kept, usize)>,
    batch: Option<(f64, usize)>,
    predicted: PhantomData<fn(P)>,
}

impl<M: Measure, P: PredictedBy<Predictions = M::Input>> MeasureMetric<M, P> {
    fn new(measure: M) -> Self {
        let name = Arc::new(format!("{}{}", measure.name(), P::SUFFIX));
        Self { name, measure, epoch: None, batch: None, predicted: PhantomData }
    }

    /// Of all rows so far; NaN before the first.
    fn of_epoch(&self) -> f64 {
        self.epoch.as_ref().map_or(f64::NAN, |(kept, _)| self.measure.value(kept))
    }

    fn entry(&self, numeric: &NumericEntry) -> SerializedEntry {
        let batch = self.batch.map_or(f64::NAN, |(value, _)| value);
        let [epoch, batch] = [self.of_epoch(), batch].map(|value| format_float(value, DIGITS));
        SerializedEntry::new(format!("epoch {epoch} - batch {batch}"), numeric.serialize())
    }
}

impl<M: Measure, P> Clone for MeasureMetric<M, P> {
    fn clone(&self) -> Self {
        Self {
            name: Arc::clone(&self.name),
            measure: self.measure.clone(),
            epoch: self.epoch.clone(),
            batch: self.batch,
            predicted: PhantomData,
        }
    }
}

impl<M: Measure, P> fmt::Debug for MeasureMetric<M, P> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("MeasureMetric").field("name", &self.name).finish_non_exhaustive()
    }
}

impl<M: Measure, P: PredictedBy<Predictions = M::Input>> Metric for MeasureMetric<M, P> {
    type Input = P;

    fn name(&self) -> MetricName {
        Arc::clone(&self.name)
    }

    fn attributes(&self) -> MetricAttributes {
        let higher_is_better = self.measure.higher_is_better();
        NumericAttributes { unit: None, higher_is_better }.into()
    }

    fn update(
        &mut self,
        item: &P,
        _metadata: &MetricMetadata,
    ) -> Result<SerializedEntry, TensorReadError> {
        let (kept, n_rows) = self.measure.keep(item.predictions());
        let value = self.measure.value(&kept);
        self.batch = Some((value, n_rows));
        match &mut self.epoch {
            Some((all, n_all)) => {
                self.measure.append(all, kept);
                *n_all += n_rows;
            }
            None => self.epoch = Some((kept, n_rows)),
        }
        Ok(self.entry(&NumericEntry::Aggregated { aggregated_value: value, count: n_rows }))
    }

    fn compute(&mut self) -> Result<SerializedEntry, TensorReadError> {
        Ok(self.entry(&self.final_value()))
    }

    fn clear(&mut self) {
        (self.epoch, self.batch) = (None, None);
    }
}

impl<M: Measure, P: PredictedBy<Predictions = M::Input>> Numeric for MeasureMetric<M, P> {
    fn value(&self) -> Option<NumericEntry> {
        let (aggregated_value, count) = self.batch?;
        Some(NumericEntry::Aggregated { aggregated_value, count })
    }

    fn running_value(&self) -> Option<NumericEntry> {
        let (_, count) = *self.epoch.as_ref()?;
        Some(NumericEntry::Aggregated { aggregated_value: self.of_epoch(), count })
    }

    fn final_value(&self) -> NumericEntry {
        NumericEntry::Final(self.of_epoch())
    }
}
