//! Cases for the admission checks.

use serde_json::{Value, json};

use super::*;
use crate::policy::schema;

fn load(text: &str) -> Value {
    let value: Value = serde_yaml::from_str(text).unwrap();
    schema::load(value).value
}

fn problems(text: &str) -> Vec<Problem> {
    let catalog = Catalog::new();
    let options =
        Options { catalog: Some(&catalog), exceptions_enabled: true, exception_namespace: "*", ..Options::default() };
    check(&load(text), &options)
}

fn denied(text: &str) -> String {
    denial(&problems(text)).unwrap_or_default()
}

fn warned(text: &str) -> Vec<String> {
    let found = problems(text).into_iter().filter(|problem| problem.severity == Severity::Warning);
    found.map(|problem| problem.message).filter(|message| !message.contains("(kyverno.io) is deprecated")).collect()
}

fn cluster(spec: &str, rule: &str) -> String {
    format!(
        "{{apiVersion: kyverno.io/v1, kind: ClusterPolicy, metadata: {{name: p}}, spec: {{{spec} rules: [{{name: r, {rule}}}]}}}}"
    )
}

const PODS: &str = "match: {any: [{resources: {kinds: [Pod]}}]}";
const PATTERN: &str = "validate: {message: m, pattern: {metadata: {labels: {a: '?*'}}}}";

/// A cluster policy whose rule matches Pods.
fn rule(rule: &str) -> String {
    cluster("", &format!("{PODS}, {rule}"))
}

fn refuses(text: &str, message: &str) {
    assert_eq!(denied(text), message, "{text}");
}

fn refuses_with(text: &str, end: &str) {
    let message = denied(text);
    assert!(message.ends_with(end), "{text}\n{message}");
}

fn warns(text: &str, message: &str) {
    assert_eq!(warned(text), [message], "{text}");
}

fn accepts(text: &str) {
    refuses(text, "");
}

#[test]
fn a_plain_policy_is_accepted() {
    accepts(&rule(PATTERN));
    assert_eq!(warned(&rule(PATTERN)), Vec::<String>::new());
}

#[test]
fn whole_policies() {
    refuses(
        &rule(PATTERN).replace("name: p}", "name: p, namespace: n}"),
        "A clusterpolicy should not have the namespace defined",
    );
    refuses(
        &cluster("admission: false, background: false,", &format!("{PODS}, {PATTERN}")),
        "disabling both admission and background processing is not allowed",
    );
    refuses(
        &cluster("admission: false,", &format!("{PODS}, mutate: {{patchStrategicMerge: {{metadata: {{}}}}}}")),
        "disabling admission processing is only allowed with validation policies",
    );
    refuses(
        &cluster("webhookTimeoutSeconds: 31,", &format!("{PODS}, {PATTERN}")),
        "spec.webhookTimeoutSeconds: Invalid value: 31: the timeout value must be between 1 and 30 seconds",
    );
    refuses(
        &cluster("generateExistingOnPolicyUpdate: true,", &format!("{PODS}, {PATTERN}")),
        "spec.generateExistingOnPolicyUpdate: Forbidden: remove the deprecated field and use spec.generate[*].generateExisting instead",
    );
    refuses(
        &rule(PATTERN).replace("name: p}", &format!("name: {}}}", "p".repeat(64))),
        "name: Too long: may not be more than 63 bytes",
    );
}

#[test]
fn user_information_in_background_mode() {
    let who = "match: {any: [{resources: {kinds: [Pod]}, subjects: [{kind: User, name: u}]}]}";
    refuses(
        &cluster("", &format!("{who}, {PATTERN}")),
        "only select variables are allowed in background mode. Set spec.background=false to disable background mode for this policy rule: invalid variable used at path: spec/rules[0]/match/any[0]/subjects ",
    );
    accepts(&cluster("background: false,", &format!("{who}, {PATTERN}")));
    refuses(
        &rule("validate: {message: 'no {{request.userInfo.username}}', pattern: {metadata: {}}}"),
        "only select variables are allowed in background mode. Set spec.background=false to disable background mode for this policy rule: variable {{request.userInfo.username}} is not allowed ",
    );
}

