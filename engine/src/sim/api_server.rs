//! kube-apiserver: one request from decoding to etcd.
//!
//! The order follows `k8s.io/apiserver/pkg/endpoints/handlers/create.go` and `registry/generic/registry/store.go`:
//! namespace checks, mutating admission, system fields, validating admission, storage. `AlreadyExists` comes from the
//! storage, after the webhooks have been asked.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use serde_json::{Value, json};

use super::journal::{Lane, Tone};
use super::pods::check_built_in;
use super::recorder::note;
use super::store::{Key, reference};
use super::{Cluster, Task, validation};
use crate::eval::request::{AdmissionRequest, Operation, UserInfo};
use crate::object::ObjectExt;
use crate::object::access::Access;
use crate::object::gvk::{Gvk, Gvr, ObjectRef};

/// What is asked of the API server.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Verb {
    /// POST.
    Create,
    /// PUT.
    Update,
    /// PATCH with a JSON merge patch.
    MergePatch,
    /// PATCH with RFC 6902 operations.
    JsonPatch,
    /// PATCH with a strategic merge patch.
    StrategicPatch,
    /// PATCH with a server-side apply configuration.
    ServerSideApply,
    /// DELETE.
    Delete,
    /// A connection to a subresource such as `exec`.
    Connect,
}

impl Verb {
    /// As events say it.
    #[must_use]
    pub fn word(self) -> &'static str {
        match self {
            Self::Create => "create",
            Self::Update => "update",
            Self::MergePatch | Self::JsonPatch | Self::StrategicPatch => "patch",
            Self::ServerSideApply => "apply",
            Self::Delete => "delete",
            Self::Connect => "connect",
        }
    }
}

/// One request.
#[derive(Clone, Debug)]
pub struct ApiRequest {
    /// What to do.
    pub verb: Verb,
    /// Kind of the object.
    pub gvk: Gvk,
    /// `status`, `scale` or `""`.
    pub subresource: String,
    /// Namespace, `""` for cluster-scoped objects.
    pub namespace: String,
    /// Name; `""` where the server makes one.
    pub name: String,
    /// The object or the patch; `None` for DELETE.
    pub body: Option<Value>,
    /// Who asks.
    pub user: UserInfo,
    /// Nothing is stored.
    pub dry_run: bool,
    /// `fieldValidation: Strict`, as kubectl asks for: unknown fields are refused; otherwise they are warned of.
    pub strict: bool,
    /// Which lane asks.
    pub from: Lane,
    /// The event that led to it.
    pub cause: Option<u32>,
    /// `Foreground`, `Background` or `Orphan`, of a DELETE.
    pub propagation: Option<String>,
}

impl ApiRequest {
    /// A request about an object, by the cluster administrator.
    #[must_use]
    pub fn about(verb: Verb, object: &Value) -> Self {
        Self {
            verb,
            gvk: object.gvk(),
            subresource: String::new(),
            namespace: object.namespace().to_owned(),
            name: object.name().to_owned(),
            body: (verb != Verb::Delete).then(|| object.clone()),
            user: administrator(),
            dry_run: false,
            strict: false,
            from: Lane::You,
            cause: None,
            propagation: None,
        }
    }

    /// The same, by a service account of Kyverno's, from a lane.
    #[must_use]
    pub fn by(mut self, username: &str, from: Lane, cause: Option<u32>) -> Self {
        self.user = service_account(username);
        self.from = from;
        self.cause = cause;
        self
    }

    fn subject(&self) -> ObjectRef {
        let generate_name = self.body.as_ref().map(|body| body.generate_name()).unwrap_or("");
        let name = if self.name.is_empty() { generate_name } else { &self.name };
        ObjectRef {
            api_version: self.gvk.api_version(),
            kind: self.gvk.kind.clone(),
            namespace: self.namespace.clone(),
            name: name.to_owned(),
        }
    }
}

/// The user of a scenario's steps when none is named.
#[must_use]
pub fn administrator() -> UserInfo {
    UserInfo {
        username: "kubernetes-admin".to_owned(),
        groups: vec!["kubeadm:cluster-admins".to_owned(), "system:authenticated".to_owned()],
        ..UserInfo::default()
    }
}

/// A service account with the groups that it always has.
#[must_use]
pub fn service_account(username: &str) -> UserInfo {
    let namespace = username.split(':').nth(2).unwrap_or("default");
    UserInfo {
        username: username.to_owned(),
        groups: vec![
            "system:serviceaccounts".to_owned(),
            format!("system:serviceaccounts:{namespace}"),
            "system:authenticated".to_owned(),
        ],
        ..UserInfo::default()
    }
}

