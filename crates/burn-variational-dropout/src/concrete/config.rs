//! How a learned rate begins.

use burn::config::Config;
use burn::module::Param;
use burn::tensor::{Device, Tensor};

use super::{ConcreteDropout, MARGIN};

/// Configuration of a [`ConcreteDropout`].
#[derive(Config, Debug, Copy, PartialEq)]
pub struct ConcreteDropoutConfig {
    /// The width of what is dropped; of word types, their number.
    pub units: usize,
    /// The gates that have a mask each: 1 where they share one.
    #[config(default = 1)]
    pub n_gates: usize,
    /// The rate to begin with.
    #[config(default = 0.1)]
    pub initial_prob: f64,
    /// The temperature of the relaxation: the lower, the nearer are masks to 0 and what is kept,
    /// and the more do gradients vary.
    #[config(default = 0.1)]
    pub temperature: f64,
}

impl ConcreteDropoutConfig {
    /// The module.
    ///
    /// # Panics
    ///
    /// If a number is 0, the rate is not within 10⁻⁴ and 1 - 10⁻⁴, or the temperature is not
    /// positive and finite.
    pub fn init(&self, device: &Device) -> ConcreteDropout {
        for (field, number) in [("units", self.units), ("n_gates", self.n_gates)] {
            assert!(number > 0, "ConcreteDropoutConfig: {field} must be positive, got 0");
        }
        assert!(
            self.initial_prob > MARGIN && self.initial_prob < 1.0 - MARGIN,
            "ConcreteDropoutConfig: initial_prob must be in ({MARGIN}, {}), got {}",
            1.0 - MARGIN,
            self.initial_prob
        );
        assert!(
            self.temperature > 0.0 && self.temperature.is_finite(),
            "ConcreteDropoutConfig: temperature must be positive and finite, got {}",
            self.temperature
        );
        let sigmoid = (self.initial_prob - MARGIN) / (1.0 - 2.0 * MARGIN);
        let logit = (sigmoid / (1.0 - sigmoid)).ln();
        ConcreteDropout {
            logit: Param::from_tensor(Tensor::full([1], logit, device)),
            units: self.units,
            n_gates: self.n_gates,
            temperature: self.temperature,
        }
    }
}
