//! Dropout around any cell, in TensorFlow's order.

mod config;
mod state;

use std::sync::LazyLock;

use burn::module::Module;
use burn::tensor::Tensor;
use burn_variational_dropout::{DropoutMask, DropoutPrior, KlTerm, Site};

pub use config::DropoutWrapperConfig;
pub use state::WrapperState;

use crate::{
    CellSite, GateMasks, LayerDropout, LayerMasks, RecurrentCell, RecurrentState, StepMasks,
    WeightSite,
};

static INPUT: LazyLock<Site> = LazyLock::new(|| Site::named("wrapper-input"));
static STATE: LazyLock<Site> = LazyLock::new(|| Site::named("wrapper-state"));
static OUTPUT: LazyLock<Site> = LazyLock::new(|| Site::named("wrapper-output"));

fn is_own(site: &Site) -> bool {
    [&*INPUT, &*STATE, &*OUTPUT].contains(&site)
}

/// Any cell with dropout around it as TensorFlow's `DropoutWrapper` has it:
///
/// ```text
/// ŝ_t = step(x_t ∘ z_x, s_{t-1})
/// y_t = output(ŝ_t) ∘ z_y
/// s_t = ŝ_t ∘ z_s
/// ```
///
/// `x_t` is the input, `y_t` the output, `ŝ_t` the state that a step makes and `s_t` the one that
/// the next step reads and a layer returns. `z_x`, `z_y` and `z_s` are masks of 0 and
/// `1 / keep_prob`. So the mask of a state does not touch the output of its own step, the mask of
/// the output touches no state, and the initial state is never masked. `z_s` multiplies the tensors
/// of the state that the filter names, by default all but `cell`.
///
/// The masks are values as all others, at the sites `wrapper-input`, `wrapper-state` (as wide as
/// the masked tensors of the state side by side, in the state's order) and `wrapper-output`; what
/// the cell reads itself it goes on reading. Should be created with [`DropoutWrapperConfig`], whose
/// [`stack`](DropoutWrapperConfig::stack) sets the rates of these sites.
///
/// # Where this order explodes
///
/// A GRU carries `u ∘ h_{t-1}` from step to step. Masked and divided by the keep probability at
/// each, a unit whose update gate `u` is near 1 and whose mask is the same at all steps grows as
/// `keep_prob^-t`: to 10⁶ in 20 steps at one half. So does the `cell` of an LSTM if the filter
/// names it. The state of a simple RNN is a new `tanh` at every step and stays within
/// `1 / keep_prob`, and so does the `hidden` of an LSTM. A warning in the log says so once, where a
/// cell is wrapped that has no `cell` to spare.
/// [`StackDropout::variational`](crate::StackDropout::variational) masks what enters the gates and
/// leaves the state alone: no state grows.
///
/// # Example
///
/// `DropoutWrapper(LSTMCell(8), input_keep_prob=0.9, state_keep_prob=0.8,
/// variational_recurrent=True, seed=7)`, two of them in a `MultiRNNCell`:
///
/// ```
/// use burn::tensor::{Device, Tensor};
/// use burn_variational_dropout::VariationalModel;
/// use burn_variational_rnn::{DropoutWrapperConfig, LstmCellConfig};
///
/// let device = Device::flex();
/// let wrapper = DropoutWrapperConfig::new(LstmCellConfig::new(4, 8, true))
///     .with_input_keep_prob(0.9)
///     .with_state_keep_prob(0.8)
///     .with_variational_recurrent(true)
///     .with_seed(7);
/// let lstm = wrapper.stack().with_n_layers(2).init(&device);
/// let input = Tensor::ones([3, 5, 4], &device);
/// let masks = lstm.masks_for(&input, wrapper.rng().draw(0).part("lstm"));
///
/// let (output, state) = lstm.forward(input, None, &masks);
/// assert_eq!(output.dims(), [3, 5, 8]);
/// assert_eq!(state.layer(1).inner.hidden.dims(), [3, 8]);
/// ```
///
/// # References
///
/// TensorFlow, `tf.compat.v1.nn.rnn_cell.DropoutWrapper`.
#[derive(Module, Debug)]
pub struct DropoutWrapper<C: RecurrentCell> {
    /// The cell that is wrapped.
    pub cell: C,
    /// The names of the state's tensors that are masked, in the state's order.
    #[module(skip)]
    masked: Vec<&'static str>,
    /// The width of these tensors side by side.
    #[module(skip)]
    d_masked: usize,
}

