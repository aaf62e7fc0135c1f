//! The operation as users of tensors see it.

use burn::backend::Dispatch;
use burn::tensor::{DType, Tensor, TensorData};

use crate::dispatch::SequenceBackend;
use crate::masks::SequenceMasks;
use crate::operands::{Optional, SequenceConstants};
use crate::recurrence::Recurrence;
use crate::steps::SequenceSteps;
use crate::support::{check_dims, check_dtypes, check_sizes, has_engine};

/// A whole sequence of one recurrent layer in one direction, as one operation and one node of the
/// autodiff graph.
///
/// With `x_t` the projected inputs (any input bias added), `z` the recurrent mask, the same at
/// every step, and `z_k` that of gate `k` where each has its own:
///
/// ```text
/// LSTM   [i f g o] = x_t + (h_{t-1} ∘ z) U
///        c_t = z_c ∘ (σ(f) ∘ c_{t-1} + σ(i) ∘ tanh(g))
///        h_t = σ(o) ∘ tanh(c_t)
/// GRU    [r u] = σ(x_ru + (h_{t-1} ∘ z) U_ru)
///        n = tanh(x_n + r ∘ ((h_{t-1} ∘ z) U_n + b_hn))      reset after
///        n = tanh(x_n + (r ∘ h_{t-1} ∘ z) U_n)               reset before
///        h_t = (1 - u) ∘ n + u ∘ h_{t-1}
/// RNN    h_t = tanh(x_t + (h_{t-1} ∘ z) U)
/// ```
///
/// # Example
///
/// ```
/// use burn::tensor::{Device, Tensor};
/// use burn_variational_kernels::{Recurrence, Sequence};
///
/// let device = Device::flex();
/// let [seq_length, batch_size, d_hidden] = [5, 2, 3];
/// let projected = Tensor::<3>::ones([seq_length, batch_size, 4 * d_hidden], &device);
/// let recurrent = Tensor::<2>::ones([d_hidden, 4 * d_hidden], &device);
/// let state = Tensor::<2>::zeros([batch_size, d_hidden], &device);
///
/// let sequence = Sequence::new(Recurrence::Lstm, recurrent, state.clone()).with_cell(state);
/// assert!(sequence.is_supported(&projected));
/// let result = sequence.run(projected);
/// assert_eq!(result.outputs.dims(), [seq_length, batch_size, d_hidden]);
/// assert_eq!(result.cell.unwrap().dims(), [batch_size, d_hidden]);
/// ```
#[derive(Debug, Clone)]
pub struct Sequence {
    recurrence: Recurrence,
    recurrent: Tensor<2>,
    hidden: Tensor<2>,
    cell: Option<Tensor<2>>,
    candidate_bias: Option<Tensor<1>>,
    masks: SequenceMasks,
    cell_mask: Option<Tensor<2>>,
}

/// What a sequence gives.
#[derive(Debug, Clone)]
pub struct SequenceOutput<const D: usize = 3> {
    /// `h_t` of all steps: `[seq_length, batch_size, d_hidden]`, or `[n_rows, d_hidden]` packed.
    pub outputs: Tensor<D>,
    /// `h_t` of the last step of every row that was walked, `[batch_size, d_hidden]`.
    pub hidden: Tensor<2>,
    /// `c_t` of the same, of an LSTM, `[batch_size, d_hidden]`.
    pub cell: Option<Tensor<2>>,
}

impl Sequence {
    /// A sequence without masks.
    ///
    /// # Shapes
    ///
    /// - recurrent, `U`: `[d_hidden, n_gates · d_hidden]`
    /// - hidden, `h_0`: `[batch_size, d_hidden]`
    pub fn new(recurrence: Recurrence, recurrent: Tensor<2>, hidden: Tensor<2>) -> Self {
        Self {
            recurrence,
            recurrent,
            hidden,
            cell: None,
            candidate_bias: None,
            masks: SequenceMasks::Identity,
            cell_mask: None,
        }
    }

