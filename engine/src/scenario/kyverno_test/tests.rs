//! One line per field of `kyverno-test.yaml` and of the files it names: what it does to the verdict.

use super::run;
use crate::scenario::files::MapFiles;
use crate::scenario::report::Outcome;

const POD: &str = "{apiVersion: v1, kind: Pod, metadata: {name: a, labels: {team: x}}, spec: {containers: [{name: c, image: nginx}]}}";
/// Passes where the label `team` is there.
const TEAM: &str = "{name: r, match: {any: [{resources: {kinds: [Pod]}}]}, validate: {message: m, pattern: {metadata: {labels: {team: '?*'}}}}}";

pub(super) fn policy(rules: &str) -> String {
    format!(
        "{{apiVersion: kyverno.io/v1, kind: ClusterPolicy, metadata: {{name: p}}, spec: {{background: false, rules: [{rules}]}}}}"
    )
}

/// A rule that fails where a condition on variables holds, for every Pod.
pub(super) fn deny(conditions: &str) -> String {
    format!("{{name: r, match: {{any: [{{resources: {{kinds: [Pod]}}}}]}}, {conditions}}}")
}

/// Runs a test: policy, resources, further fields of the test, results, further files. Gives its reason, or what was found.
pub(super) fn ran(
    policies: &str,
    resources: &str,
    fields: &str,
    results: &str,
    files: &[(&str, &str)],
) -> (Outcome, String) {
    let test = format!(
        "apiVersion: cli.kyverno.io/v1alpha1\nkind: Test\nmetadata: {{name: t}}\npolicies: [p.yaml]\nresources: [r.yaml]\n{fields}\nresults: [{results}]\n"
    );
    let own = [("p.yaml", policies), ("r.yaml", resources), ("kyverno-test.yaml", test.as_str())];
    let all = own.iter().chain(files).map(|(path, text)| (format!("t/{path}"), (*text).to_owned())).collect();
    let report = run::run(&MapFiles(all), "t/kyverno-test.yaml").remove(0);
    let found: Vec<_> = report.rows.into_iter().map(|row| format!("{}: {}", row.actual, row.reason)).collect();
    (report.status, if report.reason.is_empty() { found.join("\n") } else { report.reason })
}

/// As expected, and not because nothing was evaluated.
#[track_caller]
pub(super) fn passes(policies: &str, resources: &str, fields: &str, results: &str, files: &[(&str, &str)]) {
    let (status, reason) = ran(policies, resources, fields, results, files);
    assert_eq!(status, Outcome::Passed, "{reason}");
    assert!(!reason.contains("excluded: ") && !reason.contains("invalid policy: "), "{reason}");
}

/// As expected, because no rule answered: `excluded` or `invalid policy`.
#[track_caller]
pub(super) fn unasked(policies: &str, resources: &str, fields: &str, results: &str, word: &str) {
    let (status, reason) = ran(policies, resources, fields, results, &[]);
    assert_eq!(status, Outcome::Passed, "{reason}");
    assert!(reason.starts_with(word), "{reason}");
}

#[track_caller]
pub(super) fn fails(policies: &str, resources: &str, fields: &str, results: &str, words: &str) {
    let (status, reason) = ran(policies, resources, fields, results, &[]);
    assert_eq!(status, Outcome::Failed);
    assert!(reason.contains(words), "{reason}");
}

pub(super) fn result(word: &str) -> String {
    format!("{{policy: p, rule: r, resources: [a], kind: Pod, result: {word}}}")
}

