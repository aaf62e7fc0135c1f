//! What a layer may be handed now and then.

use burn::module::Param;
use burn::tensor::activation::sigmoid;
use burn::tensor::{FloatDType, Tensor};
use burn_variational::dropout::DropoutMask;
use burn_variational::kernels::{Projection, Recurrence, Sequence, SequenceMasks};
use burn_variational::rnn::{
    GateWeights, LayerDropout, LayerMasks, LstmCell, LstmState, RecurrentLayer, SiteMasks,
};
use cross_backend_tests::{engine_sequences, flex, relative_error, without_engine};

use super::case::{Case, Masking, Numbers, Place, RECURRENCES, values};
use super::{autodiff, check};

const DIMS: [usize; 3] = [4, 3, 5];
const D_HIDDEN: usize = 6;

fn place() -> Place {
    autodiff(&flex(), FloatDType::F32)
}

fn case(recurrence: Recurrence, [batch_size, seq_length, d_hidden]: [usize; 3]) -> Case {
    Case {
        recurrence,
        batch_size,
        seq_length,
        d_input: 3,
        d_hidden,
        input: Masking::Tied,
        recurrent: Masking::Untied,
        bias: true,
    }
}

fn lstm(place: &Place) -> RecurrentLayer<LstmCell> {
    let mut numbers = Numbers(1);
    let width = 4 * D_HIDDEN;
    let gates = GateWeights {
        input: Param::from_tensor(numbers.tensor([DIMS[2], width], 0.5, place)),
        recurrent: Param::from_tensor(numbers.tensor([D_HIDDEN, width], 0.5, place)),
        bias: Some(Param::from_tensor(numbers.tensor([width], 0.5, place))),
    };
    RecurrentLayer::new(LstmCell { gates }, LayerDropout::none()).with_batch_first(false)
}

fn state(place: &Place) -> LstmState<2> {
    let mut numbers = Numbers(2);
    let mut part = || numbers.tensor([DIMS[1], D_HIDDEN], 1.0, place);
    LstmState::new(part(), part())
}

/// The output of either path, the engine's first.
fn on_both_paths(run: impl Fn() -> Vec<f64>) -> [Vec<f64>; 2] {
    let before = engine_sequences();
    let engine = run();
    assert_eq!(engine_sequences(), before + 1, "the engine ran");
    [engine, without_engine(run)]
}

#[test]
fn one_unit_one_step_and_one_row_are_enough() {
    for recurrence in RECURRENCES {
        for dims in [[1, 1, 1], [1, 1, 70], [5, 1, 1], [1, 6, 1]] {
            check(&case(recurrence, dims), 3, &place());
        }
    }
}

#[test]
#[should_panic(expected = "Sequence: seq_length must be positive, got 0")]
fn a_sequence_without_steps_is_refused() {
    let device = flex();
    let sequence = Sequence::new(
        Recurrence::Rnn,
        Tensor::zeros([2, 2], &device),
        Tensor::zeros([1, 2], &device),
    );
    let _ = sequence.run(Tensor::zeros([0, 1, 2], &device));
}

#[test]
#[should_panic(expected = "Projection: batch_size must be positive, got 0")]
fn a_projection_of_no_rows_is_refused() {
    let device = flex();
    let projection = Projection::new(Tensor::zeros([2, 2], &device));
    let _ = projection.run(Tensor::zeros([1, 0, 2], &device));
}

#[test]
#[should_panic(expected = "Sequence: mask must have dims [1, 2], got [3, 2]")]
fn a_mask_of_another_batch_is_refused() {
    let device = flex();
    let sequence = Sequence::new(
        Recurrence::Rnn,
        Tensor::zeros([2, 2], &device),
        Tensor::zeros([1, 2], &device),
    );
    let masks = SequenceMasks::Tied(Tensor::zeros([3, 2], &device));
    let _ = sequence.with_masks(masks).run(Tensor::zeros([1, 1, 2], &device));
}

