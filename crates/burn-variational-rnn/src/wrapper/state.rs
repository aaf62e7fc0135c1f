//! What a wrapped cell carries.

use burn::tensor::Tensor;

use crate::RecurrentState;

/// The state of a wrapped cell, as its mask left it, and the output of the step that led to it,
/// which was made before the state was masked.
#[derive(Debug, Clone)]
pub struct WrapperState<S> {
    /// The cell's own state: what the next step reads.
    pub inner: S,
    /// The output, `[batch_size, d_hidden]`, which no step reads.
    pub output: Tensor<2>,
}

impl<S: RecurrentState> RecurrentState for WrapperState<S> {
    fn map(self, f: &mut dyn FnMut(&'static str, Tensor<2>) -> Tensor<2>) -> Self {
        Self { inner: self.inner.map(f), output: f("output", self.output) }
    }
}
