//! Links and exports of the official playground (playground.kyverno.io) → scenarios.
//!
//! A link holds `#/?content=` and the LZ-string of a JSON object of YAML texts, one per pane.

use indexmap::IndexMap;
use serde_json::{Value, json};

use super::{API_VERSION, Scenario, Step};
use crate::eval::request::UserInfo;
use crate::limits::MAX_FILE_BYTES;
use crate::object::ObjectExt;
use crate::parse::yaml;

/// Reads a link, or what follows `content=` in one.
///
/// # Errors
/// What is wrong with it, in words for its owner.
pub fn import_link(link: &str) -> Result<Scenario, String> {
    let content = link.rsplit_once("content=").map_or(link, |(_, content)| content);
    let content = content.split('&').next().unwrap_or(content).trim();
    if content.len() > MAX_FILE_BYTES {
        return Err("the link is too long".into());
    }
    let text = lz_str::decompress_from_base64(&percent_decode(content));
    let text =
        text.and_then(|units| String::from_utf16(&units).ok()).ok_or("the link is damaged: it does not decompress")?;
    if text.len() > MAX_FILE_BYTES {
        return Err("the link holds too much".into());
    }
    let state: Value = serde_json::from_str(&text).map_err(|_| "the link is damaged: it holds no JSON")?;
    Ok(scenario("From playground.kyverno.io", &state))
}

/// Reads an exported `playground.yaml`: one scenario per profile.
///
/// # Errors
/// It is no YAML, or has no profiles.
pub fn import_export(text: &str) -> Result<Vec<Scenario>, String> {
    let document = yaml::one(text).map_err(|problem| problem.message)?;
    let profiles = document
        .get("profiles")
        .and_then(Value::as_array)
        .ok_or("this is no export of the playground: it has no profiles")?;
    Ok(profiles.iter().map(|profile| scenario(profile.str_at(&["name"]), profile)).collect())
}

/// Panes: names in links and exports, and the file that each becomes.
const PANES: [(&[&str], &str); 8] = [
    (&["customResourceDefinitions"], "crds.yaml"),
    (&["clusterResources", "clutserResources"], "cluster.yaml"),
    (&["policy", "policies"], "policies.yaml"),
    (&["vapBindings"], "bindings.yaml"),
    (&["exceptions"], "exceptions.yaml"),
    (&["oldResource", "oldResources"], "old-resources.yaml"),
    (&["resource", "resources"], "resources.yaml"),
    (&["imageData"], "images.yaml"),
];

fn scenario(title: &str, state: &Value) -> Scenario {
    let mut files: IndexMap<String, String> = IndexMap::new();
    for (names, file) in PANES {
        let text = names.iter().map(|name| state.str_at(&[name])).find(|text| !text.trim().is_empty());
        if let Some(text) = text.filter(|text| has_content(text)) {
            files.insert(file.to_owned(), text.to_owned());
        }
    }
    let context = yaml::one(state.str_at(&["context"])).unwrap_or_default();
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
    if files.contains_key("resources.yaml") {
        let file = Some(json!("resources.yaml"));
        let mut step = match operation {
            "DELETE" => Step { delete: file, ..Step::default() },
            _ if files.contains_key("old-resources.yaml") => Step { update: file, ..Step::default() },
            _ => Step { apply: file, ..Step::default() },
        };
        step.user = user(&context);
        step.dry_run = context.at(&["context", "dryRun"]).and_then(Value::as_bool).unwrap_or(false);
        steps.push(step);
    }
    let images = files.shift_remove("images.yaml").and_then(|text| yaml::one(&text).ok()).map(|data| images(&data));
    let mut scenario = Scenario {
        api_version: API_VERSION.into(),
        kind: "Scenario".into(),
        title: title.to_owned(),
        config: config(&context),
        cluster,
        steps,
        files,
        ..Scenario::default()
    };
    scenario.mocks.images = images.unwrap_or_default();
    scenario
}

/// Whether a text is more than comments.
fn has_content(text: &str) -> bool {
    text.lines().any(|line| !line.trim().is_empty() && !line.trim_start().starts_with('#') && line.trim() != "---")
}

fn user(context: &Value) -> Option<UserInfo> {
    let username = context.str_at(&["context", "username"]);
    let groups = context.at(&["context", "groups"]).and_then(Value::as_array).into_iter().flatten();
    let groups: Vec<String> = groups.filter_map(Value::as_str).map(str::to_owned).collect();
    (!username.is_empty() || !groups.is_empty()).then(|| UserInfo {
        username: username.to_owned(),
        groups,
        ..UserInfo::default()
    })
}

fn config(context: &Value) -> Value {
    let on = |flag: &str| context.at(&["flags", flag, "enabled"]).cloned();
    let mut config = json!({});
    for (flag, name) in [
        ("exceptions", "policyExceptions"),
        ("protectManagedResources", "protectManagedResources"),
        ("forceFailurePolicyIgnore", "forceFailurePolicyIgnore"),
        ("generateValidatingAdmissionPolicy", "generateValidatingAdmissionPolicy"),
        ("generateMutatingAdmissionPolicy", "generateMutatingAdmissionPolicy"),
    ] {
        if let Some(value) = on(flag).filter(Value::is_boolean) {
            config.set_at(&[name], value);
        }
    }
    if config.as_object().is_some_and(serde_json::Map::is_empty) { Value::Null } else { config }
}

/// A mapping of images to their facts as a list.
fn images(data: &Value) -> Vec<Value> {
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
        let scenario = import_link(&link(&state)).expect("imports");
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
    }

    #[test]
    fn an_export_has_profiles() {
        let text = "date: 2024-01-01\nversion: x\nprofiles:\n- name: one\n  policies: 'kind: ClusterPolicy'\n  resources: 'kind: Pod'\n";
        let scenarios = import_export(text).expect("imports");
        assert_eq!(scenarios.iter().map(|one| one.title.as_str()).collect::<Vec<_>>(), ["one"]);
        assert!(import_export("a: 1").is_err());
    }
}
