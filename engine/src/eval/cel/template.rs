//! Templates of generating policies: YAML in which `(( expression ))` stands for values (`gpol/template`).

use serde_json::{Map, Value};

use super::compile::{self, Problem};
use crate::expr::cel::convert::to_json;
use crate::expr::cel::text::display;
use crate::expr::cel::{Activation, Env, Program, Val};
use crate::parse::span::SpanTree;
use crate::parse::yaml;

/// A compiled template: one node per document.
#[derive(Clone, Debug)]
pub struct Template {
    documents: Vec<Node>,
}

#[derive(Clone, Debug)]
enum Node {
    Literal(Value),
    Mapping(Vec<(String, Node)>),
    Sequence(Vec<Node>),
    /// The whole scalar is one placeholder: its value stands there as it is.
    Splice(Program),
    /// Placeholders within a text.
    Text(Vec<Part>),
}

#[derive(Clone, Debug)]
enum Part {
    Literal(String),
    Program(Program),
}

/// A piece of a scalar: text, or the expression of a placeholder.
#[derive(Clone, Debug, PartialEq, Eq)]
enum Segment {
    Literal(String),
    Expression(String),
}

impl Template {
    /// Compiles a template; without `interpolate` placeholders are plain text.
    ///
    /// # Errors
    /// The YAML or a placeholder is broken; `path` is where the template is.
    pub fn compile(env: &Env, path: &str, value: &Value, interpolate: bool) -> Result<Self, Problem> {
        let path = format!("{path}.value");
        let text = value.as_str().map_or_else(|| value.to_string(), str::to_owned);
        let parsed = yaml::parse("template", &text);
        if let Some(broken) = parsed.diagnostics.first() {
            return Err(Problem::new(&path, &text, format!("failed to parse YAML: {}", broken.message)));
        }
        let mut documents = Vec::new();
        for document in parsed.documents.iter().filter(|document| !document.value.is_null()) {
            let node = node(env, &document.value, &document.spans, interpolate)
                .map_err(|words| Problem::new(&path, &text, words))?;
            if !matches!(node, Node::Mapping(_) | Node::Splice(_) | Node::Literal(Value::Object(_))) {
                let words = format!("line {}: document must be a mapping describing a resource", document.span.line);
                return Err(Problem::new(&path, &text, words));
            }
            documents.push(node);
        }
        match documents.is_empty() {
            true => Err(Problem::new(&path, &text, "template must contain at least one YAML document")),
            false => Ok(Self { documents }),
        }
    }

    /// Evaluates the placeholders: one object per document.
    ///
    /// # Errors
    /// A placeholder fails, or a document is no mapping.
    pub fn render(&self, activation: &Activation<'_>) -> Result<Vec<Value>, String> {
        let mut found = Vec::with_capacity(self.documents.len());
        for (at, document) in self.documents.iter().enumerate() {
            let value = render(document, activation).map_err(|words| format!("document {}: {words}", at + 1))?;
            if !value.is_object() {
                return Err(format!("document {}: expected a mapping describing a resource", at + 1));
            }
            found.push(value);
        }
        Ok(found)
    }
}

/// Compiles a node; an error begins with its line.
fn node(env: &Env, value: &Value, spans: &SpanTree, interpolate: bool) -> Result<Node, String> {
    if !interpolate || !has_placeholder(value) {
        return Ok(Node::Literal(value.clone()));
    }
    Ok(match value {
        Value::Object(map) => {
            let mut entries = Vec::with_capacity(map.len());
            for (key, value) in map {
                let place = spans.child(key).unwrap_or(spans);
                if contains(key) {
                    return Err(format!(
                        "line {}: placeholders are not supported in mapping keys; use a whole-value placeholder on the \
                         parent field instead (e.g. `labels: (( variables.labels ))`)",
                        place.key.unwrap_or(place.span).line
                    ));
                }
                entries.push((key.clone(), node(env, value, place, interpolate)?));
            }
            Node::Mapping(entries)
        }
        Value::Array(items) => {
            let places = spans.items.iter().map(Some).chain(std::iter::repeat(None));
            let items = items.iter().zip(places);
            Node::Sequence(
                items
                    .map(|(item, place)| node(env, item, place.unwrap_or(spans), interpolate))
                    .collect::<Result<_, _>>()?,
            )
        }
        Value::String(text) => scalar(env, text).map_err(|words| format!("line {}: {words}", spans.span.line))?,
        other => Node::Literal(other.clone()),
    })
}

fn scalar(env: &Env, text: &str) -> Result<Node, String> {
    let program = |expression: &str| {
        compile::any(env, "", expression)
            .map_err(|problem| format!("invalid placeholder expression {expression:?}: {}", problem.detail))
    };
    let segments = scan(text)?;
    if let [Segment::Expression(expression)] = segments.as_slice() {
        return Ok(Node::Splice(program(expression)?));
    }
    let mut parts = Vec::with_capacity(segments.len());
    for segment in &segments {
        parts.push(match segment {
            Segment::Literal(text) => Part::Literal(text.clone()),
            Segment::Expression(expression) => Part::Program(program(expression)?),
        });
    }
    Ok(Node::Text(parts))
}

