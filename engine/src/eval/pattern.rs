//! Overlay patterns: a tree of wanted values and anchors is laid over the resource.
//!
//! Follows `pkg/engine/validate/validate.go` and `pkg/engine/anchor/handlers.go`: which mismatch is met first, its path and its
//! words. An anchor of the kind `()` or `<()` that does not match is a *skip*; how skips travel upwards is part of the semantics.

use std::borrow::Cow;

use serde_json::{Map, Value};

use super::anchors::{self, Anchor, AnchorMap, Modifier};
use super::compare;
use super::metadata;
use super::trace::{Outcome, Trace, TraceNode};
use crate::object::gofmt;
use crate::object::order;

/// Why a resource does not match a pattern.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PatternError {
    /// In Kyverno's words.
    pub message: String,
    /// Where, as `/spec/containers/0/image/`; `""` where no path is reported.
    pub path: String,
    /// The pattern does not apply to this resource.
    pub skip: bool,
}

/// Where a pattern is written and which object it is laid over, for the trace.
#[derive(Clone, Copy, Debug)]
pub struct Places<'p> {
    /// JSON pointer of the pattern in the policy.
    pub pattern: &'p str,
    /// Leading keys of the pattern that autogen added and that are not written in the policy: `/spec/template`.
    pub added: &'p str,
    /// JSON pointer of the value it is laid over, in the object of the request.
    pub resource: &'p str,
}

/// Lays a pattern over a resource.
///
/// # Errors
/// The first mismatch, with its path.
pub fn match_pattern(
    resource: &Value,
    pattern: &Value,
    places: Places<'_>,
    trace: &mut Trace,
) -> Result<(), PatternError> {
    let mut walk = Walk { anchors: AnchorMap::default(), trace, places };
    let Err(mismatch) = walk.element(resource, pattern, &Place::ROOT) else { return Ok(()) };
    let skip = mismatch.is(Code::Conditional) || mismatch.is(Code::Global);
    let no_path = skip || (!mismatch.is(Code::Negation) && walk.anchors.keys_are_missing());
    let path = if no_path { String::new() } else { mismatch.path };
    Err(PatternError { message: mismatch.message, path, skip })
}

/// Which anchor an error comes from.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Code {
    Conditional,
    Global,
    Negation,
}

impl Code {
    fn words(self) -> &'static str {
        match self {
            Self::Conditional => "conditional anchor mismatch",
            Self::Global => "global anchor mismatch",
            Self::Negation => "negation anchor matched in resource",
        }
    }
}

/// One mismatch on its way up.
#[derive(Debug)]
struct Mismatch {
    message: String,
    path: String,
    /// The anchor it comes from, as long as it has not been combined with others.
    code: Option<Code>,
    /// It was combined by a map or a list.
    combined: bool,
}

impl Mismatch {
    fn plain(path: String, message: String) -> Self {
        Self { message, path, code: None, combined: false }
    }

    fn anchor(path: String, code: Code, message: &str) -> Self {
        Self { message: format!("{}: {message}", code.words()), path, code: Some(code), combined: false }
    }

    /// Errors that lost their type are recognised by their words, so a value that contains them changes the result.
    fn is(&self, code: Code) -> bool {
        match self.code {
            Some(own) => own == code,
            None => self.message.contains(code.words()),
        }
    }

    fn skips(&self) -> bool {
        self.is(Code::Conditional) || self.is(Code::Global)
    }

    fn combine(mut skipped: Vec<Self>, path: String) -> Self {
        let code = if skipped.len() == 1 { skipped.pop().map(|only| only.message) } else { None };
        let message =
            code.unwrap_or_else(|| skipped.iter().map(|one| one.message.as_str()).collect::<Vec<_>>().join("; "));
        Self { message, path, code: None, combined: true }
    }
}

/// A node of both trees, linked to its parent on the call stack.
struct Place<'p> {
    parent: Option<&'p Place<'p>>,
    /// As Kyverno's path shows it, and as the resource has it.
    shown: Cow<'p, str>,
    /// As the pattern has it.
    written: Cow<'p, str>,
}

