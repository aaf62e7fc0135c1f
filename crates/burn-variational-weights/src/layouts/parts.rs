//! Linear layers and embeddings, which layouts name and turn differently.

use burn::module::Param;
use burn::nn::Linear;
use burn::tensor::Tensor;

use super::stack::Place;
use super::{Change, Loaded};
use crate::wanted::Wanted;
use crate::{NamedTensors, WeightsError};

/// How a layout keeps a linear layer `y = x W + b`.
pub(super) struct LinearLayout {
    pub(super) weight: &'static str,
    pub(super) bias: &'static str,
    /// Whether it has `Wᵀ`.
    pub(super) transposed: bool,
}

impl LinearLayout {
    pub(super) fn load(
        &self,
        linear: &Linear,
        tensors: &NamedTensors,
    ) -> Result<Loaded<Linear>, WeightsError> {
        let weight = linear.weight.val();
        let [d_input, d_output] = weight.dims();
        let mut wanted = Wanted::of(tensors);
        let dims = if self.transposed { [d_output, d_input] } else { [d_input, d_output] };
        let found = wanted.take(self.weight, &dims);
        let found_bias = linear.bias.as_ref().map(|_| wanted.take(self.bias, &[d_output]));
        wanted.finish()?;
        let place = Place::of(&weight);
        let found: Tensor<2> = place.put(found.expect("it is there"));
        let mut module = linear.clone();
        let mut changes = Vec::new();
        let value = if self.transposed {
            let names = vec![tensors.full_name(self.weight)];
            changes.push(Change { names, what: "transposed" });
            found.transpose()
        } else {
            found
        };
        module.weight = with(module.weight, value);
        module.bias = module
            .bias
            .zip(found_bias)
            .map(|(bias, found)| with(bias, place.put(found.expect("it is there"))));
        Ok(Loaded { module, changes })
    }

    pub(super) fn tensors(&self, linear: &Linear) -> NamedTensors {
        let weight = linear.weight.val();
        let weight = if self.transposed { weight.transpose() } else { weight };
        let weight = (self.weight.to_string(), weight.into_data());
        let bias = linear.bias.as_ref();
        let bias = bias.map(|bias| (self.bias.to_string(), bias.val().into_data()));
        std::iter::once(weight).chain(bias).collect()
    }
}

/// The table of an embedding, `[n_embedding, d_model]` everywhere.
pub(super) fn load_table(
    table: Param<Tensor<2>>,
    tensors: &NamedTensors,
    name: &str,
) -> Result<Param<Tensor<2>>, WeightsError> {
    let old = table.val();
    let mut wanted = Wanted::of(tensors);
    let found = wanted.take(name, &old.dims());
    wanted.finish()?;
    Ok(with(table, Place::of(&old).put(found.expect("it is there"))))
}

pub(super) fn table_tensors(table: &Param<Tensor<2>>, name: &str) -> NamedTensors {
    std::iter::once((name.to_string(), table.val().into_data())).collect()
}

/// A parameter with another value.
pub(crate) fn with<const D: usize>(param: Param<Tensor<D>>, value: Tensor<D>) -> Param<Tensor<D>> {
    param.map(|old| if old.is_require_grad() { value.require_grad() } else { value })
}
