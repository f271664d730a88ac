//! `match` and `exclude`: whether a rule concerns a request, with one line of trace per clause.
//!
//! Follows `pkg/engine/utils/match.go` and `pkg/utils/match`. All clauses of a filter must hold, user information included; elements of one
//! clause are alternatives.

use std::collections::BTreeMap;

use serde_json::{Value, json};

use super::request::{AdmissionRequest, Operation, UserInfo};
use super::trace::{Outcome, Trace, TraceNode};
use super::view::View;
use crate::object::ObjectExt;
use crate::object::gvk::{Gvk, check_kind};
use crate::object::selector::LabelSelector;
use crate::object::wildcard;
use crate::policy::rule::Rule;
use crate::policy::selection::{MatchBlock, ResourceDescription, ResourceFilter, Subject};

/// Who asked, with the roles that Kyverno looked up.
#[derive(Clone, Copy)]
pub struct Requester<'a> {
    /// User name and groups.
    pub user: &'a UserInfo,
    /// Roles as `namespace:name`.
    pub roles: &'a [String],
    /// Cluster roles.
    pub cluster_roles: &'a [String],
}

impl<'a> Requester<'a> {
    /// The requester of a request, `None` where it carries no user information.
    #[must_use]
    pub fn of(request: &'a AdmissionRequest) -> Option<Self> {
        request.has_user.then_some(Self {
            user: &request.user,
            roles: &request.roles,
            cluster_roles: &request.cluster_roles,
        })
    }
}

/// What is held against `match` and `exclude`.
#[derive(Clone, Copy)]
pub struct Candidate<'a> {
    /// The object, new or old.
    pub resource: &'a Value,
    /// Kind of the request, which differs from that of the object for subresources.
    pub gvk: &'a Gvk,
    /// Such as `status`, `""` for none.
    pub subresource: &'a str,
    /// What is being done.
    pub operation: Operation,
    /// `None`: nobody is known. Clauses about users are then left out of `match`, and hold never in `exclude`.
    pub requester: Option<Requester<'a>>,
    /// For the labels of the namespace.
    pub view: &'a dyn View,
}

/// Whether a rule concerns the candidate. `at` is the JSON pointer of the rule.
#[must_use]
pub fn rule_matches(
    rule: &Rule,
    policy_namespace: &str,
    candidate: &Candidate<'_>,
    at: &str,
    trace: &mut Trace,
) -> bool {
    if candidate.resource.is_null() {
        trace.leaf(|| {
            TraceNode::new("match", Outcome::No, "there is no such object in this request").at(format!("{at}/match"))
        });
        return false;
    }
    if !policy_namespace.is_empty() && policy_namespace != candidate.resource.namespace() {
        trace.leaf(|| {
            let found = candidate.resource.namespace();
            let mut node = TraceNode::new("match", Outcome::No, "a Policy concerns only its own namespace")
                .at("/metadata/namespace");
            node.want = Some(json!(policy_namespace));
            node.found = Some(json!(found));
            node
        });
        return false;
    }
    matches(&rule.match_block, candidate, &format!("{at}/match"), trace)
        && !rule.exclude_block.as_ref().is_some_and(|block| excludes(block, candidate, &format!("{at}/exclude"), trace))
}

fn matches(block: &MatchBlock, candidate: &Candidate<'_>, at: &str, trace: &mut Trace) -> bool {
    trace.open(|| TraceNode::new("match", Outcome::Info, "match").at(at));
    let mut check = Check { candidate, trace, selecting: Selecting::Match };
    let matched = if !block.any.is_empty() {
        check.any(&block.any, at)
    } else if !block.all.is_empty() {
        check.all(&block.all, at)
    } else {
        check.filter(&block.direct, at)
    };
    trace.close(if matched { Outcome::Yes } else { Outcome::No });
    matched
}

fn excludes(block: &MatchBlock, candidate: &Candidate<'_>, at: &str, trace: &mut Trace) -> bool {
    if block.any.is_empty() && block.all.is_empty() && is_empty(&block.direct) {
        return false;
    }
    trace.open(|| TraceNode::new("exclude", Outcome::Info, "exclude").at(at));
    let mut check = Check { candidate, trace, selecting: Selecting::Exclude };
    let excluded = if !block.any.is_empty() {
        check.any(&block.any, at)
    } else if !block.all.is_empty() {
        check.all(&block.all, at)
    } else {
        check.filter(&block.direct, at)
    };
    trace.close_as(if excluded { Outcome::Yes } else { Outcome::No }, Outcome::letting_out);
    excluded
}

/// The `match` of an exception or of a cleanup policy: only `any` and `all`, operations are not looked at, and the namespace selector is not
/// applied to Namespaces. Without a filter nothing matches.
#[must_use]
pub fn plain_matches(
    block: &MatchBlock,
    candidate: &Candidate<'_>,
    ephemeral_containers: bool,
    at: &str,
    trace: &mut Trace,
) -> bool {
    let mut check = Check { candidate, trace, selecting: Selecting::Plain { ephemeral_containers } };
    if block.any.is_empty() { !block.all.is_empty() && check.all(&block.all, at) } else { check.any(&block.any, at) }
}

