//! The network: a GRU over the window, and a linear layer that forecasts all steps at once.

use burn::nn::{Linear, LinearConfig};
use burn::prelude::*;
use burn_variational::prelude::*;

/// Units of the GRU.
const D_HIDDEN: usize = 32;
/// Drop probabilities of its recurrence and of its output. The input is one number a step, without
/// which nothing is left to forecast from.
const RECURRENT_DROPOUT: f64 = 0.1;
const OUTPUT_DROPOUT: f64 = 0.1;
/// Length scale of the prior of the weights.
const LENGTH_SCALE: f64 = 0.1;

/// Configuration of a [`ForecastModel`].
#[derive(Config, Debug)]
pub struct ForecastModelConfig {
    /// What reads the window.
    pub gru: VariationalGruConfig,
    /// What it forecasts: a mean for each step ahead, and a log variance for each where the noise is
    /// predicted.
    pub n_outputs: usize,
}

impl ForecastModelConfig {
    /// A model of so many outputs.
    pub(crate) fn of(n_outputs: usize) -> Self {
        let dropout =
            StackDropout::none().with_recurrent(RECURRENT_DROPOUT).with_output(OUTPUT_DROPOUT);
        Self::new(VariationalGruConfig::new(1, D_HIDDEN, true).with_dropout(dropout), n_outputs)
    }

    /// The model.
    pub fn init(&self, device: &Device) -> ForecastModel {
        let head = LinearConfig::new(self.gru.cell.d_hidden, self.n_outputs).init(device);
        ForecastModel { gru: self.gru.init(device), head }
    }
}

/// A GRU over a window, and a linear layer on its last output. Should be created with
/// [`ForecastModelConfig`].
#[derive(Module, Debug)]
pub struct ForecastModel {
    gru: VariationalGru,
    head: Linear,
}

impl ForecastModel {
    /// The KL term under a prior for so many observations of this precision.
    pub(crate) fn kl_term(&self, n_terms: usize, precision: f64) -> KlTerm {
        let prior = DropoutPrior::new(LENGTH_SCALE, n_terms).with_precision(precision);
        let gru = self.gru.kl_term(&prior).at("gru");
        gru.and(prior.linear(&self.head, Some(OUTPUT_DROPOUT.into())).at("head"))
    }
}

/// Windows `[n_rows, window, 1]` give `[n_rows, n_outputs]`.
impl VariationalModel for ForecastModel {
    type Input = Tensor<3>;
    type Masks = StackMasks;
    type Output = Tensor<2>;

    fn sample_masks(&self, extent: &SequenceExtent, draw: MaskDraw) -> StackMasks {
        self.gru.sample_masks(extent, draw.part("gru"))
    }

    fn run(&self, input: Tensor<3>, masks: &StackMasks) -> Tensor<2> {
        let (last, _) = self.gru.forward_to_last(input, None, masks);
        self.head.forward(last)
    }
}
