//! What README.md shows is what the examples are.

use std::fs;
use std::path::{Path, PathBuf};

/// A file of the workspace.
fn file(path: &str) -> String {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).with_file_name(path);
    fs::read_to_string(&path).unwrap_or_else(|error| panic!("{}: {error}", path.display()))
}

#[test]
fn its_example_is_the_quickstart_without_the_picture() {
    let readme = file("README.md");
    let shown = readme.split("```rust\n").nth(1).expect("an example");
    let shown = shown.split("```").next().expect("its end");

    let program = file("examples/quickstart/src/main.rs");
    let start = program.find("use burn::").expect("the imports");
    let end = program.find("/// Draws mean and deviations").expect("the picture");
    let of_picture = |line: &&str| line.contains("plot::") || line.contains("draw_picture");
    let lines = program[start..end].lines().filter(|line| !of_picture(line));
    assert_eq!(
        shown.lines().collect::<Vec<_>>().join("\n"),
        lines.collect::<Vec<_>>().join("\n").trim_end()
    );
}

#[test]
fn the_classifier_is_as_short_as_it_says() {
    let program = file("examples/classifier/src/main.rs");
    let n_lines = |text: &str| {
        let lines = text.lines().map(str::trim);
        lines.filter(|line| !line.is_empty() && !line.starts_with("//")).count()
    };
    let (start, end) = (program.find("// begin"), program.find("// end"));
    let part = &program[start.expect("a begin")..end.expect("an end")];
    assert!(n_lines(part) <= 32, "model, training and Monte Carlo in {} lines", n_lines(part));
    assert!(n_lines(&program) <= 80, "{} lines in all", n_lines(&program));
}

/// Where the repository is: pages that are shown elsewhere too link to their neighbours so.
const REPOSITORY: [&str; 2] = [
    "https://github.com/burn-variational/burn-variational/tree/main/",
    "https://raw.githubusercontent.com/burn-variational/burn-variational/main/",
];

/// Every page of the workspace.
fn pages(folder: &Path, found: &mut Vec<PathBuf>) {
    for entry in fs::read_dir(folder).expect("a folder") {
        let path = entry.expect("an entry").path();
        let name = path.file_name().expect("a name").to_string_lossy().into_owned();
        if path.is_symlink() || name.starts_with('.') || name == "target" {
            continue;
        }
        if path.is_dir() {
            pages(&path, found);
        } else if path.extension().is_some_and(|extension| extension == "md") {
            found.push(path);
        }
    }
}

#[test]
fn every_link_inside_the_repository_leads_somewhere() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).parent().expect("the workspace");
    let mut found = Vec::new();
    pages(root, &mut found);
    assert!(found.len() > 10, "{found:?}");
    let mut n_links = 0;
    for page in found {
        let text = fs::read_to_string(&page).expect("a page");
        for link in text.split("](").skip(1).filter_map(|rest| rest.split(')').next()) {
            let path = match REPOSITORY.iter().find_map(|address| link.strip_prefix(address)) {
                Some(path) => root.join(path),
                None if link.contains("://") || link.starts_with('#') => continue,
                None => page.with_file_name(link.split('#').next().expect("a path")),
            };
            assert!(path.exists(), "{}: {link}", page.display());
            n_links += 1;
        }
    }
    assert!(n_links > 10, "links are found: {n_links}");
}

#[test]
fn every_rust_block_of_a_page_is_a_doctest() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).parent().expect("the workspace");
    let mut found = Vec::new();
    pages(root, &mut found);
    for page in found {
        let text = fs::read_to_string(&page).expect("a page");
        // What is included in a crate's documentation is tested with it, unless it says otherwise.
        let of_facade = page.parent() == Some(root);
        let is_included = of_facade
            || page.ancestors().skip(1).take(2).any(|folder| {
                let name = page.strip_prefix(folder).expect("a page in its folder").display();
                fs::read_to_string(folder.join("src/lib.rs"))
                    .is_ok_and(|lib| lib.contains(&format!("include_str!(\"../{name}\")")))
            });
        for info in text.lines().filter_map(|line| line.strip_prefix("```rust")) {
            assert!(is_included && info.is_empty(), "{}: ```rust{info}", page.display());
        }
    }
}
