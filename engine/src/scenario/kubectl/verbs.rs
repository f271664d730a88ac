//! kubectl against the simulated cluster: the verbs that scripts of end-to-end tests use.

use serde_json::{Value, json};

use super::args::Args;
use super::filters::Output;
use super::print;
use super::shell::{Programs, World};
use crate::eval::request::UserInfo;
use crate::eval::view::View;
use crate::object::ObjectExt;
use crate::object::catalog::Resource;
use crate::object::gvk::Gvk;
use crate::object::selector::LabelSelector;
use crate::parse::{self, yaml};
use crate::sim::Cluster;
use crate::sim::api_server::{self, ApiError, ApiRequest, Verb};
use crate::sim::config::Config;

/// kubectl with its context.
pub struct Kubectl<'a> {
    /// The cluster.
    pub cluster: &'a mut Cluster,
    /// The namespace of the context.
    pub namespace: String,
}

impl Programs for Kubectl<'_> {
    fn run(&mut self, name: &str, args: &[String], input: &str, world: &World<'_>) -> Option<Output> {
        (name == "kubectl").then(|| self.kubectl(args, input, world))
    }

    fn sleep(&mut self, seconds: f64) {
        #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "clamped to an hour")]
        self.cluster.advance((seconds.clamp(0.0, 3600.0) * 1000.0) as u64);
    }
}

/// What a command prints while it runs.
#[derive(Default)]
struct Report {
    output: Output,
}

impl Report {
    fn say(&mut self, line: impl AsRef<str>) {
        self.output.stdout.push_str(line.as_ref());
        self.output.stdout.push('\n');
    }

    fn complain(&mut self, line: impl AsRef<str>) {
        self.output.stderr.push_str(line.as_ref());
        self.output.stderr.push('\n');
    }

    fn fail(&mut self, line: impl AsRef<str>) {
        self.complain(line);
        self.output.status = 1;
    }
}

