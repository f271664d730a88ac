//! Label selectors: as objects (`matchLabels`, `matchExpressions`), as text (`a=b,c in (d)`), and with Kyverno's wildcards.

use std::collections::BTreeMap;
use std::fmt;

use serde_json::Value;

use super::gofmt::{marshal, quote};
use super::names;
use super::wildcard;
use crate::object::order;

mod text;

/// How a requirement compares.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Operator {
    /// `in`.
    In,
    /// `notin`.
    NotIn,
    /// `=`.
    Equals,
    /// `==`.
    DoubleEquals,
    /// `!=`.
    NotEquals,
    /// The key is there.
    Exists,
    /// The key is not there.
    DoesNotExist,
    /// `>`, integers.
    GreaterThan,
    /// `<`, integers.
    LessThan,
}

/// One requirement of a selector; all must hold.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Requirement {
    /// Label key.
    pub key: String,
    /// Comparison.
    pub operator: Operator,
    /// Values, sorted for `in` and `notin` from text.
    pub values: Vec<String>,
}

/// A label selector. Follows `k8s.io/apimachinery/pkg/labels` and `metav1.LabelSelectorAsSelector`.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct LabelSelector {
    requirements: Vec<Requirement>,
    nothing: bool,
}

impl LabelSelector {
    /// The selector that every object fits.
    #[must_use]
    pub fn everything() -> Self {
        Self::default()
    }

    /// The selector that no object fits, as Kubernetes reads a missing one.
    #[must_use]
    pub fn nothing() -> Self {
        Self { requirements: Vec::new(), nothing: true }
    }

    /// From the object form. `null` selects nothing, `{}` everything.
    ///
    /// # Errors
    /// Unknown operators, invalid keys and values, in the words of apimachinery.
    pub fn from_value(value: &Value) -> Result<Self, String> {
        Self::read(value, |labels| labels)
    }

    /// From the object form, wildcards in `matchLabels` first replaced by what the labels of the object offer.
    ///
    /// A pair with a wildcard becomes the first pair of `labels` that it matches; Go takes any, here it is the smallest
    /// key. Where none matches, `*` and `?` become `0`, which hardly ever matches.
    /// Follows `pkg/engine/wildcards`.
    ///
    /// # Errors
    /// As [`LabelSelector::from_value`].
    pub fn from_value_with_wildcards(value: &Value, labels: &BTreeMap<String, String>) -> Result<Self, String> {
        Self::read(value, |wanted| wanted.into_iter().map(|(key, value)| expand(&key, &value, labels)).collect())
    }

    fn read(
        value: &Value,
        change: impl Fn(BTreeMap<String, String>) -> BTreeMap<String, String>,
    ) -> Result<Self, String> {
        let Value::Object(fields) = value else {
            return if value.is_null() { Ok(Self::nothing()) } else { Err(wrong_type(value, "v1.LabelSelector")) };
        };
        let mut labels = BTreeMap::new();
        for (key, value) in entries(fields.get("matchLabels"))? {
            let text = value.as_str().ok_or_else(|| wrong_type(value, "string"))?;
            labels.insert(key.clone(), text.to_owned());
        }
        let mut requirements = Vec::new();
        for (key, value) in change(labels) {
            requirements.push(Requirement::new(key, Operator::Equals, vec![value])?);
        }
        for expression in items(fields.get("matchExpressions"))? {
            requirements.push(read_expression(expression)?);
        }
        Ok(Self::from_requirements(requirements))
    }

    /// From the text form that `kubectl -l` and `labelSelector=` of a URL take.
    ///
    /// # Errors
    /// Syntax errors and invalid keys or values, in the words of apimachinery.
    pub fn parse(text: &str) -> Result<Self, String> {
        Ok(Self::from_requirements(text::parse(text)?))
    }

    fn from_requirements(mut requirements: Vec<Requirement>) -> Self {
        order::sort_by(&mut requirements, |a, b| a.key.cmp(&b.key));
        Self { requirements, nothing: false }
    }

    /// What must hold, sorted by key.
    #[must_use]
    pub fn requirements(&self) -> &[Requirement] {
        &self.requirements
    }

    /// Whether labels fit.
    #[must_use]
    pub fn matches(&self, labels: &BTreeMap<String, String>) -> bool {
        !self.nothing && self.requirements.iter().all(|requirement| requirement.matches(labels))
    }
}

impl fmt::Display for LabelSelector {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (index, requirement) in self.requirements.iter().enumerate() {
            let comma = if index == 0 { "" } else { "," };
            write!(f, "{comma}{requirement}")?;
        }
        Ok(())
    }
}

