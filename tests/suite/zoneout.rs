//! Zoneout is that of Haste and of Krueger et al., by a derivation that shares no code with ours;
//! `golden/README.md` says how.

use burn::module::Param;
use burn::nn::LstmState;
use burn::tensor::{Device, Tensor};
use burn_variational::prelude::*;
use burn_variational::rnn::{GateWeights, GruCell, LstmCell};
use cross_backend_tests::{
    CPU_TOLERANCE, Cell, GoldenTensor, Reference, ReferenceBatch, ReferenceMask, ReferenceOutput,
    ReferenceSites, assert_close, on_every_path, read_golden, relative_error,
};
use serde::Deserialize;

/// Of two derivations in `f64`: the nine digits of the file.
const TOLERANCE: f64 = 1e-8;

#[derive(Deserialize)]
struct File {
    cases: Vec<Case>,
}

#[derive(Deserialize)]
struct Case {
    name: String,
    hidden_prob: f64,
    cell_prob: f64,
    input: GoldenTensor,
    weight_ih: GoldenTensor,
    weight_hh: GoldenTensor,
    bias_ih: GoldenTensor,
    bias_hh: GoldenTensor,
    h0: GoldenTensor,
    c0: Option<GoldenTensor>,
    hidden_masks: GoldenTensor,
    cell_masks: Option<GoldenTensor>,
    expected: Expected,
}

#[derive(Deserialize)]
struct Expected {
    training: Outcome,
    evaluation: Outcome,
}

#[derive(Deserialize)]
struct Outcome {
    outputs: GoldenTensor,
    h_final: GoldenTensor,
    c_final: Option<GoldenTensor>,
}

impl Case {
    fn reference(&self) -> Reference {
        let (cell, apart) = match self.c0 {
            Some(_) => (Cell::Lstm, 0),
            None => (Cell::GruResetAfter, self.h0.shape[1]),
        };
        let (mut b, second) = (self.bias_ih.values.clone(), &self.bias_hh.values);
        let together = b.len() - apart;
        b.iter_mut().zip(&second[..together]).for_each(|(sum, term)| *sum += term);
        Reference {
            cell,
            d_input: self.input.shape[2],
            d_hidden: self.h0.shape[1],
            w: self.weight_ih.transposed(),
            u: self.weight_hh.transposed(),
            b,
            b_candidate: second[together..].to_vec(),
        }
    }

    /// The weights as our cells have them, and the candidate's second bias of a GRU.
    fn gates(&self, device: &Device) -> (GateWeights, Param<Tensor<1>>) {
        let Reference { b, b_candidate, .. } = self.reference();
        let vector = |values: Vec<f64>| {
            let tensor = GoldenTensor { shape: vec![values.len()], values };
            Param::from_tensor(tensor.on::<1>(device))
        };
        let matrix = |tensor: &GoldenTensor| Param::from_tensor(tensor.on::<2>(device).transpose());
        let gates = GateWeights {
            input: matrix(&self.weight_ih),
            recurrent: matrix(&self.weight_hh),
            bias: Some(vector(b)),
        };
        (gates, vector(b_candidate))
    }

    /// The masks of the file.
    fn drawn(&self, device: &Device) -> LayerMasks {
        let every_step = |masks: &GoldenTensor| {
            SiteMasks::PerStep(GateMasks::Tied(DropoutMask::from_values(masks.on(device))))
        };
        let hidden = every_step(&self.hidden_masks);
        let masks = LayerMasks::identity().with(Site::ZoneoutHidden, hidden);
        match &self.cell_masks {
            Some(cell) => masks.with(Site::ZoneoutCell, every_step(cell)),
            None => masks,
        }
    }

