//! The non-linearities of the gates, written so that the compiler vectorises them.
//!
//! All rest on one reduction: with `n = round(x / ln 2)` and `r = x - n ln 2`,
//!
//! ```text
//! e^x = 2^n + 2^n p      e^x - 1 = (2^n - 1) + 2^n p      p = e^r - 1 by its Taylor polynomial
//! σ(x) = 1 / (1 + e^-x)                          tanh(x) = (e^2x - 1) / ((e^2x - 1) + 2)
//! ```
//!
//! The second form keeps `tanh` accurate near zero. NaN comes out as NaN, infinities as the
//! limits. The tests hold the errors under their bounds.

use pulp::Simd;

use super::real::Real;

/// `a · b + c`, rounded once where the processor does that, twice on the portable path.
#[inline(always)]
pub(crate) fn mul_add<S: Simd, T: Real>(a: T, b: T, c: T) -> T {
    // WebAssembly has vectors and no fused multiplication: there it would be a library call.
    if S::IS_SCALAR || cfg!(target_arch = "wasm32") { a * b + c } else { a.fused_mul_add(b, c) }
}

/// `x` within `[low, high]`; NaN stays NaN.
#[inline(always)]
fn clamp<T: Real>(x: T, [low, high]: [T; 2]) -> T {
    let x = if x > high { high } else { x };
    if x < low { low } else { x }
}

/// `2^n` and `e^r - 1` for `x = n ln 2 + r`.
#[inline(always)]
fn exp_parts<S: Simd, T: Real>(x: T) -> (T, T) {
    let x = clamp(x, T::EXP_RANGE);
    let shifted = mul_add::<S, T>(x, T::LOG2_E, T::ROUNDING);
    let n = shifted - T::ROUNDING;
    let r = mul_add::<S, T>(n, -T::LN_2[0], x);
    let r = mul_add::<S, T>(n, -T::LN_2[1], r);
    let mut polynomial = T::TAYLOR[0];
    for &coefficient in &T::TAYLOR[1..] {
        polynomial = mul_add::<S, T>(polynomial, r, coefficient);
    }
    (T::power_of_two(shifted), mul_add::<S, T>(polynomial, r * r, r))
}

/// `e^x`, 0 where that is no normal number.
#[inline(always)]
pub(crate) fn exp<S: Simd, T: Real>(x: T) -> T {
    let (power, rest) = exp_parts::<S, T>(x);
    if x < T::EXP_RANGE[0] { T::ZERO } else { mul_add::<S, T>(power, rest, power) }
}

/// `σ(x)`.
#[inline(always)]
pub(crate) fn sigmoid<S: Simd, T: Real>(x: T) -> T {
    let (power, rest) = exp_parts::<S, T>(-x);
    T::ONE / (T::ONE + mul_add::<S, T>(power, rest, power))
}

/// `tanh(x)`.
#[inline(always)]
pub(crate) fn tanh<S: Simd, T: Real>(x: T) -> T {
    let x = clamp(x, [-T::TANH_RANGE, T::TANH_RANGE]);
    let (power, rest) = exp_parts::<S, T>(T::TWO * x);
    let exp_minus_one = mul_add::<S, T>(power, rest, power - T::ONE);
    exp_minus_one / (exp_minus_one + T::TWO)
}

#[cfg(test)]
mod tests {
    use pulp::{Arch, Scalar, WithSimd};

    use super::*;

    /// The largest relative errors of `e^x`, `σ` and `tanh` against `f64` from the standard library.
    struct LargestErrors<'a, T>(&'a [T]);

    impl<T: Real + Into<f64>> WithSimd for LargestErrors<'_, T> {
        type Output = [f64; 3];

        #[inline(always)]
        fn with_simd<S: Simd>(self, _: S) -> [f64; 3] {
            let mut worst = [0.0_f64; 3];
            for &x in self.0 {
                let exact = x.into();
                let exact = [exact.exp(), 1.0 / (1.0 + (-exact).exp()), exact.tanh()];
                let found = [exp::<S, T>(x), sigmoid::<S, T>(x), tanh::<S, T>(x)].map(Into::into);
                for ((worst, exact), found) in worst.iter_mut().zip(exact).zip(found) {
                    if exact != 0.0 {
                        *worst = worst.max(((found - exact) / exact).abs());
                    }
                }
            }
            worst
        }
    }

    /// Close together within `[-range, range]`, and ever closer to 0.
    fn arguments(range: f64) -> Vec<f64> {
        let uniform = (-100_000..=100_000).map(|i| f64::from(i) * 1e-5 * range);
        let small = (0..400).flat_map(|i| {
            let x = 10.0_f64.powf(-0.1 * f64::from(i));
            [x, -x]
        });
        uniform.chain(small).collect()
    }

    #[test]
    fn relative_errors_stay_under_three_epsilon() {
        fn check<T: Real + Into<f64>>(arguments: &[T], epsilon: f64) {
            for errors in [
                Arch::new().dispatch(LargestErrors(arguments)),
                LargestErrors(arguments).with_simd(Scalar),
            ] {
                for (name, error) in ["exp", "sigmoid", "tanh"].into_iter().zip(errors) {
                    assert!(error < 3.0 * epsilon, "{name}, {:?}: {error:e}", T::DTYPE);
                }
            }
        }
        let single: Vec<f32> = arguments(87.0).into_iter().map(|x| x as f32).collect();
        check(&single, f32::EPSILON.into());
        check(&arguments(708.0), f64::EPSILON);
    }

    #[test]
    fn beyond_the_range_an_exponential_is_zero_and_sigmoid_next_to_it() {
        assert_eq!(exp::<Scalar, f32>(-100.0), 0.0);
        assert_eq!(exp::<Scalar, f64>(f64::NEG_INFINITY), 0.0);
        let [single, double] =
            [sigmoid::<Scalar, f32>(-100.0).into(), sigmoid::<Scalar, f64>(-1e3)];
        assert!(0.0 < single && single < 6.1e-39, "{single:e}");
        assert!(0.0 < double && double < 1.3e-308, "{double:e}");
    }

    #[test]
    fn nan_stays_and_infinities_give_the_limits() {
        type S = Scalar;
        assert!(sigmoid::<S, f32>(f32::NAN).is_nan() && tanh::<S, f32>(f32::NAN).is_nan());
        assert_eq!(sigmoid::<S, f32>(f32::INFINITY), 1.0);
        assert!(sigmoid::<S, f32>(f32::NEG_INFINITY) < 1e-37);
        assert_eq!(tanh::<S, f32>(f32::INFINITY), 1.0);
        assert_eq!(tanh::<S, f32>(f32::NEG_INFINITY), -1.0);
    }

    #[test]
    fn denormals_pass() {
        let tiny = f32::from_bits(1);
        assert_eq!(tanh::<Scalar, f32>(tiny), tiny);
        assert_eq!(sigmoid::<Scalar, f32>(tiny), 0.5);
    }
}
