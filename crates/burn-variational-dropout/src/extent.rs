//! How large a batch is: what masks are sampled for.

use burn::tensor::{Device, FloatDType};

/// The rows of a batch, and where and how precisely its numbers are kept.
#[derive(Debug, Clone, PartialEq)]
pub struct BatchExtent {
    batch_size: usize,
    device: Device,
    dtype: FloatDType,
}

impl BatchExtent {
    /// So many rows on a device, in its default float type.
    pub fn new(batch_size: usize, device: &Device) -> Self {
        Self { batch_size, device: device.clone(), dtype: device.settings().float_dtype }
    }

    /// In this float type.
    pub fn with_dtype(mut self, dtype: FloatDType) -> Self {
        self.dtype = dtype;
        self
    }

    /// The extent of sequences of so many steps, one for each row: what a model samples its
    /// recurrent layers for if it makes the sequences itself.
    pub fn with_seq_length(&self, seq_length: usize) -> SequenceExtent {
        SequenceExtent { batch: self.clone(), seq_length }
    }

    /// The number of rows.
    pub fn batch_size(&self) -> usize {
        self.batch_size
    }

    /// The device.
    pub fn device(&self) -> &Device {
        &self.device
    }

    /// The float type.
    pub fn dtype(&self) -> FloatDType {
        self.dtype
    }
}

/// The rows and steps of a batch of sequences: two numbers with a name each, so that they are not
/// mistaken for rows and units, nor for each other.
///
/// # Example
///
/// ```
/// use burn::tensor::{Device, Tensor};
/// use burn_variational_dropout::{ModelInput, SequenceExtent};
///
/// let device = Device::flex();
/// let extent = Tensor::<3>::ones([8, 10, 3], &device).extent();
/// assert_eq!((extent.batch_size(), extent.seq_length()), (8, 10));
/// assert_eq!(extent, SequenceExtent::new(8, 10, &device));
/// ```
#[derive(Debug, Clone, PartialEq)]
pub struct SequenceExtent {
    batch: BatchExtent,
    seq_length: usize,
}

impl SequenceExtent {
    /// So many rows of so many steps on a device, in its default float type.
    pub fn new(batch_size: usize, seq_length: usize, device: &Device) -> Self {
        BatchExtent::new(batch_size, device).with_seq_length(seq_length)
    }

    /// In this float type.
    pub fn with_dtype(mut self, dtype: FloatDType) -> Self {
        self.batch.dtype = dtype;
        self
    }

    /// The number of rows.
    pub fn batch_size(&self) -> usize {
        self.batch.batch_size
    }

    /// The number of steps of every row.
    pub fn seq_length(&self) -> usize {
        self.seq_length
    }

    /// The rows alone.
    pub fn batch(&self) -> &BatchExtent {
        &self.batch
    }

    /// The device.
    pub fn device(&self) -> &Device {
        &self.batch.device
    }

    /// The float type.
    pub fn dtype(&self) -> FloatDType {
        self.batch.dtype
    }
}
