//! Cells and states of a user's own: sites that no cell of the library has, tensors of other
//! names, and engines that do not know all of them.

use burn::config::Config;
use burn::module::{Module, Param};
use burn::tensor::{Device, Tensor, TensorData};
use burn_variational::mc::MonteCarloError;
use burn_variational::prelude::*;
use burn_variational::rnn::EngineCell;
use cross_backend_tests::{
    Cell, Operation, ReferenceMasks, assert_close, engine_runs, flex, on_every_device, tolerance,
};

use super::gradients::{self, Fill, InitialState, numbers};

const BATCH_SIZE: usize = 3;
const SEQ_LENGTH: usize = 5;
const D_INPUT: usize = 2;
const D_HIDDEN: usize = 4;

fn values<const D: usize>(tensor: &Tensor<D>) -> Vec<f64> {
    tensor.to_data().iter::<f64>().collect()
}

fn tensor<const D: usize>(values: Vec<f64>, dims: [usize; D], device: &Device) -> Tensor<D> {
    Tensor::from_data(TensorData::new(values, dims).convert::<f32>(), device)
}

/// `[BATCH_SIZE, SEQ_LENGTH, D_INPUT]`.
fn input(device: &Device) -> Tensor<3> {
    let dims = [BATCH_SIZE, SEQ_LENGTH, D_INPUT];
    tensor(numbers(dims.iter().product(), 0.7), dims, device)
}

/// The factors of a site at a step, ones where there is no mask.
fn factors(masks: &LayerMasks, site: &Site, step: usize, n: usize) -> Vec<f64> {
    let masks = masks.get(site).at_step(step);
    let [mask] = masks.masks() else { panic!("one mask for all gates") };
    mask.values().map_or_else(|| vec![1.0; n], |values| self::values(&values))
}

fn leak() -> Site {
    Site::named("leak")
}

/// `h_t = ½ h_{t-1} ∘ z_l + ½ tanh((x_t ∘ z_x) W + (h_{t-1} ∘ z_h) U)`.
#[derive(Module, Debug)]
struct Leaky {
    w: Param<Tensor<2>>,
    u: Param<Tensor<2>>,
}

#[derive(Config, Debug)]
struct LeakyConfig {
    d_input: usize,
    d_hidden: usize,
}

impl CellConfig for LeakyConfig {
    type Cell = Leaky;

    fn d_hidden(&self) -> usize {
        self.d_hidden
    }

    fn with_d_input(mut self, d_input: usize) -> Self {
        self.d_input = d_input;
        self
    }

    fn init(&self, device: &Device) -> Leaky {
        let param = |rows: usize, salt| {
            let dims = [rows, self.d_hidden];
            Param::from_tensor(tensor(numbers(rows * self.d_hidden, salt), dims, device))
        };
        Leaky { w: param(self.d_input, 0.1), u: param(self.d_hidden, 0.2) }
    }
}

impl RecurrentCell for Leaky {
    type State = HiddenState;

    fn d_input(&self) -> usize {
        self.w.dims()[0]
    }

    fn d_hidden(&self) -> usize {
        self.u.dims()[0]
    }

    fn sites(&self) -> Vec<CellSite> {
        vec![
            CellSite::new(Site::Input, self.d_input()),
            CellSite::new(Site::Recurrent, self.d_hidden()),
            CellSite::new(leak(), self.d_hidden()),
        ]
    }

    fn initial_state(&self, batch_size: usize) -> HiddenState {
        HiddenState::new(Tensor::zeros([batch_size, self.d_hidden()], &self.u.device()))
    }

    fn project_input(&self, input: Tensor<3>, masks: &LayerMasks) -> Tensor<3> {
        masks.get(&Site::Input).apply_tied(&input).matmul(self.w.val().unsqueeze())
    }

    fn step(&self, projected: Tensor<2>, state: HiddenState, masks: &StepMasks) -> HiddenState {
        let dropped = masks.get(&Site::Recurrent).apply_tied(&state.hidden);
        let leaked = masks.get(&leak()).apply_tied(&state.hidden);
        let new = (projected + dropped.matmul(self.u.val())).tanh();
        HiddenState::new(leaked.mul_scalar(0.5) + new.mul_scalar(0.5))
    }

    fn output(state: &HiddenState) -> Tensor<2> {
        state.hidden.clone()
    }
}

