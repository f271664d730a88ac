//! `validate` → `ValidatingPolicy`.

use serde_json::{Value, json};

use super::Draft;
use super::cel::{not, or, template};
use super::conditions;
use super::pattern::mapping;
use super::selection::add_condition;
use crate::object::ObjectExt;

pub(super) fn rule(draft: &mut Draft<'_>) -> Result<(), String> {
    let rule = draft.rule;
    let body = rule.get("validate").ok_or("nothing to validate")?;
    let of = |field: &str| body.get(field).filter(|found| !found.is_null());
    if let Some(cel) = of("cel") {
        native(draft, cel)?;
    } else {
        let expression = if let Some(pattern) = of("pattern") {
            mapping(pattern.as_object().ok_or("the pattern is no mapping")?, "object", 0)?
        } else if let Some(patterns) = of("anyPattern").and_then(Value::as_array) {
            let each = patterns
                .iter()
                .map(|pattern| mapping(pattern.as_object().ok_or("a pattern is no mapping")?, "object", 0));
            or(each.collect::<Result<Vec<_>, String>>()?)
        } else if let Some(deny) = of("deny") {
            match deny.get("conditions").filter(|found| !found.is_null()) {
                Some(found) => not(&conditions::block(found)?),
                None => "false".to_owned(),
            }
        } else {
            return Err(other(body));
        };
        let text = body.to_string();
        if text.contains("\"(") {
            draft.note("a conditional anchor that does not fit skips a classic rule; here the check passes");
        }
        let mut validation = json!({ "expression": expression });
        message(draft, body.str_at(&["message"]), &mut validation);
        draft.set(&["validations"], json!([validation]));
    }
    actions(draft, body);
    evaluation(draft);
    autogen(draft);
    Ok(())
}

fn other(body: &Value) -> String {
    let why = [
        ("foreach", "foreach becomes all() or exists() over the list; its conditions need a hand"),
        ("podSecurity", "Pod Security Standards have no function in CEL; see the policies of the Pod Security library"),
        ("manifests", "signed manifests have no equivalent"),
        ("assert", "assertion trees have no equivalent"),
    ];
    let found = why.into_iter().find(|(field, _)| body.get(field).is_some_and(|found| !found.is_null()));
    found.map_or("the rule checks nothing", |(_, why)| why).to_owned()
}

/// `validate.cel` is nearly the same already.
fn native(draft: &mut Draft<'_>, cel: &Value) -> Result<(), String> {
    if cel.get("paramKind").is_some() || cel.get("paramRef").is_some() {
        return Err("parameters have no equivalent; read them with resource.Get in a variable".into());
    }
    draft.set(&["validations"], cel.get("expressions").cloned().unwrap_or_else(|| json!([])));
    for field in ["variables", "auditAnnotations"] {
        if let Some(found) = cel.get(field) {
            draft.set(&[field], found.clone());
        }
    }
    let rule = draft.rule;
    for condition in rule.get("celPreconditions").and_then(Value::as_array).into_iter().flatten() {
        let name = condition.str_at(&["name"]);
        add_condition(draft, if name.is_empty() { "precondition" } else { name }, condition.str_at(&["expression"]));
    }
    Ok(())
}

fn message(draft: &mut Draft<'_>, text: &str, validation: &mut Value) {
    if text.is_empty() {
        return;
    }
    let text = text.trim_end_matches('\n');
    if !text.contains("{{") {
        validation.set_at(&["message"], json!(text));
        return;
    }
    match template(text) {
        Ok(expression) => validation.set_at(&["messageExpression"], json!(expression)),
        Err(_) => {
            validation.set_at(&["message"], json!(text));
            draft.note("the message keeps its variables as text: they have no simple equivalent in CEL");
        }
    }
}

fn actions(draft: &mut Draft<'_>, body: &Value) {
    let action = match body.str_at(&["failureAction"]) {
        "" => draft.policy.str_at(&["spec", "validationFailureAction"]),
        own => own,
    };
    let mut actions = vec![if action.eq_ignore_ascii_case("enforce") { "Deny" } else { "Audit" }];
    if draft.in_spec("emitWarning") == Some(&Value::Bool(true)) {
        actions.push("Warn");
    }
    draft.set(&["validationActions"], json!(actions));
    if body.get("failureActionOverrides").is_some() || draft.in_spec("validationFailureActionOverrides").is_some() {
        draft.note("overrides of the action by namespace are lost; write one policy for each action");
    }
    if body.get("allowExistingViolations") == Some(&Value::Bool(true)) {
        draft.note("an UPDATE of a resource that violated before is refused here; a classic rule lets it through");
    }
}

/// `admission`, `background`, `failurePolicy`, `webhookConfiguration`.
pub(super) fn evaluation(draft: &mut Draft<'_>) {
    for field in ["admission", "background"] {
        if draft.in_spec(field) == Some(&Value::Bool(false)) {
            draft.set(&["evaluation", field, "enabled"], json!(false));
        }
    }
    common(draft);
}

/// What every CEL kind with a webhook has.
pub(super) fn common(draft: &mut Draft<'_>) {
    let webhook = draft.policy.at(&["spec", "webhookConfiguration"]);
    let policy = webhook.and_then(|webhook| webhook.get("failurePolicy")).or(draft.in_spec("failurePolicy")).cloned();
    let seconds =
        webhook.and_then(|webhook| webhook.get("timeoutSeconds")).or(draft.in_spec("webhookTimeoutSeconds")).cloned();
    if let Some(policy) = policy {
        draft.set(&["failurePolicy"], policy);
    }
    if let Some(seconds) = seconds {
        draft.set(&["webhookConfiguration", "timeoutSeconds"], seconds);
    }
}

/// The annotation for pod controllers.
pub(super) fn autogen(draft: &mut Draft<'_>) {
    let annotations = draft.policy.annotations();
    let Some(value) = annotations.get("pod-policies.kyverno.io/autogen-controllers") else { return };
    let controllers: Vec<String> =
        value.split(',').map(|kind| format!("{}s", kind.trim().to_lowercase())).filter(|_| value != "none").collect();
    draft.set(&["autogen", "podControllers", "controllers"], json!(controllers));
}
