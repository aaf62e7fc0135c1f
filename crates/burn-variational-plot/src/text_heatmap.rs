//! Text with an uncertainty for each token.

mod html;
mod printable;
mod scale;
mod svg;

use std::fs;
use std::path::Path;

use printable::printable;
use scale::Scale;

use crate::PlotError;
use crate::axis::{extent, is_drawable};
use crate::error::check_interval;
use crate::file::replace;

/// Texts of which each token stands on a colour that says how uncertain it is, from white to
/// vermilion.
///
/// Equal steps of uncertainty are equal steps of the colour, which darkens as it goes, so that it
/// reads alike in grey and for colour-blind readers. Where a viewer shows tooltips, that of a token
/// is its value.
///
/// Tokens stand side by side as they are given, with a small gap between them. A line break in one is
/// shown as `↵`, a tab as `⇥`, and another control character as `�`.
///
/// # Example
///
/// ```
/// use burn_variational_plot::TextHeatmap;
///
/// let folder = std::env::temp_dir();
/// let heatmap = TextHeatmap::new("Reviews", "predictive entropy, nats")
///     .with_text("most certain", [("a", 0.1), ("great", 0.1), ("film", 0.2)])
///     .with_text("least certain", [("not", 0.6), ("<unk>", 1.9), ("at", 0.4), ("all", 0.3)]);
/// heatmap.save_html(folder.join("text-heatmap-example.html"))?;
/// heatmap.save_svg(folder.join("text-heatmap-example.svg"))?;
/// assert!(folder.join("text-heatmap-example.svg").exists());
///
/// let broken = TextHeatmap::new("Reviews", "").with_text("broken", [("a", 0.1), ("b", f64::NAN)]);
/// let refused = broken.save_html(folder.join("text-heatmap-example.html"));
/// assert_eq!(refused.unwrap_err().to_string(), "plot: `broken` cannot be drawn at (1, NaN)");
/// # Ok::<(), burn_variational_plot::PlotError>(())
/// ```
#[derive(Debug, Clone)]
pub struct TextHeatmap {
    title: String,
    label: String,
    texts: Vec<Text>,
    range: Option<(f64, f64)>,
}

#[derive(Debug, Clone)]
struct Text {
    heading: String,
    tokens: Vec<Token>,
}

#[derive(Debug, Clone)]
struct Token {
    text: String,
    uncertainty: f64,
}

impl TextHeatmap {
    /// A page without texts. `label` says what the uncertainty is, and its unit.
    pub fn new(title: impl Into<String>, label: impl Into<String>) -> Self {
        let [title, label] = [title.into(), label.into()].map(|text| printable(&text));
        Self { title, label, texts: Vec::new(), range: None }
    }

    /// Adds a text under a heading: the tokens `(text, uncertainty)` in the order of reading.
    #[must_use]
    pub fn with_text(
        mut self,
        heading: impl Into<String>,
        tokens: impl IntoIterator<Item = (impl Into<String>, f64)>,
    ) -> Self {
        let token = |(text, uncertainty)| {
            let text: String = Into::into(text);
            Token { text: printable(&text), uncertainty }
        };
        let tokens = tokens.into_iter().map(token).collect();
        self.texts.push(Text { heading: printable(&heading.into()), tokens });
        self
    }

    /// Sets the uncertainties of the first and the last colour, by default the least and the
    /// greatest of all tokens. What lies outside has the colour of the nearer end.
    #[must_use]
    pub fn with_range(mut self, low: f64, high: f64) -> Self {
        self.range = Some((low, high));
        self
    }

    /// Writes the page as an HTML file that needs no other file, replacing an earlier one in one
    /// step.
    ///
    /// # Errors
    ///
    /// [`PlotError::Empty`] if there is no token, [`PlotError::Point`] if an uncertainty is not
    /// finite, at its token counted from 0, [`PlotError::Interval`] if the range is not finite
    /// and from low to high, and [`PlotError::Save`] if the file cannot be written: its folder must exist. An
    /// earlier file is then left as it was.
    pub fn save_html(&self, path: impl AsRef<Path>) -> Result<(), PlotError> {
        let scale = self.scale()?;
        replace(path.as_ref(), |partial| Ok(fs::write(partial, html::page(self, &scale))?))
    }

    /// Writes the page as an SVG file of 960 pixels in width that needs no other file, replacing an
    /// earlier one in one step.
    ///
    /// Lines run from left to right. They are broken between tokens, and within one that is wider
    /// than a line. Glyphs are those of the viewer, squeezed or stretched to the widths that they
    /// have in DejaVu Sans.
    ///
    /// # Errors
    ///
    /// As of [`save_html`](Self::save_html).
    pub fn save_svg(&self, path: impl AsRef<Path>) -> Result<(), PlotError> {
        let scale = self.scale()?;
        replace(path.as_ref(), |partial| Ok(fs::write(partial, svg::page(self, &scale)?)?))
    }

    /// The scale of the colours, if all tokens can be drawn on it.
    fn scale(&self) -> Result<Scale, PlotError> {
        for Text { heading, tokens } in &self.texts {
            let uncertainties = tokens.iter().map(|token| token.uncertainty).enumerate();
            if let Some((index, y)) = uncertainties.clone().find(|(_, y)| !is_drawable(*y)) {
                return Err(PlotError::Point { name: heading.clone(), x: index as f64, y });
            }
        }
        if self.texts.iter().all(|text| text.tokens.is_empty()) {
            return Err(PlotError::Empty);
        }
        let tokens = self.texts.iter().flat_map(|text| &text.tokens);
        let found = extent(tokens.map(|token| token.uncertainty));
        let (low, high) = self.range.unwrap_or(found);
        check_interval("range of colours", low, high)?;
        Ok(Scale { low, high })
    }
}