    /// Checks our layer under the masks of the file, and under those that are expected.
    fn check<C: RecurrentCell>(
        &self,
        cell: C,
        state: &C::State,
        finals: impl Fn(&C::State) -> Vec<Tensor<2>>,
        device: &Device,
    ) {
        let dropout = match self.cell_masks {
            Some(_) => StackDropout::zoneout(self.cell_prob, self.hidden_prob),
            None => StackDropout::none().with_zoneout_hidden(self.hidden_prob),
        };
        let layer = RecurrentLayer::new(cell, dropout.layer(0, 1)).with_batch_first(false);
        let input = self.input.on::<3>(device);
        let [seq_length, batch_size, _] = input.dims();
        let extent = SequenceExtent::new(batch_size, seq_length, device);
        let expected = layer.sample_masks(&extent, MaskDraw::expected());
        for (masks, outcome, when) in [
            (self.drawn(device), &self.expected.training, "training"),
            (expected, &self.expected.evaluation, "evaluation"),
        ] {
            let (output, last) = layer.forward(input.clone(), Some(state.clone()), &masks);
            let what = format!("{}, {when}", self.name);
            assert_close(&output, &outcome.outputs.values, CPU_TOLERANCE, &what);
            let states = [Some(&outcome.h_final), outcome.c_final.as_ref()];
            for (got, expected) in finals(&last).iter().zip(states) {
                assert_close(got, &expected.unwrap().values, CPU_TOLERANCE, &what);
            }
        }
    }

    fn run(&self, sites: &ReferenceSites) -> ReferenceOutput {
        let batch = ReferenceBatch {
            x: &self.input.values,
            batch_size: self.h0.shape[0],
            lengths: None,
            backward: false,
            h0: &self.h0.values,
            c0: &self.c0.as_ref().unwrap_or(&self.h0).values,
        };
        self.reference().run_batch(&batch, sites)
    }
}

/// `[seq_length, batch_size, units]` as a mask of every step.
fn per_step(masks: &GoldenTensor) -> ReferenceMask {
    let [_, rows, units] = masks.shape[..] else { panic!("a mask of every step") };
    let steps = masks.values.chunks(rows * units).map(|step| vec![step.to_vec()]);
    ReferenceMask::per_step(steps.collect())
}

fn check_outcome(got: &ReferenceOutput, expected: &Outcome, what: &str) {
    let mut pairs =
        vec![(&got.outputs, &expected.outputs, "outputs"), (&got.h, &expected.h_final, "h")];
    pairs.extend(expected.c_final.as_ref().map(|c| (&got.c, c, "c")));
    for (got, expected, name) in pairs {
        let error = relative_error(got, &expected.values);
        assert!(error <= TOLERANCE, "{what}: {name}: {error:.1e}");
    }
}

#[test]
fn the_reference_zones_out_as_haste_and_as_krueger_and_others() {
    for case in
        ["zoneout/lstm", "zoneout/gru"].into_iter().flat_map(|f| read_golden::<File>(f).cases)
    {
        let drawn = ReferenceSites {
            zoneout_hidden: per_step(&case.hidden_masks),
            zoneout_cell: case.cell_masks.as_ref().map(per_step).unwrap_or_default(),
            ..Default::default()
        };
        check_outcome(&case.run(&drawn), &case.expected.training, &case.name);
        let mean = |prob: f64| {
            let units = case.h0.values.len();
            ReferenceMask::per_sequence(vec![vec![1.0 - prob; units]])
        };
        let expected = ReferenceSites {
            zoneout_hidden: mean(case.hidden_prob),
            zoneout_cell: mean(case.cell_prob),
            ..Default::default()
        };
        check_outcome(&case.run(&expected), &case.expected.evaluation, &case.name);
    }
}

on_every_path! {
    fn zoneout_of_an_lstm_is_that_of_haste_and_of_krueger_and_others(device: &Device) {
        for case in read_golden::<File>("zoneout/lstm").cases {
            let cell = LstmCell::new(case.gates(device).0);
            let c0 = case.c0.as_ref().unwrap().on(device);
            let state = LstmState::new(c0, case.h0.on(device));
            let finals = |last: &LstmState<2>| vec![last.hidden.clone(), last.cell.clone()];
            case.check(cell, &state, finals, device);
        }
    }

    fn zoneout_of_a_gru_is_that_of_haste(device: &Device) {
        for case in read_golden::<File>("zoneout/gru").cases {
            let (gates, candidate_bias) = case.gates(device);
            let cell = GruCell::new(gates, Some(candidate_bias), true);
            let state = HiddenState::new(case.h0.on(device));
            case.check(cell, &state, |last| vec![last.hidden.clone()], device);
        }
    }
}
