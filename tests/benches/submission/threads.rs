//! How long the threads of this process run that ask a GPU for work.

use std::collections::BTreeMap;
use std::fs;
use std::time::Duration;

/// The threads in which `SwiftShader` computes.
const SOFTWARE: &str = "Thread<";

/// How long they run, all together, while `f` does: not the time that they wait.
pub(crate) fn time_of<R>(f: impl FnOnce() -> R) -> (R, Duration) {
    let before = times();
    let result = f();
    let none = Duration::ZERO;
    let ran =
        times().iter().map(|(id, &now)| now.saturating_sub(*before.get(id).unwrap_or(&none))).sum();
    (result, ran)
}

/// How long each thread has run so far, by its number.
fn times() -> BTreeMap<String, Duration> {
    let threads = fs::read_dir("/proc/self/task").expect("Linux lists the threads of a process");
    let time = |thread: fs::DirEntry| {
        let read = |file| fs::read_to_string(thread.path().join(file)).ok();
        if read("comm")?.starts_with(SOFTWARE) {
            return None;
        }
        let ran = read("schedstat")?.split(' ').next()?.parse().ok()?;
        let id = thread.file_name().into_string().ok()?;
        Some((id, Duration::from_nanos(ran)))
    };
    threads.filter_map(Result::ok).filter_map(time).collect()
}
