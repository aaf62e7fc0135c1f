//! Weight decay: in the gradient, beside it, or after the step.

use burn::module::ParamGroup;
use burn::optim::{LearningRate, ModuleOptimizer, Optimizer};
use burn::tensor::{Device, Tensor};

/// Where the decay of a step acts, with parameters `w` as they are before the step, the gradient
/// `∂w` that the optimiser is given, the learning rate `lr` of the step and the rate `r`:
///
/// ```text
/// Coupled      w ← step(w, ∂w + r w)
/// Decoupled    w ← step(w, ∂w) - lr r w
/// AfterStep    w ← (1 - r) step(w, ∂w)
/// ```
///
/// # As the KL term of the objective
///
/// [`KlTerm::decays`](burn_variational_dropout::KlTerm::decays) gives the rates `r = 2λ`, the
/// gradient of `λ ‖w‖²` being `2λ w`. Which of the decays then is the penalty in the loss,
/// [`KlTerm::penalty`](burn_variational_dropout::KlTerm::penalty)?
///
/// ```text
///                       Coupled        Decoupled            AfterStep
/// gradient descent      the penalty    the penalty          λ changes as lr does
/// with momentum         the penalty    another objective    another objective
/// Adam and its like     the penalty    another objective    another objective
/// ```
///
/// That is without clipping, of which below. Momentum multiplies what passes through it, and Adam
/// divides the gradient, the penalty's with the data's, by its running size; a decoupled decay does
/// not pass through them. Where Adam comes to rest with it, it is the data's gradient *divided by
/// its size* that is `-r w`: `AdamW` minimises something else than the objective, and its rate is a
/// number to be tuned rather than `2λ`.
///
/// [`clip_global_norm`](crate::clip_global_norm), and the clipping of Burn's optimisers, act on
/// gradients before the optimiser has them. A penalty in the loss is part of the gradient: it adds
/// to the norm and is scaled with the rest. No decay does or is. A learning rate scaled instead of
/// the gradients, as [`global_norm`](crate::global_norm) proposes, scales `Coupled` and `Decoupled`
/// but not `AfterStep`.
///
/// # References
///
/// Ilya Loshchilov and Frank Hutter, *Decoupled Weight Decay Regularization*, 2019, arXiv
/// 1711.05101.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Decay {
    /// Added to the gradient, as by Burn's `WeightDecayConfig`.
    Coupled,
    /// Beside the gradient, times the learning rate, as by Burn's `AdamW`.
    Decoupled,
    /// After the step, not times the learning rate, as in Gal's language models, with rate 1e-7.
    AfterStep,
}

/// An optimiser with a [`Decay`]. A parameter without a gradient in a step is not decayed in it.
///
/// # Example
///
/// ```
/// use burn::optim::ModuleOptimizer;
/// use burn_variational_training::{Decay, Decayed, PlainSgd};
///
/// // Gal's large language model.
/// let optimizer = ModuleOptimizer::from(Decayed::new(PlainSgd, Decay::AfterStep, 1e-7));
/// # let _ = optimizer;
/// ```
#[derive(Debug, Clone)]
pub struct Decayed<O> {
    optimizer: O,
    decay: Decay,
    rate: f64,
}

impl<O> Decayed<O> {
    /// This optimiser, with this decay in every step.
    ///
    /// # Panics
    ///
    /// If the rate is negative or not finite, or not under 1 for [`Decay::AfterStep`].
    pub fn new(optimizer: O, decay: Decay, rate: f64) -> Self {
        if decay == Decay::AfterStep {
            assert!((0.0..1.0).contains(&rate), "Decayed: rate must be in [0, 1), got {rate}");
        }
        assert!(
            rate >= 0.0 && rate.is_finite(),
            "Decayed: rate must be finite and not negative, got {rate}"
        );
        Self { optimizer, decay, rate }
    }
}

impl<O: Optimizer> Optimizer for Decayed<O> {
    type State<const D: usize> = O::State<D>;

    fn step<const D: usize>(
        &self,
        lr: LearningRate,
        tensor: Tensor<D>,
        grad: Tensor<D>,
        state: Option<Self::State<D>>,
    ) -> (Tensor<D>, Option<Self::State<D>>) {
        match self.decay {
            Decay::Coupled => {
                let grad = grad + tensor.clone().mul_scalar(self.rate);
                self.optimizer.step(lr, tensor, grad, state)
            }
            Decay::Decoupled => {
                let decay = tensor.clone().mul_scalar(lr * self.rate);
                let (tensor, state) = self.optimizer.step(lr, tensor, grad, state);
                (tensor - decay, state)
            }
            Decay::AfterStep => {
                let (tensor, state) = self.optimizer.step(lr, tensor, grad, state);
                // Not times 1 - rate: of a rate of 1e-7 that is 1 - 1.2e-7 in single precision.
                let decay = tensor.clone().mul_scalar(self.rate);
                (tensor - decay, state)
            }
        }
    }

    fn to_device<const D: usize>(state: Self::State<D>, device: &Device) -> Self::State<D> {
        O::to_device(state, device)
    }
}

