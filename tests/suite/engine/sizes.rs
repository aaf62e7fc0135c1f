//! Sizes for which the CPU kernel shares its work out in another way each.

use burn::tensor::FloatDType;
use burn_variational::kernels::Recurrence;
use cross_backend_tests::flex;

use super::case::{Case, Masking, Place, RECURRENCES};
use super::{autodiff, check};

const MASKINGS: [Masking; 3] = [Masking::None, Masking::Tied, Masking::Untied];

fn places() -> [Place; 2] {
    [FloatDType::F32, FloatDType::F64].map(|dtype| autodiff(&flex(), dtype))
}

/// Input and recurrent weights that no core's own cache holds: products that all threads share.
fn wide_case(recurrence: Recurrence, masking: Masking) -> Case {
    let sizes = Case::of_size(recurrence, [5, 3, 520]);
    Case { d_input: 530, input: masking, recurrent: masking, ..sizes }
}

#[test]
fn weights_beyond_the_cache_give_what_plain_operations_give() {
    for place in places() {
        for recurrence in RECURRENCES {
            for masking in MASKINGS {
                check(&wide_case(recurrence, masking), 11, &place);
            }
            check(&Case::of_size(recurrence, [1, 3, 520]), 13, &place);
        }
    }
}

/// More rows than a weight gradient takes at a time: it writes the first of them, and adds the
/// others. Sizes for which LSTM and GRU share the products out, and RNN does not.
#[test]
fn weight_gradients_of_many_rows_give_what_plain_operations_give() {
    let [place, _] = places();
    for recurrence in RECURRENCES {
        for masking in MASKINGS {
            let sizes = Case::of_size(recurrence, [40, 32, 304]);
            let case = Case { input: masking, recurrent: masking, ..sizes };
            check(&case, 12, &place);
        }
    }
}

#[test]
fn results_are_bit_equal_for_one_two_and_four_threads() {
    for place in places() {
        for recurrence in RECURRENCES {
            // Few rows of a small layer, layers that are split by units, many rows, wide inputs.
            let cases = [[20, 4, 96], [5, 3, 520], [1, 3, 520], [70, 3, 64]];
            let cases = cases.map(|dims| Case::of_size(recurrence, dims));
            for case in cases.into_iter().chain([wide_case(recurrence, Masking::Tied)]) {
                let run = |threads: usize| {
                    let pool = rayon::ThreadPoolBuilder::new().num_threads(threads).build();
                    pool.unwrap().install(|| case.run(9, &place))
                };
                let one = run(1);
                for threads in [2, 4] {
                    assert!(run(threads) == one, "{case:?}, {:?}, {threads} threads", place.dtype);
                }
            }
        }
    }
}
