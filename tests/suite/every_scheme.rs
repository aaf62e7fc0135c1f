//! Every scheme of dropout with every cell, in both directions, over sequences of any lengths:
//! outputs and gradients are those of a reference in plain `f64`.

use std::sync::OnceLock;

use burn::module::Module;
use burn::optim::GradientsParams;
use burn::tensor::{Device, Tensor, TensorData};
use burn_variational::dropout::WeightDropout;
use burn_variational::prelude::*;
use burn_variational::rnn::{GruCellConfig, LstmCellConfig, RnnCellConfig};
use cross_backend_tests::{
    Cell, Operation, Reference, ReferenceBatch, ReferenceMask, ReferenceSites, engine_runs, flex,
    is_cpu, is_ruled_out, on_every_path, relative_error,
};

use super::gradients::{Collect, Fill, InitialState, numbers, reference};
use super::gradients::{D_HIDDEN, D_INPUT, difference};

/// Relative error of `f32` against `f64` and its central differences, on every backend.
const TOLERANCE: f64 = 1e-4;

const SEQ_LENGTH: usize = 4;
const LENGTHS: [usize; 3] = [3, 4, 1];
const BATCH_SIZE: usize = LENGTHS.len();
const UNITS: usize = BATCH_SIZE * D_HIDDEN;

/// What a layer drops, by name: every scheme of the vocabulary, tied and untied, and all sites at
/// once. A cell that does not read a site has no such scheme.
fn schemes(cell: Cell) -> Vec<(&'static str, LayerDropout)> {
    let none = LayerDropout::none;
    let (half, step) = (SiteDropout::new(0.5), SiteDropout::new(0.4).per_step());
    let weights = WeightDropout::new(0.4);
    let both = |site: SiteDropout| none().with_input(site).with_recurrent(site);
    let mut schemes = vec![
        ("none", none()),
        ("naive", none().with_input(step).with_output(step)),
        ("variational", both(half).with_output(half)),
        ("variational untied", both(half.untied()).with_output(half)),
        ("unscaled untied", both(half.untied().unscaled())),
        ("shared over the batch", both(half.shared_over_batch())),
        ("Gaussian", both(half.gaussian())),
        ("per step", both(step)),
        ("per step untied", both(step.untied())),
        ("zoneout of the hidden state", none().with_zoneout_hidden(0.4)),
        ("recurrent weights", none().with_recurrent_weights(weights)),
        ("rows of the input weights", none().with_input_weights(weights.input_rows())),
        ("units of the recurrent weights", none().with_recurrent_weights(weights.output_rows())),
    ];
    let mut all = both(half.untied()).with_zoneout_hidden(0.4).with_input_weights(weights);
    if cell != Cell::Rnn {
        schemes.push(("candidate", none().with_candidate(half)));
        schemes.push(("candidate per step", both(half).with_candidate(step)));
        all = all.with_candidate(step);
    }
    if cell == Cell::Lstm {
        schemes.push(("cell", none().with_cell(0.5)));
        schemes.push(("zoneout of the cell", none().with_zoneout_cell(0.4)));
        let zoneout = none().with_zoneout_cell(0.4).with_zoneout_hidden(0.3);
        schemes.push(("zoneout", zoneout));
        schemes.push(("cell and candidate", both(half).with_cell(0.4).with_candidate(half)));
        all = all.with_cell(0.3).with_zoneout_cell(0.4);
    }
    schemes.push(("all at once", all));
    schemes
}

/// A scheme of a cell, read one way, with drawn masks or with expected ones.
#[derive(Debug, Clone)]
struct Case {
    cell: Cell,
    scheme: usize,
    direction: Direction,
    is_expected: bool,
}

fn cases(cell: Cell) -> Vec<Case> {
    let mut cases = Vec::new();
    for scheme in 0..schemes(cell).len() {
        for direction in [Direction::Forward, Direction::Backward] {
            for is_expected in [false, true] {
                cases.push(Case { cell, scheme, direction, is_expected });
            }
        }
    }
    cases
}

impl Case {
    fn dropout(&self) -> LayerDropout {
        schemes(self.cell)[self.scheme].1.clone()
    }

    fn layer<K: CellConfig>(&self, config: &K, device: &Device) -> RecurrentLayer<K::Cell> {
        let parts = parts(&reference(self.cell));
        let cell = config.init(device).map(&mut Fill(parts.into_iter()));
        RecurrentLayer::new(cell, self.dropout())
            .with_direction(self.direction)
            .with_batch_first(false)
    }

    fn masks<C: RecurrentCell>(&self, layer: &RecurrentLayer<C>, device: &Device) -> LayerMasks {
        let draw = if self.is_expected {
            MaskDraw::expected()
        } else {
            MaskRng::seeded(7).draw(self.scheme as u64).part("layer")
        };
        layer.sample_masks(&SequenceExtent::new(BATCH_SIZE, SEQ_LENGTH, device), draw)
    }
}

