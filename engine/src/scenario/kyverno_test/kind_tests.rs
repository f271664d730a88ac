//! One line per kind of resource, policy and exception: what the runner makes of them.

use super::tests::{deny, fails, passes, policy, ran, result, unasked};

const BARE: &str = "spec: {containers: [{name: c, image: nginx}]}";

/// A controller of the kind around a pod with this text.
fn controller(kind: &str, pod: &str) -> String {
    let (api, spec) = match kind {
        "Pod" => ("v1", pod.to_owned()),
        "CronJob" => {
            ("batch/v1", format!("spec: {{schedule: '* * * * *', jobTemplate: {{spec: {{template: {{{pod}}}}}}}}}"))
        }
        "Job" => ("batch/v1", format!("spec: {{template: {{{pod}}}}}")),
        "ReplicationController" => ("v1", format!("spec: {{template: {{{pod}}}}}")),
        _ => ("apps/v1", format!("spec: {{template: {{{pod}}}}}")),
    };
    format!("{{apiVersion: {api}, kind: {kind}, metadata: {{name: a}}, {spec}}}")
}

const KINDS: [&str; 8] =
    ["Pod", "DaemonSet", "Deployment", "Job", "StatefulSet", "ReplicaSet", "ReplicationController", "CronJob"];

#[test]
fn every_pod_controller_has_its_autogen_rule() {
    for kind in KINDS {
        for (body, good, bad) in [
            ("pattern: {spec: {containers: [{image: 'a*'}]}}", BARE.replace("nginx", "alpine"), BARE.to_owned()),
            (
                "anyPattern: [{spec: {hostPID: true}}, {spec: {containers: [{image: 'a*'}]}}]",
                BARE.replace("nginx", "alpine"),
                BARE.to_owned(),
            ),
            (
                "deny: {conditions: {all: [{key: '{{ request.object.spec.containers[].image }}', operator: AnyIn, value: ['n*']}]}}",
                BARE.replace("nginx", "alpine"),
                BARE.to_owned(),
            ),
            (
                "foreach: [{list: 'request.object.spec.containers', deny: {conditions: {all: [{key: '{{ element.image }}', operator: Equals, value: nginx}]}}}]",
                BARE.replace("nginx", "alpine"),
                BARE.to_owned(),
            ),
            (
                "foreach: [{list: 'request.object.spec.containers', pattern: {image: 'a*'}}]",
                BARE.replace("nginx", "alpine"),
                BARE.to_owned(),
            ),
            ("podSecurity: {level: baseline}", BARE.to_owned(), BARE.replace("spec: {", "spec: {hostPID: true, ")),
            (
                "cel: {expressions: [{expression: 'object.spec.containers.all(c, c.image.startsWith(\"a\"))'}]}",
                BARE.replace("nginx", "alpine"),
                BARE.to_owned(),
            ),
        ] {
            let policy = policy(&deny(&format!("validate: {{message: m, {body}}}")));
            passes(&policy, &controller(kind, &good), "", &result("pass"), &[]);
            passes(&policy, &controller(kind, &bad), "", &result("fail"), &[]);
        }
        let label = policy(
            "{name: r, match: {any: [{resources: {kinds: [Pod]}}]}, mutate: {patchStrategicMerge: {spec: {hostPID: true}}}}",
        );
        let expects = "{policy: p, rule: r, resources: [a], patchedResources: m.yaml, failOnMissingResources: true, result: pass}";
        let patched = controller(kind, &BARE.replace("spec: {", "spec: {hostPID: true, "));
        passes(&label, &controller(kind, BARE), "", expects, &[("m.yaml", &patched)]);
    }
    unasked(
        &policy(&deny("validate: {deny: {}}")),
        "{apiVersion: v1, kind: Service, metadata: {name: a}}",
        "",
        &result("fail"),
        "excluded",
    );
}

#[test]
fn the_annotation_limits_autogen() {
    let with = |word: &str| {
        policy(&deny("validate: {deny: {}}")).replace(
            "name: p}",
            &format!("name: p, annotations: {{pod-policies.kyverno.io/autogen-controllers: '{word}'}}}}"),
        )
    };
    passes(&with("Deployment,Job"), &controller("Job", BARE), "", &result("fail"), &[]);
    unasked(&with("Deployment,Job"), &controller("DaemonSet", BARE), "", &result("fail"), "excluded");
    unasked(&with("none"), &controller("Deployment", BARE), "", &result("fail"), "excluded");
    passes(&with("none"), &controller("Pod", BARE), "", &result("fail"), &[]);
}

#[test]
fn an_autogen_rule_may_be_named() {
    let rule = policy(&deny("validate: {deny: {}}"));
    let named = |name: &str| format!("{{policy: p, rule: {name}, resources: [a], result: fail}}");
    passes(&rule, &controller("Deployment", BARE), "", &named("autogen-r"), &[]);
    passes(&rule, &controller("CronJob", BARE), "", &named("autogen-cronjob-r"), &[]);
    unasked(&rule, &controller("Deployment", BARE), "", &named("autogen-cronjob-r"), "excluded");
}

