//! One line per behaviour; expected values from cel-spec, cel-go, Kubernetes and Kyverno documentation.

use serde_json::json;

use super::*;

const ALL: &[Lib] = &[
    Lib::Standard,
    Lib::Optional,
    Lib::Strings,
    Lib::Lists,
    Lib::Math,
    Lib::Sets,
    Lib::Encoders,
    Lib::Regex,
    Lib::Find,
    Lib::KubernetesLists,
    Lib::Url,
    Lib::Ip,
    Lib::Cidr,
    Lib::Quantity,
    Lib::Semver,
    Lib::Formats,
    Lib::JsonPatch,
    Lib::Image,
    Lib::User,
    Lib::Hash,
    Lib::Rounding,
    Lib::Json,
    Lib::Yaml,
    Lib::Random,
    Lib::X509,
    Lib::Time,
    Lib::Transform,
    Lib::Gzip,
];

fn env() -> Env {
    let mut env = Env::new(ALL).variable("object", Type::Dyn).variable("variables", Type::named("kyverno.variables"));
    env.declare_message("kyverno.variables");
    env.two_variables = true;
    env.objects = true;
    env
}

fn object() -> serde_json::Value {
    json!({
        "metadata": {"name": "web", "labels": {"app": "nginx", "a/b": "c"}},
        "spec": {
            "replicas": 3,
            "ratio": 0.5,
            "containers": [{"name": "a", "image": "nginx:1"}, {"name": "b", "image": "busybox", "tty": true}],
        },
    })
}

fn run(source: &str) -> Result<Val, String> {
    let program = Program::compile(source, &env()).map_err(|error| error.text)?;
    let mut activation = Activation::default();
    activation.set("object", from_json(&object()));
    program.eval(&activation).map_err(|error| error.to_string())
}

#[track_caller]
fn holds(source: &str) {
    assert_eq!(run(source), Ok(Val::Bool(true)), "{source}");
}

#[track_caller]
fn fails(source: &str, words: &str) {
    assert_eq!(run(source), Err(words.to_owned()), "{source}");
}