impl Place<'_> {
    const ROOT: Place<'static> = Place { parent: None, shown: Cow::Borrowed(""), written: Cow::Borrowed("") };

    fn key<'p>(parent: &'p Place<'p>, shown: &'p str, written: &'p str) -> Place<'p> {
        Place { parent: Some(parent), shown: Cow::Borrowed(shown), written: Cow::Borrowed(written) }
    }

    fn item<'p>(parent: &'p Place<'p>, index: usize, written: usize) -> Place<'p> {
        Place { parent: Some(parent), shown: Cow::Owned(index.to_string()), written: Cow::Owned(written.to_string()) }
    }

    /// `/spec/containers/0/`
    fn path(&self) -> String {
        let mut out = self.parent.map_or_else(|| "/".to_owned(), Place::path);
        if self.parent.is_some() {
            out.push_str(&self.shown);
            out.push('/');
        }
        out
    }

    fn pointer(&self, of: fn(&Self) -> &str) -> String {
        let Some(parent) = self.parent else { return String::new() };
        let mut out = parent.pointer(of);
        out.push('/');
        out.push_str(&of(self).replace('~', "~0").replace('/', "~1"));
        out
    }
}

struct Walk<'w> {
    anchors: AnchorMap,
    trace: &'w mut Trace,
    places: Places<'w>,
}

type Walked = Result<(), Mismatch>;

