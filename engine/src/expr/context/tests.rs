//! Merging, checkpoints and deferred entries.

use std::cell::Cell;

use super::*;

fn text(value: &str) -> Loaded {
    Loaded::Replace(json!(value))
}

#[test]
fn mappings_merge_and_variables_replace() {
    let mut ctx = JsonContext::new(json!({"cm": {"a": 1, "l": [1]}}));
    ctx.add_entry("cm", json!({"b": {"c": 2}, "l": [2]})).unwrap();
    assert_eq!(ctx.root(), &json!({"cm": {"a": 1, "l": [2], "b": {"c": 2}}}));
    ctx.replace_entry("cm", json!({"z": 1})).unwrap();
    assert_eq!(ctx.root(), &json!({"cm": {"z": 1}}));
    ctx.set_object(json!({"kind": "A", "x": 1}));
    ctx.set_object(json!({"kind": "B"}));
    assert_eq!(ctx.root()["request"], json!({"object": {"kind": "B"}}));
}

#[test]
fn dotted_keys() {
    let mut ctx = JsonContext::new(json!({}));
    ctx.add_variable("request.object.metadata.name", json!("n")).unwrap();
    ctx.add_variable("request.object.metadata.\"a.b/c\"", json!(1)).unwrap();
    assert_eq!(ctx.root()["request"]["object"]["metadata"], json!({"name": "n", "a.b/c": 1}));
    assert!(ctx.add_variable("a\"b", json!(1)).is_err());
}

#[test]
fn elements_and_checkpoints() {
    let mut ctx = JsonContext::new(json!({"v": 1}));
    ctx.checkpoint();
    ctx.set_element(&json!({"a": 1}), 0, 0);
    ctx.set_element(&json!({"b": 1}), 1, 0);
    assert_eq!(ctx.root()["element"], json!({"b": 1}));
    assert_eq!(ctx.root()["elementIndex0"], json!(1));
    ctx.reset();
    assert_eq!(ctx.root(), &json!({"v": 1}));
    ctx.set_element(&json!(2), 0, 1);
    ctx.restore();
    assert_eq!(ctx.root(), &json!({"v": 1}));
    ctx.restore();
    assert_eq!(ctx.root(), &json!({"v": 1}));
}

#[test]
fn service_accounts() {
    let mut ctx = JsonContext::new(json!({}));
    ctx.add_service_account("system:serviceaccount:ns:sa");
    assert_eq!(ctx.root(), &json!({"serviceAccountName": "sa", "serviceAccountNamespace": "ns"}));
    ctx.add_service_account("someone");
    assert_eq!(ctx.root(), &json!({"serviceAccountName": "", "serviceAccountNamespace": ""}));
}

#[test]
fn entries_load_once_and_only_when_named() {
    let calls = Cell::new(0);
    let mut ctx = JsonContext::new(json!({"other": {"lazy": 1}}));
    ctx.add_loader(
        "lazy",
        Rc::new(|_| {
            calls.set(calls.get() + 1);
            Ok(text("v"))
        }),
    )
    .unwrap();
    ctx.query("other.lazy").unwrap();
    assert!(ctx.query("lazyish || 'x'").is_ok());
    assert_eq!(calls.get(), 0);
    assert_eq!(ctx.query("lazy"), Ok(json!("v")));
    assert_eq!(ctx.query("length(lazy)"), Ok(json!(1)));
    assert_eq!(calls.get(), 1);
}

#[test]
fn entries_see_only_earlier_ones() {
    let read = |name: &'static str| {
        move |ctx: &mut JsonContext<'_>| {
            let found = ctx.query(name).map_err(|error| error.to_string())?;
            Ok(Loaded::Replace(json!([found])))
        }
    };
    let mut ctx = JsonContext::new(json!({}));
    ctx.add_loader("forward", Rc::new(read("base"))).unwrap();
    ctx.add_loader("base", Rc::new(|_| Ok(text("b")))).unwrap();
    ctx.add_loader("after", Rc::new(read("base"))).unwrap();
    ctx.add_loader("own", Rc::new(read("own"))).unwrap();
    assert_eq!(ctx.query("after"), Ok(json!(["b"])));
    assert!(ctx.query("own").unwrap_err().to_string().contains("Unknown key \"own\""));
    let mut ctx = JsonContext::new(json!({}));
    ctx.add_loader("forward", Rc::new(read("base"))).unwrap();
    ctx.add_loader("base", Rc::new(|_| Ok(text("b")))).unwrap();
    assert!(ctx.query("forward").is_err());
}

#[test]
fn redefinition_in_order() {
    let mut ctx = JsonContext::new(json!({}));
    ctx.add_loader("x", Rc::new(|_| Ok(text("1")))).unwrap();
    let second = |ctx: &mut JsonContext<'_>| {
        let first = ctx.query("x").map_err(|error| error.to_string())?;
        Ok(Loaded::Replace(json!([first, 2])))
    };
    ctx.add_loader("x", Rc::new(second)).unwrap();
    assert_eq!(ctx.query("x"), Ok(json!(["1", 2])));
}

#[test]
fn outer_entries_survive_a_restore_and_inner_ones_do_not() {
    let mut ctx = JsonContext::new(json!({}));
    ctx.add_loader("outer", Rc::new(|_| Ok(text("o")))).unwrap();
    ctx.checkpoint();
    ctx.add_loader("inner", Rc::new(|_| Ok(text("i")))).unwrap();
    assert_eq!(ctx.query("[outer, inner]"), Ok(json!(["o", "i"])));
    ctx.reset();
    assert_eq!(ctx.root(), &json!({"outer": "o"}));
    ctx.restore();
    assert_eq!(ctx.root(), &json!({"outer": "o"}));
    assert!(ctx.query("inner").is_err());
}

#[test]
fn a_broken_entry_is_harmless_until_named() {
    let mut ctx = JsonContext::new(json!({"ok": 1}));
    ctx.add_loader("broken", Rc::new(|_| Err("no".to_owned()))).unwrap();
    assert_eq!(ctx.query("ok"), Ok(json!(1)));
    assert_eq!(ctx.query("broken"), Err(Error::Other("no".to_owned())));
}

#[test]
fn images_and_changes() {
    let pod = json!({"kind": "Pod", "spec": {"containers": [{"name": "c", "image": "nginx"}]}});
    let mut ctx = JsonContext::new(json!({}));
    ctx.add_images_of(pod.clone());
    assert_eq!(ctx.query("images.containers.c.tag"), Ok(json!("latest")));
    let mut ctx = JsonContext::new(json!({"request": {"object": pod, "oldObject": {"kind": "Job"}}}));
    assert_eq!(ctx.has_changed("kind"), Ok(true));
    assert!(ctx.has_changed("spec").unwrap_err().starts_with("failed to query request.object"));
    ctx.add_images_of(json!({"kind": "Service"}));
    assert!(ctx.query("images").is_err());
}

#[test]
fn size_limit() {
    let mut ctx = JsonContext::new(json!({}));
    let error = ctx.add_entry("x", json!("a".repeat(MAX_CONTEXT_SIZE))).unwrap_err();
    assert_eq!(error, "context size limit exceeded: 2097154 bytes exceeds limit of 2097152 bytes");
}
