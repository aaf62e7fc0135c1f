//! Time of one training pass against sequence length, batch size and width.

use std::error::Error;
use std::path::Path;

use burn::tensor::Device;
use plotters::prelude::*;

use crate::layers::{Layer, Masks, Shape};
use crate::timing::{Pass, in_turns};

/// Sequence length, batch size and width of the points of each line.
const LENGTHS: [usize; 8] = [10, 25, 50, 100, 150, 200, 300, 400];
const BATCHES: [usize; 8] = [32, 64, 96, 128, 160, 192, 224, 256];
const WIDTHS: [usize; 7] = [64, 128, 256, 384, 512, 768, 1024];

/// Times every point is measured.
const ROUNDS: usize = 41;

/// Milliseconds against one size.
struct Line {
    axis: &'static str,
    points: Vec<(f64, f64)>,
}

/// Bytes, more than any tensor of these sizes has.
const LARGE_BLOCK: usize = 31 << 20;

/// Prints one JSON object for each point and one for each fitted line, and draws them.
pub(crate) fn print(picture: &Path) -> Result<(), Box<dyn Error>> {
    // The system's allocator hands freed memory back, and asks for it again at every pass, from a
    // size on that follows the largest block freed so far. Without this one that would cost the
    // largest point of a line alone some milliseconds: not the layer's time, but the loss's.
    drop(std::hint::black_box(vec![1_u8; LARGE_BLOCK]));
    let lines = [
        Line::measure("T", &LENGTHS, |t| [32, t, 128]),
        Line::measure("B", &BATCHES, |b| [b, 50, 128]),
        Line::measure("H", &WIDTHS, |h| [32, 35, h]),
    ];
    for Line { axis, points } in &lines {
        for (value, median_ms) in points {
            println!("{{\"axis\": \"{axis}\", \"value\": {value}, \"median_ms\": {median_ms:.3}}}");
        }
    }
    // Time grows with the square of the width: no line there.
    for line in &lines[..2] {
        let [intercept, slope, r_squared] = line.fit();
        println!(
            "{{\"axis\": \"{}\", \"intercept_ms\": {intercept:.3}, \"slope_ms\": {slope:.5}, \
             \"r_squared\": {r_squared:.5}}}",
            line.axis
        );
    }
    draw(&lines[..2], picture)
}

impl Line {
    fn measure(axis: &'static str, values: &[usize], sizes: impl Fn(usize) -> [usize; 3]) -> Self {
        let device = Device::flex();
        let prepare = |&value: &usize| {
            let [batch_size, seq_length, width] = sizes(value);
            let shape = Shape::new("growth", [batch_size, seq_length, width, width]);
            Layer::Lstm(Masks::Tied).prepare(shape, Pass::Train, &device)
        };
        let runs: Vec<_> = values.iter().map(prepare).collect();
        let seconds = in_turns(&runs, ROUNDS, &device);
        let point =
            |(&value, seconds): (&usize, &Vec<f64>)| (value as f64, seconds[ROUNDS / 2] * 1e3);
        Self { axis, points: values.iter().zip(&seconds).map(point).collect() }
    }

    /// Intercept, slope and R² of the least squares line.
    fn fit(&self) -> [f64; 3] {
        let n = self.points.len() as f64;
        let mean = |f: fn(&(f64, f64)) -> f64| self.points.iter().map(f).sum::<f64>() / n;
        let (mean_x, mean_y) = (mean(|p| p.0), mean(|p| p.1));
        let products = |f: &dyn Fn(f64, f64) -> f64| -> f64 {
            self.points.iter().map(|&(x, y)| f(x - mean_x, y - mean_y)).sum()
        };
        let (xx, xy, yy) =
            (products(&|x, _| x * x), products(&|x, y| x * y), products(&|_, y| y * y));
        let slope = xy / xx;
        [mean_y - slope * mean_x, slope, xy * xy / (xx * yy)]
    }
}

fn draw(lines: &[Line], picture: &Path) -> Result<(), Box<dyn Error>> {
    plotters::style::register_font("sans-serif", FontStyle::Normal, dejavu::sans::regular())
        .map_err(|_| "the font is no font")?;
    let root = BitMapBackend::new(picture, (1000, 450)).into_drawing_area();
    root.fill(&WHITE)?;
    for (line, area) in lines.iter().zip(root.split_evenly((1, lines.len()))) {
        let last = |f: fn(&(f64, f64)) -> f64| line.points.iter().map(f).fold(0.0, f64::max);
        let (right, top) = (last(|p| p.0) * 1.05, last(|p| p.1) * 1.1);
        let [intercept, slope, r_squared] = line.fit();
        let caption = format!("LSTM, tied masks, training: R² = {r_squared:.4}");
        let mut chart = ChartBuilder::on(&area)
            .caption(caption, ("sans-serif", 18))
            .margin(12)
            .x_label_area_size(40)
            .y_label_area_size(50)
            .build_cartesian_2d(0.0..right, 0.0..top)?;
        chart.configure_mesh().x_desc(line.axis).y_desc("ms").draw()?;
        let at = |x: f64| (x, intercept + slope * x);
        chart.draw_series(LineSeries::new([at(0.0), at(right)], &BLUE))?;
        let points = line.points.iter().map(|&point| Circle::new(point, 4, RED.filled()));
        chart.draw_series(points)?;
    }
    root.present()?;
    Ok(())
}
