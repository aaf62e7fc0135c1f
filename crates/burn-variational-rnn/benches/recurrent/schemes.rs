//! What each scheme costs beside tied masks: training passes of one LSTM, in turns.

use burn::tensor::Device;
use burn_variational_dropout::{MaskRng, SequenceExtent, SiteDropout, VariationalModel};
use burn_variational_rnn::{StackDropout, VariationalLstmConfig};

use crate::layers::{Shape, input};
use crate::ratios;
use crate::timing::{Pass, Run};

/// Whether a pass samples its masks too, as a training step does, or has them.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Drawing {
    Included,
    Before,
}

fn per_step(prob: f64) -> SiteDropout {
    SiteDropout::new(prob).per_step()
}

/// The schemes, tied masks first. What is not said keeps the tied masks on input and recurrence, so
/// that a ratio is what the scheme adds to them.
fn schemes() -> Vec<(&'static str, StackDropout, Drawing)> {
    let tied = || StackDropout::none().with_input(0.5).with_recurrent(0.5);
    let steps = StackDropout::none().with_input(0.5).with_recurrent(per_step(0.5));
    let untied = tied()
        .with_input(SiteDropout::new(0.5).untied())
        .with_recurrent(SiteDropout::new(0.5).untied());
    vec![
        ("tied masks", tied(), Drawing::Included),
        ("untied masks", untied, Drawing::Included),
        ("cell mask", StackDropout::rnn_drop(0.5), Drawing::Included),
        ("tied masks, cell mask", tied().with_cell(0.5), Drawing::Included),
        ("candidate, per sequence", tied().with_candidate(0.5), Drawing::Included),
        ("candidate, per step", tied().with_candidate(per_step(0.5)), Drawing::Included),
        ("zoneout", StackDropout::zoneout(0.5, 0.05), Drawing::Included),
        ("tied masks, drawn before", tied(), Drawing::Before),
        ("zoneout, drawn before", StackDropout::zoneout(0.5, 0.05), Drawing::Before),
        ("recurrent, per step", steps.clone(), Drawing::Included),
        ("recurrent, per step, drawn before", steps, Drawing::Before),
        ("recurrent weights", StackDropout::none().with_recurrent_weights(0.5), Drawing::Included),
    ]
}

fn prepare(dropout: StackDropout, drawing: Drawing, shape: Shape, device: &Device) -> Run {
    let device = Pass::Train.on(device);
    let stack = VariationalLstmConfig::new(shape.d_input, shape.d_hidden, true)
        .with_dropout(dropout)
        .with_batch_first(false)
        .init(&device);
    let extent = SequenceExtent::new(shape.batch_size, shape.seq_length, &device);
    let sample = move |stack: &burn_variational_rnn::VariationalLstm| {
        stack.sample_masks(&extent, MaskRng::seeded(1).draw(0).part("stack"))
    };
    let (input, drawn) = (input(shape, &device), sample(&stack));
    Box::new(move || {
        let sampled = (drawing == Drawing::Included).then(|| sample(&stack));
        let masks = sampled.as_ref().unwrap_or(&drawn);
        Pass::Train.finish(stack.forward(input.clone(), None, masks).0);
    })
}

/// Prints those whose name contains `only`: those that sample their masks against the first of these,
/// and then those that have them likewise.
pub(crate) fn print(shape: Shape, only: &str, device: &Device) {
    for drawing in [Drawing::Included, Drawing::Before] {
        print_some(shape, only, drawing, device);
    }
}

fn print_some(shape: Shape, only: &str, drawing: Drawing, device: &Device) {
    let chosen = schemes().into_iter().filter(|(name, _, d)| name.contains(only) && *d == drawing);
    let runs =
        chosen.map(|(name, dropout, drawing)| (name, prepare(dropout, drawing, shape, device)));
    ratios::print(shape, runs.collect(), device);
}
