use proptest::prelude::*;
use serde_json::json;

use super::*;

fn kyverno(document: Value, operations: Value) -> Result<Value, String> {
    apply(&document, &operations, Options::KYVERNO)
}

#[test]
fn operations() {
    for (document, operation, wanted) in [
        (json!({"a": 1}), json!({"op": "add", "path": "/b/c/d", "value": 2}), json!({"a": 1, "b": {"c": {"d": 2}}})),
        (json!({}), json!({"op": "add", "path": "/l/-", "value": 1}), json!({"l": [1]})),
        (json!({}), json!({"op": "add", "path": "/l/1/x", "value": 1}), json!({"l": [null, {"x": 1}]})),
        (json!({"l": null}), json!({"op": "add", "path": "/l/x", "value": 1}), json!({"l": {"x": 1}})),
        (json!({"l": [1, 2]}), json!({"op": "add", "path": "/l/-1", "value": 3}), json!({"l": [1, 2, 3]})),
        (json!({"l": [1, 2]}), json!({"op": "add", "path": "/l/0", "value": 3}), json!({"l": [3, 1, 2]})),
        (json!({"l": [1, 2]}), json!({"op": "remove", "path": "/l/-1"}), json!({"l": [1]})),
        (json!({"l": [1, 2]}), json!({"op": "remove", "path": "/l/9"}), json!({"l": [1, 2]})),
        (json!({"a": 1}), json!({"op": "remove", "path": "/x/y"}), json!({"a": 1})),
        (json!({"a/b": 1}), json!({"op": "replace", "path": "/a~1b", "value": 2}), json!({"a/b": 2})),
        (json!({"a": 1, "b": {}}), json!({"op": "move", "from": "/a", "path": "/b/c"}), json!({"b": {"c": 1}})),
        (json!({"a": 1}), json!({"op": "copy", "from": "/a", "path": "/b"}), json!({"a": 1, "b": 1})),
        (json!({"a": 1}), json!({"op": "test", "path": "/a", "value": 1}), json!({"a": 1})),
        (json!({"a": 1}), json!({"op": "add", "path": "", "value": {"z": 1}}), json!({"z": 1})),
    ] {
        assert_eq!(kyverno(document, json!([operation.clone()])), Ok(wanted), "{operation}");
    }
}

#[test]
fn words_of_errors() {
    for (operation, wanted) in [
        (
            json!({"op": "replace", "path": "/x/y", "value": 1}),
            "replace operation does not apply: doc is missing path: /x/y: missing value",
        ),
        (
            json!({"op": "replace", "path": "/x", "value": 1}),
            "replace operation does not apply: doc is missing key: /x: missing value",
        ),
        (json!({"op": "test", "path": "/a", "value": 2}), "testing value /a failed: test failed"),
        (
            json!({"op": "add", "path": "/l/7", "value": 1}),
            "error in add for path: '/l/7': Unable to access invalid index: 7: invalid index referenced",
        ),
        (
            json!({"op": "jump", "path": "/a"}),
            "invalid operation {\"op\":\"jump\",\"path\":\"/a\"}: unsupported operation",
        ),
        (
            json!({"op": "add", "path": "/a"}),
            "invalid operation {\"op\":\"add\",\"path\":\"/a\"}: failed to decode 'value': operation, missing value field: \
             missing value",
        ),
    ] {
        assert_eq!(kyverno(json!({"a": 1, "l": []}), json!([operation])).unwrap_err(), wanted);
    }
    let strict = apply(&json!({}), &json!([{"op": "add", "path": "/a/b", "value": 1}]), Options::API_SERVER);
    assert_eq!(strict.unwrap_err(), "add operation does not apply: doc is missing path: \"/a/b\": missing value");
    let strict = apply(&json!({}), &json!([{"op": "remove", "path": "/a"}]), Options::API_SERVER);
    assert!(strict.unwrap_err().contains("unable to remove nonexistent key: a"));
    assert!(kyverno(json!({}), json!([{"op": "add", "path": "/a/999999999/b", "value": 1}])).is_err());
}

#[test]
fn merge_patches() {
    assert_eq!(
        merge(&json!({"a": {"b": 1, "c": 2}}), &json!({"a": {"b": null}, "d": [1]})),
        json!({"a": {"c": 2}, "d": [1]})
    );
}

#[test]
fn a_merge_patch_holds_what_differs() {
    let (a, b) = (json!({"a": {"b": 1, "c": 2}, "l": [1], "s": 1}), json!({"a": {"c": 2, "d": 3}, "l": [2], "s": 1}));
    let patch = merge_diff(&a, &b).unwrap();
    assert_eq!(patch, json!({"a": {"d": 3, "b": null}, "l": [2]}));
    assert_eq!(merge(&a, &patch), b);
    assert_eq!(merge_diff(&a, &a), None);
}

fn tree() -> impl Strategy<Value = Value> {
    let leaf = prop_oneof![Just(Value::Null), any::<bool>().prop_map(Value::from), (0..5).prop_map(Value::from)];
    leaf.prop_recursive(4, 24, 4, |inner| {
        prop_oneof![
            prop::collection::vec(inner.clone(), 0..4).prop_map(Value::from),
            prop::collection::btree_map("[ab/~-]{1,2}", inner, 0..4)
                .prop_map(|map| Value::Object(map.into_iter().collect())),
        ]
    })
}

proptest! {
    #[test]
    fn a_difference_applies(a in tree(), b in tree()) {
        let (a, b) = (json!({"root": a}), json!({"root": b}));
        let operations = Value::Array(diff(&a, &b));
        prop_assert_eq!(apply(&a, &operations, Options::default()).unwrap(), b);
    }
}
