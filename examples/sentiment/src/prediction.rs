//! Predictions of pieces: by weight averaging, and by Monte Carlo over the masks.

use std::collections::BTreeMap;
use std::ops::ControlFlow;

use anyhow::{Result, bail};
use burn::tensor::{Device, Tensor};
use burn_variational::dropout::{MaskRng, VariationalModel};
use burn_variational::mc::calibration::ObservedDraws;
use burn_variational::mc::{GaussianMixture, MonteCarlo, MonteCarloError, Samples, Statistic};

use crate::checkpoint::{Judged, LEVELS, TestRow};
use crate::pieces::{Piece, Pieces, Tokens};
use command_line::TokenBar;
use command_line::interrupt;

/// The pieces of a batch, and the rows of a pass: draws of a batch are folded as far as they fit.
const BATCH_ROWS: usize = 256;
pub(crate) const PASS_ROWS: usize = 512;

/// The draws of the rating of each piece, `[n_pieces, 1]`, standardised; by weight averaging there is
/// one.
#[derive(Debug, Clone)]
pub(crate) struct Predictions {
    draws: Vec<Tensor<2>>,
}

/// Predicts by expected masks.
pub(crate) fn weight_averaged<M>(
    model: &M,
    pieces: &Pieces,
    device: &Device,
    name: String,
) -> Result<Predictions>
where
    M: VariationalModel<Input = Tokens, Output = Tensor<2>>,
{
    let bar = TokenBar::new(name, pieces.n_tokens() as u64);
    let mut batches = Vec::new();
    for batch in pieces.batches(BATCH_ROWS, device) {
        interrupt::check()?;
        bar.advance(batch.1.n_steps() as u64);
        batches.push(model.weight_averaged(batch));
    }
    Ok(Predictions { draws: vec![Tensor::cat(batches, 0)] })
}

/// A statistic of so many draws of each piece, each with masks of its own.
pub(crate) fn monte_carlo<M, S>(
    model: &M,
    pieces: &Pieces,
    (n_draws, rng): (usize, MaskRng),
    device: &Device,
    name: String,
    statistic: S,
) -> Result<S::Output>
where
    M: VariationalModel<Input = Tokens, Output = Tensor<2>>,
    S: Statistic<2>,
{
    let bar = TokenBar::new(name, (pieces.n_tokens() * n_draws) as u64);
    let batches = pieces
        .batches(BATCH_ROWS, device)
        .inspect(|batch| bar.advance((batch.1.n_steps() * n_draws) as u64));
    let runner = MonteCarlo::new(n_draws, rng).with_max_rows(PASS_ROWS).with_progress(|_| {
        match interrupt::check() {
            Ok(()) => ControlFlow::Continue(()),
            Err(_) => ControlFlow::Break(()),
        }
    });
    match runner.estimate_batches(model, batches, statistic) {
        Ok(estimate) => Ok(estimate.into_value()),
        Err(MonteCarloError::Cancelled) => bail!(interrupt::Stopped),
        Err(error) => Err(error.into()),
    }
}

/// Predicts by Monte Carlo, and keeps all draws.
pub(crate) fn draws<M>(
    model: &M,
    pieces: &Pieces,
    draws: (usize, MaskRng),
    device: &Device,
    name: String,
) -> Result<Predictions>
where
    M: VariationalModel<Input = Tokens, Output = Tensor<2>>,
{
    let draws = monte_carlo(model, pieces, draws, device, name, Samples::new())?;
    Ok(Predictions { draws })
}

impl Predictions {
    /// The mean of the draws of each piece.
    pub(crate) fn means(&self) -> Vec<f64> {
        self.over_draws(|draws| draws.iter().sum::<f64>() / draws.len() as f64)
    }

    /// Their standard deviation.
    pub(crate) fn deviations(&self) -> Vec<f64> {
        self.over_draws(|draws| {
            let n = draws.len() as f64;
            let mean = draws.iter().sum::<f64>() / n;
            (draws.iter().map(|draw| (draw - mean).powi(2)).sum::<f64>() / n).sqrt()
        })
    }

