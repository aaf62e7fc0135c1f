//! Layers on layers: depth, with dropout between layers and on the output.

use burn::config::Config;
use burn::module::{Content, DisplaySettings, Module, ModuleDisplay};
use burn::tensor::{Device, Tensor};
use burn_variational_dropout::{DropoutPrior, KlTerm, MaskDraw, SequenceExtent, VariationalModel};
use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};

use crate::{CellConfig, RecurrentCell, RecurrentLayer, StackDropout, StackMasks, StackState};

/// Configuration of a [`RecurrentStack`] of cells of one kind.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct StackConfig<C> {
    /// The cell of the first layer; later layers differ in their input width.
    pub cell: C,
    /// The number of layers.
    pub n_layers: usize,
    /// What is dropped.
    pub dropout: StackDropout,
    /// Whether sequences are `[batch_size, seq_length, units]` or
    /// `[seq_length, batch_size, units]`.
    pub batch_first: bool,
}

impl<C: std::fmt::Debug + Clone + Serialize + DeserializeOwned> Config for StackConfig<C> {}

impl<C: CellConfig> StackConfig<C> {
    /// One layer of this cell, batch first, without dropout.
    pub fn from_cell(cell: C) -> Self {
        Self { cell, n_layers: 1, dropout: StackDropout::none(), batch_first: true }
    }

    /// With so many layers.
    pub fn with_n_layers(mut self, n_layers: usize) -> Self {
        self.n_layers = n_layers;
        self
    }

    /// With this dropout.
    pub fn with_dropout(mut self, dropout: StackDropout) -> Self {
        self.dropout = dropout;
        self
    }

    /// With sequences `[batch_size, seq_length, units]` (`true`, the default) or
    /// `[seq_length, batch_size, units]` (`false`).
    pub fn with_batch_first(mut self, batch_first: bool) -> Self {
        self.batch_first = batch_first;
        self
    }

    /// The stack.
    ///
    /// # Panics
    ///
    /// If there is no layer, a size is zero, a rate is not in `[0, 1)`, or a site is dropped that
    /// the cell does not read.
    pub fn init(&self, device: &Device) -> RecurrentStack<C::Cell> {
        assert!(self.n_layers > 0, "StackConfig: n_layers must be positive, got 0");
        let layers = (0..self.n_layers).map(|layer| {
            let cell = match layer {
                0 => self.cell.clone(),
                _ => self.cell.clone().with_d_input(self.cell.d_hidden()),
            };
            RecurrentLayer::new(cell.init(device), self.dropout.layer(layer, self.n_layers))
        });
        RecurrentStack::new(layers.collect()).with_batch_first(self.batch_first)
    }
}

/// Recurrent layers, each fed with the output of the one below.
///
/// Layer `l` multiplies what enters its gates by its own input mask, which for `l > 0` is the
/// dropout between layers, and its previous hidden state by its own recurrent mask; the output
/// mask of the last layer multiplies what the stack returns. Should be created with
/// [`StackConfig`].
#[derive(Module, Debug)]
#[module(custom_display)]
pub struct RecurrentStack<C: RecurrentCell> {
    /// The layers, from the input up.
    pub layers: Vec<RecurrentLayer<C>>,
    /// Whether sequences are `[batch_size, seq_length, units]` or
    /// `[seq_length, batch_size, units]`, whatever the layers' own setting.
    pub batch_first: bool,
}

impl<C: RecurrentCell> ModuleDisplay for RecurrentStack<C> {
    fn custom_settings(&self) -> Option<DisplaySettings> {
        DisplaySettings::new().with_new_line_after_attribute(false).optional()
    }

    fn custom_content(&self, content: Content) -> Option<Content> {
        content
            .add("d_input", &self.layers[0].cell.d_input())
            .add("d_hidden", &self.layers[0].cell.d_hidden())
            .add("n_layers", &self.layers.len())
            .optional()
    }
}

impl<C: RecurrentCell> RecurrentStack<C> {
    /// A stack of these layers, batch first.
    ///
    /// # Panics
    ///
    /// If there is no layer, or a layer takes another width than the one below gives.
    pub fn new(layers: Vec<RecurrentLayer<C>>) -> Self {
        assert!(!layers.is_empty(), "RecurrentStack: layers must not be empty, got 0");
        for (below, pair) in layers.windows(2).enumerate() {
            let (given, taken) = (pair[0].cell.d_hidden(), pair[1].cell.d_input());
            assert!(
                given == taken,
                "RecurrentStack: d_input of layer {} must be the d_hidden {given} of the layer \
                 below, got {taken}",
                below + 1
            );
        }
        Self { layers, batch_first: true }
    }

