use std::ops::ControlFlow;
use std::sync::{Arc, Mutex};

use super::*;
use burn_variational_dropout::LockedDropoutConfig;

/// Three batches of 5, 5 and 2 rows, each in passes of 8 rows at most, heard by `callback`.
fn heard(
    callback: impl Fn(Progress) -> ControlFlow<()> + Send + Sync + 'static,
) -> MonteCarloResult<Moments<3>> {
    let model = LockedDropoutConfig::new(4, 0.5).init();
    let mc = mc(3).with_max_bytes(8 * 16).with_progress(callback);
    let batches = [5, 5, 2].map(|n_rows| Tensor::<3>::ones([n_rows, 1, 4], &Device::flex()));
    mc.estimate_batches(&model, batches, Moments::new())
}

#[test]
fn progress_tells_what_is_done_of_each_batch() {
    let told = Arc::new(Mutex::new(Vec::new()));
    let hears = told.clone();
    let run = heard(move |progress| {
        hears.lock().unwrap().push(progress);
        ControlFlow::Continue(())
    });
    assert!(run.is_ok());
    let told = told.lock().unwrap();
    let done: Vec<_> = told.iter().map(|progress| (progress.batch, progress.n_done)).collect();
    // A pass holds one draw of five rows; the first one of a batch shows how large they are.
    let expected = [(0, 5), (0, 10), (0, 15), (1, 5), (1, 10), (1, 15), (2, 2), (2, 6)];
    assert_eq!(done, expected);
    assert!(told.iter().all(|progress| progress.n_draws == 3));
    assert_eq!(told.iter().map(|progress| progress.n_rows).max(), Some(5));
    assert_eq!(told[1].fraction(), 10.0 / 15.0);
    assert_eq!(told[7].fraction(), 1.0);
}

#[test]
fn a_run_is_cancelled_by_its_callback() {
    let told = Arc::new(Mutex::new(0));
    let hears = told.clone();
    let run = heard(move |progress| {
        *hears.lock().unwrap() += 1;
        if progress.batch == 1 { ControlFlow::Break(()) } else { ControlFlow::Continue(()) }
    });
    assert_eq!(run.unwrap_err(), MonteCarloError::Cancelled);
    assert_eq!(*told.lock().unwrap(), 4, "no pass follows the one that ended it");
}
