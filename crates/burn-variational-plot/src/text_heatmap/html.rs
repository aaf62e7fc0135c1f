//! A page of texts as HTML.

use super::printable::escaped;
use super::scale::Scale;
use super::{Text, TextHeatmap, Token};

const STYLE: &str = "\
:root { color-scheme: light; -webkit-print-color-adjust: exact; print-color-adjust: exact }
body { max-width: 60em; margin: 2em auto; padding: 0 1em; background: #fff; color: #141414;
  font: 15px/1.9 'DejaVu Sans', Verdana, sans-serif }
h1 { font-size: 1.4em; font-weight: normal; text-align: center }
h2 { font-size: 1em; margin: 1.6em 0 0.3em }
p { margin: 0; word-spacing: -0.1em; overflow-wrap: anywhere }
p span { display: inline-block; max-width: 100%; box-sizing: border-box; padding: 0 0.25em;
  border-radius: 0.2em; line-height: 1.5; white-space: pre-wrap; unicode-bidi: isolate }
p span:empty::before { content: '\\200b' }
figure { width: 22em; margin: 0 auto; text-align: center; font-size: 0.87em; line-height: 1.4 }
.scale { height: 1em; border: 1px solid #787878 }
.ticks { position: relative; height: 1.6em }
.ticks span { position: absolute; transform: translateX(-50%) }";

/// The page, which is well-formed XML too.
pub(crate) fn page(TextHeatmap { title, label, texts, .. }: &TextHeatmap, scale: &Scale) -> String {
    let title = escaped(title);
    let texts: String = texts.iter().map(|text| section(text, scale)).collect();
    format!(
        "<!DOCTYPE html>
<html>
<head>
<meta charset=\"utf-8\"/>
<meta name=\"viewport\" content=\"width=device-width\"/>
<title>{title}</title>
<style>
{STYLE}
</style>
</head>
<body>
<h1>{title}</h1>
{}{texts}</body>
</html>
",
        legend(label, scale)
    )
}

fn legend(label: &str, scale: &Scale) -> String {
    let stops: Vec<_> = Scale::stops().map(|(_, colour)| colour).collect();
    let tick = |(position, label): (f64, String)| {
        format!("<span style=\"left: {:.1}%\">{label}</span>", 100.0 * position)
    };
    let ticks: String = scale.ticks().into_iter().map(tick).collect();
    format!(
        "<figure>
<div class=\"scale\" style=\"background: linear-gradient(to right, {})\"></div>
<div class=\"ticks\">{ticks}</div>
<figcaption>{}</figcaption>
</figure>
",
        stops.join(", "),
        escaped(label)
    )
}

fn section(Text { heading, tokens }: &Text, scale: &Scale) -> String {
    let token = |Token { text, uncertainty }: &Token| {
        let (colour, value) = (scale.colour(*uncertainty), scale.label(*uncertainty));
        let text = escaped(text);
        format!("<span style=\"background: {colour}\" title=\"{value}\">{text}</span>")
    };
    // A space between them lets a line break there, and words copied from the page stay apart.
    let tokens: Vec<_> = tokens.iter().map(token).collect();
    format!(
        "<section>\n<h2>{}</h2>\n<p dir=\"auto\">{}</p>\n</section>\n",
        escaped(heading),
        tokens.join("\n")
    )
}