#[test]
fn nan_and_infinities_come_out_where_plain_operations_have_them() {
    for special in [f64::NAN, f64::INFINITY, f64::NEG_INFINITY, 1e-40, 1e30] {
        let run = || {
            let place = place();
            let mut input = Numbers(4).uniform(DIMS.iter().product(), 1.0);
            // In the second row of the second step, so that other rows show what they should.
            input[DIMS[1] * DIMS[2] + DIMS[2]] = special;
            let input = place.tensor(input, DIMS);
            let masks = LayerMasks::identity();
            values(lstm(&place).forward(input, Some(state(&place)), &masks).0)
        };
        let [engine, plain] = on_both_paths(run);
        for (got, expected) in engine.iter().zip(&plain) {
            let close = (got - expected).abs() < 1e-6;
            assert!(close || (got.is_nan() && expected.is_nan()), "{special}: {got}, {expected}");
        }
        assert_eq!(engine.iter().any(|x| x.is_nan()), special.is_nan());
    }
}

#[test]
fn tensors_may_lie_in_memory_in_any_order() {
    let run = || {
        let place = place();
        let mut numbers = Numbers(5);
        let mut layer = lstm(&place);
        let transposed = |weights: &Param<Tensor<2>>| {
            // The same values, stored column by column.
            let columns = values(weights.val().transpose());
            let [rows, width] = weights.dims();
            Param::from_tensor(place.tensor(columns, [width, rows]).transpose())
        };
        layer.cell.gates.input = transposed(&layer.cell.gates.input);
        layer.cell.gates.recurrent = transposed(&layer.cell.gates.recurrent);
        let [steps, rows, d_input] = DIMS;
        let input = numbers.tensor([rows, d_input, steps], 1.0, &place).permute([2, 0, 1]);
        let input_mask = numbers.tensor([1, d_input], 2.0, &place).expand([rows, d_input]);
        let mask = numbers.tensor([D_HIDDEN, rows], 2.0, &place).transpose();
        let masks = LayerMasks::identity()
            .with_input(SiteMasks::tied(DropoutMask::from_values(input_mask)))
            .with_recurrent(SiteMasks::tied(DropoutMask::from_values(mask)));
        let (output, _) = layer.forward(input, Some(state(&place)), &masks);
        let grads = output.clone().square().sum().backward();
        let mut results = values(output);
        results.extend(values(layer.cell.gates.recurrent.grad(&grads).unwrap()));
        results
    };
    let [engine, plain] = on_both_paths(run);
    assert!(relative_error(&engine, &plain) <= 1e-5);
}

#[test]
fn weights_that_need_no_gradient_get_none_and_change_no_other() {
    let run = |frozen: bool| {
        let place = place();
        let mut layer = lstm(&place);
        if frozen {
            let recurrent = layer.cell.gates.recurrent.clone();
            layer.cell.gates.recurrent = recurrent.set_require_grad(false);
        }
        let input = Numbers(6).tensor(DIMS, 1.0, &place);
        let (output, _) = layer.forward(input, Some(state(&place)), &LayerMasks::identity());
        let grads = output.square().sum().backward();
        let gates = &layer.cell.gates;
        assert_eq!(gates.recurrent.grad(&grads).is_none(), frozen);
        values(gates.input.grad(&grads).unwrap())
    };
    assert_eq!(run(true), run(false));
}

#[test]
fn a_learned_mask_takes_plain_operations_and_gets_its_gradient() {
    let place = place();
    let mask = Numbers(7).tensor([DIMS[1], D_HIDDEN], 2.0, &place).require_grad();
    let masks = LayerMasks::identity()
        .with_recurrent(SiteMasks::tied(DropoutMask::from_values(mask.clone())));
    let before = engine_sequences();
    let input = Numbers(6).tensor(DIMS, 1.0, &place);
    let (output, _) = lstm(&place).forward(input, Some(state(&place)), &masks);
    assert_eq!(engine_sequences(), before, "plain operations ran");
    let grads = output.square().sum().backward();
    assert!(values(mask.grad(&grads).unwrap()).iter().any(|&g| g != 0.0));
}

