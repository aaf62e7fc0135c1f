//! Batches of Burn's data loaders that know the draw of their masks.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use burn::data::dataloader::batcher::Batcher;
use burn::data::dataloader::{DataLoader, DataLoaderIterator, Progress};
use burn::data::dataset::{Dataset, DatasetError};
use burn::tensor::Device;

/// A batch, and the draw of the masks it is trained with.
///
/// A training step of burn-train has neither a number nor a place for one, so that it cannot tell which
/// draw is its own; the batch can. Its draw is a function of the numbers of its items in the data set,
/// in their order, and of the epoch: the same batch has the same masks whichever worker loads it,
/// whichever device trains on it and whenever a run goes on, and another draw in every epoch.
///
/// # Example
///
/// ```
/// use burn::data::dataloader::{DataLoader, DataLoaderBuilder};
/// use burn::data::dataset::InMemDataset;
/// use burn::tensor::Device;
/// use burn_variational_dropout::MaskRng;
/// use burn_variational_training::{
///     NumberedDataset, Stamped, StampedBatcher, StampedLoader, TokenBatcher,
/// };
///
/// let reviews = InMemDataset::new(vec![vec![5, 2, 8], vec![3], vec![4, 4]]);
/// let loader = DataLoaderBuilder::new(StampedBatcher::new(TokenBatcher::new(0)))
///     .batch_size(2)
///     .shuffle(1)
///     .set_device(Device::flex())
///     .build(NumberedDataset::new(reviews));
/// let loader = StampedLoader::new(loader);
/// for batch in loader.iter() {
///     let Stamped { batch: (tokens, lengths), draw } = batch?;
///     // What a `TrainStep` samples its masks from.
///     let draw = MaskRng::seeded(1).draw(draw);
/// #   let _ = (tokens, lengths, draw);
/// }
/// # Ok::<(), burn::data::dataset::DatasetError>(())
/// ```
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Stamped<O> {
    /// The batch.
    pub batch: O,
    /// The number of its draw, for [`MaskRng::draw`](burn_variational_dropout::MaskRng::draw).
    pub draw: u64,
}

/// A data set whose items come with their numbers, which a [`StampedBatcher`] reads.
#[derive(Debug, Clone)]
pub struct NumberedDataset<D> {
    dataset: D,
}

impl<D> NumberedDataset<D> {
    /// Of a data set.
    pub fn new(dataset: D) -> Self {
        Self { dataset }
    }
}

impl<I, D: Dataset<I>> Dataset<(usize, I)> for NumberedDataset<D>
where
    I: Send + Sync + Clone,
{
    fn get(&self, index: usize) -> Result<(usize, I), DatasetError> {
        self.dataset.get(index).map(|item| (index, item))
    }

    fn len(&self) -> usize {
        self.dataset.len()
    }
}

/// Stamps the batches of another batcher. Its stamps say nothing of the epoch yet: a
/// [`StampedLoader`] adds that.
#[derive(Debug, Clone)]
pub struct StampedBatcher<B> {
    batcher: B,
}

impl<B> StampedBatcher<B> {
    /// Around a batcher.
    pub fn new(batcher: B) -> Self {
        Self { batcher }
    }
}

impl<I, O, B: Batcher<I, O>> Batcher<(usize, I), Stamped<O>> for StampedBatcher<B> {
    fn batch(&self, items: Vec<(usize, I)>, device: &Device) -> Stamped<O> {
        let (numbers, items): (Vec<usize>, Vec<I>) = items.into_iter().unzip();
        let draw = numbers.into_iter().fold(EMPTY, |stamp, number| mixed(stamp, number as u64));
        Stamped { batch: self.batcher.batch(items, device), draw }
    }
}

/// A loader of stamped batches that counts epochs: each time it is iterated over, its batches get
/// other draws.
pub struct StampedLoader<O> {
    loader: Arc<dyn DataLoader<Stamped<O>>>,
    epoch: AtomicU64,
    /// Epochs that the loader has yet to shuffle for, and nobody reads.
    n_skipped: AtomicU64,
}

impl<O> StampedLoader<O> {
    /// Around a loader whose batches a [`StampedBatcher`] makes; the first epoch is 1.
    pub fn new(loader: Arc<dyn DataLoader<Stamped<O>>>) -> Self {
        Self { loader, epoch: AtomicU64::new(1), n_skipped: AtomicU64::new(0) }
    }

    /// Begins with this epoch, counted from 1: what a resumed run does, with the one after its
    /// checkpoint. Its batches are those of that epoch, for the loader first shuffles as often as it
    /// would have.
    ///
    /// # Panics
    ///
    /// If the epoch is 0.
    pub fn with_first_epoch(self, epoch: u64) -> Self {
        assert!(epoch > 0, "StampedLoader: epochs are counted from 1, got 0");
        let (epoch, n_skipped) = (AtomicU64::new(epoch), AtomicU64::new(epoch - 1));
        Self { epoch, n_skipped, ..self }
    }

    fn with_loader(&self, loader: Arc<dyn DataLoader<Stamped<O>>>) -> Self {
        let same = |number: &AtomicU64| AtomicU64::new(number.load(Ordering::Relaxed));
        Self { loader, epoch: same(&self.epoch), n_skipped: same(&self.n_skipped) }
    }
}

impl<O> std::fmt::Debug for StampedLoader<O> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("StampedLoader").field("epoch", &self.epoch).finish_non_exhaustive()
    }
}

