//! Masks of several schemes, side by side.

use std::collections::BTreeSet;
use std::path::Path;

use plotters::prelude::*;

use crate::PlotError;
use crate::canvas::{Area, Drawn, EDGE, SCALE, draw_legend, save, text};
use crate::series::{Look, N_COLOURS, Series, group_colour};

/// Panels that stand side by side.
const MOST_IN_A_ROW: usize = 6;
/// Heights in pixels: of the title and the legend, of the name of a scheme, of a row of panels.
const HEAD: u32 = 74;
const SCHEME: u32 = 38;
const PANEL: u32 = 128;
/// What is left for the label of an axis, in pixels.
const LABEL: u32 = 21;
/// What is left free between a panel and the next, in pixels.
const GAP: u32 = 8;
const DROPPED: RGBColor = RGBColor(238, 238, 238);
const RULE: RGBColor = RGBColor(120, 120, 120);

/// The masks that a scheme draws: a panel for each.
#[derive(Debug, Clone)]
pub struct MaskScheme {
    name: String,
    labels: [String; 2],
    panels: Vec<Panel>,
}

/// The factors of each step.
#[derive(Debug, Clone)]
struct Panel {
    name: String,
    steps: Vec<Vec<f64>>,
}

impl MaskScheme {
    /// A scheme without masks, of units over time.
    pub fn new(name: impl Into<String>) -> Self {
        Self { name: name.into(), labels: ["time", "units"].map(String::from), panels: Vec::new() }
    }

    /// Names the axes.
    #[must_use]
    pub fn with_labels(mut self, x_label: impl Into<String>, y_label: impl Into<String>) -> Self {
        self.labels = [x_label.into(), y_label.into()];
        self
    }

    /// Adds a mask, such as that of a site or of a gate: the factors of all units at each step. A
    /// factor of 0 drops its unit.
    #[must_use]
    pub fn with_panel(
        mut self,
        name: impl Into<String>,
        steps: impl IntoIterator<Item = Vec<f64>>,
    ) -> Self {
        self.panels.push(Panel { name: name.into(), steps: steps.into_iter().collect() });
        self
    }
}

/// Masks of several schemes, as figure 1 of Gal & Ghahramani (2016, arXiv 1512.05287) shows them:
/// time runs to the right, units upwards, each factor has a colour, and what is dropped is empty.
///
/// A row holds up to six panels, those of a scheme side by side under its name.
///
/// # Example
///
/// ```
/// use burn_variational_plot::{MaskGrid, MaskScheme};
///
/// let path = std::env::temp_dir().join("mask-grid-example.png");
/// // Three steps of two units.
/// let per_step = [vec![0.0, 2.0], vec![2.0, 2.0], vec![0.0, 0.0]];
/// let per_sequence = vec![vec![0.0, 2.0]; 3];
/// MaskGrid::new("Masks")
///     .with_scheme(MaskScheme::new("naive").with_panel("input", per_step))
///     .with_scheme(MaskScheme::new("variational").with_panel("input", per_sequence))
///     .save(&path)?;
/// assert!(path.exists());
///
/// let broken = MaskScheme::new("broken").with_panel("input", [vec![1.0], vec![f64::NAN]]);
/// let refused = MaskGrid::new("Masks").with_scheme(broken).save(&path);
/// assert_eq!(refused.unwrap_err().to_string(), "plot: `input` cannot be drawn at (1, NaN)");
/// # Ok::<(), burn_variational_plot::PlotError>(())
/// ```
#[derive(Debug, Clone)]
pub struct MaskGrid {
    title: String,
    schemes: Vec<MaskScheme>,
}

impl MaskGrid {
    /// A picture without masks.
    pub fn new(title: impl Into<String>) -> Self {
        Self { title: title.into(), schemes: Vec::new() }
    }

    /// Adds a scheme, beside those before it or, where six panels are full, under them.
    #[must_use]
    pub fn with_scheme(mut self, scheme: MaskScheme) -> Self {
        self.schemes.push(scheme);
        self
    }

    /// Writes the picture as a PNG file, whatever the extension, replacing an earlier one in one
    /// step.
    ///
    /// # Errors
    ///
    /// [`PlotError::Empty`] if no mask has a unit, [`PlotError::Point`] if a factor is not finite,
    /// at its step, [`PlotError::Units`] if a step of a mask has other units than the first,
    /// [`PlotError::Factors`] if there are more factors than colours, to two decimals, and
    /// [`PlotError::Save`] if the file cannot be written: its folder must exist. An earlier file is
    /// then left as it was.
    pub fn save(&self, path: impl AsRef<Path>) -> Result<(), PlotError> {
        self.check()?;
        let factors: BTreeSet<i64> = self.factors().map(hundredths).filter(|&f| f != 0).collect();
        if factors.len() > N_COLOURS {
            return Err(PlotError::Factors { n_factors: factors.len() });
        }
        let factors: Vec<i64> = factors.into_iter().collect();
        let rows = self.rows();
        let height = 2 * EDGE + HEAD + rows.len() as u32 * (SCHEME + PANEL);
        save(path.as_ref(), height, &self.title, |inside| draw(inside, &rows, &factors))
    }

    fn panels(&self) -> impl Iterator<Item = &Panel> {
        self.schemes.iter().flat_map(|scheme| &scheme.panels)
    }

    fn factors(&self) -> impl Iterator<Item = f64> {
        self.panels().flat_map(|panel| panel.steps.iter().flatten().copied())
    }

