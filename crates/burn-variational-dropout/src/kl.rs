//! The KL term of the variational objective, as a penalty and as weight decay.

use burn::module::{Module, Param, ParamGroup};
use burn::tensor::Tensor;

use crate::parameters::{EachFloat, Place, each_float, parameters};

/// The KL term over the parameters of a module (Gal & Ghahramani 2016, eq. 3):
///
/// ```text
/// Σ_W λ_W ‖W‖²
/// ```
///
/// `W` are the parameters that the term names by their path in the module, and `λ_W` the factors
/// that [`DropoutPrior`](crate::DropoutPrior) gives them; a parameter named twice has the last. A
/// path outlives a loaded record, which brings other parameter ids, and a path that leads to no
/// parameter is an error wherever the term meets a module.
///
/// Every layer of the family has a `kl_term`, [`DropoutPrior::linear`](crate::DropoutPrior::linear)
/// that of any [`Linear`](burn::nn::Linear). The term of a model is made of those of its fields,
/// each [`at`](Self::at) the name of the field.
///
/// Add [`penalty`](Self::penalty) to the loss once an optimisation step, whatever the number of
/// time steps and draws in it, or hand [`decays`](Self::decays) to the optimiser, never both.
///
/// # Example
///
/// ```
/// use burn::module::Module;
/// use burn::nn::{Initializer, Linear, LinearConfig};
/// use burn::tensor::Device;
/// use burn_variational_dropout::{DropoutPrior, KlTerm, SiteDropout};
///
/// #[derive(Module, Debug)]
/// struct Model {
///     hidden: Linear,
///     output: Linear,
/// }
///
/// let twos = Initializer::Constant { value: 2.0 };
/// let linear = || LinearConfig::new(3, 3).with_initializer(twos.clone()).init(&Device::flex());
/// let model = Model { hidden: linear(), output: linear() };
///
/// // λ is 1/2 where nothing is dropped, and 1 for the weight whose input is dropped half the time.
/// let prior = DropoutPrior::new(1.0, 1);
/// let kl = KlTerm::new()
///     .and(prior.linear(&model.hidden, None).at("hidden"))
///     .and(prior.linear(&model.output, Some(SiteDropout::new(0.5))).at("output"));
/// let hidden = 0.5 * 9.0 * 4.0 + 0.5 * 3.0 * 4.0;
/// let output = 1.0 * 9.0 * 4.0 + 0.5 * 3.0 * 4.0;
/// assert_eq!(kl.penalty(&model).into_scalar::<f32>(), hidden + output);
/// ```
#[derive(Debug, Clone, Default, PartialEq)]
pub struct KlTerm {
    lambdas: Vec<(String, f64)>,
}

impl KlTerm {
    /// A term that names no parameter yet.
    pub fn new() -> Self {
        Self::default()
    }

    /// Plain L2: the same `λ` for every parameter of a module, whatever is dropped.
    ///
    /// # Panics
    ///
    /// If `lambda` is negative or not finite.
    ///
    /// # Example
    ///
    /// ```
    /// use burn::nn::LinearConfig;
    /// use burn::tensor::Device;
    /// use burn_variational_dropout::KlTerm;
    ///
    /// let linear = LinearConfig::new(2, 3).init(&Device::flex());
    /// let both = KlTerm::new().with_param("weight", 0.1).with_param("bias", 0.1);
    /// assert_eq!(KlTerm::l2(&linear, 0.1), both);
    /// ```
    pub fn l2<M: Module>(module: &M, lambda: f64) -> Self {
        let paths = float_paths(module).into_iter();
        paths.fold(Self::new(), |kl, path| kl.with_param(path, lambda))
    }

    /// With this `λ` for the parameter at a path such as `"lstm.layers.0.cell.gates.input"`.
    ///
    /// # Panics
    ///
    /// If `lambda` is negative or not finite.
    pub fn with_param(mut self, path: impl Into<String>, lambda: f64) -> Self {
        assert!(
            lambda >= 0.0 && lambda.is_finite(),
            "KlTerm: lambda must be finite and not negative, got {lambda}"
        );
        self.lambdas.push((path.into(), lambda));
        self
    }

    /// With the parameters of another term after these.
    pub fn and(mut self, other: Self) -> Self {
        self.lambdas.extend(other.lambdas);
        self
    }

    /// The term of a field's module as a term of the module that has the field, or of a module
    /// further up if `field` is a path.
    pub fn at(mut self, field: &str) -> Self {
        for (path, _) in &mut self.lambdas {
            *path = format!("{field}.{path}");
        }
        self
    }

    /// `Σ_W λ_W ‖W‖²`, differentiable on an autodiff device; dims `[1]`.
    ///
    /// # Panics
    ///
    /// If the term names no parameter, or one that the module does not have.
    pub fn penalty<M: Module>(&self, module: &M) -> Tensor<1> {
        self.check(module);
        let mut sum = Sum { lambdas: &self.lambdas, sum: None };
        each_float(module, &mut sum);
        sum.sum.expect("every path leads to a parameter")
    }