impl<O: Send + 'static> DataLoader<Stamped<O>> for StampedLoader<O> {
    fn iter<'a>(&'a self) -> Box<dyn DataLoaderIterator<Stamped<O>> + 'a> {
        // Burn's loaders shuffle once for each time that they are iterated over.
        for _ in 0..self.n_skipped.swap(0, Ordering::Relaxed) {
            drop(self.loader.iter());
        }
        let epoch = self.epoch.fetch_add(1, Ordering::Relaxed);
        Box::new(OfEpoch { batches: self.loader.iter(), epoch })
    }

    fn num_items(&self) -> usize {
        self.loader.num_items()
    }

    fn to_device(&self, device: &Device) -> Arc<dyn DataLoader<Stamped<O>>> {
        Arc::new(self.with_loader(self.loader.to_device(device)))
    }

    fn slice(&self, start: usize, end: usize) -> Arc<dyn DataLoader<Stamped<O>>> {
        Arc::new(self.with_loader(self.loader.slice(start, end)))
    }
}

/// The batches of an epoch.
struct OfEpoch<'a, O> {
    batches: Box<dyn DataLoaderIterator<Stamped<O>> + 'a>,
    epoch: u64,
}

impl<O> Iterator for OfEpoch<'_, O> {
    type Item = Result<Stamped<O>, DatasetError>;

    fn next(&mut self) -> Option<Self::Item> {
        let batch = self.batches.next()?;
        Some(batch.map(|Stamped { batch, draw }| Stamped { batch, draw: mixed(draw, self.epoch) }))
    }
}

impl<O> DataLoaderIterator<Stamped<O>> for OfEpoch<'_, O> {
    fn progress(&self) -> Progress {
        self.batches.progress()
    }
}

/// The stamp of no item: where FNV-1a begins.
const EMPTY: u64 = 0xcbf2_9ce4_8422_2325;

/// FNV-1a over the bytes of a number, of 64 bits: draws that differ must have numbers that differ, and
/// are otherwise made random by the generator.
fn mixed(stamp: u64, number: u64) -> u64 {
    const PRIME: u64 = 0x0000_0100_0000_01b3;
    number
        .to_le_bytes()
        .into_iter()
        .fold(stamp, |stamp, byte| (stamp ^ u64::from(byte)).wrapping_mul(PRIME))
}

#[cfg(test)]
mod tests {
    use std::collections::{HashMap, HashSet};

    use super::*;
    use burn::data::dataloader::DataLoaderBuilder;
    use burn::data::dataset::InMemDataset;

    /// Gives the items as they are.
    #[derive(Clone)]
    struct Items;

    impl Batcher<u32, Vec<u32>> for Items {
        fn batch(&self, items: Vec<u32>, _device: &Device) -> Vec<u32> {
            items
        }
    }

    fn loader(n_workers: usize, shuffled: bool) -> StampedLoader<Vec<u32>> {
        let dataset = NumberedDataset::new(InMemDataset::new((0..40).collect()));
        let builder = DataLoaderBuilder::new(StampedBatcher::new(Items))
            .batch_size(5)
            .num_workers(n_workers)
            .set_device(Device::flex());
        let builder = if shuffled { builder.shuffle(1) } else { builder };
        StampedLoader::new(builder.build(dataset))
    }

    fn epoch(loader: &dyn DataLoader<Stamped<Vec<u32>>>) -> HashMap<Vec<u32>, u64> {
        let batches = loader.iter().map(Result::unwrap);
        batches.map(|stamped| (stamped.batch, stamped.draw)).collect()
    }

    #[test]
    fn a_batch_has_the_same_draw_whoever_loads_it() {
        let alone = epoch(&loader(0, false));
        assert_eq!(alone.len(), 8);
        for n_workers in [1, 4] {
            let together = epoch(&loader(n_workers, false));
            // Of forty items four workers read ten each, which are whole batches.
            assert_eq!(together, alone, "{n_workers} workers");
        }
    }

    #[test]
    fn every_batch_of_every_epoch_has_a_draw_of_its_own() {
        let loader = loader(0, true);
        let draws: Vec<u64> = (0..10).flat_map(|_| epoch(&loader).into_values()).collect();
        assert_eq!(draws.iter().collect::<HashSet<_>>().len(), 80);
        // The same items in the same order meet other masks in another epoch.
        let ordered = self::loader(0, false);
        let (first, second) = (epoch(&ordered), epoch(&ordered));
        assert!(first.iter().all(|(batch, draw)| second[batch] != *draw));
    }

    #[test]
    fn a_run_that_goes_on_has_the_draws_of_its_epoch() {
        let whole = loader(0, false);
        let (_, second) = (epoch(&whole), epoch(&whole));
        let resumed = loader(0, false).with_first_epoch(2);
        assert_eq!(epoch(&resumed), second);
    }

    #[test]
    fn a_run_that_goes_on_has_the_batches_of_its_epoch() {
        for n_workers in [0, 1, 4] {
            // As a learner does, which moves the loader to its device first.
            let start = |first| {
                let loader = loader(n_workers, true).with_first_epoch(first);
                loader.to_device(&Device::flex())
            };
            let whole = start(1);
            let epochs = [epoch(&*whole), epoch(&*whole), epoch(&*whole)];
            assert_ne!(epochs[0], epochs[1]);
            assert_eq!(epoch(&*start(3)), epochs[2], "{n_workers} workers");
        }
    }

    #[test]
    fn a_part_for_another_device_counts_the_same_epochs() {
        let whole = loader(0, false);
        let parts = [whole.slice(0, 20), whole.slice(20, 40).to_device(&Device::flex())];
        for _ in 0..2 {
            // A slice leaves the items the numbers that they have in the whole.
            let parts: Vec<_> = parts.iter().flat_map(|part| epoch(&**part)).collect();
            assert_eq!(parts.len(), 8);
            let whole = epoch(&whole);
            for (batch, draw) in parts {
                assert_eq!(whole[&batch], draw);
            }
        }
    }
}