#[test]
fn results_name_policies_rules_and_resources() {
    let team = policy(TEAM);
    let bare = POD.replace("team: x", "b: c");
    passes(&team, POD, "", &result("pass"), &[]);
    passes(&team, &bare, "", &result("fail"), &[]);
    fails(&team, &bare, "", &result("pass"), "Expected pass, got fail");
    passes(&team, POD, "", "{policy: any/p, rule: r, resources: [default/a], result: pass}", &[]);
    passes(&team, POD, "", "{policy: p, resources: [a], result: pass}", &[]);
    passes(&team, POD, "", "{policy: p, rule: r, result: pass}", &[]);
    // A resource that is not there means all of them.
    passes(&team, POD, "", "{policy: p, rule: r, resources: [nobody], result: pass}", &[]);
    passes(
        &team,
        POD,
        "",
        "{policy: p, rule: r, resources: [], resourceSpecs: [{version: v1, kind: Pod, namespace: default, name: a}], result: pass}",
        &[],
    );
    // A rule that did not match, or does not exist, is excluded: any expectation holds.
    unasked(&team, POD, "", "{policy: p, rule: other, resources: [a], result: fail}", "excluded");
    fails(&team, POD, "", "{policy: q, rule: r, resources: [a], result: pass}", "Not found");
}

#[test]
fn results_say_warn_where_a_policy_is_not_scored() {
    let team = policy(TEAM).replace("name: p}", "name: p, annotations: {policies.kyverno.io/scored: 'false'}}");
    passes(&team, &POD.replace("team: x", "b: c"), "", &result("warn"), &[]);
}

#[test]
fn a_policy_that_the_webhook_refuses_is_skipped() {
    let broken = policy(&TEAM.replace("pattern", "anyPattern: [], pattern"));
    unasked(&broken, POD, "", &result("fail"), "invalid policy");
    fails(&policy(&TEAM.replace("message", "mesage")), POD, "", &result("fail"), "unknown field");
}

#[test]
fn lists_of_policies_are_neither_checked_nor_completed() {
    let list = format!(
        "{{apiVersion: v1, kind: List, items: [{}]}}",
        policy(TEAM).replace("message: m", "message: m, unknown: 1")
    );
    passes(&list, POD, "", &result("pass"), &[]);
}

#[test]
fn a_list_among_the_resources_is_one_resource() {
    let list = format!("{{apiVersion: v1, kind: List, items: [{POD}]}}");
    unasked(&policy(TEAM), &list, "", "{policy: p, rule: r, resources: [a], result: fail}", "excluded");
}

#[test]
fn resources_have_several_documents_and_directories() {
    let two = format!("{POD}\n---\n# nothing\n---\n{}\n", POD.replace("name: a", "name: b"));
    passes(&policy(TEAM), &two, "", "{policy: p, rule: r, resources: [a, b], result: pass}", &[]);
    let (test, other) = ("{policy: p, rule: r, resources: [z], result: pass}", POD.replace("name: a", "name: z"));
    let files = [("d/z.yaml", other.as_str()), ("d/n.txt", "no yaml: [")];
    let text = format!(
        "apiVersion: x\nkind: Test\nmetadata: {{name: t}}\npolicies: [p.yaml]\nresources: [d]\nresults: [{test}]"
    );
    let files = files.iter().chain([&("p.yaml", "")]).map(|(path, text)| ((*path).to_owned(), (*text).to_owned()));
    let mut files: std::collections::BTreeMap<_, _> = files.collect();
    files.insert("p.yaml".into(), policy(TEAM));
    files.insert("kyverno-test.yaml".into(), text);
    assert_eq!(run::run(&MapFiles(files), "kyverno-test.yaml")[0].status, Outcome::Passed);
}

#[test]
fn the_namespace_of_a_resource_is_default_unless_its_kind_has_none() {
    let rule = |kind: &str, namespace: &str| {
        policy(&format!("{{name: r, match: {{any: [{{resources: {{kinds: ['*']}}}}]}}, validate: {{deny: {{conditions: {{all: [{{key: '{{{{ request.namespace }}}}', operator: NotEquals, value: '{namespace}'}}]}}}}}}}}"))
            .replace("'*'", kind)
    };
    passes(&rule("Pod", "default"), POD, "", &result("pass"), &[]);
    passes(&rule("Namespace", ""), "{apiVersion: v1, kind: Namespace, metadata: {name: a}}", "", &result("pass"), &[]);
    passes(&rule("Foo", "default"), "{apiVersion: x.io/v1, kind: Foo, metadata: {name: a}}", "", &result("pass"), &[]);
    // Kyverno's own kinds are not on the command line's list of kinds.
    let own = "{apiVersion: kyverno.io/v1, kind: ClusterPolicy, metadata: {name: a}}";
    passes(&rule("ClusterPolicy", "default"), own, "", &result("pass"), &[]);
}

