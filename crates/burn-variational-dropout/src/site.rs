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
    /// A site of a user's own cell; made by [`Site::named`].
    Named(SiteName),
}

/// The name of a site that a user's cell declares.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct SiteName(Arc<str>);

/// The sites with a name and a number of their own. The number is part of the random stream, so it
/// never changes once released.
const KNOWN: [(Site, &str, u8); 7] = [
    (Site::Input, "input", 1),
    (Site::Recurrent, "recurrent", 2),
    (Site::Output, "output", 3),
    (Site::EmbeddingType, "embedding-type", 4),
    (Site::EmbeddingToken, "embedding-token", 5),
    (Site::Between, "between", 6),
    (Site::Cell, "cell", 7),
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
            KNOWN.iter().all(|(_, known, _)| *known != name),
            "Site: name must not be that of a site known here, got {name:?}"
        );
        Self::Named(SiteName(name.into()))
    }

    /// The name.
    pub fn name(&self) -> &str {
        match self {
            Self::Named(SiteName(name)) => name,
            known => KNOWN.iter().find(|(site, ..)| site == known).expect("a known site").1,
        }
    }

    /// The number in the random stream; [`u8::MAX`] for every site of a user's own, which is told
    /// from the others by its name.
    pub(crate) fn number(&self) -> u8 {
        let known = KNOWN.iter().find(|(site, ..)| site == self);
        known.map_or(u8::MAX, |(.., number)| *number)
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
        let known = KNOWN.into_iter().find(|(_, known, _)| *known == name);
        Ok(known.map_or_else(|| Self::named(&name), |(site, ..)| site))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_site_survives_serde_by_its_name() {
        let named = Site::named("leak");
        for site in KNOWN.iter().map(|(site, ..)| site).chain([&named]) {
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
