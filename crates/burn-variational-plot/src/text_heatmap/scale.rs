//! The colours of uncertainty.

use plotters::coord::ranged1d::{Ranged, ValueFormatter};

use crate::axis::{Axis, MAX_TICKS};

/// A colour of sRGB.
pub(crate) type Srgb = [u8; 3];

const CERTAIN: Srgb = [255, 255, 255];
/// Vermilion of Okabe and Ito (2008). Dark text on it has a contrast of 4.8; WCAG asks for 4.5.
const UNCERTAIN: Srgb = [213, 94, 0];
/// Stops of a gradient, between which sRGB is as even as OKLab to the eye.
const N_STOPS: u32 = 9;

/// Uncertainty from the first colour to the last.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Scale {
    pub(crate) low: f64,
    pub(crate) high: f64,
}

impl Scale {
    /// Where a value lies between the ends, from 0 to 1.
    pub(crate) fn position(&self, value: f64) -> f64 {
        let width = self.high - self.low;
        if width > 0.0 { ((value - self.low) / width).clamp(0.0, 1.0) } else { 0.0 }
    }

    /// The colour of a value, as `#rrggbb`.
    pub(crate) fn colour(&self, value: f64) -> String {
        hex(mix(self.position(value)))
    }

    /// A value, to about a thousandth of the scale.
    pub(crate) fn label(&self, value: f64) -> String {
        if self.low >= self.high {
            return value.to_string();
        }
        let decimals = 3.0 - (self.high - self.low).log10().floor();
        format!("{value:.0$}", decimals.clamp(0.0, 17.0) as usize)
    }

    /// Round numbers on the scale, with where they lie and how they are written; its ends if there
    /// are less than two.
    pub(crate) fn ticks(&self) -> Vec<(f64, String)> {
        let axis = Axis::around([self.low, self.high].into_iter(), false);
        let mut ticks = axis.key_points(MAX_TICKS);
        ticks.retain(|tick| (self.low..=self.high).contains(tick));
        if ticks.len() > 1 {
            let tick = |value: f64| (self.position(value), axis.format_ext(&value));
            return ticks.into_iter().map(tick).collect();
        }
        let mut ends =
            [self.low, self.high].map(|end| (self.position(end), self.label(end))).to_vec();
        ends.dedup();
        ends
    }

    /// The colours that a gradient goes through, with where they lie.
    pub(crate) fn stops() -> impl Iterator<Item = (f64, String)> {
        let positions = (0..N_STOPS).map(|stop| f64::from(stop) / f64::from(N_STOPS - 1));
        positions.map(|position| (position, hex(mix(position))))
    }
}

fn hex([r, g, b]: Srgb) -> String {
    format!("#{r:02x}{g:02x}{b:02x}")
}

/// The colour at a position from 0 to 1, in equal steps of OKLab (Ottosson 2020, "A perceptual color
/// space for image processing").
///
/// The space is linear in the cube roots of the responses of the cones, and so are its lines.
fn mix(position: f64) -> Srgb {
    let (from, to) = (cones(CERTAIN), cones(UNCERTAIN));
    let at = |cone: usize| from[cone] + position * (to[cone] - from[cone]);
    srgb([0, 1, 2].map(at))
}

/// The cube roots of what long, medium and short cones respond to a colour.
fn cones(colour: Srgb) -> [f64; 3] {
    let linear = colour.map(|channel| {
        let c = f64::from(channel) / 255.0;
        if c <= 0.04045 { c / 12.92 } else { ((c + 0.055) / 1.055).powf(2.4) }
    });
    product(
        [
            [0.412_221_470_8, 0.536_332_536_3, 0.051_445_992_9],
            [0.211_903_498_2, 0.680_699_545_1, 0.107_396_956_6],
            [0.088_302_461_9, 0.281_718_837_6, 0.629_978_700_5],
        ],
        linear,
    )
    .map(f64::cbrt)
}

/// The inverse of [`cones`].
fn srgb(cones: [f64; 3]) -> Srgb {
    product(
        [
            [4.076_741_662_1, -3.307_711_591_3, 0.230_969_929_2],
            [-1.268_438_004_6, 2.609_757_401_1, -0.341_319_396_5],
            [-0.004_196_086_3, -0.703_418_614_7, 1.707_614_701_0],
        ],
        cones.map(|root| root.powi(3)),
    )
    .map(|c| {
        let c = if c <= 0.003_130_8 { 12.92 * c } else { 1.055 * c.powf(1.0 / 2.4) - 0.055 };
        (255.0 * c).round() as u8
    })
}

fn product(matrix: [[f64; 3]; 3], vector: [f64; 3]) -> [f64; 3] {
    matrix.map(|row| row.iter().zip(vector).map(|(a, b)| a * b).sum())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn colours_are_those_of_coloraide() {
        // coloraide 8.13.1: Color.interpolate(["#ffffff", "#d55e00"], space="oklab")(t)
        let golden = ["#ffffff", "#f9d8c8", "#f0b192", "#e48959", "#d55e00"];
        let scale = Scale { low: -1.0, high: 1.0 };
        assert_eq!([-1.0, -0.5, 0.0, 0.5, 1.0].map(|value| scale.colour(value)), golden);
        assert_eq!([-9.0, 9.0].map(|value| scale.colour(value)), [golden[0], golden[4]]);
        let stops: Vec<_> = Scale::stops().step_by(2).map(|stop| stop.1).collect();
        assert_eq!(stops, golden);
    }

    #[test]
    fn ticks_are_round_numbers_within_the_range() {
        let ticks = |low, high| Scale { low, high }.ticks();
        let written: Vec<_> = ticks(0.07, 1.62).into_iter().map(|tick| tick.1).collect();
        assert_eq!(written, ["0.2", "0.4", "0.6", "0.8", "1.0", "1.2", "1.4", "1.6"]);
        assert_eq!(ticks(0.0, 2.0)[1], (0.25, "0.5".into()));
        assert_eq!(ticks(0.3, 0.3), [(0.0, "0.3".into())]);
    }

    #[test]
    fn values_are_written_as_finely_as_the_scale_tells_them_apart() {
        assert_eq!(Scale { low: 0.0, high: 2.0 }.label(0.123_456), "0.123");
        assert_eq!(Scale { low: 0.0, high: 5e-4 }.label(1.23e-4), "0.0001230");
        assert_eq!(Scale { low: 0.0, high: 90_000.0 }.label(1234.5), "1234");
    }
}