/// `Σ_j v_j z_j m[j, unit]`.
fn product(v: &[f64], z: &[f64], m: &[f64], unit: usize) -> f64 {
    let width = m.len() / v.len();
    v.iter().zip(z).enumerate().map(|(j, (v, z))| v * z * m[j * width + unit]).sum()
}

/// A layer of the cell over `[rows, SEQ_LENGTH, units]` in plain `f64` loops.
fn leaky_loop(cell: &Leaky, x: &[f64], masks: &LayerMasks) -> Vec<f64> {
    let (w, u) = (values(&cell.w.val()), values(&cell.u.val()));
    let (d, n) = (cell.d_input(), cell.d_hidden());
    let rows = x.len() / (SEQ_LENGTH * d);
    let mut outputs = vec![0.0; rows * SEQ_LENGTH * n];
    let mut h = vec![0.0; rows * n];
    for t in 0..SEQ_LENGTH {
        let z_x = factors(masks, &Site::Input, t, rows * d);
        let z_h = factors(masks, &Site::Recurrent, t, rows * n);
        let z_l = factors(masks, &leak(), t, rows * n);
        let z_o = factors(masks, &Site::Output, t, rows * n);
        for row in 0..rows {
            let at = row * SEQ_LENGTH + t;
            let before = h[row * n..][..n].to_vec();
            for unit in 0..n {
                let entering = product(&x[at * d..][..d], &z_x[row * d..][..d], &w, unit)
                    + product(&before, &z_h[row * n..][..n], &u, unit);
                let k = row * n + unit;
                h[k] = 0.5 * before[unit] * z_l[k] + 0.5 * entering.tanh();
                outputs[at * n + unit] = h[k] * z_o[k];
            }
        }
    }
    outputs
}

/// A stack of the cell over `[rows, SEQ_LENGTH, D_INPUT]` in plain `f64` loops.
fn leaky_stack_loop(
    stack: &RecurrentStack<Leaky>,
    input: &Tensor<3>,
    masks: &StackMasks,
) -> Vec<f64> {
    stack
        .layers
        .iter()
        .enumerate()
        .fold(values(input), |x, (l, layer)| leaky_loop(&layer.cell, &x, masks.layer(l)))
}

/// Two layers with every site dropped, the leak's in one of the ways that masks live.
fn leaky_stack(leak_dropout: SiteDropout, device: &Device) -> RecurrentStack<Leaky> {
    let dropout = StackDropout::variational(0.25, 0.5).with(leak(), leak_dropout);
    StackConfig::from_cell(LeakyConfig::new(D_INPUT, D_HIDDEN))
        .with_n_layers(2)
        .with_dropout(dropout)
        .init(device)
}

/// Any cell, with a mask `z` of its own on the hidden state that is carried, `h_{t-1} ∘ z`, and
/// the engine of the cell, which knows nothing of it.
#[derive(Module, Debug)]
struct Carrying<C: RecurrentCell> {
    inner: C,
}

fn carry() -> Site {
    Site::named("carry")
}

impl<C: RecurrentCell> RecurrentCell for Carrying<C> {
    type State = C::State;

    fn d_input(&self) -> usize {
        self.inner.d_input()
    }

    fn d_hidden(&self) -> usize {
        self.inner.d_hidden()
    }

    fn sites(&self) -> Vec<CellSite> {
        let mut sites = self.inner.sites();
        sites.push(CellSite::new(carry(), self.d_hidden()));
        sites
    }

    fn initial_state(&self, batch_size: usize) -> C::State {
        self.inner.initial_state(batch_size)
    }

    fn project_input(&self, input: Tensor<3>, masks: &LayerMasks) -> Tensor<3> {
        self.inner.project_input(input, masks)
    }

    fn step(&self, projected: Tensor<2>, state: C::State, masks: &StepMasks) -> C::State {
        let carried = state.map(&mut |name, tensor| match name {
            "hidden" => masks.get(&carry()).apply_tied(&tensor),
            _ => tensor,
        });
        self.inner.step(projected, carried, masks)
    }

    fn output(state: &C::State) -> Tensor<2> {
        C::output(state)
    }

    fn engine_cell(&self) -> Option<EngineCell<C::State>> {
        self.inner.engine_cell()
    }
}

