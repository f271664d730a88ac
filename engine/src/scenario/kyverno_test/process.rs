//! Evaluates the policies of a test against its resources in the order of `processor/policy_processor.go`.
//!
//! All mutate policies first, each seeing what the one before made; then images, validation, admission policies, the CEL
//! kinds, generation. Validation therefore sees mutated objects.

use serde_json::{Value, json};

use super::cel_kinds::CelPolicies;
use super::load::TestData;
use super::response::{EngineResponse, TestResponse, patched_target, resource_key};
use super::values::merge_at;
use super::view::TestView;
use crate::eval::request::{AdmissionRequest, Operation};
use crate::eval::verdict::{RuleType, Verdict};
use crate::eval::{EvalCx, Mode, Profile, engine};
use crate::object::ObjectExt;
use crate::object::catalog::guess_resource;
use crate::object::gvk::Gvk;
use crate::object::order;
use crate::policy::exception::PolicyException;
use crate::policy::rule::Rule;
use crate::policy::{ClassicPolicy, lint};

/// Evaluates a whole test.
///
/// # Errors
/// What `kyverno test` would stop with.
pub fn evaluate(data: &TestData) -> Result<TestResponse, String> {
    let mut responses = TestResponse::default();
    let processor = Processor::new(data, &mut responses)?;
    let mut operations: Vec<&str> = data.results.iter().map(|entry| entry.operation.as_str()).collect();
    operations.retain(|operation| !operation.is_empty());
    order::sort(&mut operations);
    operations.dedup();
    for resource in &data.resources {
        let key = resource_key(resource);
        responses.trigger.insert(key.clone(), processor.run(resource, "")?);
        for operation in &operations {
            let run = processor.run(resource, operation)?;
            responses.by_operation.entry((*operation).to_owned()).or_default().insert(key.clone(), run);
        }
    }
    for (path, payload) in &data.payloads {
        let run = processor.cel.json(payload, &processor.view("", "", &processor.objects))?;
        responses.trigger.entry(path.clone()).or_default().extend(run);
    }
    for (mode, payloads) in [("HTTP", &data.http_payloads), ("Envoy", &data.envoy_payloads)] {
        for (path, payload) in payloads {
            let run = processor.cel.authorization(mode, payload, &processor.view("", "", &processor.objects))?;
            responses.trigger.entry(path.clone()).or_default().extend(run);
        }
    }
    for target in &data.targets {
        let key = resource_key(target);
        let runs = responses.trigger.values().chain(responses.by_operation.values().flat_map(|run| run.values()));
        let patched: Vec<EngineResponse> =
            runs.flatten().filter(|response| patched_target(response, &key).is_some()).cloned().collect();
        if !patched.is_empty() {
            responses.target.insert(key, patched);
        }
    }
    Ok(responses)
}

/// Policies of a test, ready for use.
struct Processor<'a> {
    data: &'a TestData,
    classic: Vec<ClassicPolicy>,
    exceptions: Vec<PolicyException>,
    cel: CelPolicies<'a>,
    /// What the fake cluster holds.
    objects: Vec<Value>,
}

impl<'a> Processor<'a> {
    fn new(data: &'a TestData, responses: &mut TestResponse) -> Result<Self, String> {
        let mut classic = Vec::new();
        for object in data.policies.iter().filter(|object| is_classic(object)) {
            let policy = ClassicPolicy::read(object)?;
            match lint::denial(&lint::check(object, &lint::Options::default())) {
                Some(words) => drop(responses.skipped.insert(policy.name.clone(), words)),
                None => classic.push(policy),
            }
        }
        let exceptions = data.exceptions.iter().map(PolicyException::read).collect::<Result<Vec<_>, _>>()?;
        let objects = [&data.resources, &data.targets, &data.params, &data.cluster];
        let objects: Vec<Value> = objects.into_iter().flatten().cloned().collect();
        Ok(Self { data, classic, exceptions, cel: CelPolicies::read(data)?, objects })
    }

