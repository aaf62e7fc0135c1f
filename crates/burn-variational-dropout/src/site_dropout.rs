//! What is asked at one site: how much to drop, for how long, shared how, scaled how.

use burn::config::Config;
use burn::tensor::{DType, Element, Tensor, TensorCreationOptions, TensorData};

use crate::{DropoutMask, MaskDraw};

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
/// ```
///
/// A unit is dropped where its random word is under `prob · 2³²`, so rates are exact to 2⁻³².
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

    /// Checks the rate, naming who asked: `"{owner}: {field} prob must be in [0, 1), got 1.5"`.
    ///
    /// # Panics
    ///
    /// If `prob` is not in `[0, 1)`.
    pub fn assert_valid(&self, owner: &str, field: &str) {
        check_probability(owner, &format!("{field} prob"), self.prob);
    }

    /// The factor of a kept unit.
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
        // 2³² itself is out of reach: prob is under 1.
        f64::from(word) < (self.prob * 4_294_967_296.0).floor()
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

    /// Samples a mask `[batch_size, units]`, to be repeated at every time step, in the device's
    /// default float type or in one of your choice: `(&device, DType::F64)`.
    ///
    /// An expected draw gives the expected mask. At rate 0 the mask is the identity.
    ///
    /// # Panics
    ///
    /// If `prob` is not in `[0, 1)`, or the batch does not divide into the draws.
    pub fn sample(
        &self,
        [batch_size, units]: [usize; 2],
        draw: &MaskDraw,
        place: impl Into<TensorCreationOptions>,
    ) -> DropoutMask<2> {
        // A mask that does not vary over time is the same in every window of a stream.
        let draw = draw.starting_step(0);
        self.sample_values([batch_size, units], [1, batch_size, units], &draw, place.into())
    }

    /// Samples a mask `[seq_length, batch_size, units]` that is another at every time step.
    ///
    /// # Panics
    ///
    /// As [`sample`](Self::sample).
    pub fn sample_steps(
        &self,
        dims: [usize; 3],
        draw: &MaskDraw,
        place: impl Into<TensorCreationOptions>,
    ) -> DropoutMask<3> {
        self.sample_values(dims, dims, draw, place.into())
    }

    fn sample_values<const D: usize>(
        &self,
        dims: [usize; D],
        steps: [usize; 3],
        draw: &MaskDraw,
        place: TensorCreationOptions,
    ) -> DropoutMask<D> {
        self.assert_valid("SiteDropout", "dropout");
        match self.ask(draw) {
            SiteFactors::Identity => DropoutMask::identity(),
            SiteFactors::Constant(factor) => {
                DropoutMask::from_values(Tensor::full(dims, factor, place))
            }
            SiteFactors::Random => {
                let default = || place.device.settings().float_dtype.into();
                let kept = self.kept_value();
                let data = match place.dtype.unwrap_or_else(default) {
                    DType::F64 => TensorData::new(self.factors(steps, draw, kept), dims),
                    _ => TensorData::new(self.factors(steps, draw, kept as f32), dims),
                };
                DropoutMask::from_values(Tensor::from_data(data, place))
            }
        }
    }

    /// The factors of every step, row and unit.
    fn factors<E: Element>(
        &self,
        [seq_length, batch_size, units]: [usize; 3],
        draw: &MaskDraw,
        kept: E,
    ) -> Vec<E> {
        let shared = self.sharing == MaskSharing::PerBatch;
        let dropped = E::from_elem(0.0);
        let mut factors = Vec::with_capacity(seq_length * batch_size * units);
        for step in 0..seq_length {
            for row in draw.rows(batch_size, step, shared) {
                let row = row.words().map(|word| if self.drops(word) { dropped } else { kept });
                factors.extend(row.take(units));
            }
        }
        factors
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
    use crate::MaskRng;
    use burn::tensor::Device;

    fn sample(dropout: &SiteDropout, dims: [usize; 2]) -> Vec<f32> {
        let mask = dropout.sample(dims, &MaskRng::seeded(5).draw(0), &Device::flex());
        mask.values().unwrap().into_data().try_to_vec().unwrap()
    }

    #[test]
    fn a_mask_holds_zero_and_the_inverse_of_the_keep_probability() {
        let values = sample(&SiteDropout::new(0.2), [4, 100]);
        assert!(values.iter().all(|&value| value == 0.0 || value == 1.25));
        let unscaled = sample(&SiteDropout::new(0.2).unscaled(), [4, 100]);
        assert!(unscaled.iter().zip(&values).all(|(&one, &value)| one == value / 1.25));
    }

    #[test]
    fn the_rate_is_met_within_six_standard_errors() {
        let n = 1_000_000.0;
        for prob in [0.1, 0.5, 0.65] {
            let values = sample(&SiteDropout::new(prob), [100, 10_000]);
            let dropped = values.iter().filter(|&&value| value == 0.0).count() as f64;
            let standard_error = (prob * (1.0 - prob) / n).sqrt();
            assert!(
                (dropped / n - prob).abs() < 6.0 * standard_error,
                "{dropped} of {n} at {prob}"
            );
        }
    }

    #[test]
    fn rows_share_a_mask_only_when_asked() {
        let rows = |values: Vec<f32>| (values[..50].to_vec(), values[50..].to_vec());
        let (first, second) = rows(sample(&SiteDropout::new(0.5), [2, 50]));
        assert_ne!(first, second);
        let (first, second) = rows(sample(&SiteDropout::new(0.5).shared_over_batch(), [2, 50]));
        assert_eq!(first, second);
    }

    #[test]
    fn the_first_step_of_a_mask_over_steps_is_the_mask_of_the_sequence() {
        let (dropout, device) = (SiteDropout::new(0.5), Device::flex());
        let draw = MaskRng::seeded(5).draw(0);
        let steps = dropout.sample_steps([3, 2, 10], &draw, &device);
        let sequence = dropout.sample([2, 10], &draw, &device);
        let values = |mask: DropoutMask<2>| mask.values().unwrap().into_data();
        let sequence_values = values(sequence);
        assert_eq!(values(steps.at_step(0)), sequence_values);
        assert_ne!(values(steps.at_step(1)), sequence_values);

        let draw = draw.starting_step(2);
        let later = dropout.sample_steps([1, 2, 10], &draw, &device);
        assert_eq!(values(later.at_step(0)), values(steps.at_step(2)));
        assert_eq!(values(dropout.sample([2, 10], &draw, &device)), sequence_values);
    }

    #[test]
    fn an_expected_mask_is_the_mean_of_the_drawn_ones() {
        let device = Device::flex();
        let draw = MaskDraw::expected();
        assert!(SiteDropout::new(0.2).sample([1, 2], &draw, &device).is_identity());
        let unscaled = SiteDropout::new(0.2).unscaled().sample([1, 2], &draw, &device);
        let values: Vec<f32> = unscaled.values().unwrap().into_data().try_to_vec().unwrap();
        assert_eq!(values, [0.8, 0.8]);
    }

    #[test]
    fn a_site_at_rate_zero_asks_but_is_not_random() {
        let (draw, record) = MaskRng::seeded(1).draw(0).recorded(1);
        assert!(!record.asked());
        assert!(SiteDropout::new(0.0).sample([1, 2], &draw, &Device::flex()).is_identity());
        assert!(record.asked() && !record.random());
        let _ = SiteDropout::new(0.1).sample([1, 2], &draw, &Device::flex());
        assert!(record.random());
    }

    #[test]
    #[should_panic(expected = "SiteDropout: dropout prob must be in [0, 1), got 1.5")]
    fn a_rate_over_one_is_refused() {
        let _ = sample(&SiteDropout::new(1.5), [1, 1]);
    }

    #[test]
    #[should_panic(expected = "SiteDropout: dropout prob must be in [0, 1), got 1")]
    fn a_rate_of_one_is_refused() {
        let _ = sample(&SiteDropout::new(1.0), [1, 1]);
    }

    #[test]
    #[should_panic(expected = "SiteDropout: dropout prob must be in [0, 1), got -0.1")]
    fn a_rate_under_zero_is_refused() {
        let _ = sample(&SiteDropout::new(-0.1), [1, 1]);
    }

    #[test]
    #[should_panic(expected = "SiteDropout: dropout prob must be in [0, 1), got NaN")]
    fn a_rate_that_is_no_number_is_refused() {
        let _ = sample(&SiteDropout::new(f64::NAN), [1, 1]);
    }
}
