//! How wrapped cells are made.

use std::sync::Once;

use burn::config::Config;
use burn::tensor::Device;
use burn_variational_dropout::{MaskRng, SiteDropout};
use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};

use super::{INPUT, OUTPUT, STATE};
use crate::{
    CellConfig, CellSite, DropoutWrapper, RecurrentCell, RecurrentState, StackConfig, StackDropout,
};

/// Configuration of a [`DropoutWrapper`], with the names and defaults of TensorFlow's.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct DropoutWrapperConfig<K> {
    /// The cell that is wrapped.
    pub cell: K,
    /// The probability of keeping a unit of `x_t`, in `(0, 1]`.
    pub input_keep_prob: f64,
    /// The probability of keeping a unit of the state that a step hands to the next, in `(0, 1]`.
    pub state_keep_prob: f64,
    /// The probability of keeping a unit of the output, in `(0, 1]`.
    pub output_keep_prob: f64,
    /// Whether one mask serves all steps and the whole batch, or every step and row has its own.
    pub variational_recurrent: bool,
    /// The seed of [`rng`](Self::rng).
    pub seed: u64,
    /// The names of the state's tensors that are masked; none for all but `cell`.
    pub state_filter: Option<Vec<String>>,
}

impl<K: std::fmt::Debug + Clone + Serialize + DeserializeOwned> Config for DropoutWrapperConfig<K> {}

impl<K: CellConfig> DropoutWrapperConfig<K> {
    /// This cell, of which all is kept.
    pub fn new(cell: K) -> Self {
        Self {
            cell,
            input_keep_prob: 1.0,
            state_keep_prob: 1.0,
            output_keep_prob: 1.0,
            variational_recurrent: false,
            seed: 0,
            state_filter: None,
        }
    }

    /// With this probability of keeping a unit of `x_t`.
    pub fn with_input_keep_prob(mut self, keep_prob: f64) -> Self {
        self.input_keep_prob = keep_prob;
        self
    }

    /// With this probability of keeping a unit of the state that a step hands to the next.
    pub fn with_state_keep_prob(mut self, keep_prob: f64) -> Self {
        self.state_keep_prob = keep_prob;
        self
    }

    /// With this probability of keeping a unit of the output.
    pub fn with_output_keep_prob(mut self, keep_prob: f64) -> Self {
        self.output_keep_prob = keep_prob;
        self
    }

    /// With one mask for all steps and the whole batch (`true`), or one for each step and row
    /// (`false`, the default).
    pub fn with_variational_recurrent(mut self, variational_recurrent: bool) -> Self {
        self.variational_recurrent = variational_recurrent;
        self
    }

    /// With this seed of the masks that [`rng`](Self::rng) is the source of.
    pub fn with_seed(mut self, seed: u64) -> Self {
        self.seed = seed;
        self
    }

    /// With masks on the state's tensors of these names alone: TensorFlow's
    /// `dropout_state_filter_visitor`. Without a filter all but `cell`, an LSTM's memory, are masked.
    pub fn with_state_filter<N: Into<String>>(
        mut self,
        names: impl IntoIterator<Item = N>,
    ) -> Self {
        self.state_filter = Some(names.into_iter().map(Into::into).collect());
        self
    }

    fn asked(&self) -> StackDropout {
        let sites = [
            (&*INPUT, self.input_keep_prob),
            (&*STATE, self.state_keep_prob),
            (&*OUTPUT, self.output_keep_prob),
        ];
        let dropped = sites.into_iter().filter(|&(_, keep_prob)| keep_prob != 1.0);
        dropped.fold(StackDropout::none(), |dropout, (site, keep_prob)| {
            let asked = SiteDropout::new(1.0 - keep_prob);
            let asked = if self.variational_recurrent {
                asked.shared_over_batch()
            } else {
                asked.per_step()
            };
            dropout.with(site.clone(), asked)
        })
    }

    /// One layer of such cells, forward and batch first: the beginning of any stack, which drops what
    /// the wrapper does not keep. What the cell drops itself is asked for on top, with
    /// `stack().with_dropout(StackDropout::none().with_recurrent(0.2))`.
    ///
    /// A layer or stack that is made of cells and not of their configuration drops what it is told
    /// alone: tell it [`dropout`](CellConfig::dropout).
    pub fn stack(&self) -> StackConfig<Self> {
        StackConfig::from_cell(self.clone())
    }

    /// The source of masks of this seed.
    pub fn rng(&self) -> MaskRng {
        MaskRng::seeded(self.seed)
    }

