//! The doors: one policy and one request in, a [`Verdict`] out.
//!
//! Follows `pkg/engine/{engine,validation,mutation,image_verify,background}.go`. Each rule goes through match, context, preconditions,
//! exceptions and its body; a rule that does not match gives no answer, only a trace.

use std::collections::BTreeMap;
use std::rc::Rc;

use serde_json::{Value, json};

use super::autogen::{self, AutogenRule};
use super::generate::{self as generate_body, Generated};
use super::matching::{self, Candidate, Requester};
use super::request::Operation;
use super::trace::{Outcome, Trace, TraceNode};
use super::verdict::{RuleResponse, RuleType, Status, Verdict};
use super::{Answer, EvalCx, Handler, Mode, RuleCx};
use super::{
    cel, conditions, context, exception, images, manifests, mutate as mutate_body, validate as validate_body,
    validate_cel,
};
use crate::expr::context::{JsonContext, Resolution};
use crate::expr::vars;
use crate::object::ObjectExt;
use crate::object::gvk::Gvk;
use crate::object::order;
use crate::policy::ClassicPolicy;
use crate::policy::rule::{Rule, Validation};

/// Evaluates the `mutate` rules; the verdict carries the changed object.
#[must_use]
pub fn mutate(policy: &ClassicPolicy, cx: &EvalCx<'_>) -> Verdict {
    Run { policy, cx: *cx, rule_type: RuleType::Mutation }.all(None, mutate_handler)
}

/// Evaluates the `validate` rules, and of `verifyImages` what is checked without a registry.
#[must_use]
pub fn validate(policy: &ClassicPolicy, cx: &EvalCx<'_>) -> Verdict {
    let kind = request_kind(cx).kind;
    Run { policy, cx: *cx, rule_type: RuleType::Validation }.all(Some(&kind), validate_handler)
}

/// Evaluates the `verifyImages` rules; the verdict carries the object with digests and annotations.
#[must_use]
pub fn verify_images(policy: &ClassicPolicy, cx: &EvalCx<'_>) -> Verdict {
    Run { policy, cx: *cx, rule_type: RuleType::ImageVerify }.all(None, images_handler)
}

/// Says which `generate` and `mutate.targets` rules a request triggers (`ApplyBackgroundChecks`): pass is *do it*, fail is *undo it*, as the
/// object no longer matches.
#[must_use]
pub fn background_checks(policy: &ClassicPolicy, cx: &EvalCx<'_>) -> Verdict {
    let mut verdict = Verdict::default();
    let has_any = policy.spec.rules.iter().any(|rule| background_type(rule).is_some());
    if !has_any || !concerns(policy, cx, &mut verdict) {
        return verdict;
    }
    for rule in &autogen::rules(policy, None) {
        let Some(rule_type) = background_type(&rule.rule) else { continue };
        let run = Run { policy, cx: *cx, rule_type };
        let response = run.background(rule, &mut verdict);
        let applied = response.as_ref().is_some_and(|response| response.status != Status::Skip);
        verdict.rules.extend(response);
        if applied && applies_one(policy) {
            break;
        }
    }
    verdict
}

/// What one `generate` rule makes for the object of the request as the trigger (the old object on DELETE), with the trace.
/// The rule is found by name; one that is not there makes nothing.
///
/// Match, exclude and exceptions are those of [`background_checks`], which comes first.
#[must_use]
pub fn generate(policy: &ClassicPolicy, rule_name: &str, cx: &EvalCx<'_>) -> (Generated, Vec<TraceNode>) {
    let rules = autogen::rules(policy, None);
    let Some(rule) = rules.iter().find(|rule| rule.rule.name == rule_name && rule.rule.generate.is_some()) else {
        return (Generated::default(), Vec::new());
    };
    let mut trace = if cx.trace { Trace::on() } else { Trace::off() };
    trace.open(|| TraceNode::new("rule", Outcome::Info, rule_name).at(rule.pointer.as_str()));
    let run = Run { policy, cx: *cx, rule_type: RuleType::Generation };
    let mut rule_cx = run.rule_cx(rule, cx.request.object.as_ref(), &mut None, trace);
    let generated = generate_body::targets(&mut rule_cx, cx.request.subject());
    let mut trace = rule_cx.trace;
    trace.close(if generated.error.is_some() { Outcome::Error } else { Outcome::Yes });
    (generated, trace.finish())
}