/// The parameters of a reference in the order in which a cell declares them.
fn parts(reference: &Reference) -> Vec<Vec<f64>> {
    let Reference { w, u, b, b_candidate, .. } = reference.clone();
    [w, u, b, b_candidate].into_iter().filter(|part| !part.is_empty()).collect()
}

fn with_parts(reference: &Reference, mut parts: Vec<Vec<f64>>) -> Reference {
    let b_candidate = if parts.len() == 4 { parts.remove(3) } else { Vec::new() };
    let [w, u, b] = parts.try_into().expect("three parts");
    Reference { w, u, b, b_candidate, ..reference.clone() }
}

/// What the reference makes of a case: outputs, and the gradient of each parameter.
struct Expected {
    outputs: Vec<f64>,
    gradients: Vec<Vec<f64>>,
}

/// The masks of a layer as the reference reads them: every site at every step, and the factors of
/// `W` and `U`.
struct Factors {
    sites: ReferenceSites,
    output: ReferenceMask,
    weights: [Option<Vec<f64>>; 2],
}

impl Factors {
    fn of(masks: &LayerMasks, reference: &Reference) -> Self {
        let site = |site: Site| {
            if masks.get(&site).is_identity() {
                return ReferenceMask::default();
            }
            let gates = |step| {
                let masks = masks.get(&site).at_step(step);
                let values = masks.masks().iter().map(|mask| mask.values().expect("factors"));
                values.map(|values| values.into_data().iter::<f64>().collect()).collect()
            };
            ReferenceMask::per_step((0..SEQ_LENGTH).map(gates).collect())
        };
        let width = reference.cell.n_gates() * D_HIDDEN;
        let weight = |path: &str, d_in: usize| {
            let mask = masks.weights().get(path)?.values::<2>();
            let ones = Tensor::<2>::ones([d_in, width], &mask.device());
            Some((ones * mask).into_data().iter::<f64>().collect())
        };
        Self {
            sites: ReferenceSites {
                input: site(Site::Input),
                recurrent: site(Site::Recurrent),
                candidate: site(Site::Candidate),
                cell: site(Site::Cell),
                hidden: site(Site::Hidden),
                zoneout_hidden: site(Site::ZoneoutHidden),
                zoneout_cell: site(Site::ZoneoutCell),
            },
            output: site(Site::Output),
            weights: [weight("gates.input", D_INPUT), weight("gates.recurrent", D_HIDDEN)],
        }
    }
}

/// The outputs of a reference whose weights are clean, and `Σ outputs · weights + Σ h_T + Σ c_T`.
fn run(clean: &Reference, case: &Case, factors: &Factors) -> (Vec<f64>, f64) {
    let mut masked = clean.clone();
    for (weights, mask) in [&mut masked.w, &mut masked.u].into_iter().zip(&factors.weights) {
        for (weight, factor) in weights.iter_mut().zip(mask.iter().flatten()) {
            *weight *= factor;
        }
    }
    let batch = ReferenceBatch {
        x: &numbers(SEQ_LENGTH * BATCH_SIZE * D_INPUT, 0.7),
        batch_size: BATCH_SIZE,
        lengths: Some(&LENGTHS),
        backward: case.direction == Direction::Backward,
        h0: &numbers(UNITS, 0.5),
        c0: &numbers(UNITS, 0.8),
    };
    let mut made = masked.run_batch(&batch, &factors.sites);
    for (k, output) in made.outputs.iter_mut().enumerate() {
        *output *= factors.output.factor(k / UNITS, 0, k % UNITS);
    }
    let weights = numbers(made.outputs.len(), 0.6);
    let loss =
        made.outputs.iter().zip(&weights).map(|(output, weight)| output * weight).sum::<f64>()
            + made.h.iter().sum::<f64>()
            + made.c.iter().sum::<f64>();
    (made.outputs, loss)
}

fn expected(case: &Case, masks: &LayerMasks) -> Expected {
    let clean = reference(case.cell);
    let factors = Factors::of(masks, &clean);
    let parts = parts(&clean);
    let gradient = |part: usize| {
        let values = parts[part].iter().enumerate();
        let gradient = values.map(|(k, &value)| {
            let at = |value: f64| {
                let mut changed = parts.clone();
                changed[part][k] = value;
                run(&with_parts(&clean, changed), case, &factors).1
            };
            difference(at, value)
        });
        gradient.collect()
    };
    Expected {
        outputs: run(&clean, case, &factors).0,
        gradients: (0..parts.len()).map(gradient).collect(),
    }
}

