//! Outputs, final states and gradients are those that PyTorch and Keras give.

use burn::module::Param;
use burn::nn::LstmState;
use burn::tensor::{Device, Tensor};
use burn_variational::dropout::DropoutMask;
use burn_variational::rnn::{
    GateWeights, GruCell, HiddenState, LayerDropout, LayerMasks, Lengths, LstmCell, MergeMode,
    RecurrentCell, RecurrentLayer, RecurrentStack, RnnCell, SiteMasks, StackMasks, StackState,
};
use cross_backend_tests::{
    CPU_TOLERANCE, Golden, GoldenCase, GoldenLayer, GoldenTensor, assert_close,
    assert_elements_close, on_every_path,
};

/// What of a golden test depends on the cell.
pub(super) trait GoldenCell: RecurrentCell {
    fn of(layer: &GoldenLayer, device: &Device) -> Self;
    fn gates(&self) -> &GateWeights;
    /// `b_hn`, if the cell has it.
    fn candidate_bias(&self) -> Option<&Param<Tensor<1>>> {
        None
    }
    fn state(hidden: Tensor<2>, cell: Option<Tensor<2>>) -> Self::State;
    fn cell(state: &Self::State) -> Option<Tensor<2>>;
}

/// The two biases, if there are two, added up, except for the last `apart` values of the second.
fn gates(layer: &GoldenLayer, apart: usize, device: &Device) -> GateWeights {
    let matrix = |tensor: &GoldenTensor| Param::from_tensor(tensor.on::<2>(device).transpose());
    let mut bias = layer.bias_ih.clone();
    if let Some(second) = &layer.bias_hh {
        let together = bias.values.len() - apart;
        for (sum, term) in bias.values.iter_mut().zip(&second.values[..together]) {
            *sum += term;
        }
    }
    GateWeights {
        input: matrix(&layer.weight_ih),
        recurrent: matrix(&layer.weight_hh),
        bias: Some(Param::from_tensor(bias.on(device))),
    }
}

impl GoldenCell for LstmCell {
    fn of(layer: &GoldenLayer, device: &Device) -> Self {
        Self::new(gates(layer, 0, device))
    }
    fn gates(&self) -> &GateWeights {
        &self.gates
    }
    fn state(hidden: Tensor<2>, cell: Option<Tensor<2>>) -> LstmState<2> {
        LstmState::new(cell.unwrap(), hidden)
    }
    fn cell(state: &LstmState<2>) -> Option<Tensor<2>> {
        Some(state.cell.clone())
    }
}

impl GoldenCell for RnnCell {
    fn of(layer: &GoldenLayer, device: &Device) -> Self {
        Self::new(gates(layer, 0, device))
    }
    fn gates(&self) -> &GateWeights {
        &self.gates
    }
    fn state(hidden: Tensor<2>, _cell: Option<Tensor<2>>) -> HiddenState {
        HiddenState::new(hidden)
    }
    fn cell(_state: &HiddenState) -> Option<Tensor<2>> {
        None
    }
}

fn gru(layer: &GoldenLayer, reset_after: bool, device: &Device) -> GruCell {
    let d_hidden = layer.h0.shape[1];
    if !reset_after {
        return GruCell::new(gates(layer, 0, device), None, reset_after);
    }
    let second = layer.bias_hh.as_ref().expect("a GRU that resets after has two biases");
    let candidate = second.values[2 * d_hidden..].to_vec();
    let candidate = GoldenTensor { shape: vec![d_hidden], values: candidate };
    let candidate_bias = Some(Param::from_tensor(candidate.on(device)));
    GruCell::new(gates(layer, d_hidden, device), candidate_bias, reset_after)
}

impl GoldenCell for GruCell {
    fn of(layer: &GoldenLayer, device: &Device) -> Self {
        gru(layer, true, device)
    }
    fn gates(&self) -> &GateWeights {
        &self.gates
    }
    fn candidate_bias(&self) -> Option<&Param<Tensor<1>>> {
        self.candidate_bias.as_ref()
    }
    fn state(hidden: Tensor<2>, _cell: Option<Tensor<2>>) -> HiddenState {
        HiddenState::new(hidden)
    }
    fn cell(_state: &HiddenState) -> Option<Tensor<2>> {
        None
    }
}

