//! One line for each function that asks the world, and for those of the shared tests' gaps; then the proof that every
//! function of every library has one. Sources: Kubernetes `pkg/cel/library`, Kyverno `sdk/extensions/cel/libs`, `pkg/cel/libs`.

use serde_json::{Value, json};

use super::registry;
use crate::expr::cel::outside::{Answer, ApiCall, Outside};
use crate::expr::cel::{Activation, Env, Lib, Program, Type, Val};
use crate::object::ObjectExt;
use crate::object::gvk::{Gvk, Gvr};

/// A small world: a few objects, one service, one entry, one image.
struct World(Vec<Value>);

impl Outside for World {
    fn now(&self) -> (i64, u32) {
        (1_767_225_600, 0)
    }

    fn get(&self, gvk: &Gvk, namespace: &str, name: &str) -> Option<Value> {
        self.list(gvk, Some(namespace)).into_iter().find(|object| object.name() == name)
    }

    fn list(&self, gvk: &Gvk, namespace: Option<&str>) -> Vec<Value> {
        let wanted =
            |object: &&Value| object.gvk() == *gvk && namespace.is_none_or(|namespace| object.namespace() == namespace);
        self.0.iter().filter(wanted).cloned().collect()
    }

    fn resource_of(&self, gvk: &Gvk) -> Option<Gvr> {
        let resource = (gvk.kind == "ConfigMap").then(|| "configmaps".to_owned())?;
        Some(Gvr { group: String::new(), version: "v1".to_owned(), resource })
    }

    fn kind_of(&self, gvr: &Gvr) -> Option<Gvk> {
        (gvr.resource == "configmaps").then(|| Gvk::new("v1", "ConfigMap"))
    }

    fn api_call(&self, call: &ApiCall) -> Answer {
        match (call.method.as_str(), call.url.as_str(), call.url_path.as_str()) {
            ("GET", "https://service/data", _) => Answer::Data(json!({"items": [1, 2]})),
            ("POST", "https://service/data", _) => Answer::Data(json!({"got": call.data})),
            ("POST", "", "/api/v1/namespaces/default/configmaps") => {
                Answer::Data(call.data.clone().unwrap_or_default())
            }
            ("POST", "", "/apis/authorization.k8s.io/v1/subjectaccessreviews") => {
                Answer::Data(json!({"status": {"allowed": true}}))
            }
            _ => Answer::Failed("connection refused".to_owned()),
        }
    }

    fn global_context(&self, name: &str) -> Answer {
        match name {
            "entry" => Answer::Data(json!({"count": 3})),
            "entry.count" => Answer::Data(json!(3)),
            "broken" => Answer::Failed("not ready".to_owned()),
            _ => Answer::Unavailable,
        }
    }

    fn image_data(&self, image: &str) -> Answer {
        match image {
            "nginx:1" => Answer::Data(
                json!({"resolvedImage": "index.docker.io/library/nginx:1", "manifest": {"schemaVersion": 2}}),
            ),
            _ => Answer::Unavailable,
        }
    }

    fn image_verified(&self, image: &str, asked: &Value) -> Answer {
        match (image, asked.str_at(&["name"]), asked.get("payload")) {
            ("nginx:1", "", Some(_)) => Answer::Data(json!({"builder": "ci"})),
            ("nginx:1", "release", None) => Answer::Data(json!(true)),
            _ => Answer::Data(json!(false)),
        }
    }
}

fn world() -> World {
    let rbac = "rbac.authorization.k8s.io/v1";
    World(vec![
        json!({"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": "a", "namespace": "default", "labels": {"x": "y"}}, "data": {"k": "v"}}),
        json!({"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": "b", "namespace": "other"}}),
        json!({"apiVersion": rbac, "kind": "ClusterRole", "metadata": {"name": "r"}, "rules": [
            {"apiGroups": ["apps"], "resources": ["deployments", "deployments/scale"], "verbs": ["get"]},
            {"apiGroups": [""], "resources": ["configmaps"], "resourceNames": ["a"], "verbs": ["*"]},
            {"nonResourceURLs": ["/healthz"], "verbs": ["get"]},
        ]}),
        json!({"apiVersion": rbac, "kind": "ClusterRoleBinding", "metadata": {"name": "r"}, "roleRef": {"kind": "ClusterRole", "name": "r"},
            "subjects": [{"kind": "User", "name": "jane"}, {"kind": "ServiceAccount", "namespace": "ci", "name": "bot"}]}),
        json!({"apiVersion": rbac, "kind": "RoleBinding", "metadata": {"name": "o", "namespace": "other"}, "roleRef": {"kind": "ClusterRole", "name": "r"},
            "subjects": [{"kind": "Group", "name": "devs"}]}),
    ])
}

