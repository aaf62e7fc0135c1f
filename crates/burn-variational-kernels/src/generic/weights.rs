//! The masked product with fused weights, and its way back.

use std::ops::Range;

use burn::backend::tensor::{FloatTensor, IntTensor};
use burn::backend::{Backend, Slice, TensorData, TensorMetadata};

use super::steps::{join, rows};
use crate::operands::{Masks, ProjectionConstants, SequenceConstants};
use crate::steps::SequenceSteps;

/// The weights of some neighbouring gates, and the masks on what enters them.
pub(super) struct MaskedWeights<B: Backend> {
    /// `[d_in, gates · d_hidden]`, or `[gates, d_in, d_hidden]` with a mask for each of several.
    weights: FloatTensor<B>,
    masks: Option<EnteringMasks<B>>,
    steps: SequenceSteps,
}

struct EnteringMasks<B: Backend> {
    /// `[gates, n_rows, d_in]`, of one gate if all share it.
    values: FloatTensor<B>,
    /// Whether the rows are those of all steps, and not of the batch.
    per_step: bool,
}

/// Which rows are masked.
#[derive(Debug, Clone, Copy)]
pub(super) enum Rows {
    OfStep(usize),
    OfAllSteps,
}

impl<B: Backend> MaskedWeights<B> {
    /// The recurrent weights of gates `gates`.
    pub(super) fn recurrent(
        constants: &SequenceConstants<B>,
        gates: Range<usize>,
        steps: &SequenceSteps,
    ) -> Self {
        let d_hidden = constants.hidden.shape()[1];
        let columns = gates.start * d_hidden..gates.end * d_hidden;
        let weights =
            B::float_slice(constants.recurrent.clone(), &[0..d_hidden, columns].map(Slice::from));
        let masks = EnteringMasks::of(&constants.masks).map(|masks| masks.of_gates(gates));
        Self::new(weights, masks, steps)
    }

    /// The input weights of all gates.
    pub(super) fn input(constants: &ProjectionConstants<B>, steps: &SequenceSteps) -> Self {
        Self::new(constants.weights.clone(), EnteringMasks::of(&constants.masks), steps)
    }

    fn new(
        weights: FloatTensor<B>,
        masks: Option<EnteringMasks<B>>,
        steps: &SequenceSteps,
    ) -> Self {
        let [d_in, width] = weights.shape().dims();
        let mut masked = Self { weights, masks, steps: steps.clone() };
        let n_gates = masked.n_gates();
        if n_gates > 1 {
            // Gate after gate in memory, once: of a view whose gates lie closer together than its
            // rows a GPU's matrix product makes a copy, in every step. Another shape is a copy.
            let width = width / n_gates;
            let apart = B::float_reshape(masked.weights, [d_in, n_gates, width].into());
            let apart = B::float_swap_dims(apart, 0, 1);
            let apart = B::float_reshape(apart, [n_gates * d_in, width].into());
            masked.weights = B::float_reshape(apart, [n_gates, d_in, width].into());
        }
        masked
    }

    /// As a product reads them.
    #[cfg(all(test, feature = "flex"))]
    pub(super) fn weights(&self) -> &FloatTensor<B> {
        &self.weights
    }

    /// The gates that have masks of their own; one, if they share it or there is none.
    fn n_gates(&self) -> usize {
        self.masks.as_ref().map_or(1, |masks| masks.values.shape()[0])
    }

    /// `x ∘ z` of these rows: `[rows, d_in]`, or `[gates, rows, d_in]` with a mask for each gate.
    pub(super) fn mask(&self, values: FloatTensor<B>, rows: Rows) -> FloatTensor<B> {
        let Some(masks) = self.masks_of(rows) else { return values };
        let [n_rows, d_in] = values.shape().dims();
        let [n_gates, _, period, _] = masks.shape().dims();
        let values = B::float_reshape(values, [1, n_rows / period, period, d_in].into());
        let shape = match n_gates {
            1 => [n_rows, d_in].into(),
            _ => [n_gates, n_rows, d_in].into(),
        };
        B::float_reshape(B::float_mul(values, masks), shape)
    }

    /// The masks of rows: `[gates, 1, period, d_in]`, which is repeated until there are enough.
    fn masks_of(&self, rows: Rows) -> Option<FloatTensor<B>> {
        let EnteringMasks { values, per_step } = self.masks.as_ref()?;
        let steps = &self.steps;
        let values = match rows {
            Rows::OfStep(t) => {
                masks_of_rows::<B>(values, if *per_step { steps.rows(t) } else { 0..steps.n_at(t) })
            }
            Rows::OfAllSteps if *per_step || steps.is_regular() => values.clone(),
            Rows::OfAllSteps => {
                let rows = (0..steps.n_rows()).map(|place| steps.at(place).1);
                B::float_select(values.clone(), 1, indices::<B>(rows, &values.device()))
            }
        };
        let [n_gates, period, d_in] = values.shape().dims();
        Some(B::float_reshape(values, [n_gates, 1, period, d_in].into()))
    }

