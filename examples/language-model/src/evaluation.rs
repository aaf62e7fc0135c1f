//! Perplexity: by weight averaging, and by Monte Carlo over the masks.

use anyhow::Result;
use burn::tensor::{Device, Int, Tensor, TensorData};
use burn_variational::dropout::MaskRng;
use burn_variational::mc::{MonteCarlo, log_mean_exp};
use burn_variational::rnn::RecurrentCell;
use burn_variational::training::TokenWindows;

use crate::interrupt;
use crate::model::LanguageModel;
use crate::progress::TokenBar;

/// Rows of one Monte Carlo pass, whose output layer makes `rows · seq_length · n_types` numbers.
const MAX_ROWS: usize = 32;

/// The perplexity of a text in parallel streams, with expected masks.
pub(crate) fn perplexity<C: RecurrentCell>(
    model: &LanguageModel<C>,
    windows: &TokenWindows,
    device: &Device,
    bar: &TokenBar,
) -> Result<f64> {
    let rng = MaskRng::expected();
    Ok(perplexity_of(log_probabilities(model, windows, &rng, 1, true, device, bar)?.into_data()))
}

/// The perplexity of a text as one stream, its probabilities averaged over draws: each draw is
/// one set of masks for the whole text.
///
/// `drop_types` says whether word types are dropped too; Gal's script leaves them whole.
pub(crate) fn monte_carlo_perplexity<C: RecurrentCell>(
    model: &LanguageModel<C>,
    windows: &TokenWindows,
    draws: MonteCarlo,
    drop_types: bool,
    device: &Device,
    bar: &TokenBar,
) -> Result<f64> {
    let mut interrupted = None;
    let samples = draws.with_max_rows(MAX_ROWS).samples(1, |pass| {
        let values =
            log_probabilities(model, windows, pass.rng(), pass.n_draws(), drop_types, device, bar);
        values.unwrap_or_else(|error| {
            interrupted = Some(error);
            Tensor::zeros([pass.n_draws(), windows.n_targets()], device)
        })
    });
    if let Some(error) = interrupted {
        return Err(error);
    }
    Ok(perplexity_of(log_mean_exp(samples?).into_data()))
}

/// `exp(-mean log p)`.
fn perplexity_of(log_probabilities: TensorData) -> f64 {
    let n_tokens = log_probabilities.num_elements();
    let sum: f64 = log_probabilities.iter::<f64>().sum();
    (-sum / n_tokens as f64).exp()
}

/// The log probability of every token, `[n_draws · n_streams, n_tokens]`: all streams read by the
/// first draw, then all by the second.
fn log_probabilities<C: RecurrentCell>(
    model: &LanguageModel<C>,
    windows: &TokenWindows,
    rng: &MaskRng,
    n_draws: usize,
    drop_types: bool,
    device: &Device,
    bar: &TokenBar,
) -> Result<Tensor<2>> {
    let mut state = None;
    let mut steps = Vec::with_capacity(windows.len());
    for window in windows.iter() {
        interrupt::check()?;
        let [batch_size, seq_length] = window.dims();
        let dims = [batch_size * n_draws, seq_length];
        let fold = |tokens: Tensor<2, Int>| tokens.repeat_dim(0, n_draws);
        let (inputs, targets) = (fold(window.inputs_on(device)), fold(window.targets_on(device)));

        let rng = rng.clone().starting_step(window.first_step() as u64);
        let masks = model.sample_masks(dims, &rng, drop_types, device);
        let (losses, next) = model.forward(inputs, targets, state, &masks);
        state = Some(next);
        steps.push(losses.neg());
        bar.advance((dims[0] * dims[1]) as u64);
    }
    Ok(Tensor::cat(steps, 1))
}
