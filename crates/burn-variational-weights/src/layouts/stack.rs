//! The layers of a stack in a file's order, and the stack with other weights.

use burn::tensor::{DType, Device, Tensor, TensorData};
use burn_variational_rnn::{Direction, RecurrentLayer, RecurrentStack};

use crate::{CellWeights, NamedTensors, PortableCell, Recurrence, WeightsError};

/// Layer by layer from the input up, forward before backward: its place, how it reads, and the layer.
pub(super) fn layers<C: PortableCell>(
    stack: &RecurrentStack<C>,
) -> impl Iterator<Item = (usize, Direction, &RecurrentLayer<C>)> {
    stack.layers.iter().enumerate().flat_map(|(l, layer)| {
        let backward = stack.backward_layers.get(l);
        let backward = backward.map(|layer| (l, Direction::Backward, layer));
        std::iter::once((l, layer.direction, layer)).chain(backward)
    })
}

/// Checks that a file, which says nothing of non-linearities, means those of the cells.
pub(super) fn check_activations<C: PortableCell>(
    framework: &str,
    stack: &RecurrentStack<C>,
) -> Result<(), WeightsError> {
    if layers(stack).all(|(.., layer)| layer.cell.is_usual()) {
        return Ok(());
    }
    Err(WeightsError::Unsupported(format!(
        "{framework}: gates must be sigmoids and candidates and outputs tanh, which its files take \
         for granted"
    )))
}

/// The stack with these weights, in the order of [`layers`].
pub(super) fn with_weights<C: PortableCell>(
    stack: &RecurrentStack<C>,
    weights: impl IntoIterator<Item = CellWeights>,
) -> RecurrentStack<C> {
    let mut stack = stack.clone();
    let mut weights = weights.into_iter();
    let mut put = |layer: &mut RecurrentLayer<C>| {
        let weights = weights.next().expect("weights of every layer");
        layer.cell = layer.cell.clone().with_weights(weights);
    };
    for l in 0..stack.layers.len() {
        put(&mut stack.layers[l]);
        stack.backward_layers.get_mut(l).map(&mut put);
    }
    stack
}

/// The widths of a cell.
#[derive(Debug, Clone, Copy)]
pub(super) struct Widths {
    pub(super) d_input: usize,
    pub(super) d_hidden: usize,
    /// Of all gates.
    pub(super) gates: usize,
}

impl Widths {
    pub(super) fn of<C: PortableCell>(cell: &C) -> Self {
        let CellWeights { input, recurrent, .. } = cell.weights();
        let ([d_input, gates], [d_hidden, _]) = (input.dims(), recurrent.dims());
        Self { d_input, d_hidden, gates }
    }
}

/// Where the weights of a cell are, and what they are made of.
#[derive(Debug, Clone)]
pub(super) struct Place {
    device: Device,
    dtype: DType,
}

impl Place {
    pub(super) fn of<const D: usize>(tensor: &Tensor<D>) -> Self {
        Self { device: tensor.device(), dtype: tensor.dtype() }
    }

    /// A tensor of a file there.
    pub(super) fn put<const D: usize>(&self, data: &TensorData) -> Tensor<D> {
        Tensor::from_data(data.clone(), (&self.device, self.dtype))
    }
}

/// The tensors of all parts.
pub(super) fn joined(parts: impl IntoIterator<Item = NamedTensors>) -> NamedTensors {
    parts.into_iter().fold(NamedTensors::default(), NamedTensors::and)
}

/// The two biases of a cell as one, and `b_hn` of a GRU that resets after, which the reset gate
/// multiplies, by itself.
pub(super) fn added_up(
    first: Tensor<1>,
    second: Tensor<1>,
    kind: Recurrence,
    d_hidden: usize,
) -> (Tensor<1>, Option<Tensor<1>>) {
    let Recurrence::Gru { reset_after: true } = kind else { return (first + second, None) };
    let [gates] = second.dims();
    let candidate = second.clone().slice_dim(0, gates - d_hidden..gates);
    let others = second.slice_dim(0, 0..gates - d_hidden);
    (first + beside_nothing(others, d_hidden), Some(candidate))
}

/// The second bias of a cell that has one: nothing, and `b_hn` for a GRU that resets after.
pub(super) fn second_bias(bias: &Tensor<1>, candidate: Option<Tensor<1>>) -> Tensor<1> {
    // Minus zero, as below.
    let nothing = bias.zeros_like().neg();
    let Some(candidate) = candidate else { return nothing };
    let ([gates], [d_hidden]) = (bias.dims(), candidate.dims());
    Tensor::cat(vec![nothing.slice_dim(0, 0..gates - d_hidden), candidate], 0)
}

/// A vector with so many zeros after it. They are minus zero: what they are added to stays as it is,
/// to the bit.
fn beside_nothing(vector: Tensor<1>, n: usize) -> Tensor<1> {
    let zeros = Tensor::zeros([n], (&vector.device(), vector.dtype())).neg();
    Tensor::cat(vec![vector, zeros], 0)
}
