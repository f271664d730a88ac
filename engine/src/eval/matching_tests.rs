//! One line per rule of `match` and `exclude`: does the rule apply? (`pkg/engine/utils/match.go`, `pkg/utils/kube/kind.go`, `pkg/utils/match`)

use crate::eval::request::AdmissionRequest;
use crate::eval::testing::{TestView, create, delete, policy, update, validated, yaml};

const POD: &str = "{ apiVersion: v1, kind: Pod, metadata: { name: web-1, namespace: dev, labels: { app: web, tier: front }, annotations: { a/b: c } } }";
const GENERATED: &str = "{ apiVersion: v1, kind: Pod, metadata: { generateName: web-, namespace: dev } }";
const DEPLOYMENT: &str = "{ apiVersion: apps/v1, kind: Deployment, metadata: { name: d, namespace: dev } }";
const NAMESPACE: &str = "{ apiVersion: v1, kind: Namespace, metadata: { name: dev, labels: { env: test } } }";
const ROLE: &str = "{ apiVersion: rbac.authorization.k8s.io/v1, kind: ClusterRole, metadata: { name: r } }";

fn applies_with(rule: &str, request: &AdmissionRequest, view: &TestView) -> bool {
    let rule = format!("{rule}\nvalidate: {{ deny: {{}} }}");
    !validated(&policy(&rule), request, view, &[]).rules.is_empty()
}

macro_rules! cases {
    ($($name:ident: $block:literal, $request:expr => $wanted:literal;)*) => { $(
        #[test]
        fn $name() {
            assert_eq!(applies_with($block, &$request, &TestView::default()), $wanted);
        }
    )* };
}

macro_rules! kinds {
    ($($name:ident: $kinds:literal, $object:expr => $wanted:literal;)*) => { $(
        #[test]
        fn $name() {
            let block = format!("match: {{ any: [{{ resources: {{ kinds: [{}] }} }}] }}", $kinds);
            assert_eq!(applies_with(&block, &create($object), &TestView::default()), $wanted);
        }
    )* };
}

kinds! {
    kind: "Pod", POD => true;
    kind_in_another_case: "pod", POD => false;
    kind_with_wildcard: "'P*'", POD => true;
    kind_with_question_mark: "'Po?'", POD => true;
    every_kind: "'*'", POD => true;
    every_kind_and_subresource: "'*/*'", POD => true;
    version_and_kind: "v1/Pod", POD => true;
    other_version_and_kind: "v2/Pod", POD => false;
    any_version_and_kind: "'*/Deployment'", DEPLOYMENT => true;
    version_of_a_group: "v1/Deployment", DEPLOYMENT => true;
    group_version_kind: "apps/v1/Deployment", DEPLOYMENT => true;
    group_with_wildcard: "'*apps*/*/Deployment'", DEPLOYMENT => true;
    other_group: "batch/v1/Deployment", DEPLOYMENT => false;
    the_core_group_has_no_name: "core/v1/Pod", POD => false;
    a_leading_star_is_a_version: "'*/*/Pod'", POD => false;
    a_dot_is_a_subresource_too: "Pod.status", POD => false;
    a_lower_case_word_after_a_star_is_a_subresource: "'*/pod'", POD => false;
    five_parts_match_nothing: "a/b/c/d/Pod", POD => false;
    beta_version: "v1beta1/Deployment", DEPLOYMENT => false;
    a_subresource_is_another_thing: "Pod/status", POD => false;
    several_kinds: "Secret, Pod", POD => true;
    a_group_with_dots: "rbac.authorization.k8s.io/v1/ClusterRole", ROLE => true;
}

