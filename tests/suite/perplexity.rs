//! The perplexity of a text, against a plain loop over its tokens and draws.

use std::ops::ControlFlow;
use std::sync::{Arc, Mutex};

use burn::module::{Module, ModuleMapper, Param};
use burn::nn::{Linear, LinearConfig};
use burn::tensor::activation::log_softmax;
use burn::tensor::{Device, FloatDType, Int, Tensor, TensorData};
use burn_variational::mc::{StreamModel, StreamWindow, perplexity};
use burn_variational::prelude::*;
use cross_backend_tests::{Cell, Reference, ReferenceMasks, on_every_device, tolerance};

/// A model in `f64` rounds to 2⁻⁵³; a few hundred operations lie between a weight and a logarithm.
const F64_TOLERANCE: f64 = 1e-9;

const N_TYPES: usize = 7;
const WIDTH: usize = 5;
const N_DRAWS: usize = 3;
/// Two streams of eleven tokens.
const STREAMS: [[i64; 11]; 2] =
    [[1, 4, 2, 0, 6, 3, 3, 5, 1, 2, 4], [2, 2, 5, 1, 0, 4, 6, 6, 3, 1, 5]];
/// Where the windows start, and the end: the last one is short.
const WINDOWS: [usize; 4] = [0, 4, 8, 10];

#[derive(Module, Debug)]
struct Model {
    embedding: VariationalEmbedding,
    lstm: VariationalLstm,
    output: Linear,
}

type Masks = (EmbeddingMasks, StackMasks);

impl Model {
    fn new(drop_types: bool, device: &Device) -> Self {
        let mut embedding = VariationalEmbeddingConfig::new(N_TYPES, WIDTH);
        if drop_types {
            embedding = embedding.with_type_dropout(0.3);
        }
        Self {
            embedding: embedding.init(device),
            lstm: VariationalLstmConfig::new(WIDTH, WIDTH, true)
                .with_n_layers(2)
                .with_dropout(StackDropout::variational_untied(0.3, 0.4))
                .init(device),
            output: LinearConfig::new(WIDTH, N_TYPES).init(device),
        }
    }
}

impl VariationalModel for Model {
    type Input = Tensor<2, Int>;
    type Masks = Masks;
    type Output = Tensor<3>;

    fn sample_masks(&self, extent: &SequenceExtent, draw: MaskDraw) -> Masks {
        (&self.embedding, &self.lstm).sample_masks(extent, draw)
    }

    fn run(&self, tokens: Tensor<2, Int>, masks: &Masks) -> Tensor<3> {
        self.output.forward((&self.embedding, &self.lstm).run(tokens, masks))
    }
}

impl StreamModel for Model {
    type State = StackState<burn::nn::LstmState<2>>;

    fn n_types(&self) -> usize {
        N_TYPES
    }

    fn log_probabilities(
        &self,
        inputs: Tensor<2, Int>,
        targets: Tensor<2, Int>,
        state: Option<Self::State>,
        masks: &Masks,
    ) -> (Tensor<2>, Self::State) {
        let embedded = self.embedding.forward(inputs, &masks.0);
        let (hidden, state) = self.lstm.forward(embedded, state, &masks.1);
        let logits = log_softmax(self.output.forward(hidden), 2);
        (logits.gather(2, targets.unsqueeze_dim(2)).squeeze_dim(2), state)
    }
}

fn tokens(from: usize, to: usize, device: &Device) -> Tensor<2, Int> {
    let tokens: Vec<i64> = STREAMS.iter().flat_map(|stream| stream[from..to].to_vec()).collect();
    Tensor::from_data(TensorData::new(tokens, [STREAMS.len(), to - from]), device)
}

fn windows(device: &Device) -> impl Iterator<Item = StreamWindow> + Clone + '_ {
    WINDOWS.windows(2).map(|window| StreamWindow {
        inputs: tokens(window[0], window[1], device),
        targets: tokens(window[0] + 1, window[1] + 1, device),
    })
}

fn values<const D: usize>(tensor: Tensor<D>) -> Vec<f64> {
    tensor.into_data().iter::<f64>().collect()
}

