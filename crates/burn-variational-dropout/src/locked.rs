//! Locked dropout: one mask for all time steps, for use between any two layers.

use burn::config::Config;
use burn::module::{Content, DisplaySettings, Module, ModuleDisplay};
use burn::tensor::{Device, Tensor};

use crate::{DropoutMask, MaskLifetime, MaskRng, Site, SiteDropout};

/// Configuration of a [`LockedDropout`].
#[derive(Config, Debug)]
pub struct LockedDropoutConfig {
    /// What to drop; its lifetime is a sequence.
    pub dropout: SiteDropout,
    /// Whether inputs are `[batch_size, seq_length, units]` or `[seq_length, batch_size, units]`.
    #[config(default = true)]
    pub batch_first: bool,
}

impl LockedDropoutConfig {
    /// The module.
    ///
    /// # Panics
    ///
    /// If the rate is not in `[0, 1)`, or the lifetime is a step.
    pub fn init(&self) -> LockedDropout {
        self.dropout.assert_valid("LockedDropoutConfig", "dropout");
        assert!(
            self.dropout.lifetime == MaskLifetime::PerSequence,
            "LockedDropoutConfig: dropout lifetime must be PerSequence, got {:?}",
            self.dropout.lifetime
        );
        LockedDropout { dropout: self.dropout, batch_first: self.batch_first }
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
/// use burn_variational_dropout::{LockedDropoutConfig, MaskRng, SiteDropout};
///
/// let device = Device::flex();
/// let dropout = LockedDropoutConfig::new(SiteDropout::new(0.5)).init();
/// let mask = dropout.sample_mask([2, 8], &MaskRng::seeded(1), &device);
/// let output = dropout.forward(Tensor::ones([2, 5, 8], &device), &mask);
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
    /// Draws a mask `[batch_size, units]`. Two such modules in one model need a
    /// [`scope`](MaskRng::scope) each, or they drop the same units.
    ///
    /// # Panics
    ///
    /// If the batch does not divide into the draws of `rng`.
    pub fn sample_mask(&self, dims: [usize; 2], rng: &MaskRng, device: &Device) -> DropoutMask<2> {
        self.dropout.sample(dims, &rng.clone().site(Site::Between), device)
    }

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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn both_layouts_meet_the_same_mask() {
        let device = Device::flex();
        let config = LockedDropoutConfig::new(SiteDropout::new(0.5));
        let mask = config.init().sample_mask([2, 3], &MaskRng::seeded(1), &device);
        let input = Tensor::<1, burn::tensor::Int>::arange(0..24, &device).float();
        let input = input.reshape([2, 4, 3]);
        let batch_first = config.init().forward(input.clone(), &mask);
        let time_first =
            config.with_batch_first(false).init().forward(input.swap_dims(0, 1), &mask);
        assert_eq!(batch_first.into_data(), time_first.swap_dims(0, 1).into_data());
    }

    #[test]
    #[should_panic(expected = "LockedDropoutConfig: dropout prob must be in [0, 1), got 1")]
    fn dropping_all_is_refused() {
        let _ = LockedDropoutConfig::new(SiteDropout::new(1.0)).init();
    }

    #[test]
    #[should_panic(expected = "LockedDropoutConfig: dropout lifetime must be PerSequence")]
    fn a_mask_per_step_is_refused() {
        let _ = LockedDropoutConfig::new(SiteDropout::new(0.1).per_step()).init();
    }

    #[test]
    fn it_displays_its_rate() {
        let dropout = LockedDropoutConfig::new(SiteDropout::new(0.5)).init();
        assert_eq!(format!("{dropout}"), "LockedDropout {prob: 0.5}");
    }
}
