//! Objects as YAML, line by line, each line with the JSON pointer of what it shows.

use serde_json::Value;

/// One line.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Line {
    /// Spaces and dashes in front.
    pub lead: String,
    /// The key, with its colon in the text of the line.
    pub key: Option<String>,
    /// The scalar, as written.
    pub value: String,
    /// JSON pointer of the node.
    pub pointer: String,
}

/// The text of an object.
pub fn text(value: &Value) -> String {
    let mut text = String::new();
    for line in lines(value) {
        text.push_str(&line.lead);
        if let Some(key) = &line.key {
            text.push_str(key);
            text.push(':');
            if !line.value.is_empty() {
                text.push(' ');
            }
        }
        text.push_str(&line.value);
        text.push('\n');
    }
    text
}

/// The lines of an object.
pub fn lines(value: &Value) -> Vec<Line> {
    let mut out = Vec::new();
    node(value, "", "", "", &mut out);
    out
}

/// Writes a mapping or sequence; `first` stands in front of its first line, `rest` in front of the others.
fn node(value: &Value, first: &str, rest: &str, pointer: &str, out: &mut Vec<Line>) {
    let mut lead = first;
    match value {
        Value::Object(map) if !map.is_empty() => {
            for (key, child) in map {
                let at = format!("{pointer}/{}", key.replace('~', "~0").replace('/', "~1"));
                entry(&scalar_text(key), child, lead, rest, at, out);
                lead = rest;
            }
        }
        Value::Array(items) if !items.is_empty() => {
            for (i, child) in items.iter().enumerate() {
                node(child, &format!("{lead}- "), &format!("{rest}  "), &format!("{pointer}/{i}"), out);
                lead = rest;
            }
        }
        scalar => block(None, scalar, first, rest, pointer.to_owned(), out),
    }
}

fn entry(key: &str, child: &Value, lead: &str, rest: &str, pointer: String, out: &mut Vec<Line>) {
    let open = |out: &mut Vec<Line>| {
        out.push(Line {
            lead: lead.to_owned(),
            key: Some(key.to_owned()),
            value: String::new(),
            pointer: pointer.clone(),
        });
    };
    match child {
        Value::Object(map) if !map.is_empty() => {
            open(out);
            let inner = format!("{rest}  ");
            node(child, &inner, &inner, &pointer, out);
        }
        Value::Array(items) if !items.is_empty() => {
            open(out);
            node(child, rest, rest, &pointer, out);
        }
        scalar => block(Some(key), scalar, lead, rest, pointer, out),
    }
}

/// A scalar: on its line, or as a literal block when it has several.
fn block(key: Option<&str>, scalar: &Value, lead: &str, rest: &str, pointer: String, out: &mut Vec<Line>) {
    let line =
        |value: String| Line { lead: lead.to_owned(), key: key.map(str::to_owned), value, pointer: pointer.clone() };
    match scalar {
        Value::String(s)
            if s.contains('\n') && !s.starts_with([' ', '\n']) && s.chars().all(|c| c == '\n' || !c.is_control()) =>
        {
            let chomp = if s.ends_with("\n\n") {
                "|+"
            } else if s.ends_with('\n') {
                "|"
            } else {
                "|-"
            };
            out.push(line(chomp.to_owned()));
            for part in s.strip_suffix('\n').unwrap_or(s).split('\n') {
                let lead = if part.is_empty() { String::new() } else { format!("{rest}  ") };
                out.push(Line { lead, key: None, value: part.to_owned(), pointer: pointer.clone() });
            }
        }
        Value::String(s) => out.push(line(scalar_text(s))),
        Value::Object(_) => out.push(line("{}".to_owned())),
        Value::Array(_) => out.push(line("[]".to_owned())),
        other => out.push(line(other.to_string())),
    }
}

