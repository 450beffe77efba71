"""Logs that no side has seen, for the tests that hold a cluster against the reference; and logs that were told differently once."""

from __future__ import annotations

from contextlib import closing
from pathlib import Path

import yaml
from hypothesis import strategies as st

from integration.detection.cases import load_cases
from integration.detection.loading import load_rules
from integration.detection.model import Rule
from integration.detection.schedule import Window
from integration.evaluation.reference import Reference
from integration.findings.finding import Finding
from integration.log.event import parse
from integration.times import parse_time, rfc3339
from tests.golden.bodies import EVERY_KEY
from tests.support.builders import RULE
from tests.support.lines import carriers
from tests.support.shipped import Shipped

BASE = parse_time("2026-11-24T08:50:00Z")
HOUR = 3_600_000

_TERMS = [
    "model",
    "Model",
    "llama runner",
    "server.go",
    "exited",
    "EXITED",
    "exit status 1",
    "other",
    "é☃",
    "\\",
    '\\"',
    "=",
    "a\tb",
]
_text = st.lists(st.sampled_from(_TERMS), min_size=1, max_size=3).map(" ".join)
_stamp = st.one_of(st.none(), st.integers(0, 3 * HOUR - 1).map(lambda ms: rfc3339(BASE + ms, millis=True)))
_level = st.sampled_from(["ERROR", "ERROR", "ERROR", "error", "ERROR+1", "INFO", "WARN"])
_quoted = _text.map(lambda drawn: '"' + drawn.replace('"', '\\"') + '"')
_value = st.one_of(_quoted, st.sampled_from(["bare", "EOF", "<nil>", ""]))
_attribute = st.tuples(st.sampled_from(["err", "error", "xerr", "model", "msg", "level", "source", "api_key"]), _value).map(
    "=".join
)
_source = st.sampled_from(["source=server.go:12 ", "source=sched.go:9 ", "", "source=C:\\x\\llama_server.go:1 "])


@st.composite
def _slog_line(draw: st.DrawFn) -> str:
    time = draw(_stamp)
    head = f"time={time} " if time else ""
    attributes = " ".join(draw(st.lists(_attribute, max_size=3)))
    return f"{head}level={draw(_level)} {draw(_source)}msg={draw(_value)} {attributes}"


line = st.one_of(_slog_line(), _slog_line(), _text, _text.map("level=ERROR {}".format))
wrapped = st.builds("{}{}".format, st.lists(carriers, max_size=2).map("".join), line)
shipped = st.builds(Shipped, wrapped, st.sampled_from(["gpu-1", "gpu-2", "Häns"]), st.integers(BASE, BASE + 3 * HOUR - 1))

_EXPLOITATION = load_rules(ids=["ollama_model_loading_exploitation"])[0]
# A line for each of its classes, and lines that look like them.
_SIGNALS = [case.line for file in load_cases(_EXPLOITATION) for _, each in file.cases for case in each.labels]
_ADDRESSES = [
    "203.0.113.9",
    "127.0.0.1",
    "10.1.2.3",
    "172.31.0.1",
    "172.32.0.1",
    "::1",
    "2001:DB8::1",
    "::ffff:10.0.0.1",
    "fe80::1%en0",
    "x",
]
_PATHS = [
    "/api/create",
    "/api/blobs/sha256:12",
    "/api/push",
    "/api/pull",
    "/api/tags",
    "/a/../b",
    "/%2e%2e/x?y=..",
    "/api/blobs/",
    "",
]
_access = st.builds(
    '[GIN] 2026/11/24 - 09:00:00 | {} | {:>13} | {:>15} | {:<8} "{}"'.format,
    st.sampled_from([200, 201, 400, 404, 499, 500, 599, 600]),
    st.sampled_from(["9.999999ms", "10ms", "10.000001ms", "1m5s", "812.4µs", "0s", "x"]),
    st.sampled_from(_ADDRESSES),
    st.sampled_from(["POST", "HEAD", "DELETE", "post"]),
    st.sampled_from(_PATHS),
)
_OTHERS = [
    "panic: created by x",
    "goroutine 7 [running]:",
    "created by main.x",
    "cuda/error: 700",
    "out of memory",
    "100%_*?",
    "model",
    "../ open it's",
]
_of_any_kind = st.builds(
    "{}{}".format, st.one_of(st.just(""), carriers), st.one_of(st.sampled_from([*_SIGNALS, *_OTHERS]), _access, line)
)
of_any_kind = st.builds(Shipped, _of_any_kind, st.sampled_from(["gpu-1", "Häns"]), st.integers(BASE, BASE + 2 * HOUR - 1))
spans = st.lists(st.integers(BASE - 1, BASE + 3 * HOUR), min_size=2, max_size=2, unique=True).map(
    lambda ends: Window(min(ends), max(ends), run_at=max(ends))
)
"""Spans of a search that somebody runs by hand; some hold few of the lines."""
RULES = (RULE, _EXPLOITATION, EVERY_KEY)
"""The rules that are held to every log."""


def found_logs() -> dict[str, list[Shipped]]:
    """The logs of `found_logs.yml` by name, each line a millisecond after the one before."""
    stated = yaml.safe_load((Path(__file__).parent / "found_logs.yml").read_text(encoding="utf-8"))
    return {
        each["name"]: [Shipped(text, each.get("host", "gpu-1"), BASE + number) for number, text in enumerate(each["lines"])]
        for each in stated
    }


def reference_findings(rule: Rule, lines: list[Shipped], window: Window | None = None) -> list[Finding]:
    """What the reference finds in lines: in every scheduled window, or in one search over a span."""
    with closing(Reference(rule, window=window)) as reference:
        for each in lines:
            event = parse(each.line, host=each.host, shipped_at=each.at)
            assert reference.selects(event) >= (reference.add(event) is not None)
        return list(reference.findings())
