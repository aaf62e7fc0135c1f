//! One recurrent layer in plain `f64` loops, written from the equations and from nothing else.

/// A kind of cell.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[allow(missing_docs, reason = "the names say it")]
pub enum Cell {
    Lstm,
    GruResetAfter,
    GruResetBefore,
    Rnn,
}

impl Cell {
    /// All of them.
    pub const ALL: [Self; 4] = [Self::Lstm, Self::GruResetAfter, Self::GruResetBefore, Self::Rnn];

    /// The number of gates.
    pub fn n_gates(self) -> usize {
        match self {
            Self::Lstm => 4,
            Self::GruResetAfter | Self::GruResetBefore => 3,
            Self::Rnn => 1,
        }
    }
}

/// The parameters of a layer, gate after gate in the columns, row-major.
#[derive(Debug, Clone)]
#[allow(missing_docs, reason = "the names are those of the equations")]
pub struct Reference {
    pub cell: Cell,
    pub d_input: usize,
    pub d_hidden: usize,
    /// `[d_input, n_gates · d_hidden]`.
    pub w: Vec<f64>,
    /// `[d_hidden, n_gates · d_hidden]`.
    pub u: Vec<f64>,
    /// `[n_gates · d_hidden]`.
    pub b: Vec<f64>,
    /// `[d_hidden]`, inside the reset gate's reach; empty for other cells.
    pub b_candidate: Vec<f64>,
}

/// Masks: one for all gates or one for each, `[batch_size, units]`.
#[derive(Debug, Clone)]
#[allow(missing_docs, reason = "the names are those of the equations")]
pub struct ReferenceMasks {
    pub z_x: Vec<Vec<f64>>,
    pub z_h: Vec<Vec<f64>>,
}

/// What a layer gives: `[seq_length, batch_size, d_hidden]`, and the state after the last step.
#[derive(Debug, Clone)]
#[allow(missing_docs, reason = "the names are those of the equations")]
pub struct ReferenceOutput {
    pub outputs: Vec<f64>,
    pub h: Vec<f64>,
    pub c: Vec<f64>,
}

fn sigmoid(x: f64) -> f64 {
    1.0 / (1.0 + (-x).exp())
}

impl Reference {
    /// `Σ_j v_j z_j m[j, gate, unit]` over the rows of a matrix.
    fn product(&self, m: &[f64], v: &[f64], z: &[f64], gate: usize, unit: usize) -> f64 {
        let column = gate * self.d_hidden + unit;
        let width = self.cell.n_gates() * self.d_hidden;
        v.iter().zip(z).enumerate().map(|(j, (v, z))| v * z * m[j * width + column]).sum()
    }

    /// Runs the layer over `[seq_length, batch_size, d_input]` from an initial state
    /// `[batch_size, d_hidden]` (`c0` is read by the LSTM alone).
    pub fn run(
        &self,
        x: &[f64],
        batch_size: usize,
        (h0, c0): (&[f64], &[f64]),
        masks: &ReferenceMasks,
    ) -> ReferenceOutput {
        let (d, n) = (self.d_input, self.d_hidden);
        let seq_length = x.len() / (batch_size * d);
        let (mut h, mut c) = (h0.to_vec(), c0.to_vec());
        let mut outputs = Vec::new();
        for t in 0..seq_length {
            for row in 0..batch_size {
                let x_t = &x[(t * batch_size + row) * d..][..d];
                let before: Vec<f64> = h[row * n..][..n].to_vec();
                let z_x = |gate: usize| {
                    let mask = if masks.z_x.len() == 1 { 0 } else { gate };
                    &masks.z_x[mask][row * d..][..d]
                };
                let z_h = |gate: usize| {
                    let mask = if masks.z_h.len() == 1 { 0 } else { gate };
                    &masks.z_h[mask][row * n..][..n]
                };
                let input = |gate, unit| {
                    self.product(&self.w, x_t, z_x(gate), gate, unit) + self.b[gate * n + unit]
                };
                let recurrent = |gate, unit| self.product(&self.u, &before, z_h(gate), gate, unit);
                let both = |gate, unit| input(gate, unit) + recurrent(gate, unit);
                for unit in 0..n {
                    let at = row * n + unit;
                    match self.cell {
                        Cell::Lstm => {
                            let (i, f) = (sigmoid(both(0, unit)), sigmoid(both(1, unit)));
                            let (g, o) = (both(2, unit).tanh(), sigmoid(both(3, unit)));
                            c[at] = f * c[at] + i * g;
                            h[at] = o * c[at].tanh();
                        }
                        Cell::GruResetAfter => {
                            let (r, z) = (sigmoid(both(0, unit)), sigmoid(both(1, unit)));
                            let inner = recurrent(2, unit) + self.b_candidate[unit];
                            let candidate = (input(2, unit) + r * inner).tanh();
                            h[at] = (1.0 - z) * candidate + z * before[unit];
                        }
                        Cell::GruResetBefore => {
                            let z = sigmoid(both(1, unit));
                            let reset: Vec<f64> =
                                (0..n).map(|j| sigmoid(both(0, j)) * before[j]).collect();
                            let inner = self.product(&self.u, &reset, z_h(2), 2, unit);
                            let candidate = (input(2, unit) + inner).tanh();
                            h[at] = (1.0 - z) * candidate + z * before[unit];
                        }
                        Cell::Rnn => h[at] = both(0, unit).tanh(),
                    }
                }
            }
            outputs.extend_from_slice(&h);
        }
        ReferenceOutput { outputs, h, c }
    }
}
