//! A mask over word types that is never written out.

use burn::tensor::{DType, Element, FloatDType, Int, Tensor, TensorData};
use burn_variational_dropout::{MaskDraw, MaskSharing, Site, SiteDropout, SiteFactors, WordStream};
use serde::{Deserialize, Serialize};

/// Which word types each row of a batch drops.
///
/// Whether row `r` drops word `w` is a function of (key, `r`, `w`): the word at position `w` of
/// the row's random stream. Nothing is drawn or kept for the words that do not occur.
#[derive(Debug, Clone, Default, Serialize, Deserialize)]
pub struct WordTypeMask {
    factors: Factors,
}

#[derive(Debug, Clone, Default, Serialize, Deserialize)]
enum Factors {
    #[default]
    Identity,
    /// The same for every word.
    Constant(f64),
    Random {
        dropout: SiteDropout,
        rows: Vec<WordStream>,
    },
}

impl WordTypeMask {
    /// No word is dropped.
    pub fn identity() -> Self {
        Self::default()
    }

    pub(crate) fn sample(dropout: &SiteDropout, batch_size: usize, draw: &MaskDraw) -> Self {
        let draw = draw.site(&Site::EmbeddingType).starting_step(0);
        let factors = match dropout.ask(&draw) {
            SiteFactors::Identity => Factors::Identity,
            SiteFactors::Constant(factor) => Factors::Constant(factor),
            SiteFactors::Random => {
                let shared = dropout.sharing == MaskSharing::PerBatch;
                let rows = draw.rows(batch_size, 0, shared).collect();
                Factors::Random { dropout: *dropout, rows }
            }
        };
        Self { factors }
    }

    /// Whether every word is kept as it is.
    pub fn is_identity(&self) -> bool {
        matches!(self.factors, Factors::Identity)
    }

    /// The factor of each token, in this float type.
    ///
    /// A GPU draws factors in `f32` for its tokens itself, where `burn-variational-dropout` has the
    /// feature of its backend. Otherwise, and for Gaussian noise, tokens are read back to the host.
    ///
    /// # Shapes
    ///
    /// - tokens, output: `[batch_size, seq_length]`
    ///
    /// # Panics
    ///
    /// If the mask was drawn for another batch size; on the host, if a token is negative.
    pub fn factors(&self, tokens: &Tensor<2, Int>, dtype: FloatDType) -> Tensor<2> {
        let dims = tokens.dims();
        let place = (&tokens.device(), DType::from(dtype));
        let (dropout, rows) = match &self.factors {
            Factors::Identity => return Tensor::ones(dims, place),
            Factors::Constant(factor) => return Tensor::full(dims, *factor, place),
            Factors::Random { dropout, rows } => (dropout, rows),
        };
        let [batch_size, _] = dims;
        assert!(
            batch_size == rows.len(),
            "WordTypeMask: a mask must have the batch_size of the tokens, got {} for {batch_size}",
            rows.len()
        );
        if let Some(factors) = dropout.factors_on_device(rows, tokens, dtype) {
            return factors;
        }
        let data = match dtype {
            FloatDType::F64 => TensorData::new(random::<f64>(dropout, rows, tokens), dims),
            _ => TensorData::new(random::<f32>(dropout, rows, tokens), dims),
        };
        Tensor::from_data(data, place)
    }
}

/// The factor of each token, row after row.
fn random<E: Element>(
    dropout: &SiteDropout,
    rows: &[WordStream],
    tokens: &Tensor<2, Int>,
) -> Vec<E> {
    let [_, seq_length] = tokens.dims();
    let ids = tokens.to_data().convert_dtype(DType::I64);
    let ids = ids.as_slice::<i64>().expect("converted to i64");
    let factor = |row: &WordStream, id: i64| {
        let id = u64::try_from(id)
            .unwrap_or_else(|_| panic!("WordTypeMask: tokens must not be negative, got {id}"));
        E::from_elem(dropout.factor(row, id))
    };
    let rows = ids.chunks(seq_length.max(1)).zip(rows);
    rows.flat_map(|(ids, row)| ids.iter().map(|&id| factor(row, id))).collect()
}
