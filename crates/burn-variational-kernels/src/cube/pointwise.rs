//! What is done with a unit inside a kernel.

use cubecl::prelude::*;

/// Beyond, `tanh` is 1: [`saturation`](crate::tanh::saturation) says why it must not get there.
const SATURATION: f32 = 20.0;

#[cube]
pub(super) fn tanh<F: Float>(a: F) -> F {
    clamp_nan(a, F::new(-SATURATION), F::new(SATURATION)).tanh()
}

/// Of whatever sign, the exponential is at most 1.
#[cube]
pub(super) fn sigmoid<F: Float>(a: F) -> F {
    let one = F::new(1.0_f32);
    let e = (-a.abs()).exp();
    let numerator = select(a < F::new(0.0_f32), e, one);
    numerator / (one + e)
}

/// `gradient ∘ y ∘ (1 - y)`, back through `y = σ(a)`.
#[cube]
pub(super) fn through_sigmoid<F: Float>(gradient: F, y: F) -> F {
    gradient * y * (F::new(1.0_f32) - y)
}

/// `gradient ∘ (1 - y²)`, back through `y = tanh(a)`.
#[cube]
pub(super) fn through_tanh<F: Float>(gradient: F, y: F) -> F {
    gradient * (F::new(1.0_f32) - y * y)
}
