//! Any module made Bayesian by dropout of its weights.

mod module;

use std::collections::BTreeMap;
use std::fmt;

use burn::module::{Module, Param, ParamGroup};
use burn::tensor::Tensor;

use crate::parameters::{EachFloat, Place, each_float, parameters};
use crate::{DropoutPrior, KlTerm, MaskDraw, ModelInput, VariationalModel};
use crate::{WeightDropout, WeightMasks};

/// Any Burn module made a [`VariationalModel`]: a draw of its masks is a copy of it with some of
/// its weights dropped.
///
/// Weights are the float parameters of rank 2 and more; biases and gains are never dropped. Say of
/// all of them what is dropped, or of a [`ParamGroup`] of them: of a weight in several groups the
/// last counts. A part of the draw named by the path of a weight gives its mask.
///
/// As a module this is the one that it holds: the same parameters, ids, paths and records, so that
/// weights trained without dropout load as they are. One draw is shared by all rows of a batch, and
/// Monte Carlo runs draw by draw. A module's own `Dropout` layers go on as Burn has them: random on
/// autodiff devices, from the device's generator, and off elsewhere.
///
/// A masked weight is computed anew wherever the module reads it; see [`WeightMasks::bind`].
///
/// # Example
///
/// A classifier of sequences, made Bayesian in one line:
///
/// ```
/// use burn::module::Module;
/// use burn::nn::{Linear, LinearConfig, Lstm, LstmConfig};
/// use burn::tensor::{Device, Tensor};
/// use burn_variational_dropout::{Bayesian, MaskRng, VariationalModel, WeightDropout};
///
/// #[derive(Module, Debug)]
/// struct Classifier {
///     lstm: Lstm,
///     output: Linear,
/// }
///
/// impl Classifier {
///     fn forward(&self, input: Tensor<3>) -> Tensor<2> {
///         let (_, state) = self.lstm.forward(input, None);
///         self.output.forward(state.hidden)
///     }
/// }
///
/// let device = Device::flex();
/// let lstm = LstmConfig::new(3, 8, true).init(&device);
/// let classifier = Classifier { lstm, output: LinearConfig::new(8, 2).init(&device) };
///
/// let model = Bayesian::new(classifier, Classifier::forward)
///     .with_dropout(WeightDropout::new(0.2).input_rows());
///
/// let input = Tensor::ones([4, 5, 3], &device);
/// let draw = |step| MaskRng::seeded(1).draw(step).part("model");
/// let scores = |step| model.run(input.clone(), &model.masks_for(&input, draw(step)));
/// assert_eq!(scores(0).into_data(), scores(0).into_data());
/// assert_ne!(scores(0).into_data(), scores(1).into_data());
/// ```
///
/// # References
///
/// Yarin Gal and Zoubin Ghahramani, *Dropout as a Bayesian Approximation*, 2016, arXiv 1506.02142:
/// input rows. Li Wan et al., *Regularization of Neural Networks using `DropConnect`*, 2013.
pub struct Bayesian<M, I, O> {
    /// The clean module.
    pub module: M,
    weights: BTreeMap<String, WeightDropout>,
    forward: fn(&M, I) -> O,
}

impl<M: Module, I, O> Bayesian<M, I, O> {
    /// A module and what it makes of an input, with nothing dropped yet.
    pub fn new(module: M, forward: fn(&M, I) -> O) -> Self {
        Self { module, weights: BTreeMap::new(), forward }
    }

    /// With every weight dropped so, or at this rate, element by element.
    ///
    /// # Panics
    ///
    /// If the rate is not in `[0, 1)`, or the module has no weight.
    pub fn with_dropout(self, dropout: impl Into<WeightDropout>) -> Self {
        self.with_group(&ParamGroup::all(), dropout)
    }

    /// With the weights of this group dropped so, or at this rate, element by element.
    ///
    /// # Panics
    ///
    /// If the rate is not in `[0, 1)`, or there is no weight in the group.
    ///
    /// # Example
    ///
    /// ```
    /// use burn::module::ParamGroup;
    /// use burn::nn::LstmConfig;
    /// use burn::tensor::{Device, Tensor};
    /// use burn_variational_dropout::{Bayesian, WeightDropout};
    ///
    /// // AWD-LSTM's weight drop: elements of the recurrent weights.
    /// let lstm = LstmConfig::new(3, 8, true).init(&Device::flex());
    /// let recurrent = ParamGroup::from_predicate("hidden_transform");
    /// let model = Bayesian::new(lstm, |lstm, input: Tensor<3>| lstm.forward(input, None).0)
    ///     .with_group(&recurrent, WeightDropout::new(0.5));
    /// assert_eq!(model.weights().count(), 4);
    /// ```
    pub fn with_group(mut self, group: &ParamGroup, dropout: impl Into<WeightDropout>) -> Self {
        let dropout = dropout.into();
        dropout.assert_valid("Bayesian", "weight");
        let mut found = 0;
        for parameter in parameters(&self.module) {
            if parameter.is_weight() && group.matches(&parameter.id, Some(&parameter.path)) {
                dropout.assert_has_axis(parameter.dims.len());
                self.weights.insert(parameter.path, dropout);
                found += 1;
            }
        }
        assert!(found > 0, "Bayesian: a group must hold a weight of the module, got none");
        self
    }

