//! What `kubectl get` prints.

use serde_json::{Value, json};

use super::args::Args;
use super::{gotemplate, jsonpath};
use crate::object::ObjectExt;
use crate::object::catalog::Resource;
use crate::object::gofmt;

/// Columns by kind: a heading, and a path or the name of something computed. Follows `pkg/printers/internalversion` of
/// Kubernetes and the printer columns of Kyverno's CRDs.
const COLUMNS: &[(&str, &[(&str, &str)])] = &[
    ("Pod", &[("READY", "@ready"), ("STATUS", "@phase"), ("RESTARTS", "@restarts"), ("AGE", "@age")]),
    (
        "Event",
        &[("LAST SEEN", "@age"), ("TYPE", "type"), ("REASON", "reason"), ("OBJECT", "@about"), ("MESSAGE", "@message")],
    ),
    ("Node", &[("STATUS", "=Ready"), ("ROLES", "=control-plane"), ("AGE", "@age"), ("VERSION", "=v1.34.0")]),
    ("Namespace", &[("STATUS", "status.phase"), ("AGE", "@age")]),
    (
        "Deployment",
        &[
            ("READY", "@replicas"),
            ("UP-TO-DATE", "status.updatedReplicas"),
            ("AVAILABLE", "status.availableReplicas"),
            ("AGE", "@age"),
        ],
    ),
    ("StatefulSet", &[("READY", "@replicas"), ("AGE", "@age")]),
    (
        "ReplicaSet",
        &[
            ("DESIRED", "spec.replicas"),
            ("CURRENT", "status.replicas"),
            ("READY", "status.readyReplicas"),
            ("AGE", "@age"),
        ],
    ),
    (
        "DaemonSet",
        &[
            ("DESIRED", "status.desiredNumberScheduled"),
            ("CURRENT", "status.currentNumberScheduled"),
            ("READY", "status.numberReady"),
            ("AGE", "@age"),
        ],
    ),
    ("Job", &[("STATUS", "@job"), ("COMPLETIONS", "@completions"), ("DURATION", "@age"), ("AGE", "@age")]),
    (
        "CronJob",
        &[
            ("SCHEDULE", "spec.schedule"),
            ("TIMEZONE", "=<none>"),
            ("SUSPEND", "spec.suspend"),
            ("ACTIVE", "=0"),
            ("LAST SCHEDULE", "=<none>"),
            ("AGE", "@age"),
        ],
    ),
    (
        "Service",
        &[
            ("TYPE", "spec.type"),
            ("CLUSTER-IP", "spec.clusterIP"),
            ("EXTERNAL-IP", "=<none>"),
            ("PORT(S)", "@ports"),
            ("AGE", "@age"),
        ],
    ),
    ("ConfigMap", &[("DATA", "@data"), ("AGE", "@age")]),
    ("Secret", &[("TYPE", "type"), ("DATA", "@data"), ("AGE", "@age")]),
    ("RoleBinding", &[("ROLE", "@role"), ("AGE", "@age")]),
    ("ClusterRoleBinding", &[("ROLE", "@role"), ("AGE", "@age")]),
    (
        "ClusterPolicy",
        &[
            ("ADMISSION", "spec.admission"),
            ("BACKGROUND", "spec.background"),
            ("READY", "@ready-condition"),
            ("AGE", "@age"),
            ("MESSAGE", "@ready-message"),
        ],
    ),
    (
        "Policy",
        &[
            ("ADMISSION", "spec.admission"),
            ("BACKGROUND", "spec.background"),
            ("READY", "@ready-condition"),
            ("AGE", "@age"),
            ("MESSAGE", "@ready-message"),
        ],
    ),
    ("ValidatingPolicy", &[("AGE", "@age"), ("READY", "status.conditionStatus.ready")]),
    ("MutatingPolicy", &[("AGE", "@age"), ("READY", "status.conditionStatus.ready")]),
    ("GeneratingPolicy", &[("AGE", "@age"), ("READY", "status.conditionStatus.ready")]),
    ("ImageValidatingPolicy", &[("AGE", "@age"), ("READY", "status.conditionStatus.ready")]),
    ("DeletingPolicy", &[("AGE", "@age"), ("READY", "status.conditionStatus.ready")]),
    (
        "UpdateRequest",
        &[
            ("POLICY", "spec.policy"),
            ("RULETYPE", "spec.requestType"),
            ("RESOURCEKIND", "spec.resource.kind"),
            ("RESOURCENAME", "spec.resource.name"),
            ("RESOURCENAMESPACE", "spec.resource.namespace"),
            ("STATUS", "status.state"),
            ("AGE", "@age"),
        ],
    ),
    ("PolicyReport", REPORT),
    ("ClusterPolicyReport", REPORT),
    ("Report", REPORT),
    ("ClusterReport", REPORT),
    (
        "CertificateSigningRequest",
        &[
            ("AGE", "@age"),
            ("SIGNERNAME", "spec.signerName"),
            ("REQUESTOR", "spec.username"),
            ("CONDITION", "@approval"),
        ],
    ),
];
const REPORT: &[(&str, &str)] = &[
    ("KIND", "scope.kind"),
    ("NAME", "scope.name"),
    ("PASS", "summary.pass"),
    ("FAIL", "summary.fail"),
    ("WARN", "summary.warn"),
    ("ERROR", "summary.error"),
    ("SKIP", "summary.skip"),
    ("AGE", "@age"),
];