    fn view<'v>(&'v self, resource: &'v str, operation: &'v str, objects: &'v [Value]) -> TestView<'v> {
        TestView { outside: &self.data.outside, objects, resource, operation, cel: false }
    }

    fn run(&self, resource: &Value, operation: &str) -> Result<Vec<EngineResponse>, String> {
        let mut current = resource.clone();
        let mut responses = Vec::new();
        let view = &self.view(resource.name(), operation, &self.objects);
        let steps: [(fn(&Rule) -> bool, Door, bool); 3] = [
            (|rule| rule.mutate.is_some(), engine::mutate, true),
            (|rule| !rule.verify_images.is_empty(), engine::verify_images, true),
            (|rule| rule.validate.is_some() || !rule.verify_images.is_empty(), engine::validate, false),
        ];
        for (concerns, door, changes) in steps {
            for policy in self.classic.iter().filter(|policy| policy.spec.rules.iter().any(concerns)) {
                let verdict = self.classic(policy, &current, operation, view, door)?;
                let mut response = EngineResponse::new(&policy.raw, &current);
                current = match verdict.patched {
                    Some(patched) => patched,
                    // What a DELETE leaves behind such a policy is the new object, which is empty.
                    None if changes && self.deletes(policy, &current, operation, view)? => Value::Null,
                    None => current,
                };
                response.patched = current.clone();
                response.rules = verdict.rules;
                responses.push(response);
            }
        }
        let user = self.data.user.as_ref().and_then(|info| info.user_info.clone());
        let mut last = Vec::new();
        if current.is_null() {
            return Ok(responses);
        }
        self.cel.run(&mut current, operation, user.as_ref(), view, &mut responses, &mut last)?;
        for policy in self.classic.iter().filter(|policy| policy.spec.rules.iter().any(|rule| rule.generate.is_some()))
        {
            let verdict = self.classic(policy, &current, operation, view, engine::background_checks)?;
            if verdict.rules.is_empty() {
                continue;
            }
            let mut response = EngineResponse::new(&policy.raw, &current);
            response.rules = verdict.rules;
            self.generate(policy, &current, operation, &mut response)?;
            responses.push(response);
        }
        responses.extend(last);
        Ok(responses)
    }

    fn classic(
        &self,
        policy: &ClassicPolicy,
        resource: &Value,
        operation: &str,
        view: &TestView<'_>,
        door: Door,
    ) -> Result<Verdict, String> {
        let request = self.request(policy, resource, operation)?;
        Ok(door(policy, &self.surroundings(&request, view)))
    }

    /// Whether the request is a DELETE that concerns the policy.
    fn deletes(
        &self,
        policy: &ClassicPolicy,
        resource: &Value,
        operation: &str,
        view: &TestView<'_>,
    ) -> Result<bool, String> {
        let request = self.request(policy, resource, operation)?;
        Ok(request.operation == Operation::Delete && engine::concerned(policy, &self.surroundings(&request, view)))
    }

    fn surroundings<'c>(&'c self, request: &'c AdmissionRequest, view: &'c TestView<'c>) -> EvalCx<'c> {
        EvalCx { request, view, exceptions: &self.exceptions, profile: Profile::V1_19, mode: Mode::Cli, trace: false }
    }

    /// `handleGeneratePolicy`: a generate controller over a cluster of the trigger, the clone sources, and what it made before.
    fn generate(
        &self,
        policy: &ClassicPolicy,
        trigger: &Value,
        operation: &str,
        response: &mut EngineResponse,
    ) -> Result<(), String> {
        let mut objects = vec![trigger.clone()];
        for answer in &response.rules {
            for entry in &self.data.results {
                let (namespace, name) = entry.policy.split_once('/').unwrap_or(("", &entry.policy));
                if namespace == policy.namespace && name == policy.name && entry.rule == answer.name {
                    objects.extend(self.data.clone_sources(&entry.clone_source_resource));
                }
            }
        }
        let mut generated: Vec<(String, Vec<Value>)> = Vec::new();
        for answer in response.rules.iter().filter(|answer| answer.rule_type == RuleType::Generation) {
            let request = self.request(policy, trigger, operation)?;
            let view = self.view(trigger.name(), operation, &objects);
            let (made, _) = engine::generate(policy, &answer.name, &self.surroundings(&request, &view));
            if made.error.is_some() {
                // A generation that fails leaves the answers as they are.
                return Ok(());
            }
            let mut fresh: Vec<Value> = Vec::new();
            for object in made.targets.into_iter().map(|target| target.object) {
                // What is there already is not listed as generated, whether it is updated or not.
                if objects.iter().chain(&fresh).all(|other| resource_key(other) != resource_key(&object)) {
                    fresh.push(object);
                }
            }
            objects.extend(fresh.iter().cloned());
            generated.push((answer.name.clone(), fresh));
        }
        for (name, made) in generated {
            if let Some(answer) = response.rules.iter_mut().find(|answer| answer.name == name) {
                answer.generated = made;
            }
        }
        Ok(())
    }

