//! The gated recurrent unit on the CPU, with the reset gate after or before the product.

pub(crate) mod after;
pub(crate) mod before;

use pulp::Simd;

use super::pointwise::{add, through_zoneout, zone_out};
use super::unit_masks::{OfRow, UnitMasks};
use crate::flex::numbers::{Real, mul_add};
use crate::flex::products::MaskValues;
use crate::flex::sharing::Tile;

const N_GATES: usize = 3;

/// What a forward pass reads and writes.
pub(crate) struct Forward<'a, T> {
    pub(crate) recurrent: &'a [T],
    pub(crate) masks: MaskValues<'a, T>,
    pub(crate) unit_masks: UnitMasks<'a, T>,
    /// `b_hn`, where the reset gate acts after the product.
    pub(crate) candidate_bias: Option<&'a [T]>,
    pub(crate) hidden: &'a [T],
    /// The projected inputs, which the gates replace.
    pub(crate) gates: &'a mut [T],
    /// What the backward pass needs besides the gates: of all steps, or of one if none is kept.
    pub(crate) inner: &'a mut [T],
    /// `h_t` of all steps.
    pub(crate) packed: &'a mut [T],
}

/// What a backward pass reads and writes.
pub(crate) struct Backward<'a, T> {
    pub(crate) recurrent: &'a [T],
    pub(crate) masks: MaskValues<'a, T>,
    pub(crate) unit_masks: UnitMasks<'a, T>,
    pub(crate) hidden: &'a [T],
    pub(crate) packed: &'a [T],
    /// That of the packed result.
    pub(crate) gradient: &'a [T],
    /// The gates, which the gradients of what entered them replace.
    pub(crate) gates: &'a mut [T],
    /// What the forward pass kept. Where the reset gate acts after the product, the gradient of
    /// the candidate's product replaces it.
    pub(crate) inner: &'a mut [T],
    /// Zeros; the gradient of `h_0` in the end.
    pub(crate) d_hidden: &'a mut [T],
}

/// Units of one row of `h_{t-1}`.
fn previous<'a, T>(
    (hidden, packed): (&'a [T], &'a [T]),
    t: usize,
    row: usize,
    tile: Tile<'_>,
) -> &'a [T] {
    match tile.sizes.steps.row_before(t, row) {
        None => &hidden[tile.at(row)],
        Some(before) => &packed[tile.at(before)],
    }
}

/// `h_t`: with `g = z_g ∘ n`, `g + z ∘ (h_{t-1} - g)`, zoned out.
#[inline(always)]
fn update<S: Simd, T: Real>(h: &mut [T], before: &[T], z: &[T], n: &[T], masks: OfRow<'_, T>) {
    let len = h.len();
    let (before, z, n) = (&before[..len], &z[..len], &n[..len]);
    match masks.candidate {
        None => {
            for j in 0..len {
                h[j] = mul_add::<S, T>(z[j], before[j] - n[j], n[j]);
            }
        }
        Some(mask) => {
            let mask = &mask[..len];
            for j in 0..len {
                let candidate = mask[j] * n[j];
                h[j] = mul_add::<S, T>(z[j], before[j] - candidate, candidate);
            }
        }
    }
    if let Some(share) = masks.hidden_zoneout {
        zone_out::<S, T>(h, before, share);
    }
}

/// Back through [`update`]: `z, n ← δ_z, δ_n`, and `carried` is what `h_{t-1}` gets past the gates.
/// `d_h`, the gradient of `h_t`, is used up; `scratch` holds a row.
#[inline(always)]
fn through_update<S: Simd, T: Real>(
    [z, n]: [&mut [T]; 2],
    carried: &mut [T],
    d_h: &mut [T],
    before: &[T],
    (masks, scratch): (OfRow<'_, T>, &mut [T]),
) {
    if let Some(share) = masks.hidden_zoneout {
        through_zoneout(d_h, scratch, share);
    }
    match masks.candidate {
        None => through_gates::<S, T>([z, n], carried, d_h, before),
        Some(mask) => through_masked_gates::<S, T>([z, n], carried, d_h, before, mask),
    }
    if masks.hidden_zoneout.is_some() {
        add(carried, scratch);
    }
}

/// Back through `n + z ∘ (h_{t-1} - n)`: `z, n ← δ_z, δ_n`, and `carried ← d_h ∘ z`.
#[inline(always)]
fn through_gates<S: Simd, T: Real>(
    [z, n]: [&mut [T]; 2],
    carried: &mut [T],
    d_h: &[T],
    before: &[T],
) {
    let len = z.len();
    let (n, carried) = (&mut n[..len], &mut carried[..len]);
    let (d_h, before) = (&d_h[..len], &before[..len]);
    for j in 0..len {
        let (z_j, n_j) = (z[j], n[j]);
        let kept = d_h[j] * z_j;
        carried[j] = kept;
        z[j] = kept * (before[j] - n_j) * (T::ONE - z_j);
        n[j] = (d_h[j] - kept) * mul_add::<S, T>(-n_j, n_j, T::ONE);
    }
}

/// The same with `z_g ∘ n` for `n`.
#[inline(always)]
fn through_masked_gates<S: Simd, T: Real>(
    [z, n]: [&mut [T]; 2],
    carried: &mut [T],
    d_h: &[T],
    before: &[T],
    mask: &[T],
) {
    let len = z.len();
    let (n, carried) = (&mut n[..len], &mut carried[..len]);
    let (d_h, before, mask) = (&d_h[..len], &before[..len], &mask[..len]);
    for j in 0..len {
        let (z_j, n_j) = (z[j], n[j]);
        let kept = d_h[j] * z_j;
        carried[j] = kept;
        z[j] = kept * (before[j] - mask[j] * n_j) * (T::ONE - z_j);
        n[j] = mask[j] * (d_h[j] - kept) * mul_add::<S, T>(-n_j, n_j, T::ONE);
    }
}
