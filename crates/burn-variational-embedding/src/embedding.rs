//! The embedding.

use burn::config::Config;
use burn::module::{Content, DisplaySettings, Initializer, Module, ModuleDisplay, Param};
use burn::tensor::{Device, Int, Tensor};
use burn_variational_dropout::{
    DropoutMask, DropoutPrior, KlTerm, MaskDraw, MaskLifetime, SequenceExtent, Site, SiteDropout,
    VariationalModel,
};
use burn_variational_kernels::embedding;
use serde::{Deserialize, Serialize};

use crate::WordTypeMask;

/// Configuration of a [`VariationalEmbedding`].
#[derive(Debug, Clone, Serialize, Deserialize)]
#[non_exhaustive]
pub struct VariationalEmbeddingConfig {
    /// The number of word types.
    pub n_embedding: usize,
    /// The width of an embedding.
    pub d_model: usize,
    /// Drops word types: a dropped type is gone at all its places in a sequence.
    pub type_dropout: Option<SiteDropout>,
    /// Drops tokens: each place by itself.
    pub token_dropout: Option<SiteDropout>,
    /// How embeddings are initialised.
    pub initializer: Initializer,
}

impl Config for VariationalEmbeddingConfig {}

impl VariationalEmbeddingConfig {
    /// So many word types, so wide, drawn from the standard normal distribution, without dropout.
    pub fn new(n_embedding: usize, d_model: usize) -> Self {
        Self {
            n_embedding,
            d_model,
            type_dropout: None,
            token_dropout: None,
            initializer: Initializer::Normal { mean: 0.0, std: 1.0 },
        }
    }

    /// With this dropout, or rate, by word type. Its lifetime is a sequence.
    pub fn with_type_dropout(mut self, dropout: impl Into<SiteDropout>) -> Self {
        self.type_dropout = Some(dropout.into());
        self
    }

    /// With this dropout, or rate, by token. Its lifetime is a step, whatever was asked.
    pub fn with_token_dropout(mut self, dropout: impl Into<SiteDropout>) -> Self {
        self.token_dropout = Some(dropout.into().per_step());
        self
    }

    /// With embeddings initialised so.
    pub fn with_initializer(mut self, initializer: Initializer) -> Self {
        self.initializer = initializer;
        self
    }

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
#[derive(Debug, Clone, Default, Serialize, Deserialize)]
#[non_exhaustive]
pub struct EmbeddingMasks {
    /// By word type.
    pub types: WordTypeMask,
    /// By token, `[batch_size, seq_length]`.
    pub tokens: DropoutMask<2>,
}

impl EmbeddingMasks {
    /// No dropout.
    pub fn identity() -> Self {
        Self::default()
    }

    /// The same masks on another device. Those of word types are on the host.
    pub fn to_device(&self, device: &Device) -> Self {
        Self { types: self.types.clone(), tokens: self.tokens.to_device(device) }
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
            factors = Some(masks.types.factors(&tokens, self.weight.val().dtype().into()));
        }
        if !masks.tokens.is_identity() {
            let ones =
                || Tensor::ones(tokens.dims(), (&tokens.device(), self.weight.val().dtype()));
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

impl VariationalModel for VariationalEmbedding {
    type Input = Tensor<2, Int>;
    type Masks = EmbeddingMasks;
    type Output = Tensor<3>;

    /// Samples what the embedding drops, in the float type and on the device of its weight.
    fn sample_masks(&self, extent: &SequenceExtent, draw: MaskDraw) -> EmbeddingMasks {
        draw.assert_part("VariationalEmbedding");
        let [batch_size, seq_length] = [extent.batch_size(), extent.seq_length()];
        let types = self.type_dropout.as_ref();
        let tokens = self.token_dropout.as_ref().map(|dropout| {
            let weight = self.weight.val();
            let place = (&weight.device(), weight.dtype());
            let draw = draw.site(&Site::EmbeddingToken);
            match dropout.sample_steps([seq_length, batch_size, 1], &draw, place).values() {
                Some(steps) => DropoutMask::from_values(steps.squeeze_dim::<2>(2).swap_dims(0, 1)),
                None => DropoutMask::identity(),
            }
        });
        EmbeddingMasks {
            types: types.map_or_else(WordTypeMask::identity, |dropout| {
                WordTypeMask::sample(dropout, batch_size, &draw)
            }),
            tokens: tokens.unwrap_or_default(),
        }
    }

    fn run(&self, tokens: Tensor<2, Int>, masks: &EmbeddingMasks) -> Tensor<3> {
        self.forward(tokens, masks)
    }
}
