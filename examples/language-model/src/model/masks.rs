//! The masks of a model.

use burn::tensor::{Int, Tensor};
use burn_variational::dropout::{MaskDraw, SequenceExtent, Site};
use burn_variational::embedding::EmbeddingMasks;
use burn_variational::rnn::{LayerMasks, SiteMasks, StackMasks};

use super::LearnedRates;

/// The masks of the embedding, of the layers, and of what the output layer reads. That last one is
/// apart from the layers', for a penalty may want both what it drops and what is left.
#[derive(Debug)]
pub(crate) struct Masks {
    embedding: EmbeddingMasks,
    /// Of word types at a learned rate, which are known once the tokens are.
    types: Option<MaskDraw>,
    pub(super) stack: StackMasks,
    pub(super) output: SiteMasks,
}

impl Masks {
    /// What embedding and stack sample at rates that are given.
    pub(super) fn given((embedding, stack): (EmbeddingMasks, StackMasks)) -> Self {
        let mut layers: Vec<LayerMasks> =
            (0..stack.n_layers()).map(|layer| stack.layer(layer).clone()).collect();
        let last = layers.last_mut().expect("a stack has a layer");
        let output = last.get(&Site::Output).clone();
        *last = std::mem::take(last).with_output(SiteMasks::identity());
        Self { embedding, types: None, stack: StackMasks::new(layers), output }
    }

    /// Those at learned rates.
    pub(super) fn learned(
        learned: &LearnedRates,
        extent: &SequenceExtent,
        draw: &MaskDraw,
    ) -> Self {
        let (stack, output) = learned.sample(extent.batch_size(), draw);
        let types = Some(draw.part("types"));
        Self { embedding: EmbeddingMasks::identity(), types, stack, output }
    }

    /// Those of the embedding of these tokens.
    pub(super) fn of_tokens(
        &self,
        tokens: &Tensor<2, Int>,
        learned: Option<&LearnedRates>,
    ) -> EmbeddingMasks {
        let mut masks = self.embedding.clone();
        let types = learned.and_then(|learned| learned.types.as_ref());
        if let (Some(types), Some(draw)) = (types, &self.types) {
            masks.tokens = types.sample_types(tokens, draw);
        }
        masks
    }
}