/// Fails where `{{ KEY }}` is VALUE; `x` is the entry that values stand in for.
fn is(key: &str, value: &str) -> String {
    policy(&deny(&format!(
        "context: [{{name: x, configMap: {{name: x, namespace: default}}}}], validate: {{message: m, deny: {{conditions: {{all: [{{key: '{{{{ {key} }}}}', operator: Equals, value: {value}}}]}}}}}}"
    )))
}

#[test]
fn values_are_global_of_a_resource_and_of_a_rule() {
    let fails = result("fail");
    passes(&is("x.data.y", "z"), POD, "values: {globalValues: {x.data.y: z}}", &fails, &[]);
    passes(
        &is("x.data", "z"),
        POD,
        "values: {globalValues: {x.data: w}, policies: [{name: p, resources: [{name: a, values: {x.data: z}}]}]}",
        &fails,
        &[],
    );
    passes(
        &is("x.data", "w"),
        POD,
        "values: {globalValues: {x.data: w}, policies: [{name: q, resources: [{name: a, values: {x.data: z}}]}]}",
        &fails,
        &[],
    );
    passes(
        &is("x.data", "z"),
        POD,
        "values: {policies: [{name: p, rules: [{name: r, values: {x.data: z}}]}]}",
        &fails,
        &[],
    );
    passes(
        &is("x.data", "1"),
        POD,
        "values: {policies: [{name: p, rules: [{name: r, foreachValues: {x.data: [1, 2]}}]}]}",
        &fails,
        &[],
    );
    passes(&is("x.data.\"a.b/c\"", "z"), POD, "values: {globalValues: {'x.data.\"a.b/c\"': z}}", &fails, &[]);
    let file = "{apiVersion: cli.kyverno.io/v1alpha1, kind: Values, metadata: {name: v}, globalValues: {x.data: z}}";
    passes(&is("x.data", "z"), POD, "variables: v.yaml", &fails, &[("v.yaml", file)]);
    passes(
        &is("x.data", "w"),
        POD,
        "variables: v.yaml\nvalues: {globalValues: {x.data: w}}",
        &fails,
        &[("v.yaml", file)],
    );
}

#[test]
fn values_change_the_request() {
    let fails = result("fail");
    passes(
        &is("request.object.metadata.labels.team", "y"),
        POD,
        "values: {globalValues: {request.object.metadata.labels.team: y}}",
        &fails,
        &[],
    );
    let team = policy(TEAM);
    passes(
        &team,
        &POD.replace("team: x", "b: c"),
        "values: {globalValues: {request.object.metadata.labels.team: y}}",
        &result("pass"),
        &[],
    );
    passes(
        &is("request.oldObject.spec.x", "1"),
        POD,
        "values: {globalValues: {request.oldObject.spec.x: 1}}",
        &fails,
        &[],
    );
    passes(&is("request.operation", "CREATE"), POD, "", &fails, &[]);
    passes(
        &is("request.operation", "CONNECT"),
        POD,
        "values: {globalValues: {request.operation: CONNECT}}",
        &fails,
        &[],
    );
    passes(
        &is("request.oldObject.metadata.name", "a"),
        POD,
        "values: {globalValues: {request.operation: UPDATE}}",
        &fails,
        &[],
    );
    passes(
        &is("request.oldObject.spec.x", "1"),
        POD,
        "values: {globalValues: {request.operation: UPDATE, request.oldObject.spec.x: 1}}",
        &fails,
        &[],
    );
    // On DELETE the object of variables is the old one, and it has no namespace.
    passes(
        &is("request.object.metadata.name", "a"),
        POD,
        "values: {globalValues: {request.operation: DELETE}}",
        &fails,
        &[],
    );
    passes(&is("request.namespace", "''"), POD, "values: {globalValues: {request.operation: DELETE}}", &fails, &[]);
}

