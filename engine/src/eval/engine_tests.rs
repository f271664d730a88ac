use super::{background_checks, validate};
use crate::eval::request::AdmissionRequest;
use crate::eval::testing::{TestView, create, cx, delete, policy, update, validated, yaml};
use crate::eval::trace::{Outcome, TraceNode};
use crate::eval::verdict::Status;
use crate::eval::{EvalCx, Mode};
use crate::policy::{MatchCondition, WebhookConfiguration, load};

const POD: &str = "{ apiVersion: v1, kind: Pod, metadata: { name: a, namespace: dev, labels: { team: x } }, spec: { containers: [{ name: c, image: nginx }] } }";
const BARE: &str = "{ apiVersion: v1, kind: ConfigMap, metadata: { name: a, namespace: dev } }";
const TEAM: &str = "validate: { message: 'a team is required', pattern: { metadata: { labels: { team: '?*' } } } }";

/// `pass: message`, or `none` without a response.
fn said(rule: impl AsRef<str>, request: &AdmissionRequest) -> String {
    said_with(rule.as_ref(), request, &TestView::default())
}

fn said_with(rule: &str, request: &AdmissionRequest, view: &TestView) -> String {
    let verdict = validated(&policy(rule), request, view, &[]);
    verdict
        .rules
        .first()
        .map_or("none".to_owned(), |rule| format!("{:?}: {}", rule.status, rule.message).to_lowercase())
}

macro_rules! cases {
    ($($name:ident: $rule:expr, $request:expr => $wanted:literal;)*) => { $(
        #[test]
        fn $name() {
            assert_eq!(said($rule, &$request), $wanted);
        }
    )* };
}

fn deny(conditions: &str) -> String {
    format!(
        "validate: {{ message: 'no {{{{ request.object.metadata.name }}}}', deny: {{ conditions: {conditions} }} }}"
    )
}

