//! Text of any origin in a page.

/// The text with a symbol in place of each character that a page cannot show.
pub(crate) fn printable(text: &str) -> String {
    let symbol = |c: char| match c {
        '\n' => '↵',
        '\t' => '⇥',
        c if c.is_control() => char::REPLACEMENT_CHARACTER,
        // No XML file may hold them, nor most control characters.
        '\u{fffe}' | '\u{ffff}' => char::REPLACEMENT_CHARACTER,
        c => c,
    };
    text.chars().map(symbol).collect()
}

/// Printable text as it stands in HTML and XML, between tags and in an attribute.
pub(crate) fn escaped(text: &str) -> String {
    let mut escaped = String::with_capacity(text.len());
    for c in text.chars() {
        match c {
            '&' => escaped.push_str("&amp;"),
            '<' => escaped.push_str("&lt;"),
            '>' => escaped.push_str("&gt;"),
            '"' => escaped.push_str("&quot;"),
            '\'' => escaped.push_str("&#39;"),
            c => escaped.push(c),
        }
    }
    escaped
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn control_characters_have_their_symbols_and_others_are_left() {
        assert_eq!(printable("a\n\tb"), "a↵⇥b");
        assert_eq!(printable("\0\x1f\x7f\u{85}\u{fffe}\u{ffff}"), "\u{fffd}".repeat(6));
        assert_eq!(printable("naïve 好 ☃"), "naïve 好 ☃");
    }

    #[test]
    fn no_text_opens_a_tag_or_ends_an_attribute() {
        assert_eq!(
            escaped(r#"<b class="x">'&amp;"#),
            "&lt;b class=&quot;x&quot;&gt;&#39;&amp;amp;"
        );
    }
}
