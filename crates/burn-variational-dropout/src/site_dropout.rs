//! What is asked at one site: how much to drop, for how long, shared how, scaled how.

use burn::config::Config;

use crate::{MaskDraw, WordStream};

/// How long a mask lives.
#[derive(Config, Debug, Copy, PartialEq, Eq)]
pub enum MaskLifetime {
    /// One mask for all time steps of a sequence (Gal & Ghahramani 2016).
    PerSequence,
    /// A new mask at every time step (Zaremba et al. 2014).
    PerStep,
}

/// Which rows of a batch share a mask.
#[derive(Config, Debug, Copy, PartialEq, Eq)]
pub enum MaskSharing {
    /// Every row has its own.
    PerRow,
    /// All rows of a draw have the same.
    PerBatch,
}

/// Which gates of a cell share a mask.
#[derive(Config, Debug, Copy, PartialEq, Eq)]
pub enum MaskTying {
    /// One mask for all gates (Gal & Ghahramani 2016, eq. 7).
    Tied,
    /// One mask for each gate (eq. 5).
    Untied,
}

/// The factor of a kept unit.
#[derive(Config, Debug, Copy, PartialEq, Eq)]
pub enum MaskScaling {
    /// `1 / (1 - prob)`: the expected mask is the identity.
    Inverted,
    /// 1: the expected mask is `1 - prob`, to be applied at test time (Gal's Keras fork).
    Unscaled,
}

/// What the random factors of a site are drawn from.
#[derive(Config, Debug, Copy, PartialEq, Eq)]
pub enum MaskNoise {
    /// 0 where a unit is dropped, the same for all others where it is kept.
    Bernoulli,
    /// Normal around 1, with the variance that inverted Bernoulli factors have:
    /// `N(1, prob / (1 - prob))` (Srivastava et al. 2014, section 10). Nothing is dropped for good.
    Gaussian,
}

/// What the factors of a site are.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum SiteFactors {
    /// All 1: at rate 0, and the expected factors of inverted scaling.
    Identity,
    /// All the same: the expected factors of unscaled masks.
    Constant(f64),
    /// Drawn unit by unit.
    Random,
}

/// Dropout at one site: each unit is dropped with probability `prob`.
///
/// ```text
/// z = b / (1 - prob),  b ~ Bernoulli(1 - prob)      inverted scaling (the default)
/// z = b                                             unscaled
/// z ~ N(1, prob / (1 - prob))                       Gaussian noise
/// ```
///
/// A unit is dropped where its random word is under `prob · 2³²`, so rates are exact to 2⁻³².
/// Gaussian noise makes each factor of two words (Box & Muller 1958).
///
/// # Example
///
/// ```
/// use burn_variational_dropout::{MaskTying, SiteDropout};
///
/// let dropout = SiteDropout::new(0.25).untied().shared_over_batch();
/// assert_eq!(dropout.tying, MaskTying::Untied);
/// ```
#[derive(Config, Debug, Copy, PartialEq)]
#[non_exhaustive]
pub struct SiteDropout {
    /// The probability of dropping a unit, in `[0, 1)`.
    pub prob: f64,
    /// How long a mask lives.
    #[config(default = "MaskLifetime::PerSequence")]
    pub lifetime: MaskLifetime,
    /// Which rows of a batch share a mask.
    #[config(default = "MaskSharing::PerRow")]
    pub sharing: MaskSharing,
    /// Which gates share a mask; of no effect where there are no gates.
    #[config(default = "MaskTying::Tied")]
    pub tying: MaskTying,
    /// The factor of a kept unit.
    #[config(default = "MaskScaling::Inverted")]
    pub scaling: MaskScaling,
    /// What factors are drawn from.
    #[config(default = "MaskNoise::Bernoulli")]
    pub noise: MaskNoise,
}

impl SiteDropout {
    /// With a new mask at every time step.
    pub fn per_step(self) -> Self {
        self.with_lifetime(MaskLifetime::PerStep)
    }

    /// With one mask for all rows of a draw.
    pub fn shared_over_batch(self) -> Self {
        self.with_sharing(MaskSharing::PerBatch)
    }

    /// With one mask for each gate.
    pub fn untied(self) -> Self {
        self.with_tying(MaskTying::Untied)
    }

    /// With kept units left as they are.
    pub fn unscaled(self) -> Self {
        self.with_scaling(MaskScaling::Unscaled)
    }

    /// With factors drawn from a normal distribution.
    pub fn gaussian(self) -> Self {
        self.with_noise(MaskNoise::Gaussian)
    }

