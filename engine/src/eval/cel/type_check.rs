//! The API server's type check of CEL expressions: `object` has the fields of the kinds that a policy names, and what does
//! not fit is a warning.
//!
//! Follows `k8s.io/apiserver/pkg/admission/plugin/policy/validating/typechecking.go`.

use super::compile;
use super::env::{self, KUBERNETES_VARIABLES, Kubernetes};
use crate::expr::cel::{Env, Program, Type};
use crate::object::gvk::Gvk;
use crate::policy::constraints::Variable;
use crate::policy::schema::arena::{self, Schema};
use crate::policy::schema::table::table;

/// Deeper fields are not typed.
const MAX_DEPTH: usize = 12;

/// What is wrong with an expression for some kinds, one mistake after the other, as the API server prints them.
#[must_use]
pub fn mistakes(expression: &str, variables: &[Variable], params: bool, kinds: &[Gvk]) -> String {
    let mut found = String::new();
    for gvk in kinds {
        let Some(schema) = table().schema(gvk) else { continue };
        let mut env = env::kubernetes(Kubernetes { params, authorizer: true, patches: false, variables: true });
        let object = declare(&mut env, schema, &gvk.kind, 0);
        env.declare("object", object.clone());
        env.declare("oldObject", object);
        if compile::variables(&mut env, KUBERNETES_VARIABLES, variables).is_err() {
            continue;
        }
        if let Err(error) = Program::compile(expression, &env) {
            found.push_str(&format!("{}/{}, Kind={}: {}\n", gvk.group, gvk.version, gvk.kind, error.text));
        }
    }
    found
}

/// The type of a schema; structs become messages under the names of their Go types.
fn declare(env: &mut Env, schema: Schema<'_>, name: &str, depth: usize) -> Type {
    let node = schema.node();
    match node.kind {
        arena::Type::Boolean => Type::Bool,
        arena::Type::Integer => Type::Int,
        arena::Type::Number => Type::Double,
        arena::Type::String => match node.format.as_deref() {
            Some("date-time") => Type::Timestamp,
            Some("byte") => Type::Bytes,
            _ => Type::String,
        },
        arena::Type::Array => match schema.items() {
            Some(items) => Type::list(declare(env, items, &format!("{name}[]"), depth + 1)),
            None => Type::list(Type::Dyn),
        },
        arena::Type::Object if depth < MAX_DEPTH && !schema.open() => message(env, schema, name, depth),
        _ => Type::Dyn,
    }
}

fn message(env: &mut Env, schema: Schema<'_>, name: &str, depth: usize) -> Type {
    if schema.fields().next().is_none() {
        return match schema.additional() {
            Some(values) => Type::map(Type::String, declare(env, values, &format!("{name}{{}}"), depth + 1)),
            None => Type::Dyn,
        };
    }
    let name = schema.node().name.as_deref().map_or_else(|| name.to_owned(), str::to_owned);
    let message = format!("schema.{name}");
    if env.fields_of(&message).is_none() {
        env.declare_message(&message);
        let fields: Vec<(&str, Schema<'_>)> = schema.fields().collect();
        for (field, child) in fields {
            let t = declare(env, child, &format!("{name}.{field}"), depth + 1);
            env.declare_field(&message, field, t);
        }
    }
    Type::named(&message)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn said(expression: &str) -> String {
        mistakes(expression, &[], false, &[Gvk::new("apps/v1", "Deployment")])
    }

    #[test]
    fn fields_that_the_kind_does_not_have_are_named() {
        let words = said("object.replicas > 1");
        assert!(words.starts_with("apps/v1, Kind=Deployment: ERROR:"), "{words}");
        assert!(words.contains("undefined field 'replicas'\n"), "{words}");
        for right in [
            "object.spec.replicas > 1",
            "object.spec.template.spec.containers.all(c, c.image.startsWith('a'))",
            "object.metadata.labels['a'] == 'b'",
            "!has(object.spec.paused)",
        ] {
            assert_eq!(said(right), "", "{right}");
        }
    }
}
