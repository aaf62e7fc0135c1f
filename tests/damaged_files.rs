//! Files of weights that are damaged: whatever is wrong with them is an error, without a panic, and
//! without memory that such a file cannot need. A binary of its own: it counts the bytes of the
//! whole process.

use std::fmt::Display;
use std::io::Write;
use std::path::Path;
use std::sync::atomic::{AtomicUsize, Ordering};

use burn::tensor::{Device, TensorData};
use burn_variational::prelude::*;
use burn_variational::rnn::{GruCellConfig, LstmCellConfig, RnnCellConfig};
use burn_variational_weights::{
    KerasWeights, NamedTensors, PortableCell, PytorchWeights, WeightsError, load_tensorflow,
};
use cross_backend_tests::golden_folder;
use peak_alloc::PeakAlloc;
use rand::{RngExt, SeedableRng};
use rand_chacha::ChaCha8Rng;
use zip::write::SimpleFileOptions;
use zip::{CompressionMethod, ZipWriter};

#[global_allocator]
static ALLOCATOR: PeakAlloc = PeakAlloc;

const N_MUTATIONS: usize = 10_000;
/// What reading a file may ask for: so many times its size. Sixteen times it are the tensors, twice
/// as many while a `.keras` file is taken apart.
const FACTOR: usize = 48;
/// And what readers need for a file of any size: buffers, and names in maps.
const ROOM: usize = 1 << 18;

type Load = Box<dyn Fn(&NamedTensors) -> Result<(), WeightsError>>;

fn stack<K: CellConfig>(
    cell: K,
    n_layers: usize,
    directions: Directions,
) -> RecurrentStack<K::Cell> {
    let config = StackConfig::from_cell(cell).with_n_layers(n_layers);
    config.with_directions(directions).init(&Device::flex())
}

/// What the tensors at `encoder.layer` go into.
fn pytorch<C: PortableCell + 'static>(stack: RecurrentStack<C>) -> Load {
    Box::new(move |tensors| stack.load_pytorch(&tensors.under("encoder.layer")).map(drop))
}

/// What the tensors of these layers go into.
fn keras<C: PortableCell + 'static>(stack: RecurrentStack<C>, paths: &'static [&str]) -> Load {
    Box::new(move |tensors| {
        let layers: Vec<_> = paths.iter().map(|path| tensors.under(path)).collect();
        stack.load_keras(&layers).map(drop)
    })
}

fn tensorflow(stack: VariationalLstm, path: &'static str) -> Load {
    Box::new(move |tensors| load_tensorflow(&stack, &[tensors.under(path)], 1.0).map(drop))
}

/// Real files of every format, each with what it goes into.
fn files() -> Vec<(&'static str, Vec<u8>, Load)> {
    let (forward, both) = (Directions::Forward, Directions::Both(MergeMode::Concat));
    let lstm = || LstmCellConfig::new(4, 6, true);
    let gru = |bias| GruCellConfig::new(4, 6, bias);
    let rnn = RnnCellConfig::new(4, 6, false);
    let twice = ["layers.bidirectional", "layers.bidirectional_1"].as_slice();
    let files: [(&str, Load); 7] = [
        ("lstm.pt", pytorch(stack(lstm(), 2, both))),
        ("gru_without_bias.pt", pytorch(stack(gru(false), 3, forward))),
        ("gru.safetensors", pytorch(stack(gru(true), 2, both))),
        ("keras_lstm.weights.h5", keras(stack(lstm(), 2, forward), &["layers.lstm", "second"])),
        ("keras_both_gru.weights.h5", keras(stack(gru(true), 2, both), twice)),
        ("keras_rnn.keras", keras(stack(rnn, 1, forward), &["simple_rnn"])),
        ("tensorflow_lstm.safetensors", tensorflow(stack(lstm(), 1, forward), "rnn.lstm_cell")),
    ];
    let with_bytes = |(name, load): (&'static str, Load)| {
        let bytes = std::fs::read(golden_folder().join("weights").join(name)).unwrap();
        let tensors = NamedTensors::read(golden_folder().join("weights").join(name)).unwrap();
        load(&tensors).unwrap();
        (name, bytes, load)
    };
    files.into_iter().map(with_bytes).collect()
}

/// What is wrong with a file.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Damage {
    Truncated,
    /// The rest of it is of another file.
    Foreign,
    /// A few bytes are others.
    Bytes,
    /// What may be a size or an offset is another.
    Size,
    /// Some of it is gone.
    Missing,
    /// Some of it is there twice.
    Doubled,
}

impl Damage {
    const ALL: [Self; 6] =
        [Self::Truncated, Self::Foreign, Self::Bytes, Self::Size, Self::Missing, Self::Doubled];

