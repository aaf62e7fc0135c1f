//! The model: embedding, a recurrent layer, and a linear layer on its last output.

use burn::module::Module;
use burn::nn::{Initializer, Linear, LinearConfig};
use burn::tensor::{Device, Tensor};
use burn_variational::dropout::{
    DropoutPrior, KlTerm, MaskDraw, MaskScaling, SequenceExtent, VariationalModel,
};
use burn_variational::embedding::{
    EmbeddingMasks, VariationalEmbedding, VariationalEmbeddingConfig,
};
use burn_variational::rnn::{CellConfig, RecurrentCell, RecurrentStack, StackConfig, StackMasks};
use serde::{Deserialize, Serialize};

use crate::method::Method;
use crate::pieces::Tokens;
use crate::preset::Preset;

/// Configuration of a [`SentimentModel`]: all that its file says beside its parameters.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(crate) struct SentimentModelConfig<K> {
    embedding: VariationalEmbeddingConfig,
    layer: StackConfig<K>,
    output: LinearConfig,
}

impl<K: CellConfig> SentimentModelConfig<K> {
    /// The model of a method for so many word types; a cell is made from its input and hidden width.
    pub(crate) fn new(
        method: Method,
        preset: &Preset,
        make_cell: impl FnOnce(usize, usize) -> K,
        n_types: usize,
    ) -> Self {
        let (d_embedding, d_hidden) = (preset.d_embedding, preset.d_hidden);
        // That of Keras.
        let small = Initializer::Uniform { min: -0.05, max: 0.05 };
        let embedding = VariationalEmbeddingConfig::new(n_types, d_embedding);
        let layer = StackConfig::from_cell(make_cell(d_embedding, d_hidden));
        Self {
            embedding: method.with_word_types(embedding.with_initializer(small), preset.type_prob),
            layer: layer.with_dropout(method.dropout(preset.prob, preset.recurrent_prob)),
            output: LinearConfig::new(d_hidden, 1)
                .with_initializer(Initializer::XavierUniform { gain: 1.0 }),
        }
    }

    /// The model.
    pub(crate) fn init(&self, device: &Device) -> SentimentModel<K::Cell> {
        SentimentModel {
            embedding: self.embedding.init(device),
            layer: self.layer.init(device),
            output: self.output.init(device),
        }
    }
}

/// A recurrent regression:
///
/// ```text
/// e_t = E[w_t] · z_type[w_t]
/// h_t = layer(e_t, h_{t-1})
/// ŷ = (h_T ∘ z_o) w + b
/// ```
#[derive(Module, Debug)]
pub(crate) struct SentimentModel<C: RecurrentCell> {
    embedding: VariationalEmbedding,
    layer: RecurrentStack<C>,
    output: Linear,
}

impl<C: RecurrentCell> SentimentModel<C> {
    /// The KL term of its weights. Gal's script has one L2 for all methods: where
    /// nothing is dropped, or another mask at every step, which has no KL term, weights have the
    /// strength that variational dropout would give them.
    pub(crate) fn kl_term(&self, preset: &Preset, n_terms: usize) -> KlTerm {
        let prior = DropoutPrior::new(preset.length_scale, n_terms);
        let prior = prior.with_precision(preset.precision);
        let lambda = |prob| prior.weight_lambda(prob, MaskScaling::Inverted);
        let of_weights = lambda(preset.prob);
        KlTerm::l2(self, prior.bias_lambda())
            .with_param("embedding.weight", lambda(preset.type_prob))
            .with_param("layer.layers.0.cell.gates.input", of_weights)
            .with_param("layer.layers.0.cell.gates.recurrent", lambda(preset.recurrent_prob))
            .with_param("output.weight", of_weights)
    }
}

/// The masks of embedding and layer.
pub(crate) type Masks = (EmbeddingMasks, StackMasks);

impl<C: RecurrentCell> VariationalModel for SentimentModel<C> {
    type Input = Tokens;
    type Masks = Masks;
    type Output = Tensor<2>;

    fn sample_masks(&self, (extent, ()): &(SequenceExtent, ()), draw: MaskDraw) -> Masks {
        (&self.embedding, &self.layer).sample_masks(extent, draw)
    }

    /// The rating of each row, `[batch_size, 1]`, standardised.
    fn run(&self, (tokens, lengths): Tokens, (types, masks): &Masks) -> Tensor<2> {
        let embedded = self.embedding.forward(tokens, types);
        let (last, _) = self.layer.forward_to_last((embedded, lengths), None, masks);
        self.output.forward(last)
    }
}

/// The same model asked for a rating after each word, of what it has read until then.
#[derive(Debug)]
pub(crate) struct AfterEachWord<'a, C: RecurrentCell>(pub(crate) &'a SentimentModel<C>);

impl<C: RecurrentCell> VariationalModel for AfterEachWord<'_, C> {
    type Input = Tokens;
    type Masks = Masks;
    type Output = Tensor<2>;

    fn sample_masks(&self, extent: &(SequenceExtent, ()), draw: MaskDraw) -> Masks {
        self.0.sample_masks(extent, draw)
    }

    /// The rating after each word, `[batch_size, seq_length]`; behind the end of a row there is none.
    fn run(&self, (tokens, lengths): Tokens, (types, masks): &Masks) -> Tensor<2> {
        let model = self.0;
        let embedded = model.embedding.forward(tokens, types);
        let (outputs, _) = model.layer.forward((embedded, lengths), None, masks);
        model.output.forward(outputs).squeeze_dim(2)
    }
}
