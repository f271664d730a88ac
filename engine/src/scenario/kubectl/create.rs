//! `kubectl create KIND NAME …`: the objects that its flags describe. Follows `k8s.io/kubectl/pkg/cmd/create`.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use serde_json::{Map, Value, json};

use super::args::Args;
use super::shell::World;
use super::verbs::{Kubectl, Report};
use crate::eval::view::View as _;
use crate::object::ObjectExt;
use crate::object::gvk::Gvk;
use crate::sim::tokens::token;

impl Kubectl<'_> {
    /// `create KIND NAME`.
    pub(super) fn create(&mut self, args: &Args, world: &World<'_>, report: &mut Report) {
        let words: Vec<&str> = args.operands.iter().skip(1).map(String::as_str).collect();
        if let ["token", account] = words.as_slice() {
            let token = token(&self.space(args), account);
            return report.say(token);
        }
        if let (["job" | "jobs", name], Some(("cronjob", from))) =
            (words.as_slice(), args.flag("from").and_then(|from| from.split_once('/')))
        {
            return self.run_cron_job(name, from, args, report);
        }
        match described(&words, args, world, &self.space(args)) {
            Some(object) => self.create_object(object, "", args, report),
            None => report.fail(format!("error: kubectl create {} is not simulated", words.join(" "))),
        }
    }

    /// `create job NAME --from=cronjob/NAME`.
    fn run_cron_job(&mut self, name: &str, from: &str, args: &Args, report: &mut Report) {
        let gvk = Gvk::new("batch/v1", "CronJob");
        let Some(owner) = self.cluster.get(&gvk, &self.space(args), from) else {
            return report.fail(format!("Error from server (NotFound): cronjobs.batch {from:?} not found"));
        };
        let mut job = owner.at(&["spec", "jobTemplate"]).cloned().unwrap_or_default();
        for (path, value) in [
            (&["apiVersion"][..], json!("batch/v1")),
            (&["kind"], json!("Job")),
            (&["metadata", "name"], json!(name)),
            (&["metadata", "annotations", "cronjob.kubernetes.io/instantiate"], json!("manual")),
            (
                &["metadata", "ownerReferences"],
                json!([{"apiVersion": "batch/v1", "kind": "CronJob", "name": from, "uid": owner.uid(), "controller": true}]),
            ),
        ] {
            job.set_at(path, value);
        }
        self.create_object(job, "", args, report);
    }

    /// `run NAME --image=…`.
    pub(super) fn run_pod(&mut self, args: &Args, report: &mut Report) {
        let Some(name) = args.operands.get(1) else { return report.fail("error: NAME is required for run") };
        let labels = pairs(args, "labels");
        let labels = if labels.is_empty() { Map::from_iter([("run".to_owned(), json!(name))]) } else { labels };
        let mut container = json!({"name": name, "image": args.flag("image").unwrap_or("")});
        let rest: Vec<&String> = args.operands.iter().skip(2).chain(&args.rest).collect();
        if !rest.is_empty() {
            container.set_at(&[if args.on("command") { "command" } else { "args" }], json!(rest));
        }
        for (flag, field) in
            [("i", "stdin"), ("it", "stdin"), ("stdin", "stdin"), ("t", "tty"), ("it", "tty"), ("tty", "tty")]
        {
            if args.on(flag) {
                container.set_at(&[field], json!(true));
            }
        }
        if let Some(port) = args.flag("port").and_then(|port| port.parse::<i64>().ok()) {
            container.set_at(&["ports"], json!([{"containerPort": port}]));
        }
        let env: Vec<Value> = args
            .values("env")
            .iter()
            .filter_map(|pair| pair.split_once('='))
            .map(|(name, value)| json!({"name": name, "value": value}))
            .collect();
        if !env.is_empty() {
            container.set_at(&["env"], json!(env));
        }
        if args.on("privileged") {
            container.set_at(&["securityContext"], json!({"privileged": true}));
        }
        if let Some(policy) = args.flag("image-pull-policy") {
            container.set_at(&["imagePullPolicy"], json!(policy));
        }
        let mut object = json!({"apiVersion": "v1", "kind": "Pod", "metadata": {"name": name, "labels": labels},
            "spec": {"containers": [container], "restartPolicy": args.flag("restart").unwrap_or("Always")}});
        for (key, value) in pairs(args, "annotations") {
            object.set_at(&["metadata", "annotations", &key], value);
        }
        if let Some(overrides) = args.flag("overrides").and_then(|text| crate::parse::yaml::one(text).ok()) {
            object = crate::object::patch::merge(&object, &overrides);
        }
        self.create_object(object, "", args, report);
    }

    /// `expose KIND NAME --port=…`: a Service with the labels of what it exposes as its selector.
    pub(super) fn expose(&mut self, args: &Args, report: &mut Report) {
        let Some((_, object)) = self.named(args, report).into_iter().next() else { return };
        let labels = object.at(&["spec", "selector", "matchLabels"]).or_else(|| object.at(&["metadata", "labels"]));
        let port: i64 = args.flag("port").and_then(|port| port.parse().ok()).unwrap_or(80);
        let target = args
            .flag("target-port")
            .map_or(json!(port), |target| target.parse::<i64>().map_or(json!(target), |port| json!(port)));
        let service = json!({"apiVersion": "v1", "kind": "Service",
            "metadata": {"name": args.flag("name").unwrap_or(object.name()), "namespace": object.namespace(), "labels": object.labels()},
            "spec": {"selector": labels, "ports": [{"port": port, "protocol": "TCP", "targetPort": target}],
                "type": args.flag("type").unwrap_or("ClusterIP")}});
        self.create_object(service, "", args, report);
    }

    /// `autoscale KIND NAME --max=…`.
    pub(super) fn autoscale(&mut self, args: &Args, report: &mut Report) {
        let Some((_, object)) = self.named(args, report).into_iter().next() else { return };
        let number = |flag: &str| args.flag(flag).and_then(|count| count.parse::<i64>().ok());
        let mut scaler = json!({"apiVersion": "autoscaling/v2", "kind": "HorizontalPodAutoscaler",
            "metadata": {"name": args.flag("name").unwrap_or(object.name()), "namespace": object.namespace()},
            "spec": {"maxReplicas": number("max"), "scaleTargetRef":
                {"apiVersion": object.api_version(), "kind": object.kind(), "name": object.name()}}});
        if let Some(least) = number("min") {
            scaler.set_at(&["spec", "minReplicas"], json!(least));
        }
        self.create_object(scaler, "", args, report);
    }
}

