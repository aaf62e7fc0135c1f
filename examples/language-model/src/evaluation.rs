//! What a trained model has come to: by weight averaging, and by Monte Carlo over the masks.

use anyhow::Result;
use burn::tensor::Device;
use burn_variational::dropout::MaskRng;
use burn_variational::mc::{self, MonteCarlo, StreamWindow};
use burn_variational::rnn::RecurrentCell;
use burn_variational::training::TokenWindows;

use crate::checkpoint::{DrawsPerplexity, Evaluation, Exact};
use crate::method::Method;
use crate::model::LanguageModel;
use crate::training::Trainer;
use command_line::TokenBar;
use command_line::interrupt;

impl Trainer<'_> {
    /// Perplexities of a trained model.
    pub(crate) fn evaluate<C: RecurrentCell>(
        &self,
        method: Method,
        model: &LanguageModel<C>,
    ) -> Result<Evaluation> {
        let averaged = |name: &str, windows: &TokenWindows| {
            let bar = TokenBar::new(format!("{method} {name}"), windows.n_targets() as u64);
            perplexity(model, windows, &self.device, &bar).map(Exact)
        };
        let whole_types = model.clone().with_whole_types();
        Ok(Evaluation {
            train_ppl: averaged("train", &self.texts.train_whole)?,
            test_ppl: averaged("test", &self.texts.test)?,
            test_mc: (method != Method::None)
                .then(|| self.monte_carlo(method, &whole_types))
                .transpose()?,
            test_mc_types_dropped: method
                .drops_word_types()
                .then(|| self.monte_carlo(method, model))
                .transpose()?,
            strangeness: match method {
                Method::None => None,
                _ => self.strangeness(method, model)?,
            },
        })
    }

    /// The perplexity of the test text as one stream, its probabilities averaged over draws, against
    /// their number; each draw is one set of masks for the whole text.
    fn monte_carlo<C: RecurrentCell>(
        &self,
        method: Method,
        model: &LanguageModel<C>,
    ) -> Result<Vec<DrawsPerplexity>> {
        let (test, n_samples) = (&self.texts.test, self.run.mc_samples);
        let n_draws = draws_of_curve(n_samples);
        let name = format!("{method} test by Monte Carlo");
        let bar = TokenBar::new(name, (test.n_targets() * n_samples) as u64);
        let draws = MonteCarlo::new(n_samples, MaskRng::seeded(self.run.seed));
        let windows = on_device(test, &self.device);
        let curve = draws.perplexity_curve(model, windows, &n_draws, |n_tokens| {
            bar.advance(n_tokens as u64);
            anyhow::Ok(interrupt::check()?)
        })?;
        let points = n_draws.into_iter().zip(curve);
        Ok(points.map(|(n_draws, ppl)| DrawsPerplexity { n_draws, ppl: Exact(ppl) }).collect())
    }
}

/// The perplexity of a text in parallel streams, with expected masks.
pub(crate) fn perplexity<C: RecurrentCell>(
    model: &LanguageModel<C>,
    windows: &TokenWindows,
    device: &Device,
    bar: &TokenBar,
) -> Result<f64> {
    // Not even Ctrl-C leaves out the first: there is no perplexity of nothing.
    let windows = on_device(windows, device)
        .enumerate()
        .take_while(|(index, _)| *index == 0 || !interrupt::asked())
        .inspect(|(_, window)| bar.advance(window.inputs.shape().num_elements() as u64));
    let perplexity = mc::perplexity(model, windows.map(|(_, window)| window));
    interrupt::check()?;
    Ok(perplexity)
}

fn on_device<'a>(
    windows: &'a TokenWindows,
    device: &'a Device,
) -> impl Iterator<Item = StreamWindow> + Clone + 'a {
    windows.iter().map(|window| StreamWindow {
        inputs: window.inputs_on(device),
        targets: window.targets_on(device),
    })
}

/// The numbers of draws at which a perplexity is taken: 1, 2, 5, 10, 20, .. and the last.
fn draws_of_curve(n_draws: usize) -> Vec<usize> {
    let decades = (0..).map(|exponent| 10_usize.pow(exponent));
    let steps = decades.flat_map(|decade| [decade, 2 * decade, 5 * decade]);
    steps.take_while(|&draws| draws < n_draws).chain([n_draws]).collect()
}
