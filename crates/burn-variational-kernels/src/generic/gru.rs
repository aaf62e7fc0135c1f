//! The gated recurrent unit over a sequence, with the reset gate after or before the product.

use burn::backend::tensor::FloatTensor;
use burn::backend::{Backend, TensorMetadata};

use super::steps::{
    arriving, gate, one_minus, stack, stack_reversed, step, through_sigmoid, through_tanh,
};
use super::weights::{MaskedWeights, rows};
use crate::operands::{Keep, SequenceConstants, SequenceGradients, SequenceTrace, StepTrace};

pub(super) fn forward_reset_after<B: Backend>(
    projected: FloatTensor<B>,
    constants: &SequenceConstants<B>,
    keep: Keep,
) -> SequenceTrace<B> {
    let d_hidden = constants.hidden.shape()[1];
    let recurrent = MaskedWeights::<B>::recurrent(constants, 0..3);
    let bias = constants.candidate_bias.clone().into_option();
    let bias = bias.map(|bias| B::float_reshape(bias, [1, d_hidden].into()));
    let mut steps = Steps::<B>::new(keep);
    let mut h = constants.hidden.clone();
    let mut entering = recurrent.mask(h.clone());
    for t in 0..projected.shape()[0] {
        let (x, product) = (step::<B>(&projected, t), recurrent.product(entering));
        let [r, z] = resets_and_updates::<B>(&x, &product, d_hidden);
        let (x_n, mut q) = (gate::<B>(&x, 2, d_hidden), gate::<B>(&product, 2, d_hidden));
        if let Some(bias) = &bias {
            q = B::float_add(q, bias.clone());
        }
        let n = B::float_tanh(B::float_add(x_n, B::float_mul(r.clone(), q.clone())));
        h = update::<B>(h, &z, &n);
        entering = recurrent.mask(h.clone());
        steps.push(h.clone(), [r, z, n], q);
    }
    steps.finish()
}

pub(super) fn backward_reset_after<B: Backend>(
    gradient: &FloatTensor<B>,
    trace: SequenceTrace<B>,
    constants: &SequenceConstants<B>,
    needs_recurrent: bool,
) -> SequenceGradients<B> {
    let mut steps = trace.steps;
    let d_hidden = constants.hidden.shape()[1];
    let recurrent = MaskedWeights::<B>::recurrent(constants, 0..3);

    let (mut of_projected, mut of_products, mut of_candidates) = (vec![], vec![], vec![]);
    let mut carried: Option<FloatTensor<B>> = None;
    while let Some(StepTrace { gates, inner: q }) = steps.pop() {
        let ([r, z, n], t) = (of_gates(gates), steps.len());
        let previous = previous::<B>(constants, &trace.packed, t);
        let dh =
            arriving::<B>(gradient, t, || handed_back(carried.take(), &recurrent, &of_products));
        let (d_z, d_n) = through_update::<B>(dh.clone(), &z, &n, previous);
        let d_q = B::float_mul(d_n.clone(), r.clone());
        let d_r = through_sigmoid::<B>(B::float_mul(d_n.clone(), q), &r);
        carried = Some(B::float_mul(dh, z));
        of_products.push(B::float_cat(vec![d_r.clone(), d_z.clone(), d_q.clone()], 1));
        of_projected.push(B::float_cat(vec![d_r, d_z, d_n], 1));
        of_candidates.push(d_q);
    }
    let d_h = handed_back(carried, &recurrent, &of_products);
    let d_recurrent = needs_recurrent.then(|| {
        let deltas = stack_reversed::<B>(of_products);
        recurrent.recurrent_gradient(constants, &trace.packed, deltas)
    });
    let d_bias = constants.candidate_bias.clone().into_option().map(|_| {
        let sum = B::float_sum_dim(rows::<B>(stack_reversed::<B>(of_candidates)), 0);
        B::float_reshape(sum, [d_hidden].into())
    });
    SequenceGradients {
        projected: stack_reversed::<B>(of_projected),
        recurrent: d_recurrent,
        hidden: d_h,
        cell: None,
        candidate_bias: d_bias,
    }
}

pub(super) fn forward_reset_before<B: Backend>(
    projected: FloatTensor<B>,
    constants: &SequenceConstants<B>,
    keep: Keep,
) -> SequenceTrace<B> {
    let d_hidden = constants.hidden.shape()[1];
    let (resets, candidate) = parts::<B>(constants);
    let mut steps = Steps::<B>::new(keep);
    let mut h = constants.hidden.clone();
    let mut entering = resets.mask(h.clone());
    for t in 0..projected.shape()[0] {
        let (x, product) = (step::<B>(&projected, t), resets.product(entering));
        let x_n = gate::<B>(&x, 2, d_hidden);
        let [r, z] = resets_and_updates::<B>(&x, &product, d_hidden);
        let passed = B::float_mul(r.clone(), candidate.mask(h.clone()));
        let product = candidate.product(passed.clone());
        let n = B::float_tanh(B::float_add(x_n, product));
        h = update::<B>(h, &z, &n);
        entering = resets.mask(h.clone());
        steps.push(h.clone(), [r, z, n], passed);
    }
    steps.finish()
}

