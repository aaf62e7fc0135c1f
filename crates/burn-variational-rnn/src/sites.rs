//! The sites that a cell reads.

use burn_variational_dropout::Site;

/// What a site's masks are where no mask is drawn: in an expected draw.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum ExpectedMask {
    /// The mean factor: the identity where the scaling is inverted, the keep probability where it
    /// is not.
    Mean,
    /// The identity, whatever the scaling: for a mask whose mean, multiplied step after step, is
    /// not the mean of the product.
    Identity,
}

/// A site that a cell reads: how wide its masks are, how many there are if each gate has its own,
/// and what they are where none is drawn.
///
/// # Example
///
/// ```
/// use burn_variational_dropout::Site;
/// use burn_variational_rnn::{CellSite, ExpectedMask};
///
/// // The recurrent site of an LSTM with 8 units.
/// let site = CellSite::new(Site::Recurrent, 8).with_n_gates(4);
/// assert_eq!(site.expected(), ExpectedMask::Mean);
/// ```
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CellSite {
    site: Site,
    width: usize,
    n_gates: usize,
    expected: ExpectedMask,
}

impl CellSite {
    /// A site so wide, with one mask for all gates, whose expected mask is the mean.
    pub fn new(site: Site, width: usize) -> Self {
        Self { site, width, n_gates: 1, expected: ExpectedMask::Mean }
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
    pub fn expected(&self) -> ExpectedMask {
        self.expected
    }
}
