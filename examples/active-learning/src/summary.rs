//! Means over seeds, and how sure they are.

use serde::Serialize;

use crate::LearningCurve;

/// A mean and its 95 % interval, by Student's t.
#[derive(Debug, Clone, Copy, PartialEq, Serialize)]
pub struct MeanInterval {
    /// The mean.
    pub mean: f64,
    /// Half the width of the interval.
    pub radius: f64,
}

impl MeanInterval {
    /// Of independent values.
    ///
    /// # Panics
    ///
    /// If there are fewer than two.
    pub fn of(values: &[f64]) -> Self {
        assert!(values.len() > 1, "MeanInterval: two values are needed, got {}", values.len());
        let n = values.len() as f64;
        let mean = values.iter().sum::<f64>() / n;
        let variance = values.iter().map(|value| (value - mean).powi(2)).sum::<f64>() / (n - 1.0);
        Self { mean, radius: t_quantile(values.len() - 1) * (variance / n).sqrt() }
    }

    /// The lower end.
    pub fn lower(&self) -> f64 {
        self.mean - self.radius
    }

    /// The upper end.
    pub fn upper(&self) -> f64 {
        self.mean + self.radius
    }
}

/// A strategy against another on the same seeds.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Comparison {
    /// The area under the curve.
    pub area: MeanInterval,
    /// What it has more than the other, seed by seed.
    pub gain: MeanInterval,
}

impl Comparison {
    /// Of curves of the same seeds in the same order.
    ///
    /// # Panics
    ///
    /// If the seeds differ, or there are fewer than two.
    pub fn new(curves: &[LearningCurve], others: &[LearningCurve]) -> Self {
        let seeds =
            |curves: &[LearningCurve]| curves.iter().map(|curve| curve.seed).collect::<Vec<_>>();
        assert_eq!(seeds(curves), seeds(others), "Comparison: the seeds must be the same");
        let areas: Vec<f64> = curves.iter().map(LearningCurve::area).collect();
        let gains: Vec<f64> =
            areas.iter().zip(others).map(|(area, other)| area - other.area()).collect();
        Self { area: MeanInterval::of(&areas), gain: MeanInterval::of(&gains) }
    }
}

/// The 0.975 quantile of Student's t with so many degrees of freedom, from Hill's expansion about the
/// normal quantile; the first two exactly.
fn t_quantile(degrees: usize) -> f64 {
    match degrees {
        1 => 12.706_204_736,
        2 => 4.302_652_730,
        _ => {
            let (z, n) = (1.959_963_984_540_054_f64, degrees as f64);
            let [z3, z5, z7, z9] = [3, 5, 7, 9].map(|power| z.powi(power));
            z + (z3 + z) / (4.0 * n)
                + (5.0 * z5 + 16.0 * z3 + 3.0 * z) / (96.0 * n.powi(2))
                + (3.0 * z7 + 19.0 * z5 + 17.0 * z3 - 15.0 * z) / (384.0 * n.powi(3))
                + (79.0 * z9 + 776.0 * z7 + 1482.0 * z5 - 1920.0 * z3 - 945.0 * z)
                    / (92160.0 * n.powi(4))
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn quantiles_of_students_t_are_those_of_tables() {
        for (degrees, quantile) in
            [(1, 12.706), (2, 4.3027), (3, 3.1824), (4, 2.7764), (9, 2.2622), (30, 2.0423)]
        {
            let got = t_quantile(degrees);
            // What the expansion leaves out at three degrees of freedom.
            assert!((got - quantile).abs() < 4e-3, "{got} for {degrees}");
        }
    }

    #[test]
    fn a_mean_has_the_interval_of_its_standard_error() {
        // Deviations ±1 of four values: s² = 4/3.
        let interval = MeanInterval::of(&[1.0, 3.0, 1.0, 3.0]);
        assert_eq!(interval.mean, 2.0);
        assert!((interval.radius - t_quantile(3) * (1.0_f64 / 3.0).sqrt()).abs() < 1e-12);
    }
}
