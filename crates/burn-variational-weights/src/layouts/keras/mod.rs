//! The layers of Keras 3.

mod stack;

use burn::nn::{Embedding, Linear};
use burn_variational_embedding::VariationalEmbedding;

use super::Loaded;
use super::parts::{LinearLayout, load_table, table_tensors};
use crate::{NamedTensors, WeightsError};

/// A module that Keras 3 has too: a stack as `LSTM`, `GRU`, `SimpleRNN` or a `Bidirectional` of
/// them for each layer, a linear layer as `Dense`, an embedding as `Embedding`.
///
/// # Example
///
/// ```
/// use burn::tensor::Device;
/// use burn_variational_rnn::VariationalGruConfig;
/// use burn_variational_weights::KerasWeights;
///
/// let config = VariationalGruConfig::new(3, 4, true);
/// let config = config.with_reset_after(false);
/// let gru = config.init(&Device::flex());
/// let [tensors] = gru.to_keras()?.try_into().expect("one layer");
/// let tensors = tensors.at("layers.gru");
/// assert_eq!(tensors.get("layers.gru.cell.vars.0").unwrap().shape().to_vec(), [3, 12]);
///
/// let loaded = gru.load_keras(&[tensors.under("layers.gru")])?;
/// assert!(loaded.changes[0].to_string().ends_with("gates reordered, from z, r, h to r, z, h"));
/// # Ok::<(), burn_variational_weights::WeightsError>(())
/// ```
pub trait KerasWeights: Sized {
    /// The module with the weights of Keras' layers, one for each layer of the module from the
    /// input up, each found by [`NamedTensors::under`]: all of them, or none.
    ///
    /// A recurrent layer holds `cell.vars.0`, its kernel `W`, `cell.vars.1`, its recurrent kernel
    /// `U`, and `cell.vars.2`, its biases; a cell by itself the same without `cell`, a
    /// `Bidirectional` under `forward_layer` and `backward_layer`. A GRU that resets after has two
    /// rows of biases, which are added up, but for `b_hn`.
    ///
    /// What a `.keras` file says of a layer is compared: `activation` must be `tanh`,
    /// `recurrent_activation` `sigmoid`, and `reset_after`, `go_backwards` and `merge_mode` those
    /// of the module. A `.weights.h5` file does not say. Of a stack that reads backward alone Keras'
    /// first layer has `go_backwards` and the others have not, since it returns steps in the order
    /// in which they were read; ours lie at the steps they are of.
    /// What a `Dense` layer does after its sum is not a part of a linear layer.
    ///
    /// # Errors
    ///
    /// If a tensor is not there, has another shape, or is one too many, naming all of them; if what
    /// the file says of a layer is not so here; or there are not as many layers as in the module.
    fn load_keras(&self, layers: &[NamedTensors]) -> Result<Loaded<Self>, WeightsError>;

    /// The weights as Keras' layers have them, layer by layer from the input up.
    ///
    /// # Errors
    ///
    /// None for the modules there are: Keras has all of them.
    fn to_keras(&self) -> Result<Vec<NamedTensors>, WeightsError>;
}

/// `Dense`.
const DENSE: LinearLayout = LinearLayout { weight: "vars.0", bias: "vars.1", transposed: false };
/// The table of an `Embedding`.
const TABLE: &str = "vars.0";

/// The only layer there is.
fn single(layers: &[NamedTensors]) -> Result<&NamedTensors, WeightsError> {
    counted(layers, 1).map(|layers| &layers[0])
}

/// So many layers.
fn counted(layers: &[NamedTensors], n: usize) -> Result<&[NamedTensors], WeightsError> {
    if layers.len() == n {
        return Ok(layers);
    }
    let found = layers.len();
    Err(WeightsError::Unsupported(format!("Keras: wanted the tensors of {n} layers, got {found}")))
}

impl KerasWeights for Linear {
    fn load_keras(&self, layers: &[NamedTensors]) -> Result<Loaded<Self>, WeightsError> {
        DENSE.load(self, single(layers)?)
    }

    fn to_keras(&self) -> Result<Vec<NamedTensors>, WeightsError> {
        Ok(vec![DENSE.tensors(self)])
    }
}

impl KerasWeights for Embedding {
    fn load_keras(&self, layers: &[NamedTensors]) -> Result<Loaded<Self>, WeightsError> {
        let weight = load_table(self.weight.clone(), single(layers)?, TABLE)?;
        Ok(Loaded { module: Self { weight }, changes: vec![] })
    }

    fn to_keras(&self) -> Result<Vec<NamedTensors>, WeightsError> {
        Ok(vec![table_tensors(&self.weight, TABLE)])
    }
}

impl KerasWeights for VariationalEmbedding {
    fn load_keras(&self, layers: &[NamedTensors]) -> Result<Loaded<Self>, WeightsError> {
        let weight = load_table(self.weight.clone(), single(layers)?, TABLE)?;
        Ok(Loaded { module: Self { weight, ..self.clone() }, changes: vec![] })
    }

    fn to_keras(&self) -> Result<Vec<NamedTensors>, WeightsError> {
        Ok(vec![table_tensors(&self.weight, TABLE)])
    }
}