cases! {
    pattern_passes: TEAM, create(POD) => "pass: validation rule 'r' passed.";
    pattern_fails: TEAM, create(BARE) => "fail: validation error: a team is required. rule r failed at path /metadata/labels/";
    pattern_without_message: "validate: { pattern: { metadata: { name: b } } }", create(POD) => "fail: validation error: rule r failed at path /metadata/name/";
    pattern_is_not_laid_over_a_delete: TEAM, delete(POD) => "none";
    unknown_kind_gives_no_response: format!("match: {{ any: [{{ resources: {{ kinds: [Secret] }} }}] }}\n{TEAM}"), create(POD) => "none";
    any_pattern_passes: "validate: { anyPattern: [{ metadata: { name: b } }, { metadata: { name: a } }] }", create(POD) => "pass: validation rule 'r' anypattern[1] passed.";
    any_pattern_fails: "validate: { message: m, anyPattern: [{ metadata: { name: b } }, { metadata: { namespace: b } }] }", create(POD)
        => "fail: validation error: m. rule r[0] failed at path /metadata/name/ rule r[1] failed at path /metadata/namespace/";
    any_pattern_skips: "validate: { anyPattern: [{ metadata: { (name): b } }] }", create(POD)
        => "skip: rule r[0] skipped: conditional anchor mismatch: resource value 'a' does not match 'b' at path /metadata/name/";
    deny_always: "validate: { deny: {} }", create(POD) => "fail: validation error: rule r failed";
    deny_message_is_substituted: deny("{ any: [{ key: a, operator: Equals, value: a }] }"), create(POD) => "fail: no a";
    deny_adds_the_message_of_the_condition: deny("{ any: [{ key: a, operator: Equals, value: a, message: because }] }"), create(POD) => "fail: no a; because";
    deny_does_not_hold: deny("{ any: [] }"), create(POD) => "pass: validation rule 'r' passed.";
    deny_looks_at_the_old_object_on_delete: deny("{ all: [{ key: '{{ request.object.metadata.name }}', operator: Equals, value: a }] }"), delete(POD) => "fail: no a";
    preconditions_skip: format!("preconditions: {{ all: [{{ key: a, operator: Equals, value: b, message: why }}] }}\n{TEAM}"), create(POD) => "skip: preconditions not met; why";
    preconditions_fail: format!("preconditions: {{ all: [{{ key: '{{{{ nothing }}}}', operator: Equals, value: b }}] }}\n{TEAM}"), create(POD)
        => "error: failed to evaluate preconditions: failed to substitute variables in condition key: failed to resolve nothing at path : jmespath query failed: unknown key \"nothing\" in path";
    foreach_passes: "validate: { foreach: [{ list: request.object.spec.containers, pattern: { image: 'n*' } }] }", create(POD) => "pass: rule passed";
    foreach_fails: "validate: { message: m, foreach: [{ list: request.object.spec.containers, pattern: { image: 'b*' } }] }", create(POD)
        => "fail: validation failure: validation error: m. rule r failed at path /image/";
    foreach_over_a_missing_list_says_nothing: "validate: { foreach: [{ list: request.object.spec.initContainers, pattern: { image: 'b*' } }] }", create(POD) => "none";
    foreach_deny: "validate: { message: '{{ element.name }} {{ elementIndex }}', foreach: [{ list: request.object.spec.containers, deny: { conditions: { any: [{ key: '{{ element.image }}', operator: Equals, value: nginx }] } } }] }", create(POD)
        => "fail: validation failure: c 0";
    foreach_scalars_look_at_the_object: "validate: { foreach: [{ list: \"request.object.metadata.labels.values(@)\", pattern: { metadata: { name: '{{ element }}' } } }] }", create(POD)
        => "fail: validation failure: validation error: rule r failed at path /metadata/name/";
    images_are_known: "validate: { message: '{{ images.containers.c.registry }}', deny: {} }", create(POD) => "fail: docker.io";
    a_variable_is_loaded: "context: [{ name: v, variable: { jmesPath: request.object.metadata.name } }]\nvalidate: { message: '{{ v }}', deny: {} }", create(POD) => "fail: a";
    a_variable_takes_its_default: "context: [{ name: v, variable: { jmesPath: request.object.nothing, default: d } }]\nvalidate: { message: '{{ v }}', deny: {} }", create(POD) => "fail: d";
    a_variable_that_is_not_used_is_not_loaded: format!("context: [{{ name: v, variable: {{ jmesPath: request.object.nothing }} }}]\n{TEAM}"), create(POD) => "pass: validation rule 'r' passed.";
    user_in_subjects: format!("match: {{ any: [{{ resources: {{ kinds: [Pod] }}, subjects: [{{ kind: Group, name: 'dev*' }}] }}] }}\n{TEAM}"), create(POD) => "pass: validation rule 'r' passed.";
    user_not_in_subjects: format!("match: {{ any: [{{ resources: {{ kinds: [Pod] }}, subjects: [{{ kind: User, name: bob }}] }}] }}\n{TEAM}"), create(POD) => "none";
    exclude_by_role: format!("exclude: {{ any: [{{ roles: ['default:editor'] }}] }}\n{TEAM}"), create(POD) => "none";
    exclude_all_needs_all: format!("exclude: {{ all: [{{ roles: ['default:editor'] }}, {{ resources: {{ names: [b] }} }}] }}\n{TEAM}"), create(POD) => "pass: validation rule 'r' passed.";
    operations_other: format!("match: {{ any: [{{ resources: {{ kinds: [Pod], operations: [UPDATE] }} }}] }}\n{TEAM}"), create(POD) => "none";
    namespaces_with_wildcards: format!("match: {{ any: [{{ resources: {{ kinds: [Pod], namespaces: ['prod-*'] }} }}] }}\n{TEAM}"), create(POD) => "none";
    existing_violations_are_tolerated: TEAM, update(BARE, BARE) => "skip: skipping the rule evaluation as pre-existing violations are allowed";
    new_violations_are_not: TEAM, update(POD, BARE) => "fail: validation error: a team is required. rule r failed at path /metadata/labels/";
    existing_violations_may_be_forbidden: "validate: { allowExistingViolations: false, pattern: { metadata: { name: b } } }", update(BARE, BARE) => "fail: validation error: rule r failed at path /metadata/name/";
    preconditions_take_the_leniency_away: format!("preconditions: {{ all: [{{ key: a, operator: Equals, value: a }}] }}\n{TEAM}"), update(BARE, BARE)
        => "fail: validation error: a team is required. rule r failed at path /metadata/labels/";
    // messages: buildErrorMessage, getDenyMessage
    a_dot_is_not_doubled: "validate: { message: 'no.', pattern: { metadata: { name: b } } }", create(POD) => "fail: validation error: no. rule r failed at path /metadata/name/";
    a_pattern_message_is_substituted: "validate: { message: 'not {{ request.object.metadata.name }}', pattern: { metadata: { name: b } } }", create(POD) => "fail: validation error: not a. rule r failed at path /metadata/name/";
    a_pattern_message_that_cannot_be_substituted: "validate: { message: '{{ nope }}', pattern: { metadata: { name: b } } }", create(POD)
        => "fail: validation error: variables substitution error in rule r execution error: resource value 'a' does not match 'b' at path /metadata/name/";
    a_missing_anchor_is_an_execution_error: "validate: { message: m, pattern: { metadata: { name: b, ^(finalizers): [{ a: b }] } } }", create(POD)
        => "error: validation error: m. rule r execution error: resource value 'a' does not match 'b' at path /metadata/name/";
    a_pattern_that_cannot_be_substituted: "validate: { pattern: { metadata: { name: '{{ nope }}' } } }", create(POD)
        => "error: variable substitution failed: failed to resolve nope at path /metadata/name: jmespath query failed: unknown key \"nope\" in path";
    any_pattern_without_message: "validate: { anyPattern: [{ metadata: { name: b } }] }", create(POD) => "fail: validation error: rule r[0] failed at path /metadata/name/";
    any_pattern_failures_hide_skips: "validate: { anyPattern: [{ metadata: { (name): b } }, { metadata: { name: b } }] }", create(POD) => "fail: validation error: rule r[1] failed at path /metadata/name/";
    an_empty_any_pattern_passes_with_the_message: "validate: { message: m, anyPattern: [] }", create(POD) => "pass: m";
    a_deny_message_that_cannot_be_substituted: "validate: { message: '{{ nope }}', deny: { conditions: { any: [{ key: a, operator: Equals, value: a, message: because }] } } }", create(POD) => "fail: because";
    a_deny_message_that_is_no_text: "validate: { message: '{{ request.object.metadata }}', deny: {} }", create(POD) => "fail: the produced message didn't resolve to a string, check your policy definition.";
    deny_conditions_that_fail: deny("{ any: [{ key: '{{ nope }}', operator: Equals, value: a }] }"), create(POD)
        => "error: failed to check deny conditions: failed to substitute variables in condition key: failed to resolve nope at path : jmespath query failed: unknown key \"nope\" in path";
    deny_messages_of_all: deny("{ all: [{ key: a, operator: Equals, value: a, message: one }, { key: a, operator: Equals, value: a, message: two }] }"), create(POD) => "fail: no a; one; two";
    deny_messages_of_the_old_list: deny("[{ key: a, operator: Equals, value: a, message: one }, { key: a, operator: Equals, value: a, message: two }]"), create(POD) => "fail: no a; one;two";
    deny_without_any_and_all: deny("{}"), create(POD) => "fail: no a";
    deny_wins_over_pattern: "validate: { deny: {}, pattern: { metadata: { name: a } } }", create(POD) => "fail: validation error: rule r failed";
    pattern_wins_over_foreach: "validate: { pattern: { metadata: { name: a } }, foreach: [{ list: request.object.spec.containers, deny: {} }] }", create(POD) => "pass: validation rule 'r' passed.";
    an_unknown_operator: deny("{ any: [{ key: a, operator: Like, value: a }] }"), create(POD) => "error: failed to check deny conditions: failed to create handler for condition operator: %!w(<nil>)";
    // foreach: validateForEach, validateElements
    foreach_preconditions_leave_elements_out: "validate: { foreach: [{ list: request.object.spec.containers, preconditions: { all: [{ key: '{{ element.name }}', operator: Equals, value: x }] }, deny: {} }] }", create(POD) => "none";
    foreach_preconditions_that_fail_leave_elements_out: "validate: { foreach: [{ list: request.object.spec.containers, preconditions: { all: [{ key: '{{ element.nope }}', operator: Equals, value: x }] }, deny: {} }] }", create(POD) => "none";
    foreach_over_what_is_no_list: "validate: { message: '{{ element.name }}', foreach: [{ list: request.object.metadata, deny: {} }] }", create(POD) => "fail: validation failure: a";
    foreach_over_null: "validate: { foreach: [{ list: 'request.object.nope || `null`', deny: {} }] }", create(POD) => "none";
    foreach_leaves_nulls_out: "validate: { message: 'at {{ elementIndex }}', foreach: [{ list: '[`null`, `1`]', deny: {} }] }", create(POD) => "fail: validation failure: at 1";
    foreach_with_a_list_that_is_no_expression: "validate: { foreach: [{ list: 'length(`1`)', deny: {} }] }", create(POD)
        => "error: failed to evaluate list: jmespath query failed: invalid type for: 1, expected: []jmespath.jptype{\"string\", \"array\", \"object\"}";
    foreach_element_scope_needs_maps: "validate: { foreach: [{ list: '[`1`]', elementScope: true, pattern: { a: b } }] }", create(POD)
        => "error: failed to process foreach: cannot use elementscope=true foreach rules for elements that are not maps, expected type=map got type=float64";
    foreach_without_element_scope: "validate: { foreach: [{ list: request.object.spec.containers, elementScope: false, pattern: { metadata: { name: b } } }] }", create(POD) => "fail: validation failure: validation error: rule r failed at path /metadata/name/";
    foreach_any_pattern: "validate: { foreach: [{ list: request.object.spec.containers, anyPattern: [{ name: x }, { name: c }] }] }", create(POD) => "pass: rule passed";
    foreach_context: "validate: { message: '{{ v }}', foreach: [{ list: request.object.spec.containers, context: [{ name: v, variable: { jmesPath: element.image } }], deny: {} }] }", create(POD) => "fail: validation failure: nginx";
    foreach_in_foreach: "validate: { message: '{{ element1 }} of {{ element0.name }}', foreach: [{ list: request.object.spec.containers, foreach: [{ list: 'keys(element0)', deny: {} }] }] }", create(POD)
        => "fail: validation failure: validation failure: image of c";
    foreach_stops_at_the_first_failure: "validate: { message: 'at {{ elementIndex }}', foreach: [{ list: '[`1`, `2`]', deny: {} }] }", create(POD) => "fail: validation failure: at 0";
    foreach_still_looks_at_a_delete: "validate: { message: 'of {{ element }}', foreach: [{ list: '[`1`]', deny: {} }] }", delete(POD) => "fail: validation failure: of 1";
    deny_looks_at_a_delete: "validate: { deny: {} }", delete(POD) => "fail: validation error: rule r failed";
    audit_is_not_lenient: "validate: { failureAction: Audit, pattern: { metadata: { name: b } } }", update(BARE, BARE) => "fail: validation error: rule r failed at path /metadata/name/";
    // context
    a_variable_with_a_value: "context: [{ name: v, variable: { value: { k: x } } }]\nvalidate: { message: '{{ v.k }}', deny: {} }", create(POD) => "fail: x";
    a_variable_searches_its_value: "context: [{ name: v, variable: { value: { k: x }, jmesPath: k } }]\nvalidate: { message: '{{ v }}', deny: {} }", create(POD) => "fail: x";
    a_default_may_be_a_map: "context: [{ name: v, variable: { jmesPath: nope, default: { k: x } } }]\nvalidate: { message: '{{ v.k }}', deny: {} }", create(POD) => "fail: x";
    a_variable_of_an_earlier_one: "context: [{ name: a, variable: { value: x } }, { name: b, variable: { jmesPath: a } }]\nvalidate: { message: '{{ b }}', deny: {} }", create(POD) => "fail: x";
    a_variable_does_not_see_later_ones: "context: [{ name: b, variable: { jmesPath: a, default: none } }, { name: a, variable: { value: x } }]\nvalidate: { message: '{{ b }}', deny: {} }", create(POD) => "fail: none";
    a_variable_may_be_defined_again: "context: [{ name: a, variable: { value: x } }, { name: a, variable: { jmesPath: \"join('', [a, 'y'])\" } }]\nvalidate: { message: '{{ a }}', deny: {} }", create(POD) => "fail: xy";
    // roots
    namespace_of_the_request: "validate: { message: '{{ request.namespace }}', deny: {} }", create(POD) => "fail: dev";
    operation_of_the_request: "validate: { message: '{{ request.operation }}', deny: {} }", update(POD, POD) => "skip: skipping the rule evaluation as pre-existing violations are allowed";
    user_of_the_request: "validate: { message: '{{ request.userInfo.username }} {{ request.roles[0] }}', deny: {} }", create(POD) => "fail: alice default:editor";
    images_have_tags: "validate: { message: '{{ images.containers.c.tag }} {{ images.containers.c.name }} {{ images.containers.c.path }}', deny: {} }", create(POD) => "fail: latest nginx nginx";
    frozen_patterns_keep_new_values: "validate: { pattern: { metadata: { labels: { team: '{{ request.object.metadata.name }}' } } } }", update(POD, POD) => "skip: skipping the rule evaluation as pre-existing violations are allowed";
}