/// `--name=a=b,c=d`, given any number of times.
fn pairs(args: &Args, flag: &str) -> Map<String, Value> {
    let words = args.values(flag).iter().flat_map(|list| list.split(','));
    words.filter_map(|pair| pair.split_once('=')).map(|(key, value)| (key.to_owned(), json!(value))).collect()
}

fn list<'a>(args: &'a Args, flag: &str) -> Vec<&'a str> {
    args.values(flag).iter().flat_map(|list| list.split(',')).filter(|word| !word.is_empty()).collect()
}

fn described(words: &[&str], args: &Args, world: &World<'_>, space: &str) -> Option<Value> {
    let image = args.flag("image").unwrap_or("");
    let containers = |name: &str| {
        let mut container = json!({"name": name, "image": image});
        if !args.rest.is_empty() {
            container.set_at(&["command"], json!(args.rest));
        }
        json!([container])
    };
    let metadata = |name: &str| json!({"name": name});
    let number = |flag: &str| args.flag(flag).and_then(|count| count.parse::<i64>().ok());
    Some(match words {
        ["namespace" | "namespaces" | "ns", name] => {
            json!({"apiVersion": "v1", "kind": "Namespace", "metadata": metadata(name)})
        }
        ["serviceaccount" | "serviceaccounts" | "sa", name] => {
            json!({"apiVersion": "v1", "kind": "ServiceAccount", "metadata": metadata(name)})
        }
        ["configmap" | "configmaps" | "cm", name] => {
            let mut object = json!({"apiVersion": "v1", "kind": "ConfigMap", "metadata": metadata(name)});
            let data = data(args, world);
            if !data.is_empty() {
                object.set_at(&["data"], Value::Object(data));
            }
            object
        }
        ["secret" | "secrets", "generic", name] => {
            let kind = args.flag("type").unwrap_or("Opaque");
            secret(name, kind, data(args, world))
        }
        ["secret" | "secrets", "tls", name] => {
            let file = |flag: &str| json!(args.flag(flag).and_then(|path| world.read(path)).unwrap_or_default());
            let data = [("tls.crt", file("cert")), ("tls.key", file("key"))];
            secret(name, "kubernetes.io/tls", data.map(|(key, value)| (key.to_owned(), value)).into_iter().collect())
        }
        ["secret" | "secrets", "docker-registry", name] => {
            let flag = |name: &str| args.flag(name).unwrap_or("");
            let (user, password) = (flag("docker-username"), flag("docker-password"));
            let server = args.flag("docker-server").unwrap_or("https://index.docker.io/v1/");
            let auth = STANDARD.encode(format!("{user}:{password}"));
            let mut entry = json!({"username": user, "password": password});
            if let Some(email) = args.flag("docker-email") {
                entry.set_at(&["email"], json!(email));
            }
            entry.set_at(&["auth"], json!(auth));
            let config = json!({"auths": {server: entry}}).to_string();
            let data = Map::from_iter([(".dockerconfigjson".to_owned(), json!(config))]);
            secret(name, "kubernetes.io/dockerconfigjson", data)
        }
        ["deployment" | "deployments" | "deploy", name] => {
            let labels = json!({"app": name});
            json!({"apiVersion": "apps/v1", "kind": "Deployment", "metadata": {"name": name, "labels": labels},
                "spec": {"replicas": number("replicas").unwrap_or(1), "selector": {"matchLabels": labels},
                    "template": {"metadata": {"labels": labels}, "spec": {"containers": containers(base_of(image))}}}})
        }
        ["cronjob" | "cronjobs" | "cj", name] => {
            let policy = args.flag("restart").unwrap_or("OnFailure");
            let pod = json!({"spec": {"containers": containers(name), "restartPolicy": policy}});
            json!({"apiVersion": "batch/v1", "kind": "CronJob", "metadata": metadata(name),
                "spec": {"schedule": args.flag("schedule"), "jobTemplate": {"metadata": metadata(name), "spec": {"template": pod}}}})
        }
        ["job" | "jobs", name] => {
            let pod = json!({"spec": {"containers": containers(name), "restartPolicy": "Never"}});
            json!({"apiVersion": "batch/v1", "kind": "Job", "metadata": metadata(name), "spec": {"template": pod}})
        }
        ["role" | "roles", name] => role("Role", name, args),
        ["clusterrole" | "clusterroles", name] => role("ClusterRole", name, args),
        ["rolebinding" | "rolebindings", name] => binding("RoleBinding", name, args, space),
        ["clusterrolebinding" | "clusterrolebindings", name] => binding("ClusterRoleBinding", name, args, space),
        ["quota" | "resourcequota" | "resourcequotas", name] => {
            json!({"apiVersion": "v1", "kind": "ResourceQuota", "metadata": metadata(name), "spec": {"hard": pairs(args, "hard")}})
        }
        ["poddisruptionbudget" | "pdb", name] => {
            let mut spec = json!({"selector": {"matchLabels": pairs(args, "selector")}});
            for (flag, field) in [("min-available", "minAvailable"), ("max-unavailable", "maxUnavailable")] {
                if let Some(value) = args.flag(flag) {
                    spec.set_at(&[field], value.parse::<i64>().map_or(json!(value), |number| json!(number)));
                }
            }
            json!({"apiVersion": "policy/v1", "kind": "PodDisruptionBudget", "metadata": metadata(name), "spec": spec})
        }
        ["priorityclass" | "pc", name] => {
            let mut object = json!({"apiVersion": "scheduling.k8s.io/v1", "kind": "PriorityClass", "metadata": metadata(name),
                "value": number("value").unwrap_or(0), "globalDefault": args.on("global-default")});
            if let Some(words) = args.flag("description") {
                object.set_at(&["description"], json!(words));
            }
            object
        }
        ["service" | "services" | "svc", kind, name] => service(kind, name, args),
        ["ingress" | "ing", name] => ingress(name, args),
        _ => return None,
    })
}