#[test]
fn variables_must_be_known() {
    refuses(
        &rule("validate: {message: '{{ foo }}', pattern: {metadata: {}}}"),
        r#"policy contains invalid variables: variable substitution failed for rule r: variable foo must match regex "request\.|element|elementIndex|@|images|images\.|image\.|([a-z_0-9]+\()[^{}]" or patterns []"#,
    );
    accepts(&rule(
        "context: [{name: foo, variable: {value: 1}}], validate: {message: '{{ foo.bar }}', pattern: {metadata: {}}}",
    ));
    accepts(&rule(
        "validate: {message: '{{ to_upper(whatever) }} {{request.object.metadata.name}}', pattern: {metadata: {}}}",
    ));
    refuses(
        &cluster(
            "",
            &format!("match: {{any: [{{resources: {{kinds: [Pod], names: ['{{{{request.name}}}}']}}}}]}}, {PATTERN}"),
        ),
        r#"policy contains invalid variables: rule "r" should not have variables in match section"#,
    );
    refuses(
        &rule("validate: {message: '{{ element.name }}', pattern: {metadata: {}}}"),
        "variable 'element.name' present outside of foreach at path /validate/message",
    );
}

#[test]
fn match_blocks() {
    refuses_with(
        &cluster(
            "",
            &format!(
                "match: {{any: [{{resources: {{kinds: [Pod]}}}}], all: [{{resources: {{kinds: [Pod]}}}}]}}, {PATTERN}"
            ),
        ),
        "Can't specify any and all together",
    );
    refuses_with(
        &rule(&format!("exclude: {{any: [{{resources: {{kinds: [Pod]}}}}]}}, {PATTERN}")),
        "Rule is matching an empty set",
    );
    refuses_with(
        &cluster("", &format!("match: {{any: [{{resources: {{kinds: [Pod], name: a, names: [b]}}}}]}}, {PATTERN}")),
        "Both name and names can not be specified together",
    );
    refuses_with(
        &cluster(
            "background: false,",
            &format!(
                "match: {{any: [{{resources: {{kinds: [Pod]}}, subjects: [{{kind: Foo, name: u}}]}}]}}, {PATTERN}"
            ),
        ),
        "spec.rules[0].match.any[0].subjects[0].kind: Invalid value: \"Foo\": kind must be 'User', 'Group', or 'ServiceAccount'",
    );
    refuses(
        &rule(PATTERN).replace("ClusterPolicy", "Policy").replace("[Pod]", "[Namespace]"),
        "spec.rules[0].match.any[0].kinds[0]: Forbidden: Cluster wide resource 'Namespace' not allowed in namespaced policy",
    );
    refuses(
        &cluster("", &format!("match: {{any: [{{resources: {{names: [a]}}}}]}}, {PATTERN}")),
        "at least one element must be specified in a kind block, the kind attribute is mandatory when working with the resources element",
    );
}

#[test]
fn kinds() {
    refuses(
        &rule(PATTERN).replace("[Pod]", "['*']"),
        "path: spec.rules[0].match.any[0].kinds: wildcard policy not allowed in background mode. Set spec.background=false to disable background mode for this policy rule ",
    );
    refuses(
        &rule(PATTERN).replace("[Pod]", "[Pod/status]"),
        "path: spec.rules[0].match.any[0].kinds: background scan enabled with subresource Pod/status",
    );
    warns(
        &rule(PATTERN).replace("[Pod]", "[Foo]"),
        "the kind defined in the all match resource is invalid: unable to convert GVK to GVR for kinds Foo, err: resource not found",
    );
}

