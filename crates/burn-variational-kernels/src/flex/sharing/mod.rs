//! The sharing out: what a task is, and which thread runs it when.

mod blocks;
mod parts;
mod schedule;
mod sizes;
mod threads;
mod tile;
mod walk_back;

pub(crate) use blocks::padded;
pub(crate) use parts::{MIN_UNITS, SMALL_DEPTH, is_narrow, least_columns, least_rows, n_parts};
pub(crate) use schedule::{Schedule, fit_cache};
pub(crate) use sizes::Sizes;
pub(crate) use threads::{Threads, for_each_chunk, in_pool, in_pool_unless_small, stays};
pub(crate) use tile::Tile;
pub(crate) use walk_back::WalkedBack;
