//! `match` and `exclude` → `matchConstraints` and `matchConditions`.

use serde_json::{Value, json};

use super::cel::{access, and, equals, has, not, one_of, or, string};
use super::{Cel, Draft};
use crate::object::ObjectExt;
use crate::object::catalog::Catalog;
use crate::object::gvk::{Gvk, KindSelector};
use crate::object::wildcard;

const NAME: &str = "object.metadata.?name.orValue('')";
const NAMESPACE: &str = "object.metadata.?namespace.orValue('')";

/// Adds a match condition to the draft.
pub(super) fn add_condition(draft: &mut Draft<'_>, name: &str, expression: &str) {
    if expression == "true" {
        return;
    }
    let condition = json!({ "name": name, "expression": expression });
    match draft.spec.get_mut("matchConditions") {
        Some(Value::Array(list)) => list.push(condition),
        _ => draft.set(&["matchConditions"], json!([condition])),
    }
}

/// The whole selection of a rule.
pub(super) fn rule(draft: &mut Draft<'_>) -> Result<(), String> {
    let rule = draft.rule;
    let matched = rule.get("match").ok_or("the rule matches nothing")?;
    let filters = filters(matched);
    let kinds: Vec<&str> = filters.iter().flat_map(|(filter, _)| strings(filter.at(&["resources", "kinds"]))).collect();
    let operations =
        filters.first().map(|(filter, _)| strings(filter.at(&["resources", "operations"]))).unwrap_or_default();
    let operations = if operations.is_empty() { vec!["CREATE", "UPDATE"] } else { operations };
    draft.set(&["matchConstraints", "resourceRules"], resource_rules(&kinds, &operations, draft.catalog)?);
    if filters.iter().any(|(filter, _)| strings(filter.at(&["resources", "operations"])).is_empty()) {
        draft.note("a classic rule also sees DELETE and CONNECT; the converted policy sees CREATE and UPDATE");
    }
    for selector in ["selector", "namespaceSelector"] {
        let found: Vec<&Value> = filters.iter().filter_map(|(filter, _)| filter.at(&["resources", selector])).collect();
        match (found.as_slice(), filters.len()) {
            ([], _) => {}
            ([one], 1) if !one.to_string().contains(['*', '?']) => {
                let field = if selector == "selector" { "objectSelector" } else { "namespaceSelector" };
                draft.set(&["matchConstraints", field], (*one).clone());
            }
            _ => return Err(format!("{selector} stands in one of several filters, or holds wildcards")),
        }
    }
    let several = filters.len() > 1;
    let each: Vec<String> =
        filters.iter().map(|(filter, _)| self::filter(filter, several)).collect::<Result<_, _>>()?;
    let all = filters.iter().all(|(_, all)| *all);
    add_condition(draft, "match", &if all { and(each) } else { or(each) });
    if let Some(excluded) =
        rule.get("exclude").filter(|excluded| excluded.as_object().is_some_and(|map| !map.is_empty()))
    {
        let filters = self::filters(excluded);
        if filters.iter().any(|(filter, _)| filter.at(&["resources", "namespaceSelector"]).is_some()) {
            return Err("exclude with a namespaceSelector has no equivalent".into());
        }
        let each: Vec<String> = filters.iter().map(|(filter, _)| excluded_filter(filter)).collect::<Result<_, _>>()?;
        let all = filters.iter().all(|(_, all)| *all);
        add_condition(draft, "exclude", &not(&if all { and(each) } else { or(each) }));
    }
    Ok(())
}

/// The filters of a block, each with whether all must fit.
fn filters(block: &Value) -> Vec<(&Value, bool)> {
    for (list, all) in [("any", false), ("all", true)] {
        if let Some(items) = block.get(list).and_then(Value::as_array).filter(|items| !items.is_empty()) {
            return items.iter().map(|filter| (filter, all)).collect();
        }
    }
    vec![(block, true)]
}

fn strings(list: Option<&Value>) -> Vec<&str> {
    list.and_then(Value::as_array).into_iter().flatten().filter_map(Value::as_str).collect()
}

