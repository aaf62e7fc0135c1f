//! The reviews of a run: split, standardised, and cut into pieces.

use std::fmt::Write as _;
use std::ops::Range;

use anyhow::{Result, ensure};
use rand::SeedableRng;
use rand::seq::SliceRandom;
use rand_chacha::ChaCha8Rng;

use crate::Arguments;
use crate::pieces::{Piece, Pieces};
use crate::preset::Preset;
use crate::reviews::{self, Review};
use crate::vocabulary::Vocabulary;
use crate::writer;

/// Reviews that are written where there are no files, and the seed that they have whatever that of
/// the run.
const WRITTEN_REVIEWS: usize = 2_000;
const WRITTEN_SEED: u64 = 1;

/// Training, validation and test reviews as pieces.
#[derive(Debug, Clone)]
pub(crate) struct Data {
    pub(crate) train: Pieces,
    /// What the precision of predictions is fitted to.
    pub(crate) valid: Pieces,
    pub(crate) test: Pieces,
    pub(crate) vocabulary: Vocabulary,
    pub(crate) scale: Scale,
    pub(crate) preset: Preset,
    /// The reviews that are trained on, validated on and tested on.
    pub(crate) n_reviews: [usize; 3],
    /// The root mean squared error of the best prediction of a test piece, in standardised units,
    /// where it is known.
    pub(crate) optimal_rmse: Option<f64>,
    /// A checksum of the reviews and ratings.
    pub(crate) reviews_crc32: u32,
}

/// How ratings are standardised: by mean and deviation of those of the training pieces.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Scale {
    pub(crate) mean: f64,
    pub(crate) deviation: f64,
}

impl Scale {
    fn of(ratings: &[f64]) -> Result<Self> {
        let n = ratings.len() as f64;
        let mean = ratings.iter().sum::<f64>() / n;
        let variance = ratings.iter().map(|rating| (rating - mean).powi(2)).sum::<f64>() / n;
        ensure!(
            variance > 0.0,
            "the training reviews all have the rating {mean}: nothing to learn"
        );
        Ok(Self { mean, deviation: variance.sqrt() })
    }

    pub(crate) fn standardised(&self, rating: f64) -> f64 {
        (rating - self.mean) / self.deviation
    }

    pub(crate) fn rating(&self, standardised: f64) -> f64 {
        self.mean + self.deviation * standardised
    }
}

impl Data {
    /// The reviews that the command line asks for.
    pub(crate) fn load(arguments: &Arguments) -> Result<Self> {
        let most = arguments.max_reviews.map(|most| usize::try_from(most).unwrap_or(usize::MAX));
        if let Some(folder) = &arguments.data {
            let preset = Preset::film_reviews().with(arguments);
            return Self::new(reviews::read(folder)?, preset, most, arguments.seed);
        }
        let reviews = writer::write(WRITTEN_REVIEWS, WRITTEN_SEED);
        let preset = Preset::written_reviews().with(arguments);
        let mut data = Self::new(reviews, preset, most, arguments.seed)?;
        // The noise alone, for every review is a single piece.
        data.optimal_rmse = Some(writer::NOISE / data.scale.deviation);
        Ok(data)
    }

    fn new(
        mut reviews: Vec<Review>,
        preset: Preset,
        most: Option<usize>,
        seed: u64,
    ) -> Result<Self> {
        reviews.shuffle(&mut ChaCha8Rng::seed_from_u64(seed));
        reviews.truncate(most.unwrap_or(usize::MAX));
        let reviews_crc32 = crc32(&reviews);
        let parts = split(reviews.len())?;
        let [train, ..] = &parts;
        let vocabulary = Vocabulary::new(&reviews[train.clone()], preset.n_words);
        let n_pieces = |review: &Review| review.words.len().div_ceil(preset.piece_length);
        let ratings = reviews[train.clone()].iter();
        let ratings = ratings.flat_map(|review| vec![review.rating; n_pieces(review)]);
        let scale = Scale::of(&ratings.collect::<Vec<_>>())?;

        let n_reviews = parts.clone().map(|part| part.len());
        let [train, valid, test] = parts.map(|part| {
            let numbered = part.clone().zip(&reviews[part]);
            let pieces = numbered.flat_map(|(number, review)| {
                let target = scale.standardised(review.rating) as f32;
                let tokens: Vec<i64> =
                    review.words.iter().map(|word| vocabulary.id(word)).collect();
                let piece =
                    |tokens: &[i64]| Piece { tokens: tokens.into(), target, review: number };
                tokens.chunks(preset.piece_length).map(piece).collect::<Vec<_>>()
            });
            Pieces::new(pieces.collect())
        });
        let optimal_rmse = None;
        Ok(Self {
            train,
            valid,
            test,
            vocabulary,
            scale,
            preset,
            n_reviews,
            optimal_rmse,
            reviews_crc32,
        })
    }

