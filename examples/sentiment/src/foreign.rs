//! Text that is not like that of the reviews, which a model should be unsure of.

use rand::seq::SliceRandom;
use rand::{RngExt, SeedableRng};
use rand_chacha::ChaCha8Rng;

use crate::pieces::Pieces;
use crate::vocabulary::Vocabulary;

/// What the tokens of pieces are replaced by.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Foreign {
    /// Their own, in a random order.
    Shuffled,
    /// Known words, each as probable as the others.
    Uniform,
    /// Words as frequent as in the training reviews.
    Unigram,
}

impl Foreign {
    /// The same pieces, as long as they are, with other tokens.
    pub(crate) fn of(self, pieces: &Pieces, vocabulary: &Vocabulary, seed: u64) -> Pieces {
        let mut rng = ChaCha8Rng::seed_from_u64(seed);
        match self {
            Self::Shuffled => pieces.map_tokens(|tokens| {
                let mut tokens = tokens.to_vec();
                tokens.shuffle(&mut rng);
                tokens
            }),
            Self::Uniform => {
                let known = vocabulary.known();
                pieces.map_tokens(|tokens| {
                    tokens.iter().map(|_| rng.random_range(known.clone())).collect()
                })
            }
            Self::Unigram => {
                let mut sum = 0;
                let add = |count: &u64| {
                    sum += count;
                    sum
                };
                let sums: Vec<u64> = vocabulary.counts().iter().map(add).collect();
                let mut word = || {
                    let place = rng.random_range(0..sum);
                    let word = sums.partition_point(|&sum| sum <= place);
                    i64::try_from(word).expect("a number fits 64 bits")
                };
                pieces.map_tokens(|tokens| tokens.iter().map(|_| word()).collect())
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::pieces::Piece;
    use crate::reviews::Review;

    fn vocabulary() -> Vocabulary {
        let words = "a a a a a a b b b c d".split(' ').map(String::from).collect();
        Vocabulary::new(&[Review { words, rating: 0.5 }], 3)
    }

    /// The tokens that a piece gets.
    fn tokens(foreign: Foreign, tokens: &[i64]) -> Vec<i64> {
        let piece = Piece { tokens: tokens.to_vec(), target: 0.0, review: 0 };
        let pieces = foreign.of(&Pieces::new(vec![piece]), &vocabulary(), 1);
        pieces.as_slice()[0].tokens.clone()
    }

    #[test]
    fn shuffled_tokens_are_the_same_in_another_order() {
        let before: Vec<i64> = (0..50).collect();
        let mut after = tokens(Foreign::Shuffled, &before);
        assert_ne!(after, before);
        after.sort_unstable();
        assert_eq!(after, before);
    }

    #[test]
    fn random_words_have_the_frequencies_that_they_should() {
        const N: usize = 11_000;
        let shares = |foreign| {
            let mut counts = [0.0; 4];
            for token in tokens(foreign, &vec![0; N]) {
                counts[token as usize] += 1.0 / N as f64;
            }
            counts
        };
        // One word is not among the three that are known.
        let expected = [
            (Foreign::Uniform, [0.0, 1.0, 1.0, 1.0], 3.0),
            (Foreign::Unigram, [1.0, 6.0, 3.0, 1.0], 11.0),
        ];
        for (foreign, expected, sum) in expected {
            for (share, expected) in shares(foreign).into_iter().zip(expected) {
                // Six standard errors of a share of one half, the largest there are.
                assert!(
                    (share - expected / sum).abs() < 6.0 * 0.5 / (N as f64).sqrt(),
                    "{foreign:?}"
                );
            }
        }
    }
}
