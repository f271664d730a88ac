//! kubectl against the simulated cluster: the verbs that scripts of end-to-end tests use.

use serde_json::{Value, json};

use super::args::Args;
use super::filters::Output;
use super::openssl;
use super::print;
use super::shell::{Programs, World};
use crate::eval::request::UserInfo;
use crate::eval::view::View;
use crate::object::ObjectExt;
use crate::object::gvk::Gvk;
use crate::object::merge::api_server::three_way;
use crate::parse::yaml;
use crate::scenario::files::is_yaml;
use crate::sim::Cluster;
use crate::sim::api_server::{self, ApiError, ApiRequest, Verb};
use crate::sim::config::Config;

pub use super::find::events_in;

/// kubectl with its context.
pub struct Kubectl<'a> {
    /// The cluster.
    pub cluster: &'a mut Cluster,
    /// The user of the context.
    user: UserInfo,
    /// The namespace of the context.
    namespace: String,
}

impl Programs for Kubectl<'_> {
    fn run(&mut self, name: &str, args: &[String], input: &str, world: &mut World<'_>) -> Option<Output> {
        match name {
            "kubectl" => Some(self.kubectl(args, input, world)),
            "openssl" => Some(openssl::run(args, input, world)),
            "kyverno" => Some(super::kyverno::run(args, input, world, self.cluster)),
            _ => None,
        }
    }

    fn sleep(&mut self, seconds: f64) {
        #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "clamped to an hour")]
        self.cluster.advance((seconds.clamp(0.0, 3600.0) * 1000.0) as u64);
    }

    fn now(&self) -> i64 {
        let (seconds, nanos) = self.cluster.clock.unix();
        seconds.saturating_mul(1000) + i64::from(nanos / 1_000_000)
    }
}

/// What a command prints while it runs.
#[derive(Default)]
pub(super) struct Report {
    pub(super) output: Output,
}

impl Report {
    pub(super) fn say(&mut self, line: impl AsRef<str>) {
        self.output.stdout.push_str(line.as_ref());
        self.output.stdout.push('\n');
    }

    pub(super) fn complain(&mut self, line: impl AsRef<str>) {
        self.output.stderr.push_str(line.as_ref());
        self.output.stderr.push('\n');
    }

    pub(super) fn fail(&mut self, line: impl AsRef<str>) {
        self.complain(line);
        self.output.status = 1;
    }
}

impl<'a> Kubectl<'a> {
    /// kubectl as Chainsaw runs it: as the administrator, with a context that names no namespace.
    #[must_use]
    pub fn new(cluster: &'a mut Cluster) -> Self {
        Self { cluster, user: api_server::administrator(), namespace: "default".to_owned() }
    }

    /// Runs `kubectl` with these arguments.
    pub fn kubectl(&mut self, arguments: &[String], input: &str, world: &mut World<'_>) -> Output {
        let args = Args::parse(arguments);
        let mut report = Report::default();
        let verb = args.operands.first().map_or("", String::as_str);
        if !matches!(verb, "config" | "version") {
            match self.become_user(&args, world) {
                Ok((user, namespace)) => {
                    self.user = user;
                    self.namespace = namespace.unwrap_or_else(|| "default".to_owned());
                }
                Err(words) => {
                    report.fail(words);
                    return report.output;
                }
            }
        }
        match verb {
            verb @ ("apply" | "replace") => self.write_files(verb, &args, input, world, &mut report),
            "create" if args.flag("filename").is_some() => self.write_files("create", &args, input, world, &mut report),
            "create" => self.create(&args, world, &mut report),
            "run" => self.run_pod(&args, &mut report),
            "expose" => self.expose(&args, &mut report),
            "autoscale" => self.autoscale(&args, &mut report),
            "delete" => self.delete(&args, input, world, &mut report),
            "get" => self.get(&args, input, world, &mut report),
            "describe" => self.describe(&args, input, world, &mut report),
            "events" => {
                let mut looking = args.clone();
                looking.operands = vec!["get".to_owned(), "events".to_owned()];
                self.get(&looking, input, world, &mut report);
            }
            "patch" => self.patch(&args, input, world, &mut report),
            "label" => self.mark("labels", "labeled", &args, input, world, &mut report),
            "annotate" => self.mark("annotations", "annotated", &args, input, world, &mut report),
            "scale" => self.scale(&args, input, world, &mut report),
            "set" => self.set(&args, &mut report),
            "taint" => self.taint(&args, &mut report),
            verb @ ("cordon" | "uncordon") => self.cordon(verb, &args, &mut report),
            "certificate" => self.certificate(&args, &mut report),
            "config" => self.config(&args, world, &mut report),
            verb @ ("exec" | "attach" | "port-forward") => self.connect(verb, &args, &mut report),
            "cp" => self.copy(&args, &mut report),
            "debug" => self.debug(&args, &mut report),
            "evict" => self.evict(&args, &mut report),
            "drain" => self.drain(&args, &mut report),
            "logs" | "log" => self.logs(&args, &mut report),
            "wait" => self.wait(&args, input, world, &mut report),
            "rollout" => self.rollout(&args, &mut report),
            "auth" if args.operands.get(1).is_some_and(|word| word == "whoami") => {
                let user = self.user(&args);
                report.say(format!(
                    "ATTRIBUTE   VALUE\nUsername    {}\nGroups      [{}]",
                    user.username,
                    user.groups.join(" ")
                ));
            }
            "auth" => self.can_i(&args, &mut report),
            "version" => self.version(&args, &mut report),
            "api-resources" => self.api_resources(&args, &mut report),
            "api-versions" => self.api_versions(&mut report),
            "cluster-info" => report.say("Kubernetes control plane is running at https://127.0.0.1:6443"),
            other => report.fail(format!("error: kubectl {other} is not simulated")),
        }
        // The answer arrives, the person reads it.
        self.cluster.advance(300);
        report.output
    }