/// A cell whose recurrence the engine knows, with a mask that it does not: plain operations run,
/// and give what a step-by-step reference gives whose state is masked between its steps.
fn check_carrying<K: CellConfig>(config: &K, cell: Cell, device: &Device)
where
    <K::Cell as RecurrentCell>::State: InitialState,
{
    use gradients::{BATCH_SIZE, D_HIDDEN, D_INPUT, SEQ_LENGTH};

    let tolerance = tolerance(device);
    let device = &device.clone().autodiff();
    let reference = gradients::reference(cell);
    let mut parts = vec![reference.w.clone(), reference.u.clone(), reference.b.clone()];
    parts.extend(Some(reference.b_candidate.clone()).filter(|bias| !bias.is_empty()));
    let inner = config.init(device).map(&mut Fill(parts.into_iter()));
    let layer = RecurrentLayer::new(Carrying { inner }, LayerDropout::none().with(carry(), 0.5))
        .with_batch_first(false);

    let units = BATCH_SIZE * D_HIDDEN;
    let kept: Vec<f64> = (0..units).map(|k| if k % 3 == 0 { 0.0 } else { 1.5 }).collect();
    let x = numbers(SEQ_LENGTH * BATCH_SIZE * D_INPUT, 0.7);
    let (h0, c0) = (numbers(units, 0.5), numbers(units, 0.8));
    for z in [kept, vec![1.0; units]] {
        let is_masked = z[0] == 0.0;
        let site_masks = if is_masked {
            let mask = tensor(z.clone(), [BATCH_SIZE, D_HIDDEN], device);
            SiteMasks::tied(DropoutMask::from_values(mask))
        } else {
            // Named, and yet the identity: the engine takes it.
            SiteMasks::identity()
        };
        let masks = LayerMasks::identity().with(carry(), site_masks);
        let state = |values: &[f64]| tensor(values.to_vec(), [BATCH_SIZE, D_HIDDEN], device);
        let state = <K::Cell as RecurrentCell>::State::from_parts(state(&h0), state(&c0));
        let input = tensor(x.clone(), [SEQ_LENGTH, BATCH_SIZE, D_INPUT], device);
        let before = engine_runs(Operation::Sequence);
        let (output, last) = layer.forward(input, Some(state), &masks);
        let runs = engine_runs(Operation::Sequence) - before;
        assert_eq!(runs, usize::from(!is_masked), "{cell:?}: the engine's runs");

        let ones = |units: usize| vec![vec![1.0; BATCH_SIZE * units]];
        let none = ReferenceMasks { z_x: ones(D_INPUT), z_h: ones(D_HIDDEN) };
        let (mut h, mut c, mut expected) = (h0.clone(), c0.clone(), Vec::new());
        for x_t in x.chunks(BATCH_SIZE * D_INPUT) {
            h.iter_mut().zip(&z).for_each(|(h, z)| *h *= z);
            let step = reference.run(x_t, BATCH_SIZE, (&h, &c), &none);
            (h, c) = (step.h, step.c);
            expected.extend_from_slice(&h);
        }
        let what = format!("{cell:?}, masked {is_masked}");
        assert_close(&output, &expected, tolerance, &what);
        let _ = last.map(&mut |name, tensor| {
            let expected = if name == "hidden" { &h } else { &c };
            assert_close(&tensor, expected, tolerance, format!("{what}: {name}"));
            tensor
        });
    }
}

/// A running mean of what a step makes: `s_t = s_{t-1} + tanh((x_t) W + (y_{t-1} ∘ z_h) U)`,
/// `n_t = n_{t-1} + 1`, `y_t = s_t / n_t`.
#[derive(Module, Debug)]
struct Averaging {
    weights: Leaky,
}

/// A state whose tensors are none that the library's cells have.
#[derive(Debug, Clone)]
struct Average {
    /// `s_t`, `[batch_size, d_hidden]`.
    sum: Tensor<2>,
    /// `n_t`, `[batch_size, 1]`.
    count: Tensor<2>,
    /// `y_t`, `[batch_size, d_hidden]`.
    mean: Tensor<2>,
}

impl RecurrentState for Average {
    fn map(self, f: &mut dyn FnMut(&'static str, Tensor<2>) -> Tensor<2>) -> Self {
        Self { sum: f("sum", self.sum), count: f("count", self.count), mean: f("mean", self.mean) }
    }
}

impl RecurrentCell for Averaging {
    type State = Average;

    fn d_input(&self) -> usize {
        self.weights.d_input()
    }

    fn d_hidden(&self) -> usize {
        self.weights.d_hidden()
    }

