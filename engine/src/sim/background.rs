//! Kyverno's background controller: takes UpdateRequests and generates.
//!
//! Follows `pkg/background/update_request_controller.go`, `pkg/background/generate/{controller,generator,data,clone,cleanup}.go`
//! and `pkg/background/common/resource.go`; what differs by version is in [`super::profile`].

use std::rc::Rc;

use serde_json::Value;

use super::Cluster;
use super::api_server::{ApiError, ApiRequest, Verb};
use super::config::BACKGROUND_USER;
use super::journal::{Lane, Tone};
use super::k8s_events::{Fact, Subject};
use super::profile::NotFound;
use super::recorder::note;
use super::reports;
use crate::eval::request::{AdmissionRequest, Operation, UserInfo};
use crate::eval::verdict::{RuleResponse, Status};
use crate::eval::view::View as _;
use crate::eval::{EvalCx, Mode, engine, generate};
use crate::object::ObjectExt;
use crate::object::gvk::{Gvk, Gvr, ObjectRef};
use crate::object::read::read;
use crate::policy::ClassicPolicy;
use crate::policy::rule::{GeneratePattern, Generation};

/// Label on the source of clones.
pub const LABEL_CLONE_SOURCE: &str = "generate.kyverno.io/clone-source";
/// Label on what was generated: the policy.
pub const LABEL_POLICY: &str = "generate.kyverno.io/policy-name";
/// … its namespace.
pub const LABEL_POLICY_NAMESPACE: &str = "generate.kyverno.io/policy-namespace";
/// … the rule.
pub const LABEL_RULE: &str = "generate.kyverno.io/rule-name";
/// … the trigger's name, namespace, uid, kind, group, version.
pub const LABEL_TRIGGER_PREFIX: &str = "generate.kyverno.io/trigger-";
/// … the source's name, namespace, uid, kind, group, version.
pub const LABEL_SOURCE_PREFIX: &str = "generate.kyverno.io/source-";

pub(super) const COMPONENT: &str = "kyverno-background-controller";
pub(super) const CONTROLLER: &str = "github.com/kyverno/kyverno/pkg/background/generate/controller.go";
pub(super) const GENERATOR: &str = "github.com/kyverno/kyverno/pkg/background/generate/generator.go";

/// One attempt at one UpdateRequest.
pub(super) struct Attempt {
    /// The UpdateRequest's name.
    pub(super) name: String,
    /// The UpdateRequest as it was taken up.
    pub(super) request: Value,
    /// `spec.policy`.
    pub(super) policy_key: String,
    /// The event of this attempt.
    pub(super) seq: u32,
}

impl Attempt {
    /// The trigger of a request that has one only.
    pub(super) fn trigger(&self) -> Value {
        trigger_of_request(&self.request)
    }
}

/// `spec.resource` of `mutate` requests, otherwise the first trigger of `spec.ruleContext`.
pub(super) fn trigger_of_request(request: &Value) -> Value {
    let listed = request.at(&["spec", "ruleContext"]).and_then(|contexts| contexts.get(0)?.get("trigger"));
    let resource = request.at(&["spec", "resource"]).filter(|resource| !resource.kind().is_empty());
    resource.or(listed).cloned().unwrap_or(Value::Null)
}

/// Why a rule's generation came to nothing.
enum Failure {
    /// The API server said no to a write.
    Api(ApiError),
    /// Anything else; the words are Kyverno's.
    Words(String),
}

impl Failure {
    fn text(&self) -> String {
        match self {
            Self::Api(error) => error.message.clone(),
            Self::Words(words) => words.clone(),
        }
    }
}