/// An optimiser of a whole module with a decay rate for each group of parameters; a parameter in
/// several has the last, one in none is not decayed.
///
/// Clip with [`clip_global_norm`](crate::clip_global_norm): what
/// [`ModuleOptimizer::with_grad_clipping`] sets is for the parameters in no group alone.
///
/// # Panics
///
/// If a rate is not one that [`Decayed::new`] takes.
///
/// # Example
///
/// ```
/// use burn::nn::LinearConfig;
/// use burn::tensor::Device;
/// use burn_variational_dropout::DropoutPrior;
/// use burn_variational_training::{Decay, PlainSgd, with_decays};
///
/// let model = LinearConfig::new(2, 2).init(&Device::flex());
/// let kl = DropoutPrior::new(1.0, 1000).linear(&model, None);
/// let optimizer = with_decays(PlainSgd, Decay::Coupled, kl.decays(&model));
/// # let _ = optimizer;
/// ```
pub fn with_decays<O: Optimizer>(
    optimizer: O,
    decay: Decay,
    rates: impl IntoIterator<Item = (ParamGroup, f64)>,
) -> ModuleOptimizer {
    rates.into_iter().fold(optimizer.clone().into(), |all: ModuleOptimizer, (group, rate)| {
        all.with_group(group, Decayed::new(optimizer.clone(), decay, rate), None)
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::PlainSgd;
    use burn::module::Module;
    use burn::nn::{Initializer, Linear, LinearConfig};
    use burn::optim::GradientsParams;

    fn stepped(mut optimizer: ModuleOptimizer, lr: f64) -> [f32; 2] {
        let device = Device::flex().autodiff();
        let linear: Linear = LinearConfig::new(1, 1)
            .with_initializer(Initializer::Constant { value: 2.0 })
            .init(&device);
        let loss = linear.forward(Tensor::<2>::ones([1, 1], &device)).sum();
        let grads = GradientsParams::from_grads(loss.backward(), &linear);
        let linear = optimizer.step(lr, linear, grads).valid();
        let bias = linear.bias.as_ref().unwrap();
        [linear.weight.val().into_scalar(), bias.val().into_scalar()]
    }

    #[test]
    fn each_decay_acts_in_its_place() {
        let decayed = |decay| ModuleOptimizer::from(Decayed::new(PlainSgd, decay, 0.25));
        // The gradient is 1, the parameters are 2.
        assert_eq!(stepped(decayed(Decay::Coupled), 0.5), [2.0 - 0.5 * 1.5; 2]);
        assert_eq!(stepped(decayed(Decay::Decoupled), 0.5), [2.0 - 0.5 - 0.5 * 0.25 * 2.0; 2]);
        assert_eq!(stepped(decayed(Decay::AfterStep), 0.5), [1.5 * 0.75; 2]);
        assert_eq!(stepped(decayed(Decay::AfterStep), 1.0), [1.0 * 0.75; 2]);
    }

    #[test]
    fn each_group_has_a_rate_of_its_own() {
        let of = |paths: &[(&str, f64)]| {
            let groups = paths.iter().map(|(path, rate)| (ParamGroup::from_path(*path), *rate));
            stepped(with_decays(PlainSgd, Decay::AfterStep, groups), 1.0)
        };
        assert_eq!(of(&[("weight", 0.25), ("bias", 0.5)]), [0.75, 0.5]);
        assert_eq!(of(&[("weight", 0.25)]), [0.75, 1.0]);
        assert_eq!(of(&[("weight", 0.25), ("weight", 0.5)]), [0.5, 1.0]);
    }

    #[test]
    fn a_rate_as_small_as_the_precision_is_met_on_average() {
        let device = Device::flex();
        let before: Vec<f32> = (0..1000_u16).map(|k| 1.0 + f32::from(k) / 1000.0).collect();
        let tensor = Tensor::<1>::from_floats(&*before, &device);
        let (after, _) = Decayed::new(PlainSgd, Decay::AfterStep, 1e-7).step(
            1.0,
            tensor,
            Tensor::zeros([1000], &device),
            None,
        );
        let sum = |values: &[f32]| values.iter().map(|&value| f64::from(value)).sum::<f64>();
        let after: Vec<f32> = after.into_data().try_to_vec().unwrap();
        let rate = (sum(&before) - sum(&after)) / sum(&before);
        // Each step is of whole units in the last place: 1.2e-7 and 2.4e-7.
        assert!((rate - 1e-7).abs() < 0.05e-7, "{rate:e}");
    }

    #[test]
    #[should_panic(expected = "Decayed: rate must be in [0, 1), got 1")]
    fn decaying_all_is_refused() {
        let _ = Decayed::new(PlainSgd, Decay::AfterStep, 1.0);
    }

    #[test]
    #[should_panic(expected = "Decayed: rate must be finite and not negative, got -0.5")]
    fn growth_is_refused() {
        let _ = Decayed::new(PlainSgd, Decay::Coupled, -0.5);
    }

    #[test]
    #[should_panic(expected = "Decayed: rate must be finite and not negative, got NaN")]
    fn a_rate_that_is_no_number_is_refused() {
        let _ = Decayed::new(PlainSgd, Decay::Decoupled, f64::NAN);
    }
}
