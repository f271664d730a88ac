//! One sentence for each of the fields that people meet most.

use super::place::{Place, Step};

static WORDS: &str = include_str!("words.tsv");

/// The sentence about a field: of the longest path in `words.tsv` that the field's path ends with.
///
/// The first column says for which kinds: `classic`, `cel`, `cleanup`, `exception`, `global` or `*`.
pub(super) fn of(place: &Place, path: &[Step]) -> Option<&'static str> {
    let Some(Step::Key(_)) = path.last() else { return None };
    let keys: Vec<&str> =
        path.iter().filter_map(|step| if let Step::Key(key) = step { Some(key.as_str()) } else { None }).collect();
    let family = family(place);
    let rows = WORDS.lines().filter_map(|line| {
        let mut columns = line.split('\t');
        Some((columns.next()?, columns.next()?, columns.next()?))
    });
    let fitting = rows.filter(|(kinds, ending, _)| {
        let wanted: Vec<&str> = ending.split('.').collect();
        (*kinds == "*" || *kinds == family) && keys.ends_with(&wanted)
    });
    fitting.max_by_key(|(_, ending, _)| ending.split('.').count()).map(|(.., words)| words)
}

fn family(place: &Place) -> &'static str {
    let cel = place.root("apiVersion").starts_with("policies.kyverno.io/");
    match place.root("kind") {
        "PolicyException" => "exception",
        "ClusterPolicy" | "Policy" => "classic",
        "CleanupPolicy" | "ClusterCleanupPolicy" => "cleanup",
        "GlobalContextEntry" => "global",
        "ValidatingAdmissionPolicy" | "MutatingAdmissionPolicy" => "cel",
        _ if cel => "cel",
        _ => "other",
    }
}

/// A `kind` that names a resource to make or to change.
pub(super) fn is_target(keys: &[&str]) -> bool {
    ["generate", "targets", "foreach", "paramKind"].into_iter().any(|parent| keys.contains(&parent))
}
