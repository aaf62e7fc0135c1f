//! A server as a process of its own.

use std::io::{BufRead, BufReader};
use std::process::{Child, Command, Stdio};

use burn::tensor::Device;
use burn_variational::devices;

/// What the servers ask for.
pub(crate) const TOKEN: &str = "the token of these tests";

/// A server of the CPU, killed when it is dropped.
pub(crate) struct Server {
    process: Child,
    address: String,
}

impl Server {
    /// Starts it, and waits until it listens.
    pub(crate) fn start() -> Self {
        Self::started(&[TOKEN])
    }

    /// One with the engine.
    pub(crate) fn with_engine() -> Self {
        Self::started(&[TOKEN, "engine"])
    }

    fn started(arguments: &[&str]) -> Self {
        let mut process = Command::new(env!("CARGO_BIN_EXE_device-server"))
            .args(arguments)
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()
            .expect("the server starts");
        let mut address = String::new();
        let stdout = process.stdout.take().expect("it is piped");
        BufReader::new(stdout).read_line(&mut address).expect("it says its address");
        Self { process, address: address.trim().to_string() }
    }

    /// Where it listens.
    pub(crate) fn address(&self) -> &str {
        &self.address
    }

    /// Its device.
    pub(crate) fn device(&self) -> Device {
        devices::remote(&self.address, Some(TOKEN)).expect("the server answers")
    }

    /// Its device, whose server is trusted to have the engine.
    pub(crate) fn device_with_engine(&self) -> Device {
        devices::remote_with_engine(&self.address, Some(TOKEN)).expect("the server answers")
    }

    /// Kills it, if it still runs.
    pub(crate) fn kill(&mut self) {
        let _ = self.process.kill();
        let _ = self.process.wait();
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        self.kill();
    }
}
