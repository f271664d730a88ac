//! kubectl verbs that change a stored object: `patch`, `label`, `annotate`, `scale`, `taint`, `set`, `certificate`, `cordon`.

use serde_json::{Value, json};

use super::args::Args;
use super::shell::World;
use super::verbs::{Kubectl, Report, apply_verb};
use super::{create, openssl};
use crate::eval::view::View;
use crate::object::ObjectExt;
use crate::parse::yaml;
use crate::sim::api_server::{ApiRequest, Verb};

impl Kubectl<'_> {
    /// One request about a stored object; what is said when it succeeds.
    fn change(
        &mut self,
        verb: Verb,
        object: &Value,
        (subresource, body): (&str, Value),
        args: &Args,
        report: &mut Report,
    ) -> Option<Value> {
        let mut request = ApiRequest::about(verb, object);
        request.body = Some(body);
        request.subresource = subresource.to_owned();
        request.user = self.user(args);
        request.dry_run = args.flag("dry-run") == Some("server");
        if matches!(args.flag("dry-run"), Some("client" | "true")) {
            return Some(object.clone());
        }
        self.request(request, "", report)
    }

    pub(super) fn patch(&mut self, args: &Args, input: &str, world: &World<'_>, report: &mut Report) {
        let text = match args.flag("patch-file") {
            Some("-" | "/dev/stdin") => input.to_owned(),
            Some(path) => match world.read(path) {
                Some(text) => text,
                None => return report.fail(format!("error: open {path}: no such file or directory")),
            },
            None => args.flag("patch").unwrap_or("").to_owned(),
        };
        if text.trim().is_empty() {
            return report.fail("error: must specify --patch or --patch-file containing the contents of the patch");
        }
        let Ok(patch) = yaml::one(&text) else { return report.fail("error: unable to parse the patch") };
        for (resource, object) in self.chosen(args, input, world, report) {
            let verb = match args.flag("type") {
                Some("json") => Verb::JsonPatch,
                Some("merge") => Verb::MergePatch,
                _ => apply_verb(&resource.gvk("")),
            };
            let subject = self.subject(&object);
            let body = (args.flag("subresource").unwrap_or(""), patch.clone());
            if let Some(stored) = self.change(verb, &object, body, args, report) {
                let unchanged = if stored == object { " (no change)" } else { "" };
                self.done(&format!("{subject} patched{unchanged}"), &stored, args, report);
            }
        }
    }

    /// `label` and `annotate`.
    pub(super) fn mark(
        &mut self,
        field: &str,
        done: &str,
        args: &Args,
        input: &str,
        world: &World<'_>,
        report: &mut Report,
    ) {
        let (marks, operands) = marks(args, args.flag("filename").is_some());
        let mut targets = args.clone();
        targets.operands = operands;
        for (_, object) in self.chosen(&targets, input, world, report) {
            let subject = self.subject(&object);
            if args.on("list") {
                let all = if field == "labels" { object.labels() } else { object.annotations() };
                all.iter().for_each(|(key, value)| report.say(format!("{key}={value}")));
                continue;
            }
            let mut patch = json!({"metadata": {}});
            let mut absent = Vec::new();
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
                if value.is_null() && old.is_none() {
                    absent.push(key);
                }
                patch.set_at(&["metadata", field, key], value);
            }
            absent.iter().for_each(|key| report.say(format!("{} \"{key}\" not found.", done.trim_end_matches("ed"))));
            if let Some(stored) = self.change(Verb::MergePatch, &object, ("", patch), args, report) {
                let removes = marks.iter().all(|mark| !mark.contains('='));
                let word = match (stored == object, removes, field) {
                    (true, ..) => format!("not {done}"),
                    (_, true, "labels") => "unlabeled".to_owned(),
                    _ => done.to_owned(),
                };
                self.done(&format!("{subject} {word}"), &stored, args, report);
            }
        }
    }

    pub(super) fn scale(&mut self, args: &Args, input: &str, world: &World<'_>, report: &mut Report) {
        let Some(replicas) = args.flag("replicas").and_then(|count| count.parse::<i64>().ok()) else {
            return report
                .fail("error: The --replicas=COUNT flag is required, and COUNT must be greater than or equal to 0");
        };
        for (_, object) in self.chosen(args, input, world, report) {
            let wanted = args.flag("current-replicas").and_then(|count| count.parse::<i64>().ok());
            let now = object.at(&["spec", "replicas"]).and_then(Value::as_i64).unwrap_or(1);
            if wanted.is_some_and(|wanted| wanted != now) {
                report.fail(format!("error: Expected replicas to be {}, was {now}", wanted.unwrap_or(0)));
                continue;
            }
            let subject = self.subject(&object);
            let body = json!({"spec": {"replicas": replicas}});
            if self.change(Verb::MergePatch, &object, ("scale", body), args, report).is_some() {
                report.say(format!("{subject} scaled"));
            }
        }
    }

    /// `taint nodes NAME key=value:Effect key:Effect- key-`.
    pub(super) fn taint(&mut self, args: &Args, report: &mut Report) {
        let is_taint = |word: &&String| word.contains(':') || word.ends_with('-') || word.contains('=');
        let (taints, operands): (Vec<&String>, Vec<&String>) = args.operands.iter().skip(1).partition(is_taint);
        let operands: Vec<String> = operands.into_iter().cloned().collect();
        for (_, node) in self.named_by(&operands, args, report) {
            let mut list = node.at(&["spec", "taints"]).and_then(Value::as_array).cloned().unwrap_or_default();
            let mut word = "tainted";
            for taint in &taints {
                let removed = taint.strip_suffix('-');
                let (pair, effect) = removed.unwrap_or(taint).split_once(':').unwrap_or((removed.unwrap_or(taint), ""));
                let (key, value) = pair.split_once('=').unwrap_or((pair, ""));
                let same = |one: &Value| {
                    one.str_at(&["key"]) == key && (effect.is_empty() || one.str_at(&["effect"]) == effect)
                };
                let there = list.iter().any(same);
                if removed.is_some() && !there {
                    return report.fail(format!("error: taint \"{key}\" not found"));
                }
                if removed.is_none() && there && !args.on("overwrite") {
                    return report.fail(format!(
                        "error: node {} already has {key} taint(s) with same effect(s) and --overwrite is false",
                        node.name()
                    ));
                }
                list.retain(|one| !same(one));
                if removed.is_none() {
                    let mut made = json!({"effect": effect, "key": key});
                    if !value.is_empty() {
                        made.set_at(&["value"], json!(value));
                    }
                    list.push(made);
                } else {
                    word = "untainted";
                }
            }
            let taints = if list.is_empty() { Value::Null } else { json!(list) };
            let patch = json!({"spec": {"taints": taints}});
            if self.change(Verb::MergePatch, &node, ("", patch), args, report).is_some() {
                report.say(format!("node/{} {word}", node.name()));
            }
        }
    }

    /// `cordon` and `uncordon`.
    pub(super) fn cordon(&mut self, verb: &str, args: &Args, report: &mut Report) {
        let words: Vec<String> =
            ["nodes".to_owned()].into_iter().chain(args.operands.iter().skip(1).cloned()).collect();
        for (_, node) in self.named_by(&words, args, report) {
            let patch = json!({"spec": {"unschedulable": if verb == "cordon" { json!(true) } else { Value::Null }}});
            if self.change(Verb::MergePatch, &node, ("", patch), args, report).is_some() {
                report.say(format!("node/{} {verb}ed", node.name()));
            }
        }
    }

    /// `set image KIND NAME c=image`, `set env KIND NAME A=b`, `set serviceaccount KIND NAME account`.
    pub(super) fn set(&mut self, args: &Args, report: &mut Report) {
        let what = args.operands.get(1).map_or("", String::as_str);
        let rest = args.operands.get(2..).unwrap_or_default();
        let (pairs, operands): (Vec<&String>, Vec<&String>) = rest.iter().partition(|word| word.contains('='));
        let mut operands: Vec<String> = operands.into_iter().cloned().collect();
        let account = if matches!(what, "serviceaccount" | "sa") { operands.pop() } else { None };
        for (resource, object) in self.named_by(&operands, args, report) {
            let path: &[&str] = if object.kind() == "Pod" { &["spec"] } else { &["spec", "template", "spec"] };
            let mut changed = object.clone();
            let mut spec = object.at(path).cloned().unwrap_or_default();
            if let Some(account) = &account {
                spec.set_at(&["serviceAccountName"], json!(account));
            }
            for list in ["initContainers", "containers"] {
                for container in spec.get_mut(list).and_then(Value::as_array_mut).into_iter().flatten() {
                    for (name, value) in pairs.iter().filter_map(|pair| pair.split_once('=')) {
                        if what == "image" && (name == "*" || name == container.str_at(&["name"])) {
                            container.set_at(&["image"], json!(value));
                        } else if what == "env" {
                            let mut env = container.get("env").and_then(Value::as_array).cloned().unwrap_or_default();
                            env.retain(|one| one.str_at(&["name"]) != name);
                            env.push(json!({"name": name, "value": value}));
                            container.set_at(&["env"], json!(env));
                        }
                    }
                }
            }
            changed.set_at(path, spec);
            let subject = self.subject(&object);
            let Some(patch) = crate::object::patch::merge_diff(&object, &changed) else { continue };
            let word = if what == "env" { "env updated".to_owned() } else { format!("{what} updated") };
            let _ = &resource;
            if self.change(Verb::MergePatch, &object, ("", patch), args, report).is_some() {
                report.say(format!("{subject} {word}"));
            }
        }
    }

    /// `rollout restart`: the Pods of a workload are made anew. Other words only wait.
    pub(super) fn rollout(&mut self, args: &Args, report: &mut Report) {
        let rest = args.operands.get(2..).unwrap_or_default();
        if args.operands.get(1).is_some_and(|word| word == "restart") {
            for (_, object) in self.named_by(rest, args, report) {
                let subject = self.subject(&object);
                // Kyverno's own workloads do nothing here that a restart would begin again.
                let own = object.namespace() == crate::sim::config::KYVERNO_NAMESPACE;
                let at = json!(self.cluster.clock.rfc3339());
                let key = "kubectl.kubernetes.io/restartedAt";
                let patch = json!({"spec": {"template": {"metadata": {"annotations": {key: at}}}}});
                if own || self.change(Verb::StrategicPatch, &object, ("", patch), args, report).is_some() {
                    report.say(format!("{subject} restarted"));
                }
            }
            return;
        }
        self.cluster.advance(5000);
        for (_, object) in self.named_by(rest, args, report) {
            report.say(format!("{} \"{}\" successfully rolled out", object.kind().to_lowercase(), object.name()));
        }
    }

    /// `certificate approve|deny NAME…`: the condition, and then what the signer of client certificates issues.
    pub(super) fn certificate(&mut self, args: &Args, report: &mut Report) {
        let approved = args.operands.get(1).is_some_and(|word| word == "approve");
        let names = args.operands.get(2..).unwrap_or_default();
        for name in names {
            let Some(request) = self.cluster.get(&create::signing_request(), "", name) else {
                report.fail(format!(
                    "Error from server (NotFound): certificatesigningrequests.certificates.k8s.io \"{name}\" not found"
                ));
                continue;
            };
            let word = if approved { "Approved" } else { "Denied" };
            let condition = json!({"type": word, "status": "True", "reason": format!("Kubectl{}", if approved { "Approve" } else { "Deny" }),
                "message": format!("This CSR was {} by kubectl certificate {}.", word.to_lowercase(), args.operands.get(1).map_or("", String::as_str))});
            let mut body = request.clone();
            body.set_at(&["status", "conditions"], json!([condition]));
            if self.change(Verb::Update, &request, ("status", body.clone()), args, report).is_none() {
                continue;
            }
            report.say(format!("certificatesigningrequest.certificates.k8s.io/{name} {}", word.to_lowercase()));
            let text = decoded(request.str_at(&["spec", "request"]));
            if approved && openssl::subject(&text).is_some() {
                body.remove_at(&["metadata", "resourceVersion"]);
                body.set_at(&["status", "certificate"], json!(encoded(&openssl::signed(&text))));
                let mut signed = ApiRequest::about(Verb::Update, &body);
                signed.subresource = "status".into();
                self.cluster.request(signed.by(
                    "system:serviceaccount:kube-system:certificate-controller",
                    crate::sim::journal::Lane::Controllers,
                    None,
                ));
            }
        }
    }
}

fn decoded(text: &str) -> String {
    use base64::Engine as _;
    let bytes = base64::engine::general_purpose::STANDARD.decode(text.split_whitespace().collect::<String>());
    String::from_utf8_lossy(&bytes.unwrap_or_default()).into_owned()
}

fn encoded(text: &str) -> String {
    use base64::Engine as _;
    base64::engine::general_purpose::STANDARD.encode(text)
}

/// The pairs and removals of `label` and `annotate`, and the words that name objects.
fn marks(args: &Args, files: bool) -> (Vec<String>, Vec<String>) {
    let verb = args.operands.first().cloned().into_iter();
    let (mut marks, mut operands) = (Vec::new(), verb.collect::<Vec<_>>());
    for word in args.operands.iter().skip(1) {
        // A name may end in no dash; a kind and a name come first.
        let named = files
            || operands.len() > 2
            || operands.get(1).is_some_and(|first| first.contains('/'))
            || args.on("all")
            || args.flag("selector").is_some();
        if word.contains('=') || word.ends_with('-') && (named || !marks.is_empty()) {
            marks.push(word.clone());
        } else {
            operands.push(word.clone());
        }
    }
    (marks, operands)
}
