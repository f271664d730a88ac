use serde_json::{Value, json};

use super::{Side, evaluate};

fn holds(key: Value, operator: &str, value: Value) -> bool {
    let side = |value| Side { value, literal: true };
    evaluate(operator, side(&key), side(&value)).unwrap()
}

macro_rules! cases {
    ($($name:ident: $key:tt $operator:ident $value:tt => $wanted:literal;)*) => { $(
        #[test]
        fn $name() {
            assert_eq!(holds(json!($key), stringify!($operator), json!($value)), $wanted);
        }
    )* };
}

cases! {
    equal_text: "a" Equals "a" => true;
    equal_value_is_a_pattern: "nginx:1" Equals "nginx:*" => true;
    equal_key_is_no_pattern: "nginx:*" Equals "nginx:1" => false;
    equal_durations: "1h" Equals "60m" => true;
    equal_duration_and_seconds: "1h" Equals 3600 => true;
    equal_quantities: "1Gi" Equals "1024Mi" => true;
    equal_quantity_and_word: "5" Equals "*" => false;
    equal_number_text: 5 Equals "5" => true;
    equal_bool_needs_bool: true Equals "true" => false;
    equal_null_is_never: null Equals null => false;
    equal_maps: {"a": [1]} Equals {"a": [1]} => true;
    equal_case_of_the_name: "a" equals "a" => true;
    not_equal_text: "a" NotEquals "b" => true;
    not_equal_null_is_never: null NotEquals "b" => false;
    not_equal_quantity_and_empty: "5" NotEquals "" => true;
    not_equal_types: true NotEquals "true" => true;
    any_in_scalar: "a" AnyIn ["b", "a"] => true;
    any_in_number: 8 AnyIn [8, 9] => true;
    any_in_wildcard_in_value: "prod-1" AnyIn ["prod-*"] => true;
    any_in_wildcard_in_key: "prod-*" AnyIn ["prod-1"] => true;
    any_in_range: 15 AnyIn "10-20" => true;
    any_in_json_text: "b" AnyIn "[\"a\",\"b\"]" => true;
    any_in_json_number_is_invalid: "5" AnyIn "10" => false;
    any_in_list: ["a", "x"] AnyIn ["a", "b"] => true;
    any_in_empty_list: [] AnyIn ["a"] => false;
    any_in_list_and_scalar: [1, 2] AnyIn 2 => true;
    all_in_list: ["a", "x"] AllIn ["a", "b"] => false;
    all_in_empty_list: [] AllIn ["a"] => true;
    all_in_list_and_scalar_is_invalid: [2] AllIn 2 => false;
    all_in_range: [11, 12] AllIn "10-20" => true;
    any_not_in_list: ["a", "x"] AnyNotIn ["a", "b"] => true;
    any_not_in_empty_list: [] AnyNotIn ["a"] => false;
    any_not_in_range: [11, 21] AnyNotIn "10-20" => true;
    any_not_in_invalid_is_false: "5" AnyNotIn "10" => false;
    any_not_in_null_is_false: null AnyNotIn ["a"] => false;
    all_not_in_list: ["x", "y"] AllNotIn ["a", "b"] => true;
    all_not_in_some: ["x", "a"] AllNotIn ["a", "b"] => false;
    all_not_in_empty_list: [] AllNotIn ["a"] => true;
    all_not_in_range: [1, 2] AllNotIn "10-20" => true;
    in_subset: ["a"] In ["a", "b"] => true;
    in_without_wildcards: ["a*"] In ["ab"] => false;
    in_plain_text_is_invalid: "a" In "b" => false;
    not_in_any: ["a", "x"] NotIn ["a", "b"] => true;
    not_in_plain_text_is_invalid: "a" NotIn "b" => false;
    greater: 5 GreaterThan 4 => true;
    greater_text_number: "5" GreaterThan 4 => true;
    greater_or_equal: 5 GreaterThanOrEquals 5 => true;
    less_quantity: "512Mi" LessThan "1Gi" => true;
    less_or_equal_duration: "1h" LessThanOrEquals "90m" => true;
    greater_duration_and_seconds: 7200 GreaterThan "1h" => true;
    greater_version: "1.10.0" GreaterThan "1.9.0" => true;
    greater_wrong_case_is_false: 5 greaterthan 4 => false;
    greater_list_is_false: [5] GreaterThan 4 => false;
    duration_greater: "2h" DurationGreaterThan 3600 => true;
    duration_fraction_is_cut: 1.9 DurationLessThanOrEquals 1 => true;
    // equal.go: the type of the key decides.
    equal_text_case_counts: "A" Equals "a" => false;
    equal_question_mark_is_one: "ab" Equals "a?" => true;
    equal_question_mark_is_not_two: "abc" Equals "a?" => false;
    equal_star_needs_no_text: "" Equals "*" => true;
    equal_seconds_are_whole: "1500ms" Equals 1.9 => false;
    equal_duration_and_word: "1h" Equals "x" => false;
    equal_zero_is_no_duration: "0" Equals "0s" => false;
    equal_zeros_are_quantities: "0" Equals "0Mi" => true;
    equal_minus_duration: "-1h" Equals "-60m" => true;
    equal_quantity_and_number: "5" Equals 5 => false;
    equal_milli: "0.1" Equals "100m" => true;
    equal_number_and_fraction: 5 Equals "5.5" => false;
    equal_number_and_float_text: 5 Equals "5.0" => true;
    equal_number_and_word: 5 Equals "x" => false;
    equal_number_and_bool: 1 Equals true => false;
    equal_number_and_list: 1 Equals [1] => false;
    equal_text_and_list: "a" Equals ["a"] => false;
    equal_text_and_null: "a" Equals null => false;
    equal_text_and_map: "a" Equals {"a": 1} => false;
    equal_lists_in_order: ["a", "b"] Equals ["b", "a"] => false;
    equal_list_and_text: ["a"] Equals "a" => false;
    equal_lists_know_no_wildcards: ["ab"] Equals ["a*"] => false;
    equal_maps_in_depth: {"a": {"b": 1}} Equals {"a": {"b": 2}} => false;
    equal_map_and_list: {} Equals [] => false;
    equal_bools: false Equals false => true;
    equal_singular: "a" Equal "a" => true;
    // notequal.go: what cannot be compared is not equal.
    not_equal_singular: "a" NotEqual "b" => true;
    not_equal_wildcard: "abc" NotEquals "a*" => false;
    not_equal_durations: "1h" NotEquals "60m" => false;
    not_equal_quantities: "1Gi" NotEquals "1024Mi" => false;
    not_equal_quantity_and_word: "5" NotEquals "five" => true;
    not_equal_number_and_word: 5 NotEquals "x" => true;
    not_equal_number_and_bool: 5 NotEquals false => true;
    not_equal_text_and_null: "a" NotEquals null => true;
    not_equal_list_and_text: ["a"] NotEquals "a" => true;
    not_equal_lists: ["a"] NotEquals ["a"] => false;
    not_equal_map_and_null: {} NotEquals null => true;
    // anyin.go
    any_in_bool: true AnyIn ["true"] => true;
    any_in_float: 1.5 AnyIn ["1.5"] => true;
    any_in_number_in_text_list: 8 AnyIn ["8"] => true;
    any_in_wildcard_text: "abc" AnyIn "a*" => true;
    any_in_same_text: "abc" AnyIn "abc" => true;
    any_in_other_text: "abc" AnyIn "abd" => false;
    any_in_empty_value: "a" AnyIn [] => false;
    any_in_number_value_of_a_text: "8" AnyIn 8 => false;
    any_in_map_value: "a" AnyIn {"a": 1} => false;
    any_in_map_key_is_unsupported: {"a": 1} AnyIn ["a"] => false;
    any_in_null_value: "a" AnyIn null => false;
    any_in_range_ends: 20 AnyIn "10-20" => true;
    any_in_range_below: 9 AnyIn "10-20" => false;
    any_in_range_of_quantities: "1.5Gi" AnyIn "1Gi-2Gi" => true;
    any_in_json_knows_no_wildcards: "ab" AnyIn "[\"a*\"]" => false;
    any_in_json_with_a_number_is_invalid: "a" AnyIn "[\"a\", 1]" => false;
    any_in_json_null_is_empty: "a" AnyIn "null" => false;
    any_in_list_in_json_knows_wildcards: ["ab"] AnyIn "[\"a*\"]" => true;
    any_in_list_and_its_only_text: ["10"] AnyIn "10" => true;
    any_in_list_and_range: [1, 15] AnyIn "10-20" => true;
    any_in_list_and_bool: [true] AnyIn true => true;
    any_in_list_and_null: ["a"] AnyIn null => false;
    any_in_list_with_null: [null] AnyIn ["<nil>"] => true;
    any_in_list_of_maps: [{"a": 1}] AnyIn ["map[a:1]"] => true;
    // allin.go
    all_in_all: ["a", "b"] AllIn ["a", "b", "c"] => true;
    all_in_wildcards: ["prod-1", "prod-2"] AllIn ["prod-*"] => true;
    all_in_scalar: "a" AllIn ["a"] => true;
    all_in_text_value: ["a"] AllIn "a" => true;
    all_in_range_fails: [11, 21] AllIn "10-20" => false;
    all_in_json: ["a", "b"] AllIn "[\"a\", \"b\"]" => true;
    all_in_number_value_is_invalid: [1] AllIn 1 => false;
    // anynotin.go and allnotin.go
    any_not_in_all_found: ["a"] AnyNotIn ["a", "b"] => false;
    any_not_in_scalar: "x" AnyNotIn ["a"] => true;
    any_not_in_wildcard: "prod-1" AnyNotIn ["prod-*"] => false;
    any_not_in_range_none: [11, 12] AnyNotIn "10-20" => false;
    any_not_in_range_scalar: 9 AnyNotIn "10-20" => true;
    any_not_in_number_value_of_a_list: [1, 2] AnyNotIn 1 => true;
    any_not_in_same_text: ["a"] AnyNotIn "a" => false;
    any_not_in_map_value_is_false: "a" AnyNotIn {} => false;
    all_not_in_scalar: "x" AllNotIn ["a"] => true;
    all_not_in_found: "a" AllNotIn ["a"] => false;
    all_not_in_wildcard: ["prod-1"] AllNotIn ["prod-*"] => false;
    all_not_in_range_fails: [1, 15] AllNotIn "10-20" => false;
    all_not_in_invalid_is_false: "5" AllNotIn "10" => false;
    all_not_in_number_value_is_invalid: [2] AllNotIn 1 => false;
    all_not_in_null_is_false: null AllNotIn ["a"] => false;
    // in.go and notin.go
    in_scalar_with_wildcard: "ab" In ["a*"] => true;
    in_json_list: "a" In "[\"a\"]" => true;
    in_list_outside: ["a", "x"] In ["a"] => false;
    in_list_and_numbers_is_invalid: ["a"] In [1] => false;
    in_list_and_its_only_text: ["a"] In "a" => true;
    not_in_all_found: ["a"] NotIn ["a"] => false;
    not_in_its_only_text_counts_as_not_in: ["a"] NotIn "a" => true;
    not_in_scalar: "x" NotIn ["a"] => true;
    // numeric.go
    greater_equal_is_not_greater: 5 GreaterThan 5 => false;
    greater_float: 1.5 GreaterThan 1 => true;
    less: 4 LessThan 5 => true;
    less_or_equal: 5 LessThanOrEquals 5 => true;
    less_float_text: "1.5" LessThan 2 => true;
    greater_number_and_text: 5 GreaterThan "4.5" => true;
    greater_number_and_word: 5 GreaterThan "x" => false;
    greater_number_and_duration: 3601 GreaterThan "1h" => true;
    greater_number_and_quantity_is_false: 5 GreaterThan "1Ki" => false;
    greater_text_and_number: "1Gi" GreaterThan 5 => false;
    greater_versions_with_prerelease: "1.0.0" GreaterThan "1.0.0-rc.1" => true;
    greater_version_and_word: "1.0.0" GreaterThan "x" => false;
    greater_words: "b" GreaterThan "a" => false;
    greater_bool: true GreaterThan 0 => false;
    greater_null_value: 5 GreaterThan null => false;
    less_null_key: null LessThan 5 => false;
    less_map: {} LessThan 5 => false;
    // duration.go
    duration_equal_or_greater: "60m" DurationGreaterThanOrEquals "1h" => true;
    duration_less: 59 DurationLessThan "1m" => true;
    duration_less_or_equal: 60 DurationLessThanOrEquals 60 => true;
    duration_of_a_word: "x" DurationLessThan 60 => false;
    duration_and_a_word: 60 DurationLessThan "x" => false;
    duration_list: [1] DurationLessThan 60 => false;
    duration_wrong_case_is_false: 1 durationlessthan 60 => false;
    // the other half of each
    equal_singular_other: "a" Equal "b" => false;
    not_equal_singular_same: "a" NotEqual "a" => false;
    duration_not_more: "1h" DurationGreaterThan "1h" => false;
    duration_more: "2h" DurationGreaterThan "1h" => true;
    duration_not_at_least: "59m" DurationGreaterThanOrEquals "1h" => false;
    duration_at_least: 3600 DurationGreaterThanOrEquals "1h" => true;
    duration_not_less: 60 DurationLessThan "1m" => false;
    duration_not_at_most: "2m" DurationLessThanOrEquals "1m" => false;
    duration_at_most: "60s" DurationLessThanOrEquals "1m" => true;
    not_less_or_equal: 6 LessThanOrEquals 5 => false;
    at_most: 5 LessThanOrEquals 5 => true;
    at_least: 5 GreaterThanOrEquals 5 => true;
    not_at_least: 4 GreaterThanOrEquals 5 => false;
    not_less: 5 LessThan 5 => false;
    in_other: "b" In ["a"] => false;
    not_in_same: "a" NotIn ["a"] => false;
}

