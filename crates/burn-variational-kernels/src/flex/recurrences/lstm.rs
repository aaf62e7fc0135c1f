//! The long short-term memory on the CPU.

use pulp::{Simd, WithSimd};

use super::entering::Entering;
use super::kept::Kept;
use super::pointwise::{
    add, add_gradient, add_sigmoid, add_tanh, drop_vanished, multiply, through_zoneout, zone_out,
};
use super::unit_masks::{OfRow, UnitMasks};
use crate::flex::memory::{Scratch, Shared};
use crate::flex::numbers::{Real, arch, mul_add, tanh};
use crate::flex::products::{MaskValues, Panels, PullBack};
use crate::flex::sharing::{Schedule, Sizes, Tile, WalkedBack};

const N_GATES: usize = 4;

/// What a forward pass reads and writes.
pub(crate) struct Forward<'a, T> {
    pub(crate) recurrent: &'a [T],
    pub(crate) masks: MaskValues<'a, T>,
    pub(crate) unit_masks: UnitMasks<'a, T>,
    pub(crate) hidden: &'a [T],
    pub(crate) cell: &'a [T],
    /// The projected inputs, which the gates replace.
    pub(crate) gates: &'a mut [T],
    /// Of all steps, or of two in turns if none is kept.
    pub(crate) cells: &'a mut [T],
    /// `h_t` of all steps, and the last cell of every row.
    pub(crate) packed: &'a mut [T],
}

/// Runs the recurrence over all steps.
pub(crate) fn forward<T: Real>(sizes: Sizes<'_>, pass: Forward<'_, T>) {
    let schedule = Schedule::new::<T>(sizes);
    let panels = Panels::of_weights(pass.recurrent, &schedule);
    let (gates, cells) = (Shared::new(pass.gates), Kept::new(sizes, pass.cells));
    let packed = Shared::new(pass.packed);
    let mut copies = Scratch::new(Entering::copies_len(&pass.masks, sizes));
    let entering = Entering::new(sizes, pass.masks, pass.hidden, packed, &mut copies);
    let arch = arch();

    schedule.walk(1, N_GATES, |scratch, _, t, tile| {
        let products = &mut scratch[..N_GATES * tile.product_len()];
        // SAFETY: the step before is a stage of its own.
        unsafe { entering.products(&panels, t, 0..N_GATES, tile, products) };
        arch.dispatch(ForwardRows {
            t,
            tile,
            products,
            gates,
            cells,
            packed,
            initial_cell: pass.cell,
            unit_masks: pass.unit_masks,
            entering: &entering,
        });
    });
}

/// The point-wise part of one step, for some rows and units.
struct ForwardRows<'a, 'b, T> {
    t: usize,
    tile: Tile<'b>,
    /// `[n_gates, rows, padded units]`.
    products: &'b [T],
    gates: Shared<'a, T>,
    cells: Kept<'a, T>,
    packed: Shared<'a, T>,
    initial_cell: &'a [T],
    unit_masks: UnitMasks<'a, T>,
    entering: &'b Entering<'a, T>,
}

impl<T: Real> WithSimd for ForwardRows<'_, '_, T> {
    type Output = ();

    #[inline(always)]
    fn with_simd<S: Simd>(self, _: S) {
        let Self { t, tile, .. } = self;
        let steps = tile.sizes.steps;
        for row in tile.rows.clone() {
            let product = |gate: usize| tile.of_product(self.products, gate, row);
            // SAFETY: this task alone has these rows and units of this step, and the cells of the
            // step before; each range is another part of its buffer.
            let (i, f, g, o, c, h) = unsafe {
                let gate = |gate| self.gates.write(tile.at_gate(t, row, gate));
                let c = self.cells.write(t, row, tile);
                let h = self.packed.write(tile.at_step(t, row));
                (gate(0), gate(1), gate(2), gate(3), c, h)
            };
            let c_before = match steps.before(t, row) {
                None => &self.initial_cell[tile.at(row)],
                // SAFETY: as above.
                Some(before) => unsafe { self.cells.read(before, row, tile) },
            };
            add_sigmoid::<S, T>(i, product(0));
            add_sigmoid::<S, T>(f, product(1));
            add_tanh::<S, T>(g, product(2));
            add_sigmoid::<S, T>(o, product(3));
            let masks = self.unit_masks.at(t, row, tile);
            next_cell::<S, T>(c, c_before, [i, f, g], masks);
            output::<S, T>(h, o, c);
            if let Some(mask) = masks.hidden {
                multiply(h, mask);
            }
            if let Some(share) = masks.cell_zoneout {
                keep_cell::<S, T>(c, c_before, share, masks.cell);
            }
            if let Some(share) = masks.hidden_zoneout {
                // SAFETY: as above.
                zone_out::<S, T>(h, unsafe { self.entering.state(t, row, tile) }, share);
            }
            // SAFETY: as above.
            unsafe { self.entering.set(t, row, tile, h) };
            if steps.after(t, row).is_none() {
                // SAFETY: as above.
                unsafe { self.packed.write(tile.at(steps.n_rows() + row)) }.copy_from_slice(c);
            }
        }
    }
}

