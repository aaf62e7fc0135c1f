//! How a `Learner` trains, as the command line has it.

use anyhow::{Result, ensure};
use burn::tensor::Device;
use burn::tensor::distributed::{DistributedConfig, ReduceOperation};
use burn::train::{ExecutionStrategy, MultiDeviceOptim};
use clap::{Args, ValueEnum};

use crate::BackendName;

/// Whether and how a `Learner` trains.
#[derive(Debug, Clone, Copy, Args)]
pub struct LearnerArguments {
    /// Train by burn-train's Learner, with its dashboard where standard output is a terminal
    #[arg(long)]
    pub dashboard: bool,
    /// Threads that make batches for the Learner
    #[arg(long, value_name = "N", default_value_t = 1, requires = "dashboard")]
    pub workers: usize,
    /// Devices that the Learner trains on at once, each on batches of its own
    #[arg(
        long,
        value_name = "N",
        default_value_t = 1,
        requires = "dashboard",
        value_parser = clap::value_parser!(u16).range(1..)
    )]
    pub devices: u16,
    /// Where the optimiser of several devices is
    #[arg(long, value_enum, default_value = "main", requires = "dashboard")]
    pub parallel: Parallel,
}

/// Where the optimiser of several devices is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum Parallel {
    /// On the first, which gets the gradients of all.
    Main,
    /// On each for a part of the parameters.
    Sharded,
    /// On each for all of them: distributed data parallel, for CUDA alone.
    Ddp,
}

impl LearnerArguments {
    /// The number of devices.
    pub fn n_devices(&self) -> usize {
        self.devices.into()
    }

    /// The devices.
    ///
    /// # Errors
    ///
    /// If the backend is not compiled in, has fewer, or cannot reduce gradients over them.
    pub fn devices(&self, backend: BackendName) -> Result<Vec<Device>> {
        // Burn would panic in a thread of its own.
        ensure!(
            self.parallel != Parallel::Ddp || backend == BackendName::Cuda,
            "--parallel ddp: it reduces gradients by collectives, which Burn has on CUDA alone; \
             --parallel main and sharded need none"
        );
        backend.devices(self.n_devices())
    }

    /// How burn-train is to train on these devices.
    pub fn strategy(&self, mut devices: Vec<Device>) -> ExecutionStrategy {
        match self.parallel {
            Parallel::Ddp => {
                let all_reduce_op = ReduceOperation::Sum;
                ExecutionStrategy::ddp(devices, DistributedConfig { all_reduce_op })
            }
            _ if devices.len() == 1 => ExecutionStrategy::single(devices.remove(0)),
            Parallel::Main => ExecutionStrategy::multi(devices, MultiDeviceOptim::OptimMainDevice),
            Parallel::Sharded => ExecutionStrategy::multi(devices, MultiDeviceOptim::OptimSharded),
        }
    }

    /// The optimisation steps of an epoch: each is of one batch of each device, and the last device has
    /// what is left over when the items are divided.
    pub fn steps_per_epoch(&self, n_items: usize, batch_size: usize) -> usize {
        let others = self.n_devices() - 1;
        let last = n_items - others * (n_items / self.n_devices());
        last.div_ceil(batch_size)
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use super::*;
    use burn::data::dataloader::batcher::Batcher;
    use burn::data::dataloader::split::split_dataloader;
    use burn::data::dataloader::{DataLoader, DataLoaderBuilder};
    use burn::data::dataset::InMemDataset;

    /// Gives nothing.
    #[derive(Clone)]
    struct Nothing;

    impl Batcher<u32, ()> for Nothing {
        fn batch(&self, _items: Vec<u32>, _device: &Device) {}
    }

    fn arguments(devices: u16, workers: usize, parallel: Parallel) -> LearnerArguments {
        LearnerArguments { dashboard: true, workers, devices, parallel }
    }

    #[test]
    fn an_epoch_has_as_many_steps_as_the_device_with_the_most_has_batches() {
        for (n_items, batch_size) in [(40, 5), (41, 5), (44, 5), (7, 3), (3, 5)] {
            for (devices, workers) in [(1, 0), (1, 1), (1, 4), (2, 1), (3, 2)] {
                let arguments = arguments(devices, workers, Parallel::Main);
                let loader: Arc<dyn DataLoader<()>> = DataLoaderBuilder::new(Nothing)
                    .batch_size(batch_size)
                    .num_workers(workers)
                    .shuffle(1)
                    .set_device(Device::flex())
                    .build(InMemDataset::new((0..n_items).collect()));
                let parts = split_dataloader(loader, &vec![Device::flex(); devices.into()]);
                let most = parts.iter().map(|part| part.iter().count()).max();
                let steps = arguments.steps_per_epoch(n_items as usize, batch_size);
                assert_eq!(Some(steps), most, "{n_items} items, {batch_size}, {arguments:?}");
            }
        }
    }

    #[test]
    fn gradients_are_reduced_by_collectives_on_cuda_alone() {
        let error = arguments(2, 1, Parallel::Ddp).devices(BackendName::Flex).unwrap_err();
        assert!(error.to_string().starts_with("--parallel ddp: it reduces gradients"), "{error}");
        let devices = arguments(2, 1, Parallel::Sharded).devices(BackendName::Flex).unwrap();
        assert_eq!(devices, [Device::flex(), Device::flex()]);
    }
}
