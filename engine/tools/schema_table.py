#!/usr/bin/env python3
"""Makes engine/src/policy/schema/table.bin: the schemas of Kyverno's CRDs and of the built-in kinds, shared and packed.

usage: schema_table.py --crds DIR… --openapi DIR --overlay builtin_overlay.yaml --source "words for the header" --out table.bin

  --crds     folders with CustomResourceDefinition YAML files (kyverno: config/crds/*, cmd/cli/kubectl-kyverno/data/crds)
  --openapi  a folder with the OpenAPI v3 documents of one Kubernetes version (api/v1.json, apis/<group>/<version>.json)
  --overlay  enums and defaults that the published OpenAPI leaves out

The file is one header line, then a raw deflate stream. Inflated: strings, then nodes (children before parents), then
kinds; every number is a LEB128 varint. engine/src/policy/schema/table.rs reads it and lists the fields of a node.
"""

import argparse, glob, json, os, sys, zlib

import yaml

ANY, OBJECT, ARRAY, STRING, INTEGER, NUMBER, BOOLEAN, INT_OR_STRING, QUANTITY = range(9)
TYPES = {"object": OBJECT, "array": ARRAY, "string": STRING, "integer": INTEGER, "number": NUMBER, "boolean": BOOLEAN}
# What follows a node's type, in this order; the mask says which are there.
PARTS = [
    "preserve", "nullable", "properties", "additional", "items", "required", "enum", "default", "minimum", "maximum",
    "minLength", "maxLength", "minItems", "maxItems", "pattern", "format", "oneOf", "not", "message", "set", "name",
]
GROUPS = {
    "": ["v1"], "apps": ["v1"], "batch": ["v1"], "networking.k8s.io": ["v1"], "rbac.authorization.k8s.io": ["v1"],
    "policy": ["v1"], "autoscaling": ["v1", "v2"], "storage.k8s.io": ["v1"], "scheduling.k8s.io": ["v1"],
    "coordination.k8s.io": ["v1"], "events.k8s.io": ["v1"], "apiextensions.k8s.io": ["v1"], "discovery.k8s.io": ["v1"],
    "admissionregistration.k8s.io": ["v1", "v1beta1", "v1alpha1"], "certificates.k8s.io": ["v1"], "node.k8s.io": ["v1"],
    "apiregistration.k8s.io": ["v1"], "authorization.k8s.io": ["v1"], "authentication.k8s.io": ["v1"],
}
SKIPPED = {"DeleteOptions", "Status", "WatchEvent", "APIGroup", "APIGroupList", "APIResourceList", "APIVersions"}
# These recurse or mean any JSON; below them nothing is checked.
OPEN = ("JSONSchemaProps", "JSONSchemaPropsOrBool", "JSONSchemaPropsOrArray", "JSONSchemaPropsOrStringArray", "JSON", "RawExtension")


