//! Concrete dropout: rates that are learned.

mod config;
mod rates;

use burn::module::{Module, Param};
use burn::tensor::{DType, Int, Tensor, TensorData, activation};

use crate::{DropoutMask, DropoutPrior, MaskDraw, Site};

pub use config::ConcreteDropoutConfig;

/// What keeps a rate away from 0, where its logarithm ends, and from 1, where nothing is kept.
const MARGIN: f64 = 1e-4;

/// Dropout at a rate that is learned: a mask is a differentiable function of the logit `a` of the
/// rate, through the concrete relaxation of its Bernoulli variables.
///
/// ```text
/// p = ε + (1 - 2ε) σ(a)                                               ε = 10⁻⁴
/// z = (1 - σ((log p - log(1 - p) + log u - log(1 - u)) / t)) / (1 - p)
/// ```
///
/// `u` is uniform in `(0, 1)`, one for each row and unit, `t` the temperature. Masks are therefore
/// not quite 0 where they drop. Where `t` goes to 0 they go to what
/// [`SiteDropout`](crate::SiteDropout) draws from the same words at rate `p`, inverted.
///
/// The module stands beside the layer that it masks, one for each site, and gives masks that the
/// layer takes like any other: on `x_t`, `h_{t-1}` and outputs as
/// `SiteMasks::tied(concrete.sample(batch_size, &draw))`, on word types as the `tokens` of an
/// `EmbeddingMasks`. A mask that carries a gradient is none for the sequence engine: a layer with a
/// learned recurrent mask runs on plain tensor operations. On the plain device, where predictions
/// are drawn, the masks carry none, and the engine takes them.
///
/// Its objective is that of the fixed rate with the entropy of the masks, which no longer is
/// constant: add [`penalty`](Self::penalty) to the loss. Without it the rate falls to 0.
///
/// Should be created with [`ConcreteDropoutConfig`].
///
/// # Example
///
/// ```
/// use burn::nn::LinearConfig;
/// use burn::tensor::{Device, Tensor};
/// use burn_variational_dropout::{ConcreteDropoutConfig, DropoutPrior, MaskRng};
///
/// let device = Device::flex().autodiff();
/// let linear = LinearConfig::new(8, 1).init(&device);
/// let dropout = ConcreteDropoutConfig::new(8).init(&device);
/// let prior = DropoutPrior::new(0.1, 200);
///
/// let input = Tensor::ones([4, 8], &device);
/// let mask = dropout.sample(4, &MaskRng::seeded(1).draw(0).part("dropout"));
/// let loss = linear.forward(mask.apply(input)).square().mean();
/// let loss = loss + dropout.penalty(&[linear.weight.val()], &prior);
/// assert!(dropout.logit.val().grad(&loss.backward()).is_some());
/// assert!((dropout.rate() - 0.1).abs() < 1e-6);
/// ```
///
/// # References
///
/// Yarin Gal, Jiri Hron and Alex Kendall, *Concrete Dropout*, 2017, arXiv 1705.07832, eq. 3 to 5.
#[derive(Module, Debug)]
pub struct ConcreteDropout {
    /// The logit `a` of the rate, `[1]`.
    pub logit: Param<Tensor<1>>,
    /// The width of what is dropped; of word types, their number.
    pub units: usize,
    /// The gates that have a mask each: 1 where they share one.
    pub n_gates: usize,
    /// The temperature `t`.
    pub temperature: f64,
}

impl ConcreteDropout {
    /// The rate, differentiable on an autodiff device; `[1]`.
    pub fn prob(&self) -> Tensor<1> {
        activation::sigmoid(self.logit.val()) * (1.0 - 2.0 * MARGIN) + MARGIN
    }

    /// The rate, read back from the device.
    pub fn rate(&self) -> f64 {
        rates::rate(&self.logit)
    }

    /// The rates of all sites of a model, by the path of each: what to report during training.
    ///
    /// # Example
    ///
    /// ```
    /// use burn::module::Module;
    /// use burn::tensor::Device;
    /// use burn_variational_dropout::{ConcreteDropout, ConcreteDropoutConfig};
    ///
    /// #[derive(Module, Debug)]
    /// struct Sites {
    ///     input: ConcreteDropout,
    ///     recurrent: ConcreteDropout,
    /// }
    ///
    /// let site = |prob| ConcreteDropoutConfig::new(8).with_initial_prob(prob).init(&Device::flex());
    /// let sites = Sites { input: site(0.1), recurrent: site(0.25) };
    /// let rates = ConcreteDropout::rates(&sites);
    /// assert_eq!(rates[1].0, "recurrent");
    /// assert!((rates[1].1 - 0.25).abs() < 1e-6);
    /// ```
    pub fn rates<M: Module>(model: &M) -> Vec<(String, f64)> {
        rates::of_model(model)
    }

    /// Samples a mask `[batch_size, units]`, to be repeated at every time step. An expected draw
    /// gives the identity.
    ///
    /// # Panics
    ///
    /// If the gates have a mask each, the draw is no [part](MaskDraw::part) of one, or the batch
    /// does not divide into the draws.
    pub fn sample(&self, batch_size: usize, draw: &MaskDraw) -> DropoutMask<2> {
        assert!(
            self.n_gates == 1,
            "ConcreteDropout: n_gates must be 1 for one mask, got {}; `sample_gates` samples each",
            self.n_gates
        );
        self.sample_gate(0, batch_size, draw)
    }

