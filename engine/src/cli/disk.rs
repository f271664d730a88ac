//! Files of the disk.

use std::fs;
use std::io::Read as _;
use std::sync::OnceLock;

use crate::scenario::files::{Entry, Files};

/// Standard input, which can be read once only.
static STANDARD_INPUT: OnceLock<Vec<u8>> = OnceLock::new();

fn standard_input() -> Vec<u8> {
    let mut bytes = Vec::new();
    let _ = std::io::stdin().read_to_end(&mut bytes);
    bytes
}

/// The disk, below the current directory or by absolute paths.
#[derive(Clone, Copy, Debug, Default)]
pub struct Disk;

impl Files for Disk {
    fn read(&self, path: &str) -> Option<String> {
        let bytes = match path {
            "-" => STANDARD_INPUT.get_or_init(standard_input).clone(),
            path => fs::read(path).ok()?,
        };
        // What is no text is left to the readers to refuse: a NUL stands where it begins.
        Some(String::from_utf8(bytes).unwrap_or_else(|error| {
            let valid = error.utf8_error().valid_up_to();
            let text = error.as_bytes().get(..valid).map(String::from_utf8_lossy).unwrap_or_default();
            format!("{text}\0")
        }))
    }

    fn list(&self, dir: &str) -> Option<Vec<Entry>> {
        let dir = if dir.is_empty() { "." } else { dir };
        let entries = fs::read_dir(dir).ok()?.filter_map(Result::ok).filter_map(|entry| {
            Some(Entry { name: entry.file_name().into_string().ok()?, dir: entry.path().is_dir() })
        });
        let mut entries: Vec<Entry> = entries.collect();
        entries.sort();
        Some(entries)
    }
}
