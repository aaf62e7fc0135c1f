//! One pass over a whole tensor on the CPU.

use pulp::{Simd, WithSimd};
use rayon::prelude::*;

use crate::flex::memory::{FlexTensor, buffer, owned};
use crate::flex::numbers::{Real, arch, mul_add};
use crate::flex::sharing::in_pool;

/// The elements summed up on their own, the same whatever threads there are. So few are not worth
/// waking a thread.
const CHUNK: usize = 1 << 15;

pub(crate) fn squared_norm<T: Real>(tensor: &FlexTensor) -> FlexTensor {
    let tensor = tensor.to_contiguous();
    let values = T::elements(&tensor);
    let sum_of = |chunk| arch().dispatch(SquaredNorm(chunk));
    let sums: Vec<T> = if values.len() <= CHUNK {
        vec![sum_of(values)]
    } else {
        in_pool(|| values.par_chunks(CHUNK).map(sum_of).collect())
    };
    let mut output = buffer([1], tensor.dtype());
    T::elements_mut(&mut output)[0] = sums.into_iter().fold(T::ZERO, |sum, part| sum + part);
    output
}

/// `a - scale · b`, in place of `b` if nobody else holds it.
pub(crate) fn subtract_scaled<T: Real>(a: &FlexTensor, b: FlexTensor, scale: T) -> FlexTensor {
    let a = a.to_contiguous();
    let mut output = owned(b);
    let (a, b) = (T::elements(&a), T::elements_mut(&mut output));
    let subtract = |(b, a): (&mut [T], &[T])| arch().dispatch(SubtractScaled { a, b, scale });
    if b.len() <= CHUNK {
        subtract((b, a));
    } else {
        in_pool(|| b.par_chunks_mut(CHUNK).zip(a.par_chunks(CHUNK)).for_each(subtract));
    }
    output
}

struct SubtractScaled<'a, T> {
    a: &'a [T],
    b: &'a mut [T],
    scale: T,
}

impl<T: Real> WithSimd for SubtractScaled<'_, T> {
    type Output = ();

    #[inline(always)]
    fn with_simd<S: Simd>(self, _: S) {
        for (b, &a) in self.b.iter_mut().zip(self.a) {
            *b = mul_add::<S, T>(-self.scale, *b, a);
        }
    }
}

struct SquaredNorm<'a, T>(&'a [T]);

/// Enough for four vectors of sixteen, whose additions overlap.
const LANES: usize = 64;

impl<T: Real> WithSimd for SquaredNorm<'_, T> {
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
