//! The command line as a person meets it: tables, counts, messages with a place, exit codes.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "a test that fails panics"
)]
#![cfg(feature = "cli")]

use std::io::Write as _;
use std::path::PathBuf;
use std::process::{Command, Stdio};

/// Files in a directory of their own, and the program run beside them.
struct Folder(PathBuf);

/// Exit code, standard output, standard error.
type Ended = (i32, String, String);

impl Folder {
    fn new(name: &str, files: &[(&str, &str)]) -> Self {
        let folder = PathBuf::from(env!("CARGO_TARGET_TMPDIR")).join(name);
        let _ = std::fs::remove_dir_all(&folder);
        for (file, text) in files {
            let path = folder.join(file);
            std::fs::create_dir_all(path.parent().unwrap()).unwrap();
            std::fs::write(path, text).unwrap();
        }
        Self(folder)
    }

    fn run(&self, line: &str) -> Ended {
        self.run_with(line, "")
    }

    fn run_with(&self, line: &str, input: &str) -> Ended {
        let words: Vec<&str> = line.split_whitespace().collect();
        let mut command = Command::new(env!("CARGO_BIN_EXE_stepgate"));
        let command = command.args(words).current_dir(&self.0).stdin(Stdio::piped());
        let mut child = command.stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
        child.stdin.take().unwrap().write_all(input.as_bytes()).unwrap();
        let output = child.wait_with_output().unwrap();
        let text = |bytes| String::from_utf8(bytes).unwrap();
        (output.status.code().unwrap(), text(output.stdout), text(output.stderr))
    }
}

const POLICY: &str = "apiVersion: kyverno.io/v1
kind: ClusterPolicy
metadata:
  name: team
spec:
  rules:
  - name: has-team
    match: {any: [{resources: {kinds: [Pod]}}]}
    validate:
      message: a team is required
      pattern: {metadata: {labels: {team: '?*'}}}
";
const PODS: &str = "apiVersion: v1
kind: Pod
metadata: {name: a, labels: {team: x}}
spec: {containers: [{name: c, image: nginx}]}
---
apiVersion: v1
kind: Pod
metadata: {name: b}
spec: {containers: [{name: c, image: nginx}]}
";

fn folder(name: &str) -> Folder {
    Folder::new(name, &[("policy.yaml", POLICY), ("pods.yaml", PODS)])
}

#[test]
fn apply_prints_a_table_and_counts() {
    let (code, out, err) = folder("table").run("apply policy.yaml --resource pods.yaml");
    assert_eq!((code, err.as_str()), (1, ""));
    let lines: Vec<Vec<&str>> =
        out.lines().map(|line| line.split("  ").map(str::trim).filter(|cell| !cell.is_empty()).collect()).collect();
    assert_eq!(lines[0], ["POLICY", "RULE", "RESOURCE", "RESULT", "MESSAGE"]);
    assert_eq!(lines[1], ["team", "has-team", "default/Pod/a", "pass", "validation rule 'has-team' passed."]);
    assert_eq!(
        lines[2][3..],
        ["fail", "validation error: a team is required. rule has-team failed at path /metadata/labels/"]
    );
    assert_eq!(out.lines().last(), Some("pass: 1, fail: 1, warn: 0, error: 0, skip: 0"));
}

#[test]
fn apply_that_passes_exits_with_zero() {
    let folder = Folder::new("passes", &[("policy.yaml", POLICY), ("pod.yaml", PODS.split("---").next().unwrap())]);
    let (code, out, _) = folder.run("apply policy.yaml -r pod.yaml");
    assert_eq!((code, out.lines().last()), (0, Some("pass: 1, fail: 0, warn: 0, error: 0, skip: 0")));
}

#[test]
fn apply_prints_json_and_reports() {
    let folder = folder("formats");
    let (code, out, _) = folder.run("apply policy.yaml -r pods.yaml --format json");
    let found: serde_json::Value = serde_json::from_str(&out).unwrap();
    assert_eq!(code, 1);
    assert_eq!(found.pointer("/1/rules/0/result"), Some(&"fail".into()));
    let (_, out, _) = folder.run("apply policy.yaml -r pods.yaml --format=report");
    let report: serde_json::Value = serde_yaml::from_str(&out).unwrap();
    assert_eq!((&report["kind"], &report["apiVersion"]), (&"ClusterReport".into(), &"openreports.io/v1alpha1".into()));
    assert_eq!((&report["summary"]["pass"], &report["summary"]["fail"]), (&1.into(), &1.into()));
    assert_eq!(report["results"][1]["resources"][0]["name"], "b");
}

