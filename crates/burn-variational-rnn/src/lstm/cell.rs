//! One step of the long short-term memory.

use burn::config::Config;
use burn::module::Module;
use burn::nn::LstmState;
use burn::tensor::activation::sigmoid;
use burn::tensor::{Device, Tensor};
use burn_variational_dropout::{DropoutPrior, KlTerm, Site};
use burn_variational_kernels::Recurrence;

use crate::{
    CellConfig, CellSite, EngineCell, GateInitializer, GateWeights, LayerDropout, LayerMasks,
    RecurrentCell, StepMasks,
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
        LstmCell { gates }
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
/// `z_x` and `z_h` are the input and recurrent masks, one for all gates or one for each;
/// `c_{t-1}` is never masked. Should be created with [`LstmCellConfig`].
///
/// # References
///
/// Sepp Hochreiter and Jürgen Schmidhuber, *Long Short-Term Memory*, 1997; masks as Gal &
/// Ghahramani 2016, arXiv 1512.05287, eqs. 5 and 7, where `g` is a sigmoid in print and tanh in
/// the authors' code.
#[derive(Module, Debug)]
pub struct LstmCell {
    /// The weights of the input, forget, candidate and output gates, in this order.
    pub gates: GateWeights,
}

impl LstmCell {
    pub(crate) const N_GATES: usize = 4;
    const FORGET_GATE: usize = 1;
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
        self.gates.sites()
    }

    fn initial_state(&self, batch_size: usize) -> LstmState<2> {
        let zeros = self.gates.zero_state(batch_size);
        LstmState::new(zeros.clone(), zeros)
    }

    fn project_input(&self, input: Tensor<3>, masks: &LayerMasks) -> Tensor<3> {
        self.gates.project_input(&input, masks.get(&Site::Input))
    }

    fn step(&self, projected: Tensor<2>, state: LstmState<2>, masks: &StepMasks) -> LstmState<2> {
        let gates =
            projected + self.gates.recurrent_product(&state.hidden, masks.get(&Site::Recurrent));
        let [i, f, g, o] = gates.chunk(Self::N_GATES, 1).try_into().expect("four gates");
        let c = sigmoid(f) * state.cell + sigmoid(i) * g.tanh();
        let h = sigmoid(o) * c.clone().tanh();
        LstmState::new(c, h)
    }

    fn output(state: &LstmState<2>) -> Tensor<2> {
        state.hidden.clone()
    }

    fn engine_cell(&self) -> Option<EngineCell<Self::State>> {
        Some(EngineCell::new(Recurrence::Lstm, self.gates.recurrent.val()))
    }

    fn kl_term(&self, prior: &DropoutPrior, dropout: &LayerDropout) -> KlTerm {
        self.gates.kl_term(prior, dropout).at("gates")
    }
}