fn site_masks(masks: &[GoldenTensor], n_gates: usize, device: &Device) -> SiteMasks {
    let mut masks: Vec<_> =
        masks.iter().map(|mask| DropoutMask::from_values(mask.on(device))).collect();
    match masks.len() {
        0 => SiteMasks::identity(),
        1 => SiteMasks::tied(masks.remove(0)),
        n => {
            assert_eq!(n, n_gates);
            SiteMasks::untied(masks)
        }
    }
}

/// Five significant digits of f32 on every backend, and each element for itself.
pub(super) fn assert_golden<const D: usize>(got: &Tensor<D>, expected: &[f64], what: String) {
    assert_close(got, expected, CPU_TOLERANCE, &what);
    assert_elements_close(got, expected, what);
}

fn check_cell<C: GoldenCell>(
    file: &str,
    cases: &[&str],
    make: impl Fn(&GoldenLayer, &Device) -> C,
    device: &Device,
) {
    let golden = Golden::load(file);
    let names: Vec<_> = golden.cases.iter().map(|case| case.name.as_str()).collect();
    assert_eq!(names, cases);
    for case in &golden.cases {
        check_case(case, &make, &device.clone().autodiff(), &format!("{file}, {}", case.name));
    }
}

fn check_case<C: GoldenCell>(
    case: &GoldenCase,
    make: impl Fn(&GoldenLayer, &Device) -> C,
    device: &Device,
    what: &str,
) {
    let layers = case.layers.iter();
    let layers = layers.map(|l| RecurrentLayer::new(make(l, device), LayerDropout::none()));
    let stack = stack_of(layers.collect(), case.lengths.is_some()).with_batch_first(false);
    let masks = case.layers.iter().map(|layer| {
        let n_gates = stack.layers[0].cell.gates().n_gates();
        LayerMasks::identity()
            .with_input(site_masks(&layer.input_masks, n_gates, device))
            .with_recurrent(site_masks(&layer.recurrent_masks, n_gates, device))
    });
    let tracked = |tensor: &GoldenTensor| tensor.on::<2>(device).require_grad();
    let initial: Vec<_> =
        case.layers.iter().map(|l| (tracked(&l.h0), l.c0.as_ref().map(tracked))).collect();
    let states = initial.iter().map(|(h, c)| C::state(h.clone(), c.clone()));
    let (masks, state) = if stack.is_bidirectional() {
        (StackMasks::both(in_pairs(masks)), StackState::both(in_pairs(states)))
    } else {
        (StackMasks::new(masks.collect()), StackState::new(states.collect()))
    };
    let input = case.input.on::<3>(device).require_grad();
    let lengths = case.lengths.clone().map(|l| Lengths::new(l, input.dims()[0]).unwrap());

    let (output, state) = stack.forward((input.clone(), lengths), Some(state), &masks);

    let close = |got: &Tensor<2>, expected: &GoldenTensor, name: &str| {
        assert_golden(got, &expected.values, format!("{what}: {name}"));
    };
    assert_golden(&output, &case.expected.outputs.values, format!("{what}: outputs"));
    let mut loss = (output * case.output_weights.on(device)).sum();
    for (l, (layer, expected)) in case.layers.iter().zip(&case.expected.layers).enumerate() {
        let state = if stack.is_bidirectional() {
            [Some(state.layer(l / 2)), state.backward_layer(l / 2)][l % 2].unwrap()
        } else {
            state.layer(l)
        };
        let hidden = C::output(state);
        close(&hidden, &expected.h_final, &format!("layer {l} h"));
        loss = loss + (hidden * layer.h_final_weights.on(device)).sum();
        if let (Some(cell), Some(expected)) = (C::cell(state), &expected.c_final) {
            close(&cell, expected, &format!("layer {l} c"));
            loss = loss + (cell * layer.c_final_weights.as_ref().unwrap().on(device)).sum();
        }
    }
    assert_golden(&loss, &[case.expected.loss], format!("{what}: loss"));

    let grads = loss.backward();
    let grad = input.grad(&grads).unwrap();
    let expected = &case.expected.grad_input.values;
    assert_golden(&grad, expected, format!("{what}: grad input"));
    let layers = in_turns(&stack);
    for (l, (ours, expected)) in layers.iter().zip(&case.expected.layers).enumerate() {
        let name = |name: &str| format!("{what}: layer {l} grad {name}");
        let gates = ours.cell.gates();
        let grad = gates.input.grad(&grads).unwrap();
        assert_golden(&grad, &expected.grad_weight_ih.transposed(), name("W"));
        let grad = gates.recurrent.grad(&grads).unwrap();
        assert_golden(&grad, &expected.grad_weight_hh.transposed(), name("U"));
        let grad = gates.bias.as_ref().unwrap().grad(&grads).unwrap();
        assert_golden(&grad, &expected.grad_bias_ih.values, name("b"));
        if let Some(bias) = ours.cell.candidate_bias() {
            let [d_hidden] = bias.dims();
            let values = &expected.grad_bias_hh.as_ref().unwrap().values[2 * d_hidden..];
            let grad = bias.grad(&grads).unwrap();
            assert_golden(&grad, values, name("b_hn"));
        }
        let (h0, c0) = &initial[l];
        close(&h0.grad(&grads).unwrap(), &expected.grad_h0, &format!("layer {l} grad h0"));
        if let (Some(c0), Some(expected)) = (c0, &expected.grad_c0) {
            close(&c0.grad(&grads).unwrap(), expected, &format!("layer {l} grad c0"));
        }
    }
}

