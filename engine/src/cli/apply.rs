//! `stepgate apply`: policies against resources, as `kyverno apply` without a cluster.

use serde_json::{Value, json};

use super::args::Args;
use super::{Disk, End, print};
use crate::eval::verdict::{RuleResponse, Status};
use crate::object::ObjectExt;
use crate::parse;
use crate::scenario::kyverno_test::document::Test;
use crate::scenario::kyverno_test::load::load;
use crate::scenario::kyverno_test::matching::status_word;
use crate::scenario::kyverno_test::process::evaluate;
use crate::scenario::kyverno_test::response::EngineResponse;

pub(super) fn command(arguments: &[String]) -> End {
    run(arguments).unwrap_or_else(End::Misused)
}

fn run(arguments: &[String]) -> Result<End, String> {
    let valued = ["--values", "-f", "--format", "--userinfo", "--exception", "--context"];
    let args = Args::parse(arguments, &valued, &["--resource", "-r"], &[])?;
    let format = args.choice("--format", &["table", "json", "report"])?;
    let list = |names: &[&str]| args.values(names).map(str::to_owned).collect::<Vec<_>>();
    let last = |names: &[&str]| args.values(names).last().unwrap_or("").to_owned();
    if args.operands.is_empty() || args.values(&["--resource", "-r"]).next().is_none() {
        return Err("apply needs policies and --resource".into());
    }
    let asked = Test {
        policies: args.operands.clone(),
        resources: list(&["--resource", "-r"]),
        variables: last(&["--values", "-f"]),
        userinfo: last(&["--userinfo"]),
        exceptions: list(&["--exception"]),
        context: last(&["--context"]),
        ..Test::default()
    };
    let responses = evaluate(&load(&Disk, "", asked)?)?;
    for (policy, why) in &responses.skipped {
        print::err(&format!("policy {policy} is invalid: {why}\n"));
    }
    let answers: Vec<&EngineResponse> = responses.trigger.values().flatten().collect();
    match format {
        "json" => print::out(&format!("{:#}\n", to_json(&answers))),
        "report" => print::out(&reports(&answers)),
        _ => print::out(&to_table(&answers)),
    }
    let broken = |rule: &RuleResponse| matches!(rule.status, Status::Fail | Status::Error);
    let failed = !responses.skipped.is_empty() || answers.iter().any(|answer| answer.rules.iter().any(broken));
    Ok(if failed { End::Failed } else { End::Fine })
}

fn place(object: &Value) -> String {
    let parts = [object.namespace(), object.kind(), object.name()];
    parts.into_iter().filter(|part| !part.is_empty()).collect::<Vec<_>>().join("/")
}

fn to_table(answers: &[&EngineResponse]) -> String {
    let mut rows = vec![["POLICY", "RULE", "RESOURCE", "RESULT", "MESSAGE"].map(str::to_owned).to_vec()];
    let mut counts = [("pass", 0), ("fail", 0), ("warn", 0), ("error", 0), ("skip", 0)];
    for (answer, rule) in answers.iter().flat_map(|answer| answer.rules.iter().map(move |rule| (answer, rule))) {
        let word = status_word(answer, rule);
        for (_, count) in counts.iter_mut().filter(|(name, _)| *name == word) {
            *count += 1;
        }
        let message = rule.message.split_whitespace().collect::<Vec<_>>().join(" ");
        rows.push(vec![
            answer.policy_name.clone(),
            rule.name.clone(),
            place(&answer.resource),
            word.to_owned(),
            message,
        ]);
    }
    let summary: Vec<String> = counts.iter().map(|(name, count)| format!("{name}: {count}")).collect();
    format!("{}\n{}\n", print::table(&rows), summary.join(", "))
}

fn to_json(answers: &[&EngineResponse]) -> Value {
    let one = |answer: &&EngineResponse| {
        let rules = answer.rules.iter().map(|rule| {
            json!({"rule": rule.name, "result": status_word(answer, rule), "message": rule.message,
                "patchedTarget": rule.patched_target, "generated": rule.generated})
        });
        json!({"policy": answer.policy_name, "policyNamespace": answer.policy_namespace, "resource": place(&answer.resource),
            "patched": (answer.patched != answer.resource).then_some(&answer.patched), "rules": rules.collect::<Vec<_>>()})
    };
    answers.iter().map(one).collect()
}

/// A PolicyReport or ClusterPolicyReport per policy.
fn reports(answers: &[&EngineResponse]) -> String {
    let mut names: Vec<(String, String)> =
        answers.iter().map(|answer| (answer.policy_namespace.clone(), answer.policy_name.clone())).collect();
    names.sort();
    names.dedup();
    let documents = names.into_iter().map(|(namespace, name)| {
        let own = answers.iter().filter(|answer| answer.policy_name == name && answer.policy_namespace == namespace);
        let results: Vec<Value> = own.flat_map(|answer| answer.rules.iter().map(move |rule| result(answer, rule))).collect();
        let count = |word: &str| results.iter().filter(|result| result.str_at(&["result"]) == word).count();
        let kind = if namespace.is_empty() { "ClusterPolicyReport" } else { "PolicyReport" };
        let mut report = json!({"apiVersion": "wgpolicyk8s.io/v1alpha2", "kind": kind, "metadata": {"name": name}});
        if !namespace.is_empty() {
            report.set_at(&["metadata", "namespace"], json!(namespace));
        }
        let summary = json!({"pass": count("pass"), "fail": count("fail"), "warn": count("warn"), "error": count("error"), "skip": count("skip")});
        report.set_at(&["summary"], summary);
        report.set_at(&["results"], Value::Array(results));
        parse::emit(&report)
    });
    documents.collect::<Vec<_>>().join("---\n")
}

fn result(answer: &EngineResponse, rule: &RuleResponse) -> Value {
    let object = &answer.resource;
    let annotation = |name: &str| answer.policy.annotations().get(&format!("policies.kyverno.io/{name}")).cloned();
    let mut resource = json!({"apiVersion": object.api_version(), "kind": object.kind(), "name": object.name()});
    if !object.namespace().is_empty() {
        resource.set_at(&["namespace"], json!(object.namespace()));
    }
    let key = if answer.policy_namespace.is_empty() {
        answer.policy_name.clone()
    } else {
        format!("{}/{}", answer.policy_namespace, answer.policy_name)
    };
    let mut result = json!({"source": "kyverno", "policy": key, "rule": rule.name, "result": status_word(answer, rule),
        "message": rule.message, "scored": annotation("scored").as_deref() != Some("false"), "resources": [resource]});
    for name in ["severity", "category"] {
        if let Some(value) = annotation(name) {
            result.set_at(&[name], json!(value));
        }
    }
    result
}
