//! `torch.nn.LSTM`, `GRU` and `RNN`: gates in our order, matrices transposed, two biases.

use burn::tensor::TensorData;
use burn_variational_rnn::{Direction, MergeMode, RecurrentStack};

use super::PytorchWeights;
use crate::layouts::stack::{
    Place, Widths, added_up, check_activations, layers, second_bias, with_weights,
};
use crate::layouts::{Change, Loaded};
use crate::wanted::Wanted;
use crate::{CellWeights, NamedTensors, PortableCell, Recurrence, WeightsError};

impl<C: PortableCell> PytorchWeights for RecurrentStack<C> {
    fn load_pytorch(&self, tensors: &NamedTensors) -> Result<Loaded<Self>, WeightsError> {
        check(self)?;
        if let Some(name) = tensors.names().find(|name| name.starts_with("weight_hr_l")) {
            return Err(WeightsError::Unsupported(format!(
                "{}: layers with projections (proj_size) are not supported",
                tensors.full_name(name)
            )));
        }
        let mut wanted = Wanted::of(tensors);
        let found: Vec<_> = layers(self)
            .map(|(l, direction, layer)| take(&mut wanted, &suffix(l, direction), &layer.cell))
            .collect();
        wanted.finish()?;

        let mut changes = Vec::new();
        let weights = layers(self).zip(found).map(|((l, direction, layer), found)| {
            let name = |name: &str| tensors.full_name(&format!("{name}{}", suffix(l, direction)));
            let names = |[first, second]: [&str; 2]| vec![name(first), name(second)];
            changes.push(Change { names: names(["weight_ih", "weight_hh"]), what: "transposed" });
            let found = found.expect("all tensors are there");
            if found.biases.is_some() {
                let what = match layer.cell.kind() {
                    Recurrence::Gru { .. } => {
                        "added up, but for the candidate's, which stays apart"
                    }
                    _ => "added up",
                };
                changes.push(Change { names: names(["bias_ih", "bias_hh"]), what });
            }
            found.weights(&layer.cell)
        });
        let module = with_weights(self, weights.collect::<Vec<_>>());
        Ok(Loaded { module, changes })
    }

    fn to_pytorch(&self) -> Result<NamedTensors, WeightsError> {
        check(self)?;
        let tensors = layers(self).flat_map(|(l, direction, layer)| {
            let of_cell = tensors_of(&layer.cell).into_iter();
            of_cell.map(move |(name, data)| (format!("{name}{}", suffix(l, direction)), data))
        });
        Ok(tensors.collect())
    }
}

/// How the names of a layer's tensors end.
fn suffix(l: usize, direction: Direction) -> String {
    match direction {
        Direction::Forward => format!("_l{l}"),
        Direction::Backward => format!("_l{l}_reverse"),
    }
}

fn check<C: PortableCell>(stack: &RecurrentStack<C>) -> Result<(), WeightsError> {
    check_activations("PyTorch", stack)?;
    let unsupported = |what: &str| Err(WeightsError::Unsupported(format!("PyTorch has no {what}")));
    if stack.layers.iter().any(|l| l.cell.kind() == (Recurrence::Gru { reset_after: false })) {
        return unsupported("GRU that resets before the product");
    }
    if stack.is_bidirectional() && stack.merge != MergeMode::Concat {
        return unsupported("two directions that are not concatenated");
    }
    if stack.layers.iter().any(|layer| layer.direction == Direction::Backward) {
        return unsupported("layers that read backward alone");
    }
    Ok(())
}

/// The tensors of a layer.
struct Found<'a> {
    weight_ih: &'a TensorData,
    weight_hh: &'a TensorData,
    biases: Option<[&'a TensorData; 2]>,
}

fn take<'a, C: PortableCell>(wanted: &mut Wanted<'a>, suffix: &str, cell: &C) -> Option<Found<'a>> {
    let Widths { d_input, d_hidden, gates } = Widths::of(cell);
    let mut take = |name: &str, dims: &[usize]| wanted.take(&format!("{name}{suffix}"), dims);
    let weights = (take("weight_ih", &[gates, d_input]), take("weight_hh", &[gates, d_hidden]));
    let biases = match cell.weights().bias {
        None => None,
        Some(_) => match (take("bias_ih", &[gates]), take("bias_hh", &[gates])) {
            (Some(first), Some(second)) => Some([first, second]),
            _ => return None,
        },
    };
    Some(Found { weight_ih: weights.0?, weight_hh: weights.1?, biases })
}

impl Found<'_> {
    /// As the weights of a cell.
    fn weights<C: PortableCell>(&self, cell: &C) -> CellWeights {
        let place = Place::of(&cell.weights().input);
        let Widths { d_hidden, .. } = Widths::of(cell);
        let biases = self.biases.map(|biases| biases.map(|data| place.put::<1>(data)));
        let (bias, candidate_bias) = match biases {
            None => (None, None),
            Some([first, second]) => {
                let (bias, candidate) = added_up(first, second, cell.kind(), d_hidden);
                (Some(bias), candidate)
            }
        };
        CellWeights {
            input: place.put::<2>(self.weight_ih).transpose(),
            recurrent: place.put::<2>(self.weight_hh).transpose(),
            bias,
            candidate_bias,
        }
    }
}

fn tensors_of<C: PortableCell>(cell: &C) -> Vec<(&'static str, TensorData)> {
    let CellWeights { input, recurrent, bias, candidate_bias } = cell.weights();
    let mut tensors = vec![
        ("weight_ih", input.transpose().into_data()),
        ("weight_hh", recurrent.transpose().into_data()),
    ];
    if let Some(bias) = bias {
        let second = second_bias(&bias, candidate_bias);
        tensors.extend([("bias_ih", bias.into_data()), ("bias_hh", second.into_data())]);
    }
    tensors
}
