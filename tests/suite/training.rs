//! Training goes the same way on every backend.

use burn::module::{Module, ModuleMapper, Param};
use burn::nn::{Linear, LinearConfig};
use burn::optim::{GradientsParams, SgdConfig};
use burn::tensor::{Device, Tensor, TensorData};
use burn_variational::dropout::{MaskRng, VariationalModel};
use burn_variational::embedding::{VariationalEmbedding, VariationalEmbeddingConfig};
use burn_variational::rnn::{StackDropout, VariationalLstm, VariationalLstmConfig};
use burn_variational::training::clip_global_norm;
use cross_backend_tests::{flex, on_every_device, relative_error};

const STEPS: u64 = 20;
const DIMS: [usize; 2] = [4, 5];
/// Twenty steps carry each other's roundings on, on GPUs and CPUs alike.
const TOLERANCE: f64 = 1e-4;

#[derive(Module, Debug)]
struct Model {
    embedding: VariationalEmbedding,
    lstm: VariationalLstm,
    output: Linear,
}

fn model(device: &Device) -> Model {
    Model {
        embedding: VariationalEmbeddingConfig::new(10, 6).with_type_dropout(0.2).init(device),
        lstm: VariationalLstmConfig::new(6, 8, true)
            .with_n_layers(2)
            .with_dropout(StackDropout::variational_untied(0.25, 0.25))
            .init(device),
        output: LinearConfig::new(8, 1).init(device),
    }
}

/// Parameters without a pattern, the same for every device.
struct Draw(u32);

impl ModuleMapper for Draw {
    fn map_float<const D: usize>(&mut self, param: Param<Tensor<D>>) -> Param<Tensor<D>> {
        param.map(|old| {
            let mut value = || {
                self.0 += 1;
                (f64::from(self.0) * 2.399).sin() as f32 * 0.5
            };
            let values: Vec<f32> = (0..old.dims().iter().product()).map(|_| value()).collect();
            Tensor::from_data(TensorData::new(values, old.dims()), &old.device())
        })
    }
}

fn losses(record: burn::store::ModuleRecord, device: &Device) -> Vec<f64> {
    let device = device.clone().autodiff();
    let mut model = model(&device).load_record(record);
    let mut optimizer = SgdConfig::new().init();
    let tokens: Tensor<2, burn::tensor::Int> =
        Tensor::arange(0..20, &device).remainder_scalar(10).reshape(DIMS);
    let steps = (0..STEPS).map(|step| {
        let parts = (&model.embedding, &model.lstm, &model.output);
        let masks = parts.masks_for(&tokens, MaskRng::seeded(5).draw(step));
        let loss = (parts.run(tokens.clone(), &masks) - 1.0).square().mean();
        let mut grads = GradientsParams::from_grads(loss.backward(), &model);
        clip_global_norm(&mut grads, &model, 1.0);
        model = optimizer.step(0.5, model.clone(), grads);
        f64::from(loss.into_scalar::<f32>())
    });
    steps.collect()
}

on_every_device! {
    fn twenty_steps_from_the_same_parameters_have_the_same_losses(device: &Device) {
        let record = || model(&flex()).map(&mut Draw(0)).into_record();
        let expected = losses(record(), &flex());
        assert!(expected[19] < 0.5 * expected[0], "it learns: {expected:?}");
        let got = losses(record(), device);
        for (step, (got, expected)) in got.iter().zip(&expected).enumerate() {
            let error = relative_error(&[*got], &[*expected]);
            assert!(error <= TOLERANCE, "step {step}: {got} for {expected}, {error:.1e}");
        }
    }
}