    /// `makePolicyContext`: the values may change the object itself.
    fn request(&self, policy: &ClassicPolicy, resource: &Value, explicit: &str) -> Result<AdmissionRequest, String> {
        let outside = &self.data.outside;
        let values = outside.values.for_resource(&policy.name, resource.name());
        let wanted = if explicit.is_empty() {
            values.get("request.operation").and_then(Value::as_str).unwrap_or("")
        } else {
            explicit
        };
        let operation = match wanted {
            "UPDATE" => Operation::Update,
            "DELETE" => Operation::Delete,
            _ => Operation::Create,
        };
        let mut document = json!({"request": {}});
        if operation != Operation::Delete {
            document.set_at(&["request", "object"], resource.clone());
        }
        if operation != Operation::Create {
            document.set_at(&["request", "oldObject"], resource.clone());
        }
        for (key, value) in values.iter().filter(|(key, _)| key.starts_with("request")) {
            merge_at(&mut document, key, value);
        }
        let object_at = |name: &str| match document.at(&["request", name]) {
            None | Some(Value::Null) => Ok(None),
            Some(object) if object.is_object() => Ok(Some(object.clone())),
            Some(_) => Err("the object retrieved from the json context is not valid".to_owned()),
        };
        let object = if operation == Operation::Delete { None } else { object_at("object")? };
        let old_object = if operation == Operation::Create { None } else { object_at("oldObject")? };
        let (kind, subresource) = parent_kind(self.data, resource);
        let info = self.data.user.clone().unwrap_or_default();
        Ok(AdmissionRequest {
            resource: outside.catalog.gvr_of(&kind).unwrap_or_else(|| guess_resource(&kind)),
            kind,
            subresource,
            name: resource.name().to_owned(),
            namespace: if operation == Operation::Delete { String::new() } else { resource.namespace().to_owned() },
            operation,
            user: info.user_info.unwrap_or_default(),
            roles: info.roles,
            cluster_roles: info.cluster_roles,
            object,
            old_object,
            has_user: self.data.user.is_some(),
            ..AdmissionRequest::default()
        })
    }
}

/// The kind that the request is about: for a kind that the values declare as a subresource, its parent's.
pub(super) fn parent_kind(data: &TestData, resource: &Value) -> (Gvk, String) {
    let own = resource.gvk();
    let kind = |api: &Value| Gvk {
        group: api.str_at(&["group"]).to_owned(),
        version: api.str_at(&["version"]).to_owned(),
        kind: api.str_at(&["kind"]).to_owned(),
    };
    if data.outside.cluster {
        return (own, String::new());
    }
    let declared = data.outside.values.subresources.iter().find(|entry| kind(&entry.subresource) == own);
    match declared {
        Some(entry) => {
            let name = entry.subresource.str_at(&["name"]);
            (kind(&entry.parent_resource), name.split_once('/').map_or("", |(_, part)| part).to_owned())
        }
        None => (own, String::new()),
    }
}

type Door = fn(&ClassicPolicy, &EvalCx<'_>) -> Verdict;

fn is_classic(object: &Value) -> bool {
    object.gvk().group == "kyverno.io" && matches!(object.kind(), "ClusterPolicy" | "Policy")
}
