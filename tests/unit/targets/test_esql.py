"""The ES|QL query: what the parser of Elasticsearch and Lucene's own patterns make of it."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from fnmatch import fnmatchcase
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, example, given, reject, settings
from hypothesis import strategies as st

from integration.cli.settings.model import Config
from integration.detection.columns import FIELD_LISTS
from integration.detection.field_names import FieldNames
from integration.detection.globs import pattern as glob_pattern
from integration.detection.loading import load_rule, load_rules
from integration.detection.model import Rule
from integration.detection.patterns import holding
from integration.detection.regexes import parsed
from integration.errors import InputError, RuleError
from integration.findings.filter import Filter
from integration.render.long_values import SUFFIX, shortened_name
from integration.render.templates import computed_fields
from integration.targets.kibana import esql_text
from integration.targets.kibana.esql import query
from integration.targets.kibana.esql_rows import finding_of_row
from tests.support.builders import RULE, error, event, findings_of, rule_with
from tests.support.elastic_jvm import ElasticJvm, elastic_jvm
from tests.support.fake_kibana_alerts import row_of
from tests.support.filters import TEXTS, entry, filters

REGEXES = rule_with(
    selection=[{"level": ["WARN"], "contains_all": ["manifest", "BAD"]}, {"matches": [r"cuda/error: \d+"]}],
    classification={"field": "gpu", "classes": [{"name": "cuda", "matches": [r"cuda/error: (?:700|999)"]}], "otherwise": "other"},
    severity=[
        {"level": "high", "any": [{"stat": "error_types", "contains": "cuda"}, {"stat": "unique_error_types", "greater_than": 1}]},
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
@given(st.sampled_from(["ERROR", "ERROR+1", "INFO-4"]), st.text(st.sampled_from("ERORerorINFO+-14ıſ"), max_size=7))
def test_a_level_ignores_ascii_case_alone(parser: ElasticJvm, level: str, other: str) -> None:
    pattern = esql_text.ignoring_ascii_case(level)
    assert parser.rlike(pattern, level.lower())
    assert parser.rlike(pattern, other) == (other.isascii() and other.upper() == level)


_atoms = st.one_of(
    st.sampled_from('ab-1 "#@&<>~é.'),
    st.sampled_from([r"\d", r"\w", r"\s", r"\D", r"\.", r"\\", r"\-", r"\x61", r"\[", r"\{", "x/y"]),
    st.sampled_from(["[ab]", "[^a1]", r"[\d-]", r"[a\]]", "[a-b.]", "[^.]"]),
)
_quantified = st.builds("{}{}".format, _atoms, st.sampled_from(["", "", "*", "+", "?", "*?", "{1,2}", "{2}", "{1,}"]))
_sequences = st.lists(_quantified, min_size=1, max_size=4).map("".join)
regexes = st.one_of(
    _sequences, st.builds("(?:{}|{})".format, _sequences, _sequences), st.builds("({})+{}".format, _sequences, _sequences)
)
lines = st.text(st.sampled_from('ab1-x/y .\\"#@&<>~é[]{}\n\u0663'), max_size=8)


@pytest.mark.tools
@given(regexes, lines)
@settings(max_examples=300, suppress_health_check=[HealthCheck.too_slow])
@example(r"(a\w{1,2}\w{2}\w{2})+a", "a").via("is too much work for Lucene 9, which begins with the group")
def test_a_regex_finds_in_lucene_what_it_finds_in_python(parser: ElasticJvm, pattern: str, line: str) -> None:
    found = re.search(pattern, line, re.ASCII | re.DOTALL) is not None
    try:
        told = esql_text.rlike(holding(parsed(pattern)))
    except ValueError:
        reject()
    assert parser.rlike(told, line) == found


@pytest.mark.parametrize("regex", [r"\bword\b", "^start", r"[\D]", "a{,2}", r"\Aa", "(" * 60 + "a" + ")" * 60])
def test_a_regex_that_lucene_cannot_say_is_refused(regex: str) -> None:
    with pytest.raises(ValueError, match=r"cannot be said in ES\|QL"):
        parsed(regex)


@pytest.mark.tools
@pytest.mark.parametrize(
    ("regex", "simple"),
    [
        (r"\d{1,3}\.\d{1,3}\.\d{1,3}\.\d{1,3}", True),
        (r"\S{100}", True),
        ("(?:a|b)*a(?:a|b){8}", True),
        ("(?:(?:error|fail)[a-z]* ){1,9}model", True),
        (r"(?:error|fail).{0,100}model", False),
        (r"(a\w{1,2}\w{2}\w{2})+a", False),
        ("(?:a{999}){999}", False),
        ("a{999999999}", False),
    ],
)
def test_a_regex_that_could_be_too_much_for_lucene_is_refused(parser: ElasticJvm, regex: str, simple: bool) -> None:
    if simple:
        assert parser.rlike(esql_text.rlike(holding(parsed(regex))), "x") is False
    else:
        with pytest.raises(ValueError, match="too much for the patterns"):
            esql_text.rlike(holding(parsed(regex)))


@pytest.mark.parametrize(
    ("changes", "field"),
    [
        ({"selection": [{"level": ["ERROR"]}, {"matches": ["fine", "model.{0,30}failed.{0,30}"]}]}, r"selection\.1\.matches\.1"),
        ({"selection": [{"contains_all": ["ab" * 128]}]}, r"selection\.0\.contains_all\.0"),
        (
            {"classification": {"field": "x", "classes": [{"name": "y", "matches": [r"\bword\b"]}], "otherwise": "z"}},
            r"classification\.classes\.0\.matches\.0",
        ),
        (
            {"severity": [{"level": "high", "any": [{"stat": "error_details", "contains": "-" * 256}]}, {"level": "low"}]},
            r"severity\.0\.any\.0\.contains",
        ),
    ],
)
def test_what_es_ql_cannot_be_told_is_named_by_file_and_field(tmp_path: Path, changes: dict[str, Any], field: str) -> None:
    file = tmp_path / "mine.yml"
    severity = changes.get("severity", [{"level": "low"}])
    file.write_text(json.dumps(rule_with(**changes).model_dump(mode="json") | {"severity": severity}))
    for rule in (load_rule(file), Config(fields={"log.level": "lvl"}).applied_to([load_rule(file)])[0]):
        with pytest.raises(RuleError, match=rf"mine\.yml: {field}: .* cannot go to Kibana; .*`detect watch`"):
            query(rule, "a")


def test_no_query_compares_lower_case_as_it_is() -> None:
    """Elasticsearch would look at the text itself, case ignored for ASCII alone."""
    excluded = entry("exclude", host="é*", contains={"error_messages": "É"})
    stated = Filter((excluded, entry("keep", all_contain={"error_details": "É"})))
    for rule in (RULE, REGEXES, HOSTILE, MAPPED):
        text_of_query = query(rule, "a", post_filter=stated)
        lowered = text_of_query.count("TO_LOWER(")
        assert lowered > 0
        assert len(re.findall(r'REPLACE\(TO_LOWER\((?:[\w.]+|`[^`]*`)\), "ς", "σ"\)', text_of_query)) == lowered


@pytest.mark.tools
@given(st.sampled_from([RULE, REGEXES, MAPPED]), filters)
@settings(suppress_health_check=[HealthCheck.too_slow], deadline=None)
def test_the_parser_takes_any_filter(parser: ElasticJvm, rule: Rule, post_filter: Filter) -> None:
    assert parser.fault(query(rule, "a", post_filter=post_filter)) is None


@pytest.mark.tools
def test_a_filter_of_very_many_texts_is_not_too_deep_for_the_parser(parser: ElasticJvm) -> None:
    texts = [f"text {n}" for n in range(310)]
    stated = [entry("exclude", host=[f"lab-{n}" for n in range(310)]), entry("keep", contains={"error_messages": texts})]
    assert (
        parser.fault(query(RULE, "a", post_filter=Filter((*stated, *(entry("exclude", host=f"x{n}") for n in range(310)))))) is None
    )


_globs = st.text(st.sampled_from('ab*?[]!-^\\.#"{\n'), min_size=1, max_size=8)
_hosts = st.text(st.sampled_from('ab*?[]!-^\\.#"{\né😀'), max_size=5)


@pytest.mark.tools
@given(_globs, _hosts)
@settings(max_examples=300, suppress_health_check=[HealthCheck.too_slow])
def test_a_glob_matches_in_lucene_what_it_matches_in_python(parser: ElasticJvm, glob: str, host: str) -> None:
    assert parser.rlike(esql_text.rlike(glob_pattern(glob)), host) == fnmatchcase(host, glob)


@pytest.mark.tools
@pytest.mark.parametrize(
    ("glob", "simple"),
    [
        ("*a" + "?" * 7, True),
        ("*[a-f]" + "[0-9a-f]" * 7 + "*", True),
        ("*-" + "[0-9a-f]" * 32, True),
        ("[0-9a-f]" * 60 + "*", True),
        ("".join(f"*{n:02}" for n in range(20)) + "*", True),
        ("*" + "a" * 60 + "b*", True),
        ("*a" + "?" * 16, False),
        ("*" + "a" * 1_000 + "b", False),
        ("*abc" * 90, False),
        ("*abc" * 40, True),
    ],
)
def test_a_glob_that_could_be_too_much_for_lucene_is_refused(parser: ElasticJvm, glob: str, simple: bool) -> None:
    post_filter = Filter((entry("keep", rule="other"), entry("exclude", host=["x", glob], reason="test machines")))
    if simple:
        assert parser.rlike(esql_text.rlike(glob_pattern(glob)), "x") is False
        assert parser.fault(query(RULE, "a", post_filter=post_filter)) is None
        return
    with pytest.raises(
        InputError, match=r"filter\.1 \(exclude, 'test machines'\): the glob .* cannot go to Kibana.*`detect watch`"
    ):
        query(RULE, "a", post_filter=post_filter)


@pytest.mark.tools
@pytest.mark.parametrize("text", [*TEXTS, '" OR true //', "| DROP x", "a\nb", "*", "?"])
def test_a_text_of_a_filter_stays_text(parser: ElasticJvm, text: str) -> None:
    stated = [entry("exclude", contains={"error_messages": text}), entry("keep", host=f"{text}*")]
    text_of_query = query(RULE, "a", post_filter=Filter(tuple(stated)))
    assert parser.fault(text_of_query) is None
    outside = re.sub(r'"(?:[^"\\]|\\.)*"', '""', text_of_query)
    plain = query(RULE, "a", post_filter=Filter((entry("exclude", contains={"error_messages": "x"}), entry("keep", host="x*"))))
    assert outside == re.sub(r'"(?:[^"\\]|\\.)*"', '""', plain)


def test_the_filter_stands_before_the_limit_and_after_the_statistics() -> None:
    stated = entry("exclude", severity_at_most="high", all_contain={"error_details": "disk"}, less_than={"spl_row_count": 4})
    lines = query(RULE, "a", post_filter=Filter((stated,))).splitlines()
    (condition,) = [line for line in lines if line.startswith("| WHERE NOT ")]
    assert condition == (
        "| WHERE NOT ((rank <= 3 AND finding.spl_row_count < 4 AND "
        "(filter_0 == 1 AND COALESCE(bytes_of_error_details <= 1048576, false) AND long_error_details == 0)))"
    )
    words = ("BY host.name", "bytes_of_error_details = CASE(number_of_error_details <= 10000, ", "MV_SLICE", "rank = CASE")
    at = [next(n for n, line in enumerate(lines) if word in line) for word in (*words, condition, "LIMIT")]
    assert at == sorted(at)
    held = 'filter_0 = MAX(CASE(ollama.err IS NULL, 0, REPLACE(TO_LOWER(ollama.err), "ς", "σ") LIKE "*disk*", 1, '
    assert f"    {held}2)),\n    long_error_details = COUNT(ollama.err_shortened_error_type)\n    BY" in "\n".join(lines)
    keep = query(RULE, "a", post_filter=Filter((entry("keep", contains={"error_details": "disk"}),)))
    assert f"    {held}0)),\n" in keep
    assert "(filter_0 == 1 OR long_error_details > 0)" in keep


def test_of_the_user_s_own_fields_it_is_asked_whether_one_was_too_long() -> None:
    own = query(MAPPED, "theirs", post_filter=Filter((entry("exclude", contains={"error_details": "disk"}),)))
    assert own.startswith("FROM theirs METADATA _ignored\n")
    ignored = " OR ".join(
        f'CONCAT(",", MV_CONCAT(_ignored, ","), ",") LIKE "*,ollama.{name},*"' for name in ("msg", "err", "source")
    )
    assert f"unseen = SUM(CASE(({ignored}), 1, 0))" in own
    assert "AND unseen == 0)" in own
    assert "(rank >= 3 OR unseen > 0)" in query(MAPPED, "theirs", post_filter=Filter((entry("keep", severity_at_least="high"),)))
    assert "_ignored" not in query(MAPPED, "theirs", post_filter=Filter((entry("exclude", host="lab-*"),)))


def test_values_too_long_come_from_fields_that_our_own_indices_have() -> None:
    """An unknown column fails the whole query."""
    excluded = Filter(tuple(entry("exclude", all_contain={name: "x"}) for name in FIELD_LISTS))
    other = rule_with(
        stats=RULE.stats.model_dump() | {"values": dict.fromkeys(FIELD_LISTS, "error.message")},
        severity=[{"level": "high", "any": [{"stat": "code_sources", "contains": "x"}]}, {"level": "low"}],
    )
    for rule in (RULE, other):
        asked = query(rule, "a", post_filter=excluded)
        fields = computed_fields([rule], "elasticsearch")["runtime"].keys() - {rule.classification.field}
        assert {word for word in re.findall(r"[\w.]+", asked) if SUFFIX in word} == fields
        assert asked.count(f"LEFT({shortened_name(rule, rule.stats.values['error_details'])}, ") == 1
    assert SUFFIX not in query(MAPPED, "theirs", post_filter=excluded)


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


def test_alternatives_and_their_parts_are_joined_as_the_rule_says() -> None:
    text_of_query = query(REGEXES, "a")
    line = 'REPLACE(TO_LOWER(event.original), "ς", "σ")'
    bad = f'(log.level RLIKE "[Ww][Aa][Rr][Nn]" AND {line} LIKE "*manifest*" AND {line} LIKE "*bad*")'
    assert f"NOT COALESCE(({bad} OR (event.original RLIKE " in text_of_query
    assert text_of_query.count("log.level") == 1
    assert 'condition_0 = MAX(CASE(gpu LIKE "*cuda*", 1, 0))' in text_of_query
    assert "rank = CASE(condition_0 > 0 OR finding.unique_error_types > 1, 3, 1)" in text_of_query


def test_a_mapped_rule_names_the_user_s_fields_and_no_runtime_field() -> None:
    text_of_query = query(MAPPED, "theirs")
    assert "host.name = `node-name`" in text_of_query
    assert "line.keyword IS NULL, null" in text_of_query
    assert "event.original" not in text_of_query
    assert "event.dataset" not in text_of_query


def test_a_row_is_read_back_to_the_finding() -> None:
    (finding,) = findings_of([event(error('source=server.go:1 msg="model a"')), event(error('source=server.go:1 msg="model b"'))])
    row = row_of(finding)
    assert row["finding.code_sources"] == "server.go:1"
    assert "finding.error_details" not in row
    row |= {"finding.error_details": None, "finding.window_start": "2026-11-24T08:50:00.000Z", "finding.spl_row_count": 0.0}
    assert finding_of_row(row) == finding
    cut = finding_of_row(row | {"finding.truncated.error_messages": 7})
    assert cut.truncated == (("error_messages", 7),)
