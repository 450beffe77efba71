from __future__ import annotations

from zoneinfo import ZoneInfo

import pytest

from integration.detection.schedule import Window
from integration.detection.severity import Severity
from integration.evaluation.reference import Classifier, Reference
from integration.log.event import Event
from integration.times import parse_time
from tests.support.builders import RULE, error, event, findings_of, rule_with


def classify(line: str) -> str | None:
    return Classifier(RULE).classify(event(line))


class TestSelection:
    """SPL 1."""

    @pytest.mark.parametrize("term", ["llama runner", "model", "server.go", "exited"])
    def test_each_term_selects(self, term: str) -> None:
        assert classify(error(f'msg="a {term} b"')) is not None

    def test_an_event_is_selected_where_it_has_a_class(self) -> None:
        assert Reference(RULE).selects(event(error('msg="a model b"')))
        assert not Reference(RULE).selects(event(error('msg="something else"')))

    def test_no_term_is_not_selected(self) -> None:
        assert classify(error('source=routes.go:1 msg="something else"')) is None

    def test_term_inside_a_word_selects(self) -> None:
        assert classify(error('source=x.go:1 msg="remodeling"')) == "model_error"

    def test_server_go_inside_llama_server_go_selects(self) -> None:
        assert classify(error('source=llama_server.go:1023 msg="llama-server terminated"')) == "unknown_error"

    @pytest.mark.parametrize("level", ["ERROR", "error", "Error"])
    def test_level_ignores_case(self, level: str) -> None:
        assert classify(error('msg="model"', level=level)) == "model_error"

    @pytest.mark.parametrize("level", ["ERROR+1", "ERROR-4", "INFO", "WARN", "ERRORS", "\N{LATIN SMALL LETTER DOTLESS I}NFO"])
    def test_level_is_compared_whole(self, level: str) -> None:
        assert classify(error('msg="model"', level=level)) is None

    def test_of_several_levels_the_first_counts(self) -> None:
        assert classify('time=2026-11-24T09:00:00.000Z level=INFO msg="model level=ERROR"') is None
        assert classify('level=ERROR msg="model level=INFO"') == "model_error"

    def test_loglevel_is_not_level(self) -> None:
        assert classify('loglevel=ERROR msg="model"') is None

    def test_line_without_stamp_is_selected(self) -> None:
        assert classify("panic: level=ERROR exited") == "service_crash"


class TestClass:
    """SPL 6."""

    def test_capital_model_is_selected_but_unknown(self) -> None:
        assert classify(error('source=x.go:1 msg="Model gone"')) == "unknown_error"

    def test_order_decides(self) -> None:
        assert classify(error('msg="model llama runner exited"')) == "service_crash"
        assert classify(error('msg="llama runner of model"')) == "model_error"
        assert classify(error('msg="llama runner terminated"')) == "runner_error"

    def test_capital_exited_falls_through(self) -> None:
        assert classify(error('msg="EXITED"')) == "unknown_error"


class TestQuickly:
    """A class whose texts a line does not hold is not tried, and what is tried is the same."""

    def test_a_text_may_overlap_another_s(self) -> None:
        classes = [{"name": "never", "contains": ["abc"], "matches": ["abce"]}, {"name": "later", "contains": ["bcd"]}]
        classifier = Classifier(rule_with(selection=[{"kind": ["other"]}], classification={"field": "x", "classes": classes}))
        assert [classifier.classify(event(line)) for line in ("abcd", "abc", "abce", "bcd")] == ["later", None, "never", "later"]

    def test_a_record_in_json_says_its_level_otherwise(self) -> None:
        assert classify('{"time":"2026-11-24T09:00:00Z","level":"Error","msg":"model"}') == "model_error"

    def test_half_a_surrogate_pair_hides_nothing(self) -> None:
        line = error('msg="\ud800 model"')
        assert Classifier(RULE).classify(Event(line, 0, "gpu-1")) == "model_error"

    def test_classes_without_texts_are_tried_on_every_line(self) -> None:
        classes = [{"name": "one", "contains": ["x"], "kind": ["other"]}, {"name": "any", "kind": ["panic"]}]
        rule = rule_with(selection=[{"not_level": ["INFO"]}], classification={"field": "x", "classes": classes})
        lines = {"x": "one", "level=INFO x": None, "panic: x": "any", "panic: y": "any", "y": None}
        assert {line: Classifier(rule).classify(event(line)) for line in lines} == lines