fn background_type(rule: &Rule) -> Option<RuleType> {
    match (&rule.generate, &rule.mutate) {
        (Some(_), _) => Some(RuleType::Generation),
        (None, Some(mutate)) if !mutate.targets.is_empty() => Some(RuleType::Mutation),
        _ => None,
    }
}

/// `applyRules: One`: the first rule that passes or fails is the last.
fn applies_one(policy: &ClassicPolicy) -> bool {
    policy.spec.apply_rules.as_deref() == Some("One")
}

/// Whether the policy is asked about a request at all.
#[must_use]
pub fn concerned(policy: &ClassicPolicy, cx: &EvalCx<'_>) -> bool {
    concerns(policy, cx, &mut Verdict::default())
}

/// Whether the policy is asked at all: a `Policy` only for objects of its namespace, and only where the match conditions of its webhook hold.
fn concerns(policy: &ClassicPolicy, cx: &EvalCx<'_>, verdict: &mut Verdict) -> bool {
    let mut trace = if cx.trace { Trace::on() } else { Trace::off() };
    let concerned = is_in_namespace(policy, cx, &mut trace) && conditions_hold(policy, cx, &mut trace);
    if !concerned {
        verdict.trace.extend(trace.finish());
    }
    concerned
}

/// Both the new and the old object of a namespaced policy must be in its namespace.
fn is_in_namespace(policy: &ClassicPolicy, cx: &EvalCx<'_>, trace: &mut Trace) -> bool {
    if policy.namespace.is_empty() {
        return true;
    }
    let objects = [cx.request.object.as_ref(), cx.request.old_object.as_ref()];
    let other = objects.into_iter().flatten().find(|object| object.namespace() != policy.namespace);
    if let Some(other) = other {
        trace.leaf(|| {
            let text = "a Policy concerns only its own namespace";
            let mut node = TraceNode::new("match", Outcome::No, text).at("/metadata/namespace");
            node.want = Some(json!(policy.namespace));
            node.found = Some(json!(other.namespace()));
            node
        });
    }
    other.is_none()
}

/// Conditions that cannot be evaluated count as not matched.
fn conditions_hold(policy: &ClassicPolicy, cx: &EvalCx<'_>, trace: &mut Trace) -> bool {
    let Some(webhook) = policy.spec.webhook_configuration.as_ref().filter(|it| !it.match_conditions.is_empty()) else {
        return true;
    };
    trace.open(|| {
        let at = "/spec/webhookConfiguration/matchConditions";
        TraceNode::new("match", Outcome::Info, "match conditions of the webhook").at(at)
    });
    let hold = cel::classic::webhook_conditions(&webhook.match_conditions, cx, trace);
    trace.close(match &hold {
        Ok(true) => Outcome::Yes,
        Ok(false) => Outcome::No,
        Err(_) => Outcome::Error,
    });
    hold.unwrap_or(false)
}

/// The kind that policies match: that of the resource, which for subresources such as `exec` is not the kind of the object.
fn request_kind(cx: &EvalCx<'_>) -> Gvk {
    let request = cx.request;
    let parent = if request.subresource.is_empty() { None } else { cx.view.kind_of(&request.resource) };
    parent.unwrap_or_else(|| if request.kind.kind.is_empty() { request.subject().gvk() } else { request.kind.clone() })
}

/// At admission existing targets are left to the background controller.
fn mutate_handler(rule: &Rule, mode: Mode) -> Option<Handler> {
    let existing = !rule.mutate.as_ref()?.targets.is_empty();
    match (existing, mode) {
        (true, Mode::Admission) => None,
        (true, _) => Some(mutate_body::existing),
        (false, _) => Some(mutate_body::rule),
    }
}

fn images_handler(rule: &Rule, _mode: Mode) -> Option<Handler> {
    (!rule.verify_images.is_empty()).then_some(images::mutate)
}

