//! Anchors of patterns: `(key)`, `=(key)`, `X(key)`, `^(key)`, `<(key)`, `+(key)`.
//!
//! Follows `pkg/engine/anchor`.

use std::collections::BTreeMap;

use serde_json::{Map, Value};

/// What an anchor does to its key.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Modifier {
    /// `(key)`: the siblings apply only where the key matches.
    Condition,
    /// `<(key)`: the whole rule applies only where the key matches.
    Global,
    /// `X(key)`: the key must not be there.
    Negation,
    /// `+(key)`: mutation adds the key where it is missing.
    AddIfNotPresent,
    /// `=(key)`: checked only where the key is there.
    Equality,
    /// `^(key)`: at least one element of the list must match.
    Existence,
}

/// A key with an anchor.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Anchor<'k> {
    /// What it does.
    pub modifier: Modifier,
    /// The key inside.
    pub key: &'k str,
}

impl Modifier {
    /// The character in front of the parenthesis.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Condition => "",
            Self::Global => "<",
            Self::Negation => "X",
            Self::AddIfNotPresent => "+",
            Self::Equality => "=",
            Self::Existence => "^",
        }
    }
}

impl Anchor<'_> {
    /// The anchor around another key.
    #[must_use]
    pub fn around(self, key: &str) -> String {
        format!("{}({key})", self.modifier.as_str())
    }
}

/// Reads a key; `None` where it is a plain one.
#[must_use]
pub fn parse(text: &str) -> Option<Anchor<'_>> {
    let text = text.trim();
    let inner = text.strip_suffix(')')?;
    let (modifier, rest) = match inner.chars().next()? {
        '(' => (Modifier::Condition, inner),
        '<' => (Modifier::Global, inner.strip_prefix('<')?),
        'X' => (Modifier::Negation, inner.strip_prefix('X')?),
        '+' => (Modifier::AddIfNotPresent, inner.strip_prefix('+')?),
        '=' => (Modifier::Equality, inner.strip_prefix('=')?),
        '^' => (Modifier::Existence, inner.strip_prefix('^')?),
        _ => return None,
    };
    let key = rest.strip_prefix('(')?;
    (!key.is_empty() && !key.contains('\n')).then_some(Anchor { modifier, key })
}

/// Whether a key carries one of the anchors that validation evaluates before its plain siblings.
#[must_use]
pub fn goes_first(key: &str) -> bool {
    parse(key).is_some_and(|anchor| {
        matches!(anchor.modifier, Modifier::Condition | Modifier::Existence | Modifier::Equality | Modifier::Negation)
    })
}

/// Whether a pattern holds an anchor of validation anywhere.
#[must_use]
pub fn nested(pattern: &Value) -> bool {
    match pattern {
        Value::Object(map) => map.iter().any(|(key, value)| {
            parse(key).is_some_and(|anchor| anchor.modifier != Modifier::AddIfNotPresent) || nested(value)
        }),
        Value::Array(items) => items.iter().any(nested),
        _ => false,
    }
}

/// For each anchored key of the pattern that was met: whether the resource had the key, anywhere it was asked for.
#[derive(Debug, Default)]
pub struct AnchorMap {
    seen: BTreeMap<String, bool>,
}

impl AnchorMap {
    /// Notes the anchored keys of one map of the pattern.
    pub fn note(&mut self, pattern: &Map<String, Value>, resource: &Map<String, Value>) {
        for key in pattern.keys() {
            let Some(anchor) = parse(key) else { continue };
            if matches!(anchor.modifier, Modifier::Condition | Modifier::Existence | Modifier::Negation) {
                let there = resource.contains_key(anchor.key);
                *self.seen.entry(key.clone()).or_insert(false) |= there;
            }
        }
    }

    /// Whether an anchored key (a negated one aside) was found nowhere.
    #[must_use]
    pub fn keys_are_missing(&self) -> bool {
        self.seen
            .iter()
            .any(|(key, there)| !there && parse(key).is_some_and(|anchor| anchor.modifier != Modifier::Negation))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn keys_are_read() {
        for (text, wanted) in [
            ("(a)", Some((Modifier::Condition, "a"))),
            ("<(a)", Some((Modifier::Global, "a"))),
            ("X(a)", Some((Modifier::Negation, "a"))),
            ("+(a)", Some((Modifier::AddIfNotPresent, "a"))),
            ("=(a)", Some((Modifier::Equality, "a"))),
            ("^(a)", Some((Modifier::Existence, "a"))),
            (" =(a/b (c)) ", Some((Modifier::Equality, "a/b (c)"))),
            ("()", None),
            ("=(a", None),
            ("a", None),
            ("Y(a)", None),
        ] {
            assert_eq!(parse(text).map(|anchor| (anchor.modifier, anchor.key)), wanted, "{text}");
        }
    }

    #[test]
    fn nested_anchors_are_found() {
        assert!(nested(&json!({ "a": [{ "=(b)": 1 }] })));
        assert!(!nested(&json!({ "a": [{ "+(b)": 1 }] })));
    }

    #[test]
    fn a_missing_negated_key_is_no_missing_key() {
        let (mut map, empty) = (AnchorMap::default(), Map::new());
        map.note(json!({ "X(a)": "null" }).as_object().unwrap(), &empty);
        assert!(!map.keys_are_missing());
        map.note(json!({ "(a)": "1" }).as_object().unwrap(), &empty);
        assert!(map.keys_are_missing());
    }
}
