//! The masked product with fused weights, and its way back.

use std::ops::Range;

use burn::backend::tensor::{FloatTensor, IntTensor};
use burn::backend::{Backend, Slice, TensorData, TensorMetadata};

use super::steps::{gate, join, rows};
use crate::operands::{Masks, ProjectionConstants, SequenceConstants};
use crate::steps::SequenceSteps;

/// The weights of some neighbouring gates, and the masks on what enters them.
pub(super) struct MaskedWeights<B: Backend> {
    /// `[d_in, gates · d_hidden]`, or `[gates, d_in, d_hidden]` with a mask for each gate.
    weights: FloatTensor<B>,
    masks: Masks<B>,
    steps: SequenceSteps,
    d_in: usize,
}

impl<B: Backend> MaskedWeights<B> {
    /// The recurrent weights of gates `gates`.
    pub(super) fn recurrent(
        constants: &SequenceConstants<B>,
        gates: Range<usize>,
        steps: &SequenceSteps,
    ) -> Self {
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
        Self::new(weights, masks, steps)
    }

    /// The input weights of all gates.
    pub(super) fn input(constants: &ProjectionConstants<B>, steps: &SequenceSteps) -> Self {
        Self::new(constants.weights.clone(), constants.masks.clone(), steps)
    }

    fn new(weights: FloatTensor<B>, masks: Masks<B>, steps: &SequenceSteps) -> Self {
        let [d_in, width] = weights.shape().dims();
        let (steps, batch_size) = (steps.clone(), steps.batch_size());
        let Masks::Untied(masks) = masks else {
            return Self { weights, masks, steps, d_in };
        };
        let n_gates = masks.shape()[0];
        if n_gates == 1 {
            let masks = Masks::Tied(B::float_reshape(masks, [batch_size, d_in].into()));
            return Self { weights, masks, steps, d_in };
        }
        // Gate after gate in memory, once: of a view whose gates lie closer together than its rows
        // a GPU's matrix product makes a copy, in every step.
        let of_gate = |k| {
            let weights = gate::<B>(&weights, k, width / n_gates);
            B::float_reshape(weights, [1, d_in, width / n_gates].into())
        };
        let weights = B::float_cat((0..n_gates).map(of_gate).collect(), 0);
        Self { weights, masks: Masks::Untied(masks), steps, d_in }
    }

    /// As a product reads them.
    #[cfg(all(test, feature = "flex"))]
    pub(super) fn weights(&self) -> &FloatTensor<B> {
        &self.weights
    }

    /// `x ∘ z` of the first rows of the batch, or of those of all steps: `[rows, d_in]`, or `[gates,
    /// rows, d_in]` with a mask for each gate.
    pub(super) fn mask(&self, values: FloatTensor<B>) -> FloatTensor<B> {
        let [n_rows, d_in] = values.shape().dims();
        let Some(masks) = self.masks_of(n_rows) else { return values };
        let [n_gates, _, period, _] = masks.shape().dims();
        let values = B::float_reshape(values, [1, n_rows / period, period, d_in].into());
        let shape = match self.masks {
            Masks::Untied(_) => [n_gates, n_rows, d_in].into(),
            _ => [n_rows, d_in].into(),
        };
        B::float_reshape(B::float_mul(values, masks), shape)
    }

    /// The masks of rows: `[gates, 1, period, d_in]`, which is repeated until there are enough.
    fn masks_of(&self, n_rows: usize) -> Option<FloatTensor<B>> {
        let (steps, d_in) = (&self.steps, self.d_in);
        let batch_size = steps.batch_size();
        let (masks, n_gates) = match &self.masks {
            Masks::Identity => return None,
            Masks::Tied(mask) => (mask.clone(), 1),
            Masks::Untied(masks) => (masks.clone(), masks.shape()[0]),
        };
        let masks = B::float_reshape(masks, [n_gates, batch_size, d_in].into());
        let (masks, period) = if n_rows < batch_size {
            let slices = [0..n_gates, 0..n_rows, 0..d_in].map(Slice::from);
            (B::float_slice(masks, &slices), n_rows)
        } else if n_rows == batch_size || steps.is_regular() {
            (masks, batch_size)
        } else {
            let rows = (0..n_rows).map(|place| steps.at(place).1);
            let rows = indices::<B>(rows, &masks.device());
            (B::float_select(masks, 1, rows), n_rows)
        };
        Some(B::float_reshape(masks, [n_gates, 1, period, d_in].into()))
    }

    /// `entering · W` of what [`mask`](Self::mask) gave: `[rows, gates · d_hidden]`.
    pub(super) fn product(&self, entering: FloatTensor<B>) -> FloatTensor<B> {
        let product = B::float_matmul(entering, self.weights.clone());
        self.gates_side_by_side(product)
    }

    /// `Σ_k (δ_k · W_kᵀ) ∘ z_k`, `[rows, d_in]`: from the gradient of the product to that of what
    /// was masked.
    pub(super) fn pull_back(&self, gradient: FloatTensor<B>) -> FloatTensor<B> {
        let n_rows = gradient.shape()[0];
        let product =
            B::float_matmul(self.gates_apart(gradient), B::float_transpose(self.weights.clone()));
        let Masks::Untied(_) = self.masks else { return self.mask(product) };
        let masks = self.masks_of(n_rows).expect("a mask for each gate");
        let [n_gates, _, period, d_in] = masks.shape().dims();
        let product = B::float_reshape(product, [n_gates, n_rows / period, period, d_in].into());
        let sum = B::float_sum_dim(B::float_mul(product, masks), 0);
        B::float_reshape(sum, [n_rows, d_in].into())
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

    /// The gradient of recurrent weights from those of what they gave, `[n_rows, gates · d_hidden]`.
    pub(super) fn recurrent_gradient(
        &self,
        constants: &SequenceConstants<B>,
        packed: &FloatTensor<B>,
        deltas: FloatTensor<B>,
    ) -> FloatTensor<B> {
        let entering = entered::<B>(&constants.hidden, packed, &self.steps);
        self.weight_gradient(self.mask(entering), deltas)
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

/// The state that entered each row of each step.
fn entered<B: Backend>(
    hidden: &FloatTensor<B>,
    packed: &FloatTensor<B>,
    steps: &SequenceSteps,
) -> FloatTensor<B> {
    let (n_rows, batch_size) = (steps.n_rows(), steps.batch_size());
    if steps.seq_length() == 1 {
        return hidden.clone();
    }
    if steps.is_regular() && steps.is_backwards() {
        return join::<B>(vec![rows::<B>(packed, batch_size..n_rows), hidden.clone()]);
    }
    if steps.is_regular() {
        return join::<B>(vec![hidden.clone(), rows::<B>(packed, 0..n_rows - batch_size)]);
    }
    let first = packed.shape()[0];
    let entered = (0..n_rows).map(|place| {
        let (t, row) = steps.at(place);
        steps.row_before(t, row).unwrap_or(first + row)
    });
    let entered = indices::<B>(entered, &hidden.device());
    B::float_select(join::<B>(vec![packed.clone(), hidden.clone()]), 0, entered)
}

/// Rows to choose, on a device.
fn indices<B: Backend>(rows: impl Iterator<Item = usize>, device: &B::Device) -> IntTensor<B> {
    // Not 64 bits, which shaders need not know.
    let rows: Vec<i32> = rows.map(|row| row as i32).collect();
    let shape = [rows.len()];
    B::int_from_data(TensorData::new(rows, shape), device)
}
