//! A cell whose recurrence the engine knows, with a mask that it does not.

use burn::module::Module;
use burn::tensor::{Device, Tensor};
use burn_variational::prelude::*;
use burn_variational::rnn::EngineCell;
use cross_backend_tests::{
    Cell, Operation, ReferenceMasks, assert_close, engine_runs, on_every_device, tolerance,
};

use super::tensor;
use crate::gradients::{self, Fill, InitialState, numbers};

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

on_every_device! {
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
}
