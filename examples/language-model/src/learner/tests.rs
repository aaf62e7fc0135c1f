//! What the steps of a `Learner` are, against what they are made of.

use burn::data::dataloader::batcher::Batcher;
use burn::module::Module;
use burn::optim::GradientsParams;
use burn::tensor::activation::softmax;
use burn::tensor::{Device, Tensor};
use burn::train::{InferenceStep, TrainStep};
use burn_variational::dropout::{MaskRng, VariationalModel};
use burn_variational::mc::metrics::Measure;
use burn_variational::mc::{MonteCarlo, Samples};
use burn_variational::rnn::{LstmCell, LstmCellConfig};
use burn_variational::training::{Stamped, TokenWindows, global_norm};

use super::model::{LanguageModelLearner, StepSettings, TokenLosses, WindowBatch, WindowBatcher};
use crate::method::Method;
use crate::model::{LanguageModel, LanguageModelConfig};
use crate::preset::Preset;
use crate::{CellName, PresetName};

const N_TYPES: usize = 7;
const SEED: u64 = 3;

fn model(device: &Device) -> LanguageModel<LstmCell> {
    let preset = Preset { n_layers: 1, ..Preset::named(PresetName::Small).wide(4) };
    let lstm = |d_input, d_hidden| LstmCellConfig::new(d_input, d_hidden, true);
    let model =
        LanguageModelConfig::new(Method::Variational, &preset, CellName::Lstm, lstm, N_TYPES)
            .init(&Device::flex().autodiff())
            .with_random_parameters(0.5, 1);
    if device.is_autodiff() { model } else { model.valid() }
}

/// Three windows of five steps.
fn batch(device: &Device) -> WindowBatch {
    let tokens: Vec<u32> = (0..16).map(|n| n * n % N_TYPES as u32).collect();
    let windows = TokenWindows::new(&tokens, 1, 5).unwrap();
    WindowBatcher.batch(windows.iter().collect(), device)
}

fn learner(device: &Device, max_norm: f64, n_devices: usize) -> LanguageModelLearner<LstmCell> {
    let settings = StepSettings { seed: SEED, max_norm, prior: None, n_devices };
    LanguageModelLearner::new(model(device), settings)
}

/// The joint norm of the gradients of a step of draw 9.
fn norm_of_step(max_norm: f64, n_devices: usize) -> f32 {
    let device = Device::flex().autodiff();
    let learner = learner(&device, max_norm, n_devices);
    let step = TrainStep::step(&learner, Stamped { batch: batch(&device), draw: 9 });
    global_norm(&step.grads, &learner).unwrap().into_scalar::<f32>()
}

#[test]
fn a_step_has_the_gradient_of_windows_with_a_zero_state_under_the_masks_of_its_draw() {
    let device = Device::flex().autodiff();
    let (model, WindowBatch { tokens, targets }) = (model(&device), batch(&device));
    let masks = model.masks_for(&tokens, MaskRng::seeded(SEED).draw(9));
    let loss = model.read(tokens, targets, None, &masks).losses.sum() / 3.0;
    let gradients = GradientsParams::from_grads(loss.backward(), &model);
    let expected = global_norm(&gradients, &model).unwrap().into_scalar::<f32>();
    // A few roundings of numbers of this size.
    let close = |found: f32, expected: f32| (found - expected).abs() < 1e-5 * expected;
    assert!(close(norm_of_step(1e3, 1), expected));
    // Burn adds the gradients of several devices.
    assert!(close(norm_of_step(1e3, 2), expected / 2.0));
    let clipped = f64::from(expected) / 4.0;
    assert!(close(norm_of_step(clipped, 1), expected / 4.0));
    assert!(close(norm_of_step(clipped, 2), expected / 8.0));
}

#[test]
fn validation_averages_the_probabilities_of_draws() {
    let device = Device::flex();
    let learner = learner(&device, 1.0, 1);
    let validated = InferenceStep::step(&learner, Stamped { batch: batch(&device), draw: 20 });

    let (model, WindowBatch { tokens, targets }) = (model(&device), batch(&device));
    let of_targets = |probabilities: Tensor<3>| -> f64 {
        let found = probabilities.gather(2, targets.clone().unsqueeze_dim(2));
        (-f64::from(found.log().mean().into_scalar::<f32>())).exp()
    };
    let mc = MonteCarlo::new(10, MaskRng::seeded(SEED)).with_first_draw(20);
    let draws = mc.estimate(&model, &tokens, Samples::new()).unwrap().into_value();
    let draws: Vec<_> = draws.into_iter().map(|logits| softmax(logits, 2)).collect();
    let mean = Tensor::stack::<4>(draws, 0).mean_dim(0).squeeze_dim(0);
    let expected = of_targets(mean);
    let perplexity = |losses: &TokenLosses| {
        let measure = TokenLosses::perplexity();
        measure.value(&measure.keep(losses).0)
    };
    let found = perplexity(&validated.drawn);
    // Roundings of numbers of this size.
    let close = |found: f64, expected: f64| (found - expected).abs() < 1e-5 * expected;
    assert!(close(found, expected), "{found}, {expected}");
    let averaged = of_targets(softmax(model.weight_averaged(tokens.clone()), 2));
    assert!(close(perplexity(&validated.averaged), averaged));
    assert!((found - averaged).abs() > 1e-3, "draws tell");
}
