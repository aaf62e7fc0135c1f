//! The matrix products of a pass alone: what is left when everything else is free.

use burn_variational_kernels::matrix_product;

use crate::layers::Shape;
use crate::timing::Pass;

/// One product `left · right`, as often as it is run in a pass.
struct Product {
    rows: usize,
    depth: usize,
    columns: usize,
    /// Whether `left` and `right` are read with rows and columns exchanged.
    transposed: [bool; 2],
    times: usize,
}

/// The products of an LSTM pass on all threads: two forward, and three backward where the input
/// needs no gradient.
pub(crate) fn prepare(shape: Shape, pass: Pass) -> Box<dyn Fn()> {
    let Shape { batch_size, seq_length, d_input, d_hidden, .. } = shape;
    let (all_rows, width) = (batch_size * seq_length, 4 * d_hidden);
    let product = |rows, depth, columns, transposed, times| Product {
        rows,
        depth,
        columns,
        transposed,
        times,
    };
    let forward = [
        product(all_rows, d_input, width, [false, false], 1),
        product(batch_size, d_hidden, width, [false, false], seq_length),
    ];
    let backward = [
        product(batch_size, width, d_hidden, [false, true], seq_length),
        product(d_hidden, all_rows, width, [true, false], 1),
        product(d_input, all_rows, width, [true, false], 1),
    ];
    let products: Vec<Product> = match pass {
        Pass::Forward => forward.into_iter().collect(),
        Pass::Train => forward.into_iter().chain(backward).collect(),
    };
    let operands: Vec<_> = products
        .into_iter()
        .map(|product| {
            let Product { rows, depth, columns, .. } = product;
            let ones = |n: usize| vec![1.0_f32; n];
            (ones(rows * depth), ones(depth * columns), ones(rows * columns), product)
        })
        .collect();
    let operands = std::cell::RefCell::new(operands);
    Box::new(move || {
        for (left, right, output, product) in operands.borrow_mut().iter_mut() {
            for _ in 0..product.times {
                product.run(left, right, output);
            }
        }
    })
}

impl Product {
    fn run(&self, left: &[f32], right: &[f32], output: &mut [f32]) {
        let Self { rows, depth, columns, transposed, .. } = *self;
        let strides = |[rows, columns]: [usize; 2], transposed| {
            if transposed { (1, rows) } else { (columns, 1) }
        };
        let of_left = strides([rows, depth], transposed[0]);
        let of_right = strides([depth, columns], transposed[1]);
        matrix_product(
            (left, of_left.0, of_left.1),
            (right, of_right.0, of_right.1),
            [rows, depth, columns],
            output,
        );
    }
}
