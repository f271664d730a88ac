use serde_json::{Value, json};

use super::jmes_path;
use crate::eval::engine;
use crate::eval::fixture::{Cluster, at, create, policy};
use crate::eval::verdict::Verdict;

fn pod(image: &str) -> Value {
    json!({ "apiVersion": "v1", "kind": "Pod", "metadata": { "name": "x", "namespace": "ns" }, "spec": { "containers": [{ "name": "a", "image": image }] } })
}

fn cluster(signature: Value) -> Cluster {
    let image = "ghcr.io/x/y:1".to_owned();
    Cluster {
        images: [(image.clone(), json!({ "resolvedImage": format!("ghcr.io/x/y@sha256:{}", "a".repeat(64)) }))].into(),
        signatures: [(image, signature)].into(),
        ..Cluster::default()
    }
}

fn entry(more: Value) -> Value {
    let mut entry =
        json!({ "imageReferences": ["ghcr.io/x/*"], "mutateDigest": false, "verifyDigest": false, "required": false });
    entry.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
    json!({ "verifyImages": [entry] })
}

fn says(verdict: &Verdict) -> String {
    verdict.rules.iter().map(|rule| format!("{:?} {}", rule.status, rule.message)).collect::<Vec<_>>().join(" | ")
}

fn mutating(rule: Value, image: &str, signature: Value) -> Verdict {
    let (cluster, request) = (cluster(signature), create(pod(image)));
    engine::verify_images(&policy(rule), &at(&request, &cluster))
}

fn validating(rule: Value, object: Value) -> String {
    let (cluster, request) = (Cluster::default(), create(object));
    says(&engine::validate(&policy(rule), &at(&request, &cluster)))
}

fn keys() -> Value {
    json!({ "attestors": [{ "entries": [{ "keys": { "publicKeys": "k" } }] }] })
}

#[test]
fn digests_are_required() {
    let rule = || entry(json!({ "verifyDigest": true }));
    assert_eq!(validating(rule(), pod("ghcr.io/x/y:1")), "Fail missing digest for ghcr.io/x/y:1");
    assert_eq!(validating(rule(), pod(&format!("ghcr.io/x/y@sha256:{}", "a".repeat(64)))), "Pass image verified");
    assert_eq!(validating(rule(), pod("docker.io/other")), "");
    assert_eq!(validating(rule(), json!({ "apiVersion": "v1", "kind": "ConfigMap", "metadata": { "name": "x" } })), "");
}

#[test]
fn verification_is_required() {
    let rule = || entry(json!({ "required": true }));
    assert_eq!(validating(rule(), pod("ghcr.io/x/y:1")), "Fail unverified image ghcr.io/x/y:1");
    let noted = |word: &str| {
        let mut pod = pod("ghcr.io/x/y:1");
        let noted = json!({ "version": 1, "policies": { "/p": { "r": { "ghcr.io/x/y:1": word } } } });
        pod["metadata"]["annotations"] = json!({ "kyverno.io/verify-images-scoped": noted.to_string() });
        pod
    };
    assert_eq!(validating(rule(), noted("pass")), "Pass image verified");
    assert_eq!(validating(rule(), noted("skip")), "Skip image skipped, skipped images: ghcr.io/x/y:1");
    assert_eq!(validating(rule(), noted("fail")), "Fail unverified image ghcr.io/x/y:1");
}

