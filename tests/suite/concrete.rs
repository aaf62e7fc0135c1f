//! Learned rates: their gradients through a recurrent layer are the finite differences of a
//! reference in plain `f64`, whatever runs the layer.

use burn::module::{Module, Param};
use burn::nn::LstmState;
use burn::tensor::{Device, Int, Tensor, TensorData};
use burn_variational::dropout::{ConcreteDropout, ConcreteDropoutConfig};
use burn_variational::prelude::*;
use burn_variational::rnn::{CellConfig, LstmCell, LstmCellConfig};
use cross_backend_tests::{
    Cell, Operation, ReferenceMasks, assert_close, engine_runs, on_every_device, relative_error,
    tolerance,
};

use crate::gradients::{BATCH_SIZE, D_HIDDEN, D_INPUT, Fill, SEQ_LENGTH, numbers, reference};

/// Relative error of a gradient in `f32` against central differences in `f64`. The temperature
/// divides the rounding of a logarithm, so that it is ten times that of other gradients.
const TOLERANCE: f64 = 1e-3;
/// Step of the central differences: the cube root of 2⁻⁵² balances their two errors.
const STEP: f64 = 6e-6;
const TEMPERATURE: f64 = 0.1;

/// Three sites, with rates of their own; the recurrent masks are one for each gate.
#[derive(Module, Debug)]
struct Model {
    layer: RecurrentLayer<LstmCell>,
    input: ConcreteDropout,
    recurrent: ConcreteDropout,
    output: ConcreteDropout,
}

impl Model {
    fn new(device: &Device) -> Self {
        let reference = reference(Cell::Lstm);
        let parts = vec![reference.w, reference.u, reference.b].into_iter();
        let cell = LstmCellConfig::new(D_INPUT, D_HIDDEN, true).init(device).map(&mut Fill(parts));
        let site = |units, prob| ConcreteDropoutConfig::new(units).with_initial_prob(prob);
        Self {
            layer: RecurrentLayer::new(cell, LayerDropout::none()).with_batch_first(false),
            input: site(D_INPUT, 0.3).init(device),
            recurrent: site(D_HIDDEN, 0.2).with_n_gates(4).init(device),
            output: site(D_HIDDEN, 0.4).init(device),
        }
    }

    fn sites(&self) -> [&ConcreteDropout; 3] {
        [&self.input, &self.recurrent, &self.output]
    }

    fn masks(&self, draw: &MaskDraw) -> LayerMasks {
        let sample = |site: &ConcreteDropout, part: &str| {
            SiteMasks::tied(site.sample(BATCH_SIZE, &draw.part(part)))
        };
        let recurrent = self.recurrent.sample_gates(BATCH_SIZE, &draw.part("recurrent"));
        LayerMasks::identity()
            .with_input(sample(&self.input, "input"))
            .with_recurrent(SiteMasks::untied(recurrent))
            .with_output(sample(&self.output, "output"))
    }

    /// The weights times numbers without a pattern, and the part of the KL term of each site.
    fn loss(&self, masks: &LayerMasks) -> Tensor<1> {
        let device = &self.layer.cell.gates.input.device();
        let tensor = |values: Vec<f64>, dims| {
            let values: Vec<f32> = values.iter().map(|&value| value as f32).collect();
            Tensor::<3>::from_data(TensorData::new(values, dims), device)
        };
        let state = |salt| {
            tensor(numbers(BATCH_SIZE * D_HIDDEN, salt), [1, BATCH_SIZE, D_HIDDEN]).squeeze_dim(0)
        };
        let input = numbers(SEQ_LENGTH * BATCH_SIZE * D_INPUT, 0.7);
        let input = tensor(input, [SEQ_LENGTH, BATCH_SIZE, D_INPUT]);
        let start = LstmState::new(state(0.8), state(0.5));
        let (output, end) = self.layer.forward(input, Some(start), masks);
        let weights = numbers(SEQ_LENGTH * BATCH_SIZE * D_HIDDEN, 0.6);
        let weights = tensor(weights, [SEQ_LENGTH, BATCH_SIZE, D_HIDDEN]);
        let gates = &self.layer.cell.gates;
        (output * weights).sum()
            + end.hidden.sum()
            + end.cell.sum()
            + self.input.penalty(&[gates.input.val()], &prior())
            + self.recurrent.penalty(&[gates.recurrent.val()], &prior())
            + self.output.penalty::<2>(&[], &prior())
    }
}

