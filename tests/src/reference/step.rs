//! One step of one row.

use super::{Cell, Reference, ReferenceSites};

/// Where a step is: which one, and of which row.
#[derive(Clone, Copy)]
pub(super) struct At<'a> {
    pub(super) sites: &'a ReferenceSites,
    pub(super) step: usize,
    pub(super) row: usize,
}

fn sigmoid(x: f64) -> f64 {
    1.0 / (1.0 + (-x).exp())
}

impl Reference {
    /// `h_t` and `c_t` of `x_t`, `h_{t-1}` and `c_{t-1}`.
    pub(super) fn step(&self, at: At<'_>, x: &[f64], h: &[f64], c: &[f64]) -> [Vec<f64>; 2] {
        let units = 0..self.d_hidden;
        let made: Vec<_> = units.map(|unit| self.unit(at, x, h, c[unit], unit)).collect();
        [made.iter().map(|(h, _)| *h).collect(), made.iter().map(|(_, c)| *c).collect()]
    }

    fn unit(&self, at: At<'_>, x: &[f64], h: &[f64], c: f64, unit: usize) -> (f64, f64) {
        let At { sites, step, row } = at;
        let z = |site: &super::ReferenceMask| site.factor(step, 0, row * self.d_hidden + unit);
        let input = |gate, unit| {
            let z = |j| sites.input.factor(step, gate, row * self.d_input + j);
            self.product(&self.w, x, z, gate, unit) + self.b[gate * self.d_hidden + unit]
        };
        let recurrent_of = |h: &[f64], gate, unit| {
            let z = |j| sites.recurrent.factor(step, gate, row * self.d_hidden + j);
            self.product(&self.u, h, z, gate, unit)
        };
        let recurrent = |gate, unit| recurrent_of(h, gate, unit);
        let both = |gate, unit| input(gate, unit) + recurrent(gate, unit);

        let (h_new, c_new) = match self.cell {
            Cell::Lstm => {
                let (i, f) = (sigmoid(both(0, unit)), sigmoid(both(1, unit)));
                let (g, o) = (both(2, unit).tanh(), sigmoid(both(3, unit)));
                let c_made = f * c + i * (z(&sites.candidate) * g);
                let u = z(&sites.zoneout_cell);
                let c_new = z(&sites.cell) * (u * c_made + (1.0 - u) * c);
                (o * (z(&sites.cell) * c_made).tanh(), c_new)
            }
            Cell::GruResetAfter => {
                let (r, u) = (sigmoid(both(0, unit)), sigmoid(both(1, unit)));
                let inner = recurrent(2, unit) + self.b_candidate[unit];
                let n = (input(2, unit) + r * inner).tanh();
                ((1.0 - u) * (z(&sites.candidate) * n) + u * h[unit], c)
            }
            Cell::GruResetBefore => {
                let u = sigmoid(both(1, unit));
                let reset: Vec<f64> =
                    (0..self.d_hidden).map(|j| sigmoid(both(0, j)) * h[j]).collect();
                let n = (input(2, unit) + recurrent_of(&reset, 2, unit)).tanh();
                ((1.0 - u) * (z(&sites.candidate) * n) + u * h[unit], c)
            }
            Cell::Rnn => (both(0, unit).tanh(), c),
        };
        let u = z(&sites.zoneout_hidden);
        (u * (z(&sites.hidden) * h_new) + (1.0 - u) * h[unit], c_new)
    }

    /// `Σ_j v_j z_j m[j, gate, unit]` over the rows of a matrix.
    fn product(
        &self,
        m: &[f64],
        v: &[f64],
        z: impl Fn(usize) -> f64,
        gate: usize,
        unit: usize,
    ) -> f64 {
        let column = gate * self.d_hidden + unit;
        let width = self.cell.n_gates() * self.d_hidden;
        v.iter().enumerate().map(|(j, v)| v * z(j) * m[j * width + column]).sum()
    }
}
