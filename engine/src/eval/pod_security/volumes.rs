//! Checks on the volumes of a pod.

use std::collections::BTreeSet;

use serde_json::Value;

use super::check::{Bad, FieldError, Pod, Violation, Violations, join_quoted, plural};
use crate::object::ObjectExt;

pub(super) fn path_volumes(pod: &Pod) -> Option<Violation> {
    let mut bad = Violations::default();
    let volumes = pod.field(&["volumes"]).and_then(Value::as_array).into_iter().flatten();
    for (index, volume) in volumes.enumerate() {
        if let Some(host_path) = volume.get("hostPath").filter(|path| !path.is_null()) {
            let found = Bad::Text(host_path.str_at(&["path"]).to_owned());
            let error = FieldError::forbidden(format!("spec.volumes[{index}].hostPath"), found);
            bad.add(volume.str_at(&["name"]), [error]);
        }
    }
    bad.because("hostPath volumes", |bad| format!("{} {}", plural("volume", "volumes", bad.who.len()), bad.quoted()))
}

/// Volumes that carry no data of the node or of a remote file system.
pub(super) fn restricted_volumes(pod: &Pod) -> Option<Violation> {
    const ALLOWED: [&str; 9] = [
        "configMap",
        "csi",
        "downwardAPI",
        "emptyDir",
        "ephemeral",
        "image",
        "persistentVolumeClaim",
        "projected",
        "secret",
    ];
    const KNOWN: [&str; 20] = [
        "hostPath",
        "gcePersistentDisk",
        "awsElasticBlockStore",
        "gitRepo",
        "nfs",
        "iscsi",
        "glusterfs",
        "rbd",
        "flexVolume",
        "cinder",
        "cephfs",
        "flocker",
        "fc",
        "azureFile",
        "vsphereVolume",
        "quobyte",
        "azureDisk",
        "photonPersistentDisk",
        "portworxVolume",
        "scaleIO",
    ];
    let mut bad = Violations::default();
    let mut types = BTreeSet::new();
    let volumes = pod.field(&["volumes"]).and_then(Value::as_array).into_iter().flatten();
    for (index, volume) in volumes.enumerate() {
        let has = |key: &&&str| volume.get(**key).is_some_and(|source| !source.is_null());
        if ALLOWED.iter().any(|key| has(&key)) {
            continue;
        }
        let kind = KNOWN.iter().chain(&["storageos"]).find(has).copied().unwrap_or("unknown");
        types.insert(kind);
        let name = volume.get("name").and_then(Value::as_str).unwrap_or_default();
        let field = format!("spec.volumes[{index}].{kind}");
        bad.add(name, [FieldError::forbidden(field, Bad::Text(String::new()))]);
    }
    bad.because("restricted volume types", |bad| {
        let volumes = plural("volume", "volumes", bad.who.len());
        let uses = plural("uses", "use", bad.who.len());
        let kinds = plural("restricted volume type", "restricted volume types", types.len());
        format!("{volumes} {} {uses} {kinds} {}", bad.quoted(), join_quoted(&types))
    })
}
