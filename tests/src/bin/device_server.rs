//! Burn's remote server on loopback, as a process of its own: it serves the CPU to who has the token, with
//! the engine if asked to, says its address on standard output, and ends with its standard input.

use std::error::Error;
use std::io::Read;
use std::net::TcpListener;

use burn::server::{RemoteServer, TokenAuthorizer, WebSocketTransport};
use burn::tensor::Device;
use burn_variational::devices;

#[allow(clippy::print_stdout, reason = "a program says where it listens")]
fn main() -> Result<(), Box<dyn Error>> {
    let mut arguments = std::env::args().skip(1);
    let token = arguments.next().ok_or("usage: device-server TOKEN [engine]")?;
    let server = if arguments.next().is_some() {
        devices::server([Device::flex()])
    } else {
        RemoteServer::new([Device::flex()])
    };
    std::thread::spawn(|| {
        let _ = std::io::stdin().read_to_end(&mut Vec::new());
        std::process::exit(0);
    });
    let listener = TcpListener::bind("127.0.0.1:0")?;
    println!("ws://{}", listener.local_addr()?);
    server
        .with_authorizer(TokenAuthorizer::new(token)?)
        .serve(WebSocketTransport::from_listener(listener))?;
    Ok(())
}
