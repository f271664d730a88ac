//! The JSON document that `{{ variables }}` query: `request.object`, `element`, context entries, loaded when first used.
//!
//! Follows `pkg/engine/context`. Entries registered with [`JsonContext::add_loader`] run when a query first names
//! them, see only the entries registered before them, and are applied again to an outer level on restore.

/// Namespace and name of the service account behind a user name, `""` for others.
///
/// As Kyverno does, it cuts off the length of the prefix `system:serviceaccount:` without looking at it.
#[must_use]
pub fn service_account(username: &str) -> (&str, &str) {
    let rest = username.get("system:serviceaccount:".len()..).unwrap_or_default();
    let mut groups = rest.split(':');
    match (groups.next(), groups.next()) {
        (Some(namespace), Some(name)) => (namespace, name),
        _ => ("", ""),
    }
}

#[cfg(test)]
mod tests;

use std::rc::Rc;

use serde_json::{Map, Value, json};

use super::jmespath::{Env, Error, Expression, equal};
use super::mention::Mention;
use crate::object::gofmt;
use crate::object::image::{self, ImageInfo};

/// What a loader has to add.
#[derive(Clone, Debug, PartialEq)]
pub enum Loaded {
    /// Takes the place of an entry of the same name: variables.
    Replace(Value),
    /// Is merged into a mapping of the same name: ConfigMaps, API calls, images.
    Merge(Value),
    /// Adds nothing.
    Nothing,
}

/// Loads a context entry when it is first queried. It may itself query the context (entries registered before it).
pub type Loader<'a> = Rc<dyn Fn(&mut JsonContext<'a>) -> Result<Loaded, String> + 'a>;

/// A variable that was resolved, or was not.
#[derive(Clone, Debug, PartialEq)]
pub struct Resolution {
    /// The expression, braces and blanks removed.
    pub expression: String,
    /// Pointer of the string that holds it, within the substituted document; inner slashes of keys are `\/`.
    pub path: String,
    /// The value, or why there is none.
    pub result: Result<Value, Error>,
}

struct Deferred<'a> {
    name: String,
    mention: Mention,
    level: usize,
    matched: bool,
    loaded: bool,
    load: Loader<'a>,
}

/// Sum of the sizes of all context entries, in bytes of JSON (`DefaultMaxContextSize`).
const MAX_CONTEXT_SIZE: usize = 2 * 1024 * 1024;

/// The document with its checkpoints and deferred entries.
#[derive(Default)]
pub struct JsonContext<'a> {
    root: Rc<Value>,
    checkpoints: Vec<Rc<Value>>,
    loaders: Vec<Deferred<'a>>,
    /// While a loader runs: the level and number of loaders that it may see.
    visible: Option<(usize, usize)>,
    size: usize,
    env: Env,
    resolutions: Option<Vec<Resolution>>,
}

impl<'a> JsonContext<'a> {
    /// A context over a root mapping.
    #[must_use]
    pub fn new(root: Value) -> Self {
        Self { root: Rc::new(root), ..Self::default() }
    }

    /// A context over a root that others hold, too; it is copied when it first changes.
    #[must_use]
    pub fn shared(root: Rc<Value>) -> Self {
        Self { root, ..Self::default() }
    }

    /// Sets clock and seed of the functions.
    #[must_use]
    pub fn with_env(mut self, env: Env) -> Self {
        self.env = env;
        self
    }

    /// Clock and seed of the functions.
    #[must_use]
    pub fn env(&self) -> &Env {
        &self.env
    }

    /// The root as it stands, deferred entries not loaded.
    #[must_use]
    pub fn root(&self) -> &Value {
        &self.root
    }

    /// Starts (or stops) to record which variables are resolved to what.
    pub fn record_resolutions(&mut self, on: bool) {
        self.resolutions = on.then(Vec::new);
    }

