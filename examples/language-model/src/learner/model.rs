//! The model as burn-train trains and validates it.

use burn::data::dataloader::batcher::Batcher;
use burn::module::Module;
use burn::optim::GradientsParams;
use burn::tensor::{Device, ExecutionError, Int, Tensor};
use burn::train::metric::Adaptor;
use burn::train::{InferenceStep, ItemLazy, TrainOutput, TrainStep};
use burn_variational::dropout::{
    DropoutPrior, MaskDraw, MaskRng, SequenceExtent, VariationalModel,
};
use burn_variational::mc::metrics::{ByMonteCarlo, ByWeightAveraging, RowMean};
use burn_variational::mc::{MonteCarlo, MonteCarloError};
use burn_variational::rnn::RecurrentCell;
use burn_variational::training::{Stamped, TokenWindow, clip_global_norm};

use crate::model::{LanguageModel, Masks};

/// Draws of a validation step.
const DRAWS: usize = 10;

/// Windows of one stream each, as the rows of a batch.
#[derive(Debug, Clone)]
pub(super) struct WindowBatch {
    /// `[batch_size, seq_length]`, as are the targets.
    pub(super) tokens: Tensor<2, Int>,
    pub(super) targets: Tensor<2, Int>,
}

/// Puts windows of one length below each other.
#[derive(Debug, Clone)]
pub(super) struct WindowBatcher;

impl Batcher<TokenWindow, WindowBatch> for WindowBatcher {
    fn batch(&self, windows: Vec<TokenWindow>, device: &Device) -> WindowBatch {
        let rows = |of: fn(&TokenWindow, &Device) -> Tensor<2, Int>| {
            Tensor::cat(windows.iter().map(|window| of(window, device)).collect(), 0)
        };
        WindowBatch { tokens: rows(TokenWindow::inputs_on), targets: rows(TokenWindow::targets_on) }
    }
}

/// What a training step needs beside model and batch.
#[derive(Debug, Clone)]
pub(super) struct StepSettings {
    pub(super) seed: u64,
    pub(super) max_norm: f64,
    /// That of the learned rates, if there are any.
    pub(super) prior: Option<DropoutPrior>,
    /// The devices whose gradients are added in a step.
    pub(super) n_devices: usize,
}

/// A model and what its steps need beside a batch.
#[derive(Module, Debug)]
pub(super) struct LanguageModelLearner<C: RecurrentCell> {
    model: LanguageModel<C>,
    #[module(skip)]
    settings: StepSettings,
}

impl<C: RecurrentCell> LanguageModelLearner<C> {
    pub(super) fn new(model: LanguageModel<C>, settings: StepSettings) -> Self {
        Self { model, settings }
    }

    /// The trained model, on the plain device.
    pub(super) fn into_model(self) -> LanguageModel<C> {
        self.model.valid()
    }
}

impl<C: RecurrentCell> TrainStep for LanguageModelLearner<C> {
    type Input = Stamped<WindowBatch>;
    type Output = TrainedTokens;

    fn step(&self, item: Self::Input) -> TrainOutput<TrainedTokens> {
        let Stamped { batch: WindowBatch { tokens, targets }, draw } = item;
        let StepSettings { seed, max_norm, prior, n_devices } = &self.settings;
        let model = &self.model;
        let masks = model.masks_for(&tokens, MaskRng::seeded(*seed).draw(draw));
        let [batch_size, _] = tokens.dims();
        // There is no place for a state that is carried from one window to the next.
        let losses = model.read(tokens, targets, None, &masks).losses;
        let loss = losses.clone().sum().div_scalar(batch_size as f64);
        let penalty = prior.as_ref().map(|prior| model.kl_penalty(prior));
        let loss = penalty.map_or(loss.clone(), |penalty| loss + penalty);
        let loss = loss.div_scalar(*n_devices as f64);
        let mut gradients = GradientsParams::from_grads(loss.backward(), self);
        // The rates have a learning rate of their own, which clipping is not for.
        clip_global_norm(&mut gradients, &model.weights(), max_norm / *n_devices as f64);
        TrainOutput { grads: gradients, item: TrainedTokens(TokenLosses(losses.inner())) }
    }
}

impl<C: RecurrentCell> InferenceStep for LanguageModelLearner<C> {
    type Input = Stamped<WindowBatch>;
    type Output = ValidatedTokens;

