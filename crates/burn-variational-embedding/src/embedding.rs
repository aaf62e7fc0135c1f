//! The embedding.

use burn::config::Config;
use burn::module::{Content, DisplaySettings, Initializer, Module, ModuleDisplay, Param};
use burn::tensor::{Device, Int, Tensor};
use burn_variational_dropout::{
    DropoutMask, DropoutPrior, KlTerm, MaskLifetime, MaskRng, Site, SiteDropout,
};
use burn_variational_kernels::embedding;
use serde::{Deserialize, Serialize};

use crate::WordTypeMask;

/// Configuration of a [`VariationalEmbedding`].
#[derive(Config, Debug)]
pub struct VariationalEmbeddingConfig {
    /// The number of word types.
    pub n_embedding: usize,
    /// The width of an embedding.
    pub d_model: usize,
    /// Drops word types: a dropped type is gone at all its places in a sequence. Its lifetime is a
    /// sequence.
    pub type_dropout: Option<SiteDropout>,
    /// Drops tokens: each place by itself. Its lifetime is a step.
    pub token_dropout: Option<SiteDropout>,
    /// How embeddings are initialised.
    #[config(default = "Initializer::Normal{mean:0.0, std:1.0}")]
    pub initializer: Initializer,
}

impl VariationalEmbeddingConfig {
    /// The module.
    ///
    /// # Panics
    ///
    /// If a size is zero, a rate is not in `[0, 1)`, or a lifetime is not that of its kind.
    pub fn init(&self, device: &Device) -> VariationalEmbedding {
        for (field, size) in [("n_embedding", self.n_embedding), ("d_model", self.d_model)] {
            assert!(size > 0, "VariationalEmbeddingConfig: {field} must be positive, got 0");
        }
        let sites = [
            ("type", self.type_dropout, MaskLifetime::PerSequence),
            ("token", self.token_dropout, MaskLifetime::PerStep),
        ];
        for (field, dropout, lifetime) in sites {
            let Some(dropout) = dropout else { continue };
            dropout.assert_valid("VariationalEmbeddingConfig", &format!("{field} dropout"));
            assert!(
                dropout.lifetime == lifetime,
                "VariationalEmbeddingConfig: {field} dropout lifetime must be {lifetime:?}, got {:?}",
                dropout.lifetime
            );
        }
        VariationalEmbedding {
            weight: self.initializer.init([self.n_embedding, self.d_model], device),
            type_dropout: self.type_dropout,
            token_dropout: self.token_dropout,
        }
    }
}

/// The masks of an embedding.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct EmbeddingMasks {
    /// By word type.
    pub types: WordTypeMask,
    /// By token, `[batch_size, seq_length]`.
    pub tokens: DropoutMask<2>,
}

impl EmbeddingMasks {
    /// No dropout.
    pub fn identity() -> Self {
        Self { types: WordTypeMask::identity(), tokens: DropoutMask::identity() }
    }
}

/// A table of word embeddings with dropout by word type and by token:
///
/// ```text
/// e_t = E[w_t] · z_type[w_t] · z_token[t]
/// ```
///
/// `z_type` is a factor for each word type, `z_token` one for each place; both are drawn for each
/// row of the batch, or shared by all rows if asked. Should be created with
/// [`VariationalEmbeddingConfig`].
///
/// # References
///
/// Word types: Gal & Ghahramani 2016, arXiv 1512.05287, section 4.2.
#[derive(Module, Debug)]
#[module(custom_display)]
pub struct VariationalEmbedding {
    /// `E`, `[n_embedding, d_model]`.
    pub weight: Param<Tensor<2>>,
    /// What is dropped by word type.
    #[module(skip)]
    pub type_dropout: Option<SiteDropout>,
    /// What is dropped by token.
    #[module(skip)]
    pub token_dropout: Option<SiteDropout>,
}

impl ModuleDisplay for VariationalEmbedding {
    fn custom_settings(&self) -> Option<DisplaySettings> {
        DisplaySettings::new().with_new_line_after_attribute(false).optional()
    }

    fn custom_content(&self, content: Content) -> Option<Content> {
        let [n_embedding, d_model] = self.weight.dims();
        content.add("n_embedding", &n_embedding).add("d_model", &d_model).optional()
    }
}

impl VariationalEmbedding {
    /// Draws the masks for `[batch_size, seq_length]`, or the expected ones if `rng` is
    /// [`MaskRng::expected`].
    ///
    /// # Panics
    ///
    /// If the batch does not divide into the draws of `rng`.
    pub fn sample_masks(&self, dims: [usize; 2], rng: &MaskRng, device: &Device) -> EmbeddingMasks {
        let [batch_size, seq_length] = dims;
        let types = self.type_dropout.as_ref();
        let tokens = self.token_dropout.as_ref().map(|dropout| {
            let rng = rng.clone().site(Site::EmbeddingToken);
            let steps = dropout.sample_steps([seq_length, batch_size, 1], &rng, device);
            match steps.values() {
                Some(values) => {
                    let by_row = values.clone().squeeze_dim::<2>(2).swap_dims(0, 1);
                    DropoutMask::from_values(by_row)
                }
                None => DropoutMask::identity(),
            }
        });
        EmbeddingMasks {
            types: types.map_or_else(WordTypeMask::identity, |dropout| {
                WordTypeMask::sample(dropout, batch_size, rng)
            }),
            tokens: tokens.unwrap_or_else(DropoutMask::identity),
        }
    }

    /// The embedding of every token.
    ///
    /// # Shapes
    ///
    /// - tokens: `[batch_size, seq_length]`
    /// - output: `[batch_size, seq_length, d_model]`
    ///
    /// # Panics
    ///
    /// If a mask was drawn for another batch size or length.
    pub fn forward(&self, tokens: Tensor<2, Int>, masks: &EmbeddingMasks) -> Tensor<3> {
        let mut factors = None;
        if !masks.types.is_identity() {
            factors = Some(masks.types.factors(&tokens));
        }
        if !masks.tokens.is_identity() {
            let ones = || Tensor::ones(tokens.dims(), &tokens.device());
            factors = Some(masks.tokens.apply(factors.unwrap_or_else(ones)));
        }
        let output = embedding(self.weight.val(), tokens);
        match factors {
            Some(factors) => output * factors.unsqueeze_dim(2),
            None => output,
        }
    }

    /// The KL term of the embeddings under this prior, with the rate of the word types.
    ///
    /// # Panics
    ///
    /// As [`DropoutPrior::site_lambda`]: token dropout, which drops per step, has no KL term.
    pub fn kl_term(&self, prior: &DropoutPrior) -> KlTerm {
        // A token's mask is another at every place: no draw of the table, whatever the types'.
        let lambda = match self.token_dropout.filter(|site| site.prob > 0.0) {
            Some(token) => prior.site_lambda("token", Some(token)),
            None => prior.site_lambda("type", self.type_dropout),
        };
        KlTerm::new().with_param("weight", lambda)
    }
}
