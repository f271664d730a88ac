//! Container image references, and where resources hold them (`pkg/utils/image/infos.go`, `pkg/utils/api/image.go`).

use std::fmt;
use std::sync::LazyLock;

use indexmap::IndexMap;
use regex::Regex;
use serde_json::{Map, Value, json};

use super::ObjectExt;

/// The parts of an image reference.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct ImageInfo {
    /// Such as `docker.io`; `""` where the default registry applies but must not be shown.
    pub registry: String,
    /// The last segment of the path: `busybox`.
    pub name: String,
    /// Repository and name: `some-repository/busybox`. Docker's `library/` is not added.
    pub path: String,
    /// Tag; `latest` where neither tag nor digest are given.
    pub tag: String,
    /// Digest with its algorithm: `sha256:…`.
    pub digest: String,
    /// The whole reference: `registry/path:tag`, or with a digest `registry/path@digest`.
    pub reference: String,
    /// `registry/path:tag`, even with a digest and even with an empty tag.
    pub reference_with_tag: String,
}

/// The part of Kyverno's ConfigMap that concerns images.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RegistryConfig {
    /// `defaultRegistry`.
    pub default_registry: String,
    /// `enableDefaultRegistryMutation`.
    pub mutation: bool,
}

impl Default for RegistryConfig {
    fn default() -> Self {
        Self { default_registry: "docker.io".to_owned(), mutation: true }
    }
}

impl fmt::Display for ImageInfo {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if !self.registry.is_empty() {
            write!(f, "{}/", self.registry)?;
        }
        if self.digest.is_empty() {
            write!(f, "{}:{}", self.path, self.tag)
        } else {
            write!(f, "{}@{}", self.path, self.digest)
        }
    }
}

impl ImageInfo {
    /// Takes a reference apart, with the default configuration.
    ///
    /// # Errors
    /// `bad image: …`: it is no image reference.
    pub fn parse(image: &str) -> Result<Self, String> {
        Self::parse_with(image, &RegistryConfig::default())
    }

    /// Takes a reference apart (`GetImageInfo`).
    ///
    /// # Errors
    /// `bad image: …`: it is no image reference.
    pub fn parse_with(image: &str, config: &RegistryConfig) -> Result<Self, String> {
        let full = with_registry(image, &config.default_registry);
        let parts = split(&full).map_err(|why| {
            let RegistryConfig { default_registry, mutation } = config;
            format!("bad image: {full}, defaultRegistry: {default_registry}, enableDefaultRegistryMutation: {mutation}: {why}")
        })?;
        let mut info =
            Self { registry: parts.domain, path: parts.path, tag: parts.tag, digest: parts.digest, ..Self::default() };
        info.name = info.path.rsplit('/').next().unwrap_or_default().to_owned();
        if info.digest.is_empty() && info.tag.is_empty() {
            "latest".clone_into(&mut info.tag);
        }
        if full != image && !config.mutation {
            info.registry.clear();
        }
        let prefix = if info.registry.is_empty() { String::new() } else { format!("{}/", info.registry) };
        info.reference_with_tag = format!("{prefix}{}:{}", info.path, info.tag);
        info.reference = info.to_string();
        if let Some((first, rest)) = info.path.split_once('/')
            && info.registry.is_empty()
            && first.contains('_')
        {
            (info.registry, info.path) = (first.to_owned(), rest.to_owned());
        }
        Ok(info)
    }

    /// The value of the variable `image`: every part, empty ones too.
    #[must_use]
    pub fn to_variable(&self) -> Value {
        json!({
            "reference": self.reference, "referenceWithTag": self.reference_with_tag, "registry": self.registry,
            "path": self.path, "name": self.name, "tag": self.tag, "digest": self.digest,
        })
    }

    /// An entry of the variable `images`: empty parts left out.
    #[must_use]
    pub fn to_entry(&self, pointer: &str) -> Value {
        let optional = [
            ("registry", &self.registry),
            ("tag", &self.tag),
            ("digest", &self.digest),
            ("reference", &self.reference),
            ("referenceWithTag", &self.reference_with_tag),
        ];
        let optional = optional.into_iter().filter(|(_, value)| !value.is_empty());
        let always = [("name", &self.name), ("path", &self.path)].into_iter();
        let mut entry: Map<_, _> = always.chain(optional).map(|(key, value)| (key.to_owned(), json!(value))).collect();
        entry.insert("jsonPointer".to_owned(), json!(pointer));
        Value::Object(entry)
    }
}

