//! Texts whose tokens have an uncertainty, as the elements of their pages.

use std::fs;

use burn_variational_plot::{PlotError, TextHeatmap};
use roxmltree::{Document, Node, ParsingOptions};

type Save = fn(&TextHeatmap, &str) -> Result<(), PlotError>;

const HTML: Save = |heatmap, path| heatmap.save_html(path);
const SVG: Save = |heatmap, path| heatmap.save_svg(path);

/// Calls `look` with the elements of the page that is saved, which must be well-formed.
fn with_page(heatmap: &TextHeatmap, save: Save, look: impl FnOnce(Node<'_, '_>)) {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("page");
    save(heatmap, path.to_str().unwrap()).unwrap();
    assert_eq!(fs::read_dir(folder.path()).unwrap().count(), 1);
    let page = fs::read_to_string(path).unwrap();
    let options = ParsingOptions { allow_dtd: true, ..ParsingOptions::default() };
    look(Document::parse_with_options(&page, options).unwrap().root_element());
}

fn all<'a>(page: Node<'a, 'a>, tag: &str) -> Vec<Node<'a, 'a>> {
    page.descendants().filter(|node| node.tag_name().name() == tag).collect()
}

fn text<'a>(node: &Node<'a, '_>) -> &'a str {
    node.text().unwrap_or_default()
}

fn number(node: &Node<'_, '_>, attribute: &str) -> f64 {
    node.attribute(attribute).unwrap().parse().unwrap()
}

/// The group of each piece of a token in an SVG file: its tooltip, its box and its text.
fn pieces<'a>(page: Node<'a, 'a>) -> Vec<[Node<'a, 'a>; 3]> {
    let parts = |group: Node<'a, 'a>| group.children().collect::<Vec<_>>().try_into().unwrap();
    all(page, "g").into_iter().map(parts).collect()
}

#[test]
fn a_token_stands_on_its_colour_and_names_its_value() {
    let heatmap = TextHeatmap::new("Reviews", "nats")
        .with_text("first", [("not", 1.0), ("bad", 3.0)])
        .with_text("second", [("good", 9.0)])
        .with_range(1.0, 3.0);
    let drawn =
        [("#ffffff", "1.000", "not"), ("#d55e00", "3.000", "bad"), ("#d55e00", "9.000", "good")];
    with_page(&heatmap, HTML, |page| {
        let of = |span: &Node<'_, '_>| {
            let style = span.attribute("style").unwrap().to_owned();
            (style, span.attribute("title").unwrap().to_owned(), text(span).to_owned())
        };
        let spans: Vec<_> = all(page, "p").into_iter().flat_map(|p| all(p, "span")).collect();
        let expected = drawn.map(|(colour, value, token)| {
            (format!("background: {colour}"), value.to_owned(), token.to_owned())
        });
        assert_eq!(spans.iter().map(of).collect::<Vec<_>>(), expected);
        let headings: Vec<_> = all(page, "h2").iter().map(text).collect();
        assert_eq!(headings, ["first", "second"]);
        assert_eq!(text(&all(page, "figcaption")[0]), "nats");
    });
    with_page(&heatmap, SVG, |page| {
        let of = |[value, colour, token]: &[Node<'_, '_>; 3]| {
            (
                colour.attribute("fill").unwrap().to_owned(),
                text(value).to_owned(),
                text(token).to_owned(),
            )
        };
        let expected =
            drawn.map(|(colour, value, token)| (colour.into(), value.into(), token.into()));
        assert_eq!(
            pieces(page).iter().map(of).collect::<Vec<(String, String, String)>>(),
            expected
        );
    });
}

#[test]
fn the_scale_is_labelled_where_its_numbers_lie() {
    let heatmap = TextHeatmap::new("", "").with_text("", [("a", 0.0), ("b", 2.0)]);
    let labels = ["0.0", "0.5", "1.0", "1.5", "2.0"];
    with_page(&heatmap, HTML, |page| {
        let ticks = all(all(page, "figure")[0], "span");
        assert_eq!(ticks.iter().map(text).collect::<Vec<_>>(), labels);
        let left = |tick: &Node<'_, '_>| tick.attribute("style").unwrap().to_owned();
        assert_eq!([1, 4].map(|tick: usize| left(&ticks[tick])), ["left: 25.0%", "left: 100.0%"]);
    });
    with_page(&heatmap, SVG, |page| {
        let bar = all(page, "rect")[1];
        assert_eq!(bar.attribute("fill"), Some("url(#scale)"));
        let stops = all(page, "stop");
        let ends = [&stops[0], &stops[stops.len() - 1]];
        assert_eq!(ends.map(|stop| number(stop, "offset")), [0.0, 1.0]);
        let colours = ends.map(|stop| stop.attribute("stop-color").unwrap());
        assert_eq!(colours, ["#ffffff", "#d55e00"]);
        for (quarter, label) in labels.iter().enumerate() {
            let tick = all(page, "text").into_iter().find(|node| text(node) == *label).unwrap();
            let x = number(&bar, "x") + number(&bar, "width") * quarter as f64 / 4.0;
            assert_eq!(number(&tick, "x"), x);
        }
    });
}