    /// What a run begins with saying.
    pub(crate) fn summary(&self) -> String {
        let mut summary = String::new();
        let parts = [("training", &self.train), ("validation", &self.valid), ("test", &self.test)];
        for ((name, pieces), n_reviews) in parts.into_iter().zip(self.n_reviews) {
            let (n_pieces, n_tokens) = (pieces.len(), pieces.n_tokens());
            let _ = write!(
                summary,
                "{n_reviews} {name} reviews ({n_pieces} pieces, {n_tokens} tokens), "
            );
        }
        let _ = write!(summary, "{} words", self.vocabulary.len() - 1);
        summary
    }
}

/// The training reviews of so many in a random order, the validation and the test ones: a fifth is
/// for the test, as in the paper, and a tenth of the rest for validation.
fn split(n_reviews: usize) -> Result<[Range<usize>; 3]> {
    let n_test = n_reviews / 5;
    let n_valid = (n_reviews - n_test) / 10;
    ensure!(n_valid > 0, "there must be 12 reviews at least, got {n_reviews}");
    let (train, valid) = (n_reviews - n_test - n_valid, n_reviews - n_test);
    Ok([0..train, train..valid, valid..n_reviews])
}

fn crc32(reviews: &[Review]) -> u32 {
    let mut hasher = crc32fast::Hasher::new();
    for review in reviews {
        for word in &review.words {
            hasher.update(word.as_bytes());
            hasher.update(b" ");
        }
        hasher.update(&review.rating.to_le_bytes());
    }
    hasher.finalize()
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::collections::HashSet;

    /// Reviews of a word of their own, of 1 to 9 tokens.
    fn reviews(n: usize) -> Vec<Review> {
        let review = |k: usize| Review {
            words: vec![format!("w{k}"); 1 + k % 9],
            rating: (k % 10) as f64 / 10.0,
        };
        (0..n).map(review).collect()
    }

    fn data(n: usize, seed: u64) -> Data {
        let preset = Preset { piece_length: 4, ..Preset::written_reviews() };
        Data::new(reviews(n), preset, None, seed).unwrap()
    }

    #[test]
    fn a_review_is_in_one_part_alone_with_all_its_pieces() {
        let data = data(100, 1);
        assert_eq!(data.n_reviews, [72, 8, 20]);
        let parts = [&data.train, &data.valid, &data.test];
        let of = |pieces: &Pieces| -> HashSet<usize> {
            pieces.as_slice().iter().map(|piece| piece.review).collect()
        };
        let numbers = parts.map(of);
        assert_eq!(numbers.each_ref().map(HashSet::len), data.n_reviews);
        assert_eq!(numbers.iter().flatten().collect::<HashSet<_>>().len(), 100);
        let n_tokens: usize = parts.iter().map(|pieces| pieces.n_tokens()).sum();
        let n_words: usize = reviews(100).iter().map(|review| review.words.len()).sum();
        assert_eq!(n_tokens, n_words);
        for pieces in parts {
            assert!(pieces.lengths().is_sorted() && pieces.lengths().iter().all(|n| *n <= 4));
        }
        let expected = format!("72 training reviews ({} pieces, ", data.train.len());
        assert!(data.summary().starts_with(&expected), "{}", data.summary());
    }

    #[test]
    fn training_ratings_have_mean_0_and_deviation_1_and_the_vocabulary_is_theirs() {
        let data = data(100, 2);
        let targets: Vec<f64> =
            data.train.as_slice().iter().map(|piece| f64::from(piece.target)).collect();
        let n = targets.len() as f64;
        let mean = targets.iter().sum::<f64>() / n;
        let variance = targets.iter().map(|target| target * target).sum::<f64>() / n;
        // The rounding of targets to f32.
        assert!(mean.abs() < 1e-6 && (variance - 1.0).abs() < 1e-6, "{mean} {variance}");
        assert!((data.scale.rating(data.scale.standardised(0.3)) - 0.3).abs() < 1e-12);
        assert_eq!(data.vocabulary.len(), 73);
        assert!(data.test.as_slice().iter().all(|piece| piece.tokens.iter().all(|id| *id == 0)));
    }

    #[test]
    fn the_seed_determines_the_split() {
        let test = |seed| data(100, seed).test.as_slice().to_vec();
        assert_eq!(test(1), test(1));
        assert_ne!(test(1), test(2));
    }

    #[test]
    fn reviews_that_nothing_can_be_learned_from_are_refused() {
        let error = |reviews| Data::new(reviews, Preset::written_reviews(), None, 1).unwrap_err();
        let few = error(reviews(11)).to_string();
        assert_eq!(few, "there must be 12 reviews at least, got 11");
        let equal =
            reviews(20).into_iter().map(|review| Review { rating: 0.5, ..review }).collect();
        let equal = error(equal).to_string();
        assert_eq!(equal, "the training reviews all have the rating 0.5: nothing to learn");
    }

    #[test]
    fn every_written_review_is_a_single_piece() {
        let longest = writer::write(WRITTEN_REVIEWS, WRITTEN_SEED).into_iter();
        let longest = longest.map(|review| review.words.len()).max().unwrap();
        assert!(longest <= Preset::written_reviews().piece_length, "{longest}");
    }
}
