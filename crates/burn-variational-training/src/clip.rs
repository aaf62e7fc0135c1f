//! Clipping by the norm of all gradients together.

use burn::module::{Module, ModuleVisitor, Param};
use burn::optim::GradientsParams;
use burn::tensor::Tensor;
use burn_variational_kernels::squared_norm;

/// Scales all gradients of a module by one factor, so that their joint norm is at most `max_norm`:
///
/// ```text
/// n = √(Σ_W ‖∂W‖²)
/// ∂W ← ∂W · min(1, max_norm / n)
/// ```
///
/// Returns `n`, dims `[1]`, or nothing if the module has no gradient. The factor stays on the
/// device: nothing is read back. (Burn's own clipping takes the norm of each tensor by itself.)
///
/// A penalty in the loss is part of the gradients: it adds to the norm and is clipped with them.
/// Weight decay of any kind ([`Decay`](crate::Decay)) is left to the optimiser, after this, and is
/// not.
///
/// # Panics
///
/// If `max_norm` is not positive and finite.
///
/// # Example
///
/// ```
/// use burn::nn::LinearConfig;
/// use burn::optim::GradientsParams;
/// use burn::tensor::{Device, Tensor};
/// use burn_variational_training::clip_global_norm;
///
/// let device = Device::flex().autodiff();
/// let linear = LinearConfig::new(2, 2).init(&device);
/// let loss = linear.forward(Tensor::<2>::ones([1, 2], &device)).sum();
/// let mut grads = GradientsParams::from_grads(loss.backward(), &linear);
/// // Four weights and two biases, each with gradient 1.
/// let norm = clip_global_norm(&mut grads, &linear, 1.0).unwrap().into_scalar::<f32>();
/// assert!((norm - 6_f32.sqrt()).abs() < 1e-6);
/// ```
///
/// # References
///
/// Razvan Pascanu, Tomas Mikolov and Yoshua Bengio, *On the Difficulty of Training Recurrent
/// Neural Networks*, 2013, arXiv 1211.5063.
pub fn clip_global_norm<M: Module>(
    grads: &mut GradientsParams,
    module: &M,
    max_norm: f64,
) -> Option<Tensor<1>> {
    assert!(
        max_norm > 0.0 && max_norm.is_finite(),
        "clip_global_norm: max_norm must be positive and finite, got {max_norm}"
    );
    let norm = global_norm(grads, module)?;
    // At norm 0 the quotient is infinite, and 1 after the clamp.
    let factor = norm.clone().recip().mul_scalar(max_norm).clamp_max(1.0);
    module.visit(&mut Scale { grads, factor });
    Some(norm)
}

/// The norm of all gradients of a module together, `n = √(Σ_W ‖∂W‖²)`, dims `[1]`, or nothing if
/// there is none.
///
/// An optimiser whose step is proportional to the gradient, as SGD without momentum, may scale its
/// learning rate by `min(1, max_norm / n)` instead of all gradients, which is one pass over them
/// less than [`clip_global_norm`]. Coupled and decoupled decay are then scaled too.
pub fn global_norm<M: Module>(grads: &GradientsParams, module: &M) -> Option<Tensor<1>> {
    let mut squares = SumOfSquares { grads, sum: None };
    module.visit(&mut squares);
    Some(squares.sum?.sqrt())
}

struct SumOfSquares<'a> {
    grads: &'a GradientsParams,
    sum: Option<Tensor<1>>,
}

impl ModuleVisitor for SumOfSquares<'_> {
    fn visit_float<const D: usize>(&mut self, param: &Param<Tensor<D>>) {
        let Some(grad) = self.grads.get::<D>(param.id) else {
            return;
        };
        let squares = squared_norm(grad);
        self.sum = Some(match self.sum.take() {
            Some(sum) => sum + squares,
            None => squares,
        });
    }
}

struct Scale<'a> {
    grads: &'a mut GradientsParams,
    factor: Tensor<1>,
}

impl ModuleVisitor for Scale<'_> {
    fn visit_float<const D: usize>(&mut self, param: &Param<Tensor<D>>) {
        if let Some(grad) = self.grads.remove::<D>(param.id) {
            self.grads.register(param.id, grad * self.factor.clone().unsqueeze());
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use burn::nn::{Linear, LinearConfig};
    use burn::tensor::Device;

    fn gradients(scale: f64) -> (Linear, GradientsParams) {
        let device = Device::flex().autodiff();
        let linear = LinearConfig::new(2, 2).init(&device);
        let loss = linear.forward(Tensor::<2>::ones([1, 2], &device)).sum().mul_scalar(scale);
        let grads = GradientsParams::from_grads(loss.backward(), &linear);
        (linear, grads)
    }

    fn weight_gradient(linear: &Linear, grads: &GradientsParams) -> Vec<f32> {
        grads.get::<2>(linear.weight.id).unwrap().into_data().try_to_vec().unwrap()
    }

    #[test]
    fn the_norm_of_all_gradients_together_is_clipped() {
        let (linear, mut grads) = gradients(10.0);
        clip_global_norm(&mut grads, &linear, 1.0).unwrap();
        let expected = 1.0 / 6_f32.sqrt();
        for value in weight_gradient(&linear, &grads) {
            assert!((value - expected).abs() < 1e-6, "{value} for {expected}");
        }
    }

    #[test]
    fn gradients_within_the_norm_are_left_as_they_are() {
        let (linear, mut grads) = gradients(0.25);
        clip_global_norm(&mut grads, &linear, 1.0).unwrap();
        assert_eq!(weight_gradient(&linear, &grads), [0.25; 4]);
    }

    #[test]
    fn gradients_of_zero_stay_zero() {
        let (linear, mut grads) = gradients(0.0);
        clip_global_norm(&mut grads, &linear, 1.0).unwrap();
        assert_eq!(weight_gradient(&linear, &grads), [0.0; 4]);
    }

    #[test]
    #[should_panic(expected = "clip_global_norm: max_norm must be positive and finite, got 0")]
    fn a_norm_of_zero_is_refused() {
        let (linear, mut grads) = gradients(1.0);
        let _ = clip_global_norm(&mut grads, &linear, 0.0);
    }
}
