//! A draw: what masks are sampled from.

use std::ops::Range;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};

use crate::Site;
use crate::words::{Coordinates, WordStream, scoped_seed};

/// One draw of the masks of a model, or several folded into one batch; made by
/// [`MaskRng::draw`](crate::MaskRng::draw).
///
/// A word is a function of (seed, draw, layer, direction, site, gate, step, row, unit) through
/// `ChaCha8`: the first seven are its key, the row its stream, the unit its word position. The same
/// seed therefore gives the same masks on every backend, for any split of the batch over calls and
/// any number of draws in one pass, and no two coordinates share a word.
///
/// A batch holds the rows `first_row..` of each draw, draw after draw: with two draws a batch of
/// six is rows 0, 1, 2 of the first and rows 0, 1, 2 of the second.
///
/// # Parts
///
/// A layer knows nothing of the layers beside it. Two of them would drop the same units if both
/// sampled one draw, so each takes a [part](Self::part) of it by name. A tuple of modules names its
/// parts by itself (see [`VariationalModel`](crate::VariationalModel)). What forgets it does not
/// pass unseen: a draw is moved into what samples it, so that sampling it twice does not compile,
///
/// ```compile_fail,E0382
/// use burn::tensor::Device;
/// use burn_variational_dropout::{BatchExtent, LockedDropoutConfig, MaskRng, VariationalModel};
///
/// let dropout = LockedDropoutConfig::new(8, 0.5).init();
/// let extent = BatchExtent::new(2, &Device::flex()).with_seq_length(3);
/// let draw = MaskRng::seeded(1).draw(0);
/// let below = dropout.sample_masks(&extent, draw);
/// let above = dropout.sample_masks(&extent, draw);
/// ```
///
/// and a layer that is given a whole draw panics:
///
/// ```should_panic
/// # use burn::tensor::Device;
/// # use burn_variational_dropout::{BatchExtent, LockedDropoutConfig, MaskRng, VariationalModel};
/// # let dropout = LockedDropoutConfig::new(8, 0.5).init();
/// # let extent = BatchExtent::new(2, &Device::flex()).with_seq_length(3);
/// let _ = dropout.sample_masks(&extent, MaskRng::seeded(1).draw(0));
/// ```
///
/// # Example
///
/// ```
/// use burn::tensor::Device;
/// use burn_variational_dropout::{MaskRng, SiteDropout};
///
/// let device = Device::flex();
/// let dropout = SiteDropout::new(0.3);
/// let draw = MaskRng::seeded(1).draw(7).part("encoder");
/// let whole = dropout.sample([4, 8], &draw, &device).values().unwrap();
/// let tail = dropout.sample([1, 8], &draw.starting_row(3), &device).values().unwrap();
/// assert_eq!(whole.slice([3..4]).into_data(), tail.into_data());
/// ```
#[derive(Debug)]
pub struct MaskDraw {
    kind: Kind,
    draws: Range<u64>,
    first_row: u64,
    first_step: u64,
    shares_rows: bool,
    coordinates: Coordinates,
    is_part: bool,
    record: Option<Arc<DrawRecord>>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Kind {
    Random,
    Expected,
}

impl MaskDraw {
    pub(crate) fn new(seed: u64, draws: Range<u64>) -> Self {
        assert!(!draws.is_empty(), "MaskRng: draws must not be empty, got {draws:?}");
        Self {
            kind: Kind::Random,
            draws,
            first_row: 0,
            first_step: 0,
            shares_rows: false,
            coordinates: Coordinates {
                seed,
                site: Site::Between.number(),
                ..Coordinates::default()
            },
            is_part: false,
            record: None,
        }
    }

    /// No randomness: every site answers with its expected mask, the identity where the scaling is
    /// inverted and the keep probability where it is not.
    ///
    /// A model run so is the weight-averaging approximation of its predictive mean.
    pub fn expected() -> Self {
        Self { kind: Kind::Expected, ..Self::new(0, 0..1) }
    }