#[test]
fn an_expectation_may_name_its_operation() {
    let on = |operation: &str| format!("{{policy: p, rule: r, resources: [a], operation: {operation}, result: fail}}");
    passes(&is("request.operation", "UPDATE"), POD, "", &on("UPDATE"), &[]);
    passes(
        &is("request.operation", "DELETE"),
        POD,
        "values: {globalValues: {request.operation: UPDATE}}",
        &on("DELETE"),
        &[],
    );
    fails(&policy(TEAM), POD, "", &on("CONNECT"), "invalid operation");
    fails(
        &policy(TEAM),
        POD,
        "values: {globalValues: {request.operation: PATCH}}",
        &result("pass"),
        "invalid request.operation value",
    );
}

#[test]
fn namespaces_have_labels_from_values() {
    let selected = policy(&TEAM.replace("kinds: [Pod]", "kinds: [Pod], namespaceSelector: {matchLabels: {env: prod}}"));
    let bare = POD.replace("team: x", "b: c");
    passes(
        &selected,
        &bare,
        "values: {namespaceSelector: [{name: default, labels: {env: prod}}]}",
        &result("fail"),
        &[],
    );
    passes(
        &selected,
        &bare,
        "values: {namespaces: [{apiVersion: v1, kind: Namespace, metadata: {name: default, labels: {env: prod}}}], namespaceSelector: [{name: default}]}",
        &result("fail"),
        &[],
    );
    unasked(&selected, &bare, "", &result("pass"), "excluded");
}

#[test]
fn subresources_have_the_kind_of_their_parent() {
    let exec = policy(&deny("validate: {deny: {}}")).replace("[Pod]", "[Pod/exec]");
    let options = "{apiVersion: v1, kind: PodExecOptions, metadata: {name: a}, container: c}";
    let declared = "values: {subresources: [{subresource: {name: pods/exec, kind: PodExecOptions, version: v1}, parentResource: {name: pods, kind: Pod, version: v1}}]}";
    passes(&exec, options, declared, &result("fail"), &[]);
    unasked(&exec, options, "", &result("pass"), "excluded");
}

#[test]
fn a_user_is_known_only_from_a_file() {
    let user = "{apiVersion: cli.kyverno.io/v1alpha1, kind: UserInfo, metadata: {name: u}, clusterRoles: [admin], roles: ['x:y'], userInfo: {username: 'system:serviceaccount:ns:sa', groups: [g]}}";
    let of = |block: &str| {
        policy(
            &deny("validate: {deny: {}}")
                .replace("resources: {kinds: [Pod]}", &format!("resources: {{kinds: [Pod]}}, {block}")),
        )
    };
    let (with, fails) = ([("u.yaml", user)], result("fail"));
    for block in [
        "clusterRoles: [admin]",
        "roles: ['x:y']",
        "subjects: [{kind: Group, name: g}]",
        "subjects: [{kind: ServiceAccount, namespace: ns, name: sa}]",
        "subjects: [{kind: User, name: 'system:*'}]",
    ] {
        passes(&of(block), POD, "userinfo: u.yaml", &fails, &with);
    }
    // Another user is not matched, none at all is not asked for.
}

