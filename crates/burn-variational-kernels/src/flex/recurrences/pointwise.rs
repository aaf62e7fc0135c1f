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

/// `d ← d + b`, a gradient on its way back, and 0 where nothing is left of it. Over many steps it
/// would go on as a subnormal number, with which a CPU computes a hundred times as slowly.
#[inline(always)]
pub(crate) fn add_gradient<T: Real>(d: &mut [T], b: &[T]) {
    for (d, &b) in d.iter_mut().zip(b) {
        *d = unless_vanished(*d + b);
    }
}

/// The same of a gradient that nothing is added to.
#[inline(always)]
pub(crate) fn drop_vanished<T: Real>(d: &mut [T]) {
    for d in d {
        *d = unless_vanished(*d);
    }
}

#[inline(always)]
fn unless_vanished<T: Real>(d: T) -> T {
    if d < T::VANISHED && d > -T::VANISHED { T::ZERO } else { d }
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
    fn a_gradient_that_has_vanished_is_zero_and_any_other_is_left() {
        let mut d = [1e-31_f32, -1e-31, 1e-29, -1e-29, f32::NAN, f32::NEG_INFINITY, 1.0];
        let before = d;
        drop_vanished(&mut d);
        assert_eq!(d[..2], [0.0, 0.0]);
        assert!(d[2..].iter().zip(&before[2..]).all(|(d, before)| d.to_bits() == before.to_bits()));
        let mut d = [1.0_f64, -1e-291, 2.0];
        add_gradient(&mut d, &[-1.0, 0.0, 0.5]);
        assert_eq!(d, [0.0, 0.0, 2.5]);
    }
}
