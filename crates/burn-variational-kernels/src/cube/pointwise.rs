//! What is done with a unit inside a kernel. Kernels compute in `f32`, of whatever type tensors are.

use cubecl::prelude::*;

/// An element as kernels compute with it.
#[cube]
pub(super) fn read<F: Float>(values: &[F], at: usize) -> f32 {
    f32::cast_from(values[at])
}

/// An element, rounded to the type of its tensor.
#[cube]
pub(super) fn write<F: Float>(values: &mut [F], at: usize, value: f32) {
    values[at] = F::cast_from(value);
}

/// Beyond, `tanh` is 1: [`saturation`](crate::tanh::saturation) says why it must not get there.
const SATURATION: f32 = 20.0;

#[cube]
pub(super) fn tanh(a: f32) -> f32 {
    clamp_nan(a, -SATURATION, SATURATION).tanh()
}

/// Of whatever sign, the exponential is at most 1.
#[cube]
pub(super) fn sigmoid(a: f32) -> f32 {
    let e = (-a.abs()).exp();
    let numerator = select(a < 0.0, e, 1.0);
    numerator / (1.0 + e)
}

/// `gradient ∘ y ∘ (1 - y)`, back through `y = σ(a)`.
#[cube]
pub(super) fn through_sigmoid(gradient: f32, y: f32) -> f32 {
    gradient * y * (1.0 - y)
}

/// `gradient ∘ (1 - y²)`, back through `y = tanh(a)`.
#[cube]
pub(super) fn through_tanh(gradient: f32, y: f32) -> f32 {
    gradient * (1.0 - y * y)
}
