//! `kubectl config`: the kubeconfig of a script.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use serde_json::Value;

use super::args::Args;
use super::filters::Output;
use super::kubeconfig::{DEFAULT, Kubeconfig, Wanted};
use super::shell::World;
use super::verbs::{Kubectl, Report};
use crate::eval::request::UserInfo;
use crate::object::ObjectExt;
use crate::parse;

/// The kubeconfig of a command: `--kubeconfig`, else `$KUBECONFIG`.
pub(super) fn path(args: &Args, world: &World<'_>) -> String {
    let own = args.flag("kubeconfig").map(str::to_owned).or_else(|| world.vars.get("KUBECONFIG").cloned());
    own.filter(|path| !path.is_empty()).unwrap_or_else(|| DEFAULT.to_owned())
}

impl Kubectl<'_> {
    /// Who a command is run by, and the namespace of its context.
    pub(super) fn become_user(&mut self, args: &Args, world: &World<'_>) -> Result<(UserInfo, Option<String>), String> {
        // `create rolebinding --user=…` names a subject.
        let user = args.flag("user").filter(|_| args.operands.first().is_none_or(|verb| verb != "create"));
        let wanted = Wanted { context: args.flag("context"), user, token: args.flag("token") };
        Kubeconfig::read(world, &path(args, world)).identity(&wanted)
    }

    /// `config VERB …`.
    pub(super) fn config(&mut self, args: &Args, world: &mut World<'_>, report: &mut Report) {
        let path = path(args, world);
        let mut config = Kubeconfig::read(world, &path);
        let name = args.operands.get(2).map_or("", String::as_str);
        match args.operands.get(1).map_or("", String::as_str) {
            "view" => return view(&config, args, report),
            "current-context" => return report.say(config.0.str_at(&["current-context"])),
            "get-contexts" | "get-users" | "get-clusters" => {
                let list = args.operands.get(1).map_or("", |verb| verb.trim_start_matches("get-"));
                let entries = config.0.get(list).and_then(Value::as_array);
                let names = entries.into_iter().flatten().map(|entry| entry.str_at(&["name"]));
                let bare = args.flag("output") == Some("name") || args.on("no-headers");
                let heading = (!bare).then_some("NAME");
                return heading.into_iter().chain(names).for_each(|name| report.say(name));
            }
            "use-context" | "use" => {
                if config.entry("contexts", name).is_none() {
                    return report.fail(format!("error: no context exists with the name: \"{name}\""));
                }
                config.0.set_at(&["current-context"], Value::from(name));
                report.say(format!("Switched to context \"{name}\"."));
            }
            "set-context" => {
                let current = config.0.str_at(&["current-context"]).to_owned();
                let name = if args.on("current") { &current } else { name };
                let fields = given(args, &["cluster", "user", "namespace"]);
                let there = config.set("contexts", name, &fields);
                report.say(format!("Context \"{name}\" {}.", if there { "modified" } else { "created" }));
            }
            "set-cluster" => {
                config.set("clusters", name, &given(args, &["server"]));
                report.say(format!("Cluster \"{name}\" set."));
            }
            "set-credentials" => {
                let mut fields = given(args, &["token", "username", "password"]);
                for flag in ["client-certificate", "client-key"] {
                    if let Some(file) = args.flag(flag) {
                        let Some(text) = world.read(file) else {
                            return report.fail(format!("error: error reading {flag} data from {file}"));
                        };
                        fields.push((
                            if flag == "client-key" { "client-key-data" } else { "client-certificate-data" },
                            STANDARD.encode(text),
                        ));
                    }
                }
                config.set("users", name, &fields);
                report.say(format!("User \"{name}\" set."));
            }
            verb @ ("delete-context" | "delete-user" | "delete-cluster") => {
                let what = verb.trim_start_matches("delete-");
                if !config.remove(&format!("{what}s"), name) {
                    return report.fail(format!("error: cannot delete {what} {name}, not in {path}"));
                }
                report.say(format!("deleted {what} {name} from {path}"));
            }
            verb @ ("unset" | "set") => {
                let value = args.operands.get(3).cloned().unwrap_or_default();
                let (list, entry) = name.split_once('.').unwrap_or((name, ""));
                let (entry, field) = entry
                    .rsplit_once('.')
                    .filter(|(entry, _)| config.entry(list, entry).is_some())
                    .unwrap_or((entry, ""));
                match (verb, list, field) {
                    ("unset", "current-context", _) => config.0.set_at(&["current-context"], Value::from("")),
                    ("unset", _, "") => drop(config.remove(list, entry)),
                    ("unset", _, field) => drop(config.set(list, entry, &[(field, String::new())])),
                    (_, "current-context", _) => config.0.set_at(&["current-context"], Value::from(value)),
                    (_, list, field) => drop(config.set(list, entry, &[(field, value)])),
                }
                report.say(format!("Property \"{name}\" {verb}."));
            }
            other => return report.fail(format!("error: unknown command \"{other}\"")),
        }
        config.write(world, &path);
    }
}

fn given<'a>(args: &Args, flags: &[&'a str]) -> Vec<(&'a str, String)> {
    flags.iter().filter_map(|flag| Some((*flag, args.flag(flag)?.to_owned()))).collect()
}

fn view(config: &Kubeconfig, args: &Args, report: &mut Report) {
    let mut shown = config.0.clone();
    if args.on("minify") {
        let context = shown.str_at(&["current-context"]).to_owned();
        let entry = config.entry("contexts", &context).cloned().unwrap_or_default();
        for (list, name) in [
            ("contexts", context.as_str()),
            ("users", entry.str_at(&["user"])),
            ("clusters", entry.str_at(&["cluster"])),
        ] {
            if let Some(entries) = shown.get_mut(list).and_then(Value::as_array_mut) {
                entries.retain(|entry| entry.str_at(&["name"]) == name);
            }
        }
    }
    match super::print::structured(&shown, args.flag("output").unwrap_or("yaml"), args) {
        Some(Ok(text)) => report.output.add(Output { stdout: text, ..Output::default() }),
        Some(Err(words)) => report.fail(words),
        None => report.output.add(Output { stdout: parse::emit(&shown), ..Output::default() }),
    }
}
