//! The mean of parameters over the steps of training.

use burn::module::{Module, ModuleMapper, ModuleVisitor, Param, ParamId};
use burn::tensor::Tensor;
use burn::tensor::container::TensorContainer;
use serde::{Deserialize, Serialize};

use crate::NonMonotone;

/// The mean of the parameters of a module over the steps of training, as `torch.optim.ASGD` has it:
///
/// ```text
/// w̄_s = w_s                                          s ≤ t0 + 2
/// w̄_s = w̄_{s-1} + (w_s - w̄_{s-1}) / (s - 1 - t0)     s > t0 + 2
/// ```
///
/// with the parameters `w_s` after step `s = 1, 2, …`, their average `w̄_s`, and the step `t0`
/// after which to average: for `s ≥ t0 + 2` it is the mean of `w_{t0+2}, …, w_s`. PyTorch leaves the
/// step `t0 + 1` out (its factor is 1 for one step too many), and so does this.
///
/// The average is a module of the same kind, to be evaluated, saved, and averaged further, while
/// training goes on with the raw parameters. It is on the device without autodiff, as `valid()` has
/// it. Parameters are matched by their ids. All float parameters are averaged, frozen ones too,
/// which stay what they are; integer and boolean ones are those of the model.
///
/// It is not tied to an optimiser. `torch.optim.ASGD` with `lambd = 0` is gradient descent with this
/// average: [`PlainSgd`](crate::PlainSgd), in [`Decayed`](crate::Decayed) with
/// [`Decay::Coupled`](crate::Decay::Coupled) for its `weight_decay`; its `alpha` then has no effect.
/// Its `lambd` is [`Decay::Decoupled`](crate::Decay::Decoupled), with the learning rate
/// `lr / (1 + lambd · lr · (s - 1))^alpha` in step `s`. A learning rate that the caller changes takes
/// effect in PyTorch one step late; here it is that of the step it is given to.
///
/// # Checkpoints
///
/// This is plain data, the number of steps, and belongs to the progress of a
/// [`CheckpointDir`](crate::CheckpointDir); the average is a module and is saved with the model, as a
/// pair. What is read back goes on as if nothing had happened, to the bit.
///
/// # Example
///
/// ```
/// use burn::module::Module;
/// use burn::nn::LinearConfig;
/// use burn::optim::{GradientsParams, ModuleOptimizer};
/// use burn::tensor::{Device, Tensor};
/// use burn_variational_training::{CheckpointDir, ParameterAverage, PlainSgd};
///
/// # let folder = tempfile::tempdir()?;
/// # let path = folder.path().join("checkpoints");
/// let device = Device::flex().autodiff();
/// let linear = || LinearConfig::new(2, 1).init(&device);
/// let (mut model, mut optimizer) = (linear(), ModuleOptimizer::from(PlainSgd));
/// let (mut average, mut averaging) = (model.valid(), ParameterAverage::new());
/// for _ in 0..10 {
///     let loss = model.forward(Tensor::<2>::ones([1, 2], &device)).square().sum();
///     let gradients = GradientsParams::from_grads(loss.backward(), &model);
///     model = optimizer.step(0.1, model, gradients);
///     average = averaging.step(average, &model);
/// }
/// let checkpoints = CheckpointDir::new(&path);
/// checkpoints.save(&(model, average), &optimizer, &averaging)?;
///
/// let new = (linear(), linear().valid());
/// let ((model, average), optimizer, averaging): (_, _, ParameterAverage) =
///     checkpoints.load(new, |_| PlainSgd.into())?.expect("a checkpoint");
/// # let _ = (model, average, optimizer, averaging);
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
///
/// # References
///
/// Boris Polyak and Anatoli Juditsky, *Acceleration of Stochastic Approximation by Averaging*, 1992,
/// SIAM Journal on Control and Optimization 30(4).
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct ParameterAverage {
    t0: u64,
    n_steps: u64,
}

impl ParameterAverage {
    /// An average from the beginning on, `t0 = 0`.
    pub fn new() -> Self {
        Self::default()
    }

    /// An average after so many steps, which are `t0`; until then it is the model itself.
    pub fn after(t0: u64) -> Self {
        Self { t0, n_steps: 0 }
    }

    /// The average after one more step, given the average before it and the model after it.
    ///
    /// # Panics
    ///
    /// If the average is not of the parameters of the model.
    pub fn step<M: Module>(&mut self, average: M, model: &M) -> M {
        self.n_steps += 1;
        match self.n_steps.saturating_sub(self.t0 + 1) {
            0 | 1 => model.valid(),
            n => toward(average, model, 1.0 / n as f64),
        }
    }
}

