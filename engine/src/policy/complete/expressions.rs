//! Completion inside expressions: JMESPath between `{{` and `}}`, CEL in the fields that hold it.

use crate::expr::cel::lib::registry;
use crate::expr::jmespath::functions;
use crate::policy::schema::arena::Schema;

use super::place::{Place, Step};
use super::shape::matched;
use super::{Completion, Kind, type_words};

/// The language at the cursor.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Language {
    /// Between `{{` and `}}`, or in a `jmesPath` field.
    JmesPath,
    /// In an expression field of a CEL kind or of `validate.cel`.
    Cel,
}

const REQUEST: [(&str, &str); 12] = [
    ("object", "the object as it would be stored"),
    ("oldObject", "the object before an UPDATE or DELETE"),
    ("operation", "CREATE, UPDATE, DELETE or CONNECT"),
    ("userInfo", "username, groups, uid of who asks"),
    ("namespace", "namespace of the object"),
    ("name", "name of the object"),
    ("kind", "group, version and kind of the object"),
    ("resource", "group, version and resource of the request"),
    ("subResource", "subresource of the request"),
    ("dryRun", "nothing will be stored"),
    ("roles", "namespaced roles of who asks"),
    ("clusterRoles", "cluster roles of who asks"),
];

const JMESPATH_ROOTS: [(&str, &str); 9] = [
    ("request", "the admission request"),
    ("element", "the element of the foreach"),
    ("elementIndex", "its index"),
    ("images", "images by container list and name"),
    ("image", "the image that is verified"),
    ("target", "the existing resource that is mutated"),
    ("serviceAccountName", "name of the service account that asks"),
    ("serviceAccountNamespace", "its namespace"),
    ("@", "the value at the same place of the resource"),
];

const CEL_ROOTS: [(&str, &str); 8] = [
    ("object", "the object as it would be stored; null on DELETE"),
    ("oldObject", "the object before an UPDATE or DELETE"),
    ("request", "the admission request"),
    ("namespaceObject", "the namespace of the object"),
    ("variables", "the policy's own variables"),
    ("params", "the parameter object of a binding"),
    ("images", "images by container list"),
    ("exceptions", "values that matching exceptions allow"),
];

/// The language at a place, if it is in an expression.
pub(super) fn language(place: &Place) -> Option<Language> {
    let open = place.before.rfind("{{").map(|at| place.before.get(at..).unwrap_or_default());
    if open.is_some_and(|tail| !tail.contains("}}")) {
        return Some(Language::JmesPath);
    }
    let last =
        place.path.iter().rev().find_map(|step| if let Step::Key(key) = step { Some(key.as_str()) } else { None })?;
    if place.role != super::place::Role::Value {
        return None;
    }
    match last {
        "jmesPath" | "list" => Some(Language::JmesPath),
        _ if last == "expression" || last.ends_with("Expression") => Some(Language::Cel),
        _ => None,
    }
}

/// What may stand at the cursor.
pub(super) fn complete(place: &Place, language: Language) -> Vec<Completion> {
    let (parents, _) = place.word.rsplit_once('.').map_or(("", place.word.as_str()), |(head, tail)| (head, tail));
    let parts: Vec<&str> = parents.split('.').filter(|part| !part.is_empty()).collect();
    let item = |(name, detail): &(&str, &str)| Completion::new(name, Kind::Variable, *detail);
    match (language, parts.as_slice()) {
        (Language::JmesPath, []) => {
            let mut found: Vec<Completion> = JMESPATH_ROOTS.iter().map(item).collect();
            found.extend(
                names_under(place, "context")
                    .into_iter()
                    .map(|name| Completion::new(&name, Kind::Variable, "context entry")),
            );
            found.extend(functions::all().iter().map(|function| {
                let detail = format!("{}: {}", function.signature(), function.doc);
                Completion::new(function.name, Kind::Function, detail).inserting(format!("{}(", function.name))
            }));
            found
        }
        (Language::Cel, []) => {
            let mut found: Vec<Completion> = CEL_ROOTS.iter().map(item).collect();
            found.extend(cel_functions(false));
            found
        }
        (_, ["request"]) => REQUEST.iter().map(item).collect(),
        (Language::Cel, ["variables"]) => {
            let names = names_under(place, "variables").into_iter();
            names.map(|name| Completion::new(&name, Kind::Variable, "variable of the policy")).collect()
        }
        (_, ["request", "object" | "oldObject", rest @ ..]) => fields(place, rest),
        (Language::Cel, ["object" | "oldObject", rest @ ..]) => {
            let mut found = fields(place, rest);
            found.extend(cel_functions(true));
            found
        }
        (Language::Cel, _) => cel_functions(true),
        (Language::JmesPath, _) => Vec::new(),
    }
}

/// The fields of the matched resource below a path.
fn fields(place: &Place, path: &[&str]) -> Vec<Completion> {
    let start = matched(place);
    let found = path.iter().try_fold(start, |schema: Option<Schema<'static>>, part| {
        let name = part.split(['[', '?']).next().unwrap_or(part);
        let next = schema?.field(name)?;
        Some(Some(next.items().filter(|_| part.contains('[')).unwrap_or(next)))
    });
    let schema = found.flatten();
    let all = schema.into_iter().flat_map(|schema| schema.fields());
    all.map(|(name, child)| Completion::new(name, Kind::Field, type_words(child))).collect()
}

fn cel_functions(member: bool) -> Vec<Completion> {
    let mut found = Vec::new();
    for (name, overloads) in registry() {
        let plain = name.chars().all(|c| c.is_alphanumeric() || matches!(c, '.' | '_'));
        let Some(overload) = overloads.iter().find(|overload| overload.member == member).filter(|_| plain) else {
            continue;
        };
        let params: Vec<String> = overload.params.iter().skip(usize::from(member)).map(ToString::to_string).collect();
        let detail = format!("{name}({}) {}", params.join(", "), overload.result);
        found.push(Completion::new(name, Kind::Function, detail).inserting(format!("{name}(")));
    }
    found
}

/// The `name`s of the entries of a list of the policy.
fn names_under(place: &Place, list: &str) -> Vec<String> {
    let mut names: Vec<String> = Vec::new();
    for scalar in &place.scalars {
        let [.., Step::Key(parent), Step::Item(_), Step::Key(last)] = scalar.path.as_slice() else { continue };
        if parent == list && last == "name" && !names.contains(&scalar.value) {
            names.push(scalar.value.clone());
        }
    }
    names
}

/// The signature and description of a function.
pub(super) fn describe(word: &str, language: Language) -> Option<(String, String)> {
    match language {
        Language::JmesPath => {
            let function = functions::find(word)?;
            Some((function.signature(), function.doc.to_owned()))
        }
        Language::Cel => {
            let last = word.rsplit('.').next().unwrap_or(word);
            let (name, overloads) = registry().get_key_value(word).or_else(|| registry().get_key_value(last))?;
            let signatures = overloads.iter().map(|overload| {
                let params: Vec<String> = overload.params.iter().map(ToString::to_string).collect();
                match (overload.member, params.split_first()) {
                    (true, Some((receiver, rest))) => {
                        format!("{receiver}.{name}({}) {}", rest.join(", "), overload.result)
                    }
                    _ => format!("{name}({}) {}", params.join(", "), overload.result),
                }
            });
            Some(((*name).to_owned(), signatures.collect::<Vec<_>>().join("\n")))
        }
    }
}
