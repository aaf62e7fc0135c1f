//! Perplexity of a text, read window by window with a carried state.

use burn::tensor::{Int, Tensor};
use burn_variational_dropout::{MaskDraw, SequenceExtent, VariationalModel};

use crate::finite::FirstNotFinite;
use crate::{LogMeanExp, MonteCarlo, MonteCarloError, Progress, Statistic};

/// A model of streams of tokens that carries a state from window to window.
pub trait StreamModel: VariationalModel<Input = Tensor<2, Int>> {
    /// What is carried.
    type State;

    /// The number of word types: what the memory of a pass is reckoned from.
    fn n_types(&self) -> usize;

    /// `log p(target)` of every token, and the state after the last.
    ///
    /// # Shapes
    ///
    /// - inputs, targets, output: `[n_rows, seq_length]`
    fn log_probabilities(
        &self,
        inputs: Tensor<2, Int>,
        targets: Tensor<2, Int>,
        state: Option<Self::State>,
        masks: &Self::Masks,
    ) -> (Tensor<2>, Self::State);
}

/// A window of parallel streams: the tokens read, and those that follow each of them.
#[derive(Debug, Clone)]
pub struct StreamWindow {
    /// `[n_streams, seq_length]`.
    pub inputs: Tensor<2, Int>,
    /// `[n_streams, seq_length]`.
    pub targets: Tensor<2, Int>,
}

/// The perplexity of a text by weight averaging, `exp(-1/N Σ log p(w_n))` over its `N` tokens,
/// with expected masks.
///
/// # Panics
///
/// If there is no token.
pub fn perplexity<M: StreamModel>(
    model: &M,
    windows: impl IntoIterator<Item = StreamWindow>,
) -> f64 {
    let mut sum = LogSum::default();
    read(model, windows, &MaskDraw::expected(), |_, log_probabilities| {
        sum.add(log_probabilities);
        Ok::<_, MonteCarloError>(())
    })
    .expect("nothing fails");
    sum.perplexity()
}

impl MonteCarlo {
    /// The perplexity of a text, its probabilities averaged over the draws,
    ///
    /// ```text
    /// exp(-1/N Σ_n log 1/K Σ_k p_k(w_n))
    /// ```
    ///
    /// where `p_k` is the model with draw `k` of its masks, the same from the first window to the
    /// last, and a state of its own. Memory does not grow with `K`.
    ///
    /// The logarithm of a mean over few draws lies under that of the predictive probability, by
    /// about `Var(p) / (2 K p²)` for each token: this perplexity falls as `K` grows.
    ///
    /// # Errors
    ///
    /// If the model asks for no mask, runs on an autodiff device, or gives a log probability that is
    /// not finite; if the run is cancelled, or is to stop early, for a perplexity has no standard
    /// error.
    ///
    /// # Panics
    ///
    /// If there is no token.
    pub fn perplexity<M: StreamModel>(
        &self,
        model: &M,
        windows: impl IntoIterator<Item = StreamWindow> + Clone,
    ) -> Result<f64, MonteCarloError> {
        let curve = self.perplexity_curve(model, windows, &[self.n_draws()], |_| Ok(()))?;
        Ok(curve[0])
    }

    /// [`perplexity`](Self::perplexity) over the first draws, for each number of draws in
    /// `n_draws`: how it falls with them.
    ///
    /// `progress` is called with the number of tokens read, draws counted, after every window, and
    /// ends the run with an error of its own.
    ///
    /// # Errors
    ///
    /// As [`perplexity`](Self::perplexity); what `progress` returns.
    ///
    /// # Panics
    ///
    /// If there is no token, or the numbers of draws are not rising from 1 up to those of this
    /// run.
    pub fn perplexity_curve<M: StreamModel, E: From<MonteCarloError>>(
        &self,
        model: &M,
        windows: impl IntoIterator<Item = StreamWindow> + Clone,
        n_draws: &[usize],
        mut progress: impl FnMut(usize) -> Result<(), E>,
    ) -> Result<Vec<f64>, E> {
        let rising = n_draws.first().is_some_and(|&first| first > 0) && n_draws.is_sorted();
        assert!(
            rising && n_draws.last() <= Some(&self.n_draws()),
            "MonteCarlo: numbers of draws must rise from 1 to {}, got {n_draws:?}",
            self.n_draws()
        );
        if self.stops_early() {
            return Err(MonteCarloError::NoStandardError.into());
        }
        let mut read_windows: Vec<ReadWindow> = Vec::new();
        let mut curve = Vec::new();
        let mut done = 0;
        for &until in n_draws {
            while done < until {
                let folded = match windows.clone().into_iter().next() {
                    Some(first) => self.draws_of_a_pass(model, &first).min(until - done),
                    None => 1,
                };
                let draws = self.draws(done, folded);
                read(model, windows.clone(), &draws, |index, log_probabilities| {
                    if index == read_windows.len() {
                        read_windows.push(ReadWindow::default());
                    }
                    let [batch_size, seq_length] = log_probabilities.dims();
                    read_windows[index].take(log_probabilities, done, folded);
                    let n_rows = batch_size / folded;
                    let n_done = (done + folded) * n_rows;
                    let n_draws = self.n_draws();
                    self.report(Progress { batch: index, n_rows, n_draws, n_done })?;
                    progress(batch_size * seq_length)
                })?;
                done += folded;
            }
            let mut sum = LogSum::default();
            for window in &read_windows {
                window.not_finite.check(self.first_draw(), self.first_row())?;
                sum.add(window.mean.value());
            }
            curve.push(sum.perplexity());
        }
        Ok(curve)
    }

