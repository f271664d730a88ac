//! Files of the disk.

use std::fs;

use crate::scenario::files::{Entry, Files};

/// The disk, below the current directory or by absolute paths.
#[derive(Clone, Copy, Debug, Default)]
pub struct Disk;

impl Files for Disk {
    fn read(&self, path: &str) -> Option<String> {
        fs::read_to_string(path).ok()
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
