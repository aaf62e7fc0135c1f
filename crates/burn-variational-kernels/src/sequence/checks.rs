//! What a sequence refuses.

use burn::tensor::{DType, Tensor};

use super::Sequence;
use crate::recurrence::Recurrence;
use crate::steps::SequenceSteps;
use crate::support::{check_dims, check_dtypes, check_sizes};

impl Sequence {
    /// Asserts that all that is needed is there, nothing that is not, and in these dims. `rows` names
    /// the axes of the projected inputs before the last.
    pub(super) fn check(&self, rows: &str, projected: &[usize], steps: &SequenceSteps) {
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
        let state = [steps.batch_size(), d_hidden];
        check_dims("Sequence: hidden", self.hidden.dims(), state);
        if let Some(cell) = &self.cell {
            assert!(
                self.recurrence.has_cell(),
                "Sequence: {:?} has no cell, got cell",
                self.recurrence
            );
            check_dims("Sequence: cell", cell.dims(), state);
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
        self.masks.check("Sequence", n_gates, steps, d_hidden);
        self.unit_masks.check(self.recurrence, steps, d_hidden);
    }

    /// Asserts that all tensors have the element type of the projected inputs.
    pub(super) fn check_dtypes(&self, projected: DType) {
        let others = [
            ("recurrent", Some(self.recurrent.dtype())),
            ("hidden", Some(self.hidden.dtype())),
            ("cell", self.cell.as_ref().map(Tensor::dtype)),
            ("candidate_bias", self.candidate_bias.as_ref().map(Tensor::dtype)),
            ("masks", self.masks.dtype()),
        ];
        let projected = ("projected", projected);
        check_dtypes("Sequence", projected, &others);
        check_dtypes("Sequence", projected, &self.unit_masks.dtypes());
    }
}

#[cfg(test)]
mod tests {
    use burn::tensor::{Device, FloatDType};

    use super::*;
    use crate::masks::{SequenceMasks, UnitMask};

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
        run(lstm().with_cell_mask(UnitMask::Repeated(double([2, 3]))));
    }

    #[test]
    #[should_panic(expected = "Sequence: candidate_bias must be F32 as projected is, got F64")]
    fn a_candidate_bias_of_another_type_is_named() {
        let recurrence = Recurrence::Gru { reset_after: true };
        let sequence = Sequence::new(recurrence, ones([3, 9]), ones([2, 3]));
        sequence.with_candidate_bias(double([3])).run(ones([5, 2, 9]));
    }

    #[test]
    #[should_panic(expected = "Sequence: cell_zoneout must be F32 as projected is, got F64")]
    fn a_zoneout_of_another_type_is_named() {
        run(lstm().with_cell_zoneout(UnitMask::PerStep(double([10, 3]))));
    }

    #[test]
    #[should_panic(expected = "Sequence: masks must be F32 as projected is, got F64")]
    fn masks_per_step_of_another_type_are_named() {
        run(lstm().with_masks(SequenceMasks::TiedPerStep(double([10, 3]))));
    }

    #[test]
    #[should_panic(expected = "Sequence: mask must have dims [10, 3], got [2, 3]")]
    fn a_mask_per_step_needs_a_row_for_each_row_of_the_steps() {
        run(lstm().with_masks(SequenceMasks::TiedPerStep(ones([2, 3]))));
    }

    #[test]
    #[should_panic(expected = "Sequence: masks must have dims [4, 10, 3], got [3, 10, 3]")]
    fn masks_per_step_for_another_number_of_gates_are_refused() {
        run(lstm().with_masks(SequenceMasks::UntiedPerStep(ones([3, 10, 3]))));
    }

    #[test]
    #[should_panic(expected = "Sequence: hidden_zoneout must have dims [10, 3], got [2, 3]")]
    fn a_zoneout_per_step_needs_a_row_for_each_row_of_the_steps() {
        run(lstm().with_hidden_zoneout(UnitMask::PerStep(ones([2, 3]))));
    }

    #[test]
    #[should_panic(expected = "Sequence: cell_mask must have dims [2, 3], got [10, 3]")]
    fn a_repeated_mask_needs_a_row_for_each_row_of_the_batch() {
        run(lstm().with_cell_mask(UnitMask::Repeated(ones([10, 3]))));
    }

    #[test]
    #[should_panic(expected = "Sequence: Rnn has no candidate, got candidate_mask")]
    fn a_candidate_mask_of_a_simple_rnn_is_refused() {
        let sequence = Sequence::new(Recurrence::Rnn, ones([3, 3]), ones([2, 3]));
        sequence.with_candidate_mask(UnitMask::Repeated(ones([2, 3]))).run(ones([5, 2, 3]));
    }

    #[test]
    #[should_panic(expected = "Sequence: Gru { reset_after: true } has no cell, got cell_zoneout")]
    fn a_cell_zoneout_of_a_gru_is_refused() {
        let recurrence = Recurrence::Gru { reset_after: true };
        let sequence = Sequence::new(recurrence, ones([3, 9]), ones([2, 3]));
        sequence.with_cell_zoneout(UnitMask::Repeated(ones([2, 3]))).run(ones([5, 2, 9]));
    }

    #[test]
    fn a_mask_that_wants_a_gradient_is_for_plain_operations() {
        let device = Device::flex().autodiff();
        let learned = || Tensor::<2>::ones([2, 3], &device).require_grad();
        let projected = Tensor::<3>::ones([5, 2, 12], &device);
        let mask = UnitMask::Repeated;
        let sequences = vec![
            lstm().with_masks(SequenceMasks::TiedPerStep(learned())),
            lstm().with_cell_mask(mask(learned())),
            lstm().with_candidate_mask(mask(learned())),
            lstm().with_hidden_mask(mask(learned())),
            lstm().with_hidden_zoneout(mask(learned())),
            lstm().with_cell_zoneout(mask(learned())),
        ];
        assert!(lstm().is_supported(&projected));
        for sequence in sequences {
            assert!(!sequence.is_supported(&projected), "{sequence:?}");
        }
    }
}