impl Cluster {
    /// Takes an UpdateRequest from the queue.
    pub(crate) fn process_update_request(&mut self, name: &str, cause: u32) {
        let Some(request) = self.update_request(name).cloned() else { return };
        if request.str_at(&["status", "state"]) != "Pending" {
            return;
        }
        let policy_key = request.str_at(&["spec", "policy"]).to_owned();
        let revision = request.str_at(&["metadata", "resourceVersion"]).to_owned();
        let trigger = trigger_of_request(&request);
        self.attempted(name);
        let seq = self.record(
            note(Lane::UpdateRequests, "picked-up", format!("picks up {name}"))
                .to(Lane::Background)
                .cause(Some(cause))
                .subject(spec_reference(&trigger))
                .policy(&policy_key, "")
                .tone(Tone::Generate)
                .detail(|detail| detail.update_request = Some(name.to_owned()))
                .upstream("pkg/background/update_request_controller.go"),
        );
        let line = self.behaviour.line_start;
        let text = format!(
            "start processing UR logger=background name={name} policy={policy_key} resourceVersion={revision} ur={name} v=2"
        );
        self.log_line(COMPONENT, "TRC", CONTROLLER, line, &text, seq, false);
        let attempt = Attempt { name: name.to_owned(), request, policy_key, seq };
        match attempt.request.str_at(&["spec", "requestType"]) {
            "generate" => self.generate_request(&attempt),
            "mutate" => self.mutate_request(&attempt),
            "cel-generate" => self.cel_generate_request(&attempt),
            "cel-mutate" => self.cel_mutate_request(&attempt),
            _ => self.complete_request(name, seq),
        }
    }

    fn generate_request(&mut self, attempt: &Attempt) {
        let policy = self.policies.find(&attempt.policy_key);
        let contexts =
            attempt.request.at(&["spec", "ruleContext"]).and_then(Value::as_array).cloned().unwrap_or_default();
        let mut failures = Vec::new();
        for context in &contexts {
            let rule = context.str_at(&["rule"]);
            let trigger = match self.trigger(attempt, context) {
                Ok(trigger) => trigger,
                Err(error) => {
                    let text = format!(
                        "the trigger resource does not exist or is pending creation logger=background name={} policy={}",
                        attempt.name, attempt.policy_key
                    );
                    self.log_line(COMPONENT, "V4", CONTROLLER, self.behaviour.line_start + 9, &text, attempt.seq, true);
                    failures.push(format!("rule {rule} failed: failed to fetch trigger resource: {error}"));
                    continue;
                }
            };
            if let Err(failure) = self.apply_generate(attempt, policy.as_ref(), context, &trigger) {
                if let Some(policy) = &policy {
                    let message = format!("policy {}/{rule} error: {}", policy.name, failure.text());
                    let fact = Fact { source: "kyverno-generate", reason: "PolicyError", action: "None", message };
                    self.emit(fact, &Subject::Policy(policy), Some(&trigger));
                }
                if self.behaviour.error_fails_request {
                    failures.push(format!("rule {rule} failed: {}", failure.text()));
                }
            }
        }
        let last = u32::try_from(self.journal.events.len()).unwrap_or(attempt.seq);
        if failures.is_empty() {
            self.complete_request(&attempt.name, last);
        } else {
            self.fail_request(&attempt.name, &failures.join("; "), last);
        }
    }

