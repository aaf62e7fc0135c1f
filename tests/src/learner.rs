//! A small model in burn-train's learner, on devices of one's choice.

use std::sync::Arc;

use burn::data::dataloader::batcher::Batcher;
use burn::data::dataloader::{DataLoader, DataLoaderBuilder};
use burn::data::dataset::InMemDataset;
use burn::nn::{Linear, LinearConfig};
use burn::optim::SgdConfig;
use burn::prelude::*;
use burn::train::{
    ExecutionStrategy, InferenceStep, Learner, RegressionOutput, SupervisedTraining, TrainOutput,
    TrainStep,
};
use burn_variational::dropout::VariationalModel;
use burn_variational::mc::metrics::ValidatedRegression;
use burn_variational::prelude::*;
use burn_variational::training::{NumberedDataset, Stamped, StampedBatcher, StampedLoader};

const STEPS: usize = 5;
const BATCH_SIZE: usize = 4;

/// A recurrent regression with masks of all kinds.
#[derive(Module, Debug)]
pub struct LearnedModel {
    lstm: VariationalLstm,
    head: Linear,
}

impl LearnedModel {
    /// The same parameters every time.
    pub fn seeded(device: &Device) -> Self {
        device.seed(1);
        let dropout = StackDropout::variational(0.25, 0.4);
        Self {
            lstm: VariationalLstmConfig::new(1, 6, true).with_dropout(dropout).init(device),
            head: LinearConfig::new(6, 1).init(device),
        }
    }

    /// All its parameters, in order.
    pub fn values(&self) -> Vec<f64> {
        struct Values(Vec<f64>);
        impl burn::module::ModuleVisitor for Values {
            fn visit_float<const D: usize>(&mut self, param: &burn::module::Param<Tensor<D>>) {
                self.0.extend(param.val().into_data().iter::<f64>());
            }
        }
        let mut values = Values(Vec::new());
        self.visit(&mut values);
        values.0
    }
}

impl VariationalModel for LearnedModel {
    type Input = Tensor<3>;
    type Masks = StackMasks;
    type Output = Tensor<2>;

    fn sample_masks(&self, extent: &SequenceExtent, draw: MaskDraw) -> StackMasks {
        self.lstm.sample_masks(extent, draw.part("lstm"))
    }

    fn run(&self, input: Tensor<3>, masks: &StackMasks) -> Tensor<2> {
        let (last, _) = self.lstm.forward_to_last(input, None, masks);
        self.head.forward(last)
    }
}

/// Sequences and what follows them.
type Batch = (Tensor<3>, Tensor<2>);

#[derive(Clone)]
struct Sequences;

impl Batcher<usize, Batch> for Sequences {
    fn batch(&self, items: Vec<usize>, device: &Device) -> Batch {
        let value = |item: usize, step: usize| ((item * STEPS + step) as f32).sin();
        let n = items.len();
        let inputs: Vec<f32> =
            items.iter().flat_map(|&item| (0..STEPS).map(move |step| value(item, step))).collect();
        let targets: Vec<f32> = items.iter().map(|&item| value(item, STEPS)).collect();
        (
            Tensor::from_data(TensorData::new(inputs, [n, STEPS, 1]), device),
            Tensor::from_data(TensorData::new(targets, [n, 1]), device),
        )
    }
}

impl TrainStep for LearnedModel {
    type Input = Stamped<Batch>;
    type Output = RegressionOutput;

    fn step(
        &self,
        Stamped { batch: (input, target), draw }: Self::Input,
    ) -> TrainOutput<RegressionOutput> {
        let masks = self.masks_for(&input, MaskRng::seeded(1).draw(draw));
        let output = self.run(input, &masks);
        let loss = (output.clone() - target.clone()).square().mean();
        let gradients = loss.backward();
        TrainOutput::new(self, gradients, RegressionOutput::new(loss, output, target))
    }
}

impl InferenceStep for LearnedModel {
    type Input = Stamped<Batch>;
    type Output = ValidatedRegression;

    fn step(&self, Stamped { batch: (input, target), draw }: Self::Input) -> ValidatedRegression {
        let mc = MonteCarlo::new(4, MaskRng::seeded(2)).with_first_draw(draw);
        ValidatedRegression::new(&mc, self, &input, target, 1.0).expect("the model has masks")
    }
}

/// So many sequences in batches that know their draws.
fn loader(n_items: usize) -> Arc<dyn DataLoader<Stamped<Batch>>> {
    let dataset = NumberedDataset::new(InMemDataset::new((0..n_items).collect()));
    let builder = DataLoaderBuilder::new(StampedBatcher::new(Sequences)).batch_size(BATCH_SIZE);
    Arc::new(StampedLoader::new(builder.set_device(Device::flex()).build(dataset)))
}

/// The parameters after one epoch of plain gradient descent on so many batches, whose gradients are
/// added up so many at a time.
///
/// # Panics
///
/// If the training fails.
pub fn learned(strategy: ExecutionStrategy, n_batches: usize, accumulated: usize) -> Vec<f64> {
    let folder = tempfile::tempdir().expect("there is room for a folder");
    let model = LearnedModel::seeded(&strategy.main_device().clone().autodiff());
    let learner = Learner::new(model, SgdConfig::new().init(), 0.1);
    let result =
        SupervisedTraining::new(folder.path(), loader(n_batches * BATCH_SIZE), loader(BATCH_SIZE))
            .with_training_strategy(strategy.into())
            .with_application_logger(None)
            .grads_accumulation(accumulated)
            .num_epochs(1)
            .launch(learner);
    if let Some(error) = result.error {
        panic!("the training failed: {error}");
    }
    result.model.values()
}

/// Asserts that one step of gradient descent came to the same: by its length from the parameters that
/// it began with.
///
/// # Panics
///
/// If it is more than `1e-5` of that away.
pub fn assert_step(found: &[f64], expected: &[f64], what: &str) {
    let start = LearnedModel::seeded(&Device::flex()).values();
    let length =
        |a: &[f64], b: &[f64]| a.iter().zip(b).map(|(a, b)| (a - b).powi(2)).sum::<f64>().sqrt();
    let (step, error) = (length(expected, &start), length(found, expected));
    assert!(step > 1e-3, "{what}: the step has a length of {step}");
    assert!(error <= 1e-5 * step, "{what}: {error:.1e} off a step of {step:.1e}");
}