fn secret(name: &str, kind: &str, data: Map<String, Value>) -> Value {
    let mut object = json!({"apiVersion": "v1", "kind": "Secret", "type": kind, "metadata": {"name": name}});
    let encoded: Map<String, Value> = data
        .into_iter()
        .map(|(key, value)| (key, json!(STANDARD.encode(value.as_str().unwrap_or_default()))))
        .collect();
    if !encoded.is_empty() {
        object.set_at(&["data"], Value::Object(encoded));
    }
    object
}

fn role(kind: &str, name: &str, args: &Args) -> Value {
    let mut rules: Vec<Value> = Vec::new();
    for resource in list(args, "resource") {
        let (resource, subresource) = resource.split_once('/').unwrap_or((resource, ""));
        let (resource, group) = resource.split_once('.').unwrap_or((resource, ""));
        let resource = if subresource.is_empty() { resource.to_owned() } else { format!("{resource}/{subresource}") };
        let same = rules
            .iter_mut()
            .find(|rule| rule.at(&["apiGroups"]).and_then(|groups| groups.get(0)) == Some(&json!(group)));
        match same.and_then(|rule| rule.get_mut("resources")).and_then(Value::as_array_mut) {
            Some(resources) => resources.push(json!(resource)),
            None => rules.push(json!({"apiGroups": [group], "resources": [resource], "verbs": list(args, "verb")})),
        }
    }
    let names = list(args, "resource-name");
    for rule in rules.iter_mut().filter(|_| !names.is_empty()) {
        rule.set_at(&["resourceNames"], json!(names));
    }
    let urls = list(args, "non-resource-url");
    if !urls.is_empty() {
        rules.push(json!({"nonResourceURLs": urls, "verbs": list(args, "verb")}));
    }
    let mut object =
        json!({"apiVersion": "rbac.authorization.k8s.io/v1", "kind": kind, "metadata": {"name": name}, "rules": rules});
    let aggregated = pairs(args, "aggregation-rule");
    if !aggregated.is_empty() {
        object.set_at(&["aggregationRule"], json!({"clusterRoleSelectors": [{"matchLabels": aggregated}]}));
    }
    object
}

