//! Who computes what when: rows and units are cut for the threads at hand, which take what is next.

use std::ops::Range;
use std::sync::atomic::{AtomicUsize, Ordering};

use super::blocks::{MAX_UNITS, blocks, padded};
use super::parts::{MIN_ROWS, MIN_UNITS, least_columns, n_parts};
use super::sizes::Sizes;
use super::threads::stays;
use super::tile::Tile;
use super::walk_back::WalkedBack;
use crate::flex::numbers::Real;

/// The most rows in one matrix product: beyond 48, `gemm` copies the panel before it multiplies.
const MAX_ROWS: usize = 32;

/// The same for rows that end at different steps: so few that threads have about as much to do,
/// whatever the lengths are.
const MAX_ROWS_THAT_END: usize = 16;

/// The multiplications of a step under which waiting for another thread costs more than it helps.
const MIN_SPLIT_WORK: usize = 1 << 18;

/// Whether so many weights fit a core's own cache and leave room for the rest.
pub(crate) fn fit_cache<T>(weights: usize) -> bool {
    weights * size_of::<T>() <= 1 << 20
}

/// How the tasks of a sequence are shared out.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Split {
    /// One task for some rows, over all steps: nothing to wait for.
    Rows,
    /// One task for some units of one step; the next step waits for all of them. Every thread
    /// reads its part of the weights only.
    Units,
}

/// The tasks of a sequence.
#[derive(Debug)]
pub(crate) struct Schedule<'s> {
    pub(crate) sizes: Sizes<'s>,
    pub(crate) rows: Vec<Range<usize>>,
    pub(crate) blocks: Vec<Range<usize>>,
    pub(crate) split: Split,
    /// Whether the weights are worth laying out in panels, one for each block.
    pub(crate) in_panels: bool,
}

impl<'s> Schedule<'s> {
    /// The tasks for these sizes and the threads at hand. Results are the same for any number of
    /// them, since that only says where products of the same kind are cut.
    pub(crate) fn new<T>(sizes: Sizes<'s>) -> Self {
        let Sizes { steps, d_hidden, n_gates } = sizes;
        let batch_size = steps.batch_size();
        let weights = n_gates * d_hidden * d_hidden;
        let small = weights * batch_size < MIN_SPLIT_WORK || stays(steps.n_rows(), weights);
        // To lay them out for a single step takes longer than the step.
        let in_panels = steps.seq_length() > 1 || batch_size > MAX_ROWS;

        let row_parts = if steps.is_regular() {
            (batch_size.div_ceil(MAX_ROWS), (batch_size / MIN_ROWS).max(1))
        } else {
            // As rows end, a part may be left with a single one, wherever it was cut.
            let parts = batch_size.div_ceil(MAX_ROWS_THAT_END);
            (parts, parts)
        };
        let unit_parts = if in_panels {
            (d_hidden.div_ceil(MAX_UNITS), d_hidden.div_ceil(MIN_UNITS))
        } else {
            (1, (d_hidden / least_columns(batch_size)).max(1))
        };
        let n_fed = |(_, most): (usize, usize)| most.min(rayon::current_num_threads());
        let by_rows = small || (fit_cache::<T>(weights) && n_fed(row_parts) >= n_fed(unit_parts));
        let split = if by_rows { Split::Rows } else { Split::Units };

        let cut = |(least, most)| n_parts(least, most);
        let by_rows = split == Split::Rows && !small;
        // The number of threads may decide between the two, so rows that end are cut alike in both.
        let n_rows = if by_rows { cut(row_parts) } else { row_parts.0 };
        let n_blocks = if split == Split::Units { cut(unit_parts) } else { unit_parts.0 };
        let row = |part: usize| part * batch_size / n_rows;
        Self {
            sizes,
            rows: (0..n_rows).map(|part| row(part)..row(part + 1)).collect(),
            blocks: blocks(d_hidden, n_blocks),
            split,
            in_panels,
        }
    }

