//! What a check of the Pod Security Standards looks at and says (`k8s.io/pod-security-admission/policy`).

use serde_json::Value;

use crate::object::{ObjectExt, gofmt};

/// A level of the standards. `privileged` runs every check, as Kyverno has it.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum Level {
    Baseline,
    Restricted,
}

/// One check with its revisions by the minor version of Kubernetes 1 they begin with, oldest first.
pub(super) struct Check {
    pub(super) id: &'static str,
    pub(super) level: Level,
    pub(super) versions: &'static [Revision],
}

/// The minor version it begins with, and what runs.
pub(super) type Revision = (u32, fn(&Pod) -> Option<Violation>);

/// Why a pod is forbidden.
#[derive(Clone, Debug, Default, PartialEq)]
pub(super) struct Violation {
    pub(super) reason: String,
    pub(super) detail: String,
    /// `None` where a check lists no fields; such a violation cannot be excluded.
    pub(super) errors: Option<Vec<FieldError>>,
}

/// A field that is forbidden or missing.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct FieldError {
    pub(super) field: String,
    pub(super) required: bool,
    pub(super) bad: Bad,
}

/// The value that was found.
#[derive(Clone, Debug, PartialEq)]
pub(super) enum Bad {
    Text(String),
    Bool(bool),
    Int(i64),
    List(Vec<String>),
}

impl Bad {
    /// What an exclusion's `values` are compared with.
    pub(super) fn values(&self) -> Vec<String> {
        match self {
            Self::Text(text) if text.is_empty() => Vec::new(),
            Self::Text(text) => vec![text.clone()],
            Self::Bool(value) => vec![value.to_string()],
            Self::Int(value) => vec![value.to_string()],
            Self::List(values) => values.clone(),
        }
    }
}

impl FieldError {
    pub(super) fn forbidden(field: impl Into<String>, bad: Bad) -> Self {
        Self { field: field.into(), required: false, bad }
    }

    pub(super) fn required(field: impl Into<String>) -> Self {
        Self { field: field.into(), required: true, bad: Bad::Text(String::new()) }
    }

    pub(super) fn words(&self) -> String {
        let found = match &self.bad {
            _ if self.required => return format!("{}: Required value", self.field),
            Bad::Text(text) if text.is_empty() => return format!("{}: Forbidden", self.field),
            Bad::Text(text) => text.clone(),
            Bad::Bool(value) => value.to_string(),
            Bad::Int(value) => value.to_string(),
            Bad::List(values) => format!("[{}]", values.join(" ")),
        };
        format!("{} is forbidden, forbidden values found: {found}", self.field)
    }
}

/// The metadata and spec that are checked.
#[derive(Clone, Debug, Default)]
pub(super) struct Pod {
    pub(super) metadata: Value,
    pub(super) spec: Value,
}

/// A container and its path, such as `spec.initContainers[0]`.
pub(super) struct Container<'a> {
    pub(super) value: &'a Value,
    pub(super) path: String,
}

impl Container<'_> {
    pub(super) fn name(&self) -> String {
        self.value.str_at(&["name"]).to_owned()
    }

    /// A field that is there and not null.
    pub(super) fn field(&self, path: &[&str]) -> Option<&Value> {
        self.value.at(path).filter(|value| !value.is_null())
    }

    pub(super) fn at(&self, path: &str) -> String {
        format!("{}.{path}", self.path)
    }
}

impl Pod {
    /// Init containers, containers, ephemeral containers.
    pub(super) fn containers(&self) -> impl Iterator<Item = Container<'_>> {
        ["initContainers", "containers", "ephemeralContainers"].into_iter().flat_map(|key| {
            let list = self.spec.get(key).and_then(Value::as_array).into_iter().flatten();
            list.enumerate().map(move |(index, value)| Container { value, path: format!("spec.{key}[{index}]") })
        })
    }

    /// A field of the spec that is there and not null.
    pub(super) fn field(&self, path: &[&str]) -> Option<&Value> {
        self.spec.at(path).filter(|value| !value.is_null())
    }

    pub(super) fn is_windows(&self) -> bool {
        self.spec.str_at(&["os", "name"]) == "windows"
    }
}

/// Who violates, and with which fields.
#[derive(Default)]
pub(super) struct Violations {
    pub(super) who: Vec<String>,
    pub(super) errors: Vec<FieldError>,
}

impl Violations {
    pub(super) fn add(&mut self, who: impl Into<String>, errors: impl IntoIterator<Item = FieldError>) {
        self.who.push(who.into());
        self.errors.extend(errors);
    }

    pub(super) fn is_empty(&self) -> bool {
        self.who.is_empty()
    }

    pub(super) fn quoted(&self) -> String {
        join_quoted(&self.who)
    }

    /// `container "a"` or `containers "a", "b"`.
    pub(super) fn containers(&self) -> String {
        format!("{} {}", plural("container", "containers", self.who.len()), self.quoted())
    }

    /// Takes over the containers of another list as one setter.
    pub(super) fn add_containers(&mut self, bad: Violations) {
        if !bad.is_empty() {
            self.add(bad.containers(), bad.errors);
        }
    }

    /// The violation, where there is any.
    pub(super) fn because(self, reason: &str, detail: impl FnOnce(&Self) -> String) -> Option<Violation> {
        if self.is_empty() {
            return None;
        }
        let detail = detail(&self);
        Some(Violation { reason: reason.to_owned(), detail, errors: Some(self.errors) })
    }
}

pub(super) fn plural<'a>(one: &'a str, many: &'a str, count: usize) -> &'a str {
    if count == 1 { one } else { many }
}

/// `"a", "b"`, not escaped.
pub(super) fn join_quoted<S: AsRef<str>>(items: impl IntoIterator<Item = S>) -> String {
    let quoted: Vec<String> = items.into_iter().map(|item| format!("\"{}\"", item.as_ref())).collect();
    quoted.join(", ")
}

/// The strings of a list; other scalars as text.
pub(super) fn strings(value: Option<&Value>) -> Vec<String> {
    let items = value.and_then(Value::as_array).into_iter().flatten();
    items.map(|item| item.as_str().map_or_else(|| gofmt::sprint(item), str::to_owned)).collect()
}