#[test]
fn canned_api_calls_are_made_at_once() {
    let with = |entry: &str| {
        policy(&deny(&format!(
            "context: [{entry}], validate: {{deny: {{conditions: {{all: [{{key: '{{{{ c }}}}', operator: Equals, value: 1}}]}}}}}}"
        )))
    };
    let canned = |fields: &str| format!("apiCallResponses: [{{{fields}}}]");
    let url = "{name: c, apiCall: {method: POST, data: [], service: {url: 'https://x.io/{{ request.object.metadata.name }}'}, jmesPath: count}}";
    passes(
        &with(url),
        POD,
        &canned("url: 'https://x.io/a', method: post, response: {body: {count: 1}}"),
        &result("fail"),
        &[],
    );
    passes(&with(url), POD, &canned("url: 'https://x.io/a', response: {body: {count: 1}}"), &result("fail"), &[]);
    passes(
        &with(url),
        POD,
        &canned("url: 'https://x.io/a', response: {statusCode: 404, body: {count: 1}}"),
        &result("error"),
        &[],
    );
    let path = "{name: c, apiCall: {urlPath: /api/v1/pods, jmesPath: count}}";
    passes(
        &with(path),
        POD,
        &canned("urlPath: /api/v1/pods, method: GET, response: {body: {count: 1}}"),
        &result("fail"),
        &[],
    );
    // Even one that no rule uses, and before the entries around it are known.
    let failing = canned("urlPath: /x, response: {statusCode: 500, body: {}}");
    passes(
        &with("{name: d, apiCall: {urlPath: /x}}, {name: c, variable: {value: 1}}"),
        POD,
        &failing,
        &result("error"),
        &[],
    );
    passes(
        &with(
            "{name: v, variable: {value: x}}, {name: d, apiCall: {urlPath: '/{{ v }}'}}, {name: c, variable: {value: 1}}",
        ),
        POD,
        &failing,
        &result("error"),
        &[],
    );
}

#[test]
fn canned_answers_are_checked() {
    for (fields, words) in [
        ("response: {body: {}}", "either url or urlPath is required"),
        ("url: 'http://x', urlPath: /x, response: {body: {}}", "mutually exclusive"),
        ("url: x, response: {body: {}}", "must be an absolute https/http URL"),
        ("urlPath: x, response: {body: {}}", "must be an absolute path starting with '/'"),
        ("urlPath: /x, method: PUT, response: {body: {}}", "method must be GET or POST"),
        ("urlPath: /x, response: {}", "response.body is required"),
        ("urlPath: /x, response: {body: []}", "response.body must be a JSON object"),
        ("urlPath: /x, response: {statusCode: 99, body: {}}", "must be between 100 and 599"),
        ("urlPath: /x, response: {body: {}}}, {urlPath: /x, response: {body: {}}", "duplicate entry"),
    ] {
        fails(&policy(TEAM), POD, &format!("apiCallResponses: [{{{fields}}}]"), &result("pass"), words);
    }
    for (fields, words) in [
        ("data: {}", "name is required"),
        ("name: g", "one of data, resources, or resourceFiles is required"),
        ("name: g, data: {}, resources: []", "mutually exclusive"),
        ("name: g, data: []", "data must be a JSON object"),
        ("name: g, resources: [1]", "must be a JSON object"),
        ("name: g, data: {}}, {name: g, data: {}", "duplicate name"),
        ("name: g, data: {}, projections: [{path: x}]", "projection name is required"),
        ("name: g, data: {}, projections: [{name: x}]", "path is required"),
        ("name: g, resourceFiles: [/x]", "must not be absolute"),
        ("name: g, resourceFiles: [../x]", "must not escape the test directory"),
    ] {
        fails(&policy(TEAM), POD, &format!("globalContextEntries: [{{{fields}}}]"), &result("pass"), words);
    }
}

