//! Penalties on the activations of a recurrent layer.

use burn::tensor::{Bool, Tensor};
use burn_variational_rnn::Lengths;

/// Activation regularisation (AR): keeps the outputs of a recurrent layer small.
///
/// ```text
/// AR = α · mean(h²)
/// ```
///
/// with the rate `α` and the outputs `h` of all units, steps and rows. AWD-LSTM gives it the outputs
/// of the last layer *after* their output mask, those that the decoder reads, with `α = 2`; elements
/// that the mask dropped are 0 and counted. (The paper writes a norm, `L₂(m ∘ h)`; what its code
/// adds to the loss is the mean of the squares.)
///
/// With [`Lengths`] it is the mean over the steps that count: padding adds nothing and gets no
/// gradient.
///
/// # Shapes
///
/// - outputs: `[batch_size, seq_length, d_hidden]`
/// - returns: `[1]`
///
/// # Panics
///
/// If the rate is negative or not finite, or the lengths are those of another batch.
///
/// # Example
///
/// ```
/// use burn::tensor::{Device, Tensor};
/// use burn_variational_rnn::Lengths;
/// use burn_variational_training::activation_penalty;
///
/// let outputs = Tensor::<3>::from_data([[[3.0], [1.0]], [[2.0], [9.0]]], &Device::flex());
/// let lengths = Lengths::new(vec![2, 1], 2)?;
/// let penalty = activation_penalty(1.5, outputs, &lengths);
/// assert_eq!(penalty.into_scalar::<f32>(), 1.5 * (9.0 + 1.0 + 4.0) / 3.0);
/// # Ok::<(), burn_variational_rnn::LengthsError>(())
/// ```
///
/// # References
///
/// Stephen Merity, Bryan `McCann` and Richard Socher, *Revisiting Activation Regularization for
/// Language RNNs*, 2017, arXiv 1708.01009; Stephen Merity, Nitish Shirish Keskar and
/// Richard Socher, *Regularizing and Optimizing LSTM Language Models*, 2017, arXiv 1708.02182,
/// section 4.6.
pub fn activation_penalty<'a>(
    rate: f64,
    outputs: Tensor<3>,
    lengths: impl Into<Option<&'a Lengths>>,
) -> Tensor<1> {
    check_rate("activation_penalty", rate);
    let [_, _, width] = outputs.dims();
    let Some(lengths) = lengths.into() else {
        return outputs.square().mean().mul_scalar(rate);
    };
    check_lengths("activation_penalty", &outputs, lengths);
    let counts = lengths.mask(&outputs.device());
    mean_square(outputs, counts, lengths.n_steps() * width).mul_scalar(rate)
}

/// Temporal activation regularisation (TAR): keeps the outputs of a recurrent layer from changing
/// much from one step to the next.
///
/// ```text
/// TAR = β · mean((h_{t+1} - h_t)²)
/// ```
///
/// with the rate `β` and the outputs `h_t` of step `t`; the mean is over all units, rows and pairs of
/// neighbouring steps. AWD-LSTM gives it the outputs of the last layer *before* their output mask,
/// with `β = 1`. Where there is one step alone there is no pair, and it is 0.
///
/// With [`Lengths`] it is the mean over the pairs of which both steps count.
///
/// # Shapes
///
/// - outputs: `[batch_size, seq_length, d_hidden]`
/// - returns: `[1]`
///
/// # Panics
///
/// If the rate is negative or not finite, or the lengths are those of another batch.
///
/// # Example
///
/// ```
/// use burn::tensor::{Device, Tensor};
/// use burn_variational_training::temporal_penalty;
///
/// let outputs = Tensor::<3>::from_data([[[3.0], [1.0], [1.0]]], &Device::flex());
/// let penalty = temporal_penalty(0.5, outputs.clone(), None);
/// assert_eq!(penalty.into_scalar::<f32>(), 0.5 * (4.0 + 0.0) / 2.0);
/// // A window of one step has no change to speak of.
/// let penalty = temporal_penalty(0.5, outputs.slice([0..1, 0..1]), None);
/// assert_eq!(penalty.into_scalar::<f32>(), 0.0);
/// ```
///
/// # References
///
/// As of [`activation_penalty`].
pub fn temporal_penalty<'a>(
    rate: f64,
    outputs: Tensor<3>,
    lengths: impl Into<Option<&'a Lengths>>,
) -> Tensor<1> {
    check_rate("temporal_penalty", rate);
    let [_, seq_length, width] = outputs.dims();
    let lengths = lengths.into();
    if let Some(lengths) = lengths {
        check_lengths("temporal_penalty", &outputs, lengths);
    }
    if seq_length < 2 {
        // The mean over no pair would be 0 / 0.
        return Tensor::zeros([1], (&outputs.device(), outputs.dtype()));
    }
    let later = outputs.clone().slice_dim(1, 1..seq_length);
    let changes = later - outputs.slice_dim(1, 0..seq_length - 1);
    let Some(lengths) = lengths else {
        return changes.square().mean().mul_scalar(rate);
    };
    // A pair counts where its later step does.
    let counts = lengths.mask(&changes.device()).slice_dim(1, 1..seq_length);
    let n_pairs = lengths.n_steps() - lengths.batch_size();
    mean_square(changes, counts, n_pairs * width).mul_scalar(rate)
}

/// The mean over what counts, 0 if nothing does. What does not count may be anything: it is replaced
/// before it is squared.
fn mean_square(values: Tensor<3>, counts: Tensor<2, Bool>, n: usize) -> Tensor<1> {
    let padding = counts.bool_not().unsqueeze_dim::<3>(2).expand(values.dims());
    values.mask_fill(padding, 0.0).square().sum().div_scalar(n.max(1) as f64)
}

fn check_rate(penalty: &str, rate: f64) {
    assert!(
        rate >= 0.0 && rate.is_finite(),
        "{penalty}: rate must be finite and not negative, got {rate}"
    );
}

fn check_lengths(penalty: &str, outputs: &Tensor<3>, lengths: &Lengths) {
    let [batch_size, seq_length, _] = outputs.dims();
    assert!(
        (batch_size, seq_length) == (lengths.batch_size(), lengths.seq_length()),
        "{penalty}: lengths must be those of batch_size {batch_size} and seq_length {seq_length}, \
         got those of {} and {}",
        lengths.batch_size(),
        lengths.seq_length()
    );
}

#[cfg(test)]
mod tests {
    use super::*;
    use burn::tensor::Device;

    fn outputs() -> Tensor<3> {
        Tensor::ones([2, 3, 4], &Device::flex())
    }

    #[test]
    #[should_panic(expected = "activation_penalty: rate must be finite and not negative, got -0.5")]
    fn a_reward_for_activations_is_refused() {
        let _ = activation_penalty(-0.5, outputs(), None);
    }

    #[test]
    #[should_panic(expected = "temporal_penalty: rate must be finite and not negative, got NaN")]
    fn a_rate_that_is_no_number_is_refused() {
        let _ = temporal_penalty(f64::NAN, outputs(), None);
    }

    #[test]
    #[should_panic(expected = "activation_penalty: lengths must be those of batch_size 2 and \
                               seq_length 3, got those of 3 and 2")]
    fn activations_of_another_batch_are_refused() {
        let _ = activation_penalty(1.0, outputs(), &Lengths::full(3, 2));
    }

    #[test]
    #[should_panic(expected = "temporal_penalty: lengths must be those of batch_size 2 and \
                               seq_length 3, got those of 2 and 1")]
    fn changes_of_another_batch_are_refused() {
        let _ = temporal_penalty(1.0, outputs(), &Lengths::full(2, 1));
    }
}