#[test]
fn a_config_map_is_loaded() {
    let mut view = TestView::default();
    view.config_maps.insert("default/c".to_owned(), yaml("{ data: { k: v }, metadata: { name: c } }"));
    let rule = "context: [{ name: c, configMap: { name: c } }]\nvalidate: { message: '{{ c.data.k }}', deny: {} }";
    assert_eq!(said_with(rule, &create(POD), &view), "fail: v");
}

#[test]
fn a_missing_mock_says_what_to_add() {
    let rule = "context: [{ name: c, apiCall: { urlPath: /api/v1/pods } }]\nvalidate: { deny: { conditions: { all: [{ key: '{{ c }}', operator: Equals, value: v }] } } }";
    let words = said(rule, &create(POD));
    assert!(words.contains("add it: `mocks: { apicalls: [{ urlpath: \"/api/v1/pods\""), "{words}");
}

#[test]
fn an_api_call_is_searched() {
    let mut view = TestView::default();
    view.api_calls.insert("/api/v1/namespaces/dev/pods".to_owned(), yaml("{ items: [1, 2] }"));
    let rule = "context: [{ name: c, apiCall: { urlPath: '/api/v1/namespaces/{{ request.namespace }}/pods', jmesPath: 'items | length(@)' } }]\nvalidate: { message: 'n {{ c }}', deny: {} }";
    assert_eq!(said_with(rule, &create(POD), &view), "fail: n 2");
}

