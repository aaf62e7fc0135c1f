//! The words that a model knows.

use std::collections::HashMap;
use std::ops::Range;

use crate::reviews::Review;

/// What stands for every word that is not known.
const UNKNOWN: &str = "<unk>";

/// The most frequent words of the training reviews, by number: the most frequent is 1, and 0 stands
/// for all others.
#[derive(Debug, Clone)]
pub(crate) struct Vocabulary {
    words: Vec<String>,
    ids: HashMap<String, i64>,
    /// How often each word stands in the training reviews.
    counts: Vec<u64>,
}

impl Vocabulary {
    /// The so many most frequent words of these reviews; of words that are equally frequent those
    /// that come first in the alphabet.
    pub(crate) fn new<'a>(reviews: impl IntoIterator<Item = &'a Review>, n_words: usize) -> Self {
        let mut counts: HashMap<&str, u64> = HashMap::new();
        for word in reviews.into_iter().flat_map(|review| &review.words) {
            *counts.entry(word).or_default() += 1;
        }
        let mut counts: Vec<(&str, u64)> = counts.into_iter().collect();
        counts.sort_by(|a, b| b.1.cmp(&a.1).then(a.0.cmp(b.0)));
        let unknown = counts.iter().skip(n_words).map(|(_, count)| count).sum();
        counts.truncate(n_words);
        let all = [(UNKNOWN, unknown)].into_iter().chain(counts);
        let (words, counts): (Vec<String>, Vec<u64>) =
            all.map(|(word, count)| (word.to_string(), count)).unzip();
        let ids = words.iter().cloned().zip(0..).collect();
        Self { words, ids, counts }
    }

    /// The number of word types, the unknown one among them.
    pub(crate) fn len(&self) -> usize {
        self.words.len()
    }

    /// The number of a word.
    pub(crate) fn id(&self, word: &str) -> i64 {
        self.ids.get(word).copied().unwrap_or(0)
    }

    /// The numbers of the known words.
    pub(crate) fn known(&self) -> Range<i64> {
        1..i64::try_from(self.len()).expect("a number fits 64 bits")
    }

    /// The word of a number.
    pub(crate) fn word(&self, id: i64) -> &str {
        usize::try_from(id).ok().and_then(|id| self.words.get(id)).map_or(UNKNOWN, String::as_str)
    }

    /// How often the word of each number stands in the training reviews.
    pub(crate) fn counts(&self) -> &[u64] {
        &self.counts
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_most_frequent_words_are_known_and_the_others_are_one() {
        let review =
            |text: &str| Review { words: text.split(' ').map(String::from).collect(), rating: 0.5 };
        let reviews = [review("b a b c"), review("b a d")];
        let vocabulary = Vocabulary::new(&reviews, 3);
        assert_eq!(vocabulary.words, ["<unk>", "b", "a", "c"]);
        assert_eq!(vocabulary.counts(), [1, 3, 2, 1]);
        assert_eq!(["a", "d", "e"].map(|word| vocabulary.id(word)), [2, 0, 0]);
        assert_eq!([0, 3].map(|id| vocabulary.word(id)), ["<unk>", "c"]);
        assert_eq!((vocabulary.len(), vocabulary.known()), (4, 1..4));
    }
}