fn run(libs: &[Lib], namespace: &str, source: &str) -> Result<Val, String> {
    let mut all = vec![Lib::Standard, Lib::Optional];
    all.extend(libs);
    let named = |name: &str| Type::named(&format!("kubernetes.authorization.{name}"));
    let mut env = Env::new(&all).variable("authorizer", named("Authorizer")).variable("devs", named("Authorizer"));
    env.declare_field("kubernetes.authorization.Authorizer", "requestResource", named("ResourceCheck"));
    let program = Program::compile(source, &env).map_err(|error| error.text)?;
    let world = world();
    let mut activation = Activation::new(&world);
    activation.namespace = namespace.to_owned();
    let asked = [("group", "apps"), ("resource", "deployments"), ("namespace", "default"), ("name", "web")];
    activation.set("authorizer", super::authorizer("jane", &[], &asked));
    activation.set("devs", super::authorizer("joe", &["devs".to_owned()], &[]));
    program.eval(&activation).map_err(|error| error.to_string())
}

#[track_caller]
fn holds(libs: &[Lib], namespace: &str, source: &str) {
    assert_eq!(run(libs, namespace, source), Ok(Val::Bool(true)), "{source}");
}

#[track_caller]
fn fails(libs: &[Lib], namespace: &str, source: &str, words: &str) {
    assert_eq!(run(libs, namespace, source), Err(words.to_owned()), "{source}");
}

