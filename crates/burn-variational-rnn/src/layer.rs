//! One recurrent layer over any cell.

use burn::module::{Content, DisplaySettings, Module, ModuleDisplay};
use burn::tensor::Tensor;
use burn_variational_dropout::{
    DropoutPrior, KlTerm, MaskDraw, SequenceExtent, Site, VariationalModel, WeightMasks,
};

use crate::layout::Layout;
use crate::place::like_parameters;
use crate::scan::scan;
use crate::{
    CellSite, Direction, ExpectedMask, LayerDropout, LayerMasks, RecurrentCell, RecurrentState,
    SequenceBatch, SiteMasks, WeightSite,
};

/// A cell repeated over the steps of a sequence:
///
/// ```text
/// s_t = step(x_t ∘ z_x, s_{t-1}; z_h)
/// y_t = output(s_t) ∘ z_o
/// ```
///
/// `z_x`, `z_h` and `z_o` are the input, recurrent and output masks; the other sites are those of
/// the cell, as its equations say. Input, recurrent and output masks leave the carried state `s_t`
/// as it is. A layer that reads backwards gets `s_{t+1}` in place of `s_{t-1}`.
#[derive(Module, Debug)]
#[module(custom_display)]
pub struct RecurrentLayer<C: RecurrentCell> {
    /// The cell.
    pub cell: C,
    /// What [`sample_masks`](VariationalModel::sample_masks) draws.
    #[module(skip)]
    pub dropout: LayerDropout,
    /// Which way sequences are read.
    #[module(skip)]
    pub direction: Direction,
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
    /// As [`with_dropout`](Self::with_dropout).
    pub fn new(cell: C, dropout: LayerDropout) -> Self {
        let direction = Direction::Forward;
        let layer = Self { cell, dropout: LayerDropout::none(), direction, batch_first: true };
        layer.with_dropout(dropout)
    }

    /// With this dropout.
    ///
    /// # Panics
    ///
    /// If a rate is not in `[0, 1)`, or is that of a site that the cell does not read, or the site
    /// takes no such masks, with the reason, or weights have no such axis.
    pub fn with_dropout(mut self, dropout: LayerDropout) -> Self {
        for (site, asked) in dropout.iter() {
            let read = self.check_reads("dropout", site);
            read.check("RecurrentLayer", asked);
            if let ExpectedMask::MeanAt(other) = read.expected() {
                let mean = self.check_reads("the expected mask of dropout", other);
                assert!(
                    mean.width() == read.width() && dropout.get(other).is_none(),
                    "RecurrentLayer: the expected mask of {site} dropout must be at a site as wide \
                     that is not dropped itself, got {other}"
                );
            }
        }
        for (site, asked) in dropout.iter_weights() {
            asked.assert_valid("RecurrentLayer", &format!("{site} dropout"));
            asked.assert_fits(self.check_has_weights(site).value.dims());
        }
        self.dropout = dropout;
        self
    }

    /// With sequences read this way.
    pub fn with_direction(mut self, direction: Direction) -> Self {
        self.direction = direction;
        self
    }

    /// With sequences `[batch_size, seq_length, units]` (`true`) or
    /// `[seq_length, batch_size, units]` (`false`).
    pub fn with_batch_first(mut self, batch_first: bool) -> Self {
        self.batch_first = batch_first;
        self
    }

    /// The output of every step and the state after the last.
    ///
    /// With [`Lengths`](crate::Lengths) beside the input, the last step is each row's own: padding
    /// is never read, is 0 in the output, and gets no gradient.
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
    /// If the sequence is empty, the input has another width than the cell, lengths, state or masks
    /// have another batch size or width, or masks on weights lead to none of their dims.
    pub fn forward(
        &self,
        input: impl Into<SequenceBatch>,
        state: Option<C::State>,
        masks: &LayerMasks,
    ) -> (Tensor<3>, C::State) {
        let (layout, input) = Layout::of("RecurrentLayer", input.into(), self.batch_first);
        let (output, state) = self.walk(input, state, masks, &layout);
        (layout.output(output), state)
    }

    /// The output of the last step of each row, `[batch_size, d_hidden]`, and the state after it.
    ///
    /// The output mask multiplies it, as it does every output: the state's own output, which it
    /// does not, is another tensor. Read backwards, the last step is the first of the row.
    ///
    /// # Panics
    ///
    /// As [`forward`](Self::forward).
    pub fn forward_to_last(
        &self,
        input: impl Into<SequenceBatch>,
        state: Option<C::State>,
        masks: &LayerMasks,
    ) -> (Tensor<2>, C::State) {
        let (layout, input) = Layout::of("RecurrentLayer", input.into(), self.batch_first);
        let (output, state) = self.walk(input, state, masks, &layout);
        (layout.last_output(output, self.direction), state)
    }

    /// The KL term of the layer's parameters under a prior: input and recurrent weights at the rate
    /// of what enters them, or at their own where they are dropped. Other sites are no draws of
    /// weights and count for nothing: noise at every step, as zoneout is, and masks on candidate and
    /// cell.
    ///
    /// # Panics
    ///
    /// As [`DropoutPrior::site_lambda`]: input and recurrence that drop per step have no KL term; or
    /// if both a weight and what enters it are dropped.
    pub fn kl_term(&self, prior: &DropoutPrior) -> KlTerm {
        self.cell.kl_term(prior, &self.dropout).at("cell")
    }