#[test]
fn an_unknown_operator_is_none() {
    let null = Value::Null;
    let side = Side { value: &null, literal: false };
    assert_eq!(evaluate("Matches", side, side), None);
}

#[test]
fn a_large_number_from_the_context_prints_like_a_float() {
    let (key, value) = (json!(1_000_000), json!([1_000_000]));
    let literal = Side { value: &value, literal: true };
    assert_eq!(evaluate("AnyIn", Side { value: &key, literal: false }, literal), Some(false));
}

/// Each operator, the deprecated ones too, has a line here that holds and one that does not.
#[test]
fn every_operator_is_tested() {
    let tests = include_str!("tests.rs");
    for name in [
        "Equal",
        "Equals",
        "NotEqual",
        "NotEquals",
        "In",
        "NotIn",
        "AnyIn",
        "AllIn",
        "AnyNotIn",
        "AllNotIn",
        "GreaterThan",
        "GreaterThanOrEquals",
        "LessThan",
        "LessThanOrEquals",
        "DurationGreaterThan",
        "DurationGreaterThanOrEquals",
        "DurationLessThan",
        "DurationLessThanOrEquals",
    ] {
        let lines = || tests.lines().filter(|line| line.contains(&format!(" {name} ")));
        for word in ["=> true", "=> false"] {
            assert!(lines().any(|line| line.contains(word)), "{name} {word}");
        }
        let side = Side { value: &json!(1), literal: false };
        assert!(evaluate(name, side, side).is_some(), "{name}");
        assert!(evaluate(&name.to_uppercase(), side, side).is_some(), "{name}");
    }
}