    /// Finds the trigger of one rule context in the cluster, or in the admission request where the version does so.
    pub(super) fn trigger(&mut self, attempt: &Attempt, context: &Value) -> Result<Value, String> {
        let spec = context.get("trigger").cloned().unwrap_or(Value::Null);
        let info = attempt.request.at(&["spec", "context", "admissionRequestInfo"]);
        let operation = info.map(|info| info.str_at(&["operation"]).to_owned()).unwrap_or_default();
        let admission = info.and_then(|info| info.get("admissionRequest")).cloned();
        let payload = |field: &str| {
            admission.as_ref().and_then(|request| request.get(field)).filter(|object| !object.is_null()).cloned()
        };
        if operation == "CONNECT" {
            return payload("object").or_else(|| payload("oldObject")).ok_or_else(|| "resource not found".to_owned());
        }
        if operation == "DELETE" {
            let old = payload("oldObject").ok_or("failed to load resource from context")?;
            if old.labels().get(LABEL_POLICY).is_none_or(String::is_empty) {
                let live = self.store.find(&old.gvk().group, old.kind(), old.namespace(), old.name());
                if live.is_some_and(|live| {
                    live.uid() == old.uid() && live.at(&["metadata", "deletionTimestamp"]).is_none()
                }) {
                    return Err(format!(
                        "trigger resource {}/{} {}/{} with uid {} still exists in the cluster, the delete request may have been rejected by the API server",
                        old.api_version(),
                        old.kind(),
                        old.namespace(),
                        old.name(),
                        old.uid()
                    ));
                }
                return Ok(old);
            }
        }
        let subresource =
            admission.as_ref().map(|request| request.str_at(&["subResource"]).to_owned()).unwrap_or_default();
        match self.live_trigger(attempt, &spec) {
            Ok(live) => Ok(live),
            Err(error) => match payload("object") {
                Some(object) if operation == "CREATE" && !subresource.is_empty() => Ok(object),
                Some(object) if self.behaviour.phantom_trigger_used && !spec.str_at(&["uid"]).is_empty() => {
                    self.record(
                        note(Lane::Background, "phantom-trigger", "goes on with the object of the admission request")
                            .cause(Some(attempt.seq))
                            .subject(spec_reference(&spec))
                            .policy(&attempt.policy_key, context.str_at(&["rule"]))
                            .tone(Tone::Warn)
                            .remark("Until 1.18 a trigger that is not in the cluster is replaced by the object in the UpdateRequest, which was never stored.")
                            .upstream("pkg/background/common/resource.go"),
                    );
                    Ok(object)
                }
                _ => Err(error),
            },
        }
    }

    pub(super) fn live_trigger(&mut self, attempt: &Attempt, spec: &Value) -> Result<Value, String> {
        let gvk = spec.gvk();
        let (namespace, name, uid) = (spec.str_at(&["namespace"]), spec.str_at(&["name"]), spec.str_at(&["uid"]));
        self.hop();
        if uid.is_empty() {
            let namespace = if gvk.kind == "Namespace" { "" } else { namespace };
            return self.get(&gvk, namespace, name).ok_or_else(|| {
                let resource =
                    self.catalog.gvr_of(&gvk).map(|gvr| super::api_server::qualified(&gvr)).unwrap_or_default();
                format!(
                    "resource {}/{}/{namespace}/{name}: {resource} \"{name}\" not found",
                    gvk.api_version(),
                    gvk.kind
                )
            });
        }
        let within = (!namespace.is_empty()).then_some(namespace);
        let found = self.list(&gvk, within).into_iter().find(|object| object.uid() == uid);
        let plural = self.catalog.gvr_of(&gvk).map_or_else(|| gvk.kind.clone(), |gvr| gvr.resource);
        let (words, tone) = if found.is_some() { ("found", Tone::Info) } else { ("none", Tone::Warn) };
        self.record(
            note(Lane::Background, "list-trigger", format!("LIST {plural} by uid: {words}"))
                .to(Lane::ApiServer)
                .cause(Some(attempt.seq))
                .subject(spec_reference(spec))
                .policy(&attempt.policy_key, "")
                .tone(tone)
                .upstream("pkg/background/common/resource.go"),
        );
        found.ok_or_else(|| {
            format!(
                "trigger resource {}/{} {namespace}/{name} with uid {uid} not found in the cluster, the corresponding admission request may have been rejected by the API server",
                gvk.api_version(), gvk.kind
            )
        })
    }

