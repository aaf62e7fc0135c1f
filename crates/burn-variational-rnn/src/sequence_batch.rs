//! What a layer takes: a padded batch of sequences, and perhaps how long each is.

use burn::tensor::Tensor;

use crate::Lengths;

/// A batch of sequences, padded if they have different lengths. Made from a tensor, or from a
/// tensor and [`Lengths`], by every method that takes one.
///
/// # Example
///
/// ```
/// use burn::tensor::{Device, Tensor};
/// use burn_variational_rnn::{Lengths, StackMasks, VariationalGruConfig};
///
/// let gru = VariationalGruConfig::new(3, 4, true).init(&Device::flex());
/// let masks = StackMasks::identity(1);
/// let input = Tensor::<3>::ones([2, 5, 3], &Device::flex());
/// let (whole, _) = gru.forward(input.clone(), None, &masks);
///
/// let lengths = Lengths::new(vec![2, 5], 5)?;
/// let (output, state) = gru.forward((input, lengths), None, &masks);
/// let step = |output: Tensor<3>, t: usize| output.slice([0..1, t..t + 1]).into_data();
/// // What comes before a row's end is what it was, padding is 0, and the state is that of its end.
/// assert_eq!(step(output.clone(), 1), step(whole.clone(), 1));
/// assert_eq!(step(output, 2).iter::<f32>().collect::<Vec<_>>(), [0.0; 4]);
/// let hidden = state.layer(0).hidden.clone().slice([0..1]);
/// assert_eq!(hidden.unsqueeze_dim::<3>(1).into_data(), step(whole, 1));
/// # Ok::<(), burn_variational_rnn::LengthsError>(())
/// ```
#[derive(Debug, Clone)]
pub struct SequenceBatch {
    pub(crate) input: Tensor<3>,
    pub(crate) lengths: Option<Lengths>,
}

impl From<Tensor<3>> for SequenceBatch {
    fn from(input: Tensor<3>) -> Self {
        Self { input, lengths: None }
    }
}

impl From<(Tensor<3>, Lengths)> for SequenceBatch {
    fn from((input, lengths): (Tensor<3>, Lengths)) -> Self {
        Self { input, lengths: Some(lengths) }
    }
}

impl From<(Tensor<3>, &Lengths)> for SequenceBatch {
    fn from((input, lengths): (Tensor<3>, &Lengths)) -> Self {
        (input, lengths.clone()).into()
    }
}

impl From<(Tensor<3>, Option<Lengths>)> for SequenceBatch {
    fn from((input, lengths): (Tensor<3>, Option<Lengths>)) -> Self {
        Self { input, lengths }
    }
}
