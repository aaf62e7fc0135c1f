//! A line after each epoch, where there is no terminal to draw a dashboard on.

use std::collections::BTreeMap;

use burn::train::logger::{EvaluationProgressLogger, TrainingProgressLogger};
use burn::train::metric::{MetricDefinition, MetricId};
use burn::train::renderer::{
    EvaluationName, MetricState, MetricsRenderer, MetricsRendererEvaluation,
    MetricsRendererTraining,
};

/// Says what the metrics of each epoch have come to, on standard error.
pub(super) struct EpochLines {
    label: String,
    n_epochs: usize,
    names: Vec<(MetricId, String)>,
    /// The running values of the epoch, by what is said of them.
    values: BTreeMap<String, f64>,
}

impl EpochLines {
    pub(super) fn new(label: String, n_epochs: usize) -> Self {
        Self { label, n_epochs, names: Vec::new(), values: BTreeMap::new() }
    }

    fn note(&mut self, split: &str, state: MetricState) {
        if let MetricState::Numeric(entry, Some(value)) = state
            && let Some((_, name)) = self.names.iter().find(|(id, _)| *id == entry.metric_id)
        {
            self.values.insert(format!("{split} {name}"), value.current());
        }
    }
}

impl MetricsRendererTraining for EpochLines {
    fn update_train(&mut self, state: MetricState) {
        self.note("train", state);
    }

    fn update_valid(&mut self, state: MetricState) {
        self.note("valid", state);
    }
}

impl TrainingProgressLogger for EpochLines {
    fn start(
        &mut self,
        _total_epochs: usize,
        _starting_epoch: usize,
        _total_items: Option<usize>,
        _label: Option<&str>,
    ) {
    }

    fn start_split(&mut self, _split: &str, _total_items: usize) {}

    fn update_split(&mut self, _items_processed: usize) {}

    fn end_split(&mut self) {}

    fn update_epoch(&mut self, epoch: usize) {
        let values = std::mem::take(&mut self.values).into_iter();
        let values: Vec<_> = values.map(|(name, value)| format!("{name} {value:.3}")).collect();
        eprintln!("{:<18} epoch {epoch:>3}/{}  {}", self.label, self.n_epochs, values.join("  "));
    }

    fn end(&mut self) {}

    fn log_event_training(&mut self, _event: String) {}
}

/// Nothing is evaluated by it.
impl EvaluationProgressLogger for EpochLines {
    fn start_global_progress(&mut self, _total_tests: usize) {}

    fn start_test(&mut self, _name: &str, _total_items: usize) {}

    fn update_test_progress(&mut self, _items_processed: usize) {}

    fn end_test(&mut self) {}

    fn end_global_progress(&mut self) {}

    fn log_event_evaluation(&mut self, _event: String) {}
}

impl MetricsRendererEvaluation for EpochLines {
    fn update_test(&mut self, _name: EvaluationName, _state: MetricState) {}
}

impl MetricsRenderer for EpochLines {
    fn manual_close(&mut self) {}

    fn register_metric(&mut self, definition: MetricDefinition) {
        self.names.push((definition.metric_id, definition.name.to_string()));
    }
}
