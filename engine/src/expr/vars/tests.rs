//! One line per rule of substitution.

use serde_json::{Value, json};

use super::*;

fn context() -> JsonContext<'static> {
    JsonContext::new(json!({
        "request": {"operation": "CREATE", "object": {"metadata": {"name": "pod", "labels": {"a": "b"}}, "n": 3},
                    "oldObject": {"metadata": {"name": "old"}}},
        "name": "x", "key": "name", "html": {"a": "<b>"}, "nothing": null,
        "again": "{{ name }}", "inner": {"v": "{{ name }}"}, "loop": "a{{ loop }}",
    }))
}

#[track_caller]
fn gives(document: Value, expected: Value) {
    assert_eq!(substitute_all(&mut context(), &document), Ok(expected), "{document}");
}

#[track_caller]
fn fails(document: Value, expected: &str) {
    assert_eq!(substitute_all(&mut context(), &document).unwrap_err().to_string(), expected, "{document}");
}

#[test]
fn types() {
    gives(json!("{{ request.object.n }}"), json!(3));
    gives(json!("{{request.object.metadata.labels}}"), json!({"a": "b"}));
    gives(json!("n={{ request.object.n }}"), json!("n=3"));
    gives(json!("{{ html }}!"), json!("{\"a\":\"\\u003cb\\u003e\"}!"));
    gives(json!("-{{ nothing }}"), json!("-null"));
    gives(json!("{{ nothing }}"), json!(null));
    gives(json!([1, true, null]), json!([1, true, null]));
}

#[test]
fn several_and_nested() {
    gives(json!("{{name}}{{name}} {{ name }}"), json!("xx x"));
    gives(json!("{{ {{ key }} }}"), json!("x"));
    gives(json!("{{ request.object.metadata.{{ key }} }}-"), json!("pod-"));
    gives(json!("{{ {a: name}.a }}"), json!("x"));
    gives(json!("v {{ again }}"), json!("v x"));
    gives(json!("{{ again }}"), json!("{{ name }}"));
    gives(json!("{{ inner }}"), json!({"v": "x"}));
}

#[test]
fn escapes_and_shallow() {
    gives(json!("\\{{ name }}"), json!("{{ name }}"));
    gives(json!("a \\{{ name }} {{ name }}"), json!("a {{ name }} x"));
    gives(json!("s {{- again }}"), json!("s {{ name }}"));
}

#[test]
fn keys() {
    gives(json!({"{{ name }}": 1, "b": {"k-{{ name }}": "{{ name }}"}}), json!({"x": 1, "b": {"k-x": "x"}}));
    gives(json!({"{{ nothing }}": 1}), json!({"{{ nothing }}": 1}));
    fails(json!({"{{ html }}": 1}), "expected string after substituting variables in key \"{{ html }}\"");
}

#[test]
fn errors() {
    fails(
        json!({"p": ["{{ request.object.foo }}"]}),
        r#"failed to resolve request.object.foo at path /p/0: JMESPath query failed: Unknown key "foo" in path"#,
    );
    fails(json!("{{ }}"), "failed to resolve  at path : invalid query (nil)");
    fails(
        json!("{{ a. }}"),
        "failed to resolve a. at path : incorrect query a.: SyntaxError: Expected identifier, lbracket, or lbrace",
    );
    fails(json!("{{ loop }}!"), "failed to resolve loop at path : the text grows without end");
}

#[test]
fn deletion_reads_the_old_object() {
    let mut ctx = context();
    ctx.set(&["request", "operation"], json!("DELETE"));
    let document = json!("{{ request.object.metadata.name }}");
    assert_eq!(substitute_all(&mut ctx, &document), Ok(json!("old")));
}

#[test]
fn this() {
    let rule = json!({"mutate": {"patchStrategicMerge": {"metadata": {"name": "{{@}}-2"}}}});
    gives(rule, json!({"mutate": {"patchStrategicMerge": {"metadata": {"name": "pod-2"}}}}));
    let rule = json!({"mutate": {"patchStrategicMerge": {"metadata": {"labels": {"+(a)": "{{ @ }}"}}}}});
    let unresolved = substitute_all(&mut context(), &rule).unwrap_err().to_string();
    assert!(
        unresolved.starts_with("failed to resolve request.object.metadata.labels.\"+(a)\" at path"),
        "{unresolved}"
    );
    assert_eq!(
        pointer::this("/mutate/foreach/0/patchStrategicMerge/spec/a-b/1", &["target"]),
        "target.spec.\"a-b\"[1]"
    );
}

