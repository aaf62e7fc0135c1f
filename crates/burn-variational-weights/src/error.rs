//! What is wrong with a file of weights.

use std::fmt;
use std::path::PathBuf;

use thiserror::Error;

/// What is wrong with a file of weights. Nothing was loaded from it.
#[derive(Debug, Error)]
#[non_exhaustive]
pub enum WeightsError {
    /// The file cannot be read or written.
    #[error("{}: {source}", path.display())]
    Io {
        /// The file.
        path: PathBuf,
        /// Why.
        source: std::io::Error,
    },
    /// The file is not what its name says, or is damaged.
    #[error("{}: {reason}", path.display())]
    Malformed {
        /// The file.
        path: PathBuf,
        /// Why.
        reason: String,
    },
    /// The file's name says nothing that can be read.
    #[error("{}: weights are read from {known}", path.display())]
    UnknownFormat {
        /// The file.
        path: PathBuf,
        /// The names there are, as features have it.
        known: &'static str,
    },
    /// The tensors are not those of the layers.
    #[error("the tensors are not those of the layers:{}", lines(.0))]
    Mismatched(Vec<Mismatch>),
    /// The framework has no such thing, or it is not here.
    #[error("{0}")]
    Unsupported(String),
}

/// A tensor that is not as it was wanted.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Mismatch {
    /// Its name.
    pub name: String,
    /// The shape that was wanted, if any was.
    pub wanted: Option<Vec<usize>>,
    /// The shape that was found, if it was there.
    pub found: Option<Vec<usize>>,
}

impl fmt::Display for Mismatch {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { name, wanted, found } = self;
        match (wanted, found) {
            (Some(wanted), Some(found)) => write!(f, "{name}: wanted {wanted:?}, found {found:?}"),
            (Some(wanted), None) => write!(f, "{name}: wanted {wanted:?}, not there"),
            (None, Some(found)) => write!(f, "{name}: found {found:?}, not wanted"),
            (None, None) => write!(f, "{name}"),
        }
    }
}

fn lines(mismatches: &[Mismatch]) -> String {
    mismatches.iter().fold(String::new(), |lines, mismatch| format!("{lines}\n  {mismatch}"))
}
