//! A page of texts as SVG.

use std::fmt;

use super::printable::escaped;
use super::scale::Scale;
use super::{Text, TextHeatmap, Token};
use crate::canvas::{Drawn, EDGE, WIDTH, width_in_ems};

/// Sizes of text, in pixels.
const TITLE: f64 = 21.0;
const HEADING: f64 = 16.0;
const BODY: f64 = 15.0;
const SMALL: f64 = 13.0;
/// From the middle of a line to the foot of its capitals, in ems: half of their height.
const SINK: f64 = 0.365;
/// From line to line, and the height of a token on it, in pixels.
const LINE: f64 = 28.0;
const TOKEN: f64 = 23.0;
/// What is left free on either side of the text of a token, and between a token and the next.
const PADDING: f64 = 4.0;
const GAP: f64 = 3.0;
/// The bar of colours.
const BAR: (f64, f64) = (330.0, 15.0);
const MIDDLE: f64 = WIDTH as f64 / 2.0;
const LEFT: f64 = EDGE as f64;
const RIGHT: f64 = WIDTH as f64 - LEFT;
/// From the middle of the bar to that of its ticks, and on to that of their label.
const LEGEND_LINE: f64 = 19.0;
const FRAME: &str = "#787878";
const INK: &str = "#141414";

/// Where text stands on its line.
#[derive(Clone, Copy)]
enum Anchor {
    /// It starts at the left edge of the page.
    Start,
    /// Its middle is at this `x`.
    Middle(f64),
}

/// A page that grows downwards.
struct Page {
    body: String,
    /// The middle of the next line.
    y: f64,
}

/// The page, with a line for each element or token.
pub(crate) fn page(heatmap: &TextHeatmap, scale: &Scale) -> Drawn<String> {
    let mut page = Page { body: String::new(), y: LEFT + LINE / 2.0 };
    page.heading(&heatmap.title, TITLE, Anchor::Middle(MIDDLE))?;
    page.legend(&heatmap.label, scale)?;
    for text in &heatmap.texts {
        page.text(text, scale)?;
    }
    let height = page.y - LINE / 2.0 + LEFT;
    Ok(format!(
        "<svg xmlns=\"http://www.w3.org/2000/svg\" width=\"{WIDTH}\" height=\"{height}\" \
         viewBox=\"0 0 {WIDTH} {height}\" font-family=\"DejaVu Sans, Verdana, sans-serif\" \
         fill=\"{INK}\">\n<title>{}</title>\n\
         <rect width=\"100%\" height=\"100%\" fill=\"#ffffff\"/>\n{}</svg>\n",
        escaped(&heatmap.title),
        page.body
    ))
}

impl Page {
    /// Adds text on lines that are broken between words, and goes on under it.
    fn heading(&mut self, text: &str, size: f64, anchor: Anchor) -> Drawn<()> {
        let mut line = String::new();
        for word in text.split(' ') {
            for (piece, _) in pieces(word, size)? {
                let longer = if line.is_empty() { piece.into() } else { format!("{line} {piece}") };
                if size * width_in_ems(&longer)? <= RIGHT - LEFT || line.is_empty() {
                    line = longer;
                } else {
                    self.label(&line, size, anchor);
                    self.y += LINE;
                    line = piece.into();
                }
            }
        }
        self.label(&line, size, anchor);
        self.y += LINE;
        Ok(())
    }

    /// Adds text on the line.
    fn label(&mut self, text: &str, size: f64, anchor: Anchor) {
        let (x, anchor) = match anchor {
            Anchor::Start => (LEFT, "start"),
            Anchor::Middle(x) => (x, "middle"),
        };
        let (y, text) = (self.y + SINK * size, escaped(text));
        self.add(format_args!(
            "<text x=\"{x:.1}\" y=\"{y:.1}\" font-size=\"{size}\" \
             text-anchor=\"{anchor}\">{text}</text>"
        ));
    }

    /// Adds the bar of colours, its ticks and what they are of.
    fn legend(&mut self, label: &str, scale: &Scale) -> Drawn<()> {
        self.y += LINE / 4.0;
        let (width, height) = BAR;
        let (left, top) = (MIDDLE - width / 2.0, self.y - height / 2.0);
        self.add(format_args!("<linearGradient id=\"scale\">"));
        for (position, colour) in Scale::stops() {
            self.add(format_args!("<stop offset=\"{position}\" stop-color=\"{colour}\"/>"));
        }
        self.add(format_args!("</linearGradient>"));
        self.add(format_args!(
            "<rect x=\"{left}\" y=\"{top}\" width=\"{width}\" height=\"{height}\" \
             fill=\"url(#scale)\" stroke=\"{FRAME}\"/>"
        ));
        self.y += LEGEND_LINE;
        for (position, tick) in scale.ticks() {
            self.label(&tick, SMALL, Anchor::Middle(left + position * width));
        }
        self.y += LEGEND_LINE;
        self.heading(label, SMALL, Anchor::Middle(MIDDLE))
    }

    /// Adds a heading and its tokens.
    fn text(&mut self, Text { heading, tokens }: &Text, scale: &Scale) -> Drawn<()> {
        self.y += LINE / 2.0;
        self.heading(heading, HEADING, Anchor::Start)?;
        let mut x = LEFT;
        for Token { text, uncertainty } in tokens {
            let (colour, value) = (scale.colour(*uncertainty), scale.label(*uncertainty));
            for (piece, width) in pieces(text, BODY)? {
                let across = width + 2.0 * PADDING;
                if x > LEFT && x + across > RIGHT {
                    (x, self.y) = (LEFT, self.y + LINE);
                }
                let (top, foot) = (self.y - TOKEN / 2.0, self.y + SINK * BODY);
                let (start, piece) = (x + PADDING, escaped(piece));
                // Another font is fitted to the box. What has no width could not be.
                let fit = if width > 0.0 {
                    format!(" textLength=\"{width:.2}\" lengthAdjust=\"spacingAndGlyphs\"")
                } else {
                    String::new()
                };
                self.add(format_args!(
                    "<g><title>{value}</title>\
                     <rect x=\"{x:.2}\" y=\"{top}\" width=\"{across:.2}\" height=\"{TOKEN}\" rx=\"3\" \
                     fill=\"{colour}\"/>\
                     <text x=\"{start:.2}\" y=\"{foot:.1}\" font-size=\"{BODY}\" \
                     xml:space=\"preserve\"{fit}>{piece}</text></g>"
                ));
                x += across + GAP;
            }
        }
        self.y += LINE;
        Ok(())
    }

    fn add(&mut self, element: fmt::Arguments<'_>) {
        self.body.push_str(&element.to_string());
        self.body.push('\n');
    }
}

/// Cuts text into pieces that fit on a line, with their widths. No text is one piece.
fn pieces(text: &str, size: f64) -> Drawn<Vec<(&str, f64)>> {
    let (mut pieces, mut rest) = (Vec::new(), text);
    loop {
        let mut piece = ("", 0.0);
        for (start, c) in rest.char_indices() {
            let longer = &rest[..start + c.len_utf8()];
            let width = size * width_in_ems(longer)?;
            if width > RIGHT - LEFT - 2.0 * PADDING && start > 0 {
                break;
            }
            piece = (longer, width);
        }
        pieces.push(piece);
        rest = &rest[piece.0.len()..];
        if rest.is_empty() {
            return Ok(pieces);
        }
    }
}
