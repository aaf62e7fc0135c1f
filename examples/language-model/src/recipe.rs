//! How a method is trained.

use burn::module::ParamGroup;
use burn::optim::{Adam, AdamConfig, LearningRate, ModuleOptimizer, Optimizer};
use burn::tensor::{Device, Tensor};
use burn_variational::dropout::{DropoutPrior, MaskRng};
use burn_variational::training::{
    Decay, NtAsgd, PlainSgd, RandomLengths, TokenWindow, TokenWindows, with_decays,
};

use crate::method::Method;
use crate::preset::{Preset, Schedule};

/// The prior length scale of the learned rates: with it `2λ` of the medium model on the whole Penn
/// Treebank, 26,540 terms, is Gal's decay of 1e-7.
const LENGTH_SCALE: f64 = 0.05;
/// Of Adam for the logits of rates, whatever the learning rate of the weights: as Gal, Hron &
/// Kendall have it for theirs, but ten times as much, there being few steps.
const RATE_LR: f64 = 0.01;

/// How a method is trained.
#[derive(Debug, Clone)]
pub(crate) struct Recipe {
    pub(crate) schedule: Schedule,
    pub(crate) max_norm: f64,
    decay: Option<(Decay, f64)>,
    /// Of AWD-LSTM alone.
    pub(crate) awd: Option<AwdRecipe>,
    /// Whether rates are learned, and the KL term is part of the loss.
    pub(crate) learns_rates: bool,
}

/// What AWD-LSTM adds to training (Merity et al. 2017). Its loss is a mean over tokens, and not a
/// sum over steps, which the learning rate and the norm to clip at are for.
#[derive(Debug, Clone)]
pub(crate) struct AwdRecipe {
    /// The rate of the penalty on what the output layer reads.
    pub(crate) activation: f64,
    /// The rate of the penalty on changes from step to step.
    pub(crate) temporal: f64,
    lengths: RandomLengths,
    /// The checks that the trigger of averaging leaves out.
    non_monotone: usize,
}

impl Recipe {
    pub(crate) fn new(method: Method, preset: &Preset) -> Self {
        let awd = AwdRecipe {
            activation: 2.0,
            temporal: 1.0,
            lengths: RandomLengths::new(),
            non_monotone: 5,
        };
        let plain = Self {
            schedule: preset.schedule,
            max_norm: preset.max_norm,
            decay: None,
            awd: None,
            learns_rates: false,
        };
        match method {
            Method::Awd => Self {
                schedule: Schedule::constant(30.0),
                max_norm: 0.25,
                decay: Some((Decay::Coupled, 1.2e-6)),
                awd: Some(awd),
                ..plain
            },
            Method::Concrete => {
                Self { schedule: preset.variational_schedule, learns_rates: true, ..plain }
            }
            _ if method.is_variational() => {
                let decay = preset.variational_decay;
                Self {
                    schedule: preset.variational_schedule,
                    decay: (decay > 0.0).then_some((Decay::AfterStep, decay)),
                    ..plain
                }
            }
            _ => plain,
        }
    }

    /// The optimiser of a model whose learned rates are in its field `learned`.
    pub(crate) fn optimizer(&self) -> ModuleOptimizer {
        let (decay, rate) = self.decay.unwrap_or((Decay::Coupled, 0.0));
        let decays = (rate > 0.0).then(|| (ParamGroup::all(), rate));
        let optimizer = with_decays(PlainSgd, decay, decays);
        if !self.learns_rates {
            return optimizer;
        }
        let rates = OwnRate { optimizer: AdamConfig::new().build(), lr: RATE_LR };
        optimizer.with_group(ParamGroup::from_predicate("learned."), rates, None)
    }

    /// The windows of an epoch, cut at random if the recipe has it so.
    pub(crate) fn windows(&self, text: &TokenWindows, seed: u64, epoch: usize) -> Vec<TokenWindow> {
        let Some(awd) = &self.awd else { return text.iter().collect() };
        let draw = MaskRng::seeded(seed).scope("windows").draw(epoch as u64);
        text.random(&awd.lengths, draw.part("lengths")).collect()
    }

    /// Averaging that waits for its trigger, if the recipe has it.
    pub(crate) fn averaging(&self) -> Option<NtAsgd> {
        self.awd.as_ref().map(|awd| NtAsgd::new(awd.non_monotone))
    }

    /// The prior of the learned rates, if there are any. The loss is a sum over the steps of a
    /// window and a mean over its streams: its terms are the streams of all windows.
    pub(crate) fn prior(&self, text: &TokenWindows, batch_size: usize) -> Option<DropoutPrior> {
        let n_terms = text.len() * batch_size;
        self.learns_rates.then(|| DropoutPrior::new(LENGTH_SCALE, n_terms))
    }
}

/// An optimiser with a learning rate of its own, and not that of the step.
#[derive(Clone)]
struct OwnRate {
    optimizer: Adam,
    lr: LearningRate,
}

impl Optimizer for OwnRate {
    type State<const D: usize> = <Adam as Optimizer>::State<D>;

    fn step<const D: usize>(
        &self,
        _lr: LearningRate,
        tensor: Tensor<D>,
        grad: Tensor<D>,
        state: Option<Self::State<D>>,
    ) -> (Tensor<D>, Option<Self::State<D>>) {
        self.optimizer.step(self.lr, tensor, grad, state)
    }

    fn to_device<const D: usize>(state: Self::State<D>, device: &Device) -> Self::State<D> {
        Adam::to_device(state, device)
    }
}
