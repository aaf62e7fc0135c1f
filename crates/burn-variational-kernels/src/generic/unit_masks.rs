//! The masks on what a step computes, unit by unit.

use burn::backend::Backend;
use burn::backend::tensor::FloatTensor;

use super::steps::{one_minus, rows, step};
use crate::operands::{OptionalMask, UnitMasks};
use crate::steps::SequenceSteps;

/// The masks of one step, `[rows, d_hidden]` each, where there is one.
pub(super) struct OfStep<B: Backend> {
    pub(super) cell: Option<FloatTensor<B>>,
    pub(super) candidate: Option<FloatTensor<B>>,
    pub(super) hidden_zoneout: Option<FloatTensor<B>>,
    pub(super) cell_zoneout: Option<FloatTensor<B>>,
    pub(super) hidden: Option<FloatTensor<B>>,
}

impl<B: Backend> UnitMasks<B> {
    /// Those of step `t`.
    pub(super) fn at(&self, steps: &SequenceSteps, t: usize) -> OfStep<B> {
        OfStep {
            cell: self.cell.at(steps, t),
            candidate: self.candidate.at(steps, t),
            hidden_zoneout: self.hidden_zoneout.at(steps, t),
            cell_zoneout: self.cell_zoneout.at(steps, t),
            hidden: self.hidden.at(steps, t),
        }
    }
}

impl<B: Backend> OptionalMask<B> {
    fn at(&self, steps: &SequenceSteps, t: usize) -> Option<FloatTensor<B>> {
        match self {
            Self::Absent => None,
            Self::Repeated(mask) => Some(rows::<B>(mask, 0..steps.n_at(t))),
            Self::PerStep(mask) => Some(step::<B>(mask, steps, t)),
        }
    }
}

/// `values ∘ z`.
pub(super) fn masked<B: Backend>(
    values: FloatTensor<B>,
    mask: Option<&FloatTensor<B>>,
) -> FloatTensor<B> {
    match mask {
        None => values,
        Some(mask) => B::float_mul(values, mask.clone()),
    }
}

/// `u ∘ new + (1 - u) ∘ old`, where `u` is the share that is new.
pub(super) fn zoned_out<B: Backend>(
    new: FloatTensor<B>,
    old: FloatTensor<B>,
    share: &FloatTensor<B>,
) -> FloatTensor<B> {
    let old = B::float_mul(one_minus::<B>(share.clone()), old);
    B::float_add(B::float_mul(share.clone(), new), old)
}

/// Back through [`zoned_out`]: the gradient of what is new, and that of what was there, if it has
/// a share at all.
pub(super) fn through_zoneout<B: Backend>(
    gradient: FloatTensor<B>,
    share: Option<&FloatTensor<B>>,
) -> (FloatTensor<B>, Option<FloatTensor<B>>) {
    let Some(share) = share else { return (gradient, None) };
    let old = B::float_mul(gradient.clone(), one_minus::<B>(share.clone()));
    (B::float_mul(gradient, share.clone()), Some(old))
}
