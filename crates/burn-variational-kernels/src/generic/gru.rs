//! The gated recurrent unit over a sequence, with the reset gate after or before the product.

use burn::backend::tensor::FloatTensor;
use burn::backend::{Backend, TensorMetadata};

use super::activations::tanh;
use super::steps::{
    Ended, arriving, carried, gate, join_walked, join_walked_back, one_minus, step,
    through_sigmoid, through_tanh,
};
use super::unit_masks::{OfStep, masked, through_zoneout, zoned_out};
use super::weights::{MaskedWeights, Rows};
use crate::operands::{
    Keep, SequenceConstants, SequenceGradients, SequenceNeeds, SequenceTrace, StepTrace,
};
use crate::steps::SequenceSteps;

pub(super) fn forward_reset_after<B: Backend>(
    projected: FloatTensor<B>,
    constants: &SequenceConstants<B>,
    steps: &SequenceSteps,
    keep: Keep,
) -> SequenceTrace<B> {
    let d_hidden = constants.hidden.shape()[1];
    let recurrent = MaskedWeights::<B>::recurrent(constants, 0..3, steps);
    let bias = constants.candidate_bias.clone().into_option();
    let bias = bias.map(|bias| B::float_reshape(bias, [1, d_hidden].into()));
    let mut walked = Walked::<B>::new(keep);
    for t in steps.walk() {
        let h = carried::<B>(walked.last(), &constants.hidden, steps.n_at(t));
        let entering = recurrent.mask(h.clone(), Rows::OfStep(t));
        let (x, product) = (step::<B>(&projected, steps, t), recurrent.product(entering));
        let [r, z] = resets_and_updates::<B>(&x, &product, d_hidden);
        let (x_n, mut q) = (gate::<B>(&x, 2, d_hidden), gate::<B>(&product, 2, d_hidden));
        if let Some(bias) = &bias {
            q = B::float_add(q, bias.clone());
        }
        let n = tanh::<B>(B::float_add(x_n, B::float_mul(r.clone(), q.clone())));
        let h = update::<B>(h, &z, &n, &constants.unit_masks.at(steps, t));
        walked.push(h, [r, z, n], q);
    }
    walked.finish(steps)
}

pub(super) fn backward_reset_after<B: Backend>(
    gradient: &FloatTensor<B>,
    trace: SequenceTrace<B>,
    constants: &SequenceConstants<B>,
    steps: &SequenceSteps,
    needs: SequenceNeeds,
) -> SequenceGradients<B> {
    let mut kept = trace.steps;
    let d_hidden = constants.hidden.shape()[1];
    let recurrent = MaskedWeights::<B>::recurrent(constants, 0..3, steps);

    let (mut of_projected, mut of_products, mut of_candidates) = (vec![], vec![], vec![]);
    let (mut kept_back, mut d_initial) = (None, Ended::<B>::new());
    for t in steps.walk().rev() {
        let StepTrace { gates, inner: q } = kept.pop().expect("all steps are kept");
        let [r, z, n] = of_gates(gates);
        let previous = previous::<B>(constants, &trace.packed, steps, t);
        let gradient = step::<B>(gradient, steps, t);
        let back = recurrent.handed_back(kept_back.take(), &of_products);
        d_initial.take(back.as_ref(), steps.n_at(t));
        let dh = arriving::<B>(gradient, back);
        let masks = constants.unit_masks.at(steps, t);
        let Updated { d_z, d_n, carried } = through_update::<B>(dh, &z, &n, previous, &masks);
        let d_q = B::float_mul(d_n.clone(), r.clone());
        let d_r = through_sigmoid::<B>(B::float_mul(d_n.clone(), q), &r);
        kept_back = Some(carried);
        of_products.push(B::float_cat(vec![d_r.clone(), d_z.clone(), d_q.clone()], 1));
        of_projected.push(B::float_cat(vec![d_r, d_z, d_n], 1));
        of_candidates.push(d_q);
    }
    let back = recurrent.handed_back(kept_back, &of_products);
    d_initial.take(back.as_ref(), 0);
    let d_recurrent = needs.recurrent.then(|| {
        let deltas = join_walked_back::<B>(of_products, steps);
        recurrent.recurrent_gradient(constants, &trace.packed, deltas)
    });
    let d_bias = constants.candidate_bias.clone().into_option().map(|_| {
        let sum = B::float_sum_dim(join_walked_back::<B>(of_candidates, steps), 0);
        B::float_reshape(sum, [d_hidden].into())
    });
    SequenceGradients {
        projected: join_walked_back::<B>(of_projected, steps),
        recurrent: d_recurrent,
        hidden: Some(d_initial.join()),
        cell: None,
        candidate_bias: d_bias,
    }
}

