//! What becomes of an earlier file.

use std::fs;

use burn_variational_plot::{LineChart, PlotError};

use crate::curves::flat;

#[test]
fn a_file_is_replaced_whole_or_left_as_it_was() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("chart.png");
    fs::write(&path, "an earlier file").unwrap();
    let chart = LineChart::new("title", "x", "y");
    assert!(matches!(chart.save(&path), Err(PlotError::Empty)));
    assert_eq!(fs::read(&path).unwrap(), b"an earlier file");
    let chart = chart.with_curve(flat("curve", 0, 1.0));
    chart.save(&path).unwrap();
    assert_eq!(fs::read(&path).unwrap()[..8], *b"\x89PNG\r\n\x1a\n");

    let taken = folder.path().join("taken");
    fs::create_dir(&taken).unwrap();
    let error = chart.save(&taken).unwrap_err();
    assert!(error.to_string().starts_with(&format!("plot: cannot save {}: ", taken.display())));
    assert_eq!(fs::read_dir(folder.path()).unwrap().count(), 2);
}