/// `c ← z_c ∘ (f ∘ c_{t-1} + i ∘ z_g ∘ g)`, what the output reads.
#[inline(always)]
fn next_cell<S: Simd, T: Real>(
    c: &mut [T],
    before: &[T],
    [i, f, g]: [&[T]; 3],
    masks: OfRow<'_, T>,
) {
    let n = c.len();
    let (before, i, f, g) = (&before[..n], &i[..n], &f[..n], &g[..n]);
    match masks.candidate {
        None => {
            for j in 0..n {
                c[j] = mul_add::<S, T>(f[j], before[j], i[j] * g[j]);
            }
        }
        Some(mask) => {
            let mask = &mask[..n];
            for j in 0..n {
                c[j] = mul_add::<S, T>(f[j], before[j], i[j] * (mask[j] * g[j]));
            }
        }
    }
    if let Some(mask) = masks.cell {
        multiply(c, mask);
    }
}

/// `c_t ← u ∘ c + (1 - u) ∘ z_c ∘ c_{t-1}`, where `u` is the share that is new.
#[inline(always)]
fn keep_cell<S: Simd, T: Real>(c: &mut [T], before: &[T], share: &[T], mask: Option<&[T]>) {
    let Some(mask) = mask else { return zone_out::<S, T>(c, before, share) };
    let n = c.len();
    let (before, share, mask) = (&before[..n], &share[..n], &mask[..n]);
    for j in 0..n {
        let kept = (T::ONE - share[j]) * (mask[j] * before[j]);
        c[j] = mul_add::<S, T>(share[j], c[j], kept);
    }
}

/// `h ← o ∘ tanh(c)`.
#[inline(always)]
fn output<S: Simd, T: Real>(h: &mut [T], o: &[T], c: &[T]) {
    for ((h, &o), &c) in h.iter_mut().zip(o).zip(c) {
        *h = o * tanh::<S, T>(c);
    }
}

/// What a backward pass reads and writes.
pub(crate) struct Backward<'a, T> {
    pub(crate) recurrent: &'a [T],
    pub(crate) masks: MaskValues<'a, T>,
    pub(crate) unit_masks: UnitMasks<'a, T>,
    pub(crate) cell: &'a [T],
    pub(crate) cells: &'a [T],
    /// That of the packed result.
    pub(crate) gradient: &'a [T],
    /// The gates, which the gradients of what entered them replace.
    pub(crate) gates: &'a mut [T],
    /// Zeros; the gradient of `h_0` in the end.
    pub(crate) d_hidden: &'a mut [T],
    /// The gradient of `c_0`, to be filled.
    pub(crate) d_cell: &'a mut [T],
}

/// Walks back over all steps. One stage more than there are steps gives the gradient of `h_0`.
pub(crate) fn backward<T: Real>(sizes: Sizes<'_>, pass: Backward<'_, T>) {
    let Sizes { steps, d_hidden, .. } = sizes;
    let schedule = Schedule::new::<T>(sizes);
    let pull_back = PullBack::new(pass.recurrent, pass.masks, &schedule);
    pass.d_cell.copy_from_slice(&pass.gradient[steps.n_rows() * d_hidden..]);
    let gates = Shared::new(pass.gates);
    let (carried, d_cell) = (Shared::new(pass.d_hidden), Shared::new(pass.d_cell));
    let arch = arch();

    schedule.walk_back(1, 2, |scratch, _, at, tile| {
        let (d_h, product) = tile.sum_and_product(scratch);
        if let Some(later) = at.later {
            let deltas = (gates, N_GATES * d_hidden);
            // SAFETY: the later step is a stage of its own, and finished.
            unsafe { pull_back.add_step(0..N_GATES, deltas, later, tile, d_h, product) };
        }
        arch.dispatch(BackwardRows {
            at,
            tile,
            d_h,
            scratch: product,
            gradient: pass.gradient,
            gates,
            cells: pass.cells,
            initial_cell: pass.cell,
            unit_masks: pass.unit_masks,
            carried,
            d_cell,
        });
    });
}

/// The point-wise part of one step back, for some rows and units; without a step, what is left for
/// `h_0`.
struct BackwardRows<'a, 'b, T> {
    at: WalkedBack,
    tile: Tile<'b>,
    /// What comes back through the products of the next step, `[rows, padded units]`.
    d_h: &'b mut [T],
    /// As large, of any values.
    scratch: &'b mut [T],
    gradient: &'a [T],
    gates: Shared<'a, T>,
    cells: &'a [T],
    initial_cell: &'a [T],
    unit_masks: UnitMasks<'a, T>,
    /// What the next step hands back to what it zones out.
    carried: Shared<'a, T>,
    d_cell: Shared<'a, T>,
}

impl<T: Real> WithSimd for BackwardRows<'_, '_, T> {
    type Output = ();