/// Which body of a `validate` rule counts, where it has several.
fn validate_handler(rule: &Rule, _mode: Mode) -> Option<Handler> {
    let Some(validate) = rule.validate.as_ref() else {
        return images::has_checks(rule).then_some(images::validate);
    };
    let has = |body: Option<&Value>| body.and_then(Value::as_object).is_some_and(|body| !body.is_empty());
    Some(if has_manifests(validate) {
        manifests::validate
    } else if has(validate.pod_security.as_ref()) {
        validate_body::pod_security_rule
    } else if has(validate.cel.as_ref()) {
        validate_cel::rule
    } else {
        validate_body::rule
    })
}

fn has_manifests(validate: &Validation) -> bool {
    let attestors = validate.manifests.as_ref().and_then(|manifests| manifests.get("attestors")?.as_array());
    attestors.is_some_and(|attestors| !attestors.is_empty())
}

/// One pass of one policy.
#[derive(Clone, Copy)]
struct Run<'a> {
    policy: &'a ClassicPolicy,
    cx: EvalCx<'a>,
    rule_type: RuleType,
}

impl<'a> Run<'a> {
    /// `kind` limits autogen to one controller.
    fn all(self, kind: Option<&str>, handler: fn(&Rule, Mode) -> Option<Handler>) -> Verdict {
        let mut verdict = Verdict::default();
        let has_any = self.policy.spec.rules.iter().any(|rule| handler(rule, self.cx.mode).is_some());
        if !has_any || !concerns(self.policy, &self.cx, &mut verdict) {
            return verdict;
        }
        let rules = autogen::rules(self.policy, kind);
        let mut current: Option<Value> = None;
        // The variables of the request are the same for all rules until one changes the object.
        let mut root = None;
        for rule in &rules {
            let Some(body) = handler(&rule.rule, self.cx.mode) else { continue };
            let answer = self.rule(rule, current.as_ref(), body, &mut root, &mut verdict.trace);
            verdict.rules.extend(answer.responses);
            if answer.patched.is_some() {
                current = answer.patched;
                root = None;
            }
            let applied = verdict.rules.iter().any(|response| matches!(response.status, Status::Pass | Status::Fail));
            if applied && applies_one(self.policy) {
                break;
            }
        }
        verdict.patched = current;
        verdict
    }

    /// Match, context, preconditions, exceptions, body.
    fn rule(
        self,
        rule: &AutogenRule<'_>,
        patched: Option<&Value>,
        body: Handler,
        root: &mut Option<Rc<Value>>,
        out: &mut Vec<TraceNode>,
    ) -> Answer {
        let mut trace = if self.cx.trace { Trace::on() } else { Trace::off() };
        trace.open(|| TraceNode::new("rule", Outcome::Info, rule.rule.name.as_str()).at(rule.pointer.as_str()));
        // A rule before this one may have left an empty object.
        let object = patched.or(self.cx.request.object.as_ref()).filter(|object| !object.is_null());
        let matched = self.matches(rule, object.or(self.cx.request.old_object.as_ref()), &mut trace);
        if !matched {
            trace.close(Outcome::No);
            out.extend(trace.finish());
            return Answer::default();
        }
        let mut rule_cx = self.rule_cx(rule, object, root, trace);
        let concern = if rule.rule.verify_images.is_empty() { Ok(true) } else { images::concern(&rule_cx) };
        let answer = match concern.map(|concern| concern.then(|| self.prepare(&mut rule_cx))) {
            Err(why) => rule_cx.error(self.rule_type, "failed to instantiate handler", why).into(),
            Ok(None) => {
                rule_cx.trace.leaf(|| TraceNode::new("images", Outcome::Skip, "no image that the rule concerns"));
                Answer::default()
            }
            Ok(Some(Err(response))) => (*response).into(),
            Ok(Some(Ok(()))) => self.lifted(&mut rule_cx).map_or_else(|| body(&mut rule_cx), Answer::from),
        };
        out.extend(self.finished(rule_cx, &answer.responses));
        answer
    }