    /// The variables resolved since the last call; empty unless they are recorded.
    pub fn take_resolutions(&mut self) -> Vec<Resolution> {
        self.resolutions.as_mut().map(std::mem::take).unwrap_or_default()
    }

    pub(super) fn resolved(&mut self, expression: &str, path: &str, result: &Result<Value, Error>) {
        if let Some(resolutions) = &mut self.resolutions {
            let (expression, path) = (expression.to_owned(), path.to_owned());
            resolutions.push(Resolution { expression, path, result: result.clone() });
        }
    }

    // What is added.

    /// Merges a mapping into the root: mappings deeply, everything else overwrites.
    pub fn add_json(&mut self, data: Value) {
        merge(data, Rc::make_mut(&mut self.root));
    }

    /// Merges a value at a path of keys.
    pub fn add(&mut self, path: &[&str], value: Value) {
        self.add_json(nest(path, value));
    }

    /// Adds a variable under a dotted key such as `request.object.metadata.name`; a key in quotes may hold dots.
    ///
    /// # Errors
    /// A quote of the key is not closed or stands inside a word.
    pub fn add_variable(&mut self, key: &str, value: Value) -> Result<(), String> {
        let keys = split_key(key)?;
        let keys: Vec<_> = keys.iter().map(String::as_str).collect();
        self.add(&keys, value);
        Ok(())
    }

    /// Merges a context entry into a mapping of the same name.
    ///
    /// # Errors
    /// The entries together exceed 2 MiB.
    pub fn add_entry(&mut self, name: &str, value: Value) -> Result<(), String> {
        self.grow(&value)?;
        self.add(&[name], value);
        Ok(())
    }

    /// Puts a context entry in the place of one of the same name.
    ///
    /// # Errors
    /// The entries together exceed 2 MiB.
    pub fn replace_entry(&mut self, name: &str, value: Value) -> Result<(), String> {
        self.grow(&value)?;
        self.set(&[name], value);
        Ok(())
    }

    fn grow(&mut self, value: &Value) -> Result<(), String> {
        let size = self.size + gofmt::marshal(value).len();
        if size > MAX_CONTEXT_SIZE {
            return Err(format!("context size limit exceeded: {size} bytes exceeds limit of {MAX_CONTEXT_SIZE} bytes"));
        }
        self.size = size;
        Ok(())
    }

    /// Sets a value at a path of keys; what was there is gone.
    pub fn set(&mut self, path: &[&str], value: Value) {
        self.remove(path);
        self.add(path, value);
    }

    /// Removes the value at a path of keys.
    pub fn remove(&mut self, path: &[&str]) {
        let Some((last, parents)) = path.split_last() else { return };
        let root = Rc::make_mut(&mut self.root);
        let parent = parents.iter().try_fold(root, |value, key| value.get_mut(key));
        if let Some(parent) = parent.and_then(Value::as_object_mut) {
            parent.shift_remove(*last);
        }
    }

    /// Sets `request.object` (`AddResource`).
    pub fn set_object(&mut self, object: Value) {
        self.set(&["request", "object"], object);
    }

    /// Sets `request.oldObject`.
    pub fn set_old_object(&mut self, object: Value) {
        self.set(&["request", "oldObject"], object);
    }

    /// Sets `target`.
    pub fn set_target(&mut self, object: Value) {
        self.set(&["target"], object);
    }

    /// Sets `serviceAccountName` and `serviceAccountNamespace` from a user name, see [`service_account`].
    pub fn add_service_account(&mut self, username: &str) {
        let (namespace, name) = service_account(username);
        self.add_json(json!({"serviceAccountName": name, "serviceAccountNamespace": namespace}));
    }

