//! The policies of policies.kyverno.io as Kyverno's providers hold them: compiled once, when they are written.

use std::rc::Rc;

use serde::Deserialize;
use serde_json::Value;

use super::reports::Reporter;
use super::store::Store;
use crate::eval::cel::compile::Problem;
use crate::eval::cel::{autogen, deleting, generating, images, mutating, validating};
use crate::eval::trace::{Outcome, TraceNode};
use crate::eval::verdict::{Status, Verdict};
use crate::object::ObjectExt;
use crate::object::read;
use crate::policy::MatchCondition;
use crate::policy::cel_exception::CelException;
use crate::policy::constraints::{Autogen, CelPolicy, Evaluation, MatchResources, NamedRule, WebhookTimeout};
use crate::policy::deleting::DeletingPolicy;
use crate::policy::generating::GeneratingPolicy;
use crate::policy::image_validating::ImageValidatingPolicy;
use crate::policy::mutating::MutatingPolicy;
use crate::policy::validating::ValidatingPolicy;

/// The version of Kyverno's compilers (`vpolCompilerVersion` and its like).
const VERSION: &str = "1.0";

/// What a policy is about; the namespaced kind belongs to the same family.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Family {
    /// `ValidatingPolicy`.
    Validating,
    /// `MutatingPolicy`.
    Mutating,
    /// `ImageValidatingPolicy`.
    Images,
    /// `GeneratingPolicy`.
    Generating,
}

impl Family {
    /// The family of a kind.
    #[must_use]
    pub fn of(kind: &str) -> Option<Self> {
        match kind.strip_prefix("Namespaced").unwrap_or(kind) {
            "ValidatingPolicy" => Some(Self::Validating),
            "MutatingPolicy" => Some(Self::Mutating),
            "ImageValidatingPolicy" => Some(Self::Images),
            "GeneratingPolicy" => Some(Self::Generating),
            _ => None,
        }
    }

    /// `source` of its report rows.
    #[must_use]
    pub fn source(self) -> &'static str {
        match self {
            Self::Validating => "KyvernoValidatingPolicy",
            Self::Mutating => "KyvernoMutatingPolicy",
            Self::Images => "KyvernoImageValidatingPolicy",
            Self::Generating => "KyvernoGeneratingPolicy",
        }
    }
}

/// The fields that the families share.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct Common {
    /// What it concerns.
    pub match_constraints: Option<MatchResources>,
    /// All must hold.
    pub match_conditions: Vec<MatchCondition>,
    /// `Deny` (default), `Audit`, `Warn`.
    pub validation_actions: Vec<String>,
    /// `Fail` (default) or `Ignore`.
    pub failure_policy: Option<String>,
    /// Pod controllers and the API server's policies.
    pub autogen: Option<Autogen>,
    /// Mode and switches.
    pub evaluation: Option<Evaluation>,
    /// How the webhook is registered.
    pub webhook_configuration: Option<WebhookTimeout>,
    /// What is changed instead of the trigger, of mutating policies.
    pub target_match_constraints: Option<Value>,
    /// `mutateDigest` and its like, of image validating policies.
    pub validation_configurations: Option<Value>,
}

/// The compiled form of a policy.
#[derive(Clone, Debug)]
pub enum Body {
    /// Of a validating policy.
    Validating(Box<validating::Compiled>),
    /// Of a mutating policy.
    Mutating(Box<mutating::Compiled>),
    /// Of an image validating policy.
    Images(Box<images::Compiled>),
    /// Of a generating policy; the background controller evaluates it.
    Generating(Box<generating::Compiled>),
    /// It does not compile.
    None,
}

/// A policy.
#[derive(Clone, Debug)]
pub struct CelEntry {
    /// What it is about.
    pub family: Family,
    /// Its shared fields.
    pub policy: CelPolicy<Common>,
    /// Its compiled form.
    pub body: Body,
}

impl CelEntry {
    fn read(object: &Value) -> Option<Self> {
        let family = Family::of(object.kind())?;
        let policy = CelPolicy::<Common>::from_value(object).ok()?;
        let body = compiled(family, object).unwrap_or(Body::None);
        Some(Self { family, policy, body })
    }

