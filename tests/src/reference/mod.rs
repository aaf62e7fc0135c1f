//! One recurrent layer in plain `f64` loops, written from the equations and from nothing else.

mod masks;
mod step;

pub use masks::{ReferenceMask, ReferenceMasks, ReferenceSites};

use step::At;

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
///
/// An LSTM, with every mask there is:
///
/// ```text
/// [i f g o] = (x_t ∘ z_x) W + b + (h_{t-1} ∘ z_h) U
/// c̃_t = σ(f) ∘ c_{t-1} + σ(i) ∘ (z_g ∘ tanh(g))
/// c_t = z_c ∘ (u_c ∘ c̃_t + (1 - u_c) ∘ c_{t-1})
/// h_t = u_h ∘ (z_ĥ ∘ σ(o) ∘ tanh(z_c ∘ c̃_t)) + (1 - u_h) ∘ h_{t-1}
/// ```
///
/// The others have no `c`; `z_g` multiplies the candidate `n` of a GRU, and what their step makes
/// goes through `z_ĥ` and `u_h` in the same way.
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

/// What a layer gives: `[seq_length, batch_size, d_hidden]`, and the state after the last step.
#[derive(Debug, Clone)]
#[allow(missing_docs, reason = "the names are those of the equations")]
pub struct ReferenceOutput {
    pub outputs: Vec<f64>,
    pub h: Vec<f64>,
    pub c: Vec<f64>,
}

/// What a layer is run over.
#[derive(Debug, Clone, Copy)]
pub struct ReferenceBatch<'a> {
    /// `[seq_length, batch_size, d_input]`.
    pub x: &'a [f64],
    /// The number of rows.
    pub batch_size: usize,
    /// The steps of each row, if not all of them.
    pub lengths: Option<&'a [usize]>,
    /// Whether each row is read from its own last step to the first.
    pub backward: bool,
    /// `[batch_size, d_hidden]`.
    pub h0: &'a [f64],
    /// `[batch_size, d_hidden]`, which the LSTM alone reads.
    pub c0: &'a [f64],
}

impl Reference {
    /// Runs the layer forward over `[seq_length, batch_size, d_input]` from an initial state
    /// `[batch_size, d_hidden]` (`c0` is read by the LSTM alone).
    pub fn run(
        &self,
        x: &[f64],
        batch_size: usize,
        (h0, c0): (&[f64], &[f64]),
        masks: &ReferenceMasks,
    ) -> ReferenceOutput {
        let batch = ReferenceBatch { x, batch_size, lengths: None, backward: false, h0, c0 };
        self.run_batch(&batch, &masks.into())
    }

    /// Runs the layer. A row's output is 0 behind its own end, and its state is that of its own
    /// last step read.
    pub fn run_batch(&self, batch: &ReferenceBatch<'_>, sites: &ReferenceSites) -> ReferenceOutput {
        let (d, n) = (self.d_input, self.d_hidden);
        let seq_length = batch.x.len() / (batch.batch_size * d);
        let (mut all_h, mut all_c) = (Vec::new(), Vec::new());
        let mut outputs = vec![0.0; seq_length * batch.batch_size * n];
        for row in 0..batch.batch_size {
            let length = batch.lengths.map_or(seq_length, |lengths| lengths[row]);
            let mut h = batch.h0[row * n..][..n].to_vec();
            let mut c = batch.c0[row * n..][..n].to_vec();
            for walked in 0..length {
                let step = if batch.backward { length - 1 - walked } else { walked };
                let place = step * batch.batch_size + row;
                let x = &batch.x[place * d..][..d];
                [h, c] = self.step(At { sites, step, row }, x, &h, &c);
                outputs[place * n..][..n].copy_from_slice(&h);
            }
            all_h.extend(h);
            all_c.extend(c);
        }
        ReferenceOutput { outputs, h: all_h, c: all_c }
    }
}
