//! The gradient of an embedding on the CPU.

use burn::backend::tensor::IntTensor;
use burn::backend::{Flex, TensorMetadata};
use rayon::prelude::*;

use crate::flex::memory::{FlexTensor, buffer, indices};
use crate::flex::numbers::Real;

/// So few elements are not worth waking a thread.
const MIN_ELEMENTS: usize = 1 << 14;

/// The columns of a type that comes up so often that threads share it, as padding may.
const COLUMNS: usize = 64;

/// Adds up the gradients of the rows of each type, in the order of the tokens whatever threads
/// there are: each takes types of its own, and columns of those that come up often.
pub(crate) fn embedding_backward<T: Real>(
    weights: &FlexTensor,
    gradient: &FlexTensor,
    tokens: &IntTensor<Flex>,
) -> FlexTensor {
    let [n_types, width] = weights.shape().dims();
    let gradient = gradient.to_contiguous();
    let gradients = T::elements(&gradient);
    let places = Places::new(&indices("embedding: tokens", tokens, n_types), n_types);
    let mut output = buffer([n_types, width], gradient.dtype());
    let types = T::elements_mut(&mut output).par_chunks_mut(width).enumerate();
    types.with_min_len(MIN_ELEMENTS.div_ceil(width)).for_each(|(token, sums)| {
        let places = places.of(token);
        let columns = if places.len() * width < MIN_ELEMENTS { width } else { COLUMNS };
        sums.par_chunks_mut(columns).enumerate().for_each(|(part, sums)| {
            sums.fill(T::ZERO);
            for place in places {
                let gradient = &gradients[place * width + part * columns..][..sums.len()];
                for (sum, &part) in sums.iter_mut().zip(gradient) {
                    *sum += part;
                }
            }
        });
    });
    output
}

/// Where each type comes up among the tokens.
struct Places {
    /// Those of the first type, of the second, and so on, each from the first to the last.
    places: Vec<usize>,
    /// Where those of each type end.
    ends: Vec<usize>,
}

impl Places {
    fn new(tokens: &[usize], n_types: usize) -> Self {
        let mut next = vec![0; n_types];
        for &token in tokens {
            next[token] += 1;
        }
        let mut start = 0;
        for next in &mut next {
            start += std::mem::replace(next, start);
        }
        let mut places = vec![0; tokens.len()];
        for (place, &token) in tokens.iter().enumerate() {
            places[next[token]] = place;
            next[token] += 1;
        }
        // Behind its last place, where the next type begins.
        Self { places, ends: next }
    }

    fn of(&self, token: usize) -> &[usize] {
        let start = token.checked_sub(1).map_or(0, |before| self.ends[before]);
        &self.places[start..self.ends[token]]
    }
}

#[cfg(test)]
mod tests {
    use super::Places;

    #[test]
    fn places_are_those_of_each_type_in_order() {
        let places = Places::new(&[3, 1, 3, 0, 3, 1], 5);
        let found: Vec<&[usize]> = (0..5).map(|token| places.of(token)).collect();
        assert_eq!(found, [&[3][..], &[1, 5], &[], &[0, 2, 4], &[]]);
    }
}