    /// Evaluated at admission, by Kyverno and not by a policy of the API server made from it.
    #[must_use]
    pub fn at_admission(&self) -> bool {
        let spec = &self.policy.spec;
        let enabled = spec.evaluation.as_ref().is_none_or(|one| Evaluation::on(one.admission.as_ref(), true));
        enabled && self.policy.raw.at(&["status", "generated"]) != Some(&Value::Bool(true))
    }

    /// `validationActions`, `Deny` where there are none.
    #[must_use]
    pub fn acts(&self, action: &str) -> bool {
        let actions = &self.policy.spec.validation_actions;
        if actions.is_empty() { action == "Deny" } else { actions.iter().any(|one| one == action) }
    }

    /// Adds to the record of a failure what `validationActions` make of it.
    pub(super) fn explain_actions(&self, verdict: &mut Verdict) {
        if !verdict.rules.iter().any(|rule| matches!(rule.status, Status::Fail | Status::Error)) {
            return;
        }
        let actions = &self.policy.spec.validation_actions;
        let named = if actions.is_empty() { "Deny".to_owned() } else { actions.join(", ") };
        let what = match (self.acts("Deny"), self.acts("Warn")) {
            (true, _) => "a failing policy blocks the request",
            (false, true) => "a failing policy only warns",
            (false, false) => "a failing policy is only reported",
        };
        let failed = verdict.trace.iter_mut().filter(|node| node.kind == "rule" && node.outcome.failed());
        for node in failed {
            let words = format!("validationActions {named}: {what}");
            node.children.push(TraceNode::new("action", Outcome::Info, words).at("/spec/validationActions"));
        }
    }

    /// Whether an error of its webhook refuses the request; never that of a generating policy.
    #[must_use]
    pub fn fails_closed(&self, force_ignore: bool) -> bool {
        !force_ignore
            && self.family != Family::Generating
            && self.policy.spec.failure_policy.as_deref() != Some("Ignore")
    }

    /// Whether a request in a namespace (or of none) is any business of the policy.
    #[must_use]
    pub fn in_namespace(&self, namespace: &str) -> bool {
        self.policy.namespace.is_empty() || self.policy.namespace == namespace
    }

    /// `evaluation.skipBackgroundRequests`, on by default.
    #[must_use]
    pub fn skips_background(&self) -> bool {
        self.policy.spec.evaluation.as_ref().and_then(|one| one.skip_background_requests).unwrap_or(true)
    }

    /// Whether a mutating policy changes other objects than its trigger.
    #[must_use]
    pub fn has_targets(&self) -> bool {
        let targets = self.policy.spec.target_match_constraints.as_ref();
        let filled = |key: &str| {
            targets.and_then(|targets| targets.get(key)).is_some_and(|value| match value {
                Value::Array(items) => !items.is_empty(),
                Value::String(text) => !text.is_empty(),
                _ => false,
            })
        };
        filled("resourceRules") || filled("expression")
    }

    /// `evaluation.synchronize.enabled`.
    #[must_use]
    pub fn synchronizes(&self) -> bool {
        self.policy.spec.evaluation.as_ref().is_some_and(|one| Evaluation::on(one.synchronize.as_ref(), false))
    }

    /// The rules of its webhook: its own, and those that autogen makes.
    #[must_use]
    pub fn webhook_rules(&self) -> Vec<NamedRule> {
        let spec = &self.policy.spec;
        let own = spec.match_constraints.iter().flat_map(|constraints| constraints.resource_rules.iter().cloned());
        let mut rules: Vec<NamedRule> = own.collect();
        if self.family == Family::Generating {
            let all = ["CREATE", "UPDATE", "DELETE", "CONNECT"].map(str::to_owned).to_vec();
            rules.iter_mut().for_each(|rule| rule.operations.clone_from(&all));
        } else {
            for (_, constraints) in autogen::variants(spec.match_constraints.as_ref(), spec.autogen.as_ref()) {
                let made = read::read::<MatchResources>(&constraints).unwrap_or_default();
                rules.extend(made.resource_rules);
            }
        }
        rules.iter_mut().for_each(|rule| rule.resource_names.clear());
        rules
    }

    /// The policy as the author of report rows.
    #[must_use]
    pub fn reporter(&self) -> Reporter<'_> {
        let background = self.policy.spec.evaluation.as_ref();
        Reporter {
            source: self.family.source(),
            policy: self.policy.key(),
            annotations: &self.policy.annotations,
            background: background.is_none_or(|one| Evaluation::on(one.background.as_ref(), true)),
        }
    }
}

