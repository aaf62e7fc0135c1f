//! Point-wise pieces that the recurrences share, on units of one row at a time.

use pulp::Simd;

use super::activation::{sigmoid, tanh};
use super::real::Real;

/// `a ← σ(a + product)`.
#[inline(always)]
pub(super) fn add_sigmoid<S: Simd, T: Real>(a: &mut [T], product: &[T]) {
    for (a, &product) in a.iter_mut().zip(product) {
        *a = sigmoid::<S, T>(*a + product);
    }
}

/// `a ← tanh(a + product)`.
#[inline(always)]
pub(super) fn add_tanh<S: Simd, T: Real>(a: &mut [T], product: &[T]) {
    for (a, &product) in a.iter_mut().zip(product) {
        *a = tanh::<S, T>(*a + product);
    }
}

/// `a ← a ∘ b`.
#[inline(always)]
pub(super) fn multiply<T: Real>(a: &mut [T], b: &[T]) {
    for (a, &b) in a.iter_mut().zip(b) {
        *a *= b;
    }
}

/// `a ← a + b`.
#[inline(always)]
pub(super) fn add<T: Real>(a: &mut [T], b: &[T]) {
    for (a, &b) in a.iter_mut().zip(b) {
        *a += b;
    }
}
