"""Least-privilege roles: one for each kind of work, with what its verbs ask of the cluster and nothing more.

| role | verbs |
|---|---|
| `detect-installer` | install, diff, status, uninstall, enable, disable |
| `detect-ingester` | ingest |
| `detect-runner` | run, run --write, watch, validate, findings |
| `detect-reader` | diff, status, doctor, run, validate, findings: all that changes nothing |

None of them may write roles: that stays with the cluster's administrator.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

from integration.names import API, EVENTS_PATTERN, PROMPTS, RISK_PATTERN, STATE_PATTERN

INSTALLER = "detect-installer"
INGESTER = "detect-ingester"
RUNNER = "detect-runner"
READER = "detect-reader"

_JSON_EVENTS = (API.pattern, PROMPTS.pattern)
"""The data streams that no rule reads; nor may a reader, for there may be prompts in them."""

DESCRIPTIONS = {
    INSTALLER: "Puts the pipeline, the templates and the rules of detect on the cluster, and takes them away",
    INGESTER: "Stores lines of Ollama's log; changes and deletes none",
    RUNNER: "Reads events and keeps what the rules find",
    READER: "Reads events, findings and the state of the installation; changes nothing",
}


@dataclass(frozen=True, slots=True)
class Grants:
    """What one role may do: on the cluster, and on indices by pattern."""

    cluster: tuple[str, ...]
    indices: dict[str, tuple[str, ...]]


def roles(engine: str, index: str | None = None) -> dict[str, dict[str, Any]]:
    """Return the body of every role by its name, as the engine's security API takes it.

    `index` is a pattern of the user's own events beside those of `detect ingest`; reading them is all that is granted there.
    """
    render, grants = _RENDERERS[engine]
    return {name: render(DESCRIPTIONS[name], _with_own(name, grant, index)) for name, grant in grants.items()}


def grants(engine: str) -> dict[str, Grants]:
    """Return what every role may do on an engine, by its name."""
    return _RENDERERS[engine][1]


def _with_own(name: str, grant: Grants, index: str | None) -> Grants:
    if index is None or name not in (RUNNER, READER):
        return grant
    return Grants(grant.cluster, grant.indices | {index: grant.indices[EVENTS_PATTERN]})


def _elasticsearch_body(description: str, grants: Grants) -> dict[str, Any]:
    return {
        "cluster": list(grants.cluster),
        "indices": [{"names": [pattern], "privileges": list(allowed)} for pattern, allowed in grants.indices.items()],
        "metadata": {"description": description},
    }


def _opensearch_body(description: str, grants: Grants) -> dict[str, Any]:
    return {
        "description": description,
        "cluster_permissions": list(grants.cluster),
        "index_permissions": [
            {"index_patterns": [pattern], "allowed_actions": list(allowed)} for pattern, allowed in grants.indices.items()
        ],
    }


def _each(patterns: Sequence[str], *allowed: str) -> dict[str, tuple[str, ...]]:
    return dict.fromkeys(patterns, allowed)


_GRANTS_ELASTICSEARCH = {
    INSTALLER: Grants(
        ("monitor", "manage_ingest_pipelines", "manage_index_templates"),
        _each((EVENTS_PATTERN, *_JSON_EVENTS), "manage", "read") | {RISK_PATTERN: ("delete_index", "read")},
    ),
    # It reads, since a line that lies in an older backing index already must not be stored again.
    INGESTER: Grants(
        ("monitor", "read_pipeline"),
        {EVENTS_PATTERN: ("auto_configure", "create_doc", "maintenance", "read", "view_index_metadata")}
        | _each(_JSON_EVENTS, "auto_configure", "create_doc"),
    ),
    RUNNER: Grants(
        ("monitor",),
        {
            EVENTS_PATTERN: ("read",),
            RISK_PATTERN: ("auto_configure", "index", "read"),
            STATE_PATTERN: ("create_index", "index", "read", "view_index_metadata"),
        },
    ),
    READER: Grants(
        ("monitor", "read_pipeline"),
        {EVENTS_PATTERN: ("read", "view_index_metadata"), RISK_PATTERN: ("read",), STATE_PATTERN: ("read",)}
        | _each(_JSON_EVENTS, "view_index_metadata"),
    ),
}

_MAIN = "cluster:monitor/main"
_SEARCH = "indices:data/read/search"
_SETTINGS = "indices:monitor/settings/get"
_MAPPINGS = "indices:admin/mappings/get"
_BULK = "indices:data/write/bulk*"
_CREATE = "indices:admin/create"
_GET_OBJECTS = ("cluster:admin/ingest/pipeline/get", "indices:admin/index_template/get")
# Of Alerting, where the cluster has it: `findings` and `status` show what its monitors found.
_GET_ALERTS = (
    "cluster:admin/opendistro/alerting/alerts/get",
    "cluster:admin/opendistro/alerting/monitor/get",
    "cluster:admin/opendistro/alerting/monitor/search",
)
_GET_LAST_RUNS = "cluster:admin/opendistro/_scheduled_jobs/stats"
# Of Index State Management, where the cluster has it.
_GET_RETENTION = ("cluster:admin/opendistro/ism/policy/get", "cluster:admin/opendistro/ism/managedindex/explain")

_MANAGE = (
    "indices:admin/opensearch/ism/managedindex",
    "indices:admin/data_stream/create",  # Alerting takes no monitor over what is not there
    "indices:admin/data_stream/delete",
    "indices:admin/mapping/put",
    "indices:admin/settings/update",
    _MAPPINGS,
    _SEARCH,
    _SETTINGS,
)

_GRANTS_OPENSEARCH = {
    INSTALLER: Grants(
        (
            _MAIN,
            "cluster:monitor/nodes/stats",
            *_GET_OBJECTS,
            "cluster:admin/ingest/pipeline/delete",
            "cluster:admin/ingest/pipeline/put",
            "indices:admin/index_template/delete",
            "indices:admin/index_template/put",
            "cluster:admin/opendistro/alerting/alerts/get",
            "cluster:admin/opendistro/alerting/monitor/*",
            "cluster:admin/opensearch/notifications/channels/get",
            _GET_LAST_RUNS,
            *_GET_RETENTION,
            "cluster:admin/opendistro/ism/policy/delete",
            "cluster:admin/opendistro/ism/policy/write",
            "cluster:admin/opendistro/ism/managedindex/add",
            "cluster:admin/opendistro/ism/managedindex/change",
            "cluster:admin/opendistro/ism/managedindex/remove",
        ),
        _each((EVENTS_PATTERN, *_JSON_EVENTS), *_MANAGE)
        | {
            RISK_PATTERN: ("indices:admin/delete", _SEARCH),
        },
    ),
    INGESTER: Grants(
        (_MAIN, *_GET_OBJECTS, "indices:data/write/bulk"),
        {
            EVENTS_PATTERN: (
                _BULK,
                _CREATE,
                "indices:admin/mapping/put",  # for fields that other shippers add
                "indices:admin/refresh*",
                "indices:data/write/index",
                _SEARCH,
                _SETTINGS,
            )
        }
        | _each(_JSON_EVENTS, _BULK, _CREATE, "indices:data/write/index"),
    ),
    RUNNER: Grants(
        (_MAIN, *_GET_ALERTS, "indices:data/read/scroll", "indices:data/write/bulk"),
        {
            EVENTS_PATTERN: (_SEARCH,),
            RISK_PATTERN: (_BULK, _CREATE, "indices:data/write/update", _SEARCH),
            STATE_PATTERN: (_BULK, _CREATE, "indices:data/read/get", "indices:data/write/index", _SETTINGS),
        },
    ),
    READER: Grants(
        (
            _MAIN,
            "cluster:monitor/health",
            "cluster:monitor/nodes/stats",
            *_GET_OBJECTS,
            "cluster:admin/ingest/pipeline/simulate",
            *_GET_ALERTS,
            _GET_LAST_RUNS,
            *_GET_RETENTION,
            "indices:data/read/scroll",
        ),
        {
            EVENTS_PATTERN: (_MAPPINGS, "indices:admin/mappings/fields/get", "indices:data/read/field_caps", _SEARCH, _SETTINGS),
            RISK_PATTERN: (_SEARCH,),
            STATE_PATTERN: ("indices:data/read/get",),
        }
        | _each(_JSON_EVENTS, _MAPPINGS, _SETTINGS),
    ),
}

_RENDERERS: dict[str, tuple[Callable[[str, Grants], dict[str, Any]], dict[str, Grants]]] = {
    "elasticsearch": (_elasticsearch_body, _GRANTS_ELASTICSEARCH),
    "opensearch": (_opensearch_body, _GRANTS_OPENSEARCH),
}
