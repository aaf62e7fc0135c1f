//! How a model is made.

use burn::nn::LinearConfig;
use burn::tensor::Device;
use burn_variational::embedding::{TiedOutputConfig, VariationalEmbeddingConfig};
use burn_variational::rnn::{CellConfig, RecurrentLayer, RecurrentStack, StackDropout};
use serde::{Deserialize, Serialize};

use super::{LanguageModel, LearnedRatesConfig, OutputLayer};
use crate::CellName;
use crate::method::Method;
use crate::preset::Preset;

/// Configuration of a [`LanguageModel`]: all that its file says beside its parameters.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(crate) struct LanguageModelConfig<K> {
    embedding: VariationalEmbeddingConfig,
    layers: Vec<K>,
    dropout: StackDropout,
    output: OutputConfig,
    learned: Option<LearnedRatesConfig>,
}

#[derive(Debug, Clone, Serialize, Deserialize)]
enum OutputConfig {
    Own(LinearConfig),
    Tied(TiedOutputConfig),
}

impl<K: CellConfig> LanguageModelConfig<K> {
    /// The model of a method for so many word types; a cell, which is one of that name, is made from
    /// its input and hidden width.
    pub(crate) fn new(
        method: Method,
        preset: &Preset,
        cell: CellName,
        make_cell: impl Fn(usize, usize) -> K,
        n_types: usize,
    ) -> Self {
        let dropout = method.dropout(preset, cell);
        let mut embedding = VariationalEmbeddingConfig::new(n_types, preset.d_embedding);
        embedding.type_dropout = dropout.word_type;
        let widths = preset.layer_widths();
        let layers = widths.iter().map(|&[d_input, d_hidden]| make_cell(d_input, d_hidden));
        Self {
            embedding,
            layers: layers.collect(),
            dropout: dropout.stack,
            output: match method {
                Method::Awd => OutputConfig::Tied(TiedOutputConfig::new(n_types)),
                _ => OutputConfig::Own(LinearConfig::new(preset.d_last, n_types)),
            },
            learned: (method == Method::Concrete)
                .then(|| LearnedRatesConfig::new(n_types, widths, &preset.rates.variational)),
        }
    }

    /// The model.
    pub(crate) fn init(&self, device: &Device) -> LanguageModel<K::Cell> {
        let n_layers = self.layers.len();
        let layers = self.layers.iter().enumerate().map(|(l, cell)| {
            RecurrentLayer::new(cell.init(device), self.dropout.layer(l, n_layers))
        });
        LanguageModel {
            embedding: self.embedding.init(device),
            stack: RecurrentStack::new(layers.collect()),
            output: match &self.output {
                OutputConfig::Own(linear) => OutputLayer::Own(linear.init(device)),
                OutputConfig::Tied(tied) => OutputLayer::Tied(tied.init(device)),
            },
            learned: self.learned.as_ref().map(|learned| learned.init(device)),
        }
    }
}
