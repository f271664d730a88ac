//! Cases for completion and hover. `¦` marks the cursor.

use super::*;

fn split(text: &str) -> (String, usize) {
    let at = text.find('¦').unwrap();
    (text.replace('¦', ""), at)
}

fn labels(text: &str) -> Vec<String> {
    let (text, offset) = split(text);
    complete(&text, offset).items.into_iter().map(|item| item.label).collect()
}

fn offers(text: &str, label: &str) {
    let labels = labels(text);
    assert!(labels.iter().any(|found| found == label), "{label} not in {labels:?} for\n{text}");
}

fn hides(text: &str, label: &str) {
    let labels = labels(text);
    assert!(!labels.iter().any(|found| found == label), "{label} in {labels:?} for\n{text}");
}

fn inserts(text: &str, label: &str, insert: &str) {
    let (text, offset) = split(text);
    let found = complete(&text, offset).items.into_iter().find(|item| item.label == label);
    assert_eq!(found.map(|item| item.insert).as_deref(), Some(insert));
}

fn explains(text: &str, words: &str) {
    let (text, offset) = split(text);
    let found = hover(&text, offset).unwrap_or_else(|| panic!("no hover for\n{text}"));
    assert!(found.text.contains(words) || found.title.contains(words), "{words:?} not in {found:?}");
}

const POLICY: &str = "apiVersion: kyverno.io/v1\nkind: ClusterPolicy\nmetadata:\n  name: p\nspec:\n";
const RULE: &str =
    "  rules:\n  - name: r\n    match:\n      any:\n      - resources:\n          kinds:\n          - Pod\n";
const CEL: &str = "apiVersion: policies.kyverno.io/v1\nkind: ValidatingPolicy\nmetadata:\n  name: p\nspec:\n  matchConstraints:\n    resourceRules:\n    - resources: [pods]\n      apiGroups: ['']\n";

fn policy(rest: &str) -> String {
    format!("{POLICY}{rest}")
}

fn rule(rest: &str) -> String {
    format!("{POLICY}{RULE}{rest}")
}

#[test]
fn the_root() {
    offers("¦", "apiVersion");
    offers("kind: Clu¦", "ClusterPolicy");
    offers("apiVersion: policies.kyverno.io/v1\nkind: ¦", "ValidatingPolicy");
    hides("apiVersion: policies.kyverno.io/v1\nkind: ¦", "Pod");
    offers("kind: Pod\napiVersion: ¦", "v1");
    offers("apiVersion: v1\nkind: Pod\nsp¦", "spec");
    offers("kind: Pod\n---\nkind: Depl¦", "Deployment");
}

#[test]
fn keys() {
    offers(&policy("  ¦"), "rules");
    hides(&policy("  background: true\n  ¦"), "background");
    offers(&rule("    ¦"), "validate");
    hides(&rule("    ¦"), "match");
    offers(&rule("    validate:\n      ¦\n    broken: [\n"), "failureAction");
    offers(&policy("  rules:\n  - ¦"), "name");
    offers(&policy("  rules:\n  - {name: a, ¦"), "match");
    inserts(&policy("  ¦"), "rules", "rules:\n    - ");
    inserts(&policy("  backg¦"), "background", "background: ");
}

#[test]
fn values() {
    offers(&policy("  background: ¦"), "true");
    offers(&rule("    validate:\n      failureAction: ¦"), "Enforce");
    offers(&policy("  rules:\n  - match:\n      any:\n      - resources:\n          kinds:\n          - Po¦"), "Pod");
    offers(&policy("  rules:\n  - match:\n      any:\n      - resources:\n          kinds: [Pod, Depl¦"), "Deployment");
    offers(&rule("    preconditions:\n      all:\n      - key: a\n        operator: ¦"), "Equals");
    offers(&rule("    preconditions:\n    - key: a\n      operator: ¦"), "AnyIn");
    offers("apiVersion: v1\nkind: Pod\nspec:\n  restartPolicy: ¦", "OnFailure");
    offers(&format!("{CEL}      operations: [¦"), "CREATE");
}

#[test]
fn patterns_mirror_the_matched_kind() {
    offers(&rule("    validate:\n      pattern:\n        spec:\n          containers:\n          - ima¦"), "image");
    offers(&rule("    validate:\n      pattern:\n        =(spec):\n          hostN¦"), "hostNetwork");
    offers(&rule("    mutate:\n      patchStrategicMerge:\n        metadata:\n          la¦"), "labels");
    offers(&rule("    generate:\n      apiVersion: v1\n      kind: ConfigMap\n      data:\n        ¦"), "binaryData");
}

#[test]
fn expressions() {
    offers(&rule("    validate:\n      message: \"{{ to_u¦"), "to_upper");
    offers(&rule("    validate:\n      message: \"{{ request.¦ }}\""), "operation");
    offers(&rule("    validate:\n      message: \"{{ request.object.spec.host¦"), "hostNetwork");
    offers(&rule("    context:\n    - name: mine\n    validate:\n      message: \"{{ mi¦"), "mine");
    offers(&format!("{CEL}  validations:\n  - expression: obj¦"), "object");
    offers(&format!("{CEL}  validations:\n  - expression: >-\n      object.spec.¦"), "containers");
    offers(
        &format!(
            "{CEL}  variables:\n  - name: mine\n    expression: 'true'\n  validations:\n  - expression: variables.¦"
        ),
        "mine",
    );
}

#[test]
fn hovers() {
    explains(&policy("  back¦ground: true"), "knows no user");
    explains(&policy("  back¦ground: true"), "Default: true");
    explains(&rule("    validate:\n      failure¦Action: Audit"), "refuses the request");
    explains(&rule("    validate:\n      message: \"{{ to_upp¦er(x) }}\""), "to_upper(string) string");
    explains(&policy("  validationFailure¦Action: Audit"), "Deprecated since 1.13");
    explains("apiVersion: v1\nkind: Pod\nspec:\n  containers:\n  - na¦me: a", "required");
}

#[test]
fn any_text_is_fine() {
    for text in
        ["¦", "- ¦", ": ¦", "a:\n\t¦", "{{¦", "[[[{{{,,,:::¦", "---\n¦", "a: |\n  b: ¦", "- - - a: ¦\n", "é: ü¦"]
    {
        let (text, offset) = split(text);
        let _ = (complete(&text, offset), hover(&text, offset));
    }
}