#[test]
fn a_policy_concerns_its_own_namespace() {
    let own = policy(&deny("validate: {deny: {}}"))
        .replace("kind: ClusterPolicy, metadata: {name: p}", "kind: Policy, metadata: {name: p, namespace: dev}");
    let pod = controller("Pod", BARE);
    passes(&own, &pod.replace("name: a}", "name: a, namespace: dev}"), "", &result("fail"), &[]);
    passes(
        &own,
        &pod.replace("name: a}", "name: a, namespace: dev}"),
        "",
        &result("fail").replace("policy: p", "policy: dev/p"),
        &[],
    );
    unasked(&own, &pod, "", &result("fail"), "excluded");
    // Without a namespace it is one of default.
    passes(&own.replace(", namespace: dev", ""), &pod, "", &result("fail"), &[]);
    unasked(&own, "{apiVersion: v1, kind: Namespace, metadata: {name: a}}", "", &result("fail"), "excluded");
}

#[test]
fn the_second_version_of_policies() {
    let newer = policy(&deny("preconditions: {all: [{key: a, operator: Equals, value: a}]}, validate: {deny: {conditions: {any: [{key: a, operator: Equals, value: a}]}}}")).replace("kyverno.io/v1,", "kyverno.io/v2beta1,");
    passes(&newer, &controller("Pod", BARE), "", &result("fail"), &[]);
    passes(
        &newer.replace("preconditions: {all: [{key: a,", "preconditions: {all: [{key: b,"),
        &controller("Deployment", BARE),
        "",
        &result("skip"),
        &[],
    );
    let direct =
        deny("validate: {deny: {}}").replace("any: [{resources: {kinds: [Pod]}}]", "resources: {kinds: [Pod]}");
    let direct = policy(&direct).replace("kyverno.io/v1,", "kyverno.io/v2beta1,");
    fails(&direct, &controller("Pod", BARE), "", &result("fail"), "unknown field");
}

#[test]
fn old_spellings() {
    let pod = controller("Pod", BARE);
    let rule = "{name: r, match: {resources: {kinds: [Pod]}}, preconditions: [{key: a, operator: Equal, value: a}], validate: {message: m, deny: {conditions: [{key: a, operator: In, value: [a]}, {key: b, operator: NotIn, value: [a]}]}}}";
    passes(
        &policy(rule).replace("spec: {", "spec: {validationFailureAction: enforce, "),
        &pod,
        "",
        &result("fail"),
        &[],
    );
    passes(&policy(&rule.replace("operator: Equal,", "operator: NotEqual,")), &pod, "", &result("skip"), &[]);
    passes(&policy(&rule.replace("kinds: [Pod]", "kinds: [Pod], name: 'a*'")), &pod, "", &result("fail"), &[]);
}

#[test]
fn only_the_first_rule_that_applies() {
    let rules =
        format!("{}, {}", deny("validate: {deny: {}}").replace("name: r", "name: first"), deny("validate: {deny: {}}"));
    let one = policy(&rules).replace("spec: {", "spec: {applyRules: One, ");
    unasked(&one, &controller("Pod", BARE), "", &result("fail"), "excluded");
    passes(&policy(&rules), &controller("Pod", BARE), "", &result("fail"), &[]);
}

/// What an exception with these fields makes of a rule that fails for the pod `a`.
fn excepted(rule: &str, fields: &str, pod: &str) -> String {
    let exception = format!(
        "{{apiVersion: kyverno.io/v2, kind: PolicyException, metadata: {{name: e, namespace: x}}, spec: {{{fields}}}}}"
    );
    let (_, said) = ran(rule, pod, "exceptions: [e.yaml]", &result("skip"), &[("e.yaml", &exception)]);
    match said.split_once("got ") {
        Some((_, rest)) => rest.split(':').next().unwrap_or_default().to_owned(),
        None => said.split(':').next().unwrap_or_default().to_owned(),
    }
}

