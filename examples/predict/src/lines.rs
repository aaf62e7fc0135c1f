//! Lines of bounded length, whatever comes in.

use std::io::{self, BufRead, ErrorKind};

/// A line without its end.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Line {
    /// What it holds.
    Bytes(Vec<u8>),
    /// It is longer than it may be, and was not kept.
    TooLong,
}

/// Reads the next line, of which no more than `max_length` bytes are kept at any time; none at the
/// end.
pub(crate) fn read(reader: &mut impl BufRead, max_length: usize) -> io::Result<Option<Line>> {
    let (mut bytes, mut is_too_long, mut has_begun) = (Vec::new(), false, false);
    loop {
        let available = match reader.fill_buf() {
            Err(error) if error.kind() == ErrorKind::Interrupted => continue,
            available => available?,
        };
        if available.is_empty() && !has_begun {
            return Ok(None);
        }
        has_begun = true;
        let end = available.iter().position(|&byte| byte == b'\n');
        let part = &available[..end.unwrap_or(available.len())];
        is_too_long |= bytes.len() + part.len() > max_length;
        if is_too_long {
            bytes = Vec::new();
        } else {
            bytes.extend_from_slice(part);
        }
        let is_whole = end.is_some() || available.is_empty();
        let n_read = end.map_or(available.len(), |end| end + 1);
        reader.consume(n_read);
        if is_whole {
            return Ok(Some(if is_too_long { Line::TooLong } else { Line::Bytes(bytes) }));
        }
    }
}

#[cfg(test)]
mod tests {
    use std::io::BufReader;

    use super::*;

    #[test]
    fn lines_are_whole_or_too_long_whatever_the_buffer() {
        let text = "a\n\nabcd\nabcde\nabcdefghijklmnop\nend";
        for capacity in [1, 2, 3, 5, 100] {
            let mut reader = BufReader::with_capacity(capacity, text.as_bytes());
            let lines: Vec<_> = std::iter::from_fn(|| read(&mut reader, 4).unwrap()).collect();
            let bytes = |text: &str| Line::Bytes(text.into());
            let expected =
                [bytes("a"), bytes(""), bytes("abcd"), Line::TooLong, Line::TooLong, bytes("end")];
            assert_eq!(lines, expected, "a buffer of {capacity}");
        }
    }

    #[test]
    fn there_is_no_line_after_the_last_end() {
        let mut reader = "a\n".as_bytes();
        assert_eq!(read(&mut reader, 4).unwrap(), Some(Line::Bytes("a".into())));
        assert_eq!(read(&mut reader, 4).unwrap(), None);
    }
}
