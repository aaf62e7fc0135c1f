//! What a layer may be handed now and then.

use burn::module::Param;
use burn::tensor::{Device, FloatDType, Tensor};
use burn_variational::dropout::DropoutMask;
use burn_variational::kernels::{Projection, Recurrence, Sequence};
use burn_variational::rnn::{
    GateWeights, LayerDropout, LayerMasks, LstmCell, LstmState, RecurrentLayer, SiteMasks,
};
use cross_backend_tests::{
    Operation, engine_runs, flex, on_every_device, relative_error, tolerance, without_engine,
};

use super::case::{Case, Masking, Numbers, Place, RECURRENCES, values};
use super::{autodiff, check};

const DIMS: [usize; 3] = [4, 3, 5];
const D_HIDDEN: usize = 6;

fn place() -> Place {
    on(&flex())
}

fn on(device: &Device) -> Place {
    autodiff(device, FloatDType::F32)
}

fn lstm(place: &Place) -> RecurrentLayer<LstmCell> {
    let mut numbers = Numbers(1);
    let width = 4 * D_HIDDEN;
    let gates = GateWeights {
        input: Param::from_tensor(numbers.tensor([DIMS[2], width], 0.5, place)),
        recurrent: Param::from_tensor(numbers.tensor([D_HIDDEN, width], 0.5, place)),
        bias: Some(Param::from_tensor(numbers.tensor([width], 0.5, place))),
    };
    RecurrentLayer::new(LstmCell::new(gates), LayerDropout::none()).with_batch_first(false)
}

fn state(place: &Place) -> LstmState<2> {
    let mut numbers = Numbers(2);
    let mut part = || numbers.tensor([DIMS[1], D_HIDDEN], 1.0, place);
    LstmState::new(part(), part())
}

/// The output of either path, the engine's first.
fn on_both_paths<R>(run: impl Fn() -> R) -> [R; 2] {
    let before = engine_runs(Operation::Sequence);
    let engine = run();
    assert_eq!(engine_runs(Operation::Sequence), before + 1, "the engine ran");
    [engine, without_engine(run)]
}

on_every_device! {
    fn one_unit_one_step_and_one_row_are_enough(device: &Device) {
        for recurrence in RECURRENCES {
            for dims in [[1, 1, 1], [1, 1, 70], [5, 1, 1], [1, 6, 1]] {
                check(&Case::of_size(recurrence, dims), 3, &on(device));
            }
        }
    }
}

/// Asserts that numbers are close, and that NaN is NaN in both. Where an infinite input makes a
/// gradient of a saturated gate `0 · ∞` on one path, it may be `1e-38 · ∞` on the other.
fn assert_alike(case: &Case, name: &str, got: &[f64], expected: &[f64]) {
    assert_eq!(got.len(), expected.len());
    let finite = expected.iter().filter(|x| x.is_finite());
    let scale = finite.fold(1.0_f64, |scale, x| scale.max(x.abs()));
    for (&got, &expected) in got.iter().zip(expected) {
        let close = (got - expected).abs() <= 1e-6 * scale;
        let none = if name.starts_with("d_") { |x: f64| !x.is_finite() } else { f64::is_nan };
        let alike = close || (none(got) && none(expected));
        assert!(alike, "{case:?}, {name}: {got}, {expected}");
    }
}

#[test]
fn nan_and_infinities_come_out_where_plain_operations_have_them() {
    for recurrence in RECURRENCES {
        for masking in [Masking::None, Masking::Tied] {
            for special in [f64::NAN, f64::INFINITY, f64::NEG_INFINITY, 1e-40, 1e30] {
                let case = Case {
                    input: masking,
                    recurrent: masking,
                    special: Some(special),
                    ..Case::of_size(recurrence, [3, 4, 6])
                };
                let [engine, plain] = on_both_paths(|| case.run(4, &place()));
                for ((name, got), (_, expected)) in engine.iter().zip(&plain) {
                    assert_alike(&case, name, got, expected);
                }
                let (_, outputs) = &engine[0];
                let none = outputs.iter().any(|x| x.is_nan());
                // A mask of zero makes NaN of an infinity.
                assert!(none == special.is_nan() || masking == Masking::Tied, "{case:?}");
                let other_rows = outputs.chunks(6).step_by(3).flatten();
                assert!(other_rows.into_iter().all(|x| x.is_finite()), "{case:?}: the first row");
            }
        }
    }
}

#[test]
fn denormals_are_not_flushed_to_zero() {
    let place = place();
    let denormal = f64::from(f32::from_bits(1000));
    let input = place.tensor(vec![denormal; 2 * 3], [2, 3, 1]);
    let ones = |dims: [usize; 2]| Tensor::<2>::ones(dims, &place.device);
    let projected = Projection::new(ones([1, 2])).run(input);
    // Near zero, tanh is the identity: h_2 = x_2 + h_1 of both units.
    let zeros = Tensor::zeros([3, 2], &place.device);
    let outputs = Sequence::new(Recurrence::Rnn, ones([2, 2]), zeros).run(projected).outputs;
    let expected = [vec![denormal; 6], vec![3.0 * denormal; 6]].concat();
    assert_eq!(values(outputs), expected);
}