    /// Sets `element`, `elementN`, `elementIndex` and `elementIndexN` of a `foreach` at nesting depth N, from 0.
    pub fn set_element(&mut self, element: &Value, index: usize, nesting: usize) {
        if let Value::Object(root) = Rc::make_mut(&mut self.root) {
            root.insert("element".to_owned(), element.clone());
            root.insert(format!("element{nesting}"), element.clone());
            root.insert("elementIndex".to_owned(), json!(index));
            root.insert(format!("elementIndex{nesting}"), json!(index));
        }
    }

    /// Sets `image`, of the rule's image under verification.
    pub fn add_image_info(&mut self, info: &ImageInfo) {
        self.add(&["image"], info.to_variable());
    }

    /// Registers `images`, taken from a resource when first used. Nothing is added for a resource without images.
    pub fn add_images_of(&mut self, resource: Value) {
        let load = move |_: &mut JsonContext<'a>| {
            let images = image::images_of(&resource)?;
            let empty = images.as_object().is_none_or(Map::is_empty);
            Ok(if empty { Loaded::Nothing } else { Loaded::Merge(images) })
        };
        // The name is a plain word: it is no expression.
        let _ = self.add_loader("images", Rc::new(load));
    }

    // Checkpoints.

    /// Pushes a copy of the document.
    pub fn checkpoint(&mut self) {
        self.checkpoints.push(Rc::clone(&self.root));
    }

    /// Goes back to the last checkpoint and drops it. Entries of outer levels that were loaded since are loaded again.
    pub fn restore(&mut self) {
        if let Some(root) = self.checkpoints.pop() {
            self.root = root;
            self.reset_loaders(true);
        }
    }

    /// Goes back to the last checkpoint and keeps it.
    pub fn reset(&mut self) {
        if let Some(root) = self.checkpoints.last() {
            self.root = Rc::clone(root);
            self.reset_loaders(false);
        }
    }

    /// `deferredLoaders.Reset`: drops the loaders of the level that ends, and reloads those of outer levels.
    fn reset_loaders(&mut self, restore: bool) {
        let level = self.checkpoints.len();
        for loader in &mut self.loaders {
            loader.matched = false;
        }
        let mut index = 0;
        while let Some(loader) = self.loaders.get(index) {
            let (own, loaded) = (loader.level, loader.loaded);
            let reload = own <= level && loaded && (restore || own < level);
            if reload {
                // A loader that fails now leaves its entry out; Kyverno only logs it.
                let _ = self.load(index);
            }
            if own > level || (own == level && (loaded || !restore)) {
                self.loaders.remove(index);
            } else {
                index += 1;
            }
        }
    }

    // Deferred entries.

    /// Registers an entry that is loaded when a query first names it.
    ///
    /// # Errors
    /// The name is no regular expression: Kyverno does not escape it.
    pub fn add_loader(&mut self, name: &str, load: Loader<'a>) -> Result<(), String> {
        let mention = Mention::of(name)?;
        let level = self.checkpoints.len();
        let (name, matched, loaded) = (name.to_owned(), false, false);
        self.loaders.push(Deferred { name, mention, level, matched, loaded, load });
        Ok(())
    }

    fn load_matching(&mut self, query: &str) -> Result<(), String> {
        let (level, count) = self.visible.unwrap_or((self.checkpoints.len(), self.loaders.len()));
        loop {
            let next = self.loaders.iter().take(count).position(|loader| {
                !loader.matched && !loader.loaded && loader.level <= level && loader.mention.is_in(query)
            });
            let Some(index) = next else { return Ok(()) };
            if let Some(loader) = self.loaders.get_mut(index) {
                loader.matched = true;
            }
            self.load(index)?;
        }
    }

    fn load(&mut self, index: usize) -> Result<(), String> {
        let Some(loader) = self.loaders.get(index) else { return Ok(()) };
        let (name, load) = (loader.name.clone(), Rc::clone(&loader.load));
        self.visible = Some((loader.level, index));
        let loaded = load(self).and_then(|loaded| match loaded {
            Loaded::Replace(value) => self.replace_entry(&name, value).map(|()| true),
            Loaded::Merge(value) => self.add_entry(&name, value).map(|()| true),
            Loaded::Nothing => Ok(false),
        });
        // Not the outer bounds, as in Kyverno: a loader that loaded another one sees everything afterwards.
        self.visible = None;
        if let Some(loader) = self.loaders.get_mut(index) {
            loader.loaded |= *loaded.as_ref().unwrap_or(&false);
        }
        loaded.map(|_| ())
    }

    // Queries.

    /// Evaluates a JMESPath expression, loading the deferred entries that it names.
    ///
    /// # Errors
    /// The expression is empty or does not parse, a key is unknown, or a deferred entry cannot be loaded.
    pub fn query(&mut self, expression: &str) -> Result<Value, Error> {
        self.load_matching(expression).map_err(Error::Other)?;
        let expression = expression.trim();
        if expression.is_empty() {
            return Err(Error::Other("invalid query (nil)".to_owned()));
        }
        let parsed = Expression::cached(expression)
            .map_err(|error| Error::Syntax(format!("incorrect query {expression}: {error}")))?;
        parsed.search(&self.root, &self.env).map_err(|error| Error::Query(Box::new(error)))
    }

    /// `request.operation`, `""` where there is none.
    #[must_use]
    pub fn operation(&self) -> &str {
        self.root.pointer("/request/operation").and_then(Value::as_str).unwrap_or_default()
    }

    /// Whether a path differs between `request.object` and `request.oldObject`.
    ///
    /// # Errors
    /// Either is not found or null.
    pub fn has_changed(&mut self, path: &str) -> Result<bool, String> {
        let mut find = |root: &str| {
            let found = self.query(&format!("{root}.{path}"));
            let found = found.map_err(|error| format!("failed to query request.object: {error}"))?;
            if found.is_null() { Err(format!("{root}.{path} not found")) } else { Ok(found) }
        };
        let new = find("request.object")?;
        Ok(!equal(&new, &find("request.oldObject")?))
    }
}

