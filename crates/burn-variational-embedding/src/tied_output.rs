//! The output projection that shares its weight with the embedding.

use burn::config::Config;
use burn::module::{Module, Param};
use burn::tensor::{Device, Tensor};

use crate::VariationalEmbedding;

/// Configuration of a [`TiedOutput`].
#[derive(Config, Debug)]
pub struct TiedOutputConfig {
    /// The number of word types.
    pub n_embedding: usize,
    /// Whether each word type has a bias, 0 at first.
    #[config(default = true)]
    pub bias: bool,
}

impl TiedOutputConfig {
    /// The module.
    ///
    /// # Panics
    ///
    /// If there is no word type.
    pub fn init(&self, device: &Device) -> TiedOutput {
        assert!(self.n_embedding > 0, "TiedOutputConfig: n_embedding must be positive, got 0");
        let bias = || Param::from_tensor(Tensor::zeros([self.n_embedding], device));
        TiedOutput { bias: self.bias.then(bias) }
    }
}

/// Scores every word type by its embedding:
///
/// ```text
/// logits_t = h_t Eᵀ + b
/// ```
///
/// `E` is the weight of the [`VariationalEmbedding`], undropped. Should be created with
/// [`TiedOutputConfig`].
///
/// # References
///
/// Ofir Press and Lior Wolf, *Using the Output Embedding to Improve Language Models*, 2017, arXiv
/// 1608.05859; Hakan Inan, Khashayar Khosravi and Richard Socher, *Tying Word Vectors and Word
/// Classifiers*, 2017, arXiv 1611.01462.
#[derive(Module, Debug)]
pub struct TiedOutput {
    /// `b`, `[n_embedding]`.
    pub bias: Option<Param<Tensor<1>>>,
}

impl TiedOutput {
    /// The scores of every word type.
    ///
    /// # Shapes
    ///
    /// - hidden: `[batch_size, seq_length, d_model]`
    /// - output: `[batch_size, seq_length, n_embedding]`
    ///
    /// # Panics
    ///
    /// If `hidden` is not as wide as an embedding.
    pub fn forward(&self, hidden: Tensor<3>, embedding: &VariationalEmbedding) -> Tensor<3> {
        let [batch_size, seq_length, width] = hidden.dims();
        let [n_embedding, d_model] = embedding.weight.dims();
        assert!(
            width == d_model,
            "TiedOutput: hidden must have the d_model {d_model} of the embedding, got {width}"
        );
        let rows = hidden.reshape([batch_size * seq_length, width]);
        let logits = rows.matmul(embedding.weight.val().transpose());
        let logits = match &self.bias {
            Some(bias) => logits + bias.val().unsqueeze(),
            None => logits,
        };
        logits.reshape([batch_size, seq_length, n_embedding])
    }
}
