//! Progress bars with tokens per second and time left.

use std::time::Duration;

use indicatif::{ProgressBar, ProgressStyle};

/// A bar that counts tokens; it draws only where standard error is a terminal.
#[derive(Debug)]
pub struct TokenBar {
    bar: ProgressBar,
}

impl TokenBar {
    /// A bar for so many tokens.
    #[allow(clippy::missing_panics_doc, reason = "the template is a constant")]
    pub fn new(name: String, n_tokens: u64) -> Self {
        let style = ProgressStyle::with_template(
            "{prefix:40} {bar:30} {percent:>3} %  {per_sec}  {eta} left  {msg}",
        )
        .expect("the template is valid")
        .with_key(
            "per_sec",
            |state: &indicatif::ProgressState, out: &mut dyn std::fmt::Write| {
                let _ = write!(out, "{:>6.0} tokens/s", state.per_sec());
            },
        );
        let bar = ProgressBar::new(n_tokens).with_style(style).with_prefix(name);
        bar.enable_steady_tick(Duration::from_millis(200));
        Self { bar }
    }

    /// Counts tokens.
    pub fn advance(&self, n_tokens: u64) {
        self.bar.inc(n_tokens);
    }

    /// What is said behind the bar.
    pub fn say(&self, message: String) {
        self.bar.set_message(message);
    }
}

impl Drop for TokenBar {
    fn drop(&mut self) {
        self.bar.finish_and_clear();
    }
}