    /// With this dropout: what a stack made of other weights lacks.
    ///
    /// # Panics
    ///
    /// If a rate is not in `[0, 1)`, or is that of a site that the cell does not read.
    pub fn with_dropout(mut self, dropout: StackDropout) -> Self {
        let n_layers = self.layers.len();
        let layers = self.layers.into_iter().enumerate();
        let layers = layers.map(|(l, layer)| layer.with_dropout(dropout.layer(l, n_layers)));
        self.layers = layers.collect();
        self
    }

    /// With sequences `[batch_size, seq_length, units]` (`true`) or
    /// `[seq_length, batch_size, units]` (`false`).
    pub fn with_batch_first(mut self, batch_first: bool) -> Self {
        self.batch_first = batch_first;
        self
    }

    /// The masks of no dropout at all.
    pub fn identity_masks(&self) -> StackMasks {
        StackMasks::identity(self.layers.len())
    }

    /// The output of every step of the last layer, and the state of every layer after the last
    /// step.
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
    /// If the sequence is empty, or input, state or masks do not fit the layers.
    pub fn forward(
        &self,
        input: Tensor<3>,
        state: Option<StackState<C::State>>,
        masks: &StackMasks,
    ) -> (Tensor<3>, StackState<C::State>) {
        if self.batch_first {
            let (output, state) = self.forward_time_first(input.swap_dims(0, 1), state, masks);
            (output.swap_dims(0, 1), state)
        } else {
            self.forward_time_first(input, state, masks)
        }
    }

    /// [`forward`](Self::forward) on `[seq_length, batch_size, units]`, whatever the layout.
    fn forward_time_first(
        &self,
        input: Tensor<3>,
        state: Option<StackState<C::State>>,
        masks: &StackMasks,
    ) -> (Tensor<3>, StackState<C::State>) {
        self.check_depth("masks", masks.n_layers());
        let states: Vec<_> = match state {
            Some(state) => {
                self.check_depth("state", state.n_layers());
                state.into_layers().map(Some).collect()
            }
            None => self.layers.iter().map(|_| None).collect(),
        };
        let mut output = input;
        let mut finals = Vec::with_capacity(self.layers.len());
        for (l, (layer, state)) in self.layers.iter().zip(states).enumerate() {
            let (above, state) = layer.forward_time_first(output, state, masks.layer(l));
            output = above;
            finals.push(state);
        }
        (output, StackState::new(finals))
    }

    /// The KL term of the parameters of all layers under a prior.
    ///
    /// # Panics
    ///
    /// As [`DropoutPrior::site_lambda`]: a site that drops per step has no KL term.
    pub fn kl_term(&self, prior: &DropoutPrior) -> KlTerm {
        self.layers.iter().enumerate().fold(KlTerm::new(), |kl, (k, layer)| {
            kl.and(layer.kl_term(prior).at(&format!("layers.{k}")))
        })
    }

    fn check_depth(&self, field: &str, n_layers: usize) {
        assert!(
            n_layers == self.layers.len(),
            "RecurrentStack: {field} must have {} layers, got {n_layers}",
            self.layers.len()
        );
    }
}

impl<C: RecurrentCell> VariationalModel for RecurrentStack<C> {
    type Input = Tensor<3>;
    type Masks = StackMasks;
    type Output = Tensor<3>;

    /// Samples what every layer drops, in the float type and on the device of the parameters.
    fn sample_masks(&self, extent: &SequenceExtent, draw: MaskDraw) -> StackMasks {
        draw.assert_part("RecurrentStack");
        let layers = self.layers.iter().enumerate();
        StackMasks::new(
            layers.map(|(l, layer)| layer.sample_masks(extent, draw.layer(l))).collect(),
        )
    }

    /// On `[batch_size, seq_length, d_input]`, whatever the layout of
    /// [`forward`](Self::forward), from the cells' initial state.
    fn run(&self, input: Tensor<3>, masks: &StackMasks) -> Tensor<3> {
        self.forward_time_first(input.swap_dims(0, 1), None, masks).0.swap_dims(0, 1)
    }
}
