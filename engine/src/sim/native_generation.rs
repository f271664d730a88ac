//! Policies of the API server that Kyverno keeps; ValidatingAdmissionPolicies that Kyverno makes of its own policies, so that the API server evaluates them itself.
//!
//! Follows `pkg/controllers/admissionpolicygenerator` and `pkg/admissionpolicy/{builder,kyvernopolicy_checker}.go`.

use serde_json::{Map, Value, json};

use super::Cluster;
use super::k8s_events::{Fact, Subject};
use super::store::Key;
use crate::eval::cel::autogen;
use crate::object::gvk::KindSelector;
use crate::object::order;
use crate::object::{ObjectExt, wildcard};
use crate::policy::ClassicPolicy;
use crate::policy::cel_exception::CelException;
use crate::policy::exception::PolicyException;
use crate::policy::selection::{MatchBlock, ResourceDescription, ResourceFilter};

const GROUP: &str = "admissionregistration.k8s.io";
const KIND: &str = "ValidatingAdmissionPolicy";
const EXCLUDED: &str = "reports.kyverno.io/disabled";
const SKIP: &str = "skip generating ValidatingAdmissionPolicy";

impl Cluster {
    /// Brings the generated policies up to date with the policies and exceptions, and says so in their status.
    pub(crate) fn refresh_native_policies(&mut self) {
        let entries = self.policies.cel.clone();
        for entry in entries.iter().filter(|entry| entry.policy.kind == "MutatingPolicy") {
            let raw = &entry.policy.raw;
            if self.generates_native(raw) {
                let made = self.native_of_mutating(raw);
                let mut owner = raw.clone();
                owner.set_at(&["apiVersion"], json!("policies.kyverno.io/v1beta1"));
                self.keep_native(&owner, "MutatingAdmissionPolicy", &format!("mpol-{}", entry.policy.name), made);
            }
        }
        if !self.config.generate_validating_admission_policy {
            return;
        }
        for policy in self.policies.classic.clone().iter().filter(|policy| policy.namespace.is_empty()) {
            let made = self.native_of_classic(policy);
            self.keep_native(&policy.raw, KIND, &format!("cpol-{}", policy.name), made);
        }
        for entry in entries.iter().filter(|entry| entry.policy.kind == "ValidatingPolicy") {
            let made = self.native_of_cel(&entry.policy.raw);
            self.keep_native(&entry.policy.raw, KIND, &format!("vpol-{}", entry.policy.name), made);
        }
    }

    /// Writes or removes the policy and its binding.
    fn keep_native(&mut self, owner: &Value, kind: &str, name: &str, made: Result<(Value, Value), String>) {
        let (binding_kind, binding_name) = (format!("{kind}Binding"), format!("{name}-binding"));
        let kinds = [(kind, name), (binding_kind.as_str(), binding_name.as_str())];
        let generated = made.is_ok();
        let reason = made.as_ref().err().cloned().unwrap_or_default();
        let mut touched = false;
        let specs: [Option<Value>; 2] = match made {
            Ok((policy, binding)) => [Some(with_defaults(policy)), Some(binding)],
            Err(_) => [None, None],
        };
        for ((kind, name), spec) in kinds.into_iter().zip(specs) {
            let stored = self.store.find(GROUP, kind, "", name).cloned();
            match (spec, stored) {
                (Some(spec), Some(stored)) if stored.get("spec") == Some(&spec) => {}
                (Some(spec), stored) => {
                    touched = true;
                    let uid = match &stored {
                        Some(stored) => stored.uid().to_owned(),
                        None => self.names.uid(&format!("{kind}/{name}")),
                    };
                    let mut object = json!({
                        "apiVersion": "admissionregistration.k8s.io/v1", "kind": kind,
                        "metadata": {
                            "name": name, "uid": uid, "creationTimestamp": self.clock.rfc3339(), "generation": 1,
                            "labels": {"app.kubernetes.io/managed-by": "kyverno"},
                            "ownerReferences": [{
                                "apiVersion": owner.api_version(), "kind": owner.kind(), "name": owner.name(),
                                "uid": owner.uid(),
                            }],
                        },
                        "spec": spec,
                    });
                    if owner.labels().contains_key(EXCLUDED) && !kind.ends_with("Binding") {
                        object.set_at(&["metadata", "labels", EXCLUDED], json!("true"));
                    }
                    self.put(object.clone(), false);
                    self.tell_native_made(owner, &object);
                }
                (None, Some(stored)) => {
                    touched = true;
                    self.store.remove(&Key::of(&stored));
                    self.observe(&stored, true);
                }
                (None, None) => {}
            }
        }
        let Some(current) = self.store.get(&Key::of(owner)).cloned() else { return };
        let before = is_generated(&current);
        if touched || before != generated || reason_told(&current) != reason {
            self.write_status(&current);
        }
        if before != generated
            && let Some(current) = self.store.get(&Key::of(owner)).cloned()
        {
            self.observe(&current, false);
        }
    }

