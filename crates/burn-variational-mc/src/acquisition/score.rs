//! What a label is worth.

use burn::tensor::Tensor;
use serde::{Deserialize, Serialize};

use crate::ClassificationPrediction;

/// What makes a row worth a label; the higher its score, the more. With the names of
/// [`ClassificationPrediction`]:
///
/// | acquisition | score | asks for rows |
/// |---|---|---|
/// | `MutualInformation`, BALD | `I = H[p] - 1/K Σ_k H[p_k]` | on which draws are sure and do not agree: what the model could learn |
/// | `PredictiveEntropy` | `H[p]` | that are uncertain, be it for what the model does not know or for noise that no label takes away |
/// | `VariationRatio` | `1 - max_c v_c / K` | on which draws vote for several classes |
/// | `Margin` | `1 - (p_ŷ - max_{c ≠ ŷ} p_c)` | on which two classes compete |
///
/// No score is negative.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Acquisition {
    /// The mutual information of class and model (BALD).
    MutualInformation,
    /// The entropy of the mean probabilities.
    PredictiveEntropy,
    /// The share of draws that do not vote for the class with the most votes.
    VariationRatio,
    /// What the most probable class lacks to being the only one.
    Margin,
}

impl Acquisition {
    /// The score of each place, `[n_rows, ..]`: of sequences, of each step, which
    /// [`sum_over_steps`](crate::sum_over_steps) and [`mean_over_steps`](crate::mean_over_steps) make
    /// one of each row.
    ///
    /// # Panics
    ///
    /// If `R` is not `D - 1`.
    pub fn scores<const D: usize, const R: usize>(
        self,
        prediction: &ClassificationPrediction<D>,
    ) -> Tensor<R> {
        match self {
            Self::MutualInformation => prediction.mutual_information(),
            Self::PredictiveEntropy => prediction.predictive_entropy(),
            Self::VariationRatio => prediction.variation_ratio(),
            Self::Margin => prediction.margin().neg().add_scalar(1.0),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{ClassProbabilities, Statistic};
    use burn::tensor::Device;

    /// Two draws of two rows: on the first the draws are sure and contradict each other, on the
    /// second they agree that nothing is sure.
    fn prediction() -> ClassificationPrediction<2> {
        let mut probabilities = ClassProbabilities::new();
        for draw in [[[0.9_f32, 0.1], [0.5, 0.5]], [[0.1, 0.9], [0.5, 0.5]]] {
            probabilities.push(Tensor::<2>::from_data(draw, &Device::flex()).log());
        }
        probabilities.finish()
    }

    fn scores(acquisition: Acquisition) -> [f32; 2] {
        let scores: Tensor<1> = acquisition.scores(&prediction());
        scores.into_data().iter::<f32>().collect::<Vec<_>>().try_into().unwrap()
    }

    #[test]
    fn noise_has_entropy_and_nothing_to_learn() {
        // Means are equal, so that entropy and margin see no difference.
        for (acquisition, score) in
            [(Acquisition::PredictiveEntropy, 2_f32.ln()), (Acquisition::Margin, 1.0)]
        {
            for row in scores(acquisition) {
                // A rounding of the logarithm.
                assert!((row - score).abs() < 1e-6, "{acquisition:?}: {row}");
            }
        }
        let of_a_draw = -(0.9 * 0.9_f32.ln() + 0.1 * 0.1_f32.ln());
        let [contradictory, noisy] = scores(Acquisition::MutualInformation);
        assert!((contradictory - (2_f32.ln() - of_a_draw)).abs() < 1e-6);
        assert!(noisy.abs() < 1e-6);
        assert_eq!(scores(Acquisition::VariationRatio), [0.5, 0.0]);
    }
}
