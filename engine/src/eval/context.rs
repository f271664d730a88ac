//! The JSON context of a rule: `request`, `images`, injected values, and the entries of `context`, loaded when first used.
//!
//! Follows `pkg/engine/policycontext`, `pkg/engine/context/loaders`, `pkg/engine/apicall` and `pkg/engine/factories`.

use std::rc::Rc;

use serde::Deserialize;
use serde_json::{Map, Value, json};

use super::request::{AdmissionRequest, Operation, UserInfo};
use super::view::{Answer, ApiCall, Source};
use super::{EvalCx, Mode};
use crate::expr::context::{JsonContext, Loaded, service_account};
use crate::expr::jmespath::{Env, Expression};
use crate::expr::vars;
use crate::object::ObjectExt;
use crate::object::image;
use crate::object::read;
use crate::policy::ClassicPolicy;
use crate::policy::rule::ContextEntry;

/// The root for a request whose object the rules before have left as `object`.
///
/// At admission, and where the background controller follows an admission request, `request` is the whole AdmissionRequest;
/// elsewhere it has only what the command line and the background controller know.
#[must_use]
pub fn root(cx: &EvalCx<'_>, object: Option<&Value>, old_object: Option<&Value>) -> Value {
    let request = cx.request;
    let whole = cx.mode == Mode::Admission || request.whole;
    let mut fields = if whole { admission_fields(request) } else { offline_fields(request) };
    let mut put = |key: &str, value: Option<&Value>| match value {
        Some(value) => drop(fields.insert(key.to_owned(), value.clone())),
        None if cx.mode == Mode::Admission => drop(fields.insert(key.to_owned(), Value::Null)),
        None => {}
    };
    put("object", object);
    put("oldObject", old_object);
    let mut root = Map::from_iter([("request".to_owned(), Value::Object(fields))]);
    if cx.mode == Mode::Admission || request.has_user {
        let (namespace, name) = service_account(&request.user.username);
        root.insert("serviceAccountName".to_owned(), json!(name));
        root.insert("serviceAccountNamespace".to_owned(), json!(namespace));
    }
    Value::Object(root)
}

/// As encoding/json writes an AdmissionRequest, with the roles that Kyverno adds.
fn admission_fields(request: &AdmissionRequest) -> Map<String, Value> {
    let kind = json!({ "group": request.kind.group, "version": request.kind.version, "kind": request.kind.kind });
    let resource = json!({ "group": request.resource.group, "version": request.resource.version, "resource": request.resource.resource });
    let mut fields = Map::new();
    let mut put = |key: &str, value: Value| drop(fields.insert(key.to_owned(), value));
    put("uid", json!(request.uid));
    put("requestKind", kind.clone());
    put("kind", kind);
    put("requestResource", resource.clone());
    put("resource", resource);
    for (key, value) in [
        ("subResource", &request.subresource),
        ("requestSubResource", &request.subresource),
        ("name", &request.name),
        ("namespace", &request.namespace),
    ] {
        if !value.is_empty() {
            put(key, json!(value));
        }
    }
    put("operation", json!(request.operation.as_str()));
    put("userInfo", user_info(&request.user));
    put("roles", list_or_null(&request.roles));
    put("clusterRoles", list_or_null(&request.cluster_roles));
    put("dryRun", json!(request.dry_run));
    put("options", options(request.operation));
    fields
}

fn options(operation: Operation) -> Value {
    let kind = match operation {
        Operation::Create => "CreateOptions",
        Operation::Update => "UpdateOptions",
        Operation::Delete => "DeleteOptions",
        Operation::Connect | Operation::None => return Value::Null,
    };
    json!({ "kind": kind, "apiVersion": "meta.k8s.io/v1" })
}