    pub(super) fn user(&self, args: &Args) -> UserInfo {
        let Some(name) = args.flag("as") else { return self.user.clone() };
        if name.starts_with("system:serviceaccount:") {
            return api_server::service_account(name);
        }
        let mut groups = args.values("as-group").to_vec();
        groups.push("system:authenticated".into());
        let uid = args.flag("as-uid").unwrap_or_default().to_owned();
        UserInfo { username: name.to_owned(), groups, uid, ..UserInfo::default() }
    }

    pub(super) fn space(&self, args: &Args) -> String {
        args.flag("namespace").map_or_else(|| self.namespace.clone(), str::to_owned)
    }

    /// The object with the namespace of the context where it has none.
    pub(super) fn placed(&self, mut object: Value, args: &Args) -> Value {
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
        request.propagation = args.flag("cascade").filter(|_| verb == Verb::Delete).and_then(propagation);
        self.request(request, doing, report)
    }

    pub(super) fn request(&mut self, request: ApiRequest, doing: &str, report: &mut Report) -> Option<Value> {
        let outcome = self.cluster.request(request);
        for warning in outcome.warnings {
            report.complain(format!("Warning: {warning}"));
        }
        match outcome.result {
            Ok(object) => Some(object),
            Err(error) => {
                report.fail(error_words(&error, doing));
                None
            }
        }
    }

    /// Says that something was done, or prints the object with `-o`.
    pub(super) fn done(&self, words: &str, object: &Value, args: &Args, report: &mut Report) {
        let dry = match args.flag("dry-run") {
            Some("server") => " (server dry run)",
            Some("client" | "true") => " (dry run)",
            _ => "",
        };
        let format = args.flag("output").unwrap_or("");
        match print::structured(object, format, args) {
            _ if format == "name" => report.say(self.subject(object)),
            Some(Ok(text)) => report.output.stdout.push_str(&text),
            Some(Err(words)) => report.fail(words),
            None => report.say(format!("{words}{dry}")),
        }
    }

    /// The documents of `-f`, each with its file.
    pub(super) fn documents(
        &self,
        args: &Args,
        input: &str,
        world: &World<'_>,
        report: &mut Report,
    ) -> Vec<(String, Value)> {
        let mut documents = Vec::new();
        for path in args.values("filename").iter().flat_map(|paths| paths.split(',')) {
            let mut texts: Vec<(String, String)> = Vec::new();
            if matches!(path, "-" | "/dev/stdin") {
                texts.push(("STDIN".to_owned(), input.to_owned()));
            } else if let Some(text) = world.read(path) {
                texts.push((path.to_owned(), text));
            } else {
                let below = world.files.list(&world.place(path)).unwrap_or_default();
                let files =
                    below.iter().filter(|entry| !entry.dir && (is_yaml(&entry.name) || entry.name.ends_with(".json")));
                let path = path.trim_end_matches('/');
                let named = files.map(|entry| format!("{path}/{}", entry.name));
                texts.extend(named.filter_map(|file| world.read(&file).map(|text| (file, text))));
            }
            if texts.is_empty() {
                report.fail(format!("error: the path {path:?} does not exist"));
            }
            for (file, mut text) in texts {
                // kubectl reads line by line: the last one ends, too.
                if !text.ends_with('\n') {
                    text.push('\n');
                }
                for document in yaml::parse(&file, &text).documents {
                    match document.value.get("items").and_then(Value::as_array) {
                        Some(items) if document.value.kind() == "List" => {
                            documents.extend(items.iter().map(|item| (file.clone(), item.clone())));
                        }
                        _ if document.value.is_object() => documents.push((file.clone(), document.value)),
                        _ => {}
                    }
                }
            }
        }
        if documents.is_empty() && report.output.status == 0 {
            report.fail("error: no objects passed to apply");
        }
        documents
    }

