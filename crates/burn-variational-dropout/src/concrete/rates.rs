//! The learned rates of a model.

use burn::module::{Module, ModuleVisitor, Param};
use burn::tensor::Tensor;

use super::MARGIN;

/// What Burn's derive calls the module that has a logit.
const CONTAINER: &str = "Struct:ConcreteDropout";

/// The rate of a logit, in `f64`.
pub(super) fn rate<const D: usize>(logit: &Param<Tensor<D>>) -> f64 {
    let logit: f64 = logit.val().into_data().iter().next().expect("a logit has one element");
    MARGIN + (1.0 - 2.0 * MARGIN) / (1.0 + (-logit).exp())
}

/// The rates of all sites of a model, by path.
pub(super) fn of_model<M: Module>(model: &M) -> Vec<(String, f64)> {
    let mut collect = Collect::default();
    model.visit(&mut collect);
    collect.rates
}

#[derive(Default)]
struct Collect {
    path: Vec<String>,
    is_logit: bool,
    rates: Vec<(String, f64)>,
}

impl ModuleVisitor for Collect {
    fn enter_module(&mut self, name: &str, container_type: &str) {
        self.is_logit = container_type == CONTAINER;
        self.path.push(name.to_string());
    }

    fn exit_module(&mut self, _name: &str, _container_type: &str) {
        self.is_logit = false;
        self.path.pop();
    }

    fn visit_float<const D: usize>(&mut self, param: &Param<Tensor<D>>) {
        if self.is_logit {
            let site = &self.path[..self.path.len() - 1];
            self.rates.push((site.join("."), rate(param)));
        }
    }
}
