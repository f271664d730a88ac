use serde_json::json;

use super::*;

fn values(text: &str) -> Vec<Value> {
    parse("f", text).documents.into_iter().map(|d| d.value).collect()
}

fn errors(text: &str) -> Vec<(usize, String)> {
    let found = parse("f", text).diagnostics.into_iter();
    found.map(|d| (d.span.map_or(0, |s| s.line), d.message)).collect()
}

#[test]
fn a_broken_document_leaves_its_neighbours() {
    let text = "a: 1\n---\nb: [\n---\n# only a comment\n---\nc: 3\n";
    assert_eq!(values(text), [json!({"a": 1}), json!({"c": 3})]);
    let [(line, _)] = errors(text)[..] else { panic!("{:?}", errors(text)) };
    assert!((3..=4).contains(&line), "{line}");
}

#[test]
fn separators() {
    assert_eq!(values("---\na: 1\n--- # next\nb: 2\n---\n---\n").len(), 2);
    assert_eq!(values("a: |\n  ---\n  x\n"), [json!({"a": "---\nx\n"})]);
    assert_eq!(values("%YAML 1.1\n---\na: 1\n---\nb: 2"), [json!({"a": 1}), json!({"b": 2})]);
    assert_eq!(values("--- {a: 1}\n--- text\n"), [json!({"a": 1}), json!("text")]);
    assert_eq!(values("---\r\na: 1\r\n---\r\nb: 2\r\n"), [json!({"a": 1}), json!({"b": 2})]);
    assert_eq!(values("\u{feff}a: 1"), [json!({"a": 1})]);
    assert_eq!(values("{\"a\": [1, null, \"x\"]}"), [json!({"a": [1, null, "x"]})]);
    assert!(values("").is_empty() && values("\n# x\n").is_empty() && values("null").is_empty());
    assert_eq!(errors("%YAML 1.2\n---\na: 1").len(), 1);
}

#[test]
fn keys_merges_and_aliases() {
    for (text, wanted) in [
        ("y: 3\n1: a\n1.5: b\n", json!({"true": 3, "1": "a", "1.5": "b"})),
        ("a: &x {p: 1, q: 2}\nb:\n  <<: *x\n  q: 3\n", json!({"a": {"p": 1, "q": 2}, "b": {"p": 1, "q": 3}})),
        ("b:\n  q: 3\n  <<: {q: 2}\n", json!({"b": {"q": 2}})),
        ("<<: [{a: 1}, {a: 2, b: 2}]\n", json!({"a": 1, "b": 2})),
        ("a: &x [1]\nb: *x\n", json!({"a": [1], "b": [1]})),
        ("&k a: 1\nb: *k\n", json!({"a": 1, "b": "a"})),
        ("a: 1\na: 2\n", json!({"a": 2})),
    ] {
        assert_eq!(values(text), [wanted], "{text}");
    }
    let found = parse("f", "a: 1\nb: 2\na: 3\n").diagnostics;
    assert_eq!(found[0].severity, Severity::Warning);
    assert_eq!(found[0].message, "key \"a\" already set in map");
    assert_eq!(found[0].span.unwrap().line, 3);
    assert!(parse("f", "x: &x {a: 1}\ny: {<<: *x, a: 2}\n").diagnostics.is_empty());
}

#[test]
fn faults_have_their_line() {
    for (text, line, words) in [
        ("a: 1\nb: *no\n", 2, "unknown anchor 'no' referenced"),
        ("a: &x [*x]\n", 1, "anchor 'x' value contains itself"),
        ("a:\n  - 1\n\tb: 2\n", 3, "tab character"),
        ("a: 1\nb: \u{0}\n", 2, "control characters are not allowed"),
        ("a: b: c\n", 1, "mapping values are not allowed"),
        ("a: .inf\n", 1, "unsupported value: +Inf"),
        ("? [a]\n: b\n", 1, "not a scalar"),
        ("a: 1\n---\nb: 2\n  c: 3\n", 4, "mapping values"),
        ("ok: 1\n~: x\n", 2, "null"),
    ] {
        let found = errors(text);
        assert!(found.iter().any(|(at, message)| *at == line && message.contains(words)), "{text:?}: {found:?}");
    }
}