    fn over_draws(&self, of: impl Fn(&[f64]) -> f64) -> Vec<f64> {
        let draws: Vec<Vec<f64>> =
            self.draws.iter().map(|draw| draw.to_data().iter::<f64>().collect()).collect();
        let n_pieces = draws.first().map_or(0, Vec::len);
        let of_piece = |n: usize| of(&draws.iter().map(|draw| draw[n]).collect::<Vec<_>>());
        (0..n_pieces).map(of_piece).collect()
    }

    /// The root mean squared error of the means, piece by piece.
    pub(crate) fn rmse(&self, pieces: &Pieces) -> f64 {
        let errors = self.means().into_iter().zip(pieces.as_slice());
        rms(errors.map(|(mean, piece)| mean - f64::from(piece.target)))
    }

    /// The same review by review: what is predicted of a review is the mean over its pieces.
    pub(crate) fn rmse_of_reviews(&self, pieces: &Pieces) -> f64 {
        let mut errors: BTreeMap<usize, Vec<f64>> = BTreeMap::new();
        for (mean, piece) in self.means().into_iter().zip(pieces.as_slice()) {
            errors.entry(piece.review).or_default().push(mean - f64::from(piece.target));
        }
        rms(errors.into_values().map(|errors| errors.iter().sum::<f64>() / errors.len() as f64))
    }

    /// The precision of ratings under which those of these pieces are likeliest.
    pub(crate) fn fit_precision(&self, pieces: &Pieces, device: &Device) -> Result<f64> {
        Ok(ObservedDraws::new(&self.draws, &pieces.targets(device))?.fit_precision()?)
    }

    /// Judges the predictions with noise of this precision around each draw, and says what pictures
    /// show of them.
    pub(crate) fn judge(
        &self,
        pieces: &Pieces,
        precision: f64,
        device: &Device,
    ) -> Result<(Scores, Judged)> {
        let observed = ObservedDraws::new(&self.draws, &pieces.targets(device))?;
        let predicted = observed.with_precision(precision);
        let pit = predicted.pit();
        let scores = Scores {
            rmse: self.rmse(pieces) as f32,
            rmse_reviews: self.rmse_of_reviews(pieces) as f32,
            log_likelihood: -predicted.negative_log_likelihood().mean() as f32,
            precision: precision as f32,
            coverage_90: pit.coverage(0.9) as f32,
        };
        let interval = GaussianMixture::new(self.draws.clone(), precision).central_interval(0.9);
        let ends = [interval.lower(), interval.upper()];
        let [low, high] = ends.map(|end| end.into_data().iter::<f32>().collect::<Vec<_>>());
        let (means, deviations) = (self.means(), self.deviations());
        let row = |(n, piece): (usize, &Piece)| TestRow {
            observed: piece.target,
            mean: means[n] as f32,
            epistemic: deviations[n] as f32,
            low: low[n],
            high: high[n],
        };
        let judged = Judged {
            coverage: LEVELS.map(|level| pit.coverage(level) as f32).to_vec(),
            rows: pieces.as_slice().iter().enumerate().map(row).collect(),
        };
        Ok((scores, judged))
    }
}

/// How good predictions of pieces are, in units of standardised ratings.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Scores {
    pub(crate) rmse: f32,
    /// Of whole reviews.
    pub(crate) rmse_reviews: f32,
    /// The mean of `log 1/K Σ_k N(y; ŷ_k, 1/τ)`, in nats.
    pub(crate) log_likelihood: f32,
    /// `τ`.
    pub(crate) precision: f32,
    /// The share of the ratings in their 90 % interval.
    pub(crate) coverage_90: f32,
}

fn rms(errors: impl Iterator<Item = f64>) -> f64 {
    let (n, squares) = errors.fold((0, 0.0), |(n, sum), error| (n + 1, sum + error * error));
    (squares / f64::from(n)).sqrt()
}
