//! A model that says how likely its output makes what was observed.

use std::marker::PhantomData;
use std::ops::Range;

use burn::tensor::{Bool, Device, Tensor, kind::Basic};
use burn_variational_dropout::{MaskDraw, ModelInput, VariationalModel};

use crate::sequence::is_padding;

/// What was observed of each row. It has no mask: it stands beside the input that it belongs to.
pub(crate) trait Observed<const D: usize>: ModelInput<Extent = ()> {
    /// The logarithm of the density, or of the probability, of each value.
    ///
    /// # Panics
    ///
    /// If it is not of such outputs.
    fn log_density(self, output: Tensor<D>) -> Tensor<D>;
}

/// A model whose output is the log density of what was observed. Its rows, draws and masks are those
/// of the model, so that the runner needs to know nothing of observations.
pub(crate) struct Scored<'a, M, O> {
    model: &'a M,
    observed: PhantomData<O>,
}

impl<'a, M, O> Scored<'a, M, O> {
    pub(crate) fn new(model: &'a M) -> Self {
        Self { model, observed: PhantomData }
    }
}

impl<const D: usize, M, O> VariationalModel for Scored<'_, M, O>
where
    M: VariationalModel<Output = Tensor<D>>,
    O: Observed<D>,
{
    type Input = (M::Input, O);
    type Masks = M::Masks;
    type Output = Tensor<D>;

    fn sample_masks(
        &self,
        (extent, ()): &<Self::Input as ModelInput>::Extent,
        draw: MaskDraw,
    ) -> M::Masks {
        self.model.sample_masks(extent, draw)
    }

    fn run(&self, (input, observed): Self::Input, masks: &M::Masks) -> Tensor<D> {
        observed.log_density(self.model.run(input, masks))
    }

    fn folds_draws(&self) -> bool {
        self.model.folds_draws()
    }

    fn devices(&self) -> Vec<Device> {
        self.model.devices()
    }

    fn masks_for(&self, (input, _): &Self::Input, draw: MaskDraw) -> M::Masks {
        self.model.masks_for(input, draw)
    }
}

/// A model whose output is the log density of all that was observed of a row, `[n_rows]`.
pub(crate) struct JointlyScored<'a, M, O>(Scored<'a, M, O>);

impl<'a, M, O> JointlyScored<'a, M, O> {
    pub(crate) fn new(model: &'a M) -> Self {
        Self(Scored::new(model))
    }
}

impl<const D: usize, M, O> VariationalModel for JointlyScored<'_, M, O>
where
    M: VariationalModel<Output = Tensor<D>>,
    O: Observed<D>,
{
    type Input = ((M::Input, O), Padding<D>);
    type Masks = M::Masks;
    type Output = Tensor<1>;

    fn sample_masks(
        &self,
        (extent, ()): &<Self::Input as ModelInput>::Extent,
        draw: MaskDraw,
    ) -> M::Masks {
        self.0.sample_masks(extent, draw)
    }

    fn run(&self, (input, Padding(padding)): Self::Input, masks: &M::Masks) -> Tensor<1> {
        let density = self.0.run(input, masks);
        let dims = density.dims();
        let n_values = dims[1..].iter().product();
        let counted = density.mask_fill(padding.expand(dims), 0.0);
        counted.reshape([dims[0], n_values]).sum_dim(1).squeeze_dim(1)
    }

    fn folds_draws(&self) -> bool {
        self.0.folds_draws()
    }

    fn devices(&self) -> Vec<Device> {
        self.0.devices()
    }

    fn masks_for(&self, (input, _): &Self::Input, draw: MaskDraw) -> M::Masks {
        self.0.masks_for(input, draw)
    }
}

/// True at what does not count of each row; dims may be 1.
#[derive(Clone)]
pub(crate) struct Padding<const D: usize>(Tensor<D, Bool>);

impl<const D: usize> Padding<D> {
    /// What lies behind the lengths, if there are any.
    ///
    /// # Panics
    ///
    /// If they are not those of such values, `[n_rows, seq_length, ..]`.
    pub(crate) fn new<K: Basic>(values: &Tensor<D, K>, lengths: Option<&[usize]>) -> Self {
        if let Some(lengths) = lengths {
            return Self(is_padding("MonteCarlo", values, lengths));
        }
        let mut of_rows = [1; D];
        of_rows[0] = values.dims()[0];
        Self(Tensor::<D>::zeros(of_rows, &values.device()).bool())
    }
}

impl<const D: usize> ModelInput for Padding<D> {
    type Extent = ();

    fn extent(&self) {}

    fn n_rows(&self) -> usize {
        self.0.dims()[0]
    }

    fn fold(&self, rows: Range<usize>, n_draws: usize) -> Self {
        Self(fold_rows(&self.0, rows, n_draws))
    }

    fn to_device(&self, device: &Device) -> Self {
        Self(self.0.clone().to_device(device))
    }
}

/// These rows, all of them once for each of so many draws, draw after draw.
pub(crate) fn fold_rows<const D: usize, K: Basic>(
    tensor: &Tensor<D, K>,
    rows: Range<usize>,
    n_draws: usize,
) -> Tensor<D, K> {
    tensor.clone().slice_dim(0, rows).repeat_dim(0, n_draws)
}
