//! How much memory a file may ask for.

/// The bytes that the tensors of a file may still take.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Budget {
    left: usize,
}

impl Budget {
    /// Tensors may share bytes of a file, and a file may be compressed, but not by as much as this.
    const FACTOR: usize = 16;

    pub(super) fn of_file(n_bytes: u64) -> Self {
        let n_bytes = usize::try_from(n_bytes).unwrap_or(usize::MAX);
        Self { left: n_bytes.saturating_mul(Self::FACTOR) }
    }

    /// What is left.
    #[cfg(feature = "keras")]
    pub(super) fn bytes(self) -> usize {
        self.left
    }

    /// Takes so many bytes, or more than can be counted.
    pub(super) fn spend(&mut self, n_bytes: Option<usize>) -> Result<(), String> {
        let left = n_bytes.and_then(|n_bytes| self.left.checked_sub(n_bytes));
        self.left = left.ok_or_else(Self::exceeded)?;
        Ok(())
    }

    /// What is said of a file that asks for more.
    pub(super) fn exceeded() -> String {
        format!("its tensors take more than {} times the file's size", Self::FACTOR)
    }
}
