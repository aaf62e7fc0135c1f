//! `burn::nn::Gru` and `BiGru`.

use burn::nn;

use super::{UnsupportedOption, both, both_cells, fuse, one_way, require, single_cell, split};
use crate::gates::leaf;
use crate::{Direction, GruCell, RecurrentCell, VariationalGru};

fn cell_of(gru: nn::Gru, from: &'static str) -> Result<GruCell, UnsupportedOption> {
    require(gru.clip.is_none(), from, "clip", &gru.clip)?;
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
    Ok(GruCell {
        gates,
        candidate_bias,
        reset_after: gru.reset_after,
        gate_activation: gru.gate_activation,
        hidden_activation: gru.hidden_activation,
    })
}

fn twin_of(cell: &GruCell) -> nn::Gru {
    let mut gates = split(&cell.gates, GruCell::N_GATES);
    let mut gate = || gates.next().expect("three gates");
    let (reset, update, mut candidate) = (gate(), gate(), gate());
    if let Some(bias) = cell.candidate_bias.clone() {
        candidate.hidden_transform.bias = Some(bias);
    }
    let device = cell.gates.input.val().device();
    let config = nn::GruConfig::new(1, 1, false).with_reset_after(cell.reset_after);
    nn::Gru {
        reset_gate: reset,
        update_gate: update,
        new_gate: candidate,
        gate_activation: cell.gate_activation.clone(),
        hidden_activation: cell.hidden_activation.clone(),
        d_hidden: cell.d_hidden(),
        ..config.init(&device)
    }
}

impl TryFrom<nn::Gru> for VariationalGru {
    type Error = UnsupportedOption;

    fn try_from(gru: nn::Gru) -> Result<Self, UnsupportedOption> {
        Ok(one_way(cell_of(gru, "burn::nn::Gru")?, false, true))
    }
}

impl TryFrom<VariationalGru> for nn::Gru {
    type Error = UnsupportedOption;

    /// The masks of the stack are not part of it: its twin has no dropout.
    fn try_from(stack: VariationalGru) -> Result<Self, UnsupportedOption> {
        const FROM: &str = "VariationalGru";
        require(stack.batch_first, FROM, "batch_first", &stack.batch_first)?;
        let (cell, direction) = single_cell(stack, FROM)?;
        require(direction == Direction::Forward, FROM, "direction", &direction)?;
        Ok(twin_of(&cell))
    }
}

impl TryFrom<nn::BiGru> for VariationalGru {
    type Error = UnsupportedOption;

    fn try_from(gru: nn::BiGru) -> Result<Self, UnsupportedOption> {
        const FROM: &str = "burn::nn::BiGru";
        Ok(both(cell_of(gru.forward, FROM)?, cell_of(gru.reverse, FROM)?, gru.batch_first))
    }
}

impl TryFrom<VariationalGru> for nn::BiGru {
    type Error = UnsupportedOption;

    /// The masks of the stack are not part of it: its twin has no dropout.
    fn try_from(stack: VariationalGru) -> Result<Self, UnsupportedOption> {
        let batch_first = stack.batch_first;
        let [forward, backward] = both_cells(stack, "VariationalGru")?;
        let d_hidden = forward.d_hidden();
        Ok(Self { forward: twin_of(&forward), reverse: twin_of(&backward), d_hidden, batch_first })
    }
}
