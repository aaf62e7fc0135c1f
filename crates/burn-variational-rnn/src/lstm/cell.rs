//! One step of the long short-term memory.

use burn::config::Config;
use burn::module::Module;
use burn::nn::LstmState;
use burn::nn::activation::{Activation, ActivationConfig, Sigmoid, Tanh};
use burn::tensor::{Device, Tensor};
use burn_variational_dropout::{DropoutPrior, KlTerm, Site};
use burn_variational_kernels::Recurrence;

use crate::activations::{activate, is_sigmoid, is_tanh};
use crate::sites::zoneout_site;
use crate::{
    CellConfig, CellSite, EngineCell, ExpectedMask, GateInitializer, GateWeights, LayerDropout,
    LayerMasks, RecurrentCell, StepMasks, WeightSite,
};

/// Configuration of an [`LstmCell`].
#[derive(Config, Debug)]
pub struct LstmCellConfig {
    /// The width of `x_t`.
    pub d_input: usize,
    /// The width of `h_t` and `c_t`.
    pub d_hidden: usize,
    /// Whether the gates have a bias.
    pub bias: bool,
    /// How weights and biases are initialised.
    #[config(default = "GateInitializer::burn()")]
    pub initializer: GateInitializer,
    /// The non-linearity of the input, forget and output gates.
    #[config(default = "ActivationConfig::Sigmoid")]
    pub gate_activation: ActivationConfig,
    /// The non-linearity of the candidate.
    #[config(default = "ActivationConfig::Tanh")]
    pub cell_activation: ActivationConfig,
    /// The non-linearity of the cell on its way to the output.
    #[config(default = "ActivationConfig::Tanh")]
    pub hidden_activation: ActivationConfig,
}

impl CellConfig for LstmCellConfig {
    type Cell = LstmCell;

    fn d_hidden(&self) -> usize {
        self.d_hidden
    }

    fn with_d_input(mut self, d_input: usize) -> Self {
        self.d_input = d_input;
        self
    }

    fn init(&self, device: &Device) -> LstmCell {
        const OWNER: &str = "LstmCellConfig";
        let sizes = [self.d_input, self.d_hidden, LstmCell::N_GATES];
        let mut initializer = self.initializer.clone();
        let forget_bias = initializer.forget_bias.take();
        let gates = GateWeights::init(OWNER, sizes, self.bias, &initializer, device);
        let gates = match forget_bias {
            Some(value) => gates.with_forget_bias(OWNER, LstmCell::FORGET_GATE, value),
            None => gates,
        };
        LstmCell {
            gates,
            gate_activation: self.gate_activation.init(device),
            cell_activation: self.cell_activation.init(device),
            hidden_activation: self.hidden_activation.init(device),
        }
    }
}

/// The long short-term memory with masks on what enters its gates:
///
/// ```text
/// [i f g o] = (x_t ∘ z_x) W + b + (h_{t-1} ∘ z_h) U
/// c_t = σ(f) ∘ c_{t-1} + σ(i) ∘ tanh(g)
/// h_t = σ(o) ∘ tanh(c_t)
/// ```
///
/// `z_x` and `z_h` are the input and recurrent masks, one for all gates or one for each. Should be
/// created with [`LstmCellConfig`], which has other non-linearities than `σ` and `tanh` too.
///
/// # The other sites
///
/// ```text
/// c̃_t = σ(f) ∘ c_{t-1} + σ(i) ∘ z_g ∘ tanh(g)
/// ĉ_t = z_c ∘ c̃_t
/// c_t = z_c ∘ (u_c ∘ c̃_t + (1 - u_c) ∘ c_{t-1})
/// h_t = u_h ∘ z_m ∘ σ(o) ∘ tanh(ĉ_t) + (1 - u_h) ∘ h_{t-1}
/// ```
///
/// - `z_g`, [`Site::Candidate`]: what would be added to the cell is dropped, and nothing that it
///   remembers (Semeniuta et al. 2016).
/// - `z_c`, [`Site::Cell`]: a dropped unit's cell is 0 at every step (`RNNDrop`, Moon et al. 2015).
///   It is 0 or 1 and the same at every step; rescaled it would grow as `(1 - prob)^-t`. Where no
///   mask is drawn, `c` is left as it is and `z_m = 1 - prob` ([`Site::Hidden`]) multiplies `h_t`:
///   the exact mean over a unit's own mask, while a factor on the carried `c` would decay as
///   `(1 - prob)^t`. This rule is derived here and is in no paper: hold Monte Carlo beside it.
/// - `u_c` and `u_h`, [`Site::ZoneoutCell`] and [`Site::ZoneoutHidden`]: 0 where a unit keeps what
///   it had, 1 where it takes the new value, another draw at every step; where none is drawn,
///   `1 - prob`, which is exact for one step and an approximation over several (zoneout, Krueger et
///   al. 2017, whose `d` is `1 - u`). `h_t` reads the cell before it is zoned out.
///
/// # References
///
/// Sepp Hochreiter and Jürgen Schmidhuber, *Long Short-Term Memory*, 1997; masks as Gal &
/// Ghahramani 2016, arXiv 1512.05287, eqs. 5 and 7, where `g` is a sigmoid in print and tanh in
/// the authors' code. Taesup Moon et al., *`RNNDrop`: a Novel Dropout for RNNs in ASR*, 2015.
/// Stanislau Semeniuta et al., *Recurrent Dropout without Memory Loss*, 2016, arXiv 1603.05118.
/// David Krueger et al., *Zoneout*, 2017, arXiv 1606.01305.
#[derive(Module, Debug)]
pub struct LstmCell {
    /// The weights of the input, forget, candidate and output gates, in this order.
    pub gates: GateWeights,
    /// The non-linearity of the input, forget and output gates.
    pub gate_activation: Activation,
    /// The non-linearity of the candidate.
    pub cell_activation: Activation,
    /// The non-linearity of the cell on its way to the output.
    pub hidden_activation: Activation,
}

