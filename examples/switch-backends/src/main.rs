//! One model, trained and saved on one device, then loaded and run on every device compiled in:
//! the masks are the same and so are the predictions.

#![allow(clippy::print_stdout, reason = "a program prints its results")]

use anyhow::{Context, Result, ensure};
use burn::config::Config;
use burn::module::Module;
use burn::nn::{Linear, LinearConfig};
use burn::optim::{AdamConfig, GradientsParams};
use burn::tensor::{Device, Tensor};
use burn_variational::devices;
use burn_variational::prelude::*;
use burn_variational::training::{load_model, save_model};

const DIMS: [usize; 3] = [8, 12, 2];
const N_VALUES: i64 = 8 * 12 * 2;

/// Room for other orders of summation and other exponentials.
const TOLERANCE: f32 = 1e-4;

#[derive(Module, Debug)]
struct Model {
    gru: VariationalGru,
    output: Linear,
}

#[derive(Config, Debug)]
struct ModelConfig {
    gru: VariationalGruConfig,
    output: LinearConfig,
}

impl ModelConfig {
    fn init(&self, device: &Device) -> Model {
        Model { gru: self.gru.init(device), output: self.output.init(device) }
    }
}

impl VariationalModel for Model {
    type Input = Tensor<3>;
    type Masks = (StackMasks, ());
    type Output = Tensor<3>;

    fn sample_masks(&self, extent: &SequenceExtent, draw: MaskDraw) -> Self::Masks {
        (&self.gru, &self.output).sample_masks(extent, draw)
    }

    fn run(&self, input: Tensor<3>, masks: &Self::Masks) -> Tensor<3> {
        (&self.gru, &self.output).run(input, masks)
    }
}

/// Two waves, and the sum of their values so far.
fn data(device: &Device) -> (Tensor<3>, Tensor<3>) {
    let steps = Tensor::<1, burn::tensor::Int>::arange(0..N_VALUES, device);
    let input = steps.float().mul_scalar(0.7).sin().reshape(DIMS);
    let target = input.clone().sum_dim(2).cumsum(1).tanh();
    (input, target)
}

fn train(config: &ModelConfig, device: &Device) -> Model {
    let device = device.clone().autodiff();
    let (mut model, mut optimizer) = (config.init(&device), AdamConfig::new().init());
    let (input, target) = data(&device);
    for step in 0..200 {
        let masks = model.masks_for(&input, MaskRng::seeded(1).draw(step));
        let output = model.run(input.clone(), &masks);
        let loss = (output - target.clone()).square().mean();
        let grads = GradientsParams::from_grads(loss.backward(), &model);
        model = optimizer.step(0.01, model, grads);
    }
    model.valid()
}

fn predict(model: &Model, device: &Device) -> Result<Vec<f32>> {
    let (input, _) = data(device);
    let prediction = MonteCarlo::new(20, MaskRng::seeded(2)).moments(model, &input)?;
    Ok(prediction.mean().into_data().try_to_vec()?)
}

fn main() -> Result<()> {
    let devices: Vec<_> = devices::names()
        .into_iter()
        .filter_map(|name| Some((name, devices::named(name)?)))
        .collect();
    let (first, device) = devices.first().context("no backend is compiled in")?;
    println!("trained on {first}");
    let folder = tempfile::tempdir()?;
    let saved = folder.path().join("model.bvm");
    let gru = VariationalGruConfig::new(DIMS[2], 16, true)
        .with_n_layers(2)
        .with_dropout(StackDropout::variational_untied(0.25, 0.25));
    let config = ModelConfig::new(gru, LinearConfig::new(16, 1));
    let model = train(&config, device);
    let expected = predict(&model, device)?;
    save_model(&saved, &config, &model)?;
    for (name, device) in &devices {
        let (_, model) = load_model(&saved, |config: &ModelConfig| config.init(device))?;
        let predicted = predict(&model, device)?;
        let differences = predicted.iter().zip(&expected).map(|(a, b)| (a - b).abs());
        let largest = differences.fold(0.0, f32::max);
        println!("predicted on {name}: largest difference from {first} {largest:.1e}");
        ensure!(largest <= TOLERANCE, "{name} differs from {first} by {largest}");
    }
    Ok(())
}
