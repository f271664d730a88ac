//! kubectl verbs that only look: `get`, `describe`, `wait`, `logs`, `auth can-i`, `version`, `api-resources`, `diff`.

use serde_json::{Value, json};

use super::args::Args;
use super::print;
use super::shell::World;
use super::verbs::{Kubectl, Report};
use crate::eval::view::Answer;
use crate::object::ObjectExt;
use crate::object::access::Access;
use crate::object::catalog::Resource;
use crate::object::duration::Duration;
use crate::scenario::kyverno_test::api_path;

/// How long `kubectl wait` waits where it is not told.
const PATIENCE: u64 = 30_000;

impl Kubectl<'_> {
    pub(super) fn get(&mut self, args: &Args, input: &str, world: &World<'_>, report: &mut Report) {
        if let Some(path) = args.flag("raw") {
            match api_path::read(self.cluster, path) {
                Answer::Data(value) => report.say(value.to_string()),
                Answer::Failed(words) => report.fail(format!("Error from server: {words}")),
                Answer::Unavailable => report.fail("Error from server (NotFound)"),
            }
            return;
        }
        let found = self.chosen(args, input, world, report);
        let single = args.operands.len() == 3
            || args.operands.len() == 2 && args.operands.get(1).is_some_and(|word| word.contains('/'))
            || args.flag("filename").is_some() && found.len() == 1;
        let format = args.flag("output").unwrap_or("");
        let tabular = matches!(format, "" | "wide");
        if found.is_empty() {
            if !tabular && !single && report.output.status == 0 {
                let empty =
                    json!({"apiVersion": "v1", "kind": "List", "items": [], "metadata": {"resourceVersion": ""}});
                if let Some(printed) = print::structured(&empty, format, args) {
                    report.output.stdout.push_str(&printed.unwrap_or_default());
                }
            } else if report.output.status == 0 && !args.on("ignore-not-found") {
                let everywhere = args.on("all-namespaces")
                    || args.operands.get(1).and_then(|kind| self.resource(kind)).is_some_and(|kind| !kind.namespaced);
                let place = if everywhere { String::new() } else { format!(" in {} namespace.", self.space(args)) };
                report.complain(format!("No resources found{place}"));
            }
            return;
        }
        let kinds: std::collections::BTreeSet<&str> =
            found.iter().map(|(resource, _)| resource.kind.as_str()).collect();
        if tabular && kinds.len() > 1 {
            let mut first = true;
            let mut groups: Vec<(Resource, Vec<Value>)> = Vec::new();
            for (resource, object) in found {
                match groups.last_mut().filter(|(last, _)| last.kind == resource.kind) {
                    Some((_, group)) => group.push(object),
                    None => groups.push((resource, vec![object])),
                }
            }
            for (resource, objects) in groups {
                if !std::mem::take(&mut first) {
                    report.say("");
                }
                report
                    .output
                    .stdout
                    .push_str(&print::objects(&objects, &resource, args, false, true).unwrap_or_default());
            }
            return;
        }
        let Some((resource, _)) = found.first().cloned() else { return };
        let mut objects: Vec<Value> = found.iter().map(|(_, object)| object.clone()).collect();
        if let Some(by) = args.flag("sort-by") {
            let key = |object: &Value| print::path_of(by, object);
            objects.sort_by(|a, b| match (key(a).parse::<f64>(), key(b).parse::<f64>()) {
                (Ok(a), Ok(b)) => a.total_cmp(&b),
                _ => key(a).cmp(&key(b)),
            });
        }
        if format == "name" {
            for (resource, object) in &found {
                report.say(format!("{}/{}", print::name(resource), object.name()));
            }
            return;
        }
        match print::objects(&objects, &resource, args, single, false) {
            Ok(text) => report.output.stdout.push_str(&text),
            Err(words) => report.fail(words),
        }
    }

    /// `describe`: the object, and the Events about it.
    pub(super) fn describe(&mut self, args: &Args, input: &str, world: &World<'_>, report: &mut Report) {
        for (_, object) in self.chosen(args, input, world, report) {
            report.say(format!("Name:         {}", object.name()));
            if !object.namespace().is_empty() {
                report.say(format!("Namespace:    {}", object.namespace()));
            }
            report.say(crate::parse::emit(&object));
            report.say("Events:");
            for event in super::find::events_in(self.cluster, "v1") {
                let about = event.get("involvedObject").cloned().unwrap_or_default();
                if about.kind() == object.kind()
                    && about.str_at(&["name"]) == object.name()
                    && about.str_at(&["namespace"]) == object.namespace()
                {
                    let text = |path: &str| event.str_at(&[path]).to_owned();
                    report.say(format!(
                        "  {}  {}  1s  {}  {}",
                        text("type"),
                        text("reason"),
                        text("reportingComponent"),
                        text("message")
                    ));
                }
            }
        }
    }

    /// `wait --for=condition=…|delete|create|jsonpath=…`.
    pub(super) fn wait(&mut self, args: &Args, input: &str, world: &World<'_>, report: &mut Report) {
        let wanted = args.flag("for").unwrap_or("").to_owned();
        let patience = args.flag("timeout").and_then(|time| Duration::parse(time).ok());
        let patience = patience.and_then(|time| u64::try_from(time.0 / 1_000_000).ok()).unwrap_or(PATIENCE);
        let until = self.cluster.clock.now().saturating_add(patience);
        loop {
            let mut attempt = Report::default();
            let quiet = if wanted == "delete" { args.clone().with("ignore-not-found", "true") } else { args.clone() };
            let found = self.chosen(&quiet, input, world, &mut attempt);
            let late = self.cluster.clock.now() >= until;
            let waiting = match wanted.as_str() {
                "delete" => found.first(),
                _ => found.iter().find(|(_, object)| !holds(object, &wanted, late)),
            };
            let none = found.is_empty() && wanted != "delete";
            if none && wanted != "create" {
                report.output.stderr.push_str(&attempt.output.stderr);
                if attempt.output.status == 0 {
                    report.complain("error: no matching resources found");
                }
                report.output.status = 1;
                return;
            }
            if waiting.is_none() && !none {
                for (resource, object) in &found {
                    report.say(format!("{}/{} condition met", print::name(resource), object.name()));
                }
                return;
            }
            if late {
                let what = waiting.map(|(resource, object)| format!("{}/{}", resource.plural, object.name()));
                return report
                    .fail(format!("error: timed out waiting for the condition on {}", what.unwrap_or_default()));
            }
            self.cluster.advance(1000);
        }
    }

    /// `auth can-i VERB RESOURCE [NAME]`.
    pub(super) fn can_i(&mut self, args: &Args, report: &mut Report) {
        let word = |at: usize| args.operands.get(at).map_or("", String::as_str);
        let (kind, name) = word(3).split_once('/').unwrap_or((word(3), word(4)));
        let resource = self.resource(kind);
        let (group, plural) =
            resource.as_ref().map_or(("", kind), |known| (known.group.as_str(), known.plural.as_str()));
        let namespaced = resource.as_ref().is_none_or(|known| known.namespaced) && !args.on("all-namespaces");
        let space = if namespaced { self.space(args) } else { String::new() };
        let access = Access {
            verb: word(2),
            group,
            resource: plural,
            subresource: args.flag("subresource").unwrap_or(""),
            namespace: &space,
            name,
        };
        let user = self.user(args);
        let allowed = self.cluster.is_granted(&user, &access);
        if !args.on("quiet") && !args.on("q") {
            report.say(if allowed { "yes" } else { "no" });
        }
        report.output.status = i32::from(!allowed);
    }

    pub(super) fn version(&self, args: &Args, report: &mut Report) {
        let info = self.cluster.version_info();
        let version = info.str_at(&["gitVersion"]).to_owned();
        let all = json!({"clientVersion": info, "kustomizeVersion": "v5.7.1", "serverVersion": info});
        match print::structured(&all, args.flag("output").unwrap_or(""), args) {
            Some(Ok(text)) => report.output.stdout.push_str(&text),
            _ => report.say(format!("Client Version: {version}\nKustomize Version: v5.7.1\nServer Version: {version}")),
        }
    }

    pub(super) fn api_versions(&self, report: &mut Report) {
        let served = self
            .cluster
            .catalog
            .iter()
            .flat_map(|known| known.versions.iter().map(|version| known.gvk(version).api_version()));
        let all: std::collections::BTreeSet<String> = served.collect();
        all.iter().for_each(|version| report.say(version));
    }

    pub(super) fn api_resources(&self, args: &Args, report: &mut Report) {
        for known in self.cluster.catalog.iter() {
            if args.flag("api-group").is_some_and(|group| group != known.group) {
                continue;
            }
            let version = known.gvk("").api_version();
            match args.flag("output") {
                Some("name") if known.group.is_empty() => report.say(&known.plural),
                Some("name") => report.say(format!("{}.{}", known.plural, known.group)),
                _ => report.say(format!(
                    "{}   {}   {version}   {}   {}",
                    known.plural,
                    known.short_names.join(","),
                    known.namespaced,
                    known.kind
                )),
            }
        }
    }
}

/// Whether an object is as `wait` wants it. A condition that nobody simulates counts as met in the end.
fn holds(object: &Value, wanted: &str, late: bool) -> bool {
    if let Some(condition) = wanted.strip_prefix("condition=") {
        let (name, status) = condition.split_once('=').unwrap_or((condition, "True"));
        let conditions = object.at(&["status", "conditions"]).and_then(Value::as_array).into_iter().flatten();
        let found = conditions.into_iter().find(|one| one.str_at(&["type"]).eq_ignore_ascii_case(name));
        return found.map_or(late, |one| one.str_at(&["status"]).eq_ignore_ascii_case(status));
    }
    if let Some(path) = wanted.strip_prefix("jsonpath=") {
        let (path, value) = path.split_once("}=").map_or((path, None), |(path, value)| (path, Some(value)));
        let path = path.trim_matches(['{', '}', '\'', '"']);
        let found = print::path_of(path, object);
        return value.map_or(!found.is_empty(), |value| found == value.trim_matches(['\'', '"']));
    }
    true
}
