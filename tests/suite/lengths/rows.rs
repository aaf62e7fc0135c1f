//! A stack over some rows, with everything that can come out of it; and one row of a batch's masks.

use burn::module::{Module, ModuleMapper, ModuleVisitor, Param};
use burn::optim::GradientsParams;
use burn::tensor::{Device, FloatDType, Tensor, TensorData};
use burn_variational::prelude::*;
use cross_backend_tests::tolerance;

use crate::gradients::numbers;

/// Relative error in `f64` between two ways to sum up the same recurrence.
const F64_TOLERANCE: f64 = 1e-12;

#[derive(Clone)]
pub(super) struct Place {
    pub(super) device: Device,
    pub(super) dtype: FloatDType,
}

impl Place {
    pub(super) fn new(device: &Device, dtype: FloatDType) -> Self {
        Self { device: device.clone().autodiff(), dtype }
    }

    pub(super) fn tensor<const D: usize>(&self, dims: [usize; D], salt: f64) -> Tensor<D> {
        let values = numbers(dims.iter().product(), salt);
        let data = TensorData::new(values, dims);
        Tensor::from_data(data, (&self.device, self.dtype.into()))
    }

    pub(super) fn tolerance(&self) -> f64 {
        if self.dtype == FloatDType::F64 { F64_TOLERANCE } else { tolerance(&self.device) }
    }
}

impl ModuleMapper for Place {
    fn map_float<const D: usize>(&mut self, param: Param<Tensor<D>>) -> Param<Tensor<D>> {
        let dtype = self.dtype;
        param.map(|value| value.cast(dtype).detach().require_grad())
    }
}

pub(super) fn values<const D: usize>(tensor: &Tensor<D>) -> Vec<f64> {
    tensor.to_data().iter::<f64>().collect()
}

/// The gradients of the parameters of a module, in the order in which they are declared.
pub(super) struct Collect<'a>(&'a GradientsParams, Vec<Vec<f64>>);

impl ModuleVisitor for Collect<'_> {
    fn visit_float<const D: usize>(&mut self, param: &Param<Tensor<D>>) {
        let grad = self.0.get::<D>(param.id).expect("a gradient for each");
        self.1.push(values(&grad));
    }
}

/// Of some rows: what came out, the gradients of what came in, and those of the parameters.
#[derive(Default)]
pub(super) struct Results {
    /// `[rows, steps, width]`.
    pub(super) outputs: Vec<Vec<f64>>,
    pub(super) last: Vec<f64>,
    pub(super) states: Vec<f64>,
    pub(super) d_inputs: Vec<Vec<f64>>,
    pub(super) d_states: Vec<f64>,
    pub(super) d_parameters: Vec<Vec<f64>>,
}

/// The tensors of a state of one kind, in its order.
fn tensors<S: RecurrentState>(states: Vec<S>) -> Vec<Tensor<2>> {
    let mut tensors = Vec::new();
    for state in states {
        let _ = state.map(&mut |_, tensor| {
            tensors.push(tensor.clone());
            tensor
        });
    }
    tensors
}

/// The states of all layers and directions.
fn parts<S: RecurrentState>(state: &StackState<S>) -> Vec<S> {
    let layers = (0..state.n_layers()).flat_map(|l| {
        [Some(state.layer(l).clone()), state.backward_layer(l).cloned()].into_iter().flatten()
    });
    layers.collect()
}

/// A batch of rows, and what goes along with it.
pub(super) struct Batch<S: RecurrentState> {
    /// `[rows, steps, D_INPUT]`.
    pub(super) input: Tensor<3>,
    pub(super) lengths: Option<Lengths>,
    pub(super) state: StackState<S>,
    pub(super) masks: StackMasks,
    /// The factors of outputs, last outputs and final states in the loss.
    pub(super) weights: (Tensor<3>, Tensor<2>, Tensor<2>),
}