#[test]
fn global_context_entries_are_data_manifests_or_files() {
    let with = |name: &str, path: &str| {
        policy(&deny(&format!(
            "context: [{{name: c, globalReference: {{name: {name}, jmesPath: '{path}'}}}}], validate: {{deny: {{conditions: {{all: [{{key: '{{{{ c }}}}', operator: Equals, value: 1}}]}}}}}}"
        )))
    };
    let entry = |fields: &str| format!("globalContextEntries: [{{name: g, {fields}}}]");
    let fails = result("fail");
    passes(&with("g", "count"), POD, &entry("data: {count: 1}"), &fails, &[]);
    passes(&with("g", "count"), POD, &entry("data: {d: {count: 1}}, fieldPath: d"), &fails, &[]);
    passes(&with("g.q", "@"), POD, &entry("data: {count: 1}, projections: [{name: q, path: count}]"), &fails, &[]);
    passes(&with("g", "length(@)"), POD, &entry(&format!("resources: [{POD}]")), &fails, &[]);
    passes(&with("g", "length(@)"), POD, &entry("resourceFiles: [pods.yaml]"), &fails, &[("pods.yaml", POD)]);
    passes(&with("h", "count"), POD, &entry("data: {count: 1}"), &result("error"), &[]);
}

const LABEL: &str = "{name: r, match: {any: [{resources: {kinds: [Pod]}}]}, mutate: {patchStrategicMerge: {metadata: {labels: {made: 'yes'}}}}}";

#[test]
fn patched_resources_are_compared() {
    let patched = POD.replace("team: x", "team: x, made: 'yes'");
    let expects = "{policy: p, rule: r, resources: [a], patchedResources: m.yaml, result: pass}";
    passes(&policy(LABEL), POD, "", expects, &[("m.yaml", &patched)]);
    let two = format!("{}\n---\n{patched}", patched.replace("name: a", "name: b"));
    passes(&policy(LABEL), POD, "", expects, &[("m.yaml", &two)]);
    let (_, reason) = ran(&policy(LABEL), POD, "", expects, &[("m.yaml", POD)]);
    assert!(reason.contains("PatchedResources differs at .metadata.labels.made"), "{reason}");
    // A resource that the file does not have is passed over, unless the test says otherwise.
    let other = patched.replace("name: a", "name: b");
    passes(&policy(LABEL), POD, "", expects, &[("m.yaml", &other)]);
    let strict = expects.replace("result:", "failOnMissingResources: true, result:");
    let (_, reason) = ran(&policy(LABEL), POD, "", &strict, &[("m.yaml", &other)]);
    assert!(reason.contains("resource with name a not found in manifest"), "{reason}");
}

#[test]
fn target_resources_are_mutated_for_their_trigger() {
    let rule = "{name: r, match: {any: [{resources: {kinds: [Pod]}}]}, mutate: {targets: [{apiVersion: v1, kind: Secret, name: s, namespace: default}], patchStrategicMerge: {metadata: {labels: {made: 'yes'}}}}}";
    let secret = "{apiVersion: v1, kind: Secret, metadata: {name: s, namespace: default}}";
    let patched = "{apiVersion: v1, kind: Secret, metadata: {name: s, namespace: default, labels: {made: 'yes'}}}";
    let expects = "{policy: p, rule: r, resources: [s], patchedResources: m.yaml, result: pass}";
    passes(&policy(rule), POD, "targetResources: [s.yaml]", expects, &[("s.yaml", secret), ("m.yaml", patched)]);
}

#[test]
fn generated_resources_are_compared() {
    let rule = "{name: r, match: {any: [{resources: {kinds: [Pod]}}]}, generate: {apiVersion: v1, kind: ConfigMap, name: g, namespace: default, data: {data: {k: v}}}}";
    let made = "{apiVersion: v1, kind: ConfigMap, metadata: {name: g, namespace: default}, data: {k: v}}";
    let expects = |field: &str| format!("{{policy: p, rule: r, resources: [a], {field}, result: pass}}");
    passes(&policy(rule), POD, "", &expects("generatedResource: g.yaml"), &[("g.yaml", made)]);
    passes(
        &policy(rule),
        POD,
        "",
        &expects("generatedResources: [h.yaml, g.yaml]"),
        &[("g.yaml", made), ("h.yaml", POD)],
    );
    let (_, reason) = ran(
        &policy(rule),
        POD,
        "",
        &expects("generatedResource: g.yaml"),
        &[("g.yaml", &made.replace("k: v", "k: w"))],
    );
    assert!(reason.contains("GeneratedResource differs at .data.k"), "{reason}");
}

