//! Which `{{ variables }}` a policy may use, and where (`ValidateVariables`, `hasInvalidVariables`).
//!
//! Kyverno runs the substitution on a mock context that allows the names it knows and refuses the others.

use std::sync::LazyLock;

use regex::Regex;
use serde_json::{Map, Value, json};

use super::Problem;
use super::field::refused;
use super::placeholders::{found, has_any, is_variable};
use super::shape::{Rule, each_string, filled, items, rules, there, unless_false};
use crate::expr::jmespath::Expression;
use crate::expr::vars;
use crate::object::ObjectExt;
use crate::object::{gofmt, wildcard};

const CALL: &str = r"([a-z_0-9]+\()[^{}]";
const AT_ADMISSION: &str = r"request|serviceAccountName|serviceAccountNamespace|element|elementIndex|@|images|image|";
const IN_BACKGROUND: &str = r"request\.|element|elementIndex|@|images|images\.|image\.|";
const IN_TARGET: &str =
    r"request\.|serviceAccountName|serviceAccountNamespace|element|elementIndex|@|images|images\.|image\.|target\.|";
const IN_BACKGROUND_TARGET: &str = r"request\.|element|elementIndex|@|images|images\.|image\.|target\.|";
/// Rounds of substitution in one string; each replaces the innermost variables.
const MAX_ROUNDS: usize = 50;

pub(super) fn check(policy: &Value) -> Option<Problem> {
    let background = unless_false(policy.at(&["spec", "background"]));
    if background && let Some((path, words)) = user_variables(policy) {
        let words = format!(
            "only select variables are allowed in background mode. Set spec.background=false to disable background mode for this policy rule: {words} "
        );
        return Some(refused(&path, &words));
    }
    invalid(policy, background)
        .map(|(path, words)| refused(&path, &format!("policy contains invalid variables: {words}")))
}

/// `mutateExistingOnPolicyUpdate` has no request behind it, so its variables are those of the background mode.
pub(super) fn on_policy_update(policy: &Value, rule: Rule<'_>) -> Option<Problem> {
    let own = rule.get(&["mutate", "mutateExistingOnPolicyUpdate"]);
    let on_update = filled(own.or_else(|| policy.at(&["spec", "mutateExistingOnPolicyUpdate"])));
    if !rule.has("mutate") || !on_update || !has_any(policy) {
        return None;
    }
    if let Some((path, words)) = invalid(policy, true) {
        return Some(refused(&path, &format!("update event, policy contains invalid variables: {words}")));
    }
    let (path, words) = user_variables(policy)?;
    let words = format!(
        "only select variables are allowed in on policy update. Set spec.mutateExistingOnPolicyUpdate=false to disable update policy mode for this policy rule: {words} "
    );
    Some(refused(&path, &words))
}

/// `element` variables that stand in no `foreach` (`validateElementInForEach`).
pub(super) fn element_outside_foreach(rule: Rule<'_>) -> Option<Problem> {
    let mut problem = None;
    each_string(rule.value, "", &mut |text, path| {
        for found in found(text) {
            let name = inner(found);
            if (name.starts_with("element") || name == "elementIndex")
                && !path.contains("/foreach/")
                && problem.is_none()
            {
                let words = format!("variable '{name}' present outside of foreach at path {path}");
                problem = Some(refused(&format!("{}{}", rule.path(), path.replace('/', ".")), &words));
            }
        }
    });
    problem
}

/// The conditions of a cleanup policy (`pkg/validation/cleanuppolicy`): any name with a small letter or a digit will do.
pub(super) fn of_cleanup(policy: &Value) -> Option<Problem> {
    const NAMES: &str = r"([a-z_0-9]+)|(target\.|images\.|([a-z_0-9]+\()[^{}])";
    let context = Mock { source: NAMES.to_owned(), regex: Regex::new(NAMES).ok(), patterns: Vec::new() };
    let (path, words) = context.refuse(policy.at(&["spec", "conditions"])?)?;
    let words = format!("variable substitution failed for policy {}: {words}", policy.name());
    Some(refused(&format!("spec.conditions{path}"), &words))
}

/// A variable without its braces, its spaces and the `-` that asks for shallow substitution.
fn inner(variable: &str) -> String {
    let bare = variable.replace("{{", "").replace("}}", "");
    let bare = bare.trim();
    bare.strip_prefix('-').map_or(bare, str::trim).to_owned()
}

