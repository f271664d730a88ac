//! Links and exports of the official playground (playground.kyverno.io) → scenarios.
//!
//! A link holds `#/?content=` and the LZ-string of a JSON object of YAML texts, one per pane.

use indexmap::IndexMap;
use serde_json::{Map, Value, json};

use super::carried::{Imported, left_out, titled};
use super::context_values::{Given, carry};
use super::lz_string;
use super::rbac::{self, bindings};
use crate::diagnostic::Diagnostic;
use crate::eval::request::UserInfo;
use crate::limits::MAX_FILE_BYTES;
use crate::object::ObjectExt;
use crate::object::order;
use crate::parse::yaml;
use crate::scenario::kyverno_test::load::documents;
use crate::scenario::{Scenario, Step};

/// Whether a text is a link of the playground and nothing else.
#[must_use]
pub fn is_link(text: &str) -> bool {
    let text = text.trim();
    text.contains("#/?content=") && !text.contains(char::is_whitespace)
}

/// Reads a link, or what follows `content=` in one.
///
/// # Errors
/// What is wrong with it, in words for its owner.
pub fn import_link(link: &str) -> Result<Imported, String> {
    let content = link.rsplit_once("content=").map_or(link, |(_, content)| content);
    let content = content.split('&').next().unwrap_or(content).trim();
    if content.len() > MAX_FILE_BYTES {
        return Err("the link is too long".into());
    }
    let text = lz_string::decompress(&percent_decode(content), MAX_FILE_BYTES)
        .ok_or("the link is damaged, or it holds too much")?;
    let state: Value = serde_json::from_str(&text).map_err(|_| "the link is damaged: it holds no JSON")?;
    Ok(imported("Link of playground.kyverno.io", "", &state))
}

/// Reads an exported `playground.yaml`: one scenario per profile.
///
/// # Errors
/// It is no YAML, or has no profiles.
pub fn import_export(text: &str) -> Result<Vec<Imported>, String> {
    let document = yaml::one(text).map_err(|problem| problem.message)?;
    let profiles = document
        .get("profiles")
        .and_then(Value::as_array)
        .ok_or("this is no export of the playground: it has no profiles")?;
    let read = |profile| imported("Export of playground.kyverno.io", profile_name(profile), profile);
    Ok(profiles.iter().map(read).collect())
}

fn profile_name(profile: &Value) -> &str {
    profile.str_at(&["name"])
}

/// Panes: names in links and exports, and the file that each becomes.
const PANES: [(&[&str], &str); 7] = [
    (&["customResourceDefinitions"], "crds.yaml"),
    (&["clusterResources", "clutserResources"], "cluster.yaml"),
    (&["policy", "policies"], "policies.yaml"),
    (&["vapBindings"], "bindings.yaml"),
    (&["exceptions"], "exceptions.yaml"),
    (&["oldResource", "oldResources"], "old-resources.yaml"),
    (&["resource", "resources"], "resources.yaml"),
];

/// Panes that hold something else than manifests.
const OTHER_PANES: [&str; 4] = ["context", "config", "imageData", "name"];

