//! The shares of new observations that intervals of several levels cover.

use anyhow::Result;
use burn::prelude::*;
use burn_variational::mc::calibration::{ObservedDraws, PitValues, SplitConformal};
use burn_variational::prelude::*;
use rand::SeedableRng;
use rand::seq::SliceRandom;
use rand_chacha::ChaCha8Rng;

use crate::{Regression, Rows};

/// The predictions of rows by draws of the masks, and what was observed there.
#[derive(Debug)]
struct Predicted {
    draws: Vec<Tensor<2>>,
    mean: Tensor<2>,
    observed: Tensor<2>,
}

impl Predicted {
    fn new(model: &Regression, rows: &Rows, mc: &MonteCarlo) -> Result<Self> {
        let draws = mc.samples(model, &rows.inputs)?.into_value();
        let mean = Tensor::stack::<3>(draws.clone(), 0).mean_dim(0).squeeze_dim(0);
        Ok(Self { draws, mean, observed: rows.observed.clone() })
    }

    fn and_noise(&self, precision: f64) -> Result<PitValues> {
        Ok(ObservedDraws::new(&self.draws, &self.observed)?.with_precision(precision).pit())
    }

    /// The noise around the mean of the draws, as if that were the sine.
    fn noise_alone(&self, precision: f64) -> Result<PitValues> {
        let mean = std::slice::from_ref(&self.mean);
        Ok(ObservedDraws::new(mean, &self.observed)?.with_precision(precision).pit())
    }
}

/// How often intervals cover what is observed.
#[derive(Debug)]
pub struct Coverage {
    /// The precision of the noise, fitted on the validation rows.
    pub precision: f64,
    total: PitValues,
    noise_alone: PitValues,
    calibration: Predicted,
    test: Predicted,
    seed: u64,
}

/// The share of new observations within the intervals of a level.
#[derive(Debug, Clone, PartialEq)]
pub struct ShareCovered {
    /// What the intervals promise.
    pub level: f64,
    /// Of those between quantiles of `1/K Σ_k N(ŷ_k, 1/τ)`.
    pub total: f64,
    /// Of those that leave out the epistemic part, between quantiles of `N(1/K Σ_k ŷ_k, 1/τ)`.
    pub noise_alone: f64,
    /// Of conformal ones around the mean, for each way to split the rows.
    pub conformal: Vec<f64>,
}

impl ShareCovered {
    /// The mean over the splits.
    pub fn mean_conformal(&self) -> f64 {
        self.conformal.iter().sum::<f64>() / self.conformal.len() as f64
    }
}

impl Coverage {
    /// Of a trained model: `τ` is fitted on the validation rows, and intervals are judged on the test
    /// rows. The calibration rows are for conformal intervals alone.
    ///
    /// # Errors
    ///
    /// If a prediction is not finite.
    pub fn measure(
        model: &Regression,
        [validation, calibration, test]: [&Rows; 3],
        mc: &MonteCarlo,
        seed: u64,
    ) -> Result<Self> {
        let validation = Predicted::new(model, validation, mc)?;
        let precision =
            ObservedDraws::new(&validation.draws, &validation.observed)?.fit_precision()?;
        let [calibration, test] =
            [Predicted::new(model, calibration, mc)?, Predicted::new(model, test, mc)?];
        let (total, noise_alone) = (test.and_noise(precision)?, test.noise_alone(precision)?);
        Ok(Self { precision, total, noise_alone, calibration, test, seed })
    }

    /// The root mean square error of the mean on the test rows.
    pub fn rmse(&self) -> f64 {
        let error = self.test.mean.clone() - self.test.observed.clone();
        error.square().mean().into_scalar::<f64>().sqrt()
    }

    /// The shares at a level, conformal ones for so many ways to split calibration and test rows.
    ///
    /// # Errors
    ///
    /// If there are too few calibration rows for the level.
    pub fn at(&self, level: f64, n_splits: usize) -> Result<ShareCovered> {
        Ok(ShareCovered {
            level,
            total: self.total.coverage(level),
            noise_alone: self.noise_alone.coverage(level),
            conformal: (0..n_splits).map(|k| self.conformal(level, k)).collect::<Result<_>>()?,
        })
    }

    /// The share within conformal intervals. The first split is that into calibration and test rows
    /// as they came; in the others they are shuffled, which changes nothing for either.
    fn conformal(&self, level: f64, split: usize) -> Result<f64> {
        let both = |of: fn(&Predicted) -> &Tensor<2>| {
            Tensor::cat(vec![of(&self.calibration).clone(), of(&self.test).clone()], 0)
        };
        let (mean, observed) = (both(|rows| &rows.mean), both(|rows| &rows.observed));
        let mut rows: Vec<u64> = (0..mean.dims()[0] as u64).collect();
        if split > 0 {
            let mut rng = ChaCha8Rng::seed_from_u64(self.seed);
            rng.set_stream(split as u64);
            rows.shuffle(&mut rng);
        }
        let (calibration, test) = rows.split_at(self.calibration.mean.dims()[0]);
        let of = |rows: &[u64]| {
            let rows = Tensor::<1, Int>::from_data(rows, &mean.device());
            [&mean, &observed].map(|tensor| tensor.clone().select(0, rows.clone()))
        };
        let ([predicted, seen], [mean, observed]) = (of(calibration), of(test));
        let conformal = SplitConformal::fit(&predicted, &seen, level)?;
        Ok(conformal.interval(mean).coverage(&observed)?)
    }
}
