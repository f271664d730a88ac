//! The command line of Kyverno in scripts: `kyverno apply`, `kyverno jp query`, `kyverno version`.
//!
//! Follows `cmd/cli/kubectl-kyverno/commands/{apply,jp}`.

use std::collections::{BTreeMap, BTreeSet};

use serde_json::Value;

use super::args::Args;
use super::filters::Output;
use super::shell::World;
use crate::eval::action::is_enforce;
use crate::eval::autogen;
use crate::eval::verdict::{RuleType, Status};
use crate::eval::view::View;
use crate::expr::jmespath::{self, Env};
use crate::object::ObjectExt;
use crate::object::gofmt;
use crate::object::gvk::{Gvr, KindSelector};
use crate::parse::{self, yaml};
use crate::policy::load::classic;
use crate::scenario::files::MapFiles;
use crate::scenario::kyverno_test::cleanup;
use crate::scenario::kyverno_test::document::Test;
use crate::scenario::kyverno_test::load::{TestData, load};
use crate::scenario::kyverno_test::matching::status_word;
use crate::scenario::kyverno_test::process::evaluate;
use crate::scenario::kyverno_test::response::{EngineResponse, TestResponse, resource_key};
use crate::sim::Cluster;

/// Runs `kyverno`.
pub(super) fn run(args: &[String], input: &str, world: &World<'_>, cluster: &Cluster) -> Output {
    let words: Vec<&str> = args.iter().map(String::as_str).collect();
    match words.as_slice() {
        ["apply", ..] => apply(&Args::parse(args), world, cluster).unwrap_or_else(|words| Output::failed(1, words)),
        ["jp", "query", rest @ ..] | ["jp", "q", rest @ ..] => query(rest, input, world),
        ["version", ..] => Output::text("Version: v1.19.0\n"),
        _ => Output::failed(1, format!("kyverno {} is not simulated\n", words.join(" "))),
    }
}

/// `jp query [-i FILE] [-c] [-u] EXPRESSION…`: each answer under its expression.
fn query(words: &[&str], input: &str, world: &World<'_>) -> Output {
    let (mut text, mut expressions, mut compact, mut bare) = (input.to_owned(), Vec::new(), false, false);
    let mut rest = words.iter();
    while let Some(word) = rest.next() {
        match *word {
            "-i" | "--input" => text = rest.next().and_then(|path| world.read(path)).unwrap_or_default(),
            "-q" | "--query" => {
                expressions.extend(rest.next().and_then(|path| world.read(path)).map(|text| text.trim().to_owned()));
            }
            "-c" | "--compact" => compact = true,
            "-u" | "--unquoted" => bare = true,
            expression => expressions.push(expression.to_owned()),
        }
    }
    let Ok(value) = yaml::one(&text) else { return Output::failed(1, "Error: failed to load input\n") };
    let mut output = Output::default();
    for expression in expressions {
        let found = match jmespath::query(&expression, &value, &Env::new((0, 0), 1)) {
            Ok(found) => found,
            Err(error) if error.is_not_found() => Value::Null,
            Err(error) => return Output::failed(1, format!("Error: failed to evaluate query: {error}\n")),
        };
        let shown = match &found {
            Value::String(text) if bare => text.clone(),
            found if compact => found.to_string(),
            found => gofmt::marshal_indent(found, "  "),
        };
        output.stdout.push_str(&format!("# {expression}\n{shown}\n"));
    }
    output
}

/// What lies in the cluster, as files that the command reads.
const OBJECTS: &str = "cluster-objects.yaml";