    fn apply_generate(
        &mut self,
        attempt: &Attempt,
        policy: Option<&Rc<ClassicPolicy>>,
        context: &Value,
        trigger: &Value,
    ) -> Result<(), Failure> {
        let rule_name = context.str_at(&["rule"]).to_owned();
        let delete = context.get("deleteDownstream").and_then(Value::as_bool).unwrap_or(false);
        let Some(policy) = policy.filter(|_| !delete) else {
            return self.delete_downstream(attempt, policy, context);
        };
        let Some(rule) = policy.spec.rules.iter().find(|rule| rule.name == rule_name) else { return Ok(()) };
        let review = classic_review(attempt, trigger, self);
        let verdict = {
            let cx = self.background_cx(&review);
            engine::background_checks(&only(policy, &rule_name), &cx)
        };
        if verdict.rules.is_empty() {
            return Err(Failure::Words("policy does not apply to resource".to_owned()));
        }
        if !verdict.rules.iter().any(|response| response.status == Status::Pass) {
            self.report_generated(policy, trigger, &verdict.rules, &[]);
            return Ok(());
        }
        let made = {
            let cx = self.background_cx(&review);
            engine::generate(policy, &rule.name, &cx).0
        };
        let place = format!("{}/{}", trigger.namespace(), trigger.name());
        self.warn_of_user_variables(attempt, policy, rule, &place);
        self.log_refused(attempt, policy, &rule_name, &place, &made.refused);
        let mut created = Vec::new();
        let written = self.write_targets(attempt, policy, &rule_name, made.targets, &mut created);
        let result = match (written, made.error) {
            (Err(Failure::Words(first)), Some(words)) => Err(Failure::Words(format!("{first}; {words}"))),
            (Ok(()), Some(words)) => Err(Failure::Words(words)),
            (written, _) => written,
        };
        let Err(failure) = result else {
            self.report_generated(policy, trigger, &verdict.rules, &created);
            return Ok(());
        };
        let common = format!("logger=background name={} policy={} trigger={place}", attempt.name, policy.name);
        let not_found = matches!(&failure, Failure::Api(error) if error.is_not_found());
        if not_found && self.behaviour.not_found == NotFound::Quiet {
            let text = format!("warning: reason {common} v=2");
            self.log_line(COMPONENT, "TRC", CONTROLLER, self.behaviour.line_quiet, &text, attempt.seq, true);
            self.report_generated(policy, trigger, &verdict.rules, &[]);
            return Ok(());
        }
        let error = serde_json::to_string(&failure.text()).unwrap_or_default();
        let text = format!("failed to apply generate rule error={error} {common}");
        self.log_line(COMPONENT, "ERR", CONTROLLER, self.behaviour.line_failed, &text, attempt.seq, not_found);
        Err(failure)
    }

    fn write_targets(
        &mut self,
        attempt: &Attempt,
        policy: &Rc<ClassicPolicy>,
        rule_name: &str,
        targets: Vec<generate::Target>,
        created: &mut Vec<Value>,
    ) -> Result<(), Failure> {
        let synchronize = policy
            .spec
            .rules
            .iter()
            .find(|rule| rule.name == rule_name)
            .and_then(|rule| rule.generate.as_ref())
            .is_some_and(|generate| generate.synchronize);
        let server_side = policy.spec.use_server_side_apply == Some(true);
        // Errors of elements by their `foreach`: the other elements are tried all the same.
        let mut failed: Vec<((usize, usize), String)> = Vec::new();
        for target in targets {
            if target.element.is_some_and(|element| failed.iter().any(|(other, _)| *other == element)) {
                continue;
            }
            self.label_source(&target, attempt);
            let element = target.element;
            let object = target.object;
            let current =
                self.store.find(&object.gvk().group, object.kind(), object.namespace(), object.name()).cloned();
            let verb = match &current {
                None if server_side => Verb::ServerSideApply,
                None => Verb::Create,
                Some(_) if !synchronize => {
                    self.leave_alone(attempt, policy, rule_name, &object);
                    continue;
                }
                Some(current) if same_content(current, &object) => continue,
                Some(_) if server_side => Verb::ServerSideApply,
                Some(_) => Verb::Update,
            };
            let mut body = object.clone();
            body.remove_at(&["metadata", "resourceVersion"]);
            let request = ApiRequest::about(verb, &body).by(BACKGROUND_USER, Lane::Background, Some(attempt.seq));
            let before = self.journal.events.len();
            let outcome = self.request(request);
            if let Some(asked) = self.journal.events.get_mut(before) {
                asked.detail.policy = Some(policy.key());
                asked.detail.rule = Some(rule_name.to_owned());
            }
            match outcome.result {
                Ok(stored) => {
                    let text = format!(
                        "created generate target resource logger=background name={} policy={} rule={rule_name} target={}/{}/{} v=2",
                        attempt.name,
                        policy.name,
                        stored.kind(),
                        stored.namespace(),
                        stored.name()
                    );
                    if current.is_none() {
                        self.log_line(
                            COMPONENT,
                            "TRC",
                            GENERATOR,
                            self.behaviour.line_created,
                            &text,
                            outcome.seq,
                            false,
                        );
                        self.emit_generated(policy, rule_name, &stored);
                        created.push(stored);
                    }
                }
                Err(error) if verb == Verb::Create && error.reason == "AlreadyExists" => {}
                Err(error) => {
                    if current.is_some() {
                        self.log_not_updated(attempt, policy, rule_name, &error.message, outcome.seq);
                    }
                    match element {
                        Some(element) => failed.push((element, error.message)),
                        None => return Err(Failure::Api(error)),
                    }
                }
            }
        }
        super::generate_log::of_elements(rule_name, failed).map_or(Ok(()), |words| Err(Failure::Words(words)))
    }

