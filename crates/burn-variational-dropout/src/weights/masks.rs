//! The masks of weights: values, by the path of the parameter that each multiplies.

use std::collections::BTreeMap;

use burn::module::Module;
use burn::tensor::{Device, Tensor};
use serde::{Deserialize, Serialize};

use super::bind;

/// The factors of one weight: of its rank, and 1 along the axes that are dropped together.
///
/// It is a module without parameters, as whatever [binds](WeightMasks::bind) to a parameter must
/// be: it moves and trains with the module, and no record, optimiser or count of parameters knows
/// of it.
#[derive(Module, Debug, Serialize, Deserialize)]
pub struct WeightMask {
    /// Flat, as a rank is no part of the type of a mask.
    values: Tensor<1>,
    #[module(skip)]
    dims: Vec<usize>,
}

impl WeightMask {
    /// These factors, with 1 for the dims along which they are the same.
    pub fn from_values<const D: usize>(values: Tensor<D>) -> Self {
        let dims = values.dims();
        let n_values = dims.iter().product::<usize>();
        // A constant for every operation, on an autodiff device too.
        let values = values.without_autodiff().reshape([n_values]);
        Self { values, dims: dims.to_vec() }
    }

    /// The factors.
    ///
    /// # Panics
    ///
    /// If the mask has another rank.
    pub fn values<const D: usize>(&self) -> Tensor<D> {
        let dims = <[usize; D]>::try_from(self.dims.as_slice());
        let dims = dims.unwrap_or_else(|_| {
            panic!("WeightMask: rank must be that of the mask, {}, got {D}", self.dims.len())
        });
        self.values.clone().reshape(dims)
    }

    /// The dims.
    pub fn dims(&self) -> &[usize] {
        &self.dims
    }

    /// `W ∘ z`.
    ///
    /// # Panics
    ///
    /// If the mask is not for weights of these dims.
    pub fn apply<const D: usize>(&self, weight: Tensor<D>) -> Tensor<D> {
        self.check_dims(&weight.dims());
        weight * self.values()
    }

    /// Checks that the mask is for weights of these dims.
    ///
    /// # Panics
    ///
    /// If it is not.
    pub(super) fn check_dims(&self, weight: &[usize]) {
        let fits = |(&mask, &weight)| mask == weight || mask == 1;
        assert!(
            self.dims.len() == weight.len() && self.dims.iter().zip(weight).all(fits),
            "WeightMask: a mask must have the dims of its weight, or 1, got mask {:?} for weight \
             {weight:?}",
            self.dims
        );
    }
}

/// The masks of some weights of a module, or of a part of one: a map from the path of a parameter
/// in it, `"gates.recurrent"` say, to its mask. A parameter without an entry has the identity.
///
/// The masks are sampled once and then a value: saved, moved, bound to as many modules as you like.
/// With `serde` they go out with their factors and come back on the default device.
///
/// # Example
///
/// `DropConnect` on the weight of one layer of many:
///
/// ```
/// use burn::nn::{Linear, LinearConfig};
/// use burn::tensor::{Device, Tensor};
/// use burn_variational_dropout::{MaskRng, WeightDropout, WeightMasks};
///
/// let device = Device::flex();
/// let linear: Linear = LinearConfig::new(4, 3).init(&device);
/// let draw = MaskRng::seeded(1).draw(0).part("linear");
///
/// let mask = WeightDropout::new(0.5).sample(&linear.weight, &draw);
/// let masks = WeightMasks::identity().with("weight", mask);
/// let output = masks.bind(linear).forward(Tensor::<2>::ones([2, 4], &device));
/// assert_eq!(output.dims(), [2, 3]);
/// ```
#[derive(Debug, Clone, Default, Serialize, Deserialize)]
pub struct WeightMasks {
    masks: BTreeMap<String, WeightMask>,
}

impl WeightMasks {
    /// No dropout: [`bind`](Self::bind) returns its module.
    pub fn identity() -> Self {
        Self::default()
    }