/// `apply POLICY… [--resource FILE…|--cluster] [--exception FILE…] [--namespace N] [--audit-warn] [--warn-exit-code N]`.
fn apply(args: &Args, world: &World<'_>, cluster: &Cluster) -> Result<Output, String> {
    let files = |flags: [&str; 2]| {
        let lists = flags.into_iter().flat_map(|flag| args.values(flag));
        lists.flat_map(|list| list.split(',')).map(str::to_owned).collect::<Vec<_>>()
    };
    let mut asked = Test {
        policies: args.operands.get(1..).unwrap_or_default().to_vec(),
        resources: files(["resource", "r"]),
        exceptions: files(["exception", "e"]),
        variables: args.flag("values-file").unwrap_or_default().to_owned(),
        userinfo: args.flag("userinfo").unwrap_or_default().to_owned(),
        ..Test::default()
    };
    let mut texts = BTreeMap::new();
    let named = asked.policies.iter().chain(&asked.resources).chain(&asked.exceptions);
    for path in named.chain([&asked.variables, &asked.userinfo]) {
        if let Some(text) = world.read(path) {
            texts.insert(crate::scenario::files::join("", path), text);
        }
    }
    if args.on("cluster") || args.on("c") {
        let everything = cluster.store.iter().map(|(_, entry)| parse::emit(&entry.object));
        texts.insert("cluster.yaml".to_owned(), everything.collect::<Vec<_>>().join("---\n"));
        let policies =
            load(&MapFiles(texts.clone()), "", Test { policies: asked.policies.clone(), ..Test::default() })?;
        let chosen = of_policies(&policies, cluster, args.flag("namespace"));
        texts.insert(OBJECTS.to_owned(), chosen.iter().map(parse::emit).collect::<Vec<_>>().join("---\n"));
        asked.resources = vec![OBJECTS.to_owned()];
        let params = cluster.list(&crate::object::gvk::Gvk::new("v1", "ConfigMap"), None);
        texts.insert("params.yaml".to_owned(), params.iter().map(parse::emit).collect::<Vec<_>>().join("---\n"));
        asked.param_resources = vec!["params.yaml".to_owned()];
    }
    let mut data = load(&MapFiles(texts), "", asked)?;
    if args.on("cluster") || args.on("c") {
        data.outside.cluster = true;
        data.outside.catalog = cluster.catalog.clone();
        data.cluster.extend(cluster.store.iter().map(|(_, entry)| entry.object.clone()));
    }
    data.outside.local_calls = true;
    let mut responses = evaluate(&data)?;
    for answer in cleanup::answers(&data)? {
        responses.trigger.entry(resource_key(&answer.resource)).or_default().push(answer);
    }
    Ok(printed(&data, &responses, args))
}

/// The objects of a cluster that policies are about.
fn of_policies(data: &TestData, cluster: &Cluster, namespace: Option<&str>) -> Vec<Value> {
    let mut selectors: BTreeSet<String> = BTreeSet::new();
    let mut resources: Vec<Gvr> = Vec::new();
    for policy in &data.policies {
        if let Ok(classic) = classic(policy.clone()) {
            let rules = autogen::status_rules(&classic);
            let own = policy.at(&["spec", "rules"]).and_then(Value::as_array).cloned().unwrap_or_default();
            for rule in own.iter().chain(&rules) {
                kinds(rule.get("match").unwrap_or(&Value::Null), &mut selectors);
            }
        }
        kinds(policy.at(&["spec", "match"]).unwrap_or(&Value::Null), &mut selectors);
        let constraints = policy.at(&["spec", "matchConstraints", "resourceRules"]).and_then(Value::as_array);
        for rule in constraints.into_iter().flatten() {
            let list = |field: &str| {
                let values = rule.get(field).and_then(Value::as_array).cloned().unwrap_or_default();
                values.iter().filter_map(|value| value.as_str().map(str::to_owned)).collect::<Vec<_>>()
            };
            for group in list("apiGroups") {
                for version in list("apiVersions") {
                    let made = list("resources").into_iter();
                    resources.extend(made.map(|resource| Gvr {
                        group: group.clone(),
                        version: version.clone(),
                        resource,
                    }));
                }
            }
        }
    }
    let selectors: Vec<KindSelector> = selectors.iter().map(|kind| KindSelector::parse(kind)).collect();
    let wanted = |object: &Value| {
        let gvk = object.gvk();
        let gvr = cluster.catalog.gvr_of(&gvk);
        selectors.iter().any(|selector| selector.subresource.is_empty() && selector.matches_kind(&gvk))
            || gvr.is_some_and(|gvr| resources.contains(&gvr))
    };
    let system = |space: &str| space.starts_with("kube-") || space == crate::sim::config::KYVERNO_NAMESPACE;
    let objects = cluster.store.iter().map(|(_, entry)| &entry.object);
    let here = |object: &&Value| match namespace {
        Some(namespace) => object.namespace() == namespace,
        None => !system(object.namespace()),
    };
    objects.filter(here).filter(|object| wanted(object)).cloned().collect()
}