/// Prints objects of one kind in the wanted format; `typed` puts the kind before each name of a table.
///
/// # Errors
/// The format is not understood.
pub fn objects(
    objects: &[Value],
    resource: &Resource,
    args: &Args,
    single: bool,
    typed: bool,
) -> Result<String, String> {
    let whole = match objects {
        [one] if single => one.clone(),
        many => json!({"apiVersion": "v1", "items": many, "kind": "List", "metadata": {"resourceVersion": ""}}),
    };
    match args.flag("output").unwrap_or("") {
        "" | "wide" => Ok(table(objects, resource, args, typed)),
        format => structured(&whole, format, args).unwrap_or_else(|| {
            Err(format!("error: unable to match a printer suitable for the output format \"{format}\""))
        }),
    }
}

/// A value as `-o json`, `yaml`, `jsonpath=…`, `go-template=…`, `custom-columns=…`; `None` for other formats.
#[must_use]
pub fn structured(value: &Value, format: &str, args: &Args) -> Option<Result<String, String>> {
    let (kind, template) = format.split_once('=').unwrap_or((format, ""));
    let template = if template.is_empty() { args.flag("template").unwrap_or("") } else { template };
    let items = || match value.get("items").and_then(Value::as_array) {
        Some(items) => items.clone(),
        None => vec![value.clone()],
    };
    Some(match kind {
        "json" => Ok(gofmt::marshal_indent(value, "    ") + "\n"),
        "yaml" => Ok(crate::parse::emit(value)),
        "jsonpath" | "jsonpath-as-json" => jsonpath::print(template, value).map_err(|words| format!("error: {words}")),
        "go-template" | "template" => gotemplate::print(template, value).map_err(|words| format!("error: {words}")),
        "custom-columns" => Ok(custom_columns(template, &items(), args.on("no-headers"))),
        _ => return None,
    })
}

/// The text at a path such as `.metadata.name` or `{.metadata.name}`.
#[must_use]
pub fn path_of(path: &str, object: &Value) -> String {
    let path = path.trim().trim_matches(['{', '}', '\'']);
    let steps = jsonpath::steps(path.strip_prefix('.').unwrap_or(path)).unwrap_or_default();
    jsonpath::select(&steps, object).into_iter().map(jsonpath::plain).collect::<Vec<_>>().join(" ")
}