/// Whether nothing is said about resources or users.
#[must_use]
pub fn is_empty(filter: &ResourceFilter) -> bool {
    is_empty_description(&filter.resources) && !names_users(filter)
}

fn is_empty_description(it: &ResourceDescription) -> bool {
    it.kinds.is_empty()
        && it.name.is_empty()
        && it.names.is_empty()
        && it.namespaces.is_empty()
        && it.annotations.is_empty()
        && it.selector.is_none()
        && it.namespace_selector.is_none()
        && it.operations.is_empty()
}

fn names_users(filter: &ResourceFilter) -> bool {
    !(filter.roles.is_empty() && filter.cluster_roles.is_empty() && filter.subjects.is_empty())
}

/// Where a filter stands; the rules differ a little.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Selecting {
    Match,
    Exclude,
    Plain { ephemeral_containers: bool },
}

struct Check<'c, 't> {
    candidate: &'c Candidate<'c>,
    trace: &'t mut Trace,
    selecting: Selecting,
}

impl Check<'_, '_> {
    fn any(&mut self, filters: &[ResourceFilter], at: &str) -> bool {
        filters
            .iter()
            .enumerate()
            .any(|(index, filter)| self.named_filter(filter, &format!("{at}/any/{index}"), "any", index))
    }

    fn all(&mut self, filters: &[ResourceFilter], at: &str) -> bool {
        filters
            .iter()
            .enumerate()
            .all(|(index, filter)| self.named_filter(filter, &format!("{at}/all/{index}"), "all", index))
    }

    fn named_filter(&mut self, filter: &ResourceFilter, at: &str, word: &str, index: usize) -> bool {
        self.trace.open(|| TraceNode::new("filter", Outcome::Info, format!("{word}[{index}]")).at(at));
        let holds = self.filter(filter, at);
        self.trace.close(if holds { Outcome::Yes } else { Outcome::No });
        holds
    }

    fn filter(&mut self, filter: &ResourceFilter, at: &str) -> bool {
        let users_count = self.selecting != Selecting::Match || self.candidate.requester.is_some();
        if is_empty_description(&filter.resources) && !(users_count && names_users(filter)) {
            self.trace.leaf(|| TraceNode::new("clause", Outcome::No, "an empty filter selects nothing").at(at));
            return false;
        }
        let Some(resources) = self.description(&filter.resources, &format!("{at}/resources")) else { return false };
        // Without a trace the first clause that fails is enough.
        if !users_count || (!resources && !self.trace.is_on()) {
            return resources;
        }
        self.users(filter, at) && resources
    }

    /// `None` where the operation does not fit, after which nothing else is looked at.
    fn description(&mut self, it: &ResourceDescription, at: &str) -> Option<bool> {
        let candidate = self.candidate;
        let resource = candidate.resource;
        let operation = candidate.operation.as_str();
        let plain = matches!(self.selecting, Selecting::Plain { .. });
        if !plain && !it.operations.is_empty() {
            let holds = it.operations.iter().any(|wanted| wanted == operation);
            if !self.clause(at, "operations", || json!(it.operations), || json!(operation), holds) {
                return None;
            }
        }
        let mut all = true;
        let ephemeral = self.selecting != Selecting::Plain { ephemeral_containers: false };
        if !it.kinds.is_empty() {
            let holds = check_kind(&it.kinds, candidate.gvk, candidate.subresource, ephemeral);
            all &= self.clause(at, "kinds", || json!(it.kinds), || json!(shown_kind(candidate)), holds);
        }
        if !all && !self.trace.is_on() {
            return Some(false);
        }
        let name = if resource.name().is_empty() { resource.generate_name() } else { resource.name() };
        if !it.name.is_empty() {
            all &= self.clause(at, "name", || json!(it.name), || json!(name), wildcard::matches(&it.name, name));
        }
        if !it.names.is_empty() {
            all &=
                self.clause(at, "names", || json!(it.names), || json!(name), wildcard::any_match(&it.names, &[name]));
        }
        if !it.namespaces.is_empty() {
            let namespace = if resource.kind() == "Namespace" { resource.name() } else { resource.namespace() };
            let holds = wildcard::any_match(&it.namespaces, &[namespace]);
            all &= self.clause(at, "namespaces", || json!(it.namespaces), || json!(namespace), holds);
        }
        if !it.annotations.is_empty() {
            let found = resource.annotations();
            let holds = annotations_match(&it.annotations, &found);
            all &= self.clause(at, "annotations", || json!(it.annotations), || json!(found), holds);
        }
        if let Some(selector) = &it.selector {
            let labels = resource.labels();
            let holds = selector_matches(selector, &labels);
            all &= self.clause(at, "selector", || selector.clone(), || json!(labels), holds);
        }
        if let Some(selector) = &it.namespace_selector {
            all &= self.namespace_selector(selector, at);
        }
        Some(all)
    }