fn imported(from: &str, title: &str, state: &Value) -> Imported {
    let mut left = Vec::new();
    let mut files: IndexMap<String, String> = IndexMap::new();
    for (names, file) in PANES {
        let text = names.iter().map(|name| state.str_at(&[name])).find(|text| !text.trim().is_empty());
        if let Some(text) = text.filter(|text| has_content(text)) {
            files.insert(file.to_owned(), text.to_owned());
        }
    }
    for (pane, value) in state.as_object().into_iter().flatten() {
        let known = PANES.iter().any(|(names, _)| names.contains(&pane.as_str()));
        if !known && !OTHER_PANES.contains(&pane.as_str()) && !value.is_null() && value.as_str() != Some("") {
            left.push(left_out(format!("the pane `{pane}`"), ""));
        }
    }
    let mut pane = |name: &str| {
        yaml::one(state.str_at(&[name])).unwrap_or_else(|problem| {
            left.push(left_out(format!("the pane `{name}`: {}", problem.message), ""));
            Value::Null
        })
    };
    let (context, kyverno) = (pane("context"), pane("config"));
    let operation = context.str_at(&["context", "operation"]);
    let there = |file: &str| files.contains_key(file).then(|| file.to_owned());
    let mut cluster: Vec<String> =
        ["crds.yaml", "cluster.yaml", "old-resources.yaml"].into_iter().filter_map(there).collect();
    if operation == "DELETE" && !files.contains_key("old-resources.yaml") {
        cluster.extend(there("resources.yaml"));
    }
    let apply = |file: &str| Step { apply: Some(json!(file)), ..Step::default() };
    let mut steps: Vec<Step> = ["policies.yaml", "bindings.yaml", "exceptions.yaml"]
        .into_iter()
        .filter_map(there)
        .map(|file| apply(&file))
        .collect();
    let user = user(&context);
    if files.contains_key("resources.yaml") {
        let file = Some(json!("resources.yaml"));
        let mut step = match operation {
            "DELETE" => Step { delete: file, ..Step::default() },
            _ if files.contains_key("old-resources.yaml") => Step { update: file, ..Step::default() },
            _ => Step { apply: file, ..Step::default() },
        };
        step.user.clone_from(&user);
        step.dry_run = context.at(&["context", "dryRun"]).and_then(Value::as_bool).unwrap_or(false);
        steps.push(step);
    }
    if operation == "CONNECT" {
        left.push(left_out("the operation CONNECT", "the resources are applied instead"));
    }
    let mut scenario = titled(title);
    if title.is_empty() {
        scenario.title = named(&files);
    }
    (scenario.cluster, scenario.steps, scenario.files) = (cluster, steps, files);
    scenario.config = config(&context, &kyverno, &mut left);
    context.str_at(&["kubernetes", "version"]).clone_into(&mut scenario.kubernetes);
    let given = [state.get("imageData"), context.get("imageData")].into_iter().flatten();
    scenario.mocks.images = given.flat_map(images).collect();
    surroundings(&context, user.as_ref(), &mut scenario, &mut left);
    Imported { from: from.to_owned(), scenario, left_out: left }
}

/// The name of the first policy, which says more than where it comes from.
fn named(files: &IndexMap<String, String>) -> String {
    let text = files.get("policies.yaml").map(String::as_str).unwrap_or_default();
    let policy = documents("", text).unwrap_or_default().into_iter().next().unwrap_or_default();
    let title = policy.annotations().get("policies.kyverno.io/title").cloned().unwrap_or_default();
    if title.is_empty() { policy.name().to_owned() } else { title }
}

/// Roles, labels of namespaces and values of variables: what the objects of a cluster would say.
fn surroundings(context: &Value, user: Option<&UserInfo>, scenario: &mut Scenario, left: &mut Vec<Diagnostic>) {
    let roles = [words(context, &["context", "roles"]), words(context, &["context", "clusterRoles"])];
    let [roles, cluster_roles] = &roles;
    match user.map(|user| user.username.as_str()).filter(|name| !name.is_empty()) {
        Some(name) if roles.len() + cluster_roles.len() > 0 => {
            scenario.add_cluster_file("roles.yaml", bindings(name, roles, cluster_roles));
        }
        None if roles.len() + cluster_roles.len() > 0 => {
            left.push(left_out("roles and clusterRoles", "they belong to a user, and the context names none"));
        }
        _ => {}
    }
    let labels = context.at(&["context", "namespaceLabels"]).filter(|labels| !is_empty(labels));
    if let Some(labels) = labels {
        let resources = scenario.files.get("resources.yaml").map(String::as_str).unwrap_or_default();
        let objects = documents("", resources).unwrap_or_default();
        let mut names: Vec<&str> = objects.iter().map(ObjectExt::namespace).collect();
        names.iter_mut().filter(|name| name.is_empty()).for_each(|name| *name = "default");
        order::sort(&mut names);
        names.dedup();
        let namespace = |name: &&str| json!({"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": name, "labels": labels}});
        let objects: Vec<Value> = names.iter().map(namespace).collect();
        scenario.add_cluster_file("namespaces.yaml", rbac::manifests(&objects));
    }
    let mut given = Given::default();
    for (name, value) in context.get("variables").and_then(Value::as_object).into_iter().flatten() {
        given.put(name, value);
    }
    carry(&given, scenario, left);
}

fn is_empty(value: &Value) -> bool {
    value.is_null()
        || value.as_object().is_some_and(Map::is_empty)
        || value.as_array().is_some_and(Vec::is_empty)
        || value.as_str() == Some("")
        || value.as_bool() == Some(false)
}