    fn emit_generated(&mut self, policy: &Rc<ClassicPolicy>, rule_name: &str, stored: &Value) {
        let message = format!(
            "Created {} {} as a result of applying policy {}/{rule_name}",
            stored.kind(),
            stored.name(),
            policy.key()
        );
        let made = Fact { source: "kyverno-generate", reason: "PolicyApplied", action: "None", message };
        self.emit(made, &Subject::Object(stored), None);
        let message = "resource generated".to_owned();
        let done = Fact { source: "kyverno-generate", reason: "PolicyApplied", action: "Resource Generated", message };
        self.emit(done, &Subject::Policy(policy), Some(stored));
    }

    /// What a rule made is said in the report of its trigger.
    fn report_generated(&mut self, policy: &ClassicPolicy, trigger: &Value, rules: &[RuleResponse], created: &[Value]) {
        let (seconds, _) = self.clock.unix();
        let by = reports::reporter(policy);
        let rows = rules.iter().map(|rule| reports::generation_row(&by, rule, created, seconds)).collect();
        self.report(trigger, rows);
    }

    fn leave_alone(&mut self, attempt: &Attempt, policy: &ClassicPolicy, rule_name: &str, object: &Value) {
        self.record(
            note(
                Lane::Background,
                "left-alone",
                format!("{} {} exists, synchronize is off", object.kind(), object.name()),
            )
            .cause(Some(attempt.seq))
            .subject(super::store::reference(object))
            .policy(&policy.key(), rule_name)
            .tone(Tone::Info)
            .upstream("pkg/background/generate/data.go"),
        );
    }

    /// Puts the clone-source label on the source of a clone.
    fn label_source(&mut self, target: &generate::Target, attempt: &Attempt) {
        let Some(source) = &target.source else { return };
        let gvk = Gvk::new(&source.api_version, &source.kind);
        let Some(mut object) = self.get(&gvk, &source.namespace, &source.name) else { return };
        if object.labels().contains_key(LABEL_CLONE_SOURCE) {
            return;
        }
        object.set_at(&["metadata", "labels", LABEL_CLONE_SOURCE], Value::String(String::new()));
        let request = ApiRequest::about(Verb::Update, &object).by(BACKGROUND_USER, Lane::Background, Some(attempt.seq));
        self.request(request);
    }

