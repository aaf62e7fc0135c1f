//! Keras' `LSTM`, `GRU` and `SimpleRNN`, alone or in a `Bidirectional`: matrices as ours, the gates
//! of a GRU in another order.

use burn::tensor::{Tensor, TensorData};
use burn_variational_rnn::{Direction, MergeMode, RecurrentStack};

use super::{KerasWeights, counted};
use crate::layouts::stack::{
    Place, Widths, added_up, check_activations, joined, layers, second_bias, with_weights,
};
use crate::layouts::{Change, Loaded};
use crate::wanted::Wanted;
use crate::{CellWeights, NamedTensors, PortableCell, Recurrence, WeightsError};

impl<C: PortableCell> KerasWeights for RecurrentStack<C> {
    fn load_keras(&self, of_layers: &[NamedTensors]) -> Result<Loaded<Self>, WeightsError> {
        check_activations("Keras", self)?;
        let of_layers = counted(of_layers, self.layers.len())?;
        let both = self.is_bidirectional();
        let mut wrong = Vec::new();
        let mut found = Vec::new();
        if both {
            for tensors in of_layers {
                compare(tensors, "", "merge_mode", merge_mode(self.merge))?;
            }
        }
        for (l, tensors) in of_layers.iter().enumerate() {
            let mut wanted = Wanted::of(tensors);
            for (_, direction, layer) in layers(self).filter(|(k, ..)| *k == l) {
                let path = path_of(tensors, both.then_some(direction));
                compare_cell(tensors, &path, layer.cell.kind())?;
                // What Keras reads backward it returns in that order, so that a layer on top of it
                // goes on backward by going forward.
                let turns = direction == Direction::Backward && (both || l == 0);
                let layer_path = if both { wrapped(direction) } else { "" };
                compare(tensors, layer_path, "go_backwards", &turns.to_string())?;
                found.push((tensors, take(&mut wanted, path, &layer.cell)));
            }
            wrong.extend(wanted.mismatches()?);
        }
        if !wrong.is_empty() {
            return Err(WeightsError::Mismatched(wrong));
        }
        let mut changes = Vec::new();
        let weights = layers(self).zip(found).map(|((.., layer), (tensors, found))| {
            let found = found.expect("all tensors are there");
            changes.extend(found.changes(tensors, layer.cell.kind()));
            found.weights(&layer.cell)
        });
        let module = with_weights(self, weights.collect::<Vec<_>>());
        Ok(Loaded { module, changes })
    }

    fn to_keras(&self) -> Result<Vec<NamedTensors>, WeightsError> {
        check_activations("Keras", self)?;
        let both = self.is_bidirectional();
        let of_layer = |l| {
            joined(layers(self).filter(|(k, ..)| *k == l).map(|(_, direction, layer)| {
                let path =
                    if both { format!("{}.cell", wrapped(direction)) } else { "cell".into() };
                tensors_of(&layer.cell).at(&path)
            }))
        };
        Ok((0..self.layers.len()).map(of_layer).collect())
    }
}

/// Keras' name of a merge.
fn merge_mode(merge: MergeMode) -> &'static str {
    match merge {
        MergeMode::Concat => "concat",
        MergeMode::Sum => "sum",
        MergeMode::Average => "ave",
        MergeMode::Multiply => "mul",
    }
}

/// Where a `Bidirectional` keeps a direction.
fn wrapped(direction: Direction) -> &'static str {
    match direction {
        Direction::Forward => "forward_layer",
        Direction::Backward => "backward_layer",
    }
}

/// Where the cell of a layer, or of a direction of it, is: `cell`, or the layer is one itself.
fn path_of(tensors: &NamedTensors, direction: Option<Direction>) -> String {
    match direction {
        Some(direction) => format!("{}.cell", wrapped(direction)),
        None if tensors.names().any(|name| name.starts_with("vars.")) => String::new(),
        None => "cell".into(),
    }
}

/// Refuses a cell that is said to be another.
fn compare_cell(tensors: &NamedTensors, path: &str, kind: Recurrence) -> Result<(), WeightsError> {
    // Said of the layer, or of the cell that was given to it.
    let layer = path.strip_suffix("cell").map(|layer| layer.trim_end_matches('.'));
    for place in [Some(path), layer].into_iter().flatten() {
        compare(tensors, place, "activation", "tanh")?;
        compare(tensors, place, "recurrent_activation", "sigmoid")?;
        if let Recurrence::Gru { reset_after } = kind {
            compare(tensors, place, "reset_after", &reset_after.to_string())?;
        }
    }
    Ok(())
}

