//! Go's `path.Clean` and `path.Join` on slash-separated paths.

/// The shortest path that names the same: no empty elements, no `.`, no inner `..`; `.` for an empty path.
#[must_use]
pub fn clean(path: &str) -> String {
    let rooted = path.starts_with('/');
    let mut kept: Vec<&str> = Vec::new();
    for element in path.split('/') {
        match element {
            "" | "." => {}
            ".." if kept.last().is_some_and(|last| *last != "..") => {
                kept.pop();
            }
            ".." if rooted => {}
            element => kept.push(element),
        }
    }
    match (rooted, kept.is_empty()) {
        (true, _) => format!("/{}", kept.join("/")),
        (false, true) => ".".to_owned(),
        (false, false) => kept.join("/"),
    }
}

/// Joins the non-empty elements and cleans the result; `""` where all are empty.
#[must_use]
pub fn join(elements: &[&str]) -> String {
    let elements: Vec<_> = elements.iter().copied().filter(|element| !element.is_empty()).collect();
    if elements.is_empty() { String::new() } else { clean(&elements.join("/")) }
}