    fn done_to(self, original: &[u8], foreign: &[u8], rng: &mut ChaCha8Rng) -> Vec<u8> {
        let mut bytes = original.to_vec();
        let at = rng.random_range(0..bytes.len());
        let piece = at..(at + rng.random_range(1..64)).min(bytes.len());
        match self {
            Self::Truncated => bytes.truncate(at),
            Self::Foreign => {
                bytes.truncate(at);
                bytes.extend(&foreign[at.min(foreign.len())..]);
            }
            Self::Bytes => {
                for _ in 0..rng.random_range(1..8) {
                    let at = rng.random_range(0..bytes.len());
                    bytes[at] = rng.random();
                }
            }
            Self::Size => {
                let width = [2, 4, 8][rng.random_range(0..3)];
                let values = [0, 1, u64::MAX, u64::MAX / 2, 1 << 31, 1 << 40, rng.random()];
                let value = values[rng.random_range(0..values.len())].to_le_bytes();
                for (byte, new) in bytes[at..].iter_mut().zip(&value[..width]) {
                    *byte = *new;
                }
            }
            Self::Missing => drop(bytes.drain(piece)),
            Self::Doubled => drop(bytes.splice(at..at, original[piece].to_vec())),
        }
        bytes
    }
}

/// Reads a file, and checks what it asks for.
fn read(path: &Path, what: &dyn Display) -> Result<NamedTensors, WeightsError> {
    let n_bytes = std::fs::metadata(path).unwrap().len() as usize;
    let before = ALLOCATOR.current_usage();
    ALLOCATOR.reset_peak_usage();
    let tensors = NamedTensors::read(path);
    let asked_for = ALLOCATOR.peak_usage().saturating_sub(before);
    assert!(
        asked_for <= FACTOR * n_bytes + ROOM,
        "{what}: {asked_for} bytes of memory for a file of {n_bytes}"
    );
    tensors
}

fn tensors(path: &Path) -> Vec<(String, TensorData)> {
    let tensors = NamedTensors::read(path).unwrap();
    tensors.iter().map(|(name, data)| (name.to_string(), data.clone())).collect()
}

static N_PANICS: AtomicUsize = AtomicUsize::new(0);

fn ten_thousand_damaged_files_are_errors() {
    let folder = tempfile::tempdir().unwrap();
    let files = files();
    let mut rng = ChaCha8Rng::seed_from_u64(1);
    let mut n_errors = 0;
    for k in 0..N_MUTATIONS {
        let (name, original, load) = &files[k % files.len()];
        let foreign = &files[rng.random_range(0..files.len())].1;
        let damage = Damage::ALL[rng.random_range(0..Damage::ALL.len())];
        let bytes = damage.done_to(original, foreign, &mut rng);
        let path = folder.path().join(name);
        std::fs::write(&path, &bytes).unwrap();
        let what = format!("mutation {k}, {name}, {damage:?}");
        let kind = path.extension().and_then(|extension| extension.to_str());
        if read(&path, &what).and_then(|tensors| load(&tensors)).is_err() {
            n_errors += 1;
            continue;
        }
        // Every tensor has the name and the shape that were wanted. Which numbers are in it a file
        // without checksums does not say; but nothing of it may be missing.
        assert!(damage != Damage::Truncated, "{what}: loaded");
        // These keep checksums.
        if matches!(kind, Some("pt" | "keras")) {
            let whole = golden_folder().join("weights").join(name);
            assert_eq!(tensors(&whole), tensors(&path), "{what}: other numbers");
        }
    }
    eprintln!("{n_errors} errors of {N_MUTATIONS}; the others have other numbers");
    assert!(n_errors > N_MUTATIONS * 3 / 4, "{n_errors}");
}

fn files_that_say_they_are_larger_than_they_are_are_refused() {
    let too_large = "take more than 16 times the file's size";
    // A matrix of 2³⁰ elements that are all the same one, and two elements of 2²⁴.
    for name in ["expanded.pt", "compressed.pt"] {
        let path = golden_folder().join("weights").join(name);
        let error = read(&path, &name).unwrap_err().to_string();
        assert!(error.contains(too_large), "{error}");
    }

    // 64 megabytes of zeros, a thousandth of it compressed.
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("bomb.keras");
    let mut archive = ZipWriter::new(std::fs::File::create(&path).unwrap());
    let options = SimpleFileOptions::default().compression_method(CompressionMethod::Deflated);
    archive.start_file("config.json", options).unwrap();
    for _ in 0..64 {
        archive.write_all(&vec![0; 1 << 20]).unwrap();
    }
    archive.finish().unwrap();
    let error = read(&path, &"bomb.keras").unwrap_err().to_string();
    assert!(error.contains("config.json") && error.contains(too_large), "{error}");
}

#[test]
fn damaged_files_are_errors_without_panics_and_without_memory() {
    std::panic::set_hook(Box::new(|what| {
        N_PANICS.fetch_add(1, Ordering::Relaxed);
        eprintln!("{what}");
    }));
    files_that_say_they_are_larger_than_they_are_are_refused();
    ten_thousand_damaged_files_are_errors();
    // None of a reader's either, which would be an error too.
    assert_eq!(N_PANICS.load(Ordering::Relaxed), 0);
}
