//! Report: policy reports as stored at this point, Kubernetes events, and the scenario's own checks.

use serde_json::Value;
use yew::prelude::*;

use super::{Handle, answers, on};
use crate::state::cursor::{Move, by_anchor};
use crate::state::{Action, State, cluster};
use crate::words;

/// How much there is to show.
pub fn size(state: &State) -> usize {
    let results: usize = reports(state).iter().map(|report| results(report).len()).sum();
    state.timeline.as_ref().map_or(0, |run| results + run.k8s_events.len() + run.checks.len())
}

fn reports(state: &State) -> Vec<Value> {
    let Some(run) = &state.timeline else { return Vec::new() };
    let report = |o: &cluster::Stored| {
        o.mark != cluster::Mark::Removed && o.key.kind.ends_with("Report") && !o.key.kind.contains("Ephemeral")
    };
    cluster::at(run, state.cursor).into_iter().filter(report).map(|o| o.object).collect()
}

fn results(report: &Value) -> &[Value] {
    report.get("results").and_then(Value::as_array).map_or(&[], Vec::as_slice)
}

fn text(value: &Value, pointer: &str) -> String {
    value.pointer(pointer).and_then(Value::as_str).unwrap_or_default().to_owned()
}

/// The view.
pub fn view(page: &Handle) -> Html {
    if size(page) == 0 && page.timeline.as_ref().is_none_or(|run| run.responses.is_empty()) {
        return html! { <p class="quiet">{ words::NO_REPORTS }</p> };
    }
    let Some(run) = &page.timeline else { return Html::default() };
    let checks = run.checks.iter().map(|check| {
        let (tone, glyph) = if check.ok { ("allow", "✓") } else { ("deny", "✕") };
        let evidence = check.anchor.as_ref().and_then(|anchor| by_anchor(&run.events, anchor));
        let go = evidence.map(|index| html! { <button class="link" onclick={on(page, move || Action::Go(Move::To(index)))}>{ "show" }</button> });
        html! { <li><span class={format!("g tone-{tone}")}>{ glyph }</span>{ &check.text }<span class="quiet">{ format!(" {} ", check.reason) }</span>{ go }</li> }
    });
    let reports = reports(page);
    let rows = reports.iter().flat_map(|report| results(report).iter().map(move |result| (report, result)));
    let row = |(report, result): (&Value, &Value)| {
        let status = text(result, "/result");
        let tone = match status.as_str() {
            "pass" => "allow",
            "fail" | "error" => "deny",
            "warn" => "warn",
            _ => "dim",
        };
        let of = |at: &str| text(report, at) + &text(result, &at.replace("/scope", "/resources/0"));
        html! {
            <tr>
                <td class={format!("tone-{tone}")}>{ status }</td>
                <td>{ format!("{} {}", of("/scope/kind"), of("/scope/name")) }</td>
                <td>{ text(result, "/policy") }</td><td>{ text(result, "/rule") }</td><td class="words">{ text(result, "/message") }</td>
            </tr>
        }
    };
    let events = run.k8s_events.iter().map(|event| {
        let note = text(event, "/note") + &text(event, "/message");
        html! { <tr><td>{ text(event, "/type") }</td><td>{ text(event, "/reason") }</td>
            <td>{ format!("{} {}", text(event, "/regarding/kind"), text(event, "/regarding/name")) }</td><td class="words">{ note }</td></tr> }
    });
    html! {
        <div class="report">
            { answers::view(page) }
            if !run.checks.is_empty() { <h2 class="lbl">{ "Checks of this scenario" }</h2><ul class="checks">{ for checks }</ul> }
            if !reports.is_empty() {
                <h2 class="lbl">{ "Policy reports" }</h2>
                <table><thead><tr><th>{ "Result" }</th><th>{ "Resource" }</th><th>{ "Policy" }</th><th>{ "Rule" }</th><th>{ "Message" }</th></tr></thead><tbody>{ for rows.map(row) }</tbody></table>
            }
            if !run.k8s_events.is_empty() {
                <h2 class="lbl">{ "Kubernetes events at the end" }</h2>
                <table><thead><tr><th>{ "Type" }</th><th>{ "Reason" }</th><th>{ "Regarding" }</th><th>{ "Note" }</th></tr></thead><tbody>{ for events }</tbody></table>
            }
        </div>
    }
}
