//! The model: embedding, recurrent layers, and a linear layer over the words.

mod config;
mod learned;
mod masks;
mod parameters;
#[cfg(test)]
mod tests;

use burn::module::{Module, Param};
use burn::nn::Linear;
use burn::tensor::{Int, Tensor};
use burn_variational::dropout::{DropoutPrior, KlTerm, MaskDraw, SequenceExtent, VariationalModel};
use burn_variational::embedding::{TiedOutput, VariationalEmbedding};
use burn_variational::kernels::linear_cross_entropy;
use burn_variational::mc::StreamModel;
use burn_variational::rnn::{RecurrentCell, RecurrentStack, StackState};

pub(crate) use config::LanguageModelConfig;
pub(crate) use masks::Masks;

use learned::{LearnedRates, LearnedRatesConfig};
use parameters::UniformParameters;

/// The embeddings of an AWD-LSTM begin in this range, whatever its size.
const AWD_EMBEDDING_RANGE: f32 = 0.1;

/// A recurrent language model:
///
/// ```text
/// e_t = E[w_t] · z_type[w_t]
/// h_t = stack(e_t, h_{t-1})
/// p(w_{t+1}) = softmax((h_t ∘ z_o) W + b)          W = Eᵀ where the output is tied
/// ```
#[derive(Module, Debug)]
pub(crate) struct LanguageModel<C: RecurrentCell> {
    embedding: VariationalEmbedding,
    stack: RecurrentStack<C>,
    output: OutputLayer,
    /// The rates of the masks where they are learned; embedding and stack then have none.
    learned: Option<LearnedRates>,
}

/// What scores every word type.
#[derive(Module, Debug)]
enum OutputLayer {
    /// By weights of its own.
    Own(Linear),
    /// By the embedding, as AWD-LSTM does.
    Tied(TiedOutput),
}

/// What a model makes of a window.
pub(crate) struct Reading<S> {
    /// The cross-entropy `-log p(w_{t+1})` of every target, `[batch_size, seq_length]`.
    pub(crate) losses: Tensor<2>,
    /// `h_t`, `[batch_size, seq_length, d_last]`.
    pub(crate) hidden: Tensor<3>,
    /// `h_t ∘ z_o`, which the output layer reads, `[batch_size, seq_length, d_last]`.
    pub(crate) dropped: Tensor<3>,
    /// The state after the last token.
    pub(crate) state: StackState<S>,
}

impl<C: RecurrentCell> LanguageModel<C> {
    /// The same model with parameters drawn uniformly from `± range`; one whose output is tied
    /// begins as AWD-LSTM does, with embeddings within `± 0.1`, layers of `n` units within
    /// `± 1 / √n` and no bias. Learned rates begin where they are.
    pub(crate) fn with_random_parameters(mut self, range: f32, seed: u64) -> Self {
        let mut uniform = UniformParameters::seeded(seed);
        match self.output {
            OutputLayer::Own(output) => {
                self.embedding = uniform.within(range, self.embedding);
                self.stack = uniform.within(range, self.stack);
                self.output = OutputLayer::Own(uniform.within(range, output));
            }
            OutputLayer::Tied(_) => {
                self.embedding = uniform.within(AWD_EMBEDDING_RANGE, self.embedding);
                let layers = self.stack.layers.into_iter();
                let layers = layers.map(|layer| {
                    let range = 1.0 / (layer.cell.d_hidden() as f32).sqrt();
                    uniform.within(range, layer)
                });
                self.stack.layers = layers.collect();
            }
        }
        self
    }

    /// The same model with its word types left whole.
    pub(crate) fn with_whole_types(mut self) -> Self {
        self.embedding.type_dropout = None;
        if let Some(learned) = &mut self.learned {
            learned.types = None;
        }
        self
    }

    /// Reads a window.
    ///
    /// # Shapes
    ///
    /// - tokens, targets: `[batch_size, seq_length]`
    pub(crate) fn read(
        &self,
        tokens: Tensor<2, Int>,
        targets: Tensor<2, Int>,
        state: Option<StackState<C::State>>,
        masks: &Masks,
    ) -> Reading<C::State> {
        let (hidden, state) = self.hidden(tokens, state, masks);
        // Layers give their steps one after the other: rows in this order need no copy.
        let by_step = hidden.clone().swap_dims(0, 1);
        let dropped = masks.output.apply_tied(&by_step);
        let [seq_length, batch_size, width] = dropped.dims();
        let rows = dropped.clone().reshape([seq_length * batch_size, width]);
        let targets = targets.swap_dims(0, 1).reshape([seq_length * batch_size]);
        let (weights, bias) = self.output_parameters();
        let losses = linear_cross_entropy(rows, weights, bias, targets, None);
        let losses = losses.reshape([seq_length, batch_size]).swap_dims(0, 1);
        Reading { losses, hidden, dropped: dropped.swap_dims(0, 1), state }
    }