/// Puts the default registry in front unless the first segment looks like a registry.
fn with_registry(image: &str, registry: &str) -> String {
    match image.split_once('/') {
        Some((first, _)) if first.contains(['.', ':']) || first == "localhost" || first.to_lowercase() != first => {
            image.to_owned()
        }
        _ => format!("{registry}/{image}"),
    }
}

#[derive(Default)]
struct Parts {
    domain: String,
    path: String,
    tag: String,
    digest: String,
}

const DOMAIN: &str = r"(?:(?:[a-zA-Z0-9]|[a-zA-Z0-9][a-zA-Z0-9-]*[a-zA-Z0-9])(?:\.(?:[a-zA-Z0-9]|[a-zA-Z0-9][a-zA-Z0-9-]*[a-zA-Z0-9]))*|\[[a-fA-F0-9:]+\])(?::[0-9]+)?";
const PATH: &str = r"[a-z0-9]+(?:(?:[._]|__|[-]+)[a-z0-9]+)*(?:/[a-z0-9]+(?:(?:[._]|__|[-]+)[a-z0-9]+)*)*";

/// The grammar of `distribution/reference`: domain, path, tag, digest.
static REFERENCE: LazyLock<Option<Regex>> = LazyLock::new(|| {
    let tag = "[0-9A-Za-z_][0-9A-Za-z_.-]{0,127}";
    let digest = "[A-Za-z][A-Za-z0-9]*(?:[-_+.][A-Za-z][A-Za-z0-9]*)*:[0-9A-Fa-f]{32,}";
    Regex::new(&format!("^(?:({DOMAIN})/)?({PATH})(?::({tag}))?(?:@({digest}))?$")).ok()
});

/// Whether a text is a reference of an image, a registry in front or not.
///
/// # Errors
/// Why it is none.
pub fn check(reference: &str) -> Result<(), &'static str> {
    split(reference).map(|_| ())
}

/// `reference.Parse`.
fn split(reference: &str) -> Result<Parts, &'static str> {
    let Some(regex) = REFERENCE.as_ref() else { return Err("invalid reference format") };
    let Some(captures) = regex.captures(reference) else {
        return Err(match reference {
            "" => "repository name must have at least one component",
            _ if regex.is_match(&reference.to_lowercase()) => "repository name must be lowercase",
            _ => "invalid reference format",
        });
    };
    let part = |index| captures.get(index).map_or("", |found| found.as_str()).to_owned();
    let parts = Parts { domain: part(1), path: part(2), tag: part(3), digest: part(4) };
    if parts.path.len() > 255 {
        return Err("repository name must not be more than 255 characters");
    }
    match parts.digest.split_once(':') {
        None => {}
        Some((algorithm, hex)) => {
            let length = match algorithm {
                "sha256" => 64,
                "sha384" => 96,
                "sha512" => 128,
                _ => return Err("unsupported digest algorithm"),
            };
            if hex.len() != length {
                return Err("invalid checksum digest length");
            }
            if hex.contains(|c: char| c.is_ascii_uppercase()) {
                return Err("invalid checksum digest format");
            }
        }
    }
    Ok(parts)
}

/// Where a kind of resource holds images (`imageExtractors`).
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Extractor {
    /// Keys from the root to the mapping that holds an image; `*` stands for every item.
    pub fields: Vec<String>,
    /// The field that names an image; `""` takes the pointer.
    pub key: String,
    /// The field of the image.
    pub value: String,
    /// The name under which the images are found: `containers`.
    pub name: String,
    /// An expression that makes the image out of the field, or `""`.
    pub jmes_path: String,
}

impl Extractor {
    /// From an item of `imageExtractors`.
    #[must_use]
    pub fn from_config(config: &Value) -> Self {
        let path = config.str_at(&["path"]).split('/').map(|field| field.trim_matches(' '));
        let mut fields: Vec<String> = path.filter(|field| !field.is_empty()).map(str::to_owned).collect();
        let mut value = config.str_at(&["value"]).to_owned();
        if value.is_empty() {
            value = fields.pop().unwrap_or_default();
        }
        let name = Some(config.str_at(&["name"])).filter(|name| !name.is_empty()).unwrap_or("custom");
        let (key, jmes_path) = (config.str_at(&["key"]).to_owned(), config.str_at(&["jmesPath"]).to_owned());
        Self { fields, key, value, name: name.to_owned(), jmes_path }
    }
}

