from __future__ import annotations

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from integration.detection.field_names import EVENT_FIELDS
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
