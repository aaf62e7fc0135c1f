//! A Bayesian module is, as a module, the one that it holds.

use burn::module::{
    Content, DisplaySettings, Module, ModuleDisplay, ModuleDisplayDefault, ModuleMapper,
    ModuleVisitor,
};
use burn::tensor::Device;

use super::Bayesian;

/// Written out, as a derived one would put the parameters under a path of its own.
impl<M: Module, I, O> Module for Bayesian<M, I, O> {
    fn collect_devices(&self, devices: Vec<Device>) -> Vec<Device> {
        self.module.collect_devices(devices)
    }

    fn fork(self, device: &Device) -> Self {
        self.map_module(|module| module.fork(device))
    }

    fn to_device(self, device: &Device) -> Self {
        self.map_module(|module| module.to_device(device))
    }

    fn train(self) -> Self {
        self.map_module(M::train)
    }

    fn valid(&self) -> Self {
        let (module, weights) = (self.module.valid(), self.weights.clone());
        Self { module, weights, forward: self.forward }
    }

    fn materialize(self) -> Self {
        self.map_module(M::materialize)
    }

    fn visit<V: ModuleVisitor>(&self, visitor: &mut V) {
        self.module.visit(visitor);
    }

    fn map<F: ModuleMapper>(self, mapper: &mut F) -> Self {
        self.map_module(|module| module.map(mapper))
    }
}

impl<M: Module, I, O> Bayesian<M, I, O> {
    fn map_module(self, map: impl FnOnce(M) -> M) -> Self {
        Self { module: map(self.module), ..self }
    }
}

impl<M: ModuleDisplayDefault, I, O> ModuleDisplayDefault for Bayesian<M, I, O> {
    fn content(&self, content: Content) -> Option<Content> {
        self.module.content(content)
    }

    fn num_params(&self) -> usize {
        self.module.num_params()
    }
}

impl<M: ModuleDisplay, I, O> ModuleDisplay for Bayesian<M, I, O> {
    fn format(&self, settings: DisplaySettings) -> String {
        self.module.format(settings)
    }
}
