//! When validation stops getting better.

use std::collections::VecDeque;

use serde::{Deserialize, Serialize};

/// The non-monotone trigger of NT-ASGD: patience that a single bad check does not exhaust.
///
/// Of checks `0, 1, 2, …` with losses `v_0, v_1, …` and an interval of `n`, check `t` triggers if
///
/// ```text
/// t > n    and    v_t > min(v_0, …, v_{t-n-1})
/// ```
///
/// that is, if it is worse than the best of all checks but the last `n`. AWD-LSTM has `n = 5` and
/// checks the validation loss after each epoch. It serves for anything that should wait for
/// training to stall: averaging ([`NtAsgd`](crate::NtAsgd)), a lower learning rate, the end.
///
/// A loss that is no number counts as infinite. It is plain data and belongs to the progress of a
/// [checkpoint](crate::CheckpointDir); what is read back is the same to the bit.
///
/// # Example
///
/// ```
/// use burn_variational_training::NonMonotone;
///
/// let mut trigger = NonMonotone::new(2);
/// let losses = [5.0, 4.0, 4.5, 4.3, 4.2];
/// let triggered: Vec<bool> = losses.into_iter().map(|loss| trigger.check(loss)).collect();
/// // 4.3 is better than the 5.0 before the last two checks, 4.2 is worse than 4.0.
/// assert_eq!(triggered, [false, false, false, false, true]);
/// ```
///
/// # References
///
/// Stephen Merity, Nitish Shirish Keskar and Richard Socher, *Regularizing and Optimizing LSTM
/// Language Models*, 2017, arXiv 1708.02182, algorithm 1.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct NonMonotone {
    n: usize,
    /// The last `n` losses, oldest first.
    recent: VecDeque<Loss>,
    /// The best of those before, infinite if there are none.
    best_before: Loss,
}

impl NonMonotone {
    /// A trigger that leaves the last `n` checks out of the comparison.
    pub fn new(n: usize) -> Self {
        Self { n, recent: VecDeque::new(), best_before: Loss::from(f64::INFINITY) }
    }

    /// Takes the loss of the next check, lower being better, and says whether it triggers. It may
    /// do so again and again: a caller that acts once stops asking.
    pub fn check(&mut self, loss: f64) -> bool {
        let loss = if loss.is_nan() { f64::INFINITY } else { loss };
        let best = f64::from(self.best_before);
        self.recent.push_back(loss.into());
        if self.recent.len() > self.n
            && let Some(oldest) = self.recent.pop_front()
        {
            self.best_before = best.min(oldest.into()).into();
        }
        loss > best
    }
}

/// A loss as its bits: as a decimal number JSON has no infinity, and may be off in the last place
/// when it is read back, which decides where a loss equals the best.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
struct Loss(u64);

impl From<f64> for Loss {
    fn from(loss: f64) -> Self {
        Self(loss.to_bits())
    }
}

impl From<Loss> for f64 {
    fn from(loss: Loss) -> Self {
        Self::from_bits(loss.0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn triggered(n: usize, losses: &[f64]) -> Vec<bool> {
        let mut trigger = NonMonotone::new(n);
        losses.iter().map(|&loss| trigger.check(loss)).collect()
    }

    #[test]
    fn without_an_interval_any_loss_over_the_best_triggers() {
        assert_eq!(triggered(0, &[3.0, 2.0, 2.0, 2.5, 1.0]), [false, false, false, true, false]);
    }

    #[test]
    fn a_loss_that_is_no_number_is_worse_than_any_and_never_the_best() {
        assert_eq!(
            triggered(1, &[f64::NAN, f64::NAN, 2.0, 1.0, f64::NAN]),
            [false, false, false, false, true]
        );
    }

    #[test]
    fn a_trigger_read_back_goes_on_as_it_was() {
        // With one that JSON has no number for.
        let losses = [5.1, f64::INFINITY, 0.1 + 0.2, 1.0 / 3.0, 5.1];
        let (mut whole, mut parts) = (NonMonotone::new(1), NonMonotone::new(1));
        for loss in losses {
            let json = serde_json::to_string(&parts).unwrap();
            parts = serde_json::from_str(&json).unwrap();
            assert_eq!(parts, whole);
            assert_eq!(parts.check(loss), whole.check(loss));
        }
    }
}