/// A refusal, as the `Status` object of the API has it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ApiError {
    /// HTTP status.
    pub code: u16,
    /// `NotFound`, `AlreadyExists`, …; `""` for a webhook's denial.
    pub reason: String,
    /// The message.
    pub message: String,
}

impl ApiError {
    /// 404.
    #[must_use]
    pub fn not_found(resource: &str, name: &str) -> Self {
        Self { code: 404, reason: "NotFound".into(), message: format!("{resource} \"{name}\" not found") }
    }

    /// 409, on creation.
    #[must_use]
    pub fn already_exists(resource: &str, name: &str) -> Self {
        Self { code: 409, reason: "AlreadyExists".into(), message: format!("{resource} \"{name}\" already exists") }
    }

    /// 400.
    #[must_use]
    pub fn bad_request(message: impl Into<String>) -> Self {
        Self { code: 400, reason: "BadRequest".into(), message: message.into() }
    }

    /// 422.
    #[must_use]
    pub fn invalid(kind: &str, name: &str, what: &str) -> Self {
        Self { code: 422, reason: "Invalid".into(), message: format!("{kind} \"{name}\" is invalid: {what}") }
    }

    /// Whether it is a 404.
    #[must_use]
    pub fn is_not_found(&self) -> bool {
        self.reason == "NotFound"
    }

    /// As kubectl prints it in front of the message: `Error from server (NotFound): `.
    #[must_use]
    pub fn kubectl(&self, doing: &str) -> String {
        let reason = if self.reason.is_empty() { String::new() } else { format!(" ({})", self.reason) };
        format!("Error from server{reason}: {doing}{}", self.message)
    }
}

/// What a request came to.
#[derive(Clone, Debug)]
pub struct Outcome {
    /// The object as it is now (for a DELETE, as it was), or why not.
    pub result: Result<Value, ApiError>,
    /// Admission warnings.
    pub warnings: Vec<String>,
    /// The event of the answer.
    pub seq: u32,
}

impl Cluster {
    /// Performs a request: admission, storage, answer. Everything asynchronous that it starts is queued.
    pub fn request(&mut self, mut request: ApiRequest) -> Outcome {
        // The namespace of a cluster-scoped object is dropped.
        if self.catalog.is_namespaced(&request.gvk) == Some(false) && !request.namespace.is_empty() {
            request.namespace.clear();
            if let Some(body) = &mut request.body {
                body.remove_at(&["metadata", "namespace"]);
            }
        }
        let subject = request.subject();
        let place = if request.namespace.is_empty() || request.gvk.kind == "Namespace" {
            String::new()
        } else {
            format!(" in {}", request.namespace)
        };
        let who = if request.from == Lane::You && request.user.username != "kubernetes-admin" {
            format!(" as {}", request.user.username)
        } else {
            String::new()
        };
        let dry = if request.dry_run { " (dry run)" } else { "" };
        let text = format!("{} {} {}{place}{who}{dry}", request.verb.word(), subject.kind, subject.name);
        let asked = self.record(
            note(request.from, "request", text)
                .to(Lane::ApiServer)
                .cause(request.cause)
                .subject(subject.clone())
                .change(None, request.body.clone()),
        );
        self.hop();
        let mut warnings = Vec::new();
        let reader = std::mem::replace(&mut self.reader, super::config::ADMISSION_USER);
        let result = self.serve(&request, asked, &mut warnings);
        self.reader = reader;
        let seq = self.answer(&request, subject, asked, &result, &warnings);
        Outcome { result, warnings, seq }
    }

    fn answer(
        &mut self,
        request: &ApiRequest,
        subject: ObjectRef,
        asked: u32,
        result: &Result<Value, ApiError>,
        warnings: &[String],
    ) -> u32 {
        self.hop();
        let last = u32::try_from(self.journal.events.len()).unwrap_or(asked).max(asked);
        let denied = self.journal.event_mut(last).is_some_and(|event| event.kind == "denied-by");
        let reply = match result {
            Ok(object) => {
                let done = match request.verb {
                    Verb::Create => "created",
                    Verb::Delete => "deleted",
                    Verb::Connect => "connected",
                    _ => "configured",
                };
                let done = if request.dry_run { "would be ".to_owned() + done } else { done.to_owned() };
                note(Lane::ApiServer, "answer", format!("{} {} {done}", subject.kind, object.name()))
                    .tone(if warnings.is_empty() { Tone::Allow } else { Tone::Warn })
            }
            Err(error) => {
                let short = if error.reason.is_empty() || denied {
                    "denied the request".to_owned()
                } else {
                    format!("{} {}", error.code, error.message)
                };
                let kind = if error.reason.is_empty() { "denied" } else { "refused" };
                note(Lane::ApiServer, kind, short).tone(Tone::Deny).message(error.kubectl(""))
            }
        };
        let warnings = warnings.to_vec();
        self.record(
            reply.to(request.from).cause(Some(last)).subject(subject).detail(|detail| detail.warnings = warnings),
        )
    }

