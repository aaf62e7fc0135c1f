//! Ctrl-C: the run ends at the next batch, and its last checkpoint stays.

use std::sync::atomic::{AtomicBool, Ordering};

use anyhow::{Context, Result};

static INTERRUPTED: AtomicBool = AtomicBool::new(false);

/// The error of a run that Ctrl-C ended.
#[derive(Debug, thiserror::Error)]
#[error("interrupted; the last checkpoint is kept, go on with --resume")]
pub struct Stopped;

/// Notes Ctrl-C from here on.
///
/// # Errors
///
/// If something else listens for it already.
pub fn watch() -> Result<()> {
    let watched = ctrlc::set_handler(|| INTERRUPTED.store(true, Ordering::Relaxed));
    watched.context("cannot listen for Ctrl-C")
}

/// Whether Ctrl-C was pressed.
pub fn asked() -> bool {
    INTERRUPTED.load(Ordering::Relaxed)
}

/// Asks whether Ctrl-C was pressed.
///
/// # Errors
///
/// Once it was.
pub fn check() -> Result<(), Stopped> {
    if asked() { Err(Stopped) } else { Ok(()) }
}
