//! One suite for every backend: what must hold of the layers, whatever they run on.

mod boundedness;
mod checkpoint;
mod decay;
mod embedding;
mod engine;
mod errors;
mod golden;
mod gradients;
mod kl;
mod masks;
mod monte_carlo;
mod parity;
mod perplexity;
mod saved_model;
mod schemes;
mod stateful;
mod training;
