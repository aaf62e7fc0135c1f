//! Drop probabilities of the methods, and where they come from.

/// Drop probabilities of a preset.
#[derive(Debug, Clone)]
pub(crate) struct Rates {
    /// Of inputs and outputs at every step: Zaremba et al. 2014, or of the preset.
    pub(crate) naive: f64,
    /// Gal's, or of the preset. Where a method says so it shares them: a paper that has no rates for
    /// this size should be compared at equal ones.
    pub(crate) variational: VariationalRates,
    /// Krueger et al. 2017 for words of the Penn Treebank.
    pub(crate) zoneout: ZoneoutRates,
    /// Of recurrent weights: Merity et al. 2017.
    pub(crate) weights: f64,
    /// Merity et al. 2017 for the Penn Treebank, whatever the size.
    pub(crate) awd: AwdRates,
}

/// Drop probabilities of the variational methods.
#[derive(Debug, Clone, Copy)]
pub(crate) struct VariationalRates {
    /// Of word types.
    pub(crate) word_type: f64,
    /// Of layer inputs and of the output.
    pub(crate) input: f64,
    /// Of the recurrence; and of what `RNNDrop` and recurrent dropout without memory loss drop.
    pub(crate) recurrent: f64,
}

/// Probabilities that a unit keeps what it had.
#[derive(Debug, Clone, Copy)]
pub(crate) struct ZoneoutRates {
    pub(crate) cell: f64,
    pub(crate) hidden: f64,
}

/// Drop probabilities of AWD-LSTM; its recurrent weights have [`Rates::weights`].
#[derive(Debug, Clone, Copy)]
pub(crate) struct AwdRates {
    pub(crate) word_type: f64,
    pub(crate) input: f64,
    /// Between layers.
    pub(crate) hidden: f64,
    pub(crate) output: f64,
}

impl Rates {
    /// These rates, and those of the papers that have one set of them.
    pub(crate) fn new(naive: f64, variational: VariationalRates) -> Self {
        Self {
            naive,
            variational,
            zoneout: ZoneoutRates { cell: 0.25, hidden: 0.025 },
            weights: 0.5,
            awd: AwdRates { word_type: 0.1, input: 0.4, hidden: 0.25, output: 0.4 },
        }
    }
}
