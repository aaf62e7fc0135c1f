//! Likelihoods of what was observed, with no draw kept.

use std::ops::Range;

use burn::tensor::{Device, Tensor};
use burn_variational_dropout::{ModelInput, VariationalModel};

use super::noise::ObservationNoise;
use crate::scored::{JointlyScored, Observed, Padding, Scored, fold_rows};
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
        let input = (input.clone(), ObservedValues::new(observed, noise));
        self.estimate(&Scored::new(model), &input, LogMeanExp::new())
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
        let padding = Padding::new(observed, lengths);
        let input = ((input.clone(), ObservedValues::new(observed, noise)), padding);
        self.estimate(&JointlyScored::new(model), &input, LogMeanExp::new())
    }
}

/// Real values, and the noise that they were observed with.
#[derive(Clone)]
struct ObservedValues<const D: usize> {
    values: Tensor<D>,
    noise: ObservationNoise<D>,
}

impl<const D: usize> ObservedValues<D> {
    fn new(values: &Tensor<D>, noise: impl Into<ObservationNoise<D>>) -> Self {
        let noise = noise.into();
        noise.check_for(values);
        Self { values: values.clone(), noise }
    }
}

impl<const D: usize> ModelInput for ObservedValues<D> {
    type Extent = ();

    fn extent(&self) {}

    fn n_rows(&self) -> usize {
        self.values.dims()[0]
    }

    fn fold(&self, rows: Range<usize>, n_draws: usize) -> Self {
        Self {
            values: fold_rows(&self.values, rows.clone(), n_draws),
            noise: self.noise.fold(rows, n_draws),
        }
    }

    fn to_device(&self, device: &Device) -> Self {
        Self { values: self.values.clone().to_device(device), noise: self.noise.to_device(device) }
    }
}

impl<const D: usize> Observed<D> for ObservedValues<D> {
    fn log_density(self, output: Tensor<D>) -> Tensor<D> {
        self.noise.around(output).log_density("MonteCarlo", &self.values)
    }
}
