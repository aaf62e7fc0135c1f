//! The masked product with fused weights, and its way back.

use std::ops::Range;

use burn::backend::tensor::FloatTensor;
use burn::backend::{Backend, Slice, TensorMetadata};

use super::steps::{gate, stack, steps};
use crate::operands::{Masks, ProjectionConstants, SequenceConstants};

/// The weights of some neighbouring gates, and the masks on what enters them.
pub(super) struct MaskedWeights<B: Backend> {
    /// `[d_in, gates · d_hidden]`, or `[gates, d_in, d_hidden]` with a mask for each gate.
    weights: FloatTensor<B>,
    masks: Masks<B>,
    batch_size: usize,
    d_in: usize,
}

impl<B: Backend> MaskedWeights<B> {
    /// The recurrent weights of gates `gates`.
    pub(super) fn recurrent(constants: &SequenceConstants<B>, gates: Range<usize>) -> Self {
        let [batch_size, d_hidden] = constants.hidden.shape().dims();
        let columns = gates.start * d_hidden..gates.end * d_hidden;
        let weights =
            B::float_slice(constants.recurrent.clone(), &[0..d_hidden, columns].map(Slice::from));
        let masks = match &constants.masks {
            Masks::Untied(masks) => {
                let slices = [gates, 0..batch_size, 0..d_hidden].map(Slice::from);
                Masks::Untied(B::float_slice(masks.clone(), &slices))
            }
            tied => tied.clone(),
        };
        Self::new(weights, masks, batch_size)
    }

    /// The input weights of all gates.
    pub(super) fn input(constants: &ProjectionConstants<B>, batch_size: usize) -> Self {
        Self::new(constants.weights.clone(), constants.masks.clone(), batch_size)
    }

    fn new(weights: FloatTensor<B>, masks: Masks<B>, batch_size: usize) -> Self {
        let [d_in, width] = weights.shape().dims();
        let Masks::Untied(masks) = masks else {
            return Self { weights, masks, batch_size, d_in };
        };
        let n_gates = masks.shape()[0];
        if n_gates == 1 {
            let masks = Masks::Tied(B::float_reshape(masks, [batch_size, d_in].into()));
            return Self { weights, masks, batch_size, d_in };
        }
        // Gate after gate in memory, once: of a view whose gates lie closer together than its rows
        // a GPU's matrix product makes a copy, in every step.
        let of_gate = |k| gate::<B>(&weights, k, width / n_gates);
        let weights = stack::<B>((0..n_gates).map(of_gate).collect());
        Self { weights, masks: Masks::Untied(masks), batch_size, d_in }
    }

    /// As a product reads them.
    #[cfg(all(test, feature = "flex"))]
    pub(super) fn weights(&self) -> &FloatTensor<B> {
        &self.weights
    }

    /// `x ∘ z` of `[(steps,) batch_size, d_in]`: `[rows, d_in]`, or `[gates, rows, d_in]` with a
    /// mask for each gate, where `rows = steps · batch_size`.
    pub(super) fn mask(&self, values: FloatTensor<B>) -> FloatTensor<B> {
        let Self { batch_size, d_in, .. } = *self;
        let rows = values.shape().num_elements() / d_in;
        let steps = rows / batch_size;
        match &self.masks {
            Masks::Identity => B::float_reshape(values, [rows, d_in].into()),
            Masks::Tied(mask) => {
                let values = B::float_reshape(values, [steps, batch_size, d_in].into());
                let mask = B::float_reshape(mask.clone(), [1, batch_size, d_in].into());
                B::float_reshape(B::float_mul(values, mask), [rows, d_in].into())
            }
            Masks::Untied(masks) => {
                let n_gates = masks.shape()[0];
                let values = B::float_reshape(values, [1, steps, batch_size, d_in].into());
                let shape = [n_gates, 1, batch_size, d_in];
                let masks = B::float_reshape(masks.clone(), shape.into());
                B::float_reshape(B::float_mul(values, masks), [n_gates, rows, d_in].into())
            }
        }
    }

