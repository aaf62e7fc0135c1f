//! A sequence as a server runs it.

#![allow(deprecated, reason = "burn 0.22 deprecates NdArray and still has it")]

use burn::backend::DispatchDevice;
use burn::backend::tensor::FloatTensor;
use burn::server::{CustomOpIr, HandleContainer, RemoteServer};
use burn::tensor::Device;
use burn_ir::BackendIr;

use super::message::Message;
use super::{SEQUENCE, SEQUENCE_BACKWARD};
use crate::kernels::SequenceKernels;
use crate::operands::SequenceGradients;

/// A Burn server of these devices on which the engine runs: a recurrent layer of a client that was told
/// so ([`trust_engine`](crate::trust_engine)) is one operation there, and not dozens for every step. For
/// all else it is [`RemoteServer::new`], and what is set there can be set here.
///
/// # Example
///
/// ```no_run
/// use burn::server::{TokenAuthorizer, WebSocketTransport};
/// use burn::tensor::Device;
///
/// let listener = std::net::TcpListener::bind("0.0.0.0:3000")?;
/// burn_variational_kernels::server([Device::flex()])
///     .with_authorizer(TokenAuthorizer::new("token")?)
///     .serve(WebSocketTransport::from_listener(listener))?;
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
pub fn server(devices: impl IntoIterator<Item = Device>) -> RemoteServer {
    let devices: Vec<Device> = devices.into_iter().collect();
    // They are of one backend, or serving them is an error.
    let first = devices.first().map(|device| device.clone().without_autodiff());
    let server = RemoteServer::new(devices);
    match first.as_ref().map(Device::as_dispatch) {
        #[cfg(feature = "flex")]
        Some(DispatchDevice::Flex(_)) => with_engine::<burn::backend::Flex>(server),
        #[cfg(feature = "ndarray")]
        Some(DispatchDevice::NdArray(_)) => with_engine::<burn::backend::NdArray>(server),
        #[cfg(any(feature = "wgpu", feature = "cuda"))]
        Some(DispatchDevice::Cube(_)) => with_engine::<burn::backend::Cube>(server),
        _ => server,
    }
}

#[cfg_attr(
    not(any(feature = "flex", feature = "ndarray", feature = "wgpu", feature = "cuda")),
    allow(dead_code, reason = "no backend is compiled in")
)]
fn with_engine<B: SequenceKernels + BackendIr>(server: RemoteServer) -> RemoteServer {
    server
        .with_custom_op::<B, _>(SEQUENCE, |handles, ir, _device| {
            let Message { recurrence, projected, constants, steps, .. } =
                received::<B>(handles, ir);
            give::<B>(handles, ir, [B::sequence(recurrence, projected, constants, &steps)]);
        })
        .with_custom_op::<B, _>(SEQUENCE_BACKWARD, |handles, ir, _device| {
            let Message { recurrence, projected, constants, steps, gradient, needs } =
                received::<B>(handles, ir);
            let gradient = gradient.expect("the way back has a gradient");
            let trace = B::sequence_trace(recurrence, projected, &constants, &steps);
            let SequenceGradients { projected, recurrent, hidden, cell, candidate_bias } =
                B::sequence_backward(recurrence, gradient, trace, constants, &steps, needs);
            // In the order of the client's shapes.
            let found = [
                Some(projected),
                recurrent.filter(|_| needs.recurrent),
                hidden.filter(|_| needs.hidden),
                cell.filter(|_| needs.cell),
                candidate_bias.filter(|_| needs.candidate_bias),
            ];
            give::<B>(handles, ir, found.into_iter().flatten());
        })
}

/// What the client has sent.
fn received<B: SequenceKernels + BackendIr>(
    handles: &mut HandleContainer<B::Handle>,
    ir: &CustomOpIr,
) -> Message<B> {
    let tensors = ir.inputs.iter().map(|tensor| handles.get_float_tensor::<B>(tensor)).collect();
    Message::together(tensors, &ir.scalars)
}

/// Gives the client its tensors, in their order.
fn give<B: BackendIr>(
    handles: &mut HandleContainer<B::Handle>,
    ir: &CustomOpIr,
    tensors: impl IntoIterator<Item = FloatTensor<B>>,
) {
    let tensors: Vec<_> = tensors.into_iter().collect();
    assert_eq!(tensors.len(), ir.outputs.len(), "the client expects other tensors of {}", ir.id);
    for (output, tensor) in ir.outputs.iter().zip(tensors) {
        handles.register_float_tensor::<B>(&output.id, tensor);
    }
}
