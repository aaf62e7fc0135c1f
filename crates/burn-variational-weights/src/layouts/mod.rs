//! How frameworks name and lay their weights.

pub(crate) mod keras;
pub(crate) mod parts;
pub(crate) mod pytorch;
mod stack;
pub(crate) mod tensorflow;

use std::fmt;

/// What was done to tensors on their way from one framework to another.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Change {
    /// The tensors, as the file names them.
    pub names: Vec<String>,
    /// What was done.
    pub what: &'static str,
}

impl fmt::Display for Change {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: {}", self.names.join(", "), self.what)
    }
}

/// A module with the weights of a file, and what was done to them.
#[derive(Debug, Clone)]
pub struct Loaded<M> {
    /// The module.
    pub module: M,
    /// What was done to the file's tensors. What is not named here is as it was, in the float type
    /// of the module.
    pub changes: Vec<Change>,
}
