//! Conversion from and to the recurrent layers of `burn::nn`, which keep each gate apart.

mod gru;
mod lstm;
mod simple;

use std::fmt;

use burn::nn::{GateController, Linear};
use burn::tensor::Tensor;

use crate::gates::leaf;
use crate::{
    Direction, GateWeights, LayerDropout, MergeMode, RecurrentCell, RecurrentLayer, RecurrentStack,
};

/// An option of one layer that the other kind has not, by its name.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct UnsupportedOption {
    /// The type converted from.
    pub from: &'static str,
    /// The option.
    pub option: &'static str,
    /// Its value.
    pub value: String,
}

impl fmt::Display for UnsupportedOption {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { from, option, value } = self;
        write!(f, "{from}: {option} = {value} has no counterpart here")
    }
}

impl std::error::Error for UnsupportedOption {}

/// Refuses an option unless `supported`.
fn require(
    supported: bool,
    from: &'static str,
    option: &'static str,
    value: &dyn fmt::Debug,
) -> Result<(), UnsupportedOption> {
    if supported {
        Ok(())
    } else {
        Err(UnsupportedOption { from, option, value: format!("{value:?}") })
    }
}

/// The fused weights of these gates; their two biases add up to one.
fn fuse(gates: &[&GateController]) -> GateWeights {
    let weight = |part: fn(&GateController) -> &Linear| {
        leaf(Tensor::cat(gates.iter().map(|gate| part(gate).weight.val()).collect(), 1))
    };
    let bias: Option<Vec<_>> = gates.iter().map(|gate| total_bias(gate)).collect();
    GateWeights {
        input: weight(|gate| &gate.input_transform),
        recurrent: weight(|gate| &gate.hidden_transform),
        bias: bias.map(|gates| leaf(Tensor::cat(gates, 0))),
    }
}

fn total_bias(gate: &GateController) -> Option<Tensor<1>> {
    let input = gate.input_transform.bias.as_ref()?.val();
    let hidden = gate.hidden_transform.bias.as_ref()?.val();
    Some(input + hidden)
}

/// Each gate of fused weights by itself; the hidden bias is 0.
fn split(gates: &GateWeights, n_gates: usize) -> impl Iterator<Item = GateController> {
    let part = move |weight: Tensor<2>, gate: usize| weight.chunk(n_gates, 1).remove(gate);
    (0..n_gates).map(move |gate| {
        let bias = gates.bias.as_ref().map(|bias| bias.val().chunk(n_gates, 0).remove(gate));
        let hidden_bias = bias.as_ref().map(|bias| leaf(bias.zeros_like()));
        GateController {
            input_transform: Linear {
                weight: leaf(part(gates.input.val(), gate)),
                bias: bias.map(leaf),
            },
            hidden_transform: Linear {
                weight: leaf(part(gates.recurrent.val(), gate)),
                bias: hidden_bias,
            },
        }
    })
}

/// A layer of `burn::nn` that reads forward or in reverse.
fn one_way<C: RecurrentCell>(cell: C, reverse: bool, batch_first: bool) -> RecurrentStack<C> {
    let layers = vec![layer(cell)];
    let stack =
        if reverse { RecurrentStack::backward(layers) } else { RecurrentStack::new(layers) };
    stack.with_batch_first(batch_first)
}

/// A layer without dropout.
fn layer<C: RecurrentCell>(cell: C) -> RecurrentLayer<C> {
    RecurrentLayer::new(cell, LayerDropout::none())
}

/// The two directions of `burn::nn`, each a layer, side by side.
fn both<C: RecurrentCell>(forward: C, backward: C, batch_first: bool) -> RecurrentStack<C> {
    RecurrentStack::both(vec![layer(forward)], vec![layer(backward)], MergeMode::Concat)
        .with_batch_first(batch_first)
}

/// The cell of a stack of one layer, and the way it reads.
fn single_cell<C: RecurrentCell>(
    stack: RecurrentStack<C>,
    from: &'static str,
) -> Result<(C, Direction), UnsupportedOption> {
    let both = stack.is_bidirectional();
    require(!both, from, "is_bidirectional", &both)?;
    let n_layers = stack.layers.len();
    require(n_layers == 1, from, "n_layers", &n_layers)?;
    let layer = stack.layers.into_iter().next().expect("one layer");
    Ok((layer.cell, layer.direction))
}

/// The cells of the two directions of a stack of one layer that are concatenated.
fn both_cells<C: RecurrentCell>(
    stack: RecurrentStack<C>,
    from: &'static str,
) -> Result<[C; 2], UnsupportedOption> {
    let both = stack.is_bidirectional();
    require(both, from, "is_bidirectional", &both)?;
    let n_layers = stack.layers.len();
    require(n_layers == 1, from, "n_layers", &n_layers)?;
    require(stack.merge == MergeMode::Concat, from, "merge", &stack.merge)?;
    let cell = |layers: Vec<RecurrentLayer<C>>| layers.into_iter().next().expect("one layer").cell;
    Ok([cell(stack.layers), cell(stack.backward_layers)])
}