/// User information where there is no user (`containsUserVariables`): the field and the words.
fn user_variables(policy: &Value) -> Option<(String, String)> {
    for rule in rules(policy) {
        if let Some(place) = user_info(rule) {
            let at = format!("spec/rules[{}]/{place}", rule.index);
            return Some((at.replace('/', "."), format!("invalid variable used at path: {at}")));
        }
    }
    if rules(policy).any(|rule| rule.get(&["mutate", "targets"]).is_some()) {
        return None;
    }
    let banned = Regex::new(
        r"[^\.](serviceAccountName|serviceAccountNamespace|request.userInfo|request.roles|request.clusterRoles)\b",
    )
    .ok()?;
    let mut result = None;
    let mut cleaned = policy.clone();
    cleaned.remove_at(&["metadata", "annotations", "kubectl.kubernetes.io/last-applied-configuration"]);
    cleaned.remove_at(&["status", "autogen", "rules"]);
    each_string(&cleaned, "", &mut |text, path| {
        for variable in found(text) {
            if result.is_none() && banned.is_match(variable) {
                let quoted = gofmt::marshal(&Value::from(variable));
                let escaped = quoted.strip_prefix('"').and_then(|text| text.strip_suffix('"')).unwrap_or(variable);
                let path = path.trim_start_matches('/').replace('/', ".");
                result = Some((path, format!("variable {escaped} is not allowed")));
            }
        }
    });
    result
}

/// The variables of a rule that tell of the user (`ForbiddenUserVariables`): nobody asks when a rule is applied again.
#[must_use]
pub fn variables_of_users(policy: &Value, rule: &str) -> Vec<String> {
    static BANNED: LazyLock<Vec<Regex>> = LazyLock::new(|| {
        let names = [
            "serviceAccountName",
            "serviceAccountNamespace",
            "request.userInfo",
            "request.roles",
            "request.clusterRoles",
        ];
        names.iter().filter_map(|name| Regex::new(&format!(r"[^\.]({name})\b")).ok()).collect()
    });
    let mut variables = Vec::new();
    for rule in rules(policy).filter(|one| one.value.str_at(&["name"]) == rule) {
        each_string(rule.value, "", &mut |text, _| {
            for variable in found(text) {
                let banned = BANNED.iter().filter(|banned| banned.is_match(variable));
                variables.extend(banned.map(|_| variable.to_owned()));
            }
        });
    }
    variables
}

fn user_info(rule: Rule<'_>) -> Option<String> {
    let defined =
        |filter: &Value| ["roles", "clusterRoles", "subjects"].into_iter().find(|field| filled(filter.get(field)));
    for (block, lists) in [("match", ["any", "all"]), ("exclude", ["all", "any"])] {
        let Some(found) = there(rule.value.get(block)) else { continue };
        if let Some(field) = defined(found) {
            return Some(format!("{block}/{field}"));
        }
        for list in lists {
            for (index, filter) in items(found.get(list)).enumerate() {
                if let Some(field) = defined(filter) {
                    return Some(format!("{block}/{list}[{index}]/{field}"));
                }
            }
        }
    }
    None
}

/// The first variable that the mock context refuses, or a variable in a section that may have none.
fn invalid(policy: &Value, background: bool) -> Option<(String, String)> {
    for rule in rules(policy) {
        if let Some(section) = forbidden_section(rule) {
            let words = format!("rule \"{}\" should not have variables in {section} section", rule.name());
            return Some((rule.path(), words));
        }
        let targets: Vec<&Value> = items(rule.get(&["mutate", "targets"])).collect();
        for (index, target) in targets.iter().enumerate() {
            let alone = target_alone(rule, target);
            let context = Mock::new(&alone, background, false);
            if let Some((path, words)) = context.refuse(&alone) {
                let path = format!("{}.mutate.targets[{index}]{path}", rule.path());
                return Some((path, format!("invalid variables defined at mutate.targets[{index}]: {words}")));
            }
        }
        let mut whole = rule.value.clone();
        // Variables in attestations come from the attestations.
        for image in whole.get_mut("verifyImages").and_then(Value::as_array_mut).into_iter().flatten() {
            for attestation in image.get_mut("attestations").and_then(Value::as_array_mut).into_iter().flatten() {
                attestation.remove_at(&["conditions"]);
            }
        }
        let context = Mock::new(&whole, background, rule.get(&["mutate", "targets"]).is_some());
        if let Some((path, words)) = context.refuse(&whole) {
            let words = format!("variable substitution failed for rule {}: {words}", rule.name());
            return Some((format!("{}{path}", rule.path()), words));
        }
    }
    None
}

