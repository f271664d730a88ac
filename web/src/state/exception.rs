//! An exception for one object, as a document.

use serde_json::{Value, json};
use stepgate_engine::object::gvk::ObjectRef;

/// The file name and the text of an exception that lifts a rule for an object; none where the kind of policy knows no exceptions.
pub fn text(kind: &str, policy: &str, rule: &str, subject: &ObjectRef, namespace: &str) -> Option<(String, String)> {
    let bare = policy.rsplit('/').next().unwrap_or(policy);
    let name = format!("allow-{}", subject.name);
    let metadata = json!({"name": name, "namespace": namespace});
    let object: Value = match kind {
        "ClusterPolicy" | "Policy" => {
            let rule = if rule.is_empty() { "*" } else { rule };
            let mut resources = json!({"kinds": [subject.kind], "names": [subject.name]});
            if !subject.namespace.is_empty()
                && let Some(map) = resources.as_object_mut()
            {
                map.insert("namespaces".to_owned(), json!([subject.namespace]));
            }
            json!({"apiVersion": "kyverno.io/v2", "kind": "PolicyException", "metadata": metadata, "spec": {
                "exceptions": [{"policyName": policy, "ruleNames": [rule]}],
                "match": {"any": [{"resources": resources}]},
            }})
        }
        _ if kind.ends_with("Policy") && !kind.contains("Admission") => {
            let expression = format!("object.metadata.name == '{}'", subject.name);
            json!({"apiVersion": "policies.kyverno.io/v1", "kind": "PolicyException", "metadata": metadata, "spec": {
                "policyRefs": [{"name": bare, "kind": kind}],
                "matchConditions": [{"name": "only-this", "expression": expression}],
            }})
        }
        _ => return None,
    };
    Some(("exception.yaml".to_owned(), crate::yaml::text(&object)))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn made(kind: &str, namespace: &str) -> String {
        let subject = ObjectRef {
            api_version: "v1".to_owned(),
            kind: "Pod".to_owned(),
            namespace: namespace.to_owned(),
            name: "web".to_owned(),
        };
        text(kind, "team", "r", &subject, "default").map(|(_, text)| text).unwrap_or_default()
    }

    #[test]
    fn writes_an_exception_for_each_family() {
        let classic = made("ClusterPolicy", "shop");
        assert!(classic.contains("policyName: team") && classic.contains("namespaces:\n        - shop"), "{classic}");
        assert!(!made("ClusterPolicy", "").contains("namespaces"));
        assert!(made("ValidatingPolicy", "").contains("object.metadata.name == 'web'"));
        assert_eq!(made("ValidatingAdmissionPolicy", ""), "");
    }
}
