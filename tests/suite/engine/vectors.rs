//! Operations on whole tensors give the numbers, in parts for each thread too.

use burn::tensor::{Device, FloatDType};
use burn_variational::kernels::{squared_norm, subtract_scaled};
use cross_backend_tests::{Operation, assert_close, engine_runs, flex, on_every_device};

use super::case::{Numbers, Place, values};

/// Enough for several parts, the last of them not whole.
const MANY: [usize; 2] = [70, 1001];
const FEW: [usize; 2] = [7, 9];

fn check_difference(place: &Place) {
    for dims in [FEW, MANY] {
        let (a, b) = (Numbers(6).tensor(dims, 1.0, place), Numbers(7).tensor(dims, 1.0, place));
        let (left, right) = (values(a.clone()), values(b.clone()));
        let expected: Vec<f64> = left.iter().zip(&right).map(|(a, b)| a - 0.3 * b).collect();
        let before = engine_runs(Operation::SubtractScaled);
        let shared = subtract_scaled(a.clone(), b.clone(), 0.3);
        assert_eq!(engine_runs(Operation::SubtractScaled), before + 1, "the engine ran");
        assert_close(&shared, &expected, place.tolerance(), "difference");
        assert_eq!(values(b.clone()), right, "an operand that is held keeps its values");
        // Nobody else holds `b` now: its memory may be written.
        let in_place = subtract_scaled(a.clone(), b, 0.3);
        assert_eq!(values(in_place), values(shared));
        assert_eq!(values(a), left);
    }
}

fn check_norm(place: &Place) {
    for dims in [FEW, MANY] {
        let tensor = Numbers(3).tensor(dims, 1.0, place);
        let exact: f64 = values(tensor.clone()).iter().map(|x| x * x).sum();
        let before = engine_runs(Operation::SquaredNorm);
        assert_close(&squared_norm(tensor), &[exact], place.tolerance(), "squared norm");
        assert_eq!(engine_runs(Operation::SquaredNorm), before + 1, "the engine ran");
    }
}

/// A device with and without autodiff.
fn both(device: &Device) -> [Place; 2] {
    [device.clone(), device.clone().autodiff()]
        .map(|device| Place { device, dtype: FloatDType::F32 })
}

on_every_device! {
    fn a_scaled_difference_leaves_its_operands_as_they_are(device: &Device) {
        both(device).iter().for_each(check_difference);
    }

    fn the_squared_norm_is_the_sum_of_squares(device: &Device) {
        both(device).iter().for_each(check_norm);
    }
}

#[test]
fn norms_and_differences_are_right_in_f64() {
    let place = Place { device: flex(), dtype: FloatDType::F64 };
    check_difference(&place);
    check_norm(&place);
}