def main():
    args = arguments()
    table = Table()
    meta, used = None, set()
    documents = {}
    for group, versions in GROUPS.items():
        for version in versions:
            path = os.path.join(args.openapi, "apis", group, version + ".json") if group else os.path.join(args.openapi, "api", "v1.json")
            documents[group, version] = json.load(open(path))["components"]["schemas"]
    overlay = yaml.safe_load(open(args.overlay))
    for (group, version), definitions in documents.items():
        builtin = Builtin(table, definitions, overlay)
        for name, definition in sorted(definitions.items()):
            for gvk in definition.get("x-kubernetes-group-version-kind", []):
                if gvk["group"] == group and gvk["version"] == version and gvk["kind"] not in SKIPPED and not gvk["kind"].endswith("List"):
                    table.kind(group, version, gvk["kind"], builtin.definition(name), 0)
        meta = meta or builtin.definition("io.k8s.apimachinery.pkg.apis.meta.v1.ObjectMeta")
        used |= builtin.used
    for kind in ("MutatingAdmissionPolicy", "MutatingAdmissionPolicyBinding"):
        same = next(node for group, version, name, node, _ in table.kinds if (version, name) == ("v1beta1", kind))
        table.kind("admissionregistration.k8s.io", "v1", kind, same, 0)
    if set(overlay) - used:
        sys.exit(f"overlay names no such field: {sorted(set(overlay) - used)}")
    crd_kinds = set()
    for folder in args.crds:
        for path in sorted(glob.glob(os.path.join(folder, "**", "*.yaml"), recursive=True)):
            crd = yaml.load(open(path), Loader=yaml.CSafeLoader)
            if not crd or crd.get("kind") != "CustomResourceDefinition":
                continue
            spec = crd["spec"]
            for version in spec["versions"]:
                key = (spec["group"], version["name"], spec["names"]["kind"])
                if key in crd_kinds:
                    continue
                crd_kinds.add(key)
                flags = 1 | (2 if version.get("deprecated") else 0) | (4 if not version["served"] else 0)
                # The command line reads its own kinds without pruning; their resources are any objects.
                table.open_objects = spec["group"] == "cli.kyverno.io"
                table.kind(*key, table.crd_node(version["schema"]["openAPIV3Schema"], meta), flags)
    body = table.pack()
    packed = zlib.compressobj(9, zlib.DEFLATED, -15, 9)
    packed = packed.compress(body) + packed.flush()
    with open(args.out, "wb") as out:
        out.write(("# " + " ".join(args.source.split()) + "; made by engine/tools/schema_table.py\n").encode())
        out.write(packed)
    print(f"{len(table.kinds)} kinds, {len(table.nodes)} nodes, {len(table.strings)} strings, {len(body)} bytes, {len(packed)} packed")


def arguments():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--crds", nargs="+", required=True)
    parser.add_argument("--openapi", required=True)
    parser.add_argument("--overlay", required=True)
    parser.add_argument("--source", required=True)
    parser.add_argument("--out", required=True)
    return parser.parse_args()


class Table:
    def __init__(self):
        self.nodes, self.index, self.strings, self.kinds = [], {}, {}, []
        self.open_objects = False

    def string(self, text):
        return self.strings.setdefault(text, len(self.strings))

    def kind(self, group, version, kind, node, flags):
        self.kinds.append((group, version, kind, node, flags))

    def node(self, kind, **parts):
        """Returns the id of the one node that looks like this."""
        parts = {name: value for name, value in parts.items() if value is not None and value is not False and value != ()}
        key = (kind, tuple(sorted((name, repr(value)) for name, value in parts.items())))
        if key not in self.index:
            self.index[key] = len(self.nodes)
            self.nodes.append((kind, parts))
        return self.index[key]

    def crd_node(self, schema, meta=None):
        """One node of an openAPIV3Schema; `meta` is set at the root, where metadata is ObjectMeta."""
        properties = []
        for name, child in sorted((schema.get("properties") or {}).items()):
            properties.append((name, meta if meta is not None and name == "metadata" else self.crd_node(child)))
        additional = schema.get("additionalProperties")
        message = None
        one_of = required_sets(schema.get("oneOf")) + required_sets(schema.get("anyOf"))
        for rule in schema.get("x-kubernetes-validations", []):
            fields = sorted(set(word.split(")")[0] for word in rule["rule"].split("has(self.")[1:]))
            one_of, message = [[field] for field in fields], rule["message"]
        return self.node(
            INT_OR_STRING if schema.get("x-kubernetes-int-or-string") else TYPES.get(schema.get("type"), ANY),
            preserve=schema.get("x-kubernetes-preserve-unknown-fields") or (self.open_objects and additional is None and schema.get("type") == "object" and not properties),
            nullable=schema.get("nullable"),
            properties=tuple(properties),
            additional=self.crd_node(additional) if isinstance(additional, dict) else None,
            items=self.crd_node(schema["items"]) if "items" in schema else None,
            required=tuple(schema.get("required", ())),
            enum=tuple(json.dumps(value) for value in schema.get("enum", ())),
            default=json.dumps(schema["default"]) if "default" in schema else None,
            minimum=text(schema.get("minimum")), maximum=text(schema.get("maximum")),
            minLength=text(schema.get("minLength")), maxLength=text(schema.get("maxLength")),
            minItems=text(schema.get("minItems")), maxItems=text(schema.get("maxItems")),
            pattern=schema.get("pattern"), format=schema.get("format"),
            oneOf=tuple(tuple(names) for names in one_of),
            **{"not": tuple((schema.get("not") or {}).get("required", ()))},
            message=message,
            set=schema.get("x-kubernetes-list-type") == "set",
        )

    def pack(self):
        nodes = bytearray()
        for kind, parts in self.nodes:
            nodes += varint(kind)
            nodes += varint(sum(1 << PARTS.index(name) for name in parts))
            for name in PARTS:
                if name not in parts:
                    continue
                value = parts[name]
                if name in ("preserve", "nullable", "set"):
                    pass
                elif name == "properties":
                    nodes += varint(len(value))
                    nodes += b"".join(varint(self.string(key)) for key, _ in value)
                    nodes += b"".join(varint(child) for _, child in value)
                elif name in ("additional", "items"):
                    nodes += varint(value)
                elif name in ("required", "enum", "not"):
                    nodes += self.list(value)
                elif name == "oneOf":
                    nodes += varint(len(value)) + b"".join(self.list(names) for names in value)
                else:
                    nodes += varint(self.string(value))
        kinds = bytearray(varint(len(self.kinds)))
        for group, version, kind, node, flags in self.kinds:
            for word in (group, version, kind):
                kinds += varint(self.string(word))
            kinds += varint(node) + varint(flags)
        strings = bytearray(varint(len(self.strings)))
        for word in self.strings:
            raw = word.encode()
            strings += varint(len(raw)) + raw
        return bytes(strings + varint(len(self.nodes)) + nodes + kinds)

    def list(self, words):
        return varint(len(words)) + b"".join(varint(self.string(word)) for word in words)