cases! {
    no_match_by_name: "match: { any: [{ resources: { kinds: [Pod], name: web-2 } }] }", create(POD) => false;
    name_with_wildcard: "match: { any: [{ resources: { kinds: [Pod], name: 'web-?' } }] }", create(POD) => true;
    names_are_alternatives: "match: { any: [{ resources: { kinds: [Pod], names: [x, 'web-*'] } }] }", create(POD) => true;
    the_generated_name_stands_in: "match: { any: [{ resources: { kinds: [Pod], names: ['web-*'] } }] }", create(GENERATED) => true;
    the_generated_name_is_no_whole_name: "match: { any: [{ resources: { kinds: [Pod], names: [web-1] } }] }", create(GENERATED) => false;
    namespaces_are_alternatives: "match: { any: [{ resources: { kinds: [Pod], namespaces: [prod, 'd?v'] } }] }", create(POD) => true;
    a_namespace_is_compared_by_its_name: "match: { any: [{ resources: { kinds: [Namespace], namespaces: [dev] } }] }", create(NAMESPACE) => true;
    a_cluster_object_is_in_no_namespace: "match: { any: [{ resources: { kinds: [ClusterRole], namespaces: ['?*'] } }] }", create(ROLE) => false;
    annotations_match_key_and_value: "match: { any: [{ resources: { kinds: [Pod], annotations: { 'a/*': 'c*' } } }] }", create(POD) => true;
    every_annotation_must_match: "match: { any: [{ resources: { kinds: [Pod], annotations: { a/b: c, x: y } } }] }", create(POD) => false;
    labels: "match: { any: [{ resources: { kinds: [Pod], selector: { matchLabels: { app: web } } } }] }", create(POD) => true;
    labels_with_wildcard_values: "match: { any: [{ resources: { kinds: [Pod], selector: { matchLabels: { app: 'w*' } } } }] }", create(POD) => true;
    labels_with_wildcard_keys: "match: { any: [{ resources: { kinds: [Pod], selector: { matchLabels: { 'a*': '?*' } } } }] }", create(POD) => true;
    a_wildcard_without_a_label: "match: { any: [{ resources: { kinds: [Pod], selector: { matchLabels: { '*': '*' } } } }] }", create(GENERATED) => false;
    expressions_in: "match: { any: [{ resources: { kinds: [Pod], selector: { matchExpressions: [{ key: app, operator: In, values: [web] }] } } }] }", create(POD) => true;
    expressions_know_no_wildcards: "match: { any: [{ resources: { kinds: [Pod], selector: { matchExpressions: [{ key: app, operator: In, values: ['w*'] }] } } }] }", create(POD) => false;
    expressions_exist: "match: { any: [{ resources: { kinds: [Pod], selector: { matchExpressions: [{ key: app, operator: Exists }] } } }] }", create(POD) => true;
    expressions_do_not_exist: "match: { any: [{ resources: { kinds: [Pod], selector: { matchExpressions: [{ key: app, operator: DoesNotExist }] } } }] }", create(POD) => false;
    not_in_takes_missing_keys: "match: { any: [{ resources: { kinds: [Pod], selector: { matchExpressions: [{ key: zone, operator: NotIn, values: [a] }] } } }] }", create(POD) => true;
    all_parts_of_a_filter_must_match: "match: { any: [{ resources: { kinds: [Pod], names: ['web-*'], namespaces: [prod] } }] }", create(POD) => false;
    any_is_one_of: "match: { any: [{ resources: { kinds: [Secret] } }, { resources: { kinds: [Pod] } }] }", create(POD) => true;
    all_is_every_one: "match: { all: [{ resources: { kinds: [Pod] } }, { resources: { kinds: [Pod], names: [x] } }] }", create(POD) => false;
    all_that_match: "match: { all: [{ resources: { kinds: [Pod] } }, { resources: { kinds: [Pod], names: ['web-*'] } }] }", create(POD) => true;
    direct: "match: { resources: { kinds: [Pod] } }", create(POD) => true;
    any_wins_over_direct: "match: { any: [{ resources: { kinds: [Secret] } }], resources: { kinds: [Pod] } }", create(POD) => false;
    operations: "match: { any: [{ resources: { kinds: [Pod], operations: [CREATE] } }] }", create(POD) => true;
    operations_of_an_update: "match: { any: [{ resources: { kinds: [Pod], operations: [CREATE, DELETE] } }] }", update(POD, POD) => false;
    a_delete_is_matched_by_the_old_object: "match: { any: [{ resources: { kinds: [Pod], names: ['web-*'], operations: [DELETE] } }] }", delete(POD) => true;
    roles_are_exact: "match: { any: [{ resources: { kinds: [Pod] }, roles: ['default:*'] }] }", create(POD) => false;
    roles_of_the_user: "match: { any: [{ resources: { kinds: [Pod] }, roles: ['x:y', 'default:editor'] }] }", create(POD) => true;
    cluster_roles_of_nobody: "match: { any: [{ resources: { kinds: [Pod] }, clusterRoles: [admin] }] }", create(POD) => false;
    users_with_wildcards: "match: { any: [{ resources: { kinds: [Pod] }, subjects: [{ kind: User, name: 'al*' }] }] }", create(POD) => true;
    groups_are_not_users: "match: { any: [{ resources: { kinds: [Pod] }, subjects: [{ kind: User, name: devs }] }] }", create(POD) => false;
    a_user_is_no_service_account: "match: { any: [{ resources: { kinds: [Pod] }, subjects: [{ kind: ServiceAccount, name: alice, namespace: dev }] }] }", create(POD) => false;
    user_and_resource_must_match: "match: { any: [{ resources: { kinds: [Pod], names: [x] }, subjects: [{ kind: User, name: alice }] }] }", create(POD) => false;
    exclude_any: "exclude: { any: [{ resources: { names: ['web-*'] } }] }", create(POD) => false;
    exclude_other: "exclude: { any: [{ resources: { names: [x] } }] }", create(POD) => true;
    exclude_all_of_two: "exclude: { all: [{ resources: { names: ['web-*'] } }, { resources: { namespaces: [dev] } }] }", create(POD) => false;
    exclude_direct: "exclude: { resources: { namespaces: [dev] } }", create(POD) => false;
    exclude_by_operation: "exclude: { any: [{ resources: { operations: [CREATE] } }] }", create(POD) => false;
    exclude_by_user: "exclude: { any: [{ subjects: [{ kind: User, name: alice }] }] }", create(POD) => false;
    exclude_by_annotation: "exclude: { any: [{ resources: { annotations: { a/b: c } } }] }", create(POD) => false;
}