/// A deleted object leaves no namespace: it is taken from the new object, which is empty.
fn offline_fields(request: &AdmissionRequest) -> Map<String, Value> {
    let namespace = request.object.as_ref().map(|object| object.namespace()).unwrap_or_default();
    let mut fields = Map::new();
    fields.insert("namespace".to_owned(), json!(namespace));
    fields.insert("operation".to_owned(), json!(request.operation.as_str()));
    if request.has_user {
        fields.insert("userInfo".to_owned(), user_info(&request.user));
        fields.insert("roles".to_owned(), list_or_null(&request.roles));
        fields.insert("clusterRoles".to_owned(), list_or_null(&request.cluster_roles));
    }
    fields
}

/// Empty fields are left out.
fn user_info(user: &UserInfo) -> Value {
    let mut fields = Map::new();
    for (key, text) in [("username", &user.username), ("uid", &user.uid)] {
        if !text.is_empty() {
            fields.insert(key.to_owned(), json!(text));
        }
    }
    if !user.groups.is_empty() {
        fields.insert("groups".to_owned(), json!(user.groups));
    }
    if !user.extra.is_empty() {
        fields.insert("extra".to_owned(), json!(user.extra));
    }
    Value::Object(fields)
}

fn list_or_null(list: &[String]) -> Value {
    if list.is_empty() { Value::Null } else { json!(list) }
}

/// The context of a rule before its own entries are registered.
#[must_use]
pub fn of_request<'a>(cx: EvalCx<'a>, root: Rc<Value>, object: Option<&'a Value>) -> JsonContext<'a> {
    let mut json = JsonContext::shared(root).with_env(Env::new(cx.view.now(), seed(cx.request)));
    if let Some(object) = object {
        // The name is a plain word: it is no expression.
        let _ = json.add_loader("images", Rc::new(move |_: &mut JsonContext<'a>| images(object)));
    }
    json
}

fn images(object: &Value) -> Result<Loaded, String> {
    let images = image::images_of(object)?;
    Ok(if images.as_object().is_none_or(Map::is_empty) { Loaded::Nothing } else { Loaded::Merge(images) })
}

/// What `random()` starts from: the same request gives the same values, another one others.
fn seed(request: &AdmissionRequest) -> u64 {
    let text = [&request.uid, &request.kind.kind, &request.namespace, &request.name];
    let bytes = text.into_iter().flat_map(|part| part.bytes().chain([0]));
    bytes.fold(0xcbf2_9ce4_8422_2325, |hash, byte| (hash ^ u64::from(byte)).wrapping_mul(0x0100_0000_01b3))
}

/// Sets the values that the run injects into the request, before anything of the rule is read. Keys that cannot be read
/// are refused where the values are.
pub fn inject(cx: EvalCx<'_>, policy: &ClassicPolicy, json: &mut JsonContext<'_>) {
    for (key, value) in cx.view.injected(&policy.name) {
        let _ = json.add_variable(&key, value);
    }
}

/// Sets the injected values of a rule and registers its context entries, or those of one of its `foreach`.
///
/// # Errors
/// An injected key cannot be read, or an entry has no source.
pub fn register<'a>(
    cx: EvalCx<'a>,
    policy: &'a ClassicPolicy,
    rule_name: &str,
    entries: &[ContextEntry],
    json: &mut JsonContext<'a>,
) -> Result<(), String> {
    for (key, value) in cx.view.injected_in_rule(&policy.name, rule_name) {
        json.add_variable(&key, value)?;
    }
    let mut canned = Vec::new();
    for entry in entries.iter().filter(|entry| entry.api_call.is_some() && cx.view.has_canned_calls()) {
        if canned_call(cx, entry, json)? {
            canned.push(&entry.name);
        }
    }
    for entry in entries.iter().filter(|entry| entry.api_call.is_none() || !canned.contains(&&entry.name)) {
        let scope = Scope { cx, policy };
        let entry = entry.clone();
        let name = entry.name.clone();
        match (source(&entry), entry.variable.clone()) {
            (Some(_), _) => json.add_loader(&name, Rc::new(move |json| scope.load(&entry, json)))?,
            (None, Some(variable)) => {
                json.add_loader(&name, Rc::new(move |json| scope.variable(&entry.name, &variable, json)))?;
            }
            (None, None) => return Err(format!("failed to create deferred loader for context entry {name}")),
        }
    }
    Ok(())
}

fn source(entry: &ContextEntry) -> Option<Source> {
    match entry {
        ContextEntry { config_map: Some(_), .. } => Some(Source::ConfigMap),
        ContextEntry { api_call: Some(_), .. } => Some(Source::ApiCall),
        ContextEntry { global_reference: Some(_), .. } => Some(Source::GlobalContext),
        ContextEntry { image_registry: Some(_), .. } => Some(Source::Registry),
        _ => None,
    }
}

/// An API call that the run answers itself is made at once, before the other entries of the list are known
/// (`cmd/cli/kubectl-kyverno/store/contextloader.go`).
fn canned_call(cx: EvalCx<'_>, entry: &ContextEntry, json: &mut JsonContext<'_>) -> Result<bool, String> {
    let name = &entry.name;
    let Some(written) = &entry.api_call else { return Ok(false) };
    let call: Call = substitute(json, written)
        .and_then(|call| read(name, &call))
        .map_err(|why| format!("failed to substitute variables in apiCall context entry \"{name}\": {why}"))?;
    let request = ApiCall {
        method: call.method,
        url: call.service.as_ref().map(|service| service.url.clone()).unwrap_or_default(),
        url_path: if call.service.is_some() { String::new() } else { call.url_path },
        data: None,
    };
    let data = match cx.view.canned_call(&request) {
        None | Some(Answer::Unavailable) => return Ok(false),
        Some(Answer::Failed(why)) => {
            return Err(why.replace("apiCall mock", &format!("apiCall mock for context entry \"{name}\"")));
        }
        Some(Answer::Data(data)) => data,
    };
    let path = &call.jmes_path;
    let data = if path.is_empty() {
        data
    } else {
        search(path, &data, json.env())
            .map_err(|why| format!("failed to apply JMESPath \"{path}\" for context entry \"{name}\": {why}"))?
    };
    json.add_entry(name, data)?;
    Ok(true)
}

/// What a loader needs besides its entry.
#[derive(Clone, Copy)]
struct Scope<'a> {
    cx: EvalCx<'a>,
    policy: &'a ClassicPolicy,
}

