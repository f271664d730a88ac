//! `-o go-template=…`: fields, variables, `range`, `if`, `with`, `index`, `len`, `eq` and their like.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use serde_json::Value;

use super::jsonpath::plain;

const MAX_DEPTH: usize = 50;

/// A piece of a template.
enum Piece<'a> {
    Text(&'a str),
    Action(&'a str),
}

/// Prints a template.
///
/// # Errors
/// What is not understood.
pub fn print(template: &str, value: &Value) -> Result<String, String> {
    let mut pieces = Vec::new();
    let mut rest = template;
    while let Some((text, tail)) = rest.split_once("{{") {
        let (action, tail) = tail.split_once("}}").ok_or("unclosed action")?;
        let text = if action.starts_with('-') { text.trim_end() } else { text };
        pieces.push(Piece::Text(text));
        pieces.push(Piece::Action(action.trim_matches('-').trim()));
        rest = if action.ends_with('-') { tail.trim_start() } else { tail };
    }
    pieces.push(Piece::Text(rest));
    let mut printer = Printer { pieces: &pieces, vars: vec![("$".to_owned(), value.clone())], out: String::new() };
    let mut at = 0;
    printer.block(&mut at, value, true, 0)?;
    Ok(printer.out)
}

struct Printer<'a> {
    pieces: &'a [Piece<'a>],
    vars: Vec<(String, Value)>,
    out: String,
}

impl Printer<'_> {
    /// Prints up to the `end` or `else` of the block, whose text is returned.
    fn block(&mut self, at: &mut usize, dot: &Value, live: bool, depth: usize) -> Result<String, String> {
        if depth > MAX_DEPTH {
            return Err("nested too deeply".into());
        }
        while let Some(piece) = self.pieces.get(*at) {
            *at += 1;
            let action = match piece {
                Piece::Text(text) => {
                    if live {
                        self.out.push_str(text);
                    }
                    continue;
                }
                Piece::Action(action) => *action,
            };
            let (word, rest) = action.split_once(char::is_whitespace).unwrap_or((action, ""));
            match word {
                "end" => return Ok("end".to_owned()),
                "else" => return Ok(action.to_owned()),
                "if" | "with" | "range" => self.control(word, rest.trim(), at, dot, live, depth)?,
                _ if !live || action.starts_with("/*") => {}
                _ => {
                    if let Some((name, expression)) = action.split_once(":=").or_else(|| action.split_once(" = ")) {
                        let value = self.pipeline(expression, dot)?;
                        self.vars.push((name.trim().to_owned(), value));
                    } else {
                        let value = self.pipeline(action, dot)?;
                        self.out.push_str(&shown(&value));
                    }
                }
            }
        }
        Ok("end".to_owned())
    }

    fn control(
        &mut self,
        word: &str,
        rest: &str,
        at: &mut usize,
        dot: &Value,
        live: bool,
        depth: usize,
    ) -> Result<(), String> {
        let (names, expression) = rest.split_once(":=").map_or((Vec::new(), rest), |(names, expression)| {
            (names.split(',').map(|name| name.trim().to_owned()).collect(), expression)
        });
        let value = if live { self.pipeline(expression, dot)? } else { Value::Null };
        let scope = self.vars.len();
        let start = *at;
        if word == "range" {
            let items: Vec<(Value, Value)> = match &value {
                Value::Array(items) => items.iter().enumerate().map(|(at, item)| (at.into(), item.clone())).collect(),
                Value::Object(map) => map.iter().map(|(key, item)| (Value::from(key.as_str()), item.clone())).collect(),
                _ => Vec::new(),
            };
            let mut ended = String::new();
            for (key, item) in &items {
                *at = start;
                match names.as_slice() {
                    [index, name] => self.vars.extend([(index.clone(), key.clone()), (name.clone(), item.clone())]),
                    [name] => self.vars.push((name.clone(), item.clone())),
                    _ => {}
                }
                ended = self.block(at, item, live, depth + 1)?;
                self.vars.truncate(scope);
            }
            if items.is_empty() {
                ended = self.block(at, dot, false, depth + 1)?;
            }
            if ended == "else" {
                self.block(at, dot, live && items.is_empty(), depth + 1)?;
            }
            return Ok(());
        }
        let holds = truth(&value);
        if let [name] = names.as_slice() {
            self.vars.push((name.clone(), value.clone()));
        }
        let inner = if word == "with" { &value } else { dot };
        let ended = self.block(at, inner, live && holds, depth + 1)?;
        self.vars.truncate(scope);
        if ended == "else" {
            self.block(at, dot, live && !holds, depth + 1)?;
        } else if let Some(condition) = ended.strip_prefix("else if ") {
            self.control("if", condition, at, dot, live && !holds, depth + 1)?;
        }
        Ok(())
    }

    fn pipeline(&self, text: &str, dot: &Value) -> Result<Value, String> {
        let mut value = None;
        for part in split(text, '|') {
            let mut words = split(part.trim(), ' ');
            words.retain(|word| !word.trim().is_empty());
            let mut values = Vec::new();
            let name = words.first().map_or("", |word| word.trim());
            let call = !name.starts_with(['.', '$', '"', '`', '(']) && name.parse::<f64>().is_err();
            for word in words.iter().skip(usize::from(call)) {
                values.push(self.operand(word.trim(), dot)?);
            }
            values.extend(value.take());
            value = Some(if call { function(name, &values)? } else { values.into_iter().next().unwrap_or_default() });
        }
        Ok(value.unwrap_or_default())
    }

    fn operand(&self, word: &str, dot: &Value) -> Result<Value, String> {
        if let Some(inner) = word.strip_prefix('(') {
            let (inner, path) = inner.rsplit_once(')').ok_or("')' is missing")?;
            return Ok(field(&self.pipeline(inner, dot)?, path));
        }
        if let Some(text) = word.strip_prefix('"').and_then(|text| text.strip_suffix('"')) {
            return Ok(Value::from(super::builtins::escapes(text)));
        }
        if let Some(text) = word.strip_prefix('`').and_then(|text| text.strip_suffix('`')) {
            return Ok(Value::from(text));
        }
        if word.starts_with('$') {
            let end = word.find('.').unwrap_or(word.len());
            let (name, path) = word.split_at_checked(end).unwrap_or((word, ""));
            let found = self.vars.iter().rev().find(|(own, _)| own == name);
            return Ok(field(&found.map(|(_, value)| value.clone()).unwrap_or_default(), path));
        }
        if word.starts_with('.') {
            return Ok(field(dot, word));
        }
        match word {
            "true" | "false" => Ok(Value::from(word == "true")),
            "nil" => Ok(Value::Null),
            number => number.parse::<i64>().map(Value::from).or_else(|_| function(number, &[])),
        }
    }
}

