use serde_json::json;

use super::*;

#[test]
fn built_in_kinds() {
    let catalog = Catalog::new();
    let lines = include_str!("../data/kinds.tsv").lines().filter(|l| !l.starts_with('#')).count();
    assert_eq!(catalog.iter().count(), lines);
    for (name, wanted) in [
        ("po", "Pod"),
        ("pods", "Pod"),
        ("Deployment", "Deployment"),
        ("deployments.apps", "Deployment"),
        ("deployments.v1.apps", "Deployment"),
        ("cpol", "ClusterPolicy"),
        ("netpol", "NetworkPolicy"),
        ("events.events.k8s.io", "Event"),
        ("hpa", "HorizontalPodAutoscaler"),
        ("nosuch", ""),
    ] {
        assert_eq!(catalog.find(name).map_or("", |r| r.kind.as_str()), wanted, "{name}");
    }
    let gvk = Gvk::new("autoscaling/v1", "HorizontalPodAutoscaler");
    assert_eq!(catalog.gvr_of(&gvk).unwrap().resource, "horizontalpodautoscalers");
    assert_eq!(catalog.is_namespaced(&Gvk::new("v1", "Namespace")), Some(false));
    assert_eq!(catalog.is_namespaced(&Gvk::new("v1", "Nothing")), None);
    assert_eq!(catalog.kind(&Gvk::new("apps/v2", "Deployment")), None);
    let any = Gvr { group: "autoscaling".into(), version: String::new(), resource: "horizontalpodautoscalers".into() };
    assert_eq!(catalog.gvk_of(&any).unwrap().version, "v2");
    assert_eq!(catalog.find("deploy").unwrap().subresource_gvk("v1", "scale"), Gvk::new("autoscaling/v1", "Scale"));
}

#[test]
fn crds_extend_it() {
    let mut catalog = Catalog::new();
    let crd = json!({"spec": {
        "group": "example.com", "scope": "Cluster",
        "names": {"kind": "Widget", "plural": "widgets", "shortNames": ["wd"]},
        "versions": [
            {"name": "v1alpha1", "served": true}, {"name": "v1", "served": true, "subresources": {"status": {}}},
            {"name": "v1beta1", "served": true}, {"name": "v2", "served": false},
        ],
    }});
    assert!(catalog.add_crd(&crd).is_some());
    let widget = catalog.find("wd").unwrap();
    assert_eq!(widget.versions, ["v1", "v1beta1", "v1alpha1"]);
    assert_eq!((widget.namespaced, widget.subresources.as_slice()), (false, ["status".to_owned()].as_slice()));
    catalog.remove_crd("widgets.example.com");
    assert!(catalog.find("wd").is_none());
    assert!(catalog.add_crd(&json!({"kind": "CustomResourceDefinition"})).is_none());
}

#[test]
fn guessed_plurals() {
    for (kind, wanted) in
        [("Pod", "pods"), ("NetworkPolicy", "networkpolicies"), ("Ingress", "ingresses"), ("Endpoints", "endpoints")]
    {
        assert_eq!(guess_resource(&Gvk::new("v1", kind)).resource, wanted);
    }
}
