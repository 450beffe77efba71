"""What is wrong with a file that a person wrote, in the words of its own language, one message a fault."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from difflib import get_close_matches
from typing import Any

from pydantic import ValidationError

Location = tuple[int | str, ...]
_MOST_KEYS = 30
_OF_KEY = "[key]"
_NOT_TEXT = "must be text: put quotes around it"
_WORDS: dict[str, Callable[[dict[str, Any]], str]] = {
    "missing": lambda _: "is missing",
    "string_type": lambda _: "must be text",
    "int_type": lambda _: "must be a whole number",
    "int_from_float": lambda _: "must be a whole number",
    "bool_type": lambda _: "must be true or false",
    "tuple_type": lambda _: "must be a list",
    "literal_error": lambda context: f"must be one of {context['expected']}".replace(" or ", ", "),
    "greater_than_equal": lambda context: f"must be at least {context['ge']}",
    "less_than_equal": lambda context: f"must be at most {context['le']}",
    "string_too_short": lambda _: "must not be empty",
    "string_too_long": lambda context: f"must not have more than {context['max_length']:,} characters",
    "too_short": lambda _: "must not be empty",
}


@dataclass(frozen=True, slots=True)
class Fault:
    """One fault, and the keys and positions that lead to it."""

    location: Location
    message: str

    @property
    def field(self) -> str:
        """The location as people write it."""
        return ".".join(map(str, self.location)) or "the file"


@dataclass(frozen=True, slots=True)
class _Found:
    """A fault as pydantic tells it: where, and in which form of a value that may have several (`union` is that value's place)."""

    place: Location
    union: Location | None
    form: object
    kind: str
    given: Any
    context: dict[str, Any]
    message: str

    @classmethod
    def read(cls, fault: Mapping[str, Any], data: object) -> _Found:
        """Separate the file's own keys and positions from what pydantic puts between them."""
        place: list[int | str] = []
        union, form = None, None
        for position, part in enumerate(fault["loc"]):
            last = position == len(fault["loc"]) - 1
            if _has(data, part):
                data = data[part]  # type: ignore[index]
            elif not (last and fault["type"] == "missing"):
                if part != _OF_KEY and union is None:
                    union, form = tuple(place), part
                continue
            place.append(part)
        message = str(fault["msg"]).removeprefix("Value error, ")
        return cls(tuple(place), union, form, fault["type"], fault["input"], fault.get("ctx", {}), message)

    @property
    def follows(self) -> bool:
        """Whether it only follows from other faults: a list is called too short when faulty items of it were not counted."""
        return self.kind == "too_short" and len(self.given) >= self.context["min_length"]

    def is_of_type(self, place: Location) -> bool:
        """Whether it says that the value at a place is of another type altogether."""
        return self.place == place and self.kind.endswith("_type")


@dataclass(frozen=True, slots=True)
class Language:
    """What a file may say, as JSON Schema, and what its language calls a key and a mapping."""

    schema: Mapping[str, Any]
    key: str
    mapping: str

    def faults(self, error: ValidationError, data: object) -> list[Fault]:
        """Return the faults of a file that says `data`; what only follows from another fault is left out."""
        found = [_Found.read(each, data) for each in error.errors(include_url=False)]
        meant = {(*each.place[:-1], key) for each in found if (key := self._meant(each))}
        told = [each for each in found if not (each.follows or (each.kind == "missing" and each.place in meant))]
        alone = [Fault(each.place, self._message(each)) for each in told if each.union is None]
        return list(dict.fromkeys([*alone, *self._of_unions([each for each in told if each.union is not None])]))

    def _of_unions(self, found: Sequence[_Found]) -> Iterator[Fault]:
        """Yield the faults of values that may have one of several forms: those of the form that was meant, as far as that shows."""
        unions: dict[Location, dict[object, list[_Found]]] = {}
        for each in found:
            unions.setdefault(each.union or (), {}).setdefault(each.form, []).append(each)
        for union, forms in unions.items():
            of_another_form = {form for form, faults in forms.items() if any(each.is_of_type(union) for each in faults)}
            if fitting := forms.keys() - of_another_form:
                yield from (
                    Fault(each.place, self._message(each)) for each in forms[next(form for form in forms if form in fitting)]
                )
            else:
                wanted = dict.fromkeys(self._message(each) for faults in forms.values() for each in faults if each.place == union)
                yield Fault(union, " or ".join(wanted).replace(" or must be ", " or "))

    def _message(self, found: _Found) -> str:
        if found.kind == "extra_forbidden":
            meant = self._meant(found)
            keys = sorted(self._keys(found.place[:-1]))
            hint = f": did you mean {meant}?" if meant else f"; there are: {', '.join(keys[:_MOST_KEYS])}" if keys else ""
            return f"there is no such {self.key}{hint}"
        if found.given is None and found.kind.endswith("_type"):
            return "is empty"
        if found.kind in ("dict_type", "model_type"):
            return f"must be {self.mapping}"
        if found.kind == "string_type" and isinstance(found.given, bool | int | float | dict):
            return _NOT_TEXT
        words = _WORDS.get(found.kind)
        if words is not None:
            return words(found.context)
        return found.message[0].lower() + found.message[1:]

    def _meant(self, found: _Found) -> str | None:
        """Return the key that one that is not known may stand for."""
        if found.kind != "extra_forbidden":
            return None
        return next(iter(get_close_matches(str(found.place[-1]), self._keys(found.place[:-1]), 1)), None)

    def _keys(self, location: Location) -> set[str]:
        """Return the keys that a mapping at a place may have."""
        at = list(self._members(self.schema))
        for part in location:
            at = [inner for each in at for inner in self._into(each, part)]
        return {key for each in at for key in each.get("properties", ())}

    def _into(self, schema: Mapping[str, Any], part: int | str) -> Iterator[Mapping[str, Any]]:
        inner = (
            schema.get("items")
            if isinstance(part, int)
            else schema.get("properties", {}).get(part, schema.get("additionalProperties"))
        )
        if isinstance(inner, Mapping):
            yield from self._members(inner)

    def _members(self, schema: Mapping[str, Any]) -> Iterator[Mapping[str, Any]]:
        """Yield a schema, or the ones that it stands for."""
        if "$ref" in schema:
            yield from self._members(self.schema["$defs"][schema["$ref"].rpartition("/")[2]])
        for either in ("anyOf", "oneOf", "allOf"):
            for member in schema.get(either, ()):
                yield from self._members(member)
        if "properties" in schema or "items" in schema or "additionalProperties" in schema:
            yield schema


def _has(data: object, part: int | str) -> bool:
    if isinstance(data, list):
        return isinstance(part, int) and part < len(data)
    return isinstance(data, Mapping) and part in data
