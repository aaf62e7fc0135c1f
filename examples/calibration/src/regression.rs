//! An LSTM that learns a noisy sine.

use burn::nn::{Linear, LinearConfig};
use burn::optim::{AdamConfig, GradientsParams};
use burn::prelude::*;
use burn_variational::prelude::*;

/// The standard deviation of the noise of what is observed.
pub const NOISE: f64 = 0.1;
const UNITS: usize = 64;
/// The steps that lead to where the sine is observed.
const STEPS: [f64; 4] = [-0.3, -0.2, -0.1, 0.0];
const BATCH_SIZE: usize = 250;

/// Observations of a sine, with noise.
#[derive(Debug, Clone)]
pub struct Rows {
    /// The last steps of `x`, `[n_rows, 4, 1]`.
    pub inputs: Tensor<3>,
    /// `sin x` and noise at the last of them, `[n_rows, 1]`.
    pub observed: Tensor<2>,
}

impl Rows {
    /// So many of them, with `x` uniform in `[-3, 3)`; another name, other rows.
    pub fn sampled(n_rows: usize, name: &str, seed: u64, device: &Device) -> Self {
        let draw = MaskRng::seeded(seed).scope("rows").draw(0).part(name);
        let rows = draw.rows(n_rows, 0, false);
        let (xs, ys): (Vec<f64>, Vec<f64>) = rows
            .map(|row| {
                let x = 6.0 * row.uniform(0) - 3.0;
                (x, x.sin() + NOISE * row.normal(1))
            })
            .unzip();
        let observed = TensorData::new(ys, [n_rows, 1]);
        Self { inputs: inputs(&xs, device), observed: Tensor::from_data(observed, device) }
    }

    /// The number of rows.
    pub fn n_rows(&self) -> usize {
        self.observed.dims()[0]
    }

    fn slice(&self, rows: std::ops::Range<usize>) -> Self {
        Self {
            inputs: self.inputs.clone().slice_dim(0, rows.clone()),
            observed: self.observed.clone().slice_dim(0, rows),
        }
    }
}

/// The steps that lead to each `x`, `[n_rows, 4, 1]`.
pub fn inputs(xs: &[f64], device: &Device) -> Tensor<3> {
    let steps: Vec<f64> = xs.iter().flat_map(|x| STEPS.map(|step| x + step)).collect();
    Tensor::from_data(TensorData::new(steps, [xs.len(), STEPS.len(), 1]), device)
}

/// An LSTM and a linear layer after its last step.
#[derive(Module, Debug)]
pub struct Regression {
    lstm: VariationalLstm,
    head: Linear,
}

impl Regression {
    /// Trains on these rows for so many steps of the optimiser.
    pub fn train(rows: &Rows, n_steps: u64, seed: u64) -> Self {
        let device = rows.inputs.device().autodiff();
        device.seed(seed);
        let dropout = StackDropout::none().with_recurrent(0.05).with_output(0.02);
        let lstm = VariationalLstmConfig::new(1, UNITS, true).with_dropout(dropout).init(&device);
        let head = LinearConfig::new(UNITS, 1).init(&device);
        let mut model = Self { lstm, head };
        let prior = DropoutPrior::new(0.1, rows.n_rows()).with_precision(NOISE.powi(-2));
        let kl = model.lstm.kl_term(&prior).at("lstm");
        let kl = kl.and(prior.linear(&model.head, Some(0.02.into())).at("head"));
        let mut optimizer = AdamConfig::new().init();
        for step in 0..n_steps {
            let first = step as usize * BATCH_SIZE % rows.n_rows();
            let batch = rows.slice(first..rows.n_rows().min(first + BATCH_SIZE));
            let inputs = Tensor::from_data(batch.inputs.into_data(), &device);
            let observed = Tensor::from_data(batch.observed.into_data(), &device);
            let masks = model.masks_for(&inputs, MaskRng::seeded(seed).draw(step));
            let error = model.run(inputs, &masks) - observed;
            let loss = error.square().mean() / 2.0 + kl.penalty(&model);
            let gradients = GradientsParams::from_grads(loss.backward(), &model);
            // Falls to nothing, so that the last weights are not those of one batch.
            let rate = 0.005 * (1.0 - step as f64 / n_steps as f64);
            model = optimizer.step(rate, model, gradients);
        }
        model.valid()
    }
}

impl VariationalModel for Regression {
    type Input = Tensor<3>;
    type Masks = StackMasks;
    type Output = Tensor<2>;

    fn sample_masks(&self, extent: &SequenceExtent, draw: MaskDraw) -> StackMasks {
        self.lstm.sample_masks(extent, draw.part("lstm"))
    }

    fn run(&self, input: Tensor<3>, masks: &StackMasks) -> Tensor<2> {
        let (output, _) = self.lstm.forward(input, None, masks);
        let last = STEPS.len() - 1;
        self.head.forward(output.slice_dim(1, last..=last).squeeze_dim(1))
    }
}
