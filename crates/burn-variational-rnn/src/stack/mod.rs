//! Layers on layers: depth, with dropout between layers and on the output.

mod config;
mod walk;

use burn::module::{Content, DisplaySettings, Module, ModuleDisplay};
use burn::tensor::Tensor;
use burn_variational_dropout::{DropoutPrior, KlTerm, MaskDraw, SequenceExtent, VariationalModel};

pub use config::StackConfig;

use crate::layout::Layout;
use crate::{Direction, MergeMode, RecurrentCell, RecurrentLayer, StackDropout, StackMasks};

/// Recurrent layers, each fed with the output of the one below.
///
/// Layer `l` multiplies what enters its gates by its own input mask, which for `l > 0` is the
/// dropout between layers, and its previous hidden state by its own recurrent mask; the output
/// mask of the last layer multiplies what the stack returns.
///
/// Layers that read both ways have parameters and masks of their own for each; what the two give,
/// their own output masks included, is merged after every layer. Should be created with
/// [`StackConfig`].
#[derive(Module, Debug)]
#[module(custom_display)]
pub struct RecurrentStack<C: RecurrentCell> {
    /// The layers, from the input up: all that read one way, or the forward ones.
    pub layers: Vec<RecurrentLayer<C>>,
    /// The layers that read backward beside those that read forward, one for each of them or none.
    pub backward_layers: Vec<RecurrentLayer<C>>,
    /// How the outputs of two directions become one.
    #[module(skip)]
    pub merge: MergeMode,
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
    /// A stack of these layers that read forward, batch first.
    ///
    /// # Panics
    ///
    /// If there is no layer, or a layer takes another width than the one below gives.
    pub fn new(layers: Vec<RecurrentLayer<C>>) -> Self {
        Self::of(layers, vec![], MergeMode::Concat)
    }

    /// A stack of these layers that read backward, batch first.
    ///
    /// # Panics
    ///
    /// As [`new`](Self::new).
    pub fn backward(layers: Vec<RecurrentLayer<C>>) -> Self {
        let mut stack = Self::new(layers);
        for layer in &mut stack.layers {
            layer.direction = Direction::Backward;
        }
        stack
    }

    /// A stack of layers that read both ways, from the input up, batch first.
    ///
    /// # Panics
    ///
    /// As [`new`](Self::new), or if there are not as many of one direction as of the other, of the
    /// same widths.
    pub fn both(
        forward: Vec<RecurrentLayer<C>>,
        backward: Vec<RecurrentLayer<C>>,
        merge: MergeMode,
    ) -> Self {
        assert!(
            forward.len() == backward.len(),
            "RecurrentStack: backward layers must be as many as the forward ones, {}, got {}",
            forward.len(),
            backward.len()
        );
        for (l, (forward, backward)) in forward.iter().zip(&backward).enumerate() {
            let widths = |layer: &RecurrentLayer<C>| [layer.cell.d_input(), layer.cell.d_hidden()];
            let (forward, backward) = (widths(forward), widths(backward));
            assert!(
                forward == backward,
                "RecurrentStack: backward layer {l} must have the [d_input, d_hidden] \
                 {forward:?} of the forward one, got {backward:?}"
            );
        }
        Self::of(forward, backward, merge)
    }

    fn of(
        mut layers: Vec<RecurrentLayer<C>>,
        mut backward_layers: Vec<RecurrentLayer<C>>,
        merge: MergeMode,
    ) -> Self {
        assert!(!layers.is_empty(), "RecurrentStack: layers must not be empty, got 0");
        for layer in &mut layers {
            layer.direction = Direction::Forward;
        }
        for layer in &mut backward_layers {
            layer.direction = Direction::Backward;
        }
        let stack = Self { layers, backward_layers, merge, batch_first: true };
        for (below, pair) in stack.layers.windows(2).enumerate() {
            let (given, taken) = (stack.width(&pair[0]), pair[1].cell.d_input());
            assert!(
                given == taken,
                "RecurrentStack: d_input of layer {} must be the d_hidden {given} of the layer \
                 below, got {taken}",
                below + 1
            );
        }
        stack
    }

    /// Whether its layers read both ways.
    pub fn is_bidirectional(&self) -> bool {
        !self.backward_layers.is_empty()
    }

    /// The width of what a layer gives to the one above.
    fn width(&self, layer: &RecurrentLayer<C>) -> usize {
        let d_hidden = layer.cell.d_hidden();
        if self.is_bidirectional() { self.merge.width(d_hidden) } else { d_hidden }
    }

    /// With this dropout: what a stack made of other weights lacks.
    ///
    /// # Panics
    ///
    /// If a rate is not in `[0, 1)`, or is that of a site that the cell does not read.
    pub fn with_dropout(mut self, dropout: StackDropout) -> Self {
        let n_layers = self.layers.len();
        for layers in [&mut self.layers, &mut self.backward_layers] {
            let with = std::mem::take(layers).into_iter().enumerate();
            let with = with.map(|(l, layer)| layer.with_dropout(dropout.layer(l, n_layers)));
            *layers = with.collect();
        }
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
        let n_layers = self.layers.len();
        if self.is_bidirectional() {
            StackMasks::both(vec![Default::default(); n_layers])
        } else {
            StackMasks::identity(n_layers)
        }
    }

    /// The KL term of the parameters of all layers under a prior.
    ///
    /// # Panics
    ///
    /// As [`DropoutPrior::site_lambda`]: a site that drops per step has no KL term.
    pub fn kl_term(&self, prior: &DropoutPrior) -> KlTerm {
        let fields = [("layers", &self.layers), ("backward_layers", &self.backward_layers)];
        let layers = fields.iter().flat_map(|(field, layers)| {
            layers.iter().enumerate().map(move |(k, layer)| (format!("{field}.{k}"), layer))
        });
        layers.fold(KlTerm::new(), |kl, (path, layer)| kl.and(layer.kl_term(prior).at(&path)))
    }
}

impl<C: RecurrentCell> VariationalModel for RecurrentStack<C> {
    type Input = Tensor<3>;
    type Masks = StackMasks;
    type Output = Tensor<3>;

    /// Samples what every layer drops, in the float type and on the device of the parameters.
    fn sample_masks(&self, extent: &SequenceExtent, draw: MaskDraw) -> StackMasks {
        draw.assert_part("RecurrentStack");
        let sample = |layers: &[RecurrentLayer<C>]| -> Vec<_> {
            let layers = layers.iter().enumerate();
            layers.map(|(l, layer)| layer.sample_masks(extent, draw.layer(l))).collect()
        };
        let masks = sample(&self.layers);
        if !self.is_bidirectional() {
            return StackMasks::new(masks);
        }
        let backward = sample(&self.backward_layers);
        StackMasks::both(masks.into_iter().zip(backward).collect())
    }

    /// Not where weights are dropped, which all rows of a batch share.
    fn folds_draws(&self) -> bool {
        self.layers.iter().chain(&self.backward_layers).all(VariationalModel::folds_draws)
    }

    /// On `[batch_size, seq_length, d_input]`, whatever the layout of
    /// [`forward`](Self::forward), from the cells' initial state.
    fn run(&self, input: Tensor<3>, masks: &StackMasks) -> Tensor<3> {
        let (layout, input) = Layout::of("RecurrentStack", input.into(), true);
        layout.output(self.walk(input, None, masks, &layout).0.merged(self.merge))
    }
}