/// The containers of a built-in kind; none for kinds that hold no Pod.
#[must_use]
pub fn standard_extractors(kind: &str) -> Vec<Extractor> {
    let spec: &[&str] = match kind {
        "Pod" => &["spec"],
        "DaemonSet" | "Deployment" | "ReplicaSet" | "ReplicationController" | "StatefulSet" | "Job" => {
            &["spec", "template", "spec"]
        }
        "CronJob" => &["spec", "jobTemplate", "spec", "template", "spec"],
        _ => return Vec::new(),
    };
    let lists = ["initContainers", "containers", "ephemeralContainers"];
    lists
        .into_iter()
        .map(|list| Extractor {
            fields: spec.iter().copied().chain([list, "*"]).map(str::to_owned).collect(),
            key: "name".to_owned(),
            value: "image".to_owned(),
            name: list.to_owned(),
            jmes_path: String::new(),
        })
        .collect()
}

/// An image in a resource.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct FoundImage {
    /// Its parts.
    pub info: ImageInfo,
    /// JSON pointer to it: `/spec/containers/0/image`.
    pub pointer: String,
}

/// Images by extractor name and then by key; extractors that found none are left out.
pub type Images = IndexMap<String, IndexMap<String, FoundImage>>;

/// Evaluates the `jmesPath` of an extractor: expression and text of the field → image.
pub type Transform<'t> = &'t dyn Fn(&str, &str) -> Result<String, String>;

/// The images of a resource.
///
/// # Errors
/// One of them is no image reference, or the resource does not have the expected form.
pub fn extract(
    resource: &Value,
    extractors: &[Extractor],
    config: &RegistryConfig,
    transform: Transform<'_>,
) -> Result<Images, String> {
    let mut images = Images::new();
    for extractor in extractors {
        let mut found = IndexMap::new();
        let fields: Vec<_> = extractor.fields.iter().map(String::as_str).collect();
        descend(resource, &mut Vec::new(), &fields, &mut |path, holder| {
            let Some((key, image)) = image_in(path, holder, extractor, config, transform)? else { return Ok(()) };
            found.insert(key, image);
            Ok(())
        })?;
        if !found.is_empty() {
            images.insert(extractor.name.clone(), found);
        }
    }
    Ok(images)
}

/// The variable `images` of a resource of a built-in kind; an empty mapping where there are none.
///
/// # Errors
/// As [`extract`].
pub fn images_of(resource: &Value) -> Result<Value, String> {
    let extractors = standard_extractors(resource.kind());
    let images = extract(resource, &extractors, &RegistryConfig::default(), &|_, text| Ok(text.to_owned()))?;
    Ok(to_variable(&images))
}

/// The variable `images`.
#[must_use]
pub fn to_variable(images: &Images) -> Value {
    let entries = |found: &IndexMap<String, FoundImage>| {
        found.iter().map(|(key, image)| (key.clone(), image.info.to_entry(&image.pointer))).collect::<Map<_, _>>()
    };
    Value::Object(images.iter().map(|(name, found)| (name.clone(), Value::Object(entries(found)))).collect())
}

type Visit<'v> = dyn FnMut(&[String], &Map<String, Value>) -> Result<(), String> + 'v;

/// Visits every mapping at a path of keys; missing parts are passed over.
fn descend(value: &Value, path: &mut Vec<String>, fields: &[&str], visit: &mut Visit<'_>) -> Result<(), String> {
    if value.is_null() {
        return Ok(());
    }
    let mut step = |path: &mut Vec<String>, key: String, value: &Value, rest: &[&str]| {
        path.push(key);
        let done = descend(value, path, rest, visit);
        path.pop();
        done
    };
    match (fields.split_first(), value) {
        (Some((&"*", rest)), Value::Array(items)) => {
            items.iter().enumerate().try_for_each(|(index, item)| step(path, index.to_string(), item, rest))
        }
        (Some((&"*", rest)), Value::Object(map)) => {
            map.iter().try_for_each(|(key, item)| step(path, key.clone(), item, rest))
        }
        (Some((&"*", _)), _) => Err("invalid type".to_owned()),
        (Some((field, rest)), Value::Object(map)) => {
            step(path, (*field).to_owned(), map.get(*field).unwrap_or(&Value::Null), rest)
        }
        (None, Value::Object(map)) => visit(path, map),
        _ => Err("invalid image config".to_owned()),
    }
}