    fn step(&self, item: Self::Input) -> ValidatedTokens {
        let Stamped { batch: WindowBatch { tokens, targets }, draw } = item;
        let model = ProbabilityOfTargets(&self.model);
        let mc = MonteCarlo::new(DRAWS, MaskRng::seeded(self.settings.seed)).with_first_draw(draw);
        let input = (tokens, targets);
        let losses = |probabilities: Tensor<2>| TokenLosses(probabilities.log().neg());
        let averaged = losses(model.weight_averaged(input.clone()));
        match mc.moments(&model, &input) {
            Ok(moments) => ValidatedTokens { averaged, drawn: losses(moments.mean()) },
            // Without dropout there are no draws, and where training has diverged no numbers.
            Err(MonteCarloError::NoDraw | MonteCarloError::NotFinite { .. }) => {
                ValidatedTokens { drawn: averaged.clone(), averaged }
            }
            Err(error) => panic!("{error}"),
        }
    }
}

/// A model asked for the probability of each target, which draws average.
#[derive(Debug)]
struct ProbabilityOfTargets<'a, C: RecurrentCell>(&'a LanguageModel<C>);

impl<C: RecurrentCell> VariationalModel for ProbabilityOfTargets<'_, C> {
    type Input = (Tensor<2, Int>, Tensor<2, Int>);
    type Masks = Masks;
    type Output = Tensor<2>;

    fn sample_masks(
        &self,
        (extent, _): &(SequenceExtent, SequenceExtent),
        draw: MaskDraw,
    ) -> Masks {
        self.0.sample_masks(extent, draw)
    }

    /// `p(w_{t+1})`, `[batch_size, seq_length]`.
    fn run(&self, (tokens, targets): Self::Input, masks: &Masks) -> Tensor<2> {
        self.0.read(tokens, targets, None, masks).losses.neg().exp()
    }

    fn folds_draws(&self) -> bool {
        self.0.folds_draws()
    }
}

/// The cross-entropy `-log p(w_{t+1})` of each target, `[batch_size, seq_length]`.
#[derive(Debug, Clone)]
pub(super) struct TokenLosses(Tensor<2>);

impl TokenLosses {
    /// The name of the mean in the logs.
    pub(super) const CROSS_ENTROPY: &'static str = "Cross-entropy";

    /// The mean over tokens, in nats.
    pub(super) fn cross_entropy() -> RowMean<Self> {
        RowMean::new(Self::CROSS_ENTROPY, |losses: &Self| {
            losses.0.to_data().iter::<f64>().collect()
        })
    }

    /// Its exponential.
    pub(super) fn perplexity() -> RowMean<Self> {
        RowMean::new("Perplexity", |losses: &Self| losses.0.to_data().iter::<f64>().collect())
            .with_of_mean(f64::exp)
    }
}

/// What a training step gives: the losses under its masks.
#[derive(Debug, Clone)]
pub(super) struct TrainedTokens(TokenLosses);

/// What a validation step gives: the losses of both predictions.
#[derive(Debug, Clone)]
pub(super) struct ValidatedTokens {
    pub(super) averaged: TokenLosses,
    pub(super) drawn: TokenLosses,
}

impl Adaptor<ByWeightAveraging<TokenLosses>> for TrainedTokens {
    fn adapt(&self) -> ByWeightAveraging<TokenLosses> {
        ByWeightAveraging(self.0.clone())
    }
}

impl Adaptor<ByWeightAveraging<TokenLosses>> for ValidatedTokens {
    fn adapt(&self) -> ByWeightAveraging<TokenLosses> {
        ByWeightAveraging(self.averaged.clone())
    }
}

impl Adaptor<ByMonteCarlo<TokenLosses>> for ValidatedTokens {
    fn adapt(&self) -> ByMonteCarlo<TokenLosses> {
        ByMonteCarlo(self.drawn.clone())
    }
}

/// Metrics read tensors in a thread of their own: what computes them is sent off first.
impl ItemLazy for TrainedTokens {
    fn sync(self) -> Result<Self, ExecutionError> {
        self.0.0.device().flush()?;
        Ok(self)
    }
}

/// As that of training.
impl ItemLazy for ValidatedTokens {
    fn sync(self) -> Result<Self, ExecutionError> {
        self.drawn.0.device().flush()?;
        Ok(self)
    }
}
