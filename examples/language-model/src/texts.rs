//! The texts of a corpus, cut as a run reads them.

use anyhow::{Context, Result};
use burn_variational::training::TokenWindows;

use crate::arguments::Run;
use crate::corpus::Corpus;
use crate::preset::Preset;

/// The texts of a corpus, cut as a run reads them.
#[derive(Debug)]
pub(crate) struct Texts {
    /// Whole windows of parallel streams.
    pub(crate) train: TokenWindows,
    /// Every token of parallel streams.
    pub(crate) train_whole: TokenWindows,
    pub(crate) valid: TokenWindows,
    /// Whole windows of one stream, which a `Learner` makes rows of.
    pub(crate) train_rows: TokenWindows,
    pub(crate) valid_rows: TokenWindows,
    /// Every token of one stream.
    pub(crate) test: TokenWindows,
    pub(crate) n_types: usize,
    pub(crate) source_perplexity: Option<f64>,
}

impl Texts {
    /// # Errors
    ///
    /// If a text is too short.
    pub(crate) fn new(corpus: &Corpus, run: &Run) -> Result<Self> {
        let Preset { batch_size, seq_length, .. } = run.preset();
        let whole = |name: &str, tokens: &[u32], batch_size| {
            TokenWindows::with_short_last(tokens, batch_size, seq_length)
                .with_context(|| format!("{name} text"))
        };
        let rows = |name: &str, tokens: &[u32]| {
            TokenWindows::new(tokens, 1, seq_length).with_context(|| format!("{name} text"))
        };
        Ok(Self {
            train: TokenWindows::new(&corpus.train, batch_size, seq_length)
                .context("train text")?,
            train_whole: whole("train", &corpus.train, batch_size)?,
            valid: whole("valid", &corpus.valid, batch_size)?,
            train_rows: rows("train", &corpus.train)?,
            valid_rows: rows("valid", &corpus.valid)?,
            test: whole("test", &corpus.test, 1)?,
            n_types: corpus.n_types,
            source_perplexity: corpus.source_perplexity,
        })
    }
}