pub(super) fn forward_reset_before<B: Backend>(
    projected: FloatTensor<B>,
    constants: &SequenceConstants<B>,
    steps: &SequenceSteps,
    keep: Keep,
) -> SequenceTrace<B> {
    let d_hidden = constants.hidden.shape()[1];
    let (resets, candidate) = parts::<B>(constants, steps);
    let mut walked = Walked::<B>::new(keep);
    for t in steps.walk() {
        let h = carried::<B>(walked.last(), &constants.hidden, steps.n_at(t));
        let entering = resets.mask(h.clone(), Rows::OfStep(t));
        let (x, product) = (step::<B>(&projected, steps, t), resets.product(entering));
        let x_n = gate::<B>(&x, 2, d_hidden);
        let [r, z] = resets_and_updates::<B>(&x, &product, d_hidden);
        let passed = B::float_mul(r.clone(), candidate.mask(h.clone(), Rows::OfStep(t)));
        let product = candidate.product(passed.clone());
        let n = tanh::<B>(B::float_add(x_n, product));
        let h = update::<B>(h, &z, &n, &constants.unit_masks.at(steps, t));
        walked.push(h, [r, z, n], passed);
    }
    walked.finish(steps)
}

pub(super) fn backward_reset_before<B: Backend>(
    gradient: &FloatTensor<B>,
    trace: SequenceTrace<B>,
    constants: &SequenceConstants<B>,
    steps: &SequenceSteps,
    needs: SequenceNeeds,
) -> SequenceGradients<B> {
    let mut kept = trace.steps;
    let (resets, candidate) = parts::<B>(constants, steps);

    let (mut of_resets, mut of_candidates, mut passed) = (vec![], vec![], vec![]);
    let (mut kept_back, mut d_initial) = (None, Ended::<B>::new());
    for t in steps.walk().rev() {
        let StepTrace { gates, inner } = kept.pop().expect("all steps are kept");
        let [r, z, n] = of_gates(gates);
        let previous = previous::<B>(constants, &trace.packed, steps, t);
        let gradient = step::<B>(gradient, steps, t);
        let back = resets.handed_back(kept_back.take(), &of_resets);
        d_initial.take(back.as_ref(), steps.n_at(t));
        let dh = arriving::<B>(gradient, back);
        let masks = constants.unit_masks.at(steps, t);
        let Updated { d_z, d_n, carried } =
            through_update::<B>(dh, &z, &n, previous.clone(), &masks);
        // Through r ∘ (h ∘ z_n): the mask is in what the candidate's product gives back.
        let through_candidate = candidate.pull_back(d_n.clone(), Rows::OfStep(t));
        let d_r = B::float_mul(through_candidate.clone(), previous);
        let d_r = through_sigmoid::<B>(d_r, &r);
        kept_back = Some(B::float_add(carried, B::float_mul(through_candidate, r)));
        of_resets.push(B::float_cat(vec![d_r, d_z], 1));
        of_candidates.push(d_n);
        if needs.recurrent {
            passed.push(inner);
        }
    }
    let back = resets.handed_back(kept_back, &of_resets);
    d_initial.take(back.as_ref(), 0);
    let of_resets = join_walked_back::<B>(of_resets, steps);
    let of_candidates = join_walked_back::<B>(of_candidates, steps);
    let d_recurrent = needs.recurrent.then(|| {
        let d_resets = resets.recurrent_gradient(constants, &trace.packed, of_resets.clone());
        let passed = join_walked_back::<B>(passed, steps);
        let d_candidate = candidate.weight_gradient(passed, of_candidates.clone());
        B::float_cat(vec![d_resets, d_candidate], 1)
    });
    SequenceGradients {
        projected: B::float_cat(vec![of_resets, of_candidates], 1),
        recurrent: d_recurrent,
        hidden: Some(d_initial.join()),
        cell: None,
        candidate_bias: None,
    }
}