/// A stack of layers that read forward, or forward and backward in turns.
fn stack_of<C: RecurrentCell>(layers: Vec<RecurrentLayer<C>>, both: bool) -> RecurrentStack<C> {
    if !both {
        return RecurrentStack::new(layers);
    }
    let (forward, backward) = in_pairs(layers.into_iter()).into_iter().unzip();
    RecurrentStack::both(forward, backward, MergeMode::Concat)
}

fn in_pairs<T>(mut items: impl Iterator<Item = T>) -> Vec<(T, T)> {
    std::iter::from_fn(|| Some((items.next()?, items.next()?))).collect()
}

/// The layers of a stack, forward and backward in turns if it reads both ways.
fn in_turns<C: RecurrentCell>(stack: &RecurrentStack<C>) -> Vec<&RecurrentLayer<C>> {
    if !stack.is_bidirectional() {
        return stack.layers.iter().collect();
    }
    let pairs = stack.layers.iter().zip(&stack.backward_layers);
    pairs.flat_map(|(forward, backward)| [forward, backward]).collect()
}

const DEPTHS: [&str; 3] = ["depth 1", "depth 2", "depth 3"];
/// Where Keras was asked to drop.
const DRAWN: [&str; 3] = ["input", "recurrent", "both"];

on_every_path! {
    fn bidirectional_stacks_over_packed_sequences_are_those_of_pytorch(device: &Device) {
        check_cell("packed/lstm", &DEPTHS, LstmCell::of, device);
        check_cell("packed/gru", &DEPTHS, GruCell::of, device);
        check_cell("packed/rnn", &DEPTHS, RnnCell::of, device);
    }

    fn lstm_is_that_of_pytorch(device: &Device) {
        check_cell("pytorch/lstm", &["identity", "tied"], LstmCell::of, device);
    }

    fn lstm_with_a_mask_for_each_gate_is_that_of_keras(device: &Device) {
        check_cell("keras/lstm", &["untied"], LstmCell::of, device);
    }

    fn gru_with_reset_after_is_that_of_pytorch(device: &Device) {
        check_cell("pytorch/gru", &["identity"], GruCell::of, device);
    }

    fn gru_with_reset_after_and_masks_is_that_of_keras(device: &Device) {
        check_cell("keras/gru", &["tied", "untied"], GruCell::of, device);
    }

    fn gru_with_reset_before_is_that_of_keras(device: &Device) {
        let make = |layer: &GoldenLayer, device: &Device| gru(layer, false, device);
        check_cell("keras/gru_reset_before", &["identity", "tied", "untied"], make, device);
    }

    fn masks_that_keras_drew_do_what_they_do_there(device: &Device) {
        check_cell("keras/drawn_lstm", &DRAWN, LstmCell::of, device);
        check_cell("keras/drawn_gru", &DRAWN, GruCell::of, device);
        let before = |layer: &GoldenLayer, device: &Device| gru(layer, false, device);
        check_cell("keras/drawn_gru_reset_before", &DRAWN, before, device);
        check_cell("keras/drawn_rnn", &DRAWN, RnnCell::of, device);
    }

    fn rnn_is_that_of_pytorch(device: &Device) {
        check_cell("pytorch/rnn", &["identity", "tied"], RnnCell::of, device);
    }
}
