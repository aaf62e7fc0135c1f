//! Passes on several devices at once.

use std::any::Any;
use std::collections::BTreeMap;
use std::ops::Range;
use std::panic::{AssertUnwindSafe, catch_unwind, resume_unwind};
use std::sync::mpsc::{Receiver, Sender, channel};
use std::thread;

use burn::tensor::{Device, Tensor, TensorData};
use burn_variational_dropout::{ModelExtent, ModelInput, VariationalModel};

use super::passes::{Plan, Ran, RunPasses, Take};
use super::queue::Queue;
use crate::{DeviceFailure, MonteCarloError};

/// Passes that may run for each device, and wait to be taken in.
const AHEAD: usize = 2;

/// The replicas of a model, each on its device.
pub(super) struct OnDevices<'m, M: VariationalModel> {
    model: &'m M,
    places: Vec<Place<M::Input>>,
}

/// A device on its way through the passes.
struct Place<I> {
    device: Device,
    /// What the model is given, once it is there.
    input: Option<I>,
    failure: Option<String>,
}

/// What a worker has to say.
enum Message {
    Done(usize, Result<Output, MonteCarloError>),
    Panicked(Box<dyn Any + Send>),
}

/// A pass whose output has left its device.
struct Output {
    draws: Range<usize>,
    data: TensorData,
    is_random: bool,
}

impl<'m, M: VariationalModel> OnDevices<'m, M> {
    pub(super) fn new(model: &'m M, devices: Vec<Device>) -> Self {
        let place = |device| Place { device, input: None, failure: None };
        Self { model, places: devices.into_iter().map(place).collect() }
    }
}

impl<const D: usize, M> RunPasses<M::Input, D, MonteCarloError> for OnDevices<'_, M>
where
    M: VariationalModel<Output = Tensor<D>>,
{
    fn begin(&mut self) {
        for place in &mut self.places {
            place.input = None;
        }
    }

    fn failures(&self) -> Vec<DeviceFailure> {
        failures(&self.places)
    }

    fn run(
        &mut self,
        input: &M::Input,
        plan: &Plan<'_>,
        take: &mut Take<'_, D, MonteCarloError>,
    ) -> Result<(), MonteCarloError> {
        let home = input.extent().device().cloned().unwrap_or_default();
        let passes: Vec<_> = plan.passes().collect();
        let model = self.model;
        let working = self.places.iter_mut().filter(|place| place.failure.is_none());
        let working: Vec<_> = working.collect();
        let queue = Queue::new(passes.len(), AHEAD * working.len());
        let is_done = thread::scope(|scope| {
            let (sender, messages) = channel();
            for place in working {
                let work = Work { model, input, plan, passes: &passes, queue: &queue };
                let sender = sender.clone();
                scope.spawn(move || work.run(place, &sender));
            }
            drop(sender);
            let taken = take_in(&messages, &queue, passes.len(), &home, take);
            queue.end();
            taken
        })?;
        if is_done { Ok(()) } else { Err(MonteCarloError::Devices(failures(&self.places))) }
    }
}

fn failures<I>(places: &[Place<I>]) -> Vec<DeviceFailure> {
    let failure = |place: &Place<I>| {
        let reason = place.failure.clone()?;
        Some(DeviceFailure { device: format!("{:?}", place.device), reason })
    };
    places.iter().filter_map(failure).collect()
}

/// Takes in outputs by their places until there are no more, or no more are wanted. Returns whether
/// that is all that was to be done.
fn take_in<const D: usize>(
    messages: &Receiver<Message>,
    queue: &Queue,
    n_passes: usize,
    home: &Device,
    take: &mut Take<'_, D, MonteCarloError>,
) -> Result<bool, MonteCarloError> {
    let (mut waiting, mut n_taken_in) = (BTreeMap::new(), 0);
    for message in messages {
        match message {
            Message::Done(pass, output) => waiting.insert(pass, output),
            Message::Panicked(panic) => {
                queue.end();
                resume_unwind(panic)
            }
        };
        while let Some(output) = waiting.remove(&n_taken_in) {
            let Output { draws, data, is_random } = output?;
            let dtype = data.dtype();
            let output = Tensor::from_data(data, (home, dtype));
            if take(Ran { draws, output, is_random })?.is_break() {
                return Ok(true);
            }
            n_taken_in += 1;
            queue.take_in();
        }
    }
    Ok(n_taken_in == n_passes)
}

/// What the workers of a plan share.
struct Work<'a, M: VariationalModel> {
    model: &'a M,
    input: &'a M::Input,
    plan: &'a Plan<'a>,
    passes: &'a [Range<usize>],
    queue: &'a Queue,
}

impl<const D: usize, M: VariationalModel<Output = Tensor<D>>> Work<'_, M> {
    /// Runs passes on one device until there are no more, or it fails.
    fn run(&self, place: &mut Place<M::Input>, messages: &Sender<Message>) {
        while let Some(pass) = self.queue.take() {
            let draws = self.passes[pass].clone();
            let ran = catch_unwind(AssertUnwindSafe(|| self.pass(draws, place)));
            // Nobody hears of it who has broken off.
            match ran {
                Ok(Ok(output)) => {
                    let _ = messages.send(Message::Done(pass, output));
                    self.queue.finish();
                }
                Ok(Err(failure)) => {
                    place.failure = Some(failure);
                    self.queue.give_back(pass);
                    return;
                }
                Err(panic) => {
                    let _ = messages.send(Message::Panicked(panic));
                    return;
                }
            }
        }
    }

    /// A pass on a device. The outer error is the device's, the inner one the model's.
    fn pass(
        &self,
        draws: Range<usize>,
        place: &mut Place<M::Input>,
    ) -> Result<Result<Output, MonteCarloError>, String> {
        let Place { device, input, .. } = place;
        let input = input.get_or_insert_with(|| self.input.to_device(device));
        let ran = self.plan.run(draws, |pass| Ok(pass.run(self.model, input)));
        let Ran { draws, output, is_random } = match ran {
            Ok(ran) => ran,
            Err(error) => return Ok(Err(error)),
        };
        let data = output.try_into_data().map_err(|error| error.to_string())?;
        Ok(Ok(Output { draws, data, is_random }))
    }
}
