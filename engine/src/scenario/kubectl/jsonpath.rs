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
    /// Everything below.
    Below,
    /// Elements from an index to another.
    Slice(Option<i64>, Option<i64>),
    /// What several steps lead to.
    Union(Vec<Step>),
    /// Elements for which a comparison holds: paths on both sides, or a literal on the right; without operator the path
    /// is there.
    Where(Vec<Step>, &'static str, Operand),
}

/// The right side of a comparison.
#[derive(Clone, Debug, PartialEq)]
pub enum Operand {
    /// A text or a number.
    Literal(String),
    /// A path of the element.
    Path(Vec<Step>),
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
        if let Some(tail) = rest.strip_prefix("..") {
            steps.push(Step::Below);
            rest = tail;
            if rest.is_empty() || rest.starts_with('[') {
                continue;
            }
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
    if let Some(condition) =
        inside.strip_prefix('?').map(str::trim).and_then(|rest| rest.strip_prefix('(')?.strip_suffix(')'))
    {
        let operator =
            ["==", "!=", "<=", ">=", "=~", "<", ">"].into_iter().find(|operator| condition.contains(operator));
        let (left, right) = operator.and_then(|operator| condition.split_once(operator)).unwrap_or((condition, ""));
        let of_element = |text: &str| text.trim().strip_prefix('@').map(steps);
        let left = of_element(left).unwrap_or_else(|| Err(format!("condition {condition:?} is not understood")))?;
        let right = match of_element(right) {
            Some(path) => Operand::Path(path?),
            None => Operand::Literal(right.trim().trim_matches(['"', '\'', '`']).to_owned()),
        };
        return Ok(Step::Where(left, operator.unwrap_or(""), right));
    }
    if !inside.starts_with(['"', '\'']) && inside.contains(':') {
        let mut bounds = inside.split(':').map(|bound| bound.trim().parse().ok());
        return Ok(Step::Slice(bounds.next().flatten(), bounds.next().flatten()));
    }
    if inside.contains(',') {
        return inside.split(',').map(|one| bracket(one.trim())).collect::<Result<_, _>>().map(Step::Union);
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
        Step::Below => {
            let mut all = Vec::new();
            below(value, &mut all);
            all
        }
        Step::Slice(from, to) => {
            let items = value.as_array().map(Vec::as_slice).unwrap_or_default();
            let length = items.len() as i64;
            let place = |at: i64| usize::try_from(if at < 0 { at + length } else { at.min(length) }).unwrap_or(0);
            items.get(place(from.unwrap_or(0))..place(to.unwrap_or(length))).unwrap_or_default().iter().collect()
        }
        Step::Union(steps) => steps.iter().flat_map(|step| select(std::slice::from_ref(step), value)).collect(),
        Step::Where(path, operator, right) => {
            let fits = |item: &&Value| {
                let Some(found) = select(path, item).first().copied() else { return false };
                let right = match right {
                    Operand::Literal(text) => text.clone(),
                    Operand::Path(path) => select(path, item).first().map(|value| plain(value)).unwrap_or_default(),
                };
                compares(&plain(found), operator, &right)
            };
            match value {
                Value::Array(items) => items.iter().filter(fits).collect(),
                Value::Object(map) => map.values().filter(fits).collect(),
                _ => Vec::new(),
            }
        }
    };
    children.into_iter().flat_map(|child| select(rest, child)).collect()
}

fn below<'a>(value: &'a Value, found: &mut Vec<&'a Value>) {
    found.push(value);
    match value {
        Value::Array(items) => items.iter().for_each(|item| below(item, found)),
        Value::Object(map) => map.values().for_each(|item| below(item, found)),
        _ => {}
    }
}

fn compares(left: &str, operator: &str, right: &str) -> bool {
    let order = match (left.parse::<f64>(), right.parse::<f64>()) {
        (Ok(left), Ok(right)) => left.total_cmp(&right),
        _ => left.cmp(right),
    };
    match operator {
        "" => true,
        "==" => order.is_eq(),
        "!=" => order.is_ne(),
        "<" => order.is_lt(),
        "<=" => order.is_le(),
        ">" => order.is_gt(),
        ">=" => order.is_ge(),
        _ => regex::Regex::new(right.trim_matches('/')).is_ok_and(|regex| regex.is_match(left)),
    }
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
    let template = template.trim_matches(['\'']);
    // `-o jsonpath=.a.b` without braces is a path, too.
    if !template.contains('{') && template.starts_with(['.', '$']) {
        return print(&format!("{{{template}}}"), value);
    }
    let mut out = String::new();
    let mut rest = template;
    while let Some((text, tail)) = rest.split_once('{') {
        out.push_str(text);
        let end = brace(tail).ok_or("a brace is not closed")?;
        let (inside, tail) = tail.split_at_checked(end).ok_or("a brace is not closed")?;
        let inside = inside.trim();
        rest = tail.strip_prefix('}').unwrap_or(tail);
        if let Some(path) = inside.strip_prefix("range ") {
            let (body, tail) = to_end(rest).ok_or("{end} is missing")?;
            rest = tail;
            for item in select(&steps(relative(path))?, value) {
                out.push_str(&print(body, item)?);
            }
        } else if let Some(text) = inside.strip_prefix('"').and_then(|text| text.strip_suffix('"')) {
            out.push_str(&super::builtins::escapes(text));
        } else if let Some(text) = inside.strip_prefix('\'').and_then(|text| text.strip_suffix('\'')) {
            out.push_str(&super::builtins::escapes(text));
        } else {
            let found: Vec<String> = select(&steps(relative(inside))?, value).into_iter().map(plain).collect();
            out.push_str(&found.join(" "));
        }
    }
    out.push_str(rest);
    Ok(out)
}

/// Where the brace closes that is open: not inside quotes.
fn brace(text: &str) -> Option<usize> {
    let mut quote = None;
    for (at, c) in text.char_indices() {
        match (quote, c) {
            (Some(open), c) if c == open => quote = None,
            (None, '"' | '\'') => quote = Some(c),
            (None, '}') => return Some(at),
            _ => {}
        }
    }
    None
}

/// The body of a range, and what follows its `{end}`.
fn to_end(text: &str) -> Option<(&str, &str)> {
    let (mut depth, mut at) = (0, 0);
    loop {
        let rest = text.get(at..)?;
        let next = at + rest.find('{')?;
        let inside = text.get(next + 1..)?.trim_start();
        if inside.starts_with("range ") {
            depth += 1;
        } else if inside.starts_with("end}") {
            if depth == 0 {
                let after = next + text.get(next..)?.find('}')? + 1;
                return Some((text.get(..next)?, text.get(after..)?));
            }
            depth -= 1;
        }
        at = next + 1;
    }
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
            ("{..n}", "1"),
            ("{.items[?(@.b>=1)].a}", "x"),
            ("{.items[0:1].a}", "x"),
            ("{.items[0]['a','b']}", "x 1"),
            (".items[1].a", "y"),
            ("{range .items[*]}{range .a}{@}{'}'}{end};{end}", "x};y};"),
        ] {
            assert_eq!(print(template, &object).unwrap_or_else(|error| error), expected, "{template}");
        }
    }
}
