//! How often a model is right when it is this sure.

use serde::{Deserialize, Serialize};

/// How predictions are put into bins by their confidence.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub enum Binning {
    /// So many bins of equal width: bin `m` of `M` takes the confidences in `((m-1)/M, m/M]`, each
    /// edge with the bin below it, as in Guo et al. and scikit-learn (torchmetrics puts it above).
    EqualWidth(usize),
    /// So many bins of equally many predictions, in the order of their confidence; where the number
    /// does not divide, the first bins take one more. Predictions of equal confidence are told apart
    /// by their order in the tensor, and may end up in two bins.
    EqualMass(usize),
}

/// The predictions of a bin.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub struct ReliabilityBin {
    /// The edge under its confidences; of equal mass, the smallest of them.
    pub lower: f64,
    /// The edge over its confidences; of equal mass, the largest of them.
    pub upper: f64,
    /// The mean of the confidences.
    pub confidence: f64,
    /// The share of the predictions that are right.
    pub accuracy: f64,
    /// The number of predictions.
    pub count: usize,
}

/// Confidence against accuracy, bin by bin: what a reliability diagram is drawn from.
///
/// The confidence of a prediction is the largest of its probabilities, and it is right if the class
/// of that was observed. Bins without a prediction have neither, and are left out.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct ReliabilityTable {
    bins: Vec<ReliabilityBin>,
}

/// A prediction of a class: how sure, and whether it was right.
#[derive(Debug, Clone, Copy)]
pub(super) struct TopClass {
    pub(super) confidence: f64,
    pub(super) is_right: bool,
}

impl ReliabilityTable {
    /// The bins that hold predictions, from the least to the most confident.
    pub fn bins(&self) -> &[ReliabilityBin] {
        &self.bins
    }

    /// The expected calibration error over the `N` predictions,
    ///
    /// ```text
    /// ECE = Σ_m count_m / N |accuracy_m - confidence_m|
    /// ```
    ///
    /// to which an empty bin adds nothing. Over bins of equal mass this is the adaptive ECE. It is
    /// biased upwards where bins hold few predictions, and says nothing of how good the predictions
    /// are: one that always gives the shares of the classes has an error of 0.
    ///
    /// # References
    ///
    /// Chuan Guo, Geoff Pleiss, Yu Sun and Kilian Weinberger, *On Calibration of Modern Neural
    /// Networks*, 2017, arXiv 1706.04599, eq. 3; bins of equal mass as Jishnu Mukhoti et al.,
    /// *Calibrating Deep Neural Networks using Focal Loss*, 2020, arXiv 2002.09437.
    pub fn expected_calibration_error(&self) -> f64 {
        let n: usize = self.bins.iter().map(|bin| bin.count).sum();
        let gap = |bin: &ReliabilityBin| {
            bin.count as f64 / n as f64 * (bin.accuracy - bin.confidence).abs()
        };
        self.bins.iter().map(gap).sum()
    }

    pub(super) fn new(mut predictions: Vec<TopClass>, binning: Binning) -> Self {
        let (Binning::EqualWidth(n_bins) | Binning::EqualMass(n_bins)) = binning;
        assert!(n_bins > 0, "Binning: the number of bins must be positive, got 0");
        predictions.sort_by(|a, b| a.confidence.total_cmp(&b.confidence));
        let mut rest = predictions.as_slice();
        let mut bins = Vec::new();
        for bin in 0..n_bins {
            let [lower, upper] = [bin, bin + 1].map(|edge| edge as f64 / n_bins as f64);
            let count = match binning {
                // Rounding may leave a probability above 1, behind the last edge.
                Binning::EqualWidth(_) if bin + 1 == n_bins => rest.len(),
                Binning::EqualWidth(_) => rest.partition_point(|top| top.confidence <= upper),
                Binning::EqualMass(_) => rest.len().div_ceil(n_bins - bin),
            };
            let (within, above) = rest.split_at(count);
            rest = above;
            let (Some(first), Some(last)) = (within.first(), within.last()) else { continue };
            let edges = match binning {
                Binning::EqualWidth(_) => [lower, upper],
                Binning::EqualMass(_) => [first.confidence, last.confidence],
            };
            bins.push(ReliabilityBin::new(within, edges));
        }
        Self { bins }
    }
}

impl ReliabilityBin {
    fn new(predictions: &[TopClass], [lower, upper]: [f64; 2]) -> Self {
        let count = predictions.len();
        let confidence = predictions.iter().map(|top| top.confidence).sum::<f64>() / count as f64;
        let n_right = predictions.iter().filter(|top| top.is_right).count();
        Self { lower, upper, confidence, accuracy: n_right as f64 / count as f64, count }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn table(predictions: &[(f64, bool)], binning: Binning) -> ReliabilityTable {
        let top = |&(confidence, is_right)| TopClass { confidence, is_right };
        ReliabilityTable::new(predictions.iter().map(top).collect(), binning)
    }

    #[test]
    fn an_edge_belongs_to_the_bin_below_it_and_empty_bins_are_left_out() {
        let predictions = [(0.55, true), (0.5, false), (1.0, true), (1.0 + 1e-7, false)];
        let table = table(&predictions, Binning::EqualWidth(20));
        let counts: Vec<_> = table.bins().iter().map(|b| (b.lower, b.upper, b.count)).collect();
        assert_eq!(counts, [(0.45, 0.5, 1), (0.5, 0.55, 1), (0.95, 1.0, 2)]);
    }

    #[test]
    fn the_error_weighs_each_gap_by_its_share_of_the_predictions() {
        // |0/1 - 0.25| · 1/4 + |2/3 - 0.875| · 3/4.
        let predictions = [(0.25, false), (0.75, true), (0.875, true), (1.0, false)];
        let table = table(&predictions, Binning::EqualWidth(2));
        assert_eq!(table.bins().len(), 2);
        assert!((table.expected_calibration_error() - (0.0625 + 0.15625)).abs() < 1e-15);
    }

    #[test]
    fn bins_of_equal_mass_take_one_more_first_and_none_is_made_of_nothing() {
        let predictions: Vec<_> = (1..=8).map(|k| (f64::from(k) / 10.0, true)).collect();
        let counts = |n_bins| {
            let table = table(&predictions, Binning::EqualMass(n_bins));
            table.bins().iter().map(|bin| bin.count).collect::<Vec<_>>()
        };
        assert_eq!(counts(3), [3, 3, 2]);
        assert_eq!(counts(5), [2, 2, 2, 1, 1]);
        assert_eq!(counts(100), [1; 8]);
        let table = table(&predictions, Binning::EqualMass(4));
        assert_eq!([table.bins()[1].lower, table.bins()[1].upper], [0.3, 0.4]);
    }

    #[test]
    fn a_table_comes_back_as_it_was_saved() {
        let table = table(&[(0.5, false), (0.9, true)], Binning::EqualWidth(10));
        let saved = serde_json::to_string(&table).unwrap();
        assert_eq!(serde_json::from_str::<ReliabilityTable>(&saved).unwrap(), table);
    }

    #[test]
    #[should_panic(expected = "Binning: the number of bins must be positive, got 0")]
    fn no_bin_is_refused() {
        let _ = table(&[(0.5, false)], Binning::EqualMass(0));
    }
}
