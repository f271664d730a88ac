//! Which stored objects a command line means.

use serde_json::Value;

use super::args::Args;
use super::shell::World;
use super::verbs::{Kubectl, Report};
use crate::eval::view::View;
use crate::object::ObjectExt;
use crate::object::catalog::Resource;
use crate::object::gvk::Gvk;
use crate::object::selector::LabelSelector;
use crate::sim::Cluster;
use crate::sim::api_server::{self, ApiError};
use crate::sim::k8s_events::in_group;

impl Kubectl<'_> {
    /// The objects that `TYPE NAME…`, `TYPE/NAME…`, `TYPE --all`, `TYPE -l …` name; those missing are complained about.
    pub(super) fn named(&self, args: &Args, report: &mut Report) -> Vec<(Resource, Value)> {
        self.named_by(args.operands.get(1..).unwrap_or_default(), args, report)
    }

    pub(super) fn named_by(&self, words: &[String], args: &Args, report: &mut Report) -> Vec<(Resource, Value)> {
        let words: Vec<&str> = words.iter().map(String::as_str).collect();
        let Some((first, names)) = words.split_first() else {
            report.fail("error: You must specify the type of resource");
            return Vec::new();
        };
        let mut found = Vec::new();
        if first.contains('/') {
            for (kind, name) in words.iter().filter_map(|word| word.split_once('/')) {
                self.collect(kind, &[name], args, &mut found, report);
            }
        } else {
            for kind in first.split(',') {
                self.collect(kind, names, args, &mut found, report);
            }
        }
        found
    }

    /// Stored objects by `-f`, else by the operands.
    pub(super) fn chosen(
        &self,
        args: &Args,
        input: &str,
        world: &World<'_>,
        report: &mut Report,
    ) -> Vec<(Resource, Value)> {
        if args.flag("filename").is_none() {
            return self.named(args, report);
        }
        let mut found = Vec::new();
        for (_, object) in self.documents(args, input, world, report) {
            let object = self.placed(object, args);
            let own = args.clone().with("namespace", object.namespace());
            self.collect(object.kind(), &[object.name()], &own, &mut found, report);
        }
        found
    }

    fn collect(
        &self,
        kind: &str,
        names: &[&str],
        args: &Args,
        found: &mut Vec<(Resource, Value)>,
        report: &mut Report,
    ) {
        if kind == "all" {
            for kind in
                ["pods", "services", "daemonsets", "deployments", "replicasets", "statefulsets", "cronjobs", "jobs"]
            {
                self.collect(kind, names, args, found, report);
            }
            return;
        }
        let Some(resource) = self.resource(kind) else {
            report.fail(format!("error: the server doesn't have a resource type \"{kind}\""));
            return;
        };
        let gvk = resource.gvk("");
        let space = self.space(args);
        if names.is_empty() {
            let everywhere = args.on("all-namespaces") || !resource.namespaced;
            let selector =
                LabelSelector::parse(args.flag("selector").unwrap_or("")).unwrap_or_else(|_| LabelSelector::nothing());
            let fields = args.flag("field-selector").unwrap_or("");
            let mut objects = self.objects(&gvk, (!everywhere).then_some(space.as_str()));
            objects.retain(|object| selector.matches(&object.labels()) && has_fields(object, fields));
            if gvk.kind != "Event" {
                objects.sort_by(|a, b| (a.namespace(), a.name()).cmp(&(b.namespace(), b.name())));
            }
            found.extend(objects.into_iter().map(|object| (resource.clone(), object)));
        }
        for name in names {
            let space = if resource.namespaced { space.as_str() } else { "" };
            let all = || self.objects(&gvk, Some(space)).into_iter().find(|object| object.name() == *name);
            match self.cluster.get(&gvk, space, name).or_else(all) {
                Some(object) => found.push((resource.clone(), object)),
                None if args.on("ignore-not-found") => {}
                None => {
                    let error = ApiError::not_found(&api_server::qualified(&resource.gvr("")), name);
                    report.fail(error.kubectl(""));
                }
            }
        }
    }

    pub(super) fn objects(&self, gvk: &Gvk, namespace: Option<&str>) -> Vec<Value> {
        if gvk.kind == "Event" {
            let mut events = events_in(self.cluster, &gvk.api_version());
            events.retain(|event| namespace.is_none_or(|namespace| event.namespace() == namespace));
            return events;
        }
        self.cluster.list(gvk, namespace)
    }

    /// A kind by any of its names; unknown kinds by those of stored objects.
    pub(super) fn resource(&self, name: &str) -> Option<Resource> {
        if let Some(resource) = self.cluster.catalog.find(name) {
            return Some(resource.clone());
        }
        let name = name.to_lowercase();
        let any = Gvk { group: "*".into(), version: "*".into(), kind: "*".into() };
        let object = self.cluster.list(&any, None).into_iter().find(|object| {
            let kind = object.kind().to_lowercase();
            let group = object.gvk().group;
            [kind.clone(), format!("{kind}s"), format!("{kind}.{group}"), format!("{kind}s.{group}")].contains(&name)
        })?;
        let gvk = object.gvk();
        Some(Resource {
            group: gvk.group,
            versions: vec![gvk.version],
            plural: format!("{}s", gvk.kind.to_lowercase()),
            singular: gvk.kind.to_lowercase(),
            kind: gvk.kind,
            short_names: Vec::new(),
            namespaced: !object.namespace().is_empty(),
            subresources: Vec::new(),
        })
    }
}

/// `metadata.name=a,status.phase!=Running`.
fn has_fields(object: &Value, selector: &str) -> bool {
    selector.split(',').filter(|part| !part.is_empty()).all(|part| {
        let (path, value) = part.split_once('=').unwrap_or((part, ""));
        let (path, negated) = (path.trim_end_matches('!'), path.ends_with('!'));
        let steps: Vec<&str> = path.split('.').collect();
        let found = object.at(&steps).map(super::jsonpath::plain).unwrap_or_default();
        (found == value.trim_start_matches('=')) != negated
    })
}

/// The events of a cluster, oldest first, in the version asked for.
#[must_use]
pub fn events_in(cluster: &Cluster, api_version: &str) -> Vec<Value> {
    let group = Gvk::new(api_version, "Event").group;
    cluster.events().iter().map(|event| in_group(event, &group)).collect()
}
