//! The matrix products of an LSTM pass alone: what is left when everything else is free.
//!
//! ```text
//! cargo bench -p burn-variational-kernels --bench products             on two threads
//! cargo bench -p burn-variational-kernels --bench products -- 8        on eight
//! ```
//!
//! The shapes are those of `cargo bench -p burn-variational-rnn --bench recurrent`, whose `--compare`
//! reads what this prints: one JSON object a line.

#![allow(clippy::print_stdout, reason = "a benchmark prints its figures")]

use std::time::Instant;

use rayon::prelude::*;

/// Name, batch size, sequence length, width of the input and of the output, and rounds.
const SHAPES: [(&str, [usize; 4], usize); 4] = [
    ("sent", [128, 200, 128, 128], 11),
    ("small", [20, 35, 200, 200], 41),
    ("medium", [20, 35, 650, 650], 11),
    ("large", [20, 35, 1500, 1500], 7),
];

/// The least columns that a thread takes as a product of its own.
const MIN_COLUMNS: usize = 80;

fn main() -> Result<(), Box<dyn std::error::Error>> {
    // Cargo passes `--bench` too.
    let n_threads = std::env::args().skip(1).find_map(|argument| argument.parse().ok());
    rayon::ThreadPoolBuilder::new().num_threads(n_threads.unwrap_or(2)).build_global()?;
    for (name, sizes, rounds) in SHAPES {
        let (forward, backward) = products(sizes);
        let mut forward: Vec<Run> = forward.into_iter().map(Run::new).collect();
        print(name, "forward", &mut forward, rounds);
        let mut train: Vec<Run> =
            forward.into_iter().chain(backward.into_iter().map(Run::new)).collect();
        print(name, "train", &mut train, rounds);
    }
    Ok(())
}

/// One product `left · right`, as often as it is run in a pass.
#[derive(Clone, Copy)]
struct Product {
    rows: usize,
    depth: usize,
    columns: usize,
    /// Whether `left` and `right` are read with rows and columns exchanged.
    transposed: [bool; 2],
    times: usize,
}

/// The products of a pass: two forward, and three backward where the input needs no gradient.
fn products(sizes: [usize; 4]) -> (Vec<Product>, Vec<Product>) {
    let [batch_size, seq_length, d_input, d_hidden] = sizes;
    let (all_rows, width) = (batch_size * seq_length, 4 * d_hidden);
    let product = |dims: [usize; 3], transposed, times| {
        let [rows, depth, columns] = dims;
        Product { rows, depth, columns, transposed, times }
    };
    let forward = vec![
        product([all_rows, d_input, width], [false, false], 1),
        product([batch_size, d_hidden, width], [false, false], seq_length),
    ];
    let backward = vec![
        product([batch_size, width, d_hidden], [false, true], seq_length),
        product([d_hidden, all_rows, width], [true, false], 1),
        product([d_input, all_rows, width], [true, false], 1),
    ];
    (forward, backward)
}

/// A product, its operands and where it goes.
struct Run {
    product: Product,
    left: Vec<f32>,
    right: Vec<f32>,
    output: Vec<f32>,
}

impl Run {
    fn new(product: Product) -> Self {
        let Product { rows, depth, columns, .. } = product;
        let ones = |n: usize| vec![1.0; n];
        let (left, right, output) =
            (ones(rows * depth), ones(depth * columns), ones(rows * columns));
        Self { product, left, right, output }
    }

    fn flop(&self) -> usize {
        let Product { rows, depth, columns, times, .. } = self.product;
        2 * rows * depth * columns * times
    }

    /// By all threads, each with columns of its own where there are enough of them.
    fn run(&mut self) {
        let Product { columns, times, .. } = self.product;
        let n_threads = rayon::current_num_threads();
        let output = Output(self.output.as_mut_ptr());
        for _ in 0..times {
            if columns < n_threads * MIN_COLUMNS {
                // SAFETY: these are all columns, and the output is borrowed alone.
                unsafe { self.columns(&output, [0, columns], gemm::Parallelism::Rayon(0)) };
                continue;
            }
            let start = |part: usize| part * columns / n_threads;
            (0..n_threads).into_par_iter().with_max_len(1).for_each(|part| {
                let columns = [start(part), start(part + 1)];
                // SAFETY: no two parts share a column, and the output is borrowed alone.
                unsafe { self.columns(&output, columns, gemm::Parallelism::None) };
            });
        }
    }

    /// The product's columns from `first` up to `end`.
    ///
    /// # Safety
    ///
    /// `output` is that of this product, and nobody else reads or writes these columns meanwhile.
    unsafe fn columns(
        &self,
        output: &Output,
        [first, end]: [usize; 2],
        parallelism: gemm::Parallelism,
    ) {
        let Product { rows, depth, columns, transposed, .. } = self.product;
        let strides = |[rows, columns]: [usize; 2], transposed| {
            if transposed { (1, rows) } else { (columns, 1) }
        };
        let (left_row, left_column) = strides([rows, depth], transposed[0]);
        let (right_row, right_column) = strides([depth, columns], transposed[1]);
        // SAFETY: operands and output were made for these dims, and the columns are within them.
        unsafe {
            gemm::gemm(
                rows,
                end - first,
                depth,
                output.0.add(first),
                1,
                columns as isize,
                false,
                self.left.as_ptr(),
                left_column as isize,
                left_row as isize,
                self.right.as_ptr().add(first * right_column),
                right_column as isize,
                right_row as isize,
                1.0,
                1.0,
                false,
                false,
                false,
                parallelism,
            );
        }
    }
}

/// Where a product goes.
struct Output(*mut f32);

// SAFETY: it is only written through an `unsafe` function, whose callers keep columns apart.
unsafe impl Sync for Output {}

/// Times the products of a pass one after the other, and prints the figures.
fn print(shape: &str, pass: &str, runs: &mut [Run], rounds: usize) {
    let mut seconds: Vec<f64> = (0..=rounds)
        .map(|_| {
            let start = Instant::now();
            // On a thread of the pool handing work to the others is cheap.
            rayon::scope(|_| runs.iter_mut().for_each(Run::run));
            start.elapsed().as_secs_f64()
        })
        // The first warms up.
        .skip(1)
        .collect();
    seconds.sort_by(f64::total_cmp);
    let (min, median) = (seconds[0], seconds[rounds / 2]);
    let gflops = runs.iter().map(Run::flop).sum::<usize>() as f64 / median / 1e9;
    println!(
        "{{\"system\": \"gemm\", \"variant\": \"LSTM, products alone\", \"shape\": \"{shape}\", \
         \"pass\": \"{pass}\", \"median_ms\": {:.3}, \"min_ms\": {:.3}, \"gflops\": {gflops:.1}}}",
        median * 1e3,
        min * 1e3,
    );
}
