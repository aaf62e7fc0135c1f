//! The fused weights of all gates of a cell.

use burn::module::{Module, Param};
use burn::tensor::{Device, Tensor};
use burn_variational_dropout::{DropoutPrior, KlTerm, Site};

use crate::{CellSite, GateInitializer, GateMasks, LayerDropout, SiteMasks, WeightSite, engine};

/// The weights of all gates side by side, so that one matrix product serves them all:
///
/// ```text
/// a_t = (x_t ∘ z_x) W + b + (h_{t-1} ∘ z_h) U
/// ```
///
/// With a mask for each gate, gate `k` reads its own columns: `(h ∘ z_k) U_k`.
#[derive(Module, Debug)]
pub struct GateWeights {
    /// `W`, `[d_input, n_gates · d_hidden]`.
    pub input: Param<Tensor<2>>,
    /// `U`, `[d_hidden, n_gates · d_hidden]`.
    pub recurrent: Param<Tensor<2>>,
    /// `b`, `[n_gates · d_hidden]`.
    pub bias: Option<Param<Tensor<1>>>,
}

impl GateWeights {
    /// New weights of sizes `[d_input, d_hidden, n_gates]`, none of which is a forget gate.
    ///
    /// # Panics
    ///
    /// If a size is zero, or the initialiser has a bias of the forget gate or one that is not of
    /// vectors for the bias, naming the owner.
    pub fn init(
        owner: &str,
        sizes @ [d_input, d_hidden, n_gates]: [usize; 3],
        bias: bool,
        initializer: &GateInitializer,
        device: &Device,
    ) -> Self {
        for (field, size) in [("d_input", d_input), ("d_hidden", d_hidden), ("n_gates", n_gates)] {
            assert!(size > 0, "{owner}: {field} must be positive, got 0");
        }
        if let Some(value) = initializer.forget_bias {
            panic!("{owner}: forget_bias must be None where no gate forgets, got {value}");
        }
        let GateInitializer { input_weights, recurrent_weights, .. } = initializer;
        let recurrent = [d_hidden, d_hidden, n_gates];
        Self {
            input: leaf(initializer.weights(input_weights, sizes, device)),
            recurrent: leaf(initializer.weights(recurrent_weights, recurrent, device)),
            bias: bias.then(|| leaf(initializer.biases(owner, sizes, device))),
        }
    }

    /// With the bias of the forget gate, which is the `gate`-th, at one value.
    ///
    /// # Panics
    ///
    /// If there is no bias, or the value is not finite, naming the owner.
    pub(crate) fn with_forget_bias(mut self, owner: &str, gate: usize, value: f64) -> Self {
        assert!(value.is_finite(), "{owner}: forget_bias must be finite, got {value}");
        let Some(bias) = self.bias else {
            panic!("{owner}: forget_bias must be None without a bias, got {value}");
        };
        let d_hidden = self.recurrent.dims()[0];
        let units = gate * d_hidden..(gate + 1) * d_hidden;
        self.bias = Some(leaf(bias.val().slice_fill([units], value)));
        self
    }

    /// The sites of a cell that reads these weights as they are: its input and its recurrence.
    pub fn sites(&self) -> Vec<CellSite> {
        let ([d_input, _], [d_hidden, _]) = (self.input.dims(), self.recurrent.dims());
        [(Site::Input, d_input), (Site::Recurrent, d_hidden)]
            .map(|(site, width)| CellSite::new(site, width).with_n_gates(self.n_gates()))
            .into()
    }

    /// The weights that may be dropped, of a cell that has these in its field `gates`.
    pub fn weight_sites(&self) -> Vec<WeightSite> {
        [
            (Site::InputWeights, "gates.input", &self.input),
            (Site::RecurrentWeights, "gates.recurrent", &self.recurrent),
        ]
        .map(|(site, path, param)| WeightSite { site, path: path.into(), value: param.val() })
        .into()
    }

    /// The number of gates.
    pub fn n_gates(&self) -> usize {
        let [d_hidden, width] = self.recurrent.dims();
        width / d_hidden
    }

    /// Zeros `[batch_size, d_hidden]`, on the device and in the float type of the weights: what a
    /// state is before the first step.
    pub fn zero_state(&self, batch_size: usize) -> Tensor<2> {
        let weights = self.recurrent.val();
        let [d_hidden, _] = weights.dims();
        Tensor::zeros([batch_size, d_hidden], (&weights.device(), weights.dtype()))
    }