    /// The names of a state's tensors that are masked.
    fn masked(&self, names: &[&'static str]) -> Vec<&'static str> {
        let masked: Vec<_> = match &self.state_filter {
            None => names.iter().copied().filter(|&name| name != "cell").collect(),
            Some(filter) => {
                for name in filter {
                    assert!(
                        names.contains(&name.as_str()),
                        "DropoutWrapperConfig: state_filter must name tensors of the state ({}), \
                         got {name}",
                        names.join(", ")
                    );
                }
                let asked = |name: &&str| filter.iter().any(|asked| asked == name);
                names.iter().copied().filter(asked).collect()
            }
        };
        assert!(
            self.state_keep_prob == 1.0 || !masked.is_empty(),
            "DropoutWrapperConfig: state_filter must name a tensor of the state ({}) where \
             state_keep_prob is under 1, got none",
            names.join(", ")
        );
        masked
    }
}

impl<K: CellConfig> CellConfig for DropoutWrapperConfig<K> {
    type Cell = DropoutWrapper<K::Cell>;

    fn d_hidden(&self) -> usize {
        self.cell.d_hidden()
    }

    fn with_d_input(mut self, d_input: usize) -> Self {
        self.cell = self.cell.with_d_input(d_input);
        self
    }

    /// At every layer its own input, state and output, as TensorFlow's `MultiRNNCell` of wrapped
    /// cells. A unit that is kept for certain is asked no mask for.
    fn dropout(&self) -> StackDropout {
        self.asked()
    }

    /// A new cell, wrapped.
    ///
    /// # Panics
    ///
    /// If a keep probability is not in `(0, 1]`, the filter names a tensor that the state does not
    /// have, or leaves none to mask, or the cell reads the wrapper's sites itself, as a wrapper does.
    fn init(&self, device: &Device) -> Self::Cell {
        for (field, keep_prob) in [
            ("input_keep_prob", self.input_keep_prob),
            ("state_keep_prob", self.state_keep_prob),
            ("output_keep_prob", self.output_keep_prob),
        ] {
            let is_valid = keep_prob > 0.0 && keep_prob <= 1.0;
            assert!(is_valid, "DropoutWrapperConfig: {field} must be in (0, 1], got {keep_prob}");
        }
        let cell = self.cell.init(device);
        let sites = cell.sites();
        let own = sites.iter().map(CellSite::site).find(|site| super::is_own(site));
        if let Some(site) = own {
            panic!("DropoutWrapperConfig: cell must not read a wrapper's site, got {site}");
        }
        let state = cell.initial_state(1).tensors();
        let names: Vec<_> = state.iter().map(|&(name, _)| name).collect();
        let masked = self.masked(&names);
        if self.state_keep_prob < 1.0 && (!names.contains(&"cell") || masked.contains(&"cell")) {
            warn_of_growth();
        }
        DropoutWrapper::of(cell, masked)
    }
}

/// Says once in a process what the order of a wrapper does to a state that is memory itself.
fn warn_of_growth() {
    static ONCE: Once = Once::new();
    ONCE.call_once(|| {
        log::warn!(
            "DropoutWrapper: the state is masked and divided by state_keep_prob after every step, \
             as in TensorFlow. The state of a GRU, and the cell of an LSTM, grow by up to \
             state_keep_prob^-t over t steps so; that of a simple RNN stays within \
             1 / state_keep_prob. StackDropout::variational masks what enters the gates, and no \
             state grows."
        );
    });
}

#[cfg(test)]
mod tests {
    use std::sync::atomic::{AtomicUsize, Ordering};

    use super::*;
    use crate::{GruCellConfig, LstmCellConfig};

    static WARNINGS: AtomicUsize = AtomicUsize::new(0);

    struct Counting;

    impl log::Log for Counting {
        fn enabled(&self, _: &log::Metadata<'_>) -> bool {
            true
        }
        fn log(&self, record: &log::Record<'_>) {
            let message = record.args().to_string();
            let is_ours = message.contains("StackDropout::variational masks what enters the gates");
            WARNINGS.fetch_add(usize::from(is_ours), Ordering::Relaxed);
        }
        fn flush(&self) {}
    }

    /// The only test of this crate that wraps a cell: the warning is said once in a process.
    #[test]
    fn a_state_that_grows_is_warned_of_once() {
        log::set_logger(&Counting).expect("the only logger of these tests");
        log::set_max_level(log::LevelFilter::Warn);
        let said = |init: &dyn Fn()| {
            init();
            WARNINGS.load(Ordering::Relaxed)
        };
        let device = Device::flex();
        let gru = DropoutWrapperConfig::new(GruCellConfig::new(2, 3, true));
        let lstm = DropoutWrapperConfig::new(LstmCellConfig::new(2, 3, true));
        assert_eq!(said(&|| drop(lstm.clone().with_state_keep_prob(0.5).init(&device))), 0);
        assert_eq!(said(&|| drop(gru.clone().with_input_keep_prob(0.5).init(&device))), 0);
        assert_eq!(said(&|| drop(gru.clone().with_state_keep_prob(0.5).init(&device))), 1);
        assert_eq!(said(&|| drop(gru.clone().with_state_keep_prob(0.5).init(&device))), 1);
        let cell = lstm.with_state_keep_prob(0.5).with_state_filter(["cell"]);
        assert_eq!(said(&|| drop(cell.init(&device))), 1);
    }

    #[test]
    fn a_wrapper_survives_its_configuration_file() {
        let config = DropoutWrapperConfig::new(GruCellConfig::new(2, 3, true))
            .with_state_keep_prob(0.5)
            .with_variational_recurrent(true)
            .with_seed(7)
            .with_state_filter(["hidden"]);
        let json = serde_json::to_string(&config.stack()).unwrap();
        let back: StackConfig<DropoutWrapperConfig<GruCellConfig>> =
            serde_json::from_str(&json).unwrap();
        assert_eq!(serde_json::to_string(&back).unwrap(), json);
        assert_eq!(back.cell.state_filter, config.state_filter);
    }
}
