//! The normal distribution.

use std::f64::consts::SQRT_2;

/// `Φ(z)`, by erfc: its digits are right in both tails.
pub(crate) fn normal_cdf(z: f64) -> f64 {
    0.5 * libm::erfc(-z / SQRT_2)
}