impl Kubectl<'_> {
    /// Runs `kubectl` with these arguments.
    pub fn kubectl(&mut self, arguments: &[String], input: &str, world: &World<'_>) -> Output {
        let args = Args::parse(arguments);
        let mut report = Report::default();
        match args.operands.first().map_or("", String::as_str) {
            verb @ ("apply" | "replace") => self.write_files(verb, &args, input, world, &mut report),
            "create" if args.flag("filename").is_some() => self.write_files("create", &args, input, world, &mut report),
            "create" => self.create(&args, world, &mut report),
            "run" => self.run_pod(&args, &mut report),
            "delete" => self.delete(&args, input, world, &mut report),
            "get" => self.get(&args, input, world, &mut report),
            "patch" => self.patch(&args, input, world, &mut report),
            "label" => self.mark("labels", "labeled", &args, &mut report),
            "annotate" => self.mark("annotations", "annotated", &args, &mut report),
            "scale" => self.scale(&args, &mut report),
            "wait" | "rollout" => self.cluster.advance(5000),
            "version" => report.say("Server Version: v1.34.0"),
            other => report.fail(format!("error: kubectl {other} is not simulated")),
        }
        // The answer arrives, the person reads it.
        self.cluster.advance(300);
        report.output
    }

    fn user(&self, args: &Args) -> UserInfo {
        let Some(name) = args.flag("as") else { return api_server::administrator() };
        if name.starts_with("system:serviceaccount:") {
            return api_server::service_account(name);
        }
        let mut groups = args.values("as-group").to_vec();
        groups.push("system:authenticated".into());
        UserInfo { username: name.to_owned(), groups, ..UserInfo::default() }
    }

    fn space(&self, args: &Args) -> String {
        args.flag("namespace").map_or_else(|| self.namespace.clone(), str::to_owned)
    }

    /// The object with the namespace of the context where it has none.
    fn placed(&self, mut object: Value, args: &Args) -> Value {
        let namespaced = self.cluster.catalog.is_namespaced(&object.gvk()).unwrap_or(true);
        if namespaced && object.namespace().is_empty() {
            object.set_at(&["metadata", "namespace"], Value::from(self.space(args)));
        }
        object
    }

    fn send(&mut self, verb: Verb, object: &Value, args: &Args, doing: &str, report: &mut Report) -> Option<Value> {
        let mut request = ApiRequest::about(verb, object);
        request.user = self.user(args);
        request.dry_run = args.flag("dry-run") == Some("server");
        self.request(request, doing, report)
    }

    fn request(&mut self, request: ApiRequest, doing: &str, report: &mut Report) -> Option<Value> {
        let outcome = self.cluster.request(request);
        for warning in outcome.warnings {
            report.complain(format!("Warning: {warning}"));
        }
        match outcome.result {
            Ok(object) => {
                follow_configuration(self.cluster, &object);
                Some(object)
            }
            Err(error) => {
                report.fail(error_words(&error, doing));
                None
            }
        }
    }

    /// The documents of `-f`, each with its file.
    fn documents(&self, args: &Args, input: &str, world: &World<'_>, report: &mut Report) -> Vec<(String, Value)> {
        let mut documents = Vec::new();
        for path in args.values("filename").iter().flat_map(|paths| paths.split(',')) {
            let text = if matches!(path, "-" | "/dev/stdin") { Some(input.to_owned()) } else { world.read(path) };
            let Some(text) = text else {
                report.fail(format!("error: the path {path:?} does not exist"));
                continue;
            };
            let file = if path == "-" { "STDIN" } else { path };
            for document in yaml::parse(path, &text).documents {
                match document.value.get("items").and_then(Value::as_array) {
                    Some(items) if document.value.kind() == "List" => {
                        documents.extend(items.iter().map(|item| (file.to_owned(), item.clone())));
                    }
                    _ => documents.push((file.to_owned(), document.value)),
                }
            }
        }
        documents
    }

    fn write_files(&mut self, verb: &str, args: &Args, input: &str, world: &World<'_>, report: &mut Report) {
        for (file, object) in self.documents(args, input, world, report) {
            let mut object = self.placed(object, args);
            if args.on("force") {
                object.remove_at(&["metadata", "resourceVersion"]);
            }
            let old = self.cluster.get(&object.gvk(), object.namespace(), object.name());
            let (request, doing, done) = match (verb, &old) {
                ("apply", Some(_)) => (Verb::MergePatch, format!("error when patching \"{file}\": "), "configured"),
                ("replace", _) => (Verb::Update, format!("error when replacing \"{file}\": "), "replaced"),
                _ => (Verb::Create, format!("error when creating \"{file}\": "), "created"),
            };
            let subject = self.subject(&object);
            if let Some(stored) = self.send(request, &object, args, &doing, report) {
                let unchanged = verb == "apply" && old.is_some_and(|old| old == stored);
                report.say(format!("{subject} {}", if unchanged { "unchanged" } else { done }));
            }
        }
    }

    fn subject(&self, object: &Value) -> String {
        let kind = match self.cluster.catalog.kind(&object.gvk()) {
            Some(resource) => print::name(resource),
            None => object.kind().to_lowercase(),
        };
        format!("{kind}/{}", object.name())
    }

    fn create(&mut self, args: &Args, world: &World<'_>, report: &mut Report) {
        let words: Vec<&str> = args.operands.iter().skip(1).map(String::as_str).collect();
        let image = args.flag("image").unwrap_or("");
        let container = |name: &str| json!([{"name": name, "image": image}]);
        let object = match words.as_slice() {
            ["namespace" | "ns", name] => json!({"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": name}}),
            ["serviceaccount" | "sa", name] => {
                json!({"apiVersion": "v1", "kind": "ServiceAccount", "metadata": {"name": name}})
            }
            ["configmap" | "cm", name] => {
                json!({"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": name}, "data": literals(args, world)})
            }
            ["secret", "generic", name] => {
                json!({"apiVersion": "v1", "kind": "Secret", "type": "Opaque", "metadata": {"name": name}, "stringData": literals(args, world)})
            }
            ["deployment" | "deploy", name] => {
                let replicas: i64 = args.flag("replicas").and_then(|count| count.parse().ok()).unwrap_or(1);
                let labels = json!({"app": name});
                json!({"apiVersion": "apps/v1", "kind": "Deployment", "metadata": {"name": name, "labels": labels},
                    "spec": {"replicas": replicas, "selector": {"matchLabels": labels},
                        "template": {"metadata": {"labels": labels}, "spec": {"containers": container(base_of(image))}}}})
            }
            ["cronjob" | "cj", name] => {
                let pod = json!({"spec": {"containers": container(name), "restartPolicy": "OnFailure"}});
                json!({"apiVersion": "batch/v1", "kind": "CronJob", "metadata": {"name": name},
                    "spec": {"schedule": args.flag("schedule"), "jobTemplate": {"metadata": {"name": name}, "spec": {"template": pod}}}})
            }
            ["job", name] => {
                let pod = json!({"spec": {"containers": container(name), "restartPolicy": "Never"}});
                json!({"apiVersion": "batch/v1", "kind": "Job", "metadata": {"name": name}, "spec": {"template": pod}})
            }
            other => return report.fail(format!("error: kubectl create {} is not simulated", other.join(" "))),
        };
        self.create_object(object, "", args, report);
    }

    fn create_object(&mut self, object: Value, doing: &str, args: &Args, report: &mut Report) {
        let object = self.placed(object, args);
        let subject = self.subject(&object);
        if self.send(Verb::Create, &object, args, doing, report).is_some() {
            report.say(format!("{subject} created"));
        }
    }

    fn run_pod(&mut self, args: &Args, report: &mut Report) {
        let Some(name) = args.operands.get(1) else { return report.fail("error: NAME is required for run") };
        let mut labels = json!({"run": name});
        for (key, value) in
            args.values("labels").iter().flat_map(|list| list.split(',')).filter_map(|pair| pair.split_once('='))
        {
            labels = json!({key: value});
        }
        let object = json!({"apiVersion": "v1", "kind": "Pod", "metadata": {"name": name, "labels": labels},
            "spec": {"containers": [{"name": name, "image": args.flag("image").unwrap_or("")}],
                "restartPolicy": args.flag("restart").unwrap_or("Always")}});
        self.create_object(object, "", args, report);
    }

    /// The objects that `TYPE NAME…`, `TYPE/NAME`, `TYPE --all`, `TYPE -l …` name; those missing are complained about.
    fn named(&self, args: &Args, report: &mut Report) -> Vec<(Resource, Value)> {
        let words: Vec<&str> = args.operands.iter().skip(1).map(String::as_str).collect();
        let Some((first, names)) = words.split_first() else {
            report.fail("error: You must specify the type of resource");
            return Vec::new();
        };
        let mut found = Vec::new();
        if let Some((kind, name)) = first.split_once('/') {
            self.collect(kind, &[name], args, &mut found, report);
        } else {
            for kind in first.split(',') {
                self.collect(kind, names, args, &mut found, report);
            }
        }
        found
    }

    fn collect(
        &self,
        kind: &str,
        names: &[&str],
        args: &Args,
        found: &mut Vec<(Resource, Value)>,
        report: &mut Report,
    ) {
        if kind == "all" {
            for kind in
                ["pods", "services", "daemonsets", "deployments", "replicasets", "statefulsets", "cronjobs", "jobs"]
            {
                self.collect(kind, names, args, found, report);
            }
            return;
        }
        let Some(resource) = self.resource(kind) else {
            report.fail(format!("error: the server doesn't have a resource type \"{kind}\""));
            return;
        };
        let gvk = resource.gvk("");
        let space = self.space(args);
        if names.is_empty() {
            let everywhere = args.on("all-namespaces") || !resource.namespaced;
            let selector =
                LabelSelector::parse(args.flag("selector").unwrap_or("")).unwrap_or_else(|_| LabelSelector::nothing());
            let objects = self.objects(&gvk, (!everywhere).then_some(space.as_str()));
            let chosen = objects.into_iter().filter(|object| selector.matches(&object.labels()));
            found.extend(chosen.map(|object| (resource.clone(), object)));
        }
        for name in names {
            let space = if resource.namespaced { space.as_str() } else { "" };
            match self.cluster.get(&gvk, space, name) {
                Some(object) => found.push((resource.clone(), object)),
                None if args.on("ignore-not-found") => {}
                None => {
                    let error = ApiError::not_found(&api_server::qualified(&resource.gvr("")), name);
                    report.fail(error.kubectl(""));
                }
            }
        }
    }

    fn objects(&self, gvk: &Gvk, namespace: Option<&str>) -> Vec<Value> {
        if gvk.kind == "Event" {
            let mut events = events_in(self.cluster, &gvk.api_version());
            events.retain(|event| namespace.is_none_or(|namespace| event.namespace() == namespace));
            return events;
        }
        self.cluster.list(gvk, namespace)
    }

    /// A kind by any of its names; unknown kinds by those of stored objects.
    fn resource(&self, name: &str) -> Option<Resource> {
        if let Some(resource) = self.cluster.catalog.find(name) {
            return Some(resource.clone());
        }
        let name = name.to_lowercase();
        let any = Gvk { group: "*".into(), version: "*".into(), kind: "*".into() };
        let object = self.cluster.list(&any, None).into_iter().find(|object| {
            let kind = object.kind().to_lowercase();
            let group = object.gvk().group;
            [kind.clone(), format!("{kind}s"), format!("{kind}.{group}"), format!("{kind}s.{group}")].contains(&name)
        })?;
        let gvk = object.gvk();
        Some(Resource {
            group: gvk.group,
            versions: vec![gvk.version],
            plural: format!("{}s", gvk.kind.to_lowercase()),
            singular: gvk.kind.to_lowercase(),
            kind: gvk.kind,
            short_names: Vec::new(),
            namespaced: !object.namespace().is_empty(),
            subresources: Vec::new(),
        })
    }

    fn delete(&mut self, args: &Args, input: &str, world: &World<'_>, report: &mut Report) {
        let doomed: Vec<(String, Value)> = if args.flag("filename").is_some() {
            let documents = self.documents(args, input, world, report);
            documents
                .into_iter()
                .map(|(file, object)| (format!("error when deleting \"{file}\": "), self.placed(object, args)))
                .collect()
        } else {
            self.named(args, report).into_iter().map(|(_, object)| (String::new(), object)).collect()
        };
        let none = doomed.is_empty() && report.output.status == 0;
        for (doing, object) in doomed {
            let there = self.cluster.get(&object.gvk(), object.namespace(), object.name()).is_some();
            // What `--all` or a selector found may be gone with its owner by now.
            let chosen = args.on("all") || args.flag("selector").is_some();
            if !there && (chosen || args.on("ignore-not-found")) {
                continue;
            }
            let subject = self.subject(&object).replacen('/', " \"", 1) + "\"";
            if self.send(Verb::Delete, &object, args, &doing, report).is_some() {
                report.say(format!("{subject} deleted"));
            }
        }
        if none {
            report.say("No resources found");
        }
    }

    fn get(&mut self, args: &Args, input: &str, world: &World<'_>, report: &mut Report) {
        if let Some(path) = args.flag("raw") {
            match crate::scenario::kyverno_test::api_path::read(self.cluster, path) {
                crate::eval::view::Answer::Data(value) => report.say(value.to_string()),
                crate::eval::view::Answer::Failed(words) => report.fail(format!("Error from server: {words}")),
                crate::eval::view::Answer::Unavailable => report.fail("Error from server (NotFound)"),
            }
            return;
        }
        let mut found = Vec::new();
        if args.flag("filename").is_some() {
            for (_, object) in self.documents(args, input, world, report) {
                let object = self.placed(object, args);
                self.collect(object.kind(), &[object.name()], args, &mut found, report);
            }
        } else {
            found = self.named(args, report);
        }
        let single = args.operands.len() > 2 || args.operands.get(1).is_some_and(|word| word.contains('/'));
        let structured = args.flag("output").is_some_and(|format| format != "wide" && format != "name");
        let Some((resource, _)) = found.first().cloned() else {
            if structured && !single && report.output.status == 0 {
                let empty =
                    json!({"apiVersion": "v1", "kind": "List", "items": [], "metadata": {"resourceVersion": ""}});
                match args.flag("output") {
                    Some("yaml") => report.output.stdout.push_str(&parse::emit(&empty)),
                    Some("json") => report.say(empty.to_string()),
                    _ => {}
                }
            } else if report.output.status == 0 && !args.on("ignore-not-found") {
                let place = if args.on("all-namespaces") {
                    String::new()
                } else {
                    format!(" in {} namespace.", self.space(args))
                };
                report.complain(format!("No resources found{place}"));
            }
            return;
        };
        let objects: Vec<Value> = found.into_iter().map(|(_, object)| object).collect();
        match print::objects(&objects, &resource, args, single) {
            Ok(text) => report.output.stdout.push_str(&text),
            Err(words) => report.fail(words),
        }
    }

    fn patch(&mut self, args: &Args, input: &str, world: &World<'_>, report: &mut Report) {
        let text = match args.flag("patch-file") {
            Some("-" | "/dev/stdin") => input.to_owned(),
            Some(path) => world.read(path).unwrap_or_default(),
            None => args.flag("patch").unwrap_or("").to_owned(),
        };
        let Ok(patch) = yaml::one(&text) else { return report.fail("error: unable to parse the patch") };
        for (resource, object) in self.named(args, report) {
            let verb = match args.flag("type") {
                Some("json") => Verb::JsonPatch,
                Some("merge") => Verb::MergePatch,
                _ if resource.group.ends_with("kyverno.io") => Verb::MergePatch,
                _ => Verb::StrategicPatch,
            };
            let mut request = ApiRequest::about(verb, &object);
            request.body = Some(patch.clone());
            request.user = self.user(args);
            request.subresource = args.flag("subresource").unwrap_or("").to_owned();
            let subject = self.subject(&object);
            if let Some(stored) = self.request(request, "", report) {
                report.say(format!("{subject} patched{}", if stored == object { " (no change)" } else { "" }));
            }
        }
    }

    fn mark(&mut self, field: &str, done: &str, args: &Args, report: &mut Report) {
        let (marks, operands): (Vec<String>, Vec<String>) = args
            .operands
            .iter()
            .cloned()
            .partition(|word| word.contains('=') || word.ends_with('-') && args.operands.first() != Some(word));
        let mut targets = args.clone();
        targets.operands = operands;
        for (_, object) in self.named(&targets, report) {
            let mut patch = json!({"metadata": {}});
            for mark in &marks {
                let (key, value) = match mark.split_once('=') {
                    Some((key, value)) => (key, Value::from(value)),
                    None => (mark.trim_end_matches('-'), Value::Null),
                };
                let old = object.at(&["metadata", field, key]);
                if !value.is_null() && !args.on("overwrite") && old.is_some_and(|old| *old != value) {
                    let old = old.and_then(Value::as_str).unwrap_or("");
                    return report
                        .fail(format!("error: '{key}' already has a value ({old}), and --overwrite is false"));
                }
                patch.set_at(&["metadata", field, key], value);
            }
            let mut request = ApiRequest::about(Verb::MergePatch, &object);
            request.body = Some(patch);
            request.user = self.user(args);
            let subject = self.subject(&object);
            if self.request(request, "", report).is_some() {
                report.say(format!("{subject} {done}"));
            }
        }
    }

    fn scale(&mut self, args: &Args, report: &mut Report) {
        let replicas: i64 = args.flag("replicas").and_then(|count| count.parse().ok()).unwrap_or(1);
        for (_, object) in self.named(args, report) {
            let mut request = ApiRequest::about(Verb::MergePatch, &object);
            request.subresource = "scale".into();
            request.body = Some(json!({"spec": {"replicas": replicas}}));
            request.user = self.user(args);
            let subject = self.subject(&object);
            if self.request(request, "", report).is_some() {
                report.say(format!("{subject} scaled"));
            }
        }
    }
}