    /// Samples a mask `[batch_size, units]` for each gate, all of the one rate.
    ///
    /// # Panics
    ///
    /// If the draw is no [part](MaskDraw::part) of one, or the batch does not divide into the
    /// draws.
    pub fn sample_gates(&self, batch_size: usize, draw: &MaskDraw) -> Vec<DropoutMask<2>> {
        (0..self.n_gates).map(|gate| self.sample_gate(gate, batch_size, draw)).collect()
    }

    /// The factor of each token by its word type: the same wherever the type occurs in a row.
    ///
    /// The tokens are read back to the host, where the random words are: on a GPU this waits for
    /// them.
    ///
    /// # Shapes
    ///
    /// - tokens, mask: `[batch_size, seq_length]`
    ///
    /// # Panics
    ///
    /// If a token is not under `units`, the draw is no [part](MaskDraw::part) of one, or the batch
    /// does not divide into the draws.
    pub fn sample_types(&self, tokens: &Tensor<2, Int>, draw: &MaskDraw) -> DropoutMask<2> {
        let [batch_size, seq_length] = tokens.dims();
        let draw = draw.site(&Site::EmbeddingType).starting_step(0);
        if !asks(&draw) {
            return DropoutMask::identity();
        }
        let ids = tokens.to_data().iter::<i64>().collect::<Vec<_>>();
        let known = |id: i64| {
            let within = u64::try_from(id).ok().filter(|&id| id < self.units as u64);
            within.unwrap_or_else(|| {
                panic!("ConcreteDropout: tokens must be under units, {}, got {id}", self.units)
            })
        };
        let rows = draw.rows(batch_size, 0, false).zip(ids.chunks(seq_length.max(1)));
        let noise = rows.flat_map(|(row, ids)| {
            ids.iter().map(|&id| logit_of_word(row.word(known(id)))).collect::<Vec<_>>()
        });
        self.relaxed(noise.collect(), [batch_size, seq_length])
    }

    /// The part of the KL term that belongs to the rate:
    ///
    /// ```text
    /// λ(0) / (1 - p) · Σ ‖W‖²  -  d · H(p) / (N τ)
    /// H(p) = -p log p - (1 - p) log(1 - p)
    /// ```
    ///
    /// `W` are the weights that multiply what the mask drops, whole, with `λ(0)`, `N` and `τ` those of the
    /// prior (see [`DropoutPrior`]), and `d` the number of Bernoulli variables in a mask:
    /// units times gates, which for word types is their number. Differentiable with respect to the
    /// weights and the rate; dims `[1]`.
    ///
    /// Add it to the loss once an optimisation step, and leave `W` out of any other penalty: a
    /// [`KlTerm`](crate::KlTerm) that names them gets
    /// [`with_param(path, 0.0)`](crate::KlTerm::with_param).
    pub fn penalty<const D: usize>(
        &self,
        weights: &[Tensor<D>],
        prior: &DropoutPrior,
    ) -> Tensor<1> {
        let (p, kept) = self.prob_and_kept();
        let entropy = -(p.clone() * p.log() + kept.clone() * kept.clone().log());
        let n_variables = (self.units * self.n_gates) as f64;
        let squares = weights.iter().map(|weight| weight.clone().square().sum());
        let penalty = entropy * (-n_variables * prior.per_term());
        squares.fold(penalty, |penalty, squares| {
            penalty + squares * prior.bias_lambda() / kept.clone()
        })
    }

    /// `p` and `1 - p`.
    fn prob_and_kept(&self) -> (Tensor<1>, Tensor<1>) {
        let p = self.prob();
        (p.clone(), -p + 1.0)
    }

    fn sample_gate(&self, gate: usize, batch_size: usize, draw: &MaskDraw) -> DropoutMask<2> {
        let draw = draw.gate(gate).starting_step(0);
        if !asks(&draw) {
            return DropoutMask::identity();
        }
        let mut noise = Vec::with_capacity(batch_size * self.units);
        for row in draw.rows(batch_size, 0, false) {
            noise.extend(row.words().map(logit_of_word).take(self.units));
        }
        self.relaxed(noise, [batch_size, self.units])
    }

    /// The relaxed mask of this noise, `log u - log(1 - u)` for each element.
    fn relaxed(&self, noise: Vec<f64>, dims: [usize; 2]) -> DropoutMask<2> {
        let (p, kept) = self.prob_and_kept();
        let dtype = p.dtype();
        let data = match dtype {
            DType::F64 => TensorData::new(noise, dims),
            _ => TensorData::new(noise.iter().map(|&noise| noise as f32).collect::<Vec<_>>(), dims),
        };
        let noise = Tensor::<2>::from_data(data, (&p.device(), dtype));
        let log_odds = p.log() - kept.clone().log();
        let dropped = (log_odds.unsqueeze::<2>() + noise) / self.temperature;
        DropoutMask::from_values(activation::sigmoid(-dropped) / kept.unsqueeze::<2>())
    }
}

/// Notes that a site asks, and says whether the draw has an answer of its own for it.
fn asks(draw: &MaskDraw) -> bool {
    draw.assert_part("ConcreteDropout");
    draw.note(true);
    !draw.is_expected()
}

/// `log u - log(1 - u)` with `u = 1 - (w + ½) / 2³²` of a random word `w`: small words drop, as
/// they do at a site of a fixed rate.
fn logit_of_word(word: u32) -> f64 {
    let v = (f64::from(word) + 0.5) / 4_294_967_296.0;
    (1.0 - v).ln() - v.ln()
}

#[cfg(test)]
mod tests;
