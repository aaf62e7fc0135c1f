//! Without the feature of a GPU no device draws masks itself: see `device_draw.rs`.

use burn::tensor::{DType, Device, FloatDType, Int, Tensor};

use crate::{MaskDraw, SiteDropout, WordStream};

#[allow(clippy::unused_self, reason = "with the feature it is asked")]
impl SiteDropout {
    pub(crate) fn draw_on_device(
        &self,
        _dims: [usize; 3],
        _draw: &MaskDraw,
        _device: &Device,
        _dtype: DType,
    ) -> Option<Tensor<2>> {
        None
    }

    pub(crate) fn draw_row_on_device(
        &self,
        _row: &WordStream,
        _units: usize,
        _device: &Device,
        _dtype: DType,
    ) -> Option<Tensor<2>> {
        None
    }

    /// The [`factor`](Self::factor) of some units of each row, `[rows, units]`, if the device that has
    /// the numbers of the units draws factors itself: a GPU, with the feature of its backend. None has
    /// been compiled in.
    pub fn factors_on_device(
        &self,
        _rows: &[WordStream],
        _units: &Tensor<2, Int>,
        _dtype: FloatDType,
    ) -> Option<Tensor<2>> {
        None
    }
}