class TestWindows:
    """Schedule 0 * * * *, -70m@m to -10m@m."""

    @pytest.mark.parametrize(
        ("stamp", "start"),
        [
            ("2026-11-24T08:50:00.000Z", "2026-11-24T08:50:00Z"),
            ("2026-11-24T09:49:59.999Z", "2026-11-24T08:50:00Z"),
            ("2026-11-24T09:50:00.000Z", "2026-11-24T09:50:00Z"),
            ("2026-11-24T08:49:59.999Z", "2026-11-24T07:50:00Z"),
            ("2026-11-24T09:00:00.000+05:30", "2026-11-24T02:50:00Z"),
        ],
    )
    def test_start_is_inclusive_and_end_exclusive(self, stamp: str, start: str) -> None:
        (finding,) = findings_of([event(error('msg="model"', at=stamp))])
        assert finding.to_json()["window_start"] == start

    def test_events_either_side_of_the_edge_are_two_findings(self) -> None:
        lines = [event(error('msg="model"', at=f"2026-11-24T09:{edge}Z")) for edge in ("49:59.999", "50:00.000")]
        assert [f["error_count"] for f in findings_of(lines)] == [1, 1]

    def test_a_search_over_a_span_has_one_window_and_no_event_outside(self) -> None:
        start, end = (parse_time(f"2026-11-24T09:{minute}:00Z") for minute in ("45", "55"))
        span = Window(start, end, run_at=end)
        reference = Reference(RULE, window=span)
        stamps = ("44:59.999", "45:00.000", "50:00.000", "54:59.999", "55:00.000")
        labels = [reference.add(event(error('msg="model"', at=f"2026-11-24T09:{stamp}Z"))) for stamp in stamps]
        assert labels == [None, "model_error", "model_error", "model_error", None]
        (finding,) = reference.findings()
        assert (finding.window_start, finding.window_end, finding["error_count"]) == (start, end, 3)


class TestFarTimes:
    """One forged stamp must not end the evaluation of all other lines, whatever the zone, `bin` and window."""

    @pytest.mark.parametrize("zone", ["UTC", "Asia/Manila", "America/Metlakatla", "America/Los_Angeles", "Pacific/Kiritimati"])
    def test_the_first_and_the_last_stamp(self, zone: str) -> None:
        rule = rule_with(
            columns=RULE.model_dump()["columns"] | {"first_error": {"first": "@timestamp", "floor": "9999d"}},
            schedule={"cron": "0 0 * * 1", "earliest": "-9999d", "latest": "-9992d"},
        )
        for each in (RULE, rule):
            reference = Reference(each, ZoneInfo(zone))
            for at in ("0100-01-01T00:00:00.000+18:00", "9899-12-31T23:59:59.999-18:00"):
                assert reference.add(event(error('msg="model"', at=at)))
            first, last = (finding.to_json() for finding in reference.findings())
            assert (first["first_seen"], last["first_seen"]) == ("0099-12-31T06:00:00.000Z", "9900-01-01T17:59:59.999Z")

    @pytest.mark.parametrize("at", ["0001-01-02T00:00:00.000+18:00", "0099-12-31T23:59:59.999Z", "9900-01-01T00:00:00.000Z"])
    def test_stamps_beyond_take_the_shipper_s_time(self, at: str) -> None:
        (finding,) = findings_of([event(error('msg="model"', at=at), at="2026-11-24T09:00:00Z")])
        assert finding.to_json()["first_seen"] == "2026-11-24T09:00:00.000Z"


