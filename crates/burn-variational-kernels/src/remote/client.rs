//! A sequence as the client of a server runs it.

use burn::backend::tensor::FloatTensor;
use burn::backend::{Remote, TensorMetadata};
use burn::tensor::Shape;
use burn::tensor::remote::CustomOpClient;
use burn_ir::{CustomOpIr, TensorIr};

use super::message::Message;
use super::{SEQUENCE, SEQUENCE_BACKWARD};
use crate::kernels::SequenceKernels;
use crate::operands::{SequenceConstants, SequenceGradients, SequenceNeeds, SequenceTrace};
use crate::recurrence::Recurrence;
use crate::steps::SequenceSteps;

impl SequenceKernels for Remote {
    fn sequence(
        recurrence: Recurrence,
        projected: FloatTensor<Self>,
        constants: SequenceConstants<Self>,
        steps: &SequenceSteps,
    ) -> FloatTensor<Self> {
        let [_, d_hidden] = dims(&constants.hidden);
        let cells = if recurrence.has_cell() { steps.batch_size() } else { 0 };
        let packed = [steps.n_rows() + cells, d_hidden];
        let (steps, needs) = (steps.clone(), SequenceNeeds::default());
        let message = Message { recurrence, projected, constants, steps, gradient: None, needs };
        send(SEQUENCE, message, &[packed.into()]).remove(0)
    }

    /// The way back walks the sequence once more on the server: the projected inputs are all that is
    /// kept for it, and what a kernel keeps of its own never leaves the server.
    fn sequence_trace(
        recurrence: Recurrence,
        projected: FloatTensor<Self>,
        constants: &SequenceConstants<Self>,
        steps: &SequenceSteps,
    ) -> SequenceTrace<Self> {
        let packed = Self::sequence(recurrence, projected.clone(), constants.clone(), steps);
        SequenceTrace { packed, gates: Some(projected), inner: None, steps: Vec::new() }
    }

    fn sequence_backward(
        recurrence: Recurrence,
        gradient: FloatTensor<Self>,
        trace: SequenceTrace<Self>,
        constants: SequenceConstants<Self>,
        steps: &SequenceSteps,
        needs: SequenceNeeds,
    ) -> SequenceGradients<Self> {
        let projected = trace.gates.expect("a trace of a remote device keeps the projected inputs");
        let [_, d_hidden] = dims(&constants.hidden);
        let state = || constants.hidden.shape();
        let shapes = [
            Some(projected.shape()),
            needs.recurrent.then(|| constants.recurrent.shape()),
            needs.hidden.then(state),
            needs.cell.then(state),
            needs.candidate_bias.then(|| [d_hidden].into()),
        ];
        let shapes: Vec<_> = shapes.into_iter().flatten().collect();
        let (gradient, steps) = (Some(gradient), steps.clone());
        let message = Message { recurrence, projected, constants, steps, gradient, needs };
        let mut gradients = send(SEQUENCE_BACKWARD, message, &shapes).into_iter();
        let mut next = |is_there: bool| {
            is_there.then(|| gradients.next().expect("there is a tensor for each shape"))
        };
        SequenceGradients {
            projected: next(true).expect("it is there"),
            recurrent: next(needs.recurrent),
            hidden: next(needs.hidden),
            cell: next(needs.cell),
            candidate_bias: next(needs.candidate_bias),
        }
    }
}

/// Has the server run an operation that gives tensors of these shapes.
fn send(id: &'static str, message: Message<Remote>, shapes: &[Shape]) -> Vec<FloatTensor<Remote>> {
    let (device, dtype) = (message.projected.device(), message.projected.dtype());
    let client = CustomOpClient::new(&device);
    let (tensors, numbers) = message.apart();
    let inputs: Vec<_> = tensors.into_iter().map(|tensor| tensor.into_ir()).collect();
    let outputs: Vec<_> = shapes
        .iter()
        .map(|shape| TensorIr::uninit(client.create_empty_handle(), shape.clone(), dtype))
        .collect();
    client.register(CustomOpIr::with_scalars(id, &inputs, &outputs, numbers))
}

fn dims<const D: usize>(tensor: &FloatTensor<Remote>) -> [usize; D] {
    tensor.shape().dims()
}