#[test]
fn apply_shows_what_policies_change_and_make() {
    let policy = "apiVersion: kyverno.io/v1
kind: ClusterPolicy
metadata: {name: defaults}
spec:
  rules:
  - name: label
    match: {any: [{resources: {kinds: [Pod]}}]}
    mutate: {patchStrategicMerge: {metadata: {labels: {+(zone): north}}}}
  - name: config
    match: {any: [{resources: {kinds: [Namespace]}}]}
    generate: {apiVersion: v1, kind: ConfigMap, name: z, namespace: '{{request.object.metadata.name}}', data: {data: {a: b}}}
";
    let namespace = "apiVersion: v1\nkind: Namespace\nmetadata: {name: dev}\n";
    let folder = Folder::new("changes", &[("policy.yaml", policy), ("pods.yaml", PODS), ("ns.yaml", namespace)]);
    let (code, out, err) = folder.run("apply policy.yaml -r pods.yaml -r ns.yaml");
    assert_eq!((code, err.as_str()), (0, ""), "{out}");
    assert!(out.contains("policy defaults applied to default/Pod/b:\n") && out.contains("zone: north"), "{out}");
    assert!(out.contains("policy defaults generated dev/ConfigMap/z:\n"), "{out}");
}

#[test]
fn apply_knows_the_options_of_kyverno_apply() {
    let policy = POLICY.replace(
        "pattern: {metadata: {labels: {team: '?*'}}}",
        "deny: {conditions: {all: [{key: '{{ x.data }}', operator: Equals, value: z}]}}",
    );
    let policy =
        policy.replace("    validate:", "    context: [{name: x, configMap: {name: m, namespace: d}}]\n    validate:");
    let exception = "apiVersion: kyverno.io/v2
kind: PolicyException
metadata: {name: e}
spec: {exceptions: [{policyName: team, ruleNames: [has-team]}], match: {any: [{resources: {kinds: [Pod], names: [b]}}]}}
";
    let both = format!("{PODS}---\n{exception}");
    let files = [
        ("policy.yaml", POLICY),
        ("x.yaml", &policy),
        ("pods.yaml", PODS),
        ("e.yaml", exception),
        ("both.yaml", &both),
    ];
    let folder = Folder::new("options", &files);
    let counts = |line: &str| folder.run(line).1.lines().last().unwrap_or_default().to_owned();
    assert_eq!(counts("apply x.yaml -r pods.yaml --set x.data=z"), "pass: 0, fail: 2, warn: 0, error: 0, skip: 0");
    assert_eq!(counts("apply x.yaml -r pods.yaml"), "pass: 0, fail: 0, warn: 0, error: 2, skip: 0");
    assert_eq!(counts("apply policy.yaml -r pods.yaml --audit-warn"), "pass: 1, fail: 0, warn: 1, error: 0, skip: 0");
    assert_eq!(counts("apply policy.yaml -r pods.yaml -e e.yaml"), "pass: 1, fail: 0, warn: 0, error: 0, skip: 1");
    let within = "apply policy.yaml -r both.yaml --exceptions-within-resources";
    assert_eq!(counts(within), "pass: 1, fail: 0, warn: 0, error: 0, skip: 1");
    assert_eq!(
        counts("apply policy.yaml e.yaml -r pods.yaml --exceptions-within-policies"),
        "pass: 1, fail: 0, warn: 0, error: 0, skip: 1"
    );
    assert_eq!(
        counts("apply policy.yaml --resources pods.yaml,pods.yaml"),
        "pass: 1, fail: 1, warn: 0, error: 0, skip: 0"
    );
    let (code, out, _) = folder.run_with("apply policy.yaml -r -", PODS);
    assert!(code == 1 && out.ends_with("pass: 1, fail: 1, warn: 0, error: 0, skip: 0\n"), "{out}");
    let (code, out, _) = folder.run_with("apply - -r pods.yaml", POLICY);
    assert!(code == 1 && out.ends_with("pass: 1, fail: 1, warn: 0, error: 0, skip: 0\n"), "{out}");
    for wrong in [
        "apply - -r -",
        "apply policy.yaml -r pods.yaml --set a=b -f v.yaml",
        "apply policy.yaml -r pods.yaml --json x",
        "apply x.yaml -r pods.yaml --set x",
    ] {
        assert_eq!(folder.run(wrong).0, 2, "{wrong}");
    }
}

