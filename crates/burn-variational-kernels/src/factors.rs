//! Factors of masks, drawn on the device that reads them.

use burn::backend::{Dispatch, DispatchDevice};
use burn::tensor::{DType, Device, Int, Tensor, TensorData};

use crate::cube::factors::{DrawFactors, ROW};

/// The random words of a row: those of `ChaCha8` with this key, in the stream of this number.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct RandomRow {
    /// The key, 32 bytes.
    pub key: [u8; 32],
    /// The stream.
    pub number: u64,
}

/// How many factors are drawn for each row that is named.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct FactorDims {
    /// The rows from the named one on: `number`, `number + 1`, ..
    pub rows: usize,
    /// The units of a row: the words from position 0 on.
    pub units: usize,
    /// Whether all of the rows read the words of the named one.
    pub shared: bool,
}

/// Factors in `f32`, drawn by the device they are for:
///
/// ```text
/// z = 0       where w < threshold
/// z = kept    elsewhere
/// ```
///
/// with `w` the word of a row at the position of the unit, of `ChaCha8` (Bernstein 2008) with a 64-bit
/// counter and a 64-bit stream. They are those that a host makes of the same words, bit by bit.
///
/// # Example
///
/// ```no_run
/// use burn::tensor::{Device, DeviceKind};
/// use burn_variational_kernels::{Bernoulli, FactorDims, RandomRow};
///
/// let device = Device::wgpu(DeviceKind::default());
/// let half = Bernoulli::new(1 << 31, 2.0);
/// assert!(half.is_supported(&device, 20 * 100));
/// let rows = [RandomRow { key: [7; 32], number: 0 }];
/// let factors = half.draw(&rows, FactorDims { rows: 20, units: 100, shared: false }, &device);
/// assert_eq!(factors.dims(), [20, 100]);
/// ```
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Bernoulli {
    threshold: u32,
    kept: f32,
}

impl Bernoulli {
    /// With the first word that is kept, and the factor of what is.
    pub fn new(threshold: u32, kept: f32) -> Self {
        Self { threshold, kept }
    }

    /// Whether a device has the kernels, and 32 bits count so many factors, as these do.
    pub fn is_supported(self, device: &Device, n_factors: usize) -> bool {
        #[cfg(feature = "testing")]
        if crate::testing::are_kernels_ruled_out() || crate::testing::is_ruled_out() {
            return false;
        }
        u32::try_from(n_factors).is_ok_and(|n| n > 0)
            && matches!(device.clone().without_autodiff().as_dispatch(), DispatchDevice::Cube(_))
    }

    /// The factors of the rows from each of these on, `[first_rows · rows, units]`.
    ///
    /// # Panics
    ///
    /// If [`is_supported`](Self::is_supported) is false.
    pub fn draw(self, first_rows: &[RandomRow], dims: FactorDims, device: &Device) -> Tensor<2> {
        self.check(device, first_rows.len() * dims.rows * dims.units);
        let rows = upload(first_rows, device).into_dispatch();
        Tensor::from_dispatch(<Dispatch as DrawFactors>::factors(rows, self, dims))
    }

    /// The factors of some units of each of these rows, `[rows, units]`, of units of the same shape.
    /// They are read on the device, 32 bits of them: no unit may be negative, and none is checked.
    ///
    /// # Panics
    ///
    /// If there are other rows, or [`is_supported`](Self::is_supported) is false.
    pub fn draw_units(self, rows: &[RandomRow], units: Tensor<2, Int>) -> Tensor<2> {
        let (device, [n_rows, _]) = (units.device(), units.dims());
        let n = rows.len();
        assert!(n == n_rows, "Bernoulli: units must be those of {n} rows, got {n_rows}");
        self.check(&device, units.dims().iter().product());
        let (rows, units) = (upload(rows, &device).into_dispatch(), units.into_dispatch());
        Tensor::from_dispatch(<Dispatch as DrawFactors>::some_factors(rows, units, self))
    }

    pub(crate) fn threshold(self) -> u32 {
        self.threshold
    }

    pub(crate) fn kept(self) -> f32 {
        self.kept
    }

    fn check(self, device: &Device, n_factors: usize) {
        assert!(
            self.is_supported(device, n_factors),
            "Bernoulli: {device:?} has no kernel for {n_factors} factors"
        );
        #[cfg(feature = "testing")]
        crate::testing::count(crate::testing::Operation::Factors);
    }
}

/// Ten words for each row: its key and its number.
fn upload(rows: &[RandomRow], device: &Device) -> Tensor<2, Int> {
    let words = |row: &RandomRow| {
        let key = row.key.as_chunks().0.iter().map(|&bytes| u32::from_le_bytes(bytes));
        key.chain([row.number as u32, (row.number >> 32) as u32]).collect::<Vec<_>>()
    };
    let words: Vec<u32> = rows.iter().flat_map(words).collect();
    Tensor::from_data(TensorData::new(words, [rows.len(), ROW]), (device, DType::U32))
}
