//! CEL text: literals, field access, wildcards, and simple `{{ variables }}`.

use serde_json::Value;

use super::Cel;
use crate::object::wildcard;

/// A string literal.
pub(super) fn string(text: &str) -> String {
    let escaped = text.replace('\\', "\\\\").replace('\'', "\\'").replace('\n', "\\n").replace('\t', "\\t");
    format!("'{escaped}'")
}

/// A literal; elements of lists and maps are `dyn`, as the Kubernetes environment wants them of one type.
pub(super) fn literal(value: &Value) -> String {
    match value {
        Value::String(text) => string(text),
        Value::Array(items) => {
            let items: Vec<String> = items.iter().map(|item| format!("dyn({})", literal(item))).collect();
            format!("[{}]", items.join(", "))
        }
        Value::Object(map) => {
            let fields = map.iter().map(|(key, value)| format!("{}: dyn({})", string(key), literal(value)));
            format!("{{{}}}", fields.collect::<Vec<_>>().join(", "))
        }
        other => other.to_string(),
    }
}

/// A name that may stand behind a dot.
pub(super) fn is_identifier(name: &str) -> bool {
    let mut chars = name.chars();
    let starts = chars.next().is_some_and(|c| c.is_ascii_alphabetic() || c == '_');
    starts && chars.all(|c| c.is_ascii_alphanumeric() || c == '_') && !matches!(name, "in" | "true" | "false" | "null")
}

/// `object.name` or `object['a/b']`.
pub(super) fn access(object: &str, name: &str) -> String {
    if is_identifier(name) { format!("{object}.{name}") } else { format!("{object}[{}]", string(name)) }
}

/// `has(object.name)` or `'a/b' in object`.
pub(super) fn has(object: &str, name: &str) -> String {
    if is_identifier(name) { format!("has({object}.{name})") } else { format!("{} in {object}", string(name)) }
}

/// A comparison of a string with a text that may hold wildcards.
pub(super) fn equals(left: &str, text: &str) -> String {
    if !wildcard::contains_wildcard(text) {
        return format!("{left} == {}", string(text));
    }
    let mut pattern = String::from("^");
    for c in text.chars() {
        match c {
            '*' => pattern.push_str(".*"),
            '?' => pattern.push('.'),
            _ => pattern.push_str(&regex::escape(&c.to_string())),
        }
    }
    pattern.push('$');
    format!("{left}.matches({})", string(&pattern))
}

/// One of several texts.
pub(super) fn one_of(left: &str, texts: &[&str]) -> String {
    if texts.iter().any(|text| wildcard::contains_wildcard(text)) {
        let each: Vec<String> = texts.iter().map(|text| equals(left, text)).collect();
        return or(each);
    }
    match texts {
        [one] => equals(left, one),
        many => format!("{left} in [{}]", many.iter().map(|text| string(text)).collect::<Vec<_>>().join(", ")),
    }
}

/// All of them; `true` for none.
pub(super) fn and(parts: Vec<String>) -> String {
    joined(parts, " && ", "true")
}

/// One of them; `false` for none.
pub(super) fn or(parts: Vec<String>) -> String {
    joined(parts, " || ", "false")
}

fn joined(mut parts: Vec<String>, operator: &str, none: &str) -> String {
    parts.dedup();
    match parts.as_slice() {
        [] => none.to_owned(),
        [one] => one.clone(),
        many => {
            let outer = |part: &String| loose(part, " ? ") || (operator != " || " && loose(part, " || "));
            let each = many.iter().map(|part| if outer(part) { format!("({part})") } else { part.clone() });
            each.collect::<Vec<_>>().join(operator)
        }
    }
}

/// Whether an operator stands outside of parentheses, brackets and strings.
fn loose(expression: &str, operator: &str) -> bool {
    let (mut depth, mut quoted, mut escaped) = (0usize, false, false);
    expression.char_indices().any(|(at, c)| {
        match c {
            _ if escaped => escaped = false,
            '\\' if quoted => escaped = true,
            '\'' => quoted = !quoted,
            '(' | '[' | '{' if !quoted => depth += 1,
            ')' | ']' | '}' if !quoted => depth = depth.saturating_sub(1),
            _ => {}
        }
        depth == 0 && !quoted && expression.get(at..).is_some_and(|rest| rest.starts_with(operator))
    })
}

/// The opposite.
pub(super) fn not(part: &str) -> String {
    let simple = part.ends_with(')') && (part.starts_with("has(") && part.matches('(').count() == 1);
    if simple || part == "true" || part == "false" { format!("!{part}") } else { format!("!({part})") }
}

/// The inside of a text that is one variable: `{{ x }}` → `x`.
pub(super) fn sole_variable(text: &str) -> Option<&str> {
    let inside = text.trim().strip_prefix("{{")?.strip_suffix("}}")?;
    (!inside.contains("{{") && !inside.contains("}}")).then(|| inside.trim())
}