impl LstmCell {
    pub(crate) const N_GATES: usize = 4;
    const FORGET_GATE: usize = 1;

    /// A cell of these weights, with `σ` and `tanh`.
    pub fn new(gates: GateWeights) -> Self {
        Self {
            gates,
            gate_activation: Activation::Sigmoid(Sigmoid),
            cell_activation: Activation::Tanh(Tanh),
            hidden_activation: Activation::Tanh(Tanh),
        }
    }
}

impl RecurrentCell for LstmCell {
    type State = LstmState<2>;

    fn d_input(&self) -> usize {
        self.gates.input.dims()[0]
    }

    fn d_hidden(&self) -> usize {
        self.gates.recurrent.dims()[0]
    }

    fn sites(&self) -> Vec<CellSite> {
        let d_hidden = self.d_hidden();
        let mut sites = self.gates.sites();
        sites.extend([
            CellSite::new(Site::Candidate, d_hidden),
            CellSite::new(Site::Cell, d_hidden)
                .with_expected(ExpectedMask::MeanAt(Site::Hidden))
                .never_rescaled("rescaled at every step, the cell grows as (1 - prob)^-t")
                .never_per_step("dropped at any step, the cell decays as (1 - prob)^t"),
            CellSite::new(Site::Hidden, d_hidden)
                .never_drawn("it is where the mean of a mask on the cell acts"),
            zoneout_site(Site::ZoneoutHidden, d_hidden),
            zoneout_site(Site::ZoneoutCell, d_hidden),
        ]);
        sites
    }

    fn initial_state(&self, batch_size: usize) -> LstmState<2> {
        let zeros = self.gates.zero_state(batch_size);
        LstmState::new(zeros.clone(), zeros)
    }

    fn project_input(&self, input: Tensor<3>, masks: &LayerMasks) -> Tensor<3> {
        self.gates.project_input(&input, masks.get(&Site::Input))
    }

    fn step(&self, projected: Tensor<2>, state: LstmState<2>, masks: &StepMasks) -> LstmState<2> {
        let LstmState { cell, hidden } = state;
        let gates = projected + self.gates.recurrent_product(&hidden, masks.get(&Site::Recurrent));
        let [i, f, g, o] = gates.chunk(Self::N_GATES, 1).try_into().expect("four gates");
        let [i, f, o] = [i, f, o].map(|gate| activate(&self.gate_activation, gate));
        let g = masks.get(&Site::Candidate).apply_tied(&activate(&self.cell_activation, g));
        let new = f * cell.clone() + i * g;

        let (kept, zoneout) = (masks.get(&Site::Cell), masks.get(&Site::ZoneoutCell));
        let c_new = kept.apply_tied(&new);
        let c = if zoneout.is_identity() {
            c_new.clone()
        } else {
            kept.apply_tied(&zoneout.zone_out(new, &cell))
        };
        let h =
            masks.get(&Site::Hidden).apply_tied(&(o * activate(&self.hidden_activation, c_new)));
        LstmState::new(c, masks.get(&Site::ZoneoutHidden).zone_out(h, &hidden))
    }

    fn output(state: &LstmState<2>) -> Tensor<2> {
        state.hidden.clone()
    }

    fn weight_sites(&self) -> Vec<WeightSite> {
        self.gates.weight_sites()
    }

    fn engine_cell(&self) -> Option<EngineCell<Self::State>> {
        let is_usual = is_sigmoid(&self.gate_activation)
            && is_tanh(&self.cell_activation)
            && is_tanh(&self.hidden_activation);
        is_usual.then(|| EngineCell::new(Recurrence::Lstm, self.gates.recurrent.val()))
    }

    fn kl_term(&self, prior: &DropoutPrior, dropout: &LayerDropout) -> KlTerm {
        self.gates.kl_term(prior, dropout).at("gates")
    }
}
