"""What the lines of a made-up log say: read from `versions/`, a file for each version of Ollama and one for all.

A text has a line for each line of the log. `{slot}` is filled in by `slots.py`, the same name with the same value within a text,
and `{slot:>13}` right-aligned; any other brace stands for itself. A line `<name>` is a text of `parts`. A line that begins with
`level=` gets a `time=` stamp, one with `[GIN] |` the access log's time, one with `[Recovery]` the time of Gin's recovery; `app: `
sends a line to app.log. Levels, source lines and messages are Ollama's own, version by version; names, digests, addresses and
figures are made up.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from functools import cache
from pathlib import Path
from typing import NamedTuple

from integration.folders import read_asset

VERSIONS = ("0.12.3", "0.32.15", "0.1.33")
"""One for each time in which logs differ much; the first is that of a single host."""
_FOLDER = Path(__file__).parent / "versions"
_PART = re.compile(r"^<(\w+)>$", re.MULTILINE)


class Passage(NamedTuple):
    """Lines that come together, and their weight among the passages of their kind."""

    text: str
    weight: int


class Episode(NamedTuple):
    """A passage with a name that stands alone in its hour, and the truth about it.

    `impact` says that something was crashed, written where it must not be, or leaked; an attack without it was refused. `blind`
    says that the impact left no line that everyday work does not leave as well.
    """

    text: str
    name: str
    about: str
    attack: bool
    impact: bool = False
    blind: bool = False


class Texts(NamedTuple):
    """What a version of Ollama logs; `chatter` is what a server says that was asked for debug lines."""

    startup: str
    everyday: Sequence[Passage]
    noise: Sequence[Passage]
    chatter: Sequence[Passage]
    faults: Sequence[Episode]
    attacks: Sequence[Episode]


@cache
def texts_of(version: str) -> Texts:
    """Read what a version logs."""
    own, shared = (read_asset(_FOLDER / f"{name}.yml") for name in (version, "every"))
    parts = shared["parts"] | own["parts"]

    def whole(text: str) -> str:
        return _PART.sub(lambda part: whole(parts[part[1]]), text)

    def passages(kind: str) -> list[Passage]:
        found = [*shared.get(kind, ()), *own.get(kind, ())]
        return [Passage(whole(each["text"]), each["weight"]) for each in found]

    def episodes(kind: str, *, attack: bool) -> list[Episode]:
        found = [*own[kind], *shared.get(kind, ())]
        return [Episode(**each | {"text": whole(each["text"])}, attack=attack) for each in found]

    return Texts(
        startup=whole(own["startup"]),
        everyday=passages("everyday"),
        noise=passages("noise"),
        chatter=passages("chatter"),
        faults=episodes("faults", attack=False),
        attacks=episodes("attacks", attack=True),
    )