#[test]
fn no_text_is_taken_for_markup() {
    let hostile = "</p></g><script>alert('x')</script> \" onload=\"x' & &lt; ]]> \0\u{b}\u{ffff}";
    let shown =
        "</p></g><script>alert('x')</script> \" onload=\"x' & &lt; ]]> \u{fffd}\u{fffd}\u{fffd}";
    let heatmap = TextHeatmap::new(hostile, hostile).with_text(hostile, [(hostile, 0.0)]);
    with_page(&heatmap, HTML, |page| {
        let shown_by = |tag| text(&all(page, tag)[0]).to_owned();
        assert_eq!(["title", "h1", "figcaption", "h2"].map(shown_by), [shown; 4]);
        assert_eq!(text(&all(all(page, "p")[0], "span")[0]), shown);
        assert!(all(page, "script").is_empty());
    });
    with_page(&heatmap, SVG, |page| {
        assert_eq!(text(&all(page, "title")[0]), shown);
        let texts = all(page, "text");
        assert_eq!(texts.iter().filter(|node| text(node) == shown).count(), 4);
        assert!(all(page, "script").is_empty());
    });
}

#[test]
fn lines_are_broken_between_tokens_and_within_those_that_are_wider() {
    let long = "w".repeat(300);
    let words = (0..60).map(|word| "word ".repeat(word % 3 + 1)).chain([
        long,
        String::new(),
        " end".into(),
    ]);
    let words: Vec<_> = words.collect();
    let tokens = words.iter().map(|word| (word.as_str(), 0.5));
    with_page(&TextHeatmap::new("", "").with_text("", tokens), SVG, |page| {
        let [width, height] = ["width", "height"].map(|side| number(&page, side));
        let pieces = pieces(page);
        assert_eq!(pieces.iter().map(|piece| text(&piece[2])).collect::<String>(), words.concat());
        let boxes: Vec<_> = pieces
            .iter()
            .map(|[_, of, _]| ["x", "y", "width", "height"].map(|side| number(of, side)))
            .collect();
        for [x, y, across, down] in &boxes {
            assert!(*x >= 18.0 && x + across <= width - 18.0 && y + down < height);
        }
        let broken = boxes.windows(2).filter(|pair| {
            let [[x, y, across, down], [next_x, next_y, next_across, _]] = [pair[0], pair[1]];
            if next_y == y {
                assert!(next_x > x + across);
            } else {
                // It begins the next line, since it had no room on this one.
                assert!(next_x == 18.0 && next_y > y + down);
                assert!(x + across + next_across > width - 2.0 * 18.0);
            }
            next_y != y
        });
        // Words of about 100 pixels, two thirds of nine; three lines of `w`, 12 pixels each.
        assert!(broken.count() >= 9);
        for [_, of, piece] in &pieces {
            let text_width =
                piece.attribute("textLength").map_or(0.0, |width| width.parse().unwrap());
            // A hundredth for the rounding of either.
            assert!((number(of, "width") - 8.0 - text_width).abs() <= 0.011);
        }
    });
}

#[test]
fn text_is_as_wide_as_in_dejavu_sans() {
    with_page(&TextHeatmap::new("", "").with_text("", [("naïve", 0.5)]), SVG, |page| {
        // fontTools 4.68.0, DejaVu Sans 2.37: the sum of the advances of the glyphs is 5594 of 2048 in
        // an em, none of them kerned. The size is 15.
        let width = number(&pieces(page)[0][2], "textLength");
        assert!((width - 15.0 * 5594.0 / 2048.0).abs() < 0.02, "{width}");
    });
}

#[test]
fn texts_that_cannot_be_drawn_are_refused_by_name() {
    for save in [HTML, SVG] {
        let refused = |heatmap: &TextHeatmap| save(heatmap, "").unwrap_err().to_string();
        let none: [(&str, f64); 0] = [];
        let heatmap = TextHeatmap::new("", "entropy").with_text("first", none);
        assert_eq!(refused(&heatmap), "plot: there is no point to draw");
        let heatmap = heatmap.with_text("second", [("a", 0.1), ("b", f64::INFINITY)]);
        assert_eq!(refused(&heatmap), "plot: `second` cannot be drawn at (1, inf)");
        let heatmap = TextHeatmap::new("", "entropy").with_text("", [("a", 0.1)]);
        let message = "plot: `range of colours` must be finite and from low to high, got 1 to 0";
        assert_eq!(refused(&heatmap.with_range(1.0, 0.0)), message);
    }
}
