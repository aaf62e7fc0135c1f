//! Charts as their readers see them: pixels, and files.

mod curves;
mod files;
mod masks;
mod pixels;
mod uncertainty;