    /// `entering · W` of what [`mask`](Self::mask) gave: `[rows, gates · d_hidden]`.
    pub(super) fn product(&self, entering: FloatTensor<B>) -> FloatTensor<B> {
        let product = B::float_matmul(entering, self.weights.clone());
        self.gates_side_by_side(product)
    }

    /// `Σ_k (δ_k · W_kᵀ) ∘ z_k`, `[rows, d_in]`: from the gradient of the product to that of what
    /// was masked.
    pub(super) fn pull_back(&self, gradient: FloatTensor<B>) -> FloatTensor<B> {
        let Self { batch_size, d_in, .. } = *self;
        let rows = gradient.shape()[0];
        let steps = rows / batch_size;
        let product =
            B::float_matmul(self.gates_apart(gradient), B::float_transpose(self.weights.clone()));
        match &self.masks {
            Masks::Identity => product,
            Masks::Tied(_) => self.mask(product),
            Masks::Untied(masks) => {
                let n_gates = masks.shape()[0];
                let product = B::float_reshape(product, [n_gates, steps, batch_size, d_in].into());
                let shape = [n_gates, 1, batch_size, d_in];
                let masks = B::float_reshape(masks.clone(), shape.into());
                let sum = B::float_sum_dim(B::float_mul(product, masks), 0);
                B::float_reshape(sum, [rows, d_in].into())
            }
        }
    }

    /// `enteringᵀ · δ`, `[d_in, gates · d_hidden]`, over all rows at once.
    pub(super) fn weight_gradient(
        &self,
        entering: FloatTensor<B>,
        gradient: FloatTensor<B>,
    ) -> FloatTensor<B> {
        let product = B::float_matmul(B::float_transpose(entering), self.gates_apart(gradient));
        self.gates_side_by_side(product)
    }

    /// The gradient of recurrent weights from those of what they gave, `[seq_length, batch_size,
    /// gates · d_hidden]`.
    pub(super) fn recurrent_gradient(
        &self,
        constants: &SequenceConstants<B>,
        packed: &FloatTensor<B>,
        deltas: FloatTensor<B>,
    ) -> FloatTensor<B> {
        let entering = entered::<B>(&constants.hidden, packed, deltas.shape()[0]);
        self.weight_gradient(self.mask(entering), rows::<B>(deltas))
    }

    /// `[rows, gates · d_hidden]` as `[gates, rows, d_hidden]` where gates have their own masks.
    fn gates_apart(&self, values: FloatTensor<B>) -> FloatTensor<B> {
        let Masks::Untied(masks) = &self.masks else { return values };
        let (n_gates, [rows, width]) = (masks.shape()[0], values.shape().dims());
        let values = B::float_reshape(values, [rows, n_gates, width / n_gates].into());
        B::float_swap_dims(values, 0, 1)
    }

    /// The way back from [`gates_apart`](Self::gates_apart).
    fn gates_side_by_side(&self, values: FloatTensor<B>) -> FloatTensor<B> {
        let Masks::Untied(_) = self.masks else { return values };
        let [n_gates, rows, width] = values.shape().dims();
        B::float_reshape(B::float_swap_dims(values, 0, 1), [rows, n_gates * width].into())
    }
}

/// `h_0, h_1 … h_{T-1}`: the state that entered each step.
fn entered<B: Backend>(
    hidden: &FloatTensor<B>,
    packed: &FloatTensor<B>,
    seq_length: usize,
) -> FloatTensor<B> {
    let [batch_size, d_hidden] = hidden.shape().dims();
    let first = B::float_reshape(hidden.clone(), [1, batch_size, d_hidden].into());
    if seq_length == 1 {
        return first;
    }
    B::float_cat(vec![first, steps::<B>(packed, 0..seq_length - 1)], 0)
}

/// `[seq_length, batch_size, width]` as `[seq_length · batch_size, width]`.
pub(super) fn rows<B: Backend>(sequence: FloatTensor<B>) -> FloatTensor<B> {
    let [seq_length, batch_size, width] = sequence.shape().dims();
    B::float_reshape(sequence, [seq_length * batch_size, width].into())
}
