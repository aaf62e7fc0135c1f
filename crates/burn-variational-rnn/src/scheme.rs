//! Which sites of a layer and of a stack are dropped.

use std::collections::BTreeMap;

use burn::config::Config;
use burn_variational_dropout::{Site, SiteDropout, WeightDropout};
use serde::{Deserialize, Serialize};

/// What one recurrent layer drops: a small map from a site to what is asked there. A site without
/// an entry asks for no mask; one at rate 0 asks.
///
/// # Example
///
/// ```
/// use burn_variational_dropout::{Site, SiteDropout};
/// use burn_variational_rnn::LayerDropout;
///
/// let dropout = LayerDropout::none().with_input(0.25).with(Site::named("leak"), 0.1);
/// assert_eq!(dropout.get(&Site::Input), Some(SiteDropout::new(0.25)));
/// assert_eq!(dropout.get(&Site::Recurrent), None);
/// ```
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub struct LayerDropout {
    sites: BTreeMap<Site, SiteDropout>,
    /// `DropConnect`, by what the weights multiply.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    weights: BTreeMap<Site, WeightDropout>,
}

impl Config for LayerDropout {}

impl LayerDropout {
    /// Asks for no mask.
    pub fn none() -> Self {
        Self::default()
    }

    /// With this dropout, or rate, at a site.
    pub fn with(mut self, site: Site, dropout: impl Into<SiteDropout>) -> Self {
        self.sites.insert(site, dropout.into());
        self
    }

    /// With this dropout on `x_t`, where it enters the gates.
    pub fn with_input(self, dropout: impl Into<SiteDropout>) -> Self {
        self.with(Site::Input, dropout)
    }

    /// With this dropout on `h_{t-1}`, where it enters the gates.
    pub fn with_recurrent(self, dropout: impl Into<SiteDropout>) -> Self {
        self.with(Site::Recurrent, dropout)
    }

    /// With this dropout on the output sequence, not on the carried state.
    pub fn with_output(self, dropout: impl Into<SiteDropout>) -> Self {
        self.with(Site::Output, dropout)
    }

    /// With this dropout of the candidate, what a step would add to the state of an LSTM or GRU.
    pub fn with_candidate(self, dropout: impl Into<SiteDropout>) -> Self {
        self.with(Site::Candidate, dropout)
    }

    /// With units of an LSTM's cell dropped at this rate: a mask of 0 and 1, the same at every step
    /// (`RNNDrop`).
    pub fn with_cell(self, prob: f64) -> Self {
        self.with(Site::Cell, SiteDropout::new(prob).unscaled())
    }

    /// With units that keep what they had with this probability, drawn anew at every step: those of
    /// `h_t`, and of the cell of an LSTM with [`with_zoneout_cell`](Self::with_zoneout_cell).
    pub fn with_zoneout_hidden(self, prob: f64) -> Self {
        self.with(Site::ZoneoutHidden, zoneout_dropout(prob))
    }

    /// With units of an LSTM's cell that keep what they had with this probability, drawn anew at
    /// every step.
    pub fn with_zoneout_cell(self, prob: f64) -> Self {
        self.with(Site::ZoneoutCell, zoneout_dropout(prob))
    }

    /// With these input weights dropped (`DropConnect`): one draw for all rows and steps of a pass,
    /// so that draws cannot be folded into a batch.
    pub fn with_input_weights(self, dropout: impl Into<WeightDropout>) -> Self {
        self.with_weights(Site::InputWeights, dropout)
    }

    /// With these recurrent weights dropped (weight drop, as in AWD-LSTM), as
    /// [`with_input_weights`](Self::with_input_weights). Where the engine does not take the cell, the
    /// masked weights are computed anew at every step.
    pub fn with_recurrent_weights(self, dropout: impl Into<WeightDropout>) -> Self {
        self.with_weights(Site::RecurrentWeights, dropout)
    }

