//! A Bayesian sequence classifier: trained, saved, loaded, and asked how sure it is.
#![allow(clippy::print_stdout, reason = "a program prints its results")]

use burn::nn::{Linear, LinearConfig, loss::CrossEntropyLoss};
use burn::optim::{AdamConfig, GradientsParams};
use burn::prelude::*;
use burn::tensor::Distribution;
use burn_variational::mc::{ClassificationPrediction, MonteCarloResult};
use burn_variational::prelude::*;
use burn_variational::training::{load_model, save_model};

#[derive(Config, Debug)]
struct ModelConfig {
    embedding: VariationalEmbeddingConfig,
    lstm: VariationalLstmConfig,
    n_classes: usize,
}

impl ModelConfig {
    fn init(&self, device: &Device) -> Model {
        Model {
            embedding: self.embedding.init(device),
            lstm: self.lstm.init(device),
            output: LinearConfig::new(self.lstm.cell.d_hidden, self.n_classes).init(device),
        }
    }
}

// begin
#[derive(Module, Debug)]
struct Model {
    embedding: VariationalEmbedding,
    lstm: VariationalLstm,
    output: Linear,
}

impl VariationalModel for Model {
    type Input = Tensor<2, Int>;
    type Masks = (EmbeddingMasks, StackMasks);
    type Output = Tensor<2>;

    fn sample_masks(&self, extent: &SequenceExtent, draw: MaskDraw) -> Self::Masks {
        (&self.embedding, &self.lstm).sample_masks(extent, draw)
    }

    fn run(&self, tokens: Tensor<2, Int>, masks: &Self::Masks) -> Tensor<2> {
        let hidden = (&self.embedding, &self.lstm).run(tokens, masks).slice_dim(1, -1);
        self.output.forward(hidden.squeeze_dim(1))
    }
}

fn train(mut model: Model, tokens: &Tensor<2, Int>, classes: &Tensor<1, Int>) -> Model {
    let (mut adam, device) = (AdamConfig::new().init(), tokens.device());
    for step in 0..200 {
        // One draw a step: a mask for each sequence, the same at all of its words.
        let masks = model.masks_for(tokens, MaskRng::seeded(1).draw(step));
        let logits = model.run(tokens.clone(), &masks);
        let loss = CrossEntropyLoss::new(None, &device).forward(logits, classes.clone());
        let gradients = GradientsParams::from_grads(loss.backward(), &model);
        model = adam.step(0.01, model, gradients);
    }
    model.valid()
}

fn predict(model: &Model, x: &Tensor<2, Int>) -> MonteCarloResult<ClassificationPrediction<2>> {
    MonteCarlo::new(100, MaskRng::seeded(2)).classification(model, x)
}
// end

/// Sequences of twelve of ten words, and whether the first word is among the last three.
fn data(n: usize, device: &Device) -> (Tensor<2, Int>, Tensor<1, Int>) {
    let tokens = Tensor::<2>::random([n, 12], Distribution::Uniform(0.0, 10.0), device).int();
    let (first, last) = (tokens.clone().slice([0..n, 0..1]), tokens.clone().slice([0..n, 9..12]));
    (tokens, first.repeat_dim(1, 3).equal(last).any_dim(1).int().squeeze_dim(1))
}

fn main() -> anyhow::Result<()> {
    let (device, path) = (Device::flex(), std::env::temp_dir().join("classifier.model"));
    device.seed(1);
    let config = ModelConfig::new(
        VariationalEmbeddingConfig::new(10, 16).with_type_dropout(0.05),
        VariationalLstmConfig::new(16, 32, true).with_dropout(StackDropout::variational(0.1, 0.1)),
        2,
    );
    let training = device.clone().autodiff();
    let (tokens, classes) = data(1000, &training);
    save_model(&path, &config, &train(config.init(&training), &tokens, &classes))?;

    let (_, model) = load_model(&path, |config: &ModelConfig| config.init(&device))?;
    let (tokens, classes) = data(1000, &device);
    let prediction = predict(&model, &tokens)?;
    let likelihood = prediction.log_likelihood(classes).mean().into_scalar::<f32>();
    let p: f32 = prediction.variance().sqrt().mean().into_scalar();
    println!("log-likelihood {likelihood:.3} a sequence; probabilities ± {p:.3}");
    Ok(())
}
