//! The libraries: each declares its functions as one-line signatures and answers their calls.
//!
//! A signature is `name(params) -> result` or, for member functions, `receiver:name(params) -> result`.

pub mod lists;

mod authorizer;
mod authz;
mod cidr;
mod encoders;
mod format;
mod formats;
mod generator;
mod global_context;
mod gzip;
mod hash;
mod http;
mod image;
mod image_data;
mod image_verify;
mod ip;
mod json;
mod jsonpatch;
mod k8s_lists;
mod math;
mod optional;
mod quantity;
mod random;
mod re;
mod regex;
mod resource;
mod semver;
mod sets;
mod standard;
mod strings;
mod time;
mod transform;
mod url;
mod user;
mod x509;
mod yaml;

pub use authorizer::{authorizer, request_resource};
pub use format::{check as check_format, sprintf};
pub use image::Image;
pub use quantity::Quantity;
pub use re::compile as compile_regex;
pub use semver::Version;
pub use url::Url;

use std::collections::BTreeMap;
use std::sync::OnceLock;

use super::eval::Cx;
use super::ops::Res;
use super::types::{Type, split_args};
use super::value::Val;

/// Answers a call by its full name; `None` where the arguments are none of the library's overloads.
pub type LibFn = fn(&mut Cx<'_, '_>, &str, &[Val]) -> Option<Res>;

/// One signature of a function.
#[derive(Debug)]
pub struct Overload {
    /// Whose.
    pub lib: Lib,
    /// Whether the first parameter is the receiver.
    pub member: bool,
    /// Receiver (of a member) and parameters.
    pub params: Vec<Type>,
    /// Result.
    pub result: Type,
}

macro_rules! libs {
    ($($(#[$doc:meta])* $name:ident => $module:path),* $(,)?) => {
        /// A library of functions.
        #[derive(Clone, Copy, Debug, PartialEq, Eq)]
        pub enum Lib { $($(#[$doc])* $name),* }

        impl Lib {
            const ALL: &'static [Self] = &[$(Self::$name),*];

            /// What answers the calls.
            #[must_use]
            pub fn call(self) -> LibFn {
                match self { $(Self::$name => { use $module as lib; lib::call })* }
            }

            fn signatures(self) -> &'static str {
                match self { $(Self::$name => { use $module as lib; lib::SIGNATURES })* }
            }
        }
    };
}

libs! {
    /// Operators, conversions, `size`, `matches`, dates: the language itself.
    Standard => standard,
    /// Optional values.
    Optional => optional,
    /// `orValue` on anything (Kyverno).
    OrValueCompat => optional::compat,
    /// cel-go `ext.Strings` version 2.
    Strings => strings,
    /// cel-go `ext.Lists` version 3.
    Lists => lists,
    /// cel-go `ext.Math`.
    Math => math,
    /// cel-go `ext.Sets`.
    Sets => sets,
    /// cel-go `ext.Encoders`.
    Encoders => encoders,
    /// cel-go `ext.Regex`.
    Regex => regex,
    /// Kubernetes `find`, `findAll`.
    Find => regex::find,
    /// Kubernetes `isSorted`, `sum`, `min`, `max`, `indexOf`.
    KubernetesLists => k8s_lists,
    /// Kubernetes `url`.
    Url => url,
    /// Kubernetes `ip`.
    Ip => ip,
    /// Kubernetes `cidr`.
    Cidr => cidr,
    /// Kubernetes `quantity`.
    Quantity => quantity,
    /// Kubernetes `semver`.
    Semver => semver,
    /// Kubernetes `format.*`.
    Formats => formats,
    /// Kubernetes `authorizer`.
    Authorizer => authorizer,
    /// `jsonpatch.escapeKey`.
    JsonPatch => jsonpatch,
    /// Kyverno `resource`, for cluster-wide policies.
    Resource => resource,
    /// Kyverno `resource`, for namespaced policies.
    NamespacedResource => resource::namespaced,
    /// Kyverno `http`.
    Http => http,
    /// Kyverno `globalContext`.
    GlobalContext => global_context,
    /// Kyverno `image()`.
    Image => image,
    /// Kyverno `image.GetMetadata`.
    ImageData => image_data,
    /// Kyverno image signatures.
    ImageVerify => image_verify,
    /// Kyverno `parseServiceAccount`.
    User => user,
    /// Kyverno `sha256` and its kin.
    Hash => hash,
    /// Kyverno `math.round` with a precision.
    Rounding => math::rounding,
    /// Kyverno `json`.
    Json => json,
    /// Kyverno `yaml`.
    Yaml => yaml,
    /// Kyverno `random`.
    Random => random,
    /// Kyverno `x509`.
    X509 => x509,
    /// Kyverno `time`.
    Time => time,
    /// Kyverno `listObjToMap`.
    Transform => transform,
    /// Kyverno `gzip`.
    Gzip => gzip,
    /// Kyverno's authorization policies: `envoy`, `http`, `jwt`.
    Authorization => authz,
    /// Kyverno `generator`.
    Generator => generator,
    /// Kyverno `generator`, for namespaced policies.
    NamespacedGenerator => generator::namespaced,
}

impl Lib {
    /// Its bit in a set of libraries.
    #[must_use]
    pub fn bit(self) -> u64 {
        1 << (self as u64)
    }
}

/// Every function of every library by name.
pub fn registry() -> &'static BTreeMap<&'static str, Vec<Overload>> {
    static REGISTRY: OnceLock<BTreeMap<&'static str, Vec<Overload>>> = OnceLock::new();
    REGISTRY.get_or_init(|| {
        let mut all: BTreeMap<&'static str, Vec<Overload>> = BTreeMap::new();
        for lib in Lib::ALL {
            for line in lib.signatures().lines().map(str::trim).filter(|line| !line.is_empty()) {
                if let Some((name, overload)) = signature(*lib, line) {
                    all.entry(name).or_default().push(overload);
                }
            }
        }
        all
    })
}

fn signature(lib: Lib, line: &'static str) -> Option<(&'static str, Overload)> {
    let (head, result) = line.rsplit_once("->")?;
    let (receiver, head) = match receiver_end(head) {
        Some(at) => {
            let (receiver, rest) = head.split_at_checked(at)?;
            (Some(receiver), rest.strip_prefix(':')?)
        }
        None => (None, head),
    };
    let (name, params) = head.trim().split_once('(')?;
    let params = params.strip_suffix(')')?;
    let params = receiver.into_iter().chain(split_args(params)).map(Type::parse).collect();
    Some((name.trim(), Overload { lib, member: receiver.is_some(), params, result: Type::parse(result) }))
}

/// Where the `:` after a receiver type is.
fn receiver_end(head: &str) -> Option<usize> {
    let mut depth = 0_usize;
    // Operators such as `_?_:_` have no receiver.
    if head.starts_with('_') {
        return None;
    }
    head.char_indices().find_map(|(at, c)| {
        match c {
            '(' => depth += 1,
            ')' => depth = depth.saturating_sub(1),
            ':' if depth == 0 => return Some(at),
            _ => {}
        }
        None
    })
}

#[cfg(test)]
mod tests;
