//! Embedding whose words are dropped by type or by token, and a projection tied to it.
//!
//! A dropped word type is gone at all its places in a sequence: "the dog and the cat" never keeps
//! one "the" and drops the other. The mask is a key and a rate, hashed for each (row, word id), so
//! it costs the same for a thousand word types as for a million.
//!
//! ```
//! use burn::tensor::{Device, Tensor};
//! use burn_variational_dropout::{MaskRng, VariationalModel};
//! use burn_variational_embedding::VariationalEmbeddingConfig;
//!
//! let device = Device::flex();
//! let embedding = VariationalEmbeddingConfig::new(10, 4)
//!     .with_type_dropout(0.5)
//!     .init(&device);
//!
//! // the dog and the cat
//! let tokens = Tensor::from_data([[1, 2, 3, 1, 4]], &device);
//! let masks = embedding.masks_for(&tokens, MaskRng::seeded(3).draw(0).part("words"));
//! let output = embedding.forward(tokens, &masks);
//! let word = |at: usize| output.clone().slice([0..1, at..at + 1]).into_data();
//! assert_eq!(word(0), word(3));
//! ```

#![doc(test(attr(deny(warnings))))]

mod embedding;
mod tied_output;
mod word_types;

pub use embedding::{EmbeddingMasks, VariationalEmbedding, VariationalEmbeddingConfig};
pub use tied_output::{TiedOutput, TiedOutputConfig};
pub use word_types::WordTypeMask;
