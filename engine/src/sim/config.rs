//! The Kyverno ConfigMap and the flags of its controllers, as the chart sets them, changed by a scenario's `config`.

use serde::Deserialize;
use serde_json::Value;

use crate::object::{ObjectExt, read};

/// The namespace Kyverno is installed in.
pub const KYVERNO_NAMESPACE: &str = "kyverno";

pub use crate::policy::service_accounts::{ADMISSION_USER, BACKGROUND_USER, CLEANUP_USER, REPORTS_USER};

/// `resourceFilters` of the chart's ConfigMap, as `[kind,namespace,name]`.
pub const RESOURCE_FILTERS: &[&str] = &[
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

const REGISTRY: &str = "docker.io";
const THRESHOLD: usize = 1000;

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
    /// `successEventActions`: the actions that success events are written for; all when empty.
    pub success_event_actions: Vec<String>,
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
    /// `--validatingAdmissionPolicyReports`.
    pub validating_admission_policy_reports: bool,
    /// `--mutatingAdmissionPolicyReports`.
    pub mutating_admission_policy_reports: bool,
    /// What users and Kyverno's service accounts may do is looked up in the roles of the cluster; without it everybody may
    /// do everything.
    pub permissions: bool,
    /// `--allowedResults`: the results that reports keep; all when empty.
    pub allowed_results: Vec<String>,
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
            success_event_actions: Vec::new(),
            omit_events: words(&["PolicyApplied"]),
            force_failure_policy_ignore: false,
            unreachable: false,
            accept_unknown_kinds: true,
            protect_managed_resources: false,
            generate_validating_admission_policy: true,
            generate_mutating_admission_policy: false,
            validating_admission_policy_reports: true,
            mutating_admission_policy_reports: false,
            permissions: false,
            allowed_results: Vec::new(),
            open_reports: false,
            default_registry: REGISTRY.to_owned(),
            update_request_threshold: THRESHOLD,
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
        read::read(value).map_err(|error| error.to_string())
    }

    /// Takes over what the ConfigMap of Kyverno says (`pkg/config/config.go`): what it leaves out is unset.
    pub(super) fn follow(&mut self, map: &Value) {
        let data = |key: &str| map.str_at(&["data", key]);
        let list = |key: &str| -> Vec<String> {
            data(key).split(',').map(str::trim).filter(|word| !word.is_empty()).map(str::to_owned).collect()
        };
        let filters = data("resourceFilters").split('[').filter_map(|part| part.split_once(']'));
        self.resource_filters = filters.map(|(inside, _)| format!("[{inside}]")).collect();
        self.exclude_groups = list("excludeGroups");
        self.exclude_usernames = list("excludeUsernames");
        self.exclude_roles = list("excludeRoles");
        self.exclude_cluster_roles = list("excludeClusterRoles");
        self.generate_success_events = data("generateSuccessEvents") == "true";
        self.success_event_actions = list("successEventActions");
        self.default_registry =
            Some(data("defaultRegistry")).filter(|name| !name.is_empty()).unwrap_or(REGISTRY).to_owned();
        self.update_request_threshold = data("updateRequestThreshold").parse().unwrap_or(THRESHOLD);
    }
}