    /// Checks the rate, naming who asked: `"{owner}: {field} prob must be in [0, 1), got 1.5"`.
    ///
    /// # Panics
    ///
    /// If `prob` is not in `[0, 1)`, or Gaussian noise is to be unscaled: it is around 1 as it is.
    pub fn assert_valid(&self, owner: &str, field: &str) {
        check_probability(owner, &format!("{field} prob"), self.prob);
        assert!(
            self.noise == MaskNoise::Bernoulli || self.scaling == MaskScaling::Inverted,
            "{owner}: {field} scaling must be Inverted where the noise is Gaussian, got {:?}",
            self.scaling
        );
    }

    /// The factor of a kept unit, where noise is Bernoulli.
    pub fn kept_value(&self) -> f64 {
        match self.scaling {
            MaskScaling::Inverted => 1.0 / (1.0 - self.prob),
            MaskScaling::Unscaled => 1.0,
        }
    }

    /// The mean factor of a unit: 1 where the scaling is inverted, `1 - prob` where it is not.
    pub fn expected_value(&self) -> f64 {
        match self.scaling {
            MaskScaling::Inverted => 1.0,
            MaskScaling::Unscaled => 1.0 - self.prob,
        }
    }

    /// Whether the unit of this random word is dropped.
    pub fn drops(&self, word: u32) -> bool {
        word < self.threshold()
    }

    /// The factor of one unit of a row, whatever the others: of word types, say, of which a text has
    /// few.
    pub fn factor(&self, row: &WordStream, unit: u64) -> f64 {
        match self.noise {
            MaskNoise::Bernoulli if self.drops(row.word(unit)) => 0.0,
            MaskNoise::Bernoulli => self.kept_value(),
            MaskNoise::Gaussian => self.noise([row.word(2 * unit), row.word(2 * unit + 1)]),
        }
    }

    /// The first random word whose unit is kept.
    pub(crate) fn threshold(&self) -> u32 {
        // 2³² itself is out of reach: prob is under 1.
        (self.prob * 4_294_967_296.0).floor() as u32
    }

    /// Asks a draw for the factors of this site, and notes that it asked.
    pub fn ask(&self, draw: &MaskDraw) -> SiteFactors {
        draw.note(self.prob > 0.0);
        match self.scaling {
            _ if self.prob == 0.0 => SiteFactors::Identity,
            _ if !draw.is_expected() => SiteFactors::Random,
            MaskScaling::Inverted => SiteFactors::Identity,
            MaskScaling::Unscaled => SiteFactors::Constant(self.expected_value()),
        }
    }
}

/// Dropout at this rate, one inverted mask for each row of a sequence.
impl From<f64> for SiteDropout {
    fn from(prob: f64) -> Self {
        Self::new(prob)
    }
}

/// Checks that a drop probability is in `[0, 1)`, which NaN is not.
pub(crate) fn check_probability(owner: &str, field: &str, prob: f64) {
    assert!((0.0..1.0).contains(&prob), "{owner}: {field} must be in [0, 1), got {prob}");
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    #[should_panic(
        expected = "SiteDropout: dropout scaling must be Inverted where the noise is Gaussian, got \
                    Unscaled"
    )]
    fn gaussian_noise_has_no_scaling_to_leave_out() {
        SiteDropout::new(0.2).gaussian().unscaled().assert_valid("SiteDropout", "dropout");
    }

    #[test]
    #[should_panic(expected = "SiteDropout: dropout prob must be in [0, 1), got 1.5")]
    fn a_rate_over_one_is_refused() {
        SiteDropout::new(1.5).assert_valid("SiteDropout", "dropout");
    }

    #[test]
    #[should_panic(expected = "SiteDropout: dropout prob must be in [0, 1), got 1")]
    fn a_rate_of_one_is_refused() {
        SiteDropout::new(1.0).assert_valid("SiteDropout", "dropout");
    }

    #[test]
    #[should_panic(expected = "SiteDropout: dropout prob must be in [0, 1), got -0.1")]
    fn a_rate_under_zero_is_refused() {
        SiteDropout::new(-0.1).assert_valid("SiteDropout", "dropout");
    }

    #[test]
    #[should_panic(expected = "SiteDropout: dropout prob must be in [0, 1), got NaN")]
    fn a_rate_that_is_no_number_is_refused() {
        SiteDropout::new(f64::NAN).assert_valid("SiteDropout", "dropout");
    }
}
