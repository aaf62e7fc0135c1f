//! What is made of the draws: open to statistics of a user's own.

use burn::tensor::Tensor;
use serde::{Deserialize, Serialize};

use crate::EarlyStop;

/// What is kept of a stream of draws `[n_rows, ..]`, and what becomes of it.
///
/// The predictions of this crate are instances of it. One of your own runs by
/// [`MonteCarlo::estimate`](crate::MonteCarlo::estimate); derive `Serialize` and `Deserialize` for
/// it and parts of a prediction can be made by several programs and merged.
///
/// # Example
///
/// The largest draw of each value:
///
/// ```
/// use burn::tensor::{Device, Tensor};
/// use burn_variational_dropout::{LockedDropoutConfig, MaskRng};
/// use burn_variational_mc::{MonteCarlo, Statistic};
///
/// #[derive(Clone, Default)]
/// struct Largest(Option<Tensor<3>>);
///
/// impl Statistic<3> for Largest {
///     type Output = Tensor<3>;
///
///     fn push(&mut self, draw: Tensor<3>) {
///         self.0 = Some(match self.0.take() {
///             Some(largest) => largest.max_pair(draw),
///             None => draw,
///         });
///     }
///     fn merge(&mut self, other: Self) {
///         if let Some(draw) = other.0 {
///             self.push(draw);
///         }
///     }
///     fn append_rows(&mut self, other: Self) {
///         let parts = [self.0.take(), other.0];
///         self.0 = Some(Tensor::cat(parts.into_iter().flatten().collect(), 0));
///     }
///     fn finish(self) -> Tensor<3> {
///         self.0.expect("at least one draw")
///     }
/// }
///
/// let dropout = LockedDropoutConfig::new(4, 0.5).init();
/// let input = Tensor::<3>::ones([2, 1, 4], &Device::flex());
/// let mc = MonteCarlo::new(100, MaskRng::seeded(1));
/// let largest = mc.estimate(&dropout, &input, Largest::default()).unwrap().into_value();
/// // Every unit is kept in one draw of a hundred at least.
/// assert_eq!(largest.min().into_scalar::<f32>(), 2.0);
/// ```
pub trait Statistic<const D: usize>: Clone {
    /// What becomes of it.
    type Output;

    /// Takes in a draw, `[n_rows, ..]`.
    fn push(&mut self, draw: Tensor<D>);

    /// Takes in other draws of the same rows.
    fn merge(&mut self, other: Self);

    /// Takes in the same draws of the rows that follow.
    fn append_rows(&mut self, other: Self);

    /// Whether the draws so far, two at least, are enough for an
    /// [early stop](crate::MonteCarlo::with_early_stop); none if it has nothing to tell by, as it has
    /// if not written. What keeps a mean has [`EarlyStop::is_met`]; what keeps
    /// [`Moments`](crate::Moments) asks those.
    fn is_settled(&self, stop: &EarlyStop) -> Option<bool> {
        let _ = stop;
        None
    }

    /// The end, after the last draw.
    fn finish(self) -> Self::Output;
}

/// Every draw itself: memory grows with their number.
#[derive(Debug, Clone, Default, Serialize, Deserialize)]
pub struct Samples<const D: usize> {
    draws: Vec<Tensor<D>>,
}

impl<const D: usize> Samples<D> {
    /// Of no draw yet.
    pub fn new() -> Self {
        Self::default()
    }
}

impl<const D: usize> Statistic<D> for Samples<D> {
    type Output = Vec<Tensor<D>>;

    fn push(&mut self, draw: Tensor<D>) {
        self.draws.push(draw);
    }

    fn merge(&mut self, other: Self) {
        self.draws.extend(other.draws);
    }

    fn append_rows(&mut self, other: Self) {
        if self.draws.is_empty() {
            *self = other;
            return;
        }
        let pairs = self.draws.drain(..).zip(other.draws);
        self.draws = pairs.map(|(above, below)| Tensor::cat(vec![above, below], 0)).collect();
    }

    fn finish(self) -> Vec<Tensor<D>> {
        self.draws
    }
}