/// The reset and update gates, which read the state as it is, and the candidate.
fn parts<B: Backend>(
    constants: &SequenceConstants<B>,
    steps: &SequenceSteps,
) -> (MaskedWeights<B>, MaskedWeights<B>) {
    let recurrent = |gates| MaskedWeights::recurrent(constants, gates, steps);
    (recurrent(0..2), recurrent(2..3))
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
    steps: &SequenceSteps,
    t: usize,
) -> FloatTensor<B> {
    let before = steps.before(t, 0).map(|before| step::<B>(packed, steps, before));
    carried::<B>(before, &constants.hidden, steps.n_at(t))
}

/// `h_t`: with `g = z_g ∘ n`, `ĥ = g + z ∘ (h_{t-1} - g)`, zoned out.
fn update<B: Backend>(
    previous: FloatTensor<B>,
    z: &FloatTensor<B>,
    n: &FloatTensor<B>,
    masks: &OfStep<B>,
) -> FloatTensor<B> {
    let n = masked::<B>(n.clone(), masks.candidate.as_ref());
    let carried = B::float_mul(z.clone(), B::float_sub(previous.clone(), n.clone()));
    let new = B::float_add(n, carried);
    match &masks.hidden_zoneout {
        Some(share) => zoned_out::<B>(new, previous, share),
        None => new,
    }
}

/// What comes back through the update of a state.
struct Updated<B: Backend> {
    /// Of what enters the update gate.
    d_z: FloatTensor<B>,
    /// Of what enters the candidate.
    d_n: FloatTensor<B>,
    /// Of `h_{t-1}`, past the gates.
    carried: FloatTensor<B>,
}

/// From the gradient of `h_t` to those of what [`update`] read.
fn through_update<B: Backend>(
    dh: FloatTensor<B>,
    z: &FloatTensor<B>,
    n: &FloatTensor<B>,
    previous: FloatTensor<B>,
    masks: &OfStep<B>,
) -> Updated<B> {
    let candidate = masks.candidate.as_ref();
    let (dh, past) = through_zoneout::<B>(dh, masks.hidden_zoneout.as_ref());
    let from_z = B::float_sub(previous, masked::<B>(n.clone(), candidate));
    let d_z = B::float_mul(dh.clone(), from_z);
    let d_n = masked::<B>(B::float_mul(dh.clone(), one_minus::<B>(z.clone())), candidate);
    let kept = B::float_mul(dh, z.clone());
    Updated {
        d_z: through_sigmoid::<B>(d_z, z),
        d_n: through_tanh::<B>(d_n, n),
        carried: match past {
            Some(past) => B::float_add(kept, past),
            None => kept,
        },
    }
}

/// The reset gate, the update gate and the candidate of a step.
fn of_gates<T>(gates: Vec<T>) -> [T; 3] {
    let Ok(gates) = gates.try_into() else { unreachable!("a GRU keeps three gates") };
    gates
}

/// The steps of a forward pass as they come.
struct Walked<B: Backend> {
    keep: Keep,
    outputs: Vec<FloatTensor<B>>,
    kept: Vec<StepTrace<B>>,
}

impl<B: Backend> Walked<B> {
    fn new(keep: Keep) -> Self {
        Self { keep, outputs: Vec::new(), kept: Vec::new() }
    }

    fn push(&mut self, h: FloatTensor<B>, gates: [FloatTensor<B>; 3], inner: FloatTensor<B>) {
        self.outputs.push(h);
        if self.keep == Keep::Trace {
            self.kept.push(StepTrace { gates: gates.into(), inner });
        }
    }

    fn last(&self) -> Option<FloatTensor<B>> {
        self.outputs.last().cloned()
    }

    fn finish(self, steps: &SequenceSteps) -> SequenceTrace<B> {
        let packed = join_walked::<B>(self.outputs, steps);
        SequenceTrace { packed, gates: None, inner: None, steps: self.kept }
    }
}
