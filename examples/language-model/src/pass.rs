//! One pass over the training text by truncated backpropagation.

use std::time::{Duration, Instant};

use anyhow::{Context, Result};
use burn::optim::GradientsParams;
use burn::tensor::Tensor;
use burn_variational::dropout::{MaskRng, VariationalModel};
use burn_variational::rnn::{RecurrentCell, StackState};
use burn_variational::training::{
    TokenWindow, activation_penalty, clip_global_norm, global_norm, temporal_penalty,
};

use crate::model::Reading;
use crate::recipe::Recipe;
use crate::training::{Trainer, Training};
use command_line::TokenBar;
use command_line::interrupt;

impl Trainer<'_> {
    /// Trains on every window in turn, and returns the perplexity of the text as it was trained on.
    pub(crate) fn pass<C: RecurrentCell>(
        &self,
        training: &mut Training<C>,
        epoch: usize,
    ) -> Result<f64> {
        let name = format!("{} epoch {epoch}/{}", training.method, self.run.epochs);
        let lr = training.checkpoint.lr(&training.recipe.schedule, epoch);
        let windows = training.recipe.windows(&self.texts.train, self.run.seed, epoch);
        let n_tokens = |window: &TokenWindow| window.inputs().len() as u64;
        let bar = TokenBar::new(name, windows.iter().map(n_tokens).sum());
        let (mut state, mut losses) = (None, Losses::default());
        for window in &windows {
            interrupt::check()?;
            let (loss, next) = self.step(training, window, state, lr)?;
            state = Some(next);
            training.checkpoint.n_tokens += n_tokens(window);

            losses.push(loss, window.dims()[1]);
            bar.advance(n_tokens(window));
            if losses.are_due() {
                bar.say(format!("perplexity {:.1}", losses.read_perplexity()));
            }
        }
        Ok(losses.read_perplexity())
    }

    /// Trains on a window. Returns its cross-entropy, summed over the steps of the mean over the
    /// streams, and the state after it.
    fn step<C: RecurrentCell>(
        &self,
        training: &mut Training<C>,
        window: &TokenWindow,
        state: Option<StackState<C::State>>,
        lr: f64,
    ) -> Result<(Tensor<1>, StackState<C::State>)> {
        let device = self.device.clone().autodiff();
        let Training { recipe, model, average, optimizer, checkpoint, .. } = training;
        let (inputs, targets) = (window.inputs_on(&device), window.targets_on(&device));
        let draw = MaskRng::seeded(self.run.seed).draw(checkpoint.n_steps);
        let masks = model.masks_for(&inputs, draw);
        let reading = model.read(inputs, targets, state, &masks);
        let [batch_size, _] = window.dims();
        let cross_entropy = reading.losses.clone().sum().div_scalar(batch_size as f64);

        // The prior counts all windows of the text, this one is of a step.
        let prior = recipe.prior(&self.texts.train, batch_size);
        let penalty = prior.map(|prior| model.kl_penalty(&prior));
        let loss = objective(recipe, cross_entropy.clone(), &reading);
        let loss = penalty.map_or(loss.clone(), |penalty| loss + penalty);
        let mut grads = GradientsParams::from_grads(loss.backward(), model);
        // The rates have a learning rate of their own, which clipping is not for.
        let weights = model.weights();
        let lr = if recipe.awd.is_some() { lr * window.rate_factor() } else { lr };
        // AWD-LSTM's decay is in the gradient and not clipped; and a program that reads a norm back waits
        // for a GPU.
        let lr = if recipe.awd.is_some() || self.run.backend.is_gpu() {
            clip_global_norm(&mut grads, &weights, recipe.max_norm);
            lr
        } else {
            // The step is proportional to the gradient: clipping is a smaller learning rate.
            let norm = global_norm(&grads, &weights).context("a model has gradients")?;
            lr * (recipe.max_norm / f64::from(norm.into_scalar::<f32>())).min(1.0)
        };
        *model = optimizer.step(lr, model.clone(), grads);
        checkpoint.n_steps += 1;
        if let Some(averaging) = &mut checkpoint.averaging {
            *average = average.take().map(|average| averaging.step(average, model));
        }
        Ok((cross_entropy.inner(), reading.state.detach()))
    }
}

