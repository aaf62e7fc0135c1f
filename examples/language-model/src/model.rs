//! The model: embedding, recurrent layers, and a linear layer over the words.

use burn::module::{Module, ModuleMapper, Param};
use burn::nn::{Linear, LinearConfig};
use burn::tensor::{Device, Int, Tensor, TensorData};
use burn_variational::dropout::MaskRng;
use burn_variational::embedding::{
    EmbeddingMasks, VariationalEmbedding, VariationalEmbeddingConfig,
};
use burn_variational::kernels::linear_cross_entropy;
use burn_variational::rnn::{
    CellConfig, RecurrentCell, RecurrentStack, StackConfig, StackMasks, StackState,
};
use rand_chacha::ChaCha8Rng;
use rand_chacha::rand_core::{Rng, SeedableRng};

use crate::MakeCell;
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

/// The masks of a model.
#[derive(Debug, Clone)]
pub(crate) struct ModelMasks {
    embedding: EmbeddingMasks,
    stack: StackMasks,
}

impl<C: RecurrentCell> LanguageModel<C> {
    /// A model for so many word types, its parameters uniform in the preset's range.
    pub(crate) fn new<K: CellConfig<Cell = C>>(
        make_cell: &impl MakeCell<K>,
        preset: &Preset,
        dropout: &ModelDropout,
        n_types: usize,
        seed: u64,
        device: &Device,
    ) -> Self {
        let width = preset.d_hidden;
        let model = Self {
            embedding: VariationalEmbeddingConfig::new(n_types, width)
                .with_type_dropout(dropout.word_type)
                .init(device),
            stack: StackConfig::from_cell(make_cell(width, width))
                .with_n_layers(preset.n_layers)
                .with_dropout(dropout.stack)
                .init(device),
            output: LinearConfig::new(width, n_types).init(device),
        };
        model.map(&mut UniformParameters {
            range: preset.init_range,
            words: ChaCha8Rng::seed_from_u64(seed),
        })
    }

    /// The masks for `[batch_size, seq_length]`, word types left whole unless `drop_types`.
    pub(crate) fn sample_masks(
        &self,
        dims: [usize; 2],
        rng: &MaskRng,
        drop_types: bool,
        device: &Device,
    ) -> ModelMasks {
        ModelMasks {
            embedding: if drop_types {
                self.embedding.sample_masks(dims, rng, device)
            } else {
                EmbeddingMasks::identity()
            },
            stack: self.stack.sample_masks(dims, rng, device),
        }
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
        masks: &ModelMasks,
    ) -> (Tensor<2>, StackState<C::State>) {
        let embedded = self.embedding.forward(tokens, &masks.embedding);
        let (hidden, state) = self.stack.forward(embedded, state, &masks.stack);
        // Layers give their steps one after the other: rows in this order need no copy.
        let hidden = hidden.swap_dims(0, 1);
        let [seq_length, batch_size, width] = hidden.dims();
        let rows = hidden.reshape([seq_length * batch_size, width]);
        let targets = targets.swap_dims(0, 1).reshape([seq_length * batch_size]);
        let (weights, bias) = (self.output.weight.val(), self.output.bias.as_ref().map(Param::val));
        let losses = linear_cross_entropy(rows, weights, bias, targets, None);
        (losses.reshape([seq_length, batch_size]).swap_dims(0, 1), state)
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
