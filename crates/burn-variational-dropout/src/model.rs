//! The one trait of a model whose masks are values.

use std::ops::Range;

use burn::nn::Linear;
use burn::tensor::{Int, Tensor};

use crate::{BatchExtent, MaskDraw, SequenceExtent};

/// A model, or a part of one: how its masks are sampled, and how it runs with them.
///
/// Implement it once for a model of your own, and weight averaging, Monte Carlo and whatever else
/// draws masks take the model as it is. The embedding, the recurrent layers and stacks, locked
/// dropout and `burn::nn::Linear` implement it, and so does a tuple of two or three: its parts run
/// one after the other, and sample parts of the draw that are named by their place.
///
/// # Example
///
/// A linear layer whose inputs are dropped:
///
/// ```
/// use burn::nn::{Linear, LinearConfig};
/// use burn::tensor::{Device, Tensor};
/// use burn_variational_dropout::{
///     LockedDropout, LockedDropoutConfig, DropoutMask, MaskDraw, MaskRng, SequenceExtent,
///     VariationalModel,
/// };
///
/// struct Model {
///     dropout: LockedDropout,
///     output: Linear,
/// }
///
/// impl VariationalModel for Model {
///     type Input = Tensor<3>;
///     type Masks = (DropoutMask<2>, ());
///     type Output = Tensor<3>;
///
///     fn sample_masks(&self, extent: &SequenceExtent, draw: MaskDraw) -> Self::Masks {
///         (&self.dropout, &self.output).sample_masks(extent, draw)
///     }
///     fn run(&self, input: Tensor<3>, masks: &Self::Masks) -> Tensor<3> {
///         (&self.dropout, &self.output).run(input, masks).tanh()
///     }
/// }
///
/// let device = Device::flex();
/// let output = LinearConfig::new(8, 1).init(&device);
/// let model = Model { dropout: LockedDropoutConfig::new(8, 0.5).init(), output };
/// let input = Tensor::ones([2, 5, 8], &device);
///
/// // A training step: its masks, and what the model makes of the input with them.
/// let masks = model.masks_for(&input, MaskRng::seeded(1).draw(0));
/// assert_eq!(model.run(input.clone(), &masks).dims(), [2, 5, 1]);
/// // The weight-averaging approximation of its mean.
/// assert_eq!(model.weight_averaged(input).dims(), [2, 5, 1]);
/// ```
pub trait VariationalModel {
    /// What it runs on: a tensor whose first dimension is the rows of the batch, several such, or
    /// a type of your own.
    type Input: ModelInput;
    /// Its masks.
    type Masks;
    /// What it gives.
    type Output;

    /// Samples the masks for inputs of this extent.
    ///
    /// # Panics
    ///
    /// If the batch does not divide into the draws, or modules with masks of their own were given
    /// a draw that is no [part](MaskDraw::part) of one.
    fn sample_masks(
        &self,
        extent: &<Self::Input as ModelInput>::Extent,
        draw: MaskDraw,
    ) -> Self::Masks;

    /// Runs with these masks, be they random, expected or the identity.
    fn run(&self, input: Self::Input, masks: &Self::Masks) -> Self::Output;

    /// Whether several draws may be folded into one batch, as they may where every mask has rows.
    /// A model that drops weights shares them between all rows, and runs draw by draw.
    fn folds_draws(&self) -> bool {
        true
    }

    /// The masks for an input: what a training step samples.
    ///
    /// # Panics
    ///
    /// As [`sample_masks`](Self::sample_masks).
    fn masks_for(&self, input: &Self::Input, draw: MaskDraw) -> Self::Masks {
        self.sample_masks(&input.extent(), draw)
    }

    /// Runs with the expected masks: the weight-averaging approximation of the predictive mean.
    fn weight_averaged(&self, input: Self::Input) -> Self::Output {
        let masks = self.masks_for(&input, MaskDraw::expected());
        self.run(input, &masks)
    }
}

/// What a model runs on: rows that can be counted, cut and repeated.
pub trait ModelInput: Clone {
    /// What of it matters to masks: its sizes and its device.
    type Extent;

    /// Its extent.
    fn extent(&self) -> Self::Extent;

    /// The number of rows.
    fn n_rows(&self) -> usize;

    /// These rows, all of them once for each of so many draws, draw after draw.
    fn fold(&self, rows: Range<usize>, n_draws: usize) -> Self;
}

/// Sequences of features, `[batch_size, seq_length, units]`.
impl ModelInput for Tensor<3> {
    type Extent = SequenceExtent;

    fn extent(&self) -> SequenceExtent {
        let [batch_size, seq_length, _] = self.dims();
        SequenceExtent::new(batch_size, seq_length, &self.device()).with_dtype(self.dtype().into())
    }

    fn n_rows(&self) -> usize {
        self.dims()[0]
    }

    fn fold(&self, rows: Range<usize>, n_draws: usize) -> Self {
        self.clone().slice_dim(0, rows).repeat_dim(0, n_draws)
    }
}

/// Sequences of tokens, `[batch_size, seq_length]`.
impl ModelInput for Tensor<2, Int> {
    type Extent = SequenceExtent;

    fn extent(&self) -> SequenceExtent {
        let [batch_size, seq_length] = self.dims();
        SequenceExtent::new(batch_size, seq_length, &self.device())
    }

    fn n_rows(&self) -> usize {
        self.dims()[0]
    }