#[test]
fn apply_answers_from_the_resources() {
    let policy = "apiVersion: kyverno.io/v1
kind: ClusterPolicy
metadata: {name: count}
spec:
  rules:
  - name: r
    match: {any: [{resources: {kinds: [Pod]}}]}
    context:
    - name: pods
      apiCall: {urlPath: /api/v1/namespaces/default/pods, jmesPath: items | length(@)}
    - name: entry
      globalReference: {name: pods, jmesPath: length(@)}
    validate: {message: '{{ pods }} and {{ entry }}', deny: {}}
---
apiVersion: kyverno.io/v2
kind: ClusterCleanupPolicy
metadata: {name: clean}
spec:
  match: {any: [{resources: {kinds: [Pod]}}]}
  conditions: {all: [{key: '{{ target.metadata.name }}', operator: Equals, value: a}]}
  schedule: '* * * * *'
";
    let entry = "apiVersion: kyverno.io/v2
kind: GlobalContextEntry
metadata: {name: pods}
spec: {kubernetesResource: {version: v1, resource: pods}}
";
    let folder = Folder::new("answers", &[("policy.yaml", policy), ("pods.yaml", PODS), ("entry.yaml", entry)]);
    let (_, out, err) = folder.run("apply policy.yaml -r pods.yaml entry.yaml");
    assert!(out.contains("count   r      default/Pod/b  fail    2 and 2"), "{out}{err}");
    assert!(out.contains("clean   clean  default/Pod/a  pass    resource matched"), "{out}");
    assert!(out.contains("clean   clean  default/Pod/b  fail    resource did not match"), "{out}");
}

#[test]
fn apply_survives_any_input() {
    let deep = format!("a: {}", "[".repeat(3000));
    let files = [
        ("policy.yaml", POLICY),
        ("pods.yaml", PODS),
        ("empty.yaml", ""),
        ("comments.yaml", "---\n---\n# nothing\n"),
        ("nul.yaml", "a\0b: c\n"),
        ("scalar.yaml", "text\n"),
        ("list.yaml", "[1, 2]\n"),
        ("broken.yaml", "a: b\n a: b: c\n"),
        ("odd.yaml", "apiVersion: 1\nkind: [x]\nmetadata: text\nspec: 1\n"),
        ("kind.yaml", "kind: Pod\n"),
        ("deep.yaml", &deep),
        ("policies/none.txt", ""),
    ];
    let folder = Folder::new("input", &files);
    for (file, _) in files.iter().skip(2).chain(&[("policies", ""), ("none.yaml", "")]) {
        for line in [
            "FILE -r pods.yaml",
            "policy.yaml -r FILE",
            "policy.yaml -r pods.yaml -f FILE",
            "policy.yaml -r pods.yaml -u FILE",
            "policy.yaml -r pods.yaml -e FILE",
        ] {
            let (code, _, err) = folder.run(&format!("apply {}", line.replace("FILE", file)));
            assert!(code <= 2 && !err.contains("panicked"), "{file} {line}: {code} {err}");
        }
    }
    for (line, words) in [
        ("policy.yaml -r scalar.yaml", "scalar.yaml:1:1: Object 'kind' is missing"),
        ("policy.yaml -r kind.yaml", "kind.yaml:1:1: Object 'apiVersion' is missing"),
        ("policy.yaml -r nul.yaml", "nul.yaml:1:2: control characters are not allowed"),
        ("policy.yaml -r broken.yaml", "broken.yaml:2:3: mapping values are not allowed"),
        ("policy.yaml -r empty.yaml", "no resource found"),
        ("empty.yaml -r pods.yaml", "no policy found"),
        ("policy.yaml -r pods.yaml -f odd.yaml", "odd.yaml:1:1: values file uses a deprecated schema"),
        ("policy.yaml -r pods.yaml -e pods.yaml", "pods.yaml:1:1: unable to load exceptions"),
        ("policy.yaml -r pods.yaml -e policies", "read policies: is a directory"),
    ] {
        let (_, _, err) = folder.run(&format!("apply {line}"));
        assert!(err.contains(words), "{line}: {err}");
    }
}

