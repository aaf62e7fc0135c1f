//! Checkpoints come back whole, and damage is told.

use std::fs;
use std::path::{Path, PathBuf};

use burn::optim::{AdamConfig, GradientsParams, ModuleOptimizer};
use burn::tensor::{Device, Tensor};
use burn_variational::rnn::{StackMasks, VariationalLstm, VariationalLstmConfig};
use burn_variational::training::{CheckpointDir, CheckpointError};
use cross_backend_tests::{flex, on_every_device};

fn lstm(d_hidden: usize, device: &Device) -> VariationalLstm {
    VariationalLstmConfig::new(3, d_hidden, true).init(device)
}

fn adam() -> ModuleOptimizer {
    AdamConfig::new().init()
}

/// One step of training: the module after it, and its loss.
fn step(
    lstm: VariationalLstm,
    adam: &mut ModuleOptimizer,
    device: &Device,
) -> (VariationalLstm, f32) {
    let input = Tensor::ones([2, 3, 3], device);
    let loss = lstm.forward(input, None, &StackMasks::identity(1)).0.square().sum();
    let grads = GradientsParams::from_grads(loss.backward(), &lstm);
    (adam.step(0.1, lstm, grads), loss.into_scalar())
}

on_every_device! {
    fn a_loaded_checkpoint_goes_on_where_it_was_saved(device: &Device) {
        let device = &device.clone().autodiff();
        let folder = tempfile::tempdir().unwrap();
        let checkpoints = CheckpointDir::new(folder.path().join("checkpoints"));
        let mut optimizer = adam();
        let (module, _) = step(lstm(4, device), &mut optimizer, device);
        checkpoints.save(&module, &optimizer, &3_usize).unwrap();
        let (module, _) = step(module, &mut optimizer, device);
        let (_, expected) = step(module, &mut optimizer, device);

        let (module, mut optimizer, progress): (_, _, usize) =
            checkpoints.load(lstm(4, device), |_| adam()).unwrap().unwrap();
        assert_eq!(progress, 3);
        let (module, _) = step(module, &mut optimizer, device);
        let (_, loss) = step(module, &mut optimizer, device);
        assert_eq!(loss.to_bits(), expected.to_bits());
    }
}

fn saved(folder: &Path) -> (CheckpointDir, PathBuf) {
    let checkpoints = CheckpointDir::new(folder);
    for progress in 0..3 {
        checkpoints.save(&lstm(4, &flex()), &adam(), &progress).unwrap();
    }
    (checkpoints, folder.join("checkpoint-3"))
}

fn load(checkpoints: &CheckpointDir, d_hidden: usize) -> Result<Option<usize>, CheckpointError> {
    let loaded = checkpoints.load::<_, usize>(lstm(d_hidden, &flex()), |_| adam())?;
    Ok(loaded.map(|(_, _, progress)| progress))
}

#[test]
fn only_the_newest_checkpoint_is_kept() {
    let folder = tempfile::tempdir().unwrap();
    let (checkpoints, newest) = saved(folder.path());
    assert_eq!(fs::read_dir(folder.path()).unwrap().count(), 1);
    assert!(newest.is_dir());
    assert_eq!(load(&checkpoints, 4).unwrap(), Some(2));
    assert_eq!(checkpoints.progress::<usize>().unwrap(), Some(2));
    checkpoints.clear().unwrap();
    assert!(!folder.path().exists());
    assert_eq!(load(&checkpoints, 4).unwrap(), None);
}

#[test]
fn what_a_kill_leaves_half_written_is_not_read() {
    let folder = tempfile::tempdir().unwrap();
    let (checkpoints, _) = saved(folder.path());
    let partial = folder.path().join("partial-checkpoint");
    fs::create_dir(&partial).unwrap();
    fs::write(partial.join("module.bpk"), "half").unwrap();
    assert_eq!(load(&checkpoints, 4).unwrap(), Some(2));
    checkpoints.save(&lstm(4, &flex()), &adam(), &7_usize).unwrap();
    assert_eq!(load(&checkpoints, 4).unwrap(), Some(7));
}

#[test]
fn a_checkpoint_of_another_model_is_an_error() {
    let folder = tempfile::tempdir().unwrap();
    let (checkpoints, newest) = saved(folder.path());
    let error = load(&checkpoints, 5).unwrap_err();
    assert!(matches!(error, CheckpointError::OtherModel { .. }), "{error}");
    assert!(error.to_string().starts_with(&newest.join("module.bpk").display().to_string()));
}

#[test]
fn a_truncated_or_changed_file_is_an_error() {
    for name in ["module.bpk", "optimizer.bpk", "progress.json", "manifest.json"] {
        let folder = tempfile::tempdir().unwrap();
        let (checkpoints, newest) = saved(folder.path());
        let path = newest.join(name);
        let whole = fs::read(&path).unwrap();

        fs::write(&path, &whole[..whole.len() - 1]).unwrap();
        let error = load(&checkpoints, 4).unwrap_err();
        assert!(
            matches!(&error, CheckpointError::Damaged { path: p, .. } if *p == path),
            "{error}"
        );

        let mut changed = whole.clone();
        *changed.last_mut().unwrap() ^= 1;
        fs::write(&path, changed).unwrap();
        let error = load(&checkpoints, 4).unwrap_err();
        assert!(
            matches!(&error, CheckpointError::Damaged { path: p, .. } if *p == path),
            "{error}"
        );

        fs::remove_file(&path).unwrap();
        let error = load(&checkpoints, 4).unwrap_err();
        assert!(matches!(&error, CheckpointError::Io { path: p, .. } if *p == path), "{error}");
    }
}
