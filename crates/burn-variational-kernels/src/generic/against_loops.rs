//! The generic body gives what plain loops over rows, steps and units give, and gradients that are
//! the slopes of these.

use burn::backend::Flex;
use burn::backend::tensor::FloatTensor;

use super::cases::{ALL, Case, ROWS, UNITS, cases, numbers};
use super::{sequence, sequence_backward};
use crate::operands::{Keep, Masks, OptionalMask};
use crate::recurrence::Recurrence;

/// Sums in another order.
const TOLERANCE: f64 = 1e-13;

/// A central difference is off by the square of its width, and by what rounding is to its width.
const WIDTH: f64 = 1e-5;
const SLOPE_TOLERANCE: f64 = 1e-8;

fn values(tensor: &FloatTensor<Flex>) -> Vec<f64> {
    tensor.clone().into_data().iter::<f64>().collect()
}

/// What has a gradient: projected inputs, recurrent weights, `h_0`, `c_0` and `b_hn`.
type Parameters = [Vec<f64>; 5];

/// Masks as loops read them: `[gates, rows, units]`, or nothing where there is none.
#[derive(Default)]
struct LoopMask {
    values: Vec<f64>,
    per_step: bool,
    per_gate: bool,
    n_rows: usize,
}

impl LoopMask {
    fn new(tensor: &FloatTensor<Flex>, per_step: bool, per_gate: bool, n_rows: usize) -> Self {
        let n_rows = if per_step { n_rows } else { ROWS };
        Self { values: values(tensor), per_step, per_gate, n_rows }
    }

    fn at(&self, gate: usize, (place, row): (usize, usize), unit: usize) -> f64 {
        if self.values.is_empty() {
            return 1.0;
        }
        let row = if self.per_step { place } else { row };
        let gate = if self.per_gate { gate } else { 0 };
        self.values[(gate * self.n_rows + row) * UNITS + unit]
    }
}

/// The recurrence by loops, one row after the other.
struct Loops {
    recurrence: Recurrence,
    /// Where the steps of each row lie, in the order of the walk.
    places: Vec<Vec<usize>>,
    recurrent: LoopMask,
    cell: LoopMask,
    candidate: LoopMask,
    hidden_zoneout: LoopMask,
    cell_zoneout: LoopMask,
    hidden: LoopMask,
}

impl Loops {
    fn new(case: &Case) -> Self {
        let steps = &case.steps;
        let n_rows = steps.n_rows();
        let places = |row: usize| {
            let ts = (0..steps.seq_length()).filter(|&t| row < steps.n_at(t));
            let mut places: Vec<usize> = ts.map(|t| steps.rows(t).start + row).collect();
            if steps.is_backwards() {
                places.reverse();
            }
            places
        };
        let recurrent =
            |masks, per_step, per_gate| LoopMask::new(masks, per_step, per_gate, n_rows);
        let unit = |mask: &OptionalMask<Flex>| match mask {
            OptionalMask::Absent => LoopMask::default(),
            OptionalMask::Repeated(mask) => LoopMask::new(mask, false, false, n_rows),
            OptionalMask::PerStep(mask) => LoopMask::new(mask, true, false, n_rows),
        };
        let masks = &case.constants.unit_masks;
        Self {
            recurrence: case.recurrence,
            places: (0..ROWS).map(places).collect(),
            recurrent: match &case.constants.masks {
                Masks::Identity => LoopMask::default(),
                Masks::Tied(mask) => recurrent(mask, false, false),
                Masks::Untied(masks) => recurrent(masks, false, true),
                Masks::TiedPerStep(mask) => recurrent(mask, true, false),
                Masks::UntiedPerStep(masks) => recurrent(masks, true, true),
            },
            cell: unit(&masks.cell),
            candidate: unit(&masks.candidate),
            hidden_zoneout: unit(&masks.hidden_zoneout),
            cell_zoneout: unit(&masks.cell_zoneout),
            hidden: unit(&masks.hidden),
        }
    }

