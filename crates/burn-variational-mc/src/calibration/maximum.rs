//! The maximum of a likelihood in one positive parameter.

use std::f64::consts::LN_2;

/// How many doublings of the parameter are tried: a factor of 2⁶⁴ either way.
const MAX_DOUBLINGS: usize = 64;

/// Newton doubles the digits that are right in each step, and halving takes 53 steps at most.
const MAX_STEPS: usize = 100;

/// Steps in the logarithm of a parameter below which it stands still.
const RESOLUTION: f64 = 1e-13;

/// The log of the positive parameter that maximises a likelihood, next to `start` uphill; where
/// there is none, the limit to which the likelihood grows: 0 or infinity.
///
/// `derivatives` are the first and the second of the log-likelihood in the logarithm of the
/// parameter. The maximum is first put between two values a factor of two apart, then found by
/// Newton's method, which is kept between them by halving: the same steps for the same data, always.
pub(super) fn log_of_maximum(
    start: f64,
    derivatives: impl Fn(f64) -> [f64; 2],
) -> Result<f64, f64> {
    let [uphill, limit] =
        if derivatives(start)[0] > 0.0 { [1.0, f64::INFINITY] } else { [-1.0, 0.0] };
    let mut near = start;
    for _ in 0..MAX_DOUBLINGS {
        let far = near + uphill * LN_2;
        let [slope, curvature] = derivatives(far);
        if slope == 0.0 && curvature == 0.0 {
            // Nothing is left of the terms: a likelihood that levels off, and no maximum.
            return Err(limit);
        }
        if slope * uphill <= 0.0 {
            return Ok(newton(near.min(far), near.max(far), derivatives));
        }
        near = far;
    }
    Err(limit)
}

/// The root of the slope between `low`, where it is not negative, and `high`, where not positive.
fn newton(mut low: f64, mut high: f64, derivatives: impl Fn(f64) -> [f64; 2]) -> f64 {
    let mut x = f64::midpoint(low, high);
    let mut steps = [high - low; 2];
    for _ in 0..MAX_STEPS {
        let [slope, curvature] = derivatives(x);
        if slope > 0.0 {
            low = x;
        } else {
            high = x;
        }
        let newton = x - slope / curvature;
        // A step that is no half of the one before the last would be slower than halving.
        let is_fast = 2.0 * (newton - x).abs() <= steps[0];
        let next = if is_fast && low <= newton && newton <= high {
            newton
        } else {
            f64::midpoint(low, high)
        };
        let step = (next - x).abs();
        steps = [steps[1], step];
        x = next;
        if step <= RESOLUTION * x.abs().max(1.0) {
            break;
        }
    }
    x
}

#[cfg(test)]
mod tests {
    use super::*;

    /// `log x - x / a`, whose maximum is at `a`, in `η = log x`.
    fn derivatives(a: f64) -> impl Fn(f64) -> [f64; 2] {
        move |eta: f64| [1.0 - eta.exp() / a, -eta.exp() / a]
    }

    #[test]
    fn the_maximum_is_found_from_either_side_and_from_far() {
        for a in [1e-6, 0.3, 1.0, 7.0, 1e9] {
            let found = log_of_maximum(0.0, derivatives(a)).unwrap();
            // A few roundings of log a.
            assert!((found - a.ln()).abs() < 1e-12 * a.ln().abs().max(1.0), "{a}: {found}");
        }
    }

    #[test]
    fn a_likelihood_that_only_grows_has_a_limit_and_no_maximum() {
        assert_eq!(log_of_maximum(0.0, |_| [0.5, 0.0]), Err(f64::INFINITY));
        assert_eq!(log_of_maximum(0.0, |_| [-0.5, 0.0]), Err(0.0));
        let levels_off = |eta: f64| [(-eta.exp()).exp(), -eta.exp() * (-eta.exp()).exp()];
        assert_eq!(log_of_maximum(0.0, levels_off), Err(f64::INFINITY));
    }

    #[test]
    fn steps_that_would_leave_the_bracket_are_halved() {
        // Where the slope, a tanh, levels off, a step of Newton's leads far past the root.
        let found = log_of_maximum(1.9, |eta: f64| {
            [-(10.0 * (eta - 0.3)).tanh(), -10.0 / (10.0 * (eta - 0.3)).cosh().powi(2)]
        });
        assert!((found.unwrap() - 0.3).abs() < 1e-12);
    }
}
