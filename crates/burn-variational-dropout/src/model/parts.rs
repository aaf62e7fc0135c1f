//! Models of several parts.

use burn::nn::Linear;
use burn::tensor::{Device, Tensor};

use super::{ModelInput, VariationalModel};
use crate::{MaskDraw, SequenceExtent};

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

    fn devices(&self) -> Vec<Device> {
        (**self).devices()
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
