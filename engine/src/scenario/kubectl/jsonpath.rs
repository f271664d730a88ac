//! Paths of `kubectl -o jsonpath={…}` and of jq: keys, indexes, `[*]`, `[?(@.a=="b")]`.

use serde_json::Value;

/// One step of a path.
#[derive(Clone, Debug, PartialEq)]
pub enum Step {
    /// A key.
    Key(String),
    /// An index; negative ones count from the end.
    Index(i64),
    /// Every element.
    All,
    /// Elements whose value at a path equals a text.
    Where(Vec<Step>, String),
}

/// Reads a path without its leading dot.
///
/// # Errors
/// What is not understood.
pub fn steps(path: &str) -> Result<Vec<Step>, String> {
    let mut steps = Vec::new();
    let mut rest = path.trim();
    while !rest.is_empty() {
        if let Some(tail) = rest.strip_prefix('[') {
            let end = closing(tail).ok_or("a bracket is not closed")?;
            let (inside, tail) = tail.split_at_checked(end).ok_or("a bracket is not closed")?;
            rest = tail.strip_prefix(']').unwrap_or(tail);
            steps.push(bracket(inside.trim())?);
            continue;
        }
        rest = rest.strip_prefix('.').unwrap_or(rest);
        let mut key = String::new();
        let mut chars = rest.char_indices();
        let mut end = rest.len();
        while let Some((at, c)) = chars.next() {
            match c {
                '\\' => key.extend(chars.next().map(|(_, c)| c)),
                '.' | '[' => {
                    end = at;
                    break;
                }
                c => key.push(c),
            }
        }
        rest = rest.get(end..).unwrap_or("");
        if !key.is_empty() {
            steps.push(if key == "*" { Step::All } else { Step::Key(key.trim_matches('"').to_owned()) });
        } else if !rest.starts_with('[') {
            return Err(format!("path {path:?} is not understood"));
        }
    }
    Ok(steps)
}

fn closing(text: &str) -> Option<usize> {
    let mut depth = 0;
    for (at, c) in text.char_indices() {
        match c {
            '[' => depth += 1,
            ']' if depth == 0 => return Some(at),
            ']' => depth -= 1,
            _ => {}
        }
    }
    None
}

fn bracket(inside: &str) -> Result<Step, String> {
    if inside.is_empty() || inside == "*" {
        return Ok(Step::All);
    }
    if let Some(condition) = inside.strip_prefix("?(").and_then(|rest| rest.strip_suffix(')')) {
        let (left, right) =
            condition.split_once("==").ok_or_else(|| format!("condition {condition:?} is not understood"))?;
        let path = left.trim().strip_prefix('@').unwrap_or(left);
        return Ok(Step::Where(steps(path)?, right.trim().trim_matches(['"', '\'']).to_owned()));
    }
    if let Ok(index) = inside.parse() {
        return Ok(Step::Index(index));
    }
    Ok(Step::Key(inside.trim_matches(['"', '\'']).to_owned()))
}

/// Every value at a path.
#[must_use]
pub fn select<'a>(steps: &[Step], value: &'a Value) -> Vec<&'a Value> {
    let Some((first, rest)) = steps.split_first() else { return vec![value] };
    let children: Vec<&Value> = match first {
        Step::Key(key) => value.get(key).into_iter().collect(),
        Step::Index(index) => {
            let items = value.as_array().map(Vec::as_slice).unwrap_or_default();
            let at = if *index < 0 { index + items.len() as i64 } else { *index };
            usize::try_from(at).ok().and_then(|at| items.get(at)).into_iter().collect()
        }
        Step::All => match value {
            Value::Array(items) => items.iter().collect(),
            Value::Object(map) => map.values().collect(),
            _ => Vec::new(),
        },
        Step::Where(path, text) => {
            let items = value.as_array().map(Vec::as_slice).unwrap_or_default();
            let fits = |item: &&Value| select(path, item).first().is_some_and(|found| plain(found) == *text);
            items.iter().filter(fits).collect()
        }
    };
    children.into_iter().flat_map(|child| select(rest, child)).collect()
}

/// A value as kubectl prints it: strings bare, the rest as JSON.
#[must_use]
pub fn plain(value: &Value) -> String {
    match value {
        Value::String(text) => text.clone(),
        Value::Null => String::new(),
        other => other.to_string(),
    }
}

/// Prints a template: text with `{.path}` and `{"text"}`, and `{range .path}…{end}`.
///
/// # Errors
/// What is not understood.
pub fn print(template: &str, value: &Value) -> Result<String, String> {
    let mut out = String::new();
    let mut rest = template;
    while let Some((text, tail)) = rest.split_once('{') {
        out.push_str(text);
        let (inside, tail) = tail.split_once('}').ok_or("a brace is not closed")?;
        let inside = inside.trim();
        rest = tail;
        if let Some(path) = inside.strip_prefix("range ") {
            let (body, tail) = tail.split_once("{end}").ok_or("{end} is missing")?;
            rest = tail;
            for item in select(&steps(relative(path))?, value) {
                out.push_str(&print(body, item)?);
            }
        } else if let Some(text) = inside.strip_prefix('"').and_then(|text| text.strip_suffix('"')) {
            out.push_str(&text.replace("\\n", "\n").replace("\\t", "\t"));
        } else {
            let found: Vec<String> = select(&steps(relative(inside))?, value).into_iter().map(plain).collect();
            out.push_str(&found.join(" "));
        }
    }
    out.push_str(rest);
    Ok(out)
}

fn relative(path: &str) -> &str {
    let path = path.trim();
    path.strip_prefix('$').or_else(|| path.strip_prefix('@')).unwrap_or(path)
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn templates_print_what_kubectl_prints() {
        let object = json!({"items": [{"a": "x", "b": 1}, {"a": "y"}], "m": {"k.l": true}, "s": [{"n": 1}]});
        for (template, expected) in [
            ("{.items[*].a}", "x y"),
            ("{.items[0].b}", "1"),
            (r"{.m.k\.l}", "true"),
            ("{.items[?(@.a==\"y\")].a}!", "y!"),
            ("{range .items[*]}{.a}{\"\\n\"}{end}", "x\ny\n"),
            ("{.s}", "[{\"n\":1}]"),
            ("{.none}", ""),
        ] {
            assert_eq!(print(template, &object).unwrap_or_else(|error| error), expected, "{template}");
        }
    }
}
