//! A step of training of Gal & Ghahramani's language model: masks, loss, clipping and decay.

use burn::module::{Module, Param};
use burn::nn::{Linear, LinearConfig, LstmState};
use burn::optim::{GradientsParams, ModuleOptimizer};
use burn::tensor::{Device, Int, Tensor, TensorData};
use burn_variational::embedding::EmbeddingMasks;
use burn_variational::kernels::linear_cross_entropy;
use burn_variational::prelude::*;
use burn_variational::rnn::{GateWeights, LstmCell};
use burn_variational::training::{Decay, Decayed, PlainSgd, clip_global_norm, global_norm};
use cross_backend_tests::{CPU_TOLERANCE, GoldenTensor, assert_close, on_every_path, read_golden};
use serde::Deserialize;

use super::untied;

#[derive(Deserialize)]
struct File {
    cases: Vec<Case>,
}

#[derive(Deserialize)]
struct Case {
    name: String,
    learning_rate: f64,
    largest_norm: f64,
    decay: f64,
    tokens: Vec<Vec<i64>>,
    targets: Vec<Vec<i64>>,
    word_mask: GoldenTensor,
    input_masks: Vec<Vec<GoldenTensor>>,
    recurrent_masks: Vec<Vec<GoldenTensor>>,
    output_mask: GoldenTensor,
    h0: Vec<GoldenTensor>,
    c0: Vec<GoldenTensor>,
    before: Parameters,
    expected: Expected,
}

#[derive(Deserialize)]
struct Parameters {
    embedding: GoldenTensor,
    layers: Vec<LayerParameters>,
    output_weight: GoldenTensor,
    output_bias: GoldenTensor,
}

#[derive(Deserialize)]
struct LayerParameters {
    weight_ih: GoldenTensor,
    weight_hh: GoldenTensor,
    bias_ih: GoldenTensor,
    bias_hh: GoldenTensor,
}

#[derive(Deserialize)]
struct Expected {
    loss: f64,
    norm: f64,
    h_final: Vec<GoldenTensor>,
    c_final: Vec<GoldenTensor>,
    after: Parameters,
}

/// His layers have a bias for the input and one for the recurrence, which are two parameters to the
/// norm of the gradient and to the decay. Ours have one, that of the recurrence here; his other is a
/// row of `W` whose input is always 1 and never masked.
#[derive(Module, Debug)]
struct Model {
    embedding: VariationalEmbedding,
    layers: Vec<RecurrentLayer<LstmCell>>,
    output: Linear,
}

fn transposed(tensor: &GoldenTensor, device: &Device) -> Tensor<2> {
    tensor.on::<2>(device).transpose()
}

/// `W`, and under it the bias of the input.
fn with_bias_row(layer: &LayerParameters, device: &Device) -> Tensor<2> {
    let bias = layer.bias_ih.on::<1>(device).unsqueeze();
    Tensor::cat(vec![transposed(&layer.weight_ih, device), bias], 0)
}

impl Model {
    fn of(parameters: &Parameters, device: &Device) -> Self {
        let [n_words, d_model] = parameters.embedding.shape[..] else { panic!("a matrix") };
        let mut embedding = VariationalEmbeddingConfig::new(n_words, d_model).init(device);
        embedding.weight = Param::from_tensor(parameters.embedding.on(device));
        let layers = parameters.layers.iter().map(|layer| {
            let gates = GateWeights {
                input: Param::from_tensor(with_bias_row(layer, device)),
                recurrent: Param::from_tensor(transposed(&layer.weight_hh, device)),
                bias: Some(Param::from_tensor(layer.bias_hh.on(device))),
            };
            RecurrentLayer::new(LstmCell::new(gates), LayerDropout::none())
        });
        let mut output = LinearConfig::new(d_model, n_words).init(device);
        output.weight = Param::from_tensor(transposed(&parameters.output_weight, device));
        output.bias = Some(Param::from_tensor(parameters.output_bias.on(device)));
        Self { embedding, layers: layers.collect(), output }
    }

    /// The sum over steps of the mean over rows, and what the layers carry on.
    fn loss(&self, case: &Case, device: &Device) -> (Tensor<1>, Vec<LstmState<2>>) {
        let mut words = EmbeddingMasks::identity();
        words.tokens = DropoutMask::from_values(transposed(&case.word_mask, device));
        let mut below = self.embedding.forward(by_row(&case.tokens, device), &words);
        let mut states = Vec::new();
        for (l, layer) in self.layers.iter().enumerate() {
            let ones = below.ones_like().slice_dim(2, 0..1);
            let input = Tensor::cat(vec![below, ones], 2);
            let state = LstmState::new(case.c0[l].on(device), case.h0[l].on(device));
            let (output, state) = layer.forward(input, Some(state), &case.layer_masks(l, device));
            below = output;
            states.push(state);
        }
        let [batch_size, seq_length, d_hidden] = below.dims();
        let rows = below.reshape([batch_size * seq_length, d_hidden]);
        let targets = by_row(&case.targets, device).reshape([batch_size * seq_length]);
        let bias = self.output.bias.as_ref().map(Param::val);
        let losses = linear_cross_entropy(rows, self.output.weight.val(), bias, targets, None);
        (losses.sum().div_scalar(batch_size as f64), states)
    }

