//! The learned rates of a model.

use burn::module::{Module, Param};
use burn::tensor::Tensor;

use super::MARGIN;
use crate::parameters::{EachFloat, Place, each_float};

/// What Burn's derive calls the module that has a logit.
const CONTAINER: &str = "Struct:ConcreteDropout";

/// The rate of a logit, in `f64`.
pub(super) fn rate<const D: usize>(logit: &Param<Tensor<D>>) -> f64 {
    let logit: f64 = logit.val().into_data().iter().next().expect("a logit has one element");
    MARGIN + (1.0 - 2.0 * MARGIN) / (1.0 + (-logit).exp())
}

/// The rates of all sites of a model, by path.
pub(super) fn of_model<M: Module>(model: &M) -> Vec<(String, f64)> {
    let mut rates = Rates(Vec::new());
    each_float(model, &mut rates);
    rates.0
}

struct Rates(Vec<(String, f64)>);

impl EachFloat for Rates {
    fn float<const D: usize>(&mut self, place: &Place<'_>, param: &Param<Tensor<D>>) {
        if place.container == CONTAINER {
            self.0.push((place.module_path(), rate(param)));
        }
    }
}
