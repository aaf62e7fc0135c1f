//! `burn::nn::Lstm` and `BiLstm`.

use burn::nn;

use super::{UnsupportedOption, both, both_cells, fuse, one_way, require, single_cell, split};
use crate::{Direction, LstmCell, RecurrentCell, VariationalLstm};

/// Whichever way it reads.
fn cell_of(lstm: &nn::Lstm, from: &'static str) -> Result<LstmCell, UnsupportedOption> {
    require(lstm.clip.is_none(), from, "clip", &lstm.clip)?;
    require(!lstm.input_forget, from, "input_forget", &lstm.input_forget)?;
    let forget = lstm.forget_gate.as_ref().expect("a forget gate, as input_forget is off");
    let gates = fuse(&[&lstm.input_gate, forget, &lstm.cell_gate, &lstm.output_gate]);
    Ok(LstmCell {
        gates,
        gate_activation: lstm.gate_activation.clone(),
        cell_activation: lstm.cell_activation.clone(),
        hidden_activation: lstm.hidden_activation.clone(),
    })
}

fn twin_of(cell: &LstmCell, direction: Direction, batch_first: bool) -> nn::Lstm {
    let mut gates = split(&cell.gates, LstmCell::N_GATES);
    let mut gate = || gates.next().expect("four gates");
    let (input, forget, candidate, output) = (gate(), gate(), gate(), gate());
    let device = cell.gates.input.val().device();
    let config = nn::LstmConfig::new(1, 1, false)
        .with_batch_first(batch_first)
        .with_reverse(direction == Direction::Backward);
    nn::Lstm {
        input_gate: input,
        forget_gate: Some(forget),
        cell_gate: candidate,
        output_gate: output,
        gate_activation: cell.gate_activation.clone(),
        cell_activation: cell.cell_activation.clone(),
        hidden_activation: cell.hidden_activation.clone(),
        d_hidden: cell.d_hidden(),
        ..config.init(&device)
    }
}

impl TryFrom<nn::Lstm> for VariationalLstm {
    type Error = UnsupportedOption;

    fn try_from(lstm: nn::Lstm) -> Result<Self, UnsupportedOption> {
        Ok(one_way(cell_of(&lstm, "burn::nn::Lstm")?, lstm.reverse, lstm.batch_first))
    }
}

impl TryFrom<VariationalLstm> for nn::Lstm {
    type Error = UnsupportedOption;

    /// The masks of the stack are not part of it: its twin has no dropout.
    fn try_from(stack: VariationalLstm) -> Result<Self, UnsupportedOption> {
        let batch_first = stack.batch_first;
        let (cell, direction) = single_cell(stack, "VariationalLstm")?;
        Ok(twin_of(&cell, direction, batch_first))
    }
}

impl TryFrom<nn::BiLstm> for VariationalLstm {
    type Error = UnsupportedOption;

    fn try_from(lstm: nn::BiLstm) -> Result<Self, UnsupportedOption> {
        const FROM: &str = "burn::nn::BiLstm";
        let (forward, backward) = (cell_of(&lstm.forward, FROM)?, cell_of(&lstm.reverse, FROM)?);
        Ok(both(forward, backward, lstm.batch_first))
    }
}

impl TryFrom<VariationalLstm> for nn::BiLstm {
    type Error = UnsupportedOption;

    /// The masks of the stack are not part of it: its twin has no dropout.
    fn try_from(stack: VariationalLstm) -> Result<Self, UnsupportedOption> {
        let batch_first = stack.batch_first;
        let [forward, backward] = both_cells(stack, "VariationalLstm")?;
        // It turns the input around itself.
        let twin = |cell| twin_of(cell, Direction::Forward, true);
        let d_hidden = forward.d_hidden();
        Ok(Self { forward: twin(&forward), reverse: twin(&backward), d_hidden, batch_first })
    }
}
