//! Which sites of a layer and of a stack are dropped: the named schemes.

use burn::config::Config;
use burn_variational_dropout::SiteDropout;

/// What one recurrent layer drops. A site that is `None` asks for no mask; one at rate 0 asks.
#[derive(Config, Debug, Copy, PartialEq)]
#[non_exhaustive]
pub struct LayerDropout {
    /// On `x_t`, where it enters the gates.
    pub input: Option<SiteDropout>,
    /// On `h_{t-1}`, where it enters the gates.
    pub recurrent: Option<SiteDropout>,
    /// On the output sequence, not on the carried state.
    pub output: Option<SiteDropout>,
}

impl LayerDropout {
    /// Asks for no mask.
    pub fn none() -> Self {
        Self::new()
    }

    pub(crate) fn assert_valid(&self, owner: &str) {
        let sites = [("input", self.input), ("recurrent", self.recurrent), ("output", self.output)];
        for (field, dropout) in sites {
            if let Some(dropout) = dropout {
                dropout.assert_valid(owner, &format!("{field} dropout"));
            }
        }
    }
}

/// What a stack of recurrent layers drops.
///
/// # Example
///
/// ```
/// use burn_variational_dropout::SiteDropout;
/// use burn_variational_rnn::StackDropout;
///
/// // Gal & Ghahramani's large language model.
/// let dropout = StackDropout::variational_untied(0.5, 0.3)
///     .with_output(Some(SiteDropout::new(0.5)));
/// assert_eq!(dropout.between, dropout.input);
/// ```
#[derive(Config, Debug, Copy, PartialEq)]
#[non_exhaustive]
pub struct StackDropout {
    /// On what enters the gates of the first layer.
    pub input: Option<SiteDropout>,
    /// On what enters the gates of every later layer.
    pub between: Option<SiteDropout>,
    /// On `h_{t-1}`, where it enters the gates of every layer.
    pub recurrent: Option<SiteDropout>,
    /// On the output sequence of the last layer.
    pub output: Option<SiteDropout>,
}

impl StackDropout {
    /// Asks for no mask.
    pub fn none() -> Self {
        Self::new()
    }

    /// A new mask at every time step on inputs and outputs, none on the recurrence
    /// (Zaremba, Sutskever and Vinyals 2014, arXiv 1409.2329).
    pub fn naive(prob: f64) -> Self {
        let dropout = Some(SiteDropout::new(prob).per_step());
        Self::none().with_input(dropout).with_between(dropout).with_output(dropout)
    }

    /// One mask a sequence for all gates, on inputs of all layers (`input_prob`), the recurrence
    /// (`recurrent_prob`) and the output (`input_prob`) (Gal & Ghahramani 2016, eq. 7).
    pub fn variational(input_prob: f64, recurrent_prob: f64) -> Self {
        let dropout = Some(SiteDropout::new(input_prob));
        Self::none()
            .with_input(dropout)
            .with_between(dropout)
            .with_recurrent(Some(SiteDropout::new(recurrent_prob)))
            .with_output(dropout)
    }

    /// As [`variational`](Self::variational), with a mask of its own for each gate
    /// (Gal & Ghahramani 2016, eq. 5).
    pub fn variational_untied(input_prob: f64, recurrent_prob: f64) -> Self {
        let tied = Self::variational(input_prob, recurrent_prob);
        Self {
            input: tied.input.map(SiteDropout::untied),
            between: tied.between.map(SiteDropout::untied),
            recurrent: tied.recurrent.map(SiteDropout::untied),
            output: tied.output,
        }
    }
}
