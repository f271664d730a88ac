//! The fields that an object may differ in from its manifest: those of `k8s-manifest-sigstore`, of Kyverno, and of the rule.

use regex::RegexSet;
use serde::Deserialize;
use serde_json::Value;

use crate::object::{ObjectExt, wildcard};

/// `ignoreFields[]`.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(default)]
pub(super) struct Binding {
    fields: Vec<String>,
    objects: Vec<Reference>,
}

/// `ignoreFields[].objects[]`; what is empty is any.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(default)]
struct Reference {
    group: String,
    version: String,
    kind: String,
    name: String,
    namespace: String,
}

impl Reference {
    fn is(&self, object: &Value) -> bool {
        let gvk = object.gvk();
        let pairs = [
            (&self.group, gvk.group.as_str()),
            (&self.version, &gvk.version),
            (&self.kind, &gvk.kind),
            (&self.name, object.name()),
            (&self.namespace, object.namespace()),
        ];
        pairs.into_iter().all(|(wanted, found)| wanted.is_empty() || wildcard::matches(wanted, found))
    }
}

const ANY_KIND: &[&str] = &[
    "metadata.managedFields.*",
    "metadata.resourceVersion",
    "metadata.selfLink",
    "metadata.annotations.kubectl.kubernetes.io/last-applied-configuration",
    "metadata.annotations.control-plane.alpha.kubernetes.io/leader",
    "metadata.annotations.deployment.kubernetes.io/revision",
    "metadata.annotations.deprecated.daemonset.template.generation",
    "metadata.annotations.namespace",
    "metadata.creationTimestamp",
    "metadata.generation",
    "metadata.uid",
    "metadata.finalizers",
    "metadata.namespace",
    "metadata.labels.app.kubernetes.io/instance",
    "status",
    "spec.containers.*.imagePullPolicy",
    "spec.containers.*.terminationMessagePath",
    "spec.containers.*.terminationMessagePolicy",
    "spec.dnsPolicy",
    "spec.restartPolicy",
    "spec.schedulerName",
    "spec.terminationGracePeriodSeconds",
];

/// What the API server and controllers fill in, by kind.
fn of_kind(kind: &str) -> &'static [&'static str] {
    match kind {
        "Pod" => &[
            "spec.volumes.*.name",
            "spec.volumes.*.projected.*",
            "spec.volumes.*.configMap.defaultMode",
            "spec.containers.*.volumeMounts.*",
            "spec.tolerations.*",
            "spec.enableServiceLinks",
            "spec.preemptionPolicy",
            "spec.priority",
            "spec.serviceAccount",
        ],
        "Deployment" => &[
            "spec.progressDeadlineSeconds",
            "spec.revisionHistoryLimit",
            "spec.strategy.*",
            "spec.template.metadata.creationTimestamp",
            "spec.containers.*.ports.*.protocol",
            "spec.containers.*.resources",
            "spec.securityContext",
        ],
        "CustomResourceDefinition" => &["spec.conversion.strategy", "spec.names.listKind"],
        "Service" => &[
            "spec.ports.*.nodePort",
            "spec.clusterIP",
            "spec.sessionAffinity",
            "spec.type",
            "spec.ipFamilies.*",
            "spec.ipFamilyPolicy",
            "spec.internalTrafficPolicy",
        ],
        "ClusterPolicy" | "Policy" => &[
            "metadata.annotations.pod-policies.kyverno.io/autogen-controllers",
            "spec.failurePolicy",
            "spec.background",
            "spec.validationFailureAction",
        ],
        "ServiceAccount" => &["secrets.*.name", "imagePullSecrets.*.name"],
        "Route" => &["spec.host"],
        _ => &[],
    }
}

/// The ignored fields of one object. `*` is any text, a field stands for what is below it, and a pattern may begin anywhere
/// in the path: they are regular expressions without anchors, dots included.
pub(super) struct Patterns(RegexSet);

impl Patterns {
    pub(super) fn of(object: &Value, domain: &str, own: &[Binding]) -> Self {
        let mut fields: Vec<String> =
            ANY_KIND.iter().chain(of_kind(object.kind())).map(|field| (*field).to_owned()).collect();
        let parts = ["message", "signature", "certificate", "bundle", "resourceBundleRef"];
        fields.extend(parts.iter().map(|part| format!("metadata.annotations.{domain}/{part}")));
        for binding in own.iter().filter(|binding| binding.objects.iter().any(|object_ref| object_ref.is(object))) {
            fields.extend(binding.fields.iter().cloned());
        }
        let expressions = fields.iter().map(|field| format!("{field}*").replace('*', ".*"));
        // A field of the rule that is no expression ignores nothing.
        let usable = expressions.filter(|expression| regex::Regex::new(expression).is_ok());
        Self(RegexSet::new(usable).unwrap_or_else(|_| RegexSet::empty()))
    }

    pub(super) fn contains(&self, key: &str) -> bool {
        self.0.is_match(key)
    }
}
