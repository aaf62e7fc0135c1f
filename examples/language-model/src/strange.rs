//! Whether the model is less sure of text that is not like that of training.

use anyhow::Result;
use burn::tensor::{Int, Tensor, TensorData};
use burn_variational::dropout::MaskRng;
use burn_variational::mc::MonteCarlo;
use burn_variational::mc::calibration::auroc;
use burn_variational::rnn::RecurrentCell;
use rand::seq::SliceRandom;
use rand::{RngExt, SeedableRng};
use rand_chacha::ChaCha8Rng;
use serde::{Deserialize, Serialize};

use crate::checkpoint::Exact;
use crate::method::Method;
use crate::model::LanguageModel;
use crate::training::Trainer;
use command_line::TokenBar;
use command_line::interrupt;

/// Windows of each kind of text.
const N_WINDOWS: usize = 100;
/// Windows that are predicted together: each step of each has a probability for every word type.
const BATCH_SIZE: usize = 10;
const MOST_DRAWS: usize = 20;

/// How well an uncertainty tells windows of the test text from others: the area under the receiver
/// operating characteristic.
#[derive(Debug, Clone, Copy, Serialize, Deserialize)]
pub(crate) struct Strangeness {
    /// From the same windows, their words shuffled.
    pub(crate) shuffled: ByMeasure,
    /// From words that are drawn from all word types, each as probable as any other.
    pub(crate) foreign: ByMeasure,
}

/// By the mean of an uncertainty over the steps of a window.
#[derive(Debug, Clone, Copy, Serialize, Deserialize)]
pub(crate) struct ByMeasure {
    /// By what the model does not know (BALD).
    pub(crate) mutual_information: Exact,
    /// By all that is uncertain.
    pub(crate) predictive_entropy: Exact,
}

/// The uncertainty of each window.
struct Uncertainty {
    mutual_information: Tensor<1>,
    predictive_entropy: Tensor<1>,
}

impl Trainer<'_> {
    /// How well the uncertainty of a trained model tells strange text; nothing if the test text has no
    /// whole window.
    pub(crate) fn strangeness<C: RecurrentCell>(
        &self,
        method: Method,
        model: &LanguageModel<C>,
    ) -> Result<Option<Strangeness>> {
        let familiar = self.test_windows();
        if familiar.is_empty() {
            return Ok(None);
        }
        let mut rng = ChaCha8Rng::seed_from_u64(self.run.seed);
        let mut shuffled = familiar.clone();
        for window in &mut shuffled {
            window.shuffle(&mut rng);
        }
        let mut foreign = familiar.clone();
        let n_types = i64::try_from(self.texts.n_types)?;
        for word in foreign.iter_mut().flatten() {
            *word = rng.random_range(0..n_types);
        }
        let n_tokens = 3 * familiar.iter().map(Vec::len).sum::<usize>();
        let bar = TokenBar::new(format!("{method} strange text"), n_tokens as u64);
        let uncertainty = |windows: &[Vec<i64>]| self.uncertainty(model, windows, &bar);
        let familiar = uncertainty(&familiar)?;
        let told = |strange: Uncertainty| -> Result<ByMeasure> {
            let auroc = |low: &Tensor<1>, high: &Tensor<1>| auroc(low, high).map(Exact);
            Ok(ByMeasure {
                mutual_information: auroc(
                    &familiar.mutual_information,
                    &strange.mutual_information,
                )?,
                predictive_entropy: auroc(
                    &familiar.predictive_entropy,
                    &strange.predictive_entropy,
                )?,
            })
        };
        let [shuffled, foreign] = [uncertainty(&shuffled)?, uncertainty(&foreign)?];
        Ok(Some(Strangeness { shuffled: told(shuffled)?, foreign: told(foreign)? }))
    }

    /// Whole windows of the test text, from all over it.
    fn test_windows(&self) -> Vec<Vec<i64>> {
        let seq_length = self.run.preset().seq_length;
        let windows = self.texts.test.iter().map(|window| window.inputs().to_vec());
        let windows: Vec<_> = windows.filter(|window| window.len() == seq_length).collect();
        let stride = (windows.len() / N_WINDOWS).max(1);
        windows.into_iter().step_by(stride).take(N_WINDOWS).collect()
    }

    fn uncertainty<C: RecurrentCell>(
        &self,
        model: &LanguageModel<C>,
        windows: &[Vec<i64>],
        bar: &TokenBar,
    ) -> Result<Uncertainty> {
        let n_draws = self.run.mc_samples.min(MOST_DRAWS);
        let (mut information, mut entropy) = (Vec::new(), Vec::new());
        for (batch, rows) in windows.chunks(BATCH_SIZE).enumerate() {
            interrupt::check()?;
            let shape = [rows.len(), rows[0].len()];
            let tokens = TensorData::new(rows.concat(), shape);
            let tokens = Tensor::<2, Int>::from_data(tokens, &self.device);
            let mc = MonteCarlo::new(n_draws, MaskRng::seeded(self.run.seed));
            let mc = mc.with_first_row((batch * BATCH_SIZE) as u64);
            let prediction = mc.classification(model, &tokens)?;
            let of_window = |steps: Tensor<2>| steps.mean_dim(1).squeeze_dim::<1>(1);
            information.push(of_window(prediction.mutual_information()));
            entropy.push(of_window(prediction.predictive_entropy()));
            bar.advance((shape[0] * shape[1]) as u64);
        }
        Ok(Uncertainty {
            mutual_information: Tensor::cat(information, 0),
            predictive_entropy: Tensor::cat(entropy, 0),
        })
    }
}
