//! A model on several devices.

use burn::module::Module;
use burn::tensor::Device;
use burn_variational_dropout::{MaskDraw, ModelExtent, ModelInput, VariationalModel};

/// A model and its copies on several devices, over which [`MonteCarlo`](crate::MonteCarlo) spreads
/// its passes.
///
/// Devices are of this process or of another: Burn's remote server makes its devices those of its
/// clients. Each takes the next pass as soon as it is done with one, so that fast ones take more. A
/// mask is a function of its draw and row, and outputs are taken in by their draws, on the device of
/// the input: devices of the same backend give what one of them gives.
///
/// A device that fails, as one does whose server is gone, is left out from then on, and its passes
/// are done by the others. If none is left the run ends in
/// [`MonteCarloError::Devices`](crate::MonteCarloError::Devices). What a model is given and what
/// comes of it stay on the device of the input, which is best one of this process.
///
/// It is a model as the one that it was made of: outside Monte Carlo it runs on the device of its
/// input.
///
/// # Example
///
/// ```
/// use burn::tensor::{Device, Tensor};
/// use burn_variational_dropout::MaskRng;
/// use burn_variational_mc::{MonteCarlo, Replicas};
/// use burn_variational_rnn::{StackDropout, VariationalLstmConfig};
///
/// let device = Device::flex();
/// let dropout = StackDropout::none().with_recurrent(0.5);
/// let lstm = VariationalLstmConfig::new(3, 8, true).with_dropout(dropout).init(&device);
/// let input = Tensor::ones([2, 5, 3], &device);
///
/// let mc = MonteCarlo::new(20, MaskRng::seeded(1));
/// let on_one = mc.moments(&lstm, &input).unwrap().mean();
/// // The same device twice has nothing to gain; it shows how.
/// let replicas = Replicas::new(&lstm, &[device.clone(), device]);
/// let on_two = mc.moments(&replicas, &input).unwrap().mean();
/// assert_eq!(on_one.into_data(), on_two.into_data());
/// ```
#[derive(Debug, Clone)]
pub struct Replicas<M> {
    /// Devices may be given twice: the work is spread over all, the models are found by the first.
    replicas: Vec<(Device, M)>,
}

impl<M: VariationalModel> Replicas<M> {
    /// Copies of a module on these devices.
    ///
    /// # Panics
    ///
    /// If there is no device.
    pub fn new(model: &M, devices: &[Device]) -> Self
    where
        M: Module,
    {
        Self::from_fn(devices, |device| model.clone().to_device(device))
    }

    /// Models that are made for each of these devices: equal ones, which is not checked.
    ///
    /// # Panics
    ///
    /// If there is no device.
    pub fn from_fn(devices: &[Device], mut model: impl FnMut(&Device) -> M) -> Self {
        assert!(!devices.is_empty(), "Replicas: devices must not be empty, got none");
        let replicas = devices.iter().map(|device| (device.clone(), model(device))).collect();
        Self { replicas }
    }

    /// The model on a device.
    ///
    /// # Panics
    ///
    /// If there is none.
    pub fn on(&self, device: &Device) -> &M {
        let found = self.replicas.iter().find(|(there, _)| there == device);
        let (_, model) = found.unwrap_or_else(|| {
            panic!("Replicas: the input is on {device:?}, and there are {:?}", self.devices())
        });
        model
    }

    fn for_extent(&self, extent: &impl ModelExtent) -> &M {
        extent.device().map_or(&self.replicas[0].1, |device| self.on(device))
    }
}

impl<M: VariationalModel> VariationalModel for Replicas<M> {
    type Input = M::Input;
    type Masks = M::Masks;
    type Output = M::Output;

    fn sample_masks(
        &self,
        extent: &<Self::Input as ModelInput>::Extent,
        draw: MaskDraw,
    ) -> Self::Masks {
        self.for_extent(extent).sample_masks(extent, draw)
    }

    fn run(&self, input: Self::Input, masks: &Self::Masks) -> Self::Output {
        self.for_extent(&input.extent()).run(input, masks)
    }

    fn folds_draws(&self) -> bool {
        self.replicas[0].1.folds_draws()
    }

    fn devices(&self) -> Vec<Device> {
        self.replicas.iter().map(|(device, _)| device.clone()).collect()
    }
}
