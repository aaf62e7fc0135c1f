//! The long short-term memory on the CPU.

use pulp::{Simd, WithSimd};

use super::entering::Entering;
use super::kept::Kept;
use super::pointwise::{add, add_sigmoid, add_tanh, multiply};
use crate::flex::memory::{Scratch, Shared};
use crate::flex::numbers::{Real, arch, mul_add, tanh};
use crate::flex::products::{MaskValues, Panels, PullBack};
use crate::flex::sharing::{Schedule, Sizes, Tile, WalkedBack};

const N_GATES: usize = 4;

/// What a forward pass reads and writes.
pub(crate) struct Forward<'a, T> {
    pub(crate) recurrent: &'a [T],
    pub(crate) masks: MaskValues<'a, T>,
    pub(crate) cell_mask: Option<&'a [T]>,
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
            cell_mask: pass.cell_mask,
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
    cell_mask: Option<&'a [T]>,
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
            next_cell::<S, T>(c, c_before, i, f, g);
            if let Some(mask) = self.cell_mask {
                multiply(c, &mask[tile.at(row)]);
            }
            output::<S, T>(h, o, c);
            // SAFETY: as above.
            unsafe { self.entering.set(t, row, tile, h) };
            if steps.is_last(t, row) {
                // SAFETY: as above.
                unsafe { self.packed.write(tile.at(steps.n_rows() + row)) }.copy_from_slice(c);
            }
        }
    }
}

/// `c_t ← f ∘ c_{t-1} + i ∘ g`.
#[inline(always)]
fn next_cell<S: Simd, T: Real>(c: &mut [T], before: &[T], i: &[T], f: &[T], g: &[T]) {
    let n = c.len();
    let (before, i, f, g) = (&before[..n], &i[..n], &f[..n], &g[..n]);
    for j in 0..n {
        c[j] = mul_add::<S, T>(f[j], before[j], i[j] * g[j]);
    }
}

/// `h_t ← o ∘ tanh(c_t)`.
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
    pub(crate) cell_mask: Option<&'a [T]>,
    pub(crate) cell: &'a [T],
    pub(crate) cells: &'a [T],
    /// That of the packed result.
    pub(crate) gradient: &'a [T],
    /// The gates, which the gradients of what entered them replace.
    pub(crate) gates: &'a mut [T],
    /// The gradient of `h_0`, to be filled.
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
    let (d_initial, d_cell) = (Shared::new(pass.d_hidden), Shared::new(pass.d_cell));
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
            gradient: pass.gradient,
            gates,
            cells: pass.cells,
            initial_cell: pass.cell,
            cell_mask: pass.cell_mask,
            d_initial,
            d_cell,
        });
    });
}

/// The point-wise part of one step back, for some rows and units; without a step, what is left for
/// `h_0`.
struct BackwardRows<'a, 'b, T> {
    at: WalkedBack,
    tile: Tile<'b>,
    /// What the next step hands back, `[rows, padded units]`.
    d_h: &'b mut [T],
    gradient: &'a [T],
    gates: Shared<'a, T>,
    cells: &'a [T],
    initial_cell: &'a [T],
    cell_mask: Option<&'a [T]>,
    d_initial: Shared<'a, T>,
    d_cell: Shared<'a, T>,
}

impl<T: Real> WithSimd for BackwardRows<'_, '_, T> {
    type Output = ();

    #[inline(always)]
    fn with_simd<S: Simd>(self, _: S) {
        let Self { tile, .. } = self;
        for (row, d_h) in tile.rows.clone().zip(self.d_h.chunks_exact_mut(tile.width())) {
            let d_h = &mut d_h[..tile.units.len()];
            let Some(t) = self.at.step_of(row) else {
                // SAFETY: this task alone has these rows and units.
                unsafe { self.d_initial.write(tile.at(row)) }.copy_from_slice(d_h);
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
            add(d_h, &self.gradient[tile.at_step(t, row)]);
            through_output::<S, T>(o, d_c, c, d_h);
            if let Some(mask) = self.cell_mask {
                multiply(d_c, &mask[tile.at(row)]);
            }
            through_cell::<S, T>([i, f, g], d_c, c_before);
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
