//! Reviews and their ratings: from files, or written by a program.

use std::fs;
use std::path::{Path, PathBuf};
use std::str;

use anyhow::{Context, Result, bail, ensure};

/// A review and the rating that its author gave.
#[derive(Debug, Clone, PartialEq)]
pub struct Review {
    /// Its words and signs.
    pub words: Vec<String>,
    /// From 0 to 1.
    pub rating: f64,
}

/// The reviews of all authors in a folder: those of the scale data set of Pang & Lee (2005), whose
/// folder of an author has a tokenised review in each line of `subj.AUTHOR`, and its rating in the
/// same line of `rating.AUTHOR`.
///
/// # Errors
///
/// If there is no author, a file cannot be read, or a line is not what it must be, naming it.
pub(crate) fn read(folder: &Path) -> Result<Vec<Review>> {
    ensure!(folder.is_dir(), "--data {}: no such directory", folder.display());
    let entries = fs::read_dir(folder).with_context(|| folder.display().to_string())?;
    let mut authors = Vec::new();
    for entry in entries {
        let path = entry.with_context(|| folder.display().to_string())?.path();
        if path.is_dir() {
            authors.push(path);
        }
    }
    // A file system has an order of its own.
    authors.sort();
    ensure!(
        !authors.is_empty(),
        "--data {}: there must be a folder for each author, got none",
        folder.display()
    );
    let reviews = authors.iter().map(|author| of_author(author)).collect::<Result<Vec<_>>>()?;
    Ok(reviews.concat())
}

fn of_author(folder: &Path) -> Result<Vec<Review>> {
    let author = folder.file_name().unwrap_or_default().to_string_lossy();
    let texts = Lines::read(folder.join(format!("subj.{author}")))?;
    let ratings = Lines::read(folder.join(format!("rating.{author}")))?;
    let numbers = [texts.lines.len(), ratings.lines.len()];
    ensure!(
        numbers[0] == numbers[1],
        "{} has {} lines and {} has {}: there must be a rating for each review",
        texts.path.display(),
        numbers[0],
        ratings.path.display(),
        numbers[1]
    );
    let review = |number| {
        let words: Vec<String> = texts.line(number)?.split_whitespace().map(String::from).collect();
        if words.is_empty() {
            bail!("{}: there must be a review, got an empty line", texts.place(number));
        }
        Ok(Review { words, rating: rating(&ratings, number)? })
    };
    (0..numbers[0]).map(review).collect()
}

fn rating(ratings: &Lines, number: usize) -> Result<f64> {
    let text = ratings.line(number)?.trim();
    let rating = text.parse().ok().filter(|rating| (0.0..=1.0).contains(rating));
    rating.with_context(|| {
        format!("{}: a rating must be a number from 0 to 1, got {text:?}", ratings.place(number))
    })
}

/// The lines of a file.
struct Lines {
    path: PathBuf,
    lines: Vec<Vec<u8>>,
}

impl Lines {
    fn read(path: PathBuf) -> Result<Self> {
        let bytes = fs::read(&path).with_context(|| path.display().to_string())?;
        ensure!(!bytes.is_empty(), "{}: the file is empty", path.display());
        let bytes = bytes.strip_suffix(b"\n").unwrap_or(&bytes);
        let lines = bytes.split(|byte| *byte == b'\n').map(Vec::from).collect();
        Ok(Self { path, lines })
    }

    /// The file and the line.
    fn place(&self, number: usize) -> String {
        format!("{}:{}", self.path.display(), number + 1)
    }

    fn line(&self, number: usize) -> Result<&str> {
        str::from_utf8(&self.lines[number]).with_context(|| {
            format!("{}: the text must be UTF-8; `iconv` converts it", self.place(number))
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use tempfile::tempdir;

    fn write(folder: &Path, author: &str, texts: &[u8], ratings: &str) {
        let folder = folder.join(author);
        fs::create_dir_all(&folder).unwrap();
        fs::write(folder.join(format!("subj.{author}")), texts).unwrap();
        fs::write(folder.join(format!("rating.{author}")), ratings).unwrap();
    }

    /// The error of a folder with one author, without the path of the folder.
    fn error(texts: &[u8], ratings: &str) -> String {
        let folder = tempdir().unwrap();
        write(folder.path(), "ann", texts, ratings);
        let error = format!("{:#}", read(folder.path()).unwrap_err());
        error.replace(&format!("{}/", folder.path().display()), "")
    }

    #[test]
    fn the_reviews_of_all_authors_are_read_in_the_order_of_their_names() {
        let folder = tempdir().unwrap();
        write(folder.path(), "b+c", b"a good film .\r\nbad\n", "0.75\r\n0\n");
        write(folder.path(), "ann", b"so so", "0.5");
        fs::write(folder.path().join("README"), "of no author").unwrap();
        let reviews = read(folder.path()).unwrap();
        let said = |review: &Review| (review.words.join(" "), review.rating);
        let expected = [("so so", 0.5), ("a good film .", 0.75), ("bad", 0.0)];
        let expected = expected.map(|(text, rating)| (text.to_string(), rating));
        assert_eq!(reviews.iter().map(said).collect::<Vec<_>>(), expected);
    }

    #[test]
    fn what_is_wrong_is_told_with_its_line() {
        let rating = "ann/rating.ann:2: a rating must be a number from 0 to 1, got ";
        assert_eq!(error(b"good\nbad\n", "1\n1.5\n"), format!("{rating}\"1.5\""));
        assert_eq!(error(b"good\nbad\n", "1\nNaN\n"), format!("{rating}\"NaN\""));
        assert_eq!(error(b"good\nbad\n", "1\n\n"), format!("{rating}\"\""));
        let empty = "ann/subj.ann:1: there must be a review, got an empty line";
        assert_eq!(error(b" \nbad\n", "1\n0\n"), empty);
        assert_eq!(
            error(b"good\nbad\n", "1\n"),
            "ann/subj.ann has 2 lines and ann/rating.ann has 1: there must be a rating for each review"
        );
        // As Latin-1 has an accent.
        let latin = error(b"good\nclich\xe9\n", "1\n0\n");
        let expected = "ann/subj.ann:2: the text must be UTF-8; `iconv` converts it: ";
        assert!(latin.starts_with(expected), "{latin}");
    }

    #[test]
    fn files_that_are_empty_or_missing_and_folders_without_an_author_are_named() {
        assert_eq!(error(b"", "1\n"), "ann/subj.ann: the file is empty");
        let folder = tempdir().unwrap();
        let path = folder.path().display();
        let message = || format!("{:#}", read(folder.path()).unwrap_err());
        let none = format!("--data {path}: there must be a folder for each author, got none");
        assert_eq!(message(), none);
        fs::create_dir(folder.path().join("ann")).unwrap();
        assert!(message().starts_with(&format!("{path}/ann/subj.ann: No such file")));
        let nowhere = read(Path::new("nowhere")).unwrap_err().to_string();
        assert_eq!(nowhere, "--data nowhere: no such directory");
    }
}
