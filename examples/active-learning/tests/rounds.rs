//! Rounds of labelling repeat, and are comparable.

use active_learning::{Experiment, Strategy};
use burn::tensor::Device;
use burn_variational::mc::acquisition::Acquisition;

fn experiment() -> Experiment {
    Experiment { n_pool: 60, n_first: 10, n_per_round: 5, n_rounds: 2, n_steps: 5, n_draws: 4 }
}

#[test]
fn strategies_of_one_seed_begin_alike_and_repeat() {
    let device = Device::flex();
    let run = |strategy, seed| experiment().run(strategy, seed, &device).unwrap();
    let bald = Strategy::TopK(Acquisition::MutualInformation);
    let random = run(Strategy::Random, 1);
    let sizes: Vec<usize> = random.points.iter().map(|point| point.0).collect();
    assert_eq!((sizes, random.labelled.len()), (vec![10, 15, 20], 20));
    let first = run(bald, 1);
    assert_eq!(first, run(bald, 1));
    assert_eq!(
        (&first.points[0], &first.labelled[..10]),
        (&random.points[0], &random.labelled[..10])
    );
    assert_ne!(first.labelled, random.labelled);
    assert_ne!(run(bald, 2).labelled, first.labelled);
}

#[test]
fn a_pool_that_is_too_small_is_an_error() {
    let experiment = Experiment { n_pool: 18, ..experiment() };
    let error = experiment.run(Strategy::Random, 1, &Device::flex()).unwrap_err();
    assert_eq!(error.to_string(), "the pool has 3 unlabelled rows left, 5 were asked for");
}