class TestStatistics:
    """SPL 7 and 8."""

    def test_hour_flooring_and_exact_times(self) -> None:
        lines = [event(error('msg="model"', at=f"2026-11-24T09:{m}Z")) for m in ("05:01.250", "47:00.001")]
        (finding,) = findings_of(lines)
        assert (finding["first_error"], finding["last_error"]) == ("2026-11-24 09:00:00", "2026-11-24 09:00:00")
        record = finding.to_json()
        assert (record["first_seen"], record["last_seen"]) == ("2026-11-24T09:05:01.250Z", "2026-11-24T09:47:00.001Z")

    def test_hours_are_printed_in_the_zone_and_floored_in_utc(self) -> None:
        reference = Reference(RULE, ZoneInfo("Asia/Kolkata"))
        reference.add(event(error('msg="model"', at="2026-11-24T09:05:01.250Z")))
        (finding,) = reference.findings()
        assert (finding["first_error"], finding["last_error"]) == ("2026-11-24 14:30:00", "2026-11-24 14:30:00")

    def test_events_come_in_any_order(self) -> None:
        minutes = ("20", "05", "40", "30")
        (finding,) = findings_of([event(error('msg="model"', at=f"2026-11-24T09:{m}:00.000Z")) for m in minutes])
        record = finding.to_json()
        assert (record["first_seen"], record["last_seen"]) == ("2026-11-24T09:05:00.000Z", "2026-11-24T09:40:00.000Z")

    def test_hours_before_1970_are_floored_too(self) -> None:
        (finding,) = findings_of([event(error('msg="model"', at="1969-12-31T22:55:00.000Z"))])
        assert finding["first_error"] == "1969-12-31 22:00:00"

    def test_first_error_can_lie_before_the_window(self) -> None:
        (finding,) = findings_of([event(error('msg="model"', at="2026-11-24T08:55:00.000Z"))])
        assert finding["first_error"] == "2026-11-24 08:00:00"

    def test_values_are_distinct_non_null_and_in_code_point_order(self) -> None:
        messages = ["model b", "model a", "model \N{PILE OF POO}", "model \N{FULLWIDTH LATIN SMALL LETTER A}", "Model", "model a"]
        lines = [event(error(f'msg="{m}"')) for m in messages] + [event(error("source=model.go:1"))]
        (finding,) = findings_of(lines)
        assert finding["error_count"] == 7
        assert finding["error_messages"] == tuple(sorted(set(messages)))
        assert finding["code_sources"] == ("model.go:1",)
        assert finding["error_details"] == ()

    def test_hosts_are_apart(self) -> None:
        lines = [event(error('msg="model"'), host=h) for h in ("b", "a", "b")]
        assert [(f.host, f["error_count"]) for f in findings_of(lines)] == [("a", 1), ("b", 2)]

    def test_error_key_never_fills_error_details(self) -> None:
        (finding,) = findings_of([event(error('msg="llama runner terminated" error="exit status 2"'))])
        assert finding["error_details"] == ()
        assert finding.severity is Severity.MEDIUM

    def test_escaped_quote_ends_the_spl_message(self) -> None:
        (finding,) = findings_of([event(error(r'msg="error \"x\" in model"'))])
        assert finding["error_messages"] == ("error \\",)

    def test_bare_values(self) -> None:
        (finding,) = findings_of([event(error("source=server.go:304 msg=pulling model=x err=EOF"))])
        assert (finding["error_messages"], finding["error_details"]) == (("pulling",), ("EOF",))

    def test_unique_error_types(self) -> None:
        (finding,) = findings_of([event(error(f'msg="{t}"')) for t in ("model", "exited", "exited", "Model")])
        assert finding["error_types"] == ("model_error", "service_crash", "unknown_error")
        assert finding["unique_error_types"] == 3


class TestSeverity:
    """SPL 12."""

    @pytest.mark.parametrize(("count", "severity"), [(1, "medium"), (2, "medium"), (3, "high"), (5, "high"), (6, "critical")])
    def test_ladder_of_counts(self, count: int, severity: str) -> None:
        (finding,) = findings_of([event(error('msg="model"'))] * count)
        assert str(finding.severity) == severity

    def test_exit_status_alone_is_critical(self) -> None:
        (finding,) = findings_of([event(error('source=server.go:224 msg="ollama exited" err="exit status 1"'))])
        assert finding.severity is Severity.CRITICAL

    @pytest.mark.parametrize("detail", ["Exit status 1", "exit  status", "exitstatus"])
    def test_exit_status_heeds_case_and_spelling(self, detail: str) -> None:
        (finding,) = findings_of([event(error(f'msg="ollama exited" err="{detail}"'))])
        assert finding.severity is Severity.MEDIUM


def test_selected_counts_events() -> None:
    reference = Reference(RULE)
    lines = (error('msg="model"'), "nothing", error('msg="exited"'))
    assert [reference.add(event(line)) for line in lines] == ["model_error", None, "service_crash"]
    assert reference.selected == 2


class TestOtherRules:
    def test_alternatives_levels_regexes_and_keys(self) -> None:
        rule = rule_with(
            selection=[
                {"level": ["WARN"], "contains_all": ["manifest", "BAD"]},
                {"matches": [r"cuda error: \d+"]},
            ],
            classification={
                "field": "gpu_error",
                "classes": [{"name": "cuda", "matches": [r"cuda error: (?:700|999)$".removesuffix("$")]}],
                "otherwise": "other",
            },
            columns=RULE.model_dump()["columns"]
            | {
                "error_messages": {"values": "error.message"},
                "error_details": {"values": "ollama.level"},
                "code_sources": {"values": "log.origin.file.name"},
            },
            severity=[{"level": "high", "any": [{"column": "error_types", "contains": "cuda"}]}, {"level": "low"}],
        )
        lines = [
            error('source=manifest.go:7 msg="bad manifest" error="no \\"x\\""', level="WARN"),
            error('msg="bad manifest"'),
            error('msg="good manifest"', level="WARN"),
            "cuda error: 700",
            "CUDA error: 700",
        ]
        (finding,) = findings_of([event(line) for line in lines], rule)
        assert finding["error_count"] == 2
        assert finding["error_types"] == ("cuda", "other")
        assert finding["error_messages"] == ('no "x"',)
        assert finding["code_sources"] == ("manifest.go",)
        assert finding["error_details"] == ("WARN",)
        assert finding.severity is Severity.HIGH
