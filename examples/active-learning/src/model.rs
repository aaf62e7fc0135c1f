//! A GRU that says what a reading shows.

use burn::nn::loss::CrossEntropyLossConfig;
use burn::nn::{Linear, LinearConfig};
use burn::optim::{AdamConfig, GradientsParams};
use burn::prelude::*;
use burn_variational::prelude::*;

use crate::readings::N_CLASSES;

const UNITS: usize = 32;
const RATE: f64 = 0.2;

/// A GRU, and a linear layer after its last step.
#[derive(Module, Debug)]
pub(crate) struct Classifier {
    gru: VariationalGru,
    head: Linear,
}

impl Classifier {
    /// Trains a new one on these rows, all of them a step.
    pub(crate) fn train(
        values: &Tensor<3>,
        classes: &Tensor<1, Int>,
        n_steps: u64,
        seed: u64,
    ) -> Self {
        let device = values.device().autodiff();
        device.seed(seed);
        let dropout = StackDropout::variational(0.0, RATE).with_output(RATE);
        let mut model = Self {
            gru: VariationalGruConfig::new(1, UNITS, true).with_dropout(dropout).init(&device),
            head: LinearConfig::new(UNITS, N_CLASSES).init(&device),
        };
        let values = Tensor::from_data(values.to_data(), &device);
        let classes = Tensor::from_data(classes.to_data(), &device);
        let (loss, mut optimizer) =
            (CrossEntropyLossConfig::new().init(&device), AdamConfig::new().init());
        for step in 0..n_steps {
            let masks = model.masks_for(&values, MaskRng::seeded(seed).draw(step));
            let logits = model.run(values.clone(), &masks);
            let loss = loss.forward(logits, classes.clone());
            let gradients = GradientsParams::from_grads(loss.backward(), &model);
            model = optimizer.step(0.01, model, gradients);
        }
        model.valid()
    }
}

impl VariationalModel for Classifier {
    type Input = Tensor<3>;
    type Masks = StackMasks;
    type Output = Tensor<2>;

    fn sample_masks(&self, extent: &SequenceExtent, draw: MaskDraw) -> StackMasks {
        self.gru.sample_masks(extent, draw.part("gru"))
    }

    fn run(&self, input: Tensor<3>, masks: &StackMasks) -> Tensor<2> {
        let (output, _) = self.gru.forward(input, None, masks);
        let last = output.dims()[1] - 1;
        self.head.forward(output.slice_dim(1, last..=last).squeeze_dim(1))
    }
}