    /// The Event about something generated; there is none about what mutates.
    fn tell_native_made(&mut self, owner: &Value, made: &Value) {
        let what = match made.kind() {
            KIND => "validating admission policy",
            "ValidatingAdmissionPolicyBinding" => "validating admission policy binding",
            _ => return,
        };
        let message = format!("successfully generated {what} {} from policy {}", made.name(), owner.name());
        let (source, action) = ("kyverno-generate", "Resource Generated");
        self.emit(Fact { source, reason: "PolicyApplied", action, message }, &Subject::Object(owner), Some(made));
    }

    /// Specs of the policy and its binding for a ClusterPolicy.
    ///
    /// # Errors
    /// Why there are none.
    pub(crate) fn native_of_classic(&self, policy: &ClassicPolicy) -> Result<(Value, Value), String> {
        let rule = match policy.spec.rules.as_slice() {
            [rule] => rule,
            [] => return Err(format!("{SKIP}: no rules found.")),
            _ => return Err(format!("{SKIP}: multiple rules are not applicable.")),
        };
        let cel = rule.validate.as_ref().and_then(|validate| validate.cel.as_ref());
        let cel = cel.ok_or_else(|| format!("{SKIP} for non CEL rules."))?;
        if cel.get("generate") != Some(&Value::Bool(true)) {
            return Err(format!("{SKIP}: validate.cel.generate is not set to true."));
        }
        let of_rule = policy.raw.pointer("/spec/rules/0/validate/failureActionOverrides");
        for overrides in [policy.raw.pointer("/spec/validationFailureActionOverrides"), of_rule] {
            let overrides = overrides.and_then(Value::as_array).map_or(&[][..], Vec::as_slice);
            if overrides.len() > 1 {
                return Err(format!("{SKIP}: multiple validationFailureActionOverrides are not applicable."));
            }
            let namespaces = overrides.first().and_then(|one| one.get("namespaces")).and_then(Value::as_array);
            if namespaces.is_some_and(|namespaces| !namespaces.is_empty()) {
                return Err(format!("{SKIP}: Namespaces in validationFailureActionOverrides is not applicable."));
            }
        }
        check_block(&rule.match_block, true, "match")?;
        if let Some(block) = &rule.exclude_block {
            check_block(block, false, "exclude")?;
        }
        let names = |exception: &&PolicyException| {
            exception.spec.exceptions.iter().any(|one| {
                one.policy_name == policy.name && one.rule_names.iter().any(|name| wildcard::matches(name, &rule.name))
            })
        };
        let exceptions: Vec<&PolicyException> = self.policies.exceptions.iter().filter(names).collect();
        let mut excluded: Vec<&MatchBlock> = rule.exclude_block.iter().collect();
        for exception in exceptions {
            if exception.spec.exceptions.iter().any(|one| one.rule_names.len() > 1) {
                return Err(format!("{SKIP}: multiple ruleNames in PolicyException is not applicable."));
            }
            if exception.raw.at(&["spec", "conditions"]).is_some() {
                return Err(format!("{SKIP}: Conditions in PolicyException is not applicable."));
            }
            check_block(&exception.spec.match_block, false, "PolicyException's match")?;
            excluded.push(&exception.spec.match_block);
        }
        let mut constraints = Map::new();
        let mut rules = Vec::new();
        for filter in filters(&rule.match_block) {
            self.translate(&filter.resources, true, &mut rules)?;
            let namespaces = &filter.resources.namespaces;
            let selector = match namespaces.is_empty() {
                true => filter.resources.namespace_selector.clone(),
                false => Some(json!({"matchExpressions": [
                    {"key": "kubernetes.io/metadata.name", "operator": "In", "values": namespaces},
                ]})),
            };
            put_or_drop(&mut constraints, "namespaceSelector", selector);
            put_or_drop(&mut constraints, "objectSelector", filter.resources.selector.clone());
        }
        constraints.insert("resourceRules".to_owned(), Value::Array(rules));
        let mut rules = Vec::new();
        for filter in excluded.into_iter().flat_map(filters) {
            self.translate(&filter.resources, false, &mut rules)?;
        }
        if !rules.is_empty() {
            constraints.insert("excludeResourceRules".to_owned(), Value::Array(rules));
        }
        let mut spec = json!({"matchConstraints": constraints});
        let preconditions = policy.raw.pointer("/spec/rules/0/celPreconditions");
        let parts = [
            ("matchConditions", preconditions),
            ("paramKind", cel.get("paramKind")),
            ("validations", cel.get("expressions")),
            ("auditAnnotations", cel.get("auditAnnotations")),
            ("variables", cel.get("variables")),
        ];
        for (key, value) in parts {
            if let Some(value) = value {
                spec.set_at(&[key], value.clone());
            }
        }
        let own = rule.validate.as_ref().and_then(|validate| validate.failure_action.as_deref());
        let action = own.or(policy.spec.validation_failure_action.as_deref()).unwrap_or("Audit");
        let actions = if action.eq_ignore_ascii_case("enforce") { json!(["Deny"]) } else { json!(["Audit", "Warn"]) };
        let mut binding = json!({"policyName": format!("cpol-{}", policy.name), "validationActions": actions});
        if let Some(reference) = cel.get("paramRef") {
            binding.set_at(&["paramRef"], reference.clone());
        }
        Ok((spec, binding))
    }

