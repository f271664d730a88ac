//! One line per function and trap. Expected values come from Kyverno's sources and documentation.

use serde_json::{Value, json};

use super::super::{Env, query};
use super::{all, find};

/// 2026-01-01T00:00:00Z.
const NOW: (i64, u32) = (1_767_225_600, 0);

fn run(expression: &str) -> Result<Value, String> {
    let data = json!({"people": [{"n": "b", "age": 2}, {"n": "a", "age": 3}, {"n": "c"}], "o": {"b": 2, "a": 1}});
    query(expression, &data, &Env::new(NOW, 7)).map_err(|error| error.to_string())
}

#[track_caller]
fn gives(expression: &str, expected: Value) {
    assert_eq!(run(expression), Ok(expected), "{expression}");
}

#[track_caller]
fn fails(expression: &str, expected: &str) {
    assert_eq!(run(expression), Err(expected.to_owned()), "{expression}");
}

#[test]
fn table() {
    assert!(all().windows(2).all(|pair| pair[0].name < pair[1].name), "sorted, and no name twice");
    assert_eq!(find("replace").unwrap().signature(), "replace(string, string, string, number) string");
    assert_eq!(find("lookup").unwrap().signature(), "lookup(object|array, string|number) any");
    assert_eq!(find("time_now").unwrap().signature(), "time_now() string");
    assert_eq!(find("merge").unwrap().signature(), "merge(object...) object");
    assert!(all().iter().all(|info| !info.doc.is_empty()));
    assert!(find("nope").is_none());
}

/// Each function has a line here that calls it.
#[test]
fn every_function_is_tested() {
    let tests = include_str!("tests.rs");
    let missing: Vec<_> = all().iter().filter(|info| !tests.contains(&format!("\"{}(", info.name))).collect();
    let elsewhere = ["random", "type"];
    let missing: Vec<_> = missing.into_iter().filter(|info| !elsewhere.contains(&info.name)).collect();
    assert!(missing.is_empty(), "{missing:?}");
}