    /// The decay rate of each parameter, `2 λ_W`, as the gradient of [`penalty`](Self::penalty) is
    /// `2 λ_W W`.
    ///
    /// The groups go by path: they match in any optimiser whose steps take a module like this one,
    /// before and after records are loaded into it. Of two groups of one path the last counts.
    ///
    /// # Panics
    ///
    /// As [`penalty`](Self::penalty).
    ///
    /// # Example
    ///
    /// ```
    /// use burn::module::ParamId;
    /// use burn::nn::LinearConfig;
    /// use burn::tensor::Device;
    /// use burn_variational_dropout::KlTerm;
    ///
    /// let linear = LinearConfig::new(2, 3).init(&Device::flex());
    /// let decays = KlTerm::new().with_param("weight", 0.25).decays(&linear);
    /// let (group, rate) = &decays[0];
    /// assert!(group.matches(&ParamId::new(), Some("weight")));
    /// assert_eq!(*rate, 0.5);
    /// ```
    pub fn decays<M: Module>(&self, module: &M) -> Vec<(ParamGroup, f64)> {
        self.check(module);
        let group = |path: &String| ParamGroup::from_path(path);
        self.lambdas.iter().map(|(path, lambda)| (group(path), 2.0 * lambda)).collect()
    }

    /// Checks that every path leads to a parameter: what is left out would be silently nothing.
    fn check<M: Module>(&self, module: &M) {
        assert!(!self.lambdas.is_empty(), "KlTerm: there must be a parameter, got none");
        let paths = float_paths(module);
        for (path, _) in &self.lambdas {
            assert!(
                paths.contains(path),
                "KlTerm: every path must lead to a parameter, got {path:?} in a module with {}",
                paths.join(", ")
            );
        }
    }
}

/// The paths of the float parameters of a module.
fn float_paths<M: Module>(module: &M) -> Vec<String> {
    parameters(module).into_iter().map(|parameter| parameter.path).collect()
}

/// The sum of `λ ‖W‖²` over the parameters that it met.
struct Sum<'a> {
    lambdas: &'a [(String, f64)],
    sum: Option<Tensor<1>>,
}

impl EachFloat for Sum<'_> {
    fn float<const D: usize>(&mut self, place: &Place<'_>, param: &Param<Tensor<D>>) {
        let path = place.path();
        if let Some((_, lambda)) = self.lambdas.iter().rfind(|(named, _)| *named == path) {
            let term = param.val().square().sum().mul_scalar(*lambda);
            self.sum = Some(match self.sum.take() {
                Some(sum) => sum + term,
                None => term,
            });
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use burn::nn::{Initializer, Linear, LinearConfig};
    use burn::tensor::Device;

    fn linear() -> Linear {
        LinearConfig::new(2, 3)
            .with_initializer(Initializer::Constant { value: 2.0 })
            .init(&Device::flex())
    }

    #[test]
    fn a_parameter_named_twice_counts_once_with_the_last_factor() {
        let kl = KlTerm::l2(&linear(), 1.0).and(KlTerm::new().with_param("bias", 0.25));
        assert_eq!(kl.penalty(&linear()).into_scalar::<f32>(), 6.0 * 4.0 + 0.25 * 3.0 * 4.0);
    }

    #[test]
    fn a_term_is_lifted_field_by_field() {
        let modules = vec![linear(), linear()];
        let kl = KlTerm::new().with_param("weight", 0.5).at("1");
        assert_eq!(kl.penalty(&modules).into_scalar::<f32>(), 0.5 * 6.0 * 4.0);
        let nested = KlTerm::new().with_param("weight", 0.5).at("layers.1").at("lstm");
        assert_eq!(nested, KlTerm::new().with_param("lstm.layers.1.weight", 0.5));
    }

    #[test]
    #[should_panic(
        expected = "KlTerm: every path must lead to a parameter, got \"wieght\" in a module with \
                    weight, bias"
    )]
    fn a_path_that_leads_nowhere_is_refused_by_the_penalty() {
        let _ = KlTerm::l2(&linear(), 1.0).with_param("wieght", 1.0).penalty(&linear());
    }

    #[test]
    #[should_panic(
        expected = "KlTerm: every path must lead to a parameter, got \"output.weight\" in a module \
                    with weight, bias"
    )]
    fn a_path_that_leads_nowhere_is_refused_by_the_decays() {
        let _ = KlTerm::new().with_param("weight", 1.0).at("output").decays(&linear());
    }

    #[test]
    #[should_panic(expected = "KlTerm: there must be a parameter, got none")]
    fn a_term_over_nothing_is_refused() {
        let _ = KlTerm::new().penalty(&linear());
    }

    #[test]
    #[should_panic(expected = "KlTerm: lambda must be finite and not negative, got -1")]
    fn a_negative_factor_is_refused() {
        let _ = KlTerm::new().with_param("weight", -1.0);
    }

    #[test]
    #[should_panic(expected = "KlTerm: lambda must be finite and not negative, got NaN")]
    fn a_factor_that_is_no_number_is_refused() {
        let _ = KlTerm::l2(&linear(), f64::NAN);
    }
}
