//! Counter-based randomness: a mask is a function of its coordinates, not of what was drawn before.

use std::ops::Range;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use rand_chacha::ChaCha8Rng;
use rand_chacha::rand_core::{Rng, SeedableRng};
use serde::{Deserialize, Serialize};

/// Where in a network a mask acts.
///
/// The number of a site is part of the random stream, so it never changes once released.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Site {
    /// `x_t`, where it enters the gates.
    Input = 1,
    /// `h_{t-1}`, where it enters the gates.
    Recurrent = 2,
    /// The output sequence of a layer.
    Output = 3,
    /// Rows of an embedding, by word type.
    EmbeddingType = 4,
    /// Looked-up embeddings, by token.
    EmbeddingToken = 5,
    /// Any tensor between two layers, as [`LockedDropout`](crate::LockedDropout) drops it.
    Between = 6,
}

/// Reserved for [`MaskRng::scope`], so that no site draws the words a scope is made of.
const SCOPE: u8 = 0;

/// The source of masks: random access into one stream of words per coordinate.
///
/// A word is a function of (seed, draw, layer, direction, site, gate, step, row, unit) through
/// `ChaCha8`: the first seven are its key, the row its stream, the unit its word position. The same
/// seed therefore gives the same masks on every backend, for any split of the batch over calls and
/// any number of draws in one pass, and no two coordinates share a word.
///
/// A batch holds the rows `first_row..` of each draw in [`draws`](Self::draws), draw after draw:
/// with two draws a batch of six is rows 0, 1, 2 of the first and rows 0, 1, 2 of the second.
///
/// # Example
///
/// ```
/// use burn::tensor::Device;
/// use burn_variational_dropout::{MaskRng, SiteDropout};
///
/// let device = Device::flex();
/// let dropout = SiteDropout::new(0.3);
/// let rng = MaskRng::seeded(1).layer(2);
/// let whole = dropout.sample([4, 8], &rng, &device);
/// let tail = dropout.sample([1, 8], &rng.clone().starting_row(3), &device);
/// let last = whole.values().unwrap().clone().slice([3..4]);
/// assert_eq!(last.into_data(), tail.values().unwrap().to_data());
/// ```
#[derive(Debug, Clone)]
pub struct MaskRng {
    seed: u64,
    draws: Range<u64>,
    first_row: u64,
    first_step: u64,
    layer: u32,
    direction: u8,
    site: u8,
    gate: u16,
    expected: bool,
    record: Option<Arc<DrawRecord>>,
}

impl MaskRng {
    /// Masks of this seed: draw 0, row 0, step 0, layer 0.
    pub fn seeded(seed: u64) -> Self {
        Self {
            seed,
            draws: 0..1,
            first_row: 0,
            first_step: 0,
            layer: 0,
            direction: 0,
            site: Site::Between as u8,
            gate: 0,
            expected: false,
            record: None,
        }
    }

    /// No randomness: every site answers with its expected mask, the identity where the scaling is
    /// inverted and the keep probability where it is not.
    ///
    /// A model run so is the weight-averaging approximation of its predictive mean.
    pub fn expected() -> Self {
        Self { expected: true, ..Self::seeded(0) }
    }

    /// The draw with this number.
    pub fn draw(mut self, draw: u64) -> Self {
        self.draws = draw..draw + 1;
        self
    }

    /// Several draws folded into one batch, draw after draw.
    ///
    /// # Panics
    ///
    /// If the range is empty.
    pub fn draws(mut self, draws: Range<u64>) -> Self {
        assert!(!draws.is_empty(), "MaskRng: draws must not be empty, got {draws:?}");
        self.draws = draws;
        self
    }

    /// The first of the draws folded into one batch.
    pub fn first_draw(&self) -> u64 {
        self.draws.start
    }

    /// The first row of each draw.
    pub fn first_row(&self) -> u64 {
        self.first_row
    }

    /// The number of draws folded into one batch.
    pub fn n_draws(&self) -> usize {
        (self.draws.end - self.draws.start) as usize
    }

    /// The first row of each draw: a batch that continues another's rows starts where it ended.
    pub fn starting_row(mut self, row: u64) -> Self {
        self.first_row = row;
        self
    }

    /// The first time step of masks that vary over time: a window that continues another's steps
    /// starts where it ended.
    pub fn starting_step(mut self, step: u64) -> Self {
        self.first_step = step;
        self
    }

    /// The layer of a stack.
    ///
    /// # Panics
    ///
    /// If the number does not fit 32 bits.
    pub fn layer(mut self, layer: usize) -> Self {
        self.layer = u32::try_from(layer).expect("MaskRng: layer must fit 32 bits");
        self
    }

    /// The direction of a layer: 0 forward, 1 backward.
    pub fn direction(mut self, direction: u8) -> Self {
        self.direction = direction;
        self
    }

    /// The site of a layer.
    pub fn site(mut self, site: Site) -> Self {
        self.site = site as u8;
        self
    }

    /// The gate of a site with one mask for each.
    ///
    /// # Panics
    ///
    /// If the number does not fit 16 bits.
    pub fn gate(mut self, gate: usize) -> Self {
        self.gate = u16::try_from(gate).expect("MaskRng: gate must fit 16 bits");
        self
    }

    /// Masks of their own for one part of a model.
    ///
    /// A module sets site, layer and gate of its masks, and knows nothing of the modules beside
    /// it: an encoder and a decoder that both have a layer 0, or two locked dropouts, would drop
    /// the same units unless they take `rng.scope(0)` and `rng.scope(1)`.
    pub fn scope(mut self, scope: u64) -> Self {
        let mut key = [0; 32];
        key[..8].copy_from_slice(&self.seed.to_le_bytes());
        key[21] = SCOPE;
        let mut words = ChaCha8Rng::from_seed(key);
        words.set_stream(scope);
        self.seed = words.next_u64();
        self
    }

