//! Races: runs a scenario in every order of its concurrent work, within a bound, and groups the runs by what they come to.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};
use serde_json::Value;

use super::{Scenario, simulate_with};
use crate::object::ObjectExt;
use crate::object::order;
use crate::timeline::Timeline;

/// How many orders are tried at most.
const MAX_RUNS: usize = 64;

/// All orders that come to the same.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Group {
    /// The choices of one run of the group; give them to [`simulate_with`].
    pub choices: Vec<u8>,
    /// How many of the runs came to this.
    pub runs: usize,
    /// What it comes to, in a sentence.
    pub outcome: String,
    /// The orders chosen where another was possible, in words.
    pub orders: Vec<String>,
}

/// What the orders come to.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Races {
    /// Runs made.
    pub runs: usize,
    /// Whether every order was tried.
    pub complete: bool,
    /// By outcome; the usual order's comes first.
    pub groups: Vec<Group>,
}

/// Tries the orders.
#[must_use]
pub fn explore(scenario: &Scenario) -> Races {
    let mut waiting: Vec<Vec<u8>> = vec![Vec::new()];
    let mut groups: BTreeMap<String, (usize, Group)> = BTreeMap::new();
    let mut runs = 0;
    while let Some(choices) = waiting.pop() {
        if runs >= MAX_RUNS {
            waiting.push(choices);
            break;
        }
        runs += 1;
        let (timeline, points) = simulate_with(scenario, &choices);
        // Every point after the given prefix took the usual order; its other options are still to be tried.
        for (index, point) in points.iter().enumerate().skip(choices.len()) {
            for option in 1..point.options.len() {
                let mut other: Vec<u8> = points.iter().take(index).map(|point| point.chosen).collect();
                other.push(u8::try_from(option).unwrap_or(0));
                waiting.insert(0, other);
            }
        }
        let orders = points.iter().filter(|point| point.chosen > 0);
        let orders: Vec<String> =
            orders.filter_map(|point| point.options.get(usize::from(point.chosen)).cloned()).collect();
        let order = groups.len();
        let group = groups.entry(fingerprint(&timeline)).or_insert_with(|| {
            (order, Group { choices: choices.clone(), runs: 0, outcome: outcome(&timeline), orders })
        });
        group.1.runs += 1;
    }
    let mut groups: Vec<(usize, Group)> = groups.into_values().collect();
    order::sort_by_key(&mut groups, |(order, _)| *order);
    Races { runs, complete: waiting.is_empty(), groups: groups.into_iter().map(|(_, group)| group).collect() }
}

/// What is the same in two runs that come to the same: names and versions that the server makes up do not count.
fn fingerprint(timeline: &Timeline) -> String {
    let objects: Vec<Value> = timeline.cluster.iter().map(plain).collect();
    let answers: Vec<bool> = timeline.responses.iter().map(|response| response.allowed).collect();
    let requests: Vec<(&str, u32)> =
        timeline.update_requests.iter().map(|request| (request.state.as_str(), request.attempts)).collect();
    serde_json::to_string(&(objects, answers, requests)).unwrap_or_default()
}

fn plain(object: &Value) -> Value {
    let mut object = object.clone();
    for field in ["uid", "resourceVersion", "creationTimestamp", "generation", "managedFields", "ownerReferences"] {
        object.remove_at(&["metadata", field]);
    }
    if let Some(labels) = object.pointer_mut("/metadata/labels").and_then(Value::as_object_mut) {
        labels.retain(|key, _| !key.ends_with("-uid"));
    }
    if let Some(map) = object.as_object_mut() {
        map.shift_remove("status");
    }
    object
}

fn outcome(timeline: &Timeline) -> String {
    let refused = timeline.responses.iter().filter(|response| !response.allowed).count();
    let generated = timeline
        .cluster
        .iter()
        .filter(|object| object.labels().contains_key("generate.kyverno.io/policy-name"))
        .count();
    let failed = timeline.update_requests.iter().filter(|request| request.state == "Failed").count();
    format!(
        "{refused} refused, {} objects stored, {generated} of them generated, {failed} UpdateRequests failed",
        timeline.cluster.len()
    )
}