fn words(value: &Value, path: &[&str]) -> Vec<String> {
    let items = value.at(path).and_then(Value::as_array).into_iter().flatten();
    items.filter_map(Value::as_str).map(str::to_owned).collect()
}

/// Whether a text is more than comments.
fn has_content(text: &str) -> bool {
    text.lines().any(|line| !line.trim().is_empty() && !line.trim_start().starts_with('#') && line.trim() != "---")
}

fn user(context: &Value) -> Option<UserInfo> {
    let username = context.str_at(&["context", "username"]);
    let groups = words(context, &["context", "groups"]);
    (!username.is_empty() || !groups.is_empty()).then(|| UserInfo {
        username: username.to_owned(),
        groups,
        ..UserInfo::default()
    })
}

/// Flags of the context and keys of Kyverno's ConfigMap that a scenario's `config` has, too.
const FLAGS: [(&str, &str); 5] = [
    ("exceptions", "policyExceptions"),
    ("protectManagedResources", "protectManagedResources"),
    ("forceFailurePolicyIgnore", "forceFailurePolicyIgnore"),
    ("generateValidatingAdmissionPolicy", "generateValidatingAdmissionPolicy"),
    ("generateMutatingAdmissionPolicy", "generateMutatingAdmissionPolicy"),
];

fn config(context: &Value, kyverno: &Value, left: &mut Vec<Diagnostic>) -> Value {
    let mut config = json!({});
    for (flag, settings) in context.get("flags").and_then(Value::as_object).into_iter().flatten() {
        let name = FLAGS.iter().find(|(own, _)| own == flag).map(|(_, name)| *name);
        match (name, settings.get("enabled").filter(|on| on.is_boolean())) {
            (Some(name), Some(on)) => config.set_at(&[name], on.clone()),
            (None, _) if settings.as_object().is_some_and(|map| map.values().any(|value| !is_empty(value))) => {
                left.push(left_out(format!("the flag `{flag}`"), "it has no effect on a simulation"));
            }
            _ => {}
        }
    }
    let namespace = context.str_at(&["flags", "exceptions", "namespace"]);
    if !namespace.is_empty() {
        config.set_at(&["exceptionNamespace"], json!(namespace));
    }
    for (key, value) in kyverno.get("data").and_then(Value::as_object).into_iter().flatten() {
        let text = value.as_str().unwrap_or_default();
        let list = || json!(text.split(',').map(str::trim).filter(|word| !word.is_empty()).collect::<Vec<_>>());
        match key.as_str() {
            "resourceFilters" => config.set_at(&["resourceFilters"], json!(filters(text))),
            "excludeGroups" | "excludeUsernames" | "excludeRoles" | "excludeClusterRoles" | "omitEvents" => {
                config.set_at(&[key], list());
            }
            "excludeGroupRole" => config.set_at(&["excludeGroups"], list()),
            "excludeUsername" => config.set_at(&["excludeUsernames"], list()),
            "defaultRegistry" => config.set_at(&["defaultRegistry"], json!(text)),
            "generateSuccessEvents" => config.set_at(&["generateSuccessEvents"], json!(text == "true")),
            _ if text.is_empty() => {}
            _ => left.push(left_out(format!("`{key}` of Kyverno's ConfigMap"), "see `config` of a scenario")),
        }
    }
    if config.as_object().is_some_and(Map::is_empty) { Value::Null } else { config }
}

/// `[kind,namespace,name]` entries, separated by anything.
fn filters(text: &str) -> Vec<String> {
    let inner = text.split('[').skip(1).filter_map(|rest| rest.split_once(']'));
    inner.map(|(inner, _)| format!("[{}]", inner.split(',').map(str::trim).collect::<Vec<_>>().join(","))).collect()
}

/// A mapping of images to their facts, or its text, as a list.
fn images(data: &Value) -> Vec<Value> {
    let data = data.as_str().and_then(|text| yaml::one(text).ok()).unwrap_or_else(|| data.clone());
    let entries = data.as_object().into_iter().flatten();
    entries
        .map(|(image, facts)| {
            let mut facts = facts.clone();
            facts.set_at(&["image"], json!(image));
            facts
        })
        .collect()
}

