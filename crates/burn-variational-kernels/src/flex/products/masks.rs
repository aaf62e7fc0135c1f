//! The values of masks.

use std::ops::Range;

use burn::backend::{Flex, TensorMetadata};

use crate::flex::numbers::Real;
use crate::operands::Masks;

/// Masks on what enters the gates: one for all of them, or one for each.
#[derive(Debug, Clone, Copy)]
pub(crate) enum MaskValues<'a, T> {
    Identity,
    /// `[batch_size, units]`.
    Tied(&'a [T]),
    /// `[n_gates, batch_size, units]`.
    Untied {
        values: &'a [T],
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
    pub(crate) fn copy(&self, copy: usize) -> &'a [T] {
        match *self {
            Self::Identity => &[],
            Self::Tied(mask) => mask,
            Self::Untied { values, n_gates } => {
                let len = values.len() / n_gates;
                &values[copy * len..(copy + 1) * len]
            }
        }
    }

    /// The copy that enters a gate.
    pub(crate) fn copy_of_gate(&self, gate: usize) -> usize {
        if matches!(self, Self::Untied { .. }) { gate } else { 0 }
    }

    /// The mask of a gate, if it has any.
    pub(crate) fn of_gate(&self, gate: usize) -> Option<&'a [T]> {
        match self {
            Self::Identity => None,
            _ => Some(self.copy(self.copy_of_gate(gate))),
        }
    }

    /// `output ← values ∘ z`, where `z` is a range of the mask of copy `copy`.
    #[inline(always)]
    pub(crate) fn write(&self, copy: usize, range: Range<usize>, values: &[T], output: &mut [T]) {
        match self {
            Self::Identity => output.copy_from_slice(values),
            _ => masked(output, values, &self.copy(copy)[range]),
        }
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
    match masks {
        Masks::Identity => MaskValues::Identity,
        Masks::Tied(mask) => MaskValues::Tied(T::elements(mask)),
        Masks::Untied(masks) => {
            MaskValues::Untied { values: T::elements(masks), n_gates: masks.shape()[0] }
        }
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