/// Every entry of a `kinds` list below a value.
fn kinds(value: &Value, found: &mut BTreeSet<String>) {
    match value {
        Value::Object(map) => {
            let own = map.get("kinds").and_then(Value::as_array).into_iter().flatten();
            found.extend(own.filter_map(|kind| kind.as_str().map(str::to_owned)));
            map.values().for_each(|below| kinds(below, found));
        }
        Value::Array(items) => items.iter().for_each(|item| kinds(item, found)),
        _ => {}
    }
}

/// What the command says: changes and generated objects while it evaluates, then invalid policies, failures and the counts
/// (`commands/apply/{command,print}.go`, `processor/policy_processor.go`).
fn printed(data: &TestData, responses: &TestResponse, args: &Args) -> Output {
    let answers = || responses.trigger.values().flatten();
    let mut text = format!("\n{}\n", heading(data));
    for answer in answers() {
        let said = |object: &Value, words: &str| {
            let (policy, yaml) = (&answer.policy_name, parse::emit(object));
            format!("\npolicy {policy} applied to {}:\n{yaml}\n---\n\n\n{words}", place(answer))
        };
        if mutates(answer) {
            text.push_str(&said(&answer.patched, "Mutation:\nMutation has been applied successfully."));
        }
        for made in answer.rules.iter().flat_map(|rule| &rule.generated) {
            text.push_str(&said(made, "Generate:\nGeneration completed successfully."));
        }
    }
    if !responses.skipped.is_empty() {
        let divider = "-".repeat(70);
        text.push_str(&format!("{divider}\nPolicies Skipped:\n"));
        for (index, (policy, why)) in responses.skipped.iter().enumerate() {
            text.push_str(&format!("{}. {policy}: {why}\n", index + 1));
        }
        text.push_str(&format!("{divider}\n"));
    }
    let mut counts = Counts { error: responses.skipped.len(), ..Counts::default() };
    for answer in answers() {
        let audit_warn = args.on("audit-warn") && audits(&answer.policy);
        failures(answer, audit_warn, &mut text);
        counts.add(answer, audit_warn);
    }
    let Counts { pass, fail, warn, error, skip } = counts;
    text.push_str(&format!("\npass: {pass}, fail: {fail}, warn: {warn}, error: {error}, skip: {skip} \n"));
    let code = args.flag("warn-exit-code").and_then(|code| code.parse().ok()).unwrap_or(0);
    let status = match (fail + error, warn, pass) {
        (0, 1.., _) if code != 0 => {
            text.push_str(&format!("exit as warnExitCode is {code}"));
            code
        }
        (0, _, 0) if args.on("warn-no-pass") => {
            text.push_str("exit as no objects satisfied policy\n");
            code
        }
        (0, ..) => 0,
        _ => 1,
    };
    Output { stdout: text, status, ..Output::default() }
}

fn heading(data: &TestData) -> String {
    let rules = data.policies.iter().map(|policy| match classic(policy.clone()) {
        Ok(classic) if matches!(policy.kind(), "ClusterPolicy" | "Policy") => {
            classic.spec.rules.len() + autogen::status_rules(&classic).len()
        }
        _ => usize::from(!policy.kind().ends_with("Binding")),
    });
    let exceptions = data.exceptions.len() + data.cel_exceptions.len();
    let with = if exceptions > 0 { format!(" with {exceptions} exception(s)") } else { String::new() };
    format!("Applying {} policy rule(s) to {} resource(s){with}...", rules.sum::<usize>(), data.resources.len())
}

/// `namespace/kind/name`; the namespace of cluster-wide objects is empty.
fn place(answer: &EngineResponse) -> String {
    let object = &answer.resource;
    match format!("{}/{}/{}", object.namespace(), object.kind(), object.name()).as_str() {
        "//" => "JSON payload".to_owned(),
        place => place.to_owned(),
    }
}

/// An answer of a mutate pass, be it that no rule matched.
fn mutates(answer: &EngineResponse) -> bool {
    let rules = answer.policy.at(&["spec", "rules"]).and_then(Value::as_array).into_iter().flatten();
    match answer.rules.first() {
        Some(rule) => rule.rule_type == RuleType::Mutation,
        None => rules.into_iter().any(|rule| rule.get("mutate").is_some()),
    }
}

