//! The model as burn-train trains and validates it.

use burn::data::dataloader::batcher::Batcher;
use burn::module::Module;
use burn::tensor::{Device, Tensor};
use burn::train::{InferenceStep, RegressionOutput, TrainOutput, TrainStep};
use burn_variational::dropout::{MaskRng, VariationalModel};
use burn_variational::mc::metrics::ValidatedRegression;
use burn_variational::mc::metrics::regression::RegressionInput;
use burn_variational::mc::{MonteCarlo, MonteCarloError};
use burn_variational::rnn::RecurrentCell;
use burn_variational::training::Stamped;

use crate::model::SentimentModel;
use crate::pieces::{Piece, Pieces, Tokens};
use crate::prediction::PASS_ROWS;
use crate::training::CURVE_DRAWS;

/// Pieces and their ratings.
#[derive(Debug, Clone)]
pub(crate) struct ReviewBatch {
    tokens: Tokens,
    /// Standardised, `[batch_size, 1]`.
    targets: Tensor<2>,
}

/// Pads pieces.
#[derive(Debug, Clone)]
pub(crate) struct ReviewBatcher;

impl Batcher<Piece, ReviewBatch> for ReviewBatcher {
    fn batch(&self, items: Vec<Piece>, device: &Device) -> ReviewBatch {
        let (numbers, pieces) = ((0..items.len()).collect::<Vec<_>>(), Pieces::new(items));
        ReviewBatch {
            tokens: pieces.tokens_of(&numbers, device),
            targets: pieces.targets_of(&numbers, device),
        }
    }
}

/// A model and what its steps need beside a batch.
#[derive(Module, Debug)]
pub(crate) struct SentimentLearner<C: RecurrentCell> {
    model: SentimentModel<C>,
    #[module(skip)]
    seed: u64,
    #[module(skip)]
    precision: f64,
    /// The devices whose gradients are added in a step.
    #[module(skip)]
    n_devices: usize,
}

impl<C: RecurrentCell> SentimentLearner<C> {
    pub(crate) fn new(
        model: SentimentModel<C>,
        seed: u64,
        precision: f64,
        n_devices: usize,
    ) -> Self {
        Self { model, seed, precision, n_devices }
    }

    /// The trained model, on the plain device.
    pub(crate) fn into_model(self) -> SentimentModel<C> {
        self.model.valid()
    }
}

impl<C: RecurrentCell> TrainStep for SentimentLearner<C> {
    type Input = Stamped<ReviewBatch>;
    type Output = RegressionOutput;

    fn step(&self, item: Self::Input) -> TrainOutput<RegressionOutput> {
        let Stamped { batch: ReviewBatch { tokens, targets }, draw } = item;
        let masks = self.model.masks_for(&tokens, MaskRng::seeded(self.seed).draw(draw));
        let output = self.model.run(tokens, &masks);
        // The KL term, which is the decay of the optimiser, is for half the squared error.
        let loss = (output.clone() - targets.clone()).square().mean() / 2.0;
        let gradients = loss.clone().div_scalar(self.n_devices as f64).backward();
        TrainOutput::new(self, gradients, RegressionOutput::new(loss, output, targets))
    }
}

impl<C: RecurrentCell> InferenceStep for SentimentLearner<C> {
    type Input = Stamped<ReviewBatch>;
    type Output = ValidatedRegression;

    fn step(&self, item: Self::Input) -> ValidatedRegression {
        let Stamped { batch: ReviewBatch { tokens, targets }, draw } = item;
        let mc = MonteCarlo::new(CURVE_DRAWS, MaskRng::seeded(self.seed))
            .with_first_draw(draw)
            .with_max_rows(PASS_ROWS);
        match ValidatedRegression::new(&mc, &self.model, &tokens, targets.clone(), self.precision) {
            Ok(validated) => validated,
            // Without dropout there are no draws, and where training has diverged no numbers.
            Err(MonteCarloError::NoDraw | MonteCarloError::NotFinite { .. }) => {
                let output = vec![self.model.weight_averaged(tokens)];
                let averaged = RegressionInput::new(output, targets, self.precision);
                ValidatedRegression { drawn: averaged.clone(), averaged }
            }
            Err(error) => panic!("{error}"),
        }
    }
}