fn check<K: CellConfig>(config: &K, case: &Case, expected: &Expected, device: &Device)
where
    <K::Cell as RecurrentCell>::State: InitialState,
{
    let layer = case.layer(config, device);
    let masks = case.masks(&layer, device);
    let tensor = |values: Vec<f64>, dims: [usize; 3]| {
        Tensor::<3>::from_data(TensorData::new(values, dims).convert::<f32>(), device)
    };
    let state = |salt| tensor(numbers(UNITS, salt), [1, BATCH_SIZE, D_HIDDEN]).squeeze_dim(0);
    let state = <K::Cell as RecurrentCell>::State::from_parts(state(0.5), state(0.8));
    let dims = |width| [SEQ_LENGTH, BATCH_SIZE, width];
    let input = tensor(numbers(SEQ_LENGTH * BATCH_SIZE * D_INPUT, 0.7), dims(D_INPUT));
    let lengths = Lengths::new(LENGTHS.into(), SEQ_LENGTH).unwrap();
    let what = format!("{case:?}, {}", schemes(case.cell)[case.scheme].0);
    let before = engine_runs(Operation::Sequence);
    let (output, state) = layer.forward((input, &lengths), Some(state), &masks);
    let n_runs = engine_runs(Operation::Sequence) - before;
    assert_eq!(n_runs, usize::from(!is_ruled_out()), "{what}: runs of the engine");

    let values: Vec<f64> = output.to_data().iter::<f64>().collect();
    let error = relative_error(&values, &expected.outputs);
    assert!(error <= TOLERANCE, "{what}, outputs: {error:.1e}");

    let weights = tensor(numbers(SEQ_LENGTH * UNITS, 0.6), dims(D_HIDDEN));
    let loss = (output * weights).sum() + state.sum();
    let grads = GradientsParams::from_grads(loss.backward(), &layer);
    let mut collected = Collect(&grads, Vec::new());
    layer.visit(&mut collected);
    assert_eq!(collected.1.len(), expected.gradients.len(), "{what}");
    for (k, (got, expected)) in collected.1.iter().zip(&expected.gradients).enumerate() {
        let error = relative_error(got, expected);
        assert!(error <= TOLERANCE, "{what}, gradient of parameter {k}: {error:.1e}");
    }
}

/// Whether a backend takes all cases: a GPU compiles kernels for each, and takes some of them
/// unless `EVERY_SCHEME` is set (`.ci/every-scheme`).
fn takes_all(device: &Device) -> bool {
    is_cpu(device) || std::env::var_os("EVERY_SCHEME").is_some()
}

/// Fifteen of the cases of a cell: in a seeded order those first in which a scheme meets a direction
/// or a kind of draw that it has not met, and then others.
fn some(cases: Vec<(usize, Case)>) -> Vec<(usize, Case)> {
    const N: usize = 15;
    let words = MaskRng::seeded(60).draw(0).rows(1, 0, false).next().expect("one row");
    let mut shuffled: Vec<_> = cases.into_iter().zip(words.words()).collect();
    shuffled.sort_by_key(|(_, word)| *word);
    let (mut met, mut first, mut others) = (Vec::new(), Vec::new(), Vec::new());
    for ((k, case), _) in shuffled {
        let is_backward = case.direction == Direction::Backward;
        let pairs = [("backward", is_backward), ("expected", case.is_expected)]
            .map(|(factor, value)| (case.scheme, factor, value));
        if pairs.iter().all(|pair| !met.contains(pair)) {
            met.extend(pairs);
            first.push((k, case));
        } else {
            others.push((k, case));
        }
    }
    first.into_iter().chain(others).take(N).collect()
}

/// The reference's results of all cases of a cell, computed once for all backends: masks of one seed
/// are the same on each.
fn all_expected<K: CellConfig>(config: &K, cell: Cell) -> &'static [Expected] {
    static OF_CELLS: [OnceLock<Vec<Expected>>; 4] = [const { OnceLock::new() }; 4];
    let of_cell = Cell::ALL.iter().position(|&other| other == cell).expect("one of all cells");
    OF_CELLS[of_cell].get_or_init(|| {
        let device = &flex().autodiff();
        let of_case =
            |case: Case| expected(&case, &case.masks(&case.layer(config, device), device));
        cases(cell).into_iter().map(of_case).collect()
    })
}

fn check_all<K: CellConfig>(config: &K, cell: Cell, device: &Device)
where
    <K::Cell as RecurrentCell>::State: InitialState,
{
    let expected = all_expected(config, cell);
    let all: Vec<_> = cases(cell).into_iter().enumerate().collect();
    let chosen = if takes_all(device) { all } else { some(all) };
    for (k, case) in &chosen {
        check(config, case, &expected[*k], &device.clone().autodiff());
    }
}

on_every_path! {
    fn every_scheme_of_an_lstm_is_that_of_the_reference(device: &Device) {
        check_all(&LstmCellConfig::new(D_INPUT, D_HIDDEN, true), Cell::Lstm, device);
    }

    fn every_scheme_of_a_gru_that_resets_after_is_that_of_the_reference(device: &Device) {
        check_all(&GruCellConfig::new(D_INPUT, D_HIDDEN, true), Cell::GruResetAfter, device);
    }

    fn every_scheme_of_a_gru_that_resets_before_is_that_of_the_reference(device: &Device) {
        let config = GruCellConfig::new(D_INPUT, D_HIDDEN, true).with_reset_after(false);
        check_all(&config, Cell::GruResetBefore, device);
    }

    fn every_scheme_of_a_simple_rnn_is_that_of_the_reference(device: &Device) {
        check_all(&RnnCellConfig::new(D_INPUT, D_HIDDEN, true), Cell::Rnn, device);
    }
}