    #[inline(always)]
    fn with_simd<S: Simd>(self, _: S) {
        let Self { tile, .. } = self;
        let scratch = self.scratch.chunks_exact_mut(tile.width());
        let rows = tile.rows.clone().zip(self.d_h.chunks_exact_mut(tile.width())).zip(scratch);
        for ((row, d_h), scratch) in rows {
            let (d_h, scratch) = (&mut d_h[..tile.units.len()], &mut scratch[..tile.units.len()]);
            // SAFETY: this task alone has these rows and units.
            let carried = unsafe { self.carried.write(tile.at(row)) };
            if self.unit_masks.zones_out_hidden() {
                add(d_h, carried);
            }
            let Some(t) = self.at.step_of(row) else {
                carried.copy_from_slice(d_h);
                continue;
            };
            // SAFETY: this task alone has these rows and units of this step; each gate is another
            // part of the buffer.
            let (i, f, g, o, d_c) = unsafe {
                let gate = |gate| self.gates.write(tile.at_gate(t, row, gate));
                (gate(0), gate(1), gate(2), gate(3), self.d_cell.write(tile.at(row)))
            };
            let c = &self.cells[tile.at_step(t, row)];
            let c_before = match tile.sizes.steps.row_before(t, row) {
                None => &self.initial_cell[tile.at(row)],
                Some(before) => &self.cells[tile.at(before)],
            };
            add_gradient(d_h, &self.gradient[tile.at_step(t, row)]);
            let masks = self.unit_masks.at(t, row, tile);
            if let Some(share) = masks.hidden_zoneout {
                through_zoneout(d_h, carried, share);
            }
            if let Some(mask) = masks.hidden {
                multiply(d_h, mask);
            }
            match masks.cell_zoneout {
                None => through_output::<S, T>(o, d_c, c, d_h),
                Some(share) => {
                    // What the output read is not what was kept.
                    next_cell::<S, T>(scratch, c_before, [i, f, g], masks);
                    through_output_and_share::<S, T>(o, d_c, scratch, d_h, share);
                }
            }
            if let Some(mask) = masks.cell {
                multiply(d_c, mask);
            }
            drop_vanished(d_c);
            through_cell::<S, T>([i, f, g], d_c, c_before);
            if let Some(mask) = masks.candidate {
                multiply(i, mask);
                multiply(g, mask);
            }
            if masks.cell_zoneout.is_some() {
                if let Some(mask) = masks.cell {
                    multiply(d_h, mask);
                }
                add(d_c, d_h);
            }
        }
    }
}

/// Back through `h = o ∘ tanh(c)`: `o ← δ_o`, `d_c += d_h ∘ o ∘ (1 - tanh² c)`.
#[inline(always)]
fn through_output<S: Simd, T: Real>(o: &mut [T], d_c: &mut [T], c: &[T], d_h: &[T]) {
    let n = o.len();
    let (d_c, c, d_h) = (&mut d_c[..n], &c[..n], &d_h[..n]);
    for j in 0..n {
        let tanh_c = tanh::<S, T>(c[j]);
        let from_h = d_h[j] * o[j];
        d_c[j] = mul_add::<S, T>(from_h, mul_add::<S, T>(-tanh_c, tanh_c, T::ONE), d_c[j]);
        o[j] = from_h * tanh_c * (T::ONE - o[j]);
    }
}

/// The same, and back through the share `u` of `c` in the cell: `d_c ← u ∘ d_c + d_h ∘ o ∘ (1 - tanh²
/// c)`. `d_h`, which is used up, takes what the cell before gets past it, `(1 - u) ∘ d_c`.
#[inline(always)]
fn through_output_and_share<S: Simd, T: Real>(
    o: &mut [T],
    d_c: &mut [T],
    c: &[T],
    d_h: &mut [T],
    share: &[T],
) {
    let n = o.len();
    let (d_c, c, d_h, share) = (&mut d_c[..n], &c[..n], &mut d_h[..n], &share[..n]);
    for j in 0..n {
        let tanh_c = tanh::<S, T>(c[j]);
        let (u, later, from_h) = (share[j], d_c[j], d_h[j] * o[j]);
        d_c[j] = mul_add::<S, T>(from_h, mul_add::<S, T>(-tanh_c, tanh_c, T::ONE), u * later);
        d_h[j] = (T::ONE - u) * later;
        o[j] = from_h * tanh_c * (T::ONE - o[j]);
    }
}

/// Back through `c = f ∘ c_{t-1} + i ∘ g` and the gates: `i, f, g ← δ_i, δ_f, δ_g` and `d_c ← d_c
/// ∘ f`.
#[inline(always)]
fn through_cell<S: Simd, T: Real>([i, f, g]: [&mut [T]; 3], d_c: &mut [T], before: &[T]) {
    let n = i.len();
    let (f, g, d_c, before) = (&mut f[..n], &mut g[..n], &mut d_c[..n], &before[..n]);
    for j in 0..n {
        let (i_j, f_j, g_j) = (i[j], f[j], g[j]);
        let carried = d_c[j] * f_j;
        let through_i = d_c[j] * i_j;
        i[j] = through_i * g_j * (T::ONE - i_j);
        f[j] = carried * before[j] * (T::ONE - f_j);
        g[j] = through_i * mul_add::<S, T>(-g_j, g_j, T::ONE);
        d_c[j] = carried;
    }
}
