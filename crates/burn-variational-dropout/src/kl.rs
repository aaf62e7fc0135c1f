//! The KL term of the variational objective, as a penalty and as weight decay.

use burn::module::{Module, ModuleVisitor, Param, ParamGroup, ParamId};
use burn::tensor::Tensor;

/// The KL term `Σ λ ‖W‖²` over the parameters of a module (Gal & Ghahramani 2016, eq. 3).
///
/// Each parameter takes the `λ` of the last group that matches it, and none if no group does.
/// [`DropoutPrior`](crate::DropoutPrior) gives the `λ`s. Add [`penalty`](Self::penalty) to the
/// loss once an optimisation step, whatever the number of time steps and draws in it, or hand
/// [`coupled_decays`](Self::coupled_decays) to the optimiser; the two have equal gradients.
///
/// # Example
///
/// ```
/// use burn::module::ParamGroup;
/// use burn::nn::{Initializer, LinearConfig};
/// use burn::tensor::Device;
/// use burn_variational_dropout::KlTerm;
///
/// let linear = LinearConfig::new(2, 3)
///     .with_initializer(Initializer::Constant { value: 2.0 })
///     .init(&Device::flex());
/// let kl = KlTerm::new().with_group(ParamGroup::from_path("weight"), 0.5);
/// assert_eq!(kl.penalty(&linear).into_scalar::<f32>(), 0.5 * 6.0 * 4.0);
/// ```
#[derive(Debug, Clone, Default)]
pub struct KlTerm {
    groups: Vec<(ParamGroup, f64)>,
}

impl KlTerm {
    /// A term that penalises nothing.
    pub fn new() -> Self {
        Self::default()
    }

    /// With this `λ` for the parameters of a group.
    ///
    /// # Panics
    ///
    /// If `lambda` is negative or not finite.
    pub fn with_group(mut self, group: ParamGroup, lambda: f64) -> Self {
        assert!(
            lambda >= 0.0 && lambda.is_finite(),
            "KlTerm: lambda must be finite and not negative, got {lambda}"
        );
        self.groups.push((group, lambda));
        self
    }

    /// With this `λ` for these parameters.
    ///
    /// # Panics
    ///
    /// If `lambda` is negative or not finite.
    pub fn with_params(self, ids: Vec<ParamId>, lambda: f64) -> Self {
        self.with_group(ParamGroup::from_ids(ids), lambda)
    }

    /// With the groups of another term after these.
    pub fn and(mut self, other: Self) -> Self {
        self.groups.extend(other.groups);
        self
    }

    /// `Σ λ ‖W‖²`, differentiable on an autodiff device; dims `[1]`.
    ///
    /// # Panics
    ///
    /// If no parameter of the module is in a group: the term would be silently nothing.
    pub fn penalty<M: Module>(&self, module: &M) -> Tensor<1> {
        let mut visitor = Penalty { groups: &self.groups, path: Vec::new(), sum: None };
        module.visit(&mut visitor);
        visitor
            .sum
            .expect("KlTerm: at least one parameter of the module must be in a group, got none")
    }

    /// Each group's coupled decay, `2λ`: what is added to the gradient, times the weight.
    pub fn coupled_decays(&self) -> impl Iterator<Item = (&ParamGroup, f64)> {
        self.groups.iter().map(|(group, lambda)| (group, 2.0 * lambda))
    }
}

struct Penalty<'a> {
    groups: &'a [(ParamGroup, f64)],
    path: Vec<String>,
    sum: Option<Tensor<1>>,
}

impl ModuleVisitor for Penalty<'_> {
    fn enter_module(&mut self, name: &str, _container_type: &str) {
        self.path.push(name.to_string());
    }

    fn exit_module(&mut self, _name: &str, _container_type: &str) {
        self.path.pop();
    }

    fn visit_float<const D: usize>(&mut self, param: &Param<Tensor<D>>) {
        let path = self.path.join(".");
        let matching = |(group, _): &&(ParamGroup, f64)| group.matches(&param.id, Some(&path));
        let Some((_, lambda)) = self.groups.iter().rfind(matching) else {
            return;
        };
        let term = param.val().square().sum().mul_scalar(*lambda);
        self.sum = Some(match self.sum.take() {
            Some(sum) => sum + term,
            None => term,
        });
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use burn::nn::{Initializer, LinearConfig};
    use burn::tensor::Device;

    fn linear() -> burn::nn::Linear {
        LinearConfig::new(2, 3)
            .with_initializer(Initializer::Constant { value: 2.0 })
            .init(&Device::flex())
    }

    #[test]
    fn the_last_group_that_matches_a_parameter_counts_once() {
        let kl = KlTerm::new()
            .with_group(ParamGroup::all(), 1.0)
            .and(KlTerm::new().with_params(vec![linear().weight.id], 7.0))
            .with_group(ParamGroup::from_path("bias"), 0.25);
        assert_eq!(kl.penalty(&linear()).into_scalar::<f32>(), 6.0 * 4.0 + 0.25 * 3.0 * 4.0);
    }

    #[test]
    #[should_panic(expected = "KlTerm: at least one parameter of the module must be in a group")]
    fn a_term_over_nothing_is_refused() {
        let _ = KlTerm::new().with_group(ParamGroup::from_path("wieght"), 1.0).penalty(&linear());
    }

    #[test]
    #[should_panic(expected = "KlTerm: lambda must be finite and not negative, got -1")]
    fn a_negative_factor_is_refused() {
        let _ = KlTerm::new().with_group(ParamGroup::all(), -1.0);
    }
}
