//! The file of a saved model: configuration and parameters under one checksum.
//!
//! ```text
//! "BVMODEL1" | CRC-32 of what follows | length of the configuration | configuration | parameters
//! ```
//!
//! Both numbers are little-endian, of 4 and 8 bytes. The configuration is CBOR, which keeps every
//! float to the last bit; the parameters are what Burn writes of a module. The file does not begin
//! as Burn's own do, so that nothing loads it and leaves the rates behind.

use std::io;
use std::path::Path;

use crate::atomic::write_parts_atomically;

/// The last byte is the version of the format.
const MAGIC: [u8; 8] = *b"BVMODEL1";

/// Writes the file, or replaces it in one step.
pub(crate) fn write(path: &Path, config: &[u8], parameters: &[u8]) -> io::Result<()> {
    let length = (config.len() as u64).to_le_bytes();
    let mut checksum = crc32fast::Hasher::new();
    for part in [&length, config, parameters] {
        checksum.update(part);
    }
    let checksum = checksum.finalize().to_le_bytes();
    write_parts_atomically(path, &[&MAGIC, &checksum, &length, config, parameters])
}

/// Configuration and parameters of a file with this content, or what is wrong with it.
pub(crate) fn parse(mut content: Vec<u8>) -> Result<(Vec<u8>, Vec<u8>), String> {
    let too_short = || format!("it has only {} bytes", content.len());
    let (magic, rest) = content.split_first_chunk().ok_or_else(too_short)?;
    if *magic != MAGIC {
        return Err("it does not begin as a saved model does".to_string());
    }
    let (checksum, rest) = rest.split_first_chunk().ok_or_else(too_short)?;
    let (length, body) = rest.split_first_chunk().ok_or_else(too_short)?;
    if crc32fast::hash(rest) != u32::from_le_bytes(*checksum) {
        return Err("its checksum is wrong".to_string());
    }
    let config = usize::try_from(u64::from_le_bytes(*length)).ok();
    let config = config.and_then(|length| body.get(..length)).ok_or_else(too_short)?.to_vec();
    content.drain(..content.len() - body.len() + config.len());
    Ok((config, content))
}

#[cfg(test)]
mod tests {
    use std::fs;

    use super::*;

    fn file() -> Vec<u8> {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("model.bvm");
        write(&path, b"configuration", b"parameters").unwrap();
        fs::read(path).unwrap()
    }

    #[test]
    fn both_parts_come_back() {
        let expected = (b"configuration".to_vec(), b"parameters".to_vec());
        assert_eq!(parse(file()).unwrap(), expected);
    }

    #[test]
    fn every_truncation_is_told() {
        let file = file();
        for length in 0..file.len() {
            let expected = match length {
                0..20 => format!("it has only {length} bytes"),
                _ => "its checksum is wrong".to_string(),
            };
            assert_eq!(parse(file[..length].to_vec()).unwrap_err(), expected);
        }
    }

    #[test]
    fn every_changed_bit_is_told() {
        let file = file();
        for bit in 0..8 * file.len() {
            let mut changed = file.clone();
            changed[bit / 8] ^= 1 << (bit % 8);
            let expected = match bit / 8 {
                0..8 => "it does not begin as a saved model does",
                _ => "its checksum is wrong",
            };
            assert_eq!(parse(changed).unwrap_err(), expected);
        }
    }

    #[test]
    fn a_length_beyond_the_file_is_told_under_a_right_checksum() {
        let mut file = file();
        file[12..20].copy_from_slice(&u64::MAX.to_le_bytes());
        let checksum = crc32fast::hash(&file[12..]).to_le_bytes();
        file[8..12].copy_from_slice(&checksum);
        assert_eq!(parse(file).unwrap_err(), "it has only 43 bytes");
    }
}
