//! One paste that holds several files: each begins with a line that names it.
//!
//! `# file: a.yaml`, `# Source: chart/a.yaml` (helm template) and `==> a.yaml <==` (head, tail) are understood, and Markdown
//! whose code blocks come after a line with nothing but a name in backticks.

use indexmap::IndexMap;

/// The files, with those that hold several taken apart.
#[must_use]
pub fn split(files: &IndexMap<String, String>) -> IndexMap<String, String> {
    let mut out = IndexMap::new();
    for (name, text) in files {
        let parts = match text.contains("```") {
            true => markdown(text),
            false => marked(text),
        };
        // Files of a folder keep their names: a helm template in it stays one file.
        if parts.is_empty() || files.len() > 1 {
            out.insert(name.clone(), text.clone());
            continue;
        }
        for (part, text) in parts {
            let whole: &mut String = out.entry(part).or_default();
            if !whole.is_empty() {
                whole.push_str("---\n");
            }
            whole.push_str(&text);
        }
    }
    out
}

/// Files below lines that name them; none where there is no such line.
fn marked(text: &str) -> Vec<(String, String)> {
    let mut files: Vec<(String, String)> = Vec::new();
    let mut before = String::new();
    for line in text.split_inclusive('\n') {
        match (title(line.trim()), files.last_mut()) {
            (Some(name), _) => files.push((name.to_owned(), String::new())),
            (None, Some((_, body))) => body.push_str(line),
            (None, None) => before.push_str(line),
        }
    }
    for (_, body) in &mut files {
        let kept = body.trim_end().trim_end_matches("\n---").trim_end().len();
        body.truncate(kept);
        body.push('\n');
    }
    if !files.is_empty() && before.lines().any(|line| !line.trim().is_empty() && line.trim() != "---") {
        files.insert(0, ("pasted.yaml".to_owned(), before));
    }
    files
}

fn title(line: &str) -> Option<&str> {
    let comment = line.strip_prefix('#').map(str::trim_start);
    let named = comment
        .and_then(|rest| ["file:", "File:", "Source:"].iter().find_map(|word| rest.strip_prefix(word)).map(str::trim));
    let listed = || line.strip_prefix("==>").and_then(|rest| rest.strip_suffix("<==")).map(str::trim);
    named.or_else(listed).filter(|name| is_name(name))
}

fn is_name(text: &str) -> bool {
    let ending = [".yaml", ".yml", ".json"].iter().any(|ending| text.ends_with(ending));
    ending && !text.contains(char::is_whitespace)
}

/// Code blocks that come after a line with their name.
fn markdown(text: &str) -> Vec<(String, String)> {
    let mut files = Vec::new();
    let mut name = None;
    let mut lines = text.lines();
    while let Some(line) = lines.next() {
        let ticks = line.chars().take_while(|c| *c == '`').count();
        if ticks >= 3 {
            let fence = "`".repeat(ticks);
            let body: Vec<&str> = lines.by_ref().take_while(|line| line.trim_end() != fence).collect();
            if let Some(name) = name.take() {
                files.push((name, body.join("\n") + "\n"));
            }
        } else if !line.trim().is_empty() {
            let inner = line.trim().strip_prefix('`').and_then(|rest| rest.strip_suffix('`'));
            name = inner.filter(|inner| is_name(inner)).map(str::to_owned);
        }
    }
    files
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parts(text: &str) -> Vec<(String, String)> {
        split(&IndexMap::from([("pasted.yaml".to_owned(), text.to_owned())])).into_iter().collect()
    }

    fn own(files: &[(&str, &str)]) -> Vec<(String, String)> {
        files.iter().map(|(name, text)| ((*name).to_owned(), (*text).to_owned())).collect()
    }

    #[test]
    fn files_begin_where_they_are_named() {
        let ab = own(&[("a.yaml", "kind: A\n"), ("d/b.yml", "kind: B\n---\nkind: C\n")]);
        assert_eq!(parts("# file: a.yaml\nkind: A\n---\n# file: d/b.yml\nkind: B\n---\nkind: C"), ab);
        assert_eq!(parts("==> a.yaml <==\nkind: A\n\n==> d/b.yml <==\nkind: B\n---\nkind: C\n"), ab);
        assert_eq!(
            parts(
                "`a.yaml`\n\n```yaml\nkind: A\n```\n\n✓ `kubectl x`\n\n```\nno\n```\n`d/b.yml`\n```\nkind: B\n---\nkind: C\n```\n"
            ),
            ab
        );
    }

    #[test]
    fn what_stands_before_the_first_name_is_kept() {
        let files = own(&[("pasted.yaml", "kind: P\n---\n"), ("a.yaml", "kind: A\n")]);
        assert_eq!(parts("kind: P\n---\n# file: a.yaml\nkind: A\n"), files);
    }

    #[test]
    fn a_plain_paste_is_one_file() {
        assert_eq!(parts("# file of mine\nkind: P\n"), own(&[("pasted.yaml", "# file of mine\nkind: P\n")]));
    }
}
