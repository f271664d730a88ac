//! The Kyverno ConfigMap and the flags of its controllers, as the chart sets them, changed by a scenario's `config`.

use serde::Deserialize;
use serde_json::Value;

/// The namespace Kyverno is installed in.
pub const KYVERNO_NAMESPACE: &str = "kyverno";

/// Kyverno's own users.
pub const BACKGROUND_USER: &str = "system:serviceaccount:kyverno:kyverno-background-controller";
/// The admission controller.
pub const ADMISSION_USER: &str = "system:serviceaccount:kyverno:kyverno-admission-controller";
/// The cleanup controller.
pub const CLEANUP_USER: &str = "system:serviceaccount:kyverno:kyverno-cleanup-controller";
/// The reports controller.
pub const REPORTS_USER: &str = "system:serviceaccount:kyverno:kyverno-reports-controller";

/// `resourceFilters` of the chart's ConfigMap, as `[kind,namespace,name]`.
const RESOURCE_FILTERS: &[&str] = &[
    "[Event,*,*]",
    "[*/*,kube-system,*]",
    "[*/*,kube-public,*]",
    "[*/*,kube-node-lease,*]",
    "[Node,*,*]",
    "[Node/?*,*,*]",
    "[APIService,*,*]",
    "[APIService/?*,*,*]",
    "[TokenReview,*,*]",
    "[SubjectAccessReview,*,*]",
    "[SelfSubjectAccessReview,*,*]",
    "[Binding,*,*]",
    "[Pod/binding,*,*]",
    "[ReplicaSet,*,*]",
    "[ReplicaSet/?*,*,*]",
    "[EphemeralReport,*,*]",
    "[ClusterEphemeralReport,*,*]",
    "[*/*,kyverno,*]",
];

/// What a scenario may set under `config`.
#[derive(Clone, Debug, Deserialize)]
#[serde(rename_all = "camelCase", default, deny_unknown_fields)]
pub struct Config {
    /// `[kind,namespace,name]` filters: what they name never reaches a policy.
    pub resource_filters: Vec<String>,
    /// Users whose requests are let through.
    pub exclude_usernames: Vec<String>,
    /// Groups whose requests are let through.
    pub exclude_groups: Vec<String>,
    /// Roles whose requests are let through.
    pub exclude_roles: Vec<String>,
    /// Cluster roles whose requests are let through.
    pub exclude_cluster_roles: Vec<String>,
    /// Namespaces that the webhooks do not select.
    pub exclude_namespaces: Vec<String>,
    /// `--enablePolicyException`; off in the chart, on here where a scenario has exceptions.
    pub policy_exceptions: Option<bool>,
    /// `--exceptionNamespace`; `*` is every namespace.
    pub exception_namespace: String,
    /// `generateSuccessEvents`.
    pub generate_success_events: bool,
    /// `--omitEvents`.
    pub omit_events: Vec<String>,
    /// `--forceFailurePolicyIgnore`.
    pub force_failure_policy_ignore: bool,
    /// Kyverno cannot be reached: `failurePolicy` decides.
    pub unreachable: bool,
    /// Every kind is accepted, as though its CRD were there.
    pub accept_unknown_kinds: bool,
    /// `--protectManagedResources`.
    pub protect_managed_resources: bool,
    /// `--generateValidatingAdmissionPolicy`.
    pub generate_validating_admission_policy: bool,
    /// `--generateMutatingAdmissionPolicy`.
    pub generate_mutating_admission_policy: bool,
    /// `openreports.io` instead of `wgpolicyk8s.io`.
    pub open_reports: bool,
    /// `enableDefaultRegistryMutation` and its registry.
    pub default_registry: String,
    /// `updateRequestThreshold`.
    pub update_request_threshold: usize,
}

impl Default for Config {
    fn default() -> Self {
        let words = |list: &[&str]| list.iter().map(|word| (*word).to_owned()).collect();
        Self {
            resource_filters: words(RESOURCE_FILTERS),
            exclude_usernames: Vec::new(),
            exclude_groups: words(&["system:nodes"]),
            exclude_roles: Vec::new(),
            exclude_cluster_roles: Vec::new(),
            exclude_namespaces: words(&["kube-system", KYVERNO_NAMESPACE]),
            policy_exceptions: None,
            exception_namespace: "*".to_owned(),
            generate_success_events: false,
            omit_events: words(&["PolicyApplied"]),
            force_failure_policy_ignore: false,
            unreachable: false,
            accept_unknown_kinds: true,
            protect_managed_resources: false,
            generate_validating_admission_policy: true,
            generate_mutating_admission_policy: false,
            open_reports: false,
            default_registry: "docker.io".to_owned(),
            update_request_threshold: 1000,
        }
    }
}

impl Config {
    /// Reads a scenario's `config`.
    ///
    /// # Errors
    /// Names the unknown or ill-typed key.
    pub fn read(value: &Value) -> Result<Self, String> {
        if value.is_null() {
            return Ok(Self::default());
        }
        serde_json::from_value(value.clone()).map_err(|error| error.to_string())
    }
}