/// `configMap`.
#[derive(Debug, Default, Deserialize)]
#[serde(default)]
struct ConfigMapRef {
    name: String,
    namespace: String,
}

/// `variable`.
#[derive(Debug, Default, Deserialize)]
#[serde(rename_all = "camelCase", default)]
struct Variable {
    value: Option<Value>,
    jmes_path: String,
    default: Option<Value>,
}

/// `apiCall`.
#[derive(Debug, Default, Deserialize)]
#[serde(rename_all = "camelCase", default)]
struct Call {
    url_path: String,
    method: String,
    data: Vec<RequestData>,
    service: Option<Service>,
    jmes_path: String,
    default: Option<Value>,
}

/// `apiCall.data[]`.
#[derive(Debug, Default, Deserialize)]
#[serde(default)]
struct RequestData {
    key: String,
    value: Value,
}

/// `apiCall.service`.
#[derive(Debug, Default, Deserialize)]
#[serde(default)]
struct Service {
    url: String,
}

/// `imageRegistry`.
#[derive(Debug, Default, Deserialize)]
#[serde(rename_all = "camelCase", default)]
struct ImageRegistry {
    reference: String,
    jmes_path: String,
}

/// `globalReference`.
#[derive(Debug, Default, Deserialize)]
#[serde(rename_all = "camelCase", default)]
struct GlobalReference {
    name: String,
    jmes_path: String,
}

