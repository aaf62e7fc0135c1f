//! Masks of several schemes.

use burn_variational_plot::{MaskGrid, MaskScheme};
use image::RgbImage;

use crate::pixels::{BLUE, LEGEND_END, ORANGE, is, picture};

const DROPPED: [u8; 3] = [238, 238, 238];

/// What is drawn at the middle of each cell of masks that fill the picture from side to side, from
/// the lowest row of them upwards, among these colours.
fn cells(picture: &RgbImage, [columns, rows]: [u32; 2], colours: &[[u8; 3]]) -> Vec<Vec<usize>> {
    let (width, height) = picture.dimensions();
    let find = |at| colours.iter().position(|&colour| is(picture, at, colour));
    let within: Vec<_> = (LEGEND_END..height)
        .flat_map(|y| (0..width).map(move |x| (x, y)))
        .filter(|&at| find(at).is_some())
        .collect();
    let ends = |of: fn(&(u32, u32)) -> u32| {
        let (low, high) =
            (within.iter().map(of).min().unwrap(), within.iter().map(of).max().unwrap());
        (low, high + 1 - low)
    };
    let ((left, across), (top, down)) = (ends(|at| at.0), ends(|at| at.1));
    let middle = |start, size, cell, cells| start + size * (2 * cell + 1) / (2 * cells);
    let row = |row| {
        let y = middle(top, down, rows - 1 - row, rows);
        let find = |column| find((middle(left, across, column, columns), y)).unwrap();
        (0..columns).map(find).collect()
    };
    (0..rows).map(row).collect()
}

#[test]
fn time_runs_to_the_right_units_upwards_and_each_factor_has_a_colour() {
    let steps = [vec![2.0, 0.0, 1.0], vec![0.0, 0.0, 1.0], vec![2.0, 1.0, 0.0], vec![0.0; 3]];
    let grid = |steps| MaskGrid::new("").with_scheme(MaskScheme::new("").with_panel("", steps));
    let colours = [DROPPED, BLUE, ORANGE];
    let drawn = picture(|path| grid(steps.to_vec()).save(path));
    let of_units = [[2, 0, 2, 0], [0, 0, 1, 0], [1, 1, 0, 0]];
    assert_eq!(cells(&drawn, [4, 3], &colours), of_units);
    // The colours of factors go by their size, and those that are 2 alone have the first one.
    let doubled =
        steps.map(|step| step.into_iter().map(|factor| 2.0 * f64::ceil(factor / 2.0)).collect());
    let drawn = picture(|path| grid(doubled.to_vec()).save(path));
    let of_units = [[1, 0, 1, 0], [0, 0, 1, 0], [1, 1, 0, 0]];
    assert_eq!(cells(&drawn, [4, 3], &colours), of_units);
}

#[test]
fn schemes_stand_side_by_side_until_a_row_is_full() {
    let scheme = |name: &str, n_panels| {
        (0..n_panels).fold(MaskScheme::new(name), |scheme, _| scheme.with_panel("x", [vec![1.0]]))
    };
    let grid = |n_panels: &[usize]| {
        let schemes = n_panels.iter().map(|&n_panels| scheme("scheme", n_panels));
        schemes.fold(MaskGrid::new("title"), MaskGrid::with_scheme)
    };
    // The stretches of blue along a line through the middle of the last row of panels.
    let panels_of_last_row = |n_panels: &[usize]| {
        let drawn = picture(|path| grid(n_panels).save(path));
        let middle = drawn.height() - 90;
        let blue = |x| is(&drawn, (x, middle), BLUE);
        ((1..960).filter(|&x| blue(x) && !blue(x - 1)).count(), drawn.height())
    };
    let (n_panels, height) = panels_of_last_row(&[2, 3, 1]);
    assert_eq!(n_panels, 6);
    let (n_panels, two_rows) = panels_of_last_row(&[2, 3, 2, 1]);
    assert_eq!(n_panels, 3);
    let (n_panels, more) = panels_of_last_row(&[2, 7]);
    assert_eq!((n_panels, more), (7, two_rows));
    assert!(two_rows > height);
}

#[test]
fn masks_that_cannot_be_drawn_are_refused_by_name() {
    let refused = |steps: Vec<Vec<f64>>| {
        let scheme = MaskScheme::new("naive").with_panel("input", steps);
        MaskGrid::new("title").with_scheme(scheme).save("").unwrap_err().to_string()
    };
    assert_eq!(refused(vec![vec![]; 3]), "plot: there is no point to draw");
    let message = "plot: `input` must have 2 units at every step, got 1 at step 2";
    assert_eq!(refused(vec![vec![0.0; 2], vec![0.0; 2], vec![0.0]]), message);
    let message = "plot: `input` cannot be drawn at (1, inf)";
    assert_eq!(refused(vec![vec![1.0], vec![f64::INFINITY]]), message);
    // Factors that differ in the third decimal are one.
    let factors = (1..=8).flat_map(|k| [f64::from(k), f64::from(k) + 1e-3]).collect();
    let message = "plot: factors of masks must be at most 7, got 8";
    assert_eq!(refused(vec![factors]), message);
}
