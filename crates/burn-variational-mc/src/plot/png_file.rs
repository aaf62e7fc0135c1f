//! From the pixels of an oversampled picture to a PNG file.

use super::canvas::{CHANNELS, HEIGHT, OVERSAMPLING, WIDTH};
use plotters::prelude::{BitMapBackend, DrawingBackend};
use std::fs;
use std::path::Path;

/// Average of each block of fine pixels.
fn average_down(fine: &[u8]) -> Vec<u8> {
    let (width, height, factor) =
        (usize::from(WIDTH), usize::from(HEIGHT), usize::from(OVERSAMPLING));
    let mut pixels = Vec::with_capacity(width * height * CHANNELS);
    for y in 0..height {
        for x in 0..width {
            for channel in 0..CHANNELS {
                let mut sum = 0u16;
                for row in 0..factor {
                    let first = ((y * factor + row) * width + x) * factor;
                    sum += (first..first + factor)
                        .map(|pixel| u16::from(fine[pixel * CHANNELS + channel]))
                        .sum::<u16>();
                }
                let mean = sum / (OVERSAMPLING * OVERSAMPLING);
                pixels.push(u8::try_from(mean).unwrap_or(u8::MAX));
            }
        }
    }
    pixels
}

/// Averages the picture down and writes it.
///
/// The file is written beside the target first: renaming is atomic, so no reader sees half a
/// picture.
pub(super) fn write_png(path: &Path, fine_pixels: &[u8]) -> Result<(), String> {
    let name = path.file_name().ok_or("the path has no file name")?.to_string_lossy();
    // The encoder takes the format from the extension. The name is always the same, so that what a
    // kill leaves behind is gone after the next picture.
    let temporary = path.with_file_name(format!("{name}.partial.png"));
    let written = encode(&temporary, &average_down(fine_pixels))
        .and_then(|()| fs::rename(&temporary, path).map_err(|error| error.to_string()));
    if written.is_err() {
        // The reason to report is why writing failed, not what became of the remains.
        let _ = fs::remove_file(&temporary);
    }
    written
}

fn encode(path: &Path, pixels: &[u8]) -> Result<(), String> {
    let size = (u32::from(WIDTH), u32::from(HEIGHT));
    let mut backend = BitMapBackend::new(path, size);
    backend.blit_bitmap((0, 0), size, pixels).map_err(|error| error.to_string())?;
    backend.present().map_err(|error| error.to_string())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::plot::{PlotError, canvas::save};

    #[test]
    fn a_failed_write_names_the_file_and_leaves_nothing_behind() {
        let folder = std::env::temp_dir().join(format!("plot-write-{}", std::process::id()));
        fs::create_dir_all(folder.join("taken.png")).unwrap();
        let path = folder.join("taken.png");
        let error = save(&path, |_canvas| Ok(())).unwrap_err();
        assert!(matches!(&error, PlotError::Write { path: named, .. } if *named == path));
        assert_eq!(fs::read_dir(&folder).unwrap().count(), 1);
        fs::remove_dir_all(folder).unwrap();
    }
}
