//! The source of masks.

use std::ops::Range;

use serde::{Deserialize, Serialize};

use crate::MaskDraw;
use crate::words::scoped_seed;

/// A source of masks: a seed, and the scope it is used in.
///
/// A source is never sampled from: [`draw`](Self::draw) names the draw first, so that a training
/// loop cannot forget to. The draw with a number is the same whenever and wherever it is made.
///
/// # Example
///
/// ```
/// use burn::tensor::Device;
/// use burn_variational_dropout::{MaskRng, SiteDropout};
///
/// let (device, dropout) = (Device::flex(), SiteDropout::new(0.5));
/// let rng = MaskRng::seeded(1);
/// let mask = |step| dropout.sample([1, 100], &rng.draw(step), &device).values().unwrap();
/// assert_eq!(mask(3).into_data(), mask(3).into_data());
/// assert_ne!(mask(3).into_data(), mask(4).into_data());
/// ```
///
/// A step that forgets its draw does not compile:
///
/// ```compile_fail,E0308
/// use burn::tensor::Device;
/// use burn_variational_dropout::{MaskRng, SiteDropout};
///
/// let (device, dropout) = (Device::flex(), SiteDropout::new(0.5));
/// let rng = MaskRng::seeded(1);
/// for _step in 0..1000 {
///     let _ = dropout.sample([1, 100], &rng, &device);
/// }
/// ```
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct MaskRng {
    seed: u64,
}

impl MaskRng {
    /// The masks of this seed.
    pub fn seeded(seed: u64) -> Self {
        Self { seed }
    }

    /// A source whose masks have nothing to do with this one's, nor with those of another scope:
    /// training and prediction, say, or two models of one seed.
    pub fn scope(&self, name: &str) -> Self {
        Self { seed: scoped_seed(self.seed, name) }
    }

    /// The draw with this number: that of a training step, or of the sequences it reads.
    pub fn draw(&self, draw: u64) -> MaskDraw {
        self.draws(draw..draw + 1)
    }

    /// Several draws folded into one batch, draw after draw.
    ///
    /// # Panics
    ///
    /// If the range is empty.
    pub fn draws(&self, draws: Range<u64>) -> MaskDraw {
        MaskDraw::new(self.seed, draws)
    }
}
