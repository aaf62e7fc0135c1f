//! The masks of a recurrent layer and of a stack: which mask multiplies what, and when.

use burn::tensor::{Device, Tensor};
use burn_variational_dropout::{DropoutMask, MaskLifetime, MaskRng, MaskTying, Site, SiteDropout};
use serde::{Deserialize, Serialize};

use crate::{LayerDropout, StackDropout};

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
    pub fn identity() -> Self {
        Self::Tied(DropoutMask::identity())
    }

    /// The masks: one if tied, one for each gate if not.
    pub fn masks(&self) -> &[DropoutMask<D>] {
        match self {
            Self::Tied(mask) => std::slice::from_ref(mask),
            Self::Untied(masks) => masks,
        }
    }

    fn map<const R: usize>(&self, f: impl Fn(&DropoutMask<D>) -> DropoutMask<R>) -> GateMasks<R> {
        match self {
            Self::Tied(mask) => GateMasks::Tied(f(mask)),
            Self::Untied(masks) => GateMasks::Untied(masks.iter().map(f).collect()),
        }
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
}

/// The masks of one site over a sequence.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub enum SiteMasks {
    /// `[batch_size, units]`, repeated at every time step.
    PerSequence(GateMasks<2>),
    /// `[seq_length, batch_size, units]`, another at every time step.
    PerStep(GateMasks<3>),
}

impl SiteMasks {
    /// No dropout.
    pub fn identity() -> Self {
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

    /// Draws what `dropout` asks at a site for `[batch_size, seq_length]` and `[units, n_gates]`,
    /// or the identity where it asks nothing.
    ///
    /// # Panics
    ///
    /// If the rate is not in `[0, 1)`, or the batch does not divide into the draws of `rng`.
    pub fn sample(
        dropout: Option<&SiteDropout>,
        [batch_size, seq_length]: [usize; 2],
        [units, n_gates]: [usize; 2],
        rng: &MaskRng,
        device: &Device,
    ) -> Self {
        let Some(dropout) = dropout else {
            return Self::identity();
        };
        match dropout.lifetime {
            MaskLifetime::PerSequence => {
                Self::PerSequence(sample_gates(dropout, n_gates, |gate| {
                    let rng = rng.clone().gate(gate);
                    dropout.sample([batch_size, units], &rng, device)
                }))
            }
            MaskLifetime::PerStep => Self::PerStep(sample_gates(dropout, n_gates, |gate| {
                let rng = rng.clone().gate(gate);
                dropout.sample_steps([seq_length, batch_size, units], &rng, device)
            })),
        }
    }

    /// The same masks on another device.
    pub fn to_device(&self, device: &Device) -> Self {
        match self {
            Self::PerSequence(masks) => Self::PerSequence(masks.map(|m| m.to_device(device))),
            Self::PerStep(masks) => Self::PerStep(masks.map(|m| m.to_device(device))),
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

    /// Checks that untied masks are those of a cell with so many gates.
    pub(crate) fn check_gates(&self, n_gates: usize) {
        let n_masks = match self {
            Self::PerSequence(GateMasks::Untied(masks)) => masks.len(),
            Self::PerStep(GateMasks::Untied(masks)) => masks.len(),
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
        }
    }

    /// `x_t ∘ z` for every step `t`, once for each mask.
    ///
    /// # Shapes
    ///
    /// - input, outputs: `[seq_length, batch_size, units]`
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
        }
    }

    /// `x_t ∘ z` for every step `t`, at a site that has no gates.
    ///
    /// # Panics
    ///
    /// If there is a mask for each gate, or a mask has other dims than the input.
    pub fn apply_tied(&self, input: &Tensor<3>) -> Tensor<3> {
        let mut outputs = self.apply_over_time(input);
        assert!(
            outputs.len() == 1,
            "SiteMasks: a site without gates must have one mask, got {}",
            outputs.len()
        );
        outputs.remove(0)
    }
}

fn sample_gates<const D: usize>(
    dropout: &SiteDropout,
    n_gates: usize,
    sample: impl Fn(usize) -> DropoutMask<D>,
) -> GateMasks<D> {
    match dropout.tying {
        MaskTying::Tied => GateMasks::Tied(sample(0)),
        MaskTying::Untied => GateMasks::Untied((0..n_gates).map(sample).collect()),
    }
}

/// The masks of one recurrent layer in one direction.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[non_exhaustive]
pub struct LayerMasks {
    /// On `x_t`, where it enters the gates.
    pub input: SiteMasks,
    /// On `h_{t-1}`, where it enters the gates; the carried state itself is never masked.
    pub recurrent: SiteMasks,
    /// On the output sequence; the carried state is not touched.
    pub output: SiteMasks,
}

impl LayerMasks {
    /// No dropout: costs nothing, and the layer equals its twin in `burn::nn`.
    pub fn identity() -> Self {
        Self {
            input: SiteMasks::identity(),
            recurrent: SiteMasks::identity(),
            output: SiteMasks::identity(),
        }
    }