/// `p(target)` of every token of both streams with these masks, read from the first to the last in
/// one go, token after token.
fn probabilities(model: &Model, masks: &Masks, device: &Device) -> Vec<f64> {
    let (n_streams, n_steps) = (STREAMS.len(), WINDOWS[WINDOWS.len() - 1]);
    let weight = values(model.embedding.weight.val());
    let factors = masks.0.types.factors(&tokens(0, n_steps, device), FloatDType::F32);
    let factors = values(factors);
    // Time first, as the reference reads it.
    let mut x: Vec<f64> = Vec::new();
    for step in 0..n_steps {
        for (row, stream) in STREAMS.iter().enumerate() {
            let kept = f64::from(u8::from(factors[row * n_steps + step] != 0.0));
            let scale = if masks.0.types.is_identity() { 1.0 } else { kept / 0.7 };
            let word = &weight[stream[step] as usize * WIDTH..][..WIDTH];
            x.extend(word.iter().map(|value| value * scale));
        }
    }
    // What is kept, at the exact inverse of the keep probability.
    let mask = |mask: &DropoutMask<2>, keep: f64| -> Vec<f64> {
        let kept = |value: f64| if value == 0.0 { 0.0 } else { 1.0 / keep };
        match mask.values() {
            Some(mask) => values(mask).into_iter().map(kept).collect(),
            None => vec![1.0; n_streams * WIDTH],
        }
    };
    let at = |layer: usize, site: &Site, keep| -> Vec<Vec<f64>> {
        match masks.1.layer(layer).get(site) {
            SiteMasks::PerSequence(masks) => {
                masks.masks().iter().map(|drawn| mask(drawn, keep)).collect()
            }
            _ => panic!("the scheme has no mask of a step"),
        }
    };
    for (l, layer) in model.lstm.layers.iter().enumerate() {
        let gates = &layer.cell.gates;
        let reference = Reference {
            cell: Cell::Lstm,
            d_input: WIDTH,
            d_hidden: WIDTH,
            w: values(gates.input.val()),
            u: values(gates.recurrent.val()),
            b: values(gates.bias.as_ref().expect("a bias").val()),
            b_candidate: Vec::new(),
        };
        let drawn =
            ReferenceMasks { z_x: at(l, &Site::Input, 0.7), z_h: at(l, &Site::Recurrent, 0.6) };
        let zeros = vec![0.0; n_streams * WIDTH];
        x = reference.run(&x, n_streams, (&zeros, &zeros), &drawn).outputs;
    }
    let z_o = &at(1, &Site::Output, 0.7)[0];
    let (weight, bias) = (values(model.output.weight.val()), values(output_bias(model)));
    let mut probabilities = Vec::new();
    for step in 0..n_steps {
        for (row, stream) in STREAMS.iter().enumerate() {
            let hidden = &x[(step * n_streams + row) * WIDTH..][..WIDTH];
            let logit = |class: usize| -> f64 {
                let inputs = hidden.iter().zip(&z_o[row * WIDTH..]).enumerate();
                let product = inputs.map(|(j, (h, z))| h * z * weight[j * N_TYPES + class]);
                bias[class] + product.sum::<f64>()
            };
            let total: f64 = (0..N_TYPES).map(|class| logit(class).exp()).sum();
            probabilities.push(logit(stream[step + 1] as usize).exp() / total);
        }
    }
    probabilities
}

fn output_bias(model: &Model) -> Tensor<1> {
    model.output.bias.as_ref().expect("a bias").val()
}

/// `exp(-mean log)` of probabilities averaged over draws.
fn perplexity_of(draws: &[Vec<f64>]) -> f64 {
    let n_tokens = draws[0].len();
    let mean = |token: usize| draws.iter().map(|p| p[token]).sum::<f64>() / draws.len() as f64;
    (-(0..n_tokens).map(|token| mean(token).ln()).sum::<f64>() / n_tokens as f64).exp()
}

fn draw(model: &Model, k: u64, device: &Device) -> Masks {
    let extent = SequenceExtent::new(STREAMS.len(), WINDOWS[3], device);
    model.sample_masks(&extent, MaskRng::seeded(5).scope("monte carlo").draw(k).part("model"))
}