#[test]
fn a_service_account_is_a_user_name() {
    let block = "match: { any: [{ resources: { kinds: [Pod] }, subjects: [{ kind: ServiceAccount, name: 'build*', namespace: ci }] }] }";
    let mut request = create(POD);
    assert!(!applies_with(block, &request, &TestView::default()));
    request.user.username = "system:serviceaccount:ci:builder".to_owned();
    assert!(applies_with(block, &request, &TestView::default()));
}

#[test]
fn a_namespace_selector_reads_the_labels_of_the_namespace() {
    let block = "match: { any: [{ resources: { kinds: [Pod, Namespace, ClusterRole], namespaceSelector: { matchLabels: { env: 't*' } } } }] }";
    let mut view = TestView::default();
    assert!(!applies_with(block, &create(POD), &view));
    view.namespace_labels.insert("env".to_owned(), "test".to_owned());
    assert!(applies_with(block, &create(POD), &view));
    assert!(!applies_with(block, &create(NAMESPACE), &view), "a Namespace never matches a namespaceSelector");
}

#[test]
fn without_a_user_a_filter_of_users_only_is_empty() {
    let block = "match: { any: [{ resources: { kinds: [Pod] }, subjects: [{ kind: User, name: alice }] }] }";
    let nobody = AdmissionRequest::create(yaml(POD), Default::default());
    assert!(applies_with(block, &nobody, &TestView::default()), "the user is not looked at");
    let only = "match: { any: [{ subjects: [{ kind: User, name: alice }] }] }";
    assert!(!applies_with(only, &nobody, &TestView::default()));
    let excluded = "exclude: { any: [{ subjects: [{ kind: User, name: alice }] }] }";
    assert!(applies_with(excluded, &nobody, &TestView::default()));
}
