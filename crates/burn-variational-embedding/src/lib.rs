#![doc = include_str!("../README.md")]
#![doc(test(attr(deny(warnings))))]

mod embedding;
mod tied_output;
mod word_types;

pub use embedding::{EmbeddingMasks, VariationalEmbedding, VariationalEmbeddingConfig};
pub use tied_output::{TiedOutput, TiedOutputConfig};
pub use word_types::WordTypeMask;
