//! Calibration: its numbers are those of other libraries, and its intervals cover what they say.

mod classes;
mod conformal;
mod coverage;
mod real_values;

/// Error allowed of numbers that were made in f64 and are nine digits long in the files.
const TOLERANCE: f64 = 1e-6;

fn assert_near(got: f64, expected: f64, what: &str) {
    assert!((got - expected).abs() <= TOLERANCE, "{what}: {got} and not {expected}");
}

fn assert_all_near(got: &[f64], expected: &[f64], what: &str) {
    assert_eq!(got.len(), expected.len(), "{what}: as many values on both sides");
    for (&got, &expected) in got.iter().zip(expected) {
        assert_near(got, expected, what);
    }
}