    fn delete_downstream(
        &mut self,
        attempt: &Attempt,
        policy: Option<&Rc<ClassicPolicy>>,
        context: &Value,
    ) -> Result<(), Failure> {
        if let Some(listed) = attempt.request.at(&["status", "generatedResources"]).and_then(Value::as_array) {
            for spec in listed.clone() {
                let found = self.get(&spec.gvk(), spec.str_at(&["namespace"]), spec.str_at(&["name"]));
                self.delete_all(attempt, found.into_iter().collect(), "policy deletion")?;
            }
            return Ok(());
        }
        let Some(policy) = policy else { return Ok(()) };
        let rule = policy.spec.rules.iter().find(|rule| rule.name == context.str_at(&["rule"]));
        let Some(generate) = rule.and_then(|rule| rule.generate.as_ref()) else { return Ok(()) };
        let mut kinds: Vec<Gvk> = Vec::new();
        for pattern in patterns(generate) {
            if pattern.kind.is_empty() {
                let listed = pattern.clone_list.iter().flat_map(|list| &list.kinds);
                kinds.extend(listed.map(|kind| listed_kind(kind)));
            } else {
                kinds.push(Gvk::new(&pattern.api_version, &pattern.kind));
            }
        }
        let trigger = context.get("trigger").cloned().unwrap_or(Value::Null);
        for gvk in kinds {
            let mut found = self.downstreams(policy, &gvk, &trigger, "uid");
            if found.is_empty() {
                found = self.downstreams(policy, &gvk, &trigger, "name");
            }
            self.delete_all(attempt, found, "source deletion")?;
        }
        Ok(())
    }

    /// What a policy generated for a trigger. The rule's label is not asked for: neither does Kyverno.
    fn downstreams(&self, policy: &ClassicPolicy, gvk: &Gvk, trigger: &Value, by: &str) -> Vec<Value> {
        let trigger_gvk = trigger.gvk();
        let wanted = [
            (LABEL_POLICY.to_owned(), policy.name.as_str()),
            (LABEL_POLICY_NAMESPACE.to_owned(), policy.namespace.as_str()),
            ("app.kubernetes.io/managed-by".to_owned(), "kyverno"),
            (format!("{LABEL_TRIGGER_PREFIX}{by}"), trigger.str_at(&[by])),
            (format!("{LABEL_TRIGGER_PREFIX}namespace"), trigger.str_at(&["namespace"])),
            (format!("{LABEL_TRIGGER_PREFIX}kind"), trigger_gvk.kind.as_str()),
            (format!("{LABEL_TRIGGER_PREFIX}group"), trigger_gvk.group.as_str()),
            (format!("{LABEL_TRIGGER_PREFIX}version"), trigger_gvk.version.as_str()),
        ];
        let all = self.list(gvk, None);
        let labelled = |object: &Value| {
            let labels = object.labels();
            wanted.iter().all(|(key, value)| labels.get(key).map(String::as_str) == Some(*value))
        };
        all.into_iter().filter(labelled).collect()
    }

    fn delete_all(&mut self, attempt: &Attempt, objects: Vec<Value>, when: &str) -> Result<(), Failure> {
        let mut errors = Vec::new();
        for object in objects {
            let request =
                ApiRequest::about(Verb::Delete, &object).by(BACKGROUND_USER, Lane::Background, Some(attempt.seq));
            if let Err(error) = self.request(request).result
                && !error.is_not_found()
            {
                errors.push(error.message);
            }
        }
        if errors.is_empty() {
            return Ok(());
        }
        Err(Failure::Words(format!("failed to clean up downstream resources on {when}: {}", errors.join("; "))))
    }

    pub(super) fn background_cx<'a>(&'a self, review: &'a AdmissionRequest) -> EvalCx<'a> {
        EvalCx {
            request: review,
            view: self,
            exceptions: if self.exceptions_enabled() { &self.policies.exceptions } else { &[] },
            profile: self.behaviour.profile,
            mode: Mode::Background,
            trace: true,
        }
    }
}

/// The patterns of a rule: its own, or those of its `foreach`.
pub(super) fn patterns(generate: &Generation) -> Vec<GeneratePattern> {
    if generate.foreach.is_empty() {
        return vec![generate.pattern.clone()];
    }
    generate.foreach.iter().filter_map(|element| read(element).ok()).collect()
}

/// `v1/Secret` or `apps/v1/Deployment` of a `cloneList`.
pub(super) fn listed_kind(kind: &str) -> Gvk {
    let (api_version, kind) = kind.rsplit_once('/').unwrap_or(("v1", kind));
    Gvk::new(api_version, kind)
}

