//! Masks on the parameters of a module, through Burn's reparameterization.

use std::collections::BTreeMap;

use burn::module::{Module, Param, Reparameterization, Reparameterizer};
use burn::tensor::Tensor;

use super::WeightMask;
use crate::parameters::{Parameter, parameters};

impl Reparameterization for WeightMask {
    const NAME: &'static str = "weight_mask";

    fn apply<const D: usize>(&self, base: Tensor<D>) -> Tensor<D> {
        base * self.values()
    }
}

/// A copy of the module with these masks on its parameters, by path.
pub(super) fn bind<M: Module>(masks: &BTreeMap<String, WeightMask>, module: M) -> M {
    if masks.is_empty() {
        return module;
    }
    let parameters = parameters(&module);
    for (path, mask) in masks {
        check(path, mask, &parameters);
    }
    module.apply_reparameterization(Binder { masks })
}

struct Binder<'a> {
    masks: &'a BTreeMap<String, WeightMask>,
}

impl Reparameterizer for Binder<'_> {
    type Reparam = WeightMask;

    fn reparameterize<const D: usize>(
        &mut self,
        path: &str,
        param: Param<Tensor<D>>,
    ) -> (Param<Tensor<D>>, Option<WeightMask>) {
        (param, self.masks.get(path).cloned())
    }
}

/// Checks that a mask is on a parameter of its dims that carries nothing yet.
fn check(path: &str, mask: &WeightMask, parameters: &[Parameter]) {
    let Some(parameter) = parameters.iter().find(|parameter| parameter.path == path) else {
        let paths: Vec<_> = parameters.iter().map(|parameter| parameter.path.as_str()).collect();
        panic!(
            "WeightMasks: every path must lead to a float parameter, got {path:?} in a module with \
             {}",
            paths.join(", ")
        );
    };
    if let Some(transform) = &parameter.carries {
        panic!(
            "WeightMasks: a parameter must carry no transform yet, got {transform} at {path:?}; \
             bind to the clean module"
        );
    }
    mask.check_dims(&parameter.dims);
}