impl<'a> Scope<'a> {
    fn load(&self, entry: &ContextEntry, json: &mut JsonContext<'a>) -> Result<Loaded, String> {
        let loaded = if let Some(config_map) = &entry.config_map {
            self.config_map(&entry.name, config_map, json)
        } else if let Some(call) = &entry.api_call {
            self.api_call(&entry.name, call, json)
        } else if let Some(reference) = &entry.global_reference {
            self.global_reference(&entry.name, reference, json)
        } else if let Some(image) = &entry.image_registry {
            self.image_registry(&entry.name, image, json)
        } else {
            Ok(Loaded::Nothing)
        };
        match loaded {
            Err(_) if source(entry).is_some_and(|source| !self.cx.view.serves(source)) => Ok(Loaded::Nothing),
            other => other,
        }
    }

    /// The data, or nothing where the command line has no such source.
    fn answered(&self, answer: Answer, missing: impl FnOnce() -> String) -> Result<Option<Value>, String> {
        match answer {
            Answer::Data(data) => Ok(Some(data)),
            Answer::Failed(why) => Err(why),
            Answer::Unavailable if self.cx.mode == Mode::Cli => Ok(None),
            Answer::Unavailable => Err(missing()),
        }
    }

    fn variable(&self, name: &str, variable: &Value, json: &mut JsonContext<'a>) -> Result<Loaded, String> {
        let variable: Variable = read(name, variable)?;
        let unresolved = |what: String| {
            move |error| format!("failed to substitute variables in context entry {name} {what}: {error}")
        };
        let jmes_path = Value::String(variable.jmes_path.clone());
        let path = match substitute(json, &jmes_path).map_err(unresolved(variable.jmes_path.clone()))? {
            Value::String(path) => path,
            _ => return Err(format!("jmespath value must be a string {name} {}: <nil>", variable.jmes_path)),
        };
        let default = match &variable.default {
            Some(default) => substitute(json, default).map_err(unresolved(default.to_string()))?,
            None => Value::Null,
        };
        let mut output = default.clone();
        let failed = |input: &Value, error: String| {
            let input = crate::object::gofmt::sprint(input);
            format!("failed to apply jmespath {path} to variable {input}: {error}")
        };
        if let Some(value) = &variable.value {
            let value = substitute(json, value).map_err(unresolved(value.to_string()))?;
            if path.is_empty() {
                output = value;
            } else {
                match search(&path, &value, json.env()) {
                    Ok(found) => output = found,
                    Err(error) if default.is_null() => return Err(failed(&Value::Null, error)),
                    Err(_) => {}
                }
            }
        } else if !path.is_empty() {
            match json.query(&path) {
                Ok(found) if !found.is_null() => output = found,
                Err(error) if default.is_null() => return Err(failed(&Value::Null, error.to_string())),
                Ok(_) | Err(_) => {}
            }
        }
        if output.is_null() {
            return Err(format!("failed to add context entry for variable {name} since it evaluated to nil"));
        }
        Ok(Loaded::Replace(output))
    }

    fn config_map(&self, entry: &str, config_map: &Value, json: &mut JsonContext<'a>) -> Result<Loaded, String> {
        let wanted: ConfigMapRef = read(entry, config_map)?;
        let retrieving = |why: String| format!("failed to retrieve config map for context entry {entry}: {why}");
        let mut part = |field: &str, text: &str| {
            let words = format!("failed to substitute variables in context {entry} configMap.{field} {text}");
            let value = substitute(json, &json!(text)).map_err(|error| retrieving(format!("{words}: {error}")))?;
            let Value::String(value) = value else {
                let found = super::pattern::go_type(&value);
                return Err(retrieving(format!("{words}: expected string, got {found}")));
            };
            Ok(value)
        };
        let name = part("name", &wanted.name)?;
        let mut namespace = part("namespace", &wanted.namespace)?;
        let own = self.policy.namespace.as_str();
        if namespace.is_empty() {
            namespace = if own.is_empty() { "default".to_owned() } else { own.to_owned() };
        }
        if !own.is_empty() && namespace != own {
            return Err(retrieving(format!(
                "context entry {entry}: configMap namespace {namespace:?} is different from policy namespace {own:?}"
            )));
        }
        let missing = || format!("configmaps {name:?} not found");
        let found = self
            .answered(self.cx.view.config_map(&namespace, &name), missing)
            .map_err(|why| retrieving(format!("failed to get configmap {namespace}/{name} : {why}")))?;
        let Some(found) = found else { return Ok(Loaded::Nothing) };
        let field = |key: &str| found.get(key).cloned().unwrap_or(Value::Null);
        Ok(Loaded::Merge(json!({ "data": field("data"), "metadata": field("metadata") })))
    }

