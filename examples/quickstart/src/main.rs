//! A Bayesian LSTM regression whose error bars widen outside the training range.
#![allow(clippy::print_stdout, reason = "a program prints its results")]

use burn::optim::{AdamConfig, GradientsParams};
use burn::prelude::*;
use burn_variational::mc::plot::PredictiveBand;
use burn_variational::prelude::*;

#[derive(Module, Debug)]
struct Model {
    lstm: VariationalLstm,
    output: nn::Linear,
}

impl Model {
    /// The value that follows each sequence, for the draws of `rng`.
    fn forward(&self, input: Tensor<3>, rng: &MaskRng) -> Tensor<2> {
        let [batch_size, seq_length, _] = input.dims();
        let masks = self
            .lstm
            .sample_masks([batch_size, seq_length], rng, &input.device());
        let (_, state) = self.lstm.forward(input, None, &masks);
        self.output.forward(state.layers[0].hidden.clone())
    }
}

/// Sequences of four steps of 0.1 that end at each x.
fn sequences(xs: &Tensor<2>) -> Tensor<3> {
    let steps = [-0.3, -0.2, -0.1, 0.0].map(|step| xs.clone().add_scalar(step));
    Tensor::stack(steps.to_vec(), 1)
}

fn main() -> anyhow::Result<()> {
    let (device, training) = (Device::flex(), Device::flex().autodiff());
    let dropout = StackDropout::variational(0.1, 0.1).with_input(None);
    let lstm = VariationalLstmConfig::new(1, 64, true)
        .with_dropout(dropout)
        .init(&training);
    let mut model = Model {
        lstm,
        output: nn::LinearConfig::new(64, 1).init(&training),
    };
    let mut optimizer = AdamConfig::new().init();
    let grid = |n: i64, d: &Device| {
        Tensor::<1, Int>::arange(-n..n + 1, d)
            .float()
            .div_scalar(10.0)
    };
    let xs = grid(30, &training).unsqueeze_dim::<2>(1);
    for step in 0..1000 {
        let output = model.forward(sequences(&xs), &MaskRng::seeded(1).draw(step));
        let loss = (output - xs.clone().sin()).square().mean();
        let grads = GradientsParams::from_grads(loss.backward(), &model);
        model = optimizer.step(0.005, model, grads);
    }

    let (model, xs) = (model.valid(), grid(80, &device).unsqueeze_dim::<2>(1));
    let input = sequences(&xs);
    let prediction = MonteCarlo::new(200, MaskRng::seeded(2)).regression(xs.dims()[0], |pass| {
        model.forward(pass.fold(&input), pass.rng())
    })?;
    let list = |values: Tensor<2>| values.into_data().iter::<f64>().collect::<Vec<_>>();
    let (mean, std) = (list(prediction.mean()), list(prediction.variance().sqrt()));
    println!(
        "standard deviation at x = 0: {:.3}, at x = 8: {:.3}",
        std[80], std[160]
    );
    let truth = list(xs.clone()).into_iter().map(|x| (x, x.sin())).collect();
    let chart = PredictiveBand::new("Bayesian LSTM: mean and two standard deviations");
    let chart = chart.with_prediction(list(xs), mean, std).with_truth(truth);
    Ok(chart
        .with_training_range(-3.0, 3.0)
        .save("quickstart.png")?)
}
