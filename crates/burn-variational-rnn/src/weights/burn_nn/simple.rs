//! `burn::nn::Rnn` and `BiRnn`.

use burn::nn;

use super::{UnsupportedOption, both, both_cells, fuse, one_way, require, single_cell, split};
use crate::{Direction, RecurrentCell, RnnCell, VariationalRnn};

/// Whichever way it reads.
fn cell_of(rnn: &nn::Rnn, from: &'static str) -> Result<RnnCell, UnsupportedOption> {
    require(rnn.clip.is_none(), from, "clip", &rnn.clip)?;
    let (gates, hidden_activation) = (fuse(&[&rnn.gate]), rnn.hidden_activation.clone());
    Ok(RnnCell { gates, hidden_activation })
}

fn twin_of(cell: &RnnCell, direction: Direction, batch_first: bool) -> nn::Rnn {
    let gate = split(&cell.gates, RnnCell::N_GATES).next().expect("one gate");
    let device = cell.gates.input.val().device();
    let config = nn::RnnConfig::new(1, 1, false)
        .with_batch_first(batch_first)
        .with_reverse(direction == Direction::Backward);
    let hidden_activation = cell.hidden_activation.clone();
    nn::Rnn { gate, hidden_activation, d_hidden: cell.d_hidden(), ..config.init(&device) }
}

impl TryFrom<nn::Rnn> for VariationalRnn {
    type Error = UnsupportedOption;

    fn try_from(rnn: nn::Rnn) -> Result<Self, UnsupportedOption> {
        Ok(one_way(cell_of(&rnn, "burn::nn::Rnn")?, rnn.reverse, rnn.batch_first))
    }
}

impl TryFrom<VariationalRnn> for nn::Rnn {
    type Error = UnsupportedOption;

    /// The masks of the stack are not part of it: its twin has no dropout.
    fn try_from(stack: VariationalRnn) -> Result<Self, UnsupportedOption> {
        let batch_first = stack.batch_first;
        let (cell, direction) = single_cell(stack, "VariationalRnn")?;
        Ok(twin_of(&cell, direction, batch_first))
    }
}

impl TryFrom<nn::BiRnn> for VariationalRnn {
    type Error = UnsupportedOption;

    fn try_from(rnn: nn::BiRnn) -> Result<Self, UnsupportedOption> {
        const FROM: &str = "burn::nn::BiRnn";
        let (forward, backward) = (cell_of(&rnn.forward, FROM)?, cell_of(&rnn.reverse, FROM)?);
        Ok(both(forward, backward, rnn.batch_first))
    }
}

impl TryFrom<VariationalRnn> for nn::BiRnn {
    type Error = UnsupportedOption;

    /// The masks of the stack are not part of it: its twin has no dropout.
    fn try_from(stack: VariationalRnn) -> Result<Self, UnsupportedOption> {
        let batch_first = stack.batch_first;
        let [forward, backward] = both_cells(stack, "VariationalRnn")?;
        // It turns the input around itself.
        let twin = |cell| twin_of(cell, Direction::Forward, true);
        let d_hidden = forward.d_hidden();
        Ok(Self { forward: twin(&forward), reverse: twin(&backward), d_hidden, batch_first })
    }
}
