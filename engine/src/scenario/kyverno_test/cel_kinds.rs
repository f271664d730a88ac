//! The policies that are written in CEL, and how a test evaluates them (`processor/policy_processor.go`, from
//! "Mutate Admission Policies" on, and `commands/test/test.go` for the kinds behind it).

use serde_json::Value;

use super::load::TestData;
use super::process::parent_kind;
use super::response::EngineResponse;
use super::view::TestView;
use crate::eval::cel::{deleting, generating, images, map, matching, mutating, validating, vap};
use crate::eval::request::{AdmissionRequest, Operation, UserInfo};
use crate::eval::verdict::{Status, Verdict};
use crate::eval::{EvalCx, Mode, Profile};
use crate::object::ObjectExt;
use crate::object::catalog::guess_resource;
use crate::policy::admission_policies::{AdmissionBinding, MutatingAdmissionPolicy, ValidatingAdmissionPolicy};
use crate::policy::cel_exception::CelException;
use crate::policy::constraints::{CelPolicy, MatchResources};
use crate::policy::deleting::DeletingPolicy;
use crate::policy::generating::GeneratingPolicy;
use crate::policy::image_validating::ImageValidatingPolicy;
use crate::policy::mutating::MutatingPolicy;
use crate::policy::validating::ValidatingPolicy;

/// A policy with what it compiles to.
struct Ready<S, C> {
    policy: CelPolicy<S>,
    compiled: C,
}

/// CEL policies of a test.
pub struct CelPolicies<'a> {
    data: &'a TestData,
    exceptions: Vec<CelException>,
    bindings: Vec<AdmissionBinding>,
    maps: Vec<Ready<crate::policy::admission_policies::MutatingAdmissionSpec, map::Compiled>>,
    mutating: Vec<Ready<crate::policy::mutating::MutatingSpec, mutating::Compiled>>,
    vaps: Vec<Ready<crate::policy::admission_policies::ValidatingAdmissionSpec, vap::Compiled>>,
    validating: Vec<Ready<crate::policy::validating::ValidatingSpec, validating::Compiled>>,
    generating: Vec<Ready<crate::policy::generating::GeneratingSpec, generating::Compiled>>,
    images: Vec<Ready<crate::policy::image_validating::ImageValidatingSpec, images::Compiled>>,
    deleting: Vec<Ready<crate::policy::deleting::DeletingSpec, deleting::Compiled>>,
    /// What CEL's `resource` library finds.
    objects: Vec<Value>,
}

fn failed(name: &str, problem: &dyn std::fmt::Display) -> String {
    format!("failed to compile policy {name} ({problem})")
}

impl<'a> CelPolicies<'a> {
    /// Takes them from a test.
    ///
    /// # Errors
    /// One does not compile.
    pub fn read(data: &'a TestData) -> Result<Self, String> {
        let exceptions = data.cel_exceptions.iter().map(CelException::from_value).collect::<Result<_, _>>()?;
        let objects = if data.outside.cluster {
            [&data.resources, &data.targets, &data.params, &data.cluster].into_iter().flatten().cloned().collect()
        } else {
            data.outside.context_resources.clone()
        };
        let mut all = Self {
            data,
            exceptions,
            objects,
            bindings: Vec::new(),
            maps: Vec::new(),
            mutating: Vec::new(),
            vaps: Vec::new(),
            validating: Vec::new(),
            generating: Vec::new(),
            images: Vec::new(),
            deleting: Vec::new(),
        };
        for object in &data.policies {
            all.add(object)?;
        }
        Ok(all)
    }

