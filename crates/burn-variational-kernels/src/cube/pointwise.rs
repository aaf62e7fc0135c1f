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

/// `value ∘ z`, where there is a mask and its row begins at `mask`.
#[cube]
pub(super) fn masked<F: Float>(
    value: F,
    constants: &[F],
    mask: ComptimeOption<usize>,
    unit: usize,
) -> F {
    #[comptime]
    let masked = match mask {
        ComptimeOption::Some(mask) => value * constants[mask + unit],
        ComptimeOption::None => value,
    };
    masked
}

/// `u ∘ new + (1 - u) ∘ old`, where `u` is the share that is new, and `new` where there is none.
#[cube]
pub(super) fn zoned_out<F: Float>(
    new: F,
    old: F,
    constants: &[F],
    share: ComptimeOption<usize>,
    unit: usize,
) -> F {
    #[comptime]
    let zoned_out = match share {
        ComptimeOption::Some(share) => {
            let share = constants[share + unit];
            share * new + (F::new(1.0_f32) - share) * old
        }
        ComptimeOption::None => new,
    };
    zoned_out
}

/// Back through [`zoned_out`] to what was there: `(1 - u) ∘ gradient`, and 0 where all is new.
#[cube]
pub(super) fn to_old<F: Float>(
    gradient: F,
    constants: &[F],
    share: ComptimeOption<usize>,
    unit: usize,
) -> F {
    #[comptime]
    let old = match share {
        ComptimeOption::Some(share) => (F::new(1.0_f32) - constants[share + unit]) * gradient,
        ComptimeOption::None => F::new(0.0_f32),
    };
    old
}