/// The events of a cluster in the version asked for: `v1` has other names for some fields than `events.k8s.io/v1`.
#[must_use]
pub fn events_in(cluster: &Cluster, api_version: &str) -> Vec<Value> {
    let core = |mut event: Value| {
        for (from, to) in
            [("regarding", "involvedObject"), ("note", "message"), ("reportingController", "reportingComponent")]
        {
            if let Some(value) = event.remove_at(&[from]) {
                event.set_at(&[to], value);
            }
        }
        let component = event.str_at(&["reportingComponent"]).to_owned();
        event.set_at(&["source"], json!({"component": component}));
        event.set_at(&["apiVersion"], json!("v1"));
        event
    };
    let events = cluster.events().into_iter();
    if api_version == "v1" { events.map(core).collect() } else { events.collect() }
}

fn base_of(image: &str) -> &str {
    let name = image.rsplit('/').next().unwrap_or(image);
    name.split([':', '@']).next().unwrap_or(name)
}

fn literals(args: &Args, world: &World<'_>) -> Value {
    let mut data = serde_json::Map::new();
    for (key, value) in args.values("from-literal").iter().filter_map(|pair| pair.split_once('=')) {
        data.insert(key.to_owned(), Value::from(value));
    }
    for file in args.values("from-file") {
        let (key, path) = file.split_once('=').unwrap_or((crate::scenario::files::base_name(file), file));
        data.insert(key.to_owned(), Value::from(world.read(path).unwrap_or_default()));
    }
    Value::Object(data)
}