fn resource_rules(kinds: &[&str], operations: &[&str], catalog: &Catalog) -> Result<Value, String> {
    let mut rules: Vec<Value> = Vec::new();
    for kind in kinds {
        let selector = KindSelector::parse(kind);
        if wildcard::contains_wildcard(&selector.kind) {
            return Err(format!("the kind {kind} holds wildcards"));
        }
        let mut found = catalog.iter().filter(|resource| {
            let fits = |version: &String| {
                selector.matches_kind(&Gvk {
                    group: resource.group.clone(),
                    version: version.clone(),
                    kind: resource.kind.clone(),
                })
            };
            resource.versions.iter().any(fits)
        });
        let resource =
            found.next().ok_or_else(|| format!("the kind {kind} is unknown here, so its resource name is, too"))?;
        let versions: Vec<&String> =
            resource.versions.iter().filter(|version| wildcard::matches(&selector.version, version)).collect();
        let name = match selector.subresource.as_str() {
            "" => resource.plural.clone(),
            subresource => format!("{}/{subresource}", resource.plural),
        };
        let same = rules
            .iter_mut()
            .find(|rule| rule["apiGroups"] == json!([resource.group]) && rule["apiVersions"] == json!(versions));
        match same.and_then(|rule| rule.get_mut("resources")).and_then(Value::as_array_mut) {
            Some(resources) if resources.contains(&json!(name)) => {}
            Some(resources) => resources.push(json!(name)),
            None => rules.push(json!({
                "apiGroups": [resource.group], "apiVersions": versions, "operations": operations, "resources": [name],
            })),
        }
    }
    if rules.is_empty() { Err("the rule matches no kinds".into()) } else { Ok(Value::Array(rules)) }
}

/// One filter as CEL; `kinds` says whether it must ask for its kinds itself.
fn filter(filter: &Value, kinds: bool) -> Cel {
    let at = |field: &str| filter.at(&["resources", field]);
    let mut parts = Vec::new();
    let wanted = strings(at("kinds"));
    if kinds && !wanted.is_empty() {
        let names: Vec<String> = wanted.iter().map(|kind| KindSelector::parse(kind).kind).collect();
        let names: Vec<&str> = names.iter().map(String::as_str).collect();
        parts.push(one_of("object.kind", &names));
    }
    let operations = strings(at("operations"));
    if kinds && !operations.is_empty() {
        parts.push(one_of("request.operation", &operations));
    }
    let mut names = strings(at("names"));
    names.extend(at("name").and_then(Value::as_str).filter(|name| !name.is_empty()));
    if !names.is_empty() {
        parts.push(one_of(NAME, &names));
    }
    let namespaces = strings(at("namespaces"));
    if !namespaces.is_empty() {
        let place = if wanted.iter().all(|kind| KindSelector::parse(kind).kind == "Namespace") && !wanted.is_empty() {
            NAME
        } else {
            NAMESPACE
        };
        parts.push(one_of(place, &namespaces));
    }
    for (key, value) in at("annotations").and_then(Value::as_object).into_iter().flatten() {
        if wildcard::contains_wildcard(key) {
            return Err("annotations with wildcards in their keys have no simple equivalent".into());
        }
        let (notes, value) = ("object.metadata.annotations", value.as_str().unwrap_or_default());
        parts.push(and(vec![
            "has(object.metadata.annotations)".to_owned(),
            has(notes, key),
            equals(&access(notes, key), value),
        ]));
    }
    if ["roles", "clusterRoles"].iter().any(|field| !strings(filter.get(field)).is_empty()) {
        return Err("roles and cluster roles of who asks are not known in CEL".into());
    }
    let subjects: Vec<String> =
        filter.get("subjects").and_then(Value::as_array).into_iter().flatten().map(subject).collect();
    if !subjects.is_empty() {
        parts.push(or(subjects));
    }
    Ok(and(parts))
}

fn subject(subject: &Value) -> String {
    let name = subject.str_at(&["name"]);
    match subject.kind() {
        "Group" if wildcard::contains_wildcard(name) => {
            format!("request.userInfo.groups.exists(g, {})", equals("g", name))
        }
        "Group" => format!("{} in request.userInfo.groups", string(name)),
        "ServiceAccount" => {
            let account = format!("system:serviceaccount:{}:{name}", subject.str_at(&["namespace"]));
            equals("request.userInfo.username", &account)
        }
        _ => equals("request.userInfo.username", name),
    }
}

fn excluded_filter(found: &Value) -> Cel {
    if found.at(&["resources", "selector"]).is_none() {
        return filter(found, true);
    }
    let labels =
        found.at(&["resources", "selector", "matchLabels"]).and_then(Value::as_object).cloned().unwrap_or_default();
    let plain = found.at(&["resources", "selector", "matchExpressions"]).is_none()
        && labels.keys().all(|key| !wildcard::contains_wildcard(key));
    if !plain {
        return Err("exclude with label expressions has no simple equivalent".into());
    }
    let mut parts = vec![filter(found, true)?, "has(object.metadata.labels)".to_owned()];
    for (key, value) in &labels {
        let place = "object.metadata.labels";
        parts.push(has(place, key));
        parts.push(equals(&access(place, key), value.as_str().unwrap_or_default()));
    }
    parts.retain(|part| part != "true");
    Ok(and(parts))
}
