//! An LSTM regression that learns its dropout rates: how they go with the size of the data.

use burn::module::Module;
use burn::nn::{Linear, LinearConfig};
use burn::optim::{AdamConfig, GradientsParams};
use burn::prelude::*;
use burn_variational::dropout::{ConcreteDropout, ConcreteDropoutConfig};
use burn_variational::prelude::*;
use burn_variational::rnn::{CellConfig, LstmCell, LstmCellConfig};

const UNITS: usize = 16;
const SEQ_LENGTH: usize = 2;
/// The noise of what is observed, which the model knows.
const NOISE: f64 = 0.1;
const MOST_ROWS: usize = 100;

/// An LSTM and a linear layer, with a learned rate on `h_{t-1}` and on what the LSTM gives.
#[derive(Module, Debug)]
struct Model {
    layer: RecurrentLayer<LstmCell>,
    head: Linear,
    recurrent: ConcreteDropout,
    output: ConcreteDropout,
}

impl Model {
    fn new(device: &Device) -> Self {
        let cell = LstmCellConfig::new(1, UNITS, true).init(device);
        let site = || ConcreteDropoutConfig::new(UNITS).with_initial_prob(0.1).init(device);
        Self {
            layer: RecurrentLayer::new(cell, LayerDropout::none()),
            head: LinearConfig::new(UNITS, 1).init(device),
            recurrent: site(),
            output: site(),
        }
    }

    /// The KL term of the weights that no learned rate is in front of.
    fn kl_term(&self, prior: &DropoutPrior) -> KlTerm {
        let apart = KlTerm::new()
            .with_param("layer.cell.gates.recurrent", 0.0)
            .with_param("head.weight", 0.0);
        let layer = self.layer.kl_term(prior).at("layer");
        layer.and(prior.linear(&self.head, None).at("head")).and(apart)
    }

    /// The terms of the rates, and of the weights behind them.
    fn rates_penalty(&self, prior: &DropoutPrior) -> Tensor<1> {
        self.recurrent.penalty(&[self.layer.cell.gates.recurrent.val()], prior)
            + self.output.penalty(&[self.head.weight.val()], prior)
    }
}

impl VariationalModel for Model {
    type Input = Tensor<3>;
    type Masks = LayerMasks;
    type Output = Tensor<2>;

    fn sample_masks(&self, extent: &SequenceExtent, draw: MaskDraw) -> LayerMasks {
        let sample = |site: &ConcreteDropout, part| {
            SiteMasks::tied(site.sample(extent.batch_size(), &draw.part(part)))
        };
        LayerMasks::identity()
            .with_recurrent(sample(&self.recurrent, "recurrent"))
            .with_output(sample(&self.output, "output"))
    }

    fn run(&self, input: Tensor<3>, masks: &LayerMasks) -> Tensor<2> {
        let (output, _) = self.layer.forward(input, None, masks);
        self.head.forward(output.slice_dim(1, SEQ_LENGTH - 1..SEQ_LENGTH).squeeze_dim(1))
    }
}

/// What a training run ended with.
#[derive(Debug, Clone, PartialEq)]
pub struct Learned {
    /// The number of observations.
    pub n_observations: usize,
    /// The seed of data, weights and masks.
    pub seed: u64,
    /// The rate on `h_{t-1}`.
    pub recurrent: f64,
    /// The rate on the output.
    pub output: f64,
}

/// Learns the rates from so many observations, in so many steps of the optimiser.
pub fn learn(n_observations: usize, n_steps: u64, seed: u64, device: &Device) -> Learned {
    device.seed(seed);
    let mut model = Model::new(&device.clone().autodiff());
    let prior = DropoutPrior::new(0.1, n_observations).with_precision(NOISE.powi(-2));
    let kl = model.kl_term(&prior);
    let mut optimizer = AdamConfig::new().init();
    let rng = MaskRng::seeded(seed);
    let (inputs, targets) = observations(n_observations, rng, &device.clone().autodiff());
    for step in 0..n_steps {
        let first = step as usize * MOST_ROWS % n_observations;
        let rows = first..n_observations.min(first + MOST_ROWS);
        let input = inputs.clone().slice_dim(0, rows.clone());
        let masks = model.masks_for(&input, rng.draw(step).part("model"));
        let error = model.run(input, &masks) - targets.clone().slice_dim(0, rows);
        let penalty = kl.penalty(&model) + model.rates_penalty(&prior);
        let loss = error.square().mean() / 2.0 + penalty;
        let gradients = GradientsParams::from_grads(loss.backward(), &model);
        model = optimizer.step(0.02, model, gradients);
    }
    let (recurrent, output) = (model.recurrent.rate(), model.output.rate());
    Learned { n_observations, seed, recurrent, output }
}

/// A noisy sine of `x`, and the steps that lead there; of one seed, the smaller set is a part of
/// the larger.
fn observations(n: usize, rng: MaskRng, device: &Device) -> (Tensor<3>, Tensor<2>) {
    let draw = rng.scope("observations").draw(0);
    let (mut inputs, mut targets) = (Vec::new(), Vec::new());
    for row in draw.rows(n, 0, false) {
        let x = 6.0 * row.uniform(0) - 3.0;
        inputs.extend([-0.3, 0.0].map(|step| (x + step) as f32));
        targets.push((x.sin() + NOISE * row.normal(1)) as f32);
    }
    let inputs = Tensor::from_data(TensorData::new(inputs, [n, SEQ_LENGTH, 1]), device);
    (inputs, Tensor::from_data(TensorData::new(targets, [n, 1]), device))
}