/// As kubectl prints a refusal: an invalid object without its group and without the server's name.
fn error_words(error: &ApiError, doing: &str) -> String {
    if error.reason == "Invalid"
        && let Some((kind, rest)) = error.message.split_once(" \"")
    {
        let kind = kind.split('.').next().unwrap_or(kind);
        return format!("The {kind} \"{rest}");
    }
    error.kubectl(doing)
}

/// Takes over what the ConfigMap of Kyverno says.
pub fn follow_configuration(cluster: &mut Cluster, object: &Value) {
    if object.kind() != "ConfigMap" || object.name() != "kyverno" || object.namespace() != "kyverno" {
        return;
    }
    let data = |key: &str| object.str_at(&["data", key]).to_owned();
    let list = |text: &str| text.split(',').map(str::trim).filter(|word| !word.is_empty()).map(str::to_owned).collect();
    cluster.config.resource_filters = filters_of(&data("resourceFilters"));
    cluster.config.exclude_groups = list(&data("excludeGroups"));
    cluster.config.exclude_usernames = list(&data("excludeUsernames"));
    cluster.config.generate_success_events = data("generateSuccessEvents") == "true";
}

fn filters_of(text: &str) -> Vec<String> {
    text.split('[').filter_map(|part| part.split_once(']')).map(|(inside, _)| format!("[{inside}]")).collect()
}

/// The ConfigMap that the chart installs, for this configuration.
#[must_use]
pub fn configuration(config: &Config) -> Value {
    json!({"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": "kyverno", "namespace": "kyverno"}, "data": {
        "enableDefaultRegistryMutation": "true",
        "defaultRegistry": config.default_registry,
        "generateSuccessEvents": config.generate_success_events.to_string(),
        "excludeGroups": config.exclude_groups.join(","),
        "resourceFilters": config.resource_filters.join(" "),
    }})
}
