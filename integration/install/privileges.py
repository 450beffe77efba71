"""Which kinds of work a user may do: the rights that each one's role grants, asked of the cluster one by one."""

from __future__ import annotations

import json
from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass
from enum import StrEnum
from fnmatch import fnmatchcase
from typing import Any

from integration.engines.base import Engine
from integration.errors import ClusterError, ForbiddenError, NotFoundError
from integration.install.role_bodies import INGESTER, INSTALLER, READER, RUNNER, Grants, grants
from integration.names import EVENTS_PATTERN, PIPELINE, RISK_PATTERN, STATE_PATTERN, Namespace


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


@dataclass(frozen=True, slots=True)
class _Right:
    """A privilege (Elasticsearch) or an action (OpenSearch), on an index or, without one, on the cluster."""

    name: str
    index: str | None = None

    def __str__(self) -> str:
        return self.name if self.index is None else f"{self.name} on {self.index}"


def missing_rights(engine: Engine, namespace: Namespace, index: str) -> dict[Work, list[str]] | None:
    """Tell for each kind of work which of its rights the cluster says this user lacks; `index` is where events are read.

    None where security is off, so that everybody may do anything. A kind of work of which the cluster cannot tell is left out: all
    of them on OpenSearch before 3.2, which cannot be asked without doing the thing.
    """
    needed = {work: list(_rights(grants(engine.name)[work.role], work, namespace, index)) for work in Work}
    try:
        if engine.name == "elasticsearch":
            lacking = _lacking_elasticsearch(engine, {right for rights in needed.values() for right in rights})
        elif engine.version < (3, 2):
            engine.request("GET", "/_plugins/_security/authinfo", retry=True)
            return {}
        else:
            lacking = _lacking_opensearch(engine, {right for rights in needed.values() for right in rights})
    except ClusterError as error:
        if isinstance(error, NotFoundError) or any(words in str(error) for words in _NO_SECURITY):
            return None
        raise
    return {work: sorted(str(right) for right in rights if right in lacking) for work, rights in needed.items()}


_NO_SECURITY = ("no handler found", "Unknown API", "Security must be explicitly enabled")


def _rights(granted: Grants, work: Work, namespace: Namespace, index: str) -> Iterator[_Right]:
    """Give what a role grants, for this namespace's own names in place of patterns."""
    yield from (_Right(name) for name in granted.cluster)
    events = index.split(",") if work in (Work.RUN, Work.READ) else [namespace.events]
    names = {EVENTS_PATTERN: events, RISK_PATTERN: [namespace.risk], STATE_PATTERN: [namespace.state]}
    for pattern, allowed in granted.indices.items():
        yield from (_Right(name, one) for one in names[pattern] for name in allowed)


def _lacking_elasticsearch(engine: Engine, rights: Collection[_Right]) -> set[_Right]:
    by_index: dict[str, list[str]] = {}
    for right in rights:
        if right.index is not None:
            by_index.setdefault(right.index, []).append(right.name)
    body = {
        "cluster": [right.name for right in rights if right.index is None],
        "index": [{"names": [index], "privileges": names} for index, names in by_index.items()],
    }
    answer = engine.request("POST", "/_security/user/_has_privileges", body, retry=True)
    held = {None: answer["cluster"], **answer["index"]}
    return {right for right in rights if not held[right.index][right.name]}


# Requests that OpenSearch checks the right of and does not do. Should it do one all the same, as it does for whoever shows an
# administrator's certificate, nothing changes: no processor, template or alias of such a name is there. Over some other requests it
# fails (GET / is one), so those rights are not asked.
_NOTHING = "detect-doctor-asks-for-nothing"
_ON_CLUSTER: dict[str, tuple[str, str, Any]] = {
    "cluster:monitor/health": ("GET", "/_cluster/health", None),
    "cluster:admin/ingest/pipeline/get": ("GET", f"/_ingest/pipeline/{PIPELINE}", None),
    "cluster:admin/ingest/pipeline/put": ("PUT", f"/_ingest/pipeline/{_NOTHING}", {"processors": [{_NOTHING: {}}]}),
    "cluster:admin/ingest/pipeline/simulate": (
        "POST",
        "/_ingest/pipeline/_simulate",
        {"pipeline": {"processors": []}, "docs": [{"_source": {}}]},
    ),
    "indices:admin/index_template/put": (
        "PUT",
        f"/_index_template/{_NOTHING}",
        {"index_patterns": [_NOTHING], "composed_of": [_NOTHING]},
    ),
    "indices:data/read/scroll": ("POST", "/_search/scroll", {"scroll_id": _NOTHING}),
    "indices:data/write/bulk": ("POST", "/_bulk", json.dumps({"index": {"_index": _NOTHING, "require_alias": True}}) + "\n{}\n"),
}
_ON_INDEX: dict[str, tuple[str, str, Any]] = {
    "indices:data/read/search": ("POST", "_search", {"size": 0}),
    "indices:data/read/field_caps": ("GET", "_field_caps", None),
    "indices:monitor/settings/get": ("GET", "_settings", None),
    "indices:admin/mapping/put": ("PUT", "_mapping", {"properties": {}}),
    "indices:data/write/index": ("PUT", f"_doc/{_NOTHING}", {}),
    "indices:data/write/update": ("POST", f"_update/{_NOTHING}", {"doc": {}}),
}
_PARAMS: Mapping[str, Mapping[str, str]] = {
    "indices:data/read/field_caps": {"fields": _NOTHING},
    "indices:data/write/index": {"require_alias": "true"},
    "indices:data/write/update": {"require_alias": "true"},
}


def _lacking_opensearch(engine: Engine, rights: Collection[_Right]) -> set[_Right]:
    """Ask for every right that can be asked for; one with a `*` lacks when any of its actions does."""
    engine.request("GET", "/_plugins/_security/authinfo", retry=True)  # never ask where nothing would hold the requests back
    lacking: set[_Right] = set()
    for right in rights:
        for action, (method, path, body) in (_ON_CLUSTER if right.index is None else _ON_INDEX).items():
            if fnmatchcase(action, right.name):
                where = path if right.index is None else f"/{right.index}/{path}"
                params = {"perform_permission_check": "true", **_PARAMS.get(action, {})}
                if not _allows(engine, method, where, body, params):
                    lacking.add(right)
    return lacking


def _allows(engine: Engine, method: str, path: str, body: Any, params: Mapping[str, str]) -> bool:
    try:
        return bool(engine.request(method, path, body, params, retry=True).get("accessAllowed", True))
    except ForbiddenError:
        return False
    except NotFoundError:  # done, in vain: whoever shows an administrator's certificate may do anything
        return True