    /// `h_t` of all steps, and the last cells of an LSTM.
    fn run(&self, [projected, weights, hidden, cell, bias]: &Parameters) -> Vec<f64> {
        let width = self.recurrence.n_gates() * UNITS;
        let mut packed = vec![0.0; projected.len() / width * UNITS];
        let mut last_cells = Vec::new();
        for (row, places) in self.places.iter().enumerate() {
            let mut h = hidden[row * UNITS..][..UNITS].to_vec();
            let mut c = cell.get(row * UNITS..(row + 1) * UNITS).unwrap_or_default().to_vec();
            for &place in places {
                let at = (place, row);
                let entering = |gate: usize, state: &[f64], j: usize| -> f64 {
                    let masked = |i: usize| state[i] * self.recurrent.at(gate, at, i);
                    (0..UNITS).map(|i| masked(i) * weights[i * width + gate * UNITS + j]).sum()
                };
                let x = |gate: usize, j: usize| projected[place * width + gate * UNITS + j];
                let a = |gate: usize, j: usize| x(gate, j) + entering(gate, &h, j);
                let z_g = |j: usize| self.candidate.at(0, at, j);
                let mut next = [0.0; UNITS];
                match self.recurrence {
                    Recurrence::Lstm => {
                        let mut next_cell = vec![0.0; UNITS];
                        for j in 0..UNITS {
                            let z_c = self.cell.at(0, at, j);
                            let u_c = self.cell_zoneout.at(0, at, j);
                            let new = sigmoid(a(1, j)) * c[j]
                                + sigmoid(a(0, j)) * z_g(j) * a(2, j).tanh();
                            next_cell[j] = z_c * (u_c * new + (1.0 - u_c) * c[j]);
                            let made = sigmoid(a(3, j)) * (z_c * new).tanh();
                            next[j] = self.hidden.at(0, at, j) * made;
                        }
                        c = next_cell;
                    }
                    Recurrence::Gru { reset_after } => {
                        let r: Vec<f64> = (0..UNITS).map(|j| sigmoid(a(0, j))).collect();
                        let passed: Vec<f64> = r.iter().zip(&h).map(|(r, h)| r * h).collect();
                        for j in 0..UNITS {
                            let product = if reset_after {
                                r[j] * (entering(2, &h, j) + bias[j])
                            } else {
                                entering(2, &passed, j)
                            };
                            let n = z_g(j) * (x(2, j) + product).tanh();
                            let u = sigmoid(a(1, j));
                            next[j] = (1.0 - u) * n + u * h[j];
                        }
                    }
                    Recurrence::Rnn => {
                        for (j, next) in next.iter_mut().enumerate() {
                            *next = a(0, j).tanh();
                        }
                    }
                }
                for j in 0..UNITS {
                    let u_h = self.hidden_zoneout.at(0, at, j);
                    h[j] = u_h * next[j] + (1.0 - u_h) * h[j];
                }
                packed[place * UNITS..][..UNITS].copy_from_slice(&h);
            }
            last_cells.extend(c);
        }
        packed.extend(last_cells);
        packed
    }
}

fn sigmoid(x: f64) -> f64 {
    1.0 / (1.0 + (-x).exp())
}

fn dot(a: &[f64], b: &[f64]) -> f64 {
    assert_eq!(a.len(), b.len());
    a.iter().zip(b).map(|(a, b)| a * b).sum()
}

fn check(case: &Case) {
    let (name, constants) = (&case.name, &case.constants);
    let optional = |tensor: Option<FloatTensor<Flex>>| tensor.map_or(vec![], |t| values(&t));
    let parameters: Parameters = [
        values(&case.projected()),
        values(&constants.recurrent),
        values(&constants.hidden),
        optional(constants.cell.clone().into_option()),
        optional(constants.candidate_bias.clone().into_option()),
    ];
    let loops = Loops::new(case);
    let (recurrence, steps) = (case.recurrence, &case.steps);
    let trace = sequence::<Flex>(recurrence, case.projected(), constants, steps, Keep::Trace);
    let expected = loops.run(&parameters);
    for (found, expected) in values(&trace.packed).iter().zip(&expected) {
        assert!((found - expected).abs() <= TOLERANCE, "{name}: {found}, {expected}");
    }

    let gradient = case.gradient();
    let loss = |parameters: &Parameters| dot(&loops.run(parameters), &values(&gradient));
    let found =
        sequence_backward::<Flex>(recurrence, gradient.clone(), trace, constants, steps, ALL);
    let gradients =
        [Some(found.projected), found.recurrent, found.hidden, found.cell, found.candidate_bias];
    for (k, gradient) in gradients.into_iter().enumerate() {
        let gradient = optional(gradient);
        let direction = values(&numbers([parameters[k].len()], 5.3 + k as f64));
        let moved = |width: f64| {
            let mut moved = parameters.clone();
            moved[k].iter_mut().zip(&direction).for_each(|(x, d)| *x += width * d);
            loss(&moved)
        };
        let slope = (moved(WIDTH) - moved(-WIDTH)) / (2.0 * WIDTH);
        let found = dot(&gradient, &direction);
        let error = (found - slope).abs();
        assert!(error <= SLOPE_TOLERANCE, "{name}, parameter {k}: {found}, {slope}");
    }
}

#[test]
fn sequences_with_any_masks_are_those_of_loops_and_gradients_their_slopes() {
    for case in cases() {
        check(&case);
    }
}
