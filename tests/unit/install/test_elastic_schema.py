"""What goes to Elasticsearch is what Elastic's published description of its requests knows: every key, every type."""

from __future__ import annotations

import copy
import re
from collections.abc import Iterator
from typing import Any

import pytest

from integration.detection.loading import load_rules
from integration.install.roles import role_objects
from integration.install.shared_objects import Pipeline, Template, shared_objects
from integration.render.aggregation import window_search
from tests.support.elastic_schema import description

pytestmark = pytest.mark.tools
RULES = load_rules()


def bodies() -> Iterator[tuple[str, str, dict[str, Any]]]:
    """Each body with the request that takes it, by a name."""
    requests = {Pipeline: "ingest.put_pipeline", Template: "indices.put_index_template"}
    for shared in shared_objects(RULES, "elasticsearch"):
        if type(shared) in requests:
            yield f"{shared.kind} {shared.name}", requests[type(shared)], shared.body
    for role in role_objects("elasticsearch", RULES, "their-logs-*"):
        yield f"role {role.name}", "security.put_role", role.body
    for rule in RULES:
        window = rule.windows.last_run(0)
        yield f"search of {rule.id}", "search", window_search(rule, "elasticsearch", window.start, window.end)


BODIES = list(bodies())


@pytest.fixture(params=BODIES, ids=[name for name, _, _ in BODIES])
def described(request: pytest.FixtureRequest) -> tuple[str, dict[str, Any]]:
    _, takes, body = request.param
    return takes, body


def test_every_body_is_as_described(described: tuple[str, dict[str, Any]]) -> None:
    assert [str(fault) for fault in description().faults(*described)] == []


# Where keys are names that people give, by the dotted path of what holds them.
_NAMED = re.compile(
    r"(.*\.)?(params|_meta|metadata)(\..*)?"
    r"|(.*\.)?(properties|runtime|runtime_mappings|aggs|order|actions|pattern_definitions|dynamic_templates|sources)"
    r"|template\.settings(\.index)?"
    r"|(.*\.)?query\..*\.(range|term|terms)"
)


def test_a_misspelt_key_anywhere_is_seen(described: tuple[str, dict[str, Any]]) -> None:
    request, original = described
    body = copy.deepcopy(original)
    for path, inside in objects(body):
        for key in list(inside):
            inside[f"{key}x"] = inside.pop(key)
            found = description().faults(request, body)
            inside[key] = inside.pop(f"{key}x")
            assert bool(found) is not bool(_NAMED.fullmatch(path)), (path, key, found)
    assert body == original


def objects(value: Any, path: str = "") -> Iterator[tuple[str, dict[str, Any]]]:
    """Every object in a body with its dotted path, without positions in lists."""
    if isinstance(value, dict):
        yield path, value
        for key, item in list(value.items()):
            yield from objects(item, f"{path}.{key}" if path else key)
    elif isinstance(value, list):
        for item in value:
            yield from objects(item, path)


MATCH: dict[str, Any] = {"match_all": {}}
WRONG: list[tuple[str, dict[str, Any], str]] = [
    ("search", {"size": "ten"}, "size: 'ten' is no number"),
    ("search", {"size": True}, "size: True is no number"),
    ("search", {"query": MATCH | {"match_none": {}}}, "query: ['match_all', 'match_none'] cannot stand together"),
    ("search", {"query": {"terms": {"a": ["b"], "boosted": ["c"]}}}, "query.terms.boosted: one key too many beside 'a'"),
    (
        "search",
        {"aggs": {"a": {"max": {}, "aggs": {"b": {"min": {"feild": "x"}}}}}},
        "a.aggs.b.min.feild: this key is not known",
    ),
    ("search", {"aggs": {"a": {"composite": {"sources": {"h": {}}}}}}, "aggs.a.composite.sources: {'h': {}} is no list"),
    ("search", {"runtime_mappings": {"f": {"type": "keywrod"}}}, "runtime_mappings.f.type: 'keywrod' is none of RuntimeFieldType"),
    ("ingest.put_pipeline", {"processors": [{"set": {"value": 1}}]}, "processors.0.set: 'field' is missing"),
    ("ingest.put_pipeline", {"processors": [{"sett": {"field": "a"}}]}, "processors.0.sett: this key is not known here"),
    (
        "ingest.put_pipeline",
        {"processors": [{"script": {"source": "x", "params": 1}}]},
        "0.script.params: 1 is no object",
    ),
    ("indices.put_index_template", {"template": {"mappings": {"properties": {"a": {"type": "kw"}}}}}, "none of the kinds"),
    ("indices.put_index_template", {"template": {"mappings": {"properties": {"a": {"propertys": {}}}}}}, "a.propertys: this key"),
    ("security.put_role", {"indices": [{"names": "a"}]}, "indices.0: 'privileges' is missing"),
]


@pytest.mark.parametrize(("request_name", "body", "expected"), WRONG, ids=[expected for _, _, expected in WRONG])
def test_what_the_description_does_not_know_is_named(request_name: str, body: dict[str, Any], expected: str) -> None:
    (fault,) = description().faults(request_name, body)
    assert expected in str(fault)