    /// Specs of the policy and its binding for a ValidatingPolicy.
    ///
    /// # Errors
    /// Why there are none.
    pub(crate) fn native_of_cel(&self, policy: &Value) -> Result<(Value, Value), String> {
        let wanted = policy.at(&["spec", "autogen", "validatingAdmissionPolicy", "enabled"]);
        if wanted != Some(&Value::Bool(true)) {
            return Err(format!("{SKIP}: not enabled."));
        }
        let read = crate::policy::validating::ValidatingPolicy::from_value(policy)?;
        if !autogen::variants(read.spec.match_constraints.as_ref(), read.spec.autogen.as_ref()).is_empty() {
            return Err(format!("{SKIP}: pod controllers autogen is enabled."));
        }
        let part = |key: &str| policy.at(&["spec", key]).cloned();
        let list = |key: &str| part(key).and_then(|value| value.as_array().cloned()).unwrap_or_default();
        let (mut conditions, mut variables, mut validations) =
            (list("matchConditions"), list("variables"), list("validations"));
        for exception in self.native_exceptions(policy.name()) {
            for condition in &exception.spec.match_conditions {
                let expression = format!("!({})", condition.expression);
                conditions.push(json!({"name": condition.name, "expression": expression}));
            }
            for (name, values) in
                [("allowedImages", &exception.spec.images), ("allowedValues", &exception.spec.allowed_values)]
            {
                if !values.is_empty() {
                    let quoted: Vec<String> = values.iter().map(|value| format!("'{value}'")).collect();
                    variables.push(json!({"name": name, "expression": format!("[{}]", quoted.join(", "))}));
                }
            }
        }
        for validation in &mut validations {
            let text = validation.str_at(&["expression"]).replace("exceptions.allowed", "variables.allowed");
            validation.set_at(&["expression"], Value::String(text));
        }
        let mut spec = json!({"matchConstraints": part("matchConstraints"), "validations": validations});
        for (key, items) in
            [("matchConditions", conditions), ("variables", variables), ("auditAnnotations", list("auditAnnotations"))]
        {
            if !items.is_empty() {
                spec.set_at(&[key], Value::Array(items));
            }
        }
        let actions = match list("validationActions") {
            none if none.is_empty() => json!(["Deny"]),
            named => Value::Array(named),
        };
        Ok((spec, json!({"policyName": format!("vpol-{}", policy.name()), "validationActions": actions})))
    }

