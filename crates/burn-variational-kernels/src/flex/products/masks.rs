//! The values of masks.

use std::ops::Range;

use burn::backend::{Flex, TensorMetadata};

use crate::flex::memory::FlexTensor;
use crate::flex::numbers::Real;
use crate::operands::{Masks, OptionalMask};
use crate::steps::SequenceSteps;

/// A mask: of the rows of the batch, the same at every step, or of the rows of all steps.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Mask<'a, T> {
    /// `[rows, units]`.
    values: &'a [T],
    units: usize,
    per_step: bool,
}

impl<'a, T> Mask<'a, T> {
    /// Units of what masks row `row` of step `t`.
    #[inline(always)]
    pub(crate) fn at(
        &self,
        steps: &SequenceSteps,
        (t, row): (usize, usize),
        units: &Range<usize>,
    ) -> &'a [T] {
        let row = if self.per_step { steps.row(t, row) } else { row };
        let start = row * self.units;
        &self.values[start + units.start..start + units.end]
    }
}

/// The values of a contiguous mask, if there is one.
pub(crate) fn mask<T: Real>(mask: &OptionalMask<Flex>) -> Option<Mask<'_, T>> {
    match mask {
        OptionalMask::Absent => None,
        OptionalMask::Repeated(mask) => Some(of_rows(mask, false)),
        OptionalMask::PerStep(mask) => Some(of_rows(mask, true)),
    }
}

/// Masks on what enters the gates: one for all of them, or one for each.
#[derive(Debug, Clone, Copy)]
pub(crate) enum MaskValues<'a, T> {
    Identity,
    Tied(Mask<'a, T>),
    /// Those of all gates, one after the other.
    Untied {
        masks: Mask<'a, T>,
        n_gates: usize,
    },
}

impl<'a, T: Real> MaskValues<'a, T> {
    /// The number of masked copies of what is masked.
    pub(crate) fn n_copies(&self) -> usize {
        match *self {
            Self::Identity => 0,
            Self::Tied(_) => 1,
            Self::Untied { n_gates, .. } => n_gates,
        }
    }

    /// The mask of copy `copy`, which is that of gate `copy` if each has its own.
    #[inline(always)]
    pub(crate) fn copy(&self, copy: usize) -> Option<Mask<'a, T>> {
        match *self {
            Self::Identity => None,
            Self::Tied(mask) => Some(mask),
            Self::Untied { masks, n_gates } => {
                let len = masks.values.len() / n_gates;
                Some(Mask { values: &masks.values[copy * len..(copy + 1) * len], ..masks })
            }
        }
    }

    /// The copy that enters a gate.
    pub(crate) fn copy_of_gate(&self, gate: usize) -> usize {
        if matches!(self, Self::Untied { .. }) { gate } else { 0 }
    }

    /// The mask of a gate, if it has any.
    pub(crate) fn of_gate(&self, gate: usize) -> Option<Mask<'a, T>> {
        self.copy(self.copy_of_gate(gate))
    }

    /// Neighbouring gates cut into those that share a mask: one matrix product serves them.
    pub(crate) fn runs(&self, gates: Range<usize>) -> impl Iterator<Item = Range<usize>> {
        let run = self.run_len(&gates);
        gates.step_by(run).map(move |gate| gate..gate + run)
    }

    /// How many of neighbouring gates share a mask.
    pub(crate) fn run_len(&self, gates: &Range<usize>) -> usize {
        if matches!(self, Self::Untied { .. }) { 1 } else { gates.len() }
    }
}

/// The values of contiguous masks.
pub(crate) fn mask_values<T: Real>(masks: &Masks<Flex>) -> MaskValues<'_, T> {
    let untied = |masks, per_step| MaskValues::Untied {
        masks: of_rows(masks, per_step),
        n_gates: masks.shape()[0],
    };
    match masks {
        Masks::Identity => MaskValues::Identity,
        Masks::Tied(mask) => MaskValues::Tied(of_rows(mask, false)),
        Masks::TiedPerStep(mask) => MaskValues::Tied(of_rows(mask, true)),
        Masks::Untied(masks) => untied(masks, false),
        Masks::UntiedPerStep(masks) => untied(masks, true),
    }
}

/// All values of `[…, rows, units]`.
fn of_rows<T: Real>(mask: &FlexTensor, per_step: bool) -> Mask<'_, T> {
    let units = mask.shape()[mask.shape().num_dims() - 1];
    Mask { values: T::elements(mask), units, per_step }
}

/// `output ← values ∘ mask`, and `values` themselves where there is none.
#[inline(always)]
pub(crate) fn write_masked<T: Real>(output: &mut [T], values: &[T], mask: Option<&[T]>) {
    match mask {
        None => output.copy_from_slice(values),
        Some(mask) => masked(output, values, mask),
    }
}

/// `output ← values ∘ mask`.
#[inline(always)]
pub(crate) fn masked<T: Real>(output: &mut [T], values: &[T], mask: &[T]) {
    for ((output, &value), &z) in output.iter_mut().zip(values).zip(mask) {
        *output = value * z;
    }
}

/// `output ← output + values ∘ mask`.
#[inline(always)]
pub(crate) fn add_masked<T: Real>(output: &mut [T], values: &[T], mask: &[T]) {
    for ((output, &value), &z) in output.iter_mut().zip(values).zip(mask) {
        *output += value * z;
    }
}
