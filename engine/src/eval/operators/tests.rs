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
