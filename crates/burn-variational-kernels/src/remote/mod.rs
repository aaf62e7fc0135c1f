//! The engine on a server: a sequence as one of the custom operations of Burn's remote backend.
//!
//! A remote device sends an operation at a time. With plain ones a sequence is dozens for every step;
//! here it is one, which the server runs by the engine of its own backend. The server has to have it
//! registered (`server`), and the client has to be told so ([`trust_engine`]): nothing in Burn's
//! protocol says what a server knows.

mod client;
mod message;
#[cfg(feature = "remote-server")]
mod received;
#[cfg(feature = "remote-server")]
mod server;

use std::sync::{PoisonError, RwLock};

use burn::backend::DispatchDevice;
use burn::tensor::Device;

#[cfg(feature = "remote-server")]
pub use server::server;

/// What the operations are called between client and server. The number is that of the messages.
const SEQUENCE: &str = "burn-variational/sequence/1";
const SEQUENCE_BACKWARD: &str = "burn-variational/sequence-backward/1";

/// The devices whose servers have the engine, as their users say.
static TRUSTED: RwLock<Vec<DispatchDevice>> = RwLock::new(Vec::new());

/// Says that the server of a remote device was made by `server`, of this version of the crate:
/// recurrent layers run there as one operation a sequence from now on, whoever holds the device.
///
/// It is not checked. A server that does not know the operation ends the session, and what is read
/// from the device then is an error or a panic of Burn's client.
///
/// # Panics
///
/// If the device is not remote.
pub fn trust_engine(device: &Device) {
    let device = device.clone().without_autodiff().as_dispatch().clone();
    assert!(
        matches!(device, DispatchDevice::Remote(_)),
        "trust_engine: device must be remote, got {device:?}"
    );
    let mut trusted = TRUSTED.write().unwrap_or_else(PoisonError::into_inner);
    if !trusted.contains(&device) {
        trusted.push(device);
    }
}

/// Whether a user has said that the server of a device has the engine.
pub(crate) fn is_trusted(device: &DispatchDevice) -> bool {
    TRUSTED.read().unwrap_or_else(PoisonError::into_inner).contains(device)
}
