//! Zoneout is that of Haste and of Krueger et al., by a derivation that shares no code with ours;
//! `golden/README.md` says how.

use cross_backend_tests::{
    Cell, GoldenTensor, Reference, ReferenceBatch, ReferenceMask, ReferenceOutput, ReferenceSites,
    read_golden, relative_error,
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