fn render(node: &Node, activation: &Activation<'_>) -> Result<Value, String> {
    Ok(match node {
        Node::Literal(value) => value.clone(),
        Node::Mapping(entries) => {
            let mut map = Map::new();
            for (key, value) in entries {
                let value = render(value, activation).map_err(|words| format!("field {key:?}: {words}"))?;
                map.insert(key.clone(), value);
            }
            Value::Object(map)
        }
        Node::Sequence(items) => {
            let mut found = Vec::with_capacity(items.len());
            for (at, item) in items.iter().enumerate() {
                found.push(render(item, activation).map_err(|words| format!("item {at}: {words}"))?);
            }
            Value::Array(found)
        }
        Node::Splice(program) => {
            let found = evaluate(program, activation)?;
            to_json(&found)
                .map_err(|error| format!("failed to convert placeholder {:?} result: {error}", program.source()))?
        }
        Node::Text(parts) => {
            let mut text = String::new();
            for part in parts {
                match part {
                    Part::Literal(literal) => text.push_str(literal),
                    Part::Program(program) => match evaluate(program, activation)? {
                        found @ (Val::String(_) | Val::Bool(_) | Val::Int(_) | Val::Uint(_) | Val::Double(_)) => {
                            text.push_str(&display(&found));
                        }
                        other => {
                            return Err(format!(
                                "placeholder {:?} embedded in a string must evaluate to a scalar, got {}; use a \
                                 whole-value placeholder for structured results",
                                program.source(),
                                other.type_name()
                            ));
                        }
                    },
                }
            }
            Value::String(text)
        }
    })
}

fn evaluate(program: &Program, activation: &Activation<'_>) -> Result<Val, String> {
    program.eval(activation).map_err(|error| format!("failed to evaluate placeholder {:?}: {error}", program.source()))
}

fn has_placeholder(value: &Value) -> bool {
    match value {
        Value::String(text) => contains(text) || text.contains("\\(("),
        Value::Array(items) => items.iter().any(has_placeholder),
        Value::Object(map) => map.iter().any(|(key, value)| contains(key) || has_placeholder(value)),
        _ => false,
    }
}

/// Whether there is a `((` that is not escaped.
fn contains(text: &str) -> bool {
    text.replace("\\((", "").contains("((")
}

/// Splits a scalar at its placeholders; `\((` is a literal `((`.
fn scan(text: &str) -> Result<Vec<Segment>, String> {
    let mut segments = Vec::new();
    let mut literal = String::new();
    let mut rest = text;
    while let Some(first) = rest.chars().next() {
        if let Some(after) = rest.strip_prefix("\\((") {
            literal.push_str("((");
            rest = after;
        } else if let Some(after) = rest.strip_prefix("((") {
            let start = text.len() - rest.len();
            let (expression, after) = placeholder(after, start)?;
            if !literal.is_empty() {
                segments.push(Segment::Literal(std::mem::take(&mut literal)));
            }
            segments.push(Segment::Expression(expression));
            rest = after;
        } else {
            literal.push(first);
            rest = rest.strip_prefix(first).unwrap_or("");
        }
    }
    if !literal.is_empty() {
        segments.push(Segment::Literal(literal));
    }
    Ok(segments)
}

/// The expression up to the `))` that closes it, and what follows. `start` is where the placeholder began.
fn placeholder(text: &str, start: usize) -> Result<(String, &str), String> {
    let mut depth = 0_usize;
    let mut quote = None;
    let mut chars = text.char_indices();
    while let Some((at, c)) = chars.next() {
        match (quote, c) {
            (Some(_), '\\') => {
                chars.next();
            }
            (Some(open), c) if c == open => quote = None,
            (Some(_), _) => {}
            (None, '"' | '\'') => quote = Some(c),
            (None, '(') => depth += 1,
            (None, ')') if depth > 0 => depth -= 1,
            (None, ')') => {
                let (expression, after) = text.split_at_checked(at).unwrap_or((text, ""));
                let Some(after) = after.strip_prefix("))") else {
                    return Err(format!("unbalanced parenthesis in placeholder starting at offset {start}"));
                };
                return match expression.trim() {
                    "" => Err(format!("empty placeholder at offset {start}")),
                    expression => Ok((expression.to_owned(), after)),
                };
            }
            _ => {}
        }
    }
    Err(match quote {
        Some(_) => format!("unterminated string literal in placeholder starting at offset {start}"),
        None => format!("unterminated placeholder starting at offset {start}: missing closing '))'"),
    })
}

#[cfg(test)]
mod tests {
    use serde_json::Value;

    use super::{Segment, Template, scan};
    use crate::eval::cel::env::{Kind, kyverno};

    fn parts(text: &str) -> Vec<String> {
        let name = |segment: Segment| match segment {
            Segment::Literal(text) => format!("={text}"),
            Segment::Expression(text) => format!("?{text}"),
        };
        scan(text).expect("scans").into_iter().map(name).collect()
    }

    #[test]
    fn a_mistake_has_its_line() {
        let text = "kind: ConfigMap\ndata:\n  list:\n  - a\n  - (( nope ))\n";
        let made = Template::compile(&kyverno(Kind::Generating, ""), "t", &Value::from(text), true);
        let problem = made.expect_err("does not compile");
        assert!(problem.detail.starts_with("line 5: invalid placeholder expression"), "{}", problem.detail);
    }

    #[test]
    fn placeholders_end_where_their_parentheses_do() {
        assert_eq!(parts("a-(( f(x) ))-b"), ["=a-", "?f(x)", "=-b"]);
        assert_eq!(parts("(( \":)\".size() ))"), ["?\":)\".size()"]);
        assert_eq!(parts("\\(( x"), ["=(( x"]);
        assert!(scan("(( x ").is_err());
        assert!(scan("((  ))").is_err());
    }
}