    /// `(x_t ∘ z_x) W + b` for all steps in one matrix product.
    ///
    /// # Shapes
    ///
    /// - input: `[seq_length, batch_size, d_input]`
    /// - output: `[seq_length, batch_size, n_gates · d_hidden]`
    ///
    /// # Panics
    ///
    /// If a mask has other dims than the input, or there are masks for another number of gates.
    pub fn project_input(&self, input: &Tensor<3>, masks: &SiteMasks) -> Tensor<3> {
        if let Some(projected) = engine::project(self, input, masks) {
            return projected;
        }
        let [seq_length, batch_size, d_input] = input.dims();
        let rows = seq_length * batch_size;
        let dropped = masks.apply_over_time(input);
        let dropped = dropped.into_iter().map(|x| x.reshape([rows, d_input])).collect();
        let projected = gate_product(dropped, self.input.val(), self.n_gates());
        let projected = match &self.bias {
            Some(bias) => projected + bias.val().unsqueeze(),
            None => projected,
        };
        let [_, width] = projected.dims();
        projected.reshape([seq_length, batch_size, width])
    }

    /// `(h_{t-1} ∘ z_h) U`.
    ///
    /// # Shapes
    ///
    /// - hidden: `[batch_size, d_hidden]`
    /// - output: `[batch_size, n_gates · d_hidden]`
    ///
    /// # Panics
    ///
    /// If a mask has other dims than `hidden`, or there are masks for another number of gates.
    pub fn recurrent_product(&self, hidden: &Tensor<2>, masks: &GateMasks<2>) -> Tensor<2> {
        gate_product(masks.apply(hidden), self.recurrent.val(), self.n_gates())
    }

    /// The KL term of `W` at the rate of the input, or of its own elements or rows, of `U` likewise,
    /// and of `b`.
    ///
    /// # Panics
    ///
    /// As [`DropoutPrior::site_lambda`], or if both what enters a weight and the weight itself are
    /// dropped: the product of the two is no draw from the posterior that the term is of.
    pub fn kl_term(&self, prior: &DropoutPrior, dropout: &LayerDropout) -> KlTerm {
        let lambda = |name: &str, site: Site, weights: Site| match (
            dropout.get(&site),
            dropout.of_weights(&weights),
        ) {
            (site, None) => prior.site_lambda(name, site),
            (None, Some(weights)) => prior.weight_lambda(weights.prob, weights.scaling),
            (Some(_), Some(_)) => panic!(
                "DropoutPrior: {name} dropout must be of what enters the weights or of the \
                     weights to have a KL term, got both"
            ),
        };
        let weights = KlTerm::new()
            .with_param("input", lambda("input", Site::Input, Site::InputWeights))
            .with_param("recurrent", lambda("recurrent", Site::Recurrent, Site::RecurrentWeights));
        match self.bias {
            Some(_) => weights.with_param("bias", prior.bias_lambda()),
            None => weights,
        }
    }
}

/// A parameter of its own, cut off from the tensors its value was made of.
pub(crate) fn leaf<const D: usize>(value: Tensor<D>) -> Param<Tensor<D>> {
    Param::from_tensor(value.detach())
}

/// The product of one input for all gates, or of an input for each gate, with fused weights.
///
/// # Shapes
///
/// - inputs: `[rows, d_in]` each
/// - weight: `[d_in, n_gates · d_out]`
/// - output: `[rows, n_gates · d_out]`
pub(crate) fn gate_product(
    mut inputs: Vec<Tensor<2>>,
    weight: Tensor<2>,
    n_gates: usize,
) -> Tensor<2> {
    if inputs.len() == 1 {
        return inputs.remove(0).matmul(weight);
    }
    assert!(
        inputs.len() == n_gates,
        "GateMasks: untied masks must be one for each of {n_gates} gates, got {}",
        inputs.len()
    );
    let ([rows, d_in], [_, width]) = (inputs[0].dims(), weight.dims());
    let by_gate = weight.reshape([d_in, n_gates, width / n_gates]).swap_dims(0, 1);
    let product = Tensor::stack::<3>(inputs, 0).matmul(by_gate);
    product.swap_dims(0, 1).reshape([rows, width])
}
