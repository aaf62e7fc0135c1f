//! TensorFlow's `LSTMCell`: one kernel for input and state, gates in another order, and a forget
//! bias that is added when it runs.

use burn::tensor::Tensor;
use burn_variational_rnn::{LstmCell, RecurrentStack};

use super::stack::{Place, Widths, layers, with_weights};
use super::{Change, Loaded};
use crate::wanted::Wanted;
use crate::{CellWeights, NamedTensors, PortableCell, WeightsError};

/// LSTM layers with the weights of TensorFlow 1's `LSTMCell`, `BasicLSTMCell` and
/// `LSTMBlockCell`, each found by [`NamedTensors::under`]: all of them, or none. There is one for
/// each layer and direction, from the input up, forward before backward.
///
/// ```text
/// kernel = [W; U], [d_input + d_hidden, 4 · d_hidden], gates i, j, f, o; j is the candidate g
/// b_f = bias_f + forget_bias
/// ```
///
/// `forget_bias` is the cell's, 1 by default there.
///
/// # Errors
///
/// If the stack has no biases, as every cell there has; if a tensor is not there, has another shape, or is one too many, as projections and peepholes
/// are, naming all of them; or there is another number of cells than of layers and directions.
///
/// # Example
///
/// ```
/// use burn::tensor::Device;
/// use burn_variational_rnn::VariationalLstmConfig;
/// use burn_variational_weights::{load_tensorflow, to_tensorflow};
///
/// let lstm = VariationalLstmConfig::new(3, 4, true).init(&Device::flex());
/// let cells = to_tensorflow(&lstm, 1.0);
/// assert_eq!(cells[0].get("kernel").unwrap().shape().to_vec(), [7, 16]);
///
/// let loaded = load_tensorflow(&lstm, &cells, 1.0)?;
/// assert_eq!(loaded.changes[1].to_string(), "bias: gates reordered likewise; forget_bias added");
/// # Ok::<(), burn_variational_weights::WeightsError>(())
/// ```
pub fn load_tensorflow(
    stack: &RecurrentStack<LstmCell>,
    cells: &[NamedTensors],
    forget_bias: f64,
) -> Result<Loaded<RecurrentStack<LstmCell>>, WeightsError> {
    let n_cells = layers(stack).count();
    if cells.len() != n_cells {
        return Err(WeightsError::Unsupported(format!(
            "TensorFlow: wanted the tensors of {n_cells} cells, got {}",
            cells.len()
        )));
    }
    if layers(stack).any(|(.., layer)| layer.cell.gates.bias.is_none()) {
        let reason = "TensorFlow has no LSTMCell without biases".to_string();
        return Err(WeightsError::Unsupported(reason));
    }
    let mut wrong = Vec::new();
    let mut found = Vec::new();
    for ((.., layer), tensors) in layers(stack).zip(cells) {
        let Widths { d_input, d_hidden, gates } = Widths::of(&layer.cell);
        let mut wanted = Wanted::of(tensors);
        let kernel = wanted.take("kernel", &[d_input + d_hidden, gates]);
        let bias = wanted.take("bias", &[gates]);
        wrong.extend(wanted.mismatches()?);
        // Where one is not there, nothing is loaded.
        found.extend(kernel.zip(bias));
    }
    if !wrong.is_empty() {
        return Err(WeightsError::Mismatched(wrong));
    }
    let mut changes = Vec::new();
    let weights = layers(stack).zip(cells).zip(found).map(|(((.., layer), tensors), found)| {
        let Widths { d_input, d_hidden, .. } = Widths::of(&layer.cell);
        let place = Place::of(&layer.cell.weights().input);
        let (kernel, bias) = found;
        let kernel: Tensor<2> = turned(place.put(kernel), 1);
        let what = "cut in two; gates reordered, from i, j, f, o to i, f, j, o";
        changes.push(Change { names: vec![tensors.full_name("kernel")], what });
        let what = "gates reordered likewise; forget_bias added";
        changes.push(Change { names: vec![tensors.full_name("bias")], what });
        let bias = add_to_forget(turned(place.put(bias), 0), forget_bias);
        CellWeights {
            input: kernel.clone().slice_dim(0, 0..d_input),
            recurrent: kernel.slice_dim(0, d_input..d_input + d_hidden),
            bias: Some(bias),
            candidate_bias: None,
        }
    });
    let module = with_weights(stack, weights.collect::<Vec<_>>());
    Ok(Loaded { module, changes })
}

/// The weights of LSTM layers as TensorFlow 1's cells have them, in the order of
/// [`load_tensorflow`], for cells of this `forget_bias`.
pub fn to_tensorflow(stack: &RecurrentStack<LstmCell>, forget_bias: f64) -> Vec<NamedTensors> {
    let of_cell = |cell: &LstmCell| {
        let CellWeights { input, recurrent, bias, .. } = cell.weights();
        let kernel = turned(Tensor::cat(vec![input, recurrent], 0), 1);
        // A cell without biases has them there, for what is added to them.
        let [_, gates] = kernel.dims();
        let zeros = || Tensor::zeros([gates], (&kernel.device(), kernel.dtype()));
        let bias = turned(add_to_forget(bias.unwrap_or_else(zeros), -forget_bias), 0);
        let tensors = [("kernel", kernel.into_data()), ("bias", bias.into_data())];
        tensors.into_iter().map(|(name, data)| (name.to_string(), data)).collect()
    };
    layers(stack).map(|(.., layer)| of_cell(&layer.cell)).collect()
}

/// Gates from `i, j, f, o` to `i, f, j, o` or back: those in the middle change places.
fn turned<const D: usize>(gates: Tensor<D>, dim: usize) -> Tensor<D> {
    let mut gates = gates.chunk(4, dim);
    gates.swap(1, 2);
    Tensor::cat(gates, dim)
}

/// A bias of gates `i, f, g, o` with this added to `f`.
fn add_to_forget(bias: Tensor<1>, value: f64) -> Tensor<1> {
    let [gates] = bias.dims();
    let [before, after] = [0..gates / 4, gates / 2..gates].map(|of| bias.clone().slice_dim(0, of));
    let forget = bias.slice_dim(0, gates / 4..gates / 2).add_scalar(value);
    Tensor::cat(vec![before, forget, after], 0)
}