    /// The exceptions that count for a policy: any that has its name, whatever the kind (`utils.go`).
    pub(super) fn native_exceptions(&self, name: &str) -> impl Iterator<Item = &CelException> {
        let now = self.clock.unix().0;
        self.policies
            .cel_exceptions
            .iter()
            .filter(move |one| !one.expired(now) && one.spec.policy_refs.iter().any(|policy| policy.name == name))
    }

    /// Adds the rules that a description of resources stands for.
    fn translate(&self, resources: &ResourceDescription, matching: bool, rules: &mut Vec<Value>) -> Result<(), String> {
        let operations: Vec<&str> = match resources.operations.as_slice() {
            [] => vec!["CREATE", "UPDATE", "CONNECT", "DELETE"],
            named => named.iter().map(String::as_str).collect(),
        };
        let mut names = resources.names.clone();
        names.extend(Some(resources.name.clone()).filter(|name| !name.is_empty()));
        let rule = |group: &str, version: &str, plurals: &[String], names: &[String]| {
            let mut rule = json!({
                "apiGroups": [group], "apiVersions": [version], "operations": operations, "resources": plurals,
                "scope": "*",
            });
            if !names.is_empty() {
                rule.set_at(&["resourceNames"], json!(names));
            }
            rule
        };
        for kind in &resources.kinds {
            if kind == "*" {
                rules.push(rule("*", "*", &["*".to_owned()], &names));
                continue;
            }
            let selector = KindSelector::parse(kind);
            let found: Vec<(String, String, String)> = self
                .catalog
                .iter()
                .flat_map(|known| known.versions.iter().map(move |version| (known, version)))
                .filter(|(known, version)| selector.matches_kind(&known.gvk(version)))
                .map(|(known, version)| (known.group.clone(), version.clone(), known.plural.clone()))
                .collect();
            let [(group, version, plural)] = found.as_slice() else {
                return Err(format!("no unique match for kind {}", selector.kind));
            };
            let mut plurals = vec![match selector.subresource.as_str() {
                "" => plural.clone(),
                subresource => format!("{plural}/{subresource}"),
            }];
            if plurals.iter().any(|one| one == "pods") {
                plurals.push("pods/ephemeralcontainers".to_owned());
            }
            let same = |rule: &&mut Value| {
                rule.pointer("/apiGroups/0").and_then(Value::as_str) == Some(group)
                    && rule.pointer("/apiVersions/0").and_then(Value::as_str) == Some(version)
            };
            match rules.iter_mut().find(same).and_then(|rule| rule.get_mut("resources")).and_then(Value::as_array_mut) {
                Some(known) => {
                    known.extend(plurals.into_iter().map(Value::String));
                    order::sort_by(known, |a, b| a.as_str().cmp(&b.as_str()));
                }
                None => rules.push(rule(group, version, &plurals, &names)),
            }
        }
        if !matching && resources.kinds.is_empty() && !resources.namespaces.is_empty() {
            rules.push(rule("", "v1", &["namespaces".to_owned()], &resources.namespaces));
        }
        Ok(())
    }
}

