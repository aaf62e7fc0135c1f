//! Conversion from and to the recurrent layers of `burn::nn`, which keep each gate apart.

use std::fmt;

use burn::nn::activation::Activation;
use burn::nn::{self, GateController, Linear};
use burn::tensor::Tensor;

use crate::gates::leaf;
use crate::{
    GateWeights, GruCell, LayerDropout, LstmCell, RecurrentCell, RecurrentLayer, RecurrentStack,
    RnnCell, VariationalGru, VariationalLstm, VariationalRnn,
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

fn require_sigmoid(
    from: &'static str,
    option: &'static str,
    activation: &Activation,
) -> Result<(), UnsupportedOption> {
    require(matches!(activation, Activation::Sigmoid(_)), from, option, activation)
}

fn require_tanh(
    from: &'static str,
    option: &'static str,
    activation: &Activation,
) -> Result<(), UnsupportedOption> {
    require(matches!(activation, Activation::Tanh(_)), from, option, activation)
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
    let [_, width] = gates.input.dims();
    let part = move |weight: Tensor<2>, gate: usize| weight.chunk(n_gates, 1).remove(gate);
    (0..n_gates).map(move |gate| {
        let bias = gates.bias.as_ref().map(|bias| bias.val().chunk(n_gates, 0).remove(gate));
        let hidden_bias = bias
            .as_ref()
            .map(|_| leaf(Tensor::zeros([width / n_gates], &gates.input.val().device())));
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

fn single_layer<C: RecurrentCell>(cell: C, batch_first: bool) -> RecurrentStack<C> {
    RecurrentStack::new(vec![RecurrentLayer::new(cell, LayerDropout::none())])
        .with_batch_first(batch_first)
}

/// The cell of a stack of one layer.
fn single_cell<C: RecurrentCell>(
    stack: RecurrentStack<C>,
    from: &'static str,
) -> Result<C, UnsupportedOption> {
    let n_layers = stack.layers.len();
    require(n_layers == 1, from, "n_layers", &n_layers)?;
    Ok(stack.layers.into_iter().next().expect("one layer").cell)
}

impl TryFrom<nn::Lstm> for VariationalLstm {
    type Error = UnsupportedOption;

    fn try_from(lstm: nn::Lstm) -> Result<Self, UnsupportedOption> {
        const FROM: &str = "burn::nn::Lstm";
        require(!lstm.reverse, FROM, "reverse", &lstm.reverse)?;
        require(lstm.clip.is_none(), FROM, "clip", &lstm.clip)?;
        require(!lstm.input_forget, FROM, "input_forget", &lstm.input_forget)?;
        require_sigmoid(FROM, "gate_activation", &lstm.gate_activation)?;
        require_tanh(FROM, "cell_activation", &lstm.cell_activation)?;
        require_tanh(FROM, "hidden_activation", &lstm.hidden_activation)?;
        let forget = lstm.forget_gate.as_ref().expect("a forget gate, as input_forget is off");
        let gates = fuse(&[&lstm.input_gate, forget, &lstm.cell_gate, &lstm.output_gate]);
        Ok(single_layer(LstmCell { gates }, lstm.batch_first))
    }
}

impl TryFrom<VariationalLstm> for nn::Lstm {
    type Error = UnsupportedOption;

    /// The masks of the stack are not part of it: its twin has no dropout.
    fn try_from(stack: VariationalLstm) -> Result<Self, UnsupportedOption> {
        let batch_first = stack.batch_first;
        let cell = single_cell(stack, "VariationalLstm")?;
        let mut gates = split(&cell.gates, LstmCell::N_GATES);
        let mut gate = || gates.next().expect("four gates");
        let (input, forget, candidate, output) = (gate(), gate(), gate(), gate());
        let device = cell.gates.input.val().device();
        let config = nn::LstmConfig::new(1, 1, false).with_batch_first(batch_first);
        Ok(Self {
            input_gate: input,
            forget_gate: Some(forget),
            cell_gate: candidate,
            output_gate: output,
            d_hidden: cell.d_hidden(),
            ..config.init(&device)
        })
    }
}

impl TryFrom<nn::Gru> for VariationalGru {
    type Error = UnsupportedOption;

    fn try_from(gru: nn::Gru) -> Result<Self, UnsupportedOption> {
        const FROM: &str = "burn::nn::Gru";
        require(gru.clip.is_none(), FROM, "clip", &gru.clip)?;
        require_sigmoid(FROM, "gate_activation", &gru.gate_activation)?;
        require_tanh(FROM, "hidden_activation", &gru.hidden_activation)?;
        let mut candidate = gru.new_gate;
        let mut candidate_bias = None;
        if gru.reset_after {
            // The reset gate multiplies this bias, so it cannot join the other.
            candidate_bias = candidate.hidden_transform.bias.take();
            if let Some(bias) = &candidate_bias {
                candidate.hidden_transform.bias = Some(leaf(bias.val().zeros_like()));
            }
        }
        let gates = fuse(&[&gru.reset_gate, &gru.update_gate, &candidate]);
        let cell = GruCell { gates, candidate_bias, reset_after: gru.reset_after };
        Ok(single_layer(cell, true))
    }
}

impl TryFrom<VariationalGru> for nn::Gru {
    type Error = UnsupportedOption;

    /// The masks of the stack are not part of it: its twin has no dropout.
    fn try_from(stack: VariationalGru) -> Result<Self, UnsupportedOption> {
        const FROM: &str = "VariationalGru";
        require(stack.batch_first, FROM, "batch_first", &stack.batch_first)?;
        let cell = single_cell(stack, FROM)?;
        let mut gates = split(&cell.gates, GruCell::N_GATES);
        let mut gate = || gates.next().expect("three gates");
        let (reset, update, mut candidate) = (gate(), gate(), gate());
        if let Some(bias) = cell.candidate_bias.clone() {
            candidate.hidden_transform.bias = Some(bias);
        }
        let device = cell.gates.input.val().device();
        let config = nn::GruConfig::new(1, 1, false).with_reset_after(cell.reset_after);
        Ok(Self {
            reset_gate: reset,
            update_gate: update,
            new_gate: candidate,
            d_hidden: cell.d_hidden(),
            ..config.init(&device)
        })
    }
}

impl TryFrom<nn::Rnn> for VariationalRnn {
    type Error = UnsupportedOption;

    fn try_from(rnn: nn::Rnn) -> Result<Self, UnsupportedOption> {
        const FROM: &str = "burn::nn::Rnn";
        require(!rnn.reverse, FROM, "reverse", &rnn.reverse)?;
        require(rnn.clip.is_none(), FROM, "clip", &rnn.clip)?;
        require_tanh(FROM, "hidden_activation", &rnn.hidden_activation)?;
        Ok(single_layer(RnnCell { gates: fuse(&[&rnn.gate]) }, rnn.batch_first))
    }
}

impl TryFrom<VariationalRnn> for nn::Rnn {
    type Error = UnsupportedOption;

    /// The masks of the stack are not part of it: its twin has no dropout.
    fn try_from(stack: VariationalRnn) -> Result<Self, UnsupportedOption> {
        let batch_first = stack.batch_first;
        let cell = single_cell(stack, "VariationalRnn")?;
        let gate = split(&cell.gates, RnnCell::N_GATES).next().expect("one gate");
        let device = cell.gates.input.val().device();
        let config = nn::RnnConfig::new(1, 1, false).with_batch_first(batch_first);
        Ok(Self { gate, d_hidden: cell.d_hidden(), ..config.init(&device) })
    }
}
