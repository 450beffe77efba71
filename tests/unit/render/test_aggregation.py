from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from integration.detection.field_names import EVENT_FIELDS, FieldNames
from integration.folders import asset_folder
from integration.render import aggregation, classifier, painless, templates
from tests.support.builders import RULE, event, rule_with


@given(st.text() | st.text(alphabet="{'\\\\+ "))
def test_a_literal_ends_where_it_should(text: str) -> None:
    literal = painless.literal(text)
    assert "{{" not in literal
    parts = literal[1:-1] if literal.startswith("(") else literal
    unescaped, position = [], 0
    while position < len(parts):
        assert parts[position] == "'"
        position += 1
        while parts[position] != "'":
            position += parts[position] == "\\"
            unescaped.append(parts[position])
            position += 1
        position += 1
        assert parts[position : position + 3] in ("", " + ")
        position += 3
    assert "".join(unescaped) == text


@pytest.mark.parametrize(
    ("pattern", "written"),
    [
        ("a/b", r"/a\/b/s"),
        (r"a\/b", r"/a\/b/s"),
        (r"\{{2}x", r"/\x7b{2}x/s"),
        ("[{{]{3}", r"/[\x7b{]{3}/s"),
        (r"\\{{", r"/\\\x7b{/s"),
    ],
)
def test_a_regex_stays_between_its_slashes_and_is_no_template(pattern: str, written: str) -> None:
    assert classifier._regex(pattern) == written


def test_every_term_and_class_of_the_rule_is_in_the_classifier() -> None:
    source = classifier.classifier(RULE)
    for alternative in RULE.selection:
        for term in alternative.contains:
            assert f"lower.contains({painless.literal(term)})" in source
    assert [name for name in RULE.classification.names if f"emit('{name}')" in source] == list(RULE.classification.names)


def test_equal_rules_have_one_script_and_others_their_own() -> None:
    source = classifier.classifier(RULE)
    assert classifier.classifier(RULE.model_copy()) is source
    own = RULE.with_field_names(FieldNames({"event.original": "raw"}))
    changed = rule_with(id=RULE.id, classification=RULE.classification.model_dump() | {"otherwise": "other_error"})
    assert hash(changed) == hash(own) == hash(RULE)
    assert "doc['raw']" in classifier.classifier(own)
    assert "emit('other_error')" in classifier.classifier(changed)
    assert classifier.classifier(RULE) == source


def test_scripts_fold_case_alike_in_any_locale() -> None:
    """`EXITED` is no `exited` to a JVM that speaks Turkish."""
    scripts = [classifier.classifier(RULE), painless.host_matches(RULE)]
    pipeline = (asset_folder("ingest_pipelines") / "ollama.server.yml").read_text(encoding="utf-8")
    for source in (*scripts, pipeline):
        assert source.count(".toLowerCase(") == source.count(".toLowerCase(Locale.ROOT)") > 0
        assert source.count(".toUpperCase(") == source.count(".toUpperCase(Locale.ROOT)")


@pytest.mark.parametrize(("engine", "key"), [("opensearch", "derived"), ("elasticsearch", "runtime_mappings")])
def test_search_defines_the_class_field_as_the_engine_calls_it(engine: str, key: str) -> None:
    body = aggregation.window_search(RULE, engine, 0, 1)
    assert RULE.classification.field in body[key]
    assert body["query"]["bool"]["filter"][0] == {"range": {"@timestamp": {"gte": 0, "lt": 1, "format": "epoch_millis"}}}


def test_the_mapping_defines_the_classifiers_under_our_own_names() -> None:
    for engine, key in (("opensearch", "derived"), ("elasticsearch", "runtime")):
        assert templates.computed_fields([RULE], engine) == {key: aggregation.class_field(RULE)}


def test_level_is_no_filter_when_one_alternative_does_without() -> None:
    rule = rule_with(selection=[{"level": ["ERROR"]}, {"contains": ["panic"]}])
    filters = aggregation.selection(rule, "elasticsearch", {})["bool"]["filter"]
    assert "log.level" not in json.dumps(filters)


def any_of(*filters: object) -> dict[str, object]:
    return {"bool": {"should": list(filters), "minimum_should_match": 1}}


def level(name: str) -> dict[str, object]:
    return {"term": {"severity": {"value": name, "case_insensitive": True}}}


def missing(field: str) -> dict[str, object]:
    return {"bool": {"must_not": [{"exists": {"field": field}}]}}


