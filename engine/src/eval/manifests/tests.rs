use serde_json::{Value, json};

use crate::eval::engine;
use crate::eval::fixture::{Cluster, at, create, policy};

const KEY_1: &str = "-----BEGIN PUBLIC KEY-----
MFkwEwYHKoZIzj0CAQYIKoZIzj0DAQcDQgAEyQfmL5YwHbn9xrrgG3vgbU0KJxMY
BibYLJ5L4VSMvGxeMLnBGdM48w5IE//6idUPj3rscigFdHs7GDMH4LLAng==
-----END PUBLIC KEY-----";
const KEY_2: &str = "-----BEGIN PUBLIC KEY-----
MFkwEwYHKoZIzj0CAQYIKoZIzj0DAQcDQgAEE8uGVnyDWPPlB7M5KOHRzxzPHtAy
FdGxexVrR4YqO1pRViKxmD9oMu4I7K/4sM51nbH65ycB2uRiDfIdRoV/+A==
-----END PUBLIC KEY-----";
const ARCHIVE: &str = "H4sIAAAAAAAA/wAuAdH+H4sIAAAAAAAA/+yPPW7rMBCEVesUewE90aJ+bHYPqQMYiJE2YKS1IlgUid21E/v0geggVeDK7vQ1M+RMsUPI/kgtZjz0mbjw72zdmNwXpZSqyzJqU1dRVXF9R6t1siq11rouikYnShdNrRJQd77jT44slhKl6HDs/I0ei93vb+Q/W341P1nK937skDg/V3lVrvXb5Li5VO+duHZz+HJOf37M5X7Kd3nrXSBkHqY+E0tZf8lQ4UYXVVPrrnjA9BkbhlckHvxk4LRKD8PUGXhBOg0tpg7FdlasSQEm69CAIEvG17hIOWA7Z8GT8GyyaA2sVQoAEMiLb/1oYPe0jT9iqUfZxtJGN3UKwDhiK55MLNgQDDyf/4eQPmjxwsLCwsLMdwAAAP//a1+4aAAIAAABAAD//9BEPkguAQAA";
const ARCHIVE_1: &str =
    "MEUCIGsd5kBomJgAJKbzoaoaDt5sWGSdA9EPGon4XY3Jmg9XAiEAwtqhN7tRzXNP3y0l5h2nxzg0WRnitCONiPi+BSP1e5Y=";
const PLAIN: &str = "H4sIAAAAAAAA/ySKTarDMAwG9zrFd4HAewT6o13puhBo6V44opgmtrBEoLcvcXfDzIjlpzbPtTC2f3rnMjPu2raclFYNmSWECSiyKiPUY/BfHslN096stvAdho6M0x8BgLUaNdWF8bhO3YS0l8bUp/N4PBDgumiK2rgPYsa4fS5m9A0AAP//mX2z9ZsAAAA=";
const PLAIN_1: &str =
    "MEYCIQDMIHC26nBdO/GeFZpP1CNdmGVO41w5P0PCN4DemLk/mgIhAJ04E76kz25pkUXHxrfKIWVKuD+KGw5TStPNWZPCqPLK";
const PLAIN_2: &str =
    "MEQCIDZ7YUjwtSvjgaOLaXQiT2F7P00FUC+QZqI8DcBjMlgVAiAMojKmnl7TRkqpPMXBsz6rWIMU8VpfItcQ5QrLKLQRHg==";

fn service(name: &str, app: &str, annotations: &[(&str, &str)]) -> Value {
    let annotations: serde_json::Map<String, Value> =
        annotations.iter().map(|(key, value)| (format!("cosign.sigstore.dev/{key}"), json!(value))).collect();
    json!({
        "apiVersion": "v1", "kind": "Service", "metadata": { "name": name, "annotations": annotations },
        "spec": { "ports": [{ "port": 80, "protocol": "TCP", "targetPort": 9376 }], "selector": { "app": app }, "clusterIP": "10.0.0.1" },
    })
}

fn two(app: &str) -> Value {
    service("test-service3", app, &[("message", PLAIN), ("signature", PLAIN_1), ("signature_1", PLAIN_2)])
}

fn says(object: Value, keys: &[&str], count: usize) -> String {
    let entries: Vec<Value> = keys.iter().map(|key| json!({ "keys": { "publicKeys": key } })).collect();
    let rule = json!({ "validate": { "manifests": { "attestors": [{ "count": count, "entries": entries }] } } });
    let (cluster, request) = (Cluster::default(), create(object));
    let verdict = engine::validate(&policy(rule), &at(&request, &cluster));
    verdict.rules.iter().map(|rule| format!("{:?} {}", rule.status, rule.message)).collect()
}

#[test]
fn signed_manifests() {
    let good = "singed by a valid signer: ";
    let one = service("test-service2", "MyApp", &[("message", ARCHIVE), ("signature", ARCHIVE_1)]);
    assert_eq!(
        says(one.clone(), &[KEY_1, KEY_2], 1),
        format!(
            "Pass verified manifest signatures; manifest verification succeeded; verifiedCount 1; requiredCount 1; message {good}"
        )
    );
    assert_eq!(
        says(two("MyApp"), &[KEY_1, KEY_2], 0),
        format!(
            "Pass verified manifest signatures; manifest verification succeeded; verifiedCount 2; requiredCount 2; message {good},{good}"
        )
    );
    assert_eq!(
        says(one, &[KEY_1, KEY_2], 2),
        "Error error occurred during manifest verification: .attestors[0].entries[0].keys: failed to verify signature: verification failed for 1 signature. all trials: \
         [\"[publickey 1/1] [signature 1/1] error: cosign.VerifyBlobCmd.Exec() returned an error: invalid signature when validating ASN.1 encoded signature\"]"
    );
}

#[test]
fn changed_objects() {
    let words = says(two("NotMyApp"), &[KEY_1], 1);
    let diff = r#"{"items":[{"key":"spec.selector.app","values":{"after":"NotMyApp","before":"MyApp"}}]}"#;
    assert_eq!(
        words,
        format!(
            "Fail manifest verification failed; verifiedCount 0; requiredCount 1; message .attestors[0].entries[0].keys: failed to verify signature. diff found; {diff}"
        )
    );
}

#[test]
fn unsigned_objects() {
    let none = "Fail manifest verification failed; verifiedCount 0; requiredCount 1; message .attestors[0].entries[0].keys: YAML manifest not found for this resource: message not found";
    assert_eq!(says(service("x", "MyApp", &[]), &[KEY_1], 1), none);
    assert_eq!(says(service("other", "MyApp", &[("message", PLAIN), ("signature", PLAIN_1)]), &[KEY_1], 1), none);
    let unsigned = says(service("test-service3", "MyApp", &[("message", PLAIN)]), &[KEY_1], 1);
    assert!(unsigned.ends_with(".keys: failed to verify signature: signature not found"), "{unsigned}");
}
