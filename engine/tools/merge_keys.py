#!/usr/bin/env python3
"""Reduces a Kubernetes OpenAPI v2 document to the merge keys of strategic merge patches.

Usage: merge_keys.py <openapi.json> > ../src/object/data/merge_keys.txt

The input is a document with `definitions`, such as the swagger of a Kubernetes release or the bundle that kustomize's
kyaml embeds. Output, one line a type that holds a merged list somewhere below it:

    Type group/version/Kind… : field>Type field[key,key]>Type field[]

`>` leads to another line, `[…]` names the merge keys of a list, `[]` is a list of scalars that are merged.
"""
import json
import sys

definitions = json.load(open(sys.argv[1]))["definitions"]


def target(schema):
    """The definition that a property leads to, through lists and maps."""
    while schema:
        if "$ref" in schema:
            return schema["$ref"].rsplit("/", 1)[-1]
        schema = schema.get("items") or schema.get("additionalProperties")
        if not isinstance(schema, dict):
            return None
    return None


def keys(schema):
    """Merge keys of a list, None where the list is replaced as a whole."""
    if "merge" not in schema.get("x-kubernetes-patch-strategy", "").split(",") or schema.get("type") != "array":
        return None
    if "x-kubernetes-list-map-keys" in schema:
        return schema["x-kubernetes-list-map-keys"]
    key = schema.get("x-kubernetes-patch-merge-key")
    return [key] if key else []


useful = set()
changed = True
while changed:
    changed = False
    for name, schema in definitions.items():
        for prop in (schema.get("properties") or {}).values():
            if name not in useful and (keys(prop) is not None or target(prop) in useful):
                useful.add(name)
                changed = True


def short(name):
    """`io.k8s.api.core.v1.PodSpec` is `core.v1.PodSpec`."""
    parts = name.split(".")
    return ".".join(parts[-3:])


for name in sorted(useful, key=short):
    schema = definitions[name]
    fields = []
    for field, prop in sorted((schema.get("properties") or {}).items()):
        merge, to = keys(prop), target(prop)
        # A list that is replaced, or a map of lists, leads nowhere.
        leads = to in useful and (merge is not None or prop.get("type") != "array")
        if merge is not None:
            fields.append(f"{field}[{','.join(merge)}]" + (f">{short(to)}" if leads else ""))
        elif leads:
            fields.append(f"{field}>{short(to)}")
    kinds = []
    for gvk in schema.get("x-kubernetes-group-version-kind", []):
        kinds.append("/".join(part for part in (gvk["group"], gvk["version"], gvk["kind"]) if part))
    if fields:
        print(" ".join([short(name)] + sorted(kinds) + [":"] + fields))