#[test]
fn a_mask_on_the_carried_cell_is_that_of_rnn_drop() {
    let place = place();
    let mut numbers = Numbers(8);
    let (steps, rows) = (DIMS[0], DIMS[1]);
    let width = 4 * D_HIDDEN;
    let projected = numbers.tensor([steps, rows, width], 1.0, &place).require_grad();
    let recurrent = numbers.tensor([D_HIDDEN, width], 0.5, &place).require_grad();
    let kept: Vec<f64> = (0..rows * D_HIDDEN).map(|k| f64::from(k % 3 != 0)).collect();
    let mask = place.tensor(kept, [rows, D_HIDDEN]);
    let LstmState { cell, hidden } = state(&place);

    let sequence = Sequence::new(Recurrence::Lstm, recurrent.clone(), hidden.clone())
        .with_cell(cell.clone())
        .with_cell_mask(mask.clone());
    let result = sequence.run(projected.clone());

    let (mut h, mut c, mut outputs) = (hidden, cell, Vec::new());
    for t in 0..steps {
        let x = projected.clone().slice_dim(0, t..t + 1).squeeze_dim::<2>(0);
        let gates = (x + h.matmul(recurrent.clone())).chunk(4, 1);
        let [i, f, g, o]: [Tensor<2>; 4] = gates.try_into().unwrap();
        c = (sigmoid(f) * c + sigmoid(i) * g.tanh()) * mask.clone();
        h = sigmoid(o) * c.clone().tanh();
        outputs.push(h.clone());
    }
    let expected: Tensor<3> = Tensor::stack(outputs, 0);
    let gradients = |loss: Tensor<1>| {
        let grads = loss.backward();
        let mut all = values(projected.grad(&grads).unwrap());
        all.extend(values(recurrent.grad(&grads).unwrap()));
        all
    };
    let found = gradients(result.outputs.clone().square().sum() + result.cell.unwrap().sum());
    let wanted = gradients(expected.clone().square().sum() + c.sum());
    assert!(relative_error(&values(result.outputs), &values(expected)) <= 1e-5);
    assert!(relative_error(&found, &wanted) <= 1e-5);
}

/// Input and recurrent weights that no core's own cache holds: products that all threads share.
fn wide_case(recurrence: Recurrence, masking: Masking) -> Case {
    let sizes = case(recurrence, [5, 3, 520]);
    Case { d_input: 530, input: masking, recurrent: masking, ..sizes }
}

#[test]
fn weights_beyond_the_cache_give_what_plain_operations_give() {
    for recurrence in RECURRENCES {
        for masking in [Masking::None, Masking::Tied, Masking::Untied] {
            check(&wide_case(recurrence, masking), 11, &place());
        }
    }
}

/// More rows than a weight gradient takes at a time: it writes the first of them, and adds the
/// others. Sizes for which LSTM and GRU share the products out, and RNN does not.
#[test]
fn weight_gradients_of_many_rows_give_what_plain_operations_give() {
    for recurrence in RECURRENCES {
        for masking in [Masking::None, Masking::Tied, Masking::Untied] {
            let sizes = case(recurrence, [40, 32, 304]);
            let case = Case { input: masking, recurrent: masking, ..sizes };
            check(&case, 12, &place());
        }
    }
}

#[test]
fn results_are_bit_equal_for_one_two_and_four_threads() {
    for recurrence in RECURRENCES {
        // Few rows of a small layer, a layer that is split by units, many rows, and wide inputs.
        let [few, units, many] =
            [[20, 4, 96], [5, 3, 520], [70, 3, 64]].map(|dims| case(recurrence, dims));
        for case in [few, units, many, wide_case(recurrence, Masking::Tied)] {
            let run = |threads: usize| {
                let pool = rayon::ThreadPoolBuilder::new().num_threads(threads).build().unwrap();
                pool.install(|| case.run(9, &place()))
            };
            let one = run(1);
            for threads in [2, 4] {
                assert!(run(threads) == one, "{case:?}, {threads} threads");
            }
        }
    }
}
