//! The public policy library against its own test resources: policies × resources per second.
//!
//! Set `STEPGATE_CONFORMANCE` to the folder that holds `policies/`, then run
//! `cargo bench --bench library`.

use std::collections::BTreeMap;
use std::hint::black_box;
use std::path::{Path, PathBuf};
use std::{env, fs};

use criterion::{Criterion, Throughput, criterion_group, criterion_main};
use serde_json::Value;
use stepgate_engine::eval::request::AdmissionRequest;
use stepgate_engine::eval::view::{Answer, ApiCall, View};
use stepgate_engine::eval::{EvalCx, Mode, Profile, engine};
use stepgate_engine::object::ObjectExt;
use stepgate_engine::object::gvk::{Gvk, Gvr};
use stepgate_engine::parse::yaml;
use stepgate_engine::policy::ClassicPolicy;
use stepgate_engine::policy::load::{self, Loaded};

/// No cluster and no outside.
struct Nothing;

impl View for Nothing {
    fn now(&self) -> (i64, u32) {
        (1_767_225_600, 0)
    }
    fn get(&self, _gvk: &Gvk, _namespace: &str, _name: &str) -> Option<Value> {
        None
    }
    fn list(&self, _gvk: &Gvk, _namespace: Option<&str>) -> Vec<Value> {
        Vec::new()
    }
    fn resource_of(&self, _gvk: &Gvk) -> Option<Gvr> {
        None
    }
    fn kind_of(&self, _gvr: &Gvr) -> Option<Gvk> {
        None
    }
    fn namespaced(&self, _gvk: &Gvk) -> Option<bool> {
        None
    }
    fn namespace_labels(&self, _namespace: &str) -> Option<BTreeMap<String, String>> {
        None
    }
    fn namespace_object(&self, _namespace: &str) -> Option<Value> {
        None
    }
    fn config_map(&self, _namespace: &str, _name: &str) -> Answer {
        Answer::Unavailable
    }
    fn api_call(&self, _call: &ApiCall) -> Answer {
        Answer::Unavailable
    }
    fn global_context(&self, _name: &str) -> Answer {
        Answer::Unavailable
    }
    fn image_data(&self, _image: &str) -> Answer {
        Answer::Unavailable
    }
    fn image_verified(&self, _image: &str, _attestor: &Value) -> Answer {
        Answer::Unavailable
    }
}

/// The policies of one folder and the resources of its test.
struct Case {
    policies: Vec<ClassicPolicy>,
    requests: Vec<AdmissionRequest>,
}

fn objects(path: &Path) -> Vec<Value> {
    let text = fs::read_to_string(path).unwrap_or_default();
    let documents = yaml::parse(&path.display().to_string(), &text).documents;
    documents.into_iter().flat_map(|document| load::unpack(document.value)).collect()
}

fn yaml_files(folder: &Path) -> Vec<PathBuf> {
    let entries = fs::read_dir(folder).into_iter().flatten().flatten().map(|entry| entry.path());
    let mut files: Vec<PathBuf> =
        entries.filter(|path| path.extension().is_some_and(|ext| ext == "yaml" || ext == "yml")).collect();
    files.sort();
    files
}

fn case(test: &Path) -> Option<Case> {
    let written = yaml_files(test.parent()?).into_iter().flat_map(|path| objects(&path));
    let policies = written.filter_map(|value| match load::load(value) {
        Ok(Loaded::Classic(policy)) => Some(*policy),
        _ => None,
    });
    let policies: Vec<ClassicPolicy> = policies.collect();
    let resources = yaml_files(test).into_iter().flat_map(|path| objects(&path));
    let resources =
        resources.filter(|value| !value.name().is_empty() && !value.api_version().starts_with("cli.kyverno.io"));
    let requests: Vec<_> = resources.map(|object| AdmissionRequest::create(object, Gvr::default())).collect();
    (!policies.is_empty() && !requests.is_empty()).then_some(Case { policies, requests })
}

fn cases(folder: &Path, out: &mut Vec<Case>) {
    let mut folders: Vec<PathBuf> = fs::read_dir(folder)
        .into_iter()
        .flatten()
        .flatten()
        .map(|entry| entry.path())
        .filter(|path| path.is_dir())
        .collect();
    folders.sort();
    for folder in folders {
        if folder.file_name().is_some_and(|name| name == ".kyverno-test") {
            out.extend(case(&folder));
        } else {
            cases(&folder, out);
        }
    }
}

fn evaluate(cases: &[Case], trace: bool) -> usize {
    let mut responses = 0;
    for case in cases {
        for policy in &case.policies {
            for request in &case.requests {
                let cx = EvalCx {
                    request,
                    view: &Nothing,
                    exceptions: &[],
                    profile: Profile::V1_19,
                    mode: Mode::Cli,
                    trace,
                };
                responses += engine::mutate(policy, &cx).rules.len();
                responses += engine::validate(policy, &cx).rules.len();
            }
        }
    }
    responses
}

fn library(criterion: &mut Criterion) {
    let Ok(root) = env::var("STEPGATE_CONFORMANCE") else { return };
    let mut all = Vec::new();
    cases(&Path::new(&root).join("policies"), &mut all);
    let pairs: usize = all.iter().map(|case| case.policies.len() * case.requests.len()).sum();
    let mut group = criterion.benchmark_group("library");
    group.sample_size(10).throughput(Throughput::Elements(pairs as u64));
    group.bench_function("without a trace", |bencher| bencher.iter(|| black_box(evaluate(&all, false))));
    group.bench_function("with a trace", |bencher| bencher.iter(|| black_box(evaluate(&all, true))));
    group.finish();
}

criterion_group!(benches, library);
criterion_main!(benches);