    /// [`forward`](Self::forward) on a batch that lies so, whatever the layer's own layout.
    pub(crate) fn walk(
        &self,
        input: Tensor<3>,
        state: Option<C::State>,
        masks: &LayerMasks,
        layout: &Layout,
    ) -> (Tensor<3>, C::State) {
        let [first, second, d_input] = input.dims();
        let (seq_length, batch_size) = (layout.seq_length(), layout.batch_size());
        assert!(
            d_input == self.cell.d_input(),
            "RecurrentLayer: input must have d_input {}, got dims [seq_length {seq_length}, \
             batch_size {batch_size}, {d_input}]",
            self.cell.d_input(),
        );
        let initial = self.cell.initial_state(batch_size);
        let state = match state {
            Some(state) => {
                check_state(&state, &initial);
                layout.enter(state)
            }
            None => initial,
        };
        self.check_masks(masks, seq_length);
        let masks = layout.masks(masks);

        let cell = &masks.weights().bind(self.cell.clone());
        let projected = cell.project_input(input, &masks);
        let (steps, [_, _, width]) = (layout.steps(self.direction), projected.dims());
        let projected = projected.reshape([steps.n_rows(), width]);
        let (output, state) = scan(cell, projected, state, &masks, &steps);
        let output = output.reshape([first, second, self.cell.d_hidden()]);
        (masks.get(&Site::Output).apply_tied(&output), layout.leave(state))
    }

    /// The sites that the layer reads: those of the cell, and its output.
    fn sites(&self) -> Vec<CellSite> {
        let mut sites = self.cell.sites();
        sites.push(CellSite::new(Site::Output, self.cell.d_hidden()));
        sites
    }

    /// The site as the layer reads it, which it does.
    fn check_reads(&self, what: &str, site: &Site) -> CellSite {
        let sites = self.sites();
        let names: Vec<_> = sites.iter().map(|read| read.site().name()).collect();
        let names = names.join(", ");
        sites.into_iter().find(|read| read.site() == site).unwrap_or_else(|| {
            panic!("RecurrentLayer: {what} must be at a site that the layer reads ({names}), got {site}")
        })
    }

    /// The weights of the cell at a site, which it has.
    fn check_has_weights(&self, site: &Site) -> WeightSite {
        let weights = self.cell.weight_sites();
        let names: Vec<_> = weights.iter().map(|weight| weight.site.name().to_string()).collect();
        let names = if names.is_empty() { "none".into() } else { names.join(", ") };
        weights.into_iter().find(|weight| weight.site == *site).unwrap_or_else(|| {
            panic!(
                "RecurrentLayer: dropout must be of weights that the cell has ({names}), got {site}"
            )
        })
    }

    fn check_masks(&self, masks: &LayerMasks, seq_length: usize) {
        for (site, masks) in masks.iter() {
            let read = self.check_reads("masks", site);
            masks.check_steps(seq_length);
            masks.check_gates(read.n_gates());
        }
    }
}

impl<C: RecurrentCell> VariationalModel for RecurrentLayer<C> {
    type Input = Tensor<3>;
    type Masks = LayerMasks;
    type Output = Tensor<3>;

    /// Samples what the layer drops, in the float type and on the device of its parameters.
    ///
    /// # Panics
    ///
    /// If the draw is a whole one, or several draws are folded where weights are dropped.
    fn sample_masks(&self, extent: &SequenceExtent, draw: MaskDraw) -> LayerMasks {
        draw.assert_part("RecurrentLayer");
        let draw = draw.direction(u8::from(self.direction == Direction::Backward));
        let extent = like_parameters(&self.cell, extent);
        let weights = self.dropout.iter_weights().fold(WeightMasks::identity(), |masks, asked| {
            let (site, asked) = asked;
            let WeightSite { path, value, .. } = self.check_has_weights(site);
            masks.with(path, asked.sample(&value, &draw.site(site)))
        });
        let masks = LayerMasks::identity().with_weights(weights);
        self.dropout.iter().fold(masks, |masks, (site, asked)| {
            let read = self.check_reads("dropout", site);
            let sampled = SiteMasks::sample(asked, &read, &extent, &draw);
            match read.expected() {
                ExpectedMask::MeanAt(other) if draw.is_expected() => {
                    masks.with(other.clone(), sampled)
                }
                _ => masks.with(site.clone(), sampled),
            }
        })
    }

    /// Not where weights are dropped, which all rows of a batch share.
    fn folds_draws(&self) -> bool {
        self.dropout.iter_weights().next().is_none()
    }

    /// On `[batch_size, seq_length, d_input]`, whatever the layout of
    /// [`forward`](Self::forward), from the cell's initial state.
    fn run(&self, input: Tensor<3>, masks: &LayerMasks) -> Tensor<3> {
        let (layout, input) = Layout::of("RecurrentLayer", input.into(), true);
        layout.output(self.walk(input, None, masks, &layout).0)
    }
}

/// Checks that a state has the names and dims of the cell's own.
fn check_state<S: RecurrentState>(state: &S, expected: &S) {
    for ((name, tensor), (_, expected)) in state.tensors().into_iter().zip(expected.tensors()) {
        assert!(
            tensor.dims() == expected.dims(),
            "RecurrentLayer: state {name} must have dims {:?}, got {:?}",
            expected.dims(),
            tensor.dims()
        );
    }
}