fn failures(answer: &EngineResponse, audit_warn: bool, text: &mut String) {
    let (policy, place) = (&answer.policy_name, place(answer));
    for rule in &answer.rules {
        text.push_str(&match (rule.rule_type, rule.status) {
            (RuleType::Mutation, Status::Skip) => format!("\nskipped mutate policy {policy} -> resource {place}\n"),
            (RuleType::Mutation, Status::Error) => {
                let words = &rule.message;
                format!("\nerror while applying mutate policy {policy} -> resource {place} \nerror:  {words}\n")
            }
            (RuleType::Generation, Status::Error) => {
                let words = &rule.message;
                format!("\nerror while applying generate policy {policy} -> resource {place} \nerror: {words}\n")
            }
            _ => String::new(),
        });
    }
    let failed: Vec<_> = answer.rules.iter().filter(|rule| rule.status == Status::Fail).collect();
    if failed.is_empty() {
        return;
    }
    let words = if audit_warn { "failed as audit warning:" } else { "failed:" };
    text.push_str(&format!("policy {policy} -> resource {place} {words}\n"));
    for (index, rule) in failed.into_iter().enumerate() {
        let message = if rule.message.is_empty() { "validation failed" } else { &rule.message };
        text.push_str(&format!("{} - {} {message}\n", index + 1, rule.name));
    }
}

/// `ResultCounts` of `processor/result.go`.
#[derive(Default)]
struct Counts {
    pass: usize,
    fail: usize,
    warn: usize,
    error: usize,
    skip: usize,
}

impl Counts {
    fn add(&mut self, answer: &EngineResponse, audit_warn: bool) {
        let warns = audit_warn && !answer.is_ruleless();
        // Kyverno counts MutatingPolicies when they are evaluated, and again when they are printed.
        let times =
            1 + usize::from(matches!(answer.policy_kind.as_str(), "MutatingPolicy" | "NamespacedMutatingPolicy"));
        for rule in &answer.rules {
            let count = match status_word(answer, rule) {
                "fail" if warns => &mut self.warn,
                "pass" => &mut self.pass,
                "fail" => &mut self.fail,
                "warn" => &mut self.warn,
                "error" => &mut self.error,
                _ if answer.policy_kind == "ValidatingAdmissionPolicy" => continue,
                _ => &mut self.skip,
            };
            *count += times;
        }
    }
}

/// Whether the failures of a policy are only audited: the first rule that states an action decides.
fn audits(policy: &Value) -> bool {
    let rules = policy.at(&["spec", "rules"]).and_then(Value::as_array).into_iter().flatten();
    let mut own = rules.into_iter().filter_map(|rule| rule.at(&["validate", "failureAction"]).and_then(Value::as_str));
    !is_enforce(own.next().unwrap_or_else(|| policy.str_at(&["spec", "validationFailureAction"])))
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;
    use crate::eval::verdict::RuleResponse;

    fn answer(kind: &str, rules: Vec<RuleResponse>) -> EngineResponse {
        let policy = json!({ "kind": kind, "metadata": { "name": "p" } });
        let resource = json!({ "apiVersion": "v1", "kind": "Namespace", "metadata": { "name": "a" } });
        EngineResponse { rules, ..EngineResponse::new(&policy, &resource) }
    }

    fn response(rule_type: RuleType, status: Status, message: &str) -> RuleResponse {
        RuleResponse::new("r", rule_type, status, message.to_owned())
    }

    // commands/apply/command.go
    #[test]
    fn failures_are_listed_and_errors_of_changes_told() {
        let said = |rules| {
            let mut text = String::new();
            failures(&answer("ClusterPolicy", rules), true, &mut text);
            text
        };
        let failed = response(RuleType::Validation, Status::Fail, "");
        let broken = response(RuleType::Validation, Status::Error, "x");
        let words = "policy p -> resource /Namespace/a failed as audit warning:\n1 - r validation failed\n";
        assert_eq!(said(vec![failed, broken.clone()]), words);
        assert_eq!(said(vec![broken]), "");
        let skipped = response(RuleType::Mutation, Status::Skip, "");
        assert_eq!(said(vec![skipped]), "\nskipped mutate policy p -> resource /Namespace/a\n");
    }

    // processor/result.go, processor/policy_processor.go
    #[test]
    fn changes_of_mutating_policies_count_twice() {
        let counted = |kind, status| {
            let mut counts = Counts::default();
            counts.add(&answer(kind, vec![response(RuleType::Mutation, status, "")]), false);
            (counts.pass, counts.skip)
        };
        assert_eq!(counted("ClusterPolicy", Status::Pass), (1, 0));
        assert_eq!(counted("MutatingPolicy", Status::Pass), (2, 0));
        assert_eq!(counted("ValidatingAdmissionPolicy", Status::Skip), (0, 0));
    }
}
