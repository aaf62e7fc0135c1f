//! Locked dropout: one mask for all time steps, for use between any two layers.

use burn::config::Config;
use burn::module::{Content, DisplaySettings, Module, ModuleDisplay};
use burn::tensor::{DType, Tensor};
use serde::{Deserialize, Serialize};

use crate::{
    DropoutMask, MaskDraw, MaskLifetime, SequenceExtent, Site, SiteDropout, VariationalModel,
};

/// Configuration of a [`LockedDropout`].
#[derive(Debug, Clone, Serialize, Deserialize)]
#[non_exhaustive]
pub struct LockedDropoutConfig {
    /// The width of what is dropped.
    pub units: usize,
    /// What to drop; its lifetime is a sequence.
    pub dropout: SiteDropout,
    /// Whether inputs are `[batch_size, seq_length, units]` or `[seq_length, batch_size, units]`.
    pub batch_first: bool,
}

impl Config for LockedDropoutConfig {}

impl LockedDropoutConfig {
    /// For tensors so wide, batch first: a rate, or a [`SiteDropout`].
    pub fn new(units: usize, dropout: impl Into<SiteDropout>) -> Self {
        Self { units, dropout: dropout.into(), batch_first: true }
    }

    /// With inputs `[batch_size, seq_length, units]` (`true`, the default) or
    /// `[seq_length, batch_size, units]` (`false`).
    pub fn with_batch_first(mut self, batch_first: bool) -> Self {
        self.batch_first = batch_first;
        self
    }

    /// The module.
    ///
    /// # Panics
    ///
    /// If there is no unit, the rate is not in `[0, 1)`, or the lifetime is a step.
    pub fn init(&self) -> LockedDropout {
        assert!(self.units > 0, "LockedDropoutConfig: units must be positive, got 0");
        self.dropout.assert_valid("LockedDropoutConfig", "dropout");
        assert!(
            self.dropout.lifetime == MaskLifetime::PerSequence,
            "LockedDropoutConfig: dropout lifetime must be PerSequence, got {:?}",
            self.dropout.lifetime
        );
        LockedDropout { units: self.units, dropout: self.dropout, batch_first: self.batch_first }
    }
}

/// Multiplies every time step of a sequence by the same mask: `y_t = x_t ∘ z`.
///
/// Should be created with [`LockedDropoutConfig`].
///
/// # Example
///
/// ```
/// use burn::tensor::{Device, Tensor};
/// use burn_variational_dropout::{LockedDropoutConfig, MaskRng, VariationalModel};
///
/// let input = Tensor::ones([2, 5, 8], &Device::flex());
/// let dropout = LockedDropoutConfig::new(8, 0.5).init();
/// let mask = dropout.masks_for(&input, MaskRng::seeded(1).draw(0).part("dropout"));
/// let output = dropout.forward(input, &mask);
/// assert_eq!(output.dims(), [2, 5, 8]);
/// ```
///
/// # References
///
/// Stephen Merity, Nitish Keskar and Richard Socher, *Regularizing and Optimizing LSTM Language
/// Models*, 2017, arXiv 1708.02182.
#[derive(Module, Debug)]
#[module(custom_display)]
pub struct LockedDropout {
    /// The width of what is dropped.
    pub units: usize,
    /// What is dropped.
    #[module(skip)]
    pub dropout: SiteDropout,
    /// Whether inputs are `[batch_size, seq_length, units]` or `[seq_length, batch_size, units]`.
    pub batch_first: bool,
}

impl ModuleDisplay for LockedDropout {
    fn custom_settings(&self) -> Option<DisplaySettings> {
        DisplaySettings::new().with_new_line_after_attribute(false).optional()
    }

    fn custom_content(&self, content: Content) -> Option<Content> {
        content.add("prob", &self.dropout.prob).optional()
    }
}

impl LockedDropout {
    /// `y_t = x_t ∘ z` for every step.
    ///
    /// # Shapes
    ///
    /// - input, output: `[batch_size, seq_length, units]`, or `[seq_length, batch_size, units]`
    ///   without `batch_first`
    /// - mask: `[batch_size, units]`
    ///
    /// # Panics
    ///
    /// If the mask has another batch size or width than the input.
    pub fn forward(&self, input: Tensor<3>, mask: &DropoutMask<2>) -> Tensor<3> {
        if self.batch_first {
            mask.apply_over_time(input.swap_dims(0, 1)).swap_dims(0, 1)
        } else {
            mask.apply_over_time(input)
        }
    }
}

impl VariationalModel for LockedDropout {
    type Input = Tensor<3>;
    type Masks = DropoutMask<2>;
    type Output = Tensor<3>;

    /// Samples a mask `[batch_size, units]`.
    fn sample_masks(&self, extent: &SequenceExtent, draw: MaskDraw) -> DropoutMask<2> {
        draw.assert_part("LockedDropout");
        let place = (extent.device(), DType::from(extent.dtype()));
        self.dropout.sample([extent.batch_size(), self.units], &draw.site(&Site::Between), place)
    }

    /// On `[batch_size, seq_length, units]`, whatever the layout of [`forward`](Self::forward).
    fn run(&self, input: Tensor<3>, mask: &DropoutMask<2>) -> Tensor<3> {
        mask.apply_over_time(input.swap_dims(0, 1)).swap_dims(0, 1)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::MaskRng;
    use burn::tensor::Device;

    #[test]
    fn both_layouts_meet_the_same_mask() {
        let device = Device::flex();
        let config = LockedDropoutConfig::new(3, 0.5);
        let input = Tensor::<1, burn::tensor::Int>::arange(0..24, &device).float();
        let input = input.reshape([2, 4, 3]);
        let mask = config.init().masks_for(&input, MaskRng::seeded(1).draw(0).part("mask"));
        let batch_first = config.init().forward(input.clone(), &mask);
        let time_first =
            config.with_batch_first(false).init().forward(input.swap_dims(0, 1), &mask);
        assert_eq!(batch_first.into_data(), time_first.swap_dims(0, 1).into_data());
    }

    #[test]
    #[should_panic(expected = "LockedDropoutConfig: dropout prob must be in [0, 1), got 1")]
    fn dropping_all_is_refused() {
        let _ = LockedDropoutConfig::new(3, 1.0).init();
    }

    #[test]
    #[should_panic(expected = "LockedDropoutConfig: dropout lifetime must be PerSequence")]
    fn a_mask_per_step_is_refused() {
        let _ = LockedDropoutConfig::new(3, SiteDropout::new(0.1).per_step()).init();
    }

    #[test]
    fn it_displays_its_rate() {
        let dropout = LockedDropoutConfig::new(3, 0.5).init();
        assert_eq!(format!("{dropout}"), "LockedDropout {prob: 0.5}");
    }
}
