//! The sharing out: what a task is, and which thread runs it when.

mod blocks;
mod schedule;
mod threads;
mod tile;

pub(crate) use blocks::{PANEL_UNITS, blocks, padded};
pub(crate) use schedule::{MAX_ROWS, Schedule, fit_cache};
pub(crate) use threads::{Threads, for_each_chunk, in_pool};
pub(crate) use tile::Tile;