    fn add(&mut self, object: &Value) -> Result<(), String> {
        let kind = object.kind();
        match kind.strip_prefix("Namespaced").unwrap_or(kind) {
            "ValidatingAdmissionPolicyBinding" | "MutatingAdmissionPolicyBinding" => {
                self.bindings.push(AdmissionBinding::from_value(object)?);
            }
            "MutatingAdmissionPolicy" => {
                let policy = MutatingAdmissionPolicy::from_value(object)?;
                let compiled = map::Compiled::stored(&policy);
                self.maps.push(Ready { policy, compiled });
            }
            "ValidatingAdmissionPolicy" => {
                let policy = ValidatingAdmissionPolicy::from_value(object)?;
                let compiled = vap::Compiled::stored(&policy);
                self.vaps.push(Ready { policy, compiled });
            }
            "MutatingPolicy" => {
                let policy = MutatingPolicy::from_value(object)?;
                let compiled = mutating::Compiled::new(&policy).map_err(|error| failed(&policy.name, &error))?;
                self.mutating.push(Ready { policy, compiled });
            }
            "ValidatingPolicy" => {
                let policy = ValidatingPolicy::from_value(object)?;
                if matches!(mode_of(object), "HTTP" | "Envoy") {
                    return Ok(());
                }
                let compiled = validating::Compiled::new(&policy).map_err(|error| failed(&policy.name, &error))?;
                self.validating.push(Ready { policy, compiled });
            }
            "GeneratingPolicy" => {
                let policy = GeneratingPolicy::from_value(object)?;
                let compiled = generating::Compiled::new(&policy).map_err(|error| failed(&policy.name, &error))?;
                self.generating.push(Ready { policy, compiled });
            }
            "ImageValidatingPolicy" => {
                let policy = ImageValidatingPolicy::from_value(object)?;
                let compiled = images::Compiled::new(&policy).map_err(|error| failed(&policy.name, &error))?;
                self.images.push(Ready { policy, compiled });
            }
            "DeletingPolicy" => {
                let policy = DeletingPolicy::from_value(object)?;
                let compiled = deleting::Compiled::new(&policy).map_err(|error| failed(&policy.name, &error))?;
                self.deleting.push(Ready { policy, compiled });
            }
            _ => {}
        }
        Ok(())
    }

    /// `AdmissionRequestShape`: what is asked for a resource.
    fn request(&self, resource: &Value, operation: &str, user: Option<&UserInfo>) -> AdmissionRequest {
        let wanted = match operation {
            "" => self.data.outside.values.global_operation(),
            explicit => explicit,
        };
        let (operation, object, old_object) = match wanted {
            "UPDATE" => (Operation::Update, Some(resource.clone()), Some(resource.clone())),
            "DELETE" => (Operation::Delete, None, Some(resource.clone())),
            _ => (Operation::Create, Some(resource.clone()), None),
        };
        let (kind, subresource) = parent_kind(self.data, resource);
        AdmissionRequest {
            resource: self.data.outside.catalog.gvr_of(&kind).unwrap_or_else(|| guess_resource(&kind)),
            kind,
            subresource,
            name: resource.name().to_owned(),
            namespace: resource.namespace().to_owned(),
            operation,
            user: user.cloned().unwrap_or_default(),
            object,
            old_object,
            has_user: user.is_some(),
            ..AdmissionRequest::default()
        }
    }

    /// The API server's kinds see a plain CREATE.
    fn plain(&self, resource: &Value, user: Option<&UserInfo>) -> AdmissionRequest {
        let request = self.request(resource, "CREATE", user);
        AdmissionRequest { subresource: String::new(), ..request }
    }

    fn bindings_of(&self, kind: &str, policy: &str) -> Vec<&AdmissionBinding> {
        let wanted = format!("{kind}Binding");
        self.bindings.iter().filter(|binding| binding.kind == wanted && binding.spec.policy_name == policy).collect()
    }

