//! The operation as users of tensors see it.

mod checks;

use burn::backend::Dispatch;
use burn::tensor::{Tensor, TensorData};

use crate::dispatch::SequenceBackend;
use crate::masks::{SequenceMasks, UnitMask, UnitMasks};
use crate::operands::{Optional, SequenceConstants};
use crate::recurrence::Recurrence;
use crate::steps::SequenceSteps;
use crate::support::{check_sizes, has_engine};

/// A whole sequence of one recurrent layer in one direction, as one operation and one node of the
/// autodiff graph.
///
/// With `x_t` the projected inputs (any input bias added), `U` the recurrent weights, and these
/// masks, each of them constant, the same at every step or another at each, and 1 where there is
/// none:
///
/// - `z` on the state where it enters the gates, or `z_k` where each gate has its own;
/// - `z_g` on the candidate of an LSTM or a GRU;
/// - `z_c` on the cell that an LSTM carries, and `z_m` on the hidden state that it makes;
/// - `u_h` and `u_c`, the shares of hidden state and cell that are new (zoneout).
///
/// ```text
/// LSTM   [a_i a_f a_g a_o] = x_t + (h_{t-1} ∘ z) U
///        i = σ(a_i)   f = σ(a_f)   g = tanh(a_g)   o = σ(a_o)
///        c̃ = f ∘ c_{t-1} + i ∘ z_g ∘ g
///        ĉ = z_c ∘ c̃
///        c_t = z_c ∘ (u_c ∘ c̃ + (1 - u_c) ∘ c_{t-1})
///        ĥ = z_m ∘ o ∘ tanh(ĉ)
/// GRU    [r u] = σ(x_ru + (h_{t-1} ∘ z) U_ru)
///        n = tanh(x_n + r ∘ ((h_{t-1} ∘ z) U_n + b_hn))      reset after
///        n = tanh(x_n + (r ∘ h_{t-1} ∘ z) U_n)               reset before
///        ĥ = (1 - u) ∘ z_g ∘ n + u ∘ h_{t-1}
/// RNN    ĥ = tanh(x_t + (h_{t-1} ∘ z) U)
/// all    h_t = u_h ∘ ĥ + (1 - u_h) ∘ h_{t-1}
/// ```
///
/// The initial cell is not masked. Where there is a cell zoneout, the output reads `ĉ`, which is not
/// zoned out (Krueger et al. 2017).
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
    unit_masks: UnitMasks,
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
            unit_masks: UnitMasks::default(),
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

    /// With `z_c`, a mask on the cell that an LSTM carries (`RNNDrop`, Moon et al. 2015).
    pub fn with_cell_mask(mut self, mask: UnitMask) -> Self {
        self.unit_masks.cell = Some(mask);
        self
    }

    /// With `z_g`, a mask on the candidate of an LSTM or a GRU, before the update gate lets it in
    /// (Semeniuta et al. 2016).
    pub fn with_candidate_mask(mut self, mask: UnitMask) -> Self {
        self.unit_masks.candidate = Some(mask);
        self
    }

    /// With `z_m`, a mask on the hidden state of an LSTM where it is made: what stands for `z_c` where
    /// its mean is asked for.
    pub fn with_hidden_mask(mut self, mask: UnitMask) -> Self {
        self.unit_masks.hidden = Some(mask);
        self
    }

    /// With `u_h`, the share of the hidden state that is new: 0 where a unit keeps what it was
    /// (zoneout, Krueger et al. 2017).
    pub fn with_hidden_zoneout(mut self, mask: UnitMask) -> Self {
        self.unit_masks.hidden_zoneout = Some(mask);
        self
    }

    /// With `u_c`, the share of the cell of an LSTM that is new (zoneout, Krueger et al. 2017).
    pub fn with_cell_zoneout(mut self, mask: UnitMask) -> Self {
        self.unit_masks.cell_zoneout = Some(mask);
        self
    }

    /// Whether the engine takes it: it runs on the device, and the masks are constants. A mask
    /// that wants a gradient is for plain tensor operations.
    pub fn is_supported<const D: usize>(&self, projected: &Tensor<D>) -> bool {
        let tracked = self.masks.is_tracked() || self.unit_masks.is_tracked();
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
        self.check("seq_length, batch_size", &dims, &steps);
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
        self.check("n_rows", &dims, steps);
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
            unit_masks: self.unit_masks.into_dispatch(),
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