/// Written out where it is needed: l² / (2 N τ) and 1 / (N τ).
fn prior() -> DropoutPrior {
    DropoutPrior::new(0.5, 2).with_precision(2.0)
}

const LAMBDA: f64 = 0.5 * 0.5 / (2.0 * 2.0 * 2.0);
const PER_TERM: f64 = 1.0 / (2.0 * 2.0);

fn draw() -> MaskDraw {
    MaskRng::seeded(11).draw(0)
}

/// A relaxed mask in `f64`, from the formula and the random words.
fn relaxed(p: f64, units: usize, draw: &MaskDraw) -> Vec<f64> {
    let of_word = |word: u32| {
        let u = 1.0 - (f64::from(word) + 0.5) / 2.0_f64.powi(32);
        let odds = p / (1.0 - p) * u / (1.0 - u);
        1.0 / (1.0 + odds.powf(1.0 / TEMPERATURE)) / (1.0 - p)
    };
    let rows = draw.rows(BATCH_SIZE, 0, false);
    rows.flat_map(|row| row.words().take(units).map(of_word).collect::<Vec<_>>()).collect()
}

/// `λ(p) Σ W² - d H(p) / (N τ)`.
fn penalty(p: f64, n_variables: usize, weight: &[f64]) -> f64 {
    let entropy = -p * p.ln() - (1.0 - p) * (1.0 - p).ln();
    let squares: f64 = weight.iter().map(|value| value * value).sum();
    LAMBDA / (1.0 - p) * squares - n_variables as f64 * entropy * PER_TERM
}

/// The loss of [`Model::loss`] at these logits.
fn reference_loss(logits: [f64; 3]) -> f64 {
    let rate = |logit: f64| 1e-4 + (1.0 - 2e-4) / (1.0 + (-logit).exp());
    let [input, recurrent, output] = logits.map(rate);
    let gate = |gate| relaxed(recurrent, D_HIDDEN, &draw().part("recurrent").gate(gate));
    let masks = ReferenceMasks {
        z_x: vec![relaxed(input, D_INPUT, &draw().part("input"))],
        z_h: (0..4).map(gate).collect(),
    };
    let z_o = relaxed(output, D_HIDDEN, &draw().part("output"));
    let reference = reference(Cell::Lstm);
    let (h0, c0) = (numbers(BATCH_SIZE * D_HIDDEN, 0.5), numbers(BATCH_SIZE * D_HIDDEN, 0.8));
    let x = numbers(SEQ_LENGTH * BATCH_SIZE * D_INPUT, 0.7);
    let result = reference.run(&x, BATCH_SIZE, (&h0, &c0), &masks);
    let weights = numbers(result.outputs.len(), 0.6);
    let outputs = result.outputs.iter().zip(&weights).zip(z_o.iter().cycle());
    outputs.map(|((o, w), z)| o * w * z).sum::<f64>()
        + result.h.iter().sum::<f64>()
        + result.c.iter().sum::<f64>()
        + penalty(input, D_INPUT, &reference.w)
        + penalty(recurrent, 4 * D_HIDDEN, &reference.u)
        + penalty(output, D_HIDDEN, &[])
}

fn logit_of(p: f64) -> f64 {
    let sigmoid = (p - 1e-4) / (1.0 - 2e-4);
    (sigmoid / (1.0 - sigmoid)).ln()
}

