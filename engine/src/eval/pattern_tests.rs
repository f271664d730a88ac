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
    // validate.go: arrays
    an_empty_list_passes_a_map: {"a": [{"n": "x"}]} on {"a": []} => "pass";
    a_missing_list_fails: {"a": [{"n": "x"}]} on {} => "/a/";
    a_map_over_a_text_in_a_list: {"a": [{"n": "x"}]} on {"a": ["x"]} => "/a/0/";
    scalar_list_fails: {"a": ["x*"]} on {"a": ["x1", "y"]} => "/a/";
    further_scalars_are_not_looked_at: {"a": ["x", "y"]} on {"a": ["x", "x"]} => "pass";
    more_lists_than_the_pattern_are_free: {"a": [["x"]]} on {"a": [["x"], ["y"]]} => "pass";
    an_element_that_skips_is_left_out: {"c": [{"(n)": "a", "v": "1"}]} on {"c": [{"n": "a", "v": "2"}, {"n": "b"}]} => "/c/0/v/";
    missing_condition_in_every_element_skips: {"c": [{"(n)": "a"}]} on {"c": [{}]} => "skip conditional anchor mismatch: conditional anchor key doesn't exist in the resource";
    two_skips_are_joined: {"c": [{"(n)": "a"}]} on {"c": [{}, {}]} => "skip conditional anchor mismatch: conditional anchor key doesn't exist in the resource; conditional anchor mismatch: conditional anchor key doesn't exist in the resource";
    // anchors nested and combined
    two_conditions_must_hold: {"(a)": "1", "(b)": "2", "v": "x"} on {"a": "1", "b": "3", "v": "y"} => "skip conditional anchor mismatch: resource value '3' does not match '2' at path /b/";
    a_condition_on_a_map: {"(m)": {"k": "1"}, "v": "x"} on {"m": {"k": "1"}, "v": "y"} => "/v/";
    equality_on_a_map: {"=(m)": {"k": "1"}} on {"m": {"k": "2"}} => "/m/k/";
    equality_in_equality: {"=(m)": {"=(k)": "1"}} on {"m": {}} => "pass";
    equality_present_null: {"=(k)": "a"} on {"k": null} => "/k/";
    negation_in_a_list: {"c": [{"X(p)": "null"}]} on {"c": [{"n": "a"}, {"p": 1}]} => "/c/1/p/";
    negation_next_to_a_failing_condition: {"(a)": "1", "X(z)": "null"} on {"a": "2", "z": 1} => "skip conditional anchor mismatch: resource value '2' does not match '1' at path /a/";
    existence_needs_a_list: {"^(c)": [{"n": "a"}]} on {"c": {"n": "a"}} => "/c/";
    existence_pattern_needs_a_list: {"^(c)": {"n": "a"}} on {"c": [{"n": "a"}]} => "/c/";
    existence_of_scalars_is_invalid: {"^(c)": ["a"]} on {"c": ["a"]} => "/c/";
    existence_in_an_empty_list: {"^(c)": [{"n": "a"}]} on {"c": []} => "/c/";
    global_in_a_list_leaves_the_element_out: {"c": [{"<(n)": "a", "v": "1"}]} on {"c": [{"n": "b", "v": "2"}, {"n": "a", "v": "1"}]} => "pass";
    an_absent_negated_key_is_no_error: {"a": {"X(c)": "null"}, "b": "1"} on {"a": {}, "b": "2"} => "/b/";
    a_condition_that_is_met_once_is_there: {"c": [{"(n)": "a"}], "v": "1"} on {"c": [{"n": "a"}, {"m": 1}], "v": "2"} => "/v/";
    blanks_around_an_anchor: {" =(k) ": "a"} on {"k": "b"} => "/k/";
    // leaves
    any_value_takes_maps: {"a": "*"} on {"a": {"b": 1}} => "pass";
    any_value_takes_lists: {"a": "*"} on {"a": []} => "pass";
    any_value_takes_empty_text: {"a": "*"} on {"a": ""} => "pass";
    some_text_refuses_empty_text: {"a": "?*"} on {"a": ""} => "/a/";
    a_text_for_a_map: {"a": "x"} on {"a": {"b": 1}} => "/a/";
    an_empty_map_is_a_type: {"a": {}} on {"a": {"b": 1}} => "pass";
    an_empty_map_refuses_text: {"a": {}} on {"a": "b"} => "/a/";
    a_list_for_a_map: {"a": {"b": 1}} on {"a": [{"b": 1}]} => "/a/";
    number_over_numbers: {"a": ">5"} on {"a": [6, 7]} => "pass";
    false_is_not_missing: {"a": false} on {} => "/a/";
    annotation_with_wildcard_key: {"metadata": {"annotations": {"*/x": "y"}}} on {"metadata": {"annotations": {"a/x": "z"}}} => "/metadata/annotations/a/x/";
    wildcard_key_in_a_template: {"spec": {"template": {"metadata": {"labels": {"a*": "?*"}}}}} on {"spec": {"template": {"metadata": {"labels": {"ab": "1"}}}}} => "pass";
    wildcard_key_elsewhere_is_plain: {"data": {"a*": "x"}} on {"data": {"ab": "x"}} => "/data/a*/";
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