/// All policies of policies.kyverno.io, by kind and name; what did not change keeps its compiled form.
#[must_use]
pub fn read(store: &Store, before: &[Rc<CelEntry>]) -> Vec<Rc<CelEntry>> {
    let kinds = ["ValidatingPolicy", "MutatingPolicy", "ImageValidatingPolicy", "GeneratingPolicy"];
    let names = kinds.iter().flat_map(|kind| [(*kind).to_owned(), format!("Namespaced{kind}")]);
    let mut entries = Vec::new();
    for kind in names {
        for object in store.of_kind("policies.kyverno.io", &kind) {
            let same = |entry: &&Rc<CelEntry>| {
                let raw = &entry.policy.raw;
                raw.kind() == object.kind()
                    && raw.get("metadata").is_some_and(|meta| meta.str_at(&["uid"]) == object.uid())
                    && raw.name() == object.name()
                    && raw.namespace() == object.namespace()
                    && raw.get("spec") == object.get("spec")
            };
            match before.iter().find(same) {
                Some(entry) if entry.policy.raw == *object => entries.push(Rc::clone(entry)),
                Some(entry) => {
                    let policy = CelPolicy::<Common>::from_value(object).unwrap_or_else(|_| entry.policy.clone());
                    entries.push(Rc::new(CelEntry { policy, ..(**entry).clone() }));
                }
                None => entries.extend(CelEntry::read(object).map(Rc::new)),
            }
        }
    }
    entries
}

/// The exceptions of policies.kyverno.io, of one namespace or of all (`""` or `*`).
#[must_use]
pub fn exceptions(store: &Store, namespace: &str) -> Vec<CelException> {
    store
        .of_kind("policies.kyverno.io", "PolicyException")
        .filter(|object| matches!(namespace, "" | "*") || object.namespace() == namespace)
        .filter_map(|object| CelException::from_value(object).ok())
        .collect()
}

/// Compiles a policy; `None` where it does not.
fn compiled(family: Family, object: &Value) -> Option<Body> {
    Some(match family {
        Family::Validating => {
            let policy = ValidatingPolicy::from_value(object).ok()?;
            Body::Validating(Box::new(validating::Compiled::new(&policy).ok()?))
        }
        Family::Mutating => {
            let policy = MutatingPolicy::from_value(object).ok()?;
            Body::Mutating(Box::new(mutating::Compiled::new(&policy).ok()?))
        }
        Family::Images => {
            let policy = ImageValidatingPolicy::from_value(object).ok()?;
            Body::Images(Box::new(images::Compiled::new(&policy).ok()?))
        }
        Family::Generating => {
            let policy = GeneratingPolicy::from_value(object).ok()?;
            Body::Generating(Box::new(generating::Compiled::new(&policy).ok()?))
        }
    })
}

/// Why a policy does not compile: what Kyverno says before, and the problem.
#[must_use]
pub fn compile_error(object: &Value) -> Option<(Option<String>, Problem)> {
    if object.gvk().group != "policies.kyverno.io" {
        return None;
    }
    let placeholder = |who: &str| {
        Some(format!("<nil>: Internal error: {who} policy compiler {VERSION} error: failed to compile policy"))
    };
    let kind = object.kind();
    match kind.strip_prefix("Namespaced").unwrap_or(kind) {
        "ValidatingPolicy" => {
            let policy = ValidatingPolicy::from_value(object).ok()?;
            let json = policy.spec.evaluation.as_ref().is_some_and(|one| one.mode() == "JSON");
            let problem = validating::Compiled::new(&policy).err()?;
            Some((if json { None } else { placeholder("validating") }, problem))
        }
        "MutatingPolicy" => Some((None, mutating::Compiled::new(&MutatingPolicy::from_value(object).ok()?).err()?)),
        "ImageValidatingPolicy" => {
            Some((None, images::Compiled::new(&ImageValidatingPolicy::from_value(object).ok()?).err()?))
        }
        "GeneratingPolicy" => {
            let problem = generating::Compiled::new(&GeneratingPolicy::from_value(object).ok()?).err()?;
            Some((placeholder("generating"), problem))
        }
        "DeletingPolicy" => {
            let problem = deleting::Compiled::new(&DeletingPolicy::from_value(object).ok()?).err()?;
            Some((placeholder("deleting"), problem))
        }
        _ => None,
    }
}