fn binding(kind: &str, name: &str, args: &Args, space: &str) -> Value {
    let group = "rbac.authorization.k8s.io";
    let mut subjects: Vec<Value> = Vec::new();
    subjects.extend(list(args, "user").iter().map(|name| json!({"apiGroup": group, "kind": "User", "name": name})));
    subjects.extend(list(args, "group").iter().map(|name| json!({"apiGroup": group, "kind": "Group", "name": name})));
    subjects.extend(list(args, "serviceaccount").iter().map(|account| {
        let (namespace, name) = account.split_once(':').unwrap_or((space, account));
        json!({"kind": "ServiceAccount", "name": name, "namespace": namespace})
    }));
    let (role, of) = match args.flag("clusterrole") {
        Some(role) => (role, "ClusterRole"),
        None => (args.flag("role").unwrap_or(""), "Role"),
    };
    json!({"apiVersion": format!("{group}/v1"), "kind": kind, "metadata": {"name": name},
        "subjects": subjects, "roleRef": {"apiGroup": group, "kind": of, "name": role}})
}

fn service(kind: &str, name: &str, args: &Args) -> Value {
    let labels = json!({"app": name});
    let port = |pair: &str| {
        let (port, target) = pair.split_once(':').unwrap_or((pair, pair));
        let number = |text: &str| text.parse::<i64>().map_or(json!(text), |number| json!(number));
        json!({"name": pair.replace(':', "-"), "port": number(port), "protocol": "TCP", "targetPort": number(target)})
    };
    let ports: Vec<Value> = list(args, "tcp").into_iter().map(port).collect();
    let of = match kind {
        "nodeport" => "NodePort",
        "loadbalancer" => "LoadBalancer",
        "externalname" => "ExternalName",
        _ => "ClusterIP",
    };
    let mut spec = json!({"ports": ports, "selector": labels, "type": of});
    if let Some(name) = args.flag("external-name") {
        spec.set_at(&["externalName"], json!(name));
    }
    if args.flag("clusterip") == Some("None") {
        spec.set_at(&["clusterIP"], json!("None"));
    }
    json!({"apiVersion": "v1", "kind": "Service", "metadata": {"name": name, "labels": labels}, "spec": spec})
}