    fn fold(&self, rows: Range<usize>, n_draws: usize) -> Self {
        self.clone().slice_dim(0, rows).repeat_dim(0, n_draws)
    }
}

/// Rows of features, `[batch_size, units]`.
impl ModelInput for Tensor<2> {
    type Extent = BatchExtent;

    fn extent(&self) -> BatchExtent {
        BatchExtent::new(self.dims()[0], &self.device()).with_dtype(self.dtype().into())
    }

    fn n_rows(&self) -> usize {
        self.dims()[0]
    }

    fn fold(&self, rows: Range<usize>, n_draws: usize) -> Self {
        self.clone().slice_dim(0, rows).repeat_dim(0, n_draws)
    }
}

/// Images, `[batch_size, channels, height, width]`.
impl ModelInput for Tensor<4> {
    type Extent = BatchExtent;

    fn extent(&self) -> BatchExtent {
        BatchExtent::new(self.dims()[0], &self.device()).with_dtype(self.dtype().into())
    }

    fn n_rows(&self) -> usize {
        self.dims()[0]
    }

    fn fold(&self, rows: Range<usize>, n_draws: usize) -> Self {
        self.clone().slice_dim(0, rows).repeat_dim(0, n_draws)
    }
}

/// Two inputs of the same rows.
///
/// # Panics
///
/// [`n_rows`](ModelInput::n_rows) panics if they have different rows.
impl<A: ModelInput, B: ModelInput> ModelInput for (A, B) {
    type Extent = (A::Extent, B::Extent);

    fn extent(&self) -> Self::Extent {
        (self.0.extent(), self.1.extent())
    }

    fn n_rows(&self) -> usize {
        let (n_rows, others) = (self.0.n_rows(), self.1.n_rows());
        assert!(
            n_rows == others,
            "ModelInput: both must have the same rows, got {n_rows}, {others}"
        );
        n_rows
    }

    fn fold(&self, rows: Range<usize>, n_draws: usize) -> Self {
        (self.0.fold(rows.clone(), n_draws), self.1.fold(rows, n_draws))
    }
}

impl<M: VariationalModel + ?Sized> VariationalModel for &M {
    type Input = M::Input;
    type Masks = M::Masks;
    type Output = M::Output;

    fn sample_masks(
        &self,
        extent: &<Self::Input as ModelInput>::Extent,
        draw: MaskDraw,
    ) -> Self::Masks {
        (**self).sample_masks(extent, draw)
    }

    fn run(&self, input: Self::Input, masks: &Self::Masks) -> Self::Output {
        (**self).run(input, masks)
    }

    fn folds_draws(&self) -> bool {
        (**self).folds_draws()
    }
}

/// Has no mask: it is here to stand in a tuple.
impl VariationalModel for Linear {
    type Input = Tensor<3>;
    type Masks = ();
    type Output = Tensor<3>;

    fn sample_masks(&self, _extent: &SequenceExtent, _draw: MaskDraw) {}

    fn run(&self, input: Tensor<3>, (): &()) -> Tensor<3> {
        self.forward(input)
    }
}

/// A pair: the second runs on what the first gives, with masks for the same extent.
impl<A, B> VariationalModel for (A, B)
where
    A: VariationalModel<Output: ModelInput>,
    B: VariationalModel<Input = A::Output>,
    A::Input: ModelInput<Extent = <B::Input as ModelInput>::Extent>,
{
    type Input = A::Input;
    type Masks = (A::Masks, B::Masks);
    type Output = B::Output;

    fn sample_masks(
        &self,
        extent: &<Self::Input as ModelInput>::Extent,
        draw: MaskDraw,
    ) -> Self::Masks {
        (self.0.sample_masks(extent, draw.part("0")), self.1.sample_masks(extent, draw.part("1")))
    }

    fn run(&self, input: Self::Input, masks: &Self::Masks) -> Self::Output {
        self.1.run(self.0.run(input, &masks.0), &masks.1)
    }

    fn folds_draws(&self) -> bool {
        self.0.folds_draws() && self.1.folds_draws()
    }
}

/// Three in a row: each runs on what the one before gives.
impl<A, B, C> VariationalModel for (A, B, C)
where
    A: VariationalModel<Output: ModelInput>,
    B: VariationalModel<Input = A::Output, Output: ModelInput>,
    C: VariationalModel<Input = B::Output>,
    A::Input: ModelInput<Extent = <B::Input as ModelInput>::Extent>,
    C::Input: ModelInput<Extent = <B::Input as ModelInput>::Extent>,
{
    type Input = A::Input;
    type Masks = (A::Masks, B::Masks, C::Masks);
    type Output = C::Output;

    fn sample_masks(
        &self,
        extent: &<Self::Input as ModelInput>::Extent,
        draw: MaskDraw,
    ) -> Self::Masks {
        (
            self.0.sample_masks(extent, draw.part("0")),
            self.1.sample_masks(extent, draw.part("1")),
            self.2.sample_masks(extent, draw.part("2")),
        )
    }

    fn run(&self, input: Self::Input, masks: &Self::Masks) -> Self::Output {
        let (first, second, third) = (&self.0, &self.1, &self.2);
        third.run(second.run(first.run(input, &masks.0), &masks.1), &masks.2)
    }

    fn folds_draws(&self) -> bool {
        self.0.folds_draws() && self.1.folds_draws() && self.2.folds_draws()
    }
}
