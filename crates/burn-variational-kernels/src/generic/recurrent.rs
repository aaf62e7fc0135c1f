//! The masked product with the recurrent weights, and its way back.

use std::ops::Range;

use burn::backend::tensor::FloatTensor;
use burn::backend::{Backend, Slice, TensorMetadata};

use crate::operation::{Constants, Masks};

/// The recurrent weights of some neighbouring gates with their masks.
pub(super) struct Recurrent<B: Backend> {
    /// `[d_hidden, gates · d_hidden]`, or `[gates, d_hidden, d_hidden]` with a mask for each gate.
    weights: FloatTensor<B>,
    masks: Masks<B>,
    n_gates: usize,
}

impl<B: Backend> Recurrent<B> {
    /// Gates `gates` of the cell.
    pub(super) fn new(constants: &Constants<B>, gates: Range<usize>) -> Self {
        let [batch_size, d_hidden] = constants.hidden.shape().dims();
        let n_gates = gates.len();
        let columns = gates.start * d_hidden..gates.end * d_hidden;
        let weights =
            B::float_slice(constants.recurrent.clone(), &[0..d_hidden, columns].map(Slice::from));
        let Masks::Untied(masks) = &constants.masks else {
            return Self { weights, masks: constants.masks.clone(), n_gates };
        };
        let slices = [gates, 0..batch_size, 0..d_hidden].map(Slice::from);
        let masks = B::float_slice(masks.clone(), &slices);
        if n_gates == 1 {
            let mask = B::float_reshape(masks, [batch_size, d_hidden].into());
            return Self { weights, masks: Masks::Tied(mask), n_gates };
        }
        let weights = B::float_reshape(weights, [d_hidden, n_gates, d_hidden].into());
        Self { weights: B::float_swap_dims(weights, 0, 1), masks: Masks::Untied(masks), n_gates }
    }

    /// `h ∘ z`: `[rows, d_hidden]`, or `[gates, rows, d_hidden]` with a mask for each gate. A
    /// sequence of states `[seq_length, batch_size, d_hidden]` gives `rows = seq_length ·
    /// batch_size`.
    pub(super) fn mask(&self, states: FloatTensor<B>) -> FloatTensor<B> {
        let shape = states.shape();
        let (steps, [rows, d_hidden]) = match shape.num_dims() {
            3 => (shape[0], [shape[1], shape[2]]),
            _ => (1, [shape[0], shape[1]]),
        };
        match &self.masks {
            Masks::Identity => B::float_reshape(states, [steps * rows, d_hidden].into()),
            Masks::Tied(mask) => {
                let states = B::float_reshape(states, [steps, rows, d_hidden].into());
                let mask = B::float_reshape(mask.clone(), [1, rows, d_hidden].into());
                B::float_reshape(B::float_mul(states, mask), [steps * rows, d_hidden].into())
            }
            Masks::Untied(masks) => {
                let n_gates = self.n_gates;
                let states = B::float_reshape(states, [1, steps, rows, d_hidden].into());
                let masks = B::float_reshape(masks.clone(), [n_gates, 1, rows, d_hidden].into());
                let shape = [n_gates, steps * rows, d_hidden];
                B::float_reshape(B::float_mul(states, masks), shape.into())
            }
        }
    }

    /// `entering · U` of what [`mask`](Self::mask) gave: `[rows, gates · d_hidden]`.
    pub(super) fn product(&self, entering: FloatTensor<B>) -> FloatTensor<B> {
        let product = B::float_matmul(entering, self.weights.clone());
        match self.masks {
            Masks::Untied(_) => {
                let [n_gates, rows, d_hidden] = product.shape().dims();
                let product = B::float_swap_dims(product, 0, 1);
                B::float_reshape(product, [rows, n_gates * d_hidden].into())
            }
            _ => product,
        }
    }

    /// `Σ_k (δ_k · U_kᵀ) ∘ z_k`: from the gradient of the product to that of the state.
    pub(super) fn pull_back(&self, gradient: FloatTensor<B>) -> FloatTensor<B> {
        let product =
            B::float_matmul(self.by_gate(gradient), B::float_transpose(self.weights.clone()));
        match &self.masks {
            Masks::Identity => product,
            Masks::Tied(mask) => B::float_mul(product, mask.clone()),
            Masks::Untied(masks) => {
                let [_, rows, d_hidden] = product.shape().dims();
                let sum = B::float_sum_dim(B::float_mul(product, masks.clone()), 0);
                B::float_reshape(sum, [rows, d_hidden].into())
            }
        }
    }

    /// `enteringᵀ · δ`, `[d_hidden, gates · d_hidden]`, over all rows at once.
    pub(super) fn weight_gradient(
        &self,
        entering: FloatTensor<B>,
        gradient: FloatTensor<B>,
    ) -> FloatTensor<B> {
        let product = B::float_matmul(B::float_transpose(entering), self.by_gate(gradient));
        match self.masks {
            Masks::Untied(_) => {
                let [n_gates, d_hidden, _] = product.shape().dims();
                let product = B::float_swap_dims(product, 0, 1);
                B::float_reshape(product, [d_hidden, n_gates * d_hidden].into())
            }
            _ => product,
        }
    }

    /// `[rows, gates · d_hidden]` as the weights lie: gates apart with a mask for each.
    fn by_gate(&self, gradient: FloatTensor<B>) -> FloatTensor<B> {
        match self.masks {
            Masks::Untied(_) => {
                let [rows, width] = gradient.shape().dims();
                let shape = [rows, self.n_gates, width / self.n_gates];
                B::float_swap_dims(B::float_reshape(gradient, shape.into()), 0, 1)
            }
            _ => gradient,
        }
    }
}

/// `h_0, h_1 … h_{T-1}`: the state that entered each step.
pub(super) fn entered<B: Backend>(
    hidden: &FloatTensor<B>,
    packed: &FloatTensor<B>,
    seq_length: usize,
) -> FloatTensor<B> {
    let [batch_size, d_hidden] = hidden.shape().dims();
    let first = B::float_reshape(hidden.clone(), [1, batch_size, d_hidden].into());
    if seq_length == 1 {
        return first;
    }
    B::float_cat(vec![first, super::steps::steps::<B>(packed, 0..seq_length - 1)], 0)
}

/// `[seq_length, batch_size, width]` as `[seq_length · batch_size, width]`.
pub(super) fn rows<B: Backend>(sequence: FloatTensor<B>) -> FloatTensor<B> {
    let [seq_length, batch_size, width] = sequence.shape().dims();
    B::float_reshape(sequence, [seq_length * batch_size, width].into())
}