    fn serve(&mut self, request: &ApiRequest, asked: u32, warnings: &mut Vec<String>) -> Result<Value, ApiError> {
        let gvr = self.resource(&request.gvk)?;
        self.authorize(request, &gvr)?;
        if let Some(answer) = self.serve_subresource(request, &gvr, asked, warnings) {
            return answer;
        }
        match request.verb {
            Verb::Create => self.create(request, &gvr, asked, warnings),
            Verb::Delete => self.delete(request, &gvr, asked, warnings),
            Verb::ServerSideApply if self.current(request).is_none() => self.create(request, &gvr, asked, warnings),
            _ => self.update(request, &gvr, asked, warnings),
        }
    }

    fn resource(&self, gvk: &Gvk) -> Result<Gvr, ApiError> {
        if let Some(gvr) = self.catalog.gvr_of(gvk) {
            return Ok(gvr);
        }
        if self.config.accept_unknown_kinds && !gvk.kind.is_empty() && !gvk.version.is_empty() {
            return Ok(crate::object::catalog::guess_resource(gvk));
        }
        Err(ApiError {
            code: 404,
            reason: "NotFound".into(),
            message: "the server could not find the requested resource".into(),
        })
    }

    /// RBAC; the cluster's own controllers have what they need.
    fn authorize(&self, request: &ApiRequest, gvr: &Gvr) -> Result<(), ApiError> {
        let own =
            ["system:serviceaccount:kube-system:", "system:node:", "system:kube-scheduler", "system:kube-controller"];
        let user = &request.user.username;
        let access = Access {
            verb: match request.verb {
                Verb::Create | Verb::Connect => "create",
                Verb::Update => "update",
                Verb::Delete => "delete",
                Verb::MergePatch | Verb::JsonPatch | Verb::StrategicPatch | Verb::ServerSideApply => "patch",
            },
            group: &gvr.group,
            resource: &gvr.resource,
            subresource: &request.subresource,
            namespace: &request.namespace,
            name: &request.name,
        };
        if own.iter().any(|prefix| user.starts_with(prefix)) || self.allows(&request.user, &access) {
            return Ok(());
        }
        Err(ApiError { code: 403, reason: "Forbidden".into(), message: access.forbidden(user) })
    }

    pub(super) fn current(&self, request: &ApiRequest) -> Option<Value> {
        crate::eval::view::View::get(self, &request.gvk, &request.namespace, &request.name)
    }

    fn create(
        &mut self,
        request: &ApiRequest,
        gvr: &Gvr,
        asked: u32,
        warnings: &mut Vec<String>,
    ) -> Result<Value, ApiError> {
        let mut object = request.body.clone().unwrap_or(Value::Null);
        if !request.namespace.is_empty() && request.gvk.kind != "Namespace" {
            object.set_at(&["metadata", "namespace"], Value::String(request.namespace.clone()));
            self.namespace_accepts(gvr, request)?;
        }
        if object.name().is_empty() && object.generate_name().is_empty() {
            return Err(ApiError::invalid(
                &request.gvk.kind,
                "",
                "metadata.name: Required value: name or generateName is required",
            ));
        }
        let object = self.decode(request, object, warnings)?;
        let mut object = self.complete(object);
        for field in ["uid", "creationTimestamp", "resourceVersion", "generation"] {
            object.remove_at(&["metadata", field]);
        }
        self.admit_service_account(&mut object);
        let mut review = self.review(request, gvr, Operation::Create, Some(object), None);
        self.mutating_phase(&mut review, asked, warnings)?;
        let mut object = review.object.take().unwrap_or(Value::Null);
        if object.name().is_empty() {
            let name = format!("{}{}", object.generate_name(), self.names.suffix(object.generate_name()));
            object.set_at(&["metadata", "name"], Value::String(name));
        }
        let uid = self.names.uid(&format!("{}/{}", object.kind(), object.name()));
        object.set_at(&["metadata", "uid"], Value::String(uid));
        object.set_at(&["metadata", "creationTimestamp"], Value::String(self.clock.rfc3339()));
        object.set_at(&["metadata", "generation"], json!(1));
        self.set_defaults(&request.gvk, &mut object);
        self.check_custom_resource(&request.gvk, &object)?;
        check_built_in(&object, None, &request.subresource)?;
        validation::check(&object)?;
        review.name = object.name().to_owned();
        review.object = Some(object.clone());
        self.validating_phase(&review, asked, warnings)?;
        let key = Key::of(&object);
        if self.store.get(&key).is_some() {
            return Err(ApiError::already_exists(&qualified(gvr), object.name()));
        }
        if request.dry_run {
            return Ok(object);
        }
        self.race(request);
        Ok(self.persist(request, object, asked))
    }