/// A JMESPath variable as CEL: a path into the request, with `|| default`, or the `length` of one.
pub(super) fn variable(expression: &str, default: &str) -> Cel {
    let expression = expression.trim();
    if let Some(piped) = expression.strip_suffix("| length(@)") {
        return Ok(format!("size({})", variable(piped, "[]")?));
    }
    if let Some(inside) = expression.strip_prefix("length(").and_then(|rest| rest.strip_suffix(')')) {
        return Ok(format!("size({})", variable(inside, "[]")?));
    }
    let (path, default) = match expression.split_once("||") {
        Some((path, fallback)) => (path.trim(), fallback_literal(fallback.trim())?),
        None => (expression, default.to_owned()),
    };
    match path {
        "request.operation"
        | "request.namespace"
        | "request.name"
        | "request.userInfo.username"
        | "request.userInfo.groups" => {
            return Ok(path.to_owned());
        }
        "request.object" => return Ok("object".to_owned()),
        "request.oldObject" => return Ok("oldObject".to_owned()),
        _ => {}
    }
    let (root, rest) = match (path.strip_prefix("request.object."), path.strip_prefix("request.oldObject.")) {
        (Some(rest), _) => ("object", rest),
        (_, Some(rest)) => ("oldObject", rest),
        _ => return Err(format!("{{{{ {expression} }}}} has no simple equivalent in CEL")),
    };
    let mut out = root.to_owned();
    let mut projected = None;
    for part in parts(rest).ok_or_else(|| format!("{{{{ {expression} }}}} has no simple equivalent in CEL"))? {
        let (name, list) =
            part.strip_suffix("[]").or_else(|| part.strip_suffix("[*]")).map_or((part.as_str(), false), |n| (n, true));
        if projected.is_some() {
            if list {
                return Err(format!("{{{{ {expression} }}}} goes through two lists"));
            }
            projected = projected.map(|path: Vec<String>| [path, vec![name.to_owned()]].concat());
            continue;
        }
        if is_identifier(name) {
            out.push_str(&format!(".?{name}"));
        } else {
            out.push_str(&format!("[?{}]", string(name)));
        }
        if list {
            projected = Some(Vec::new());
        }
    }
    let Some(inner) = projected else { return Ok(format!("{out}.orValue({default})")) };
    let list = format!("{out}.orValue([])");
    match inner.as_slice() {
        [] => Ok(list),
        [name] => Ok(format!("{list}.filter(e, {}).map(e, {})", has("e", name), access("e", name))),
        _ => Err(format!("{{{{ {expression} }}}} goes too deep into a list")),
    }
}

/// The names of a path: `a."b.c".d[]`; `None` where it is more than that.
fn parts(path: &str) -> Option<Vec<String>> {
    let mut parts = vec![String::new()];
    let mut quoted = false;
    for c in path.chars() {
        match c {
            '"' => quoted = !quoted,
            '.' if !quoted => parts.push(String::new()),
            _ if quoted || c.is_ascii_alphanumeric() || matches!(c, '_' | '[' | ']' | '*') => parts.last_mut()?.push(c),
            _ => return None,
        }
    }
    let plain = |part: &String| {
        let name = part.trim_end_matches("[]").trim_end_matches("[*]");
        !name.is_empty() && !name.contains(['[', ']', '*'])
    };
    (!quoted && parts.iter().all(plain)).then_some(parts)
}

fn fallback_literal(text: &str) -> Cel {
    if let Some(raw) = text.strip_prefix('\'').and_then(|text| text.strip_suffix('\'')) {
        return Ok(string(raw));
    }
    let json = text.strip_prefix('`').and_then(|text| text.strip_suffix('`'));
    let value: Option<Value> = json.and_then(|json| serde_json::from_str(json).ok());
    value.map(|value| literal(&value)).ok_or_else(|| format!("the default {text} has no simple equivalent in CEL"))
}

/// A text with variables as a CEL string.
pub(super) fn template(text: &str) -> Cel {
    let mut parts = Vec::new();
    let mut rest = text;
    while let Some((before, tail)) = rest.split_once("{{") {
        let (inside, after) = tail.split_once("}}").ok_or("a variable is not closed")?;
        if !before.is_empty() {
            parts.push(string(before));
        }
        let value = variable(inside, "''")?;
        parts.push(if matches!(value.as_str(), "request.operation" | "request.namespace" | "request.name") {
            value
        } else {
            format!("string({value})")
        });
        rest = after;
    }
    if !rest.is_empty() || parts.is_empty() {
        parts.push(string(rest));
    }
    Ok(parts.join(" + "))
}
