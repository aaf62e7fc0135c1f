//! How sequences go through a stack: whole, to their last step, or step by step.

use burn::tensor::Tensor;

use crate::layout::Layout;
use crate::per_layer::PerLayer;
use crate::{
    Direction, MergeMode, RecurrentCell, RecurrentStack, SequenceBatch, StackMasks, StackState,
};

impl<C: RecurrentCell> RecurrentStack<C> {
    /// The output of every step of the last layer, and the state of every layer after the last
    /// step.
    ///
    /// With [`Lengths`](crate::Lengths) beside the input, the last step is each row's own: padding
    /// is never read, is 0 in the output, and gets no gradient.
    ///
    /// # Shapes
    ///
    /// - input: `[batch_size, seq_length, d_input]`
    /// - output: `[batch_size, seq_length, d_hidden]`, or `2 · d_hidden` where two directions are
    ///   concatenated
    ///
    /// The first two swap places without `batch_first`.
    ///
    /// # Panics
    ///
    /// If the sequence is empty, or input, lengths, state or masks do not fit the layers.
    pub fn forward(
        &self,
        input: impl Into<SequenceBatch>,
        state: Option<StackState<C::State>>,
        masks: &StackMasks,
    ) -> (Tensor<3>, StackState<C::State>) {
        let (layout, input) = Layout::of("RecurrentStack", input.into(), self.batch_first);
        let (output, state) = self.walk(input, state, masks, &layout);
        (layout.output(output.merged(self.merge)), state)
    }

    /// The output of the last step of each row, `[batch_size, d_hidden]`, or `2 · d_hidden` where
    /// two directions are concatenated, and the state after it: what Keras gives without
    /// `return_sequences`.
    ///
    /// The output mask multiplies it, as it does every output: the state's own output, which it
    /// does not, is another tensor. Read backwards, the last step is the first of the row; of two
    /// directions each gives its own last.
    ///
    /// # Panics
    ///
    /// As [`forward`](Self::forward).
    pub fn forward_to_last(
        &self,
        input: impl Into<SequenceBatch>,
        state: Option<StackState<C::State>>,
        masks: &StackMasks,
    ) -> (Tensor<2>, StackState<C::State>) {
        let (layout, input) = Layout::of("RecurrentStack", input.into(), self.batch_first);
        let (outputs, state) = self.walk(input, state, masks, &layout);
        let own = self.layers[self.layers.len() - 1].direction;
        let first = layout.last_output(outputs.first, own);
        let second = outputs.second.map(|output| layout.last_output(output, Direction::Backward));
        (Outputs { first, second }.merged(self.merge), state)
    }

    /// The next step of sequences that are read as they come: its input and output are
    /// `[batch_size, units]`, and state and masks are carried by the caller.
    ///
    /// Step by step the outputs are those of [`forward`](Self::forward) over all steps, with masks
    /// that are repeated at every step; another mask at every step is drawn for one step at a time
    /// ([`MaskDraw::starting_step`](burn_variational_dropout::MaskDraw::starting_step)).
    ///
    /// # Example
    ///
    /// A sensor that never ends, ten draws of the masks beside each other:
    ///
    /// ```
    /// use burn::tensor::{Device, Tensor};
    /// use burn_variational_dropout::{MaskRng, VariationalModel};
    /// use burn_variational_rnn::{StackDropout, VariationalLstmConfig};
    ///
    /// let device = Device::flex();
    /// let lstm = VariationalLstmConfig::new(1, 8, true)
    ///     .with_dropout(StackDropout::variational(0.2, 0.2))
    ///     .init(&device);
    /// let draws = Tensor::<3>::zeros([10, 1, 1], &device);
    /// let masks = lstm.masks_for(&draws, MaskRng::seeded(1).draw(0).part("lstm"));
    /// let mut state = None;
    /// for reading in [0.1, 0.3, 0.2] {
    ///     let input = Tensor::full([10, 1], reading, &device);
    ///     let (output, carried) = lstm.step(input, state, &masks);
    ///     assert_eq!(output.dims(), [10, 8]);
    ///     state = Some(carried);
    /// }
    /// ```
    ///
    /// # Panics
    ///
    /// If a layer reads backward, or input, state or masks do not fit the layers.
    pub fn step(
        &self,
        input: Tensor<2>,
        state: Option<StackState<C::State>>,
        masks: &StackMasks,
    ) -> (Tensor<2>, StackState<C::State>) {
        assert!(
            !self.is_bidirectional()
                && self.layers.iter().all(|layer| layer.direction == Direction::Forward),
            "RecurrentStack: a step needs layers that read forward alone: what comes later is not \
             there yet"
        );
        let input = SequenceBatch::from(input.unsqueeze_dim::<3>(0));
        let (layout, input) = Layout::of("RecurrentStack", input, false);
        let (outputs, state) = self.walk(input, state, masks, &layout);
        (outputs.first.squeeze_dim(0), state)
    }

    /// The outputs of the last layer, on a batch that lies so, and the state of every layer.
    pub(super) fn walk(
        &self,
        input: Tensor<3>,
        state: Option<StackState<C::State>>,
        masks: &StackMasks,
        layout: &Layout,
    ) -> (Outputs<3>, StackState<C::State>) {
        self.check_layers("masks", masks.per_layer());
        let states: Vec<_> = match state {
            Some(state) => {
                self.check_layers("state", state.per_layer());
                state.into_layers().map(|(forward, backward)| (Some(forward), backward)).collect()
            }
            None => self.layers.iter().map(|_| (None, None)).collect(),
        };
        let mut outputs = Outputs { first: input, second: None };
        let (mut finals, mut backward_finals) = (Vec::new(), Vec::new());
        for (l, (state, backward_state)) in states.into_iter().enumerate() {
            let input = outputs.merged(self.merge);
            let second = self.backward_layers.get(l).map(|layer| {
                let masks = masks.backward_layer(l).expect("masks of both directions");
                let (output, state) = layer.walk(input.clone(), backward_state, masks, layout);
                backward_finals.push(state);
                output
            });
            let (first, state) = self.layers[l].walk(input, state, masks.layer(l), layout);
            finals.push(state);
            outputs = Outputs { first, second };
        }
        let state = if self.is_bidirectional() {
            StackState::both(finals.into_iter().zip(backward_finals).collect())
        } else {
            StackState::new(finals)
        };
        (outputs, state)
    }

    fn check_layers<T>(&self, field: &str, found: &PerLayer<T>) {
        assert!(
            found.n_layers() == self.layers.len(),
            "RecurrentStack: {field} must have {} layers, got {}",
            self.layers.len(),
            found.n_layers()
        );
        let (fit, ways) = if self.is_bidirectional() {
            (found.has_both(), "both directions")
        } else {
            (found.has_one(), "one direction")
        };
        assert!(fit, "RecurrentStack: {field} must be of {ways} of every layer");
    }
}

/// The output of a layer: of its only direction, or of both.
pub(super) struct Outputs<const D: usize> {
    pub(super) first: Tensor<D>,
    second: Option<Tensor<D>>,
}

impl<const D: usize> Outputs<D> {
    pub(super) fn merged(self, merge: MergeMode) -> Tensor<D> {
        match self.second {
            Some(second) => merge.merge(self.first, second),
            None => self.first,
        }
    }
}