    /// With this mask of the parameter at a path, or none: what
    /// [`WeightDropout::sample`](crate::WeightDropout::sample) gives.
    pub fn with(mut self, path: impl Into<String>, mask: impl Into<Option<WeightMask>>) -> Self {
        let path = path.into();
        match mask.into() {
            Some(mask) => self.masks.insert(path, mask),
            None => self.masks.remove(&path),
        };
        self
    }

    /// The mask of the parameter at a path, if it has one.
    pub fn get(&self, path: &str) -> Option<&WeightMask> {
        self.masks.get(path)
    }

    /// The parameters that have a mask.
    pub fn iter(&self) -> impl Iterator<Item = (&str, &WeightMask)> {
        self.masks.iter().map(|(path, mask)| (path.as_str(), mask))
    }

    /// Whether there is no mask at all.
    pub fn is_identity(&self) -> bool {
        self.masks.is_empty()
    }

    /// The same masks on another device.
    pub fn to_device(&self, device: &Device) -> Self {
        let masks = self.masks.iter();
        let masks = masks.map(|(path, mask)| (path.clone(), mask.clone().to_device(device)));
        Self { masks: masks.collect() }
    }

    /// A copy of a module, or of a part of one, whose weights are masked: give it a clone, which
    /// costs nothing, and keep the clean module.
    ///
    /// The masked weight `W ∘ z` is computed anew wherever the module reads it: once a pass in most
    /// layers, at every step in [`nn::Lstm`](burn::nn::Lstm). Parameters, their ids and records
    /// are those of the clean module, which a gradient therefore reaches, 0 where something was
    /// dropped. The copy may be moved to another device, forked, trained and
    /// [materialised](Module::materialize) into one that has the masked weights for its own.
    ///
    /// # Panics
    ///
    /// If a path leads to no float parameter, a mask has other dims than its weight, or the
    /// parameter carries a mask or another transform already, which Burn would keep instead.
    pub fn bind<M: Module>(&self, module: M) -> M {
        bind::bind(&self.masks, module)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use burn::nn::{Linear, LinearConfig};

    fn linear() -> Linear {
        LinearConfig::new(2, 3).init(&Device::flex())
    }

    fn masks(path: &str, dims: [usize; 2]) -> WeightMasks {
        let mask = WeightMask::from_values(Tensor::<2>::zeros(dims, &Device::flex()));
        WeightMasks::identity().with(path, mask)
    }

    #[test]
    fn the_identity_takes_the_place_of_a_mask() {
        assert!(masks("weight", [2, 3]).with("weight", None).is_identity());
    }

    #[test]
    fn masks_survive_serde() {
        let json = serde_json::to_string(&masks("weight", [2, 1])).unwrap();
        let back: WeightMasks = serde_json::from_str(&json).unwrap();
        let mask = back.get("weight").unwrap();
        assert_eq!(mask.values::<2>().into_data().try_to_vec::<f32>().unwrap(), [0.0, 0.0]);
        assert_eq!(mask.dims(), [2, 1]);
    }

    #[test]
    #[should_panic(expected = "WeightMask: rank must be that of the mask, 2, got 3")]
    fn a_mask_has_one_rank() {
        let _ = masks("weight", [2, 3]).get("weight").unwrap().values::<3>();
    }

    #[test]
    #[should_panic(
        expected = "WeightMask: a mask must have the dims of its weight, or 1, got mask [3, 3] for \
                    weight [2, 3]"
    )]
    fn a_mask_of_another_weight_is_refused() {
        let _ = masks("weight", [3, 3]).bind(linear());
    }

    #[test]
    #[should_panic(
        expected = "WeightMasks: every path must lead to a float parameter, got \"wieght\" in a \
                    module with weight, bias"
    )]
    fn a_path_that_leads_nowhere_is_refused() {
        let _ = masks("wieght", [2, 3]).bind(linear());
    }

    #[test]
    #[should_panic(
        expected = "WeightMasks: a parameter must carry no transform yet, got weight_mask at \
                    \"weight\"; bind to the clean module"
    )]
    fn binding_twice_is_refused() {
        let masks = masks("weight", [2, 3]);
        let _ = masks.bind(masks.bind(linear()));
    }
}
