//! Perplexity: by weight averaging, and by Monte Carlo over the masks.

use anyhow::Result;
use burn::tensor::activation::log_softmax;
use burn::tensor::{Device, Tensor};
use burn_variational::dropout::MaskRng;
use burn_variational::mc::MonteCarlo;
use burn_variational::rnn::RecurrentCell;
use burn_variational::training::TokenWindows;

use crate::interrupt;
use crate::model::LanguageModel;
use crate::progress::TokenBar;

/// Rows of one Monte Carlo pass; the logits of a pass are `rows · seq_length · n_types` numbers.
const MAX_ROWS: usize = 32;

/// The perplexity of a text in parallel streams, with expected masks.
pub(crate) fn perplexity<C: RecurrentCell>(
    model: &LanguageModel<C>,
    windows: &TokenWindows,
    device: &Device,
    bar: &TokenBar,
) -> Result<f64> {
    let rng = MaskRng::expected();
    let log_probabilities = log_probabilities(model, windows, &rng, 1, true, device, bar)?;
    let sum: f64 = log_probabilities.iter().map(|&value| f64::from(value)).sum();
    Ok((-sum / log_probabilities.len() as f64).exp())
}

/// The perplexity of a text as one stream, its probabilities averaged over draws: each draw is
/// one set of masks for the whole text.
///
/// `drop_types` says whether word types are dropped too; Gal's script leaves them whole.
pub(crate) fn monte_carlo_perplexity<C: RecurrentCell>(
    model: &LanguageModel<C>,
    windows: &TokenWindows,
    (n_draws, rng): (usize, MaskRng),
    drop_types: bool,
    device: &Device,
    bar: &TokenBar,
) -> Result<f64> {
    let n_targets = windows.n_targets();
    let mut interrupted = None;
    let samples = MonteCarlo::new(n_draws, rng).with_max_rows(MAX_ROWS).samples(1, |pass| {
        let dims = [pass.n_draws(), n_targets];
        let values =
            log_probabilities(model, windows, pass.rng(), pass.n_draws(), drop_types, device, bar);
        let values = values.unwrap_or_else(|error| {
            interrupted = Some(error);
            vec![0.0; dims[0] * dims[1]]
        });
        Tensor::<2>::from_data(burn::tensor::TensorData::new(values, dims), device)
    });
    if let Some(error) = interrupted {
        return Err(error);
    }
    let mut draws = Vec::with_capacity(n_draws);
    for sample in samples? {
        draws.push(sample.into_data().try_to_vec::<f32>().expect("log probabilities are f32"));
    }
    let sum: f64 = (0..n_targets).map(|token| log_mean_exp(&draws, token)).sum();
    Ok((-sum / n_targets as f64).exp())
}

/// `log 1/K Σ_k exp(log p_k)` of one token.
fn log_mean_exp(draws: &[Vec<f32>], token: usize) -> f64 {
    let values = || draws.iter().map(|draw| f64::from(draw[token]));
    let largest = values().fold(f64::NEG_INFINITY, f64::max);
    let sum: f64 = values().map(|value| (value - largest).exp()).sum();
    largest + (sum / draws.len() as f64).ln()
}

/// The log probability of every token, stream after stream, each stream read by so many draws.
fn log_probabilities<C: RecurrentCell>(
    model: &LanguageModel<C>,
    windows: &TokenWindows,
    rng: &MaskRng,
    n_draws: usize,
    drop_types: bool,
    device: &Device,
    bar: &TokenBar,
) -> Result<Vec<f32>> {
    let mut state = None;
    let mut steps = Vec::with_capacity(windows.len());
    for window in windows.iter() {
        interrupt::check()?;
        let [batch_size, seq_length] = window.dims();
        let dims = [batch_size * n_draws, seq_length];
        let fold = |tokens: Tensor<2, burn::tensor::Int>| tokens.repeat_dim(0, n_draws);
        let inputs = fold(window.inputs_on(device));
        let targets = fold(window.targets_on(device)).reshape([dims[0] * dims[1], 1]);

        let rng = rng.clone().starting_step(window.first_step() as u64);
        let masks = model.sample_masks(dims, &rng, drop_types, device);
        let (logits, next) = model.forward(inputs, state, &masks);
        state = Some(next);
        steps.push(log_softmax(logits, 1).gather(1, targets).reshape(dims));
        bar.advance((dims[0] * dims[1]) as u64);
    }
    let values = Tensor::cat(steps, 1).into_data();
    Ok(values.try_to_vec().expect("log probabilities are f32"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn probabilities_are_averaged_and_not_their_logarithms() {
        let draws = [vec![0.9_f32.ln()], vec![0.5_f32.ln()]];
        assert!((log_mean_exp(&draws, 0) - 0.7_f64.ln()).abs() < 1e-7);
        let tiny = [vec![-2000.0_f32], vec![-2000.0]];
        assert!((log_mean_exp(&tiny, 0) + 2000.0).abs() < 1e-9);
    }
}