    /// `entering · W` of what [`mask`](Self::mask) gave: `[rows, gates · d_hidden]`.
    pub(super) fn product(&self, entering: FloatTensor<B>) -> FloatTensor<B> {
        let product = B::float_matmul(entering, self.weights.clone());
        self.gates_side_by_side(product)
    }

    /// `Σ_k (δ_k · W_kᵀ) ∘ z_k`, `[rows, d_in]`: from the gradient of the product of these rows to
    /// that of what was masked.
    pub(super) fn pull_back(&self, gradient: FloatTensor<B>, rows: Rows) -> FloatTensor<B> {
        let n_rows = gradient.shape()[0];
        let product =
            B::float_matmul(self.gates_apart(gradient), B::float_transpose(self.weights.clone()));
        if self.n_gates() == 1 {
            return self.mask(product, rows);
        }
        let masks = self.masks_of(rows).expect("a mask for each gate");
        let [n_gates, _, period, d_in] = masks.shape().dims();
        let product = B::float_reshape(product, [n_gates, n_rows / period, period, d_in].into());
        let sum = B::float_sum_dim(B::float_mul(product, masks), 0);
        B::float_reshape(sum, [n_rows, d_in].into())
    }

    /// What a step hands back to the one before it, if a walk back has come to any: what it
    /// `carried` past the products, and what comes through them from the last of the `deltas`, one
    /// of each step so far.
    pub(super) fn handed_back(
        &self,
        carried: Option<FloatTensor<B>>,
        deltas: &[FloatTensor<B>],
    ) -> Option<FloatTensor<B>> {
        let last = deltas.last()?.clone();
        let t = self.steps.walked(self.steps.seq_length() - deltas.len());
        let pulled = self.pull_back(last, Rows::OfStep(t));
        Some(match carried {
            Some(carried) => B::float_add(carried, pulled),
            None => pulled,
        })
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
        self.weight_gradient(self.mask(entering, Rows::OfAllSteps), deltas)
    }

    /// `[rows, gates · d_hidden]` as `[gates, rows, d_hidden]` where gates have their own masks.
    fn gates_apart(&self, values: FloatTensor<B>) -> FloatTensor<B> {
        let (n_gates, [rows, width]) = (self.n_gates(), values.shape().dims());
        if n_gates == 1 {
            return values;
        }
        let values = B::float_reshape(values, [rows, n_gates, width / n_gates].into());
        B::float_swap_dims(values, 0, 1)
    }

    /// The way back from [`gates_apart`](Self::gates_apart).
    fn gates_side_by_side(&self, values: FloatTensor<B>) -> FloatTensor<B> {
        if self.n_gates() == 1 {
            return values;
        }
        let [n_gates, rows, width] = values.shape().dims();
        B::float_reshape(B::float_swap_dims(values, 0, 1), [rows, n_gates * width].into())
    }
}

impl<B: Backend> EnteringMasks<B> {
    fn of(masks: &Masks<B>) -> Option<Self> {
        let for_all = |mask: &FloatTensor<B>| {
            let [n_rows, d_in] = mask.shape().dims();
            B::float_reshape(mask.clone(), [1, n_rows, d_in].into())
        };
        Some(match masks {
            Masks::Identity => return None,
            Masks::Tied(mask) => Self { values: for_all(mask), per_step: false },
            Masks::Untied(masks) => Self { values: masks.clone(), per_step: false },
            Masks::TiedPerStep(mask) => Self { values: for_all(mask), per_step: true },
            Masks::UntiedPerStep(masks) => Self { values: masks.clone(), per_step: true },
        })
    }

    /// Those of some gates.
    fn of_gates(self, gates: Range<usize>) -> Self {
        let Self { values, per_step } = self;
        let [n_gates, n_rows, d_in] = values.shape().dims();
        if n_gates == 1 {
            return Self { values, per_step };
        }
        let slices = [gates, 0..n_rows, 0..d_in].map(Slice::from);
        Self { values: B::float_slice(values, &slices), per_step }
    }
}

/// Some rows of `[gates, rows, d_in]`.
fn masks_of_rows<B: Backend>(masks: &FloatTensor<B>, rows: Range<usize>) -> FloatTensor<B> {
    let [n_gates, n_rows, d_in] = masks.shape().dims();
    if rows == (0..n_rows) {
        return masks.clone();
    }
    B::float_slice(masks.clone(), &[0..n_gates, rows, 0..d_in].map(Slice::from))
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