#[test]
fn places() {
    let text =
        "ä: 1\nspec:\n  rules:\n  - name: \"x\"\n    list: [1, 2]\n    text: |\n      hi\n\n# end\n---\nb: 😀x\n";
    let parsed = parse("f", text);
    let at = |document: usize, pointer: &str| {
        let tree = parsed.documents[document].spans.find(pointer).unwrap();
        (tree.span.line, tree.span.column, text.get(tree.span.start..tree.span.end).unwrap())
    };
    assert_eq!(at(0, "/ä"), (1, 4, "1"));
    assert_eq!(at(0, "/spec/rules/0/name"), (4, 11, "\"x\""));
    assert_eq!(at(0, "/spec/rules/0/list/1"), (5, 15, "2"));
    assert_eq!(at(0, "/spec/rules/0/list"), (5, 11, "[1, 2]"));
    assert_eq!(at(0, "/spec/rules/0/text"), (6, 11, "|\n      hi"));
    assert_eq!(at(0, "/spec/rules").2.lines().last(), Some("      hi"));
    assert_eq!(at(1, "/b"), (11, 4, "😀x"));
    let key = parsed.documents[0].spans.find("/spec/rules").unwrap().key.unwrap();
    assert_eq!((key.line, key.column), (3, 3));
    assert_eq!(parsed.documents[0].spans.nearest("/spec/rules/7/x").span.line, 4);
    let face = parsed.documents[1].spans.find("/b").unwrap().span;
    let (start, end) = utf16_range(text, face);
    assert_eq!(end - start, 3);
}

#[test]
fn hostile_texts_end() {
    let bomb: String = std::iter::once("a0: &a0 [x,x,x,x,x,x,x,x,x,x]\n".to_owned())
        .chain((1..12).map(|i| format!("a{i}: &a{i} [{}]\n", vec![format!("*a{}", i - 1); 10].join(","))))
        .collect();
    assert!(errors(&bomb)[0].1.contains("excessive aliasing"));
    assert!(errors(&"[".repeat(5000))[0].1.contains("depth"));
    assert!(errors(&"- ".repeat(5000)).iter().any(|(_, m)| m.contains("depth")));
    assert_eq!(values(&format!("{}1{}", "[".repeat(900), "]".repeat(900))).len(), 1);
    let large = format!("a: {}\n", "x".repeat(2 << 20));
    assert_eq!(values(&large).len(), 1);
    assert_eq!(errors(&"x".repeat(MAX_FILE_BYTES + 1)).len(), 1);
    let deep: String = (0..400).map(|i| format!("{}a:\n", " ".repeat(i))).collect();
    assert_eq!(values(&deep).len(), 1);
}

#[test]
fn embedded_texts() {
    assert_eq!(one("- op: add\n  path: /a\n").unwrap(), json!([{"op": "add", "path": "/a"}]));
    assert_eq!(one("").unwrap(), Value::Null);
    assert!(one("a: [").is_err());
}

/// Pieces that YAML gives a meaning to, so that random texts get somewhere.
const PIECES: [&str; 32] = [
    "a",
    "b: ",
    "- ",
    "\n",
    "  ",
    "\t",
    "---\n",
    "...\n",
    "[",
    "]",
    "{",
    "}",
    ",",
    "&x ",
    "*x",
    "<<: ",
    "? ",
    ": ",
    "|\n",
    ">-\n",
    "\"",
    "'",
    "#",
    "%YAML 1.1\n",
    "!!int ",
    "!t ",
    "0x1",
    "é",
    "😀",
    "\u{0}",
    "\r\n",
    "\u{feff}",
];

proptest::proptest! {
    #[test]
    fn any_text_is_read_or_refused(picks in proptest::collection::vec(0..PIECES.len(), 0..60), wild in "\\PC{0,20}") {
        let text: String = picks.iter().map(|pick| PIECES[*pick]).chain([wild.as_str()]).collect();
        let parsed = parse("f", &text);
        let spans = parsed.diagnostics.iter().filter_map(|d| d.span).chain(parsed.documents.iter().map(|d| d.span));
        for span in spans {
            assert!(text.get(span.start..span.end).is_some(), "{span:?} in {text:?}");
            let before = text.get(..span.start).unwrap();
            assert_eq!(span.line, before.matches('\n').count() + 1, "{span:?} in {text:?}");
        }
        for document in &parsed.documents {
            assert_eq!(one(&super::super::emit(&document.value)).ok().as_ref(), Some(&document.value), "{text:?}");
        }
    }

    #[test]
    fn any_bytes_are_read_or_refused(bytes in proptest::collection::vec(proptest::prelude::any::<u8>(), 0..200)) {
        let _ = parse("f", &String::from_utf8_lossy(&bytes));
    }
}