fn field(value: &Value, path: &str) -> Value {
    let names = path.split('.').filter(|name| !name.is_empty());
    names.fold(value.clone(), |value, name| value.get(name).cloned().unwrap_or_default())
}

/// Cuts at a mark outside of quotes and parentheses.
fn split(text: &str, mark: char) -> Vec<&str> {
    let (mut parts, mut depth, mut quoted, mut from) = (Vec::new(), 0, false, 0);
    for (at, c) in text.char_indices() {
        match c {
            '"' | '`' => quoted = !quoted,
            '(' if !quoted => depth += 1,
            ')' if !quoted => depth -= 1,
            c if c == mark && !quoted && depth == 0 => {
                parts.extend(text.get(from..at));
                from = at + 1;
            }
            _ => {}
        }
    }
    parts.extend(text.get(from..));
    parts
}

fn truth(value: &Value) -> bool {
    match value {
        Value::Null => false,
        Value::Bool(holds) => *holds,
        Value::Number(number) => number.as_f64() != Some(0.0),
        Value::String(text) => !text.is_empty(),
        Value::Array(items) => !items.is_empty(),
        Value::Object(map) => !map.is_empty(),
    }
}

fn shown(value: &Value) -> String {
    match value {
        Value::Null => "<no value>".to_owned(),
        Value::Array(items) => format!("[{}]", items.iter().map(shown).collect::<Vec<_>>().join(" ")),
        Value::Object(map) => {
            let pairs: Vec<String> = map.iter().map(|(key, value)| format!("{key}:{}", shown(value))).collect();
            format!("map[{}]", pairs.join(" "))
        }
        other => plain(other),
    }
}

fn function(name: &str, values: &[Value]) -> Result<Value, String> {
    let text = |at: usize| values.get(at).map(plain).unwrap_or_default();
    let order = || match (values.first().and_then(Value::as_f64), values.get(1).and_then(Value::as_f64)) {
        (Some(a), Some(b)) => a.total_cmp(&b),
        _ => text(0).cmp(&text(1)),
    };
    Ok(match name {
        "index" => values.iter().skip(1).fold(values.first().cloned().unwrap_or_default(), |value, key| match key {
            Value::String(key) => value.get(key).cloned().unwrap_or_default(),
            key => {
                let at = key.as_u64().and_then(|at| usize::try_from(at).ok()).unwrap_or(usize::MAX);
                value.get(at).cloned().unwrap_or_default()
            }
        }),
        "len" => Value::from(match values.first() {
            Some(Value::Array(items)) => items.len(),
            Some(Value::Object(map)) => map.len(),
            _ => text(0).len(),
        }),
        "eq" => Value::from(values.iter().skip(1).any(|other| Some(other) == values.first())),
        "ne" => Value::from(values.first() != values.get(1)),
        "lt" => Value::from(order().is_lt()),
        "le" => Value::from(order().is_le()),
        "gt" => Value::from(order().is_gt()),
        "ge" => Value::from(order().is_ge()),
        "not" => Value::from(!values.first().is_some_and(truth)),
        "and" => values.iter().find(|value| !truth(value)).or(values.last()).cloned().unwrap_or_default(),
        "or" => values.iter().find(|value| truth(value)).or(values.last()).cloned().unwrap_or_default(),
        "exists" => Value::from(
            values.iter().skip(1).try_fold(values.first(), |value, key| value?.get(plain(key)).map(Some)).is_some(),
        ),
        "print" | "println" => Value::from(values.iter().map(shown).collect::<Vec<_>>().join(" ")),
        "printf" => {
            let mut rest = values.iter().skip(1);
            let mut out = String::new();
            let format = text(0);
            let mut chars = format.chars();
            while let Some(c) = chars.next() {
                match (c, if c == '%' { chars.next() } else { None }) {
                    ('%', Some('%')) => out.push('%'),
                    ('%', Some('q')) => out.push_str(&format!("{:?}", rest.next().map(plain).unwrap_or_default())),
                    ('%', Some(_)) => out.push_str(&rest.next().map(shown).unwrap_or_default()),
                    (c, _) => out.push(c),
                }
            }
            Value::from(out)
        }
        "base64decode" => {
            Value::from(String::from_utf8_lossy(&STANDARD.decode(text(0)).unwrap_or_default()).into_owned())
        }
        "split" => text(0).split(&text(1)).map(Value::from).collect(),
        _ => return Err(format!("function \"{name}\" not defined")),
    })
}
