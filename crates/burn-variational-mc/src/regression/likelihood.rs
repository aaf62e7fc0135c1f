//! Likelihoods of what was observed, with no draw kept.

use std::ops::Range;

use burn::tensor::{Bool, Tensor};
use burn_variational_dropout::{MaskDraw, ModelInput, VariationalModel};

use super::noise::ObservationNoise;
use crate::sequence::is_padding;
use crate::{LogMeanExp, MonteCarlo, MonteCarloResult};

impl MonteCarlo {
    /// The predictive log-likelihood of observed values, each value by itself, streamed: what
    /// [`GaussianMixture::log_likelihood`](crate::GaussianMixture::log_likelihood) makes of the
    /// same draws, none of which is kept.
    ///
    /// The noise is a precision, as a number or as a tensor, or [`ObservationNoise::Predicted`].
    ///
    /// # Shapes
    ///
    /// - observed, output: those of what the model gives, or `[n_rows, .., n_outputs]` where it gives
    ///   `[n_rows, .., 2 n_outputs]`, its noise predicted
    ///
    /// # Errors
    ///
    /// As [`estimate`](Self::estimate).
    ///
    /// # Panics
    ///
    /// If there is no row, a precision is not positive and finite, or the dims of output, observed
    /// values and precision do not go together.
    ///
    /// # Example
    ///
    /// ```
    /// use burn::tensor::{Device, Tensor};
    /// use burn_variational_dropout::{LockedDropoutConfig, MaskRng};
    /// use burn_variational_mc::MonteCarlo;
    ///
    /// // Any model: here, all that it does is drop.
    /// let model = LockedDropoutConfig::new(1, 0.5).init();
    /// let input = Tensor::<3>::ones([1, 2, 1], &Device::flex());
    /// let observed = Tensor::<3>::from_data([[[2.0], [1.0]]], &Device::flex());
    /// let mc = MonteCarlo::new(100, MaskRng::seeded(1));
    /// let log_likelihood = mc.log_likelihood(&model, &input, &observed, 100.0).unwrap();
    /// let of_steps: Vec<f32> = log_likelihood.to_data().iter().collect();
    /// // A draw in two is 2, where the density is 10 / √2π; none is near 1.
    /// assert!((of_steps[0] - (0.5 * 10.0 / 2.507_f32).ln()).abs() < 0.3);
    /// assert!(of_steps[1] < -40.0);
    /// ```
    ///
    /// # References
    ///
    /// Gal & Ghahramani 2016, arXiv 1506.02142, eq. 8.
    pub fn log_likelihood<const D: usize, M: VariationalModel<Output = Tensor<D>>>(
        &self,
        model: &M,
        input: &M::Input,
        observed: &Tensor<D>,
        noise: impl Into<ObservationNoise<D>>,
    ) -> MonteCarloResult<Tensor<D>> {
        let input = (input.clone(), Observed::new(observed, noise));
        self.estimate(&Scored(model), &input, LogMeanExp::new())
    }

    /// The joint predictive log-likelihood of all that was observed of each row: of the steps of a
    /// sequence and their outputs, which share their draw of the masks.
    ///
    /// ```text
    /// log p(y_1, .., y_T) = log 1/K Σ_k Π_t N(y_t; ŷ_kt, σ²_kt)
    /// ```
    ///
    /// over the first `lengths[row]` steps of each row, where lengths are given. What lies behind
    /// them is not read.
    ///
    /// # Shapes
    ///
    /// - observed: as in [`log_likelihood`](Self::log_likelihood)
    /// - output: `[n_rows]`
    ///
    /// # Errors
    ///
    /// As [`estimate`](Self::estimate).
    ///
    /// # Panics
    ///
    /// As [`log_likelihood`](Self::log_likelihood), and if lengths are given and there is not one
    /// for each row, from 1 to the steps of the observed values.
    pub fn joint_log_likelihood<const D: usize, M: VariationalModel<Output = Tensor<D>>>(
        &self,
        model: &M,
        input: &M::Input,
        observed: &Tensor<D>,
        lengths: Option<&[usize]>,
        noise: impl Into<ObservationNoise<D>>,
    ) -> MonteCarloResult<Tensor<1>> {
        let padding = lengths.map(|lengths| is_padding("MonteCarlo", observed, lengths));
        let observed = Observed { padding, ..Observed::new(observed, noise) };
        self.estimate(&JointlyScored(Scored(model)), &(input.clone(), observed), LogMeanExp::new())
    }
}

