//! What a stack has one of for each layer and direction.

use serde::{Deserialize, Serialize};

/// One entry for each layer, from the input up, and direction.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(crate) struct PerLayer<T> {
    layers: Vec<Directions<T>>,
}

#[derive(Debug, Clone, Serialize, Deserialize)]
struct Directions<T> {
    forward: T,
    /// Of a layer that is read in both directions.
    backward: Option<T>,
}

impl<T> PerLayer<T> {
    /// Of layers that are read forward.
    pub(crate) fn forward(layers: Vec<T>) -> Self {
        let layers = layers.into_iter().map(|forward| Directions { forward, backward: None });
        Self { layers: layers.collect() }
    }

    /// Of layers that are read in both directions: forward, backward.
    pub(crate) fn both(layers: Vec<(T, T)>) -> Self {
        let layers = layers.into_iter();
        let layers =
            layers.map(|(forward, backward)| Directions { forward, backward: Some(backward) });
        Self { layers: layers.collect() }
    }

    pub(crate) fn n_layers(&self) -> usize {
        self.layers.len()
    }

    /// The entry of a layer's forward direction.
    ///
    /// # Panics
    ///
    /// If there is no such layer.
    pub(crate) fn layer(&self, layer: usize) -> &T {
        &self.layers[layer].forward
    }

    /// The entry of a layer's backward direction, if it has one beside the forward.
    ///
    /// # Panics
    ///
    /// If there is no such layer.
    pub(crate) fn backward_layer(&self, layer: usize) -> Option<&T> {
        self.layers[layer].backward.as_ref()
    }

    /// Whether every layer has both directions.
    pub(crate) fn has_both(&self) -> bool {
        self.layers.iter().all(|directions| directions.backward.is_some())
    }

    /// Whether no layer has both directions.
    pub(crate) fn has_one(&self) -> bool {
        self.layers.iter().all(|directions| directions.backward.is_none())
    }

    /// The entries of each layer, forward and backward.
    pub(crate) fn into_layers(self) -> impl Iterator<Item = (T, Option<T>)> {
        self.layers.into_iter().map(|Directions { forward, backward }| (forward, backward))
    }

    pub(crate) fn map<R>(self, mut f: impl FnMut(T) -> R) -> PerLayer<R> {
        let layers = self.layers.into_iter().map(|Directions { forward, backward }| Directions {
            forward: f(forward),
            backward: backward.map(&mut f),
        });
        PerLayer { layers: layers.collect() }
    }
}