    /// With these masks on `x_t`.
    pub fn with_input(mut self, masks: SiteMasks) -> Self {
        self.input = masks;
        self
    }

    /// With these masks on `h_{t-1}`.
    pub fn with_recurrent(mut self, masks: SiteMasks) -> Self {
        self.recurrent = masks;
        self
    }

    /// With these masks on the output sequence.
    pub fn with_output(mut self, masks: SiteMasks) -> Self {
        self.output = masks;
        self
    }

    /// The same masks on another device.
    pub fn to_device(&self, device: &Device) -> Self {
        Self {
            input: self.input.to_device(device),
            recurrent: self.recurrent.to_device(device),
            output: self.output.to_device(device),
        }
    }

    /// Draws the masks of a layer: `[d_input, d_hidden, n_gates]` for `[batch_size, seq_length]`.
    pub(crate) fn sample(
        dropout: &LayerDropout,
        [d_input, d_hidden, n_gates]: [usize; 3],
        dims: [usize; 2],
        rng: &MaskRng,
        device: &Device,
    ) -> Self {
        let sample = |asked: &Option<SiteDropout>, site, units, gates| {
            let rng = rng.clone().site(site);
            SiteMasks::sample(asked.as_ref(), dims, [units, gates], &rng, device)
        };
        Self {
            input: sample(&dropout.input, Site::Input, d_input, n_gates),
            recurrent: sample(&dropout.recurrent, Site::Recurrent, d_hidden, n_gates),
            output: sample(&dropout.output, Site::Output, d_hidden, 1),
        }
    }
}

/// The masks of a stack: one entry for each layer and direction.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct StackMasks {
    /// The masks of each layer, from the input up.
    pub layers: Vec<LayerMasks>,
}

impl StackMasks {
    /// No dropout in any of so many layers.
    pub fn identity(n_layers: usize) -> Self {
        Self { layers: vec![LayerMasks::identity(); n_layers] }
    }

    /// The same masks on another device.
    pub fn to_device(&self, device: &Device) -> Self {
        Self { layers: self.layers.iter().map(|layer| layer.to_device(device)).collect() }
    }
}

impl StackDropout {
    /// What a layer of the stack drops.
    pub(crate) fn layer(&self, layer: usize, n_layers: usize) -> LayerDropout {
        LayerDropout {
            input: if layer == 0 { self.input } else { self.between },
            recurrent: self.recurrent,
            output: if layer + 1 == n_layers { self.output } else { None },
        }
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

    #[test]
    fn masks_survive_serde() {
        let device = Device::flex();
        let dropout = SiteDropout::new(0.5).untied();
        let rng = MaskRng::seeded(1);
        let input = SiteMasks::sample(Some(&dropout), [2, 3], [4, 3], &rng, &device);
        let masks = StackMasks { layers: vec![LayerMasks::identity().with_input(input)] };
        let json = serde_json::to_string(&masks).unwrap();
        let back: StackMasks = serde_json::from_str(&json).unwrap();

        let ones = Tensor::ones([3, 2, 4], &device);
        let apply = |masks: &StackMasks| {
            let outputs = masks.layers[0].input.apply_over_time(&ones);
            outputs.into_iter().map(Tensor::into_data).collect::<Vec<_>>()
        };
        assert_eq!(apply(&masks).len(), 3);
        assert_eq!(apply(&masks), apply(&back));
    }
}