    /// With this initial cell `[batch_size, d_hidden]`, which an LSTM needs.
    pub fn with_cell(mut self, cell: Tensor<2>) -> Self {
        self.cell = Some(cell);
        self
    }

    /// With `b_hn`, `[d_hidden]`, for a GRU that resets after the product.
    pub fn with_candidate_bias(mut self, bias: Tensor<1>) -> Self {
        self.candidate_bias = Some(bias);
        self
    }

    /// With these masks on the state where it enters the gates.
    pub fn with_masks(mut self, masks: SequenceMasks) -> Self {
        self.masks = masks;
        self
    }

    /// With this mask `[batch_size, d_hidden]` on the cell an LSTM carries (`RNNDrop`, Moon et al.
    /// 2015).
    pub fn with_cell_mask(mut self, mask: Tensor<2>) -> Self {
        self.cell_mask = Some(mask);
        self
    }

    /// Whether the engine takes it: it runs on the device, and the masks are constants. A mask
    /// that wants a gradient is for plain tensor operations.
    pub fn is_supported<const D: usize>(&self, projected: &Tensor<D>) -> bool {
        let tracked =
            self.masks.is_tracked() || self.cell_mask.as_ref().is_some_and(Tensor::is_tracked);
        !tracked && has_engine(&projected.device())
    }

    /// Runs it over the projected inputs `[seq_length, batch_size, n_gates · d_hidden]`.
    ///
    /// # Panics
    ///
    /// If the sequence is empty, a shape is off, element types differ, a tensor is missing or there
    /// is one the recurrence has no use for, or [`is_supported`](Self::is_supported) is false.
    pub fn run(self, projected: Tensor<3>) -> SequenceOutput {
        let dims @ [seq_length, batch_size, width] = projected.dims();
        check_sizes("Sequence", &[("seq_length", seq_length), ("batch_size", batch_size)]);
        let steps = SequenceSteps::regular(seq_length, batch_size);
        self.check("seq_length, batch_size", &dims, batch_size);
        let d_hidden = self.recurrent.dims()[0];
        let SequenceOutput { outputs, hidden, cell } =
            self.run_rows(projected.reshape([seq_length * batch_size, width]), &steps);
        let outputs = outputs.reshape([seq_length, batch_size, d_hidden]);
        SequenceOutput { outputs, hidden, cell }
    }

    /// Runs it over the projected inputs of sequences of different lengths, `[n_rows, n_gates ·
    /// d_hidden]`, as these steps lay them, and the way they are walked. Masks and states are those
    /// of the batch, the longest sequence first.
    ///
    /// # Example
    ///
    /// ```
    /// use burn::tensor::{Device, Tensor};
    /// use burn_variational_kernels::{Recurrence, Sequence, SequenceSteps};
    ///
    /// let device = Device::flex();
    /// // Sequences of three steps and of one.
    /// let steps = SequenceSteps::packed(&[2, 1, 1]);
    /// let projected = Tensor::<2>::ones([4, 5], &device);
    /// let recurrent = Tensor::<2>::ones([5, 5], &device);
    /// let sequence = Sequence::new(Recurrence::Rnn, recurrent, Tensor::zeros([2, 5], &device));
    /// let result = sequence.run_packed(projected, &steps);
    /// assert_eq!(result.outputs.dims(), [4, 5]);
    /// assert_eq!(result.hidden.dims(), [2, 5]);
    /// ```
    ///
    /// # Panics
    ///
    /// As [`run`](Self::run), or if there are other rows than those of the steps.
    pub fn run_packed(self, projected: Tensor<2>, steps: &SequenceSteps) -> SequenceOutput<2> {
        let dims @ [n_rows, _] = projected.dims();
        assert!(
            n_rows == steps.n_rows(),
            "Sequence: projected must have the {} rows of the steps, got {dims:?}",
            steps.n_rows()
        );
        self.check("n_rows", &dims, steps.batch_size());
        self.run_rows(projected, steps)
    }