impl<C: RecurrentCell> DropoutWrapper<C> {
    /// A cell whose state is masked at the tensors of these names.
    fn of(cell: C, masked: Vec<&'static str>) -> Self {
        let state = cell.initial_state(1).tensors();
        let state = state.iter().filter(|(name, _)| masked.contains(name));
        let d_masked = state.map(|(_, tensor)| tensor.dims()[1]).sum();
        Self { cell, masked, d_masked }
    }

    /// The state before a step, of a state of the cell's own.
    pub fn state(&self, inner: C::State) -> WrapperState<C::State> {
        WrapperState { output: C::output(&inner), inner }
    }

    /// `s ∘ z_s`.
    fn drop_state(&self, state: C::State, masks: &GateMasks<2>) -> C::State {
        let [mask] = masks.masks() else {
            panic!("DropoutWrapper: the state must have one mask, got {}", masks.masks().len());
        };
        let Some(factors) = mask.values() else { return state };
        let mut from = 0;
        state.map(&mut |name, tensor| {
            if !self.masked.contains(&name) {
                return tensor;
            }
            let [batch_size, width] = tensor.dims();
            mask.check_dims([batch_size, self.d_masked]);
            let columns = from..from + width;
            from += width;
            DropoutMask::from_values(factors.clone().slice_dim(1, columns)).apply(tensor)
        })
    }
}

impl<C: RecurrentCell> RecurrentCell for DropoutWrapper<C> {
    type State = WrapperState<C::State>;

    fn d_input(&self) -> usize {
        self.cell.d_input()
    }

    fn d_hidden(&self) -> usize {
        self.cell.d_hidden()
    }

    fn sites(&self) -> Vec<CellSite> {
        let mut sites = self.cell.sites();
        sites.push(CellSite::new(INPUT.clone(), self.d_input()));
        sites.push(CellSite::new(OUTPUT.clone(), self.d_hidden()));
        if self.d_masked > 0 {
            sites.push(CellSite::new(STATE.clone(), self.d_masked));
        }
        sites
    }

    fn initial_state(&self, batch_size: usize) -> Self::State {
        self.state(self.cell.initial_state(batch_size))
    }

    fn project_input(&self, input: Tensor<3>, masks: &LayerMasks) -> Tensor<3> {
        self.cell.project_input(masks.get(&INPUT).apply_tied(&input), masks)
    }

    fn step(&self, projected: Tensor<2>, state: Self::State, masks: &StepMasks) -> Self::State {
        let made = self.cell.step(projected, state.inner, masks);
        let output = masks.get(&OUTPUT).apply_tied(&C::output(&made));
        WrapperState { inner: self.drop_state(made, masks.get(&STATE)), output }
    }

    fn output(state: &Self::State) -> Tensor<2> {
        state.output.clone()
    }

    fn weight_sites(&self) -> Vec<WeightSite> {
        let of_cell = self.cell.weight_sites().into_iter();
        of_cell
            .map(|weight| WeightSite { path: format!("cell.{}", weight.path), ..weight })
            .collect()
    }

    /// That of the cell. The wrapper's mask of the input multiplies what the cell's own would, and
    /// that of the state `hidden` what the recurrent mask would, one step later.
    ///
    /// # Panics
    ///
    /// If the cell is asked to drop what the wrapper drops too.
    fn kl_term(&self, prior: &DropoutPrior, dropout: &LayerDropout) -> KlTerm {
        let state = if self.masked.contains(&"hidden") { dropout.get(&STATE) } else { None };
        let asked = [(Site::Input, dropout.get(&INPUT)), (Site::Recurrent, state)];
        let of_cell = asked.into_iter().fold(dropout.clone(), |of_cell, (site, asked)| {
            let Some(asked) = asked else { return of_cell };
            assert!(
                dropout.get(&site).is_none(),
                "DropoutWrapper: a KL term needs one mask at {site}, got the cell's and the wrapper's"
            );
            of_cell.with(site, asked)
        });
        self.cell.kl_term(prior, &of_cell).at("cell")
    }
}
