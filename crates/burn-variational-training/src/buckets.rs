//! Batches of sequences that are about as long as each other.

#[cfg(feature = "dataset")]
use burn::data::dataloader::BatchStrategy;
use rand::SeedableRng;
use rand::seq::SliceRandom;
use rand_chacha::ChaCha8Rng;

/// Puts items into batches with others that are about as long, as they come: nothing is sorted,
/// and no more is held than one unfinished batch for each bucket.
///
/// A batch is padded to its longest sequence, so a batch of any lengths is mostly padding. Bucket
/// `k` takes the lengths up to its bound and over that of the one before it; what is longer than
/// all bounds has a bucket of its own. Every item is in one batch; the last one of a bucket may be
/// smaller than the others.
#[derive(Debug)]
pub struct LengthBuckets<I> {
    bounds: Vec<usize>,
    batch_size: usize,
    length: fn(&I) -> usize,
    buckets: Vec<Vec<I>>,
    /// Complete batches that a data loader has not asked for yet.
    #[cfg(feature = "dataset")]
    full: Vec<Vec<I>>,
}

impl<I> LengthBuckets<I> {
    /// Buckets with these bounds, for batches of so many items whose length is what `length` says.
    ///
    /// # Panics
    ///
    /// If the batch size is 0, or a bound is not over the one before it.
    pub fn new(bounds: Vec<usize>, batch_size: usize, length: fn(&I) -> usize) -> Self {
        assert!(batch_size > 0, "LengthBuckets: batch_size must be positive, got 0");
        for pair in bounds.windows(2) {
            assert!(
                pair[0] < pair[1],
                "LengthBuckets: bounds must grow, got {} after {}",
                pair[1],
                pair[0]
            );
        }
        let buckets = (0..=bounds.len()).map(|_| Vec::new()).collect();
        Self {
            bounds,
            batch_size,
            length,
            buckets,
            #[cfg(feature = "dataset")]
            full: Vec::new(),
        }
    }

    /// Takes an item, and gives a batch if it is the last that one lacked.
    pub fn push(&mut self, item: I) -> Option<Vec<I>> {
        let length = (self.length)(&item);
        let bucket = self.bounds.partition_point(|&bound| bound < length);
        let bucket = &mut self.buckets[bucket];
        bucket.push(item);
        (bucket.len() == self.batch_size).then(|| std::mem::take(bucket))
    }

    /// A batch of what is left in a bucket, if anything is.
    pub fn rest(&mut self) -> Option<Vec<I>> {
        self.buckets.iter_mut().find(|bucket| !bucket.is_empty()).map(std::mem::take)
    }

    /// The batches of all items, as they are complete, and then what is left in the buckets.
    ///
    /// # Example
    ///
    /// ```
    /// use burn_variational_training::LengthBuckets;
    ///
    /// let words = ["a", "recurrent", "of", "networks", "to"];
    /// let buckets = LengthBuckets::new(vec![4], 2, |word: &&str| word.len());
    /// let batches: Vec<_> = buckets.batches(words).collect();
    /// assert_eq!(batches, [vec!["a", "of"], vec!["recurrent", "networks"], vec!["to"]]);
    /// ```
    pub fn batches(mut self, items: impl IntoIterator<Item = I>) -> impl Iterator<Item = Vec<I>> {
        let mut items = items.into_iter();
        std::iter::from_fn(move || {
            items.by_ref().find_map(|item| self.push(item)).or_else(|| self.rest())
        })
    }
}

impl LengthBuckets<usize> {
    /// The batches of one epoch over items of these lengths, as their numbers: in another order
    /// for each seed and epoch, the same for the same.
    ///
    /// The batches are shuffled too, so that what is left in the buckets is not always the last.
    ///
    /// # Panics
    ///
    /// As [`new`](Self::new).
    ///
    /// # Example
    ///
    /// ```
    /// use burn_variational_training::LengthBuckets;
    ///
    /// let lengths = [2, 9, 3, 8, 1];
    /// let batches = LengthBuckets::epoch(&lengths, &[4], 2, 7, 0);
    /// let mut rows = batches.concat();
    /// rows.sort();
    /// assert_eq!(rows, [0, 1, 2, 3, 4]);
    /// ```
    pub fn epoch(
        lengths: &[usize],
        bounds: &[usize],
        batch_size: usize,
        seed: u64,
        epoch: u64,
    ) -> Vec<Vec<usize>> {
        let mut words = ChaCha8Rng::seed_from_u64(seed);
        words.set_stream(epoch);
        let mut rows: Vec<(usize, usize)> = lengths.iter().copied().enumerate().collect();
        rows.shuffle(&mut words);
        let buckets = LengthBuckets::new(bounds.into(), batch_size, |row: &(usize, usize)| row.1);
        let batches = buckets.batches(rows);
        let mut batches: Vec<Vec<usize>> =
            batches.map(|batch| batch.into_iter().map(|(row, _)| row).collect()).collect();
        batches.shuffle(&mut words);
        batches
    }
}

