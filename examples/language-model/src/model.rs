//! The model: embedding, recurrent layers, and a linear layer over the words.

use burn::module::{Module, ModuleMapper, Param};
use burn::nn::{Linear, LinearConfig};
use burn::tensor::{Device, Int, Tensor, TensorData};
use burn_variational::dropout::{MaskDraw, SequenceExtent, VariationalModel};
use burn_variational::embedding::{
    EmbeddingMasks, VariationalEmbedding, VariationalEmbeddingConfig,
};
use burn_variational::kernels::linear_cross_entropy;
use burn_variational::mc::StreamModel;
use burn_variational::rnn::{
    CellConfig, RecurrentCell, RecurrentStack, StackConfig, StackMasks, StackState,
};
use rand_chacha::ChaCha8Rng;
use rand_chacha::rand_core::{Rng, SeedableRng};
use serde::{Deserialize, Serialize};

use crate::method::ModelDropout;
use crate::preset::Preset;

/// A recurrent language model:
///
/// ```text
/// e_t = E[w_t] · z_type[w_t]
/// h_t = stack(e_t, h_{t-1})
/// p(w_{t+1}) = softmax(h_t W + b)
/// ```
#[derive(Module, Debug)]
pub(crate) struct LanguageModel<C: RecurrentCell> {
    embedding: VariationalEmbedding,
    stack: RecurrentStack<C>,
    output: Linear,
}

/// Configuration of a [`LanguageModel`]: all that its file says beside its parameters.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(crate) struct LanguageModelConfig<K> {
    embedding: VariationalEmbeddingConfig,
    stack: StackConfig<K>,
    output: LinearConfig,
}

impl<K: CellConfig> LanguageModelConfig<K> {
    /// A model for so many word types; a cell is made from its input and hidden width.
    pub(crate) fn new(
        make_cell: impl Fn(usize, usize) -> K,
        preset: &Preset,
        dropout: &ModelDropout,
        n_types: usize,
    ) -> Self {
        let width = preset.d_hidden;
        let mut embedding = VariationalEmbeddingConfig::new(n_types, width);
        embedding.type_dropout = dropout.word_type;
        let stack = StackConfig::from_cell(make_cell(width, width))
            .with_n_layers(preset.n_layers)
            .with_dropout(dropout.stack.clone());
        Self { embedding, stack, output: LinearConfig::new(width, n_types) }
    }

    /// The model.
    pub(crate) fn init(&self, device: &Device) -> LanguageModel<K::Cell> {
        LanguageModel {
            embedding: self.embedding.init(device),
            stack: self.stack.init(device),
            output: self.output.init(device),
        }
    }
}

impl<C: RecurrentCell> LanguageModel<C> {
    /// The same model with parameters drawn uniformly from `± range`.
    pub(crate) fn with_uniform_parameters(self, range: f32, seed: u64) -> Self {
        self.map(&mut UniformParameters { range, words: ChaCha8Rng::seed_from_u64(seed) })
    }

    /// The same model with its word types left whole.
    pub(crate) fn with_whole_types(mut self) -> Self {
        self.embedding.type_dropout = None;
        self
    }

    /// The cross-entropy `-log p(w_{t+1})` of every target, and the state after the last token.
    ///
    /// # Shapes
    ///
    /// - tokens, targets and output: `[batch_size, seq_length]`
    pub(crate) fn forward(
        &self,
        tokens: Tensor<2, Int>,
        targets: Tensor<2, Int>,
        state: Option<StackState<C::State>>,
        masks: &Masks,
    ) -> (Tensor<2>, StackState<C::State>) {
        let embedded = self.embedding.forward(tokens, &masks.0);
        let (hidden, state) = self.stack.forward(embedded, state, &masks.1);
        // Layers give their steps one after the other: rows in this order need no copy.
        let hidden = hidden.swap_dims(0, 1);
        let [seq_length, batch_size, width] = hidden.dims();
        let rows = hidden.reshape([seq_length * batch_size, width]);
        let targets = targets.swap_dims(0, 1).reshape([seq_length * batch_size]);
        let (weights, bias) = (self.output.weight.val(), self.output.bias.as_ref().map(Param::val));
        let losses = linear_cross_entropy(rows, weights, bias, targets);
        (losses.reshape([seq_length, batch_size]).swap_dims(0, 1), state)
    }
}