    /// The draws whose scores of all word types take `max_bytes` in a window, if they fold.
    fn draws_of_a_pass<M: StreamModel>(&self, model: &M, window: &StreamWindow) -> usize {
        if !model.folds_draws() {
            return 1;
        }
        let [n_streams, seq_length] = window.inputs.dims();
        let draw_bytes = n_streams * seq_length * model.n_types() * size_of::<f32>();
        (self.max_bytes() / draw_bytes.max(1)).max(1)
    }
}

/// What is kept of a window over the draws.
#[derive(Default)]
struct ReadWindow {
    mean: LogMeanExp<2>,
    not_finite: FirstNotFinite,
}

impl ReadWindow {
    /// Takes in log probabilities `[n_draws · n_streams, seq_length]`.
    fn take(&mut self, log_probabilities: Tensor<2>, first_draw: usize, n_draws: usize) {
        self.not_finite.see(&log_probabilities, first_draw, n_draws);
        for draw in log_probabilities.chunk(n_draws, 0) {
            self.mean.push(draw);
        }
    }
}

/// Reads a text with the masks of these draws, the state carried, and hands on the log
/// probabilities of every window, `[n_draws · n_streams, seq_length]`, with its place.
fn read<M: StreamModel, E: From<MonteCarloError>>(
    model: &M,
    windows: impl IntoIterator<Item = StreamWindow>,
    draws: &MaskDraw,
    mut hand_on: impl FnMut(usize, Tensor<2>) -> Result<(), E>,
) -> Result<(), E> {
    let n_draws = draws.n_draws();
    let (mut state, mut first_step) = (None, 0);
    for (index, StreamWindow { inputs, targets }) in windows.into_iter().enumerate() {
        let [n_streams, seq_length] = inputs.dims();
        let fold = |tokens: Tensor<2, Int>| tokens.repeat_dim(0, n_draws);
        let (inputs, targets) = (fold(inputs), fold(targets));
        let extent = SequenceExtent::new(n_draws * n_streams, seq_length, &inputs.device());
        let draw = draws.starting_step(first_step).part("model");
        let (draw, record) = draw.recorded(n_draws * n_streams);
        let masks = model.sample_masks(&extent, draw);
        if !record.asked() && !draws.is_expected() {
            return Err(MonteCarloError::NoDraw.into());
        }
        let (log_probabilities, next) = model.log_probabilities(inputs, targets, state, &masks);
        if log_probabilities.is_autodiff() {
            return Err(MonteCarloError::Autodiff.into());
        }
        hand_on(index, log_probabilities)?;
        state = Some(next);
        first_step += seq_length as u64;
    }
    Ok(())
}

/// Log probabilities added up on the host, as `f64`.
#[derive(Default)]
struct LogSum {
    sum: f64,
    n_tokens: usize,
}

impl LogSum {
    fn add(&mut self, log_probabilities: Tensor<2>) {
        let data = log_probabilities.into_data();
        self.n_tokens += data.num_elements();
        self.sum += data.iter::<f64>().sum::<f64>();
    }

    fn perplexity(&self) -> f64 {
        assert!(self.n_tokens > 0, "perplexity: there must be at least one token, got 0");
        (-self.sum / self.n_tokens as f64).exp()
    }
}
