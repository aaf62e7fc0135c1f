//! Rows of different lengths as one padded batch.

#[cfg(feature = "dataset")]
use burn::data::dataloader::batcher::Batcher;
use burn::tensor::{Device, Int, Tensor, TensorData};
use burn_variational_rnn::{Lengths, LengthsError};

/// Rows of tokens, each at least one long, as a batch `[rows, longest]` filled up with `padding`,
/// and their lengths.
///
/// # Errors
///
/// If there is no row, or one of them is empty.
///
/// # Example
///
/// ```
/// use burn::tensor::Device;
/// use burn_variational_training::pad_tokens;
///
/// let rows = [vec![5, 2, 8], vec![3]];
/// let (tokens, lengths) = pad_tokens(&rows, 0, &Device::flex())?;
/// assert_eq!(tokens.into_data().iter::<i64>().collect::<Vec<_>>(), [5, 2, 8, 3, 0, 0]);
/// assert_eq!(lengths.as_slice(), [3, 1]);
/// # Ok::<(), burn_variational_rnn::LengthsError>(())
/// ```
pub fn pad_tokens(
    rows: &[impl AsRef<[i64]>],
    padding: i64,
    device: &Device,
) -> Result<(Tensor<2, Int>, Lengths), LengthsError> {
    let rows: Vec<&[i64]> = rows.iter().map(AsRef::as_ref).collect();
    let lengths = lengths_of(rows.iter().map(|row| row.len()))?;
    let seq_length = lengths.seq_length();
    let mut tokens = vec![padding; rows.len() * seq_length];
    for (padded, row) in tokens.chunks_exact_mut(seq_length).zip(&rows) {
        padded[..row.len()].copy_from_slice(row);
    }
    let data = TensorData::new(tokens, [rows.len(), seq_length]);
    Ok((Tensor::from_data(data, device), lengths))
}

/// Rows of steps of `width` features, each at least one step long, as a batch `[rows, longest,
/// width]` filled up with zeros, and their lengths.
///
/// # Errors
///
/// If there is no row, or one of them is empty.
///
/// # Panics
///
/// If a row does not divide into steps.
///
/// # Example
///
/// ```
/// use burn::tensor::Device;
/// use burn_variational_training::pad_features;
///
/// // Two steps of two features, and one.
/// let rows = [vec![0.1, 0.2, 0.3, 0.4], vec![0.5, 0.6]];
/// let (input, lengths) = pad_features(&rows, 2, &Device::flex())?;
/// assert_eq!(input.dims(), [2, 2, 2]);
/// assert_eq!(lengths.as_slice(), [2, 1]);
/// # Ok::<(), burn_variational_rnn::LengthsError>(())
/// ```
pub fn pad_features(
    rows: &[impl AsRef<[f32]>],
    width: usize,
    device: &Device,
) -> Result<(Tensor<3>, Lengths), LengthsError> {
    let rows: Vec<&[f32]> = rows.iter().map(AsRef::as_ref).collect();
    for (index, row) in rows.iter().enumerate() {
        assert!(
            width > 0 && row.len().is_multiple_of(width),
            "pad_features: row {index} must divide into steps of {width} features, got {}",
            row.len()
        );
    }
    let lengths = lengths_of(rows.iter().map(|row| row.len() / width))?;
    let (seq_length, n_rows) = (lengths.seq_length(), rows.len());
    let mut values = vec![0.0; n_rows * seq_length * width];
    for (padded, row) in values.chunks_exact_mut(seq_length * width).zip(&rows) {
        padded[..row.len()].copy_from_slice(row);
    }
    let data = TensorData::new(values, [n_rows, seq_length, width]);
    Ok((Tensor::from_data(data, device), lengths))
}

/// Makes padded batches of rows of tokens, alone or each with something of its own, for Burn's data
/// loaders.
///
/// # Panics
///
/// Its `batch` panics if a row is empty: a batcher cannot fail otherwise.
///
/// # Example
///
/// ```
/// use burn::data::dataloader::DataLoaderBuilder;
/// use burn::data::dataset::InMemDataset;
/// use burn::tensor::Device;
/// use burn_variational_training::TokenBatcher;
///
/// let reviews = vec![(vec![5, 2, 8], true), (vec![3], false)];
/// let loader = DataLoaderBuilder::new(TokenBatcher::new(0))
///     .batch_size(2)
///     .set_device(Device::flex())
///     .build(InMemDataset::new(reviews));
/// for batch in loader.iter() {
///     let (tokens, lengths, liked) = batch?;
///     assert_eq!(tokens.dims(), [2, 3]);
///     assert_eq!(lengths.as_slice(), [3, 1]);
///     assert_eq!(liked, [true, false]);
/// }
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[cfg(feature = "dataset")]
#[derive(Debug, Clone, Copy)]
pub struct TokenBatcher {
    padding: i64,
}

#[cfg(feature = "dataset")]
impl TokenBatcher {
    /// With this token to fill rows up.
    pub fn new(padding: i64) -> Self {
        Self { padding }
    }
}

#[cfg(feature = "dataset")]
impl<R: AsRef<[i64]>> Batcher<R, (Tensor<2, Int>, Lengths)> for TokenBatcher {
    fn batch(&self, rows: Vec<R>, device: &Device) -> (Tensor<2, Int>, Lengths) {
        pad_tokens(&rows, self.padding, device)
            .unwrap_or_else(|error| panic!("TokenBatcher: {error}"))
    }
}

#[cfg(feature = "dataset")]
impl<R: AsRef<[i64]>, T> Batcher<(R, T), (Tensor<2, Int>, Lengths, Vec<T>)> for TokenBatcher {
    fn batch(&self, rows: Vec<(R, T)>, device: &Device) -> (Tensor<2, Int>, Lengths, Vec<T>) {
        let (rows, others): (Vec<R>, Vec<T>) = rows.into_iter().unzip();
        let (tokens, lengths) = self.batch(rows, device);
        (tokens, lengths, others)
    }
}

/// Lengths of rows that are padded to the longest of them.
fn lengths_of(lengths: impl Iterator<Item = usize>) -> Result<Lengths, LengthsError> {
    let lengths: Vec<usize> = lengths.collect();
    let longest = lengths.iter().copied().max().unwrap_or(0);
    Lengths::new(lengths, longest)
}