    fn write_files(&mut self, verb: &str, args: &Args, input: &str, world: &mut World<'_>, report: &mut Report) {
        let selector = args.flag("selector").and_then(|text| crate::object::selector::LabelSelector::parse(text).ok());
        for (file, object) in self.documents(args, input, world, report) {
            if selector.as_ref().is_some_and(|selector| !selector.matches(&object.labels())) {
                continue;
            }
            let own = object.namespace();
            if let Some(wanted) = args.flag("namespace").filter(|wanted| !own.is_empty() && own != *wanted) {
                report.fail(format!(
                    "error: the namespace from the provided object \"{own}\" does not match the namespace \"{wanted}\". You must pass '--namespace={own}' to perform this operation."
                ));
                continue;
            }
            let mut object = self.placed(object, args);
            let subject = self.subject(&object);
            if matches!(args.flag("dry-run"), Some("client" | "true")) {
                self.done(
                    &format!("{subject} {}", if verb == "replace" { "replaced" } else { "created" }),
                    &object,
                    args,
                    report,
                );
                continue;
            }
            let mut old = self
                .cluster
                .get(&object.gvk(), object.namespace(), object.name())
                .filter(|_| !object.name().is_empty());
            if args.on("force") {
                object.remove_at(&["metadata", "resourceVersion"]);
                if verb == "replace"
                    && old.take().is_some_and(|old| self.send(Verb::Delete, &old, args, "", report).is_none())
                {
                    continue;
                }
            }
            let remembered =
                format!("/kubectl/{}/{}/{}", object.gvk().api_version(), object.kind(), object.namespace())
                    + "/"
                    + object.name();
            let server_side = args.on("server-side");
            let (request, body, doing, done) = match (verb, &old) {
                ("apply", _) if server_side => {
                    (Verb::ServerSideApply, object.clone(), String::new(), "serverside-applied")
                }
                ("apply", Some(live)) => {
                    let (request, body) = self.applied(&remembered, &object, live, world);
                    (request, body, format!("error when patching \"{file}\": "), "configured")
                }
                ("replace", Some(_)) => {
                    (Verb::Update, object.clone(), format!("error when replacing \"{file}\": "), "replaced")
                }
                ("replace", None) if !args.on("force") => {
                    (Verb::Update, object.clone(), format!("error when replacing \"{file}\": "), "replaced")
                }
                ("replace", None) => {
                    (Verb::Create, object.clone(), format!("error when creating \"{file}\": "), "replaced")
                }
                _ => (Verb::Create, object.clone(), format!("error when creating \"{file}\": "), "created"),
            };
            if let Some(stored) = self.send(request, &body, args, &doing, report) {
                let unchanged = verb == "apply" && !server_side && old.is_some_and(|old| old == stored);
                let subject = self.subject(&stored);
                self.done(&format!("{subject} {}", if unchanged { "unchanged" } else { done }), &stored, args, report);
                if verb == "apply" && args.flag("dry-run").is_none() {
                    world.write(&remembered, object.to_string(), false);
                }
            }
        }
    }

    /// The request of `kubectl apply`: what was applied before and is not in the object any more goes.
    fn applied(&self, remembered: &str, object: &Value, live: &Value, world: &World<'_>) -> (Verb, Value) {
        let verb = apply_verb(&object.gvk());
        let Some(last) = world.read(remembered).and_then(|text| serde_json::from_str::<Value>(&text).ok()) else {
            return (verb, object.clone());
        };
        if verb == Verb::StrategicPatch {
            return match three_way(&last, object, live) {
                Ok(mut merged) => {
                    merged.remove_at(&["metadata", "resourceVersion"]);
                    (Verb::Update, merged)
                }
                Err(_) => (verb, object.clone()),
            };
        }
        let mut patch = object.clone();
        gone(&last, object, &mut patch);
        (verb, patch)
    }