/// The masks of the embedding and of the stack.
pub(crate) type Masks = (EmbeddingMasks, StackMasks);

impl<C: RecurrentCell> VariationalModel for LanguageModel<C> {
    type Input = Tensor<2, Int>;
    type Masks = Masks;
    type Output = Tensor<3>;

    fn sample_masks(&self, extent: &SequenceExtent, draw: MaskDraw) -> Masks {
        (&self.embedding, &self.stack).sample_masks(extent, draw)
    }

    /// The logits of every next word, `[batch_size, seq_length, n_types]`.
    fn run(&self, tokens: Tensor<2, Int>, masks: &Masks) -> Tensor<3> {
        self.output.forward((&self.embedding, &self.stack).run(tokens, masks))
    }
}

impl<C: RecurrentCell> StreamModel for LanguageModel<C> {
    type State = StackState<C::State>;

    fn n_types(&self) -> usize {
        self.embedding.weight.dims()[0]
    }

    fn log_probabilities(
        &self,
        inputs: Tensor<2, Int>,
        targets: Tensor<2, Int>,
        state: Option<Self::State>,
        masks: &Masks,
    ) -> (Tensor<2>, Self::State) {
        let (losses, state) = self.forward(inputs, targets, state, masks);
        (losses.neg(), state)
    }
}

/// Parameters that depend on the seed alone, and not on a backend's own generator.
struct UniformParameters {
    range: f32,
    words: ChaCha8Rng,
}

impl ModuleMapper for UniformParameters {
    fn map_float<const D: usize>(&mut self, param: Param<Tensor<D>>) -> Param<Tensor<D>> {
        param.map(|tensor| {
            let (device, dims) = (tensor.device(), tensor.dims());
            let value = |_| {
                let unit = self.words.next_u32() as f32 / u32::MAX as f32;
                (2.0 * unit - 1.0) * self.range
            };
            let values: Vec<f32> = (0..dims.iter().product()).map(value).collect();
            Tensor::from_data(TensorData::new(values, dims), &device).require_grad()
        })
    }
}

#[cfg(test)]
mod tests {
    use burn_variational::dropout::MaskRng;
    use burn_variational::rnn::GruCellConfig;
    use burn_variational::training::{load_model, save_model};

    use super::*;
    use crate::PresetName;
    use crate::method::Method;

    #[test]
    fn a_saved_model_comes_back_with_its_dropout() {
        let preset = Preset::named(PresetName::Tiny);
        let dropout = Method::VariationalUntied.dropout(&preset);
        let make_cell = |d_input, d_hidden| GruCellConfig::new(d_input, d_hidden, true);
        let config = LanguageModelConfig::new(make_cell, &preset, &dropout, 30);
        let device = Device::flex();
        let trained = config.init(&device.clone().autodiff()).with_uniform_parameters(0.1, 1);
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("model.bvm");
        save_model(&path, &config, &trained).unwrap();

        let init = |config: &LanguageModelConfig<GruCellConfig>| config.init(&device);
        let (_, loaded) = load_model(&path, init).unwrap();
        let logits = |model: &LanguageModel<_>| {
            let tokens = Tensor::<1, Int>::arange(0..20, &device).reshape([2, 10]);
            let masks = model.masks_for(&tokens, MaskRng::seeded(1).draw(0));
            assert!(!masks.0.types.is_identity());
            model.run(tokens, &masks).into_data()
        };
        assert_eq!(logits(&loaded), logits(&trained.valid()));
    }
}
