//! The learned rates at three sizes of the data, on three seeds, as a table and a chart.
#![allow(clippy::print_stdout, reason = "a program prints its results")]

use burn::tensor::Device;
use burn_variational::plot::{Curve, LineChart};
use concrete::learn;

const SIZES: [usize; 3] = [20, 100, 500];
const N_STEPS: u64 = 400;
const SEEDS: [u64; 3] = [1, 2, 3];

fn main() -> anyhow::Result<()> {
    let device = Device::flex();
    let chart = LineChart::new("Learned dropout rates", "observations", "rate");
    let mut chart = chart.with_log_x().with_log_y();
    println!("seed  observations  recurrent  output");
    for (colour, seed) in SEEDS.into_iter().enumerate() {
        let (mut recurrent, mut output) = (Vec::new(), Vec::new());
        for size in SIZES {
            let learned = learn(size, N_STEPS, seed, &device);
            println!("{seed:4}  {size:12}  {:9.3}  {:6.3}", learned.recurrent, learned.output);
            recurrent.push((size as f64, learned.recurrent));
            output.push((size as f64, learned.output));
        }
        chart = chart
            .with_curve(Curve::new(format!("recurrent, seed {seed}"), colour, recurrent))
            .with_curve(Curve::new(format!("output, seed {seed}"), colour, output).dashed());
    }
    chart.save("concrete.png")?;
    Ok(())
}
