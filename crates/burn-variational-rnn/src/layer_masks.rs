//! The masks of a layer and of a stack: small maps from a site to what was drawn for it.

use std::collections::BTreeMap;

use burn::tensor::Device;
use burn_variational_dropout::{Site, WeightMasks};
use serde::{Deserialize, Serialize};

use crate::per_layer::PerLayer;
use crate::{GateMasks, SiteMasks};

/// The masks of one recurrent layer in one direction, by site. A site without an entry has the
/// identity.
///
/// # Example
///
/// ```
/// use burn::tensor::{Device, Tensor};
/// use burn_variational_dropout::{DropoutMask, Site};
/// use burn_variational_rnn::{LayerMasks, SiteMasks};
///
/// let mask = DropoutMask::from_values(Tensor::<2>::from_data([[0.0, 2.0]], &Device::flex()));
/// let masks = LayerMasks::identity().with(Site::Recurrent, SiteMasks::tied(mask));
/// assert!(masks.get(&Site::Input).is_identity());
/// ```
#[derive(Debug, Clone, Default, Serialize, Deserialize)]
pub struct LayerMasks {
    sites: BTreeMap<Site, SiteMasks>,
    #[serde(default)]
    weights: WeightMasks,
}

/// What a site without an entry has.
static IDENTITY: SiteMasks = SiteMasks::identity();

impl LayerMasks {
    /// No dropout: costs nothing, and the layer equals its twin in `burn::nn`.
    pub fn identity() -> Self {
        Self::default()
    }

    /// With these masks at a site.
    pub fn with(mut self, site: Site, masks: SiteMasks) -> Self {
        self.sites.insert(site, masks);
        self
    }

    /// With these masks on `x_t`, where it enters the gates.
    pub fn with_input(self, masks: SiteMasks) -> Self {
        self.with(Site::Input, masks)
    }

    /// With these masks on `h_{t-1}`, where it enters the gates; the carried state itself is never
    /// masked.
    pub fn with_recurrent(self, masks: SiteMasks) -> Self {
        self.with(Site::Recurrent, masks)
    }

    /// With these masks on the output sequence; the carried state is not touched.
    pub fn with_output(self, masks: SiteMasks) -> Self {
        self.with(Site::Output, masks)
    }

    /// With these masks on the cell's weights, by their path in the cell: `"gates.recurrent"`, say.
    pub fn with_weights(mut self, weights: WeightMasks) -> Self {
        self.weights = weights;
        self
    }

    /// The masks on the cell's weights.
    pub fn weights(&self) -> &WeightMasks {
        &self.weights
    }

    /// The masks of a site.
    pub fn get(&self, site: &Site) -> &SiteMasks {
        self.sites.get(site).unwrap_or(&IDENTITY)
    }

    /// The sites that have an entry, and their masks.
    pub fn iter(&self) -> impl Iterator<Item = (&Site, &SiteMasks)> {
        self.sites.iter()
    }

    pub(crate) fn map(&self, f: impl Fn(&SiteMasks) -> SiteMasks) -> Self {
        let sites = self.sites.iter().map(|(site, masks)| (site.clone(), f(masks))).collect();
        Self { sites, weights: self.weights.clone() }
    }

    /// The masks of one time step, without those on weights: who steps a cell by hand binds these to
    /// it first, `masks.weights().bind(cell)`.
    ///
    /// # Panics
    ///
    /// If masks of every step have no such step.
    pub fn at_step(&self, step: usize) -> StepMasks {
        // Masks on weights are bound to the cell itself.
        let sites = self.sites.iter();
        StepMasks { sites: sites.map(|(site, m)| (site.clone(), m.at_step(step))).collect() }
    }

    /// The same masks on another device.
    pub fn to_device(&self, device: &Device) -> Self {
        let weights = self.weights.to_device(device);
        self.map(|masks| masks.to_device(device)).with_weights(weights)
    }
}

