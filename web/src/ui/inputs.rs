//! The inputs beside files and steps: what is there already, who asks, exceptions, the outside, Kyverno's set-up; each form writes the
//! scenario, which can be read and written as text below them.

use std::rc::Rc;

use serde_json::{Value, json};
use stepgate_engine::eval::request::UserInfo;
use stepgate_engine::scenario::Scenario;
use stepgate_engine::sim::config::RESOURCE_FILTERS;
use yew::prelude::*;

use super::fields::{YamlField, line, lines, switch};
use super::mocks::{self, set};
use super::{Handle, Page, on};
use crate::state::steps::StepEdit;
use crate::state::{Action, Change, exception};

/// Switches of Kyverno: key, what it is, whether it is on in the chart.
const SWITCHES: [(&str, &str, bool); 8] = [
    ("policyExceptions", "PolicyExceptions count (`--enablePolicyException`)", true),
    ("generateSuccessEvents", "Events for rules that hold (`generateSuccessEvents`)", false),
    ("forceFailurePolicyIgnore", "Every webhook fails open (`--forceFailurePolicyIgnore`)", false),
    ("unreachable", "Kyverno cannot be reached: `failurePolicy` decides", false),
    ("protectManagedResources", "Only Kyverno changes what it made (`--protectManagedResources`)", false),
    ("generateValidatingAdmissionPolicy", "ValidatingAdmissionPolicies are made of policies", true),
    ("generateMutatingAdmissionPolicy", "MutatingAdmissionPolicies are made of policies", false),
    ("openReports", "Reports of openreports.io", false),
];
/// Lists of Kyverno: key, what it is, as the chart has it.
const LISTS: [(&str, &str, &str); 6] = [
    ("excludeUsernames", "Users that no policy concerns", "none"),
    ("excludeGroups", "Groups that no policy concerns", "system:nodes"),
    ("excludeRoles", "Roles that no policy concerns", "none"),
    ("excludeClusterRoles", "Cluster roles that no policy concerns", "none"),
    ("excludeNamespaces", "Namespaces that the webhooks leave out", "kube-system\nkyverno"),
    ("omitEvents", "Events that are left out", "PolicyApplied"),
];
/// Who asks, for one click.
const PEOPLE: [(&str, &str, &[&str]); 4] = [
    ("cluster administrator", "", &[]),
    ("alice, a developer", "alice", &["devs"]),
    ("Argo CD", "system:serviceaccount:argocd:argocd-application-controller", &["system:serviceaccounts"]),
    ("a service account", "system:serviceaccount:default:deployer", &["system:serviceaccounts"]),
];

/// The forms.
pub fn view(page: &Handle) -> Html {
    html! {
        <div class="steps inputs" role="region" aria-label="Inputs">
            { existing(page) }
            { who(page) }
            <Exceptions page={page.clone()} />
            <h2 class="lbl">{ "What the outside answers" }</h2>
            { mocks::view(page) }
            <h2 class="lbl">{ "Kyverno" }</h2>
            <Kyverno page={page.clone()} />
            { versions(page) }
            <h2 class="lbl">{ "As text" }</h2>
            { document(page) }
        </div>
    }
}

/// A callback that changes the scenario.
fn change<T: Clone + 'static>(page: &Handle, act: impl Fn(&mut Scenario, T) + 'static) -> Callback<T> {
    let (page, act) = (page.dispatcher(), Rc::new(act));
    Callback::from(move |value: T| {
        let act = act.clone();
        page.dispatch(Action::Inputs(Change::new(move |rest| act(rest, value.clone()))));
    })
}

fn existing(page: &Handle) -> Html {
    let file = |file: &crate::state::document::File| {
        let (name, there) = (file.name.clone(), page.document.rest.cluster.contains(&file.name));
        let toggle = on(page, move || Action::Steps(StepEdit::Existing(name.clone())));
        html! { <label class="check"><input type="checkbox" checked={there} onchange={toggle} />{ " " }<code>{ &file.name }</code></label> }
    };
    html! {
        <fieldset>
            <legend>{ "Already in the cluster, not admitted" }</legend>
            { for page.document.files.iter().map(file) }
        </fieldset>
    }
}

