//! One step of the simple recurrent network.

use burn::config::Config;
use burn::module::Module;
use burn::nn::activation::{Activation, ActivationConfig, Tanh};
use burn::tensor::{Device, Tensor};
use burn_variational_dropout::{DropoutPrior, KlTerm, Site};
use burn_variational_kernels::Recurrence;

use crate::activations::{activate, is_tanh};
use crate::sites::zoneout_site;
use crate::{
    CellConfig, CellSite, EngineCell, GateInitializer, GateWeights, HiddenState, LayerDropout,
    LayerMasks, RecurrentCell, StepMasks, WeightSite,
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
    /// The non-linearity.
    #[config(default = "ActivationConfig::Tanh")]
    pub hidden_activation: ActivationConfig,
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
            hidden_activation: self.hidden_activation.init(device),
        }
    }
}

/// The simple recurrent network with masks on what enters it:
///
/// ```text
/// h_t = tanh((x_t ∘ z_x) W + b + (h_{t-1} ∘ z_h) U)
/// ```
///
/// `z_x` and `z_h` are the input and recurrent masks. Should be created with [`RnnCellConfig`], which
/// has other non-linearities than `tanh` too.
///
/// # The other sites
///
/// ```text
/// h_t = u_h ∘ tanh(..) + (1 - u_h) ∘ h_{t-1}
/// ```
///
/// - `u_h`, [`Site::ZoneoutHidden`]: 0 where a unit keeps what it had, 1 where it takes the new
///   value, another draw at every step; where none is drawn, `1 - prob`, which is exact for one
///   step and an approximation over several (zoneout, Krueger et al. 2017, whose `d` is `1 - u`).
///
/// # References
///
/// Jeffrey Elman, *Finding Structure in Time*, 1990; masks as Gal & Ghahramani 2016, arXiv
/// 1512.05287. David Krueger et al., *Zoneout*, 2017, arXiv 1606.01305.
#[derive(Module, Debug)]
pub struct RnnCell {
    /// The weights of the one gate.
    pub gates: GateWeights,
    /// The non-linearity.
    pub hidden_activation: Activation,
}

impl RnnCell {
    pub(crate) const N_GATES: usize = 1;

    /// A cell of these weights, with `tanh`.
    pub fn new(gates: GateWeights) -> Self {
        Self { gates, hidden_activation: Activation::Tanh(Tanh) }
    }
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
        let mut sites = self.gates.sites();
        sites.push(zoneout_site(Site::ZoneoutHidden, self.d_hidden()));
        sites
    }

    fn initial_state(&self, batch_size: usize) -> HiddenState {
        HiddenState::new(self.gates.zero_state(batch_size))
    }

    fn project_input(&self, input: Tensor<3>, masks: &LayerMasks) -> Tensor<3> {
        self.gates.project_input(&input, masks.get(&Site::Input))
    }

    fn step(&self, projected: Tensor<2>, state: HiddenState, masks: &StepMasks) -> HiddenState {
        let product = self.gates.recurrent_product(&state.hidden, masks.get(&Site::Recurrent));
        let new = activate(&self.hidden_activation, projected + product);
        HiddenState::new(masks.get(&Site::ZoneoutHidden).zone_out(new, &state.hidden))
    }

    fn output(state: &HiddenState) -> Tensor<2> {
        state.hidden.clone()
    }

    fn weight_sites(&self) -> Vec<WeightSite> {
        self.gates.weight_sites()
    }

    fn engine_cell(&self) -> Option<EngineCell<Self::State>> {
        is_tanh(&self.hidden_activation)
            .then(|| EngineCell::new(Recurrence::Rnn, self.gates.recurrent.val()))
    }

    fn kl_term(&self, prior: &DropoutPrior, dropout: &LayerDropout) -> KlTerm {
        self.gates.kl_term(prior, dropout).at("gates")
    }
}