#[test]
fn exceptions_have_these_fields() {
    let (rule, pod) = (policy(&deny("validate: {deny: {}}")), controller("Pod", BARE));
    let said = |fields: &str| excepted(&rule, fields, &pod);
    let all = "match: {any: [{resources: {kinds: [Pod]}}]}";
    let of = |names: &str| format!("exceptions: [{{policyName: p, ruleNames: [{names}]}}]");
    assert_eq!(said(&format!("{all}, {}", of("r"))), "skip");
    assert_eq!(said(&format!("{all}, {}", of("'*'"))), "skip");
    assert_eq!(said(&format!("{all}, {}", of("'r?'"))), "fail");
    assert_eq!(said(&format!("{all}, exceptions: [{{policyName: q, ruleNames: [r]}}]")), "fail");
    assert_eq!(said(&format!("match: {{all: [{{resources: {{kinds: [Pod], names: ['a*']}}}}]}}, {}", of("r"))), "skip");
    assert_eq!(
        said(&format!("match: {{any: [{{resources: {{kinds: [Pod], namespaces: [prod]}}}}]}}, {}", of("r"))),
        "fail"
    );
    // Operations are not looked at.
    assert_eq!(
        said(&format!("match: {{any: [{{resources: {{kinds: [Pod], operations: [UPDATE]}}}}]}}, {}", of("r"))),
        "skip"
    );
    let condition = |value: &str| {
        format!(
            "conditions: {{all: [{{key: '{{{{ request.object.metadata.name }}}}', operator: Equals, value: {value}}}]}}"
        )
    };
    assert_eq!(said(&format!("{all}, {}, {}", of("r"), condition("a"))), "skip");
    assert_eq!(said(&format!("{all}, {}, {}", of("r"), condition("b"))), "fail");
    assert_eq!(said(&format!("background: false, {all}, {}", of("r"))), "skip");
    // A controller needs the name of its generated rule.
    let deployment = controller("Deployment", BARE);
    let kinds = "match: {any: [{resources: {kinds: [Pod, Deployment]}}]}";
    assert_eq!(excepted(&rule, &format!("{kinds}, {}", of("r")), &deployment), "fail");
    assert_eq!(excepted(&rule, &format!("{kinds}, {}", of("r, autogen-r")), &deployment), "skip");
    assert_eq!(excepted(&rule, &format!("{kinds}, {}", of("'*r'")), &deployment), "skip");
}

#[test]
fn exceptions_relax_controls_of_pod_security() {
    let rule = policy(&deny("validate: {podSecurity: {level: baseline}}"));
    let pod = controller("Pod", &BARE.replace("image: nginx", "image: nginx, securityContext: {privileged: true}"));
    let with = |controls: &str| {
        excepted(
            &rule,
            &format!(
                "match: {{any: [{{resources: {{kinds: [Pod]}}}}]}}, exceptions: [{{policyName: p, ruleNames: [r]}}], podSecurity: [{controls}]"
            ),
            &pod,
        )
    };
    assert_eq!(with("{controlName: Privileged Containers, images: ['*']}"), "skip");
    assert_eq!(with("{controlName: Privileged Containers, images: ['busybox*']}"), "fail");
    assert_eq!(with("{controlName: Host Ports, images: ['*']}"), "fail");
    assert_eq!(
        with(
            "{controlName: Privileged Containers, images: ['*'], restrictedField: 'spec.containers[*].securityContext.privileged', values: ['true']}"
        ),
        "skip"
    );
}

#[test]
fn exceptions_lift_mutation_generation_and_deletion() {
    let exception = "match: {any: [{resources: {kinds: [Pod]}}]}, exceptions: [{policyName: p, ruleNames: [r]}]";
    let mutate = "{name: r, match: {any: [{resources: {kinds: [Pod]}}]}, mutate: {patchStrategicMerge: {metadata: {labels: {a: b}}}}}";
    let generate = "{name: r, match: {any: [{resources: {kinds: [Pod]}}]}, generate: {apiVersion: v1, kind: ConfigMap, name: g, namespace: default, data: {data: {k: v}}}}";
    let each = "{name: r, match: {any: [{resources: {kinds: [Pod]}}]}, validate: {foreach: [{list: request.object.spec.containers, deny: {}}]}}";
    for rule in [mutate, generate, each] {
        assert_eq!(excepted(&policy(rule), exception, &controller("Pod", BARE)), "skip", "{rule}");
    }
}

#[test]
fn operations_choose_rules() {
    let on = |operation: &str| format!("{{policy: p, rule: r, resources: [a], operation: {operation}, result: fail}}");
    let of = |operations: &str| {
        policy(
            &deny("validate: {deny: {}}").replace("kinds: [Pod]", &format!("kinds: [Pod], operations: [{operations}]")),
        )
    };
    let pod = controller("Pod", BARE);
    passes(&of("UPDATE"), &pod, "", &on("UPDATE"), &[]);
    unasked(&of("UPDATE"), &pod, "", &on("CREATE"), "excluded");
    passes(&of("DELETE, UPDATE"), &pod, "", &on("DELETE"), &[]);
    unasked(&of("CREATE"), &pod, "", &on("DELETE"), "excluded");
    // Patterns are not laid over what is deleted.
    let pattern = policy(&deny("validate: {message: m, pattern: {metadata: {labels: {x: '?*'}}}}"));
    unasked(&pattern, &pod, "", &on("DELETE"), "excluded");
    passes(&pattern, &pod, "", &on("CREATE"), &[]);
}

#[test]
fn violations_of_old_objects_are_allowed() {
    let on = |word: &str| format!("{{policy: p, rule: r, resources: [a], operation: UPDATE, result: {word}}}");
    let rule = |fields: &str| {
        policy(&deny(&format!("validate: {{message: m, {fields}, pattern: {{metadata: {{labels: {{x: '?*'}}}}}}}}")))
    };
    let pod = controller("Pod", BARE);
    passes(&rule("failureAction: Enforce"), &pod, "", &on("skip"), &[]);
    passes(&rule("failureAction: Audit"), &pod, "", &on("fail"), &[]);
    passes(&rule("failureAction: Enforce, allowExistingViolations: false"), &pod, "", &on("fail"), &[]);
}
