//! Files that are replaced whole or not at all.

use std::fs;
use std::path::Path;

use crate::PlotError;
use crate::canvas::Drawn;

/// Replaces a file by what `write` writes to the path that it is given.
///
/// That path is beside the target: renaming is atomic, so no reader sees half a file.
pub(crate) fn replace(
    path: &Path,
    write: impl FnOnce(&Path) -> Drawn<()>,
) -> Result<(), PlotError> {
    let replaced = || {
        let mut name = path.file_name().ok_or("the path has no file name")?.to_owned();
        // Always the same name, so that what a kill leaves behind is gone after the next file.
        name.push(".partial");
        let partial = path.with_file_name(name);
        let replaced = write(&partial).and_then(|()| Ok(fs::rename(&partial, path)?));
        if replaced.is_err() {
            // The reason to report is why writing failed, not what became of the remains.
            let _ = fs::remove_file(&partial);
        }
        replaced
    };
    replaced().map_err(|source| PlotError::Save { path: path.to_owned(), source })
}
