//! Where the files of a test come from: a map of paths in memory, or (in the command line) a directory of the disk.

use std::collections::BTreeMap;

use crate::object::order;

/// Read-only files by `/`-separated path.
pub trait Files: Sync {
    /// The text of a file; `None` where there is none, or it is no text.
    fn read(&self, path: &str) -> Option<String>;
    /// The entries of a directory in order of name; `None` where it is none.
    fn list(&self, dir: &str) -> Option<Vec<Entry>>;

    /// Whether there is a directory of this name.
    fn is_dir(&self, path: &str) -> bool {
        self.list(path).is_some()
    }
}

/// An entry of a directory.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Entry {
    /// Name without the directory.
    pub name: String,
    /// Whether it is a directory itself.
    pub dir: bool,
}

/// Files in memory.
#[derive(Clone, Debug, Default)]
pub struct MapFiles(pub BTreeMap<String, String>);

impl Files for MapFiles {
    fn read(&self, path: &str) -> Option<String> {
        self.0.get(&join("", path)).cloned()
    }

    fn list(&self, dir: &str) -> Option<Vec<Entry>> {
        let dir = join("", dir);
        let prefix = if dir.is_empty() { String::new() } else { format!("{dir}/") };
        let mut entries: Vec<Entry> = Vec::new();
        for rest in self.0.keys().filter_map(|path| path.strip_prefix(&prefix)) {
            let entry = match rest.split_once('/') {
                Some((name, _)) => Entry { name: name.to_owned(), dir: true },
                None => Entry { name: rest.to_owned(), dir: false },
            };
            if !entries.contains(&entry) {
                entries.push(entry);
            }
        }
        order::sort(&mut entries);
        (!entries.is_empty()).then_some(entries)
    }
}

/// A path below a directory, cleaned as Go's `filepath.Join` does: no `.`, no empty parts, `..` resolved.
#[must_use]
pub fn join(dir: &str, path: &str) -> String {
    let absolute = if dir.is_empty() { path.starts_with('/') } else { dir.starts_with('/') };
    let mut parts: Vec<&str> = Vec::new();
    for part in dir.split('/').chain(path.split('/')) {
        match part {
            "" | "." => {}
            ".." if parts.last().is_some_and(|last| *last != "..") => {
                parts.pop();
            }
            ".." if absolute => {}
            part => parts.push(part),
        }
    }
    let clean = parts.join("/");
    if absolute { format!("/{clean}") } else { clean }
}

/// The directory of a path; `""` for a bare name.
#[must_use]
pub fn parent(path: &str) -> &str {
    match path.rsplit_once('/') {
        Some(("", _)) => "/",
        Some((dir, _)) => dir,
        None => "",
    }
}

/// The last part of a path.
#[must_use]
pub fn base_name(path: &str) -> &str {
    path.rsplit_once('/').map_or(path, |(_, name)| name)
}

/// Whether Kyverno's loaders take the file for YAML.
#[must_use]
pub fn is_yaml(path: &str) -> bool {
    path.ends_with(".yaml") || path.ends_with(".yml")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn paths_are_cleaned() {
        assert_eq!(join("a/b", "../c.yaml"), "a/c.yaml");
        assert_eq!(join("", "./x//y"), "x/y");
        assert_eq!(join("/a", "../../b"), "/b");
        assert_eq!(join("a", "../../b"), "../b");
        assert_eq!(parent("/x"), "/");
        assert_eq!(base_name("a/b.yaml"), "b.yaml");
    }

    #[test]
    fn a_map_has_directories() {
        let files = MapFiles([("a/b/c.yaml", "1"), ("a/d.yaml", "2")].map(|(k, v)| (k.into(), v.into())).into());
        assert_eq!(files.read("./a/d.yaml").as_deref(), Some("2"));
        let names: Vec<_> = files.list("a").unwrap_or_default().into_iter().map(|e| (e.name, e.dir)).collect();
        assert_eq!(names, [("b".to_owned(), true), ("d.yaml".to_owned(), false)]);
        assert!(!files.is_dir("x"));
    }
}