    fn update(
        &mut self,
        request: &ApiRequest,
        gvr: &Gvr,
        asked: u32,
        warnings: &mut Vec<String>,
    ) -> Result<Value, ApiError> {
        let old = self.current(request).ok_or_else(|| ApiError::not_found(&qualified(gvr), &request.name))?;
        let body = request.body.clone().unwrap_or(Value::Null);
        let mut object = match request.verb {
            Verb::Update => body,
            _ => crate::sim::patching::patched(request, &old, &body)?,
        };
        let wanted = object.str_at(&["metadata", "resourceVersion"]).to_owned();
        let stored = old.str_at(&["metadata", "resourceVersion"]);
        if !wanted.is_empty() && wanted != stored {
            return Err(ApiError {
                code: 409,
                reason: "Conflict".into(),
                message: format!(
                    "Operation cannot be fulfilled on {} \"{}\": the object has been modified; please apply your changes to the latest version and try again",
                    qualified(gvr),
                    request.name
                ),
            });
        }
        for field in
            ["uid", "creationTimestamp", "resourceVersion", "generation", "deletionTimestamp", "namespace", "name"]
        {
            match old.at(&["metadata", field]) {
                Some(value) => object.set_at(&["metadata", field], value.clone()),
                None => drop(object.remove_at(&["metadata", field])),
            }
        }
        if request.subresource == "status" {
            let status = object.get("status").cloned();
            object = old.clone();
            if let Some(status) = status {
                object.set_at(&["status"], status);
            }
        } else if request.subresource == "ephemeralcontainers" {
            let added = object.at(&["spec", "ephemeralContainers"]).cloned();
            object = old.clone();
            if let Some(added) = added {
                object.set_at(&["spec", "ephemeralContainers"], added);
            }
        } else if let Some(status) = old.get("status").filter(|_| self.has_status(&request.gvk)) {
            object.set_at(&["status"], status.clone());
        }
        let object = self.decode(request, object, warnings)?;
        let object = self.complete(object);
        let mut review = self.review(request, gvr, Operation::Update, Some(object), Some(old.clone()));
        self.mutating_phase(&mut review, asked, warnings)?;
        if let Some(object) = &mut review.object {
            self.set_defaults(&request.gvk, object);
            self.check_custom_resource(&request.gvk, object)?;
            check_built_in(object, Some(&old), &request.subresource)?;
            validation::check(object)?;
        }
        self.validating_phase(&review, asked, warnings)?;
        let mut object = review.object.take().unwrap_or(Value::Null);
        if object.get("spec") != old.get("spec") {
            let generation = old.at(&["metadata", "generation"]).and_then(Value::as_i64).unwrap_or(1);
            object.set_at(&["metadata", "generation"], json!(generation + 1));
        }
        if request.dry_run || object == old {
            return Ok(object);
        }
        self.race(request);
        Ok(self.persist(request, object, asked))
    }

    fn delete(
        &mut self,
        request: &ApiRequest,
        gvr: &Gvr,
        asked: u32,
        warnings: &mut Vec<String>,
    ) -> Result<Value, ApiError> {
        let old = self.current(request).ok_or_else(|| ApiError::not_found(&qualified(gvr), &request.name))?;
        let review = self.review(request, gvr, Operation::Delete, None, Some(old.clone()));
        self.mutating_phase_of_delete(&review, asked, warnings)?;
        self.validating_phase(&review, asked, warnings)?;
        if !request.dry_run {
            self.race(request);
            self.begin_deletion(request, &old, asked);
        }
        Ok(old)
    }