    fn run_rows(self, projected: Tensor<2>, steps: &SequenceSteps) -> SequenceOutput<2> {
        self.check_dtypes(projected.dtype());
        assert!(
            self.is_supported(&projected),
            "Sequence: no engine on {:?}, or a mask that wants a gradient",
            projected.device()
        );
        let (n_rows, batch_size) = (steps.n_rows(), steps.batch_size());
        let has_cell = self.recurrence.has_cell();
        let packed = self.dispatch(projected, steps.clone());
        let (outputs, cell) = if has_cell {
            let cell = packed.clone().slice_dim(0, n_rows..n_rows + batch_size);
            (outputs(packed, batch_size), Some(cell))
        } else {
            (packed, None)
        };
        SequenceOutput { hidden: last_states(&outputs, steps), cell, outputs }
    }

    fn check(&self, rows: &str, projected: &[usize], batch_size: usize) {
        let [d_hidden, _] = self.recurrent.dims();
        check_sizes("Sequence", &[("d_hidden", d_hidden)]);
        let (n_gates, width) = (self.recurrence.n_gates(), projected[projected.len() - 1]);
        assert!(
            width == n_gates * d_hidden && self.recurrent.dims() == [d_hidden, width],
            "Sequence: {:?} takes projected [{rows}, {n_gates} · d_hidden] and recurrent \
             [d_hidden, {n_gates} · d_hidden], got {projected:?} and {:?}",
            self.recurrence,
            self.recurrent.dims()
        );
        let state = [batch_size, d_hidden];
        check_dims("Sequence: hidden", self.hidden.dims(), state);
        let of_lstm = [("cell", &self.cell), ("cell_mask", &self.cell_mask)];
        for (field, tensor) in of_lstm {
            if let Some(tensor) = tensor {
                assert!(
                    self.recurrence.has_cell(),
                    "Sequence: {:?} has no cell, got {field}",
                    self.recurrence
                );
                check_dims(&format!("Sequence: {field}"), tensor.dims(), state);
            }
        }
        assert!(
            self.cell.is_some() || !self.recurrence.has_cell(),
            "Sequence: Lstm needs an initial cell, got none"
        );
        if let Some(bias) = &self.candidate_bias {
            assert!(
                self.recurrence == Recurrence::Gru { reset_after: true },
                "Sequence: {:?} has no candidate bias, got one",
                self.recurrence
            );
            check_dims("Sequence: candidate_bias", bias.dims(), [d_hidden]);
        }
        match &self.masks {
            SequenceMasks::Identity => {}
            SequenceMasks::Tied(mask) => check_dims("Sequence: mask", mask.dims(), state),
            SequenceMasks::Untied(masks) => {
                check_dims("Sequence: masks", masks.dims(), [n_gates, batch_size, d_hidden]);
            }
        }
    }

    fn check_dtypes(&self, projected: DType) {
        let others = [
            ("recurrent", Some(self.recurrent.dtype())),
            ("hidden", Some(self.hidden.dtype())),
            ("cell", self.cell.as_ref().map(Tensor::dtype)),
            ("candidate_bias", self.candidate_bias.as_ref().map(Tensor::dtype)),
            ("masks", self.masks.dtype()),
            ("cell_mask", self.cell_mask.as_ref().map(Tensor::dtype)),
        ];
        check_dtypes("Sequence", ("projected", projected), &others);
    }

