//! Weights that are masked number by number on the host.

use burn::module::{Module, ModuleMapper, ModuleVisitor, Param, ParamId};
use burn::optim::GradientsParams;
use burn::tensor::{Device, Tensor, TensorData};
use burn_variational::dropout::{WeightMask, WeightMasks};

/// Numbers without a pattern.
pub(super) fn numbers<const D: usize>(dims: [usize; D], device: &Device) -> Tensor<D> {
    let n: usize = dims.iter().product();
    let values: Vec<f32> = (1..=n).map(|k| (k as f32 * 2.3).sin()).collect();
    Tensor::from_data(TensorData::new(values, dims), device)
}

/// A parameter read back to the host.
pub(super) struct Weight {
    pub(super) path: String,
    pub(super) id: ParamId,
    pub(super) values: Vec<f64>,
    dims: Vec<usize>,
    read: fn(&GradientsParams, ParamId) -> Vec<f64>,
}

impl Weight {
    pub(super) fn gradient(&self, grads: &GradientsParams) -> Vec<f64> {
        (self.read)(grads, self.id)
    }

    pub(super) fn times(&self, values: &[f64], mask: &WeightMask) -> Vec<f64> {
        times(values, &self.dims, mask)
    }
}

/// `v ∘ z`, the factor of an element looked up by its place along every axis.
fn times(values: &[f64], dims: &[usize], mask: &WeightMask) -> Vec<f64> {
    let factors = flat(mask);
    let at = |mut element: usize| {
        let (mut index, mut stride) = (0, 1);
        for (&dim, &of_mask) in dims.iter().zip(mask.dims()).rev() {
            index += element % dim % of_mask * stride;
            element /= dim;
            stride *= of_mask;
        }
        index
    };
    values.iter().enumerate().map(|(k, value)| value * factors[at(k)]).collect()
}

fn flat(mask: &WeightMask) -> Vec<f64> {
    let data = match mask.dims().len() {
        2 => mask.values::<2>().into_data(),
        4 => mask.values::<4>().into_data(),
        rank => panic!("no weight here has rank {rank}"),
    };
    data.iter::<f64>().collect()
}

/// The float parameters of a module.
pub(super) fn collected<M: Module>(module: &M) -> Vec<Weight> {
    let mut collect = Collect { path: Vec::new(), weights: Vec::new() };
    module.visit(&mut collect);
    collect.weights
}

struct Collect {
    path: Vec<String>,
    weights: Vec<Weight>,
}

impl ModuleVisitor for Collect {
    fn enter_module(&mut self, name: &str, _container_type: &str) {
        self.path.push(name.to_string());
    }

    fn exit_module(&mut self, _name: &str, _container_type: &str) {
        self.path.pop();
    }

    fn visit_float<const D: usize>(&mut self, param: &Param<Tensor<D>>) {
        self.weights.push(Weight {
            path: self.path.join("."),
            id: param.id,
            values: param.val().into_data().iter::<f64>().collect(),
            dims: param.dims().to_vec(),
            read: |grads, id| {
                let grad = grads.get::<D>(id).expect("a gradient for each parameter");
                grad.into_data().iter::<f64>().collect()
            },
        });
    }
}

/// A module with weights of its own, masked by hand.
pub(super) fn masked<M: Module>(module: M, masks: &WeightMasks) -> M {
    module.map(&mut Mask { path: Vec::new(), masks })
}

struct Mask<'a> {
    path: Vec<String>,
    masks: &'a WeightMasks,
}

impl ModuleMapper for Mask<'_> {
    fn enter_module(&mut self, name: &str, _container_type: &str) {
        self.path.push(name.to_string());
    }

    fn exit_module(&mut self, _name: &str, _container_type: &str) {
        self.path.pop();
    }

    fn map_float<const D: usize>(&mut self, param: Param<Tensor<D>>) -> Param<Tensor<D>> {
        let Some(mask) = self.masks.get(&self.path.join(".")) else { return param };
        param.map(|weight| {
            let values: Vec<f64> = weight.to_data().iter::<f64>().collect();
            let values: Vec<f32> =
                times(&values, &weight.dims(), mask).iter().map(|&value| value as f32).collect();
            let data = TensorData::new(values, weight.dims());
            let masked = Tensor::from_data(data, &weight.device());
            if weight.is_require_grad() { masked.require_grad() } else { masked }
        })
    }
}
