//! `stepgate apply`: policies against resources, as `kyverno apply` without a cluster.

use indexmap::IndexMap;
use serde_json::Value;

use super::answers::Answers;
use super::args::Args;
use super::{Disk, End, mistakes, print};
use crate::object::ObjectExt;
use crate::object::gvk::Gvr;
use crate::scenario::kyverno_test::document::Test;
use crate::scenario::kyverno_test::load::{TestData, load};
use crate::scenario::kyverno_test::process::evaluate;
use crate::scenario::kyverno_test::response::EngineResponse;
use crate::scenario::kyverno_test::{cleanup, mocks};

const RESOURCES: &[&str] = &["--resource", "-r", "--resources"];
const TARGETS: &[&str] = &["--target-resource", "--target-resources"];
const PARAMETERS: &[&str] = &["--parameter-resource"];
const EXCEPTIONS: &[&str] = &["--exception", "-e", "--exceptions"];
const VALUES: &[&str] = &["--values", "--values-file", "-f"];
const SET: &[&str] = &["--set", "-s"];
const USER: &[&str] = &["--userinfo", "-u"];
const CONTEXT: &[&str] = &["--context", "--context-file"];
const WITHIN_RESOURCES: &[&str] = &["--exceptions-within-resources", "--exceptions-with-resources"];
const WITHIN_POLICIES: &str = "--exceptions-within-policies";
const AUDIT_WARN: &str = "--audit-warn";

pub(super) fn command(arguments: &[String]) -> End {
    run(arguments).unwrap_or_else(End::Misused)
}

fn run(arguments: &[String]) -> Result<End, String> {
    let valued = [VALUES, SET, USER, CONTEXT, &["--format"]].concat();
    let many = [RESOURCES, TARGETS, PARAMETERS, EXCEPTIONS, &["--json"]].concat();
    let flags = [WITHIN_RESOURCES, &[WITHIN_POLICIES, AUDIT_WARN]].concat();
    let args = Args::parse(arguments, &valued, &many, &flags)?;
    let format = args.choice("--format", &["table", "json", "report"])?;
    let asked = asked(&args)?;
    let wrong = mistakes::find(&asked.policies);
    let policies = asked.policies.clone();
    let places = || wrong.iter().map(mistakes::line).collect::<Vec<_>>().join("\n");
    let evaluated = load(&Disk, "", asked).and_then(|mut data| {
        complete(&mut data, &args)?;
        for (what, none) in
            [("policy", data.policies.is_empty()), ("resource", data.resources.is_empty() && data.payloads.is_empty())]
        {
            if none {
                print::err(&format!("no {what} found: nothing to apply\n"));
            }
        }
        let responses = evaluate(&data)?;
        Ok((cleanup::answers(&data)?, responses))
    });
    let (cleaned, responses) = evaluated.map_err(|words| if wrong.is_empty() { words } else { places() })?;
    if !wrong.is_empty() {
        print::err(&format!("{}\n", places()));
    }
    if !responses.skipped.is_empty() {
        let refusals = mistakes::refusals(&policies);
        refusals.iter().for_each(|one| print::err(&format!("{}\n", mistakes::line(one))));
        // Items of a List have no place of their own.
        for (policy, why) in responses.skipped.iter().filter(|_| refusals.is_empty()) {
            print::err(&format!("policy {policy} is invalid: {why}\n"));
        }
    }
    let all: Vec<&EngineResponse> = responses.trigger.values().flatten().chain(&cleaned).collect();
    let answers = Answers { all, audit_warn: args.has(AUDIT_WARN) };
    match format {
        "json" => print::out(&format!("{:#}\n", answers.json())),
        "report" => print::out(&answers.reports()),
        _ => print::out(&answers.table()),
    }
    let failed = !wrong.is_empty() || !responses.skipped.is_empty() || answers.broken();
    Ok(if failed { End::Failed } else { End::Fine })
}

