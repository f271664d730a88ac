//! Kyverno's `image()`: references as go-containerregistry reads them.

use std::fmt;

use crate::expr::cel::error::Error;
use crate::expr::cel::eval::Cx;
use crate::expr::cel::opaque::Opaque;
use crate::expr::cel::ops::Res;
use crate::expr::cel::value::Val;

pub(super) const SIGNATURES: &str = "
    image(string) -> kyverno.image
    parseImageReference(string) -> kyverno.image
    isImage(string) -> bool
    kyverno.image:containsDigest() -> bool
    kyverno.image:registry() -> string
    kyverno.image:repository() -> string
    kyverno.image:identifier() -> string
    kyverno.image:tag() -> string
    kyverno.image:digest() -> string
";

/// An image reference.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Image {
    text: String,
    /// `index.docker.io` when none is written.
    pub registry: String,
    /// With `library/` for the official images.
    pub repository: String,
    /// `latest` when neither tag nor digest is written; `""` with a digest.
    pub tag: String,
    /// `sha256:…` or `""`.
    pub digest: String,
}

impl fmt::Display for Image {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.text)
    }
}

pub(super) fn call(_cx: &mut Cx<'_, '_>, name: &str, args: &[Val]) -> Option<Res> {
    match (name, args) {
        ("image" | "parseImageReference", [Val::String(text)]) => {
            return Some(Image::parse(text).map(|image| Val::opaque(Opaque::Image(image))).map_err(Error::new));
        }
        ("isImage", [Val::String(text)]) => return Some(Ok(Val::Bool(Image::parse(text).is_ok()))),
        _ => {}
    }
    let [Val::Opaque(value)] = args else { return None };
    let Opaque::Image(image) = &**value else { return None };
    Some(Ok(match name {
        "containsDigest" => Val::Bool(!image.digest.is_empty()),
        "registry" => Val::str(&image.registry),
        "repository" => Val::str(&image.repository),
        "identifier" if image.digest.is_empty() => Val::str(&image.tag),
        "identifier" | "digest" => Val::str(&image.digest),
        "tag" => Val::str(&image.tag),
        _ => return None,
    }))
}

impl Image {
    /// Reads a reference (weak validation: registry, tag and digest may be missing).
    ///
    /// # Errors
    /// Words of go-containerregistry `pkg/name`.
    pub fn parse(text: &str) -> Result<Self, String> {
        let failed = || format!("could not parse reference: {text}");
        if let Some((base, digest)) = text.split_once('@') {
            let hex = digest.strip_prefix("sha256:").ok_or_else(failed)?;
            if hex.len() != 64 || !hex.chars().all(|c| c.is_ascii_digit() || ('a'..='f').contains(&c)) {
                return Err(failed());
            }
            // A tag beside the digest is dropped.
            let (registry, repository) = repository(split_tag(base).0).ok_or_else(failed)?;
            return Ok(Self {
                text: text.to_owned(),
                registry,
                repository,
                tag: String::new(),
                digest: digest.to_owned(),
            });
        }
        let (base, tag) = split_tag(text);
        let tag = tag.unwrap_or("latest");
        let fits =
            (1..=128).contains(&tag.len()) && tag.chars().all(|c| c.is_ascii_alphanumeric() || "_-.".contains(c));
        let (registry, repository) = repository(base).filter(|_| fits).ok_or_else(failed)?;
        Ok(Self { text: text.to_owned(), registry, repository, tag: tag.to_owned(), digest: String::new() })
    }
}

/// `name:tag`; a `:` before the last `/` belongs to a port.
fn split_tag(text: &str) -> (&str, Option<&str>) {
    match text.rsplit_once(':') {
        Some((base, tag)) if !tag.contains('/') => (base, Some(tag)),
        _ => (text, None),
    }
}

fn repository(name: &str) -> Option<(String, String)> {
    let (registry, path) = match name.split_once('/') {
        Some((first, rest)) if first.contains(['.', ':']) || first == "localhost" => (first, rest),
        _ => ("", name),
    };
    let fits = (2..=255).contains(&path.len())
        && path.chars().all(|c| c.is_ascii_lowercase() || c.is_ascii_digit() || "_-./".contains(c));
    if !fits {
        return None;
    }
    let registry = if registry.is_empty() || registry == "docker.io" { "index.docker.io" } else { registry };
    let official = registry == "index.docker.io" && !path.contains('/');
    Some((registry.to_owned(), if official { format!("library/{path}") } else { path.to_owned() }))
}
