//! The masks of one site: for all gates or each, at all steps or each.

use burn::tensor::{DType, Device, Tensor};
use burn_variational_dropout::{
    DropoutMask, MaskDraw, MaskLifetime, MaskTying, SequenceExtent, SiteDropout,
};
use burn_variational_kernels::SequenceSteps;
use serde::{Deserialize, Serialize};

use crate::packing::Packing;
use crate::{CellSite, PackedMasks};

/// One mask for all gates of a cell, or one for each.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[allow(clippy::large_enum_variant, reason = "the tied mask is the usual one, and there are few")]
pub enum GateMasks<const D: usize> {
    /// The same mask for every gate (Gal & Ghahramani 2016, eq. 7).
    Tied(DropoutMask<D>),
    /// A mask for each gate, in the cell's order of gates (eq. 5).
    Untied(Vec<DropoutMask<D>>),
}

impl<const D: usize> GateMasks<D> {
    /// No dropout.
    pub const fn identity() -> Self {
        Self::Tied(DropoutMask::identity())
    }

    /// The masks: one if tied, one for each gate if not.
    pub fn masks(&self) -> &[DropoutMask<D>] {
        match self {
            Self::Tied(mask) => std::slice::from_ref(mask),
            Self::Untied(masks) => masks,
        }
    }

    /// Whether no gate has a mask.
    pub fn is_identity(&self) -> bool {
        self.masks().iter().all(DropoutMask::is_identity)
    }

    /// The same masks on another device.
    pub fn to_device(&self, device: &Device) -> Self {
        self.map(|mask| mask.to_device(device))
    }

    pub(crate) fn map<const R: usize>(
        &self,
        f: impl Fn(&DropoutMask<D>) -> DropoutMask<R>,
    ) -> GateMasks<R> {
        match self {
            Self::Tied(mask) => GateMasks::Tied(f(mask)),
            Self::Untied(masks) => GateMasks::Untied(masks.iter().map(f).collect()),
        }
    }
}

impl<const D: usize> Default for GateMasks<D> {
    fn default() -> Self {
        Self::identity()
    }
}

impl GateMasks<2> {
    /// `h ∘ z`, or `h ∘ z_k` for each gate `k`.
    ///
    /// # Panics
    ///
    /// If a mask has another batch size or width than `hidden`.
    pub fn apply(&self, hidden: &Tensor<2>) -> Vec<Tensor<2>> {
        self.masks().iter().map(|mask| mask.apply(hidden.clone())).collect()
    }

    /// `h ∘ z` at a site that has no gates.
    ///
    /// # Panics
    ///
    /// If there is a mask for each gate, or a mask has other dims than `hidden`.
    pub fn apply_tied(&self, hidden: &Tensor<2>) -> Tensor<2> {
        only_one(self.apply(hidden))
    }

    /// `z ∘ new + (1 - z) ∘ previous` at a site of zoneout: the identity takes all that is new.
    ///
    /// # Panics
    ///
    /// As [`apply_tied`](Self::apply_tied).
    pub fn zone_out(&self, new: Tensor<2>, previous: &Tensor<2>) -> Tensor<2> {
        let [mask] = self.masks() else { return only_one(self.apply(&new)) };
        let Some(taken) = mask.values() else { return new };
        mask.apply(new) + taken.neg().add_scalar(1.0) * previous.clone()
    }
}

/// The masks of one site over a sequence.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[non_exhaustive]
pub enum SiteMasks {
    /// `[batch_size, units]`, repeated at every time step.
    PerSequence(GateMasks<2>),
    /// `[seq_length, batch_size, units]`, another at every time step.
    PerStep(GateMasks<3>),
    /// Either, over sequences of different lengths.
    #[serde(skip)]
    Packed(PackedMasks),
}

impl SiteMasks {
    /// No dropout.
    pub const fn identity() -> Self {
        Self::PerSequence(GateMasks::identity())
    }

    /// One mask for all gates and all time steps.
    pub fn tied(mask: DropoutMask<2>) -> Self {
        Self::PerSequence(GateMasks::Tied(mask))
    }

    /// One mask for each gate, repeated at every time step.
    pub fn untied(masks: Vec<DropoutMask<2>>) -> Self {
        Self::PerSequence(GateMasks::Untied(masks))
    }

    /// Samples what `dropout` asks at a site of a cell, for sequences of this extent.
    ///
    /// # Panics
    ///
    /// If the rate is not in `[0, 1)`, or the batch does not divide into the draws.
    pub fn sample(
        dropout: &SiteDropout,
        site: &CellSite,
        extent: &SequenceExtent,
        draw: &MaskDraw,
    ) -> Self {
        let draw = draw.site(site.site());
        let [batch_size, seq_length] = [extent.batch_size(), extent.seq_length()];
        let place = (extent.device(), DType::from(extent.dtype()));
        match dropout.lifetime {
            MaskLifetime::PerSequence => Self::PerSequence(sample_gates(dropout, site, |gate| {
                dropout.sample([batch_size, site.width()], &draw.gate(gate), place)
            })),
            MaskLifetime::PerStep => Self::PerStep(sample_gates(dropout, site, |gate| {
                let dims = [seq_length, batch_size, site.width()];
                dropout.sample_steps(dims, &draw.gate(gate), place)
            })),
        }
    }

    /// Whether there is no mask at all.
    pub fn is_identity(&self) -> bool {
        match self {
            Self::PerSequence(masks) => masks.is_identity(),
            Self::PerStep(masks) => masks.is_identity(),
            Self::Packed(masks) => masks.gates().is_identity(),
        }
    }

