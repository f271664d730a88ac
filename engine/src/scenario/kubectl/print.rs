//! What `kubectl get` prints.

use serde_json::{Value, json};

use super::args::Args;
use super::jsonpath;
use crate::object::ObjectExt;
use crate::object::catalog::Resource;
use crate::object::gofmt;

/// Prints objects of one kind in the wanted format.
///
/// # Errors
/// The format is not understood.
pub fn objects(objects: &[Value], resource: &Resource, args: &Args, single: bool) -> Result<String, String> {
    let whole = || match objects {
        [one] if single => one.clone(),
        many => json!({"apiVersion": "v1", "kind": "List", "metadata": {"resourceVersion": ""}, "items": many}),
    };
    let format = args.flag("output").unwrap_or("");
    if let Some(template) = format.strip_prefix("jsonpath=") {
        return jsonpath::print(template, &whole());
    }
    Ok(match format {
        "json" => gofmt::marshal_indent(&whole(), "    ") + "\n",
        "yaml" => crate::parse::emit(&whole()),
        "name" => objects.iter().map(|object| format!("{}/{}\n", name(resource), object.name())).collect(),
        "" | "wide" => table(objects, resource, args),
        other => return Err(format!("error: unable to match a printer suitable for the output format \"{other}\"")),
    })
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

fn table(objects: &[Value], resource: &Resource, args: &Args) -> String {
    let spaces = args.on("all-namespaces") && resource.namespaced;
    let columns: &[&str] = match resource.kind.as_str() {
        "Pod" => &["NAME", "READY", "STATUS", "RESTARTS", "AGE"],
        "Event" => &["LAST SEEN", "TYPE", "REASON", "OBJECT", "MESSAGE"],
        "Node" => &["NAME", "STATUS", "ROLES", "AGE", "VERSION"],
        _ => &["NAME", "AGE"],
    };
    let mut rows: Vec<Vec<String>> = Vec::new();
    if !args.on("no-headers") {
        let heading = spaces.then_some("NAMESPACE").into_iter().chain(columns.iter().copied());
        rows.push(heading.map(str::to_owned).collect());
    }
    for object in objects {
        let cells = columns.iter().map(|column| cell(object, column));
        rows.push(spaces.then(|| object.namespace().to_owned()).into_iter().chain(cells).collect());
    }
    let widths: Vec<usize> = (0..=columns.len())
        .map(|column| rows.iter().filter_map(|row| row.get(column)).map(|cell| cell.chars().count()).max().unwrap_or(0))
        .collect();
    let line = |row: &Vec<String>| {
        let cells: Vec<String> =
            row.iter().zip(&widths).map(|(cell, width)| format!("{cell:<width$}", width = *width)).collect();
        cells.join("   ").trim_end().to_owned() + "\n"
    };
    rows.iter().map(line).collect()
}

fn cell(object: &Value, column: &str) -> String {
    let text = |path: &[&str]| object.str_at(path).to_owned();
    match column {
        "NAME" => object.name().to_owned(),
        "READY" => {
            let containers = object.at(&["spec", "containers"]).and_then(Value::as_array).map_or(0, Vec::len);
            format!("{containers}/{containers}")
        }
        "STATUS" if object.kind() == "Node" => "Ready".into(),
        "STATUS" => {
            let phase = object.str_at(&["status", "phase"]);
            if phase.is_empty() { "Running".into() } else { phase.to_owned() }
        }
        "RESTARTS" => "0".into(),
        "ROLES" => "control-plane".into(),
        "VERSION" => "v1.34.0".into(),
        "TYPE" => text(&["type"]),
        "REASON" => text(&["reason"]),
        "OBJECT" => {
            let about = object.get("regarding").or_else(|| object.get("involvedObject")).unwrap_or(&Value::Null);
            format!("{}/{}", about.kind().to_lowercase(), about.str_at(&["name"]))
        }
        "MESSAGE" => {
            object.get("note").or_else(|| object.get("message")).and_then(Value::as_str).unwrap_or("").to_owned()
        }
        _ => "1s".into(),
    }
}