fn forbidden_section(rule: Rule<'_>) -> Option<&'static str> {
    if super::patches::paths(rule).iter().any(|path| is_variable(path)) {
        return Some("patchesJSON6902 path");
    }
    let loose = Regex::new(r"\{\{[^{}]*\}\}").ok()?;
    for (field, section) in [("exclude", "exclude"), ("match", "match")] {
        let text = rule.value.get(field).map(ToString::to_string).unwrap_or_default();
        if loose.is_match(&text) {
            return Some(section);
        }
    }
    let references = |image: &Value| {
        let mut list: Vec<String> =
            items(image.get("imageReferences")).filter_map(Value::as_str).map(str::to_owned).collect();
        list.extend(image.get("image").and_then(Value::as_str).map(str::to_owned));
        list
    };
    let images = items(rule.value.get("verifyImages")).flat_map(references);
    images.into_iter().any(|reference| is_variable(&reference)).then_some("image reference")
}

/// The rule that finds one target: its context and preconditions, and the target's identity.
fn target_alone(rule: Rule<'_>, target: &Value) -> Value {
    let mut identity = Map::new();
    for field in ["apiVersion", "kind", "namespace", "name", "uid"] {
        if let Some(value) = target.get(field) {
            identity.insert(field.to_owned(), value.clone());
        }
    }
    let mut alone = json!({ "mutate": { "targets": [identity] } });
    for field in ["context", "preconditions"] {
        if let Some(value) = rule.value.get(field) {
            alone.set_at(&[field], value.clone());
        }
    }
    alone
}

/// The context that only knows names (`enginecontext.MockContext`).
struct Mock {
    source: String,
    regex: Option<Regex>,
    patterns: Vec<String>,
}

impl Mock {
    fn new(rule: &Value, background: bool, target: bool) -> Self {
        let words = match (target, background) {
            (true, true) => IN_BACKGROUND_TARGET,
            (true, false) => IN_TARGET,
            (false, true) => IN_BACKGROUND,
            (false, false) => AT_ADMISSION,
        };
        let source = format!("{words}{CALL}");
        let mut mock = Self { regex: Regex::new(&source).ok(), source, patterns: Vec::new() };
        mock.entries(rule.get("context"));
        for image in items(rule.get("verifyImages")).filter(|image| filled(image.get("validate"))) {
            for attestation in items(image.get("attestations")) {
                mock.patterns.push(format!("{}*", attestation.str_at(&["name"])));
            }
        }
        for list in
            [&["validate", "foreach"][..], &["mutate", "foreach"], &["mutate", "targets"], &["generate", "foreach"]]
        {
            for item in items(rule.at(list)) {
                mock.entries(item.get("context"));
            }
        }
        mock
    }

    fn entries(&mut self, context: Option<&Value>) {
        for entry in items(context) {
            let name = entry.str_at(&["name"]);
            let has = |source: &str| there(entry.get(source)).is_some();
            if ["apiCall", "globalReference", "imageRegistry", "variable"].into_iter().any(has) {
                self.patterns.push(format!("{name}*"));
            }
            if has("configMap") {
                self.patterns
                    .extend([".data", ".metadata", ".data.*", ".metadata.*"].map(|tail| format!("{name}{tail}")));
            }
        }
    }

    /// The place and the words of the first reference that leads nowhere or variable that is refused.
    fn refuse(&self, document: &Value) -> Option<(String, String)> {
        let document = match vars::substitute_references(document) {
            Ok(document) => document,
            Err(error) => return Some((String::new(), error.to_string())),
        };
        let mut result = None;
        each_string(&document, "", &mut |text, path| {
            if result.is_none() {
                result = self.text(text, path).map(|words| (path.replace('/', "."), words));
            }
        });
        result
    }

    fn text(&self, text: &str, path: &str) -> Option<String> {
        let mut text = text.to_owned();
        for _ in 0..MAX_ROUNDS {
            let variables: Vec<String> = found(&text).into_iter().map(str::to_owned).collect();
            if variables.is_empty() {
                return None;
            }
            for variable in variables {
                if let Err(words) = self.query(&inner(&variable), path) {
                    return Some(words);
                }
                if text == variable {
                    return None;
                }
                text = text.replacen(&variable, "null", 1);
            }
        }
        None
    }

    fn query(&self, name: &str, path: &str) -> Result<(), String> {
        if name.is_empty() {
            return Err(format!("failed to resolve {name} at path {path}: invalid query (nil)"));
        }
        if name == "@" {
            return Ok(());
        }
        if let Err(error) = Expression::cached(name) {
            return Err(format!("failed to resolve {name} at path {path}: invalid JMESPath query {name}: {error}"));
        }
        let name = name.replace('"', "");
        let known = self.regex.as_ref().is_some_and(|regex| regex.is_match(&name));
        if known || self.patterns.iter().any(|pattern| wildcard::matches(pattern, &name)) {
            return Ok(());
        }
        let patterns = self.patterns.join(" ");
        Err(format!("variable {name} must match regex \"{}\" or patterns [{patterns}]", self.source))
    }
}