    /// NamespaceLifecycle: an admission plugin that runs before the webhooks.
    fn namespace_accepts(&self, gvr: &Gvr, request: &ApiRequest) -> Result<(), ApiError> {
        let Some(namespace) = self.store.find("", "Namespace", "", &request.namespace) else {
            return Err(ApiError::not_found("namespaces", &request.namespace));
        };
        if namespace.at(&["metadata", "deletionTimestamp"]).is_some() {
            return Err(ApiError {
                code: 403,
                reason: "Forbidden".into(),
                message: format!(
                    "{} \"{}\" is forbidden: unable to create new content in namespace {} because it is being terminated",
                    qualified(gvr),
                    request.name,
                    request.namespace
                ),
            });
        }
        Ok(())
    }

    fn has_status(&self, gvk: &Gvk) -> bool {
        self.catalog.kind(gvk).is_some_and(|known| known.subresources.iter().any(|one| one == "status"))
    }

    pub(super) fn review(
        &self,
        request: &ApiRequest,
        gvr: &Gvr,
        operation: Operation,
        object: Option<Value>,
        old_object: Option<Value>,
    ) -> AdmissionRequest {
        let namespace = if request.gvk.kind == "Namespace" && request.gvk.group.is_empty() {
            request.name.clone()
        } else {
            request.namespace.clone()
        };
        let (roles, cluster_roles) = super::rbac::roles_of(&self.store, &request.user);
        AdmissionRequest {
            uid: String::new(),
            kind: request.gvk.clone(),
            resource: gvr.clone(),
            subresource: request.subresource.clone(),
            name: request.name.clone(),
            namespace,
            operation,
            user: request.user.clone(),
            roles,
            cluster_roles,
            object,
            old_object,
            dry_run: request.dry_run,
            whole: true,
            has_user: true,
        }
    }

    /// Fills in what the API server fills in before admission.
    pub(crate) fn complete(&mut self, mut object: Value) -> Value {
        if object.kind() == "Namespace" && object.api_version() == "v1" {
            let name = Value::String(object.name().to_owned());
            object.set_at(&["metadata", "labels", "kubernetes.io/metadata.name"], name);
            if object.at(&["spec", "finalizers"]).is_none() {
                object.set_at(&["spec"], json!({"finalizers": ["kubernetes"]}));
            }
            if object.get("status").is_none() {
                object.set_at(&["status"], json!({"phase": "Active"}));
            }
        }
        if object.kind() == "Secret" && object.api_version() == "v1" {
            let plain = object.remove_at(&["stringData"]);
            for (key, value) in plain.as_ref().and_then(Value::as_object).into_iter().flatten() {
                let encoded = STANDARD.encode(value.as_str().unwrap_or_default());
                object.set_at(&["data", key], Value::String(encoded));
            }
        }
        object
    }

    /// UpdateRequests of this request are waiting, and nothing makes the background controller wait for etcd.
    fn race(&mut self, request: &ApiRequest) {
        let waiting = self.queue.iter().any(|(_, task)| matches!(task, Task::UpdateRequest { .. }));
        if !matches!(request.from, Lane::You | Lane::Gitops) || !waiting {
            return;
        }
        let seq = u32::try_from(self.journal.events.len()).unwrap_or(0);
        let orders = ["the request is stored first", "the background controller is faster than etcd"];
        if self.choose(seq, &orders) == 0 {
            return;
        }
        for task in self.queue.take_if(|task| matches!(task, Task::UpdateRequest { .. })) {
            self.perform(task);
        }
    }

    pub(super) fn persist(&mut self, request: &ApiRequest, object: Value, asked: u32) -> Value {
        self.hop();
        let object = self.in_storage_version(object);
        let before = self.put(object.clone(), false);
        let stored = self.store.get(&Key::of(&object)).cloned().unwrap_or(object);
        let revision = self.store.revision();
        let word = if before.is_some() { "updated" } else { "stored" };
        self.record(
            note(Lane::ApiServer, word, format!("{} {} {word}, revision {revision}", stored.kind(), stored.name()))
                .to(Lane::Etcd)
                .cause(Some(asked))
                .subject(reference(&stored))
                .tone(Tone::Allow)
                .change(before.clone(), Some(stored.clone()))
                .detail(|detail| detail.revision = Some(revision)),
        );
        self.written(request, before.as_ref(), Some(&stored), asked);
        self.plan_finalize(&stored, asked);
        stored
    }
}

/// `pods`, `deployments.apps`: how errors name a resource.
#[must_use]
pub fn qualified(gvr: &Gvr) -> String {
    if gvr.group.is_empty() { gvr.resource.clone() } else { format!("{}.{}", gvr.resource, gvr.group) }
}