#[test]
fn rule_bodies() {
    refuses_with(
        &rule("validate: {message: m}"),
        "path: spec.rules[0].validate..: one of pattern, anyPattern, deny, foreach, cel must be specified",
    );
    refuses_with(
        &cluster("", PODS),
        "No operation defined in the rule 'r'.(supported operations: mutate,validate,generate,verifyImages)",
    );
    refuses(
        &rule("validate: {pattern: {'+(spec)': {}}}"),
        "path: spec.rules[0].validate.pattern.//+(spec).: unsupported anchor +(spec)",
    );
    refuses(
        &rule("validate: {pattern: {'^(spec)': {}}}"),
        "path: spec.rules[0].validate.pattern.//^(spec).: existence anchor should have value of type list",
    );
    refuses(
        &rule("mutate: {patchStrategicMerge: {a: 1}, patchesJson6902: '[]'}"),
        "path: spec.rules[0].mutate.foreach.: only one of `patchStrategicMerge` or `patchesJson6902` is allowed",
    );
    refuses(
        &rule("mutate: {patchesJson6902: '- {op: add, path: metadata/labels, value: {}}'}"),
        "path must begin with a forward slash: spec.rules[0]: metadata/labels",
    );
    refuses(&rule("mutate: {patchesJson6902: '- {op: put, path: /metadata}'}"), "unexpected kind: spec.rules[0]: put");
    refuses(
        &rule("validate: {pattern: {metadata: {labels: {a: 1}}}}"),
        "labels and annotations supports only string values, \"use double quotes around the non string values\"",
    );
    refuses(
        &rule("verifyImages: [{imageReferences: ['*']}]"),
        "spec.rules[0].verifyImages[0].mutateDigest: Invalid value: true: mutateDigest must be set to false for ‘Audit’ failure action",
    );
}

#[test]
fn conditions() {
    let deny = |condition: &str| rule(&format!("validate: {{deny: {{conditions: {{any: [{condition}]}}}}}}"));
    refuses_with(
        &deny("{key: a, operator: Equals}"),
        "validate.deny.conditions.any[0].: entered value of `key`, `value` or `operator` is missing or misspelled",
    );
    refuses_with(
        &deny("{key: '{{request.operation}}', operator: Equals, value: PUT}"),
        "unknown value 'PUT' found under the 'value' field. Only the following values are allowed: [CREATE, UPDATE, DELETE, CONNECT]",
    );
    warns(
        &deny("{key: a, operator: In, value: [a]}"),
        r#"Operator In has been deprecated and will be removed soon. Use these instead: ["AllIn" "AnyIn"]"#,
    );
}

#[test]
fn context_entries() {
    let entry = |entry: &str| rule(&format!("context: [{entry}], {PATTERN}"));
    refuses(
        &entry("{name: request, variable: {value: 1}}"),
        "path: spec.rules[0]: entry name request is invalid as it conflicts with a pre-defined variable request",
    );
    refuses(
        &entry("{name: a, configMap: {name: c}}"),
        "path: spec.rules[0]: a namespace is required for configMap context entry",
    );
    refuses(
        &entry("{name: a, variable: {}}"),
        "path: spec.rules[0]: a variable must define a value or a jmesPath expression",
    );
}

#[test]
fn generate_targets() {
    let target = |target: &str| rule(&format!("generate: {{{target}}}")).replace("[Pod]", "[Namespace]");
    refuses(
        &target("apiVersion: v1, kind: ConfigMap, name: a, data: {}"),
        "spec.rules[0].namespace: Forbidden: target namespace must be set for a namespaced resource",
    );
    refuses(
        &target("apiVersion: v1, kind: Namespace, namespace: a, name: a, data: {}"),
        "spec.rules[0].namespace: Forbidden: target namespace must not be set for a cluster-wide resource",
    );
    refuses(
        &target("apiVersion: v1, kind: ConfigMap, namespace: n, name: a, data: {}, clone: {name: b, namespace: c}"),
        "spec.rules[0]: Forbidden: only one of generate patterns(data, clone, cloneList and foreach) can be specified",
    );
}