    fn api_call(&self, entry: &str, call: &Value, json: &mut JsonContext<'a>) -> Result<Loaded, String> {
        let written: Call = read(entry, call)?;
        let fetching = |why: String| format!("failed to fetch data for APICall: {why}");
        let call: Call = substitute(json, call).and_then(|call| read(entry, &call)).map_err(|error| {
            let path = &written.url_path;
            fetching(format!("failed to substitute variables in context entry {entry} {path}: {error}"))
        })?;
        self.check_namespace(&call.url_path).map_err(fetching)?;
        let data = match self.execute(&call, entry) {
            Ok(Some(data)) => data,
            Ok(None) => return Ok(Loaded::Nothing),
            Err(why) => match &written.default {
                Some(default) => return Ok(Loaded::Merge(default.clone())),
                None => return Err(fetching(why)),
            },
        };
        // An answer that equals the default is taken for it: the JMESPath is not applied.
        if written.jmes_path.is_empty() || written.default.as_ref() == Some(&data) {
            return Ok(Loaded::Merge(data));
        }
        let storing = |why: String| format!("failed to store data for APICall: {why}");
        let path = substitute_path(json, &written.jmes_path).map_err(|error| {
            storing(format!(
                "failed to substitute variables in context entry {entry} JMESPath {}: {error}",
                written.jmes_path
            ))
        })?;
        search(&path, &data, json.env())
            .map(Loaded::Merge)
            .map_err(|error| storing(format!("failed to apply JMESPath {path} for context entry {entry}: {error}")))
    }

    fn execute(&self, call: &Call, entry: &str) -> Result<Option<Value>, String> {
        let url = call.service.as_ref().map(|service| service.url.clone()).unwrap_or_default();
        if call.url_path.is_empty() && call.service.is_none() {
            return Err(format!("missing service for APICall {entry}"));
        }
        let method = if call.method.is_empty() { "GET" } else { call.method.as_str() };
        let data: Map<String, Value> = call.data.iter().map(|data| (data.key.clone(), data.value.clone())).collect();
        let request = ApiCall {
            method: method.to_owned(),
            url_path: call.url_path.clone(),
            url: if call.url_path.is_empty() { url.clone() } else { String::new() },
            data: (method == "POST").then_some(Value::Object(data)),
        };
        let missing = || {
            let (field, target) = if call.url_path.is_empty() { ("url", &url) } else { ("urlPath", &call.url_path) };
            format!(
                "nothing in this scenario answers {method} {target}; add it: `mocks: {{ apiCalls: [{{ {field}: {target:?}, response: {{ … }} }}] }}`"
            )
        };
        let answer = self.answered(self.cx.view.api_call(&request), missing);
        if call.url_path.is_empty() {
            return answer;
        }
        answer.map_err(|why| format!("failed to {method} resource with raw url: {}: {why}", call.url_path))
    }

    /// A namespaced policy may call only below its own namespace.
    fn check_namespace(&self, path: &str) -> Result<(), String> {
        let own = self.policy.namespace.as_str();
        if own.is_empty() {
            return Ok(());
        }
        let path = clean(path);
        match namespace_of(&path) {
            Some(namespace) if namespace == own => Ok(()),
            Some(namespace) => Err(format!(
                "path {path} refers to namespace {namespace}, which is different from the policy namespace {own}"
            )),
            None => Err(format!(
                "path {path} does not contain a namespace segment, which is required for namespaced policies"
            )),
        }
    }

