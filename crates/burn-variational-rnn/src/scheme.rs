//! Which sites of a layer and of a stack are dropped: the named schemes.

use std::collections::BTreeMap;

use burn::config::Config;
use burn_variational_dropout::{Site, SiteDropout};
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

    /// What is asked at a site.
    pub fn get(&self, site: &Site) -> Option<SiteDropout> {
        self.sites.get(site).copied()
    }

    /// The sites that ask, and what they ask.
    pub fn iter(&self) -> impl Iterator<Item = (&Site, &SiteDropout)> {
        self.sites.iter()
    }
}

/// What a stack of recurrent layers drops.
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

    /// A new mask at every time step on inputs and outputs, none on the recurrence
    /// (Zaremba, Sutskever and Vinyals 2014, arXiv 1409.2329).
    pub fn naive(prob: f64) -> Self {
        let dropout = SiteDropout::new(prob).per_step();
        Self::none().with_input(dropout).with_between(dropout).with_output(dropout)
    }

    /// One mask a sequence for all gates, on inputs of all layers (`input_prob`), the recurrence
    /// (`recurrent_prob`) and the output (`input_prob`) (Gal & Ghahramani 2016, eq. 7).
    pub fn variational(input_prob: f64, recurrent_prob: f64) -> Self {
        Self::none()
            .with_input(input_prob)
            .with_between(input_prob)
            .with_recurrent(recurrent_prob)
            .with_output(input_prob)
    }

    /// As [`variational`](Self::variational), with a mask of its own for each gate
    /// (Gal & Ghahramani 2016, eq. 5).
    pub fn variational_untied(input_prob: f64, recurrent_prob: f64) -> Self {
        let input = SiteDropout::new(input_prob).untied();
        Self::none()
            .with_input(input)
            .with_between(input)
            .with_recurrent(SiteDropout::new(recurrent_prob).untied())
            .with_output(input_prob)
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

    /// Without dropout at a site, as [`with`](Self::with) names it.
    pub fn without(mut self, site: &Site) -> Self {
        match site {
            Site::Input => self.input = None,
            Site::Between => self.between = None,
            Site::Output => self.output = None,
            site => _ = self.every_layer.sites.remove(site),
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