#[test]
fn apply_names_the_place_of_a_mistake() {
    let typo = POLICY.replace("validate:", "validat:");
    let cel = "apiVersion: policies.kyverno.io/v1
kind: ValidatingPolicy
metadata: {name: v}
spec:
  matchConstraints: {resourceRules: [{apiGroups: [''], apiVersions: [v1], resources: [pods], operations: [CREATE]}]}
  validations:
  - expression: object.metadata.name == nobody
";
    let in_rule = POLICY.replace(
        "pattern: {metadata: {labels: {team: '?*'}}}",
        "cel: {expressions: [{expression: 'object.a == nobody'}]}",
    );
    let two = POLICY.replace("message: a team is required", "message: a team is required\n      deny: {}");
    let variable = POLICY.replace("a team is required", "'{{ nope }}'");
    let files = [
        ("typo.yaml", typo.as_str()),
        ("cel.yaml", cel),
        ("rule.yaml", &in_rule),
        ("refused.yaml", &two),
        ("variable.yaml", &variable),
        ("bad.yaml", "a: [\n"),
        ("pods.yaml", PODS),
    ];
    let folder = Folder::new("mistakes", &files);
    let said = |line: &str| {
        let (code, _, err) = folder.run(line);
        (code, err)
    };
    let (code, err) = said("apply typo.yaml -r pods.yaml");
    assert!(code == 2 && err.contains("typo.yaml:9:5: ") && err.contains("did you mean `validate`?"), "{code} {err}");
    let (code, err) = said("apply cel.yaml -r pods.yaml");
    assert!(code == 2 && err.contains("cel.yaml:7:41: undeclared reference to 'nobody'"), "{code} {err}");
    let (code, err) = said("apply rule.yaml -r pods.yaml");
    assert!(code == 1 && err.contains("rule.yaml:11:53: undeclared reference to 'nobody'"), "{code} {err}");
    let (code, err) = said("apply refused.yaml -r pods.yaml");
    assert!(code == 1 && err.contains("refused.yaml:9:5: policy team is invalid: "), "{code} {err}");
    let (code, err) = said("apply variable.yaml -r pods.yaml");
    assert!(
        code == 1
            && err.contains("variable.yaml:")
            && err.contains("variable nope must match regex")
            && err.contains("declare the variable under `context`"),
        "{code} {err}"
    );
    let (code, err) = said("apply bad.yaml -r pods.yaml");
    assert!(code == 2 && err.starts_with("stepgate: bad.yaml:2:1: "), "{code} {err}");
    assert_eq!(
        said("apply none.yaml -r pods.yaml"),
        (2, "stepgate: open none.yaml: no such file or directory\n".to_owned())
    );
    assert_eq!(said("apply cel.yaml -r none.yaml").0, 2);
}

#[test]
fn apply_refuses_wrong_usage() {
    let folder = folder("usage");
    let said = |line: &str| {
        let (code, _, err) = folder.run(line);
        assert_eq!(code, 2, "{line}");
        err
    };
    assert_eq!(said("apply policy.yaml"), "stepgate: apply needs policies and --resource\n");
    assert_eq!(
        said("apply policy.yaml -r pods.yaml --nope"),
        "stepgate: there is no option --nope; see stepgate --help\n"
    );
    assert_eq!(
        said("apply policy.yaml -r pods.yaml --format xml"),
        "stepgate: --format must be one of table, json, report; \"xml\" is not\n"
    );
    assert_eq!(said("apply policy.yaml --resource"), "stepgate: --resource needs a value\n");
    assert!(said("apply pods.yaml -r pods.yaml").contains("policy type not supported v1, Kind=Pod"));
    assert!(said("nope").contains("there is no command \"nope\""));
    assert!(said("").contains("a command is missing"));
}

#[test]
fn help_and_version() {
    let folder = folder("help");
    for line in ["--help", "help", "apply --help", "test -h"] {
        let (code, out, _) = folder.run(line);
        assert!(code == 0 && out.contains("stepgate apply POLICY…"), "{line}");
    }
    assert_eq!(folder.run("version").1, format!("stepgate {}\n", env!("CARGO_PKG_VERSION")));
}

const TEST: &str = "apiVersion: cli.kyverno.io/v1alpha1
kind: Test
metadata: {name: t}
policies: [../policy.yaml]
resources: [../pods.yaml]
results:
- {policy: team, rule: has-team, resources: [a], kind: Pod, result: pass}
- {policy: team, rule: has-team, resources: [b], kind: Pod, result: WANTED}
";