/// `checkArguments`, and what is asked as if a test asked it.
fn asked(args: &Args) -> Result<Test, String> {
    let list = |names: &[&str]| {
        let paths = args.values(names).flat_map(|paths| paths.split(','));
        paths.filter(|path| !path.is_empty()).map(str::to_owned).collect::<Vec<_>>()
    };
    let last = |names: &[&str]| args.values(names).last().unwrap_or("").to_owned();
    let (policies, resources, payloads) = (args.operands.clone(), list(RESOURCES), list(&["--json"]));
    if policies.is_empty() || resources.is_empty() && payloads.is_empty() {
        return Err("apply needs policies and --resource".into());
    }
    if !resources.is_empty() && !payloads.is_empty() {
        return Err("--resource and --json cannot be used together: use one or the other".into());
    }
    if policies.iter().any(|path| path == "-") && resources.iter().any(|path| path == "-") {
        return Err("standard input (-) can be policies or resources, not both".into());
    }
    if args.values(VALUES).next().is_some() && args.values(SET).next().is_some() {
        return Err("--set and --values cannot be used together: write all values into the file".into());
    }
    Ok(Test {
        policies,
        resources,
        json_payloads: payloads,
        target_resources: list(TARGETS),
        param_resources: list(PARAMETERS),
        variables: last(VALUES),
        userinfo: last(USER),
        exceptions: list(EXCEPTIONS),
        context: last(CONTEXT),
        ..Test::default()
    })
}

/// What `kyverno apply` does beyond a test: values of `--set`, exceptions from other files, global context entries among the
/// resources, and API calls that the resources answer.
fn complete(data: &mut TestData, args: &Args) -> Result<(), String> {
    for written in args.values(SET).flat_map(|values| values.split(',')) {
        let (key, value) = written.split_once('=').ok_or_else(|| format!("--set {written}: write key=value"))?;
        if key.contains("request.object.") {
            return Err(format!("--set {written}: the resource itself cannot be set; write it into a values file"));
        }
        let values = data.outside.values.global_values.get_or_insert_with(IndexMap::new);
        values.insert(key.trim().to_owned(), Value::from(value.trim()));
    }
    let is_exception = |object: &&Value| object.kind() == "PolicyException";
    if WITHIN_RESOURCES.iter().any(|flag| args.has(flag)) {
        let found: Vec<Value> = data.resources.iter().filter(is_exception).cloned().collect();
        found.into_iter().for_each(|exception| except(data, exception));
    }
    if args.has(WITHIN_POLICIES) {
        let found: Vec<Value> = data.policies.iter().filter(is_exception).cloned().collect();
        found.into_iter().for_each(|exception| except(data, exception));
    }
    let is_entry = |object: &Value| object.kind() == "GlobalContextEntry" && object.api_version() == "kyverno.io/v2";
    let (entries, resources): (Vec<Value>, Vec<Value>) =
        std::mem::take(&mut data.resources).into_iter().partition(is_entry);
    data.resources = resources;
    for entry in entries {
        let wanted = |field: &str| entry.str_at(&["spec", "kubernetesResource", field]);
        let gvr = Gvr {
            group: wanted("group").into(),
            version: wanted("version").into(),
            resource: wanted("resource").into(),
        };
        let listed = |object: &&Value| {
            let own = data.outside.catalog.gvr_of(&object.gvk());
            own.unwrap_or_else(|| crate::object::catalog::guess_resource(&object.gvk())) == gvr
                && (wanted("namespace").is_empty() || wanted("namespace") == object.namespace())
        };
        let objects = [&data.resources, &data.targets, &data.params].into_iter().flatten().filter(listed).cloned();
        let value = mocks::projected(&entry, objects.collect());
        data.outside.global_context.insert(entry.name().to_owned(), value);
    }
    data.outside.local_calls = true;
    Ok(())
}

fn except(data: &mut TestData, exception: Value) {
    if exception.gvk().group == "kyverno.io" {
        data.exceptions.push(exception);
    } else {
        data.cel_exceptions.push(exception);
    }
}