    fn check(&self, expected: &Parameters, what: &str, device: &Device) {
        let values = |tensor: Tensor<2>| tensor.into_data().iter::<f64>().collect::<Vec<_>>();
        let close = |got: &Tensor<2>, expected: &[f64], name: &str| {
            assert_close(got, expected, CPU_TOLERANCE, format!("{what}: {name}"));
        };
        close(&self.embedding.weight.val(), &expected.embedding.values, "embedding");
        for (l, (layer, expected)) in self.layers.iter().zip(&expected.layers).enumerate() {
            let gates = &layer.cell.gates;
            let w = values(with_bias_row(expected, device));
            close(&gates.input.val(), &w, &format!("layer {l} W and b"));
            let u = expected.weight_hh.transposed();
            close(&gates.recurrent.val(), &u, &format!("layer {l} U"));
            let bias = gates.bias.as_ref().unwrap().val().unsqueeze();
            close(&bias, &expected.bias_hh.values, &format!("layer {l} second b"));
        }
        let weight = expected.output_weight.transposed();
        close(&self.output.weight.val(), &weight, "output weight");
        let bias = self.output.bias.as_ref().unwrap().val().unsqueeze();
        close(&bias, &expected.output_bias.values, "output bias");
    }
}

impl Case {
    fn layer_masks(&self, layer: usize, device: &Device) -> LayerMasks {
        let input = untied(&self.input_masks[layer], device).into_iter().map(|mask| {
            let values = mask.values().unwrap();
            let kept = values.ones_like().slice_dim(1, 0..1);
            DropoutMask::from_values(Tensor::cat(vec![values, kept], 1))
        });
        let masks = LayerMasks::identity()
            .with_input(SiteMasks::untied(input.collect()))
            .with_recurrent(SiteMasks::untied(untied(&self.recurrent_masks[layer], device)));
        if layer + 1 < self.input_masks.len() {
            return masks;
        }
        let output = DropoutMask::from_values(self.output_mask.on(device));
        masks.with_output(SiteMasks::tied(output))
    }

    /// A word that occurs again in a row has the mask that it had.
    fn check_words_are_tied(&self) {
        let n_rows = self.tokens[0].len();
        let at = |step: usize, row: usize| (self.tokens[step][row], row);
        let mask = |step: usize, row: usize| self.word_mask.values[step * n_rows + row];
        let places = || (0..self.tokens.len()).flat_map(|step| (0..n_rows).map(move |r| (step, r)));
        let mut n_tied = 0;
        for (a, b) in places().flat_map(|a| places().map(move |b| (a, b))) {
            if a.0 < b.0 && at(a.0, a.1) == at(b.0, b.1) {
                assert_eq!(mask(a.0, a.1), mask(b.0, b.1), "{}: {a:?} and {b:?}", self.name);
                n_tied += 1;
            }
        }
        assert!(n_tied > 0, "{}: no word occurs twice", self.name);
    }
}

/// Steps of rows as rows of steps.
fn by_row(steps: &[Vec<i64>], device: &Device) -> Tensor<2, Int> {
    let dims = [steps.len(), steps[0].len()];
    Tensor::from_data(TensorData::new(steps.concat(), dims), device).transpose()
}

on_every_path! {
    fn a_step_of_training_is_that_of_gals_language_model(device: &Device) {
        let device = &device.clone().autodiff();
        let file: File = read_golden("gal/language_model");
        assert_eq!(file.cases.len(), 2);
        for case in &file.cases {
            case.check_words_are_tied();
            let model = Model::of(&case.before, device);
            let (loss, states) = model.loss(case, device);
            let what = &case.name;
            assert_close(&loss, &[case.expected.loss], CPU_TOLERANCE, format!("{what}: loss"));
            for (l, state) in states.iter().enumerate() {
                let h = &case.expected.h_final[l].values;
                assert_close(&state.hidden, h, CPU_TOLERANCE, format!("{what}: h of {l}"));
                let c = &case.expected.c_final[l].values;
                assert_close(&state.cell, c, CPU_TOLERANCE, format!("{what}: c of {l}"));
            }

            let mut grads = GradientsParams::from_grads(loss.backward(), &model);
            let norm = global_norm(&grads, &model).unwrap();
            assert_close(&norm, &[case.expected.norm], CPU_TOLERANCE, format!("{what}: norm"));
            clip_global_norm(&mut grads, &model, case.largest_norm);
            let decayed = Decayed::new(PlainSgd, Decay::AfterStep, case.decay);
            let mut optimizer = ModuleOptimizer::from(decayed);
            let model = optimizer.step(case.learning_rate, model, grads);
            model.check(&case.expected.after, what, device);
        }
    }
}
