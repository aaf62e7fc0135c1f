//! Active learning: which rows of a pool to label next.
//!
//! A round takes three calls: predict the rows that have no label yet, score them by an
//! [`Acquisition`], and let the [`Pool`] take some of them by a [`Selection`].
//!
//! ```text
//! labelled rows -> training -> draws of the masks -> score of each unlabelled row -> a batch of
//! them, to be labelled
//! ```
//!
//! The scores tell what a single label is worth. Rows that are alike have like scores, and the `k`
//! highest of a pool with repetitions say `k` times the same: [`Selection::Stochastic`] samples by
//! the scores instead, which costs no more and lets the rows differ.
//!
//! # Example
//!
//! ```
//! use burn::nn::LinearConfig;
//! use burn::tensor::{Device, Distribution, Tensor};
//! use burn_variational_dropout::{LockedDropoutConfig, MaskRng};
//! use burn_variational_mc::MonteCarlo;
//! use burn_variational_mc::acquisition::{Acquisition, Pool, Selection};
//!
//! # fn main() -> Result<(), Box<dyn std::error::Error>> {
//! let device = Device::flex();
//! let rows = Tensor::<3>::random([100, 1, 8], Distribution::Default, &device);
//! let mut pool = Pool::new(rows.dims()[0]);
//! pool.take_at_random(10, MaskRng::seeded(1).draw(0))?;
//!
//! // Stands for a model that was trained on the labels of `pool.labelled()`.
//! let model = (LockedDropoutConfig::new(8, 0.5).init(), LinearConfig::new(8, 3).init(&device));
//!
//! let input = pool.unlabelled_of(&rows);
//! let prediction = MonteCarlo::new(20, MaskRng::seeded(1)).classification(&model, &input)?;
//! // Of the one step that there is.
//! let scores: Tensor<2> = Acquisition::MutualInformation.scores(&prediction);
//! let new = pool.take(5, &scores.squeeze_dim(1), &Selection::TopK)?;
//! assert_eq!((new.len(), pool.labelled().len(), pool.unlabelled().len()), (5, 15, 85));
//! # Ok(())
//! # }
//! ```
//!
//! # References
//!
//! - Neil Houlsby, Ferenc Huszár, Zoubin Ghahramani and Máté Lengyel, *Bayesian Active Learning for
//!   Classification and Preference Learning*, 2011, arXiv 1112.5745.
//! - Yarin Gal, Riashat Islam and Zoubin Ghahramani, *Deep Bayesian Active Learning with Image Data*,
//!   2017, arXiv 1703.02910.
//! - Andreas Kirsch, Sebastian Farquhar, Parmida Atighehchian, Andrew Jesson, Frédéric
//!   Branchaud-Charron and Yarin Gal, *Stochastic Batch Acquisition: A Simple Baseline for Deep Active
//!   Learning*, 2023, arXiv 2106.12059.

mod pool;
mod score;
mod selection;

pub use pool::Pool;
pub use score::Acquisition;
pub use selection::{AcquisitionError, Perturbation, Selection};