fn custom_columns(spec: &str, objects: &[Value], bare: bool) -> String {
    let columns: Vec<(&str, &str)> = spec.split(',').filter_map(|column| column.split_once(':')).collect();
    let mut rows: Vec<Vec<String>> = Vec::new();
    if !bare {
        rows.push(columns.iter().map(|(name, _)| (*name).to_owned()).collect());
    }
    for object in objects {
        let cell = |(_, path): &(&str, &str)| {
            let steps = jsonpath::steps(path.trim_matches(['{', '}']).trim_start_matches('.')).unwrap_or_default();
            let found: Vec<String> = jsonpath::select(&steps, object)
                .into_iter()
                .map(|value| match value {
                    Value::Object(_) => gofmt::sprint(value),
                    other => jsonpath::plain(other),
                })
                .collect();
            if found.is_empty() { "<none>".to_owned() } else { found.join(",") }
        };
        rows.push(columns.iter().map(cell).collect());
    }
    aligned(&rows)
}

/// `pod`, `deployment.apps`.
#[must_use]
pub fn name(resource: &Resource) -> String {
    if resource.group.is_empty() {
        resource.singular.clone()
    } else {
        format!("{}.{}", resource.singular, resource.group)
    }
}

fn aligned(rows: &[Vec<String>]) -> String {
    let count = rows.iter().map(Vec::len).max().unwrap_or(0);
    let width = |column: usize| {
        rows.iter().filter_map(|row| row.get(column)).map(|cell| cell.chars().count()).max().unwrap_or(0)
    };
    let widths: Vec<usize> = (0..count).map(width).collect();
    let line = |row: &Vec<String>| {
        let cells: Vec<String> =
            row.iter().zip(&widths).map(|(cell, width)| format!("{cell:<width$}", width = *width)).collect();
        cells.join("   ").trim_end().to_owned() + "\n"
    };
    rows.iter().map(line).collect()
}

fn table(objects: &[Value], resource: &Resource, args: &Args, typed: bool) -> String {
    let spaces = args.on("all-namespaces") && resource.namespaced;
    let known = COLUMNS
        .iter()
        .find(|(kind, _)| *kind == resource.kind || *kind == resource.kind.trim_start_matches("Namespaced"));
    let columns: &[(&str, &str)] = known.map_or(&[("AGE", "@age")], |(_, columns)| columns);
    let named = resource.kind != "Event";
    let labels: Vec<&str> = args.values("label-columns").iter().flat_map(|list| list.split(',')).collect();
    let mut rows: Vec<Vec<String>> = Vec::new();
    if !args.on("no-headers") {
        let mut heading: Vec<String> = Vec::new();
        heading.extend(spaces.then(|| "NAMESPACE".to_owned()));
        heading.extend(named.then(|| "NAME".to_owned()));
        heading.extend(columns.iter().map(|(name, _)| (*name).to_owned()));
        heading.extend(labels.iter().map(|label| label.rsplit('/').next().unwrap_or(label).to_uppercase()));
        heading.extend(args.on("show-labels").then(|| "LABELS".to_owned()));
        rows.push(heading);
    }
    for object in objects {
        let mut row: Vec<String> = Vec::new();
        row.extend(spaces.then(|| object.namespace().to_owned()));
        if named {
            row.push(if typed { format!("{}/{}", name(resource), object.name()) } else { object.name().to_owned() });
        }
        row.extend(columns.iter().map(|(_, source)| cell(object, source)));
        let all = object.labels();
        row.extend(labels.iter().map(|label| all.get(*label).cloned().unwrap_or_default()));
        if args.on("show-labels") {
            let pairs: Vec<String> = all.iter().map(|(key, value)| format!("{key}={value}")).collect();
            row.push(if pairs.is_empty() { "<none>".to_owned() } else { pairs.join(",") });
        }
        rows.push(row);
    }
    aligned(&rows)
}