    fn namespace_selector(&mut self, selector: &Value, at: &str) -> bool {
        let candidate = self.candidate;
        if candidate.resource.kind() == "Namespace" {
            return match self.selecting {
                Selecting::Plain { .. } => true,
                _ => self.clause(
                    at,
                    "namespaceSelector",
                    || selector.clone(),
                    || json!("a Namespace has no namespace"),
                    false,
                ),
            };
        }
        let labels = candidate.view.namespace_labels(candidate.resource.namespace()).unwrap_or_default();
        let holds = selector_matches(selector, &labels);
        self.clause(at, "namespaceSelector", || selector.clone(), || json!(labels), holds)
    }

    fn users(&mut self, filter: &ResourceFilter, at: &str) -> bool {
        let requester = self.candidate.requester;
        let roles = requester.map_or(&[][..], |who| who.roles);
        let cluster_roles = requester.map_or(&[][..], |who| who.cluster_roles);
        let mut all = true;
        if !filter.roles.is_empty() {
            let holds = roles.iter().any(|role| filter.roles.contains(role));
            all &= self.clause(at, "roles", || json!(filter.roles), || json!(roles), holds);
        }
        if !filter.cluster_roles.is_empty() {
            let holds = cluster_roles.iter().any(|role| filter.cluster_roles.contains(role));
            all &= self.clause(at, "clusterRoles", || json!(filter.cluster_roles), || json!(cluster_roles), holds);
        }
        if !filter.subjects.is_empty() {
            let holds = filter.subjects.iter().any(|subject| subject_matches(subject, requester.map(|who| who.user)));
            let found = || {
                requester.map_or(Value::Null, |who| json!({ "username": who.user.username, "groups": who.user.groups }))
            };
            all &= self.clause(
                at,
                "subjects",
                || json!(filter.subjects.iter().map(shown_subject).collect::<Vec<_>>()),
                found,
                holds,
            );
        }
        all
    }

    fn clause(
        &mut self,
        at: &str,
        name: &str,
        want: impl FnOnce() -> Value,
        found: impl FnOnce() -> Value,
        holds: bool,
    ) -> bool {
        self.trace.leaf(|| {
            let (want, found) = (want(), found());
            let outcome = if holds { Outcome::Yes } else { Outcome::No };
            let text = format!("{name}: {}, found {}", shown(&want), shown(&found));
            let mut node = TraceNode::new("clause", outcome, text).at(format!("{at}/{name}"));
            node.want = Some(want);
            node.found = Some(found);
            node
        });
        holds
    }
}

/// Every wanted pair must fit some pair of the object, wildcards in key and value.
fn annotations_match(wanted: &BTreeMap<String, String>, found: &BTreeMap<String, String>) -> bool {
    wanted.iter().all(|(key, value)| {
        found
            .iter()
            .any(|(found_key, found_value)| wildcard::matches(key, found_key) && wildcard::matches(value, found_value))
    })
}

/// A selector that cannot be read matches nothing.
fn selector_matches(selector: &Value, labels: &BTreeMap<String, String>) -> bool {
    LabelSelector::from_value_with_wildcards(selector, labels).is_ok_and(|selector| selector.matches(labels))
}

fn subject_matches(subject: &Subject, user: Option<&UserInfo>) -> bool {
    let nobody = UserInfo::default();
    let user = user.unwrap_or(&nobody);
    match subject.kind.as_str() {
        "ServiceAccount" => {
            let name = format!("system:serviceaccount:{}:{}", subject.namespace, subject.name);
            wildcard::matches(&name, &user.username)
        }
        "Group" => user.groups.iter().any(|group| wildcard::matches(&subject.name, group)),
        "User" => wildcard::matches(&subject.name, &user.username),
        _ => false,
    }
}

fn shown_subject(subject: &Subject) -> String {
    match subject.namespace.as_str() {
        "" => format!("{} {}", subject.kind, subject.name),
        namespace => format!("{} {namespace}/{}", subject.kind, subject.name),
    }
}

fn shown_kind(candidate: &Candidate<'_>) -> String {
    let kind = format!("{}/{}", candidate.gvk.api_version(), candidate.gvk.kind);
    if candidate.subresource.is_empty() { kind } else { format!("{kind}/{}", candidate.subresource) }
}

/// Lists with commas, text without quotes.
pub(super) fn shown(value: &Value) -> String {
    match value {
        Value::Array(items) if items.is_empty() => "none".to_owned(),
        Value::Array(items) => items.iter().map(shown).collect::<Vec<_>>().join(", "),
        Value::String(text) if text.is_empty() => "none".to_owned(),
        Value::String(text) => text.clone(),
        Value::Null => "none".to_owned(),
        other => other.to_string(),
    }
}