    /// Runs all stages in order, each on the first `n_rows(stage)` rows of the batch.
    /// `task(scratch, stage, tile)` finds the results of earlier stages, of the same rows at least,
    /// and writes its own rows and units. Its scratch has room for so many products of its tile.
    pub(crate) fn run<T: Real>(
        &self,
        stages: usize,
        n_rows: impl Fn(usize) -> usize + Sync,
        n_products: usize,
        task: impl Fn(&mut [T], usize, Tile<'_>) + Sync,
    ) {
        let longest = |ranges: &[Range<usize>]| ranges.iter().map(Range::len).max().unwrap_or(0);
        let scratch = n_products * longest(&self.rows) * padded(longest(&self.blocks));
        let task = |scratch: &mut [T], stage: usize, tile: Tile<'_>| {
            let rows = tile.among(n_rows(stage));
            if !rows.is_empty() {
                task(scratch, stage, Tile { rows: &rows, ..tile });
            }
        };
        match self.split {
            Split::Rows => self.by_rows(stages, scratch, task),
            Split::Units => self.by_units(stages, scratch, task),
        }
    }

    /// [`run`](Self::run) for a walk, of `per_step` stages a step.
    pub(crate) fn walk<T: Real>(
        &self,
        per_step: usize,
        n_products: usize,
        task: impl Fn(&mut [T], usize, usize, Tile<'_>) + Sync,
    ) {
        let steps = self.sizes.steps;
        let stages = per_step * steps.seq_length();
        let t = |stage: usize| steps.walked(stage / per_step);
        let n_rows = |stage: usize| steps.n_at(t(stage));
        self.run(stages, n_rows, n_products, |scratch, stage, tile| {
            task(scratch, stage, t(stage), tile);
        });
    }

    /// [`run`](Self::run) for a walk back, of `per_step` stages a step, and one more for what is
    /// left to the initial state.
    pub(crate) fn walk_back<T: Real>(
        &self,
        per_step: usize,
        n_products: usize,
        task: impl Fn(&mut [T], usize, WalkedBack, Tile<'_>) + Sync,
    ) {
        let steps = self.sizes.steps;
        let stages = per_step * steps.seq_length() + 1;
        let at = |stage: usize| steps.walked_back(stage / per_step);
        // The first stage of a step hands back what it gets from the later one, and some of whose
        // rows may have begun there.
        let n_rows = |stage: usize| {
            let WalkedBack { n_rows, later, .. } = at(stage);
            let later = later.filter(|_| stage.is_multiple_of(per_step));
            n_rows.max(later.map_or(0, |later| steps.n_at(later)))
        };
        self.run(stages, n_rows, n_products, |scratch, stage, tile| {
            task(scratch, stage, at(stage), tile);
        });
    }

    fn by_rows<T: Real>(
        &self,
        stages: usize,
        scratch: usize,
        task: impl Fn(&mut [T], usize, Tile<'_>) + Sync,
    ) {
        let sizes = self.sizes;
        let sequence = |rows: &Range<usize>| {
            let mut scratch = vec![T::ZERO; scratch];
            for stage in 0..stages {
                for units in &self.blocks {
                    task(&mut scratch, stage, Tile { sizes, rows, units });
                }
            }
        };
        let [_, _, ..] = self.rows.as_slice() else { return self.rows.iter().for_each(sequence) };
        // A thread takes what is next: the first rows have the longest sequences.
        let next = AtomicUsize::new(0);
        let work = || {
            while let Some(rows) = self.rows.get(next.fetch_add(1, Ordering::Relaxed)) {
                sequence(rows);
            }
        };
        rayon::scope(|scope| {
            for _ in 1..rayon::current_num_threads().min(self.rows.len()) {
                scope.spawn(|_| work());
            }
            work();
        });
    }

    /// Every thread first claims blocks of its own, and then those that others have left. The
    /// next stage begins when all blocks of this one are done. A thread waits only for blocks that
    /// running threads have claimed, so nobody waits for ever, not even if no second thread ever
    /// comes to help.
    ///
    /// A thread walks its blocks to and fro, so that it begins each stage with the panels that it
    /// read last and still has in its cache.
    fn by_units<T: Real>(
        &self,
        stages: usize,
        scratch: usize,
        task: impl Fn(&mut [T], usize, Tile<'_>) + Sync,
    ) {
        let (sizes, n_blocks) = (self.sizes, self.blocks.len());
        let n_threads = rayon::current_num_threads().min(n_blocks);
        // The stage a block is to be claimed for next.
        let claims: Vec<_> = (0..n_blocks).map(|_| CacheLine(AtomicUsize::new(0))).collect();
        let done = CacheLine(AtomicUsize::new(0));
        let claim = |block: usize, stage: usize| {
            let (taken, free) = (Ordering::Acquire, Ordering::Relaxed);
            claims[block].0.compare_exchange(stage, stage + 1, taken, free).is_ok()
        };
        let work = |thread: usize| {
            let mut scratch = vec![T::ZERO; scratch];
            for stage in done.0.load(Ordering::Acquire) / n_blocks..stages {
                let backwards = stage.is_multiple_of(2);
                for offset in 0..n_threads {
                    let owner = (thread + offset) % n_threads;
                    let first = |thread: usize| thread * n_blocks / n_threads;
                    let range = first(owner)..first(owner + 1);
                    // From the end that their owner comes to last.
                    let backwards = backwards != (offset > 0);
                    for k in 0..range.len() {
                        let block = if backwards { range.end - 1 - k } else { range.start + k };
                        if claim(block, stage) {
                            let _counted = Counted(&done.0);
                            for rows in &self.rows {
                                let units = &self.blocks[block];
                                task(&mut scratch, stage, Tile { sizes, rows, units });
                            }
                        }
                    }
                }
                wait_for(&done.0, (stage + 1) * n_blocks);
            }
        };
        rayon::scope(|scope| {
            for thread in 1..n_threads {
                let work = &work;
                scope.spawn(move |_| work(thread));
            }
            work(0);
        });
    }
}

/// Keeps counters from sharing a cache line.
#[repr(align(128))]
struct CacheLine<T>(T);

/// Counts a task as done when dropped: after a panic too, or the others would wait for ever.
struct Counted<'a>(&'a AtomicUsize);

impl Drop for Counted<'_> {
    fn drop(&mut self) {
        self.0.fetch_add(1, Ordering::Release);
    }
}

/// Waits until `counter` has reached `target`. A step takes microseconds, so it spins at first.
fn wait_for(counter: &AtomicUsize, target: usize) {
    const SPINS: usize = 4096;
    let mut spins = 0;
    while counter.load(Ordering::Acquire) < target {
        if spins < SPINS {
            spins += 1;
            std::hint::spin_loop();
        } else {
            std::thread::yield_now();
        }
    }
}

#[cfg(test)]
mod tests {
    use rayon::ThreadPoolBuilder;

    use super::*;
    use crate::steps::SequenceSteps;

    #[test]
    fn an_lstm_feeds_as_many_cores_as_readme_says() {
        let pool = ThreadPoolBuilder::new().num_threads(64).build().unwrap();
        for (seq_length, batch_size, d_hidden, split, n_cores) in [
            (200, 128, 128, Split::Rows, 16),
            (35, 20, 200, Split::Units, 7),
            (35, 20, 650, Split::Units, 21),
            (35, 20, 1500, Split::Units, 47),
        ] {
            let steps = SequenceSteps::regular(seq_length, batch_size);
            let sizes = Sizes { steps: &steps, d_hidden, n_gates: 4 };
            let schedule = pool.install(|| Schedule::new::<f32>(sizes));
            assert_eq!(schedule.split, split, "{sizes:?}");
            let tasks = if split == Split::Rows { &schedule.rows } else { &schedule.blocks };
            assert_eq!(tasks.len(), n_cores, "{sizes:?}");
        }
    }
}