    /// With the weights that a cell of one's own declares at a site dropped.
    pub fn with_weights(mut self, site: Site, dropout: impl Into<WeightDropout>) -> Self {
        self.weights.insert(site, dropout.into());
        self
    }

    /// What is asked at a site.
    pub fn get(&self, site: &Site) -> Option<SiteDropout> {
        self.sites.get(site).copied()
    }

    /// What is asked of the weights at a site.
    pub fn of_weights(&self, site: &Site) -> Option<WeightDropout> {
        self.weights.get(site).copied()
    }

    /// The sites whose weights are dropped, and how.
    pub fn iter_weights(&self) -> impl Iterator<Item = (&Site, &WeightDropout)> {
        self.weights.iter()
    }

    /// The sites that ask, and what they ask.
    pub fn iter(&self) -> impl Iterator<Item = (&Site, &SiteDropout)> {
        self.sites.iter()
    }
}

/// A new mask of 0 and 1 at every step.
pub(crate) fn zoneout_dropout(prob: f64) -> SiteDropout {
    SiteDropout::new(prob).per_step().unscaled()
}

/// What a stack of recurrent layers drops. The schemes of the literature are constructors:
/// [`naive`](Self::naive), [`variational`](Self::variational),
/// [`variational_untied`](Self::variational_untied), [`rnn_drop`](Self::rnn_drop),
/// [`semeniuta`](Self::semeniuta), [`zoneout`](Self::zoneout), [`awd`](Self::awd),
/// [`keras`](Self::keras) and [`gal_keras`](Self::gal_keras).
///
/// # Example
///
/// ```
/// use burn_variational_rnn::StackDropout;
///
/// // Gal & Ghahramani's large language model.
/// let dropout = StackDropout::variational_untied(0.5, 0.3).with_output(0.5);
/// assert_eq!(dropout.layer(0, 2).get(&burn_variational_dropout::Site::Output), None);
/// ```
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub struct StackDropout {
    /// On what enters the gates of the first layer.
    input: Option<SiteDropout>,
    /// On what enters the gates of every later layer.
    between: Option<SiteDropout>,
    /// On the output sequence of the last layer.
    output: Option<SiteDropout>,
    /// At the other sites of every layer.
    every_layer: LayerDropout,
}

impl Config for StackDropout {}

impl StackDropout {
    /// Asks for no mask.
    pub fn none() -> Self {
        Self::default()
    }

    /// With this dropout, or rate, at a site: [`Site::Input`] is that of the first layer,
    /// [`Site::Between`] that of what enters later ones, [`Site::Output`] that of the last layer,
    /// and any other site is that of every layer.
    pub fn with(mut self, site: Site, dropout: impl Into<SiteDropout>) -> Self {
        let dropout = dropout.into();
        match site {
            Site::Input => self.input = Some(dropout),
            Site::Between => self.between = Some(dropout),
            Site::Output => self.output = Some(dropout),
            site => self.every_layer = self.every_layer.with(site, dropout),
        }
        self
    }

    /// With this dropout on what enters the gates of the first layer.
    pub fn with_input(self, dropout: impl Into<SiteDropout>) -> Self {
        self.with(Site::Input, dropout)
    }

    /// With this dropout on what enters the gates of every later layer.
    pub fn with_between(self, dropout: impl Into<SiteDropout>) -> Self {
        self.with(Site::Between, dropout)
    }

    /// With this dropout on `h_{t-1}`, where it enters the gates of every layer.
    pub fn with_recurrent(self, dropout: impl Into<SiteDropout>) -> Self {
        self.with(Site::Recurrent, dropout)
    }

    /// With this dropout on the output sequence of the last layer.
    pub fn with_output(self, dropout: impl Into<SiteDropout>) -> Self {
        self.with(Site::Output, dropout)
    }

    /// With this dropout of the candidate of every layer.
    pub fn with_candidate(self, dropout: impl Into<SiteDropout>) -> Self {
        self.with(Site::Candidate, dropout)
    }