    /// The share of one part of a model, with masks of its own.
    ///
    /// Parts nest: the parts of an encoder's part are not those of a decoder's.
    pub fn part(&self, name: &str) -> Self {
        let mut part = self.again();
        part.coordinates.seed = scoped_seed(part.coordinates.seed, name);
        part.is_part = true;
        part
    }

    /// The first row of each draw: a batch that continues another's rows starts where it ended.
    pub fn starting_row(&self, row: u64) -> Self {
        Self { first_row: row, ..self.again() }
    }

    /// The same draw for every row: all of them read the words of row 0, whatever row the batch
    /// starts at. One function of the model is sampled for a whole data set, and its batches may
    /// have any sizes.
    ///
    /// # Example
    ///
    /// ```
    /// use burn::tensor::Device;
    /// use burn_variational_dropout::{MaskRng, SiteDropout};
    ///
    /// let (device, dropout) = (Device::flex(), SiteDropout::new(0.5));
    /// let draw = MaskRng::seeded(1).draw(0).part("encoder").shared_rows();
    /// let batch = dropout.sample([5, 8], &draw, &device).values().unwrap();
    /// let last = dropout.sample([2, 8], &draw.starting_row(5), &device).values().unwrap();
    /// assert_eq!(last.into_data(), batch.slice([0..2]).into_data());
    /// ```
    pub fn shared_rows(&self) -> Self {
        Self { shares_rows: true, ..self.again() }
    }

    /// The first time step of masks that vary over time: a window that continues another's steps
    /// starts where it ended.
    pub fn starting_step(&self, step: u64) -> Self {
        Self { first_step: step, ..self.again() }
    }

    /// A layer of a stack.
    ///
    /// # Panics
    ///
    /// If the number does not fit 32 bits.
    pub fn layer(&self, layer: usize) -> Self {
        let mut draw = self.again();
        draw.coordinates.layer = u32::try_from(layer).expect("MaskDraw: layer must fit 32 bits");
        draw
    }

    /// A direction of a layer: 0 forward, 1 backward.
    pub fn direction(&self, direction: u8) -> Self {
        let mut draw = self.again();
        draw.coordinates.direction = direction;
        draw
    }

    /// A site of a layer.
    pub fn site(&self, site: &Site) -> Self {
        let mut draw = self.again();
        if let Site::Named(_) = site {
            draw.coordinates.seed = scoped_seed(draw.coordinates.seed, site.name());
        }
        draw.coordinates.site = site.number();
        draw
    }

    /// A gate of a site with one mask for each.
    ///
    /// # Panics
    ///
    /// If the number does not fit 16 bits.
    pub fn gate(&self, gate: usize) -> Self {
        let mut draw = self.again();
        draw.coordinates.gate = u16::try_from(gate).expect("MaskDraw: gate must fit 16 bits");
        draw
    }

    /// The number of draws folded into one batch.
    pub fn n_draws(&self) -> usize {
        (self.draws.end - self.draws.start) as usize
    }

    /// Whether every site answers with its expected mask.
    pub fn is_expected(&self) -> bool {
        self.kind == Kind::Expected
    }

    /// Checks that this is a part of a draw: what a module with masks of its own samples from.
    ///
    /// # Panics
    ///
    /// If it is a whole draw, naming the owner of the masks.
    pub fn assert_part(&self, owner: &str) {
        assert!(
            self.is_part || self.is_expected(),
            "{owner}: masks must be sampled from a part of a draw, such as `draw.part(\"encoder\")`, \
             got the whole draw: another module that samples it would drop the same units"
        );
    }

    /// The same draw, noting in the returned record what is asked of it. `batch_size` is the
    /// number of rows that masks are expected to be asked for, draws included.
    pub fn recorded(&self, batch_size: usize) -> (Self, Arc<DrawRecord>) {
        let record = Arc::new(DrawRecord { batch_size, ..DrawRecord::default() });
        (Self { record: Some(record.clone()), ..self.again() }, record)
    }

    /// Notes that a site asked for a mask, random or not.
    pub(crate) fn note(&self, random: bool) {
        if let Some(record) = &self.record {
            record.asked.store(true, Ordering::Relaxed);
            record.random.fetch_or(random && !self.is_expected(), Ordering::Relaxed);
        }
    }