#[test]
fn context_entries_that_have_no_value() {
    let with = |entry: &str| {
        said(
            format!(
                "context: [{{ name: c, {entry} }}]\nvalidate: {{ message: m, deny: {{ conditions: {{ all: [{{ key: '{{{{ c }}}}', operator: Equals, value: a }}] }} }} }}"
            ),
            &create(POD),
        )
    };
    for (entry, words) in [
        (
            "variable: { value: { k: null }, jmesPath: k }",
            "failed to add context entry for variable c since it evaluated to nil",
        ),
        (
            "variable: { jmesPath: request.object.metadata.labels.nope }",
            "failed to apply jmespath request.object.metadata.labels.nope",
        ),
        ("variable: { jmesPath: 'a.' }", "syntaxerror"),
        ("variable: { jmesPath: '{{ nope }}' }", "failed to substitute variables in context entry c {{ nope }}"),
        ("variable: { jmesPath: nope, default: '{{ nope }}' }", "failed to substitute variables in context entry c"),
        ("configMap: { name: '{{ nope }}' }", "failed to substitute variables in context c configmap.name {{ nope }}"),
        (
            "configMap: { name: m }",
            "failed to retrieve config map for context entry c: failed to get configmap default/m",
        ),
        (
            "apiCall: { urlPath: '/{{ nope }}' }",
            "failed to fetch data for apicall: failed to substitute variables in context entry c",
        ),
        ("apiCall: { method: GET }", "missing service for apicall c"),
        ("globalReference: { name: g }", "failed to fetch entry key=g"),
        ("imageRegistry: { reference: '{{ request.object.metadata }}' }", "image reference must be a string"),
    ] {
        let found = with(entry);
        assert!(found.starts_with("error: ") && found.contains(words), "{entry}: {found}");
    }
    assert_eq!(with("apiCall: { urlPath: /x, default: a }"), "fail: m");
    assert_eq!(with("variable: { value: b, default: a }"), "pass: validation rule 'r' passed.");
    assert!(with("nothing: {}").contains("failed to create deferred loader for context entry c"));
}

