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
        "'%X'.format([30]) == '1E'", "'%o'.format([8]) == '10'", "'%s'.format([[1, 'a']]) == '[1, \"a\"]'", "'%s'.format([{'b': 1, 'a': 2.5}]) == '{\"a\":2.500000, \"b\":1}'",
        "'%%'.format([]) == '%'", "'%e'.format([1052.032911275]) == '1.052033\\u202f\\u00d7\\u202f10\\u2070\\u00b3'", "'%s'.format([duration('90s')]) == '90s'", "'%s'.format([null]) == 'null'";
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
        "json.unmarshal('{\"a\": [1]}').a[0] == 1", "type(json.unmarshal('1')) == double", "type(yaml.parse('1')) == double",
        "json.marshal(json.unmarshal('1')) == '1'", "json.marshal({'b': 1, 'a': 'x'}) == '{\"a\":\"x\",\"b\":1}'", "yaml.parse('a: 1\\nb: [x]').b[0] == 'x'",
        "listObjToMap([{'k': 'a'}], [{'v': 1}], 'k', 'v') == {'a': 1}", "gzip.decompress(gzip.compress('hello hello hello')) == 'hello hello hello'",
        "time.toCron(timestamp('2023-02-02T15:04:05Z')) == '4 15 2 2 4'", "time.truncate(timestamp('2021-01-02T18:04:05Z'), duration('2h')) == timestamp('2021-01-02T18:00:00Z')",
        "random('[0-9]{4}').matches('^[0-9]{4}$')", "random().size() == 8", "random() != random()",
        "jsonpatch.escapeKey('a/b~c') == 'a~1b~0c'";
    images: "image('nginx').registry() == 'index.docker.io'", "image('nginx').repository() == 'library/nginx'", "image('nginx').identifier() == 'latest'", "image('ghcr.io/a/b:v1').tag() == 'v1'",
        "image('localhost:5000/x/y').registry() == 'localhost:5000'", "isImage('ghcr.io/a/b')", "!isImage('UPPER/case:tag:x')",
        "image('a/b@sha256:1111111111111111111111111111111111111111111111111111111111111111').containsDigest()", "parseImageReference('docker.io/a/b').registry() == 'index.docker.io'", "image('nginx').digest() == ''";
    // cel-go `common/types/double.go`: `%g`.
    doubles_as_text: "string(1e6) == '1e+06'", "string(123456789.0) == '1.23456789e+08'", "string(999999.0) == '999999'", "string(1e-5) == '1e-05'",
        "string(0.0001) == '0.0001'", "string(1.0) == '1'", "string(1.0 / 0.0) == '+Inf'", "string(-1.0 / 0.0) == '-Inf'", "string(0.0 / 0.0) == 'NaN'";
    // cel-go `ext/formatting.go`: values in lists and maps are written as CEL writes them.
    format_of_literals: "'%s'.format([[2.71]]) == '[2.710000]'", "'%s'.format([2.71]) == '2.71'", "'%s'.format([[true, null]]) == '[true, null]'",
        "'%s'.format([[b'xyz']]) == '[b\"xyz\"]'", "'%s'.format([[duration('2h')]]) == '[duration(\"7200s\")]'", "'%s'.format([{1: 'a', true: 'b'}]) == '{1:\"a\", true:\"b\"}'",
        "'%s'.format([[timestamp(0)]]) == '[timestamp(\"1970-01-01T00:00:00Z\")]'", "'%s'.format([[[1], {}]]) == '[[1], {}]'", "'%s'.format([object.metadata.labels]) == '{\"a/b\":\"c\", \"app\":\"nginx\"}'",
        "'%s'.format([[0.0 / 0.0]]) == '[\"NaN\"]'", "'%s'.format([type(1)]) == 'int'";
    // golang.org/x/text prints in en_US.
    format_in_groups: "'%.2f'.format([1234567.891]) == '1,234,567.89'", "'%f'.format([-1234.5]) == '-1,234.500000'", "'%.0f'.format([999.0]) == '999'", "'%f'.format(['Infinity']) == '\\u221e'",
        "'%d'.format([1234567]) == '1234567'", "'%e'.format([0.015]) == '1.500000\\u202f\\u00d7\\u202f10\\u207b\\u2070\\u00b2'", "'%f'.format(['NaN']) == 'NaN'", "'%x'.format([-255]) == '-ff'", "'%o'.format([-8]) == '-10'",
        "'%b'.format([true]) == '1'", "'%x'.format([b'hi']) == '6869'", "'%d%%'.format([5]) == '5%'";
    // Kubernetes `pkg/cel/library`, the examples of its documentation.
    quantities_in_depth: "quantity('1.1').isInteger() == false", "quantity('-50k').sign() == -1", "quantity('0').sign() == 0", "quantity('50k').add(quantity('20')) == quantity('50020')",
        "quantity('50k').sub(20) == quantity('49980')", "quantity('200M').compareTo(quantity('0.3G')) == -1", "quantity('50M').compareTo(quantity('50k')) == 1", "isQuantity('1e3')", "!isQuantity('')", "!isQuantity('1 Gi')",
        "quantity('100m').asApproximateFloat() == 0.1", "quantity('1Ki') == quantity('1024')", "!quantity('1').isGreaterThan(quantity('1'))";
    addresses_in_depth: "ip('2001:db8::1').family() == 6", "!isIP('::ffff:0:0')", "!ip('10.0.0.1').isLoopback()", "ip('::').isUnspecified()", "ip('ff02::1').isLinkLocalMulticast()", "!isIP('127.0.0.1.0')", "!isIP('fe80::1%eth0')", "!isIP('010.0.0.1')",
        "cidr('10.0.0.0/8').containsIP('10.255.255.255')", "!cidr('10.0.0.0/8').containsCIDR('10.0.0.0/7')", "cidr('2001:db8::/32').containsCIDR(cidr('2001:db8:1::/48'))", "cidr('2001:db8::/32').ip().family() == 6",
        "!isCIDR('10.0.0.0')", "!isCIDR('fe80::1%eth0/64')", "ip('10.0.0.1') == ip('10.0.0.1')", "cidr('0.0.0.0/0').prefixLength() == 0", "cidr('10.0.0.1/32').masked() == cidr('10.0.0.1/32')";
    urls_in_depth: "url('https://example.com/').getScheme() == 'https'", "url('https://example.com').getPort() == ''", "url('https://example.com').getEscapedPath() == ''", "url('https://example.com/path').getQuery() == {}",
        "url('https://EXAMPLE.com').getHostname() == 'EXAMPLE.com'", "!isURL('')", "!isURL('https://a b')", "isURL('/path')", "!isURL('path')";
    versions_in_depth: "semver('1.0.0-beta').isLessThan(semver('1.0.0'))", "!isSemver('1.0')", "isSemver('1.0', true)", "semver('v01.01', true) == semver('1.1.0')", "!isSemver('')",
        "semver('1.2.3').isLessThan(semver('1.10.0'))", "semver('1.0.0').compareTo(semver('2.0.0')) == -1", "!isSemver('1.0.0.0')";
    lists_in_depth: "[].isSorted()", "[2, 1].isSorted() == false", "['b', 'a'].max() == 'b'", "[1.5, 2.5].sum() == 4.0", "[duration('1m'), duration('2m')].max() == duration('2m')", "['a', 'b', 'a'].lastIndexOf('a') == 2",
        "['a'].indexOf('b') == -1", "[1, 2, 3].slice(0, 0) == []", "[[1, 2], [3]].flatten() == [1, 2, 3]", "['b', 'a'].sort() == ['a', 'b']", "lists.range(0) == []", "[1, 1.0].distinct() == [1]";
    strings_in_depth: "''.split('') == []", "'abc'.split('', 2) == ['a', 'bc']", "'abc'.split('', 1) == ['abc']", "'abc'.replace('', '-') == '-a-b-c-'", "'abc'.replace('b', '') == 'ac'", "'a'.replace('a', 'b', 0) == 'a'", "[].join() == ''", "['a'].join('-') == 'a'",
        "'abc'.substring(3) == ''", "'abc'.substring(1, 1) == ''", "'abc'.lastIndexOf('') == 3", "'\\u2003a\\u2003'.trim() == 'a'", "'ÀB'.lowerAscii() == 'Àb'";
    sets_in_depth: "sets.contains([], [])", "sets.equivalent([], [])", "!sets.equivalent([1], [2])", "!sets.intersects([], [])", "sets.contains(['a', 'b'], ['b', 'a'])";
    math_in_depth: "math.greatest(-1) == -1", "math.least(1.5, -2.0) == -2.0", "math.greatest([1u, 3u]) == 3u", "math.round(-1.5) == -2.0", "math.ceil(-1.2) == -1.0", "math.trunc(1.9) == 1.0", "math.abs(-1.5) == 1.5", "math.sign(0.0) == 0.0", "math.bitNot(0u) == 18446744073709551615u",
        "math.bitShiftLeft(1, 64) == 0", "math.bitShiftRight(1u, 64) == 0u", "math.isNaN(math.sqrt(-1))", "!math.isInf(1.0)";
    optionals_in_depth: "optional.none().hasValue() == false", "optional.ofNonZeroValue(0).hasValue() == false", "optional.ofNonZeroValue([1]).value() == [1]", "{'a': 1}[?'b'].orValue(2) == 2", "{'a': {'b': 1}}.?a.?b.value() == 1", "optional.of(optional.none()).hasValue()",
        "optional.none().or(optional.of(1)).value() == 1", "[1, 2][?1].value() == 2", "[1].first().value() == 1", "![].first().hasValue()", "optional.none().optMap(x, x + 1) == optional.none()", "[?optional.of(1)] == [1]", "optional.of(1) == optional.of(1)", "optional.of(1) != optional.none()";
    transform_macros: "[1, 2].exists(i, v, i == 1 && v == 2)", "![1, 2].all(i, v, v > 1)", "{'a': 1}.all(k, v, v == 1)", "[1, 2, 3].transformMap(i, v, v * 2) == {0: 2, 1: 4, 2: 6}", "{'a': 1, 'b': 2}.transformList(k, v, v > 1, k) == ['b']", "['x', 'y'].transformMapEntry(i, v, i > 0, {v: i}) == {'y': 1}",
        "{'a': 1}.existsOne(k, v, v == 1)", "[].transformList(i, v, v) == []";
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