fn nest(path: &[&str], value: Value) -> Value {
    path.iter().rev().fold(value, |value, key| Value::Object(Map::from_iter([((*key).to_owned(), value)])))
}

/// `mergeMaps`: only mappings merge; a mapping over something else, or something else over a mapping, replaces it.
fn merge(source: Value, target: &mut Value) {
    let Value::Object(source) = source else { return };
    if !target.is_object() {
        *target = Value::Object(Map::new());
    }
    let Value::Object(target) = target else { return };
    for (key, value) in source {
        match target.get_mut(&key) {
            Some(existing) if existing.is_object() && value.is_object() => merge(value, existing),
            _ => {
                target.insert(key, value);
            }
        }
    }
}

/// One record of `encoding/csv` with `.` as separator: the keys of a dotted name.
fn split_key(key: &str) -> Result<Vec<String>, String> {
    let mut keys = vec![String::new()];
    let (mut chars, mut quoted) = (key.chars().peekable(), false);
    let mut at_start = true;
    while let Some(c) = chars.next() {
        let Some(current) = keys.last_mut() else { break };
        match c {
            '"' if quoted && chars.peek() == Some(&'"') => {
                chars.next();
                current.push('"');
            }
            '"' if quoted => {
                quoted = false;
                if chars.peek().is_some_and(|next| *next != '.') {
                    return Err(format!(
                        "parse error in variable name {key}: extraneous or missing \" in quoted-field"
                    ));
                }
            }
            '"' if at_start => quoted = true,
            '"' => return Err(format!("parse error in variable name {key}: bare \" in non-quoted-field")),
            '.' if !quoted => {
                keys.push(String::new());
                at_start = true;
                continue;
            }
            c => current.push(c),
        }
        at_start = false;
    }
    if quoted {
        Err(format!("parse error in variable name {key}: extraneous or missing \" in quoted-field"))
    } else {
        Ok(keys)
    }
}
