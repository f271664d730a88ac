//! A classic policy in the CEL kinds of policies.kyverno.io, rule by rule, where it can be derived.
//!
//! What cannot be derived is said plainly instead of guessed.

mod cel;
mod conditions;
mod generate;
mod mutate;
mod pattern;
mod selection;
mod validate;

use serde::Serialize;
use serde_json::{Map, Value, json};

use crate::object::ObjectExt;
use crate::object::catalog::Catalog;

/// A piece of CEL, or why there is none.
type Cel = Result<String, String>;

/// Something that a person should know about the conversion of a rule.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Remark {
    /// The rule's name.
    pub rule: String,
    /// What to know, or why the rule was left out.
    pub text: String,
}

/// The outcome for a whole policy.
#[derive(Clone, Debug, Default, PartialEq, Serialize)]
pub struct Conversion {
    /// One policy of a CEL kind for each rule that could be converted.
    pub policies: Vec<Value>,
    /// Why other rules could not.
    pub left_out: Vec<Remark>,
    /// Where a converted rule behaves a little differently.
    pub notes: Vec<Remark>,
}

/// One rule on its way.
struct Draft<'a> {
    policy: &'a Value,
    rule: &'a Value,
    catalog: &'a Catalog,
    spec: Map<String, Value>,
    notes: Vec<String>,
}

impl Draft<'_> {
    fn set(&mut self, path: &[&str], value: Value) {
        let mut spec = Value::Object(std::mem::take(&mut self.spec));
        spec.set_at(path, value);
        if let Value::Object(map) = spec {
            self.spec = map;
        }
    }

    fn note(&mut self, text: &str) {
        if !self.notes.iter().any(|note| note == text) {
            self.notes.push(text.to_owned());
        }
    }

    fn in_spec(&self, field: &str) -> Option<&Value> {
        self.policy.at(&["spec", field]).filter(|value| !value.is_null())
    }
}

/// Converts a `ClusterPolicy` or `Policy`; other kinds give an empty outcome.
#[must_use]
pub fn convert(policy: &Value, catalog: &Catalog) -> Conversion {
    let mut outcome = Conversion::default();
    if !super::load::is_classic_policy(policy) {
        return outcome;
    }
    let rules: Vec<&Value> = policy.at(&["spec", "rules"]).and_then(Value::as_array).into_iter().flatten().collect();
    for rule in &rules {
        let name = rule.str_at(&["name"]).to_owned();
        let mut draft = Draft { policy, rule, catalog, spec: Map::new(), notes: Vec::new() };
        match one(&mut draft) {
            Ok(kind) => {
                let notes = std::mem::take(&mut draft.notes);
                outcome.notes.extend(notes.into_iter().map(|text| Remark { rule: name.clone(), text }));
                outcome.policies.push(finish(draft, kind, rules.len() > 1));
            }
            Err(text) => outcome.left_out.push(Remark { rule: name, text }),
        }
    }
    outcome
}

/// Fills the draft's `spec`; returns the kind.
fn one(draft: &mut Draft<'_>) -> Result<&'static str, String> {
    let filled = |field: &str| draft.rule.get(field).is_some_and(|body| !body.is_null());
    if filled("context") {
        return Err("context entries need variables in CEL (resource.Get, globalContext.Get, http.Get), which depend on what is read".into());
    }
    if filled("verifyImages") {
        return Err(
            "image verification becomes an ImageValidatingPolicy; attestors and digests need a decision of their own"
                .into(),
        );
    }
    let (validates, mutates, generates) = (filled("validate"), filled("mutate"), filled("generate"));
    selection::rule(draft)?;
    if let Some(found) = draft.rule.get("preconditions").filter(|found| !found.is_null()) {
        let expression = conditions::block(found).map_err(|why| format!("preconditions: {why}"))?;
        selection::add_condition(draft, "preconditions", &expression);
    }
    match (validates, mutates, generates) {
        (true, ..) => validate::rule(draft).map(|()| "ValidatingPolicy"),
        (_, true, _) => mutate::rule(draft).map(|()| "MutatingPolicy"),
        (.., true) => generate::rule(draft).map(|()| "GeneratingPolicy"),
        _ => Err("the rule does nothing".into()),
    }
}

fn finish(draft: Draft<'_>, kind: &str, many: bool) -> Value {
    let namespaced = draft.policy.kind() == "Policy";
    let kind = if namespaced { format!("Namespaced{kind}") } else { kind.to_owned() };
    let rule =
        draft.rule.str_at(&["name"]).to_lowercase().replace(|c: char| !c.is_ascii_alphanumeric() && c != '-', "-");
    let name = if many { format!("{}-{rule}", draft.policy.name()) } else { draft.policy.name().to_owned() };
    let mut metadata = json!({ "name": name });
    if namespaced && !draft.policy.namespace().is_empty() {
        metadata.set_at(&["namespace"], json!(draft.policy.namespace()));
    }
    let annotations: Map<String, Value> = draft
        .policy
        .annotations()
        .into_iter()
        .filter(|(key, _)| !key.starts_with("kubectl.kubernetes.io/") && !key.starts_with("pod-policies.kyverno.io/"))
        .map(|(key, value)| (key, json!(value)))
        .collect();
    if !annotations.is_empty() {
        metadata.set_at(&["annotations"], Value::Object(annotations));
    }
    json!({ "apiVersion": "policies.kyverno.io/v1", "kind": kind, "metadata": metadata, "spec": draft.spec })
}

#[cfg(test)]
mod tests;
