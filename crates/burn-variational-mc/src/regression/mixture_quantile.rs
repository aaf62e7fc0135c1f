//! Quantiles of a mixture of Gaussians of one value, on the host in double precision.

use std::f64::consts::TAU;

use crate::normal::normal_cdf;

/// `1/K Σ_k N(m_k, s_k²)`.
pub(super) struct Mixture {
    means: Vec<f64>,
    deviations: Vec<f64>,
}

impl Mixture {
    pub(super) fn new(means: Vec<f64>, deviations: Vec<f64>) -> Self {
        Self { means, deviations }
    }

    /// `y` with `F(y) = p`, for `p` in `(0, 1)`, to a millionth of a millionth of a deviation; no
    /// number where a mean or a deviation is none, or a deviation is 0.
    ///
    /// It lies between the smallest and the largest of the quantiles of the Gaussians. From their
    /// middle, steps are Newton's where these stay within the bounds and shrink, and else halve
    /// what lies between the bounds.
    pub(super) fn quantile(&self, p: f64) -> f64 {
        let z = normal_quantile(p);
        let (mut lower, mut upper) = (f64::INFINITY, f64::NEG_INFINITY);
        for (mean, deviation) in self.means.iter().zip(&self.deviations) {
            let y = mean + z * deviation;
            if !(y.is_finite() && *deviation > 0.0) {
                return f64::NAN;
            }
            (lower, upper) = (lower.min(y), upper.max(y));
        }
        let close = 1e-12 * self.deviations.iter().copied().fold(f64::INFINITY, f64::min);
        let mut y = 0.5 * (lower + upper);
        let mut last_step = upper - lower;
        while last_step.abs() > close {
            let excess = self.cdf(y) - p;
            if excess == 0.0 {
                return y;
            }
            if excess < 0.0 {
                lower = y;
            } else {
                upper = y;
            }
            let newton = -excess / self.density(y);
            let shrinks = newton.abs() < 0.5 * last_step.abs();
            let next = if shrinks && (lower..=upper).contains(&(y + newton)) {
                y + newton
            } else {
                0.5 * (lower + upper)
            };
            last_step = next - y;
            y = next;
        }
        y
    }

    /// `F(y) = 1/K Σ_k Φ((y - m_k) / s_k)`.
    fn cdf(&self, y: f64) -> f64 {
        self.mean_of(|mean, deviation| normal_cdf((y - mean) / deviation))
    }

    /// `F'(y)`.
    fn density(&self, y: f64) -> f64 {
        self.mean_of(|mean, deviation| {
            let z = (y - mean) / deviation;
            (-0.5 * z * z).exp() / (deviation * TAU.sqrt())
        })
    }

    fn mean_of(&self, value: impl Fn(f64, f64) -> f64) -> f64 {
        let values = self.means.iter().zip(&self.deviations).map(|(m, s)| value(*m, *s));
        values.sum::<f64>() / self.means.len() as f64
    }
}

/// `z` with `Φ(z) = p`, by halving what lies between where `Φ` is 0 and where it is 1.
fn normal_quantile(p: f64) -> f64 {
    let (mut lower, mut upper) = (-40.0, 40.0);
    loop {
        let z = 0.5 * (lower + upper);
        if z <= lower || z >= upper {
            return z;
        }
        if normal_cdf(z) < p {
            lower = z;
        } else {
            upper = z;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_quantile_of_one_gaussian_is_that_of_tables() {
        let gaussian = Mixture::new(vec![3.0], vec![2.0]);
        for (p, z) in [(0.5, 0.0), (0.975, 1.959_963_984_540_054), (1e-10, -6.361_340_902_404_056)]
        {
            let quantile = gaussian.quantile(p);
            assert!((quantile - (3.0 + 2.0 * z)).abs() < 1e-9, "{quantile} at {p}");
        }
    }

    #[test]
    fn a_quantile_is_found_where_the_density_is_next_to_nothing() {
        // Of two far apart, half lies below the middle.
        let apart = Mixture::new(vec![-1e3, 1e3], vec![1e-3, 1e-3]);
        assert_eq!(apart.quantile(0.5), 0.0);
        assert!((apart.quantile(0.25) + 1e3).abs() < 1e-9);
        assert!((apart.quantile(0.75) - 1e3).abs() < 1e-9);
        let uneven = Mixture::new(vec![0.0, 1e6, 5.0], vec![1e-6, 1e4, 1.0]);
        for p in [1e-12, 0.01, 1.0 / 3.0 + 1e-9, 0.5, 0.7, 0.999_999] {
            let error = uneven.cdf(uneven.quantile(p)) - p;
            assert!(error.abs() < 1e-9, "{error:e} at {p}");
        }
    }

    #[test]
    fn equal_means_far_from_zero_have_a_quantile() {
        let equal = Mixture::new(vec![1e12; 3], vec![1e-9; 3]);
        assert_eq!(equal.quantile(0.9), 1e12);
    }

    #[test]
    fn of_what_is_no_number_there_is_no_quantile() {
        assert!(Mixture::new(vec![0.0, f64::NAN], vec![1.0, 1.0]).quantile(0.5).is_nan());
        for deviation in [f64::INFINITY, 0.0] {
            assert!(Mixture::new(vec![0.0, 1.0], vec![1.0, deviation]).quantile(0.9).is_nan());
        }
    }
}
