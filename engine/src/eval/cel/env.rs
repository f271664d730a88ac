//! The environments: which variables, types and libraries the expressions of a kind may use.
//!
//! Follows Kyverno `pkg/cel/compiler/env.go`, the compilers of the kinds, and the API server's `environment/base.go`.

use crate::expr::cel::{Env, Lib, Type};

/// Libraries of every Kyverno kind.
const KYVERNO: &[Lib] = &[
    Lib::Standard,
    Lib::Optional,
    Lib::OrValueCompat,
    Lib::Strings,
    Lib::Lists,
    Lib::Math,
    Lib::Sets,
    Lib::Encoders,
    Lib::Regex,
    Lib::Find,
    Lib::KubernetesLists,
    Lib::Url,
    Lib::Ip,
    Lib::Cidr,
    Lib::Quantity,
    Lib::Semver,
    Lib::Formats,
    Lib::Http,
    Lib::GlobalContext,
    Lib::Image,
    Lib::ImageData,
    Lib::Hash,
    Lib::Rounding,
    Lib::Json,
    Lib::Yaml,
    Lib::Random,
    Lib::Time,
    Lib::Transform,
    Lib::Gzip,
];

/// Libraries of the API server.
const KUBERNETES: &[Lib] = &[
    Lib::Standard,
    Lib::Optional,
    Lib::Strings,
    Lib::Sets,
    Lib::Encoders,
    Lib::Lists,
    Lib::Math,
    Lib::Find,
    Lib::KubernetesLists,
    Lib::Url,
    Lib::Ip,
    Lib::Cidr,
    Lib::Quantity,
    Lib::Semver,
    Lib::Formats,
];

/// The message type behind `variables` in Kyverno's kinds.
pub const KYVERNO_VARIABLES: &str = "kyverno.variables";
/// The message type behind `variables` in the API server's kinds.
pub const KUBERNETES_VARIABLES: &str = "kubernetes.variables";

/// The message type behind `request`.
const REQUEST: &str = "kubernetes.AdmissionRequest";

/// The environment of a Kyverno kind.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    /// `ValidatingPolicy`.
    Validating,
    /// `MutatingPolicy`.
    Mutating,
    /// `GeneratingPolicy`.
    Generating,
    /// `DeletingPolicy`.
    Deleting,
    /// `ImageValidatingPolicy`.
    Images,
    /// `ImageValidatingPolicy` of mode JSON.
    ImagesOfJson,
}

/// The environment of a Kyverno policy; a namespaced one may look into its own namespace only.
#[must_use]
pub fn kyverno(kind: Kind, namespace: &str) -> Env {
    let mut libs = KYVERNO.to_vec();
    libs.push(if namespace.is_empty() { Lib::Resource } else { Lib::NamespacedResource });
    match kind {
        Kind::Validating => libs.push(Lib::User),
        Kind::Mutating => libs.extend([Lib::User, Lib::JsonPatch]),
        Kind::Generating if namespace.is_empty() => libs.push(Lib::Generator),
        Kind::Generating => libs.push(Lib::NamespacedGenerator),
        Kind::Images | Kind::ImagesOfJson => libs.extend([Lib::User, Lib::ImageVerify]),
        Kind::Deleting => {}
    }
    let images = matches!(kind, Kind::Images | Kind::ImagesOfJson);
    if !images {
        libs.push(Lib::X509);
    }
    let mut env = if kind == Kind::ImagesOfJson { Env::new(&libs) } else { request_env(&libs) };
    env.declare("object", Type::Dyn);
    env.homogeneous = kind != Kind::Generating;
    // These compile under the API server's environment for stored expressions, which has all that it ever had.
    let stored = images || matches!(kind, Kind::Validating | Kind::Mutating);
    env.literals = stored;
    env.two_variables = stored;
    env.or_value_compat = !images;
    env.objects = matches!(kind, Kind::Mutating | Kind::Deleting);
    env.declare_field(REQUEST, "object", Type::Dyn);
    env.declare_field(REQUEST, "oldObject", Type::Dyn);
    env.declare_message(KYVERNO_VARIABLES);
    if kind != Kind::ImagesOfJson {
        env.declare("variables", Type::named(KYVERNO_VARIABLES));
    }
    if !images && kind != Kind::Deleting {
        env.declare_field("libs.Exception", "allowedImages", Type::list(Type::String));
        env.declare_field("libs.Exception", "allowedValues", Type::list(Type::String));
        env.declare("exceptions", Type::named("libs.Exception"));
    }
    if images {
        env.declare("images", Type::map(Type::String, Type::list(Type::String)));
        env.declare("attestors", Type::map(Type::String, Type::Dyn));
        env.declare("attestations", Type::map(Type::String, Type::String));
    }
    env
}

