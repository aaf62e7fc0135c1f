//! The modules of PyTorch.

mod stack;

use burn::nn::{Embedding, Linear};
use burn_variational_embedding::VariationalEmbedding;

use super::Loaded;
use super::parts::{LinearLayout, load_table, table_tensors};
use crate::{NamedTensors, WeightsError};

/// A module that `PyTorch` has too.
///
/// # Example
///
/// ```
/// use burn::nn::LinearConfig;
/// use burn::tensor::Device;
/// use burn_variational_rnn::VariationalGruConfig;
/// use burn_variational_weights::PytorchWeights;
///
/// let device = Device::flex();
/// let gru = VariationalGruConfig::new(3, 4, true).with_n_layers(2).bidirectional().init(&device);
/// let head = LinearConfig::new(8, 2).init(&device);
/// let tensors = gru.to_pytorch()?.at("gru").and(head.to_pytorch()?.at("head"));
/// assert_eq!(tensors.get("gru.weight_ih_l1_reverse").unwrap().shape().to_vec(), [12, 8]);
///
/// let gru = gru.load_pytorch(&tensors.under("gru"))?;
/// assert_eq!(gru.changes[0].to_string(), "gru.weight_ih_l0, gru.weight_hh_l0: transposed");
/// let head = head.load_pytorch(&tensors.under("head"))?.module;
/// assert!(tensors.names_outside(&["gru", "head"]).is_empty());
/// # let _ = head;
/// # Ok::<(), burn_variational_weights::WeightsError>(())
/// ```
pub trait PytorchWeights: Sized {
    /// The module with the weights of `PyTorch`'s: all of them, or none. What is at a path of a
    /// model is found by [`NamedTensors::under`].
    ///
    /// Of a stack:
    ///
    /// ```text
    /// W = weight_ihᵀ    U = weight_hhᵀ    b = bias_ih + bias_hh
    /// ```
    ///
    /// for `l0`, `l0_reverse`, `l1` and so on. `b_hn` of a GRU is a part of `bias_hh`, and stays by
    /// itself. Whether an `nn.RNN` is one of tanh, as ours are, or of relu is not in its weights.
    ///
    /// # Errors
    ///
    /// If a tensor is not there, has another shape, or is one too many, naming all of them; if the
    /// module or the file has what the other has not: a GRU that resets before, two directions that
    /// are not concatenated, layers that read backward alone, projections (`proj_size`).
    fn load_pytorch(&self, tensors: &NamedTensors) -> Result<Loaded<Self>, WeightsError>;

    /// The weights as `PyTorch` has them: its `load_state_dict` takes them. `bias_hh` of a stack is
    /// 0, but for the `b_hn` of a GRU.
    ///
    /// # Errors
    ///
    /// If `PyTorch` has no such module, as [`load_pytorch`](Self::load_pytorch) says.
    fn to_pytorch(&self) -> Result<NamedTensors, WeightsError>;
}

/// `nn.Linear`.
const LINEAR: LinearLayout = LinearLayout { weight: "weight", bias: "bias", transposed: true };

impl PytorchWeights for Linear {
    fn load_pytorch(&self, tensors: &NamedTensors) -> Result<Loaded<Self>, WeightsError> {
        LINEAR.load(self, tensors)
    }

    fn to_pytorch(&self) -> Result<NamedTensors, WeightsError> {
        Ok(LINEAR.tensors(self))
    }
}

impl PytorchWeights for Embedding {
    fn load_pytorch(&self, tensors: &NamedTensors) -> Result<Loaded<Self>, WeightsError> {
        let weight = load_table(self.weight.clone(), tensors, "weight")?;
        Ok(Loaded { module: Self { weight }, changes: vec![] })
    }

    fn to_pytorch(&self) -> Result<NamedTensors, WeightsError> {
        Ok(table_tensors(&self.weight, "weight"))
    }
}

impl PytorchWeights for VariationalEmbedding {
    fn load_pytorch(&self, tensors: &NamedTensors) -> Result<Loaded<Self>, WeightsError> {
        let weight = load_table(self.weight.clone(), tensors, "weight")?;
        Ok(Loaded { module: Self { weight, ..self.clone() }, changes: vec![] })
    }

    fn to_pytorch(&self) -> Result<NamedTensors, WeightsError> {
        Ok(table_tensors(&self.weight, "weight"))
    }
}
