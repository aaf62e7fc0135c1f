//! The projection of the inputs as users of tensors see it.

use burn::backend::Dispatch;
use burn::tensor::{DType, Tensor};

use crate::dispatch::SequenceBackend;
use crate::masks::SequenceMasks;
use crate::operands::ProjectionConstants;
use crate::steps::SequenceSteps;
use crate::support::{check_dims, check_dtypes, check_sizes, has_engine};

/// What the inputs of all steps contribute to the gates, as one operation and one node of the
/// autodiff graph:
///
/// ```text
/// x'_t = (x_t ∘ z) W + b
/// ```
///
/// With a mask for each gate, gate `k` reads its own columns: `(x_t ∘ z_k) W_k + b_k`. The masks
/// are constants, the same at every step or another at each.
///
/// # Example
///
/// ```
/// use burn::tensor::{Device, Tensor};
/// use burn_variational_kernels::Projection;
///
/// let device = Device::flex();
/// let input = Tensor::<3>::ones([5, 2, 3], &device);
/// let weights = Tensor::<2>::ones([3, 16], &device);
/// let projected = Projection::new(weights).run(input);
/// assert_eq!(projected.dims(), [5, 2, 16]);
/// ```
#[derive(Debug, Clone)]
pub struct Projection {
    weights: Tensor<2>,
    bias: Option<Tensor<1>>,
    masks: SequenceMasks,
}

impl Projection {
    /// With `W`, `[d_input, width]`.
    pub fn new(weights: Tensor<2>) -> Self {
        Self { weights, bias: None, masks: SequenceMasks::Identity }
    }

    /// With `b`, `[width]`.
    pub fn with_bias(mut self, bias: Tensor<1>) -> Self {
        self.bias = Some(bias);
        self
    }

    /// With these masks on the inputs.
    pub fn with_masks(mut self, masks: SequenceMasks) -> Self {
        self.masks = masks;
        self
    }

    /// Whether the engine takes it: it runs on the device, and the masks are constants.
    pub fn is_supported<const D: usize>(&self, input: &Tensor<D>) -> bool {
        !self.masks.is_tracked() && has_engine(&input.device())
    }

    /// Runs it over inputs `[seq_length, batch_size, d_input]`.
    ///
    /// # Panics
    ///
    /// If the sequence is empty, a shape is off, element types differ, or
    /// [`is_supported`](Self::is_supported) is false.
    pub fn run(self, input: Tensor<3>) -> Tensor<3> {
        let dims @ [seq_length, batch_size, d_input] = input.dims();
        let width = self.weights.dims()[1];
        check_sizes("Projection", &[("seq_length", seq_length), ("batch_size", batch_size)]);
        let steps = SequenceSteps::regular(seq_length, batch_size);
        self.check(&dims, &steps);
        let output = self.run_rows(input.reshape([seq_length * batch_size, d_input]), steps);
        output.reshape([seq_length, batch_size, width])
    }

    /// Runs it over the inputs of sequences of different lengths, `[n_rows, d_input]`, as these
    /// steps lay them. Masks are those of the batch, the longest sequence first.
    ///
    /// # Panics
    ///
    /// As [`run`](Self::run), or if there are other rows than those of the steps.
    pub fn run_packed(self, input: Tensor<2>, steps: &SequenceSteps) -> Tensor<2> {
        let dims @ [n_rows, _] = input.dims();
        assert!(
            n_rows == steps.n_rows(),
            "Projection: input must have the {} rows of the steps, got {dims:?}",
            steps.n_rows()
        );
        self.check(&dims, steps);
        self.run_rows(input, steps.clone())
    }

    fn run_rows(self, input: Tensor<2>, steps: SequenceSteps) -> Tensor<2> {
        self.check_dtypes(input.dtype());
        assert!(
            self.is_supported(&input),
            "Projection: no engine on {:?}, or a mask that wants a gradient",
            input.device()
        );
        self.dispatch(input, steps)
    }

    fn check(&self, input: &[usize], steps: &SequenceSteps) {
        let d_input = input[input.len() - 1];
        let [d_weights, width] = self.weights.dims();
        check_sizes("Projection", &[("d_input", d_input), ("width", width)]);
        assert!(
            d_input == d_weights,
            "Projection: weights must have dims [{d_input}, width] for input {input:?}, got {:?}",
            self.weights.dims()
        );
        if let Some(bias) = &self.bias {
            check_dims("Projection: bias", bias.dims(), [width]);
        }
        let n_gates = self.masks.n_gates().unwrap_or(1);
        self.masks.check("Projection", n_gates, steps, d_input);
        assert!(
            n_gates > 0 && width.is_multiple_of(n_gates),
            "Projection: masks of {n_gates} gates must divide width {width}"
        );
    }

    fn check_dtypes(&self, input: DType) {
        let others = [
            ("weights", Some(self.weights.dtype())),
            ("bias", self.bias.as_ref().map(Tensor::dtype)),
            ("masks", self.masks.dtype()),
        ];
        check_dtypes("Projection", ("input", input), &others);
    }

    fn dispatch(self, input: Tensor<2>, steps: SequenceSteps) -> Tensor<2> {
        #[cfg(feature = "testing")]
        crate::testing::count(crate::testing::Operation::Projection);
        let constants = ProjectionConstants {
            weights: self.weights.into_dispatch(),
            bias: self.bias.map(Tensor::into_dispatch).into(),
            masks: self.masks.into_dispatch(),
        };
        let input = input.into_dispatch();
        Tensor::from_dispatch(<Dispatch as SequenceBackend>::projection(input, constants, steps))
    }
}

#[cfg(test)]
mod tests {
    use burn::tensor::{Device, FloatDType};

    use super::*;

    fn ones<const D: usize>(dims: [usize; D]) -> Tensor<D> {
        Tensor::ones(dims, &Device::flex())
    }

    #[test]
    #[should_panic(expected = "Projection: weights must be F32 as input is, got F64")]
    fn weights_of_another_type_are_named() {
        Projection::new(ones([3, 8]).cast(FloatDType::F64)).run(ones([5, 2, 3]));
    }

    #[test]
    #[should_panic(expected = "Projection: bias must be F64 as input is, got F32")]
    fn a_bias_of_another_type_is_named() {
        let weights = ones([3, 8]).cast(FloatDType::F64);
        Projection::new(weights).with_bias(ones([8])).run(ones([5, 2, 3]).cast(FloatDType::F64));
    }

    #[test]
    #[should_panic(expected = "Projection: masks must be F32 as input is, got F16")]
    fn masks_of_another_type_are_named() {
        let mask = ones([2, 3]).cast(FloatDType::F16);
        let projection = Projection::new(ones([3, 8])).with_masks(SequenceMasks::Tied(mask));
        projection.run(ones([5, 2, 3]));
    }
}