pub(super) fn backward_reset_before<B: Backend>(
    gradient: &FloatTensor<B>,
    trace: SequenceTrace<B>,
    constants: &SequenceConstants<B>,
    needs_recurrent: bool,
) -> SequenceGradients<B> {
    let mut steps = trace.steps;
    let (resets, candidate) = parts::<B>(constants);

    let (mut of_resets, mut of_candidates, mut passed) = (vec![], vec![], vec![]);
    let mut carried: Option<FloatTensor<B>> = None;
    while let Some(StepTrace { gates, inner }) = steps.pop() {
        let ([r, z, n], t) = (of_gates(gates), steps.len());
        let previous = previous::<B>(constants, &trace.packed, t);
        let dh = arriving::<B>(gradient, t, || handed_back(carried.take(), &resets, &of_resets));
        let (d_z, d_n) = through_update::<B>(dh.clone(), &z, &n, previous.clone());
        // Through r ∘ (h ∘ z_n): the mask is in what the candidate's product gives back.
        let through_candidate = candidate.pull_back(d_n.clone());
        let d_r = B::float_mul(through_candidate.clone(), previous);
        let d_r = through_sigmoid::<B>(d_r, &r);
        carried = Some(B::float_add(B::float_mul(dh, z), B::float_mul(through_candidate, r)));
        of_resets.push(B::float_cat(vec![d_r, d_z], 1));
        of_candidates.push(d_n);
        if needs_recurrent {
            passed.push(inner);
        }
    }
    let d_h = handed_back(carried, &resets, &of_resets);
    let of_resets = stack_reversed::<B>(of_resets);
    let of_candidates = stack_reversed::<B>(of_candidates);
    let d_recurrent = needs_recurrent.then(|| {
        let d_resets = resets.recurrent_gradient(constants, &trace.packed, of_resets.clone());
        let passed = rows::<B>(stack_reversed::<B>(passed));
        let d_candidate = candidate.weight_gradient(passed, rows::<B>(of_candidates.clone()));
        B::float_cat(vec![d_resets, d_candidate], 1)
    });
    SequenceGradients {
        projected: B::float_cat(vec![of_resets, of_candidates], 2),
        recurrent: d_recurrent,
        hidden: d_h,
        cell: None,
        candidate_bias: None,
    }
}

/// The reset and update gates, which read the state as it is, and the candidate.
fn parts<B: Backend>(constants: &SequenceConstants<B>) -> (MaskedWeights<B>, MaskedWeights<B>) {
    (MaskedWeights::recurrent(constants, 0..2), MaskedWeights::recurrent(constants, 2..3))
}

/// `r` and `z` from the projected input and the product of one step.
fn resets_and_updates<B: Backend>(
    x: &FloatTensor<B>,
    product: &FloatTensor<B>,
    d_hidden: usize,
) -> [FloatTensor<B>; 2] {
    [0, 1].map(|k| {
        let (x, product) = (gate::<B>(x, k, d_hidden), gate::<B>(product, k, d_hidden));
        B::sigmoid(B::float_add(x, product))
    })
}

/// `h_{t-1}`.
fn previous<B: Backend>(
    constants: &SequenceConstants<B>,
    packed: &FloatTensor<B>,
    t: usize,
) -> FloatTensor<B> {
    if t == 0 { constants.hidden.clone() } else { step::<B>(packed, t - 1) }
}

/// `h_t = n + z ∘ (h_{t-1} - n)`.
fn update<B: Backend>(
    previous: FloatTensor<B>,
    z: &FloatTensor<B>,
    n: &FloatTensor<B>,
) -> FloatTensor<B> {
    let carried = B::float_mul(z.clone(), B::float_sub(previous, n.clone()));
    B::float_add(n.clone(), carried)
}

/// From the gradient of `h_t` to those of what enters `z` and `n`.
fn through_update<B: Backend>(
    dh: FloatTensor<B>,
    z: &FloatTensor<B>,
    n: &FloatTensor<B>,
    previous: FloatTensor<B>,
) -> (FloatTensor<B>, FloatTensor<B>) {
    let d_z = B::float_mul(dh.clone(), B::float_sub(previous, n.clone()));
    let d_n = B::float_mul(dh, one_minus::<B>(z.clone()));
    (through_sigmoid::<B>(d_z, z), through_tanh::<B>(d_n, n))
}

/// What a step hands back to the one before it, if there was any yet: through its update, and
/// through the products of the gates whose gradients come last.
fn handed_back<B: Backend>(
    carried: Option<FloatTensor<B>>,
    weights: &MaskedWeights<B>,
    deltas: &[FloatTensor<B>],
) -> Option<FloatTensor<B>> {
    Some(B::float_add(carried?, weights.pull_back(deltas.last()?.clone())))
}

/// The reset gate, the update gate and the candidate of a step.
fn of_gates<T>(gates: Vec<T>) -> [T; 3] {
    let Ok(gates) = gates.try_into() else { unreachable!("a GRU keeps three gates") };
    gates
}

/// The steps of a forward pass as they come.
struct Steps<B: Backend> {
    keep: Keep,
    outputs: Vec<FloatTensor<B>>,
    kept: Vec<StepTrace<B>>,
}

impl<B: Backend> Steps<B> {
    fn new(keep: Keep) -> Self {
        Self { keep, outputs: Vec::new(), kept: Vec::new() }
    }

    fn push(&mut self, h: FloatTensor<B>, gates: [FloatTensor<B>; 3], inner: FloatTensor<B>) {
        self.outputs.push(h);
        if self.keep == Keep::Trace {
            self.kept.push(StepTrace { gates: gates.into(), inner });
        }
    }

    fn finish(self) -> SequenceTrace<B> {
        SequenceTrace {
            packed: stack::<B>(self.outputs),
            gates: None,
            inner: None,
            steps: self.kept,
        }
    }
}