def test_an_index_is_asked_what_it_can_answer_of_every_alternative() -> None:
    fields = {
        "http.response.status_code": {"from": 400, "to": 499},
        "event.duration": {"below": "1us"},
        "http.request.method": {"equals": ["POST", "PUT"]},
        "url.path": {"equals": ["/"], "begins": ["/api/"], "contains": ["*?\\"]},
        "source.ip": {"not_in": ["10.0.0.0/8"]},
    }
    rule = rule_with(
        selection=[
            {"kind": ["panic"], "contains": ["x"]},
            {"kind": ["other", "frame"]},
            {"level": ["ERROR", "none"]},
            {"level": ["none", "error"], "contains": ["y"]},
            {"kind": ["access"], "not_level": ["debug"], "fields": fields},
            {"level": ["INFO"], "fields": {"url.path": {"matches": ["x"], "equals": ["y"]}}},
        ]
    ).with_field_names(FieldNames({"ollama.line": "kind", "log.level": "severity", "url.path": "path", "source.ip": "client"}))
    texts = [{"terms": {"path": ["/"]}}, {"prefix": {"path": "/api/"}}, {"wildcard": {"path": {"value": "*\\*\\?\\\\*"}}}]
    access = [
        {"terms": {"kind": ["access"]}},
        {"bool": {"must_not": [level("DEBUG")]}},
        any_of({"terms": {"http.request.method": ["POST", "PUT"]}}, missing("event.original")),
        {"range": {"http.response.status_code": {"gte": 400, "lte": 499}}},
        any_of(*texts, missing("event.original")),
        {"exists": {"field": "client"}},
        {"range": {"event.duration": {"lt": 1_000}}},
    ]
    _, dataset, asked, _ = aggregation.selection(rule, "elasticsearch", {})["bool"]["filter"]
    assert dataset == {"term": {"event.dataset": "ollama.server"}}
    assert asked == any_of(
        {"terms": {"kind": ["frame", "other", "panic"]}},
        any_of(level("ERROR"), missing("severity")),
        {"bool": {"filter": access}},
        any_of(level("INFO")),
    )


def test_an_index_is_asked_for_no_list_that_is_empty() -> None:
    paths = [{"fields": {"url.path": {"begins": [start]}}} for start in ("/a", "/b")]
    asked = aggregation.selection(rule_with(selection=paths), "elasticsearch", {})["bool"]["filter"][2]
    assert asked == any_of(*(any_of({"prefix": {"url.path": start}}, missing("event.original")) for start in ("/a", "/b")))


@pytest.mark.parametrize(("otherwise", "narrowed"), [(None, [{"terms": {"ollama.line": ["access", "panic"]}}]), ("rest", [])])
def test_classes_narrow_a_search_where_every_event_must_have_one(otherwise: str | None, narrowed: list[Any]) -> None:
    classes = [{"name": "crash", "kind": ["panic"]}, {"name": "request", "kind": ["access"]}]
    rule = rule_with(selection=[{"contains": ["x"]}], classification={"field": "kinds", "classes": classes, "otherwise": otherwise})
    filters = aggregation.selection(rule, "elasticsearch", {})["bool"]["filter"]
    assert filters[2:-1] == [any_of(*narrowed)] * len(narrowed)


def test_a_script_that_matches_a_line_has_what_it_calls() -> None:
    fields = {"fields": {"url.path": {"equals": ["/"]}}}
    source = classifier.classifier(rule_with(selection=[{"matches": ["x[0-9]"]}, fields]))
    assert source.index("boolean found(Matcher matcher)") < source.index("found(/x[0-9]/s.matcher(line))")


def test_hosts_bound_the_search_of_a_window() -> None:
    rule = RULE.with_field_names(FieldNames({"host.name": "machine"}))
    body = aggregation.window_search(rule, "elasticsearch", 0, 1, {"gt": "a", "lte": "b"})
    assert body["query"]["bool"]["filter"][-1] == {"range": {"machine": {"gt": "a", "lte": "b"}}}


@pytest.mark.parametrize(("bound", "written"), [(2**31 - 1, "2147483647"), (2**31, "2147483648L")])
def test_a_number_past_an_int_is_a_long(bound: int, written: str) -> None:
    assert painless.number(bound) == written


def test_fields_a_rule_may_name_have_doc_values_and_are_known_to_events() -> None:
    properties = templates.events_mapping([RULE], "opensearch")["properties"]
    sample = event("level=ERROR")
    for field in EVENT_FIELDS:
        at = {"properties": properties}
        for part in field.split("."):
            at = at["properties"][part]
        assert at["type"] in ("keyword", "ip", "long")
        sample.value(field)


def test_nothing_rendered_needs_mustache() -> None:
    bodies = [templates.events_template([RULE], "elasticsearch"), templates.risk_template([RULE])]
    assert "{{" not in json.dumps(bodies)