/// The environment of policies that answer a proxy.
#[must_use]
pub fn authorization() -> Env {
    let mut libs = KYVERNO.to_vec();
    libs.extend([Lib::Resource, Lib::Authorization]);
    let mut env = Env::new(&libs).variable("object", Type::Dyn);
    env.or_value_compat = true;
    env.declare_message(KYVERNO_VARIABLES);
    env.variable("variables", Type::named(KYVERNO_VARIABLES))
}

/// The environment in which images are selected.
#[must_use]
pub fn image_reference() -> Env {
    Env::new(KYVERNO).variable("ref", Type::String)
}

/// What the API server's expressions may use.
#[derive(Clone, Copy, Debug, Default)]
pub struct Kubernetes {
    /// `params`.
    pub params: bool,
    /// `authorizer`.
    pub authorizer: bool,
    /// `Object{…}` and `JSONPatch{…}`.
    pub patches: bool,
    /// `variables`.
    pub variables: bool,
}

/// The environment of the API server's policies, of `validate.cel` and of webhook match conditions.
#[must_use]
pub fn kubernetes(has: Kubernetes) -> Env {
    let mut libs = KUBERNETES.to_vec();
    // Its function has no name that can be written; only an environment that asks for it ever calls it.
    libs.push(Lib::OrValueCompat);
    if has.authorizer {
        libs.push(Lib::Authorizer);
    }
    if has.patches {
        libs.push(Lib::JsonPatch);
    }
    let mut env = request_env(&libs);
    env.homogeneous = true;
    env.literals = true;
    env.two_variables = true;
    env.objects = has.patches;
    if has.params {
        env.declare("params", Type::Dyn);
    }
    if has.authorizer {
        env.declare("authorizer", Type::named("kubernetes.authorization.Authorizer"));
        let check = Type::named("kubernetes.authorization.ResourceCheck");
        env.declare_field("kubernetes.authorization.Authorizer", "requestResource", check);
    }
    if has.variables {
        env.declare_message(KUBERNETES_VARIABLES);
        env.declare("variables", Type::named(KUBERNETES_VARIABLES));
    }
    env
}

/// `object`, `oldObject`, `request` and `namespaceObject`.
fn request_env(libs: &[Lib]) -> Env {
    let mut env = Env::new(libs)
        .variable("object", Type::Dyn)
        .variable("oldObject", Type::Dyn)
        .variable("request", Type::named(REQUEST))
        .variable("namespaceObject", Type::named("kubernetes.Namespace"));
    for (message, fields) in MESSAGES {
        for field in fields.split(';') {
            let Some((name, t)) = field.split_once(':') else { continue };
            env.declare_field(message, name.trim(), Type::parse(t));
        }
    }
    env
}

/// Fields of the API server's message types (`plugin/cel/compile.go`).
const MESSAGES: &[(&str, &str)] = &[
    (
        "kubernetes.AdmissionRequest",
        "kind: kubernetes.GroupVersionKind; resource: kubernetes.GroupVersionResource; subResource: string; requestKind: kubernetes.GroupVersionKind; requestResource: kubernetes.GroupVersionResource; \
         requestSubResource: string; name: string; namespace: string; operation: string; userInfo: kubernetes.UserInfo; \
         dryRun: bool; options: dyn",
    ),
    ("kubernetes.GroupVersionKind", "group: string; version: string; kind: string"),
    ("kubernetes.GroupVersionResource", "group: string; version: string; resource: string"),
    ("kubernetes.UserInfo", "username: string; uid: string; groups: list(string); extra: map(string, list(string))"),
    (
        "kubernetes.Namespace",
        "metadata: kubernetes.NamespaceMetadata; spec: kubernetes.NamespaceSpec; status: kubernetes.NamespaceStatus",
    ),
    (
        "kubernetes.NamespaceMetadata",
        "name: string; generateName: string; namespace: string; labels: map(string, string); \
         annotations: map(string, string); UID: string; creationTimestamp: timestamp; deletionTimestamp: timestamp; \
         deletionGracePeriodSeconds: int; generation: int; resourceVersion: string; finalizers: list(string)",
    ),
    ("kubernetes.NamespaceSpec", "finalizers: list(string)"),
    ("kubernetes.NamespaceStatus", "phase: string; conditions: list(kubernetes.NamespaceCondition)"),
    (
        "kubernetes.NamespaceCondition",
        "status: string; type: string; lastTransitionTime: timestamp; message: string; reason: string",
    ),
];
