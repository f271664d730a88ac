//! Tokens of service accounts: what the token controller puts into Secrets of type `kubernetes.io/service-account-token`.
//!
//! Follows `pkg/controller/serviceaccount/tokens_controller.go` of Kubernetes. Nobody has signed the tokens.

use base64::Engine as _;
use base64::engine::general_purpose::{STANDARD, URL_SAFE_NO_PAD};
use serde_json::{Value, json};

use super::api_server::{ApiRequest, Verb};
use super::journal::Lane;
use super::store::Key;
use super::{Cluster, Task};
use crate::object::ObjectExt;

const KIND: &str = "kubernetes.io/service-account-token";
const ACCOUNT: &str = "kubernetes.io/service-account.name";
/// How soon the controller acts on what it sees.
const REACTION: u64 = 40;

/// A token in the three parts of a JSON Web Token.
#[must_use]
pub fn token(namespace: &str, account: &str) -> String {
    let subject = format!("system:serviceaccount:{namespace}:{account}");
    let part = |value: &Value| URL_SAFE_NO_PAD.encode(value.to_string());
    let claims = json!({"iss": "kubernetes/serviceaccount", "sub": subject});
    [part(&json!({"alg": "RS256"})), part(&claims), part(&json!(account))].join(".")
}

impl Cluster {
    /// Plans the token of a Secret that waits for one.
    pub(super) fn plan_token(&mut self, secret: &Value, cause: u32) {
        if secret.str_at(&["type"]) == KIND && secret.at(&["data", "token"]).is_none() {
            self.queue.push(self.clock.now() + REACTION, Task::Token { key: Key::of(secret), cause });
        }
    }

    /// The controller fills a Secret in; one whose account is not there is deleted.
    pub(super) fn issue_token(&mut self, key: &Key, cause: u32) {
        let Some(mut secret) = self.store.get(key).cloned() else { return };
        let name = secret.annotations().get(ACCOUNT).cloned().unwrap_or_default();
        let space = secret.namespace().to_owned();
        let user = "system:kube-controller-manager";
        let Some(account) = self.store.find("", "ServiceAccount", &space, &name) else {
            self.request(ApiRequest::about(Verb::Delete, &secret).by(user, Lane::Controllers, Some(cause)));
            return;
        };
        let uid = Value::String(account.uid().to_owned());
        secret.set_at(&["metadata", "annotations", "kubernetes.io/service-account.uid"], uid);
        let authority = "-----BEGIN CERTIFICATE-----\n-----END CERTIFICATE-----\n";
        for (field, text) in [("ca.crt", authority), ("namespace", &space), ("token", &token(&space, &name))] {
            secret.set_at(&["data", field], Value::String(STANDARD.encode(text)));
        }
        let mut request = ApiRequest::about(Verb::Update, &secret).by(user, Lane::Controllers, Some(cause));
        request.user.groups = vec!["system:authenticated".to_owned()];
        self.request(request);
    }
}