    fn matches(&self, rule: &AutogenRule<'_>, resource: Option<&Value>, trace: &mut Trace) -> bool {
        let request = self.cx.request;
        let candidate = Candidate {
            resource: resource.unwrap_or(&Value::Null),
            gvk: &request_kind(&self.cx),
            subresource: &request.subresource,
            operation: request.operation,
            requester: Requester::of(request),
            view: self.cx.view,
        };
        matching::rule_matches(&rule.rule, &self.policy.namespace, &candidate, &rule.pointer, trace)
    }

    /// `root` is what the rules before this one used, where nothing has changed since.
    fn rule_cx<'r>(
        self,
        rule: &'r AutogenRule<'_>,
        object: Option<&'r Value>,
        root: &mut Option<Rc<Value>>,
        trace: Trace,
    ) -> RuleCx<'r>
    where
        'a: 'r,
    {
        let old_object = self.cx.request.old_object.as_ref();
        let root = root.get_or_insert_with(|| Rc::new(context::root(&self.cx, object, old_object)));
        let mut json = context::of_request(self.cx, Rc::clone(root), object);
        context::inject(self.cx, self.policy, &mut json);
        json.record_resolutions(self.cx.trace);
        RuleCx {
            cx: self.cx,
            policy: self.policy,
            rule: &rule.rule,
            pointer: rule.pointer.clone(),
            object,
            old_object,
            operation: self.cx.request.operation,
            element: None,
            properties: rule.rule.report_properties.clone(),
            json,
            trace,
        }
    }

    /// Context entries, preconditions and report properties; a response ends the rule.
    fn prepare(&self, rule: &mut RuleCx<'_>) -> Result<(), Box<RuleResponse>> {
        let failed = |rule: &RuleCx<'_>, what: &str, why: &str| Box::new(rule.error(self.rule_type, what, why));
        self.load_context(rule).map_err(|why| failed(rule, "failed to load context", &why))?;
        let decision = preconditions(rule).map_err(|why| failed(rule, "failed to evaluate preconditions", &why))?;
        if !decision.holds {
            let message = conditions::join_non_empty(&["preconditions not met", &decision.message], "; ");
            return Err(Box::new(rule.response(self.rule_type, Status::Skip, message)));
        }
        rule.properties = substituted_properties(&rule.properties, &mut rule.json);
        Ok(())
    }

    fn load_context(&self, rule: &mut RuleCx<'_>) -> Result<(), String> {
        let (cx, policy, written) = (rule.cx, rule.policy, rule.rule);
        context::register(cx, policy, &written.name, &written.context, &mut rule.json)
    }

    /// Exceptions lift the rule; for pod security its body weighs them itself, as they may relax only some controls.
    fn lifted(&self, rule: &mut RuleCx<'_>) -> Option<RuleResponse> {
        if rule.rule.validate.as_ref().is_some_and(|validate| validate.pod_security.is_some()) {
            return None;
        }
        let exceptions = exception::matched(rule);
        (!exceptions.is_empty()).then(|| exception::skipped(rule, self.rule_type, &exceptions))
    }

    /// `filterRule` of `background.go`: exceptions come first here.
    fn background(self, rule: &AutogenRule<'_>, verdict: &mut Verdict) -> Option<RuleResponse> {
        let mut trace = if self.cx.trace { Trace::on() } else { Trace::off() };
        trace.open(|| TraceNode::new("rule", Outcome::Info, rule.rule.name.as_str()).at(rule.pointer.as_str()));
        let object = self.cx.request.object.as_ref();
        let mut rule_cx = self.rule_cx(rule, object, &mut None, trace);
        // A deleted object is matched as though it were new, while `request.object` stays empty.
        if self.rule_type == RuleType::Mutation && self.cx.request.operation == Operation::Delete {
            rule_cx.object = rule_cx.object.or(rule_cx.old_object);
        }
        let response = self.background_status(rule, &mut rule_cx);
        verdict.trace.extend(self.finished(rule_cx, response.as_slice()));
        response
    }

    fn background_status(&self, rule: &AutogenRule<'_>, rule_cx: &mut RuleCx<'_>) -> Option<RuleResponse> {
        let exceptions = exception::matched(rule_cx);
        if !exceptions.is_empty() {
            return Some(exception::skipped_in_background(rule_cx, self.rule_type, &exceptions));
        }
        if !self.matches(rule, rule_cx.object, &mut rule_cx.trace) {
            let undo =
                self.rule_type == RuleType::Generation && self.matches(rule, rule_cx.old_object, &mut rule_cx.trace);
            return undo.then(|| rule_cx.response(self.rule_type, Status::Fail, ""));
        }
        // A context that cannot be registered is only logged: no response at all.
        self.load_context(rule_cx).ok()?;
        match preconditions(rule_cx) {
            Err(why) => return Some(rule_cx.error(self.rule_type, "failed to evaluate conditions", why)),
            Ok(decision) if decision.holds => return Some(rule_cx.response(self.rule_type, Status::Pass, "")),
            Ok(_) => {}
        }
        if let Some(old) = rule_cx.old_object {
            rule_cx.json.set_object(old.clone());
            match preconditions(rule_cx) {
                Err(why) => {
                    return Some(rule_cx.error(self.rule_type, "failed to evaluate conditions for old resource", why));
                }
                Ok(decision) if decision.holds => {
                    return Some(rule_cx.response(self.rule_type, Status::Fail, decision.message));
                }
                Ok(_) => {}
            }
        }
        Some(rule_cx.response(self.rule_type, Status::Skip, ""))
    }

    /// Closes the node of the rule with its worst answer.
    fn finished(&self, mut rule: RuleCx<'_>, responses: &[RuleResponse]) -> Vec<TraceNode> {
        record_variables(&mut rule);
        let mut trace = rule.trace;
        let worst = |status| responses.iter().any(|response| response.status == status);
        let outcome = if worst(Status::Error) {
            Outcome::Error
        } else if worst(Status::Fail) || worst(Status::Warn) {
            Outcome::No
        } else if worst(Status::Pass) {
            Outcome::Yes
        } else {
            Outcome::Skip
        };
        trace.amend(|node| {
            let messages: Vec<&str> =
                responses.iter().map(|response| response.message.as_str()).filter(|text| !text.is_empty()).collect();
            if !messages.is_empty() {
                node.text = format!("{}: {}", node.text, messages.join(" "));
            }
        });
        trace.close(outcome);
        trace.finish()
    }
}

