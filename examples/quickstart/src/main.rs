//! A Bayesian LSTM regression: error bars that hold what they say, and widen where no data was.
#![allow(clippy::print_stdout, reason = "a program prints its results")]

use burn::optim::{AdamConfig, GradientsParams};
use burn::prelude::*;
use burn::tensor::Distribution;
use burn_variational::plot::PredictiveBand;
use burn_variational::prelude::*;

#[derive(Module, Debug)]
struct Model {
    lstm: VariationalLstm,
    head: nn::Linear,
}

impl VariationalModel for Model {
    type Input = Tensor<3>;
    type Masks = StackMasks;
    type Output = Tensor<2>;

    fn sample_masks(&self, extent: &SequenceExtent, draw: MaskDraw) -> StackMasks {
        self.lstm.sample_masks(extent, draw.part("lstm"))
    }

    fn run(&self, input: Tensor<3>, masks: &StackMasks) -> Tensor<2> {
        let (output, _) = self.lstm.forward(input, None, masks);
        self.head.forward(output.slice_dim(1, 3..4).squeeze_dim(1))
    }
}

/// What is observed at x, and the four steps that lead there: a sine, and noise of precision 100.
fn observe(xs: &Tensor<2>) -> (Tensor<3>, Tensor<2>) {
    let steps = [-0.3, -0.2, -0.1, 0.0].map(|step| xs.clone() + step);
    let noise = Tensor::random(xs.dims(), Distribution::Normal(0.0, 0.1), &xs.device());
    (Tensor::stack(steps.to_vec(), 1), xs.clone().sin() + noise)
}

/// Trains on 200 observations between -3 and 3.
fn train(device: &Device) -> Model {
    let dropout = StackDropout::none().with_recurrent(0.25).with_output(0.1);
    let lstm = VariationalLstmConfig::new(1, 64, true).with_dropout(dropout).init(device);
    let head = nn::LinearConfig::new(64, 1).init(device);
    let (mut model, mut optimizer) = (Model { lstm, head }, AdamConfig::new().init());

    // The prior over the weights, as strong as 200 observations of this precision leave it.
    let prior = DropoutPrior::new(0.1, 200).with_precision(100.0);
    let kl = model.lstm.kl_term(&prior).at("lstm");
    let kl = kl.and(prior.linear(&model.head, Some(0.1.into())).at("head"));

    let xs = Tensor::random([200, 1], Distribution::Uniform(-3.0, 3.0), device);
    let (input, target) = observe(&xs);
    let rng = MaskRng::seeded(1);
    for step in 0..1000 {
        let masks = model.masks_for(&input, rng.draw(step));
        let error = model.run(input.clone(), &masks) - target.clone();
        let loss = error.square().mean() / 2.0 + kl.penalty(&model);
        let gradients = GradientsParams::from_grads(loss.backward(), &model);
        model = optimizer.step(0.005, model, gradients);
    }
    model.valid()
}

/// The mean and the standard deviation of what will be observed, by a hundred draws of the masks.
fn predict(model: &Model, input: &Tensor<3>) -> Result<[Tensor<2>; 2], MonteCarloError> {
    let moments = MonteCarlo::new(100, MaskRng::seeded(2)).moments(model, input)?;
    // What the model does not know, and the noise of what is observed, 1/τ.
    Ok([moments.mean(), (moments.variance() + 1.0 / 100.0).sqrt()])
}

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let device = Device::flex();
    device.seed(1);
    let model = train(&device.clone().autodiff());

    // 90 % of what is observed should lie within 1.645 standard deviations.
    let xs = Tensor::random([2000, 1], Distribution::Uniform(-3.0, 3.0), &device);
    let (input, target) = observe(&xs);
    let [mean, deviation] = predict(&model, &input)?;
    let within = (target - mean).abs().lower_equal(deviation * 1.645).float().mean();
    println!("{:.1} % of new observations within 90 %", 100.0 * within.into_scalar::<f32>());
    draw_picture(&model, &device)?;
    Ok(())
}

/// Draws mean and deviations over the data and far beyond, to quickstart.png.
fn draw_picture(model: &Model, device: &Device) -> Result<(), Box<dyn std::error::Error>> {
    let xs = Tensor::<1, Int>::arange(-80..81, device).float().unsqueeze_dim(1) / 10.0;
    let prediction = predict(model, &observe(&xs).0)?;
    let list = |values: Tensor<2>| values.into_data().iter::<f64>().collect::<Vec<_>>();
    let [mean, deviation] = prediction.map(list);
    println!("standard deviation: {:.2} at x = 0, {:.2} at x = 8", deviation[80], deviation[160]);
    let xs = list(xs);
    let truth = xs.clone().into_iter().map(|x| (x, x.sin()));
    let predicted = xs.into_iter().zip(mean).zip(deviation).map(|((x, mean), std)| (x, mean, std));
    PredictiveBand::new("Bayesian LSTM: mean and two standard deviations")
        .with_truth(truth)
        .with_prediction(predicted)
        .with_training_range(-3.0, 3.0)
        .save("quickstart.png")?;
    Ok(())
}
