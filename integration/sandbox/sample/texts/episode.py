"""What a log is written from: passages, and episodes that have a name and stand alone in their hour.

A text has one line for each line of the log. `{slot}` is filled in by `slots.py`, the same name with the same value within a
passage. A line that begins with `level=` gets a `time=` stamp, one with `[GIN] |` the access log's time, one with `[Recovery]`
the time of Gin's recovery; `app: ` sends a line to app.log. Levels, source lines and messages are Ollama's own, version by
version; names, digests, addresses and figures are made up.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple


class Passage(NamedTuple):
    """Lines that come together, and their weight among the passages of their kind."""

    weight: int
    text: str


class Episode(NamedTuple):
    """A passage with a name that stands alone in its hour, and the truth about it.

    `impact` says that something was crashed, written where it must not be, or leaked; an attack without it was refused. `blind`
    says that the impact left no line that everyday work does not leave as well.
    """

    name: str
    about: str
    text: str
    attack: bool = False
    impact: bool = False
    blind: bool = False


class Texts(NamedTuple):
    """What a version of Ollama logs."""

    version: str
    startup: str
    everyday: Sequence[Passage]
    noise: Sequence[Passage]
    faults: Sequence[Episode]
    attacks: Sequence[Episode]


def access(status: int, took: str, client: str, request: str) -> str:
    """Return an access line; `took` and `client` are slots, `request` is `POST /api/chat`."""
    method, path = request.split(" ", 1)
    return f'[GIN] | {status} | {{{took}:>13}} | {{{client}:>15}} | {method:<7}  "{path}"'


def upload(client: str = "attacker", blob: str = "upload", took: str = "quick") -> str:
    """Return the two requests that bring a file onto the server; `blob` is the slot of its digest."""
    path = f"/api/blobs/sha256:{{{blob}}}"
    return f"{access(404, 'instant', client, f'HEAD {path}')}\n{access(201, took, client, f'POST {path}')}"


def repeated(times: int, text: str) -> str:
    """Write a text several times; `#` numbers its slots, so that each time has values of its own."""
    return "\n".join(text.strip().replace("#", str(number)) for number in range(times))