    fn sites(&self) -> Vec<CellSite> {
        vec![CellSite::new(Site::Recurrent, self.d_hidden())]
    }

    fn initial_state(&self, batch_size: usize) -> Average {
        let device = self.weights.u.device();
        let zeros = |units| Tensor::zeros([batch_size, units], &device);
        Average { sum: zeros(self.d_hidden()), count: zeros(1), mean: zeros(self.d_hidden()) }
    }

    fn project_input(&self, input: Tensor<3>, _masks: &LayerMasks) -> Tensor<3> {
        input.matmul(self.weights.w.val().unsqueeze())
    }

    fn step(&self, projected: Tensor<2>, state: Average, masks: &StepMasks) -> Average {
        let dropped = masks.get(&Site::Recurrent).apply_tied(&state.mean);
        let sum = state.sum + (projected + dropped.matmul(self.weights.u.val())).tanh();
        let count = state.count.add_scalar(1.0);
        Average { mean: sum.clone() / count.clone(), sum, count }
    }

    fn output(state: &Average) -> Tensor<2> {
        state.mean.clone()
    }
}

fn averaging(device: &Device) -> RecurrentLayer<Averaging> {
    let weights = LeakyConfig::new(D_INPUT, D_HIDDEN).init(device);
    RecurrentLayer::new(Averaging { weights }, LayerDropout::none().with_recurrent(0.5))
}

on_every_device! {
    fn a_layer_over_a_cell_with_a_site_of_its_own_is_its_equation(device: &Device) {
        let mask = |salt: usize, dims: [usize; 3]| {
            let kept = |k: usize| if (k * 7 + salt).is_multiple_of(3) { 0.0 } else { 1.5 };
            let kept = (0..dims.iter().product()).map(kept).collect();
            DropoutMask::from_values(tensor(kept, dims, device))
        };
        let tied = |salt, units| SiteMasks::tied(mask(salt, [1, BATCH_SIZE, units]).at_step(0));
        let each_step = mask(2, [SEQ_LENGTH, BATCH_SIZE, D_HIDDEN]);
        let each_step = SiteMasks::PerStep(GateMasks::Tied(each_step));
        let cell = LeakyConfig::new(D_INPUT, D_HIDDEN).init(device);
        let layer = RecurrentLayer::new(cell, LayerDropout::none());
        for leaked in [SiteMasks::identity(), tied(1, D_HIDDEN), each_step] {
            let masks = LayerMasks::identity()
                .with_input(tied(0, D_INPUT))
                .with_recurrent(tied(2, D_HIDDEN))
                .with_output(tied(0, D_HIDDEN))
                .with(leak(), leaked);
            let input = input(device);
            let expected = leaky_loop(&layer.cell, &values(&input), &masks);
            let output = layer.forward(input, None, &masks).0;
            assert_close(&output, &expected, tolerance(device), format!("{masks:?}"));
        }
    }

    fn a_stack_draws_the_sites_of_a_cell_of_a_users_own(device: &Device) {
        for dropout in [SiteDropout::new(0.4), SiteDropout::new(0.4).per_step()] {
            let stack = leaky_stack(dropout, device);
            let input = input(device);
            let masks = stack.masks_for(&input, MaskRng::seeded(1).draw(0).part("stack"));
            for l in 0..2 {
                let drawn = factors(masks.layer(l), &leak(), 0, 0);
                assert_eq!(drawn.len(), BATCH_SIZE * D_HIDDEN);
                assert!(drawn.contains(&0.0) && drawn.iter().any(|&z| z > 1.0), "{drawn:?}");
            }
            let expected = leaky_stack_loop(&stack, &input, &masks);
            let output = stack.run(input, &masks);
            assert_close(&output, &expected, tolerance(device), format!("{dropout:?}"));
        }
    }

    fn monte_carlo_draws_the_sites_of_a_cell_of_a_users_own(device: &Device) {
        // All else kept, so that the draws differ by the leak alone.
        let mut stack = leaky_stack(SiteDropout::new(0.4), device);
        stack = stack.with_dropout(StackDropout::none().with(leak(), 0.4));
        let (input, mc) = (input(device), MonteCarlo::new(5, MaskRng::seeded(1)));
        let draws = mc.samples(&stack, &input).unwrap();
        assert!(draws.is_random());
        let expected = mc.accumulate(BATCH_SIZE, Samples::new(), |pass| {
            let folded = pass.fold(&input);
            let masks = stack.masks_for(&folded, pass.draw().part("model"));
            let dims = [pass.batch_size(), SEQ_LENGTH, D_HIDDEN];
            let outputs = leaky_stack_loop(&stack, &folded, &masks);
            Ok::<_, MonteCarloError>(tensor(outputs, dims, device))
        });
        let expected = expected.unwrap();
        assert_eq!((draws.len(), expected.len()), (5, 5));
        assert_ne!(values(&expected[0]), values(&expected[1]));
        for (draw, expected) in draws.iter().zip(expected.iter()) {
            assert_close(draw, &values(expected), tolerance(device), "a draw");
        }
    }

    fn the_engine_leaves_a_mask_that_it_does_not_know_to_plain_operations(device: &Device) {
        let sizes = (gradients::D_INPUT, gradients::D_HIDDEN);
        let gru = || burn_variational::rnn::GruCellConfig::new(sizes.0, sizes.1, true);
        let lstm = burn_variational::rnn::LstmCellConfig::new(sizes.0, sizes.1, true);
        check_carrying(&lstm, Cell::Lstm, device);
        check_carrying(&gru(), Cell::GruResetAfter, device);
        check_carrying(&gru().with_reset_after(false), Cell::GruResetBefore, device);
        let rnn = burn_variational::rnn::RnnCellConfig::new(sizes.0, sizes.1, true);
        check_carrying(&rnn, Cell::Rnn, device);
    }

    fn a_state_may_have_any_tensors_of_any_names(device: &Device) {
        let layer = averaging(device);
        let input = input(device);
        let masks = layer.masks_for(&input, MaskRng::seeded(1).draw(0).part("layer"));

        let (w, u) = (values(&layer.cell.weights.w.val()), values(&layer.cell.weights.u.val()));
        let (x, z) = (values(&input), factors(&masks, &Site::Recurrent, 0, 0));
        assert!(z.contains(&0.0) && z.contains(&2.0), "{z:?}");
        let (mut sums, mut means) = (vec![0.0; z.len()], vec![0.0; z.len()]);
        let mut expected = vec![0.0; z.len() * SEQ_LENGTH];
        for t in 0..SEQ_LENGTH {
            let before = means.clone();
            for k in 0..z.len() {
                let (row, unit) = (k / D_HIDDEN, k % D_HIDDEN);
                let at = row * SEQ_LENGTH + t;
                let of_row = |all: &[f64]| all[row * D_HIDDEN..][..D_HIDDEN].to_vec();
                let entering = product(&x[at * D_INPUT..][..D_INPUT], &[1.0; D_INPUT], &w, unit)
                    + product(&of_row(&before), &of_row(&z), &u, unit);
                sums[k] += entering.tanh();
                means[k] = sums[k] / (t as f64 + 1.0);
                expected[at * D_HIDDEN + unit] = means[k];
            }
        }
        let tolerance = tolerance(device);
        let (whole, last) = layer.forward(input.clone(), None, &masks);
        assert_close(&whole, &expected, tolerance, "the whole sequence");
        assert_close(&last.sum, &sums, tolerance, "sum");
        assert_close(&last.count, &[SEQ_LENGTH as f64; BATCH_SIZE], tolerance, "count");

        // Carried from window to window, cut off and copied, it is the same state.
        let (start, state) = layer.forward(input.clone().slice_dim(1, 0..2), None, &masks);
        let state = state.detach().to_device(device);
        let twice = state.clone().repeat_draws(2);
        assert_eq!(twice.count.dims(), [2 * BATCH_SIZE, 1]);
        assert_eq!(values(&twice.sum.slice_dim(0, BATCH_SIZE..2 * BATCH_SIZE)), values(&state.sum));
        let (end, _) = layer.forward(input.slice_dim(1, 2..SEQ_LENGTH), Some(state), &masks);
        assert_close(&Tensor::cat(vec![start, end], 1), &expected, tolerance, "two windows");
    }
}

#[test]
#[should_panic(expected = "RecurrentLayer: state count must have dims [3, 1], got [3, 2]")]
fn a_tensor_of_a_users_state_is_refused_by_its_name() {
    let layer = averaging(&flex());
    let mut state = layer.cell.initial_state(BATCH_SIZE);
    state.count = Tensor::zeros([BATCH_SIZE, 2], &flex());
    let _ = layer.forward(input(&flex()), Some(state), &LayerMasks::identity());
}
