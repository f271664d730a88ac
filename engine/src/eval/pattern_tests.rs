use serde_json::{Value, json};

use super::{Places, match_pattern};
use crate::eval::trace::{Outcome, Trace};

/// `pass`, `skip <message>`, `error <message>` or the path of the failure.
fn laid(pattern: Value, resource: Value) -> String {
    let places = Places { pattern: "/p", added: "", resource: "" };
    match match_pattern(&resource, &pattern, places, &mut Trace::off()) {
        Ok(()) => "pass".to_owned(),
        Err(error) if error.skip => format!("skip {}", error.message),
        Err(error) if error.path.is_empty() => format!("error {}", error.message),
        Err(error) => error.path,
    }
}

macro_rules! cases {
    ($($name:ident: $pattern:tt on $resource:tt => $wanted:literal;)*) => { $(
        #[test]
        fn $name() {
            assert_eq!(laid(json!($pattern), json!($resource)), $wanted);
        }
    )* };
}

cases! {
    leaf_matches: {"a": "x*"} on {"a": "xy"} => "pass";
    leaf_fails_at_its_path: {"a": {"b": "x"}} on {"a": {"b": "y"}} => "/a/b/";
    any_value_needs_the_key: {"a": {"b": "*"}} on {"a": {}} => "/a/";
    any_value_refuses_null: {"a": "*"} on {"a": null} => "/";
    a_map_where_there_is_none: {"a": {"b": 1}} on {} => "/a/";
    scalar_over_list: {"a": "x*"} on {"a": ["x1", "x2"]} => "pass";
    scalar_over_list_fails: {"a": "x*"} on {"a": ["x1", "y"]} => "/a/";
    first_map_for_every_element: {"a": [{"n": "x"}, {"n": "never"}]} on {"a": [{"n": "x"}, {"n": "y"}]} => "/a/1/n/";
    scalar_list: {"a": ["x*"]} on {"a": ["x1", "x2"]} => "pass";
    empty_pattern_list: {"a": []} on {"a": []} => "/a/";
    nested_lists_by_position: {"a": [["x"], ["y"]]} on {"a": [["x"], ["z"]]} => "/a/1/";
    nested_lists_too_short: {"a": [["x"], ["y"]]} on {"a": [["x"]]} => "error validate Array failed, array length mismatch, resource Array len is 1 and pattern Array len is 2";
    condition_holds: {"(k)": "a", "v": "1"} on {"k": "a", "v": "2"} => "/v/";
    condition_fails_skips: {"(k)": "a", "v": "1"} on {"k": "b", "v": "2"} => "skip conditional anchor mismatch: resource value 'b' does not match 'a' at path /k/";
    condition_missing_skips: {"(k)": "a"} on {} => "skip conditional anchor mismatch: conditional anchor key doesn't exist in the resource";
    condition_per_element: {"c": [{"(n)": "a", "v": "1"}]} on {"c": [{"n": "b", "v": "2"}, {"n": "a", "v": "1"}]} => "pass";
    condition_all_elements_skip: {"c": [{"(n)": "a", "v": "1"}]} on {"c": [{"n": "b"}]} => "skip conditional anchor mismatch: resource value 'b' does not match 'a' at path /c/0/n/";
    equality_absent: {"=(k)": "a"} on {} => "pass";
    equality_present: {"=(k)": "a"} on {"k": "b"} => "/k/";
    negation_absent: {"X(k)": "null"} on {} => "pass";
    negation_present: {"X(k)": "null"} on {"k": null} => "/k/";
    existence_one_is_enough: {"^(c)": [{"n": "a"}]} on {"c": [{"n": "b"}, {"n": "a"}]} => "pass";
    existence_none: {"^(c)": [{"n": "a"}]} on {"c": [{"n": "b"}]} => "/c/";
    existence_absent: {"^(c)": [{"n": "a"}]} on {} => "pass";
    existence_every_pattern_item: {"^(c)": [{"n": "a"}, {"n": "z"}]} on {"c": [{"n": "a"}]} => "/c/";
    global_holds: {"<(k)": "a", "v": "1"} on {"k": "a", "v": "2"} => "/v/";
    global_fails_skips: {"s": {"<(k)": "a"}, "v": "1"} on {"s": {"k": "b"}, "v": "2"} => "skip global anchor mismatch: resource value 'b' does not match 'a' at path /s/k/";
    global_absent_passes: {"<(k)": "a"} on {} => "pass";
    global_is_met_first: {"a": "1", "<(k)": "x"} on {"a": "2", "k": "y"} => "skip global anchor mismatch: resource value 'y' does not match 'x' at path /k/";
    plain_keys_in_order: {"b": "1", "a": "1"} on {"a": "2", "b": "2"} => "/a/";
    anchored_values_first: {"a": "1", "b": {"=(c)": "1"}} on {"a": "2", "b": {"c": "2"}} => "/b/c/";
    a_missing_anchor_key_makes_it_an_error: {"a": {"^(c)": [{"n": "x"}]}, "b": "1"} on {"a": {}, "b": "2"} => "error resource value '2' does not match '1' at path /b/";
    add_anchor_is_a_plain_key: {"+(k)": "a"} on {"k": "a"} => "/+(k)/";
    words_of_an_anchor_in_a_value_skip: {"a": "1"} on {"a": "conditional anchor mismatch"} => "skip resource value 'conditional anchor mismatch' does not match '1' at path /a/";
    different_structures: {"a": {"b": 1}} on {"a": "x"} => "/a/";
    label_with_wildcard_key: {"metadata": {"labels": {"app/*": "?*"}}} on {"metadata": {"labels": {"app/x": "1"}}} => "pass";
    null_takes_missing: {"a": null} on {} => "pass";
    image_not_latest: {"spec": {"containers": [{"image": "!*:latest"}]}} on {"spec": {"containers": [{"image": "a:1"}, {"image": "b:latest"}]}} => "/spec/containers/1/image/";
}

#[test]
fn a_trace_points_at_both_sides() {
    let places = Places { pattern: "/spec/rules/0/validate/pattern", added: "/spec/template", resource: "" };
    let pattern = json!({ "spec": { "template": { "spec": { "containers": [{ "=(image)": "a" }] } } } });
    let resource =
        json!({ "spec": { "template": { "spec": { "containers": [{ "image": "a" }, { "image": "b" }] } } } });
    let mut trace = Trace::on();
    assert!(match_pattern(&resource, &pattern, places, &mut trace).is_err());
    let nodes = trace.finish();
    let last = nodes.last().unwrap();
    assert_eq!(last.outcome, Outcome::No);
    assert_eq!(last.at.as_deref(), Some("/spec/rules/0/validate/pattern/spec/containers/0/=(image)"));
    assert_eq!(last.looked_at.as_deref(), Some("/spec/template/spec/containers/1/image"));
    assert_eq!((last.want.clone(), last.found.clone()), (Some(json!("a")), Some(json!("b"))));
}