    fn global_reference(&self, entry: &str, reference: &Value, json: &mut JsonContext<'a>) -> Result<Loaded, String> {
        let failed = |why: String| format!("failed to marshal APICall data for context entry {entry}: {why}");
        let reference: GlobalReference =
            substitute(json, reference).and_then(|reference| read(entry, &reference)).map_err(failed)?;
        let (name, _) = reference.name.split_once('.').unwrap_or((&reference.name, ""));
        let missing = || format!("failed to fetch entry key={name}");
        let Some(data) = self.answered(self.cx.view.global_context(&reference.name), missing).map_err(failed)? else {
            return Ok(Loaded::Nothing);
        };
        if reference.jmes_path.is_empty() {
            return Ok(Loaded::Merge(data));
        }
        let path = &reference.jmes_path;
        search(path, &data, json.env())
            .map(Loaded::Merge)
            .map_err(|error| failed(format!("failed to apply JMESPath {path} for context entry {entry}: {error}")))
    }

    fn image_registry(&self, entry: &str, image: &Value, json: &mut JsonContext<'a>) -> Result<Loaded, String> {
        let written: ImageRegistry = read(entry, image)?;
        let reference = substitute(json, &json!(written.reference)).map_err(|error| {
            // The first letter is missing in Kyverno's words, too.
            format!("ailed to substitute variables in context entry {entry} {}: {error}", written.reference)
        })?;
        let Value::String(reference) = reference else {
            let shown = crate::object::gofmt::sprint(&reference);
            return Err(format!("invalid image reference {shown}, image reference must be a string"));
        };
        let path = substitute_path(json, &written.jmes_path).map_err(|error| {
            format!("failed to substitute variables in context entry {entry} {}: {error}", written.jmes_path)
        })?;
        let missing = || {
            format!(
                "nothing in this scenario describes the image; add it: `mocks: {{ images: [{{ image: {reference:?}, … }}] }}`"
            )
        };
        let data = self
            .answered(self.cx.view.image_data(&reference), missing)
            .map_err(|why| format!("failed to fetch image descriptor: {reference}, error: {why}"))?;
        let Some(data) = data else { return Ok(Loaded::Nothing) };
        if path.is_empty() {
            return Ok(Loaded::Merge(data));
        }
        search(&path, &data, json.env()).map(Loaded::Merge).map_err(|error| {
            format!("failed to apply JMESPath ({}) results to context entry {entry}, error: {error}", written.jmes_path)
        })
    }
}

fn read<T: for<'de> Deserialize<'de>>(entry: &str, value: &Value) -> Result<T, String> {
    read::read::<T>(value).map_err(|error| format!("context entry {entry} cannot be read: {error}"))
}

fn substitute(json: &mut JsonContext<'_>, value: &Value) -> Result<Value, String> {
    vars::substitute_all(json, value).map_err(|error| error.to_string())
}

fn substitute_path(json: &mut JsonContext<'_>, path: &str) -> Result<String, String> {
    if path.is_empty() {
        return Ok(String::new());
    }
    vars::substitute_string(json, path).map_err(|error| error.to_string())
}

fn search(path: &str, data: &Value, env: &Env) -> Result<Value, String> {
    let expression = Expression::cached(path).map_err(|error| error.to_string())?;
    expression.search(data, env).map_err(|error| error.to_string())
}

/// `path.Clean` of an absolute path.
fn clean(path: &str) -> String {
    let mut parts: Vec<&str> = Vec::new();
    for part in path.split('/') {
        match part {
            "" | "." => {}
            ".." => drop(parts.pop()),
            part => parts.push(part),
        }
    }
    format!("/{}", parts.join("/"))
}

/// The namespace in `/api/v1/namespaces/NAME/…` or `/apis/…/namespaces/NAME/…`.
fn namespace_of(path: &str) -> Option<&str> {
    let (_, after) = path.strip_prefix("/apis/").or_else(|| path.strip_prefix("/api/"))?.split_once("/namespaces/")?;
    after.split('/').next().filter(|name| !name.is_empty())
}