/// The words of cel-go and of the libraries of Kubernetes and Kyverno.
#[test]
fn library_errors() {
    fails("duration('1d') == duration('1s')", "type conversion error from 'string' to 'google.protobuf.Duration'");
    fails("timestamp('x') == timestamp(0)", "type conversion error from 'string' to 'google.protobuf.Timestamp'");
    fails("string(object.metadata.name).matches('[')", "error parsing regexp: missing closing ]: `[`");
    fails("object.metadata.name.matches('(')", "error parsing regexp: missing closing ): `(`");
    fails("json.unmarshal('x')", "invalid character 'x' looking for beginning of value");
    fails("json.unmarshal('{')", "unexpected end of JSON input");
    fails("json.unmarshal('1') + 1 == 2", "no such overload");
    fails("[1].slice(2, 1) == []", "cannot slice(2, 1), start index must be less than or equal to end index");
    fails("[3, 'a'].map(x, dyn(x)).sort() == []", "list elements must have the same type");
    fails("'a'.substring(-1) == ''", "index out of range: -1");
    fails("optional.none().value() == 1", "optional.none() dereference");
    fails(
        "listObjToMap([{'a': 1}], [], 'a', 'b') == {}",
        "listObjToMap must take lists of equal length. list1: 1, list2: 0",
    );
    fails("string('%a').format([1]) == ''", "could not parse formatting clause: unrecognized formatting clause \"a\"");
    fails(
        "string('%d').format([dyn('a')]) == ''",
        "error during formatting: decimal clause can only be used on integers, was given string",
    );
    fails("string('%d %d').format([1]) == ''", "index 1 out of range");
    fails("string('%').format([1]) == ''", "unexpected end of string");
    fails(
        "string('%.3').format([1.0]) == ''",
        "could not parse formatting clause: error while parsing precision: could not find end of precision specifier",
    );
    fails(
        "string('%x').format([dyn(1.5)]) == ''",
        "error during formatting: only integers, byte buffers, and strings can be formatted as hex, was given double",
    );
}

