//! A crate outside the workspace, with a cell and a model of its own, builds against the facade,
//! trains and predicts.

use std::fs;
use std::path::Path;
use std::process::Command;

/// The features of the suite that this was built with.
fn features() -> Vec<&'static str> {
    let features = [
        ("flex", cfg!(feature = "flex")),
        ("ndarray", cfg!(feature = "ndarray")),
        ("wgpu", cfg!(feature = "wgpu")),
        ("cuda", cfg!(feature = "cuda")),
        ("remote", cfg!(feature = "remote")),
        ("train", cfg!(feature = "train")),
    ];
    features.into_iter().filter_map(|(name, is_on)| is_on.then_some(name)).collect()
}

/// The manifest of the crate, to be built from another folder. The features of the suite and the
/// profile of the workspace make its Burn the one that is built already.
fn manifest(tests: &Path) -> String {
    let read = |path: &Path| {
        fs::read_to_string(path).unwrap_or_else(|error| panic!("{}: {error}", path.display()))
    };
    let theirs = read(&tests.join("outside-crate/Cargo.toml"));
    let facade = "\"../../crates/burn-variational\"";
    assert!(theirs.contains(facade), "the facade lies beside the tests: {theirs}");
    let crates = tests.with_file_name("crates");
    let theirs = theirs.replace(facade, &quoted(&crates.join("burn-variational")));

    let workspace = read(&tests.with_file_name("Cargo.toml"));
    let profile = workspace.find("[profile.dev]").expect("the workspace has a profile");
    format!(
        "{theirs}\n\
         [[bin]]\nname = \"outside-crate\"\npath = {}\n\n\
         [dependencies.cross-backend-tests]\npath = {}\n\
         default-features = false\nfeatures = {:?}\n\n\
         {}",
        quoted(&tests.join("outside-crate/src/main.rs")),
        quoted(tests),
        features(),
        &workspace[profile..],
    )
}

/// A path as a string of TOML.
fn quoted(path: &Path) -> String {
    format!("{:?}", path.to_str().expect("a path of Unicode"))
}

#[test]
fn a_crate_outside_the_workspace_trains_and_predicts() {
    let tests = Path::new(env!("CARGO_MANIFEST_DIR"));
    let temporary = Path::new(env!("CARGO_TARGET_TMPDIR"));
    let folder = temporary.join("outside-crate");
    fs::create_dir_all(&folder).expect("the target folder can be written");
    fs::write(folder.join("Cargo.toml"), manifest(tests)).expect("the folder can be written");
    // The versions of the workspace, so that both build from the same sources.
    fs::copy(tests.with_file_name("Cargo.lock"), folder.join("Cargo.lock"))
        .expect("the workspace has a lock file");

    let output = Command::new(env!("CARGO"))
        .args(["run", "--quiet", "--offline", "--manifest-path"])
        .arg(folder.join("Cargo.toml"))
        .env("CARGO_TARGET_DIR", temporary.parent().expect("it is in the target folder"))
        .output()
        .expect("cargo runs");
    let (out, error) =
        (String::from_utf8_lossy(&output.stdout), String::from_utf8_lossy(&output.stderr));
    assert!(output.status.success(), "{error}");
    assert!(out.starts_with("trained from"), "{out}");
}