    /// The same masks on another device.
    pub fn to_device(&self, device: &Device) -> Self {
        match self {
            Self::PerSequence(masks) => Self::PerSequence(masks.to_device(device)),
            Self::PerStep(masks) => Self::PerStep(masks.to_device(device)),
            Self::Packed(masks) => Self::Packed(masks.to_device(device)),
        }
    }

    /// The steps that the masks are repeated over, if sequences have different lengths.
    pub(crate) fn steps(&self) -> Option<&SequenceSteps> {
        let Self::Packed(masks) = self else { return None };
        masks.steps()
    }

    /// The masks row by row, and whether these are the rows of the batch, which are repeated at every
    /// step, or those of all steps, one step after the other.
    pub(crate) fn rows(&self) -> (GateMasks<2>, bool) {
        match self {
            Self::PerSequence(masks) => (masks.clone(), true),
            Self::PerStep(masks) => {
                let rows = masks.map(|mask| {
                    mask.values().map_or_else(DropoutMask::identity, |values| {
                        let [seq_length, batch_size, units] = values.dims();
                        DropoutMask::from_values(values.reshape([seq_length * batch_size, units]))
                    })
                });
                (rows, false)
            }
            Self::Packed(masks) => (masks.gates().clone(), masks.steps().is_some()),
        }
    }

    /// Checks that masks of another length are not taken for those of this sequence.
    pub(crate) fn check_steps(&self, seq_length: usize) {
        let Self::PerStep(masks) = self else { return };
        for values in masks.masks().iter().filter_map(DropoutMask::values) {
            let [steps, ..] = values.dims();
            assert!(
                steps == seq_length,
                "SiteMasks: masks of every step must have seq_length {seq_length}, got {steps}"
            );
        }
    }

    /// Checks that untied masks are those of a site with so many gates.
    pub(crate) fn check_gates(&self, n_gates: usize) {
        let n_masks = match self {
            Self::PerSequence(GateMasks::Untied(masks)) => masks.len(),
            Self::PerStep(GateMasks::Untied(masks)) => masks.len(),
            Self::Packed(masks) => match masks.gates() {
                GateMasks::Untied(masks) => masks.len(),
                GateMasks::Tied(_) => return,
            },
            _ => return,
        };
        assert!(
            n_masks == n_gates,
            "GateMasks: untied masks must be one for each of {n_gates} gates, got {n_masks}"
        );
    }

    /// The masks of one time step.
    ///
    /// # Panics
    ///
    /// If the masks have no such step.
    pub fn at_step(&self, step: usize) -> GateMasks<2> {
        match self {
            Self::PerSequence(masks) => masks.clone(),
            Self::PerStep(masks) => masks.map(|mask| mask.at_step(step)),
            Self::Packed(masks) => masks.at_step(step),
        }
    }

    /// The same masks over sequences of different lengths.
    ///
    /// # Panics
    ///
    /// If a mask has another batch size than the lengths.
    pub(crate) fn packed(&self, packing: &Packing) -> Self {
        match self {
            masks if masks.is_identity() => Self::identity(),
            Self::PerSequence(masks) => Self::Packed(PackedMasks::per_sequence(masks, packing)),
            Self::PerStep(masks) => Self::Packed(PackedMasks::per_step(masks, packing)),
            Self::Packed(_) => panic!(
                "SiteMasks: masks of a batch with lengths are those of its own layer, got them for \
                 another"
            ),
        }
    }

    /// `x_t ∘ z` for every step `t`, once for each mask.
    ///
    /// # Shapes
    ///
    /// - input, outputs: `[seq_length, batch_size, units]`, or `[1, n_rows, units]` where sequences
    ///   have different lengths
    ///
    /// # Panics
    ///
    /// If a mask has another batch size, width or number of steps than the input.
    pub fn apply_over_time(&self, input: &Tensor<3>) -> Vec<Tensor<3>> {
        match self {
            Self::PerSequence(masks) => {
                masks.masks().iter().map(|mask| mask.apply_over_time(input.clone())).collect()
            }
            Self::PerStep(masks) => {
                masks.masks().iter().map(|mask| mask.apply(input.clone())).collect()
            }
            Self::Packed(masks) => {
                let masks = masks.over_rows();
                masks.masks().iter().map(|mask| mask.apply_over_time(input.clone())).collect()
            }
        }
    }

    /// `x_t ∘ z` for every step `t`, at a site that has no gates.
    ///
    /// # Panics
    ///
    /// If there is a mask for each gate, or a mask has other dims than the input.
    pub fn apply_tied(&self, input: &Tensor<3>) -> Tensor<3> {
        only_one(self.apply_over_time(input))
    }
}

impl Default for SiteMasks {
    fn default() -> Self {
        Self::identity()
    }
}

fn only_one<const D: usize>(mut outputs: Vec<Tensor<D>>) -> Tensor<D> {
    assert!(
        outputs.len() == 1,
        "SiteMasks: a site without gates must have one mask, got {}",
        outputs.len()
    );
    outputs.remove(0)
}

fn sample_gates<const D: usize>(
    dropout: &SiteDropout,
    site: &CellSite,
    sample: impl Fn(usize) -> DropoutMask<D>,
) -> GateMasks<D> {
    match dropout.tying {
        MaskTying::Tied => GateMasks::Tied(sample(0)),
        MaskTying::Untied => GateMasks::Untied((0..site.n_gates()).map(sample).collect()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    #[should_panic(expected = "SiteMasks: a site without gates must have one mask, got 2")]
    fn untied_masks_where_there_are_no_gates_are_refused() {
        let masks = SiteMasks::untied(vec![DropoutMask::identity(), DropoutMask::identity()]);
        let _ = masks.apply_tied(&Tensor::ones([1, 1, 1], &Device::flex()));
    }
}