fn cell(object: &Value, source: &str) -> String {
    let number = |path: &[&str]| object.at(path).and_then(Value::as_i64).unwrap_or(0);
    let statuses = || object.at(&["status", "containerStatuses"]).and_then(Value::as_array).into_iter().flatten();
    let condition = |name: &str, field: &str| {
        let conditions = object.at(&["status", "conditions"]).and_then(Value::as_array).into_iter().flatten();
        let found = conditions.into_iter().find(|one| one.str_at(&["type"]) == name);
        found.map(|one| one.str_at(&[field]).to_owned()).unwrap_or_default()
    };
    match source {
        "@age" => "1s".to_owned(),
        "@ready" => {
            let all = object.at(&["spec", "containers"]).and_then(Value::as_array).map_or(0, Vec::len);
            let known = statuses().count();
            let ready = statuses().filter(|one| one.get("ready") == Some(&json!(true))).count();
            format!("{}/{all}", if known == 0 { all } else { ready })
        }
        "@phase" if object.at(&["metadata", "deletionTimestamp"]).is_some() => "Terminating".to_owned(),
        "@phase" => match object.str_at(&["status", "phase"]) {
            "" => "Running".to_owned(),
            "Succeeded" => "Completed".to_owned(),
            phase => phase.to_owned(),
        },
        "@restarts" => {
            statuses().filter_map(|one| one.get("restartCount").and_then(Value::as_i64)).sum::<i64>().to_string()
        }
        "@replicas" => {
            let wanted = object.at(&["spec", "replicas"]).and_then(Value::as_i64).unwrap_or(1);
            format!("{}/{wanted}", number(&["status", "readyReplicas"]))
        }
        "@job" => if condition("Complete", "status") == "True" { "Complete" } else { "Running" }.to_owned(),
        "@completions" => {
            let wanted = object.at(&["spec", "completions"]).and_then(Value::as_i64).unwrap_or(1);
            format!("{}/{wanted}", number(&["status", "succeeded"]))
        }
        "@ports" => {
            let ports = object.at(&["spec", "ports"]).and_then(Value::as_array).into_iter().flatten();
            let one = |port: &Value| {
                let protocol = port.get("protocol").and_then(Value::as_str).unwrap_or("TCP");
                let node = port.get("nodePort").map(|node| format!(":{node}")).unwrap_or_default();
                format!("{}{node}/{protocol}", port.get("port").cloned().unwrap_or_default())
            };
            ports.map(one).collect::<Vec<_>>().join(",")
        }
        "@data" => {
            let count = |field: &str| object.get(field).and_then(Value::as_object).map_or(0, serde_json::Map::len);
            (count("data") + count("binaryData")).to_string()
        }
        "@role" => format!("{}/{}", object.str_at(&["roleRef", "kind"]), object.str_at(&["roleRef", "name"])),
        "@ready-condition" => condition("Ready", "status"),
        "@ready-message" => condition("Ready", "message"),
        "@approval" => {
            let of = |name: &str| condition(name, "status") == "True";
            let state = if of("Approved") {
                "Approved"
            } else if of("Denied") {
                "Denied"
            } else {
                "Pending"
            };
            let issued = object.at(&["status", "certificate"]).is_some();
            if issued { format!("{state},Issued") } else { state.to_owned() }
        }
        "@about" => {
            let about = object.get("regarding").or_else(|| object.get("involvedObject")).unwrap_or(&Value::Null);
            format!("{}/{}", about.kind().to_lowercase(), about.str_at(&["name"]))
        }
        "@message" => {
            object.get("note").or_else(|| object.get("message")).and_then(Value::as_str).unwrap_or("").to_owned()
        }
        fixed if fixed.starts_with('=') => fixed.trim_start_matches('=').to_owned(),
        path => {
            let steps: Vec<&str> = path.split('.').collect();
            object.at(&steps).map(jsonpath::plain).unwrap_or_default()
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn printed(format: &str, value: &Value) -> String {
        structured(value, format, &Args::default()).expect("a format").unwrap_or_else(|words| words)
    }

    #[test]
    fn values_are_printed_in_the_wanted_format() {
        let list =
            json!({"items": [{"metadata": {"name": "a"}, "status": {"phase": "x"}}, {"metadata": {"name": "b"}}]});
        assert_eq!(printed("custom-columns=N:.metadata.name,P:.status.phase", &list), "N   P\na   x\nb   <none>\n");
        assert_eq!(printed("jsonpath={.items[*].metadata.name}", &list), "a b");
        assert_eq!(printed("go-template={{range .items}}{{.metadata.name}}{{\"\\n\"}}{{end}}", &list), "a\nb\n");
        assert_eq!(path_of("{.items[0].metadata.name}", &list), "a");
    }
}