/// `--rule=host/path=service:port[,tls=secret]`.
fn ingress(name: &str, args: &Args) -> Value {
    let (mut rules, mut tls): (Vec<Value>, Vec<Value>) = (Vec::new(), Vec::new());
    for rule in args.values("rule") {
        let (place, backend) = rule.split_once('=').unwrap_or((rule, ""));
        let (backend, secret) = backend.split_once(",tls").unwrap_or((backend, "-"));
        let (host, path) = place.find('/').and_then(|at| place.split_at_checked(at)).unwrap_or((place, "/"));
        let (service, port) = backend.split_once(':').unwrap_or((backend, "80"));
        let port = port.parse::<i64>().map_or_else(|_| json!({"name": port}), |number| json!({"number": number}));
        let exact = path.strip_suffix('*');
        let path = json!({"path": exact.unwrap_or(path), "pathType": if exact.is_some() { "Prefix" } else { "Exact" },
            "backend": {"service": {"name": service, "port": port}}});
        let mut made = json!({"http": {"paths": [path]}});
        if !host.is_empty() {
            made.set_at(&["host"], json!(host));
        }
        rules.push(made);
        if secret != "-" {
            let mut entry = json!({"hosts": [host]});
            if let Some(secret) = secret.strip_prefix('=') {
                entry.set_at(&["secretName"], json!(secret));
            }
            tls.push(entry);
        }
    }
    let mut spec = json!({"rules": rules});
    if let Some(class) = args.flag("class") {
        spec.set_at(&["ingressClassName"], json!(class));
    }
    if !tls.is_empty() {
        spec.set_at(&["tls"], json!(tls));
    }
    json!({"apiVersion": "networking.k8s.io/v1", "kind": "Ingress", "metadata": {"name": name}, "spec": spec})
}

fn base_of(image: &str) -> &str {
    let name = image.rsplit('/').next().unwrap_or(image);
    name.split([':', '@']).next().unwrap_or(name)
}

/// `--from-literal`, `--from-file`, `--from-env-file`.
fn data(args: &Args, world: &World<'_>) -> Map<String, Value> {
    let mut data = Map::new();
    for (key, value) in args.values("from-literal").iter().filter_map(|pair| pair.split_once('=')) {
        data.insert(key.to_owned(), json!(value.trim_matches(['"', '\''])));
    }
    for file in args.values("from-file") {
        let (key, path) = file.split_once('=').unwrap_or((crate::scenario::files::base_name(file), file));
        data.insert(key.to_owned(), json!(world.read(path).unwrap_or_default()));
    }
    for file in args.values("from-env-file") {
        let text = world.read(file).unwrap_or_default();
        let lines = text.lines().filter(|line| !line.starts_with('#')).filter_map(|line| line.split_once('='));
        data.extend(lines.map(|(key, value)| (key.to_owned(), json!(value))));
    }
    data
}

/// The kind of `certificates.k8s.io` that makes users.
pub(super) fn signing_request() -> Gvk {
    Gvk::new("certificates.k8s.io/v1", "CertificateSigningRequest")
}