    /// With units of the cell of every layer dropped at this rate, as
    /// [`LayerDropout::with_cell`].
    pub fn with_cell(mut self, prob: f64) -> Self {
        self.every_layer = self.every_layer.with_cell(prob);
        self
    }

    /// With zoneout of `h_t` in every layer, as [`LayerDropout::with_zoneout_hidden`].
    pub fn with_zoneout_hidden(mut self, prob: f64) -> Self {
        self.every_layer = self.every_layer.with_zoneout_hidden(prob);
        self
    }

    /// With zoneout of the cell in every layer, as [`LayerDropout::with_zoneout_cell`].
    pub fn with_zoneout_cell(mut self, prob: f64) -> Self {
        self.every_layer = self.every_layer.with_zoneout_cell(prob);
        self
    }

    /// With the input weights of every layer dropped, as [`LayerDropout::with_input_weights`].
    pub fn with_input_weights(mut self, dropout: impl Into<WeightDropout>) -> Self {
        self.every_layer = self.every_layer.with_input_weights(dropout);
        self
    }

    /// With the recurrent weights of every layer dropped, as
    /// [`LayerDropout::with_recurrent_weights`].
    pub fn with_recurrent_weights(mut self, dropout: impl Into<WeightDropout>) -> Self {
        self.every_layer = self.every_layer.with_recurrent_weights(dropout);
        self
    }

    /// With the weights that a cell of one's own declares at a site dropped in every layer.
    pub fn with_weights(mut self, site: Site, dropout: impl Into<WeightDropout>) -> Self {
        self.every_layer = self.every_layer.with_weights(site, dropout);
        self
    }

    /// This, and what another asks for at sites where this asks for nothing.
    #[must_use]
    pub(crate) fn or(mut self, other: Self) -> Self {
        self.input = self.input.or(other.input);
        self.between = self.between.or(other.between);
        self.output = self.output.or(other.output);
        for (site, dropout) in other.every_layer.sites {
            self.every_layer.sites.entry(site).or_insert(dropout);
        }
        for (site, dropout) in other.every_layer.weights {
            self.every_layer.weights.entry(site).or_insert(dropout);
        }
        self
    }

    /// Without dropout at a site, as [`with`](Self::with) names it.
    pub fn without(mut self, site: &Site) -> Self {
        match site {
            Site::Input => self.input = None,
            Site::Between => self.between = None,
            Site::Output => self.output = None,
            site => {
                self.every_layer.sites.remove(site);
                self.every_layer.weights.remove(site);
            }
        }
        self
    }

    /// What a layer drops in a stack of so many.
    pub fn layer(&self, layer: usize, n_layers: usize) -> LayerDropout {
        let mut dropout = self.every_layer.clone();
        let input = if layer == 0 { self.input } else { self.between };
        let output = if layer + 1 == n_layers { self.output } else { None };
        dropout.sites.extend(input.map(|input| (Site::Input, input)));
        dropout.sites.extend(output.map(|output| (Site::Output, output)));
        dropout
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_site_goes_to_the_layers_that_read_it() {
        let leak = Site::named("leak");
        let dropout = StackDropout::variational(0.1, 0.2).with_between(0.3).with(leak.clone(), 0.4);
        let rates = |layer| {
            let asked = dropout.layer(layer, 2);
            [Site::Input, Site::Recurrent, Site::Output, leak.clone()]
                .map(|site| asked.get(&site).map(|site| site.prob))
        };
        assert_eq!(rates(0), [Some(0.1), Some(0.2), None, Some(0.4)]);
        assert_eq!(rates(1), [Some(0.3), Some(0.2), Some(0.1), Some(0.4)]);
        assert_eq!(dropout.clone().without(&leak).layer(0, 2).get(&leak), None);
    }

    #[test]
    fn a_scheme_survives_its_configuration_file() {
        let dropout = StackDropout::naive(0.5).with(Site::named("leak"), 0.25);
        let json = serde_json::to_string(&dropout).unwrap();
        assert_eq!(serde_json::from_str::<StackDropout>(&json).unwrap(), dropout);
    }
}
