//! The element types the kernel computes in.

use std::fmt::Debug;
use std::ops::{Add, AddAssign, Div, Mul, MulAssign, Neg, Sub};

use burn::backend::tensor::FloatTensor;
use burn::backend::{DType, Flex};

/// `f32` and `f64`.
pub(crate) trait Real:
    Copy
    + Debug
    + Default
    + PartialOrd
    + Send
    + Sync
    + Add<Output = Self>
    + AddAssign
    + Sub<Output = Self>
    + Mul<Output = Self>
    + MulAssign
    + Div<Output = Self>
    + Neg<Output = Self>
    + 'static
{
    const DTYPE: DType;
    const ZERO: Self;
    const ONE: Self;
    const TWO: Self;
    const LOG2_E: Self;
    /// `ln 2` in two parts: multiples of the first by a whole exponent are exact.
    const LN_2: [Self; 2];
    /// Adding it rounds to a whole number, which is left in the low bits.
    const ROUNDING: Self;
    /// The range of `x` in which `2^round(x / ln 2)` is a normal number.
    const EXP_RANGE: [Self; 2];
    /// A gradient of a smaller size has vanished. What it is multiplied by on its way is no subnormal
    /// number yet.
    const VANISHED: Self;
    /// Beyond it `tanh x` is 1.
    const TANH_RANGE: Self;
    /// `1/n!` from the highest power down to `1/2!`: the error is under half a unit in the last
    /// place for `|x| ≤ ½ ln 2`.
    const TAYLOR: &'static [Self];

    /// `self · b + c`, rounded once.
    fn fused_mul_add(self, b: Self, c: Self) -> Self;

    /// The natural logarithm.
    fn ln(self) -> Self;

    /// `2^n` of a whole `n` to which [`ROUNDING`](Self::ROUNDING) was added.
    fn power_of_two(shifted: Self) -> Self;

    /// The elements of a contiguous tensor of this type.
    fn elements(tensor: &FloatTensor<Flex>) -> &[Self];

    /// The elements of a contiguous tensor of this type, to be written.
    fn elements_mut(tensor: &mut FloatTensor<Flex>) -> &mut [Self];
}

impl Real for f32 {
    const DTYPE: DType = DType::F32;
    const ZERO: Self = 0.0;
    const ONE: Self = 1.0;
    const TWO: Self = 2.0;
    const LOG2_E: Self = std::f32::consts::LOG2_E;
    #[allow(clippy::excessive_precision, reason = "exact: 355/512")]
    const LN_2: [Self; 2] = [0.693_359_375, -2.121_944_4e-4];
    const ROUNDING: Self = 12_582_912.0;
    const EXP_RANGE: [Self; 2] = [-87.0, 88.0];
    const VANISHED: Self = 1e-30;
    const TANH_RANGE: Self = 20.0;
    const TAYLOR: &'static [Self] =
        &[1.0 / 5040.0, 1.0 / 720.0, 1.0 / 120.0, 1.0 / 24.0, 1.0 / 6.0, 0.5];

    #[inline(always)]
    fn fused_mul_add(self, b: Self, c: Self) -> Self {
        self.mul_add(b, c)
    }

    fn ln(self) -> Self {
        self.ln()
    }

    #[inline(always)]
    fn power_of_two(shifted: Self) -> Self {
        const MANTISSA: u32 = 23;
        const BIAS: u32 = 127 << MANTISSA;
        Self::from_bits((shifted.to_bits() << MANTISSA).wrapping_add(BIAS))
    }

    fn elements(tensor: &FloatTensor<Flex>) -> &[Self] {
        tensor.as_slice().expect("a contiguous f32 tensor")
    }

    fn elements_mut(tensor: &mut FloatTensor<Flex>) -> &mut [Self] {
        tensor.storage_mut()
    }
}

impl Real for f64 {
    const DTYPE: DType = DType::F64;
    const ZERO: Self = 0.0;
    const ONE: Self = 1.0;
    const TWO: Self = 2.0;
    const LOG2_E: Self = std::f64::consts::LOG2_E;
    const LN_2: [Self; 2] = [0.693_147_180_369_123_8, 1.908_214_929_270_587_7e-10];
    const ROUNDING: Self = 6_755_399_441_055_744.0;
    const EXP_RANGE: [Self; 2] = [-708.0, 709.0];
    const VANISHED: Self = 1e-290;
    const TANH_RANGE: Self = 40.0;
    const TAYLOR: &'static [Self] = &[
        1.0 / 87_178_291_200.0,
        1.0 / 6_227_020_800.0,
        1.0 / 479_001_600.0,
        1.0 / 39_916_800.0,
        1.0 / 3_628_800.0,
        1.0 / 362_880.0,
        1.0 / 40_320.0,
        1.0 / 5040.0,
        1.0 / 720.0,
        1.0 / 120.0,
        1.0 / 24.0,
        1.0 / 6.0,
        0.5,
    ];

    #[inline(always)]
    fn fused_mul_add(self, b: Self, c: Self) -> Self {
        self.mul_add(b, c)
    }

    fn ln(self) -> Self {
        self.ln()
    }

    #[inline(always)]
    fn power_of_two(shifted: Self) -> Self {
        const MANTISSA: u32 = 52;
        const BIAS: u64 = 1023 << MANTISSA;
        Self::from_bits((shifted.to_bits() << MANTISSA).wrapping_add(BIAS))
    }

    fn elements(tensor: &FloatTensor<Flex>) -> &[Self] {
        tensor.as_slice().expect("a contiguous f64 tensor")
    }

    fn elements_mut(tensor: &mut FloatTensor<Flex>) -> &mut [Self] {
        tensor.storage_mut()
    }
}
