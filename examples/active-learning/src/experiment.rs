//! Rounds of labelling and training.

use anyhow::Result;
use burn::tensor::{Device, Tensor};
use burn_variational::dropout::MaskRng;
use burn_variational::mc::MonteCarlo;
use burn_variational::mc::acquisition::{Acquisition, Perturbation, Pool, Selection};
use serde::Serialize;

use crate::Readings;
use crate::model::Classifier;

/// How the rows to label are chosen.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Strategy {
    /// At random.
    Random,
    /// The highest scores.
    TopK(Acquisition),
    /// Sampled by a power of the scores.
    Stochastic(Acquisition),
}

/// Sizes of an experiment.
#[derive(Debug, Clone)]
pub struct Experiment {
    /// The rows to choose from.
    pub n_pool: usize,
    /// The rows that are labelled before the first round, at random.
    pub n_first: usize,
    /// The rows that a round labels.
    pub n_per_round: usize,
    /// The rounds.
    pub n_rounds: usize,
    /// The steps of a training.
    pub n_steps: u64,
    /// The draws of the masks that scores are made of.
    pub n_draws: usize,
}

/// The accuracy on the test rows after each round.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct LearningCurve {
    /// How the rows were chosen.
    pub strategy: Strategy,
    /// The seed of data, first rows, weights and masks.
    pub seed: u64,
    /// The number of labelled rows, and the share of test rows that were classified rightly.
    pub points: Vec<(usize, f64)>,
    /// The labelled rows of the pool, in the order in which they were chosen.
    pub labelled: Vec<usize>,
}

impl LearningCurve {
    /// The area under the curve divided by its width: the mean accuracy on the way.
    pub fn area(&self) -> f64 {
        let trapezia = self.points.windows(2).map(|ends| {
            let [(from, below), (to, above)] = ends else { unreachable!("windows of two") };
            (to - from) as f64 * f64::midpoint(*below, *above)
        });
        let width = self.points[self.points.len() - 1].0 - self.points[0].0;
        trapezia.sum::<f64>() / width as f64
    }
}

impl Experiment {
    /// Labels and trains, round after round. Strategies of one seed begin with the same rows.
    ///
    /// # Errors
    ///
    /// If the pool is smaller than all that is to be labelled, or training has diverged.
    pub fn run(&self, strategy: Strategy, seed: u64, device: &Device) -> Result<LearningCurve> {
        let readings = Readings::sampled(self.n_pool, 0.03, "pool", seed, device);
        let test = Readings::sampled(1000, 0.25, "test", seed, device);
        let rng = MaskRng::seeded(seed).scope("acquisition");
        let mut pool = Pool::new(readings.n_rows());
        pool.take_at_random(self.n_first, rng.draw(0))?;
        let mut points = Vec::new();
        for round in 0..=self.n_rounds as u64 {
            let (values, classes) =
                (pool.labelled_of(&readings.values), pool.labelled_of(&readings.classes));
            let model = Classifier::train(&values, &classes, self.n_steps, seed);
            let mc = MonteCarlo::new(self.n_draws, MaskRng::seeded(seed));
            points.push((pool.labelled().len(), accuracy(&model, &test, &mc)?));
            if round == self.n_rounds as u64 {
                break;
            }
            let draw = rng.draw(round + 1);
            let (by, selection) = match strategy {
                Strategy::Random => {
                    pool.take_at_random(self.n_per_round, draw)?;
                    continue;
                }
                Strategy::TopK(by) => (by, Selection::TopK),
                Strategy::Stochastic(by) => {
                    let perturbation = Perturbation::Power;
                    (by, Selection::Stochastic { perturbation, beta: 1.0, draw })
                }
            };
            let prediction = mc.classification(&model, &pool.unlabelled_of(&readings.values))?;
            let scores: Tensor<1> = by.scores(&prediction);
            pool.take(self.n_per_round, &scores, &selection)?;
        }
        Ok(LearningCurve { strategy, seed, points, labelled: pool.labelled().to_vec() })
    }
}

fn accuracy(model: &Classifier, test: &Readings, mc: &MonteCarlo) -> Result<f64> {
    let predicted = mc.classification(model, &test.values)?.predicted_class();
    let right = predicted.equal(test.classes.clone()).float().mean();
    Ok(right.into_scalar::<f64>())
}
