//! What is measured of the batches of an epoch.

use std::fmt;
use std::sync::Arc;

/// A measure of all rows of an epoch, of which only what it needs is kept.
pub trait Measure: Clone + Send + Sync {
    /// A batch of predictions beside what was observed.
    type Input;
    /// What is kept of some rows.
    type Kept: Clone + Send + Sync;

    /// Its name on the dashboard and in files.
    fn name(&self) -> &str;

    /// Whether more of it is better.
    fn higher_is_better(&self) -> bool;

    /// What is kept of a batch, and of how many rows.
    fn keep(&self, batch: &Self::Input) -> (Self::Kept, usize);

    /// Adds what was kept of the rows that follow.
    fn append(&self, kept: &mut Self::Kept, rows: Self::Kept);

    /// The measure of what was kept.
    fn value(&self, kept: &Self::Kept) -> f64;
}

/// A number for each row, and what becomes of their mean. Open to measures of a user's own:
///
/// ```
/// use burn_variational_mc::metrics::{RowMean, averaged, regression::RegressionInput};
///
/// let bias = RowMean::new("Bias", |input: &RegressionInput| {
///     let mean = input.mixture.moments().mean();
///     (mean - input.observed.clone()).into_data().iter::<f64>().collect()
/// });
/// let metric = averaged(bias);
/// # let _ = metric;
/// ```
pub struct RowMean<I> {
    name: String,
    higher_is_better: bool,
    of_rows: Arc<OfRows<I>>,
    of_mean: fn(f64) -> f64,
}

/// The number of each row of a batch.
type OfRows<I> = dyn Fn(&I) -> Vec<f64> + Send + Sync;

impl<I> RowMean<I> {
    /// The mean of these numbers, of which less is better.
    pub fn new(
        name: impl Into<String>,
        of_rows: impl Fn(&I) -> Vec<f64> + Send + Sync + 'static,
    ) -> Self {
        Self {
            name: name.into(),
            higher_is_better: false,
            of_rows: Arc::new(of_rows),
            of_mean: |mean| mean,
        }
    }

    /// With this function of the mean in its place.
    pub fn with_of_mean(mut self, of_mean: fn(f64) -> f64) -> Self {
        self.of_mean = of_mean;
        self
    }

    /// Where more is better.
    pub fn where_higher_is_better(mut self) -> Self {
        self.higher_is_better = true;
        self
    }
}

impl<I> Clone for RowMean<I> {
    fn clone(&self) -> Self {
        let Self { name, higher_is_better, of_rows, of_mean } = self;
        Self {
            name: name.clone(),
            higher_is_better: *higher_is_better,
            of_rows: Arc::clone(of_rows),
            of_mean: *of_mean,
        }
    }
}

impl<I> fmt::Debug for RowMean<I> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("RowMean").field("name", &self.name).finish_non_exhaustive()
    }
}

impl<I> Measure for RowMean<I> {
    type Input = I;
    /// Sum and number of values.
    type Kept = (f64, usize);

    fn name(&self) -> &str {
        &self.name
    }

    fn higher_is_better(&self) -> bool {
        self.higher_is_better
    }

    fn keep(&self, batch: &I) -> ((f64, usize), usize) {
        let values = (self.of_rows)(batch);
        ((values.iter().sum(), values.len()), values.len())
    }

    fn append(&self, (sum, n): &mut (f64, usize), (more, n_more): (f64, usize)) {
        *sum += more;
        *n += n_more;
    }

    fn value(&self, (sum, n): &(f64, usize)) -> f64 {
        (self.of_mean)(sum / *n as f64)
    }
}
