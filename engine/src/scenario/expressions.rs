//! The CEL expressions of a document that do not compile, as messages at their line and column.

use serde_json::Value;

use crate::diagnostic::Diagnostic;
use crate::eval::cel::compile::Problem;
use crate::eval::cel::{classic, map, vap};
use crate::object::ObjectExt;
use crate::parse::Document;
use crate::policy::admission_policies::{MutatingAdmissionPolicy, ValidatingAdmissionPolicy};
use crate::sim::cel_policies;

/// What does not compile; of a policy that the webhook compiles as a whole only the first.
pub(super) fn diagnose(document: &Document, text: &str) -> Vec<Diagnostic> {
    problems(&document.value).iter().map(|one| one.diagnostic(&document.file, text, &document.spans)).collect()
}

fn problems(object: &Value) -> Vec<Problem> {
    if let Some((_, problem)) = cel_policies::compile_error(object) {
        return vec![problem];
    }
    let native = match object.kind() {
        "ValidatingAdmissionPolicy" => {
            ValidatingAdmissionPolicy::from_value(object).ok().and_then(|policy| vap::Compiled::new(&policy).err())
        }
        "MutatingAdmissionPolicy" => {
            MutatingAdmissionPolicy::from_value(object).ok().and_then(|policy| map::Compiled::new(&policy).err())
        }
        _ => None,
    };
    let rules = match object.kind() {
        "ClusterPolicy" | "Policy" => object.at(&["spec", "rules"]).and_then(Value::as_array),
        _ => None,
    };
    let rules = rules.into_iter().flatten().enumerate();
    native
        .into_iter()
        .chain(rules.filter_map(|(at, rule)| classic::problem(rule, &format!("spec.rules[{at}]"))))
        .collect()
}

#[cfg(test)]
mod tests {
    fn said(text: &str) -> Vec<(usize, usize, String)> {
        let document = crate::parse::parse("p.yaml", text).documents.remove(0);
        let place = |one: crate::diagnostic::Diagnostic| {
            let span = one.span.expect("a place");
            (span.line, span.column, one.message)
        };
        super::diagnose(&document, text).into_iter().map(place).collect()
    }

    const RULE: &str =
        "apiVersion: kyverno.io/v1\nkind: ClusterPolicy\nmetadata: {name: p}\nspec:\n  rules:\n  - name: r\n";

    #[test]
    fn of_validate_cel() {
        let text =
            format!("{RULE}    validate:\n      cel:\n        expressions:\n        - expression: object.a == foo\n");
        assert_eq!(said(&text), [(10, 35, "undeclared reference to 'foo' (in container '')".to_owned())]);
        let text = format!(
            "{RULE}    validate:\n      cel:\n        variables:\n        - name: v\n          expression: bar\n"
        );
        assert_eq!(said(&text), [(11, 23, "undeclared reference to 'bar' (in container '')".to_owned())]);
        let text = format!(
            "{RULE}    celPreconditions:\n    - name: c\n      expression: 'true && baz'\n    validate:\n      cel: {{}}\n"
        );
        assert_eq!(said(&text), [(9, 28, "undeclared reference to 'baz' (in container '')".to_owned())]);
        assert_eq!(said(&format!("{RULE}    validate: {{cel: {{expressions: [{{expression: 'true'}}]}}}}\n")), []);
    }

    #[test]
    fn of_the_cel_kinds() {
        let policy = |kind: &str, spec: &str| {
            format!("apiVersion: policies.kyverno.io/v1\nkind: {kind}\nmetadata: {{name: p}}\nspec:\n{spec}")
        };
        let text = policy("ValidatingPolicy", "  validations:\n  - expression: object.a ==\n");
        assert_eq!(said(&text)[0].0, 6);
        let text =
            policy("DeletingPolicy", "  schedule: '* * * * *'\n  conditions:\n  - name: c\n    expression: nope\n");
        assert_eq!(said(&text), [(8, 17, "undeclared reference to 'nope' (in container '')".to_owned())]);
    }

    #[test]
    fn of_the_api_servers_kinds() {
        let text = "apiVersion: admissionregistration.k8s.io/v1\nkind: ValidatingAdmissionPolicy\nmetadata: {name: p}\nspec:\n  validations:\n  - expression: params.x > 1\n";
        assert_eq!(said(text), [(6, 17, "undeclared reference to 'params' (in container '')".to_owned())]);
    }
}