fn percent_decode(text: &str) -> String {
    let mut out = String::new();
    let mut rest = text;
    while let Some((plain, tail)) = rest.split_once('%') {
        out.push_str(plain);
        let code = tail.get(..2).and_then(|pair| u8::from_str_radix(pair, 16).ok());
        match code {
            Some(byte) => {
                out.push(char::from(byte));
                rest = tail.get(2..).unwrap_or("");
            }
            None => {
                out.push('%');
                rest = tail;
            }
        }
    }
    out + rest
}

#[cfg(test)]
mod tests {
    use super::*;

    fn link(state: &Value) -> String {
        let content = lz_str::compress_to_base64(state.to_string().as_str()).replace('+', "%2B").replace('=', "%3D");
        format!("https://playground.kyverno.io/v0.8/#/?content={content}")
    }

    #[test]
    fn a_link_becomes_steps() {
        let context = "context:\n  username: alice\n  operation: UPDATE\nflags:\n  exceptions:\n    enabled: true\n";
        let state = json!({"policy": "kind: ClusterPolicy", "resource": "kind: Pod", "oldResource": "kind: Pod", "context": context,
            "exceptions": "# none\n"});
        let Imported { scenario, left_out, .. } = import_link(&link(&state)).expect("imports");
        assert_eq!(left_out, []);
        assert_eq!(
            scenario.files.keys().collect::<Vec<_>>(),
            ["policies.yaml", "old-resources.yaml", "resources.yaml"]
        );
        assert_eq!(scenario.cluster, ["old-resources.yaml"]);
        let last = scenario.steps.last().expect("steps");
        assert_eq!(last.update, Some(json!("resources.yaml")));
        assert_eq!(last.user.as_ref().map(|user| user.username.as_str()), Some("alice"));
        assert_eq!(scenario.config, json!({"policyExceptions": true}));
    }

    #[test]
    fn a_damaged_link_is_refused() {
        assert!(import_link("https://playground.kyverno.io/#/?content=%%%").is_err());
        assert!(import_link("").is_err());
        assert!(is_link(" https://x/v1/#/?content=N4Ig \n") && !is_link("a: https://x/#/?content=N4Ig"));
    }

    #[test]
    fn what_surrounds_a_resource_is_in_the_cluster_and_the_rest_is_said() {
        let policy =
            "kind: ClusterPolicy\nspec: {rules: [{context: [{name: dict, configMap: {name: d, namespace: dev}}]}]}\n";
        let context = "context: {username: alice, clusterRoles: [admin], namespaceLabels: {env: prod}, operation: DELETE}\n\
            variables: {dict: {data: {a: b}}, x: 1}\nflags: {cosign: {imageSignatureRepository: r}, allowHTTPInNamespacedPolicies: {enabled: false}}\n";
        let kyverno = "data: {resourceFilters: '[Event, *,*][Node,*,*]', excludeGroups: 'a,b', webhooks: '{}'}";
        let state = json!({"policy": policy, "resource": "kind: Pod\nmetadata: {namespace: dev}", "context": context, "config": kyverno, "news": "x"});
        let Imported { scenario, left_out, .. } = import_link(&link(&state)).expect("imports");
        assert_eq!(scenario.cluster, ["resources.yaml", "roles.yaml", "namespaces.yaml", "configmaps.yaml"]);
        assert_eq!(
            scenario.config,
            json!({"resourceFilters": ["[Event,*,*]", "[Node,*,*]"], "excludeGroups": ["a", "b"]})
        );
        let said: Vec<&str> = left_out.iter().map(|one| one.message.as_str()).collect();
        let want = [
            "the pane `news`",
            "the flag `cosign`",
            "`webhooks` of Kyverno's ConfigMap",
            "the value of the variable `x`",
        ];
        assert_eq!(said, want);
    }

    #[test]
    fn an_export_has_profiles() {
        let text = "date: 2024-01-01\nversion: x\nprofiles:\n- name: one\n  policies: 'kind: ClusterPolicy'\n  resources: 'kind: Pod'\n";
        let found = import_export(text).expect("imports");
        assert_eq!(found.iter().map(|one| one.scenario.title.as_str()).collect::<Vec<_>>(), ["one"]);
        assert!(import_export("a: 1").is_err());
    }
}
