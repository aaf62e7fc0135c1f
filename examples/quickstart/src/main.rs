//! A Bayesian LSTM regression whose error bars widen outside the training range.
#![allow(clippy::print_stdout, reason = "a program prints its results")]

use burn::optim::{AdamConfig, GradientsParams};
use burn::prelude::*;
use burn_variational::plot::PredictiveBand;
use burn_variational::prelude::*;

#[derive(Module, Debug)]
struct Model {
    lstm: VariationalLstm,
    output: nn::Linear,
}

impl Model {
    /// The value at each x, from the four steps that lead to it, for the draws of `rng`.
    fn forward(&self, xs: Tensor<2>, rng: &MaskRng) -> Tensor<2> {
        let (dims, device) = ([xs.dims()[0], 4], xs.device());
        let steps = [-0.3, -0.2, -0.1, 0.0].map(|step| xs.clone() + step);
        let masks = self.lstm.sample_masks(dims, rng, &device);
        let (output, _) = self.lstm.forward(Tensor::stack(steps.to_vec(), 1), None, &masks);
        self.output.forward(output.slice_dim(1, 3..4).squeeze_dim(1))
    }
}

/// The x from -n/10 to n/10 in steps of a tenth.
fn grid(n: i64, device: &Device) -> Tensor<2> {
    Tensor::<1, Int>::arange(-n..n + 1, device).float().unsqueeze_dim(1) / 10.0
}

fn main() -> anyhow::Result<()> {
    let (device, training) = (Device::flex(), Device::flex().autodiff());
    let dropout = StackDropout::variational(0.1, 0.1).with_input(None);
    let lstm = VariationalLstmConfig::new(1, 64, true).with_dropout(dropout);
    let (lstm, output) = (lstm.init(&training), nn::LinearConfig::new(64, 1).init(&training));
    let (mut model, mut optimizer) = (Model { lstm, output }, AdamConfig::new().init());
    let xs = grid(30, &training);
    for step in 0..1000 {
        let output = model.forward(xs.clone(), &MaskRng::seeded(1).draw(step));
        let loss = (output - xs.clone().sin()).square().mean();
        let grads = GradientsParams::from_grads(loss.backward(), &model);
        model = optimizer.step(0.005, model, grads);
    }

    let (model, xs) = (model.valid(), grid(80, &device));
    let draws = MonteCarlo::new(200, MaskRng::seeded(2));
    let prediction = draws.regression(161, |pass| model.forward(pass.fold(&xs), pass.rng()))?;
    let list = |values: Tensor<2>| values.into_data().iter::<f64>().collect::<Vec<_>>();
    let (mean, std) = (list(prediction.mean()), list(prediction.variance().sqrt()));
    anyhow::ensure!(std[160] > 2.0 * std[80], "the error bars must widen");
    println!("standard deviation: {:.3} at x = 0, {:.3} at x = 8", std[80], std[160]);
    let xs = list(xs);
    let truth = xs.clone().into_iter().map(|x| (x, x.sin()));
    let predicted = xs.into_iter().zip(mean).zip(std).map(|((x, mean), std)| (x, mean, std));
    let chart = PredictiveBand::new("Bayesian LSTM: mean and two standard deviations");
    let chart = chart.with_truth(truth).with_prediction(predicted);
    chart.with_training_range(-3.0, 3.0).save("quickstart.png")?;
    Ok(())
}
