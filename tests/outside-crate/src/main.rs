//! A model and a cell that the library has never heard of, trained and asked for its uncertainty.

use burn::optim::{AdamConfig, GradientsParams};
use burn::prelude::*;
use burn_variational::prelude::*;

/// `h_t = (1 - a) h_{t-1} ∘ z_l + a tanh((x_t ∘ z_x) W + (h_{t-1} ∘ z_h) U)`, with one leak `a` for
/// all units, and a site `z_l` that no cell of the library has.
#[derive(Module, Debug)]
struct LeakyCell {
    input: nn::Linear,
    recurrent: nn::Linear,
    leak: f64,
}

impl RecurrentCell for LeakyCell {
    type State = HiddenState;

    fn d_input(&self) -> usize {
        self.input.weight.dims()[0]
    }

    fn d_hidden(&self) -> usize {
        self.recurrent.weight.dims()[0]
    }

    fn initial_state(&self, batch_size: usize) -> HiddenState {
        HiddenState::new(Tensor::zeros([batch_size, self.d_hidden()], &self.recurrent.weight.device()))
    }

    fn sites(&self) -> Vec<CellSite> {
        vec![
            CellSite::new(Site::Input, self.d_input()),
            CellSite::new(Site::Recurrent, self.d_hidden()),
            CellSite::new(Site::named("leak"), self.d_hidden()),
        ]
    }

    fn project_input(&self, input: Tensor<3>, masks: &LayerMasks) -> Tensor<3> {
        self.input.forward(masks.get(&Site::Input).apply_tied(&input))
    }

    fn step(&self, projected: Tensor<2>, state: HiddenState, masks: &StepMasks) -> HiddenState {
        let dropped = masks.get(&Site::Recurrent).apply_tied(&state.hidden);
        let leaked = masks.get(&Site::named("leak")).apply_tied(&state.hidden);
        let new = (projected + self.recurrent.forward(dropped)).tanh();
        HiddenState::new(leaked * (1.0 - self.leak) + new * self.leak)
    }

    fn output(state: &HiddenState) -> Tensor<2> {
        state.hidden.clone()
    }
}

#[derive(Debug, Clone)]
struct LeakyCellConfig {
    d_input: usize,
    d_hidden: usize,
}

impl CellConfig for LeakyCellConfig {
    type Cell = LeakyCell;

    fn d_hidden(&self) -> usize {
        self.d_hidden
    }

    fn with_d_input(self, d_input: usize) -> Self {
        Self { d_input, ..self }
    }

    fn init(&self, device: &Device) -> LeakyCell {
        LeakyCell {
            input: nn::LinearConfig::new(self.d_input, self.d_hidden).init(device),
            recurrent: nn::LinearConfig::new(self.d_hidden, self.d_hidden).init(device),
            leak: 0.5,
        }
    }
}

#[derive(Module, Debug)]
struct Model {
    layers: RecurrentStack<LeakyCell>,
    output: nn::Linear,
}

impl VariationalModel for Model {
    type Input = Tensor<3>;
    type Masks = (StackMasks, ());
    type Output = Tensor<3>;

    fn sample_masks(&self, extent: &SequenceExtent, draw: MaskDraw) -> Self::Masks {
        (&self.layers, &self.output).sample_masks(extent, draw)
    }

    fn run(&self, input: Tensor<3>, masks: &Self::Masks) -> Tensor<3> {
        (&self.layers, &self.output).run(input, masks)
    }
}

fn main() {
    let device = Device::flex();
    let training = device.clone().autodiff();
    let dropout =
        StackDropout::variational(0.1, 0.1).with_input(0.0).with(Site::named("leak"), 0.1);
    let mut model = Model {
        layers: StackConfig::from_cell(LeakyCellConfig { d_input: 1, d_hidden: 16 })
            .with_n_layers(2)
            .with_dropout(dropout)
            .init(&training),
        output: nn::LinearConfig::new(16, 1).init(&training),
    };

    // The running mean of a wave.
    let wave = |device: &Device| {
        let steps = Tensor::<1, Int>::arange(0..80, device).float();
        (steps * 0.9).sin().reshape([8, 10, 1])
    };
    let input = wave(&training);
    let target = input.clone().cumsum(1) / 10.0;
    let mut optimizer = AdamConfig::new().init();
    let mut losses = Vec::new();
    for step in 0..150 {
        let masks = model.masks_for(&input, MaskRng::seeded(1).draw(step));
        let loss = (model.run(input.clone(), &masks) - target.clone()).square().mean();
        let grads = GradientsParams::from_grads(loss.backward(), &model);
        model = optimizer.step(0.01, model, grads);
        losses.push(loss.into_scalar::<f32>());
    }
    let mean = |losses: &[f32]| losses.iter().sum::<f32>() / losses.len() as f32;
    let (first, last) = (mean(&losses[..10]), mean(&losses[140..]));
    assert!(last < 0.5 * first, "the loss went from {first} to {last}");

    let (model, input) = (model.valid(), wave(&device));
    let prediction = MonteCarlo::new(30, MaskRng::seeded(2))
        .regression(&model, &input)
        .expect("the model draws masks");
    assert!(prediction.is_random());
    let variance = prediction.variance().mean().into_scalar::<f32>();
    assert!(variance > 0.0, "masks make predictions differ");
    println!("trained from {first:.4} to {last:.4}; predictive variance {variance:.2e}");
}
