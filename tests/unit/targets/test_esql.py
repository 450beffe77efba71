"""The ES|QL query: what the parser of Elasticsearch and Lucene's own patterns make of it."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from fnmatch import fnmatchcase

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from integration.detection.field_names import FieldNames
from integration.detection.loading import load_rules
from integration.detection.model import Rule
from integration.findings.filter import Filter
from integration.render.post_filter import MOST_CHARACTERS, MOST_WILDCARDS
from integration.targets.kibana import esql_text
from integration.targets.kibana.alerts import finding_of_row
from integration.targets.kibana.esql import query
from tests.support.builders import RULE, error, event, findings_of, rule_with
from tests.support.elastic_jvm import ElasticJvm, elastic_jvm
from tests.support.fake_kibana_alerts import row_of
from tests.support.filters import TEXTS, entry, filters

REGEXES = rule_with(
    selection=[{"level": ["WARN"], "contains_all": ["manifest", "BAD"]}, {"matches": [r"cuda/error: \d+"]}],
    classification={"field": "gpu", "classes": [{"name": "cuda", "matches": [r"cuda/error: (?:700|999)"]}], "otherwise": "other"},
    severity=[
        {
            "level": "high",
            "any": [{"column": "error_types", "contains": "cuda"}, {"column": "unique_error_types", "greater_than": 1}],
        },
        {"level": "low"},
    ],
)
HOSTILE = rule_with(
    selection=[{"level": ["ERROR"], "contains": ['" OR true //', "a\\", "*", "?", "\\*", "`", "é☃"]}],
    attack_type='quote " and \\',
)
MAPPED = RULE.with_field_names(
    FieldNames({"host.name": "node-name", "event.original": "line.keyword"}, own_index=True, any_dataset=True)
)
text = st.text(st.characters(exclude_categories=["Cs"]), max_size=20)
awkward = st.text(st.sampled_from('ab*?\\"` é😀'), min_size=1, max_size=6)


@pytest.fixture(scope="module")
def parser() -> Iterator[ElasticJvm]:
    with elastic_jvm() as started:
        yield started


@pytest.mark.tools
@pytest.mark.parametrize("rule", [*load_rules(), REGEXES, HOSTILE, MAPPED], ids=lambda rule: f"{type(rule).__name__}-{rule.id}")
@pytest.mark.parametrize("index", ["logs-ollama.server-default", "logs-a,other*", "far:logs-*", "2026.logs+x"])
def test_the_parser_takes_the_query(parser: ElasticJvm, rule: Rule, index: str) -> None:
    assert parser.fault(query(rule, index)) is None


@pytest.mark.tools
def test_the_parser_refuses_what_is_no_query(parser: ElasticJvm) -> None:
    assert "mismatched input 'WHER'" in str(parser.fault(query(RULE, "a").replace("| WHERE", "| WHER")))


@pytest.mark.tools
def test_an_index_name_cannot_end_its_place(parser: ElasticJvm) -> None:
    assert "Invalid index name" in str(parser.fault(query(RULE, 'a" | DROP x')))


@pytest.mark.tools
@given(text)
def test_a_literal_stands_for_its_text(parser: ElasticJvm, value: str) -> None:
    assert parser.text(esql_text.literal(value)) == value


@pytest.mark.tools
@given(awkward, awkward, awkward)
def test_holding_matches_what_holds_the_term_and_nothing_else(parser: ElasticJvm, term: str, before: str, after: str) -> None:
    pattern = esql_text.holding(term)
    assert parser.like(pattern, before + term + after)
    assert parser.like(pattern, before) == (term in before)


@pytest.mark.tools
@pytest.mark.parametrize("term", ["-" * 256, "ab" * 128, "☃" * 256, "😀😁" * 128, "*?" * 128])
def test_the_longest_term_of_a_severity_is_not_too_much_for_lucene(parser: ElasticJvm, term: str) -> None:
    assert parser.like(esql_text.holding(term), f"a {term} b")


@pytest.mark.parametrize(
    ("write", "plain", "written"),
    [
        (esql_text.literal, 'a"b\\c\n\r\t', r'"a\"b\\c\n\r\t"'),
        (esql_text.holding, "a*b?c\\", r'"*a\\*b\\?c\\\\*"'),
        (esql_text.wildcards, "a*\\?", r'"a*\\\\?"'),
        (esql_text.field, "@timestamp", "@timestamp"),
        (esql_text.field, "node-name`s", "`node-name``s`"),
        (esql_text.index, "logs-a,other*", "logs-a,other*"),
        (esql_text.index, "far:logs", '"far:logs"'),
    ],
)
def test_texts_stand_for_themselves(write: Callable[[str], str], plain: str, written: str) -> None:
    assert write(plain) == written


def test_a_rule_without_times_and_with_one_step_asks_for_no_more_than_it_needs() -> None:
    many = {"when": {"column": "lines", "greater_than": 9}, "is": "Many"}
    rule = rule_with(
        columns={
            "lines": {"count": "events"},
            "events": {"count": "events"},
            "kinds": {"values": "label"},
            "texts": {"values": "error.message"},
            "number_of_both": {"distinct": "kinds"},
            "different": {"distinct": "texts"},
        },
        rows={"table": ["host"]},
        severity=[{"level": "low"}],
        attack_type=[many, {"when": {"column": "lines", "greater_than": 5}, "is": "Some"}, {"is": "Few"}],
        risk=RULE.risk.model_dump() | {"message": "$texts$"},
    )
    asked = [line.strip().removeprefix("| ").removeprefix("EVAL ").rstrip(",") for line in query(rule, "a").splitlines()]
    assert {"first = MIN(@timestamp)", "last = MAX(@timestamp)", "rank = 1"} < set(asked)
    assert {"finding.number_of_both = MV_COUNT(finding.kinds)", "finding.different = number_of_texts"} < set(asked)
    assert 'finding.attack_type = CASE(finding.lines > 9, "Many", finding.lines > 5, "Some", "Few")' in asked
    assert "SORT rank DESC, finding.lines DESC, finding.events DESC, host.name" in asked
    assert 'finding.risk_message = CONCAT(COALESCE(SUBSTRING(MV_CONCAT(finding.texts, ", "), 1, 200000), "")' in query(rule, "a")
    always = query(rule_with(attack_type=[{"is": "Always"}]), "a")
    assert 'finding.attack_type = "Always",' in always


def test_no_query_says_a_condition_on_a_line() -> None:
    for rule in (RULE, REGEXES, HOSTILE, MAPPED):
        asked = query(rule, "a")
        assert f" AND {rule.classification.field} IS NOT NULL AND " in asked
        assert not re.search(r"event\.original|line\.keyword|log\.level|RLIKE|TO_LOWER", asked)


def test_no_query_compares_lower_case_as_it_is() -> None:
    """Elasticsearch would look at the text itself, case ignored for ASCII alone."""
    asked = query(RULE, "a", post_filter=Filter((entry("exclude", host=["é*", "É?"]),)))
    assert asked.count("TO_LOWER(") == asked.count('REPLACE(TO_LOWER(host.name), "ς", "σ") LIKE "é') == 2


@pytest.mark.tools
@given(st.sampled_from([RULE, REGEXES, MAPPED]), filters)
@settings(suppress_health_check=[HealthCheck.too_slow], deadline=None)
def test_the_parser_takes_any_filter(parser: ElasticJvm, rule: Rule, post_filter: Filter) -> None:
    assert parser.fault(query(rule, "a", post_filter=post_filter)) is None


@pytest.mark.tools
def test_a_filter_of_very_many_hosts_is_not_too_deep_for_the_parser(parser: ElasticJvm) -> None:
    stated = [entry(action, host=[f"lab-{n}" for n in range(310)]) for action in ("exclude", "keep")]
    stated += [entry("exclude", host=f"x{n}") for n in range(310)]
    assert parser.fault(query(RULE, "a", post_filter=Filter(tuple(stated)))) is None


_patterns = st.text(st.sampled_from('ab*?]!-^\\.#"{\n'), min_size=1, max_size=7)
_hosts = st.text(st.sampled_from('ab*?]!-^\\.#"{\né😀'), max_size=5)


@pytest.mark.tools
@given(_patterns, _hosts)
@settings(max_examples=300, suppress_health_check=[HealthCheck.too_slow])
def test_a_host_pattern_matches_in_lucene_what_it_matches_in_python(parser: ElasticJvm, pattern: str, host: str) -> None:
    assert parser.like(esql_text.wildcards(pattern), host) == fnmatchcase(host, pattern)


@pytest.mark.tools
@pytest.mark.parametrize("character", ["a", "☃", "😀"])
@pytest.mark.parametrize("wildcards", ["?", "*", "?*"])
@pytest.mark.parametrize("together", [True, False])
def test_no_host_pattern_within_the_bounds_is_too_much_for_lucene(
    parser: ElasticJvm, character: str, wildcards: str, together: bool
) -> None:
    count = MOST_WILDCARDS // len(wildcards)
    plain = MOST_CHARACTERS - 1 - count * len(wildcards)
    for place in range(0, plain + 1, 11):
        pieces = [place, *([0] * (count - 1) if together else [plain // count] * (count - 1))]
        head = "".join(character * length + wildcards for length in pieces)[: MOST_CHARACTERS - 1]
        pattern = f"*{head.ljust(MOST_CHARACTERS - 1, character)}"
        assert parser.like(esql_text.wildcards(pattern), "x") is False
        assert parser.like(esql_text.wildcards(pattern), pattern)


@pytest.mark.tools
@pytest.mark.parametrize("text", [*TEXTS, '" OR true //', "| DROP x", "a\nb", "*", "?"])
def test_a_host_pattern_stays_text(parser: ElasticJvm, text: str) -> None:

    asked = query(RULE, "a", post_filter=Filter((entry("keep", host=f"{text}*"),)))
    assert parser.fault(asked) is None
    outside = re.sub(r'"(?:[^"\\]|\\.)*"', '""', asked)
    plain = query(RULE, "a", post_filter=Filter((entry("keep", host="x*"),)))
    assert outside == re.sub(r'"(?:[^"\\]|\\.)*"', '""', plain)


def test_the_filter_stands_before_the_limit_and_after_the_statistics() -> None:
    less = {"error_count": 4, "unique_error_types": 2}
    stated = entry("exclude", severity_at_most="high", less_than=less, host=["Lab-*", "x\\?"])
    lines = query(RULE, "a", post_filter=Filter((stated,))).splitlines()
    (condition,) = [line for line in lines if line.startswith("| WHERE NOT ")]
    host = 'REPLACE(TO_LOWER(host.name), "ς", "σ") LIKE'
    counts = "finding.error_count < 4 AND finding.unique_error_types < 2"
    assert condition == rf'| WHERE NOT ((({host} "lab-*" OR {host} "x\\\\?") AND rank <= 3 AND {counts}))'
    at = [next(n for n, line in enumerate(lines) if word in line) for word in ("BY host.name", "rank = CASE", condition, "LIMIT")]
    assert at == sorted(at)


def test_a_filter_that_nothing_of_the_rule_passes_says_so() -> None:
    assert "| WHERE false\n" in query(RULE, "a", post_filter=Filter((entry("keep", rule="other"),)))
    assert query(RULE, "a", post_filter=Filter((entry("exclude", rule="other"),))) == query(RULE, "a")


def test_the_window_is_that_of_the_last_run_whatever_the_minute() -> None:
    assert (
        "@timestamp >= DATE_TRUNC(60 minutes, NOW()) - 70 minutes AND @timestamp < DATE_TRUNC(60 minutes, NOW()) - 10 minutes"
        in query(RULE, "a")
    )
    shifted = rule_with(schedule={"cron": "7,22,37,52 * * * *", "earliest": "-15m@m", "latest": "now"})
    assert "@timestamp < DATE_TRUNC(15 minutes, NOW() - 7 minutes) + 7 minutes" in query(shifted, "a")


def test_severity_is_asked_of_the_statistics_as_the_rule_says() -> None:
    asked = query(REGEXES, "a")
    assert 'label_0 = COUNT(*) WHERE gpu == "cuda"' in asked
    assert "rank = CASE(0 + label_0 > 0 OR finding.unique_error_types > 1, 3, 1)" in asked


def test_a_mapped_rule_names_the_user_s_fields() -> None:
    asked = query(MAPPED, "theirs")
    assert "error_type IS NOT NULL AND `node-name` IS NOT NULL\n| EVAL host.name = `node-name`\n| STATS" in asked
    assert "event.dataset" not in asked


def test_a_row_is_read_back_to_the_finding() -> None:
    (finding,) = findings_of([event(error('source=server.go:1 msg="model a"')), event(error('source=server.go:1 msg="model b"'))])
    row = row_of(finding)
    assert row["finding.code_sources"] == "server.go:1"
    assert "finding.error_details" not in row
    row |= {"finding.error_details": None, "finding.window_start": "2026-11-24T08:50:00.000Z", "finding.spl_row_count": 0.0}
    assert finding_of_row(row, finding.rule) == finding
    cut = finding_of_row(row | {"finding.truncated.error_messages": 7}, finding.rule)
    assert cut.truncated == (("error_messages", 7),)