fn check(model: &Model, tolerance: f64, device: &Device) {
    let draws: Vec<_> = (0..N_DRAWS as u64)
        .map(|k| probabilities(model, &draw(model, k, device), device))
        .collect();
    assert_ne!(draws[0], draws[1]);
    let mc = MonteCarlo::new(N_DRAWS, MaskRng::seeded(5));
    // All draws in a pass, and each by itself.
    for max_bytes in [1 << 20, 1] {
        let mc = mc.clone().with_max_bytes(max_bytes);
        let mut n_tokens = 0;
        let curve = mc.perplexity_curve(model, windows(device), &[1, 2, 3], |read| {
            n_tokens += read;
            Ok::<_, MonteCarloError>(())
        });
        assert_eq!(n_tokens, N_DRAWS * draws[0].len());
        for (n_draws, got) in (1..).zip(curve.unwrap()) {
            assert_relative(got, perplexity_of(&draws[..n_draws]), tolerance);
        }
        let got = mc.perplexity(model, windows(device)).unwrap();
        assert_relative(got, perplexity_of(&draws), tolerance);
    }
    let identity = (EmbeddingMasks::identity(), model.lstm.identity_masks());
    let expected = perplexity_of(&[probabilities(model, &identity, device)]);
    assert_relative(perplexity(model, windows(device)), expected, tolerance);
}

fn assert_relative(got: f64, expected: f64, tolerance: f64) {
    let error = (got / expected - 1.0).abs();
    assert!(error <= tolerance, "{got} is not {expected}: relative error {error:.1e}");
}

struct InF64;

impl ModuleMapper for InF64 {
    fn map_float<const D: usize>(&mut self, param: Param<Tensor<D>>) -> Param<Tensor<D>> {
        param.map(|tensor| tensor.cast(FloatDType::F64))
    }
}

on_every_device! {
    fn perplexity_is_that_of_a_plain_loop_over_tokens_and_draws(device: &Device) {
        for drop_types in [false, true] {
            check(&Model::new(drop_types, device), tolerance(device), device);
        }
    }

    fn a_model_that_draws_nothing_has_no_monte_carlo_perplexity(device: &Device) {
        let mut model = Model::new(false, device);
        model.lstm = model.lstm.with_dropout(StackDropout::none());
        let mc = MonteCarlo::new(N_DRAWS, MaskRng::seeded(5));
        assert_eq!(mc.perplexity(&model, windows(device)), Err(MonteCarloError::NoDraw));
    }

    fn a_log_probability_that_is_not_finite_is_an_error(device: &Device) {
        let mut model = Model::new(false, device);
        model.output.bias = model.output.bias.map(|bias| bias.map(|bias| bias * f32::NAN));
        let mc = MonteCarlo::new(N_DRAWS, MaskRng::seeded(5)).with_first_draw(4).with_first_row(7);
        let expected = MonteCarloError::NotFinite { draw: 4, row: 7 };
        assert_eq!(mc.perplexity(&model, windows(device)), Err(expected));
    }

    fn a_perplexity_has_nothing_to_stop_early_by(device: &Device) {
        let mc = MonteCarlo::new(N_DRAWS, MaskRng::seeded(5));
        let mc = mc.with_early_stop(EarlyStop::absolute(1.0));
        let run = mc.perplexity(&Model::new(false, device), windows(device));
        assert_eq!(run, Err(MonteCarloError::NoStandardError));
    }

    fn a_perplexity_tells_its_progress_and_is_cancelled(device: &Device) {
        let told = Arc::new(Mutex::new(Vec::new()));
        let hears = told.clone();
        let mc = MonteCarlo::new(N_DRAWS, MaskRng::seeded(5)).with_max_bytes(1);
        let mc = mc.with_progress(move |progress| {
            let mut told = hears.lock().unwrap();
            told.push((progress.batch, progress.n_done));
            if told.len() < 5 { ControlFlow::Continue(()) } else { ControlFlow::Break(()) }
        });
        let run = mc.perplexity(&Model::new(false, device), windows(device));
        assert_eq!(run, Err(MonteCarloError::Cancelled));
        // Draw by draw, three windows of two streams.
        assert_eq!(*told.lock().unwrap(), [(0, 2), (1, 2), (2, 2), (0, 4), (1, 4)]);
    }
}

/// On Flex alone: burn-ndarray rounds a sigmoid to `f32`, and WGSL has no 64-bit floats.
#[cfg(feature = "flex")]
#[test]
fn perplexity_in_f64_is_exact() {
    let device = cross_backend_tests::flex();
    for drop_types in [false, true] {
        let model = Model::new(drop_types, &device).map(&mut InF64);
        check(&model, F64_TOLERANCE, &device);
    }
}
