//! The masks of a reference.

/// The factors of one site: at each step or once for all, for each gate or once for all,
/// `[batch_size, units]` each. Without any it multiplies nothing.
#[derive(Debug, Clone, Default)]
pub struct ReferenceMask {
    steps: Vec<Vec<Vec<f64>>>,
}

impl ReferenceMask {
    /// The factors of each gate, or one for all, at every step.
    pub fn per_sequence(gates: Vec<Vec<f64>>) -> Self {
        Self { steps: vec![gates] }
    }

    /// The factors of each gate, or one for all, at each step.
    pub fn per_step(steps: Vec<Vec<Vec<f64>>>) -> Self {
        Self { steps }
    }

    /// The factor at a step, of a gate, at a place `row · units + unit`.
    pub fn factor(&self, step: usize, gate: usize, place: usize) -> f64 {
        let Some(gates) = of_all_or_each(&self.steps, step) else { return 1.0 };
        of_all_or_each(gates, gate).map_or(1.0, |factors| factors[place])
    }
}

fn of_all_or_each<T>(items: &[T], index: usize) -> Option<&T> {
    if items.len() == 1 { items.first() } else { items.get(index) }
}

/// Masks: one for all gates or one for each, `[batch_size, units]`, at every step.
#[derive(Debug, Clone)]
#[allow(missing_docs, reason = "the names are those of the equations")]
pub struct ReferenceMasks {
    pub z_x: Vec<Vec<f64>>,
    pub z_h: Vec<Vec<f64>>,
}

/// What multiplies what in a layer, by the names of the equations of [`Reference`](super::Reference).
#[derive(Debug, Clone, Default)]
pub struct ReferenceSites {
    /// `z_x`, on `x_t` where it enters the gates.
    pub input: ReferenceMask,
    /// `z_h`, on `h_{t-1}` where it enters the gates.
    pub recurrent: ReferenceMask,
    /// `z_g`, on `g` of an LSTM or `n` of a GRU.
    pub candidate: ReferenceMask,
    /// `z_c`, on what an LSTM's cell becomes.
    pub cell: ReferenceMask,
    /// `z_ĥ`, on `h_t` where it is made.
    pub hidden: ReferenceMask,
    /// `u_h`, the share of its change that the hidden state takes.
    pub zoneout_hidden: ReferenceMask,
    /// `u_c`, the share of its change that the cell takes.
    pub zoneout_cell: ReferenceMask,
}

impl From<&ReferenceMasks> for ReferenceSites {
    fn from(masks: &ReferenceMasks) -> Self {
        Self {
            input: ReferenceMask::per_sequence(masks.z_x.clone()),
            recurrent: ReferenceMask::per_sequence(masks.z_h.clone()),
            ..Self::default()
        }
    }
}
