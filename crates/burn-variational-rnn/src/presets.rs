//! The schemes of the literature by name.

use burn_variational_dropout::SiteDropout;

use crate::StackDropout;

impl StackDropout {
    /// A new mask at every time step on inputs and outputs, none on the recurrence
    /// (Zaremba, Sutskever and Vinyals 2014, arXiv 1409.2329).
    pub fn naive(prob: f64) -> Self {
        let dropout = SiteDropout::new(prob).per_step();
        Self::none().with_input(dropout).with_between(dropout).with_output(dropout)
    }

    /// One mask a sequence for all gates, on inputs of all layers (`input_prob`), the recurrence
    /// (`recurrent_prob`) and the output (`input_prob`) (Gal & Ghahramani 2016, arXiv 1512.05287,
    /// eq. 7).
    pub fn variational(input_prob: f64, recurrent_prob: f64) -> Self {
        Self::none()
            .with_input(input_prob)
            .with_between(input_prob)
            .with_recurrent(recurrent_prob)
            .with_output(input_prob)
    }

    /// As [`variational`](Self::variational), with a mask of its own for each gate
    /// (Gal & Ghahramani 2016, eq. 5).
    pub fn variational_untied(input_prob: f64, recurrent_prob: f64) -> Self {
        let input = SiteDropout::new(input_prob).untied();
        Self::none()
            .with_input(input)
            .with_between(input)
            .with_recurrent(SiteDropout::new(recurrent_prob).untied())
            .with_output(input_prob)
    }

    /// `RNNDrop`: units of the cell of an LSTM, 0 at every step or as they are, one mask a sequence
    /// (Moon, Choi, Lee and Song 2015). It is never rescaled: see
    /// [`LstmCell`](crate::LstmCell) for what stands for it where no mask is drawn.
    ///
    /// A cell without a cell of its own, GRU or simple RNN, refuses it.
    pub fn rnn_drop(prob: f64) -> Self {
        Self::none().with_cell(prob)
    }

    /// Recurrent dropout without memory loss: the candidate of an LSTM or GRU, a new mask at every
    /// step (`candidate_prob`), beside [`naive`](Self::naive) dropout of inputs and outputs
    /// (`input_prob`) (Semeniuta, Severyn and Barth 2016, arXiv 1603.05118). For a mask a sequence,
    /// their other choice, ask `.with_candidate(candidate_prob)` on top.
    pub fn semeniuta(input_prob: f64, candidate_prob: f64) -> Self {
        Self::naive(input_prob).with_candidate(SiteDropout::new(candidate_prob).per_step())
    }

    /// Zoneout of the cell and of `h_t` of LSTMs, a new mask at every step, never rescaled (Krueger
    /// et al. 2017, arXiv 1606.01305). A GRU or simple RNN has `h_t` alone:
    /// `StackDropout::none().with_zoneout_hidden(prob)`, which is also what Haste's `zoneout` is.
    pub fn zoneout(cell_prob: f64, hidden_prob: f64) -> Self {
        Self::none().with_zoneout_cell(cell_prob).with_zoneout_hidden(hidden_prob)
    }

    /// AWD-LSTM: elements of the recurrent weights of every layer (`weight_prob`), one draw for all
    /// rows and steps of a pass, and one mask a sequence for all gates on the input (`input_prob`),
    /// between layers (`hidden_prob`) and on the output (`output_prob`) (Merity, Keskar and Socher
    /// 2017, arXiv 1708.02182; 0.4, 0.25, 0.4 and 0.5 there, beside word types at 0.1).
    ///
    /// Draws do not fold into a batch: Monte Carlo runs them one by one, by itself.
    pub fn awd(input_prob: f64, hidden_prob: f64, output_prob: f64, weight_prob: f64) -> Self {
        Self::none()
            .with_input(input_prob)
            .with_between(hidden_prob)
            .with_output(output_prob)
            .with_recurrent_weights(weight_prob)
    }

    /// A stack of Keras 3 layers with these `dropout` and `recurrent_dropout`, each layer's input
    /// and recurrence, nothing on the output. As there, each gate has masks of its own where
    /// `recurrent_dropout` is not 0, on the input too; otherwise all gates share the input's, and
    /// none is drawn for the recurrence.
    pub fn keras(dropout: f64, recurrent_dropout: f64) -> Self {
        let (input, recurrent) = (SiteDropout::new(dropout), SiteDropout::new(recurrent_dropout));
        if recurrent_dropout == 0.0 {
            return Self::none().with_input(input).with_between(input);
        }
        Self::none()
            .with_input(input.untied())
            .with_between(input.untied())
            .with_recurrent(recurrent.untied())
    }

    /// Gal's own fork of Keras (2016), in which he trained his models of sentiment: masks of 0 and 1
    /// for each gate, on each layer's input and recurrence, and `1 - prob` in their place at test
    /// time. Its cells have the hard sigmoid in their gates and, GRUs, a sigmoid for the candidate:
    /// the fields of the cells' configurations.
    pub fn gal_keras(input_prob: f64, recurrent_prob: f64) -> Self {
        let input = SiteDropout::new(input_prob).untied().unscaled();
        Self::none()
            .with_input(input)
            .with_between(input)
            .with_recurrent(SiteDropout::new(recurrent_prob).untied().unscaled())
    }
}