/// NT-ASGD: gradient descent whose parameters are averaged from when the validation loss has stopped
/// getting better, by the [`NonMonotone`] trigger. There is no schedule to tune.
///
/// Until then the average is the model itself, and costs nothing; after that it is a
/// [`ParameterAverage`]. So what is evaluated is the average at all times, and training goes on
/// with the raw parameters and the same learning rate. AWD-LSTM steps with
/// [`PlainSgd`](crate::PlainSgd) and coupled decay.
///
/// Checkpoints are as of [`ParameterAverage`]: this with the progress, the average beside the model.
///
/// # Example
///
/// ```
/// use burn::module::Module;
/// use burn::nn::LinearConfig;
/// use burn::optim::{GradientsParams, ModuleOptimizer};
/// use burn::tensor::{Device, Tensor};
/// use burn_variational_training::{NtAsgd, PlainSgd};
///
/// let device = Device::flex().autodiff();
/// let input = Tensor::<2>::ones([1, 2], &device);
/// let mut model = LinearConfig::new(2, 1).init(&device);
/// let mut optimizer = ModuleOptimizer::from(PlainSgd);
/// let (mut average, mut asgd) = (model.valid(), NtAsgd::new(1));
/// for _epoch in 0..4 {
///     // One step an epoch, up a hill: what is validated gets worse.
///     let loss = model.forward(input.clone()).sum().neg();
///     let gradients = GradientsParams::from_grads(loss.backward(), &model);
///     model = optimizer.step(0.1, model, gradients);
///     average = asgd.step(average, &model);
///     let loss = average.forward(input.clone().inner()).into_scalar::<f32>();
///     asgd.check(loss.into());
/// }
/// assert!(asgd.is_averaging());
/// ```
///
/// # References
///
/// Stephen Merity, Nitish Shirish Keskar and Richard Socher, *Regularizing and Optimizing LSTM
/// Language Models*, 2017, arXiv 1708.02182, section 3 and algorithm 1.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct NtAsgd {
    trigger: NonMonotone,
    average: Option<ParameterAverage>,
}

impl NtAsgd {
    /// With a trigger that leaves the last `n` checks out of the comparison; AWD-LSTM has 5.
    pub fn new(n: usize) -> Self {
        Self { trigger: NonMonotone::new(n), average: None }
    }

    /// Whether the trigger has gone off.
    pub fn is_averaging(&self) -> bool {
        self.average.is_some()
    }

    /// Takes the validation loss of the next check, and says whether averaging begins with it. When
    /// it has begun, losses are not looked at.
    pub fn check(&mut self, loss: f64) -> bool {
        let begins = !self.is_averaging() && self.trigger.check(loss);
        if begins {
            self.average = Some(ParameterAverage::new());
        }
        begins
    }

    /// The average after one more step, given the average before it and the model after it.
    ///
    /// # Panics
    ///
    /// If the average is not of the parameters of the model.
    pub fn step<M: Module>(&mut self, average: M, model: &M) -> M {
        match &mut self.average {
            Some(averaging) => averaging.step(average, model),
            None => model.valid(),
        }
    }
}

/// The average, moved toward the model by this part of the way.
fn toward<M: Module>(average: M, model: &M, part: f64) -> M {
    let mut values = Values(TensorContainer::new());
    // Off the autodiff graph: it would otherwise grow by every step.
    average.valid().visit(&mut values);
    model.valid().map(&mut Toward { average: values.0, part })
}

struct Values(TensorContainer<ParamId>);

impl ModuleVisitor for Values {
    fn visit_float<const D: usize>(&mut self, param: &Param<Tensor<D>>) {
        self.0.register(param.id, param.val());
    }
}

struct Toward {
    average: TensorContainer<ParamId>,
    part: f64,
}

impl ModuleMapper for Toward {
    fn map_float<const D: usize>(&mut self, param: Param<Tensor<D>>) -> Param<Tensor<D>> {
        let id = param.id;
        let average = self.average.get::<Tensor<D>>(&id).unwrap_or_else(|| {
            panic!(
                "ParameterAverage: average must be of the model's parameters, got none of id {id}"
            )
        });
        param.map(|value| average.clone() + (value - average).mul_scalar(self.part))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use burn::nn::LinearConfig;
    use burn::tensor::Device;

    #[test]
    #[should_panic(expected = "ParameterAverage: average must be of the model's parameters, got \
                               none of id")]
    fn an_average_of_another_model_is_refused() {
        let linear = || LinearConfig::new(2, 2).init(&Device::flex());
        let (model, other) = (linear(), linear());
        let mut averaging = ParameterAverage { t0: 0, n_steps: 5 };
        let _ = averaging.step(other, &model);
    }
}
