"""What Fleet installs for a data stream of *Custom Logs (Filestream)*, as far as the Elasticsearch of the tests takes it.

Field types that it lacks are `keyword` and `text` here, and the final pipeline does without the processor of the security plugin.
"""

from __future__ import annotations

from typing import Any

from integration.engines.base import Engine
from integration.names import SERVER

META = {"managed_by": "fleet", "managed": True, "package": {"name": "filestream"}}
DEFAULT_PIPELINE = "logs-ollama.server-1.2.1"
_FINAL_PIPELINE = ".fleet_final_pipeline-1"
_OPTIONAL = ["logs@custom", "filestream@custom", SERVER.custom]
TEMPLATE: dict[str, Any] = {
    "index_patterns": [SERVER.pattern],
    "priority": 200,
    "data_stream": {"hidden": False, "allow_custom_routing": False},
    "composed_of": [
        "logs@mappings",
        "logs@settings",
        f"{SERVER.template}@package",
        *_OPTIONAL,
        "ecs@mappings",
        ".fleet_globals-1",
        ".fleet_agent_id_verification-1",
    ],
    "ignore_missing_component_templates": _OPTIONAL,
    "template": {"settings": {}, "mappings": {"_meta": META}},
    "_meta": META,
}
_KEYWORD = {"type": "keyword", "ignore_above": 1024}
_COMPONENTS: dict[str, dict[str, Any]] = {
    "logs@mappings": {"mappings": {"date_detection": False, "properties": {"@timestamp": {"type": "date"}}}},
    "logs@settings": {"settings": {"index": {"codec": "best_compression", "mapping": {"ignore_malformed": True}}}},
    f"{SERVER.template}@package": {
        "settings": {"index": {"default_pipeline": DEFAULT_PIPELINE, "mapping": {"total_fields": {"limit": 1000}}}},
        "mappings": {
            "properties": {
                "data_stream": {"properties": dict.fromkeys(("type", "dataset", "namespace"), _KEYWORD)},
                "event": {"properties": {"dataset": {"type": "keyword"}, "module": {"type": "keyword"}}},
                "input": {"properties": {"type": _KEYWORD}},
                "log": {"properties": {"offset": {"type": "long"}}},
            }
        },
    },
    "ecs@mappings": {
        "mappings": {
            "dynamic_templates": [
                {"ecs_timestamp": {"match": "@timestamp", "mapping": {"ignore_malformed": False, "type": "date"}}},
                {"ecs_message": {"path_match": "message", "mapping": {"type": "text"}}},
                {
                    "ecs_non_indexed_keyword": {
                        "path_match": ["*event.original"],
                        "mapping": {"type": "keyword", "index": False, "doc_values": False},
                    }
                },
                {"ecs_ip": {"path_match": ["ip", "*.ip", "*_ip"], "match_mapping_type": "string", "mapping": {"type": "ip"}}},
                {"all_strings": {"match_mapping_type": "string", "mapping": _KEYWORD}},
            ]
        }
    },
    ".fleet_globals-1": {
        "settings": {},
        "mappings": {
            "_meta": META,
            "dynamic_templates": [{"strings_as_keyword": {"match_mapping_type": "string", "mapping": _KEYWORD}}],
            "date_detection": False,
        },
    },
    ".fleet_agent_id_verification-1": {
        "settings": {"index": {"final_pipeline": _FINAL_PIPELINE}},
        "mappings": {
            "properties": {
                "event": {"properties": {"ingested": {"type": "date", "ignore_malformed": False}, "agent_id_status": _KEYWORD}}
            }
        },
    },
}
_PIPELINES: dict[str, dict[str, Any]] = {
    _FINAL_PIPELINE: {
        "_meta": META,
        "processors": [
            {"set": {"field": "event.ingested", "copy_from": "_ingest.timestamp"}},
            {"set": {"field": "event.agent_id_status", "value": "auth_metadata_missing"}},
        ],
    },
    DEFAULT_PIPELINE: {
        "_meta": META,
        "processors": [
            {"pipeline": {"name": name, "ignore_missing_pipeline": True, "description": "[Fleet] Pipeline"}}
            for name in ("global@custom", "logs@custom", "logs-filestream.integration@custom", SERVER.custom)
        ],
    },
}


def objects(engine: Engine) -> dict[str, Any]:
    """Read everything of Fleet's, as it is on a cluster now."""
    names = [f"/_component_template/{name}" for name in _COMPONENTS] + [f"/_ingest/pipeline/{name}" for name in _PIPELINES]
    return {path: engine.request("GET", path) for path in [*names, f"/_index_template/{SERVER.template}"]}


def install(engine: Engine) -> None:
    """Put all that Fleet puts."""
    for name, body in _PIPELINES.items():
        engine.put_pipeline(name, body)
    for name, body in _COMPONENTS.items():
        engine.request("PUT", f"/_component_template/{name}", {"template": body, "_meta": META})
    engine.put_template(SERVER.template, TEMPLATE)


def remove(engine: Engine) -> None:
    """Take away what no index needs."""
    for name in _COMPONENTS:
        engine.request("DELETE", f"/_component_template/{name}")