macro_rules! all_hold {
    ($($name:ident: $($source:expr),* $(,)?;)*) => { $(#[test] fn $name() { $(holds($source);)* })* };
}

all_hold! {
    arithmetic: "1 + 2 == 3", "7 / 2 == 3", "-7 % 3 == -1", "1.5 * 2.0 == 3.0", "2u + 3u == 5u", "'a' + 'b' == 'ab'",
        "[1] + [2] == [1, 2]", "b'a' + b'b' == b'ab'", "-(-9223372036854775807) > 0", "1 - 2 == -1";
    mixed_numbers: "dyn(1) == dyn(1u)", "dyn(1) == dyn(1.0)", "1 < 1.5", "2u > 1",
        "dyn(1u) in [1, 2]", "{1: 'a'}[dyn(1u)] == 'a'", "1.0 <= 1u";
    logic: "true || 1 / 0 > 1", "1 / 0 > 1 || true", "!(false && 1 / 0 > 1)", "!(1 / 0 > 1 && false)", "true ? true : false";
    select: "object.spec.replicas == 3", "has(object.spec.replicas)", "!has(object.spec.nope)", "object.metadata.labels['a/b'] == 'c'",
        "object.spec.replicas + 1 == 4", "object.spec.ratio == 0.5", "'app' in object.metadata.labels", "!has(object.metadata.name.x)";
    optionals: "object.?spec.replicas.orValue(0) == 3", "object.?nope.x.orValue(7) == 7", "object.metadata.labels[?'app'].hasValue()",
        "optional.of(1).optMap(x, x + 1).value() == 2", "optional.none().orValue(5) == 5", "object.spec.containers[?9].hasValue() == false",
        "[?optional.none(), 1].size() == 1", "{?'a': optional.of(1)}.a == 1", "optional.ofNonZeroValue('') == optional.none()",
        "optional.of(1).or(optional.of(2)).value() == 1", "optional.of([1]).optFlatMap(x, x[?0]).value() == 1",
        "[1, 2].last().value() == 2", "[optional.of(1), optional.none()].unwrapOpt() == [1]", "!object.?spec.?x.hasValue()";
    macros: "object.spec.containers.all(c, has(c.image))", "object.spec.containers.exists(c, c.image == 'busybox')",
        "object.spec.containers.exists_one(c, has(c.tty))", "object.spec.containers.map(c, c.name) == ['a', 'b']",
        "object.spec.containers.filter(c, has(c.tty)).size() == 1", "[1, 2, 3].map(x, x > 1, x * 2) == [4, 6]",
        "{'a': 1}.all(k, k == 'a')", "[1, 2].exists(x, x / 0 == 1 || x == 2)", "cel.bind(x, 3, x * x == 9)",
        "![1, 0].all(x, 1 / x > 5)", "[[1], [2]].all(x, x.all(y, y > 0))";
    two_variables: "[1, 2].all(i, v, i + 1 == v)", "{'a': 1}.exists(k, v, k == 'a' && v == 1)", "[5, 6].transformList(i, v, i * v) == [0, 6]",
        "{'a': 1, 'b': 2}.transformMap(k, v, v > 1, v * 2) == {'b': 4}", "{'a': 'b'}.transformMapEntry(k, v, {v: k}) == {'b': 'a'}",
        "[3, 4].existsOne(i, v, v == 4)", "[3, 4].transformList(i, v, v > 3, v) == [4]";
    conversions: "int('42') == 42", "string(1.5) == '1.5'", "string(b'abc') == 'abc'", "double('1e3') == 1000.0", "bool('true')",
        "type(1) == int", "type(object) == map", "type('') == string", "int(2.9) == 2", "uint(3) == 3u", "string(true) == 'true'",
        "duration('90m') == duration('1h30m')", "string(duration('1h')) == '3600s'", "dyn(null) == null", "string(timestamp(0)) == '1970-01-01T00:00:00Z'",
        "type(duration('1s')) == google.protobuf.Duration";
    times: "timestamp('2024-02-29T12:30:45.5Z').getFullYear() == 2024", "timestamp('2024-02-29T12:30:45Z').getMonth() == 1",
        "timestamp('2024-02-29T12:30:45Z').getDate() == 29", "timestamp('2024-02-29T12:30:45Z').getDayOfMonth() == 28",
        "timestamp('2024-02-29T12:30:45Z').getDayOfWeek() == 4", "timestamp('2024-02-29T12:30:45Z').getHours('+02:00') == 14",
        "timestamp('2024-02-29T12:30:45Z') - timestamp('2024-02-29T12:00:00Z') == duration('30m45s')",
        "timestamp('2024-02-29T12:30:45Z') + duration('24h') < timestamp('2024-03-02T00:00:00Z')", "duration('90m').getHours() == 1",
        "timestamp('2024-02-29T12:30:45.250Z').getMilliseconds() == 250", "timestamp('2024-02-29T12:30:45Z').getDayOfYear() == 59";
    strings: "'tacocat'.charAt(3) == 'o'", "'hello mellow'.indexOf('ello') == 1", "'hello mellow'.indexOf('ello', 2) == 7",
        "'hello mellow'.lastIndexOf('ello') == 7", "'hello mellow'.lastIndexOf('ello', 6) == 1", "'TacoCÆt'.lowerAscii() == 'tacocÆt'",
        "'TacoCÆt'.upperAscii() == 'TACOCÆT'", "'hello hello'.replace('he', 'we', 1) == 'wello hello'", "'hello hello'.replace('he', 'we') == 'wello wello'",
        "'hello hello hello'.split(' ', 2) == ['hello', 'hello hello']", "'a,b'.split(',') == ['a', 'b']", "'ab'.split('') == ['a', 'b']",
        "'tacocat'.substring(4) == 'cat'", "'tacocat'.substring(0, 4) == 'taco'", "'  \\ttrim\\n    '.trim() == 'trim'", "['a', 'b'].join('-') == 'a-b'",
        "strings.quote('first\\n\"q\"') == '\"first\\\\n\\\\\"q\\\\\"\"'", "'abc'.contains('b')", "'abc'.startsWith('ab')", "'abc'.endsWith('bc')",
        "size('Æ') == 1", "'a b'.split(' ', 0) == []", "'hello'.indexOf('') == 0", "'a'.charAt(1) == ''";
    format: "'%s has %d'.format(['x', 2]) == 'x has 2'", "'%.2f'.format([1.005]) == '1.00'", "'%b'.format([5]) == '101'", "'%x'.format(['hi']) == '6869'",
        "'%X'.format([30]) == '1E'", "'%o'.format([8]) == '10'", "'%s'.format([[1, 'a']]) == '[1, a]'", "'%s'.format([{'b': 1, 'a': 2.5}]) == '{a: 2.5, b: 1}'",
        "'%%'.format([]) == '%'", "'%e'.format([1052.032911275]) == '1.052033e+03'", "'%s'.format([duration('90s')]) == '90s'", "'%s'.format([null]) == 'null'";
    lists: "[1, 2, 3, 4].slice(1, 3) == [2, 3]", "[[1], [2, 3]].flatten() == [1, 2, 3]", "[3, 1, 2].sort() == [1, 2, 3]", "lists.range(3) == [0, 1, 2]",
        "[1, 2].reverse() == [2, 1]", "[1, 2, 2].distinct() == [1, 2]", "[{'n': 2}, {'n': 1}].sortBy(e, e.n)[0].n == 1", "[1, [2, [3]]].flatten(2) == [1, 2, 3]";
    math: "math.greatest(1, 5, 3) == 5", "math.least([4, 2]) == 2", "math.ceil(1.2) == 2.0", "math.floor(-1.2) == -2.0", "math.round(1.5) == 2.0",
        "math.trunc(-1.3) == -1.0", "math.abs(-5) == 5", "math.sign(-42) == -1", "math.isNaN(0.0 / 0.0)", "math.isInf(1.0 / 0.0)", "math.isFinite(1.2)",
        "math.bitAnd(3, 5) == 1", "math.bitOr(1, 2) == 3", "math.bitXor(3, 5) == 6", "math.bitNot(1) == -2", "math.bitShiftLeft(1, 2) == 4",
        "math.bitShiftRight(-1024, 3) == 2305843009213693824", "math.sqrt(81) == 9.0", "math.round(3.14159, 2) == 3.14", "math.greatest(1, 2.0) == 2.0";
    sets: "sets.contains([1, 2], [2])", "sets.equivalent([1], [1, 1])", "sets.intersects([1], [1, 2])", "!sets.contains([], [1])", "!sets.intersects([1], [])";
    encoders: "base64.decode('aGVsbG8=') == b'hello'", "base64.encode(b'hello') == 'aGVsbG8='", "base64.decode('aGVsbG8') == b'hello'";
    regex: "'abc 123'.find('[0-9]+') == '123'", "'123 abc 456'.findAll('[0-9]+', 1) == ['123']",
        "'abc'.matches('^a.c$')", "'foobar'.matches('o+b')", "regex.replace('hello world', 'l+', 'L') == 'heLo worLd'", "regex.replace('a.b', '(\\\\w)\\\\.(\\\\w)', '\\\\2-\\\\1') == 'b-a'",
        "regex.extract('item-A, item-B', 'item-(\\\\w)').value() == 'A'", "regex.extractAll('id:1, id:2', 'id:\\\\d') == ['id:1', 'id:2']", "regex.replace('banana', 'a', 'x', 1) == 'bxnana'",
        "!'é'.matches('^\\\\w$')", "'a-b_c'.matches('^[\\\\w-]+$')";
    kubernetes_lists: "[1, 3].isSorted()", "['a', 'a'].isSorted()", "[1, 3].sum() == 4", "[1, 3].min() == 1", "[1.0, 3.0].max() == 3.0", "[1, 2, 2, 3].indexOf(2) == 1",
        "[1, 2, 2, 3].lastIndexOf(2) == 2", "[duration('1m'), duration('1s')].sum() == duration('61s')", "[1.0].indexOf(1.1) == -1";
    urls: "url('https://example.com:80/').getHost() == 'example.com:80'", "url('https://user:pass@[::1]:80/a%20b?k=a&k=b').getHostname() == '::1'",
        "url('https://example.com:80/').getPort() == '80'", "url('https://example.com/path?k1=a&k2=b&k2=c').getQuery() == {'k1': ['a'], 'k2': ['b', 'c']}",
        "url('/absolute-path').getScheme() == ''", "isURL('https://user:pass@example.com:80/path?query=val#fragment')", "!isURL('../relative-path')",
        "url('https://example.com/with space/').getEscapedPath() == '/with%20space/'", "url('/path').getHost() == ''";
    addresses: "ip('192.168.0.1').family() == 4", "ip('::1').isLoopback()", "isIP('10.0.0.1')", "!isIP('300.1.1.1')", "ip.isCanonical('127.0.0.1')", "!ip.isCanonical('2001:DB8::ABCD')",
        "ip('fe80::1').isLinkLocalUnicast()", "ip('224.0.0.1').isLinkLocalMulticast()", "ip('192.168.0.1').isGlobalUnicast()", "!ip('255.255.255.255').isGlobalUnicast()", "ip('0.0.0.0').isUnspecified()",
        "cidr('192.168.0.0/24').containsIP('192.168.0.1')", "!cidr('192.168.0.0/24').containsIP(ip('192.168.1.1'))", "cidr('192.168.0.0/16').containsCIDR('192.168.10.0/24')",
        "cidr('192.168.1.5/24').masked() == cidr('192.168.1.0/24')", "cidr('192.168.0.0/24').prefixLength() == 24", "cidr('192.168.0.0/24').ip() == ip('192.168.0.0')",
        "isCIDR('10.0.0.0/8')", "!isCIDR('10.0.0.0/64')", "string(ip('::1')) == '::1'", "string(cidr('10.0.0.0/8')) == '10.0.0.0/8'", "!isIP('::ffff:1.2.3.4')";
    quantities: "quantity('50M') == quantity('50000k')", "quantity('1.5Gi').isGreaterThan(quantity('1G'))", "quantity('50k').sign() == 1", "quantity('50000k').asInteger() == 50000000",
        "quantity('50.703k').isInteger()", "isQuantity('1.3Gi')", "!isQuantity('200K')", "quantity('50k').add(20) == quantity('50020')", "quantity('50k').sub(quantity('20')) == quantity('49980')",
        "quantity('200M').compareTo(quantity('0.2G')) == 0", "quantity('9999999999999999999999999999999999999G').isInteger() == false", "quantity('1').asApproximateFloat() == 1.0",
        "quantity('1').isLessThan(quantity('2'))";
    versions: "semver('1.2.3').major() == 1", "semver('1.2.3').minor() == 2", "semver('1.2.3').patch() == 3", "isSemver('1.0.0')", "!isSemver('v1.0')", "semver('v1.0', true) == semver('1.0.0')",
        "semver('1.2.3').isGreaterThan(semver('1.2.2'))", "semver('1.2.3').compareTo(semver('1.2.3')) == 0", "isSemver('01.01.01', true)", "semver('1.2.3-rc.1').isLessThan(semver('1.2.3'))";
    formats: "!format.dns1123Label().validate('my-name').hasValue()", "format.dns1123Label().validate('My_Name').hasValue()", "format.uuid().validate('123e4567-e89b-12d3-a456-426614174000') == optional.none()",
        "format.named('labelValue').hasValue()", "!format.named('nope').hasValue()", "!format.datetime().validate('2011-01-01T00:00:00Z').hasValue()", "!format.date().validate('2021-01-01').hasValue()",
        "!format.dns1035LabelPrefix().validate('my-').hasValue()", "format.byte().validate('not base64').value() == ['invalid base64']", "!format.qualifiedName().validate('apps.example.com/v1').hasValue()",
        "!format.uri().validate('http://example.com').hasValue()", "format.dns1035Label().validate('1a').hasValue()", "!format.dns1123Subdomain().validate('a.b').hasValue()";
    kyverno: "sha256('hello') == '2cf24dba5fb0a30e26e83b2ac5b9e29e1b161e5c1fa7425e73043362938b9824'", "md5('hello') == '5d41402abc4b2a76b9719d911017c592'",
        "hash.sha1('hello') == 'aaf4c61ddcc5e8a2dabede0f3b482cd9aea9434d'", "parseServiceAccount('system:serviceaccount:ns:sa').Name == 'sa'", "user.parseServiceAccount('x').Namespace == ''",
        "json.unmarshal('{\"a\": [1]}').a[0] == 1", "json.marshal({'b': 1, 'a': 'x'}) == '{\"a\":\"x\",\"b\":1}'", "yaml.parse('a: 1\\nb: [x]').b[0] == 'x'",
        "listObjToMap([{'k': 'a'}], [{'v': 1}], 'k', 'v') == {'a': 1}", "gzip.decompress(gzip.compress('hello hello hello')) == 'hello hello hello'",
        "time.toCron(timestamp('2023-02-02T15:04:05Z')) == '4 15 2 2 4'", "time.truncate(timestamp('2021-01-02T18:04:05Z'), duration('2h')) == timestamp('2021-01-02T18:00:00Z')",
        "random('[0-9]{4}').matches('^[0-9]{4}$')", "random().size() == 8", "random() != random()",
        "jsonpatch.escapeKey('a/b~c') == 'a~1b~0c'";
    images: "image('nginx').registry() == 'index.docker.io'", "image('nginx').repository() == 'library/nginx'", "image('nginx').identifier() == 'latest'", "image('ghcr.io/a/b:v1').tag() == 'v1'",
        "image('localhost:5000/x/y').registry() == 'localhost:5000'", "isImage('ghcr.io/a/b')", "!isImage('UPPER/case:tag:x')",
        "image('a/b@sha256:1111111111111111111111111111111111111111111111111111111111111111').containsDigest()", "parseImageReference('docker.io/a/b').registry() == 'index.docker.io'", "image('nginx').digest() == ''";
    messages: "type(Object{spec: Object.spec{replicas: 3}}) != int", "Object{a: 1}.a == 1", "has(Object{a: 1}.a)";
}

#[test]
fn runtime_errors_have_cel_go_words() {
    fails("object.nope == 1", "no such key: nope");
    fails("object.spec.containers[5] == 1", "index out of bounds: 5");
    fails("1 / 0 == 1", "division by zero");
    fails("1 % 0 == 1", "modulus by zero");
    fails("9223372036854775807 + 1 == 1", "integer overflow");
    fails("object.spec.replicas + 'a' == 'b'", "no such overload");
    fails("optional.none().value() == 1", "optional.none() dereference");
    fails("int('x') == 1", "type conversion error from 'string' to 'int'");
    fails("'abc'.substring(5) == ''", "index out of range: 5");
    fails("object.spec.replicas.startsWith('a')", "no such overload: startsWith(int, string)");
    fails("object.metadata.name.x == 1", "no such key: x");
    fails("{'a': 1}['b'] == 1", "no such key: b");
}

#[test]
fn compile_errors_have_cel_go_words_and_carets() {
    let undeclared = "ERROR: <input>:1:1: undeclared reference to 'foo' (in container '')\n | foo.bar == 1\n | ^";
    fails("foo.bar == 1", undeclared);
    fails(
        "1 == 'a'",
        "ERROR: <input>:1:3: found no matching overload for '_==_' applied to '(int, string)'\n | 1 == 'a'\n | ..^",
    );
    fails("variables.x == 1", "ERROR: <input>:1:10: undefined field 'x'\n | variables.x == 1\n | .........^");
    fails(
        "nofunc(1)",
        "ERROR: <input>:1:7: undeclared reference to 'nofunc' (in container '')\n | nofunc(1)\n | ......^",
    );
    fails(
        "'a'.nofunc(1)",
        "ERROR: <input>:1:11: undeclared reference to 'nofunc' (in container '')\n | 'a'.nofunc(1)\n | ..........^",
    );
    fails("true &&\n  bad", "ERROR: <input>:2:3: undeclared reference to 'bad' (in container '')\n |   bad\n | ..^");
    assert!(run("1 +").is_err());
    assert!(run("object.spec.").is_err());
}

#[test]
fn output_types_are_those_of_the_checker() {
    let output = |source: &str| Program::compile(source, &env()).map(|program| program.output().to_string());
    assert_eq!(output("object.spec.x").as_deref(), Ok("dyn"));
    assert_eq!(output("has(object.x)").as_deref(), Ok("bool"));
    assert_eq!(output("object.a == object.b && object.c").as_deref(), Ok("bool"));
    assert_eq!(output("[1, 2].map(x, string(x))").as_deref(), Ok("list(string)"));
    assert_eq!(output("object.?a.orValue(false)").as_deref(), Ok("dyn"));
    assert_eq!(output("object.a + 1").as_deref(), Ok("int"));
    assert_eq!(output("{'a': 1}").as_deref(), Ok("map(string, int)"));
    assert_eq!(output("Object{a: 1}").as_deref(), Ok("Object"));
    assert_eq!(output("[JSONPatch{op: 'add', path: '/a', value: 1}]").as_deref(), Ok("list(JSONPatch)"));
    assert_eq!(output("true ? 'a' : 'b'").as_deref(), Ok("string"));
}

#[test]
fn hostile_expressions_end() {
    let deep = format!("{}1{}", "(".repeat(5000), ")".repeat(5000));
    assert!(run(&deep).is_err());
    assert!(run(&format!("a{}", ".a".repeat(20_000))).is_err());
    assert!(run(&"true?true:".repeat(5000)).is_err());
    assert!(run(&"!".repeat(10_000)).is_err());
    let range = "lists.range(1000).all(a, lists.range(1000).all(b, lists.range(1000).all(c, a + b + c >= 0)))";
    fails(range, "operation cancelled: actual cost limit exceeded");
}

#[test]
fn variables_are_lazy_and_compose() {
    let mut env = env();
    let one = Program::compile("object.spec.replicas + 1", &env).expect("compiles");
    env.declare_field("kyverno.variables", "one", one.output().clone());
    let two = Program::compile("variables.one * 2", &env).expect("compiles");
    let broken = Program::compile("object.nope.nope", &env).expect("compiles");
    env.declare_field("kyverno.variables", "two", two.output().clone());
    env.declare_field("kyverno.variables", "broken", broken.output().clone());
    let lazy = [("one".to_owned(), one), ("two".to_owned(), two), ("broken".to_owned(), broken)];
    let mut activation = Activation::default();
    activation.set("object", from_json(&object()));
    activation.set_variables(&lazy);
    let eval = |source: &str| Program::compile(source, &env).expect("compiles").eval(&activation);
    assert_eq!(eval("variables.two"), Ok(Val::Int(8)));
    assert_eq!(eval("variables.two == 8 || variables.broken"), Ok(Val::Bool(true)));
    assert_eq!(eval("variables.broken"), Err(Error::new("no such key: nope")));
}
