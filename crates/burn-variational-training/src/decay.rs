//! Weight decay that neither the gradient nor the learning rate scales.

use burn::module::ParamGroup;
use burn::optim::{LearningRate, ModuleOptimizer, Optimizer};
use burn::tensor::{Device, Tensor};
use burn_variational_kernels::subtract_scaled;

/// An optimiser followed by decoupled decay:
///
/// ```text
/// w ← step(w, ∂w)
/// w ← w - rate · w
/// ```
///
/// The rate is not multiplied by the learning rate, as Burn's `AdamW` does it, and the decay does
/// not pass through the optimiser, as Burn's `WeightDecayConfig` does it. A parameter without a
/// gradient in a step is not decayed in it.
///
/// # Example
///
/// ```
/// use burn::optim::{ModuleOptimizer, SgdConfig};
/// use burn_variational_training::DecoupledDecay;
///
/// // Gal's large language model.
/// let optimizer = ModuleOptimizer::from(DecoupledDecay::new(SgdConfig::new().build(), 1e-7));
/// # let _ = optimizer;
/// ```
///
/// # References
///
/// Ilya Loshchilov and Frank Hutter, *Decoupled Weight Decay Regularization*, 2019, arXiv
/// 1711.05101.
#[derive(Debug, Clone)]
pub struct DecoupledDecay<O> {
    optimizer: O,
    rate: f64,
}

impl<O> DecoupledDecay<O> {
    /// This optimiser, with this decay after every step.
    ///
    /// # Panics
    ///
    /// If the rate is not in `[0, 1)`.
    pub fn new(optimizer: O, rate: f64) -> Self {
        assert!((0.0..1.0).contains(&rate), "DecoupledDecay: rate must be in [0, 1), got {rate}");
        Self { optimizer, rate }
    }
}

impl<O: Optimizer> Optimizer for DecoupledDecay<O> {
    type State<const D: usize> = O::State<D>;

    fn step<const D: usize>(
        &self,
        lr: LearningRate,
        tensor: Tensor<D>,
        grad: Tensor<D>,
        state: Option<Self::State<D>>,
    ) -> (Tensor<D>, Option<Self::State<D>>) {
        let (tensor, state) = self.optimizer.step(lr, tensor, grad, state);
        (subtract_scaled(tensor.clone(), tensor, self.rate), state)
    }

    fn to_device<const D: usize>(state: Self::State<D>, device: &Device) -> Self::State<D> {
        O::to_device(state, device)
    }
}

/// An optimiser of a whole module with a decoupled decay for each group of parameters; a parameter
/// in several takes the last, one in none is not decayed.
///
/// # Panics
///
/// If a rate is not in `[0, 1)`.
pub fn with_decoupled_decays<O: Optimizer>(
    optimizer: O,
    decays: impl IntoIterator<Item = (ParamGroup, f64)>,
) -> ModuleOptimizer {
    let decayed = |rate| DecoupledDecay::new(optimizer.clone(), rate);
    with_groups(optimizer.clone(), decayed, decays)
}

/// An optimiser of a whole module with a coupled decay for each group of parameters, which is
/// added to the gradient; a parameter in several takes the last, one in none is not decayed.
///
/// `optimizer` makes an optimiser with this decay, or without. With the coupled decays of a
/// [`KlTerm`](burn_variational_dropout::KlTerm) this is that term as part of the loss.
///
/// # Example
///
/// ```
/// use burn::nn::LinearConfig;
/// use burn::optim::{SgdConfig, decay::WeightDecayConfig};
/// use burn::tensor::Device;
/// use burn_variational_dropout::KlTerm;
/// use burn_variational_training::with_coupled_decays;
///
/// let linear = LinearConfig::new(2, 2).init(&Device::flex());
/// let kl = KlTerm::new().with_params(vec![linear.weight.id], 1e-4);
/// let sgd = |decay: Option<f64>| {
///     let decay = decay.map(|rate| WeightDecayConfig::new(rate as f32));
///     SgdConfig::new().with_weight_decay(decay).build()
/// };
/// let optimizer = with_coupled_decays(sgd, kl.coupled_decays());
/// # let _ = optimizer;
/// ```
pub fn with_coupled_decays<'a, O: Optimizer>(
    optimizer: impl Fn(Option<f64>) -> O,
    decays: impl IntoIterator<Item = (&'a ParamGroup, f64)>,
) -> ModuleOptimizer {
    let decays = decays.into_iter().map(|(group, rate)| (group.clone(), rate));
    with_groups(optimizer(None), |rate| optimizer(Some(rate)), decays)
}

/// `plain` for every parameter, and `decayed` for the groups.
fn with_groups<P: Optimizer, D: Optimizer>(
    plain: P,
    decayed: impl Fn(f64) -> D,
    decays: impl IntoIterator<Item = (ParamGroup, f64)>,
) -> ModuleOptimizer {
    decays.into_iter().fold(plain.into(), |optimizer: ModuleOptimizer, (group, rate)| {
        optimizer.with_group(group, decayed(rate), None)
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use burn::module::Module;
    use burn::nn::{Initializer, Linear, LinearConfig};
    use burn::optim::{GradientsParams, SgdConfig};

    fn stepped(mut optimizer: ModuleOptimizer, lr: f64) -> Linear {
        let device = Device::flex().autodiff();
        let linear = LinearConfig::new(1, 1)
            .with_initializer(Initializer::Constant { value: 2.0 })
            .init(&device);
        let loss = linear.forward(Tensor::<2>::ones([1, 1], &device)).sum();
        let grads = GradientsParams::from_grads(loss.backward(), &linear);
        optimizer.step(lr, linear, grads).valid()
    }

    fn weight_and_bias(linear: &Linear) -> [f32; 2] {
        let bias = linear.bias.as_ref().unwrap();
        [linear.weight.val().into_scalar(), bias.val().into_scalar()]
    }

    #[test]
    fn the_decay_follows_the_step_and_is_not_scaled_by_its_rate() {
        let decayed = || ModuleOptimizer::from(DecoupledDecay::new(SgdConfig::new().build(), 0.25));
        // The gradient is 1: (2 - lr) · 0.75.
        assert_eq!(weight_and_bias(&stepped(decayed(), 1.0)), [0.75, 0.75]);
        assert_eq!(weight_and_bias(&stepped(decayed(), 0.5)), [1.125, 1.125]);
    }

    #[test]
    fn each_group_has_a_rate_of_its_own() {
        let optimizer = with_decoupled_decays(
            SgdConfig::new().build(),
            [(ParamGroup::from_path("weight"), 0.25), (ParamGroup::from_path("bias"), 0.5)],
        );
        assert_eq!(weight_and_bias(&stepped(optimizer, 1.0)), [0.75, 0.5]);
        let optimizer = with_decoupled_decays(
            SgdConfig::new().build(),
            [(ParamGroup::from_path("weight"), 0.25)],
        );
        assert_eq!(weight_and_bias(&stepped(optimizer, 1.0)), [0.75, 1.0]);
    }

    #[test]
    #[should_panic(expected = "DecoupledDecay: rate must be in [0, 1), got 1")]
    fn decaying_all_is_refused() {
        let _ = DecoupledDecay::new(SgdConfig::new().build(), 1.0);
    }
}