fn image_in(
    path: &[String],
    holder: &Map<String, Value>,
    extractor: &Extractor,
    config: &RegistryConfig,
    transform: Transform<'_>,
) -> Result<Option<(String, FoundImage)>, String> {
    let pointer = format!("/{}/{}", path.join("/"), extractor.value);
    let key = match extractor.key.as_str() {
        "" => pointer.clone(),
        key => holder.get(key).and_then(Value::as_str).ok_or("invalid key")?.to_owned(),
    };
    let image = holder.get(&extractor.value).and_then(Value::as_str).filter(|image| !image.trim().is_empty());
    let Some(image) = image else { return Ok(None) };
    let image = match extractor.jmes_path.as_str() {
        "" => image.to_owned(),
        expression => transform(expression, image)?,
    };
    let info = ImageInfo::parse_with(&image, config).map_err(|why| format!("invalid image '{image}' ({why})"))?;
    Ok(Some((key, FoundImage { info, pointer })))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parts(image: &str) -> String {
        let i = ImageInfo::parse(image).unwrap();
        format!("{} {} {} {} {}", i.registry, i.path, i.name, i.tag, i.digest)
    }

    #[test]
    fn references_are_taken_apart() {
        assert_eq!(parts("nginx"), "docker.io nginx nginx latest ");
        assert_eq!(parts("nginx:1.2"), "docker.io nginx nginx 1.2 ");
        assert_eq!(parts("test/nginx"), "docker.io test/nginx nginx latest ");
        assert_eq!(parts("localhost/test/nginx"), "localhost test/nginx nginx latest ");
        assert_eq!(parts("ghcr.io:8080/a/b/c:v1"), "ghcr.io:8080 a/b/c c v1 ");
        assert_eq!(parts("test.example.com/test/my-image:v123"), "test.example.com test/my-image my-image v123 ");
        let digest = format!("sha256:{}", "a".repeat(64));
        assert_eq!(parts(&format!("nginx@{digest}")), format!("docker.io nginx nginx  {digest}"));
    }

    #[test]
    fn a_digest_drops_the_tag_from_the_reference() {
        let digest = format!("sha256:{}", "a".repeat(64));
        let info = ImageInfo::parse(&format!("ghcr.io/nginx:v1@{digest}")).unwrap();
        assert_eq!(info.reference, format!("ghcr.io/nginx@{digest}"));
        assert_eq!(info.reference_with_tag, "ghcr.io/nginx:v1");
    }

    #[test]
    fn bad_references_are_refused() {
        let bad = |image: &str| ImageInfo::parse(image).unwrap_err();
        let prefix = "defaultRegistry: docker.io, enableDefaultRegistryMutation: true";
        assert_eq!(bad("a/B"), format!("bad image: docker.io/a/B, {prefix}: repository name must be lowercase"));
        assert_eq!(bad(""), format!("bad image: docker.io/, {prefix}: invalid reference format"));
        assert_eq!(bad("a:b:c"), format!("bad image: docker.io/a:b:c, {prefix}: invalid reference format"));
    }

    #[test]
    fn images_of_a_pod() {
        let pod = json!({"kind": "Pod", "spec": {
            "containers": [{"name": "a", "image": "nginx"}, {"name": "b"}],
            "initContainers": [{"name": "i", "image": "ghcr.io/x/y:1"}],
        }});
        let images = images_of(&pod).unwrap();
        assert_eq!(images["containers"]["a"]["jsonPointer"], "/spec/containers/0/image");
        assert_eq!(images["containers"]["a"]["referenceWithTag"], "docker.io/nginx:latest");
        assert!(images["containers"].get("b").is_none());
        assert_eq!(images["initContainers"]["i"]["registry"], "ghcr.io");
        assert_eq!(images_of(&json!({"kind": "Service"})).unwrap(), json!({}));
        let bad = json!({"kind": "Pod", "spec": {"containers": [{"name": "a", "image": "A B"}]}});
        assert!(images_of(&bad).unwrap_err().starts_with("invalid image 'A B' (bad image: docker.io/A B"));
    }

    #[test]
    fn custom_extractors() {
        let config = json!({"path": "/spec/image", "key": "", "name": "x"});
        let extractor = Extractor::from_config(&config);
        assert_eq!((extractor.fields.len(), extractor.value.as_str()), (1, "image"));
        let task = json!({"kind": "Task", "spec": {"image": "busybox"}});
        let images = extract(&task, &[extractor], &RegistryConfig::default(), &|_, t| Ok(t.to_owned())).unwrap();
        assert_eq!(images["x"]["/spec/image"].info.name, "busybox");
    }
}
