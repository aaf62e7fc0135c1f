//! The perplexity of a model that drops weights: its draws are read one by one.

use super::*;
use burn::nn::{Embedding, EmbeddingConfig};
use burn::tensor::{Int, activation};
use burn_variational::mc::{StreamModel, StreamWindow};

const N_TYPES: usize = 5;

/// Predicts a word from the one before.
struct Bigrams(Bayesian<Embedding, Tensor<2, Int>, Tensor<3>>);

impl VariationalModel for Bigrams {
    type Input = Tensor<2, Int>;
    type Masks = WeightMasks;
    type Output = Tensor<3>;

    fn sample_masks(&self, extent: &SequenceExtent, draw: MaskDraw) -> WeightMasks {
        self.0.sample_masks(extent, draw)
    }

    fn run(&self, tokens: Tensor<2, Int>, masks: &WeightMasks) -> Tensor<3> {
        activation::log_softmax(self.0.run(tokens, masks), 2)
    }

    fn folds_draws(&self) -> bool {
        self.0.folds_draws()
    }
}

impl StreamModel for Bigrams {
    type State = ();

    fn n_types(&self) -> usize {
        N_TYPES
    }

    fn log_probabilities(
        &self,
        inputs: Tensor<2, Int>,
        targets: Tensor<2, Int>,
        _state: Option<()>,
        masks: &WeightMasks,
    ) -> (Tensor<2>, ()) {
        let scores = self.run(inputs, masks);
        (scores.gather(2, targets.unsqueeze_dim::<3>(2)).squeeze_dim(2), ())
    }
}

on_every_device! {
    fn a_text_is_read_draw_by_draw(device: &Device) {
        let embedding = EmbeddingConfig::new(N_TYPES, N_TYPES).init(device);
        let model = Bayesian::new(embedding, |embedding: &Embedding, tokens| {
            embedding.forward(tokens)
        });
        let model = Bigrams(model.with_dropout(0.4));
        let tokens = Tensor::<1, Int>::arange(0..14, device).remainder_scalar(5).reshape([2, 7]);
        let window = StreamWindow {
            inputs: tokens.clone().slice([0..2, 0..6]),
            targets: tokens.slice([0..2, 1..7]),
        };
        let mc = MonteCarlo::new(N_DRAWS, MaskRng::seeded(1));
        let perplexity = mc.perplexity(&model, [window.clone()]).unwrap();

        let n_tokens = 12;
        let mut probabilities = vec![0.0; n_tokens];
        for k in 0..N_DRAWS as u64 {
            let masks = model.masks_for(&window.inputs, draw(k));
            let (inputs, targets) = (window.inputs.clone(), window.targets.clone());
            let logs = model.log_probabilities(inputs, targets, None, &masks).0;
            for (sum, log) in probabilities.iter_mut().zip(logs.into_data().iter::<f64>()) {
                *sum += log.exp() / N_DRAWS as f64;
            }
        }
        let mean_log = probabilities.iter().map(|p: &f64| p.ln()).sum::<f64>() / n_tokens as f64;
        let expected = (-mean_log).exp();
        let error = (perplexity - expected).abs() / expected;
        assert!(error <= tolerance(device), "{perplexity}, not {expected}");
    }
}
