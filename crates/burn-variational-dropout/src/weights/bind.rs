//! Masks on the parameters of a module, through Burn's reparameterization.

use std::collections::BTreeMap;

use burn::module::{Module, ModuleVisitor, Param, Reparameterization, Reparameterizer};
use burn::tensor::Tensor;

use super::WeightMask;

/// The container that Burn names where it enters what a parameter carries.
const CARRIED: &str = "Reparameterization";

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
    let mut parameters = Parameters::default();
    module.visit(&mut parameters);
    for (path, mask) in masks {
        parameters.check(path, mask);
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

/// The float parameters of a module, and what some of them carry.
#[derive(Default)]
struct Parameters {
    path: Vec<String>,
    dims: BTreeMap<String, Vec<usize>>,
    carried: BTreeMap<String, String>,
}

impl Parameters {
    fn check(&self, path: &str, mask: &WeightMask) {
        let Some(dims) = self.dims.get(path) else {
            let paths: Vec<_> = self.dims.keys().map(String::as_str).collect();
            panic!(
                "WeightMasks: every path must lead to a float parameter, got {path:?} in a module \
                 with {}",
                paths.join(", ")
            );
        };
        if let Some(name) = self.carried.get(path) {
            panic!(
                "WeightMasks: a parameter must carry no transform yet, got {name} at {path:?}; bind \
                 to the clean module"
            );
        }
        mask.check_dims(dims);
    }
}

impl ModuleVisitor for Parameters {
    fn enter_module(&mut self, name: &str, container_type: &str) {
        if container_type == CARRIED {
            self.carried.insert(self.path.join("."), name.to_string());
        }
        self.path.push(name.to_string());
    }

    fn exit_module(&mut self, _name: &str, _container_type: &str) {
        self.path.pop();
    }

    fn visit_float<const D: usize>(&mut self, param: &Param<Tensor<D>>) {
        self.dims.insert(self.path.join("."), param.lazy_shape().to_vec());
    }
}
