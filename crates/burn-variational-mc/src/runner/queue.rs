//! Which pass is whose: several workers take passes, and some give theirs back.

use std::sync::{Condvar, Mutex, MutexGuard, PoisonError};

/// The passes of a plan by their places. A worker that fails gives its pass back, so the others stay
/// until every pass is done; and none runs far ahead of what has been taken in, so that outputs that
/// wait for it do not pile up.
pub(super) struct Queue {
    n_passes: usize,
    max_ahead: usize,
    state: Mutex<State>,
    changed: Condvar,
}

#[derive(Default)]
struct State {
    /// Passes that nobody has taken, but for those given back.
    next: usize,
    given_back: Vec<usize>,
    n_running: usize,
    n_taken_in: usize,
    is_over: bool,
}

impl Queue {
    /// So many passes, of which the last one running is so many after those taken in at most.
    pub(super) fn new(n_passes: usize, max_ahead: usize) -> Self {
        Self { n_passes, max_ahead, state: Mutex::default(), changed: Condvar::new() }
    }

    /// The next pass to run; none once all are done, or nobody wants more.
    pub(super) fn take(&self) -> Option<usize> {
        let mut state = self.state();
        loop {
            if state.is_over {
                return None;
            }
            if let Some(pass) = state.given_back.pop() {
                state.n_running += 1;
                return Some(pass);
            }
            if state.next < self.n_passes.min(state.n_taken_in + self.max_ahead) {
                state.n_running += 1;
                state.next += 1;
                return Some(state.next - 1);
            }
            if state.next == self.n_passes && state.n_running == 0 {
                return None;
            }
            state = self.changed.wait(state).unwrap_or_else(PoisonError::into_inner);
        }
    }

    /// A pass is done.
    pub(super) fn finish(&self) {
        self.change(|state| state.n_running -= 1);
    }

    /// A pass is not done, and somebody else has to run it.
    pub(super) fn give_back(&self, pass: usize) {
        self.change(|state| {
            state.n_running -= 1;
            state.given_back.push(pass);
        });
    }

    /// The output of one more pass has been taken in.
    pub(super) fn take_in(&self) {
        self.change(|state| state.n_taken_in += 1);
    }

    /// No more passes are wanted.
    pub(super) fn end(&self) {
        self.change(|state| state.is_over = true);
    }

    fn change(&self, change: impl FnOnce(&mut State)) {
        change(&mut self.state());
        self.changed.notify_all();
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    use std::thread;

    use super::*;

    #[test]
    fn a_pass_that_is_given_back_is_taken_again_by_who_waits_for_the_end() {
        let queue = Queue::new(2, 2);
        assert_eq!([queue.take(), queue.take()], [Some(0), Some(1)]);
        queue.finish();
        thread::scope(|scope| {
            // Whether it waits already or not.
            let waiting = scope.spawn(|| queue.take());
            queue.give_back(0);
            assert_eq!(waiting.join().unwrap(), Some(0));
        });
        queue.finish();
        assert_eq!(queue.take(), None);
    }

    #[test]
    fn nobody_runs_far_ahead_of_what_is_taken_in() {
        let queue = Queue::new(10, 2);
        assert_eq!([queue.take(), queue.take()], [Some(0), Some(1)]);
        thread::scope(|scope| {
            let ahead = scope.spawn(|| queue.take());
            queue.finish();
            queue.take_in();
            assert_eq!(ahead.join().unwrap(), Some(2));
        });
        queue.end();
        assert_eq!(queue.take(), None);
    }
}