/// The cross-entropies of windows, which are read back once in a while: a program that reads every one
/// waits for the device at every step.
struct Losses {
    /// Those that are still on the device.
    unread: Vec<Tensor<1>>,
    sum: f64,
    n_steps: usize,
    read_at: Instant,
}

impl Default for Losses {
    fn default() -> Self {
        Self { unread: Vec::new(), sum: 0.0, n_steps: 0, read_at: Instant::now() }
    }
}

impl Losses {
    /// How long a number that is shown may be behind.
    const PERIOD: Duration = Duration::from_millis(500);

    fn push(&mut self, loss: Tensor<1>, n_steps: usize) {
        self.unread.push(loss);
        self.n_steps += n_steps;
    }

    /// Whether it is time to read them.
    fn are_due(&self) -> bool {
        self.read_at.elapsed() >= Self::PERIOD
    }

    /// Reads what is unread, and adds it up in order: the sum is the same whenever it is read.
    fn read_perplexity(&mut self) -> f64 {
        if !self.unread.is_empty() {
            let unread = Tensor::cat(std::mem::take(&mut self.unread), 0);
            self.sum = unread.into_data().iter::<f64>().fold(self.sum, |sum, loss| sum + loss);
        }
        self.read_at = Instant::now();
        (self.sum / self.n_steps as f64).exp()
    }
}

/// What a window is trained on, the KL term apart. Learning rate and clipping are published for the
/// cross-entropy summed over the steps of the mean over the streams, AWD-LSTM's for its mean over
/// tokens.
fn objective<S>(recipe: &Recipe, cross_entropy: Tensor<1>, reading: &Reading<S>) -> Tensor<1> {
    let Some(awd) = &recipe.awd else { return cross_entropy };
    let [_, seq_length] = reading.losses.dims();
    cross_entropy.div_scalar(seq_length as f64)
        + activation_penalty(awd.activation, reading.dropped.clone(), None)
        + temporal_penalty(awd.temporal, reading.hidden.clone(), None)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::PresetName;
    use crate::method::Method;
    use crate::preset::Preset;
    use burn::tensor::Device;
    use burn_variational::rnn::HiddenState;

    #[test]
    fn losses_that_are_read_together_are_those_read_one_by_one() {
        let loss = |k: usize| Tensor::<1>::from_data([2.0 + k as f32 / 7.0], &Device::flex());
        let (mut together, mut one_by_one) = (Losses::default(), Losses::default());
        for k in 0..50 {
            together.push(loss(k), 3);
            one_by_one.push(loss(k), 3);
            one_by_one.read_perplexity();
        }
        assert_eq!(together.unread.len(), 50);
        let sum: f64 = (0..50).map(|k| f64::from(2.0 + k as f32 / 7.0)).sum();
        let expected = (sum / 150.0).exp();
        assert_eq!(together.read_perplexity(), expected);
        assert_eq!(one_by_one.read_perplexity(), expected);
        assert!(together.unread.is_empty());
    }

    #[test]
    fn what_awd_is_trained_on_is_a_mean_over_tokens_with_two_penalties() {
        let device = Device::flex();
        let hidden = Tensor::<3>::from_data([[[1.0], [3.0], [4.0]]], &device);
        let reading = Reading {
            losses: Tensor::from_data([[2.0, 3.0, 7.0]], &device),
            dropped: hidden.clone() * 2.0,
            hidden,
            state: StackState::new(vec![HiddenState::new(Tensor::zeros([1, 1], &device))]),
        };
        let of = |method| {
            let recipe = Recipe::new(method, &Preset::named(PresetName::Small));
            let sum = reading.losses.clone().sum();
            objective(&recipe, sum, &reading).into_scalar::<f32>()
        };
        let activation = 2.0 * (4.0 + 36.0 + 64.0) / 3.0;
        let temporal = 0.5 * (4.0 + 1.0);
        // A few roundings of numbers under 100.
        assert!((of(Method::Awd) - (4.0 + activation + temporal)).abs() < 1e-4);
        assert!((of(Method::Variational) - 12.0).abs() < 1e-4);
    }
}
