//! The likelihood of whole sequences of classes, with no draw kept.

use std::ops::Range;

use burn::tensor::activation::log_softmax;
use burn::tensor::{Device, Int, Tensor};
use burn_variational_dropout::{ModelInput, VariationalModel};

use crate::scored::{JointlyScored, Observed, Padding, fold_rows};
use crate::{LogMeanExp, MonteCarlo, MonteCarloResult};

impl MonteCarlo {
    /// The joint predictive log-likelihood of all classes of each row, of the steps of a sequence,
    /// which share their draw of the masks:
    ///
    /// ```text
    /// log p(y_1, .., y_T) = log 1/K Σ_k Π_t p_kt(y_t)
    /// ```
    ///
    /// over the first `lengths[row]` steps of each row, where lengths are given. What lies behind
    /// them does not count, but has to be a class. The sum of what
    /// [`ClassificationPrediction::log_likelihood`](crate::ClassificationPrediction::log_likelihood)
    /// gives of the steps is that of steps which are predicted each by itself.
    ///
    /// # Shapes
    ///
    /// - classes: `[n_rows, ..]`, the dims of the logits without the last
    /// - output: `[n_rows]`
    ///
    /// # Errors
    ///
    /// As [`estimate`](Self::estimate).
    ///
    /// # Panics
    ///
    /// If there is no row, the classes have other dims, or lengths are given and there is not one for
    /// each row, from 1 to the steps of the classes.
    ///
    /// # Example
    ///
    /// ```
    /// use burn::tensor::{Device, Int, Tensor};
    /// use burn_variational_dropout::{LockedDropoutConfig, MaskRng};
    /// use burn_variational_mc::MonteCarlo;
    ///
    /// // The logit of class 0 is dropped at both steps, or at none: its odds are 1 or e^8.
    /// let model = LockedDropoutConfig::new(2, 0.5).init();
    /// let logits = Tensor::<3>::from_data([[[4.0, 0.0], [4.0, 0.0]]], &Device::flex());
    /// let classes = Tensor::<2, Int>::from_data([[1, 1]], &Device::flex());
    /// let mc = MonteCarlo::new(200, MaskRng::seeded(1));
    /// let jointly = mc.joint_class_log_likelihood(&model, &logits, &classes, None).unwrap();
    /// // Half the draws give class 1 a probability of a half at both steps, the others almost none.
    /// assert!((jointly.into_value().into_scalar::<f32>() - 0.125_f32.ln()).abs() < 0.2);
    /// ```
    pub fn joint_class_log_likelihood<const D: usize, const R: usize, M>(
        &self,
        model: &M,
        input: &M::Input,
        classes: &Tensor<R, Int>,
        lengths: Option<&[usize]>,
    ) -> MonteCarloResult<Tensor<1>>
    where
        M: VariationalModel<Output = Tensor<D>>,
    {
        assert!(
            R + 1 == D,
            "MonteCarlo: classes must have {} dimensions, got {:?}",
            D - 1,
            classes.dims()
        );
        let classes = classes.clone().unsqueeze_dim::<D>(R);
        let padding = Padding::new(&classes, lengths);
        let input = ((input.clone(), ObservedClasses(classes)), padding);
        self.estimate(&JointlyScored::new(model), &input, LogMeanExp::new())
    }
}

/// `[n_rows, .., 1]`.
#[derive(Clone)]
struct ObservedClasses<const D: usize>(Tensor<D, Int>);

impl<const D: usize> ModelInput for ObservedClasses<D> {
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

impl<const D: usize> Observed<D> for ObservedClasses<D> {
    fn log_density(self, logits: Tensor<D>) -> Tensor<D> {
        let (dims, of_logits) = (self.0.dims(), logits.dims());
        assert!(
            dims[..D - 1] == of_logits[..D - 1],
            "MonteCarlo: classes must have dims {:?}, got {:?}",
            &of_logits[..D - 1],
            &dims[..D - 1]
        );
        log_softmax(logits, D - 1).gather(D - 1, self.0)
    }
}