/// cel-go `ext/formatting.go`, stringFormatValidator: a format that is written out is checked with the types.
#[test]
fn formats_are_checked() {
    fails(
        "'%d'.format(['a'])",
        "ERROR: <input>:1:14: error during formatting: decimal clause can only be used on integers, was given string\n | '%d'.format(['a'])\n | .............^",
    );
    fails(
        "'%s'.format([1, 2])",
        "ERROR: <input>:1:12: too many arguments supplied to string.format (expected 1, got 2)\n | '%s'.format([1, 2])\n | ...........^",
    );
    fails(
        "'%s %s'.format([1])",
        "ERROR: <input>:1:15: index 1 out of range\n | '%s %s'.format([1])\n | ..............^",
    );
    holds("'%d'.format([object.spec.replicas]) == '3'");
    holds("'%s and %d'.format(['a', 1]) == 'a and 1'");
}

/// cel-go `cel/validator.go`: what the API server's environments say of literals, and both of mixed types.
#[test]
fn literals_are_checked() {
    let mut strict = env();
    strict.homogeneous = true;
    let words = |env: &Env, source: &str| {
        Program::compile(source, env).map(|_| ()).map_err(|error| error.mistakes[0].1.clone())
    };
    assert_eq!(words(&strict, "[1, 'a']"), Err("expected type 'int' but found 'string'".to_owned()));
    assert_eq!(words(&strict, "['a', object.metadata.name]"), Err("expected type 'string' but found 'dyn'".to_owned()));
    assert_eq!(words(&strict, "[object.metadata.name, 'a']"), Err("expected type 'dyn' but found 'string'".to_owned()));
    assert_eq!(words(&strict, "[dyn(1), dyn('a')]"), Ok(()));
    assert_eq!(words(&strict, "[object.a, object.b]"), Ok(()));
    assert_eq!(words(&strict, "{'a': 1, 'b': 'c'}"), Err("expected type 'int' but found 'string'".to_owned()));
    assert_eq!(words(&strict, "{'a': 1, 2: 1}"), Err("expected type 'string' but found 'int'".to_owned()));
    assert_eq!(words(&strict, "[[], [1]]"), Ok(()));
    assert_eq!(words(&strict, "[{}, {'a': 'b'}]"), Ok(()));
    assert_eq!(words(&strict, "[1, ?optional.of(2)]"), Ok(()));
    assert_eq!(words(&strict, "'%s %d'.format(['a', 1])"), Ok(()));
    assert_eq!(words(&strict, "'%s'.format([[1, 'a']])"), Ok(()));
    assert_eq!(words(&env(), "[1, 'a']"), Ok(()));
    strict.literals = true;
    assert_eq!(words(&strict, "duration('1d') > duration('1s')"), Err("invalid duration argument".to_owned()));
    assert_eq!(words(&strict, "timestamp('x') > timestamp(0)"), Err("invalid timestamp argument".to_owned()));
    assert_eq!(words(&strict, "object.a.matches('[')"), Err("invalid matches argument".to_owned()));
    assert_eq!(words(&strict, "object.a.matches('[a]') && duration('1h') > duration('1s')"), Ok(()));
    assert_eq!(words(&env(), "duration('1d') > duration('1s')"), Ok(()));
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
    fails(
        "1 == ) + 1",
        "ERROR: <input>:1:6: Syntax error: mismatched input ')' expecting expression\n | 1 == ) + 1\n | .....^",
    );
    assert!(run("a @ 1").is_err_and(|words| words.contains("token recognition error at: '@'")));
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
    // What grows without many steps: shared values, long strings, and what is made of them.
    let doubled = |start: &str, twice: &str, times: usize, body: &str| {
        let binds: String =
            (0..times).map(|at| format!("cel.bind(x{}, {}, ", at + 1, twice.replace('@', &format!("x{at}")))).collect();
        format!("cel.bind(x0, {start}, {binds}{}{})", body.replace('@', &format!("x{times}")), ")".repeat(times))
    };
    let tree = |body: &str| doubled("[1]", "[@, @]", 60, body);
    let long = |body: &str| doubled("'aaaaaaaaaaaaaaaa'", "@ + @", 16, body);
    let many = |body: &str| doubled("[0]", "@ + @", 18, body);
    for source in [
        tree("@ == @"),
        tree("@ in [@]"),
        tree("[@].distinct().size() == 1"),
        tree("sets.contains([@], [@])"),
        tree("json.marshal(@) == ''"),
        tree("'%s'.format([@]) == ''"),
        tree("@.flatten(100).size() == 1"),
        tree("[@].indexOf(@) == 0"),
        tree("type([?dyn(@)]) == list"),
        tree("{'a': @} == {'a': @}"),
        tree("optional.of(@) == optional.of(@)"),
        tree("@[0] < 1"),
        long("@.replace('', @) == ''"),
        long("@.replace('a', @).size() == 1"),
        long("@.split('').map(x, @).join(@) == ''"),
        long("@.matches('(a?a?a?a?a?a?a?a?){50}b')"),
        long("@.find('(.*)(.*)(.*)(.*)(.*)[^a]') == ''"),
        long("regex.replace(@, '(a|aa)+b', 'x') == ''"),
        long("@.lastIndexOf(@.substring(0, 500000) + 'b') == 0"),
        long("lists.range(100000).map(i, @).sort() == []"),
        long("lists.range(1000).all(i, @.lowerAscii().upperAscii().size() > i)"),
        many("@.all(a, @.all(b, @.exists(c, true)))"),
        many("lists.range(1000000).all(a, @.exists(b, b == 0))"),
        many("@.distinct() == [] || sets.equivalent(@.map(x, x + 1), @)"),
        many("@.map(x, @).map(y, y.map(z, z)).size() == 1"),
        "random('((((a{0}){1000}){1000}){1000}){1000}') == ''".to_owned(),
        "'a'.matches('((((a{1000}){1000}){1000}){1000})')".to_owned(),
        format!("[{}] == []", "[], ".repeat(20_000)),
        format!("{{{}}} == {{}}", (0..9000).map(|at| format!("'{at}': [], ")).collect::<String>()),
        format!("[{}].all(x, x)", "true && false || ".repeat(5000) + "true"),
    ] {
        let _ = run(&source);
    }
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