class Builtin:
    """The definitions of one OpenAPI document."""

    def __init__(self, table, definitions, overlay):
        self.table, self.definitions, self.overlay = table, definitions, overlay
        self.done, self.used = {}, set()

    def definition(self, name):
        if name not in self.done:
            short = name.split(".")[-1]
            special = self.special(short)
            self.done[name] = self.node(self.definitions[name], short, None) if special is None else special
        return self.done[name]

    def special(self, short):
        if short in OPEN:
            return self.table.node(ANY, preserve=True)
        if short == "FieldsV1":
            return self.table.node(OBJECT, preserve=True)
        return self.table.node(QUANTITY) if short == "Quantity" else None

    def node(self, schema, owner, field):
        """One node; `owner` and `field` name it for the overlay."""
        extra = self.overlay.get(f"{owner}.{field}", {})
        if extra:
            self.used.add(f"{owner}.{field}")
        reference = schema.get("$ref") or next((part.get("$ref") for part in schema.get("allOf", [])), None)
        if reference:
            child = self.definition(reference.split("/")[-1])
            kind, parts = self.table.nodes[child]
            return self.table.node(kind, **{**parts, "default": json.dumps(extra["default"])}) if extra else child
        if schema.get("format") == "int-or-string":
            return self.table.node(INT_OR_STRING)
        additional, items = schema.get("additionalProperties"), schema.get("items")
        default = extra.get("default", schema.get("default"))
        # The zero values that the published document lists everywhere are no defaults of the API server.
        written = "default" in extra or default not in (None, "", {}, 0, False)
        properties = sorted((schema.get("properties") or {}).items())
        return self.table.node(
            TYPES.get(schema.get("type"), ANY),
            preserve="type" not in schema,
            properties=tuple((key, self.node(child, owner, key)) for key, child in properties),
            additional=self.node(additional, owner, f"{field}.*") if isinstance(additional, dict) else None,
            items=self.node(items, owner, f"{field}[]") if items else None,
            required=tuple(name for name in schema.get("required", ()) if not self.overlay.get(f"{owner}.{name}", {}).get("optional")),
            enum=tuple(json.dumps(value) for value in extra.get("enum", ())),
            default=json.dumps(default) if written else None,
            format=schema.get("format"), name=None if field else owner,
            set=schema.get("x-kubernetes-list-type") == "set",
        )


def required_sets(alternatives):
    return [list(option["required"]) for option in alternatives or [] if set(option) == {"required"}]


def text(value):
    return None if value is None else repr(value)


def varint(number):
    out = bytearray()
    while True:
        byte = number & 0x7F
        number >>= 7
        out.append(byte | (0x80 if number else 0))
        if not number:
            return bytes(out)


main()
