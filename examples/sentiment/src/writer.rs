//! Reviews that a small program writes, of which the best prediction is known.
//!
//! A review is of a few sentences in any order. Some hold an opinion, the others do not:
//!
//! ```text
//! the acting is not very good .          opinion    -½ · 1.25 · 1.5
//! anna follows the farmer to paris .     none
//! the music was dull .                   opinion    -2
//! ```
//!
//! Every adjective has a value, a degree multiplies it, and `not` turns it round by half. The grade of
//! a review is the mean of its opinions, and its rating `½ + 0.1 · grade` with Gaussian noise of
//! deviation 0.05, which no model can predict: the error of the best is 0.05. To come close, a model
//! must know the rare adjectives too, hold on to what it read, and not mind names.

mod words;

use burn_variational::dropout::MaskRng;

use crate::reviews::Review;
use words::{ADJECTIVES, ASPECTS, DEGREES, NAMES, NOUNS, PLACES, VERBS};

/// The deviation of a rating about what the words of the review say.
pub const NOISE: f64 = 0.05;

/// What a grade of 1 adds to a rating.
const PER_GRADE: f64 = 0.1;
/// What `not` multiplies a value by.
const NOT: f64 = -0.5;
/// The share of the sentences that hold an opinion, of the opinions that have a degree, and of those
/// that are denied.
const OPINIONS: f64 = 0.75;
const WITH_DEGREE: f64 = 0.4;
const DENIED: f64 = 0.25;
/// The numbers of sentences of a review.
const SENTENCES: [usize; 2] = [2, 6];

/// So many reviews. The same seed gives the same ones on every platform.
pub fn write(n_reviews: usize, seed: u64) -> Vec<Review> {
    let draw = MaskRng::seeded(seed).scope("reviews").draw(0);
    let rows = draw.rows(n_reviews, 0, false);
    rows.map(|row| {
        // The noise has the first two words of the row.
        let noise = NOISE * row.normal(0);
        let mut choices = row.words().skip(2).map(|word| f64::from(word) / 2f64.powi(32));
        // The words of a row have no end.
        let words = text(&mut || choices.next().unwrap_or_default());
        Review { rating: expected_rating(&words) + noise, words }
    })
    .collect()
}

/// The mean rating of the reviews that read so: the best prediction there is.
pub fn expected_rating(words: &[String]) -> f64 {
    0.5 + PER_GRADE * grade(words)
}

/// The mean of the opinions, 0 if there is none.
fn grade(words: &[String]) -> f64 {
    let sentences = words.split(|word| word == ".");
    let opinions: Vec<f64> = sentences.filter_map(opinion).collect();
    opinions.iter().sum::<f64>() / opinions.len().max(1) as f64
}

/// The value of a sentence that holds an opinion.
fn opinion(sentence: &[String]) -> Option<f64> {
    let value = |words: &[(&str, f64)], word: &String| {
        words.iter().find(|(known, _)| known == word).map(|(_, value)| *value)
    };
    let adjective = value(ADJECTIVES, sentence.last()?)?;
    let degree = sentence.iter().find_map(|word| value(DEGREES, word)).unwrap_or(1.0);
    let denied = if sentence.iter().any(|word| word == "not") { NOT } else { 1.0 };
    Some(denied * degree * adjective)
}

/// The words of a review; `number` gives the next number of [0, 1).
fn text(number: &mut impl FnMut() -> f64) -> Vec<String> {
    let [fewest, most] = SENTENCES;
    let n_sentences = fewest + (number() * (most - fewest + 1) as f64) as usize;
    let mut words = Vec::new();
    for _ in 0..n_sentences {
        if number() < OPINIONS {
            words.extend(["the", any(ASPECTS, number()), any(&["is", "was"], number())]);
            words.extend((number() < DENIED).then_some("not"));
            words.extend((number() < WITH_DEGREE).then(|| any(DEGREES, number()).0));
            words.push(by_rank(ADJECTIVES, number()).0);
        } else {
            words.extend([any(NAMES, number()), by_rank(VERBS, number()), "the"]);
            words.extend([any(NOUNS, number()), "to", any(PLACES, number())]);
        }
        words.push(".");
    }
    words.into_iter().map(String::from).collect()
}

/// One of these, each as probable as the others.
fn any<T: Copy>(values: &[T], number: f64) -> T {
    values[(number * values.len() as f64) as usize]
}

/// One of these, the `r`-th with a probability proportional to `1/r`.
fn by_rank<T: Copy>(values: &[T], number: f64) -> T {
    let weights = || (1..=values.len()).map(|rank| 1.0 / rank as f64);
    let mut left = number * weights().sum::<f64>();
    let place = weights().position(|weight| {
        left -= weight;
        left < 0.0
    });
    // Rounding may leave a little behind the last.
    values[place.unwrap_or(values.len() - 1)]
}

#[cfg(test)]
mod tests {
    use super::*;

    fn words(text: &str) -> Vec<String> {
        text.split(' ').map(String::from).collect()
    }

    #[test]
    fn a_grade_is_the_mean_of_the_opinions() {
        let of = |text| grade(&words(text));
        assert_eq!(of("the acting is not very good ."), -0.5 * 1.25 * 1.5);
        assert_eq!(of("anna follows the farmer to paris ."), 0.0);
        let two = "the acting was good . anna follows the farmer to paris . the music is dull .";
        assert_eq!(of(two), (1.5 - 2.0) / 2.0);
        assert_eq!(expected_rating(&words(two)), 0.5 - 0.025);
    }

    #[test]
    fn ratings_are_the_expected_ones_with_noise() {
        const N: usize = 4_000;
        let reviews = write(N, 1);
        let noise = reviews.iter().map(|review| review.rating - expected_rating(&review.words));
        let (sum, squares) = noise.fold((0.0, 0.0), |(s, q), x| (s + x, q + x * x));
        // Six standard errors, of a mean and of a mean of squares of Gaussian numbers.
        let n = N as f64;
        assert!((sum / n).abs() < 6.0 * NOISE / n.sqrt());
        assert!((squares / n / NOISE.powi(2) - 1.0).abs() < 6.0 * (2.0 / n).sqrt());
    }

    #[test]
    fn the_seed_determines_the_reviews_and_their_number_does_not() {
        let reviews = write(20, 7);
        assert_eq!(reviews[..5], write(5, 7));
        assert_ne!(reviews, write(20, 8));
        for review in &reviews {
            let sentences = review.words.iter().filter(|word| *word == ".").count();
            assert!((SENTENCES[0]..=SENTENCES[1]).contains(&sentences));
        }
    }

    #[test]
    fn no_word_has_two_meanings() {
        let valued = [ADJECTIVES, DEGREES].concat().into_iter().map(|(word, _)| word);
        let plain = [ASPECTS, NAMES, VERBS, NOUNS, PLACES].concat();
        let fixed = ["the", "is", "was", "not", "to", "."];
        let mut words: Vec<&str> = valued.chain(plain).chain(fixed).collect();
        let n_words = words.len();
        words.sort_unstable();
        words.dedup();
        assert_eq!(words.len(), n_words);
    }
}