fn who(page: &Handle) -> Html {
    let steps = &page.document.rest.steps;
    let first = steps.first().and_then(|step| step.user.clone()).unwrap_or_default();
    let same = steps.iter().all(|step| step.user.clone().unwrap_or_default() == first);
    let become_ = |user: UserInfo| Action::Steps(StepEdit::As((!user.username.is_empty()).then_some(user)));
    let person = |(name, username, groups): (&'static str, &'static str, &'static [&'static str])| {
        let user = UserInfo {
            username: username.to_owned(),
            groups: groups.iter().map(|group| (*group).to_owned()).collect(),
            ..UserInfo::default()
        };
        let pressed = same && first.username == user.username;
        html! { <button class="chip" aria-pressed={pressed.to_string()} onclick={on(page, move || become_(user.clone()))}>{ name }</button> }
    };
    let username = {
        let (page, old) = (page.clone(), first.clone());
        Callback::from(move |username: String| page.dispatch(become_(UserInfo { username, ..old.clone() })))
    };
    let groups = {
        let (page, old) = (page.clone(), first.clone());
        Callback::from(move |groups: Vec<String>| page.dispatch(become_(UserInfo { groups, ..old.clone() })))
    };
    html! {
        <fieldset>
            <legend>{ "Who I am" }</legend>
            <div class="chips" role="group" aria-label="Who">{ for PEOPLE.map(person) }</div>
            <div class="fields">{ line("User", &first.username, "kubernetes-admin", username) }</div>
            { lines("Groups", &first.groups, "system:masters", groups) }
            <p class="quiet">{ if same { "For every step; the steps can name others." } else { "The steps name different people; a choice here is for all." } }</p>
        </fieldset>
    }
}

/// Makes an exception for one object.
#[component]
fn Exceptions(props: &Page) -> Html {
    let page = &props.page;
    let form = use_state(|| json!({"rule": "*", "kind": "Pod"}));
    let Some(run) = &page.timeline else { return Html::default() };
    let policies: Vec<_> = run.policies.iter().filter(|line| line.kind != "PolicyException").cloned().collect();
    let there: Vec<_> = run.policies.iter().filter(|line| line.kind == "PolicyException").collect();
    let text = |key: &str| form.get(key).and_then(Value::as_str).unwrap_or_default().to_owned();
    let put = |key: &'static str| {
        let form = form.clone();
        Callback::from(move |text: String| {
            let mut next = (*form).clone();
            set(&mut next, &format!("/{key}"), Value::String(text));
            form.set(next);
        })
    };
    let chosen = policies.iter().find(|line| line.key == text("policy")).or(policies.first()).cloned();
    let pick = {
        let put = put("policy");
        Callback::from(move |event: Event| {
            if let Some(select) = event.target_dyn_into::<web_sys::HtmlSelectElement>() {
                put.emit(select.value());
            }
        })
    };
    let subject = stepgate_engine::object::gvk::ObjectRef {
        api_version: String::new(),
        kind: text("kind"),
        namespace: text("namespace"),
        name: text("name"),
    };
    let made = chosen.as_ref().filter(|_| !subject.name.is_empty());
    let made = made.and_then(|line| exception::text(&line.kind, &line.key, &text("rule"), &subject, "default"));
    let ready = made.is_some();
    let add = {
        let page = page.clone();
        Callback::from(move |_: MouseEvent| {
            if let Some((name, text)) = made.clone() {
                page.dispatch(Action::Steps(StepEdit::First(name, text)));
            }
        })
    };
    let show = |line: &&stepgate_engine::timeline::PolicyLine| {
        let place =
            crate::state::Place { file: line.source.file.clone(), line: line.source.span.line, ..Default::default() };
        html! { <li><button class="link" onclick={on(page, move || Action::Reveal(place.clone()))}>{ &line.key }</button></li> }
    };
    html! {
        <details open={!there.is_empty()}>
            <summary>{ "Exceptions" }{ if there.is_empty() { String::new() } else { format!(" · {}", there.len()) } }</summary>
            <ul>{ for there.iter().map(show) }</ul>
            <div class="fields">
                <label class="field"><span>{ "Policy" }</span><select onchange={pick}>
                    { for policies.iter().map(|line| html! { <option value={line.key.clone()} selected={Some(line) == chosen.as_ref()}>{ &line.key }</option> }) }
                </select></label>
                { line("Rule", &text("rule"), "*", put("rule")) }
                { line("Kind", &text("kind"), "Pod", put("kind")) }
                { line("Namespace", &text("namespace"), "any", put("namespace")) }
                { line("Name", &text("name"), "of the object to let through", put("name")) }
            </div>
            <button class="btn" disabled={!ready} onclick={add}>{ "+ PolicyException" }</button>
        </details>
    }
}

