//! One line per rule of the fork: what is swallowed, what surfaces, and how numbers behave.

use serde_json::{Value, json};

use super::{Env, query};

fn data() -> Value {
    json!({
        "a": {"b": {"c": 1}, "n": null, "list": [{"x": 1}, {"y": 2}, {"x": 3}], "s": "text"},
        "ints": [3, 1, 2], "empty": [], "zero": 0, "nested": [[1, 2], [3], 4],
    })
}

#[track_caller]
fn gives(expression: &str, expected: Value) {
    let found = query(expression, &data(), &Env::default()).unwrap_or_else(|error| panic!("{expression}: {error}"));
    assert_eq!(found, expected, "{expression}");
}

#[track_caller]
fn fails(expression: &str, expected: &str) {
    match query(expression, &data(), &Env::default()) {
        Ok(value) => panic!("{expression} gave {value}"),
        Err(error) => assert_eq!(error.to_string(), expected, "{expression}"),
    }
}

#[test]
fn unknown_keys_surface() {
    fails("nope", r#"Unknown key "nope" in path"#);
    fails("a.nope", r#"Unknown key "nope" in path"#);
    fails("a.nope.deeper", r#"Unknown key "nope" in path"#);
    fails("nope[0]", r#"Unknown key "nope" in path"#);
    fails("a && nope", r#"Unknown key "nope" in path"#);
    fails("(nope).x", r#"Unknown key "nope" in path"#);
}

#[test]
fn unknown_keys_are_swallowed() {
    gives("nope || 'x'", json!("x"));
    gives("nope || nope", json!(null));
    gives("nope && a", json!(null));
    gives("!nope", json!(true));
    gives("nope == `null`", json!(true));
    gives("nope > `1`", json!(null));
    gives("to_string(nope)", json!("null"));
    gives("[nope, zero]", json!([null, 0]));
    gives("{x: nope}", json!({"x": null}));
    gives("nope | [0]", json!(null));
    gives("a | nope", json!(null));
    gives("nope | to_string(@)", json!("null"));
    gives("(nope | @)", json!(null));
    gives("length(a.list[?nope])", json!(0));
    gives("a.list[].x", json!([1, 3]));
    gives("nope[]", json!(null));
    gives("nope[*]", json!(null));
    gives("nope[*].x", json!(null));
    gives("nope[?x]", json!(null));
    gives("nope.*", json!(null));
    gives("nope[1:2]", json!(null));
    gives("map(&x, a.list)", json!([1, null, 3]));
}

#[test]
fn fields_of_what_is_no_mapping_are_null() {
    gives("a.n.x", json!(null));
    gives("a.s.x", json!(null));
    gives("ints.x", json!(null));
    gives("ints[9].x", json!(null));
    gives("zero[0]", json!(null));
}

#[test]
fn projections() {
    gives("ints[*]", json!([3, 1, 2]));
    gives("nested[]", json!([1, 2, 3, 4]));
    gives("ints[-1]", json!(2));
    gives("ints[::-1]", json!([2, 1, 3]));
    gives("ints[1:]", json!([1, 2]));
    gives("ints[:5]", json!([3, 1, 2]));
    gives("a.list[?x > `1`] | [0].x", json!(3));
    gives("a.list[?x > `1`][0]", json!([]));
    gives("a.list[*].x | length(@)", json!(2));
    gives("a.b.*", json!([1]));
    gives("zero[*]", json!(null));
    fails("ints[::0]", "Invalid slice, step cannot be 0");
}

#[test]
fn pipes_stop_projections_inside_brackets_too() {
    gives("[a.list[*].x | [0], zero]", json!([1, 0]));
    gives("length(a.list[*].x | [0:1])", json!(1));
    gives("{k: a.list[*].x | [1]}", json!({"k": 3}));
    gives("'a|b' | @", json!("a|b"));
}

#[test]
fn numbers_are_one_domain() {
    gives("zero == `0.0`", json!(true));
    gives("ints == `[3.0, 1, 2]`", json!(true));
    gives("a.b.c < `1.5`", json!(true));
    gives("a.s < `1`", json!(null));
    gives("zero || 'x'", json!(0));
    gives("type(zero)", json!("number"));
    gives("abs(`-3`)", json!(3));
    gives("`3.0`", json!(3.0));
    gives("to_string(`3.0`)", json!("3"));
}

#[test]
fn syntax() {
    gives("{x: zero y: a.s}", json!({"x": 0, "y": "text"}));
    gives("'it\\'s'", json!("it's"));
    fails("a.", "SyntaxError: Expected identifier, lbracket, or lbrace");
    fails("", "SyntaxError: Incomplete expression");
    fails("a b", "SyntaxError: Unexpected token at the end of the expression: tUnquotedIdentifier");
    fails("a ~", "SyntaxError: Unknown char: '~'");
    fails("f(", "SyntaxError: Incomplete expression");
    fails(&"(".repeat(5000), "SyntaxError: nested deeper than 400");
    fails(&"a.".repeat(5000), "SyntaxError: nested deeper than 400");
    fails(&"!".repeat(5000), "SyntaxError: nested deeper than 400");
    gives(&format!("length([{}])", vec!["`1`"; 2000].join(",")), json!(2000));
}

#[test]
fn arity_and_types() {
    fails("length()", "incorrect number of args");
    fails("abs('a')", r#"Invalid type for: a, expected: []jmespath.JpType{"number"}"#);
    fails("contains(nope, 'a')", r#"Invalid type for: <nil>, expected: []jmespath.JpType{"array", "string"}"#);
    fails("merge()", "Invalid arity.");
    fails("nope()", "unknown function: nope");
    fails("length(nope[])", r#"Invalid type for: <nil>, expected: []jmespath.JpType{"string", "array", "object"}"#);
}