impl Walk<'_> {
    fn element(&mut self, resource: &Value, pattern: &Value, place: &Place<'_>) -> Walked {
        match (pattern, resource) {
            (Value::Object(pattern), Value::Object(resource)) => {
                self.anchors.note(pattern, resource);
                self.map(resource, pattern, place)
            }
            (Value::Object(_), _) => {
                self.compared(place, pattern, resource, false);
                let path = place.path();
                let (expected, found) = (go_type(pattern), go_type(resource));
                let message = format!(
                    "pattern and resource have different structures. Path: {path}. Expected {expected}, found {found}"
                );
                Err(Mismatch::plain(path, message))
            }
            (Value::Array(pattern), Value::Array(resource)) => self.array(resource, pattern, place),
            (Value::Array(_), _) => {
                self.compared(place, pattern, resource, false);
                let path = place.path();
                let message = format!(
                    "validation rule failed at path {path}, resource does not satisfy the expected overlay pattern"
                );
                Err(Mismatch::plain(path, message))
            }
            (_, Value::Array(items)) => {
                self.leaf(resource, pattern, place, items.iter().all(|item| compare::validate(item, pattern)))
            }
            _ => self.leaf(resource, pattern, place, compare::validate(resource, pattern)),
        }
    }

    fn leaf(&mut self, resource: &Value, pattern: &Value, place: &Place<'_>, holds: bool) -> Walked {
        self.compared(place, pattern, resource, holds);
        if holds {
            return Ok(());
        }
        let path = place.path();
        let (found, wanted) = (gofmt::sprint(resource), gofmt::sprint(pattern));
        let message = format!("resource value '{found}' does not match '{wanted}' at path {path}");
        Err(Mismatch::plain(path, message))
    }

    fn map(&mut self, resource: &Map<String, Value>, pattern: &Map<String, Value>, place: &Place<'_>) -> Walked {
        let pattern = metadata::expand(pattern, resource);
        let (mut first, mut rest): (Vec<_>, Vec<_>) = pattern.iter().partition(|(key, _)| anchors::goes_first(key));
        order::sort_by_key(&mut first, |(key, _)| *key);
        self.anchored_keys(&first, resource, place)?;
        order::sort_by_key(&mut rest, |(key, _)| *key);
        for (key, wanted) in nested_first(rest) {
            self.entry(key, wanted, resource, place)?;
        }
        Ok(())
    }

    fn anchored_keys(
        &mut self,
        keys: &[(&String, &Value)],
        resource: &Map<String, Value>,
        place: &Place<'_>,
    ) -> Walked {
        let mut skipped: Vec<Mismatch> = Vec::new();
        let mut applied = 0;
        for (key, wanted) in keys {
            match self.entry(key, wanted, resource, place) {
                Ok(()) => applied += 1,
                Err(mismatch) if mismatch.skips() => skipped.push(mismatch),
                // A direct skip of a sibling wins over this failure.
                Err(_) if skipped.iter().any(|one| !one.combined) => {}
                Err(mismatch) => return Err(mismatch),
            }
        }
        if !skipped.is_empty() && (applied == 0 || skipped.iter().any(|one| !one.combined)) {
            return Err(Mismatch::combine(skipped, place.path()));
        }
        Ok(())
    }

    fn entry(&mut self, key: &str, wanted: &Value, resource: &Map<String, Value>, place: &Place<'_>) -> Walked {
        match anchors::parse(key) {
            Some(anchor) if anchor.modifier != Modifier::AddIfNotPresent => {
                let below = Place::key(place, anchor.key, key);
                self.anchored(anchor, wanted, resource.get(anchor.key), &below)
            }
            _ => self.plain(wanted, resource.get(key), &Place::key(place, key, key), place, key),
        }
    }

    fn plain(
        &mut self,
        wanted: &Value,
        found: Option<&Value>,
        below: &Place<'_>,
        place: &Place<'_>,
        key: &str,
    ) -> Walked {
        if wanted.as_str() != Some("*") {
            return self.element(found.unwrap_or(&Value::Null), wanted, below);
        }
        let there = found.is_some_and(|found| !found.is_null());
        self.compared(below, wanted, found.unwrap_or(&Value::Null), there);
        if there {
            return Ok(());
        }
        let path = place.path();
        Err(Mismatch::plain(path.clone(), format!("{path}/{key} not found")))
    }

    fn anchored(&mut self, anchor: Anchor<'_>, wanted: &Value, found: Option<&Value>, below: &Place<'_>) -> Walked {
        match (anchor.modifier, found) {
            (Modifier::Negation, Some(found)) => {
                self.compared(below, wanted, found, false);
                let path = below.path();
                let message = format!("{path} is not allowed");
                Err(Mismatch::anchor(path, Code::Negation, &message))
            }
            (Modifier::Condition, None) => {
                self.noted(below, Outcome::Skip, "key is missing: the pattern around it does not apply");
                let message = "conditional anchor key doesn't exist in the resource";
                Err(Mismatch::anchor(below.path(), Code::Conditional, message))
            }
            (_, None) => {
                self.noted(below, Outcome::Yes, "key is missing: nothing to check");
                Ok(())
            }
            (Modifier::Condition, Some(found)) => self.condition(Code::Conditional, wanted, found, below),
            (Modifier::Global, Some(found)) => self.condition(Code::Global, wanted, found, below),
            (Modifier::Existence, Some(found)) => self.existence(wanted, found, below),
            (Modifier::Equality | Modifier::AddIfNotPresent, Some(found)) => self.element(found, wanted, below),
        }
    }

    fn condition(&mut self, code: Code, wanted: &Value, found: &Value, below: &Place<'_>) -> Walked {
        let walked = self.element(found, wanted, below);
        walked.map_err(|mismatch| {
            let text =
                if code == Code::Global { "the rule does not apply" } else { "the pattern around it does not apply" };
            self.noted(below, Outcome::Skip, text);
            Mismatch::anchor(mismatch.path, code, &mismatch.message)
        })
    }

    fn existence(&mut self, wanted: &Value, found: &Value, below: &Place<'_>) -> Walked {
        let path = below.path();
        let Value::Array(items) = found else {
            let message = format!(
                "invalid resource type {}: Existence ^ () anchor can be used only on list/array type resource",
                go_type(found)
            );
            return Err(Mismatch::plain(path, message));
        };
        let Value::Array(patterns) = wanted else {
            let message = format!(
                "invalid pattern type {}: Pattern has to be of list to compare against resource",
                go_type(wanted)
            );
            return Err(Mismatch::plain(path, message));
        };
        for (written, pattern) in patterns.iter().enumerate() {
            if !pattern.is_object() {
                let message = format!(
                    "invalid pattern type {}: Pattern has to be of type map to compare against items in resource",
                    go_type(wanted)
                );
                return Err(Mismatch::plain(path, message));
            }
            let mut items = items.iter().enumerate();
            if !items.any(|(index, item)| self.element(item, pattern, &Place::item(below, index, written)).is_ok()) {
                return Err(Mismatch::plain(
                    path.clone(),
                    format!("existence anchor validation failed at path {path}"),
                ));
            }
        }
        Ok(())
    }

    fn array(&mut self, resource: &[Value], pattern: &[Value], place: &Place<'_>) -> Walked {
        match pattern.first() {
            None => Err(Mismatch::plain(place.path(), "pattern Array empty".to_owned())),
            // The first map is applied to every element; further items of the pattern are not looked at.
            Some(first @ Value::Object(_)) => {
                let elements =
                    resource.iter().enumerate().map(|(index, item)| (item, first, Place::item(place, index, 0)));
                self.all_or_skip(elements, place)
            }
            Some(Value::Array(_)) if resource.len() < pattern.len() => {
                let message = format!(
                    "validate Array failed, array length mismatch, resource Array len is {} and pattern Array len is {}",
                    resource.len(),
                    pattern.len()
                );
                Err(Mismatch::plain(String::new(), message))
            }
            Some(Value::Array(_)) => {
                let pairs = resource.iter().zip(pattern).enumerate();
                let elements = pairs.map(|(index, (item, wanted))| (item, wanted, Place::item(place, index, index)));
                self.all_or_skip(elements, place)
            }
            Some(scalar) => {
                let holds = resource.iter().all(|item| compare::validate(item, scalar));
                self.leaf(&Value::Array(resource.to_vec()), scalar, place, holds)
            }
        }
    }

    /// Every element must match; those that skip are left out, and where all skip the list does.
    fn all_or_skip<'e>(
        &mut self,
        elements: impl Iterator<Item = (&'e Value, &'e Value, Place<'e>)>,
        place: &Place<'_>,
    ) -> Walked {
        let mut skipped = Vec::new();
        let mut applied = 0;
        for (item, wanted, below) in elements {
            match self.element(item, wanted, &below) {
                Ok(()) => applied += 1,
                Err(mismatch) if mismatch.skips() => skipped.push(mismatch),
                Err(mismatch) => return Err(mismatch),
            }
        }
        if applied == 0 && !skipped.is_empty() { Err(Mismatch::combine(skipped, place.path())) } else { Ok(()) }
    }

    fn compared(&mut self, place: &Place<'_>, wanted: &Value, found: &Value, holds: bool) {
        let places = self.places;
        self.trace.leaf(|| {
            let outcome = if holds { Outcome::Yes } else { Outcome::No };
            let mut node = node(places, place, outcome, String::new());
            node.text = format!("{} wants {}, found {}", place.path(), words(wanted), words(found));
            node.want = Some(wanted.clone());
            node.found = Some(found.clone());
            node
        });
    }

    fn noted(&mut self, place: &Place<'_>, outcome: Outcome, text: &str) {
        let places = self.places;
        self.trace.leaf(|| node(places, place, outcome, format!("{} {text}", place.path())));
    }
}

