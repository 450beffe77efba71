"""Which kinds of work a user may do, as far as the cluster says so to requests that change nothing."""

from __future__ import annotations

from collections.abc import Collection, Iterator
from dataclasses import dataclass
from enum import StrEnum

from integration.engines.base import Engine
from integration.errors import MissingApiError, NotFoundError
from integration.install.role_bodies import INGESTER, INSTALLER, READER, RUNNER, Grants, grants
from integration.names import API, EVENTS_PATTERN, PROMPTS, RISK_PATTERN, STATE_PATTERN, Namespace

_ADMINISTRATOR = "all_access"


class Work(StrEnum):
    """A kind of work, as the roles divide it."""

    INSTALL = "install"
    INGEST = "ingest"
    RUN = "run"
    READ = "read"

    @property
    def role(self) -> str:
        """The role that is enough for it."""
        return {"install": INSTALLER, "ingest": INGESTER, "run": RUNNER, "read": READER}[self]


def lacking_privileges(engine: Engine, namespace: Namespace, index: str) -> dict[Work, list[str]] | None:
    """Return what this user lacks for each kind of work; `index` is where events are read.

    A kind of work of which the cluster cannot tell is left out. None where security is off, so that everybody may do anything.
    """
    try:
        return _elasticsearch(engine, namespace, index) if engine.name == "elasticsearch" else _opensearch(engine)
    except (MissingApiError, NotFoundError):
        return None


def _opensearch(engine: Engine) -> dict[Work, list[str]]:
    """Return what is granted by the names of the user's roles; what another role grants, OpenSearch tells only when it is used."""
    held = engine.request("GET", "/_plugins/_security/authinfo", retry=True).get("roles") or []
    return {work: [] for work in Work if {work.role, _ADMINISTRATOR} & set(held)}


def _elasticsearch(engine: Engine, namespace: Namespace, index: str) -> dict[Work, list[str]]:
    needed = {work: list(_privileges(grants(engine.name)[work.role], work, namespace, index)) for work in Work}
    lacking = _lacking(engine, {privilege for privileges in needed.values() for privilege in privileges})
    return {work: sorted(str(each) for each in privileges if each in lacking) for work, privileges in needed.items()}


@dataclass(frozen=True, slots=True)
class _Privilege:
    """A privilege on an index or, without one, on the cluster."""

    name: str
    index: str | None = None

    def __str__(self) -> str:
        return self.name if self.index is None else f"{self.name} on {self.index}"


def _privileges(granted: Grants, work: Work, namespace: Namespace, index: str) -> Iterator[_Privilege]:
    """Yield what a role grants, for this namespace's own names in place of patterns."""
    yield from (_Privilege(name) for name in granted.cluster)
    events = index.split(",") if work in (Work.RUN, Work.READ) else [namespace.events]
    names = {EVENTS_PATTERN: events, RISK_PATTERN: [namespace.risk], STATE_PATTERN: [namespace.state]}
    names |= {dataset.pattern: [namespace.stream(dataset)] for dataset in (API, PROMPTS)}
    for pattern, allowed in granted.indices.items():
        yield from (_Privilege(name, one) for one in names[pattern] for name in allowed)


def _lacking(engine: Engine, privileges: Collection[_Privilege]) -> set[_Privilege]:
    by_index: dict[str, list[str]] = {}
    for each in privileges:
        if each.index is not None:
            by_index.setdefault(each.index, []).append(each.name)
    body = {
        "cluster": [each.name for each in privileges if each.index is None],
        "index": [{"names": [index], "privileges": names} for index, names in by_index.items()],
    }
    answer = engine.request("POST", "/_security/user/_has_privileges", body, retry=True)
    held = {None: answer["cluster"], **answer["index"]}
    return {each for each in privileges if not held[each.index][each.name]}
