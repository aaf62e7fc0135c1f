//! Masks that a device draws itself: nothing is uploaded but keys.

#![cfg_attr(
    not(any(feature = "wgpu", feature = "cuda")),
    allow(unused_variables, clippy::unused_self, reason = "no device draws masks itself")
)]

use burn::tensor::{DType, Device, FloatDType, Int, Tensor};
#[cfg(any(feature = "wgpu", feature = "cuda"))]
use burn_variational_kernels::{Bernoulli, FactorDims, RandomRow};

use crate::{MaskDraw, SiteDropout, WordStream};
#[cfg(any(feature = "wgpu", feature = "cuda"))]
use crate::{MaskNoise, MaskSharing};

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
        #[cfg(any(feature = "wgpu", feature = "cuda"))]
        {
            let bernoulli = self.bernoulli(device, dtype)?;
            let n_draws = draw.n_draws();
            // A batch that the draws do not divide is the host's to refuse.
            if !batch_size.is_multiple_of(n_draws) || !fits([seq_length, batch_size, units]) {
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
        #[cfg(not(any(feature = "wgpu", feature = "cuda")))]
        None
    }

    /// The factors of so many units of one row, `[1, units]`, if the device draws them itself.
    pub(crate) fn draw_row_on_device(
        &self,
        row: &WordStream,
        units: usize,
        device: &Device,
        dtype: DType,
    ) -> Option<Tensor<2>> {
        #[cfg(any(feature = "wgpu", feature = "cuda"))]
        {
            let bernoulli = self.bernoulli(device, dtype)?;
            let dims = FactorDims { rows: 1, units, shared: true };
            fits([units, 1, 1]).then(|| bernoulli.draw(&[row.on_a_device()], dims, device))
        }
        #[cfg(not(any(feature = "wgpu", feature = "cuda")))]
        None
    }

    /// The [`factor`](Self::factor) of some units of each row, `[rows, units]`, if the device that has
    /// the numbers of the units draws factors itself. They are not read back, so that a negative one
    /// is not found.
    pub fn factors_on_device(
        &self,
        rows: &[WordStream],
        units: &Tensor<2, Int>,
        dtype: FloatDType,
    ) -> Option<Tensor<2>> {
        #[cfg(any(feature = "wgpu", feature = "cuda"))]
        {
            let bernoulli = self.bernoulli(&units.device(), dtype.into())?;
            if !fits([rows.len(), units.dims()[1], 1]) {
                return None;
            }
            let rows: Vec<RandomRow> = rows.iter().copied().map(WordStream::on_a_device).collect();
            Some(bernoulli.draw_units(&rows, units.clone()))
        }
        #[cfg(not(any(feature = "wgpu", feature = "cuda")))]
        None
    }

    /// How the device draws factors, if it does. The host alone draws normal numbers, in f64.
    #[cfg(any(feature = "wgpu", feature = "cuda"))]
    fn bernoulli(&self, device: &Device, dtype: DType) -> Option<Bernoulli> {
        let bernoulli = Bernoulli::new(self.threshold(), self.kept_value(), dtype);
        let is_supported = self.noise == MaskNoise::Bernoulli && bernoulli.is_supported(device);
        is_supported.then_some(bernoulli)
    }
}

#[cfg(any(feature = "wgpu", feature = "cuda"))]
impl WordStream {
    fn on_a_device(self) -> RandomRow {
        let (key, number) = self.coordinates();
        RandomRow { key, number }
    }
}

/// Whether there are factors, and 32 bits count them, as kernels do.
#[cfg(any(feature = "wgpu", feature = "cuda"))]
fn fits(dims: [usize; 3]) -> bool {
    u32::try_from(dims.iter().product::<usize>()).is_ok_and(|n| n > 0)
}