on_every_device! {
    fn tensors_may_lie_in_memory_in_any_order(device: &Device) {
        let run = || {
            let place = on(device);
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
        assert!(relative_error(&engine, &plain) <= tolerance(device));
    }
}

on_every_device! {
    fn tensors_that_repeat_or_are_held_are_read_and_left_as_they_are(device: &Device) {
        let [steps, rows, units] = [4, 3, 5];
        for place in [Place { device: device.clone(), ..on(device) }, on(device)] {
            for recurrence in RECURRENCES {
                let mut numbers = Numbers(9);
                let width = recurrence.n_gates() * units;
                let recurrent = numbers.tensor([units, width], 0.5, &place);
                let input = numbers.tensor([1, rows, 2], 1.0, &place);
                let weights = numbers.tensor([2, width], 1.0, &place);
                let step = numbers.tensor([1, rows, width], 1.0, &place);
                let state = numbers.tensor([1, units], 1.0, &place);
                let run = |input: Tensor<3>, projected: Tensor<3>, state: Tensor<2>| {
                    let held = values(projected.clone());
                    let mut sequence = Sequence::new(recurrence, recurrent.clone(), state.clone());
                    if recurrence.has_cell() {
                        sequence = sequence.with_cell(state);
                    }
                    let outputs = sequence.run(projected.clone()).outputs;
                    assert_eq!(values(projected), held, "{recurrence:?}");
                    [values(Projection::new(weights.clone()).run(input)), values(outputs)]
                };
                let broadcast = run(
                    input.clone().expand([steps, rows, 2]),
                    step.clone().expand([steps, rows, width]),
                    state.clone().expand([rows, units]),
                );
                let copied = run(
                    input.repeat_dim(0, steps),
                    step.repeat_dim(0, steps),
                    state.repeat_dim(0, rows),
                );
                assert_eq!(broadcast, copied, "{recurrence:?}");
            }
        }
    }
}

/// The gradients of `W`, `b`, `U` and `b_hn` of a GRU of which one may need none.
fn gradients_with_one_frozen(frozen: Option<usize>, device: &Device) -> Vec<Option<Vec<f64>>> {
    let place = on(device);
    let mut numbers = Numbers(6);
    let [steps, rows, d_input] = DIMS;
    let width = 3 * D_HIDDEN;
    let dims = [[d_input, width], [1, width], [D_HIDDEN, width], [1, D_HIDDEN]];
    let parameters: Vec<Tensor<2>> = (0..dims.len())
        .map(|k| {
            let parameter = numbers.tensor(dims[k], 0.5, &place);
            parameter.set_require_grad(frozen != Some(k))
        })
        .collect();
    let [w, b, u, b_hn] = [0, 1, 2, 3].map(|k| parameters[k].clone());
    let input = numbers.tensor([steps, rows, d_input], 1.0, &place);
    let state = numbers.tensor([rows, D_HIDDEN], 1.0, &place);
    let projected = Projection::new(w).with_bias(b.squeeze_dim(0)).run(input);
    let gru = Sequence::new(Recurrence::Gru { reset_after: true }, u, state);
    let outputs = gru.with_candidate_bias(b_hn.squeeze_dim(0)).run(projected).outputs;
    let grads = outputs.square().sum().backward();
    parameters.iter().map(|parameter| parameter.grad(&grads).map(values)).collect()
}

on_every_device! {
    fn weights_that_need_no_gradient_get_none_and_change_no_other(device: &Device) {
        let all = gradients_with_one_frozen(None, device);
        assert!(all.iter().all(Option::is_some));
        for frozen in 0..all.len() {
            let mut expected = all.clone();
            expected[frozen] = None;
            assert_eq!(gradients_with_one_frozen(Some(frozen), device), expected, "parameter {frozen}");
        }
    }
}

#[test]
fn a_learned_mask_takes_plain_operations_and_gets_its_gradient() {
    let place = place();
    let mask = Numbers(7).tensor([DIMS[1], D_HIDDEN], 2.0, &place).require_grad();
    let masks = LayerMasks::identity()
        .with_recurrent(SiteMasks::tied(DropoutMask::from_values(mask.clone())));
    let before = engine_runs(Operation::Sequence);
    let input = Numbers(6).tensor(DIMS, 1.0, &place);
    let (output, _) = lstm(&place).forward(input, Some(state(&place)), &masks);
    assert_eq!(engine_runs(Operation::Sequence), before, "plain operations ran");
    let grads = output.square().sum().backward();
    assert!(values(mask.grad(&grads).unwrap()).iter().any(|&g| g != 0.0));
}
