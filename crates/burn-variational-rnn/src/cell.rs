//! What a cell is: one step of a recurrence, and what of it needs no state.

use burn::module::{Module, ModuleDisplay};
use burn::tensor::{Device, Tensor};
use burn_variational_dropout::{DropoutPrior, KlTerm};

use crate::{
    CellSite, EngineCell, LayerDropout, LayerMasks, RecurrentState, StackDropout, StepMasks,
    WeightSite,
};

/// One step of a recurrence. Implement it for a cell of your own and
/// [`RecurrentLayer`](crate::RecurrentLayer) and [`RecurrentStack`](crate::RecurrentStack) give it
/// masks, depth, carried state and Monte Carlo.
///
/// # Example
///
/// A leaky integrator with a site of its own, `z_l`, on what leaks:
///
/// ```text
/// h_t = ½ h_{t-1} ∘ z_l + ½ tanh(W (x_t ∘ z_x) + U (h_{t-1} ∘ z_h))
/// ```
///
/// ```
/// use burn::module::Module;
/// use burn::nn::{Linear, LinearConfig};
/// use burn::tensor::{Device, Tensor};
/// use burn_variational_dropout::{MaskRng, Site, VariationalModel};
/// use burn_variational_rnn::{
///     CellSite, HiddenState, LayerDropout, LayerMasks, RecurrentCell, RecurrentLayer, StepMasks,
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
///     fn initial_state(&self, batch_size: usize) -> HiddenState {
///         let device = self.recurrent.weight.device();
///         HiddenState::new(Tensor::zeros([batch_size, self.d_hidden()], &device))
///     }
///     fn sites(&self) -> Vec<CellSite> {
///         let (d_input, d_hidden) = (self.d_input(), self.d_hidden());
///         vec![
///             CellSite::new(Site::Input, d_input),
///             CellSite::new(Site::Recurrent, d_hidden),
///             CellSite::new(Site::named("leak"), d_hidden),
///         ]
///     }
///     fn project_input(&self, input: Tensor<3>, masks: &LayerMasks) -> Tensor<3> {
///         self.input.forward(masks.get(&Site::Input).apply_tied(&input))
///     }
///     fn step(&self, projected: Tensor<2>, state: HiddenState, masks: &StepMasks) -> HiddenState {
///         let dropped = masks.get(&Site::Recurrent).apply_tied(&state.hidden);
///         let leaked = masks.get(&Site::named("leak")).apply_tied(&state.hidden);
///         let new = (projected + self.recurrent.forward(dropped)).tanh();
///         HiddenState::new(leaked.mul_scalar(0.5) + new.mul_scalar(0.5))
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
/// let dropout = LayerDropout::none().with_recurrent(0.5).with(Site::named("leak"), 0.1);
/// let layer = RecurrentLayer::new(cell, dropout);
/// let input = Tensor::ones([4, 6, 2], &device);
/// let masks = layer.masks_for(&input, MaskRng::seeded(1).draw(0).part("leaky"));
/// let (output, _) = layer.forward(input, None, &masks);
/// assert_eq!(output.dims(), [4, 6, 3]);
/// ```
pub trait RecurrentCell: Module + ModuleDisplay + Sync + 'static {
    /// What is carried from step to step.
    type State: RecurrentState;

    /// The width of `x_t`.
    fn d_input(&self) -> usize;

    /// The width of the output, which is that of a recurrent mask.
    fn d_hidden(&self) -> usize;

    /// The sites that the cell reads, besides the output of the layer, which every layer reads.
    /// A layer refuses dropout and masks at any other site.
    fn sites(&self) -> Vec<CellSite>;

    /// The state before the first step, on the device and in the float type of the weights.
    fn initial_state(&self, batch_size: usize) -> Self::State;

    /// What `x_t` contributes to every step, for all steps at once: it needs no state, so it is
    /// one matrix product instead of one for each step.
    ///
    /// # Shapes
    ///
    /// - input: `[seq_length, batch_size, d_input]`, or `[1, n_rows, d_input]` where sequences have
    ///   different lengths: the rows of all their steps
    /// - output: the same with `width` units, any width that [`step`](Self::step) takes
    ///
    /// So a row may depend on no other row and on no number of its step, and masks, which are as
    /// the input, are applied by [`SiteMasks`](crate::SiteMasks) themselves.
    fn project_input(&self, input: Tensor<3>, masks: &LayerMasks) -> Tensor<3>;

    /// The state after a step.
    ///
    /// # Shapes
    ///
    /// - projected: `[batch_size, width]`, a step of [`project_input`](Self::project_input)
    fn step(&self, projected: Tensor<2>, state: Self::State, masks: &StepMasks) -> Self::State;

    /// The output `[batch_size, d_hidden]` of the step that led to a state.
    fn output(state: &Self::State) -> Tensor<2>;

    /// The weights that may be dropped (`DropConnect`). A cell that does not say has none.
    fn weight_sites(&self) -> Vec<WeightSite> {
        Vec::new()
    }

    /// What the sequence engine needs to run the cell over a whole sequence as one operation, if
    /// it knows the cell's recurrence. A cell of your own has none and runs step by step.
    ///
    /// The engine runs it only where all masks but those of input and output, which are applied
    /// outside of the recurrence, are masks that it takes.
    fn engine_cell(&self) -> Option<EngineCell<Self::State>> {
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

    /// What a stack of such cells drops, where nothing else is asked for at the same sites: of a
    /// wrapper, what it was told to keep. Nothing, for most cells.
    fn dropout(&self) -> StackDropout {
        StackDropout::none()
    }

    /// The same kind of cell over inputs of another width.
    fn with_d_input(self, d_input: usize) -> Self;

    /// A new cell.
    ///
    /// # Panics
    ///
    /// If the configuration is invalid.
    fn init(&self, device: &Device) -> Self::Cell;
}