#[test]
fn standard() {
    gives("abs(`-1.5`)", json!(1.5));
    gives("avg(`[1, 2, 6]`)", json!(3));
    gives("ceil(`1.2`)", json!(2));
    gives("floor(`-1.2`)", json!(-2));
    gives("contains('foobar', 'oba')", json!(true));
    gives("contains(`[1, 2]`, `2.0`)", json!(true));
    gives("contains('1', `1`)", json!(false));
    fails("contains(people, people[0])", "runtime error: comparing uncomparable type map[string]interface {}");
    gives("ends_with('foobar', 'bar')", json!(true));
    gives("starts_with('foobar', 'bar')", json!(false));
    gives("join('-', `[\"a\", \"b\"]`)", json!("a-b"));
    gives("keys(o)", json!(["a", "b"]));
    gives("values(o)", json!([1, 2]));
    gives("length('äöü')", json!(3));
    gives("length(o)", json!(2));
    gives("map(&age, people)", json!([2, 3, null]));
    gives("max(`[1, 3, 2]`)", json!(3));
    gives("max(`[\"a\", \"b\"]`)", json!("b"));
    gives("min(`[]`)", json!(null));
    gives("min(`[2, 1]`)", json!(1));
    gives("max_by(people[:2], &age).n", json!("a"));
    gives("min_by(people[:2], &age).n", json!("b"));
    gives("max_by(people[:1], &nope).n", json!("b"));
    fails("max_by(people, &age)", "invalid type, must be number");
    fails("max_by(people, &nope)", "invalid type, must be number of string");
    gives("merge(o, `{\"b\": 3}`)", json!({"b": 3, "a": 1}));
    gives("not_null(nope, `null`, 'x')", json!("x"));
    gives("reverse('abc')", json!("cba"));
    gives("reverse(`[1, 2]`)", json!([2, 1]));
    gives("sort(`[3, 1, 2]`)", json!([1, 2, 3]));
    gives("sort(`[\"b\", \"a\"]`)", json!(["a", "b"]));
    gives("sort_by(people, &n)[*].n", json!(["a", "b", "c"]));
    fails("sort_by(people, &age)", "error in sort_by comparison");
    gives("to_array('a')", json!(["a"]));
    gives("to_number('1.50')", json!(1.5));
    gives("to_number('x')", json!(null));
    gives("to_string(o)", json!(r#"{"a":1,"b":2}"#));
    gives("to_string('<')", json!("<"));
    gives("to_string(['<'])", json!("[\"\\u003c\"]"));
    gives(
        "[type('a'), type(`1`), type(o), type(people), type(`null`), type(`true`)]",
        json!(["string", "number", "object", "array", "null", "boolean"]),
    );
}

#[test]
fn strings() {
    gives("compare('a', 'b')", json!(-1));
    gives("equal_fold('Go', 'GO')", json!(true));
    gives("replace('aaa', 'a', 'b', `2`)", json!("bba"));
    gives("replace('aaa', 'a', 'b', `-1`)", json!("bbb"));
    gives("replace_all('Lorem ipsum', 'm', 'n')", json!("Loren ipsun"));
    gives("to_upper('ab')", json!("AB"));
    gives("to_lower('AB')", json!("ab"));
    gives("trim('¡¡¡Hello, Gophers!!!', '!¡')", json!("Hello, Gophers"));
    gives("trim_prefix('foobar', 'foo')", json!("bar"));
    gives("split('a,b,', ',')", json!(["a", "b", ""]));
    gives("split('äb', '')", json!(["ä", "b"]));
    gives("split('', ',')", json!([""]));
    gives("pattern_match('12*', `123`)", json!(true));
    gives("pattern_match('a?c', 'abbc')", json!(false));
    gives("label_match(`{\"a\": \"1\"}`, `{\"a\": \"1\", \"b\": \"2\"}`)", json!(true));
    gives("label_match(`{\"a\": \"1\"}`, `{\"a\": \"2\"}`)", json!(false));
    gives("to_boolean('TRUE')", json!(true));
    fails(
        "to_boolean('1')",
        "JMESPath function 'to_boolean': lowercase argument must be 'true' or 'false' (provided: '1')",
    );
    gives("truncate('Lorem', `3`)", json!("Lor"));
    gives("truncate('äöü', `2`)", json!("äö"));
    gives("truncate('Lorem', `-1`)", json!(""));
    gives("path_canonicalize('///var/../tmp//x/./')", json!("/tmp/x"));
    gives("path_canonicalize('')", json!(""));
    gives("path_canonicalize('../../a')", json!("../../a"));
    gives("path_canonicalize('a/..')", json!("."));
}

#[test]
fn regular_expressions() {
    gives("regex_match('^[0-9]+$', `123`)", json!(true));
    gives("regex_match('\\d{2}', 'a12')", json!(true));
    gives("regex_match('^\\d$', '٣')", json!(false));
    gives("regex_match('^\\w+$', 'ä')", json!(false));
    gives("regex_match('\\bfoo\\b', 'a foo b')", json!(true));
    gives("regex_match('^[\\w.-]+$', 'a.b-c')", json!(true));
    gives("regex_match('a{,2}', 'a{,2}')", json!(true));
    gives("regex_match('^[[]x$', '[x')", json!(true));
    gives("regex_match('^\\Qa.b\\E$', 'a.b')", json!(true));
    gives("regex_replace_all('([Hh]e|G)l', 'Hello, ${1}', '${2}G')", json!("Glo, ${1}"));
    gives("regex_replace_all('(\\d+)', 'a12', '<$1>')", json!("a<12>"));
    gives("regex_replace_all('(\\d+)', 'a12', '$1x')", json!("a"));
    gives("regex_replace_all('(\\d+)', 'a12', '${1}x$$')", json!("a12x$"));
    gives("regex_replace_all('(?P<n>\\d)', 'a1', '[$n]')", json!("a[1]"));
    gives("regex_replace_all('1', `121`, `3`)", json!("323"));
    gives("regex_replace_all_literal('\\d', 'a1', '$1')", json!("a$1"));
    fails("regex_match('(', 'x')", "error parsing regexp: missing closing ): `(`");
    fails("regex_match('(?=a)', 'x')", "error parsing regexp: invalid or unsupported Perl syntax: `(?=`");
    fails(
        "regex_replace_all('[', 'x', 'y')",
        "JMESPath function 'regex_replace_all': error parsing regexp: missing closing ]: `[`",
    );
    fails("regex_match('*', 'x')", "error parsing regexp: missing argument to repetition operator: `*`");
}

#[test]
fn arithmetic() {
    gives("add(`1`, `2.5`)", json!(3.5));
    gives("add('1Ki', '1')", json!("1025"));
    gives("add('600Mi', '600Mi')", json!("1200Mi"));
    gives("add('1h', '1h30m')", json!("2h30m0s"));
    fails("add('1h', '30m')", "JMESPath function 'add': Types mismatch"); // 30m is the quantity 0.03
    fails("add('1', `1`)", "JMESPath function 'add': Types mismatch");
    fails("add('1h', '1')", "JMESPath function 'add': Types mismatch");
    fails("add('x', '1')", "JMESPath function 'add': invalid operand");
    gives("sum(`[1, 2, 3]`)", json!(6));
    gives("sum(['10Ki', '1Ki'])", json!("11Ki"));
    gives("sum(['x'])", json!("x"));
    fails("sum(`[]`)", "JMESPath function 'sum': at least one element in the array is required");
    gives("subtract('1h', '2h')", json!("-1h0m0s"));
    gives("subtract('1Mi', '1Ki')", json!("1023Ki"));
    gives("multiply('20Mi', `10`)", json!("200Mi"));
    gives("multiply(`2`, '30s')", json!("1m0s"));
    gives("multiply(`3`, `0.5`)", json!(1.5));
    fails("multiply('1', '2')", "JMESPath function 'multiply': Types mismatch");
    gives("divide('25Gi', '25')", json!(1_073_741_824));
    gives("divide('12Ki', `3`)", json!("4Ki"));
    gives("divide('1h', '1800s')", json!(2));
    gives("divide('1h', `2`)", json!("30m0s"));
    gives("divide(`1`, `4`)", json!(0.25));
    fails("divide(`1`, `0`)", "JMESPath function 'divide': Zero divisor passed");
    fails("divide('1', '0')", "JMESPath function 'divide': Zero divisor passed");
    fails("divide(`1`, '1')", "JMESPath function 'divide': Types mismatch");
    gives("modulo(`25`, `10`)", json!(5));
    gives("modulo('25Mi', '10')", json!("0"));
    gives("modulo('25s', '10s')", json!("5s"));
    fails("modulo(`1.5`, `1`)", "JMESPath function 'modulo': Non-integer argument(s) passed for modulo");
    fails("modulo(`1`, `0`)", "JMESPath function 'modulo': Zero divisor passed");
    gives("round(`9.414675`, `2`)", json!(9.41));
    gives("round(`2.5`, `0`)", json!(3));
    gives("round(`-2.5`, `0`)", json!(-3));
    fails("round(`1`, `0.5`)", "JMESPath function 'round': Non-integer argument(s) passed for round off");
}

#[test]
fn encoding() {
    gives("base64_encode('Hello')", json!("SGVsbG8="));
    gives("base64_decode('SGVsbG8=')", json!("Hello"));
    fails("base64_decode('SGVsbG8')", "illegal base64 data at input byte 4");
    fails("base64_decode('S*Vs')", "illegal base64 data at input byte 1");
    gives("parse_json('{\"a\": [1, null]}').a", json!([1, null]));
    fails("parse_json('x')", "invalid character 'x' looking for beginning of value");
    fails("parse_json('{')", "unexpected end of JSON input");
    gives("parse_yaml('a: yes\nb: 0x10')", json!({"a": true, "b": 16}));
    gives("sha256('hello')", json!("2cf24dba5fb0a30e26e83b2ac5b9e29e1b161e5c1fa7425e73043362938b9824"));
    gives("sha1('hello')", json!("aaf4c61ddcc5e8a2dabede0f3b482cd9aea9434d"));
    gives("md5('hello')", json!("5d41402abc4b2a76b9719d911017c592"));
}

#[test]
fn times() {
    gives("time_now()", json!("2026-01-01T00:00:00Z"));
    gives("time_now_utc()", json!("2026-01-01T00:00:00Z"));
    gives("time_since('', '2025-12-31T23:00:00Z', '')", json!("1h0m0s"));
    gives("time_since('2006-01-02', '2021-01-01', '2021-01-02')", json!("24h0m0s"));
    gives("time_to_cron('2023-02-02T15:04:05Z')", json!("4 15 2 2 4"));
    gives("time_add('2023-01-12T12:37:56-05:00', '6h')", json!("2023-01-12T18:37:56-05:00"));
    fails("time_add('2023-01-12T12:37:56Z', '1d')", "time: unknown unit \"d\" in duration \"1d\"");
    gives("time_parse('2006-01-02T15:04:05Z07:00', '2021-01-02T15:04:05-07:00')", json!("2021-01-02T15:04:05-07:00"));
    gives(
        "time_parse('Mon Jan 02 2006 15:04:05 -0700', 'Fri Jun 22 2022 17:45:00 +0100')",
        json!("2022-06-22T17:45:00+01:00"),
    );
    gives("time_parse('1', '1626476933')", json!("2021-07-16T23:08:53Z"));
    fails("time_parse('1', 'x')", "strconv.ParseInt: parsing \"x\": invalid syntax");
    gives("time_utc('2021-01-02T18:04:05-05:00')", json!("2021-01-02T23:04:05Z"));
    gives("time_diff('2021-01-02T15:04:05-07:00', '2021-01-10T03:14:05-07:00')", json!("180h10m0s"));
    gives("time_before('2023-01-12T19:37:56Z', '2023-01-12T19:37:57Z')", json!(true));
    gives("time_after('2023-01-12T19:37:56Z', '2023-01-12T19:37:57Z')", json!(false));
    gives("time_between('2023-01-02T00:00:00Z', '2023-01-01T00:00:00Z', '2023-01-03T00:00:00Z')", json!(true));
    gives("time_truncate('2021-01-02T17:04:05Z', '1h')", json!("2021-01-02T17:00:00Z"));
    assert!(run("time_utc('2021-01-02')").unwrap_err().starts_with("parsing time \"2021-01-02\" as"));
}

#[test]
fn versions() {
    gives("semver_compare('1.5.0', '>=1.0.0')", json!(true));
    gives("semver_compare('4.1.3', '>=4.1.0 <5.0.0')", json!(true));
    gives("semver_compare('4.1.3', '>=4.1.3 !4.1.3')", json!(false));
    gives("semver_compare('4.1.3', '!4.x || 4.1.x')", json!(true));
    gives("semver_compare('1.2.9', '1.2.x')", json!(true));
    gives("semver_compare('1.3.0', '1.2.x')", json!(false));
    gives("semver_compare('1.9.0', '1.x')", json!(true));
    gives("semver_compare('2.0.0', '>1.x')", json!(true));
    gives("semver_compare('1.5.0', '<=1.x')", json!(true));
    gives("semver_compare('1.0.0-alpha', '<1.0.0')", json!(true));
    gives("semver_compare('v1.0.0', '0.0.0')", json!(true));
    gives("semver_compare('1.2.3', '> 1.0.0 < 2.0.0')", json!(true));
    fails(
        "semver_compare('1.0.0', '>=1')",
        "Could not parse Range \">=1\": Could not parse version \"1\" in \">=1\": No Major.Minor.Patch elements found",
    );
    fails("semver_compare('1.0.0', 'foo')", "Could not get version from string: \"foo\"");
    fails("semver_compare('1.0.0', '|| 1.0.0')", "First element in range is '||'");
}

#[test]
fn lists() {
    gives("lookup(o, 'a')", json!(1));
    gives("lookup(o, 'nope')", json!(null));
    gives("lookup(people, `1`).n", json!("a"));
    gives("lookup(people, `9`)", json!(null));
    fails("lookup(people, `1.5`)", "JMESPath function 'lookup': argument #2: expected an integer number but got: 1.5");
    fails("lookup(o, `1`)", "JMESPath function 'lookup': argument #2 is not of type String");
    fails("lookup(people, 'a')", "JMESPath function 'lookup': argument #2 is not of type Number");
    gives("items(o, 'key', 'value')", json!([{"key": "a", "value": 1}, {"key": "b", "value": 2}]));
    gives("items(`[\"x\"]`, 'i', 'v')", json!([{"i": 0, "v": "x"}]));
    gives("items(o, 'k', 'v')[*].k", json!(["a", "b"]));
    gives("object_from_lists(`[\"a\", 1, true]`, `[1, 2]`)", json!({"a": 1, "1": 2, "true": null}));
}

#[test]
fn images() {
    gives("image_normalize('nginx')", json!("docker.io/nginx:latest"));
    gives("image_normalize('ghcr.io/a/b:v1')", json!("ghcr.io/a/b:v1"));
    assert!(run("image_normalize('A B')").unwrap_err().starts_with("JMESPath function 'image_normalize': bad image: "));
    gives("is_external_url('http://127.0.0.1/x')", json!(false));
    gives("is_external_url('https://10.1.2.3:8080')", json!(false));
    gives("is_external_url('http://8.8.8.8')", json!(true));
    gives("is_external_url('http://[fd00::1]:80/')", json!(false));
    gives("is_external_url('http://user@[::1]/')", json!(false));
    fails("is_external_url('http://example.com')", "lookup example.com: no such host");
}

/// Examples of the documentation (kyverno.io, "JMESPath") and the edges that `functions.go` spells out.
#[test]
fn documented_examples() {
    gives("compare('b', 'a')", json!(1));
    gives("compare('a', 'a')", json!(0));
    gives("equal_fold('pineapple', 'PINEAPPLE')", json!(true));
    gives("equal_fold('ß', 'SS')", json!(false));
    gives("replace('aaa', 'a', 'b', `0`)", json!("aaa"));
    gives("replace('aaa', 'x', 'b', `-1`)", json!("aaa"));
    gives("replace_all('aaa', 'aa', 'b')", json!("ba"));
    gives("trim('  a ', ' ')", json!("a"));
    gives("trim('abcba', 'ab')", json!("c"));
    gives("trim_prefix('foobar', 'bar')", json!("foobar"));
    gives("trim_prefix('foofoobar', 'foo')", json!("foobar"));
    gives("split('a,b', ';')", json!(["a,b"]));
    gives("to_upper('äb')", json!("ÄB"));
    gives("truncate('abc', `0`)", json!(""));
    gives("truncate('abc', `9`)", json!("abc"));
    gives("truncate('abc', `1.7`)", json!("a"));
    gives("pattern_match('*.example.com', 'a.example.com')", json!(true));
    gives("pattern_match('', '')", json!(true));
    gives("pattern_match('?', '')", json!(false));
    gives("label_match(`{}`, `{\"a\": \"1\"}`)", json!(true));
    gives("label_match(`{\"a\": \"1\"}`, `{}`)", json!(false));
    gives("to_boolean('False')", json!(false));
    gives("base64_encode('')", json!(""));
    gives("base64_decode('')", json!(""));
    gives("path_canonicalize('/a/../../b')", json!("/b"));
    gives("path_canonicalize('~/a')", json!("~/a"));
    gives("semver_compare('1.2.3', '1.2.3')", json!(true));
    gives("semver_compare('1.2.3', '!=1.2.3')", json!(false));
    gives("semver_compare('1.2.3-beta', '>=1.2.3')", json!(false));
    gives("semver_compare('1.2.3+build', '1.2.3')", json!(true));
    gives("parse_yaml('[a, 1, null]')", json!(["a", 1, null]));
    gives("parse_json('\"x\"')", json!("x"));
    gives("lookup(`[1, 2]`, `-1`)", json!(null));
    gives("lookup(`[1, 2]`, `1.0`)", json!(2));
    gives("items(`{}`, 'k', 'v')", json!([]));
    gives("items(`[]`, 'k', 'v')", json!([]));
    gives("object_from_lists(`[\"a\"]`, `[1, 2]`)", json!({"a": 1}));
    gives("object_from_lists(`[]`, `[1]`)", json!({}));
    gives("object_from_lists(`[\"a\", \"a\"]`, `[1, 2]`)", json!({"a": 2}));
    gives("regex_match('', 'a')", json!(true));
    gives("regex_match('^1.5$', `1.5`)", json!(true));
    gives("regex_replace_all('x', 'abc', 'y')", json!("abc"));
    gives("regex_replace_all('^', 'abc', '>')", json!(">abc"));
    gives("regex_replace_all_literal('b', 'abc', `1.5`)", json!("a1.5c"));
    gives(
        "image_normalize('nginx@sha256:1111111111111111111111111111111111111111111111111111111111111111')",
        json!("docker.io/nginx@sha256:1111111111111111111111111111111111111111111111111111111111111111"),
    );
    gives("image_normalize('localhost/a:1')", json!("localhost/a:1"));
    gives("image_normalize('a.b/c')", json!("a.b/c:latest"));
    gives("is_external_url('http://100.64.0.1')", json!(true));
    gives("is_external_url('http://169.254.169.254/latest')", json!(true));
    gives("round(`1.23456`, `3`)", json!(1.235));
    gives("round(`1234.5`, `0`)", json!(1235));
    gives("add('1', '1')", json!("2"));
    gives("add('100m', '1')", json!("1100m"));
    gives("subtract('1h30m', '30m0s')", json!("1h0m0s"));
    gives("subtract(`1`, `3`)", json!(-2));
    gives("multiply('1.5h', `2`)", json!("3h0m0s"));
    gives("divide(`7`, `2`)", json!(3.5));
    gives("divide('10Gi', '2Gi')", json!(5));
    gives("modulo('10Ki', '3Ki')", json!("1Ki"));
    gives("modulo(`-7`, `3`)", json!(-1));
    gives("sum(`[1.5, 2.5]`)", json!(4));
    gives("sum(['1h', '1h'])", json!("2h0m0s"));
    gives("time_add('2021-01-02T15:04:05Z', '-1h')", json!("2021-01-02T14:04:05Z"));
    gives("time_before('2021-01-02T15:04:05Z', '2021-01-02T15:04:05Z')", json!(false));
    gives("time_after('2021-01-02T16:04:05+01:00', '2021-01-02T15:04:04Z')", json!(true));
    gives("time_between('2021-01-02T15:04:05Z', '2021-01-02T15:04:05Z', '2021-01-02T15:04:06Z')", json!(false));
    gives("time_diff('2021-01-02T15:04:05Z', '2021-01-02T15:04:05Z')", json!("0s"));
    gives("time_to_cron('2023-02-05T15:04:05+02:00')", json!("4 15 5 2 0"));
    gives("time_truncate('2021-01-02T17:04:59Z', '1m')", json!("2021-01-02T17:04:00Z"));
    gives("time_parse('2006-01-02', '2021-01-02')", json!("2021-01-02T00:00:00Z"));
}

/// Types and counts that the functions refuse.
#[test]
fn refused_arguments() {
    fails("split('a')", "incorrect number of args");
    fails("to_upper(`1`)", "Invalid type for: 1, expected: []jmespath.JpType{\"string\"}");
    fails("label_match('a', `{}`)", "Invalid type for: a, expected: []jmespath.JpType{\"object\"}");
    fails("items('a', 'k', 'v')", "Invalid type for: a, expected: []jmespath.JpType{\"object\", \"array\"}");
    // Go's words for arguments that are missing from a format.
    fails("round(`1.5`, `-1`)", "JMESPath function 'round': %!d(MISSING) argument is out of bounds (%!d(MISSING))");
    fails("multiply('1h', '1h')", "JMESPath function 'multiply': Types mismatch");
    fails("divide('1h', '0s')", "JMESPath function 'divide': Zero divisor passed");
    fails("divide('1h', `0`)", "JMESPath function 'divide': Zero divisor passed");
    fails("modulo('1', '0')", "JMESPath function 'modulo': Zero divisor passed");
    fails("modulo('1h', '0s')", "JMESPath function 'modulo': Zero divisor passed");
    fails("modulo('1', `1`)", "JMESPath function 'modulo': Types mismatch");
    fails("subtract('1h', '1')", "JMESPath function 'subtract': Types mismatch");
    fails("sum(['1', '1h'])", "JMESPath function 'sum': Types mismatch");
    fails("base64_decode('%')", "illegal base64 data at input byte 0");
    fails("time_add('x', '1h')", "parsing time \"x\" as \"2006-01-02T15:04:05Z07:00\": cannot parse \"x\" as \"2006\"");
    fails("time_truncate('2021-01-02T17:04:59Z', 'x')", "time: invalid duration \"x\"");
    fails("is_external_url('http://999.1.1.1')", "lookup 999.1.1.1: no such host");
}

#[test]
fn random() {
    let env = Env::new(NOW, 7);
    let draw = |pattern: &str| query(&format!("random('{pattern}')"), &Value::Null, &env).unwrap();
    for pattern in ["[a-z]{8}", "a|bc", "[0-9a-fA-F]{4}-\\d+", "(foo|bar){2,3}x?"] {
        let (first, second) = (draw(pattern), draw(pattern));
        let regex = super::regex::compile(&format!("^(?:{pattern})$")).unwrap();
        assert!(regex.is_match(first.as_str().unwrap()), "{pattern}: {first}");
        assert!(regex.is_match(second.as_str().unwrap()), "{pattern}: {second}");
    }
    assert_ne!(draw("[a-z]{12}"), draw("[a-z]{12}"));
    assert_eq!(run("random('[a-z]{12}')"), run("random('[a-z]{12}')"), "the same run draws the same");
    fails("random('')", "no pattern provided");
}

pub(crate) const CERTIFICATE: &str = "-----BEGIN CERTIFICATE-----\n\
MIICjzCCAfigAwIBAgICEJIwDQYJKoZIhvcNAQELBQAwMDELMAkGA1UEBhMCREUx\n\
DTALBgNVBAoMBEFjbWUxEjAQBgNVBAMMCWFjbWUudGVzdDAgFw0yNjExMjIxOTMz\n\
MDZaGA8yMTI2MTAyOTE5MzMwNlowMDELMAkGA1UEBhMCREUxDTALBgNVBAoMBEFj\n\
bWUxEjAQBgNVBAMMCWFjbWUudGVzdDCBnzANBgkqhkiG9w0BAQEFAAOBjQAwgYkC\n\
gYEArps8kQE/QrJu2ysyW5v5OiRanl5jMvWER8OE/jOQ8pGJDxh9DlvAlX+HuuY3\n\
Bx8Xnc2yMLRimXPtX0seE7XDx/T4G6692PByoOT67Y3ZQrpQMrF+9lEIsg8+zFFB\n\
phCzjJW3uYkFurZHDWLaQiScmvwHcqgELnw17hEfNitaqjkCAwEAAaOBtTCBsjAd\n\
BgNVHQ4EFgQUBoZH6K6GyOzfXh6JNys0oNQe8xEwHwYDVR0jBBgwFoAUBoZH6K6G\n\
yOzfXh6JNys0oNQe8xEwDwYDVR0TAQH/BAUwAwEB/zAzBgNVHREELDAqggZhLnRl\n\
c3SHBAoAAAGBCHhAYS50ZXN0hhBodHRwczovL2EudGVzdC9wMAsGA1UdDwQEAwIC\n\
hDAdBgNVHSUEFjAUBggrBgEFBQcDAQYIKwYBBQUHAwIwDQYJKoZIhvcNAQELBQAD\n\
gYEAOkeV0wBpa6Rl3410TdW6JnJ7zisUZfrDcsKrnJq1vXhdyfJpKCLz7viaYRnk\n\
kmH5h9nbW+1OZ6xPh3JL+zBpNDP7LMsJt6An1Ob/4gOapMVGe8GL+0NjEOxAPdCS\n\
/uB9QZZr4O6ya7vXIN9ssLOvgF8VV2dCPLPULlePKAGYzn0=\n\
-----END CERTIFICATE-----";
const REQUEST: &str = "-----BEGIN CERTIFICATE REQUEST-----\n\
MIIBdjCB4AIBADATMREwDwYDVQQDDAhjc3IudGVzdDCBnzANBgkqhkiG9w0BAQEF\n\
AAOBjQAwgYkCgYEArps8kQE/QrJu2ysyW5v5OiRanl5jMvWER8OE/jOQ8pGJDxh9\n\
DlvAlX+HuuY3Bx8Xnc2yMLRimXPtX0seE7XDx/T4G6692PByoOT67Y3ZQrpQMrF+\n\
9lEIsg8+zFFBphCzjJW3uYkFurZHDWLaQiScmvwHcqgELnw17hEfNitaqjkCAwEA\n\
AaAkMCIGCSqGSIb3DQEJDjEVMBMwEQYDVR0RBAowCIIGYi50ZXN0MA0GCSqGSIb3\n\
DQEBCwUAA4GBAAxz+4FoPcGix1Xl/kMel78xABiUo8KpZJHolRO5DQNM4+hYRz+h\n\
8BH5eqfDPbS1m0aoxSpbnvI3q4AzFwceb9UOh7OeOnt19TrvZCgSZ/hk5PM55g/O\n\
pGu/b8j3+Go9UrjcprgWiI7o9VGQdTOe7vnH6y9eIkHibyvlX3dinhS/\n\
-----END CERTIFICATE REQUEST-----";
const ELLIPTIC: &str = "-----BEGIN CERTIFICATE-----\n\
MIIBbzCCARWgAwIBAgIURRRwX8ov9cZuaWiICBJWVV2fpkwwCgYIKoZIzj0EAwIw\n\
DTELMAkGA1UEAwwCZWMwHhcNMjYxMTIyMTkzMzA2WhcNMjYxMjIyMTkzMzA2WjAN\n\
MQswCQYDVQQDDAJlYzBZMBMGByqGSM49AgEGCCqGSM49AwEHA0IABAr/yoqf8Tdq\n\
DvxlNlsyDyqD30eQsgfjcvVxAEIrY8xg/gZL+eMV78CU5/tTQPGadAFobQqXnBDz\n\
nLDaQ5mZ7KqjUzBRMB0GA1UdDgQWBBQADQ1IOQ3upw515sQ87CDj1jEdizAfBgNV\n\
HSMEGDAWgBQADQ1IOQ3upw515sQ87CDj1jEdizAPBgNVHRMBAf8EBTADAQH/MAoG\n\
CCqGSM49BAMCA0gAMEUCIDei6y2at/aBEszAdQiZZSCXiHCH74B/AT9/PXtwy64b\n\
AiEA06njLfVb2bPP5FL1chVmzC9WizzadE8Wxw65KjnViG0=\n\
-----END CERTIFICATE-----";

#[test]
fn certificates() {
    let decode = |pem: &str| query("x509_decode(@)", &json!(pem), &Env::default()).map_err(|error| error.to_string());
    let certificate = decode(CERTIFICATE).unwrap();
    for (field, expected) in [
        ("Version", json!(3)),
        ("SerialNumber", json!(4242)),
        ("SignatureAlgorithm", json!(4)),
        ("NotBefore", json!("2026-11-22T19:33:06Z")),
        ("KeyUsage", json!(33)),
        ("ExtKeyUsage", json!([1, 2])),
        ("IsCA", json!(true)),
        ("MaxPathLen", json!(-1)),
        ("DNSNames", json!(["a.test"])),
        ("IPAddresses", json!(["10.0.0.1"])),
        ("EmailAddresses", json!(["x@a.test"])),
        ("PolicyIdentifiers", json!(null)),
    ] {
        assert_eq!(certificate[field], expected, "{field}");
    }
    assert_eq!(certificate["Subject"]["Organization"], json!(["Acme"]));
    assert_eq!(certificate["Issuer"]["CommonName"], json!("acme.test"));
    assert_eq!(certificate["URIs"][0]["Host"], json!("a.test"));
    assert_eq!(certificate["PublicKey"]["E"], json!(65537));
    assert_eq!(certificate["Extensions"][0]["Id"], json!([2, 5, 29, 14]));
    let request = decode(REQUEST).unwrap();
    assert_eq!((&request["DNSNames"], &request["Version"]), (&json!(["b.test"]), &json!(0)));
    assert_eq!(decode(ELLIPTIC), Err("certificate should use rsa algorithm".to_owned()));
    assert_eq!(decode("x"), Err("failed to decode PEM block".to_owned()));
    let other = decode("-----BEGIN X-----\nAAAA\n-----END X-----\n").unwrap_err();
    assert_eq!(other, "PEM block neither contains a CERTIFICATE or CERTIFICATE REQUEST");
}