/// What each variable of the rule was resolved to, in the order of their first use.
fn record_variables(rule: &mut RuleCx<'_>) {
    let resolutions = rule.json.take_resolutions();
    if resolutions.is_empty() {
        return;
    }
    let trace = &mut rule.trace;
    trace.open(|| TraceNode::new("variables", Outcome::Info, "variables").at(rule.pointer.as_str()));
    let mut seen: Vec<&Resolution> = Vec::new();
    for resolution in &resolutions {
        let known = |one: &&Resolution| one.expression == resolution.expression && one.result == resolution.result;
        if seen.iter().any(known) {
            continue;
        }
        seen.push(resolution);
        trace.leaf(|| match &resolution.result {
            Ok(value) => {
                let mut node = TraceNode::new("variable", Outcome::Info, resolution.expression.as_str());
                node.found = Some(value.clone());
                node
            }
            Err(why) => TraceNode::new("variable", Outcome::Error, format!("{}: {why}", resolution.expression)),
        });
    }
    trace.close(Outcome::Info);
}

fn preconditions(rule: &mut RuleCx<'_>) -> Result<conditions::Decision, String> {
    let at = format!("{}/preconditions", rule.pointer);
    conditions::preconditions(&mut rule.json, rule.rule.preconditions.as_ref(), &at, &mut rule.trace)
}

/// Properties that cannot be resolved stay as they are written; Kyverno only logs it.
fn substituted_properties(
    properties: &BTreeMap<String, String>,
    json: &mut JsonContext<'_>,
) -> BTreeMap<String, String> {
    if properties.is_empty() {
        return BTreeMap::new();
    }
    let resolved = vars::substitute_all(json, &json!(properties));
    match resolved {
        Ok(Value::Object(map)) => order::map(map.iter().map(|(key, value)| (key.clone(), text_of(value)))),
        _ => properties.clone(),
    }
}

fn text_of(value: &Value) -> String {
    value.as_str().map_or_else(|| value.to_string(), str::to_owned)
}

#[cfg(test)]
#[path = "engine_tests.rs"]
mod tests;
