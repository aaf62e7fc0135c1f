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

/// `d ← d + gradient`, and 0 where it has vanished.
///
/// Over long sequences gradients shrink by a factor a step, until they are subnormal: those a processor
/// computes a hundred times as slowly, in every product they get into, and what they would change is
/// far under a rounding.
#[inline(always)]
pub(crate) fn add_gradient<T: Real>(d: &mut [T], gradient: &[T]) {
    add(d, gradient);
    drop_vanished(d);
}

/// `d ← 0` where it has vanished, as [`add_gradient`].
#[inline(always)]
pub(crate) fn drop_vanished<T: Real>(d: &mut [T]) {
    for d in d {
        // NaN is no less than anything, and stays.
        *d = if d.abs() < T::VANISHED { T::ZERO } else { *d };
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_gradient_that_has_vanished_is_nothing_and_others_are_what_they_are() {
        let mut d = [1e-31_f32, -1e-40, 1e-30, -1.0, f32::NAN, 1e-31];
        add_gradient(&mut d, &[0.0, 0.0, 1e-30, 0.5, 0.0, f32::INFINITY]);
        assert_eq!((d[..4].to_vec(), d[5]), (vec![0.0, 0.0, 2e-30, -0.5], f32::INFINITY));
        assert!(d[4].is_nan());
        let mut d = [1e-299_f64, 1e-280];
        drop_vanished(&mut d);
        assert_eq!(d, [0.0, 1e-280]);
    }
}