#[test]
fn test_in_every_format() {
    let wrong = TEST.replace("WANTED", "pass");
    let folder = Folder::new("test", &[("policy.yaml", POLICY), ("pods.yaml", PODS), ("t/kyverno-test.yaml", &wrong)]);
    let (code, out, _) = folder.run("test t");
    assert_eq!((code, out.lines().last()), (1, Some("1 tests: 0 passed, 1 failed, 0 skipped; 1 of 2 rows passed")));
    let (_, out, _) = folder.run("test --format json t");
    let found: serde_json::Value = serde_json::from_str(&out).unwrap();
    assert_eq!(
        found["summary"],
        serde_json::json!({"tests": 1, "passed": 0, "failed": 1, "skipped": 0, "rows": {"total": 2, "passed": 1}})
    );
    assert_eq!(found["tests"][0]["rows"][1]["actual"], "fail");
    let (_, out, _) = folder.run("test --format junit .");
    assert!(out.contains("<testsuites tests=\"1\" failures=\"1\">") && out.contains("<failure message="), "{out}");
    std::fs::write(folder.0.join("t/kyverno-test.yaml"), TEST.replace("WANTED", "fail")).unwrap();
    assert_eq!(folder.run("test t").0, 0);
}

#[test]
fn test_tells_what_it_cannot_run() {
    let missing = TEST.replace("../policy.yaml", "../none.yaml");
    let files = [
        ("t/kyverno-test.yaml", missing.as_str()),
        ("u/kyverno-test.yaml", "a: ["),
        ("empty/readme.md", ""),
        ("policy.yaml", POLICY),
    ];
    let folder = Folder::new("cannot", &files);
    let (code, out, _) = folder.run("test t u");
    assert!(
        code == 1
            && out.contains("none.yaml: no such file or directory")
            && out.contains("failed: u/kyverno-test.yaml:"),
        "{out}"
    );
    let (code, _, err) = folder.run("test empty");
    assert_eq!(
        (code, err.as_str()),
        (2, "stepgate: no kyverno-test.yaml, chainsaw-test.yaml or Scenario below empty\n")
    );
    assert_eq!(folder.run("test none"), (2, String::new(), "stepgate: none: no such file or directory\n".to_owned()));
    assert_eq!(folder.run("test").0, 2);
    assert_eq!(folder.run("test policy.yaml").0, 1);
}

#[test]
fn jp_queries_and_lists_functions() {
    let folder = Folder::new("jp", &[("input.yaml", "a: {b: [1, 2]}\n")]);
    assert_eq!(folder.run_with("jp query a.b[1]", "{\"a\": {\"b\": [1, 2]}}"), (0, "2\n".to_owned(), String::new()));
    assert_eq!(folder.run("jp query -c -i input.yaml a"), (0, "{\"b\":[1,2]}\n".to_owned(), String::new()));
    let unknown = "stepgate: failed to evaluate \"nope\": Unknown key \"nope\" in path\n";
    assert_eq!(folder.run("jp query -i input.yaml nope"), (2, String::new(), unknown.to_owned()));
    assert!(folder.run("jp query -i input.yaml a.").2.contains("SyntaxError"));
    assert_eq!(folder.run("jp query").0, 2);
    let (code, out, _) = folder.run("jp function to_upper");
    assert!(code == 0 && out.contains("Signature: to_upper(string) string"), "{out}");
    assert_eq!(folder.run("jp function nope").0, 2);
}

#[test]
fn run_needs_a_scenario() {
    let scenario = "apiVersion: stepgate.dev/v1
kind: Scenario
files:
  policy.yaml: |
POLICY
steps:
- apply: policy.yaml
";
    let indented: String = POLICY.lines().map(|line| format!("    {line}\n")).collect();
    let scenario = scenario.replace("POLICY\n", &indented);
    let folder = Folder::new("run", &[("policy.yaml", POLICY), ("s.yaml", &scenario)]);
    for format in ["text", "json", "markdown", "mermaid"] {
        let (code, out, err) = folder.run(&format!("run s.yaml --format {format}"));
        assert!(code == 0 && !out.is_empty(), "{format} {err}");
    }
    let (code, _, err) = folder.run("run policy.yaml");
    assert!(code == 2 && err.contains("policy.yaml holds a ClusterPolicy") && err.contains("stepgate apply"), "{err}");
    assert!(folder.run("run s.yaml --kyverno 1.2").2.contains("--kyverno must be one of 1.15, 1.18, 1.19"));
    assert!(folder.run("run none.yaml").2.starts_with("stepgate: none.yaml: No such file"));
    assert_eq!(folder.run("run").0, 2);
}