    /// The random words of each row of a batch at one step, in the batch's order: for masks, and
    /// for any other noise of a user's own, which becomes as repeatable as a mask. They are random
    /// even in an [expected](Self::expected) draw.
    ///
    /// With `shared`, or where the draw [shares its rows](Self::shared_rows), all rows of a draw read
    /// the words of its row 0.
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
        self.note_rows(batch_size);
        let rows = batch_size.div_ceil(self.n_draws()) as u64;
        let further = move |row| if self.shares(shared) { 0 } else { row };
        let streams = self.first_rows(step, shared);
        let streams =
            streams.flat_map(move |first| (0..rows).map(move |row| first.further(further(row))));
        streams.take(batch_size)
    }

    /// Notes that masks were asked for, for so many rows.
    ///
    /// # Panics
    ///
    /// If these do not divide into the draws.
    pub(crate) fn note_rows(&self, batch_size: usize) {
        self.note(true);
        let n_draws = self.n_draws();
        if let Some(record) = &self.record
            && !batch_size.is_multiple_of(record.batch_size)
        {
            // Whoever records is told of other rows; what is sampled for them is of no use.
            record.other_batch_size.store(batch_size, Ordering::Relaxed);
        } else {
            assert!(
                batch_size.is_multiple_of(n_draws),
                "MaskDraw: batch_size must be a multiple of the {n_draws} draws folded into it, \
                 got {batch_size}"
            );
        }
    }

    /// The random words of the first row of each draw at one step.
    pub(crate) fn first_rows(&self, step: usize, shared: bool) -> impl Iterator<Item = WordStream> {
        let first_row = if self.shares(shared) { 0 } else { self.first_row };
        let (step, coordinates) = (self.first_step + step as u64, self.coordinates);
        self.draws.clone().map(move |draw| {
            WordStream::new(Coordinates { draw, step, ..coordinates }.key(), first_row)
        })
    }

    /// Whether all rows of a draw read the words of its row 0, where a site asks for it or not.
    pub(crate) fn shares(&self, shared: bool) -> bool {
        shared || self.shares_rows
    }

    /// The random words of what all rows of a batch share, as a weight: whatever the rows and steps
    /// that the draw starts at. `owner` is who asks, for the message.
    ///
    /// # Panics
    ///
    /// If several draws are folded into the batch: their rows cannot share.
    pub fn shared_words(&self, owner: &str) -> WordStream {
        assert!(
            self.n_draws() == 1,
            "{owner}: draws must not be folded, as all rows of a batch share its weights, got {} \
             draws; the model's `folds_draws` must be false",
            self.n_draws()
        );
        self.note(true);
        let draw = self.draws.start;
        WordStream::new(Coordinates { draw, ..self.coordinates }.key(), 0)
    }

    /// Another handle on the same draw. Private: to sample a draw twice is the mistake that a
    /// move prevents.
    fn again(&self) -> Self {
        Self {
            kind: self.kind,
            draws: self.draws.clone(),
            first_row: self.first_row,
            first_step: self.first_step,
            shares_rows: self.shares_rows,
            coordinates: self.coordinates,
            is_part: self.is_part,
            record: self.record.clone(),
        }
    }
}

/// What a model asked of a [`MaskDraw`] while it sampled its masks.
#[derive(Debug, Default)]
pub struct DrawRecord {
    batch_size: usize,
    asked: AtomicBool,
    random: AtomicBool,
    /// 0 for none: no mask has no row.
    other_batch_size: AtomicUsize,
}

impl DrawRecord {
    /// Whether any site asked for a mask, be it at rate 0, or anybody for random words.
    pub fn asked(&self) -> bool {
        self.asked.load(Ordering::Relaxed)
    }

    /// Whether anything random was asked for: if nothing was, all draws are equal.
    pub fn random(&self) -> bool {
        self.random.load(Ordering::Relaxed)
    }

    /// A number of rows that masks were asked for, where it is not the one expected.
    pub fn other_batch_size(&self) -> Option<usize> {
        Some(self.other_batch_size.load(Ordering::Relaxed)).filter(|&rows| rows > 0)
    }
}

#[cfg(test)]
mod tests;