    /// The weights that are dropped, by path, and how.
    pub fn weights(&self) -> impl Iterator<Item = (&str, &WeightDropout)> {
        self.weights.iter().map(|(path, dropout)| (path.as_str(), dropout))
    }

    /// The copy of the module that a draw of its masks is.
    ///
    /// # Panics
    ///
    /// As [`WeightMasks::bind`].
    pub fn bind(&self, masks: &WeightMasks) -> M {
        masks.bind(self.module.clone())
    }

    /// The KL term of the module under this prior: of every weight, by what is dropped of it, and of
    /// every bias, which is a parameter of rank 1 named so. What else has rank 1 is a gain around 1,
    /// say, that a prior around 0 says nothing of: it is not in the term.
    ///
    /// With `W' = W ∘ z`, drop probability `p` and length scale `l`, the term is
    ///
    /// ```text
    /// KL(q || prior) = ½ l² E‖W'‖² + const = ½ l² (1 - p) ‖W‖² + const       unscaled
    /// ```
    ///
    /// divided by `N τ`, as [`DropoutPrior`] has it: the mean of a square knows nothing of what is
    /// dropped together, so that `λ` is the same for elements and for rows. What is constant is the
    /// entropy of `q`, and that is an approximation: it holds where the components of the mixture,
    /// at 0 and at what is kept, lie apart. Rows of many weights do; single elements do only where
    /// they are large beside the width of the components.
    pub fn kl_term(&self, prior: &DropoutPrior) -> KlTerm {
        let mut kl = KlTerm::new();
        for parameter in parameters(&self.module) {
            let lambda = match self.weights.get(&parameter.path) {
                Some(dropout) => prior.weight_lambda(dropout.prob, dropout.scaling),
                None if parameter.is_weight() || parameter.is_bias() => prior.bias_lambda(),
                None => continue,
            };
            kl = kl.with_param(parameter.path, lambda);
        }
        kl
    }
}

impl<M: Module + Sync, I: ModelInput, O> VariationalModel for Bayesian<M, I, O> {
    type Input = I;
    type Masks = WeightMasks;
    type Output = O;

    /// Samples the mask of every weight that is dropped, whatever the extent.
    ///
    /// # Panics
    ///
    /// If the draw is no part of one, or several are folded.
    fn sample_masks(&self, _extent: &I::Extent, draw: MaskDraw) -> WeightMasks {
        draw.assert_part("Bayesian");
        let masks = WeightMasks::identity();
        let mut sampler = Sampler { weights: &self.weights, draw, masks };
        each_float(&self.module, &mut sampler);
        sampler.masks
    }

    fn run(&self, input: I, masks: &WeightMasks) -> O {
        (self.forward)(&self.bind(masks), input)
    }

    fn folds_draws(&self) -> bool {
        false
    }
}

impl<M: Clone, I, O> Clone for Bayesian<M, I, O> {
    fn clone(&self) -> Self {
        let (module, weights) = (self.module.clone(), self.weights.clone());
        Self { module, weights, forward: self.forward }
    }
}

impl<M: fmt::Debug, I, O> fmt::Debug for Bayesian<M, I, O> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut shown = f.debug_struct("Bayesian");
        shown.field("module", &self.module).field("weights", &self.weights).finish_non_exhaustive()
    }
}

/// Samples masks for the parameters that it visits.
struct Sampler<'a> {
    weights: &'a BTreeMap<String, WeightDropout>,
    draw: MaskDraw,
    masks: WeightMasks,
}

impl EachFloat for Sampler<'_> {
    fn float<const D: usize>(&mut self, place: &Place<'_>, param: &Param<Tensor<D>>) {
        let path = place.path();
        if let Some(dropout) = self.weights.get(&path) {
            let mask = dropout.sample(&param.base(), &self.draw.part(&path));
            self.masks = std::mem::take(&mut self.masks).with(path, mask);
        }
    }
}
