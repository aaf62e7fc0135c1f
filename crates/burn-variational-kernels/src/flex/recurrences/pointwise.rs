//! Point-wise pieces that the recurrences share, on units of one row at a time.

use pulp::Simd;

use crate::flex::numbers::{Real, sigmoid, tanh};

/// `a ← σ(a + product)`.
#[inline(always)]
pub(crate) fn add_sigmoid<S: Simd, T: Real>(a: &mut [T], product: &[T]) {
    for (a, &product) in a.iter_mut().zip(product) {
        *a = sigmoid::<S, T>(*a + product);
    }
}

/// `a ← tanh(a + product)`.
#[inline(always)]
pub(crate) fn add_tanh<S: Simd, T: Real>(a: &mut [T], product: &[T]) {
    for (a, &product) in a.iter_mut().zip(product) {
        *a = tanh::<S, T>(*a + product);
    }
}

/// `a ← a ∘ b`.
#[inline(always)]
pub(crate) fn multiply<T: Real>(a: &mut [T], b: &[T]) {
    for (a, &b) in a.iter_mut().zip(b) {
        *a *= b;
    }
}

/// `a ← a + b`.
#[inline(always)]
pub(crate) fn add<T: Real>(a: &mut [T], b: &[T]) {
    for (a, &b) in a.iter_mut().zip(b) {
        *a += b;
    }
}