    /// Evaluates them on a resource: `responses` gets what comes before generate rules, `last` what comes at the end.
    ///
    /// # Errors
    /// What stops a test.
    pub fn run(
        &self,
        current: &mut Value,
        operation: &str,
        user: Option<&UserInfo>,
        view: &TestView<'_>,
        responses: &mut Vec<EngineResponse>,
        last: &mut Vec<EngineResponse>,
    ) -> Result<(), String> {
        let view = TestView { cel: true, ..view.over(&self.objects) };
        self.mutate(current, operation, user, &view, responses);
        for ready in &self.vaps {
            let request = self.plain(current, user);
            let bindings = self.bindings_of("ValidatingAdmissionPolicy", &ready.policy.name);
            let verdict = ready.compiled.evaluate(&bindings, &self.data.params, &surroundings(&request, &view));
            last.push(response(&ready.policy.raw, current, verdict));
        }
        let request = self.request(current, operation, user);
        let cx = surroundings(&request, &view);
        for ready in self.validating.iter().filter(|ready| !ready.compiled.is_json()) {
            let verdict = ready.compiled.evaluate(&cx, &self.exceptions);
            if verdict.rules.is_empty() && is_plain(ready.policy.spec.match_constraints.as_ref()) {
                continue;
            }
            responses.push(response(&ready.policy.raw, current, verdict));
        }
        for ready in self.validating.iter().filter(|ready| ready.compiled.is_json()) {
            let verdict = ready.compiled.evaluate_json(current, &cx, &self.exceptions);
            responses.push(response(&ready.policy.raw, current, verdict));
        }
        for ready in &self.generating {
            let verdict = ready.compiled.evaluate(&cx, &self.exceptions);
            if !verdict.rules.is_empty() {
                responses.push(response(&ready.policy.raw, current, verdict));
            }
        }
        for ready in &self.images {
            let verdict = ready.compiled.evaluate(&cx, &self.exceptions);
            last.push(response(&ready.policy.raw, current, verdict));
        }
        if operation.is_empty() {
            let request = self.request(current, "CREATE", user);
            for ready in &self.deleting {
                let verdict = ready.compiled.evaluate(&surroundings(&request, &view), &self.exceptions);
                if !verdict.rules.is_empty() {
                    last.push(response(&ready.policy.raw, current, verdict));
                }
            }
        }
        Ok(())
    }

    fn mutate(
        &self,
        current: &mut Value,
        operation: &str,
        user: Option<&UserInfo>,
        view: &TestView<'_>,
        responses: &mut Vec<EngineResponse>,
    ) {
        for ready in &self.maps {
            let request = self.plain(current, user);
            let bindings = self.bindings_of("MutatingAdmissionPolicy", &ready.policy.name);
            let verdict = ready.compiled.evaluate(&bindings, &self.data.params, &surroundings(&request, view));
            if verdict.rules.is_empty() {
                continue;
            }
            let answer = response(&ready.policy.raw, current, verdict);
            current.clone_from(&answer.patched);
            responses.push(answer);
        }
        let trigger = current.clone();
        let mut answers = Vec::new();
        for ready in &self.mutating {
            let request = self.request(current, operation, user);
            let verdict = ready.compiled.evaluate(&surroundings(&request, view), &self.exceptions);
            if verdict.rules.is_empty() && is_plain(ready.policy.spec.match_constraints.as_ref()) {
                continue;
            }
            if let Some(patched) = &verdict.patched {
                current.clone_from(patched);
            }
            answers.push(response(&ready.policy.raw, &trigger, verdict));
        }
        // One engine runs all of them, and each answer has what came out in the end.
        for answer in &mut answers {
            answer.patched.clone_from(current);
        }
        responses.append(&mut answers);
        if !self.data.targets.is_empty() {
            self.mutate_targets(&trigger, operation, user, view, responses);
        }
    }

    /// Existing resources that policies with `mutateExisting` change.
    fn mutate_targets(
        &self,
        trigger: &Value,
        operation: &str,
        user: Option<&UserInfo>,
        view: &TestView<'_>,
        responses: &mut Vec<EngineResponse>,
    ) {
        let objects: Vec<Value> = self.objects.iter().chain(&self.data.targets).cloned().collect();
        let view = view.over(&objects);
        let request = self.request(trigger, operation, user);
        for target in &self.data.targets {
            let mut current = target.clone();
            for ready in self.mutating.iter().filter(|ready| ready.compiled.mutates_existing()) {
                let asked = AdmissionRequest { object: Some(current.clone()), ..self.request(&current, "", user) };
                if !self.is_target(ready, target, &request, &asked, &view) {
                    continue;
                }
                let verdict =
                    ready.compiled.evaluate_target(&current, &surroundings(&request, &view), &self.exceptions);
                if verdict.rules.is_empty() {
                    continue;
                }
                let patched = verdict.patched.clone().unwrap_or_else(|| current.clone());
                let mut answer = EngineResponse::new(&ready.policy.raw, trigger);
                answer.rules = verdict.rules;
                for rule in answer.rules.iter_mut().filter(|rule| rule.status == Status::Pass) {
                    rule.patched_target = Some(patched.clone());
                }
                current = patched;
                responses.push(answer);
            }
        }
    }

