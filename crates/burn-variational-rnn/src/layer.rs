//! One recurrent layer over any cell.

use burn::module::{Content, DisplaySettings, Module, ModuleDisplay};
use burn::tensor::{Device, Tensor};
use burn_variational_dropout::{DropoutPrior, KlTerm, MaskRng};

use crate::scan::scan;
use crate::{LayerDropout, LayerMasks, RecurrentCell, RecurrentState};

/// A cell repeated over the steps of a sequence:
///
/// ```text
/// s_t = step(x_t ∘ z_x, s_{t-1}; z_h)
/// y_t = output(s_t) ∘ z_o
/// ```
///
/// `z_x`, `z_h` and `z_o` are the input, recurrent and output masks. The carried state `s_t` is
/// never masked: a cell masks what enters its gates.
#[derive(Module, Debug)]
#[module(custom_display)]
pub struct RecurrentLayer<C: RecurrentCell> {
    /// The cell.
    pub cell: C,
    /// What [`sample_masks`](Self::sample_masks) draws.
    #[module(skip)]
    pub dropout: LayerDropout,
    /// Whether sequences are `[batch_size, seq_length, units]` or
    /// `[seq_length, batch_size, units]`.
    pub batch_first: bool,
}

impl<C: RecurrentCell> ModuleDisplay for RecurrentLayer<C> {
    fn custom_settings(&self) -> Option<DisplaySettings> {
        DisplaySettings::new().with_new_line_after_attribute(false).optional()
    }

    fn custom_content(&self, content: Content) -> Option<Content> {
        content
            .add("d_input", &self.cell.d_input())
            .add("d_hidden", &self.cell.d_hidden())
            .optional()
    }
}

impl<C: RecurrentCell> RecurrentLayer<C> {
    /// A layer over this cell, batch first.
    ///
    /// # Panics
    ///
    /// If a rate is not in `[0, 1)`.
    pub fn new(cell: C, dropout: LayerDropout) -> Self {
        dropout.assert_valid("RecurrentLayer");
        Self { cell, dropout, batch_first: true }
    }

    /// With this dropout.
    ///
    /// # Panics
    ///
    /// If a rate is not in `[0, 1)`.
    pub fn with_dropout(mut self, dropout: LayerDropout) -> Self {
        dropout.assert_valid("RecurrentLayer");
        self.dropout = dropout;
        self
    }

    /// With sequences `[batch_size, seq_length, units]` (`true`) or
    /// `[seq_length, batch_size, units]` (`false`).
    pub fn with_batch_first(mut self, batch_first: bool) -> Self {
        self.batch_first = batch_first;
        self
    }

    /// Draws the masks for `[batch_size, seq_length]`, or the expected ones if `rng` is
    /// [`MaskRng::expected`]. Two layers in one model need a [`layer`](MaskRng::layer) or
    /// [`scope`](MaskRng::scope) each, or they drop the same units.
    ///
    /// # Panics
    ///
    /// If the batch does not divide into the draws of `rng`.
    pub fn sample_masks(&self, dims: [usize; 2], rng: &MaskRng, device: &Device) -> LayerMasks {
        let sizes = [self.cell.d_input(), self.cell.d_hidden(), self.cell.n_gates()];
        LayerMasks::sample(&self.dropout, sizes, dims, rng, device)
    }

    /// The output of every step and the state after the last.
    ///
    /// # Shapes
    ///
    /// - input: `[batch_size, seq_length, d_input]`
    /// - output: `[batch_size, seq_length, d_hidden]`
    ///
    /// The first two swap places without `batch_first`.
    ///
    /// # Panics
    ///
    /// If the sequence is empty, the input has another width than the cell, or state or masks have
    /// another batch size or width.
    pub fn forward(
        &self,
        input: Tensor<3>,
        state: Option<C::State>,
        masks: &LayerMasks,
    ) -> (Tensor<3>, C::State) {
        if self.batch_first {
            let (output, state) = self.forward_time_first(input.swap_dims(0, 1), state, masks);
            (output.swap_dims(0, 1), state)
        } else {
            self.forward_time_first(input, state, masks)
        }
    }

    /// The KL term of the layer's parameters under a prior, each at the rate of the site that
    /// multiplies what it multiplies.
    ///
    /// # Panics
    ///
    /// As [`DropoutPrior::site_lambda`]: a site that drops per step has no KL term.
    pub fn kl_term(&self, prior: &DropoutPrior) -> KlTerm {
        self.cell.kl_term(prior, &self.dropout).at("cell")
    }

    /// [`forward`](Self::forward) on `[seq_length, batch_size, units]`, whatever the layout.
    pub(crate) fn forward_time_first(
        &self,
        input: Tensor<3>,
        state: Option<C::State>,
        masks: &LayerMasks,
    ) -> (Tensor<3>, C::State) {
        let [seq_length, batch_size, d_input] = input.dims();
        assert!(
            d_input == self.cell.d_input(),
            "RecurrentLayer: input must have d_input {}, got dims [seq_length {seq_length}, \
             batch_size {batch_size}, {d_input}]",
            self.cell.d_input(),
        );
        for (field, size) in [("seq_length", seq_length), ("batch_size", batch_size)] {
            assert!(size > 0, "RecurrentLayer: {field} must be positive, got 0");
        }
        let initial = self.cell.initial_state(batch_size, &input.device());
        let state = match state {
            Some(state) => {
                check_state(&state, &initial);
                state
            }
            None => initial,
        };
        masks.recurrent.check_steps(seq_length);
        masks.recurrent.check_gates(self.cell.n_gates());
        masks.input.check_gates(self.cell.n_gates());
        let projected = self.cell.project_input(input, &masks.input);
        let (output, state) = scan(&self.cell, projected, state, &masks.recurrent);
        (masks.output.apply_tied(&output), state)
    }
}

/// Checks that a state has the names and dims of the cell's own.
fn check_state<S: RecurrentState>(state: &S, expected: &S) {
    let mut dims = Vec::new();
    let _ = expected.clone().map(&mut |_, tensor| {
        dims.push(tensor.dims());
        tensor
    });
    let mut dims = dims.into_iter();
    let _ = state.clone().map(&mut |name, tensor| {
        let expected = dims.next().expect("a state has as many tensors as the cell's own");
        assert!(
            tensor.dims() == expected,
            "RecurrentLayer: state {name} must have dims {expected:?}, got {:?}",
            tensor.dims()
        );
        tensor
    });
}