#[test]
fn clones_have_their_source_in_a_file() {
    let rule = |body: &str| {
        policy(&format!(
            "{{name: r, match: {{any: [{{resources: {{kinds: [Namespace]}}}}]}}, generate: {{namespace: '{{{{ request.object.metadata.name }}}}', {body}}}}}"
        ))
    };
    let secret =
        "{apiVersion: v1, kind: Secret, metadata: {name: s, namespace: default, labels: {c: d}}, data: {k: dg==}}";
    let cloned = secret.replace("namespace: default", "namespace: a");
    let namespace = "{apiVersion: v1, kind: Namespace, metadata: {name: a}}";
    let expects =
        "{policy: p, rule: r, resources: [a], cloneSourceResource: s.yaml, generatedResource: g.yaml, result: pass}";
    let files = [("s.yaml", secret), ("g.yaml", cloned.as_str())];
    passes(
        &rule("apiVersion: v1, kind: Secret, name: s, clone: {namespace: default, name: s}"),
        namespace,
        "",
        expects,
        &files,
    );
    passes(
        &rule("cloneList: {namespace: default, kinds: [v1/Secret], selector: {matchLabels: {c: d}}}"),
        namespace,
        "",
        expects,
        &files,
    );
}

#[test]
fn what_one_rule_made_is_there_for_the_next() {
    let rule = |name: &str, value: &str| {
        format!(
            "{{name: {name}, match: {{any: [{{resources: {{kinds: [Pod]}}}}]}}, generate: {{apiVersion: v1, kind: ConfigMap, name: g, namespace: default, data: {{data: {{k: {value}}}}}}}}}"
        )
    };
    let made = "{apiVersion: v1, kind: ConfigMap, metadata: {name: g, namespace: default}, data: {k: v}}";
    let expects =
        |rule: &str| format!("{{policy: p, rule: {rule}, resources: [a], generatedResource: g.yaml, result: pass}}");
    let both = policy(&format!("{}, {}", rule("r", "v"), rule("s", "w")));
    passes(&both, POD, "", &expects("r"), &[("g.yaml", made)]);
    // The second finds it there: only its status is compared.
    passes(&both, POD, "", &expects("s"), &[("g.yaml", made)]);
}

#[test]
fn a_deleted_object_is_empty_behind_a_mutation() {
    let rules = format!(
        "{LABEL}, {}",
        TEAM.replace("name: r", "name: v").replace("pattern: {metadata: {labels: {team: '?*'}}}", "deny: {}")
    );
    let expects = |rule: &str, result: &str| {
        format!("{{policy: p, rule: {rule}, resources: [a], operation: DELETE, result: {result}}}")
    };
    // The mutate pass leaves nothing to validate: the rule is excluded.
    unasked(&policy(&rules), POD, "", &expects("v", "pass"), "excluded");
    passes(&policy(&deny("validate: {deny: {}}")), POD, "", &expects("r", "fail"), &[]);
}

#[test]
fn the_test_file_itself_is_read_strictly() {
    fails(&policy(TEAM), POD, "nope: 1", &result("pass"), "unknown field `nope`");
    fails(&policy(TEAM), POD, "name: old", &result("pass"), "deprecated schema");
    fails(&policy(TEAM), POD, "variables: nope.yaml", &result("pass"), "no such file");
    fails(&policy(TEAM), POD, "exceptions: [nope.yaml]", &result("pass"), "no such file");
    fails("{", POD, "", &result("pass"), "p.yaml:2");
    fails(&policy(TEAM), "a: b: c", "", &result("pass"), "r.yaml:1");
    passes(
        &policy(TEAM),
        POD,
        "Values: {globalValues: {a: b}}",
        "{Policy: p, RULE: r, resources: [a], result: pass}",
        &[],
    );
    passes(&policy(TEAM), POD, "values: null\nexceptions: null", &result("pass"), &[]);
}