#[test]
fn signatures() {
    let verdict = mutating(entry(keys()), "ghcr.io/x/y:1", json!(true));
    assert_eq!(says(&verdict), "Pass verified image signatures for ghcr.io/x/y:1");
    let annotations = &verdict.patched.unwrap()["metadata"]["annotations"];
    assert_eq!(annotations["kyverno.io/verify-images"], r#"{"ghcr.io/x/y:1":"pass"}"#);
    assert_eq!(
        annotations["kyverno.io/verify-images-scoped"],
        r#"{"version":1,"policies":{"/p":{"r":{"ghcr.io/x/y:1":"pass"}}}}"#
    );
    let unsigned = says(&mutating(entry(keys()), "ghcr.io/x/y:1", json!(false)));
    assert_eq!(
        unsigned,
        "Fail failed to verify image ghcr.io/x/y:1: .attestors[0].entries[0].keys: no signatures found"
    );
    assert!(
        says(&mutating(entry(keys()), "ghcr.io/x/y:2", json!(true)))
            .starts_with("Error failed to verify image ghcr.io/x/y:2: ")
    );
}

#[test]
fn older_way_of_writing() {
    let rule = json!({ "verifyImages": [{ "image": "ghcr.io/x/*", "key": "k", "mutateDigest": false }] });
    assert_eq!(says(&mutating(rule, "ghcr.io/x/y:1", json!(true))), "Pass verified image signatures for ghcr.io/x/y:1");
}

#[test]
fn digests_are_set() {
    let verdict = mutating(entry(json!({ "mutateDigest": true })), "ghcr.io/x/y:1", json!(true));
    assert_eq!(says(&verdict), "Pass mutated image digest");
    let image = format!("ghcr.io/x/y:1@sha256:{}", "a".repeat(64));
    assert_eq!(verdict.patched.unwrap()["spec"]["containers"][0]["image"], image.as_str());
    assert!(
        says(&mutating(entry(json!({ "mutateDigest": true })), "ghcr.io/x/z", json!(true)))
            .starts_with("Error failed to update digest: ")
    );
}

#[test]
fn skipped_references() {
    let mut rule = entry(keys());
    rule["verifyImages"][0]["skipImageReferences"] = json!(["*y*"]);
    let verdict = mutating(rule, "ghcr.io/x/y:1", json!(true));
    assert_eq!(says(&verdict), "Skip skipping image reference image ghcr.io/x/y:1, policy p ruleName r");
    assert!(verdict.rules[0].emit_warning);
}

#[test]
fn one_of_two_keys() {
    let key = "-----BEGIN PUBLIC KEY-----\nx\n-----END PUBLIC KEY-----";
    let set = |count: usize| {
        entry(
            json!({ "attestors": [{ "count": count, "entries": [{ "keys": { "publicKeys": format!("{key}{key}") } }] }] }),
        )
    };
    let message = "Fail failed to verify image ghcr.io/x/y:1: .attestors[0].entries[0].keys: no signatures found; .attestors[0].entries[1].keys: no signatures found";
    assert_eq!(says(&mutating(set(1), "ghcr.io/x/y:1", json!(false))), message);
    assert_eq!(
        says(&mutating(set(2), "ghcr.io/x/y:1", json!(true))),
        "Pass verified image signatures for ghcr.io/x/y:1"
    );
}

#[test]
fn attestations() {
    let rule = |value: &str| {
        entry(
            json!({ "attestations": [{ "type": "scan", "conditions": [{ "all": [{ "key": "{{ result }}", "operator": "Equals", "value": value }] }] }] }),
        )
    };
    let fact = json!({ "verified": true, "statements": [{ "type": "scan", "predicate": { "result": "ok" } }] });
    assert_eq!(
        says(&mutating(rule("ok"), "ghcr.io/x/y:1", fact.clone())),
        "Pass verified image attestations for ghcr.io/x/y:1"
    );
    assert_eq!(
        says(&mutating(rule("no"), "ghcr.io/x/y:1", fact)),
        "Fail image attestations verification failed, verifiedCount: 0, requiredCount: 1, error: .attestations[0].attestors[0].entries[0]: attestation checks failed for ghcr.io/x/y:1 and predicate scan: "
    );
}

#[test]
fn custom_extractors() {
    let mut rule = entry(json!({ "verifyDigest": true }));
    rule["imageExtractors"] = json!({ "Task": [{ "path": "/spec/image" }] });
    let task = json!({ "apiVersion": "x/v1", "kind": "Task", "metadata": { "name": "x" }, "spec": { "image": "ghcr.io/x/y:1" } });
    assert_eq!(validating(rule, task), "Fail missing digest for ghcr.io/x/y:1");
}

#[test]
fn pointers() {
    assert_eq!(jmes_path("/spec/containers/0/image"), "spec.containers[0].image");
}