impl Requirement {
    /// A checked requirement.
    ///
    /// # Errors
    /// Invalid keys, values, or numbers of values.
    pub fn new(key: String, operator: Operator, values: Vec<String>) -> Result<Self, String> {
        let mut errors = Vec::new();
        let key_errors = names::label_key_errors(&key);
        if !key_errors.is_empty() {
            errors.push(format!("key: Invalid value: {}: {}", quote(&key), key_errors.join("; ")));
        }
        let wrong = match operator {
            Operator::In | Operator::NotIn if values.is_empty() => {
                Some("for 'in', 'notin' operators, values set can't be empty")
            }
            Operator::Equals | Operator::DoubleEquals | Operator::NotEquals if values.len() != 1 => {
                Some("exact-match compatibility requires one single value")
            }
            Operator::Exists | Operator::DoesNotExist if !values.is_empty() => {
                Some("values set must be empty for exists and does not exist")
            }
            Operator::GreaterThan | Operator::LessThan if values.len() != 1 => {
                Some("for 'Gt', 'Lt' operators, exactly one value is required")
            }
            _ => None,
        };
        if let Some(words) = wrong {
            let list = Value::from(values.clone());
            errors.push(format!("values: Invalid value: {}: {words}", marshal(&list)));
        }
        for (index, value) in values.iter().enumerate() {
            if matches!(operator, Operator::GreaterThan | Operator::LessThan) && value.parse::<i64>().is_err() {
                let words = "for 'Gt', 'Lt' operators, the value must be an integer";
                errors.push(format!("values[{index}]: Invalid value: {}: {words}", quote(value)));
            }
        }
        for (index, value) in values.iter().enumerate() {
            let wrong = names::label_value_errors(value);
            if !wrong.is_empty() {
                let at = format!("values[{index}][{key}]");
                errors.push(format!("{at}: Invalid value: {}: {}", quote(value), wrong.join("; ")));
            }
        }
        match errors.as_slice() {
            [] => Ok(Self { key, operator, values }),
            [one] => Err(one.clone()),
            many => Err(format!("[{}]", many.join(", "))),
        }
    }

    /// Whether labels fit.
    #[must_use]
    pub fn matches(&self, labels: &BTreeMap<String, String>) -> bool {
        let found = labels.get(&self.key);
        let ordered = |test: fn(i64, i64) -> bool| {
            let pair = found.zip(self.values.first());
            let numbers = pair.and_then(|(a, b)| a.parse::<i64>().ok().zip(b.parse::<i64>().ok()));
            numbers.is_some_and(|(a, b)| test(a, b))
        };
        match self.operator {
            Operator::In | Operator::Equals | Operator::DoubleEquals => found.is_some_and(|v| self.values.contains(v)),
            Operator::NotIn | Operator::NotEquals => found.is_none_or(|v| !self.values.contains(v)),
            Operator::Exists => found.is_some(),
            Operator::DoesNotExist => found.is_none(),
            Operator::GreaterThan => ordered(|a, b| a > b),
            Operator::LessThan => ordered(|a, b| a < b),
        }
    }
}

impl fmt::Display for Requirement {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let key = &self.key;
        let values = order::set(self.values.iter().map(String::as_str));
        let values = values.into_iter().collect::<Vec<_>>().join(",");
        match self.operator {
            Operator::In => write!(f, "{key} in ({values})"),
            Operator::NotIn => write!(f, "{key} notin ({values})"),
            Operator::Equals => write!(f, "{key}={values}"),
            Operator::DoubleEquals => write!(f, "{key}=={values}"),
            Operator::NotEquals => write!(f, "{key}!={values}"),
            Operator::Exists => f.write_str(key),
            Operator::DoesNotExist => write!(f, "!{key}"),
            Operator::GreaterThan => write!(f, "{key}>{values}"),
            Operator::LessThan => write!(f, "{key}<{values}"),
        }
    }
}

fn read_expression(expression: &Value) -> Result<Requirement, String> {
    let text = |name: &str| match expression.get(name) {
        None | Some(Value::Null) => Ok(""),
        Some(value) => value.as_str().ok_or_else(|| wrong_type(value, "string")),
    };
    if !expression.is_object() {
        return Err(wrong_type(expression, "v1.LabelSelectorRequirement"));
    }
    let operator = match text("operator")? {
        "In" => Operator::In,
        "NotIn" => Operator::NotIn,
        "Exists" => Operator::Exists,
        "DoesNotExist" => Operator::DoesNotExist,
        other => return Err(format!("{} is not a valid label selector operator", quote(other))),
    };
    let mut values = Vec::new();
    for value in items(expression.get("values"))? {
        values.push(value.as_str().ok_or_else(|| wrong_type(value, "string"))?.to_owned());
    }
    Requirement::new(text("key")?.to_owned(), operator, values)
}

fn entries(value: Option<&Value>) -> Result<serde_json::map::Iter<'_>, String> {
    static EMPTY: std::sync::LazyLock<serde_json::Map<String, Value>> = std::sync::LazyLock::new(serde_json::Map::new);
    match value {
        None | Some(Value::Null) => Ok(EMPTY.iter()),
        Some(Value::Object(map)) => Ok(map.iter()),
        Some(other) => Err(wrong_type(other, "map[string]string")),
    }
}

fn items(value: Option<&Value>) -> Result<&[Value], String> {
    match value {
        None | Some(Value::Null) => Ok(&[]),
        Some(Value::Array(list)) => Ok(list),
        Some(other) => Err(wrong_type(other, "list")),
    }
}

/// What `encoding/json` says of a value of the wrong type.
fn wrong_type(value: &Value, wanted: &str) -> String {
    let found = match value {
        Value::Null => "null",
        Value::Bool(_) => "bool",
        Value::Number(_) => "number",
        Value::String(_) => "string",
        Value::Array(_) => "array",
        Value::Object(_) => "object",
    };
    format!("json: cannot unmarshal {found} into Go value of type {wanted}")
}

fn expand(key: &str, value: &str, labels: &BTreeMap<String, String>) -> (String, String) {
    if !wildcard::contains_wildcard(key) && !wildcard::contains_wildcard(value) {
        return (key.to_owned(), value.to_owned());
    }
    let found = labels.iter().find(|(k, v)| wildcard::matches(key, k) && wildcard::matches(value, v));
    match found {
        Some((k, v)) => (k.clone(), v.clone()),
        None => (key.replace(['*', '?'], "0"), value.replace(['*', '?'], "0")),
    }
}

#[cfg(test)]
mod tests;