/// Global anchors and values with anchors inside go first, in reverse order; the rest follows in order.
fn nested_first<'m>(sorted: Vec<(&'m String, &'m Value)>) -> Vec<(&'m String, &'m Value)> {
    let is_front = |(key, value): &(&String, &Value)| {
        anchors::parse(key).is_some_and(|anchor| anchor.modifier == Modifier::Global) || anchors::nested(value)
    };
    let (mut front, back): (Vec<_>, Vec<_>) = sorted.into_iter().partition(is_front);
    front.reverse();
    front.extend(back);
    front
}

fn node(places: Places<'_>, place: &Place<'_>, outcome: Outcome, text: String) -> TraceNode {
    let written = place.pointer(|place| &place.written);
    let written = written.strip_prefix(places.added).unwrap_or(&written);
    let mut node = TraceNode::new("compare", outcome, text).at(format!("{}{written}", places.pattern));
    node.looked_at = Some(format!("{}{}", places.resource, place.pointer(|place| &place.shown)));
    node
}

fn words(value: &Value) -> String {
    match value {
        Value::Null => "nothing".to_owned(),
        Value::Object(_) => "a map".to_owned(),
        Value::Array(items) => format!("a list of {}", items.len()),
        other => other.to_string(),
    }
}

/// `%T` of a value that encoding/json decoded.
#[must_use]
pub fn go_type(value: &Value) -> &'static str {
    match value {
        Value::Null => "<nil>",
        Value::Bool(_) => "bool",
        Value::Number(number) if number.is_f64() => "float64",
        Value::Number(_) => "int64",
        Value::String(_) => "string",
        Value::Array(_) => "[]interface {}",
        Value::Object(_) => "map[string]interface {}",
    }
}

#[cfg(test)]
#[path = "pattern_tests.rs"]
mod tests;
