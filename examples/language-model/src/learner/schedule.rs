//! A schedule by epochs as a learning rate scheduler, which is asked before every step.

use burn::optim::LearningRate;
use burn::optim::lr_scheduler::{LrScheduler, LrSchedulerRecord};

use crate::preset::Schedule;

/// The learning rates of a schedule, step by step.
#[derive(Debug, Clone)]
pub(super) struct StepRates {
    schedule: Schedule,
    steps_per_epoch: usize,
    n_steps: u64,
}

impl StepRates {
    pub(super) fn new(schedule: Schedule, steps_per_epoch: usize) -> Self {
        Self { schedule, steps_per_epoch, n_steps: 0 }
    }
}

impl LrScheduler for StepRates {
    fn step(&mut self) -> LearningRate {
        let epoch = self.n_steps as usize / self.steps_per_epoch + 1;
        self.n_steps += 1;
        self.schedule.lr(epoch)
    }

    fn to_record(&self) -> LrSchedulerRecord {
        LrSchedulerRecord::new().with_scalar("n_steps", self.n_steps)
    }

    fn load_record(&mut self, record: LrSchedulerRecord) {
        self.n_steps = record.scalar("n_steps").expect("a record of this scheduler counts steps");
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rates_change_with_epochs_and_go_on_from_a_record() {
        let schedule = Schedule { lr: 1.0, constant_epochs: 1, factor: 0.5 };
        let mut rates = StepRates::new(schedule, 3);
        let seen: Vec<_> = (0..7).map(|_| rates.step()).collect();
        assert_eq!(seen, [1.0, 1.0, 1.0, 0.5, 0.5, 0.5, 0.25]);
        let mut others = StepRates::new(schedule, 3);
        others.load_record(rates.to_record());
        let seen: Vec<_> = (0..3).map(|_| others.step()).collect();
        assert_eq!(seen, [0.25, 0.25, 0.125]);
    }
}
