//! What a test declares about the outside, `apiCallResponses` and `globalContextEntries`: the mistakes in it, and the values.
//!
//! Follows `apis/v1alpha1/test.go`, `store/gctx_resolve.go` and `store/gctx_load.go` of the command line.

use indexmap::IndexMap;
use serde_json::{Map, Value};

use super::document::{ApiCallResponse, GlobalContextEntry, Projection};
use crate::expr::jmespath;
use crate::object::ObjectExt;
use crate::scenario::files::join;

/// `ValidateAPICallResponses`.
///
/// # Errors
/// The first mistake, in Kyverno's words.
pub fn check_api_calls(entries: &[ApiCallResponse]) -> Result<(), String> {
    let mut seen: Vec<(String, &str)> = Vec::new();
    for (index, entry) in entries.iter().enumerate() {
        check_api_call(entry).map_err(|(label, words)| format!("apiCallResponses[{index}]{label}: {words}"))?;
        let (method, url) = (entry.method.trim().to_uppercase(), target(entry));
        let key = (method, url);
        if seen.contains(&key) {
            let shown = if key.0.is_empty() { url.to_owned() } else { format!("{}:{url}", key.0) };
            return Err(format!(
                "apiCallResponses: duplicate entry for {url:?} (key {shown:?}) — each method+url combination must be unique"
            ));
        }
        seen.push(key);
    }
    Ok(())
}

fn target(entry: &ApiCallResponse) -> &str {
    let url = entry.url.trim();
    if url.is_empty() { entry.url_path.trim() } else { url }
}

fn check_api_call(entry: &ApiCallResponse) -> Result<(), (String, String)> {
    let (url, path) = (entry.url.trim(), entry.url_path.trim());
    let wrong = |words: String| Err((String::new(), words));
    match (url, path) {
        ("", "") => return wrong("either url or urlPath is required".into()),
        ("", path) if !path.starts_with('/') => {
            return wrong(format!("urlPath {path:?} must be an absolute path starting with '/'"));
        }
        ("", _) => {}
        (url, "") => match url.strip_prefix("https://").or_else(|| url.strip_prefix("http://")) {
            None => return wrong(format!("url {url:?} must be an absolute https/http URL")),
            Some(rest) if rest.is_empty() || rest.starts_with(['/', ':', '?', '#']) => {
                return wrong(format!("url {url:?} has scheme but no host"));
            }
            Some(_) => {}
        },
        _ => return wrong("url and urlPath are mutually exclusive".into()),
    }
    if !matches!(entry.method.trim().to_uppercase().as_str(), "" | "GET" | "POST") {
        return wrong("method must be GET or POST".into());
    }
    let label = format!(" {:?}", target(entry));
    let (body, status) = (&entry.response.body, entry.response.status_code);
    if body.is_null() {
        return Err((label, "response.body is required".into()));
    }
    if !body.is_object() {
        return Err((label, "response.body must be a JSON object".into()));
    }
    if status != 0 && !(100..=599).contains(&status) {
        return Err((label, format!("statusCode {status} must be between 100 and 599")));
    }
    Ok(())
}

/// The values of the entries; a value whose paths fail is the error that rules see.
///
/// # Errors
/// `ValidateGlobalContextEntries` refuses an entry, or a file cannot be read (`documents` reads one).
pub fn global_context(
    entries: &[GlobalContextEntry],
    documents: impl Fn(&str) -> Result<Vec<Value>, String>,
) -> Result<IndexMap<String, Result<Value, String>>, String> {
    let mut evaluated = IndexMap::new();
    for entry in entries {
        let name = entry.name.trim();
        if name.is_empty() {
            return Err("globalContextEntries: name is required".into());
        }
        if evaluated.contains_key(name) {
            return Err(format!("globalContextEntries: duplicate name {name:?}"));
        }
        check_entry(entry).map_err(|words| format!("globalContextEntries entry {name:?}{words}"))?;
        let mut root = entry.data.clone().unwrap_or_else(|| Value::Array(entry.resources.clone().unwrap_or_default()));
        for path in entry.resource_files.iter().flatten() {
            if let Value::Array(items) = &mut root {
                items.extend(documents(path)?);
            }
        }
        evaluated.insert(name.to_owned(), project(entry, root));
    }
    Ok(evaluated)
}

fn check_entry(entry: &GlobalContextEntry) -> Result<(), String> {
    for projection in &entry.projections {
        if projection.name.trim().is_empty() {
            return Err(": projection name is required".into());
        }
        if projection.path.trim().is_empty() {
            return Err(format!(" projection {:?}: path is required", projection.name));
        }
    }
    let sources = [entry.data.is_some(), entry.resources.is_some(), entry.resource_files.is_some()];
    match sources.iter().filter(|there| **there).count() {
        1 => {}
        0 => return Err(": one of data, resources, or resourceFiles is required".into()),
        _ => return Err(": data, resources, and resourceFiles are mutually exclusive".into()),
    }
    if entry.data.as_ref().is_some_and(|data| !data.is_object()) {
        return Err(": data must be a JSON object".into());
    }
    let mut resources = entry.resources.iter().flatten();
    if let Some(index) = resources.position(|object| !object.is_object()) {
        return Err(format!(" resources[{index}]: must be a JSON object (Kubernetes resource manifest)"));
    }
    for (index, path) in entry.resource_files.iter().flatten().enumerate() {
        let path = path.trim();
        let words = match path {
            "" => "must not be empty",
            path if path.starts_with('/') => "must not be absolute",
            path if join("", path).split('/').next() == Some("..") => "must not escape the test directory",
            _ => continue,
        };
        return Err(format!(" resourceFiles[{index}]: file path {words}"));
    }
    Ok(())
}

fn project(entry: &GlobalContextEntry, root: Value) -> Result<Value, String> {
    let search = |path: &str, value: &Value| {
        jmespath::query(path, value, &jmespath::Env::default()).map_err(|error| error.to_string())
    };
    let root = if entry.field_path.is_empty() { root } else { search(&entry.field_path, &root)? };
    if entry.projections.is_empty() {
        return Ok(root);
    }
    let projected = entry.projections.iter().map(|part| Ok((part.name.clone(), search(&part.path, &root)?)));
    Ok(Value::Object(projected.collect::<Result<Map<_, _>, String>>()?))
}

/// The value of a `GlobalContextEntry` object that lists `objects`; projections are keys of their own
/// (`commands/apply/global_context.go`).
///
/// # Errors
/// A projection cannot be applied.
pub fn projected(entry: &Value, objects: Vec<Value>) -> Result<Value, String> {
    let written = entry.at(&["spec", "projections"]).and_then(Value::as_array).cloned().unwrap_or_default();
    let projections = written.iter().map(|part| Projection {
        name: part.str_at(&["name"]).to_owned(),
        path: part.str_at(&["jmesPath"]).to_owned(),
    });
    let entry = GlobalContextEntry { projections: projections.collect(), ..GlobalContextEntry::default() };
    project(&entry, Value::Array(objects))
}
