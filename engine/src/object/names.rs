//! What Kubernetes accepts as a name, a label key and a label value, with the words it refuses in.

const LABEL_KEY: &str = "([A-Za-z0-9][-A-Za-z0-9_.]*)?[A-Za-z0-9]";
const DNS_LABEL: &str = "[a-z0-9]([-a-z0-9]*[a-z0-9])?";
const LABEL_WORDS: &str =
    "alphanumeric characters, '-', '_' or '.', and must start and end with an alphanumeric character";

/// What is wrong with a label key (`IsQualifiedName`); empty when nothing is.
#[must_use]
pub fn label_key_errors(key: &str) -> Vec<String> {
    let mut errors = Vec::new();
    let shape = format!(
        "must consist of {LABEL_WORDS} (e.g. 'MyName',  or 'my.name',  or '123-abc', regex used for validation is '{LABEL_KEY}')"
    );
    let name = match key.split('/').collect::<Vec<_>>().as_slice() {
        [name] => *name,
        [prefix, name] => {
            if prefix.is_empty() {
                errors.push("prefix part must be non-empty".to_owned());
            } else {
                errors.extend(dns_subdomain_errors(prefix).into_iter().map(|error| format!("prefix part {error}")));
            }
            name
        }
        _ => {
            let hint = " with an optional DNS subdomain prefix and '/' (e.g. 'example.com/MyName')";
            return vec![format!("a valid label key {shape}{hint}")];
        }
    };
    if name.is_empty() {
        errors.push("name part must be non-empty".to_owned());
    } else if name.len() > 63 {
        errors.push("name part must be no more than 63 bytes".to_owned());
    }
    if !is_label_word(name) {
        errors.push(format!("name part {shape}"));
    }
    errors
}

/// What is wrong with a label value; empty when nothing is.
#[must_use]
pub fn label_value_errors(value: &str) -> Vec<String> {
    let mut errors = Vec::new();
    if value.len() > 63 {
        errors.push("must be no more than 63 bytes".to_owned());
    }
    if !value.is_empty() && !is_label_word(value) {
        errors.push(format!(
            "a valid label must be an empty string or consist of {LABEL_WORDS} (e.g. 'MyValue',  or 'my_value',  or \
             '12345', regex used for validation is '({LABEL_KEY})?')"
        ));
    }
    errors
}

/// What is wrong with a name of most kinds (`IsDNS1123Subdomain`); empty when nothing is.
#[must_use]
pub fn dns_subdomain_errors(name: &str) -> Vec<String> {
    let mut errors = Vec::new();
    if name.len() > 253 {
        errors.push("must be no more than 253 bytes".to_owned());
    }
    if !name.split('.').all(is_dns_label) {
        errors.push(format!(
            "a lowercase RFC 1123 subdomain must consist of lower case alphanumeric characters, '-' or '.', and must \
             start and end with an alphanumeric character (e.g. 'example.com', regex used for validation is \
             '{DNS_LABEL}(\\.{DNS_LABEL})*')"
        ));
    }
    errors
}

/// What is wrong with a name of one DNS label, such as a namespace (`IsDNS1123Label`); empty when nothing is.
#[must_use]
pub fn dns_label_errors(name: &str) -> Vec<String> {
    let mut errors = Vec::new();
    if name.len() > 63 {
        errors.push("must be no more than 63 bytes".to_owned());
    }
    if !is_dns_label(name) {
        errors.push(if name.split('.').all(is_dns_label) {
            "must not contain dots".to_owned()
        } else {
            format!(
                "a lowercase RFC 1123 label must consist of lower case alphanumeric characters or '-', and must start \
                 and end with an alphanumeric character (e.g. 'my-name',  or '123-abc', regex used for validation is \
                 '{DNS_LABEL}')"
            )
        });
    }
    errors
}

/// What is wrong with the name of a Service (`IsDNS1035Label`); empty when nothing is.
#[must_use]
pub fn dns_1035_errors(name: &str) -> Vec<String> {
    let mut errors = Vec::new();
    if name.len() > 63 {
        errors.push("must be no more than 63 bytes".to_owned());
    }
    if !is_dns_label(name) || !name.starts_with(|c: char| c.is_ascii_lowercase()) {
        errors.push(
            "a DNS-1035 label must consist of lower case alphanumeric characters or '-', start with an alphabetic \
             character, and end with an alphanumeric character (e.g. 'my-name',  or 'abc-123', regex used for \
             validation is '[a-z]([-a-z0-9]*[a-z0-9])?')"
                .to_owned(),
        );
    }
    errors
}

fn is_label_word(text: &str) -> bool {
    framed(text, |b| b.is_ascii_alphanumeric(), |b| b.is_ascii_alphanumeric() || b"-_.".contains(&b))
}

fn is_dns_label(text: &str) -> bool {
    let edge = |b: u8| b.is_ascii_lowercase() || b.is_ascii_digit();
    framed(text, edge, |b| edge(b) || b == b'-')
}

fn framed(text: &str, edge: impl Fn(u8) -> bool, inner: impl Fn(u8) -> bool) -> bool {
    let bytes = text.as_bytes();
    bytes.first().is_some_and(|b| edge(*b)) && bytes.last().is_some_and(|b| edge(*b)) && bytes.iter().all(|b| inner(*b))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn keys_and_values() {
        for key in ["a", "app.kubernetes.io/name", "A_b.c-1", &"x".repeat(63)] {
            assert!(label_key_errors(key).is_empty(), "{key}");
        }
        for key in ["", "a/b/c", "/a", "a/", "UPPER/a", "a b", "-a", "a*", &"x".repeat(64)] {
            assert!(!label_key_errors(key).is_empty(), "{key}");
        }
        assert!(label_value_errors("").is_empty() && label_value_errors("v1.2_3-x").is_empty());
        assert!(!label_value_errors("a b").is_empty() && !label_value_errors("-").is_empty());
        assert!(dns_subdomain_errors("a.b-c.d").is_empty() && !dns_subdomain_errors("a..b").is_empty());
        assert_eq!(dns_label_errors("a.b"), ["must not contain dots"]);
    }
}