    fn dispatch(self, projected: Tensor<2>, steps: SequenceSteps) -> Tensor<2> {
        fn optional<const D: usize>(tensor: Option<Tensor<D>>) -> Optional<Dispatch> {
            tensor.map(Tensor::into_dispatch).into()
        }
        #[cfg(feature = "testing")]
        crate::testing::count(crate::testing::Operation::Sequence);
        let constants = SequenceConstants {
            recurrent: self.recurrent.into_dispatch(),
            hidden: self.hidden.into_dispatch(),
            cell: optional(self.cell),
            candidate_bias: optional(self.candidate_bias),
            masks: self.masks.into_dispatch(),
            cell_mask: optional(self.cell_mask),
        };
        let (recurrence, projected) = (self.recurrence, projected.into_dispatch());
        let packed =
            <Dispatch as SequenceBackend>::sequence(recurrence, projected, constants, steps);
        Tensor::from_dispatch(packed)
    }
}

/// `h_t` of all steps, without the last cell of every row behind them.
fn outputs(packed: Tensor<2>, batch_size: usize) -> Tensor<2> {
    let packed = packed.into_dispatch();
    Tensor::from_dispatch(<Dispatch as SequenceBackend>::outputs(packed, batch_size))
}

/// The state that each row is left with, `[batch_size, d_hidden]`.
fn last_states(outputs: &Tensor<2>, steps: &SequenceSteps) -> Tensor<2> {
    let batch_size = steps.batch_size();
    if steps.is_regular() || steps.is_backwards() {
        let t = if steps.is_backwards() { 0 } else { steps.seq_length() - 1 };
        let first = steps.rows(t).start;
        return outputs.clone().slice_dim(0, first..first + batch_size);
    }
    let rows: Vec<i64> = steps.last_rows().into_iter().map(|row| row as i64).collect();
    let rows = TensorData::new(rows, [batch_size]);
    outputs.clone().select(0, Tensor::from_data(rows, &outputs.device()))
}

#[cfg(test)]
mod tests {
    use burn::tensor::{Device, FloatDType};

    use super::*;

    fn ones<const D: usize>(dims: [usize; D]) -> Tensor<D> {
        Tensor::ones(dims, &Device::flex())
    }

    fn double<const D: usize>(dims: [usize; D]) -> Tensor<D> {
        ones(dims).cast(FloatDType::F64)
    }

    /// Five steps of two rows, three units.
    fn run(sequence: Sequence) {
        sequence.run(ones([5, 2, 12]));
    }

    fn lstm() -> Sequence {
        Sequence::new(Recurrence::Lstm, ones([3, 12]), ones([2, 3])).with_cell(ones([2, 3]))
    }

    #[test]
    #[should_panic(expected = "Sequence: recurrent must be F32 as projected is, got F64")]
    fn weights_of_another_type_are_named() {
        run(Sequence { recurrent: double([3, 12]), ..lstm() });
    }

    #[test]
    #[should_panic(expected = "Sequence: hidden must be F32 as projected is, got F64")]
    fn a_state_of_another_type_is_named() {
        run(Sequence { hidden: double([2, 3]), ..lstm() });
    }

    #[test]
    #[should_panic(expected = "Sequence: cell must be F32 as projected is, got F64")]
    fn a_cell_of_another_type_is_named() {
        run(lstm().with_cell(double([2, 3])));
    }

    #[test]
    #[should_panic(expected = "Sequence: masks must be F32 as projected is, got F64")]
    fn masks_of_another_type_are_named() {
        run(lstm().with_masks(SequenceMasks::Untied(double([4, 2, 3]))));
    }

    #[test]
    #[should_panic(expected = "Sequence: cell_mask must be F32 as projected is, got F64")]
    fn a_cell_mask_of_another_type_is_named() {
        run(lstm().with_cell_mask(double([2, 3])));
    }

    #[test]
    #[should_panic(expected = "Sequence: candidate_bias must be F32 as projected is, got F64")]
    fn a_candidate_bias_of_another_type_is_named() {
        let recurrence = Recurrence::Gru { reset_after: true };
        let sequence = Sequence::new(recurrence, ones([3, 9]), ones([2, 3]));
        sequence.with_candidate_bias(double([3])).run(ones([5, 2, 9]));
    }
}