#[test]
fn updates_of_generate_rules() {
    let policy = |name: &str, kind: &str| {
        let text = rule(&format!(
            "generate: {{apiVersion: v1, kind: {kind}, namespace: n, name: a, synchronize: true, data: {{}}}}"
        ));
        load(&text.replace("name: r,", &format!("name: {name},")))
    };
    let update = |new: &Value| {
        let old = policy("r", "ConfigMap");
        check(new, &Options { old: Some(&old), ..Options::default() })
    };
    let message = denial(&update(&policy("other", "ConfigMap"))).unwrap();
    assert_eq!(message, "changes of immutable fields of a rule spec in a generate rule is disallowed");
    assert_eq!(denial(&update(&policy("r", "Secret"))), None);
    assert_eq!(denial(&update(&policy("r", "ConfigMap"))), None);
}

#[test]
fn overrides_that_contradict_each_other() {
    let overrides =
        "validationFailureActionOverrides: [{action: Audit, namespaces: [a]}, {action: Enforce, namespaces: ['*']}],";
    refuses(
        &cluster(overrides, &format!("{PODS}, {PATTERN}")),
        "path: spec.validationFailureActionOverrides[1].namespaces: wildcard pattern '*' matches with namespace 'a'",
    );
}

#[test]
fn warnings_on_subresources() {
    warns(
        &rule("validate: {pattern: {spec: {replicas: 2}}}").replace("[Pod]", "[Deployment]"),
        "You are matching on replicas but not including the scale subresource in the policy.",
    );
}

#[test]
fn other_kinds() {
    let cleanup = "{apiVersion: kyverno.io/v2, kind: CleanupPolicy, metadata: {name: p, namespace: n}, spec: {schedule: never, match: {any: [{resources: {kinds: [Pod]}}]}}}";
    refuses(
        cleanup,
        "spec.schedule: Invalid value: \"never\": schedule spec in the cleanupPolicy is not in proper cron format",
    );
    accepts(&cleanup.replace("never", "'*/5 * * * *'"));
    let exception = "{apiVersion: kyverno.io/v2, kind: PolicyException, metadata: {name: p, namespace: n}, spec: {match: {any: [{resources: {kinds: [Pod]}, clusterRoles: [a]}]}, exceptions: [{policyName: p, ruleNames: [r]}]}}";
    refuses(exception, "spec.match.any[0].clusterRoles: Forbidden: Usage of user info is forbidden");
    accepts(&exception.replace("spec: {", "spec: {background: false, "));
    let entry = "{apiVersion: kyverno.io/v2, kind: GlobalContextEntry, metadata: {name: p}, spec: {apiCall: {urlPath: /x, data: [{key: a, value: b}]}}}";
    refuses(entry, "spec.apiCall.method: Forbidden: An External API call with data should have method as POST");
}

#[test]
fn cel_kinds() {
    let policy = |kind: &str, spec: &str| {
        format!("{{apiVersion: policies.kyverno.io/v1, kind: {kind}, metadata: {{name: p}}, spec: {{{spec}}}}}")
    };
    let rules = "matchConstraints: {resourceRules: [{apiGroups: [''], apiVersions: [v1], operations: [CREATE], resources: [pods]}]}";
    let constraints =
        "spec.matchConstraints: Required value: a matchConstraints with at least one resource rule is required";
    refuses(&policy("ValidatingPolicy", "validations: [{expression: 'true'}]"), constraints);
    accepts(&policy("ValidatingPolicy", &format!("{rules}, validations: [{{expression: 'true'}}]")));
    refuses(
        &policy("MutatingPolicy", &format!("{rules}, evaluation: {{admission: {{enabled: false}}}}")),
        "spec.evaluation: Forbidden: disabling both admission and mutateExisting evaluation modes is not allowed",
    );
    refuses(
        &policy("DeletingPolicy", &format!("{rules}, schedule: '* *'")),
        "spec.schedule: Invalid value: \"* *\": schedule spec in the deletingPolicy is not in proper cron format: missing field(s)",
    );
    let http = policy(
        "NamespacedValidatingPolicy",
        &format!("{rules}, validations: [{{expression: 'http.Get(\"x\") == 1'}}]"),
    );
    refuses(
        &http.replace("name: p}", "name: p, namespace: n}"),
        "spec: Forbidden: http.* is not allowed in namespaced policies; set --allowHTTPInNamespacedPolicies to enable",
    );
}

