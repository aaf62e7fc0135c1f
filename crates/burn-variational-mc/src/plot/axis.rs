//! The range of an axis and its labelled ticks.

/// Share of the range left free at either end.
const MARGIN: f64 = 0.04;
/// Ranges narrower than this share of their values are widened: their ticks would all read alike.
const NARROWEST: f64 = 1e-9;
const MAX_TICKS: f64 = 8.0;

/// A value of the axis that is labelled and carries a grid line.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Tick {
    pub(super) value: f64,
    pub(super) label: String,
}

/// A linear or logarithmic axis that holds every value it was made from.
#[derive(Debug, Clone)]
pub(super) struct Axis {
    /// Bounds; their decimal logarithms if the axis is logarithmic.
    low: f64,
    high: f64,
    log: bool,
    pub(super) ticks: Vec<Tick>,
}

impl Axis {
    /// Axis around finite values.
    pub(super) fn linear(values: impl Iterator<Item = f64>) -> Self {
        let (low, high) = bounds(values, f64::abs);
        let ticks = linear_ticks(low, high);
        Self { low, high, log: false, ticks }
    }

    /// Axis around finite values, all of them positive.
    pub(super) fn log(values: impl Iterator<Item = f64>) -> Self {
        let (low, high) = bounds(values.map(f64::log10), |_| f64::log10(2.0));
        let mut ticks = log_ticks(low, high);
        if ticks.len() < 3 {
            // Less than about one decade: round values evenly spread say more than powers of ten.
            ticks = linear_ticks(10f64.powf(low), 10f64.powf(high));
        }
        Self { low, high, log: true, ticks }
    }

    /// Where a value lies: 0 at the start of the axis, 1 at its end.
    pub(super) fn fraction(&self, value: f64) -> f64 {
        let position = if self.log { value.log10() } else { value };
        (position - self.low) / (self.high - self.low)
    }
}

/// Least and greatest value with a margin; `room` gives the margin of a single value.
fn bounds(values: impl Iterator<Item = f64>, room: impl Fn(f64) -> f64) -> (f64, f64) {
    let (low, high) = values.fold((f64::INFINITY, f64::NEG_INFINITY), |(low, high), value| {
        (low.min(value), high.max(value))
    });
    let margin = if high - low > NARROWEST * low.abs().max(high.abs()) {
        MARGIN * (high - low)
    } else {
        Some(room(low)).filter(|&room| room > 0.0).unwrap_or(1.0)
    };
    (low - margin, high + margin)
}

fn linear_ticks(low: f64, high: f64) -> Vec<Tick> {
    let least_step = (high - low) / MAX_TICKS;
    let magnitude = 10f64.powf(least_step.log10().floor());
    let step = [1.0, 2.0, 5.0, 10.0]
        .map(|factor| factor * magnitude)
        .into_iter()
        .find(|&step| step >= least_step)
        .unwrap_or(10.0 * magnitude);
    let size = low.abs().max(high.abs());
    let mut ticks = Vec::new();
    let mut multiple = (low / step).ceil();
    while multiple * step <= high {
        // Adding 0 turns a negative zero, which would be labelled "-0", into zero.
        let value = multiple * step + 0.0;
        ticks.push(Tick { value, label: label(value, step, size) });
        multiple += 1.0;
    }
    ticks
}

/// Ticks at 1, 2 and 5 times the powers of ten, or at the powers alone if that would be too many.
fn log_ticks(low: f64, high: f64) -> Vec<Tick> {
    let factors: &[f64] =
        if (high - low) * 3.0 > MAX_TICKS + 1.0 { &[1.0] } else { &[1.0, 2.0, 5.0] };
    let stride = ((high - low) / MAX_TICKS).ceil().max(1.0);
    let mut ticks = Vec::new();
    let mut exponent = low.floor();
    while exponent <= high {
        let power = 10f64.powf(exponent);
        for value in factors.iter().map(|factor| factor * power) {
            if (low..=high).contains(&value.log10()) {
                ticks.push(Tick { value, label: label(value, power, value) });
            }
        }
        exponent += stride;
    }
    ticks
}

/// Writes a multiple of `step`; `size` is the largest value of the axis.
fn label(value: f64, step: f64, size: f64) -> String {
    // The small constant keeps the logarithm of 0.001 from falling under -3.
    let step_exponent = (step.log10() + 1e-9).floor();
    let size_exponent = size.log10().floor();
    if value != 0.0 && (size_exponent >= 6.0 || step_exponent <= -6.0) {
        let digits = digits(value.abs().log10().floor() - step_exponent);
        format!("{value:.digits$e}")
    } else {
        let digits = digits(-step_exponent);
        format!("{value:.digits$}")
    }
}

/// A number of digits after the point; the few that a tick can need.
#[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "clamped to [0, 15]")]
fn digits(count: f64) -> usize {
    count.clamp(0.0, 15.0) as usize
}

#[cfg(test)]
mod tests {
    use super::*;

    fn labels(axis: &Axis) -> Vec<&str> {
        axis.ticks.iter().map(|tick| tick.label.as_str()).collect()
    }

    #[test]
    fn linear_ticks_are_round_numbers() {
        let axis = Axis::linear([-0.31, 0.52].into_iter());
        assert_eq!(labels(&axis), ["-0.2", "0.0", "0.2", "0.4"]);
        let axis = Axis::linear([0.0, 3e7].into_iter());
        assert_eq!(labels(&axis)[1..3], ["5e6", "1.0e7"]);
    }

    #[test]
    fn log_ticks_follow_the_number_of_decades() {
        let axis = Axis::log([20.0, 900.0].into_iter());
        assert_eq!(labels(&axis), ["20", "50", "100", "200", "500", "1000"]);
        let axis = Axis::log([1e-3, 1e3].into_iter());
        assert_eq!(labels(&axis), ["0.001", "0.01", "0.1", "1", "10", "100", "1000"]);
        let axis = Axis::log([81.0, 99.0].into_iter());
        assert_eq!(labels(&axis), ["85", "90", "95"]);
    }

    #[test]
    fn equal_values_lie_in_the_middle() {
        for value in [0.0, -7.0, 1e12] {
            let axis = Axis::linear([value, value].into_iter());
            assert!((axis.fraction(value) - 0.5).abs() < 1e-6);
            assert!(axis.ticks.len() > 2);
        }
    }
}