#[test]
fn a_namespaced_policy_reads_its_own_namespace() {
    let said = |entry: &str| {
        let mut own = policy(&format!(
            "context: [{{ name: c, {entry} }}]\nvalidate: {{ message: 'is {{{{ c }}}}', deny: {{ conditions: {{ all: [{{ key: '{{{{ c }}}}', operator: NotEquals, value: zz }}] }} }} }}"
        ));
        own.namespace = "dev".to_owned();
        let mut view = TestView::default();
        view.config_maps.insert("dev/m".to_owned(), yaml("{ data: { k: v } }"));
        view.api_calls.insert("/api/v1/namespaces/dev/pods".to_owned(), yaml("1"));
        validated(&own, &create(POD), &view, &[]).rules[0].message.clone()
    };
    assert_eq!(said("apiCall: { urlPath: /api/v1/namespaces/dev/pods }"), "is 1");
    assert!(
        said("apiCall: { urlPath: /api/v1/namespaces/x/pods }")
            .contains("refers to namespace x, which is different from the policy namespace dev")
    );
    assert!(said("apiCall: { urlPath: /api/v1/namespaces/dev/../x/pods }").contains("refers to namespace x"));
    assert!(said("apiCall: { urlPath: /api/v1/pods }").contains("does not contain a namespace segment"));
    assert_eq!(said("configMap: { name: m }"), "is {\"data\":{\"k\":\"v\"},\"metadata\":null}");
    assert!(
        said("configMap: { name: m, namespace: x }")
            .contains("configMap namespace \"x\" is different from policy namespace \"dev\"")
    );
}