#[test]
fn deprecated_fields_are_listed() {
    let found: Vec<String> = deprecations(&json!({
        "apiVersion": "kyverno.io/v1", "kind": "ClusterPolicy",
        "spec": {"validationFailureAction": "Audit", "rules": [{"preconditions": {"all": [{"key": 1, "operator": "In", "value": [1]}]}}]}
    }))
    .into_iter()
    .map(|found| found.pointer)
    .collect();
    assert_eq!(found, ["/kind", "/spec/validationFailureAction", "/spec/rules/0/preconditions/all/0/operator"]);
}

#[test]
fn wrong_shapes_do_not_stop_the_checks() {
    for spec in [
        "null",
        "1",
        "{rules: 1}",
        "{rules: [1, null, []]}",
        "{rules: [{match: [], exclude: 1, validate: [], context: {}}]}",
        "{rules: [{verifyImages: [[]], generate: 1, mutate: {targets: 1, foreach: [1]}}]}",
    ] {
        for kind in ["ClusterPolicy", "Policy", "CleanupPolicy", "PolicyException", "GlobalContextEntry"] {
            let policy: Value =
                serde_yaml::from_str(&format!("{{apiVersion: kyverno.io/v1, kind: {kind}, spec: {spec}}}")).unwrap();
            let _ = (check(&policy, &Options::default()), deprecations(&policy), schema::load(policy.clone()));
            let _ = crate::policy::convert::convert(&policy, &Catalog::new());
        }
    }
}

// pkg/engine/variables/vars.go, substituteReferencesIfAny
#[test]
fn references_must_lead_somewhere() {
    let limits = |path: &str| {
        let resources = format!("{{requests: {{memory: '$(<={path})'}}, limits: {{memory: '?*'}}}}");
        rule(&format!("validate: {{message: m, pattern: {{spec: {{containers: [{{resources: {resources}}}]}}}}}}"))
    };
    accepts(&limits("./../../limits/memory"));
    refuses(
        &limits("./../limits/memory"),
        "policy contains invalid variables: variable substitution failed for rule r: failed to resolve $(<=./../limits/memory) at path /validate/pattern/spec/containers/0/resources/requests/memory: incorrect expression: operator <= does not match with value <nil>",
    );
}

// pkg/validation/cleanuppolicy/validate.go
#[test]
fn conditions_of_cleanup_policies_must_parse() {
    let policy = |key: &str| {
        format!(
            "{{apiVersion: kyverno.io/v2, kind: ClusterCleanupPolicy, metadata: {{name: p}}, spec: {{schedule: '* * * * *', match: {{any: [{{resources: {{kinds: [Pod]}}}}]}}, conditions: {{any: [{{key: '{key}', operator: Equals, value: x}}]}}}}}}"
        )
    };
    accepts(&policy("{{ target.metadata.name }}"));
    let wrong = denied(&policy("{{ target.metadata.name[ }}"));
    assert!(wrong.starts_with("variable substitution failed for policy p: failed to resolve target.metadata.name[ at path /any/0/key: invalid JMESPath query"), "{wrong}");
}

// pkg/validation/policy/validate.go, validateImageRegistry
#[test]
fn references_of_image_registry_entries_must_be_images() {
    let image = |reference: &str| {
        rule(&format!("context: [{{name: i, imageRegistry: {{reference: '{reference}'}}}}], {PATTERN}"))
    };
    accepts(&image("ghcr.io/a/b:1"));
    accepts(&image("{{ request.object.metadata.name }}"));
    refuses(&image("a/B"), "path: spec.rules[0]: bad image: a/B: repository name must be lowercase");
    refuses(&image(":"), "path: spec.rules[0]: bad image: :: invalid reference format");
}
