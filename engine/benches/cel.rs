//! A typical ValidatingPolicy on a Pod: compiled once, evaluated many times.

use std::collections::BTreeMap;
use std::hint::black_box;

use criterion::{Criterion, criterion_group, criterion_main};
use serde_json::{Value, json};
use stepgate_engine::eval::cel::validating::Compiled;
use stepgate_engine::eval::request::AdmissionRequest;
use stepgate_engine::eval::view::{Answer, ApiCall, View};
use stepgate_engine::eval::{EvalCx, Mode, Profile};
use stepgate_engine::object::gvk::{Gvk, Gvr};
use stepgate_engine::policy::validating::ValidatingPolicy;

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
        Some(true)
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

fn policy() -> Value {
    json!({
        "apiVersion": "policies.kyverno.io/v1", "kind": "ValidatingPolicy", "metadata": {"name": "require-non-root"},
        "spec": {
            "matchConstraints": {"resourceRules": [{
                "apiGroups": [""], "apiVersions": ["v1"], "resources": ["pods"], "operations": ["CREATE", "UPDATE"],
            }]},
            "variables": [{
                "name": "containers",
                "expression": "object.spec.containers + object.spec.?initContainers.orValue([])",
            }],
            "validations": [{
                "expression": "variables.containers.all(c, c.?securityContext.?runAsNonRoot.orValue(false) == true) || \
                               object.spec.?securityContext.?runAsNonRoot.orValue(false) == true",
                "message": "Containers must not run as root.",
            }],
        },
    })
}

fn pod() -> Value {
    let container = |name: &str| {
        json!({
            "name": name, "image": "registry.example.com/team/app:1.2.3",
            "ports": [{"containerPort": 8080, "protocol": "TCP"}],
            "env": [{"name": "A", "value": "1"}, {"name": "B", "valueFrom": {"fieldRef": {"fieldPath": "metadata.name"}}}],
            "resources": {"requests": {"cpu": "100m", "memory": "64Mi"}, "limits": {"memory": "128Mi"}},
            "securityContext": {"runAsNonRoot": true, "allowPrivilegeEscalation": false},
        })
    };
    json!({
        "apiVersion": "v1", "kind": "Pod",
        "metadata": {"name": "web", "namespace": "default", "labels": {"app": "web", "tier": "front"}},
        "spec": {
            "containers": [container("web"), container("sidecar")], "serviceAccountName": "web",
            "volumes": [{"name": "data", "emptyDir": {}}],
        },
    })
}

fn validating(criterion: &mut Criterion) {
    let policy = ValidatingPolicy::from_value(&policy()).unwrap_or_default();
    let Ok(compiled) = Compiled::new(&policy) else { return };
    let resource = Gvr { group: String::new(), version: "v1".to_owned(), resource: "pods".to_owned() };
    let request = AdmissionRequest::create(pod(), resource);
    let cx = EvalCx {
        request: &request,
        view: &Nothing,
        exceptions: &[],
        profile: Profile::V1_19,
        mode: Mode::Cli,
        trace: false,
    };
    criterion.bench_function("compile a ValidatingPolicy", |bench| {
        bench.iter(|| Compiled::new(black_box(&policy)).is_ok());
    });
    criterion.bench_function("evaluate a ValidatingPolicy on a Pod", |bench| {
        bench.iter(|| black_box(&compiled).evaluate(black_box(&cx), &[]).rules.len());
    });
}

criterion_group!(benches, validating);
criterion_main!(benches);