/// A string as a plain scalar where YAML would read the same string back, quoted where it would not.
fn scalar_text(s: &str) -> String {
    let special = |c: char| c.is_control() || c == '\u{feff}';
    let starts = |c: char| "!&*-?|>@`\"'%{}[],#:=<~".contains(c);
    let lower = s.to_ascii_lowercase();
    let word = matches!(
        lower.as_str(),
        "" | "y" | "n" | "yes" | "no" | "on" | "off" | "true" | "false" | "null" | "~" | ".nan" | ".inf"
    );
    let number = is_number(s);
    let dashed = s.starts_with(['-', '?', ':']) && s.chars().nth(1).is_some_and(|c| c != ' ');
    if s.chars().any(special) {
        return serde_json::to_string(s).unwrap_or_default();
    }
    let odd = word || number || s.starts_with([' ']) || s.ends_with([' ', ':']) || s.contains(": ") || s.contains(" #");
    if odd || (s.starts_with(starts) && !dashed) { format!("'{}'", s.replace('\'', "''")) } else { s.to_owned() }
}

/// Whether a plain scalar would be read as a number, a date or a time.
fn is_number(s: &str) -> bool {
    let digits = s.trim_start_matches(['+', '-']).replace('_', "");
    let radix = ["0x", "0o", "0b"]
        .iter()
        .any(|prefix| digits.strip_prefix(prefix).is_some_and(|rest| i64::from_str_radix(rest, 16).is_ok()));
    let clock = digits.starts_with(|c: char| c.is_ascii_digit())
        && digits.chars().all(|c| c.is_ascii_digit() || "-:.TtZz+".contains(c));
    radix || clock || is_float(&digits)
}

/// `1`, `1.5`, `.5`, `1.`, each perhaps with an exponent.
fn is_float(s: &str) -> bool {
    let all_digits = |s: &str| s.chars().all(|c| c.is_ascii_digit());
    let (number, exponent) = s.split_once(['e', 'E']).unwrap_or((s, "0"));
    let exponent = exponent.strip_prefix(['+', '-']).unwrap_or(exponent);
    let (whole, rest) = number.split_once('.').unwrap_or((number, ""));
    !exponent.is_empty()
        && number.len() > usize::from(number.contains('.'))
        && [exponent, whole, rest].into_iter().all(all_digits)
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn check(value: Value, want: &str) {
        assert_eq!(text(&value), want);
    }

    #[test]
    fn writes_what_kubectl_writes() {
        check(
            json!({"kind": "Pod", "metadata": {"labels": {"a/b": "1"}}}),
            "kind: Pod\nmetadata:\n  labels:\n    a/b: '1'\n",
        );
        check(
            json!({"c": [{"name": "x", "ports": [80, 443]}, {"name": "z"}]}),
            "c:\n- name: x\n  ports:\n  - 80\n  - 443\n- name: z\n",
        );
        check(
            json!({"a": [], "b": {}, "c": null, "d": true, "e": [[1, 2]]}),
            "a: []\nb: {}\nc: null\nd: true\ne:\n- - 1\n  - 2\n",
        );
    }

    #[test]
    fn quotes_what_would_be_read_as_something_else() {
        for (given, want) in [
            ("yes", "'yes'"),
            ("", "''"),
            ("0755", "'0755'"),
            ("1e3", "'1e3'"),
            (".5", "'.5'"),
            ("1.", "'1.'"),
            ("2026-01-01T00:00:00Z", "'2026-01-01T00:00:00Z'"),
            ("0x1f", "'0x1f'"),
            ("*", "'*'"),
            ("a: b", "'a: b'"),
            ("it's: x", "'it''s: x'"),
        ] {
            check(json!({"k": given}), &format!("k: {want}\n"));
        }
        for plain in [
            "?*",
            "kyverno.io/v1",
            "nginx:latest",
            "-x",
            "a b",
            "10Mi-x",
            ".",
            "1e",
            "1.2.3e1",
            "ur-86s5k",
            "6dd3c28f-553a-43bd-a160-06c8423fb9fa",
        ] {
            check(json!({"k": plain}), &format!("k: {plain}\n"));
        }
        check(json!({"k": "a\tb"}), "k: \"a\\tb\"\n");
    }

    #[test]
    fn writes_lines_as_blocks() {
        check(json!({"k": "a\n\nb\n", "l": ["x\ny"]}), "k: |\n  a\n\n  b\nl:\n- |-\n    x\n    y\n");
    }

    #[test]
    fn knows_the_pointer_of_a_line() {
        let all = lines(&json!({"a": {"b/c": [1]}}));
        assert_eq!(all.iter().map(|l| l.pointer.as_str()).collect::<Vec<_>>(), ["/a", "/a/b~1c", "/a/b~1c/0"]);
    }
}
