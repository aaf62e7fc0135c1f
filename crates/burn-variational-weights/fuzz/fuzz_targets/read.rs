//! Files of weights of any kind with any content: an error, or tensors.
//!
//! The first byte chooses the kind, the rest is the file. See README.

#![no_main]

use std::path::PathBuf;
use std::sync::LazyLock;

use burn_variational_weights::NamedTensors;
use libfuzzer_sys::fuzz_target;
use tempfile::TempDir;

const KINDS: [&str; 4] = ["pt", "safetensors", "h5", "keras"];

static FILES: LazyLock<(TempDir, [PathBuf; 4])> = LazyLock::new(|| {
    let folder = tempfile::tempdir().expect("a folder for the files");
    let files = KINDS.map(|kind| folder.path().join(format!("weights.{kind}")));
    (folder, files)
});

fuzz_target!(|input: &[u8]| {
    let Some((kind, content)) = input.split_first() else { return };
    let path = &FILES.1[usize::from(*kind) % KINDS.len()];
    std::fs::write(path, content).expect("the file is written");
    if let Ok(tensors) = NamedTensors::read(path) {
        for (name, data) in tensors.iter() {
            let n_bytes = data.shape().num_elements() * data.dtype().size();
            assert_eq!(data.as_bytes().len(), n_bytes, "{name}");
        }
    }
});