#[component]
fn Kyverno(props: &Page) -> Html {
    let page = &props.page;
    let config = &page.document.rest.config;
    let list = |key: &str| -> Vec<String> {
        let items = config.get(key).and_then(Value::as_array).into_iter().flatten();
        items.filter_map(|item| item.as_str().map(str::to_owned)).collect()
    };
    let put = |key: &'static str| change(page, move |rest, value: Value| put(&mut rest.config, key, value));
    let lists = |(key, label, hint): (&'static str, &'static str, &'static str)| {
        lines(
            label,
            &list(key),
            hint,
            put(key).reform(|lines: Vec<String>| if lines.is_empty() { Value::Null } else { json!(lines) }),
        )
    };
    let switches = |(key, label, usual): (&'static str, &'static str, bool)| {
        let value = config.get(key).and_then(Value::as_bool).unwrap_or(usual);
        let set = put(key).reform(move |on: bool| if on == usual { Value::Null } else { Value::Bool(on) });
        switch(super::tour::marked(label), value, set)
    };
    let chart = {
        let put = put("resourceFilters");
        Callback::from(move |_: MouseEvent| put.emit(json!(RESOURCE_FILTERS)))
    };
    let own = config.as_object().map_or(0, serde_json::Map::len);
    // Only at first: what is being edited does not close.
    let opened = use_memo((), |()| own > 0);
    let filters =
        put("resourceFilters").reform(|lines: Vec<String>| if lines.is_empty() { Value::Null } else { json!(lines) });
    html! {
        <details open={*opened}>
            <summary>{ "ConfigMap and flags" }{ if own > 0 { format!(" · {own} changed") } else { String::new() } }</summary>
            { lines("resourceFilters: what never reaches a policy, as [kind,namespace,name]", &list("resourceFilters"), "as in the chart", filters) }
            if list("resourceFilters").is_empty() { <button class="link" onclick={chart}>{ "Start from the chart's list" }</button> }
            { for SWITCHES.map(switches) }
            { line("Exceptions count in namespace", config.get("exceptionNamespace").and_then(Value::as_str).unwrap_or_default(), "* (every namespace)",
                put("exceptionNamespace").reform(|text: String| if text.is_empty() { Value::Null } else { Value::String(text) })) }
            { for LISTS.map(lists) }
        </details>
    }
}

/// Puts a key into the configuration; an empty one is none.
fn put(config: &mut Value, key: &str, value: Value) {
    set(config, &format!("/{key}"), value);
    if config.as_object().is_some_and(serde_json::Map::is_empty) {
        *config = Value::Null;
    }
}

fn versions(page: &Handle) -> Html {
    let rest = &page.document.rest;
    html! {
        <div class="fields">
            { line("Kyverno", &rest.kyverno, "1.19", change(page, |rest, text| rest.kyverno = text)) }
            { line("Kubernetes", &rest.kubernetes, "1.34", change(page, |rest, text| rest.kubernetes = text)) }
            { line("The clock starts at", &rest.now, "2026-01-01T00:00:00Z", change(page, |rest, text| rest.now = text)) }
            { line("Title", &rest.title, "Untitled", change(page, |rest, text| rest.title = text)) }
        </div>
    }
}

/// Everything but the files, as the scenario says it.
fn document(page: &Handle) -> Html {
    // By way of text: reading and writing values directly would be a second reader and writer of every type.
    let text = serde_json::to_string(&page.document.rest).unwrap_or_default();
    let mut value: Value = serde_json::from_str(&text).unwrap_or_default();
    if let Some(map) = value.as_object_mut() {
        map.shift_remove("files");
    }
    let set = {
        let page = page.clone();
        Callback::from(move |value: Value| match serde_json::from_str::<Scenario>(&value.to_string()) {
            Ok(scenario) => {
                page.dispatch(Action::Inputs(Change::new(move |rest| rest.clone_from(&scenario))));
                None
            }
            Err(wrong) => Some(wrong.to_string()),
        })
    };
    html! { <YamlField label="The scenario without its files" {value} {set} /> }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_configuration_as_usual_is_none() {
        let mut config = Value::Null;
        put(&mut config, "unreachable", Value::Bool(true));
        assert_eq!(config, json!({"unreachable": true}));
        put(&mut config, "unreachable", Value::Null);
        assert_eq!(config, Value::Null);
    }
}
