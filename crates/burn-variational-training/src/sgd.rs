//! Plain gradient descent.

use burn::optim::{LearningRate, Optimizer, SgdState};
use burn::tensor::{Device, Tensor};
use burn_variational_kernels::subtract_scaled;

/// Stochastic gradient descent without momentum or decay:
///
/// ```text
/// w ← w - lr · ∂w
/// ```
///
/// with parameters `w`, the gradient `∂w` of the loss by them, and the learning rate `lr` of the
/// step.
///
/// It is Burn's `SgdConfig::new().build()` in one pass over the parameters: on a CPU the tensors of
/// a large vocabulary are what a step spends its time on.
///
/// # Example
///
/// ```
/// use burn::optim::ModuleOptimizer;
/// use burn_variational_training::PlainSgd;
///
/// let optimizer = ModuleOptimizer::from(PlainSgd);
/// # let _ = optimizer;
/// ```
#[derive(Debug, Clone, Copy, Default)]
pub struct PlainSgd;

impl Optimizer for PlainSgd {
    type State<const D: usize> = SgdState<D>;

    fn step<const D: usize>(
        &self,
        lr: LearningRate,
        tensor: Tensor<D>,
        grad: Tensor<D>,
        _state: Option<SgdState<D>>,
    ) -> (Tensor<D>, Option<SgdState<D>>) {
        (subtract_scaled(tensor, grad, lr), Some(SgdState::new(None)))
    }

    fn to_device<const D: usize>(state: SgdState<D>, _device: &Device) -> SgdState<D> {
        state
    }
}

#[cfg(test)]
mod tests {
    use burn::nn::{Linear, LinearConfig};
    use burn::optim::{GradientsParams, ModuleOptimizer, SgdConfig};
    use burn::tensor::Device;

    use super::*;

    #[test]
    fn a_step_is_that_of_burn_without_momentum() {
        let device = Device::flex().autodiff();
        let linear: Linear = LinearConfig::new(40, 30).init(&device);
        let input = Tensor::<2>::ones([3, 40], &device).mul_scalar(0.3);
        let step = |mut optimizer: ModuleOptimizer| {
            let loss = linear.forward(input.clone()).square().sum();
            let grads = GradientsParams::from_grads(loss.backward(), &linear);
            let stepped = optimizer.step(0.7, linear.clone(), grads);
            stepped.weight.val().into_data().try_to_vec::<f32>().unwrap()
        };
        let (ours, burns) = (step(PlainSgd.into()), step(SgdConfig::new().build().into()));
        for (got, expected) in ours.iter().zip(&burns) {
            // One rounding less.
            assert!((got - expected).abs() <= 1e-6 * expected.abs().max(1.0), "{got}, {expected}");
        }
    }
}