macro_rules! all_hold {
    ($($(#[$doc:meta])* $name:ident($libs:expr, $namespace:expr): $($source:expr),* $(,)?;)*) => {
        $(#[test] $(#[$doc])* fn $name() { $(holds(&$libs, $namespace, $source);)* })*
    };
}

all_hold! {
    /// Kubernetes `library/authz.go`, the examples of its documentation.
    authorizer_asks_the_roles_of_the_cluster([Lib::Authorizer], ""):
        "authorizer.path('/healthz').check('get').allowed()", "!authorizer.path('/metrics').check('get').allowed()",
        "authorizer.group('apps').resource('deployments').check('get').allowed()", "!authorizer.group('apps').resource('deployments').check('create').allowed()",
        "authorizer.group('apps').resource('deployments').subresource('scale').namespace('default').name('web').check('get').allowed()",
        "!authorizer.group('apps').resource('deployments').subresource('status').check('get').allowed()",
        "authorizer.group('').resource('configmaps').name('a').check('delete').allowed()", "!authorizer.group('').resource('configmaps').name('b').check('delete').allowed()",
        "authorizer.serviceAccount('ci', 'bot').group('apps').resource('deployments').check('get').allowed()", "!authorizer.serviceAccount('ci', 'other').group('apps').resource('deployments').check('get').allowed()",
        "authorizer.group('apps').resource('deployments').fieldSelector('metadata.name=web').labelSelector('a=b').check('get').allowed()",
        "authorizer.requestResource.check('get').allowed()", "!authorizer.requestResource.check('delete').allowed()",
        "authorizer.path('/healthz').check('get').reason() == ''", "!authorizer.path('/healthz').check('get').errored()", "authorizer.path('/healthz').check('get').error() == ''",
        "devs.group('apps').resource('deployments').namespace('other').check('get').allowed()", "!devs.group('apps').resource('deployments').namespace('default').check('get').allowed()";
    /// Kyverno `sdk/extensions/cel/libs/resource`.
    resource_looks_into_the_cluster([Lib::Resource], ""):
        "resource.Get('v1', 'configmaps', 'default', 'a').data.k == 'v'", "dyn(resource.get('v1', 'configmaps', 'default', 'nope')) == null",
        "resource.Get(resource.ToGVR('v1', 'ConfigMap'), 'default', 'a').metadata.name == 'a'", "resource.get(resource.toGVR('v1', 'ConfigMap'), 'other', 'b').metadata.name == 'b'",
        "dyn(resource.List('v1', 'configmaps', 'default').items).size() == 1", "dyn(resource.list('v1', 'configmaps', '').items).size() == 2",
        "dyn(resource.List('v1', 'configmaps', '', {'x': 'y'}).items).map(i, i.metadata.name) == ['a']", "resource.list(resource.ToGVR('v1', 'ConfigMap'), 'other').kind == 'ConfigMapList'",
        "dyn(resource.List(resource.ToGVR('v1', 'ConfigMap'), '', {'x': 'z'}).items) == []",
        "resource.Post('v1', 'configmaps', 'default', {'metadata': dyn({'name': 'c'})}).metadata.name == 'c'",
        "resource.post('authorization.k8s.io/v1', 'subjectaccessreviews', {'spec': dyn({})}).status.allowed == true";
    /// Kyverno `sdk/extensions/cel/libs/resource/namespaced_impl.go`: no namespace is given, the policy's own is meant.
    resource_of_a_namespaced_policy([Lib::NamespacedResource], "other"):
        "dyn(resource.Get('v1', 'configmaps', 'a')) == null", "resource.get('v1', 'configmaps', 'b').metadata.name == 'b'", "dyn(resource.List('v1', 'configmaps').items).size() == 1",
        "resource.Get(resource.ToGVR('v1', 'ConfigMap'), 'b').metadata.namespace == 'other'", "dyn(resource.list('v1', 'configmaps', {'x': 'y'}).items) == []",
        "dyn(resource.list(resource.toGVR('v1', 'ConfigMap')).items).size() == 1";
    /// Kyverno `sdk/extensions/cel/libs/http`: numbers are what Go's `encoding/json` makes of them.
    http_asks_a_service([Lib::Http], ""):
        "http.Get('https://service/data').items == [1, 2]", "type(http.get('https://service/data').items[0]) == double", "http.Get('https://service/data', {'Authorization': 'x'}).items[1] == 2",
        "http.Post('https://service/data', {'a': 1}).got.a == 1", "http.post('https://service/data', ['x'], {'h': 'v'}).got == ['x']",
        "http.Client('pem').Get('https://service/data').items[0] == 1", "http.client('pem').get('https://service/data', {'h': 'v'}).items[0] == 1",
        "http.Client('pem').Post('https://service/data', 'x').got == 'x'", "http.client('pem').post('https://service/data', 'x').got == 'x'";
    /// Kyverno `sdk/extensions/cel/libs/globalcontext`, `pkg/cel/libs/context.go`: an entry that is not there is null.
    global_context_reads_entries([Lib::GlobalContext], ""):
        "globalContext.Get('entry').count == 3", "globalContext.get('entry', 'count') == 3", "globalContext.Get('nope') == null", "globalContext.get('nope', 'count') == null";
    /// Kyverno `sdk/extensions/cel/libs/imagedata`.
    image_metadata([Lib::ImageData], ""):
        "image.GetMetadata('nginx:1').resolvedImage == 'index.docker.io/library/nginx:1'", "image.getMetadata('nginx:1').manifest.schemaVersion == 2";
    /// Kyverno `pkg/cel/libs/imageverify`: how many attestors vouch for an image.
    image_verification([Lib::ImageVerify], ""):
        "verifyImageSignatures('nginx:1', [{'name': 'release'}, {'name': 'nobody'}]) == 1", "verifyAttestationSignatures('nginx:1', 'sbom', [{'name': 'release'}]) == 1",
        "verifyImageSignatures('busybox', [{'name': 'release'}]) == 0", "getImageData('nginx:1').manifest.schemaVersion == 2", "extractPayload('nginx:1', 'sbom').builder == 'ci'";
    /// Kyverno `sdk/extensions/cel/libs/generator`.
    generator([Lib::Generator], ""):
        "generator.Apply('default', [{'kind': 'ConfigMap'}])", "generator.apply('default', [])";
    /// The same for a namespaced policy.
    generator_of_a_namespaced_policy([Lib::NamespacedGenerator], "other"): "generator.Apply([{'kind': 'ConfigMap'}])", "generator.apply([])";
    /// Kyverno `kyverno-authz`, `pkg/cel/libs/authz`: answers to a proxy; RFC 7515 for the token.
    authorization_of_proxies([Lib::Authorization], ""):
        "dyn(envoy.Allowed().Response()).allowed", "dyn(envoy.Denied(403).WithBody('no').Response()).reason == 403", "dyn(http.Allowed().WithHeader('a', 'b').Response()).allowed",
        "!dyn(http.Denied('no').WithMessage('m').WithResponseHeader('a', 'b').WithoutHeader('c').Response()).allowed",
        "jwt.Decode('eyJhbGciOiJIUzI1NiIsInR5cCI6IkpXVCJ9.eyJzdWIiOiIxMjM0NTY3ODkwIiwibmFtZSI6IkpvaG4gRG9lIiwiaWF0IjoxNTE2MjM5MDIyfQ.SflKxwRJSMeKKF2QT4fwpMeJf36POk6yJV_adQssw5c', 'your-256-bit-secret').Claims.name == 'John Doe'",
        "jwt.Decode('eyJhbGciOiJIUzI1NiIsInR5cCI6IkpXVCJ9.eyJzdWIiOiIxMjM0NTY3ODkwIiwibmFtZSI6IkpvaG4gRG9lIiwiaWF0IjoxNTE2MjM5MDIyfQ.SflKxwRJSMeKKF2QT4fwpMeJf36POk6yJV_adQssw5c', 'your-256-bit-secret').Valid",
        "!jwt.Decode('eyJhbGciOiJIUzI1NiIsInR5cCI6IkpXVCJ9.eyJzdWIiOiIxMjM0NTY3ODkwIiwibmFtZSI6IkpvaG4gRG9lIiwiaWF0IjoxNTE2MjM5MDIyfQ.SflKxwRJSMeKKF2QT4fwpMeJf36POk6yJV_adQssw5c', 'other').Valid";
    /// Kyverno `sdk/extensions/cel/libs/{hash,time,random,transform}`; RFC 1321 and FIPS 180 for the digests.
    kyverno_again([Lib::Hash, Lib::Time, Lib::Random, Lib::Transform], ""):
        "hash.md5('abc') == '900150983cd24fb0d6963f7d28e17f72'", "hash.sha256('abc') == 'ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad'",
        "sha1('abc') == 'a9993e364706816aba3e25717850c26c9cd0d89d'", "time.now() == timestamp('2026-01-01T00:00:00Z')",
        "random.random('[a-f]{3}').matches('^[a-f]{3}$')", "random.random().size() == 8", "transform.listObjToMap([{'k': 'a'}], [{'v': 1}], 'k', 'v') == {'a': 1}";
    /// Kubernetes `library/format.go`: a prefix may end in a dash.
    format_prefixes([Lib::Formats], ""):
        "!format.dns1123LabelPrefix().validate('my-').hasValue()", "format.dns1123LabelPrefix().validate('My-').hasValue()", "!format.dns1123SubdomainPrefix().validate('a.b-').hasValue()",
        "!format.labelValue().validate('my-value').hasValue()", "format.labelValue().validate('a b').hasValue()";
    /// cel-go `common/stdlib`, `cel/library.go`.
    the_language_again([], ""):
        "bytes('abc') == b'abc'", "duration('90s').getMinutes() == 1", "duration('90s').getSeconds() == 90", "timestamp('2024-02-29T12:30:45Z').getMinutes() == 30",
        "timestamp('2024-02-29T12:30:45Z').getSeconds() == 45", "optional.unwrap([optional.of(1), optional.none()]) == [1]";
}

#[test]
fn what_the_world_does_not_know() {
    fails(
        &[Lib::Resource],
        "",
        "resource.List('v1', 'widgets', '') == {}",
        "failed to list resource: widgets resource not found",
    );
    fails(
        &[Lib::Resource],
        "",
        "resource.List('a.b/v1', 'widgets', '') == {}",
        "failed to list resource: widgets.a.b resource not found",
    );
    fails(&[Lib::Http], "", "http.Get('https://elsewhere') == 1", "request failed: connection refused");
    fails(&[Lib::GlobalContext], "", "globalContext.Get('broken') == 1", "failed to get global reference: not ready");
    let words = "failed to get image data: image data for busybox not found in the context";
    fails(&[Lib::ImageData], "", "image.GetMetadata('busybox') == 1", words);
}

/// Kyverno `sdk/extensions/cel/libs/x509`; the certificate is that of the JMESPath tests.
#[test]
fn certificates() {
    let pem = crate::expr::jmespath::functions::tests::CERTIFICATE.replace('\n', "\\n");
    let decoded = |rest: &str| run(&[Lib::X509], "", &format!("x509.decode('{pem}'){rest}"));
    assert_eq!(decoded(".PublicKey.E == 65537"), Ok(Val::Bool(true)));
    assert_eq!(decoded(".PublicKeyAlgorithm == 1"), Ok(Val::Bool(true)));
    fails(&[Lib::X509], "", "x509.decode('x') == 1", "failed to decode PEM block");
}

/// The functions that no line calls.
#[test]
fn every_function_has_a_line() {
    let lines = [include_str!("tests.rs"), include_str!("../tests.rs")].concat();
    let called = |name: &str, member: bool| match member {
        true => lines.contains(&format!(".{name}(")),
        false => lines.contains(&format!("{name}(")),
    };
    let mut missing: Vec<&str> = registry()
        .iter()
        .filter(|(name, _)| name.starts_with(|c: char| c.is_ascii_alphabetic()))
        .filter(|(name, overloads)| !overloads.iter().any(|overload| called(name, overload.member)))
        .map(|(name, _)| *name)
        .collect();
    missing.sort_unstable();
    assert_eq!(missing, Vec::<&str>::new());
}
