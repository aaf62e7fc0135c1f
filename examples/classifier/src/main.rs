//! A Bayesian sequence classifier: trained, saved, loaded, and asked how sure it is.
#![allow(clippy::print_stdout, reason = "a program prints its results")]

use burn::nn::{Linear, LinearConfig, loss::CrossEntropyLossConfig};
use burn::optim::{AdamConfig, GradientsParams};
use burn::prelude::*;
use burn_variational::prelude::*;

// begin
#[derive(Module, Debug)]
struct Classifier {
    embedding: VariationalEmbedding,
    lstm: VariationalLstm,
    output: Linear,
}

impl VariationalModel for Classifier {
    type Input = Tensor<2, Int>;
    type Masks = (EmbeddingMasks, StackMasks);
    type Output = Tensor<2>;

    fn sample_masks(&self, extent: &SequenceExtent, draw: MaskDraw) -> Self::Masks {
        (&self.embedding, &self.lstm).sample_masks(extent, draw)
    }

    fn run(&self, tokens: Tensor<2, Int>, masks: &Self::Masks) -> Tensor<2> {
        let hidden = (&self.embedding, &self.lstm).run(tokens, masks);
        self.output.forward(hidden.slice_dim(1, -1).squeeze_dim(1))
    }
}

fn train(mut model: Classifier, tokens: &Tensor<2, Int>, classes: &Tensor<1, Int>) -> Classifier {
    let (mut optimizer, rng) = (AdamConfig::new().init(), MaskRng::seeded(1));
    let cross_entropy = CrossEntropyLossConfig::new().init(&tokens.device());
    for step in 0..200 {
        let masks = model.masks_for(tokens, rng.draw(step)); // one draw a step, for all its sequences
        let loss = cross_entropy.forward(model.run(tokens.clone(), &masks), classes.clone());
        let gradients = GradientsParams::from_grads(loss.backward(), &model);
        model = optimizer.step(0.01, model, gradients);
    }
    model.valid()
}
// end