    /// `h_t` of every step, before the output mask, and the state after the last.
    fn hidden(
        &self,
        tokens: Tensor<2, Int>,
        state: Option<StackState<C::State>>,
        masks: &Masks,
    ) -> (Tensor<3>, StackState<C::State>) {
        let types = masks.of_tokens(&tokens, self.learned.as_ref());
        let embedded = self.embedding.forward(tokens, &types);
        self.stack.forward(embedded, state, &masks.stack)
    }

    /// `W`, `[d_last, n_types]`, and `b`.
    fn output_parameters(&self) -> (Tensor<2>, Option<Tensor<1>>) {
        match &self.output {
            OutputLayer::Own(linear) => (linear.weight.val(), linear.bias.as_ref().map(Param::val)),
            OutputLayer::Tied(tied) => {
                (self.embedding.weight.val().transpose(), tied.bias.as_ref().map(Param::val))
            }
        }
    }

    /// Embedding, layers and output layer: all parameters but the learned rates.
    pub(crate) fn weights(&self) -> impl Module + use<C> {
        (self.embedding.clone(), self.stack.clone(), self.output.clone())
    }

    /// The learned rates, by the names of their sites.
    pub(crate) fn rates(&self) -> Option<Vec<(String, f64)>> {
        self.learned.as_ref().map(LearnedRates::rates)
    }

    /// The KL term where rates are learned: of weights with the rates of what they multiply, of the
    /// rates themselves, and of the biases.
    ///
    /// # Panics
    ///
    /// If no rates are learned.
    pub(crate) fn kl_penalty(&self, prior: &DropoutPrior) -> Tensor<1> {
        let learned = self.learned.as_ref().expect("rates are learned");
        let OutputLayer::Own(output) = &self.output else {
            panic!("LanguageModel: output must have weights of its own where rates are learned")
        };
        let penalty =
            learned.penalty(&self.embedding.weight, &self.stack.layers, &output.weight, prior);
        penalty + self.biases(prior).penalty(self)
    }

    /// The KL term of the biases alone: the other parameters have theirs with the rates.
    fn biases(&self, prior: &DropoutPrior) -> KlTerm {
        let all = self.stack.kl_term(prior).at("stack");
        let weights = ["input", "recurrent"];
        let weights = (0..self.stack.layers.len())
            .flat_map(|l| weights.map(|weight| format!("stack.layers.{l}.cell.gates.{weight}")));
        let biases = weights.fold(all, |kl, weight| kl.with_param(weight, 0.0));
        biases.with_param("output.Own.bias", prior.bias_lambda())
    }
}

impl<C: RecurrentCell> VariationalModel for LanguageModel<C> {
    type Input = Tensor<2, Int>;
    type Masks = Masks;
    type Output = Tensor<3>;

    fn sample_masks(&self, extent: &SequenceExtent, draw: MaskDraw) -> Masks {
        match &self.learned {
            Some(learned) => Masks::learned(learned, extent, &draw.part("learned")),
            None => Masks::given((&self.embedding, &self.stack).sample_masks(extent, draw)),
        }
    }

    /// The logits of every next word, `[batch_size, seq_length, n_types]`.
    fn run(&self, tokens: Tensor<2, Int>, masks: &Masks) -> Tensor<3> {
        let (hidden, _) = self.hidden(tokens, None, masks);
        let dropped = masks.output.apply_tied(&hidden.swap_dims(0, 1)).swap_dims(0, 1);
        match &self.output {
            OutputLayer::Own(linear) => linear.forward(dropped),
            OutputLayer::Tied(tied) => tied.forward(dropped, &self.embedding),
        }
    }

    /// Not where weights are dropped, which all rows of a batch share.
    fn folds_draws(&self) -> bool {
        self.stack.folds_draws()
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
        let reading = self.read(inputs, targets, state, masks);
        (reading.losses.neg(), reading.state)
    }
}
