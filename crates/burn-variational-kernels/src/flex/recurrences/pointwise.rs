//! Point-wise pieces that the recurrences share, on units of one row at a time.

use pulp::Simd;

use crate::flex::numbers::{Real, mul_add, sigmoid, tanh};

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

/// `new ← u ∘ new + (1 - u) ∘ old`, where `u` is the share that is new.
#[inline(always)]
pub(crate) fn zone_out<S: Simd, T: Real>(new: &mut [T], old: &[T], share: &[T]) {
    for ((new, &old), &u) in new.iter_mut().zip(old).zip(share) {
        *new = mul_add::<S, T>(u, *new, (T::ONE - u) * old);
    }
}

/// Back through [`zone_out`]: `d ← u ∘ d`, and `d_old ← (1 - u) ∘ d`.
#[inline(always)]
pub(crate) fn through_zoneout<T: Real>(d: &mut [T], d_old: &mut [T], share: &[T]) {
    for ((d, d_old), &u) in d.iter_mut().zip(d_old).zip(share) {
        *d_old = (T::ONE - u) * *d;
        *d *= u;
    }
}