    /// Refuses the first mask that cannot be drawn.
    fn check(&self) -> Result<(), PlotError> {
        for Panel { name, steps } in self.panels() {
            let units = steps.first().map_or(0, Vec::len);
            for (step, factors) in steps.iter().enumerate() {
                let (name, got) = (name.clone(), factors.len());
                if got != units {
                    return Err(PlotError::Units { name, units, step, got });
                }
                if let Some(&y) = factors.iter().find(|factor| !factor.is_finite()) {
                    return Err(PlotError::Point { name, x: step as f64, y });
                }
            }
        }
        if self.factors().next().is_none() { Err(PlotError::Empty) } else { Ok(()) }
    }

    /// The schemes of each row. One that has more panels than fit has a row to itself.
    fn rows(&self) -> Vec<Vec<&MaskScheme>> {
        let (mut rows, mut room) = (Vec::<Vec<_>>::new(), 0);
        for scheme in self.schemes.iter().filter(|scheme| !scheme.panels.is_empty()) {
            let n_panels = scheme.panels.len();
            match rows.last_mut() {
                Some(row) if n_panels <= room => row.push(scheme),
                _ => {
                    rows.push(vec![scheme]);
                    room = MOST_IN_A_ROW.max(n_panels);
                }
            }
            room -= n_panels;
        }
        rows
    }
}

/// Factors are told apart to two decimals.
fn hundredths(factor: f64) -> i64 {
    (factor * 100.0).round() as i64
}

fn draw(area: &Area<'_>, rows: &[Vec<&MaskScheme>], factors: &[i64]) -> Drawn<()> {
    let swatch = |name: String, colour| Series::new(Look::Area, colour, Vec::new()).named(name);
    let mut legend = vec![swatch("dropped".into(), DROPPED)];
    for (index, &factor) in factors.iter().enumerate() {
        let name = format!("kept, times {}", factor as f64 / 100.0);
        legend.push(swatch(name, group_colour(index)));
    }
    let below = draw_legend(area, &legend)?;
    let n_panels = |row: &Vec<&MaskScheme>| row.iter().map(|scheme| scheme.panels.len()).sum();
    let columns = rows.iter().map(n_panels).max().unwrap_or(1).max(1);
    for (row, schemes) in below.split_evenly((rows.len(), 1)).iter().zip(rows) {
        let cells = row.split_evenly((1, columns));
        let mut cells = cells.iter();
        for scheme in schemes {
            let cells: Vec<_> = cells.by_ref().take(scheme.panels.len()).collect();
            draw_scheme(scheme, &cells, factors)?;
        }
    }
    Ok(())
}

/// Draws a scheme into areas that stand side by side, one for each panel.
fn draw_scheme(scheme: &MaskScheme, cells: &[&Area<'_>], factors: &[i64]) -> Drawn<()> {
    let pixels = |n: u32| (n * SCALE).cast_signed();
    for (index, (cell, panel)) in cells.iter().zip(&scheme.panels).enumerate() {
        let (name, below) = cell.split_vertically(SCHEME * SCALE);
        let (width, height) = name.dim_in_pixel();
        // A rule from the first panel to the last says which of them the name is that of.
        let left = if index == 0 { pixels(LABEL) } else { 0 };
        let right = width.cast_signed() - if index + 1 == cells.len() { pixels(GAP) } else { 0 };
        let line = height.cast_signed() - pixels(5);
        let rule = vec![(left, line), (right, line)];
        name.draw(&PathElement::new(rule, RULE.stroke_width(SCALE)))?;
        if index == 0 {
            name.draw_text(&scheme.name, &text(15), (left, pixels(13)))?;
        }
        let [x_label, y_label] = scheme.labels.each_ref().map(String::as_str);
        let y_label = if index == 0 { y_label } else { "" };
        let inside = below.margin(0, 0, 0, GAP * SCALE);
        draw_panel(panel, [x_label, y_label], &inside, factors)?;
    }
    Ok(())
}

fn draw_panel(
    panel: &Panel,
    [x_label, y_label]: [&str; 2],
    area: &Area<'_>,
    factors: &[i64],
) -> Drawn<()> {
    let n_units = panel.steps.first().map_or(0, Vec::len);
    // Floats, since plotters divides by the number of ticks of an axis of integers.
    let [steps, units] = [panel.steps.len(), n_units].map(|n| 0.0..n.max(1) as f64);
    let mut chart = ChartBuilder::on(area)
        .caption(&panel.name, text(13))
        .x_label_area_size(LABEL * SCALE)
        .y_label_area_size(LABEL * SCALE)
        .build_cartesian_2d(steps, units)?;
    chart
        .configure_mesh()
        .disable_mesh()
        .disable_axes()
        .x_labels(0)
        .y_labels(0)
        .axis_desc_style(text(12))
        .x_desc(x_label)
        .y_desc(y_label)
        .draw()?;
    let units = panel.steps.iter().enumerate().flat_map(|(step, factors)| {
        let at = move |(unit, &factor)| (step as f64, unit as f64, hundredths(factor));
        factors.iter().enumerate().map(at)
    });
    chart.draw_series(units.map(|(step, unit, factor)| {
        let group = factors.iter().position(|&known| known == factor);
        let colour = group.map_or(DROPPED, group_colour);
        let corners = [(step, unit), (step + 1.0, unit + 1.0)];
        let mut cell = Rectangle::new(corners, colour.filled());
        // A line of one pixel between each and its neighbours.
        cell.set_margin(0, SCALE, 0, SCALE);
        cell
    }))?;
    Ok(())
}