/// A policy with one rule only.
pub(super) fn only(policy: &ClassicPolicy, rule: &str) -> ClassicPolicy {
    let mut policy = policy.clone();
    policy.spec.rules.retain(|candidate| candidate.name == rule);
    policy
}

/// As [`background_review`], for classic policies: what no request led to has no operation (`NewBackgroundContext`).
pub(super) fn classic_review(attempt: &Attempt, trigger: &Value, cluster: &Cluster) -> AdmissionRequest {
    let mut review = background_review(attempt, trigger, cluster);
    if attempt.request.at(&["spec", "context", "admissionRequestInfo", "admissionRequest"]).is_none() {
        review.operation = Operation::None;
    }
    review
}

/// The request that the background controller evaluates: the admission request with the live trigger, or the trigger alone.
pub(super) fn background_review(attempt: &Attempt, trigger: &Value, cluster: &Cluster) -> AdmissionRequest {
    let info = attempt.request.at(&["spec", "context", "admissionRequestInfo"]);
    let admission = info.and_then(|info| info.get("admissionRequest"));
    let gvk = trigger.gvk();
    let resource = cluster.catalog.gvr_of(&gvk).unwrap_or_else(|| crate::object::catalog::guess_resource(&gvk));
    let mut review = AdmissionRequest::create(trigger.clone(), resource);
    if gvk.kind == "Namespace" {
        trigger.name().clone_into(&mut review.namespace);
    }
    let Some(admission) = admission else { return review };
    review.operation = Operation::parse(admission.str_at(&["operation"])).unwrap_or_default();
    admission.str_at(&["subResource"]).clone_into(&mut review.subresource);
    let old = admission.get("oldObject").filter(|old| !old.is_null()).cloned();
    if review.operation == Operation::Delete {
        // `request.object` is the trigger here, unlike at admission.
        review.old_object = old.or_else(|| Some(trigger.clone()));
    } else {
        review.old_object = old;
    }
    let user = attempt.request.at(&["spec", "context", "userInfo"]);
    let info = user.and_then(|user| user.get("userInfo")).cloned().unwrap_or(Value::Null);
    review.user = read::<UserInfo>(&info).unwrap_or_default();
    let words = |key: &str| -> Vec<String> {
        let list = user.and_then(|user| user.get(key)).cloned().unwrap_or(Value::Null);
        read(&list).unwrap_or_default()
    };
    review.roles = words("roles");
    review.cluster_roles = words("clusterRoles");
    for (field, place) in [("name", &mut review.name), ("namespace", &mut review.namespace), ("uid", &mut review.uid)] {
        admission.str_at(&[field]).clone_into(place);
    }
    let part = |place: &str, key: &str| admission.str_at(&[place, key]).to_owned();
    if !part("kind", "kind").is_empty() {
        review.kind =
            Gvk { group: part("kind", "group"), version: part("kind", "version"), kind: part("kind", "kind") };
        review.resource = Gvr {
            group: part("resource", "group"),
            version: part("resource", "version"),
            resource: part("resource", "resource"),
        };
    }
    (review.whole, review.has_user) = (true, true);
    review
}

pub(super) fn spec_reference(spec: &Value) -> ObjectRef {
    ObjectRef {
        api_version: spec.api_version().to_owned(),
        kind: spec.kind().to_owned(),
        namespace: spec.str_at(&["namespace"]).to_owned(),
        name: spec.str_at(&["name"]).to_owned(),
    }
}

/// Whether two objects match each other as patterns do: the server's own fields do not count.
fn same_content(current: &Value, wanted: &Value) -> bool {
    let strip = |object: &Value| {
        let mut object = object.clone();
        for field in ["uid", "creationTimestamp", "resourceVersion", "generation", "managedFields"] {
            object.remove_at(&["metadata", field]);
        }
        if let Some(map) = object.as_object_mut() {
            map.shift_remove("status");
        }
        object
    };
    strip(current) == strip(wanted)
}
