//! What somebody wants to do with a resource: the attributes of an access review.

/// One access.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Access<'a> {
    /// `get`, `list`, `watch`, `create`, `update`, `patch`, `delete`, …
    pub verb: &'a str,
    /// API group.
    pub group: &'a str,
    /// Plural name of the resource.
    pub resource: &'a str,
    /// `""` for the object itself.
    pub subresource: &'a str,
    /// `""` for cluster-scoped objects and for all namespaces.
    pub namespace: &'a str,
    /// `""` for all names.
    pub name: &'a str,
}

impl Access<'_> {
    /// The words of the API server's refusal.
    #[must_use]
    pub fn forbidden(&self, user: &str) -> String {
        let slash = if self.subresource.is_empty() { "" } else { "/" };
        let resource = format!("{}{slash}{}", self.resource, self.subresource);
        let dot = if self.group.is_empty() { "" } else { "." };
        let name = if self.name.is_empty() { String::new() } else { format!(" {:?}", self.name) };
        let place = match self.namespace {
            "" => "at the cluster scope".to_owned(),
            namespace => format!("in the namespace {namespace:?}"),
        };
        format!(
            "{}{dot}{}{name} is forbidden: User {user:?} cannot {} resource {resource:?} in API group {:?} {place}",
            self.resource, self.group, self.verb, self.group
        )
    }
}