on_every_device! {
    fn gradients_of_the_rates_are_finite_differences(device: &Device) {
        let model = Model::new(&device.clone().autodiff());
        let grads = model.loss(&model.masks(&draw())).backward();
        let got: Vec<f64> = model.sites().iter()
            .map(|site| f64::from(site.logit.val().grad(&grads).unwrap().into_scalar::<f32>()))
            .collect();
        let at = [0.3, 0.2, 0.4].map(logit_of);
        let expected: Vec<f64> = (0..3).map(|site| {
            let moved = |step: f64| {
                let mut logits = at;
                logits[site] += step;
                reference_loss(logits)
            };
            (moved(STEP) - moved(-STEP)) / (2.0 * STEP)
        }).collect();
        assert!(expected.iter().all(|gradient| gradient.abs() > 0.01), "{expected:?}");
        for (site, (got, expected)) in got.iter().zip(&expected).enumerate() {
            let error = relative_error(&[*got], &[*expected]);
            assert!(error <= TOLERANCE, "site {site}: {got}, not {expected}: {error:.1e}");
        }
    }

    fn the_loss_is_that_of_the_reference_on_either_path(device: &Device) {
        let expected = reference_loss([0.3, 0.2, 0.4].map(logit_of));
        // With a gradient on plain operations, without one through the engine.
        let tracked = Model::new(&device.clone().autodiff());
        let before = engine_runs(Operation::Sequence);
        let loss = tracked.loss(&tracked.masks(&draw()));
        assert_eq!(engine_runs(Operation::Sequence), before, "the masks carry a gradient");
        assert_close(&loss, &[expected], 10.0 * tolerance(device), "tracked");

        let plain = tracked.valid();
        let loss = plain.loss(&plain.masks(&draw()));
        assert!(engine_runs(Operation::Sequence) > before, "the engine ran");
        assert_close(&loss, &[expected], 10.0 * tolerance(device), "plain");
    }

    fn learned_masks_outside_of_the_recurrence_leave_it_to_the_engine(device: &Device) {
        let model = Model::new(&device.clone().autodiff());
        let masks = model.masks(&draw()).with_recurrent(SiteMasks::identity());
        let before = engine_runs(Operation::Sequence);
        let grads = model.loss(&masks).backward();
        assert!(engine_runs(Operation::Sequence) > before, "the engine ran");
        assert!(model.input.logit.val().grad(&grads).is_some());
    }

    fn a_learned_rate_of_word_types_masks_an_embedding(device: &Device) {
        let device = &device.clone().autodiff();
        let embedding = VariationalEmbeddingConfig::new(6, 2).init(device);
        let types = ConcreteDropoutConfig::new(6).with_initial_prob(0.5).init(device);
        let tokens = Tensor::<2, Int>::from_data([[4, 1, 4], [4, 1, 1]], device);
        let mut masks = EmbeddingMasks::identity();
        masks.tokens = types.sample_types(&tokens, &draw().part("types"));
        let factors: Vec<f64> = masks.tokens.values().unwrap().into_data().iter().collect();

        let output = embedding.forward(tokens.clone(), &masks);
        let clean = embedding.forward(tokens, &EmbeddingMasks::identity());
        let clean: Vec<f64> = clean.into_data().iter().collect();
        let expected: Vec<f64> = clean.iter().enumerate().map(|(k, e)| e * factors[k / 2]).collect();
        let bound = tolerance(&device.clone().without_autodiff());
        assert_close(&output, &expected, bound, "embedding");
        assert_eq!((factors[0], factors[4]), (factors[2], factors[5]));

        let grads = (output.sum() + types.penalty(&[embedding.weight.val()], &prior())).backward();
        assert!(types.logit.val().grad(&grads).is_some());
        assert!(embedding.weight.val().grad(&grads).is_some());
    }

    fn rates_are_reported_by_site_and_saved_with_the_model(device: &Device) {
        let device = &device.clone().autodiff();
        let mut model = Model::new(device);
        model.output.logit = Param::from_data([0.7_f32], device);
        let rates = ConcreteDropout::rates(&model);
        let names: Vec<&str> = rates.iter().map(|(name, _)| name.as_str()).collect();
        assert_eq!(names, ["input", "recurrent", "output"]);
        let loaded = Model::new(device).load_record(model.clone().into_record());
        assert_eq!(ConcreteDropout::rates(&loaded), rates);
        assert_eq!(loaded.output.rate().to_bits(), model.output.rate().to_bits());
    }
}
