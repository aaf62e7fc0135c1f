//! What lengths and directions cost: training passes of one layer, in turns.

use burn::tensor::Device;
use burn_variational_dropout::{MaskRng, SequenceExtent, VariationalModel};
use burn_variational_rnn::{
    Directions, Lengths, MergeMode, SequenceBatch, StackDropout, VariationalLstmConfig,
};

use crate::layers::{Shape, input};
use crate::ratios;
use crate::timing::{Pass, Run};

/// A training pass over a batch.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Sequences {
    Whole,
    LengthsOfAllSteps,
    /// Uniform between a quarter of the steps and all of them.
    Lengths,
    Backward,
    Both,
    BothWithLengths,
}

impl Sequences {
    const ALL: [Self; 6] = [
        Self::Whole,
        Self::LengthsOfAllSteps,
        Self::Lengths,
        Self::Backward,
        Self::Both,
        Self::BothWithLengths,
    ];

    fn name(self) -> &'static str {
        match self {
            Self::Whole => "forward",
            Self::LengthsOfAllSteps => "forward, lengths all T",
            Self::Lengths => "forward, lengths in [T/4, T]",
            Self::Backward => "backward",
            Self::Both => "both directions",
            Self::BothWithLengths => "both directions, lengths in [T/4, T]",
        }
    }

    fn directions(self) -> Directions {
        match self {
            Self::Backward => Directions::Backward,
            Self::Both | Self::BothWithLengths => Directions::Both(MergeMode::Concat),
            _ => Directions::Forward,
        }
    }

    fn lengths(self, shape: Shape) -> Option<Lengths> {
        let Shape { batch_size, seq_length, .. } = shape;
        let shortest = seq_length / 4;
        // Spread evenly, in no order.
        let spread =
            |row: usize| row * 61 % batch_size * (seq_length - shortest) / (batch_size - 1);
        let lengths = match self {
            Self::LengthsOfAllSteps => vec![seq_length; batch_size],
            Self::Lengths | Self::BothWithLengths => {
                (0..batch_size).map(|row| shortest + spread(row)).collect()
            }
            _ => return None,
        };
        Some(Lengths::new(lengths, seq_length).expect("lengths of the batch"))
    }

    fn prepare(self, shape: Shape, device: &Device) -> Run {
        let device = Pass::Train.on(device);
        let stack = VariationalLstmConfig::new(shape.d_input, shape.d_hidden, true)
            .with_directions(self.directions())
            .with_dropout(StackDropout::none().with_input(0.5).with_recurrent(0.5))
            .with_batch_first(false)
            .init(&device);
        let extent = SequenceExtent::new(shape.batch_size, shape.seq_length, &device);
        let masks = stack.sample_masks(&extent, MaskRng::seeded(1).draw(0).part("stack"));
        let batch: SequenceBatch = (input(shape, &device), self.lengths(shape)).into();
        Box::new(move || Pass::Train.finish(stack.forward(batch.clone(), None, &masks).0))
    }
}

/// Prints those whose name contains `only`, against the first.
pub(crate) fn print(shape: Shape, only: &str, device: &Device) {
    let chosen = Sequences::ALL.into_iter().filter(|sequences| sequences.name().contains(only));
    let runs = chosen.map(|sequences| (sequences.name(), sequences.prepare(shape, device)));
    ratios::print(shape, runs.collect(), device);
}
