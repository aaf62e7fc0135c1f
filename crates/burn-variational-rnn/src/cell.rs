//! What a cell is: one step of a recurrence, and what of it needs no state.

use burn::module::{Module, ModuleDisplay};
use burn::tensor::{Device, Tensor};
use burn_variational_dropout::{DropoutPrior, KlTerm};

use crate::{EngineCell, GateMasks, LayerDropout, RecurrentState, SiteMasks};

/// The masks of one time step that act inside a cell.
#[derive(Debug, Clone)]
#[non_exhaustive]
pub struct StepMasks {
    /// On `h_{t-1}`, where it enters the gates: never on the state that is carried.
    pub recurrent: GateMasks<2>,
}

/// One step of a recurrence. Implement it for a cell of your own and
/// [`RecurrentLayer`](crate::RecurrentLayer) and [`RecurrentStack`](crate::RecurrentStack) give it
/// masks, depth, carried state and Monte Carlo.
///
/// # Example
///
/// A leaky integrator, `h_t = ½ h_{t-1} + ½ tanh(W (x_t ∘ z_x) + U (h_{t-1} ∘ z_h))`:
///
/// ```
/// use burn::module::Module;
/// use burn::nn::{Linear, LinearConfig};
/// use burn::tensor::{Device, Tensor};
/// use burn_variational_dropout::{MaskRng, SiteDropout};
/// use burn_variational_rnn::{
///     HiddenState, LayerDropout, RecurrentCell, RecurrentLayer, SiteMasks, StepMasks,
/// };
///
/// #[derive(Module, Debug)]
/// struct Leaky {
///     input: Linear,
///     recurrent: Linear,
/// }
///
/// impl RecurrentCell for Leaky {
///     type State = HiddenState;
///
///     fn d_input(&self) -> usize {
///         self.input.weight.dims()[0]
///     }
///     fn d_hidden(&self) -> usize {
///         self.input.weight.dims()[1]
///     }
///     fn initial_state(&self, batch_size: usize, device: &Device) -> HiddenState {
///         HiddenState::new(Tensor::zeros([batch_size, self.d_hidden()], device))
///     }
///     fn project_input(&self, input: Tensor<3>, masks: &SiteMasks) -> Tensor<3> {
///         self.input.forward(masks.apply_tied(&input))
///     }
///     fn step(&self, projected: Tensor<2>, state: HiddenState, masks: &StepMasks) -> HiddenState {
///         let dropped = masks.recurrent.apply(&state.hidden).remove(0);
///         let new = (projected + self.recurrent.forward(dropped)).tanh();
///         HiddenState::new(state.hidden.mul_scalar(0.5) + new.mul_scalar(0.5))
///     }
///     fn output(state: &HiddenState) -> Tensor<2> {
///         state.hidden.clone()
///     }
/// }
///
/// let device = Device::flex();
/// let cell = Leaky {
///     input: LinearConfig::new(2, 3).init(&device),
///     recurrent: LinearConfig::new(3, 3).init(&device),
/// };
/// let dropout = LayerDropout::none().with_recurrent(Some(SiteDropout::new(0.5)));
/// let layer = RecurrentLayer::new(cell, dropout);
/// let masks = layer.sample_masks([4, 6], &MaskRng::seeded(1), &device);
/// let (output, _) = layer.forward(Tensor::ones([4, 6, 2], &device), None, &masks);
/// assert_eq!(output.dims(), [4, 6, 3]);
/// ```
pub trait RecurrentCell: Module + ModuleDisplay {
    /// What is carried from step to step.
    type State: RecurrentState;

    /// The width of `x_t`.
    fn d_input(&self) -> usize;

    /// The width of the output, which is that of a recurrent mask.
    fn d_hidden(&self) -> usize;

    /// The number of masks an untied site draws.
    fn n_gates(&self) -> usize {
        1
    }

    /// The state before the first step.
    fn initial_state(&self, batch_size: usize, device: &Device) -> Self::State;

    /// What `x_t` contributes to every step, for all steps at once: it needs no state, so it is
    /// one matrix product instead of one for each step.
    ///
    /// # Shapes
    ///
    /// - input: `[seq_length, batch_size, d_input]`
    /// - output: `[seq_length, batch_size, width]`, any width that [`step`](Self::step) takes
    fn project_input(&self, input: Tensor<3>, masks: &SiteMasks) -> Tensor<3>;

    /// The state after a step.
    ///
    /// # Shapes
    ///
    /// - projected: `[batch_size, width]`, a step of [`project_input`](Self::project_input)
    fn step(&self, projected: Tensor<2>, state: Self::State, masks: &StepMasks) -> Self::State;

    /// The output `[batch_size, d_hidden]` of the step that led to a state.
    fn output(state: &Self::State) -> Tensor<2>;

    /// What the sequence engine needs to run the cell over a whole sequence as one operation, if
    /// it knows the cell's recurrence. A cell of your own has none and runs step by step.
    ///
    /// The state must name its tensors `hidden` and, of an LSTM, `cell`.
    fn engine_cell(&self) -> Option<EngineCell> {
        None
    }

    /// The KL term of the cell's parameters under a prior, given what the layer drops.
    ///
    /// A cell that does not say which mask multiplies which weight has all of them taken as
    /// undropped.
    fn kl_term(&self, prior: &DropoutPrior, _dropout: &LayerDropout) -> KlTerm {
        KlTerm::l2(self, prior.bias_lambda())
    }
}

/// How cells of one kind are made, so that a stack can make one for each layer.
pub trait CellConfig: Clone {
    /// The kind of cell.
    type Cell: RecurrentCell;

    /// The width of the output.
    fn d_hidden(&self) -> usize;

    /// The same kind of cell over inputs of another width.
    fn with_d_input(self, d_input: usize) -> Self;

    /// A new cell.
    ///
    /// # Panics
    ///
    /// If the configuration is invalid.
    fn init(&self, device: &Device) -> Self::Cell;
}
