//! Time of one training pass against sequence length, batch size and width.

use crate::layers::{Layer, Masks, Shape};
use crate::timing::{Pass, time};

/// Prints one JSON object a line: the axis, its value and the median in milliseconds.
pub(crate) fn print() {
    let shape = |[batch_size, seq_length, width]: [usize; 3]| {
        Shape::new("growth", [batch_size, seq_length, width, width])
    };
    let lengths = [10, 25, 50, 100, 150, 200, 300, 400].map(|t| ("T", t, shape([32, t, 128])));
    let batches = [32, 64, 96, 128, 160, 192, 224, 256].map(|b| ("B", b, shape([b, 50, 128])));
    let widths = [64, 128, 256, 384, 512, 768, 1024].map(|h| ("H", h, shape([32, 35, h])));
    for (axis, value, shape) in lengths.into_iter().chain(batches).chain(widths) {
        let run = Layer::Lstm(Masks::Tied).prepare(shape, Pass::Train);
        let seconds = time(&run, 11);
        let median_ms = seconds[seconds.len() / 2] * 1e3;
        println!("{{\"axis\": \"{axis}\", \"value\": {value}, \"median_ms\": {median_ms:.3}}}");
    }
}