/// The spec with what the API server sets.
fn with_defaults(mut spec: Value) -> Value {
    let missing = |object: &mut Value, path: &[&str], value: Value| {
        if object.at(path).is_none_or(Value::is_null) {
            object.set_at(path, value);
        }
    };
    missing(&mut spec, &["failurePolicy"], json!("Fail"));
    missing(&mut spec, &["matchConstraints", "matchPolicy"], json!("Equivalent"));
    missing(&mut spec, &["matchConstraints", "namespaceSelector"], json!({}));
    missing(&mut spec, &["matchConstraints", "objectSelector"], json!({}));
    for list in ["resourceRules", "excludeResourceRules"] {
        let rules = spec.pointer_mut(&format!("/matchConstraints/{list}")).and_then(Value::as_array_mut);
        for rule in rules.into_iter().flatten() {
            missing(rule, &["scope"], json!("*"));
        }
    }
    spec
}

/// Whether the status of a policy says that the API server evaluates it.
pub(crate) fn is_generated(policy: &Value) -> bool {
    let places: [&[&str]; 2] = [&["status", "generated"], &["status", "validatingadmissionpolicy", "generated"]];
    places.iter().any(|place| policy.at(place) == Some(&Value::Bool(true)))
}

/// Why there is no native policy, as the status of a policy tells it.
fn reason_told(policy: &Value) -> &str {
    let field = if policy.gvk().group == "kyverno.io" { "validatingadmissionpolicy" } else { "conditionStatus" };
    policy.str_at(&["status", field, "message"])
}

fn put_or_drop(map: &mut Map<String, Value>, key: &str, value: Option<Value>) {
    match value {
        Some(value) => drop(map.insert(key.to_owned(), value)),
        None => drop(map.shift_remove(key)),
    }
}

fn filters(block: &MatchBlock) -> impl Iterator<Item = &ResourceFilter> {
    let direct = std::iter::once(&block.direct)
        .filter(|filter| !filter.resources.kinds.is_empty() || !filter.resources.namespaces.is_empty());
    direct.chain(&block.any).chain(&block.all)
}

/// What of a block a native policy cannot say.
fn check_block(block: &MatchBlock, matching: bool, name: &str) -> Result<(), String> {
    check_filters(std::slice::from_ref(&block.direct), matching)?;
    check_filters(&block.any, matching)?;
    if block.all.len() > 1 {
        return Err(format!("{SKIP}: multiple 'all' in the {name} block is not applicable."));
    }
    check_filters(&block.all, matching)
}

fn check_filters(filters: &[ResourceFilter], matching: bool) -> Result<(), String> {
    let no = |words: &str| Err(format!("{SKIP}: {words}"));
    for filter in filters {
        let resources = &filter.resources;
        if !(filter.roles.is_empty() && filter.cluster_roles.is_empty() && filter.subjects.is_empty()) {
            return no("Roles / ClusterRoles / Subjects in `any/all` is not applicable.");
        }
        if !matching && !resources.kinds.is_empty() && !resources.namespaces.is_empty() {
            return no("excluding a resource within a namespace is not applicable.");
        }
        if !resources.annotations.is_empty() {
            return no("Annotations in resource description is not applicable.");
        }
        if resources.names.iter().chain([&resources.name]).any(|name| wildcard::contains_wildcard(name)) {
            return no("wildcards in resource name is not applicable.");
        }
        if resources.namespaces.iter().any(|name| wildcard::contains_wildcard(name)) {
            return no("wildcards in namespace name is not applicable.");
        }
    }
    let selects =
        |filter: &ResourceFilter| filter.resources.namespace_selector.is_some() || filter.resources.selector.is_some();
    match filters.iter().any(selects) {
        true if !matching => no("NamespaceSelector / ObjectSelector in the exclude block is not applicable."),
        true if filters.len() > 1 => {
            no("NamespaceSelector / ObjectSelector across multiple resources in the match block are not applicable.")
        }
        _ => Ok(()),
    }
}