pub(super) fn run<C: RecurrentCell>(stack: &RecurrentStack<C>, batch: Batch<C::State>) -> Results {
    let Batch { input, lengths, state, masks, weights } = batch;
    let input = input.detach().require_grad();
    let mut leaves = Vec::new();
    let leaf = |state: C::State, leaves: &mut Vec<Tensor<2>>| {
        state.map(&mut |_, tensor| {
            let leaf = tensor.detach().require_grad();
            leaves.push(leaf.clone());
            leaf
        })
    };
    let layers: Vec<_> = parts(&state).into_iter().map(|state| leaf(state, &mut leaves)).collect();
    let state = of_parts(layers, stack.is_bidirectional());
    let rows = input.dims()[0];
    let sequences: SequenceBatch = (input.clone(), lengths.clone()).into();
    let (output, finals) = stack.forward(sequences.clone(), Some(state.clone()), &masks);
    let (last, _) = stack.forward_to_last(sequences, Some(state), &masks);
    let finals = tensors(parts(&finals));
    let of_finals = |final_: &Tensor<2>| (final_.clone() * weights.2.clone()).sum();
    let loss = finals.iter().map(of_finals).fold(
        (output.clone() * weights.0).sum() + (last.clone() * weights.1).sum(),
        |loss, term| loss + term,
    );
    let grads = loss.backward();

    let by_row = |tensor: &Tensor<3>| -> Vec<Vec<f64>> {
        (0..rows).map(|row| values(&tensor.clone().slice_dim(0, row..row + 1))).collect()
    };
    let d_inputs = by_row(&input.grad(&grads).expect("a gradient of the input"));
    let d_states = leaves.iter().map(|leaf| leaf.grad(&grads).expect("one of each state"));
    let d_states = Tensor::cat(d_states.collect(), 1);
    let grads = GradientsParams::from_grads(grads, stack);
    let mut collected = Collect(&grads, Vec::new());
    stack.visit(&mut collected);
    Results {
        outputs: by_row(&output),
        last: values(&last),
        states: values(&Tensor::cat(finals, 1)),
        d_inputs,
        d_states: values(&d_states),
        d_parameters: collected.1,
    }
}

pub(super) fn of_parts<S: RecurrentState>(parts: Vec<S>, both: bool) -> StackState<S> {
    if both {
        StackState::both(parts.chunks(2).map(|pair| (pair[0].clone(), pair[1].clone())).collect())
    } else {
        StackState::new(parts)
    }
}

/// One row of the masks of a batch, and its first steps.
fn row_of_masks(masks: &LayerMasks, row: usize, length: usize) -> LayerMasks {
    fn gates<const D: usize>(
        masks: &GateMasks<D>,
        f: impl Fn(Tensor<D>) -> Tensor<D>,
    ) -> GateMasks<D> {
        let one = |mask: &DropoutMask<D>| match mask.values() {
            Some(values) => DropoutMask::from_values(f(values)),
            None => DropoutMask::identity(),
        };
        match masks {
            GateMasks::Tied(mask) => GateMasks::Tied(one(mask)),
            GateMasks::Untied(masks) => GateMasks::Untied(masks.iter().map(one).collect()),
        }
    }
    let sites = masks.iter().map(|(site, masks)| {
        let masks = match masks {
            SiteMasks::PerSequence(masks) => {
                SiteMasks::PerSequence(gates(masks, |values| values.slice_dim(0, row..row + 1)))
            }
            SiteMasks::PerStep(masks) => SiteMasks::PerStep(gates(masks, |values| {
                values.slice_dim(0, 0..length).slice_dim(1, row..row + 1)
            })),
            _ => panic!("masks of a whole batch"),
        };
        (site.clone(), masks)
    });
    sites.fold(LayerMasks::identity(), |all, (site, masks)| all.with(site, masks))
}

pub(super) fn row_of_stack_masks(masks: &StackMasks, row: usize, length: usize) -> StackMasks {
    let one = |masks: &LayerMasks| row_of_masks(masks, row, length);
    let layers = 0..masks.n_layers();
    match masks.backward_layer(0) {
        Some(_) => {
            let both = |l| (one(masks.layer(l)), one(masks.backward_layer(l).expect("both")));
            StackMasks::both(layers.map(both).collect())
        }
        None => StackMasks::new(layers.map(|l| one(masks.layer(l))).collect()),
    }
}