/// What was observed of each row.
#[derive(Clone)]
struct Observed<const D: usize> {
    values: Tensor<D>,
    noise: ObservationNoise<D>,
    /// Where the values do not count.
    padding: Option<Tensor<D, Bool>>,
}

impl<const D: usize> Observed<D> {
    fn new(values: &Tensor<D>, noise: impl Into<ObservationNoise<D>>) -> Self {
        let noise = noise.into();
        noise.check_for(values);
        Self { values: values.clone(), noise, padding: None }
    }
}

/// Has no mask: it stands beside the input that it belongs to.
impl<const D: usize> ModelInput for Observed<D> {
    type Extent = ();

    fn extent(&self) {}

    fn n_rows(&self) -> usize {
        self.values.dims()[0]
    }

    fn fold(&self, rows: Range<usize>, n_draws: usize) -> Self {
        let padding = self.padding.clone();
        Self {
            values: self.values.clone().slice_dim(0, rows.clone()).repeat_dim(0, n_draws),
            noise: self.noise.fold(rows.clone(), n_draws),
            padding: padding.map(|padding| padding.slice_dim(0, rows).repeat_dim(0, n_draws)),
        }
    }
}

/// A model that gives the log density of what was observed, in place of its output. Rows, draws and
/// masks are those of the model, so that the runner needs to know nothing of observations.
struct Scored<'a, M>(&'a M);

impl<const D: usize, M: VariationalModel<Output = Tensor<D>>> VariationalModel for Scored<'_, M> {
    type Input = (M::Input, Observed<D>);
    type Masks = M::Masks;
    type Output = Tensor<D>;

    fn sample_masks(
        &self,
        (extent, ()): &<Self::Input as ModelInput>::Extent,
        draw: MaskDraw,
    ) -> M::Masks {
        self.0.sample_masks(extent, draw)
    }

    fn run(&self, (input, observed): Self::Input, masks: &M::Masks) -> Tensor<D> {
        let gaussian = observed.noise.around(self.0.run(input, masks));
        gaussian.log_density("MonteCarlo", &observed.values)
    }

    fn folds_draws(&self) -> bool {
        self.0.folds_draws()
    }

    fn masks_for(&self, (input, _): &Self::Input, draw: MaskDraw) -> M::Masks {
        self.0.masks_for(input, draw)
    }
}

/// The same, with the log density of all that counts in a row.
struct JointlyScored<'a, M>(Scored<'a, M>);

impl<const D: usize, M> VariationalModel for JointlyScored<'_, M>
where
    M: VariationalModel<Output = Tensor<D>>,
{
    type Input = (M::Input, Observed<D>);
    type Masks = M::Masks;
    type Output = Tensor<1>;

    fn sample_masks(
        &self,
        extent: &<Self::Input as ModelInput>::Extent,
        draw: MaskDraw,
    ) -> M::Masks {
        self.0.sample_masks(extent, draw)
    }

    fn run(&self, input: Self::Input, masks: &M::Masks) -> Tensor<1> {
        let padding = input.1.padding.clone();
        let mut density = self.0.run(input, masks);
        if let Some(padding) = padding {
            density = density.mask_fill(padding, 0.0);
        }
        let n_rows = density.dims()[0];
        let n_values = density.shape().num_elements() / n_rows;
        density.reshape([n_rows, n_values]).sum_dim(1).squeeze_dim(1)
    }

    fn folds_draws(&self) -> bool {
        self.0.folds_draws()
    }

    fn masks_for(&self, input: &Self::Input, draw: MaskDraw) -> M::Masks {
        self.0.masks_for(input, draw)
    }
}
