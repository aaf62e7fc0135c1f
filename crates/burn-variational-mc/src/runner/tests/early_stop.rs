use super::*;
use crate::Statistic;
use burn_variational_dropout::LockedDropoutConfig;

#[test]
fn a_run_stops_when_the_standard_error_is_small_enough() {
    // The standard error of K draws of deviation 1 is 1/√(K - 1) at a mean of 1, less elsewhere.
    let stop = EarlyStop::absolute(0.12).with_min_draws(20).with_interval(10);
    let mc = mc(1000).with_early_stop(stop);
    let moments = dropped_moments(&mc, 3).unwrap();
    let n_draws = moments.n_draws();
    assert!(n_draws <= 80 && n_draws.is_multiple_of(10), "{n_draws}");
    assert_eq!(moments.count(), n_draws);
    let error = |n_draws| {
        let moments = dropped_moments(&MonteCarlo { n_draws, early_stop: None, ..mc.clone() }, 3);
        moments.unwrap().standard_error().max().into_scalar::<f32>()
    };
    assert!(error(n_draws) <= 0.12);
    for too_few in (20..n_draws).step_by(10) {
        assert!(error(too_few) > 0.12, "after {too_few} draws");
    }
}

#[test]
fn the_draws_of_an_early_stop_do_not_depend_on_the_passes_or_the_batches() {
    let stop = EarlyStop::absolute(0.12).with_min_draws(20).with_interval(10);
    let mc = mc(1000).with_early_stop(stop);
    let whole = dropped_moments(&mc, 20).unwrap();
    let mean = whole.mean().into_data();
    for rows in [1, 7, 33] {
        let moments = dropped_moments(&mc.clone().with_max_bytes(16 * rows), 20).unwrap();
        assert_eq!(moments.n_draws(), whole.n_draws(), "in passes of {rows} rows");
        assert_eq!(moments.mean().into_data(), mean, "in passes of {rows} rows");
    }
    let model = LockedDropoutConfig::new(4, 0.5).init();
    let batch = |n_rows| Tensor::<3>::ones([n_rows, 1, 4], &Device::flex());
    let whole = mc.moments(&model, &batch(20)).unwrap();
    let split = [batch(9), batch(9), batch(2)];
    let split = mc.estimate_batches(&model, split, Moments::new()).unwrap();
    assert_eq!(split.n_draws(), whole.n_draws());
    assert_eq!(split.mean().into_data(), whole.mean().into_data());
}

#[test]
fn a_run_that_never_settles_makes_all_its_draws() {
    let stop = EarlyStop::absolute(1e-6).with_min_draws(2).with_interval(3);
    let moments = dropped_moments(&mc(10).with_early_stop(stop), 3).unwrap();
    assert_eq!((moments.n_draws(), moments.count()), (10, 10));
    assert_eq!(moments.mean().into_data(), dropped_moments(&mc(10), 3).unwrap().mean().into_data());
}

#[test]
fn a_statistic_without_a_standard_error_cannot_stop_early() {
    let input = input(&Device::flex());
    let stop = EarlyStop::absolute(1.0).with_min_draws(2);
    let run = samples(&mc(4).with_early_stop(stop), |pass| dropped(pass.fold(&input), pass));
    assert_eq!(run.unwrap_err(), MonteCarloError::NoStandardError);
}

/// A statistic of a user's own, of another rank than the draws: the mean of each row's sum.
#[derive(Clone, Default)]
struct RowSums(Moments<1>);

impl Statistic<2> for RowSums {
    type Output = Moments<1>;

    fn push(&mut self, draw: Tensor<2>) {
        self.0.push(draw.sum_dim(1).squeeze_dim(1));
    }
    fn merge(&mut self, other: Self) {
        self.0.merge(other.0);
    }
    fn append_rows(&mut self, other: Self) {
        self.0.append_rows(other.0);
    }
    fn is_settled(&self, stop: &EarlyStop) -> Option<bool> {
        self.0.is_settled(stop)
    }
    fn finish(self) -> Moments<1> {
        self.0
    }
}

#[test]
fn a_statistic_of_a_users_own_takes_part() {
    let ones = Tensor::<2>::ones([3, 4], &Device::flex());
    let run = |mc: MonteCarlo| {
        let forward = |pass: &Pass| Ok::<_, MonteCarloError>(dropped(pass.fold(&ones), pass));
        mc.accumulate(3, RowSums::default(), forward).unwrap()
    };
    // A sum of four outputs of deviation 1 has one of 2: 100 draws have a standard error of 0.2.
    let sums = run(mc(1000).with_early_stop(EarlyStop::absolute(0.2)));
    assert!((75..=150).contains(&sums.n_draws()), "{}", sums.n_draws());
    let error = |sums: &Moments<1>| sums.standard_error().max().into_scalar::<f32>();
    assert!(error(&sums) <= 0.2);
    assert!(error(&run(mc(sums.n_draws() - 25))) > 0.2);
}
