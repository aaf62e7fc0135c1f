//! One suite for every backend: what must hold of the layers, whatever they run on.

mod boundedness;
mod checkpoint;
mod configs;
mod decay;
mod embedding;
mod engine;
mod errors;
mod golden;
mod gradients;
mod kl;
mod lengths;
mod masks;
mod monte_carlo;
mod own_cells;
mod padding;
mod parity;
mod parts;
mod perplexity;
mod readme;
mod saved_model;
mod schemes;
mod stateful;
mod training;
mod unscaled;
mod windows;
mod words;
