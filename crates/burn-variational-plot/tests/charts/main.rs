//! Charts as their readers see them: pixels, elements of pages, and files.

mod curves;
mod files;
mod masks;
mod pixels;
mod text;
mod uncertainty;
