//! `Σ x²` on the CPU.

use pulp::{Arch, Simd, WithSimd};
use rayon::prelude::*;

use super::FlexTensor;
use super::activation::mul_add;
use super::pool::buffer;
use super::real::Real;

/// The elements summed up on their own, the same whatever threads there are.
const CHUNK: usize = 1 << 15;

pub(super) fn sum_of_squares<T: Real>(tensor: &FlexTensor) -> FlexTensor {
    let tensor = tensor.to_contiguous();
    let chunks = T::elements(&tensor).par_chunks(CHUNK);
    let sums: Vec<T> = chunks.map(|chunk| Arch::new().dispatch(SumOfSquares(chunk))).collect();
    let mut output = buffer([1], tensor.dtype());
    T::elements_mut(&mut output)[0] = sums.into_iter().fold(T::ZERO, |sum, part| sum + part);
    output
}

struct SumOfSquares<'a, T>(&'a [T]);

/// Enough for four vectors of sixteen, whose additions overlap.
const LANES: usize = 64;

impl<T: Real> WithSimd for SumOfSquares<'_, T> {
    type Output = T;

    #[inline(always)]
    fn with_simd<S: Simd>(self, _: S) -> T {
        let mut lanes = [T::ZERO; LANES];
        for chunk in self.0.chunks(LANES) {
            for (lane, &x) in lanes.iter_mut().zip(chunk) {
                *lane = mul_add::<S, T>(x, x, *lane);
            }
        }
        lanes.into_iter().fold(T::ZERO, |sum, lane| sum + lane)
    }
}
