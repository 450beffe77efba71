"""The index templates: events with the rules' classifiers as computed fields, and risk events."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from integration.detection.field_names import FieldNames
from integration.detection.model import Rule
from integration.names import RISK_PATTERN, SERVER, Dataset
from integration.render.aggregation import DYNAMIC_FIELDS, class_field

# Above the templates that clusters bring for logs-*-* (100 on Elasticsearch).
_PRIORITY = 250
IGNORE_ABOVE = 8191
"""Characters a keyword may have: at four bytes each they stay under Lucene's 32,766 a term. Longer ones are in `_source` only."""
_KEYWORD = {"type": "keyword", "ignore_above": IGNORE_ABOVE}
_TEXT = {"type": "text", "norms": False}
# Kept for aggregations and lists; found by the ECS fields beside them. An inverted index of each would cost as much as the parsing.
_UNINDEXED = {**_KEYWORD, "index": False}
# A log line cannot be refused for a number or an address that is none.
_LONG = {"type": "long", "ignore_malformed": True}
_IP = {"type": "ip", "ignore_malformed": True}
_NUMBER = {**_LONG, "index": False}
_DATE = {"type": "date"}
_TYPES: dict[str, dict[str, Any]] = {"keyword": _KEYWORD, "date": _DATE, "long": _LONG}
# What every finding has, before and after the columns of its rule.
_BEFORE = {"rule_id": _KEYWORD, "host": _KEYWORD, "window_start": _DATE, "window_end": _DATE}
_AFTER = {
    "severity": _KEYWORD,
    "attack_type": _KEYWORD,
    "risk_score": _LONG,
    "risk_message": _TEXT,
    "spl_row_count": {"type": "double", "ignore_malformed": True},  # it can pass a long
}


def events_template(rules: Sequence[Rule], engine: str) -> dict[str, Any]:
    """Return the template of the data streams of Ollama's lines; every rule's classifier is a computed field of its mapping."""
    return _stream_template(SERVER, engine, events_mapping(rules, engine))


def json_events_template(dataset: Dataset, engine: str) -> dict[str, Any]:
    """Return the template of the data streams of JSON events, which no rule reads."""
    return _stream_template(dataset, engine, json_events_mapping())


def _stream_template(dataset: Dataset, engine: str, mapping: dict[str, Any]) -> dict[str, Any]:
    settings: dict[str, Any] = {"default_pipeline": dataset.pipeline, "auto_expand_replicas": "0-1"}
    if engine == "elasticsearch":
        settings["mode"] = "standard"  # `logsdb` would rebuild `_source`, and long lines are read from it
    template = {
        "index_patterns": [dataset.pattern],
        "data_stream": {},
        "priority": _PRIORITY,
        "template": {"settings": {"index": settings}, "mappings": mapping},
    }
    if engine == "elasticsearch":  # OpenSearch demands that a component template be there
        template |= {"composed_of": [dataset.custom], "ignore_missing_component_templates": [dataset.custom]}
    return template


def events_mapping(rules: Sequence[Rule], engine: str) -> dict[str, Any]:
    """Return the mapping of an event (ECS names).

    What shippers add besides stays in `_source` and is not mapped, so that no type, name or number of theirs costs a line.
    """
    return {
        "dynamic": False,
        "date_detection": False,
        **computed_fields(rules, engine),
        "properties": {
            "@timestamp": _DATE,
            "tags": _KEYWORD,
            "message": _TEXT,
            "error": _object({"message": _KEYWORD}),
            "event": _object({"original": _UNINDEXED, "dataset": _KEYWORD, "duration": _LONG}),
            "host": _object({"name": _KEYWORD}),
            "http": _object(
                {"request": _object({"method": _KEYWORD}), "response": _object({"status_code": _LONG})},
            ),
            "log": _object(
                {
                    "level": _KEYWORD,
                    "offset": _NUMBER,
                    "file": _object({"path": _KEYWORD}),
                    "origin": _object({"file": _object({"name": _KEYWORD, "line": _NUMBER})}),
                }
            ),
            "ollama": _object(
                dict.fromkeys(("source", "msg", "err", "level", "error_line"), _UNINDEXED)
                | dict.fromkeys(("line", "parse_error"), _KEYWORD),
            ),
            "source": _object({"ip": _IP}),
            "url": _object({"path": _KEYWORD, "query": _KEYWORD}),
        },
    }