    fn is_target(
        &self,
        ready: &Ready<crate::policy::mutating::MutatingSpec, mutating::Compiled>,
        target: &Value,
        trigger: &AdmissionRequest,
        asked: &AdmissionRequest,
        view: &TestView<'_>,
    ) -> bool {
        if let Some(found) = ready.compiled.target_of(&surroundings(trigger, view)) {
            let key = |object: &Value| (object.namespace().to_owned(), object.name().to_owned());
            return match found.get("items").and_then(Value::as_array) {
                Some(items) => items.iter().any(|item| key(item) == key(target)),
                None => key(&found) == key(target),
            };
        }
        let Some(constraints) = ready.compiled.target_constraints() else { return false };
        let mut constraints: MatchResources = constraints.clone();
        for rule in &mut constraints.resource_rules {
            rule.operations = vec!["*".to_owned()];
        }
        let mut trace = crate::eval::trace::Trace::off();
        matching::matches(&constraints, &surroundings(asked, view), "", &mut trace).unwrap_or(false)
    }

    /// Evaluates those of mode JSON on a payload.
    ///
    /// # Errors
    /// What stops a test.
    pub fn json(&self, payload: &Value, view: &TestView<'_>) -> Result<Vec<EngineResponse>, String> {
        let view = TestView { cel: true, ..view.over(&self.objects) };
        let request = AdmissionRequest::default();
        let cx = surroundings(&request, &view);
        let of_json = self.validating.iter().filter(|ready| ready.compiled.is_json());
        let mut found: Vec<EngineResponse> = of_json
            .map(|ready| {
                response(&ready.policy.raw, payload, ready.compiled.evaluate_json(payload, &cx, &self.exceptions))
            })
            .collect();
        for ready in &self.images {
            let verdict = ready.compiled.evaluate_json(payload, &cx);
            found.push(response(&ready.policy.raw, payload, verdict));
        }
        Ok(found)
    }

    /// Evaluates those of mode HTTP or Envoy on a request.
    ///
    /// # Errors
    /// What stops a test.
    pub fn authorization(
        &self,
        mode: &str,
        payload: &Value,
        view: &TestView<'_>,
    ) -> Result<Vec<EngineResponse>, String> {
        let view = TestView { cel: true, ..view.over(&self.objects) };
        let mut found = Vec::new();
        for object in self.data.policies.iter().filter(|object| mode_of(object) == mode) {
            let policy = ValidatingPolicy::from_value(object)?;
            let compiled = crate::eval::cel::authorization::Compiled::new(&policy, mode)
                .map_err(|error| failed(&policy.name, &error))?;
            let mut answer = EngineResponse::new(object, payload);
            answer.rules = vec![compiled.evaluate(payload, &view)];
            found.push(answer);
        }
        Ok(found)
    }
}

fn mode_of(object: &Value) -> &str {
    if object.kind() == "ValidatingPolicy" { object.str_at(&["spec", "evaluation", "mode"]) } else { "" }
}

fn surroundings<'c>(request: &'c AdmissionRequest, view: &'c TestView<'c>) -> EvalCx<'c> {
    EvalCx { request, view, exceptions: &[], profile: Profile::V1_19, mode: Mode::Cli, trace: false }
}

fn response(policy: &Value, resource: &Value, verdict: Verdict) -> EngineResponse {
    let mut answer = EngineResponse::new(policy, resource);
    answer.patched = verdict.patched.unwrap_or_else(|| resource.clone());
    answer.rules = verdict.rules;
    answer
}

/// `hasSelector`: one plain resource rule and nothing else; such a policy that does not match gives no answer at all.
fn is_plain(constraints: Option<&MatchResources>) -> bool {
    let Some(constraints) = constraints else { return false };
    let selects = |selector: Option<&Value>| {
        selector.is_some_and(|selector| {
            let filled = |key: &str| match selector.get(key) {
                Some(Value::Object(labels)) => !labels.is_empty(),
                Some(Value::Array(expressions)) => !expressions.is_empty(),
                _ => false,
            };
            filled("matchLabels") || filled("matchExpressions")
        })
    };
    let [rule] = constraints.resource_rules.as_slice() else { return false };
    !selects(constraints.namespace_selector.as_ref())
        && !selects(constraints.object_selector.as_ref())
        && constraints.exclude_resource_rules.is_empty()
        && rule.resource_names.is_empty()
}
