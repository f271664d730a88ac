#!/usr/bin/env python3
"""Reduces the schema of server-side apply to what a merge needs: lists, maps and what is atomic.

Usage: list_types.py <client-go>/applyconfigurations/internal/internal.go ../src/object/data/kinds.tsv > …/list_types.txt

Only what the kinds of the second file lead to is kept.

One line a type that holds a list, or something atomic, somewhere below it; `!` behind the name is an atomic type:

    Type [!] field>Type field[key,key=default]>Type field[~] field[!]>Type field{}>Type field{!}

`[…]` is a list merged by keys, `[~]` a set, `[!]` an atomic list, `{}` a map, `{!}` an atomic map.
"""
import re
import sys

import yaml

text = re.search(r"YAMLObject\(`(.*)`\)", open(sys.argv[1]).read(), re.S).group(1)
types = {entry["name"]: entry for entry in yaml.load(text, Loader=yaml.CSafeLoader)["types"]}


def short(name):
    """`io.k8s.api.core.v1.PodSpec` is `core.v1.PodSpec`."""
    return name if name.startswith("__") else ".".join(name.split(".")[-3:])


def default_of(element, key):
    """Default of a key field of list elements."""
    fields = types.get(element or "", {}).get("map", {}).get("fields", [])
    value = next((field.get("default") for field in fields if field["name"] == key), None)
    return f"={value}" if value else ""


def describe(kind):
    """The marks of a field's type, and the type it leads to."""
    if "namedType" in kind:
        return "", kind["namedType"]
    if "list" in kind:
        relation = kind["list"].get("elementRelationship", "atomic")
        marks, target = describe(kind["list"]["elementType"])
        if marks:
            raise SystemExit(f"a list of unnamed lists or maps: {kind}")
        if relation == "atomic":
            return "[!]", target
        keys = kind["list"].get("keys")
        return (f"[{','.join(k + default_of(target, k) for k in keys)}]" if keys else "[~]"), target
    if "map" in kind:
        relation = kind["map"].get("elementRelationship", "separable")
        marks, target = describe(kind["map"].get("elementType", {}))
        if relation == "atomic":
            return "{!}", target
        return "{}" + marks, target
    return "", None


def atomic(name):
    entry = types.get(name, {})
    return name == "__untyped_atomic_" or entry.get("map", {}).get("elementRelationship") == "atomic"


useful = {name for name in types if atomic(name)} | {"__untyped_atomic_", "__untyped_deduced_"}
changed = True
while changed:
    changed = False
    for name, entry in types.items():
        for field in entry.get("map", {}).get("fields", []):
            marks, target = describe(field["type"])
            if name not in useful and (marks not in ("", "{}") or target in useful):
                useful.add(name)
                changed = True

roots = []
for row in open(sys.argv[2]):
    group, versions, kind = row.split()[:3] if not row.startswith("#") else ("", "", "")
    package = "core" if group == "-" else group.split(".")[0]
    roots += [f"io.k8s.api.{package}.{version}.{kind}" for version in versions.split(",")]
kept = set()
while roots:
    name = roots.pop()
    if name in useful and name not in kept:
        kept.add(name)
        for field in types.get(name, {}).get("map", {}).get("fields", []):
            roots.append(describe(field["type"])[1])

for name in sorted(kept, key=short):
    if name.startswith("__"):
        continue
    fields = []
    for field in types[name]["map"].get("fields", []):
        marks, target = describe(field["type"])
        leads = f">{short(target)}" if target in useful else ""
        if marks not in ("", "{}") or leads:
            fields.append(field["name"] + marks + leads)
    print(" ".join([short(name)] + (["!"] if atomic(name) else []) + fields))
