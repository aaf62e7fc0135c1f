//! The one trait of a model whose masks are values.

mod input;
mod parts;

use burn::tensor::Device;

pub use input::{ModelExtent, ModelInput};

use crate::MaskDraw;

/// A model, or a part of one: how its masks are sampled, and how it runs with them.
///
/// Implement it once for a model of your own, and weight averaging, Monte Carlo and whatever else
/// draws masks take the model as it is. The embedding, the recurrent layers and stacks, locked
/// dropout and `burn::nn::Linear` implement it, and so does a tuple of two or three: its parts run
/// one after the other, and sample parts of the draw that are named by their place. Threads share it
/// where passes run on several devices, so it is [`Sync`], as modules are.
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
pub trait VariationalModel: Sync {
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

    /// The devices that passes of it may run on at once, if it has a replica on each; none if it
    /// runs where its parameters are. A model of your own around another one's replicas hands this
    /// on, or runs on the device of its input alone.
    fn devices(&self) -> Vec<Device> {
        Vec::new()
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
