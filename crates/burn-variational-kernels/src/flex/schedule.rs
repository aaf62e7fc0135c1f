//! Who computes what when: rows and units are cut by shape alone, threads take what is next.

use std::ops::Range;
use std::sync::atomic::{AtomicUsize, Ordering};

use rayon::prelude::*;

use super::panels::blocks;
use super::real::Real;
use crate::operation::Sizes;

/// The most rows in one matrix product: beyond 48, `gemm` copies the panel before it multiplies.
pub(super) const MAX_ROWS: usize = 32;

/// The weights that leave room for the rest in a core's own cache.
const CACHED_WEIGHTS: usize = 1 << 20;

/// The multiplications of a step under which waiting for another thread costs more than it helps.
const MIN_SPLIT_WORK: usize = 1 << 18;

/// How the tasks of a sequence are shared out.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Split {
    /// One task for some rows, over all steps: nothing to wait for.
    Rows,
    /// One task for some units of one step; the next step waits for all of them. Every thread
    /// reads its part of the weights only.
    Units,
}

/// The tasks of a sequence.
#[derive(Debug)]
pub(super) struct Schedule {
    pub(super) rows: Vec<Range<usize>>,
    pub(super) blocks: Vec<Range<usize>>,
    pub(super) split: Split,
}

impl Schedule {
    /// The tasks for these sizes: the same whatever threads there are, so that results are too.
    pub(super) fn new<T>(sizes: Sizes) -> Self {
        let Sizes { batch_size, d_hidden, n_gates, .. } = sizes;
        let weights = n_gates * d_hidden * d_hidden;
        let cached = weights * size_of::<T>() <= CACHED_WEIGHTS;
        let small = weights * batch_size < MIN_SPLIT_WORK;
        let split =
            if small || (cached && batch_size > 1) { Split::Rows } else { Split::Units };
        let mut parts = batch_size.div_ceil(MAX_ROWS);
        if split == Split::Rows && !small {
            parts = parts.max(2);
        }
        let row = |part: usize| part * batch_size / parts;
        Self {
            rows: (0..parts).map(|part| row(part)..row(part + 1)).collect(),
            blocks: blocks(d_hidden),
            split,
        }
    }

    /// Runs all stages in order. `task(scratch, stage, rows, units)` finds the results of earlier
    /// stages, of the same rows at least, and writes its own rows and units.
    pub(super) fn run<T: Real>(
        &self,
        stages: usize,
        scratch: usize,
        task: impl Fn(&mut [T], usize, &Range<usize>, &Range<usize>) + Sync,
    ) {
        match self.split {
            Split::Rows => self.by_rows(stages, scratch, task),
            Split::Units => self.by_units(stages, scratch, task),
        }
    }

    fn by_rows<T: Real>(
        &self,
        stages: usize,
        scratch: usize,
        task: impl Fn(&mut [T], usize, &Range<usize>, &Range<usize>) + Sync,
    ) {
        let sequence = |rows: &Range<usize>| {
            let mut scratch = vec![T::ZERO; scratch];
            for stage in 0..stages {
                for units in &self.blocks {
                    task(&mut scratch, stage, rows, units);
                }
            }
        };
        match self.rows.as_slice() {
            [all] => sequence(all),
            several => several.par_iter().with_max_len(1).for_each(sequence),
        }
    }

    /// Threads draw numbers; number `n` is block `n mod blocks` of stage `n / blocks`. A thread
    /// waits only for smaller numbers, which running threads hold, so nobody waits for ever, not
    /// even if no second thread ever comes to help.
    fn by_units<T: Real>(
        &self,
        stages: usize,
        scratch: usize,
        task: impl Fn(&mut [T], usize, &Range<usize>, &Range<usize>) + Sync,
    ) {
        let next = CacheLine(AtomicUsize::new(0));
        let done = CacheLine(AtomicUsize::new(0));
        let work = || {
            let mut scratch = vec![T::ZERO; scratch];
            loop {
                let number = next.0.fetch_add(1, Ordering::Relaxed);
                let (stage, block) = (number / self.blocks.len(), number % self.blocks.len());
                if stage >= stages {
                    break;
                }
                wait_for(&done.0, stage * self.blocks.len());
                let _counted = Counted(&done.0);
                for rows in &self.rows {
                    task(&mut scratch, stage, rows, &self.blocks[block]);
                }
            }
        };
        let helpers = rayon::current_num_threads().min(self.blocks.len()) - 1;
        rayon::scope(|scope| {
            for _ in 0..helpers {
                scope.spawn(|_| work());
            }
            work();
        });
    }
}

/// Keeps two counters from sharing a cache line.
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