#[test]
fn injected_values_stand_in_on_the_command_line() {
    let view = TestView { injected: vec![("c.data.k".to_owned(), "v".into())], ..TestView::default() };
    let rule = "context: [{ name: c, configMap: { name: c } }]\nvalidate: { message: '{{ c.data.k }}', deny: {} }";
    let request = create(POD);
    let cx = EvalCx { mode: Mode::Cli, ..cx(&request, &view, &[]) };
    assert_eq!(validate(&policy(rule), &cx).rules[0].message, "v");
}

#[test]
fn an_exception_lifts_the_rule() {
    let exception = |rules: &str, conditions: &str| {
        load::exception(yaml(&format!(
            "{{ apiVersion: kyverno.io/v2, kind: PolicyException, metadata: {{ name: e, namespace: x }}, spec: {{ exceptions: [{{ policyName: p, ruleNames: [{rules}] }}], match: {{ any: [{{ resources: {{ kinds: [ConfigMap] }} }}] }}, conditions: {conditions} }} }}"
        )))
        .unwrap()
    };
    let (request, view) = (create(BARE), TestView::default());
    let lifted = validated(&policy(TEAM), &request, &view, &[exception("'*'", "{ any: [] }")]);
    assert_eq!(lifted.rules[0].message, "rule is skipped due to policy exceptionsx/e");
    assert_eq!(lifted.rules[0].exceptions, ["x/e"]);
    let other_rule = validated(&policy(TEAM), &request, &view, &[exception("autogen-*", "{}")]);
    assert_eq!(other_rule.rules[0].status, Status::Fail);
    let broken = validated(
        &policy(TEAM),
        &request,
        &view,
        &[exception("r", "{ all: [{ key: '{{ nothing }}', operator: Equals, value: 1 }] }")],
    );
    assert_eq!(broken.rules[0].status, Status::Fail);
}

#[test]
fn a_policy_concerns_only_its_namespace() {
    let mut policy = policy(TEAM);
    policy.namespace = "prod".to_owned();
    assert!(validated(&policy, &create(BARE), &TestView::default(), &[]).rules.is_empty());
    policy.namespace = "dev".to_owned();
    assert_eq!(validated(&policy, &create(BARE), &TestView::default(), &[]).rules.len(), 1);
}

#[test]
fn one_rule_may_be_the_last() {
    let mut policy = policy(TEAM);
    policy.spec.rules.push(policy.spec.rules[0].clone());
    assert_eq!(validated(&policy, &create(BARE), &TestView::default(), &[]).rules.len(), 2);
    policy.spec.apply_rules = Some("One".to_owned());
    assert_eq!(validated(&policy, &create(BARE), &TestView::default(), &[]).rules.len(), 1);
}

#[test]
fn a_subresource_is_matched_by_its_parent() {
    let rule = format!("match: {{ any: [{{ resources: {{ kinds: [Pod/exec] }} }}] }}\n{}", deny("{}"));
    let mut request = create("{ apiVersion: v1, kind: PodExecOptions, metadata: { name: a } }");
    request.resource.resource = "pods".to_owned();
    assert_eq!(said(&rule, &request), "none");
    request.subresource = "exec".to_owned();
    assert_eq!(said(&rule, &request), "fail: no a");
}

