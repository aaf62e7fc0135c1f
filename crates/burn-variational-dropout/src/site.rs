//! Where in a network a mask acts.

use std::fmt;
use std::sync::Arc;

use serde::{Deserialize, Deserializer, Serialize, Serializer, de::Error};

/// Where in a network a mask acts.
///
/// A site goes out through `serde` as its name, `"input"` say, so that a map of sites is readable
/// in a saved configuration.
///
/// # Example
///
/// ```
/// use burn_variational_dropout::Site;
///
/// assert_eq!(Site::Recurrent.name(), "recurrent");
/// assert_eq!(Site::named("leak").name(), "leak");
/// ```
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[non_exhaustive]
pub enum Site {
    /// `x_t`, where it enters the gates.
    Input,
    /// `h_{t-1}`, where it enters the gates.
    Recurrent,
    /// The output sequence of a layer.
    Output,
    /// Rows of an embedding, by word type.
    EmbeddingType,
    /// Looked-up embeddings, by token.
    EmbeddingToken,
    /// Any tensor between two layers, as [`LockedDropout`](crate::LockedDropout) drops it.
    Between,
    /// `c_t`, the cell that an LSTM carries (`RNNDrop`, Moon et al. 2015).
    Cell,
    /// `g_t` of an LSTM or `n_t` of a GRU, what a step would add to the state (Semeniuta et al.
    /// 2016).
    Candidate,
    /// The share of a step's new `h_t` that is taken, the rest being `h_{t-1}` (zoneout, Krueger et
    /// al. 2017).
    ZoneoutHidden,
    /// The share of a step's new `c_t` that is taken, the rest being `c_{t-1}` (zoneout, Krueger et
    /// al. 2017).
    ZoneoutCell,
    /// `h_t`, where a step makes it: nothing is drawn here, but what is expected of a mask on the
    /// cell acts here.
    Hidden,
    /// The input weights of a layer (`DropConnect`, Wan et al. 2013).
    InputWeights,
    /// The recurrent weights of a layer (weight drop, Merity et al. 2017).
    RecurrentWeights,
    /// A site of a user's own cell; made by [`Site::named`].
    Named(SiteName),
}

/// The name of a site that a user's cell declares.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct SiteName(Arc<str>);

/// The sites that are known here.
const KNOWN: [Site; 13] = [
    Site::Input,
    Site::Recurrent,
    Site::Output,
    Site::EmbeddingType,
    Site::EmbeddingToken,
    Site::Between,
    Site::Cell,
    Site::Candidate,
    Site::ZoneoutHidden,
    Site::ZoneoutCell,
    Site::Hidden,
    Site::InputWeights,
    Site::RecurrentWeights,
];

impl Site {
    /// A site of a user's own cell.
    ///
    /// # Panics
    ///
    /// If the name is empty, or that of a site known here.
    pub fn named(name: &str) -> Self {
        assert!(!name.is_empty(), "Site: name must not be empty, got \"\"");
        assert!(
            KNOWN.iter().all(|known| known.name() != name),
            "Site: name must not be that of a site known here, got {name:?}"
        );
        Self::Named(SiteName(name.into()))
    }

    /// The name.
    pub fn name(&self) -> &str {
        match self {
            Self::Named(SiteName(name)) => name,
            Self::Input => "input",
            Self::Recurrent => "recurrent",
            Self::Output => "output",
            Self::EmbeddingType => "embedding-type",
            Self::EmbeddingToken => "embedding-token",
            Self::Between => "between",
            Self::Cell => "cell",
            Self::Candidate => "candidate",
            Self::ZoneoutHidden => "zoneout-hidden",
            Self::ZoneoutCell => "zoneout-cell",
            Self::Hidden => "hidden",
            Self::InputWeights => "input-weights",
            Self::RecurrentWeights => "recurrent-weights",
        }
    }

    /// The number in the random stream, which never changes once released; [`u8::MAX`] for every
    /// site of a user's own, which is told from the others by its name.
    pub(crate) fn number(&self) -> u8 {
        match self {
            Self::Input => 1,
            Self::Recurrent => 2,
            Self::Output => 3,
            Self::EmbeddingType => 4,
            Self::EmbeddingToken => 5,
            Self::Between => 6,
            Self::Cell => 7,
            Self::Candidate => 8,
            Self::ZoneoutHidden => 9,
            Self::ZoneoutCell => 10,
            Self::Hidden => 11,
            Self::InputWeights => 12,
            Self::RecurrentWeights => 13,
            Self::Named(_) => u8::MAX,
        }
    }
}

impl fmt::Display for Site {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.name())
    }
}

impl Serialize for Site {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(self.name())
    }
}

impl<'de> Deserialize<'de> for Site {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let name = String::deserialize(deserializer)?;
        if name.is_empty() {
            return Err(D::Error::custom("the name of a site must not be empty"));
        }
        let known = KNOWN.into_iter().find(|known| known.name() == name);
        Ok(known.unwrap_or_else(|| Self::named(&name)))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_site_survives_serde_by_its_name() {
        let named = Site::named("leak");
        for site in KNOWN.iter().chain([&named]) {
            let json = serde_json::to_string(site).unwrap();
            assert_eq!(json, format!("{:?}", site.name()));
            assert_eq!(&serde_json::from_str::<Site>(&json).unwrap(), site);
        }
    }

    #[test]
    #[should_panic(expected = "Site: name must not be that of a site known here, got \"input\"")]
    fn the_name_of_a_known_site_is_refused() {
        let _ = Site::named("input");
    }
}