#[test]
fn references() {
    gives(json!({"a": {"b": "v", "c": "$(./../b)"}}), json!({"a": {"b": "v", "c": "v"}}));
    gives(json!({"a": {"(b)": "v"}, "c": "$(/a/b) and"}), json!({"a": {"(b)": "v"}, "c": "v and"}));
    gives(json!({"n": 5, "c": "$(<=./../n)"}), json!({"n": 5, "c": "<=5"}));
    gives(json!({"n": 0.5, "c": "$(>/n)"}), json!({"n": 0.5, "c": ">0.500000"}));
    gives(json!("\\$(HOME)"), json!("$(HOME)"));
    fails(json!({"c": "$(/x)"}), "got nil resolved variable $(/x) at path /c: <nil>");
    fails(json!({"n": 5, "c": "$(/n)"}), "NotResolvedReferenceErr,reference $(/n) not resolved at path /c");
}

/// vars.go: the whole text takes the type, text around it takes JSON.
#[test]
fn values_in_text() {
    gives(json!("{{ `true` }}"), json!(true));
    gives(json!("-{{ `true` }}"), json!("-true"));
    gives(json!("-{{ `[1, \"a\"]` }}"), json!("-[1,\"a\"]"));
    gives(json!("-{{ `1.5` }}"), json!("-1.5"));
    gives(json!("-{{ `1000000` }}"), json!("-1000000"));
    gives(json!("-{{ `1e21` }}"), json!("-1e+21"));
    gives(json!("{{ `[]` }}"), json!([]));
    gives(json!(" {{ name }}"), json!(" x"));
    gives(json!("{{name}}-{{ request.object.n }}-{{key}}"), json!("x-3-name"));
    gives(json!("{{ name }} {{ name }}"), json!("x x"));
    gives(json!("{name}"), json!("{name}"));
    gives(json!("{{ name"), json!("{{ name"));
    gives(json!("{{ join('-', [name, key]) }}"), json!("x-name"));
    gives(json!("{{ request.object.metadata.labels.nope || 'd' }}"), json!("d"));
    gives(json!("{{ request.object.metadata.labels.nope || '' }}"), json!(""));
    gives(json!("{{ to_string(request.object.nope) }}"), json!("null"));
    gives(json!({"a": {"b": ["{{ name }}", 1]}}), json!({"a": {"b": ["x", 1]}}));
    gives(json!("\\{{ name }}\\{{ key }}"), json!("{{ name }}{{ key }}"));
}

/// vars.go: resolveReference, formAbsolutePath.
#[test]
fn references_in_depth() {
    gives(json!({"a": {"n": 1.5, "c": "$(>./../n)"}}), json!({"a": {"n": 1.5, "c": ">1.500000"}}));
    gives(json!({"a": "v", "b": ["$(/a)"]}), json!({"a": "v", "b": ["v"]}));
    gives(json!({"a": ["u", "v"], "b": "$(/a/1)"}), json!({"a": ["u", "v"], "b": "v"}));
    gives(json!({"=(a)": "v", "b": "$(!/a)"}), json!({"=(a)": "v", "b": "!v"}));
    gives(json!({"a": "v", "b": "x $(/a)"}), json!({"a": "v", "b": "x v"}));
    gives(json!({"a": "{{ name }}", "b": "$(/a)"}), json!({"a": "x", "b": "x"}));
    fails(
        json!({"c": "$(<=./../m)", "m": true}),
        "failed to resolve $(<=./../m) at path /c: incorrect expression: operator <= does not match with value true",
    );
}

#[test]
fn resolutions_are_recorded() {
    let mut ctx = context();
    ctx.record_resolutions(true);
    let _ = substitute_all(&mut ctx, &json!({"a": "{{ name }}", "b": "{{ nope }}"}));
    let seen: Vec<_> = ctx.take_resolutions().into_iter().map(|r| (r.expression, r.path, r.result.is_ok())).collect();
    assert_eq!(seen, [("name".into(), "/a".into(), true), ("nope".into(), "/b".into(), false)]);
}

#[test]
fn finds_variables() {
    assert_eq!(variables("a {{ x }} {{- y }} \\{{ z }}"), ["x", "y"]);
    assert!(is_variable("{{x}}") && !is_variable("\\{{x}}") && is_reference("$(x)") && !is_reference("\\$(x)"));
}