#[test]
fn a_generate_rule_is_done_undone_or_skipped() {
    let rule = "preconditions: { all: [{ key: '{{ request.object.metadata.labels.team }}', operator: Equals, value: x }] }\ngenerate: { kind: ConfigMap, apiVersion: v1, name: g, namespace: dev, data: {} }";
    let status = |request: &AdmissionRequest| {
        background_checks(&policy(rule), &cx(request, &TestView::default(), &[])).rules.first().map(|rule| rule.status)
    };
    let other = POD.replace("team: x", "team: y");
    assert_eq!(status(&create(POD)), Some(Status::Pass));
    assert_eq!(status(&create(&other)), Some(Status::Skip));
    assert_eq!(status(&update(POD, &other)), Some(Status::Fail));
    assert_eq!(status(&delete(POD)), Some(Status::Fail));
}

fn find<'t>(nodes: &'t [TraceNode], kind: &str) -> Option<&'t TraceNode> {
    nodes.iter().find_map(|node| if node.kind == kind { Some(node) } else { find(&node.children, kind) })
}

#[test]
fn a_rule_that_does_not_match_says_why() {
    let rule = format!("match: {{ any: [{{ resources: {{ kinds: [Pod], namespaces: ['prod-*'] }} }}] }}\n{TEAM}");
    let verdict = validated(&policy(&rule), &create(POD), &TestView::default(), &[]);
    let clauses = &find(&verdict.trace, "filter").unwrap().children;
    let lines: Vec<_> = clauses.iter().map(|node| (node.text.as_str(), node.outcome)).collect();
    assert_eq!(lines, [("kinds: Pod, found v1/Pod", Outcome::Yes), ("namespaces: prod-*, found dev", Outcome::No)]);
    assert_eq!(clauses[1].at.as_deref(), Some("/spec/rules/0/match/any/0/resources/namespaces"));
}

#[test]
fn a_comparison_says_what_it_wanted_and_found() {
    let verdict = validated(&policy(TEAM), &create(BARE), &TestView::default(), &[]);
    let compare = find(&verdict.trace, "compare").unwrap();
    assert_eq!(compare.at.as_deref(), Some("/spec/rules/0/validate/pattern/metadata/labels"));
    assert_eq!(compare.looked_at.as_deref(), Some("/metadata/labels"));
}

#[test]
fn cel_rules_are_evaluated() {
    let rule = "validate: { message: m, cel: { expressions: [{ expression: 'object.metadata.name == \"b\"' }] } }";
    assert_eq!(said(rule, &create(POD)), "fail: m");
    assert_eq!(said(rule, &create(&POD.replace("name: a", "name: b"))), "pass: validation rule 'r' passed.");
    let skipped = format!("celPreconditions: [{{ name: c, expression: 'false' }}]\n{rule}");
    assert_eq!(said(skipped, &create(POD)), "skip: cel preconditions not met");
}

#[test]
fn match_conditions_of_the_webhook_are_asked_first() {
    let with = |expression: &str| {
        let mut policy = policy(TEAM);
        let condition = MatchCondition { name: "c".to_owned(), expression: expression.to_owned() };
        policy.spec.webhook_configuration =
            Some(WebhookConfiguration { match_conditions: vec![condition], ..WebhookConfiguration::default() });
        validated(&policy, &create(BARE), &TestView::default(), &[])
    };
    assert_eq!(with("object.metadata.name == 'a'").rules.len(), 1);
    let other = with("object.metadata.name == 'b'");
    assert!(other.rules.is_empty());
    assert_eq!(other.trace[0].at.as_deref(), Some("/spec/webhookConfiguration/matchConditions"));
    assert!(with("object.metadata.nothing == 'b'").rules.is_empty());
}

#[test]
fn variables_are_recorded_with_their_values() {
    let rule = "validate: { message: '{{ request.object.metadata.name }}', deny: {} }";
    let verdict = validated(&policy(rule), &create(POD), &TestView::default(), &[]);
    let variable = find(&verdict.trace, "variable").unwrap();
    assert_eq!((variable.text.as_str(), variable.found.clone()), ("request.object.metadata.name", Some("a".into())));
}

#[test]
fn a_cel_rule_may_default_an_optional_field() {
    let expression = "object.spec.?priority.orValue(0) == 0";
    let rule = format!("validate: {{ cel: {{ expressions: [{{ expression: '{expression}' }}] }} }}");
    assert_eq!(said(rule, &create(POD)), "pass: validation rule 'r' passed.");
}