    /// The same masks, noting in the returned record what a model asked for.
    pub fn recorded(mut self) -> (Self, Arc<DrawRecord>) {
        let record = Arc::new(DrawRecord::default());
        self.record = Some(record.clone());
        (self, record)
    }

    /// Whether this source answers with expected masks.
    pub fn is_expected(&self) -> bool {
        self.expected
    }

    /// Notes that a site asked for a mask with this drop probability.
    pub(crate) fn note(&self, prob: f64) {
        if let Some(record) = &self.record {
            record.asked.store(true, Ordering::Relaxed);
            if prob > 0.0 && !self.expected {
                record.random.store(true, Ordering::Relaxed);
            }
        }
    }

    /// The words of each row of a batch at one step, in the batch's order.
    ///
    /// With `shared`, all rows of a draw read the words of its row 0.
    ///
    /// # Panics
    ///
    /// If the batch does not divide into the draws.
    pub fn rows(
        &self,
        batch_size: usize,
        step: usize,
        shared: bool,
    ) -> impl Iterator<Item = WordStream> + '_ {
        let n_draws = self.n_draws();
        assert!(
            batch_size.is_multiple_of(n_draws),
            "MaskRng: batch_size must be a multiple of the {n_draws} draws folded into it, \
             got {batch_size}"
        );
        let rows = (batch_size / n_draws) as u64;
        let step = self.first_step + step as u64;
        self.draws.clone().flat_map(move |draw| {
            let key = self.key(draw, step);
            (0..rows).map(move |row| WordStream {
                key,
                row: if shared { 0 } else { self.first_row + row },
            })
        })
    }

    fn key(&self, draw: u64, step: u64) -> [u8; 32] {
        let mut key = [0; 32];
        key[..8].copy_from_slice(&self.seed.to_le_bytes());
        key[8..16].copy_from_slice(&draw.to_le_bytes());
        key[16..20].copy_from_slice(&self.layer.to_le_bytes());
        key[20] = self.direction;
        key[21] = self.site;
        key[22..24].copy_from_slice(&self.gate.to_le_bytes());
        key[24..].copy_from_slice(&step.to_le_bytes());
        key
    }
}

/// The random words of one row: any of them in constant time, whatever the others.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct WordStream {
    key: [u8; 32],
    row: u64,
}

impl WordStream {
    /// The word at a position.
    pub fn word(&self, position: u64) -> u32 {
        let mut words = self.generator();
        words.set_word_pos(u128::from(position));
        words.next_u32()
    }

    /// The words from position 0 on.
    pub fn words(&self) -> impl Iterator<Item = u32> {
        let mut words = self.generator();
        std::iter::repeat_with(move || words.next_u32())
    }

    fn generator(&self) -> ChaCha8Rng {
        let mut words = ChaCha8Rng::from_seed(self.key);
        words.set_stream(self.row);
        words
    }
}

/// What a model asked of a [`MaskRng`] while it sampled its masks.
#[derive(Debug, Default)]
pub struct DrawRecord {
    asked: AtomicBool,
    random: AtomicBool,
}

impl DrawRecord {
    /// Whether any site asked for a mask, be it at rate 0.
    pub fn asked(&self) -> bool {
        self.asked.load(Ordering::Relaxed)
    }

    /// Whether any mask was random: if none was, all draws are equal.
    pub fn random(&self) -> bool {
        self.random.load(Ordering::Relaxed)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn first_words(rng: &MaskRng) -> Vec<u32> {
        rng.rows(1, 0, false).next().unwrap().words().take(4).collect()
    }

    #[test]
    fn a_word_does_not_depend_on_the_words_before_it() {
        let rng = MaskRng::seeded(3);
        let row = rng.rows(1, 0, false).next().unwrap();
        let in_order: Vec<u32> = row.words().take(200).collect();
        for position in [0, 1, 63, 64, 199] {
            assert_eq!(row.word(position as u64), in_order[position]);
        }
    }

    #[test]
    fn every_coordinate_has_words_of_its_own() {
        let base = MaskRng::seeded(3);
        let others = [
            MaskRng::seeded(4),
            base.clone().draw(1),
            base.clone().starting_row(1),
            base.clone().starting_step(1),
            base.clone().layer(1),
            base.clone().direction(1),
            base.clone().site(Site::Input),
            base.clone().gate(1),
            base.clone().scope(0),
            base.clone().scope(1),
        ];
        let mut seen = vec![first_words(&base)];
        for other in &others {
            let words = first_words(other);
            assert!(!seen.contains(&words), "{other:?} repeats another coordinate's words");
            seen.push(words);
        }
    }

    #[test]
    fn draws_are_folded_draw_after_draw() {
        let rng = MaskRng::seeded(3);
        let folded: Vec<_> = rng.clone().draws(0..2).rows(4, 0, false).collect();
        let apart: Vec<_> = [0, 1]
            .into_iter()
            .flat_map(|draw| rng.clone().draw(draw).rows(2, 0, false).collect::<Vec<_>>())
            .collect();
        assert_eq!(folded, apart);
    }

    #[test]
    #[should_panic(expected = "batch_size must be a multiple of the 2 draws folded into it, got 3")]
    fn a_batch_that_does_not_divide_into_its_draws_is_refused() {
        let _ = MaskRng::seeded(3).draws(0..2).rows(3, 0, false).count();
    }

    #[test]
    #[should_panic(expected = "MaskRng: draws must not be empty, got 2..2")]
    fn no_draw_is_refused() {
        let _ = MaskRng::seeded(3).draws(2..2);
    }
}