/// The masks of one time step, as a cell reads them: what
/// [`LayerMasks::at_step`] gives, or made by hand to step a cell oneself.
///
/// # Example
///
/// ```
/// use burn::tensor::{Device, Tensor};
/// use burn_variational_dropout::{DropoutMask, Site};
/// use burn_variational_rnn::{GateMasks, StepMasks};
///
/// let device = Device::flex();
/// let mask = DropoutMask::from_values(Tensor::<2>::from_data([[0.0, 2.0]], &device));
/// let masks = StepMasks::identity().with(Site::Recurrent, GateMasks::Tied(mask));
/// let dropped = masks.get(&Site::Recurrent).apply_tied(&Tensor::ones([1, 2], &device));
/// assert_eq!(dropped.into_data().try_to_vec::<f32>().unwrap(), [0.0, 2.0]);
/// ```
#[derive(Debug, Clone, Default)]
pub struct StepMasks {
    sites: BTreeMap<Site, GateMasks<2>>,
}

/// What a site without an entry has at a step.
static IDENTITY_STEP: GateMasks<2> = GateMasks::identity();

impl StepMasks {
    /// No dropout.
    pub fn identity() -> Self {
        Self::default()
    }

    /// With these masks at a site.
    pub fn with(mut self, site: Site, masks: GateMasks<2>) -> Self {
        self.sites.insert(site, masks);
        self
    }

    /// The masks of a site.
    pub fn get(&self, site: &Site) -> &GateMasks<2> {
        self.sites.get(site).unwrap_or(&IDENTITY_STEP)
    }

    /// The same masks on another device.
    pub fn to_device(&self, device: &Device) -> Self {
        let sites = self.sites.iter();
        Self { sites: sites.map(|(site, m)| (site.clone(), m.to_device(device))).collect() }
    }
}

/// The masks of a stack: one entry for each layer and direction.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct StackMasks(PerLayer<LayerMasks>);

impl StackMasks {
    /// The masks of these layers, from the input up.
    pub fn new(layers: Vec<LayerMasks>) -> Self {
        Self(PerLayer::forward(layers))
    }

    /// The masks of layers that read both ways, from the input up: forward, backward.
    pub fn both(layers: Vec<(LayerMasks, LayerMasks)>) -> Self {
        Self(PerLayer::both(layers))
    }

    /// No dropout in any of so many layers that read one way.
    pub fn identity(n_layers: usize) -> Self {
        Self::new(vec![LayerMasks::identity(); n_layers])
    }

    /// The number of layers.
    pub fn n_layers(&self) -> usize {
        self.0.n_layers()
    }

    /// The masks of a layer, in its only direction or its forward one.
    ///
    /// # Panics
    ///
    /// If there is no such layer.
    pub fn layer(&self, layer: usize) -> &LayerMasks {
        self.0.layer(layer)
    }

    /// The masks of a layer in its backward direction, if it reads both ways.
    ///
    /// # Panics
    ///
    /// If there is no such layer.
    pub fn backward_layer(&self, layer: usize) -> Option<&LayerMasks> {
        self.0.backward_layer(layer)
    }

    pub(crate) fn per_layer(&self) -> &PerLayer<LayerMasks> {
        &self.0
    }

    /// The same masks on another device.
    pub fn to_device(&self, device: &Device) -> Self {
        Self(self.0.clone().map(|masks| masks.to_device(device)))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::CellSite;
    use burn::tensor::Tensor;
    use burn_variational_dropout::{MaskRng, SequenceExtent, SiteDropout};

    #[test]
    fn masks_survive_serde() {
        let device = Device::flex();
        let site = CellSite::new(Site::Input, 4).with_n_gates(3);
        let extent = SequenceExtent::new(2, 3, &device);
        let dropout = SiteDropout::new(0.5).untied();
        let input = SiteMasks::sample(&dropout, &site, &extent, &MaskRng::seeded(1).draw(0));
        let leak = Site::named("leak");
        let layer = LayerMasks::identity().with_input(input).with(leak, SiteMasks::identity());
        let masks = StackMasks::new(vec![layer]);
        let json = serde_json::to_string(&masks).unwrap();
        let back: StackMasks = serde_json::from_str(&json).unwrap();

        let ones = Tensor::ones([3, 2, 4], &device);
        let apply = |masks: &StackMasks| {
            let outputs = masks.layer(0).get(&Site::Input).apply_over_time(&ones);
            outputs.into_iter().map(Tensor::into_data).collect::<Vec<_>>()
        };
        assert_eq!(apply(&masks).len(), 3);
        assert_eq!(apply(&masks), apply(&back));
        assert_eq!(back.layer(0).iter().count(), 2);
    }
}