def json_events_mapping() -> dict[str, Any]:
    """Return the mapping of an event of the API or of a prompt (ECS names)."""
    return {
        "dynamic": False,
        "date_detection": False,
        "properties": {
            "@timestamp": _DATE,
            "tags": _KEYWORD,
            "agent": _object(dict.fromkeys(("name", "type", "version"), _KEYWORD)),
            "error": _object({"message": _KEYWORD}),
            "event": _object({"action": _KEYWORD, "dataset": _KEYWORD, "duration": _LONG}),
            "gen_ai": _object(
                {
                    "operation": _object({"name": _KEYWORD}),
                    "request": _object({"model": _KEYWORD}),
                    "response": _object({"model": _KEYWORD, "finish_reasons": _KEYWORD}),
                    "usage": _object({"input_tokens": _LONG, "output_tokens": _LONG}),
                }
            ),
            "host": _object({"name": _KEYWORD}),
            "http": _object(
                {
                    "request": _object({"method": _KEYWORD, "bytes": _LONG}),
                    "response": _object({"status_code": _LONG, "bytes": _LONG}),
                }
            ),
            "log": _object({"file": _object({"path": _KEYWORD})}),
            "ollama": _object(
                {"prompt": _TEXT, "response": _TEXT, **dict.fromkeys(("models", "shipped", "dropped", "parse_error"), _KEYWORD)}
            ),
            "source": _object({"ip": _IP}),
            "url": _object(dict.fromkeys(("full", "path", "query"), _KEYWORD)),
            "user": _object({"name": _KEYWORD}),
            "user_agent": _object({"original": _KEYWORD}),
        },
    }


def computed_fields(rules: Sequence[Rule], engine: str) -> dict[str, Any]:
    """Return the part of a mapping that defines the rules' classifiers; putting it on an index changes old documents at once."""
    return {
        DYNAMIC_FIELDS[engine]: {
            name: body for rule in rules for name, body in class_field(rule.with_field_names(FieldNames())).items()
        }
    }


def risk_template(rules: Sequence[Rule]) -> dict[str, Any]:
    """Return the template of the indices of risk events, with the columns of the rules.

    Of columns of one name, the first rule's counts.
    """
    columns = {name: _TYPES[column.mapping_type] for rule in reversed(rules) for name, column in rule.columns.items()}
    finding = {**_BEFORE, **columns, **_AFTER}
    finding["truncated"] = _object(dict.fromkeys((name for rule in rules for name in rule.lists), _LONG))
    properties = {
        "@timestamp": _DATE,
        "message": _TEXT,
        "event": _object(dict.fromkeys(("kind", "id", "dataset"), _KEYWORD)),
        "host": _object({"name": _KEYWORD}),
        "risk": _object({"score": _LONG, "object": _KEYWORD, "object_type": _KEYWORD, "threat_objects": _KEYWORD}),
        "rule": _object({"id": _KEYWORD, "name": _KEYWORD, "version": _KEYWORD}),
        "threat": _object(
            {"tactic": _object({"id": _KEYWORD, "name": _KEYWORD}), "technique": _object({"id": _KEYWORD, "name": _KEYWORD})},
        ),
        "finding": _object(finding),
    }
    return {
        "index_patterns": [RISK_PATTERN],
        "priority": _PRIORITY,
        "template": {
            "settings": {"index": {"auto_expand_replicas": "0-1"}},
            "mappings": {"dynamic": False, "date_detection": False, "properties": properties},
        },
    }


def _object(properties: dict[str, Any]) -> dict[str, Any]:
    return {"properties": properties}
