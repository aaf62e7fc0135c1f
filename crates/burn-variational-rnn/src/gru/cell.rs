//! One step of the gated recurrent unit.

use burn::config::Config;
use burn::module::{Module, Param};
use burn::nn::activation::{Activation, ActivationConfig, Sigmoid, Tanh};
use burn::tensor::{Device, Tensor};
use burn_variational_dropout::{DropoutPrior, KlTerm, Site};
use burn_variational_kernels::Recurrence;

use crate::activations::{activate, is_sigmoid, is_tanh};
use crate::gates::{gate_product, leaf};
use crate::sites::zoneout_site;
use crate::{
    CellConfig, CellSite, EngineCell, GateInitializer, GateMasks, GateWeights, HiddenState,
    LayerDropout, LayerMasks, RecurrentCell, StepMasks, WeightSite,
};

/// Configuration of a [`GruCell`].
#[derive(Config, Debug)]
pub struct GruCellConfig {
    /// The width of `x_t`.
    pub d_input: usize,
    /// The width of `h_t`.
    pub d_hidden: usize,
    /// Whether the gates have a bias.
    pub bias: bool,
    /// Whether the reset gate acts after the matrix product (as PyTorch and cuDNN) or before.
    #[config(default = true)]
    pub reset_after: bool,
    /// How weights and biases are initialised.
    #[config(default = "GateInitializer::burn()")]
    pub initializer: GateInitializer,
    /// The non-linearity of the reset and update gates.
    #[config(default = "ActivationConfig::Sigmoid")]
    pub gate_activation: ActivationConfig,
    /// The non-linearity of the candidate.
    #[config(default = "ActivationConfig::Tanh")]
    pub hidden_activation: ActivationConfig,
}

impl CellConfig for GruCellConfig {
    type Cell = GruCell;

    fn d_hidden(&self) -> usize {
        self.d_hidden
    }

    fn with_d_input(mut self, d_input: usize) -> Self {
        self.d_input = d_input;
        self
    }

    fn init(&self, device: &Device) -> GruCell {
        const OWNER: &str = "GruCellConfig";
        let (d_input, d_hidden) = (self.d_input, self.d_hidden);
        let sizes = [d_input, d_hidden, GruCell::N_GATES];
        let gates = GateWeights::init(OWNER, sizes, self.bias, &self.initializer, device);
        let candidate_bias = (self.bias && self.reset_after)
            .then(|| leaf(self.initializer.biases(OWNER, [d_hidden, d_hidden, 1], device)));
        GruCell {
            gates,
            candidate_bias,
            reset_after: self.reset_after,
            gate_activation: self.gate_activation.init(device),
            hidden_activation: self.hidden_activation.init(device),
        }
    }
}

/// The gated recurrent unit with masks on what enters its gates:
///
/// ```text
/// [r z n] = (x_t ∘ z_x) W + b                                                as  x_r, x_z, x_n
/// r = σ(x_r + (h_{t-1} ∘ z_h) U_r)
/// z = σ(x_z + (h_{t-1} ∘ z_h) U_z)
/// n = tanh(x_n + r ∘ ((h_{t-1} ∘ z_h) U_n + b_hn))                           reset after
/// n = tanh(x_n + (r ∘ h_{t-1} ∘ z_h) U_n)                                    reset before
/// h_t = (1 - z) ∘ n + z ∘ h_{t-1}
/// ```
///
/// `z_x` and `z_h` are the input and recurrent masks, one for all gates or one for each. The
/// carried `h_{t-1}` in the last line is not masked, so `|h_t| ≤ 1` from a state within it.
/// Should be created with [`GruCellConfig`], which has other non-linearities than `σ` and `tanh`
/// too.
///
/// # The other sites
///
/// ```text
/// h_t = u_h ∘ ((1 - z) ∘ z_n ∘ n + z ∘ h_{t-1}) + (1 - u_h) ∘ h_{t-1}
/// ```
///
/// - `z_n`, [`Site::Candidate`]: what would be added to the state is dropped, and nothing that it
///   remembers (Semeniuta et al. 2016).
/// - `u_h`, [`Site::ZoneoutHidden`]: 0 where a unit keeps what it had, 1 where it takes the new
///   value, another draw at every step; where none is drawn, `1 - prob`, which is exact for one
///   step and an approximation over several (zoneout, Krueger et al. 2017, whose `d` is `1 - u`).
///
/// # References
///
/// Kyunghyun Cho et al., *Learning Phrase Representations using RNN Encoder-Decoder for
/// Statistical Machine Translation*, 2014, arXiv 1406.1078 (v1 resets after, v3 before); masks as
/// Gal & Ghahramani 2016, arXiv 1512.05287. Stanislau Semeniuta et al., *Recurrent Dropout without
/// Memory Loss*, 2016, arXiv 1603.05118. David Krueger et al., *Zoneout*, 2017, arXiv 1606.01305.
#[derive(Module, Debug)]
pub struct GruCell {
    /// The weights of the reset, update and candidate gates, in this order.
    pub gates: GateWeights,
    /// `b_hn`, `[d_hidden]`, where the reset gate acts after the product.
    pub candidate_bias: Option<Param<Tensor<1>>>,
    /// Whether the reset gate acts after the matrix product or before.
    pub reset_after: bool,
    /// The non-linearity of the reset and update gates.
    pub gate_activation: Activation,
    /// The non-linearity of the candidate.
    pub hidden_activation: Activation,
}

