//! A crate outside the workspace, with a cell and a model of its own, builds against the facade,
//! trains and predicts.

use std::path::Path;
use std::process::Command;

#[test]
fn a_crate_outside_the_workspace_trains_and_predicts() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let manifest = root.join("outside-crate/Cargo.toml");
    // The versions of the workspace, so that both build from the same sources.
    std::fs::copy(root.join("../Cargo.lock"), root.join("outside-crate/Cargo.lock"))
        .expect("the workspace has a lock file");
    let output = Command::new(env!("CARGO"))
        .args(["run", "--quiet", "--release", "--manifest-path"])
        .arg(manifest)
        .output()
        .expect("cargo runs");
    let (out, error) =
        (String::from_utf8_lossy(&output.stdout), String::from_utf8_lossy(&output.stderr));
    assert!(output.status.success(), "{error}");
    assert!(out.starts_with("trained from"), "{out}");
}
