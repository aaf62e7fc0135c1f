//! Masks that a GPU draws itself: nothing is uploaded but keys.

use burn::tensor::{DType, Device, FloatDType, Int, Tensor};
use burn_variational_kernels::{Bernoulli, FactorDims, RandomRow};

use crate::{MaskDraw, MaskNoise, MaskSharing, SiteDropout, WordStream};

impl SiteDropout {
    /// The factors of every step, row and unit, `[seq_length · batch_size, units]`, if the device
    /// draws them itself.
    pub(crate) fn draw_on_device(
        &self,
        [seq_length, batch_size, units]: [usize; 3],
        draw: &MaskDraw,
        device: &Device,
        dtype: DType,
    ) -> Option<Tensor<2>> {
        let n_factors = seq_length * batch_size * units;
        let bernoulli = self.bernoulli(device, dtype, n_factors)?;
        let n_draws = draw.n_draws();
        // A batch that the draws do not divide is the host's to refuse.
        if !batch_size.is_multiple_of(n_draws) {
            return None;
        }
        draw.note_rows(batch_size);
        let shared = self.sharing == MaskSharing::PerBatch;
        let first_rows = (0..seq_length).flat_map(|step| draw.first_rows(step, shared));
        let first_rows: Vec<RandomRow> = first_rows.map(WordStream::on_a_device).collect();
        let shared = draw.shares(shared);
        let dims = FactorDims { rows: batch_size / n_draws, units, shared };
        Some(bernoulli.draw(&first_rows, dims, device))
    }

    /// The factors of so many units of one row, `[1, units]`, if the device draws them itself.
    pub(crate) fn draw_row_on_device(
        &self,
        row: &WordStream,
        units: usize,
        device: &Device,
        dtype: DType,
    ) -> Option<Tensor<2>> {
        let bernoulli = self.bernoulli(device, dtype, units)?;
        let dims = FactorDims { rows: 1, units, shared: true };
        Some(bernoulli.draw(&[row.on_a_device()], dims, device))
    }

    /// The [`factor`](Self::factor) of some units of each row, `[rows, units]`, if the device that has
    /// the numbers of the units draws factors itself: a GPU, with the feature of its backend, factors in
    /// `f32` that are no Gaussian noise. The numbers are not read back: a negative one is not found, and
    /// 32 bits of others are read.
    ///
    /// # Panics
    ///
    /// If there are units of another number of rows.
    pub fn factors_on_device(
        &self,
        rows: &[WordStream],
        units: &Tensor<2, Int>,
        dtype: FloatDType,
    ) -> Option<Tensor<2>> {
        let n_factors = units.dims().iter().product();
        let bernoulli = self.bernoulli(&units.device(), dtype.into(), n_factors)?;
        let rows: Vec<RandomRow> = rows.iter().copied().map(WordStream::on_a_device).collect();
        Some(bernoulli.draw_units(&rows, units.clone()))
    }

    /// How the device draws so many factors, if it does. The host alone draws normal numbers, in f64.
    fn bernoulli(&self, device: &Device, dtype: DType, n_factors: usize) -> Option<Bernoulli> {
        let bernoulli = Bernoulli::new(self.threshold(), self.kept_value() as f32);
        let is_asked = self.noise == MaskNoise::Bernoulli && dtype == DType::F32;
        (is_asked && bernoulli.is_supported(device, n_factors)).then_some(bernoulli)
    }
}

impl WordStream {
    fn on_a_device(self) -> RandomRow {
        let (key, number) = self.coordinates();
        RandomRow { key, number }
    }
}
