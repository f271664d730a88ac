//! A kubeconfig: who a script is, in which namespace. Users are known by a client certificate or by a token.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use serde_json::{Value, json};

use super::openssl;
use super::shell::World;
use crate::eval::request::UserInfo;
use crate::object::ObjectExt;
use crate::parse::{self, yaml};
use crate::sim::api_server::{administrator, service_account};

/// Where Chainsaw puts the kubeconfig of a script.
pub const DEFAULT: &str = "/tmp/chainsaw-kubeconfig";
const NAME: &str = "chainsaw";
/// What the only user of a fresh kubeconfig shows.
const ADMINISTRATOR: &str = "client-key-of-the-administrator";

/// The text of the kubeconfig that Chainsaw writes for a script (`pkg/utils/rest/save.go`).
#[must_use]
pub fn fresh() -> String {
    let authority = STANDARD.encode("-----BEGIN CERTIFICATE-----\n-----END CERTIFICATE-----\n");
    parse::emit(&json!({
        "apiVersion": "v1", "kind": "Config", "preferences": {}, "current-context": NAME,
        "clusters": [{"name": NAME, "cluster":
            {"certificate-authority-data": authority, "server": "https://127.0.0.1:6443"}}],
        "contexts": [{"name": NAME, "context": {"cluster": NAME, "user": NAME}}],
        "users": [{"name": NAME, "user": {"client-key-data": ADMINISTRATOR}}],
    }))
}

/// A kubeconfig that was read.
pub struct Kubeconfig(pub Value);

/// Which context, user or token a command names.
#[derive(Default)]
pub struct Wanted<'a> {
    /// `--context`.
    pub context: Option<&'a str>,
    /// `--user`.
    pub user: Option<&'a str>,
    /// `--token`.
    pub token: Option<&'a str>,
}

impl Kubeconfig {
    /// The kubeconfig at a path; an absent file is an empty one.
    #[must_use]
    pub fn read(world: &World<'_>, path: &str) -> Self {
        let read = world.read(path).and_then(|text| yaml::one(&text).ok()).filter(Value::is_object);
        Self(read.unwrap_or_else(|| json!({"apiVersion": "v1", "kind": "Config"})))
    }

    /// Writes it back.
    pub fn write(&self, world: &mut World<'_>, path: &str) {
        world.write(path, parse::emit(&self.0), false);
    }

    /// The entry `name` of `clusters`, `contexts` or `users`.
    #[must_use]
    pub fn entry(&self, list: &str, name: &str) -> Option<&Value> {
        let entries = self.0.get(list)?.as_array()?;
        entries.iter().find(|entry| entry.str_at(&["name"]) == name)?.get(singular(list))
    }

    /// Changes fields of an entry, which is made where it is absent; whether it was there.
    pub fn set(&mut self, list: &str, name: &str, fields: &[(&str, String)]) -> bool {
        let there = self.entry(list, name).is_some();
        if self.0.get(list).and_then(Value::as_array).is_none() {
            self.0.set_at(&[list], json!([]));
        }
        let entries = self.0.get_mut(list).and_then(Value::as_array_mut);
        let Some(entries) = entries else { return there };
        if !there {
            entries.push(json!({"name": name, (singular(list)): {}}));
        }
        for entry in entries.iter_mut().filter(|entry| entry.str_at(&["name"]) == name) {
            for (field, value) in fields {
                entry.set_at(&[singular(list), field], json!(value));
            }
        }
        there
    }

    /// Takes an entry out; whether it was there.
    pub fn remove(&mut self, list: &str, name: &str) -> bool {
        let there = self.entry(list, name).is_some();
        if let Some(entries) = self.0.get_mut(list).and_then(Value::as_array_mut) {
            entries.retain(|entry| entry.str_at(&["name"]) != name);
        }
        there
    }

    /// The user and the namespace of a command.
    ///
    /// # Errors
    /// The context is unknown, or its user shows nothing that the API server knows.
    pub fn identity(&self, wanted: &Wanted<'_>) -> Result<(UserInfo, Option<String>), String> {
        let current = self.0.str_at(&["current-context"]);
        let name = wanted.context.unwrap_or(current);
        let context = match self.entry("contexts", name) {
            Some(context) => context.clone(),
            None if wanted.context.is_some() => return Err(format!("error: context \"{name}\" does not exist")),
            None => json!({}),
        };
        let namespace = Some(context.str_at(&["namespace"]).to_owned()).filter(|name| !name.is_empty());
        let unauthorized = || "error: You must be logged in to the server (Unauthorized)".to_owned();
        if let Some(token) = wanted.token {
            return Ok((of_token(token).ok_or_else(unauthorized)?, namespace));
        }
        let user = wanted.user.unwrap_or_else(|| context.str_at(&["user"]));
        let user = match self.entry("users", user) {
            Some(user) => user,
            None if wanted.user.is_some() => return Err(format!("error: auth info \"{user}\" does not exist")),
            None => return Err(unauthorized()),
        };
        let certificate = STANDARD.decode(user.str_at(&["client-certificate-data"])).unwrap_or_default();
        let found = match user.str_at(&["token"]) {
            "" if user.str_at(&["client-key-data"]) == ADMINISTRATOR => Some(administrator()),
            "" => openssl::subject(&String::from_utf8_lossy(&certificate)).map(of_subject),
            token => of_token(token),
        };
        Ok((found.ok_or_else(unauthorized)?, namespace))
    }
}

fn singular(list: &str) -> &str {
    list.trim_end_matches('s')
}

/// The user of a client certificate: its common name; its organizations are the groups.
fn of_subject(subject: openssl::Subject) -> UserInfo {
    let mut groups = subject.organizations;
    groups.push("system:authenticated".to_owned());
    UserInfo { username: subject.common_name, groups, ..UserInfo::default() }
}

/// The service account of a token: the `sub` of its second part.
fn of_token(token: &str) -> Option<UserInfo> {
    let claims = token.trim().split('.').nth(1)?;
    let claims = base64::engine::general_purpose::URL_SAFE_NO_PAD.decode(claims).ok()?;
    let claims: Value = serde_json::from_slice(&claims).ok()?;
    let name = claims.str_at(&["sub"]);
    name.starts_with("system:serviceaccount:").then(|| service_account(name))
}
