use serde_json::json;

use super::*;

fn labels(pairs: &[(&str, &str)]) -> BTreeMap<String, String> {
    pairs.iter().map(|(k, v)| ((*k).to_owned(), (*v).to_owned())).collect()
}

#[test]
fn object_form() {
    let app = labels(&[("app", "web"), ("tier", "1")]);
    for (selector, wanted) in [
        (json!({}), true),
        (json!(null), false),
        (json!({"matchLabels": {"app": "web"}}), true),
        (json!({"matchLabels": {"app": "db"}}), false),
        (json!({"matchExpressions": [{"key": "app", "operator": "In", "values": ["web", "db"]}]}), true),
        (json!({"matchExpressions": [{"key": "x", "operator": "NotIn", "values": ["web"]}]}), true),
        (json!({"matchExpressions": [{"key": "app", "operator": "DoesNotExist"}]}), false),
        (json!({"matchExpressions": [{"key": "app", "operator": "Exists"}]}), true),
    ] {
        assert_eq!(LabelSelector::from_value(&selector).unwrap().matches(&app), wanted, "{selector}");
    }
}

#[test]
fn invalid_selectors_are_errors() {
    let error = |value: Value| LabelSelector::from_value(&value).unwrap_err();
    assert_eq!(
        error(json!({"matchExpressions": [{"key": "a", "operator": "Like"}]})),
        "\"Like\" is not a valid label selector operator"
    );
    assert_eq!(
        error(json!({"matchExpressions": [{"key": "a", "operator": "In"}]})),
        "values: Invalid value: []: for 'in', 'notin' operators, values set can't be empty"
    );
    assert!(error(json!({"matchLabels": {"a b": "x"}})).starts_with("key: Invalid value: \"a b\": name part must"));
    assert!(error(json!({"matchLabels": {"a": "x y"}})).starts_with("values[0][a]: Invalid value: \"x y\": a valid"));
    assert!(error(json!({"matchLabels": {"a": 1}})).contains("cannot unmarshal number"));
}

#[test]
fn wildcards_take_what_the_object_has() {
    let with = |selector: Value, pairs: &[(&str, &str)]| {
        LabelSelector::from_value_with_wildcards(&selector, &labels(pairs)).map(|s| s.matches(&labels(pairs)))
    };
    assert_eq!(with(json!({"matchLabels": {"app*": "w?b"}}), &[("app.io", "web")]), Ok(true));
    assert_eq!(with(json!({"matchLabels": {"app*": "w?b"}}), &[("app.io", "wb")]), Ok(false));
    assert_eq!(with(json!({"matchLabels": {"*": "*"}}), &[("a", "b")]), Ok(true));
    assert_eq!(with(json!({"matchLabels": {"*": "*"}}), &[]), Ok(false));
}

#[test]
fn text_form() {
    for (text, wanted) in [
        ("", Ok("")),
        ("a=b,c!=d", Ok("a=b,c!=d")),
        ("x in (foo,,baz),y,z notin ()", Ok("x in (,baz,foo),y,z notin ()")),
        ("b,a==1,!c", Ok("a==1,b,!c")),
        ("in in (in)", Ok("in in (in)")),
        ("a>1,b < 2", Ok("a>1,b<2")),
        ("a=", Ok("a=")),
        ("a=b,", Err("found '', expected: identifier after ','")),
        ("a b", Err("unable to parse requirement: found 'b', expected: in, notin, =, ==, !=, gt, lt")),
        ("a in b", Err("unable to parse requirement: found 'b' expected: '('")),
        (",", Err("found ',', expected: !, identifier, or 'end of string'")),
    ] {
        let found = LabelSelector::parse(text).map(|s| s.to_string());
        assert_eq!(found, wanted.map(str::to_owned).map_err(str::to_owned), "{text}");
    }
    let two = labels(&[("a", "2")]);
    assert!(LabelSelector::parse("a>1").unwrap().matches(&two));
    assert!(!LabelSelector::parse("a<2").unwrap().matches(&two));
    assert!(LabelSelector::parse("x!=y").unwrap().matches(&two));
}
