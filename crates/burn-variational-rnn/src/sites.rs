//! The sites that a cell reads.

use burn::tensor::Tensor;
use burn_variational_dropout::{MaskLifetime, MaskNoise, MaskScaling, Site, SiteDropout};

/// What a site's masks are where no mask is drawn: in an expected draw.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub enum ExpectedMask {
    /// The mean factor: the identity where the scaling is inverted, the keep probability where it
    /// is not.
    Mean,
    /// The identity here, and the mean factor at another site that the cell reads: for a mask whose
    /// mean, multiplied step after step, is not the mean of the product, but whose effect has its
    /// mean there.
    MeanAt(Site),
}

/// A site that a cell reads: how wide its masks are, how many there are if each gate has its own,
/// which masks it takes, and what they are where none is drawn.
///
/// # Example
///
/// ```
/// use burn_variational_dropout::Site;
/// use burn_variational_rnn::{CellSite, ExpectedMask};
///
/// // The recurrent site of an LSTM with 8 units.
/// let site = CellSite::new(Site::Recurrent, 8).with_n_gates(4);
/// assert_eq!(site.expected(), &ExpectedMask::Mean);
/// ```
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CellSite {
    site: Site,
    width: usize,
    n_gates: usize,
    expected: ExpectedMask,
    never_rescaled: Option<&'static str>,
    never_per_step: Option<&'static str>,
    never_repeated: Option<&'static str>,
    never_drawn: Option<&'static str>,
}

impl CellSite {
    /// A site so wide, with one mask for all gates, whose expected mask is the mean.
    pub fn new(site: Site, width: usize) -> Self {
        Self {
            site,
            width,
            n_gates: 1,
            expected: ExpectedMask::Mean,
            never_rescaled: None,
            never_per_step: None,
            never_repeated: None,
            never_drawn: None,
        }
    }

    /// With so many masks where each gate has its own.
    pub fn with_n_gates(mut self, n_gates: usize) -> Self {
        self.n_gates = n_gates;
        self
    }

    /// With this rule of the expected mask.
    pub fn with_expected(mut self, expected: ExpectedMask) -> Self {
        self.expected = expected;
        self
    }

    /// With masks of 0 and 1 alone, for this reason: [`MaskScaling::Unscaled`].
    pub fn never_rescaled(mut self, reason: &'static str) -> Self {
        self.never_rescaled = Some(reason);
        self
    }

    /// With masks that are repeated at every step alone, for this reason.
    pub fn never_per_step(mut self, reason: &'static str) -> Self {
        self.never_per_step = Some(reason);
        self
    }

    /// With masks that are others at every step alone, for this reason.
    pub fn never_repeated(mut self, reason: &'static str) -> Self {
        self.never_repeated = Some(reason);
        self
    }

    /// With no dropout of its own, for this reason: it is there for what is expected of another
    /// site.
    pub fn never_drawn(mut self, reason: &'static str) -> Self {
        self.never_drawn = Some(reason);
        self
    }

    /// The site.
    pub fn site(&self) -> &Site {
        &self.site
    }

    /// The width of its masks.
    pub fn width(&self) -> usize {
        self.width
    }

    /// The number of masks where each gate has its own.
    pub fn n_gates(&self) -> usize {
        self.n_gates
    }

    /// The rule of its expected mask.
    pub fn expected(&self) -> &ExpectedMask {
        &self.expected
    }

    /// Checks that this dropout is one the site takes.
    ///
    /// # Panics
    ///
    /// If it is not, naming the owner, the rule and the reason.
    pub(crate) fn check(&self, owner: &str, dropout: &SiteDropout) {
        let site = &self.site;
        dropout.assert_valid(owner, &format!("{site} dropout"));
        if let Some(reason) = self.never_drawn {
            panic!(
                "{owner}: {site} dropout must not be asked for, got prob {}: {reason}",
                dropout.prob
            );
        }
        if let Some(reason) = self.never_rescaled {
            assert!(
                dropout.scaling == MaskScaling::Unscaled && dropout.noise == MaskNoise::Bernoulli,
                "{owner}: {site} dropout must be unscaled, got {:?} with {:?} noise: {reason}",
                dropout.scaling,
                dropout.noise
            );
        }
        if let Some(reason) = self.never_per_step {
            assert!(
                dropout.lifetime == MaskLifetime::PerSequence,
                "{owner}: {site} dropout must be per sequence, got {:?}: {reason}",
                dropout.lifetime
            );
        }
        if let Some(reason) = self.never_repeated {
            assert!(
                dropout.lifetime == MaskLifetime::PerStep,
                "{owner}: {site} dropout must be per step, got {:?}: {reason}",
                dropout.lifetime
            );
        }
    }
}

/// A weight of a cell that may be dropped, and the site that says so.
#[derive(Debug, Clone)]
pub struct WeightSite {
    /// [`Site::InputWeights`], [`Site::RecurrentWeights`], or a name of one's own.
    pub site: Site,
    /// The path of the parameter in the cell: `"gates.recurrent"`.
    pub path: String,
    /// Its value.
    pub value: Tensor<2>,
}

/// The site of zoneout of a state so wide.
pub(crate) fn zoneout_site(site: Site, width: usize) -> CellSite {
    CellSite::new(site, width)
        .never_rescaled("a unit takes the share of a step that is drawn, no more")
        .never_repeated("a unit would keep its first value for a whole sequence")
}