/// Serves Burn's data loaders, which shuffle by their own seed:
///
/// ```
/// use std::sync::Arc;
///
/// use burn::data::dataloader::batcher::Batcher;
/// use burn::data::dataloader::{BatchDataLoader, DataLoader};
/// use burn::data::dataset::InMemDataset;
/// use burn::tensor::Device;
/// use burn_variational_training::LengthBuckets;
///
/// struct Longest;
///
/// impl Batcher<Vec<i64>, usize> for Longest {
///     fn batch(&self, items: Vec<Vec<i64>>, _device: &Device) -> usize {
///         items.iter().map(Vec::len).max().unwrap_or(0)
///     }
/// }
///
/// let texts = [2, 9, 3, 8, 1].map(|length| vec![0; length]);
/// let loader = BatchDataLoader::new(
///     Box::new(LengthBuckets::new(vec![4], 2, |text: &Vec<i64>| text.len())),
///     Arc::new(InMemDataset::new(texts.into())),
///     Arc::new(Longest),
///     Device::flex(),
///     None,
/// );
/// let longest: Vec<_> = loader.iter().map(|batch| batch.unwrap()).collect();
/// assert_eq!(longest, [3, 9, 1]);
/// ```
#[cfg(feature = "dataset")]
impl<I: Send + Sync + 'static> BatchStrategy<I> for LengthBuckets<I> {
    fn add(&mut self, item: I) {
        let batch = self.push(item);
        self.full.extend(batch);
    }

    fn batch(&mut self, force: bool) -> Option<Vec<I>> {
        self.full.pop().or_else(|| if force { self.rest() } else { None })
    }

    fn clone_dyn(&self) -> Box<dyn BatchStrategy<I>> {
        Box::new(Self::new(self.bounds.clone(), self.batch_size, self.length))
    }

    /// Unknown: an item is asked for at a time, since any of them may complete a batch.
    fn batch_size(&self) -> Option<usize> {
        None
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const N_ROWS: usize = 5_000;
    const BATCH_SIZE: usize = 32;
    const BOUNDS: [usize; 7] = [25, 50, 75, 100, 125, 150, 175];

    /// Uniform from 1 to 200.
    fn lengths() -> Vec<usize> {
        (0..N_ROWS).map(|row| 1 + row * 7_919 % 200).collect()
    }

    fn epoch(seed: u64, epoch: u64) -> Vec<Vec<usize>> {
        LengthBuckets::epoch(&lengths(), &BOUNDS, BATCH_SIZE, seed, epoch)
    }

    /// The share of padding in batches that are padded to their longest row.
    fn padding(batches: &[Vec<usize>]) -> f64 {
        let lengths = lengths();
        let of_batch = |batch: &Vec<usize>| {
            let longest = batch.iter().map(|&row| lengths[row]).max().expect("a row");
            longest * batch.len()
        };
        let padded: usize = batches.iter().map(of_batch).sum();
        1.0 - lengths.iter().sum::<usize>() as f64 / padded as f64
    }

    #[test]
    fn every_row_is_in_one_batch_of_each_epoch() {
        for k in 0..3 {
            let batches = epoch(1, k);
            let mut rows = batches.concat();
            rows.sort_unstable();
            assert!(rows.into_iter().eq(0..N_ROWS));
            assert!(batches.iter().all(|batch| batch.len() <= BATCH_SIZE));
            // At most one batch of each bucket is smaller.
            let smaller = batches.iter().filter(|batch| batch.len() < BATCH_SIZE).count();
            assert!(smaller <= BOUNDS.len() + 1, "{smaller}");
        }
    }

    #[test]
    fn epochs_are_those_of_their_seed() {
        assert_eq!(epoch(1, 0), epoch(1, 0));
        assert_ne!(epoch(1, 0), epoch(1, 1));
        assert_ne!(epoch(1, 0), epoch(2, 0));
    }

    #[test]
    fn a_batch_has_rows_of_one_bucket() {
        let lengths = lengths();
        for batch in epoch(1, 0) {
            let bucket = |row: &usize| BOUNDS.partition_point(|&bound| bound < lengths[*row]);
            assert!(batch.iter().all(|row| bucket(row) == bucket(&batch[0])), "{batch:?}");
        }
    }

    #[test]
    fn buckets_save_most_of_the_padding() {
        let none = LengthBuckets::epoch(&lengths(), &[], BATCH_SIZE, 1, 0);
        let (none, buckets) = (padding(&none), padding(&epoch(1, 0)));
        // As README says.
        assert_eq!([none, buckets].map(|share| (100.0 * share).round()), [48.0, 10.0]);
    }
}
