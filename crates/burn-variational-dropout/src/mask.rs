//! The mask itself: the identity, or a tensor of factors.

use std::fmt;

use burn::tensor::{Bool, Device, Tensor};
use serde::{Deserialize, Serialize};

/// The factors that multiply a tensor: 0 where a unit is dropped, `1 / (1 - prob)` where it is
/// kept (1 where the scaling is not inverted), or the identity, which costs nothing.
///
/// A mask knows its dims, rows of a batch included, and never broadcasts over another batch.
///
/// With `serde` a mask goes out as its values and comes back on the default device, as a Burn
/// tensor does; [`to_device`](Self::to_device) moves it on.
///
/// # Example
///
/// ```
/// use burn::tensor::{Device, Tensor};
/// use burn_variational_dropout::DropoutMask;
///
/// let device = Device::flex();
/// let kept = Tensor::from_data([[true, false]], &device);
/// let mask = DropoutMask::<2>::from_kept(kept, 0.5);
/// let output = mask.apply(Tensor::from_data([[3.0, 4.0]], &device));
/// assert_eq!(output.into_data().try_to_vec::<f32>().unwrap(), [6.0, 0.0]);
/// ```
#[derive(Clone, Serialize, Deserialize)]
pub struct DropoutMask<const D: usize> {
    values: Option<Tensor<D>>,
}

impl<const D: usize> DropoutMask<D> {
    /// No dropout: [`apply`](Self::apply) returns its input.
    pub const fn identity() -> Self {
        Self { values: None }
    }

    /// These factors.
    pub fn from_values(values: Tensor<D>) -> Self {
        Self { values: Some(values) }
    }

    /// `1 / (1 - prob)` where `kept` holds, 0 elsewhere.
    ///
    /// # Panics
    ///
    /// If `prob` is not in `[0, 1)`.
    pub fn from_kept(kept: Tensor<D, Bool>, prob: f64) -> Self {
        crate::site_dropout::check_probability("DropoutMask", "prob", prob);
        Self::from_values(kept.float().mul_scalar(1.0 / (1.0 - prob)))
    }

    /// The factors, or nothing for the identity.
    pub fn values(&self) -> Option<Tensor<D>> {
        self.values.clone()
    }

    /// Whether this is the identity.
    pub fn is_identity(&self) -> bool {
        self.values.is_none()
    }

    /// `input ∘ z`.
    ///
    /// # Panics
    ///
    /// If the mask has other dims than the input.
    pub fn apply(&self, input: Tensor<D>) -> Tensor<D> {
        self.check_dims(input.dims());
        match &self.values {
            None => input,
            Some(values) => input * values.clone(),
        }
    }

    /// Checks that the mask is for inputs of these dims. The identity is for all.
    ///
    /// # Panics
    ///
    /// If it is not.
    pub fn check_dims(&self, input: [usize; D]) {
        let Some(values) = &self.values else { return };
        let mask = values.dims();
        assert!(
            mask == input,
            "DropoutMask: a mask must have the dims of what it multiplies, got mask {mask:?} for \
             input {input:?}"
        );
    }

    /// The same mask on another device.
    pub fn to_device(&self, device: &Device) -> Self {
        Self { values: self.values.clone().map(|values| values.to_device(device)) }
    }
}

/// No dropout.
impl<const D: usize> Default for DropoutMask<D> {
    fn default() -> Self {
        Self::identity()
    }
}

/// Shows the first factors, read back from the device.
impl<const D: usize> fmt::Debug for DropoutMask<D> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        const SHOWN: usize = 32;
        let Some(values) = &self.values else { return f.write_str("DropoutMask(identity)") };
        let factors: Vec<f64> = values.to_data().iter().take(SHOWN).collect();
        let rest = values.dims().iter().product::<usize>() - factors.len();
        let mut shown = f.debug_struct("DropoutMask");
        shown.field("dims", &values.dims()).field("factors", &factors);
        if rest > 0 { shown.finish_non_exhaustive() } else { shown.finish() }
    }
}

impl DropoutMask<2> {
    /// `x_t ∘ z` for every step `t`.
    ///
    /// # Shapes
    ///
    /// - mask: `[batch_size, units]`
    /// - input, output: `[seq_length, batch_size, units]`
    ///
    /// # Panics
    ///
    /// If the mask has another batch size or width than the input.
    pub fn apply_over_time(&self, input: Tensor<3>) -> Tensor<3> {
        let [_, batch_size, units] = input.dims();
        self.check_dims([batch_size, units]);
        match &self.values {
            None => input,
            Some(values) => input * values.clone().unsqueeze_dim::<3>(0),
        }
    }
}

impl DropoutMask<3> {
    /// The mask of one time step of a mask `[seq_length, batch_size, units]`.
    ///
    /// # Panics
    ///
    /// If the mask has no such step.
    pub fn at_step(&self, step: usize) -> DropoutMask<2> {
        match &self.values {
            None => DropoutMask::identity(),
            Some(values) => {
                let [seq_length, ..] = values.dims();
                assert!(
                    step < seq_length,
                    "DropoutMask: step must be under the mask's seq_length {seq_length}, got {step}"
                );
                let at_step = values.clone().slice_dim(0, step..step + 1);
                DropoutMask::from_values(at_step.squeeze_dim(0))
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    #[should_panic(expected = "got mask [1, 3] for input [2, 3]")]
    fn a_mask_of_another_batch_size_is_refused() {
        let device = Device::flex();
        let mask = DropoutMask::from_values(Tensor::<2>::ones([1, 3], &device));
        let _ = mask.apply(Tensor::ones([2, 3], &device));
    }

    #[test]
    #[should_panic(expected = "got mask [1, 3] for input [2, 3]")]
    fn a_mask_of_another_batch_size_is_refused_over_time() {
        let device = Device::flex();
        let mask = DropoutMask::from_values(Tensor::<2>::ones([1, 3], &device));
        let _ = mask.apply_over_time(Tensor::ones([5, 2, 3], &device));
    }

    #[test]
    #[should_panic(expected = "step must be under the mask's seq_length 2, got 2")]
    fn a_step_past_the_mask_is_refused() {
        let values = Tensor::<3>::ones([2, 1, 1], &Device::flex());
        let _ = DropoutMask::from_values(values).at_step(2);
    }

    #[test]
    #[should_panic(expected = "DropoutMask: prob must be in [0, 1), got 1")]
    fn keeping_nothing_is_refused() {
        let kept = Tensor::<1, Bool>::from_data([true], &Device::flex());
        let _ = DropoutMask::from_kept(kept, 1.0);
    }

    #[test]
    fn its_debug_form_shows_the_factors() {
        let mask = DropoutMask::from_values(Tensor::<1>::from_data([0.0, 2.0], &Device::flex()));
        assert_eq!(format!("{mask:?}"), "DropoutMask { dims: [2], factors: [0.0, 2.0] }");
        assert_eq!(format!("{:?}", DropoutMask::<1>::default()), "DropoutMask(identity)");
    }

    #[test]
    fn a_mask_survives_serde() {
        let mask = DropoutMask::from_values(Tensor::<1>::from_data([0.0, 2.0], &Device::flex()));
        let json = serde_json::to_string(&mask).unwrap();
        let back: DropoutMask<1> = serde_json::from_str(&json).unwrap();
        assert_eq!(back.values().unwrap().into_data(), mask.values().unwrap().into_data());

        let json = serde_json::to_string(&DropoutMask::<1>::identity()).unwrap();
        assert!(serde_json::from_str::<DropoutMask<1>>(&json).unwrap().is_identity());
    }
}
