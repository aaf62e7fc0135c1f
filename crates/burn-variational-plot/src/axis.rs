//! The range of an axis, on a linear or a logarithmic scale.

use std::ops::Range;

use plotters::coord::ranged1d::{KeyPointHint, NoDefaultFormatting, Ranged, ValueFormatter};
use plotters::coord::types::RangedCoordf64;
use plotters::data::float::FloatPrettyPrinter;

/// Share of the range left free at either end.
const MARGIN: f64 = 0.04;
/// Ranges narrower than this share of their values are widened: their ticks would all read alike.
const NARROWEST: f64 = 1e-9;
/// Ticks that fit on an axis.
pub(crate) const MAX_TICKS: usize = 8;

/// An axis around values. It is plotters' linear one, over the decimal logarithms if `log`:
/// plotters' logarithmic one has no tick under the first power of ten, and so none from 20 to 90.
#[derive(Clone)]
pub(crate) struct Axis {
    scale: RangedCoordf64,
    log: bool,
}

impl Axis {
    /// An axis around those values that are finite, all of them positive if it is logarithmic.
    pub(crate) fn around(values: impl Iterator<Item = f64>, log: bool) -> Self {
        let finite = values.filter(|value| value.is_finite());
        let scaled = finite.map(|value| if log { value.log10() } else { value });
        let (low, high) = extent(scaled);
        let (width, size) = (high - low, low.abs().max(high.abs()));
        let margin = if width > NARROWEST * size {
            MARGIN * width
        } else if log {
            // One value stands in the middle: of a factor of four here, ...
            2f64.log10()
        } else {
            // ... and of twice its size, or of 2, here.
            Some(size).filter(|&size| size > 0.0).unwrap_or(1.0)
        };
        Self { scale: (low - margin..high + margin).into(), log }
    }

    /// The values at 1, 2 and 5 times the powers of ten; at every or every nth power if they are
    /// many, and evenly spread if they are few.
    fn log_ticks(&self) -> Vec<f64> {
        let Range { start, end } = self.scale.range();
        let factors: &[f64] = if end - start > 3.0 { &[1.0] } else { &[1.0, 2.0, 5.0] };
        let stride = ((end - start) / MAX_TICKS as f64).ceil() as usize;
        let powers = (start.floor() as i32..=end as i32).step_by(stride);
        let ticks = powers.flat_map(|power| factors.iter().map(move |f| f * 10f64.powi(power)));
        let ticks: Vec<_> = ticks.filter(|tick| self.range().contains(tick)).collect();
        let spread = || RangedCoordf64::from(self.range()).key_points(MAX_TICKS);
        if ticks.len() < 3 { spread() } else { ticks }
    }
}

/// Whether an axis can have a value: its width, up to four times as much, and its margins are finite.
pub(crate) fn is_drawable(value: f64) -> bool {
    value.abs() < f64::MAX / 16.0
}

/// The least and the greatest of values; an infinite one above its opposite if there is none.
pub(crate) fn extent(values: impl Iterator<Item = f64>) -> (f64, f64) {
    values.fold((f64::INFINITY, f64::NEG_INFINITY), |(low, high), v| (low.min(v), high.max(v)))
}

impl Ranged for Axis {
    type FormatOption = NoDefaultFormatting;
    type ValueType = f64;

    /// Infinity is at the end of the axis, and its opposite at the start.
    fn map(&self, value: &f64, limit: (i32, i32)) -> i32 {
        let log = self.log && value.is_finite();
        self.scale.map(&if log { value.log10() } else { *value }, limit)
    }

    fn key_points<Hint: KeyPointHint>(&self, hint: Hint) -> Vec<f64> {
        if self.log { self.log_ticks() } else { self.scale.key_points(hint) }
    }

    fn range(&self) -> Range<f64> {
        let Range { start, end } = self.scale.range();
        if self.log { 10f64.powf(start)..10f64.powf(end) } else { start..end }
    }
}

impl ValueFormatter<f64> for Axis {
    /// Writes as many decimals as the steps of a linear axis have, so that its labels line up.
    fn format_ext(&self, value: &f64) -> String {
        let steps = self.key_points(MAX_TICKS);
        let decimals = match steps[..] {
            [first, second, ..] if !self.log => -(second - first + 1e-12).log10().floor() as i32,
            _ => 0,
        };
        let min_decimal = if decimals > 5 { 0 } else { decimals.max(0) };
        let allow_scientific = min_decimal == 0;
        FloatPrettyPrinter { allow_scientific, min_decimal, max_decimal: 10 }.print(*value)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn labels(values: [f64; 2], log: bool) -> Vec<String> {
        let axis = Axis::around(values.into_iter(), log);
        axis.key_points(MAX_TICKS).iter().map(|value| axis.format_ext(value)).collect()
    }

    #[test]
    fn ticks_are_round_numbers_that_line_up() {
        assert_eq!(labels([-0.31, 0.52], false), ["-0.2", "0.0", "0.2", "0.4"]);
        assert_eq!(labels([-1.1, 1.2], false), ["-1.0", "-0.5", "0.0", "0.5", "1.0"]);
        assert_eq!(labels([3e7, 5e7], false)[..2], ["3e7", "3.5e7"]);
    }

    #[test]
    fn log_ticks_follow_the_number_of_decades() {
        assert_eq!(labels([20.0, 900.0], true), ["20", "50", "100", "200", "500", "1000"]);
        assert_eq!(labels([1e-3, 1e2], true), ["0.001", "0.01", "0.1", "1", "10", "100"]);
        assert_eq!(labels([1e-12, 1e12], true).len(), 6);
        assert_eq!(labels([81.0, 99.0], true), ["85", "90", "95"]);
    }
}