/// Refuses a layer of which the file says something else.
fn compare(
    tensors: &NamedTensors,
    layer: &str,
    setting: &str,
    wanted: &str,
) -> Result<(), WeightsError> {
    match tensors.settings(layer).and_then(|settings| settings.get(setting)) {
        Some(found) if found != wanted => Err(WeightsError::Unsupported(format!(
            "{}: {setting} must be {wanted}, found {found}",
            tensors.full_name(layer)
        ))),
        _ => Ok(()),
    }
}

/// The tensors of a cell.
struct Found<'a> {
    path: String,
    kernel: &'a TensorData,
    recurrent: &'a TensorData,
    bias: Option<&'a TensorData>,
}

/// The name of a cell's tensor.
fn variable(path: &str, k: usize) -> String {
    if path.is_empty() { format!("vars.{k}") } else { format!("{path}.vars.{k}") }
}

fn take<'a, C: PortableCell>(wanted: &mut Wanted<'a>, path: String, cell: &C) -> Option<Found<'a>> {
    let Widths { d_input, d_hidden, gates } = Widths::of(cell);
    let mut take = |k: usize, dims: &[usize]| wanted.take(&variable(&path, k), dims);
    let weights = (take(0, &[d_input, gates]), take(1, &[d_hidden, gates]));
    let bias = match (cell.weights().bias, cell.kind()) {
        (None, _) => None,
        (Some(_), Recurrence::Gru { reset_after: true }) => Some(take(2, &[2, gates])?),
        (Some(_), _) => Some(take(2, &[gates])?),
    };
    Some(Found { kernel: weights.0?, recurrent: weights.1?, bias, path })
}

impl Found<'_> {
    fn changes(&self, tensors: &NamedTensors, kind: Recurrence) -> Vec<Change> {
        let Recurrence::Gru { reset_after } = kind else { return vec![] };
        let n_tensors = if self.bias.is_some() { 3 } else { 2 };
        let name = |k| tensors.full_name(&variable(&self.path, k));
        let what = "gates reordered, from z, r, h to r, z, h";
        let mut changes = vec![Change { names: (0..n_tensors).map(name).collect(), what }];
        if reset_after && self.bias.is_some() {
            let what = "added up, but for the candidate's, which stays apart";
            changes.push(Change { names: vec![name(2)], what });
        }
        changes
    }

    /// As the weights of a cell.
    fn weights<C: PortableCell>(&self, cell: &C) -> CellWeights {
        let place = Place::of(&cell.weights().input);
        let kind = cell.kind();
        let Widths { d_hidden, .. } = Widths::of(cell);
        let (bias, candidate_bias) = match (self.bias, kind) {
            (None, _) => (None, None),
            (Some(data), Recurrence::Gru { reset_after: true }) => {
                let both = turned(place.put::<2>(data), kind);
                let row = |k: usize| both.clone().slice_dim(0, k..k + 1).squeeze_dim::<1>(0);
                let (bias, candidate) = added_up(row(0), row(1), kind, d_hidden);
                (Some(bias), candidate)
            }
            (Some(data), _) => {
                let row = place.put::<1>(data).unsqueeze_dim::<2>(0);
                (Some(turned(row, kind).squeeze_dim(0)), None)
            }
        };
        CellWeights {
            input: turned(place.put::<2>(self.kernel), kind),
            recurrent: turned(place.put::<2>(self.recurrent), kind),
            bias,
            candidate_bias,
        }
    }
}

fn tensors_of<C: PortableCell>(cell: &C) -> NamedTensors {
    let CellWeights { input, recurrent, bias, candidate_bias } = cell.weights();
    let kind = cell.kind();
    let kernel = (variable("", 0), turned(input, kind).into_data());
    let recurrent = (variable("", 1), turned(recurrent, kind).into_data());
    let bias = bias.map(|bias| {
        let row = turned(bias.clone().unsqueeze_dim::<2>(0), kind);
        let data = if kind == (Recurrence::Gru { reset_after: true }) {
            // Of its second row only the candidate's part is not 0, and that stays where it is.
            let second = second_bias(&bias, candidate_bias).unsqueeze_dim::<2>(0);
            Tensor::cat(vec![row, second], 0).into_data()
        } else {
            row.squeeze_dim::<1>(0).into_data()
        };
        (variable("", 2), data)
    });
    [kernel, recurrent].into_iter().chain(bias).collect()
}

/// Columns of all gates, from Keras' order to ours or back: of a GRU the first two change places.
fn turned(columns: Tensor<2>, kind: Recurrence) -> Tensor<2> {
    let Recurrence::Gru { .. } = kind else { return columns };
    let mut gates = columns.chunk(3, 1);
    gates.swap(0, 1);
    Tensor::cat(gates, 1)
}