impl GruCell {
    pub(crate) const N_GATES: usize = 3;

    /// A cell of these weights, with `σ` and `tanh`.
    pub fn new(
        gates: GateWeights,
        candidate_bias: Option<Param<Tensor<1>>>,
        reset_after: bool,
    ) -> Self {
        Self {
            gates,
            candidate_bias,
            reset_after,
            gate_activation: Activation::Sigmoid(Sigmoid),
            hidden_activation: Activation::Tanh(Tanh),
        }
    }

    /// `U_n`-product of the state the reset gate has let through.
    fn reset_before(&self, r: &Tensor<2>, hidden: &Tensor<2>, masks: &GateMasks<2>) -> Tensor<2> {
        let d_hidden = self.d_hidden();
        let dropped = masks.masks().last().expect("a mask for the candidate").apply(hidden.clone());
        let weight = self.gates.recurrent.val().slice([0..d_hidden, 2 * d_hidden..3 * d_hidden]);
        (r.clone() * dropped).matmul(weight)
    }

    /// The products of the gates that read the state as it is: all three where the reset gate acts
    /// after, the first two where it acts before.
    fn recurrent_product(&self, hidden: &Tensor<2>, masks: &GateMasks<2>) -> Tensor<2> {
        if self.reset_after {
            return self.gates.recurrent_product(hidden, masks);
        }
        let d_hidden = self.d_hidden();
        let mut dropped = masks.apply(hidden);
        if dropped.len() > 1 {
            // The candidate's mask multiplies what the reset gate lets through.
            dropped.truncate(Self::N_GATES - 1);
        }
        let weight = self.gates.recurrent.val().slice([0..d_hidden, 0..2 * d_hidden]);
        gate_product(dropped, weight, Self::N_GATES - 1)
    }
}

impl RecurrentCell for GruCell {
    type State = HiddenState;

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
            zoneout_site(Site::ZoneoutHidden, d_hidden),
        ]);
        sites
    }

    fn initial_state(&self, batch_size: usize) -> HiddenState {
        HiddenState::new(self.gates.zero_state(batch_size))
    }

    fn project_input(&self, input: Tensor<3>, masks: &LayerMasks) -> Tensor<3> {
        self.gates.project_input(&input, masks.get(&Site::Input))
    }

    fn step(&self, projected: Tensor<2>, state: HiddenState, masks: &StepMasks) -> HiddenState {
        let h = state.hidden;
        let products = self.recurrent_product(&h, masks.get(&Site::Recurrent));
        let [x_r, x_z, x_n] = projected.chunk(Self::N_GATES, 1).try_into().expect("three gates");
        let mut products = products.chunk(if self.reset_after { 3 } else { 2 }, 1).into_iter();
        let gate = |x: Tensor<2>, product| activate(&self.gate_activation, x + product);
        let r = gate(x_r, products.next().expect("the reset gate's product"));
        let z = gate(x_z, products.next().expect("the update gate's product"));
        let n = match products.next() {
            Some(product) => {
                let product = match &self.candidate_bias {
                    Some(bias) => product + bias.val().unsqueeze(),
                    None => product,
                };
                x_n + r * product
            }
            None => x_n + self.reset_before(&r, &h, masks.get(&Site::Recurrent)),
        };
        let n = masks.get(&Site::Candidate).apply_tied(&activate(&self.hidden_activation, n));
        let new = n.clone() + z * (h.clone() - n);
        HiddenState::new(masks.get(&Site::ZoneoutHidden).zone_out(new, &h))
    }

    fn output(state: &HiddenState) -> Tensor<2> {
        state.hidden.clone()
    }

    fn weight_sites(&self) -> Vec<WeightSite> {
        self.gates.weight_sites()
    }

    fn engine_cell(&self) -> Option<EngineCell<Self::State>> {
        if !is_sigmoid(&self.gate_activation) || !is_tanh(&self.hidden_activation) {
            return None;
        }
        let recurrence = Recurrence::Gru { reset_after: self.reset_after };
        let bias = self.candidate_bias.as_ref().map(Param::val);
        Some(EngineCell::new(recurrence, self.gates.recurrent.val()).with_candidate_bias(bias))
    }

    fn kl_term(&self, prior: &DropoutPrior, dropout: &LayerDropout) -> KlTerm {
        let gates = self.gates.kl_term(prior, dropout).at("gates");
        match self.candidate_bias {
            Some(_) => gates.with_param("candidate_bias", prior.bias_lambda()),
            None => gates,
        }
    }
}
