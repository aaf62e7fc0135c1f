//! One step of the simple recurrent network.

use burn::config::Config;
use burn::module::Module;
use burn::tensor::{Device, Tensor};
use burn_variational_dropout::{DropoutPrior, KlTerm, Site};
use burn_variational_kernels::Recurrence;

use crate::{
    CellConfig, CellSite, EngineCell, GateInitializer, GateWeights, HiddenState, LayerDropout,
    LayerMasks, RecurrentCell, StepMasks,
};

/// Configuration of an [`RnnCell`].
#[derive(Config, Debug)]
pub struct RnnCellConfig {
    /// The width of `x_t`.
    pub d_input: usize,
    /// The width of `h_t`.
    pub d_hidden: usize,
    /// Whether there is a bias.
    pub bias: bool,
    /// How weights and bias are initialised.
    #[config(default = "GateInitializer::burn()")]
    pub initializer: GateInitializer,
}

impl CellConfig for RnnCellConfig {
    type Cell = RnnCell;

    fn d_hidden(&self) -> usize {
        self.d_hidden
    }

    fn with_d_input(mut self, d_input: usize) -> Self {
        self.d_input = d_input;
        self
    }

    fn init(&self, device: &Device) -> RnnCell {
        let sizes = [self.d_input, self.d_hidden, RnnCell::N_GATES];
        RnnCell {
            gates: GateWeights::init("RnnCellConfig", sizes, self.bias, &self.initializer, device),
        }
    }
}

/// The simple recurrent network with masks on what enters it:
///
/// ```text
/// h_t = tanh((x_t ∘ z_x) W + b + (h_{t-1} ∘ z_h) U)
/// ```
///
/// `z_x` and `z_h` are the input and recurrent masks. Should be created with [`RnnCellConfig`].
///
/// # References
///
/// Jeffrey Elman, *Finding Structure in Time*, 1990; masks as Gal & Ghahramani 2016, arXiv
/// 1512.05287.
#[derive(Module, Debug)]
pub struct RnnCell {
    /// The weights of the one gate.
    pub gates: GateWeights,
}

impl RnnCell {
    pub(crate) const N_GATES: usize = 1;
}

impl RecurrentCell for RnnCell {
    type State = HiddenState;

    fn d_input(&self) -> usize {
        self.gates.input.dims()[0]
    }

    fn d_hidden(&self) -> usize {
        self.gates.recurrent.dims()[0]
    }

    fn sites(&self) -> Vec<CellSite> {
        self.gates.sites()
    }

    fn initial_state(&self, batch_size: usize) -> HiddenState {
        HiddenState::new(self.gates.zero_state(batch_size))
    }

    fn project_input(&self, input: Tensor<3>, masks: &LayerMasks) -> Tensor<3> {
        self.gates.project_input(&input, masks.get(&Site::Input))
    }

    fn step(&self, projected: Tensor<2>, state: HiddenState, masks: &StepMasks) -> HiddenState {
        let product = self.gates.recurrent_product(&state.hidden, masks.get(&Site::Recurrent));
        HiddenState::new((projected + product).tanh())
    }

    fn output(state: &HiddenState) -> Tensor<2> {
        state.hidden.clone()
    }

    fn engine_cell(&self) -> Option<EngineCell<Self::State>> {
        Some(EngineCell::new(Recurrence::Rnn, self.gates.recurrent.val()))
    }

    fn kl_term(&self, prior: &DropoutPrior, dropout: &LayerDropout) -> KlTerm {
        self.gates.kl_term(prior, dropout).at("gates")
    }
}
