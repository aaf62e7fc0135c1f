//! A recurrent layer on a server on loopback: with plain operations, with the engine, and the same layer in
//! this process.
//!
//! ```sh
//! cargo bench -p cross-backend-tests --features remote --bench remote
//! ```

#![allow(clippy::print_stdout, reason = "a benchmark prints its figures")]

use std::net::TcpListener;
use std::thread;
use std::time::Instant;

use burn::module::Module;
use burn::server::{TokenAuthorizer, WebSocketTransport};
use burn::tensor::{Device, Distribution, Tensor};
use burn_variational::devices;
use burn_variational::prelude::*;

const ROUNDS: usize = 9;
const TOKEN: &str = "a token";
/// `[batch_size, seq_length, d_input]`, and as many hidden units as inputs.
const DIMS: [usize; 3] = [20, 35, 200];

fn main() {
    let [_, _, width] = DIMS;
    let (plain, with_engine) = (serve(), serve());
    let places = [
        ("this process", Device::flex()),
        ("server, engine", devices::remote_with_engine(&with_engine, Some(TOKEN)).unwrap()),
        ("server, plain", devices::remote(&plain, Some(TOKEN)).unwrap()),
    ];
    let dropout = StackDropout::variational(0.25, 0.25);
    let config = VariationalLstmConfig::new(width, width, true).with_dropout(dropout);
    let passes = places.each_ref().map(|(_, device)| Pass::new(&config, device));
    println!("LSTM {width}, {DIMS:?}, one mask a sequence; median of {ROUNDS} rounds in turns, ms");
    for (name, run) in [("forward", Pass::forward as fn(&Pass)), ("forward and back", Pass::train)]
    {
        let mut times = places.each_ref().map(|_| Vec::new());
        for round in 0..=ROUNDS {
            for (pass, times) in passes.iter().zip(&mut times) {
                let start = Instant::now();
                run(pass);
                // The first compiles and connects.
                if round > 0 {
                    times.push(start.elapsed().as_secs_f64() * 1e3);
                }
            }
        }
        println!("{name}");
        for ((place, _), times) in places.iter().zip(&mut times) {
            times.sort_unstable_by(f64::total_cmp);
            println!("  {place:<16} {:>9.1} ms", times[ROUNDS / 2]);
        }
    }
}

/// Serves the CPU in a thread of its own, and says where.
fn serve() -> String {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = format!("ws://{}", listener.local_addr().unwrap());
    thread::spawn(|| {
        devices::server([Device::flex()])
            .with_authorizer(TokenAuthorizer::new(TOKEN).unwrap())
            .serve(WebSocketTransport::from_listener(listener))
            .unwrap();
    });
    address
}

/// A layer and its input on a device.
struct Pass {
    layer: VariationalLstm,
    input: Tensor<3>,
}

impl Pass {
    fn new(config: &VariationalLstmConfig, device: &Device) -> Self {
        let device = device.clone().autodiff();
        let input = Tensor::random(DIMS, Distribution::Default, &Device::flex());
        Self { layer: config.init(&device), input: input.to_device(&device) }
    }

    fn forward(&self) {
        let (layer, input) = (self.layer.valid(), self.input.clone().inner());
        let masks = layer.masks_for(&input, MaskRng::seeded(1).draw(0).part("layer"));
        let _ = layer.run(input, &masks).sum().into_scalar::<f32>();
    }

    fn train(&self) {
        let masks = self.layer.masks_for(&self.input, MaskRng::seeded(1).draw(0).part("layer"));
        let loss = self.layer.run(self.input.clone(), &masks).sum();
        let gradients = loss.backward();
        let recurrent = self.layer.layers[0].cell.gates.recurrent.val();
        let _ = recurrent.grad(&gradients).unwrap().sum().into_scalar::<f32>();
    }
}