    pub(super) fn subject(&self, object: &Value) -> String {
        let kind = match self.cluster.catalog.kind(&object.gvk()) {
            Some(resource) => print::name(resource),
            None => object.kind().to_lowercase(),
        };
        format!("{kind}/{}", object.name())
    }

    pub(super) fn create_object(&mut self, object: Value, doing: &str, args: &Args, report: &mut Report) {
        let client = matches!(args.flag("dry-run"), Some("client" | "true"));
        let object = if client && args.flag("namespace").is_none() { object } else { self.placed(object, args) };
        let subject = self.subject(&object);
        if client {
            return self.done(&format!("{subject} created"), &object, args, report);
        }
        if let Some(stored) = self.send(Verb::Create, &object, args, doing, report) {
            self.done(&format!("{subject} created"), &stored, args, report);
        }
    }

    fn delete(&mut self, args: &Args, input: &str, world: &World<'_>, report: &mut Report) {
        let doomed: Vec<(String, Value)> = if args.flag("filename").is_some() {
            let documents = self.documents(args, input, world, report);
            documents
                .into_iter()
                .map(|(file, object)| (format!("error when deleting \"{file}\": "), self.placed(object, args)))
                .collect()
        } else {
            let words = args.operands.get(1..).unwrap_or_default();
            let chosen = args.on("all") || args.flag("selector").is_some() || args.flag("field-selector").is_some();
            if words.len() == 1 && !chosen && words.iter().all(|word| !word.contains('/')) {
                return report.fail("error: resource(s) were provided, but no name was specified");
            }
            self.named(args, report).into_iter().map(|(_, object)| (String::new(), object)).collect()
        };
        let none = doomed.is_empty() && report.output.status == 0 && !args.on("ignore-not-found");
        for (doing, object) in doomed {
            let there = self.cluster.get(&object.gvk(), object.namespace(), object.name()).is_some();
            // What `--all` or a selector found may be gone with its owner by now.
            let chosen = args.on("all") || args.flag("selector").is_some();
            if !there && (chosen || args.on("ignore-not-found")) {
                continue;
            }
            let subject = self.subject(&object);
            let words = if args.flag("output") == Some("name") {
                subject.clone()
            } else {
                subject.replacen('/', " \"", 1) + "\""
            };
            if matches!(args.flag("dry-run"), Some("client" | "true")) {
                report.say(format!("{words} deleted (dry run)"));
                continue;
            }
            if self.send(Verb::Delete, &object, args, &doing, report).is_some() {
                let how = if args.on("force") { " force deleted" } else { " deleted" };
                report.say(if args.flag("output") == Some("name") { words } else { words + how });
            }
        }
        if none {
            report.say("No resources found");
        }
    }

    /// `logs`: no container writes any.
    fn logs(&mut self, args: &Args, report: &mut Report) {
        if args.flag("selector").is_none() {
            self.pod_of(args, report);
        }
    }
}

/// `--cascade` as the API's propagation policy.
fn propagation(cascade: &str) -> Option<String> {
    let policy = match cascade {
        "orphan" | "false" => "Orphan",
        "foreground" => "Foreground",
        _ => "Background",
    };
    Some(policy.to_owned())
}

/// Adds to a merge patch what `last` has and `now` has not.
fn gone(last: &Value, now: &Value, patch: &mut Value) {
    let (Some(last), Some(now)) = (last.as_object(), now.as_object()) else { return };
    for (key, old) in last {
        match now.get(key) {
            None => patch.set_at(&[key], Value::Null),
            Some(new) => {
                if let Some(below) = patch.get_mut(key) {
                    gone(old, new, below);
                }
            }
        }
    }
}

/// kubectl merges built-in kinds strategically and custom resources plainly.
pub(super) fn apply_verb(gvk: &Gvk) -> Verb {
    let built_in = crate::policy::schema::table::table().kind(gvk).is_some_and(|kind| !kind.crd);
    if built_in { Verb::StrategicPatch } else { Verb::MergePatch }
}

/// As kubectl prints a refusal: an invalid object without its group and without the server's name; the cause of a refusal
/// by a policy of the API server has no field.
fn error_words(error: &ApiError, doing: &str) -> String {
    if error.reason == "Invalid"
        && let Some((kind, rest)) = error.message.split_once(" \"")
    {
        let kind = kind.split('.').next().unwrap_or(kind);
        return format!("The {kind} \"{}", rest.replacen("\" is forbidden: ", "\" is invalid: : ", 1));
    }
    error.kubectl(doing)
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
