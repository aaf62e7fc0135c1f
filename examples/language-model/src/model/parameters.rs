//! Parameters to begin with, which depend on the seed alone and not on a backend's own generator.

use burn::module::{Module, ModuleMapper, Param};
use burn::tensor::{Tensor, TensorData};
use rand_chacha::ChaCha8Rng;
use rand_chacha::rand_core::{Rng, SeedableRng};

/// A source of parameters.
#[derive(Debug)]
pub(crate) struct UniformParameters {
    range: f32,
    words: ChaCha8Rng,
}

impl UniformParameters {
    pub(crate) fn seeded(seed: u64) -> Self {
        Self { range: 0.0, words: ChaCha8Rng::seed_from_u64(seed) }
    }

    /// The same module with the next parameters, uniform in `± range`.
    pub(crate) fn within<M: Module>(&mut self, range: f32, module: M) -> M {
        self.range = range;
        module.map(self)
    }
}

impl ModuleMapper for UniformParameters {
    fn map_float<const D: usize>(&mut self, param: Param<Tensor<D>>) -> Param<Tensor<D>> {
        param.map(|tensor| {
            let (device, dims) = (tensor.device(), tensor.dims());
            let value = |_| {
                let unit = self.words.next_u32() as f32 / u32::MAX as f32;
                (2.0 * unit - 1.0) * self.range
            };
            let values: Vec<f32> = (0..dims.iter().product()).map(value).collect();
            Tensor::from_data(TensorData::new(values, dims), &device).require_grad()
        })
    }
}
