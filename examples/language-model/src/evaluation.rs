//! Perplexity: by weight averaging, and by Monte Carlo over the masks.

use anyhow::Result;
use burn::tensor::Device;
use burn_variational::mc::{self, MonteCarlo, StreamWindow};
use burn_variational::rnn::RecurrentCell;
use burn_variational::training::TokenWindows;

use crate::interrupt;
use crate::model::LanguageModel;
use crate::progress::TokenBar;

/// The perplexity of a text in parallel streams, with expected masks.
pub(crate) fn perplexity<C: RecurrentCell>(
    model: &LanguageModel<C>,
    windows: &TokenWindows,
    device: &Device,
    bar: &TokenBar,
) -> Result<f64> {
    let windows = on_device(windows, device)
        .take_while(|_| !interrupt::asked())
        .inspect(|window| bar.advance(window.inputs.shape().num_elements() as u64));
    let perplexity = mc::perplexity(model, windows);
    interrupt::check()?;
    Ok(perplexity)
}

/// The perplexity of a text as one stream, its probabilities averaged over draws, for each of
/// these numbers of draws; each draw is one set of masks for the whole text.
pub(crate) fn monte_carlo_perplexity<C: RecurrentCell>(
    model: &LanguageModel<C>,
    windows: &TokenWindows,
    draws: &MonteCarlo,
    n_draws: &[usize],
    device: &Device,
    bar: &TokenBar,
) -> Result<Vec<f64>> {
    draws.perplexity_curve(model, on_device(windows, device), n_draws, |n_tokens| {
        bar.advance(n_tokens as u64);
        Ok(interrupt::check()?)
    })
}

fn on_device<'a>(
    windows: &'a TokenWindows,
    device: &'a Device,
) -> impl Iterator<Item = StreamWindow> + Clone + 'a {
    windows.iter().map(|window| StreamWindow {
        inputs: window.inputs_on(device),
        targets: window.targets_on(device),
    })
}
