"""`detect validate --splunk-export` over log files, which needs no cluster."""

from __future__ import annotations

import json
import xml.etree.ElementTree as ET
from pathlib import Path
from typing import Any

import pytest

from tests.support.builders import RULE, error
from tests.support.cli import Result, detect

LINES = [
    error('source=server.go:1 msg="error loading model" err="exit status 1"'),
    error('source=sched.go:9 msg="model exited" err="EOF"', at="2026-11-24T11:05:00.000Z"),
    error('source=sched.go:9 msg="fine"', level="INFO"),
]


@pytest.fixture
def log(tmp_path: Path) -> Path:
    path = tmp_path / "server.log"
    path.write_text("\n".join(LINES) + "\n", encoding="utf-8")
    return path


@pytest.fixture
def export(tmp_path: Path) -> Path:
    """The rows of both errors as Splunk prints them for a search over all time."""
    row = {"host": "gpu-1", "error_count": "2", "unique_error_types": "2", "severity": "critical", "count": "1"}
    row |= {"first_error": "2026-11-24 09:00:00", "last_error": "2026-11-24 11:00:00"}
    row |= {"attack_type": "Suspicious Model Loading / Potential RCE"}
    rows = [
        {"result": row | {"code_sources": source, "error_types": label, "error_messages": message, "error_details": detail}}
        for source in ("sched.go:9", "server.go:1")
        for label in ("model_error", "service_crash")
        for message in ("error loading model", "model exited")
        for detail in ("EOF", "exit status 1")
    ]
    path = tmp_path / "results.json"
    path.write_text("\n".join(map(json.dumps, rows)), encoding="utf-8")
    return path


def validate(export: Path, *arguments: object) -> Result:
    return detect("validate", "--splunk-export", str(export), *map(str, arguments))


def changed(export: Path, **cells: str) -> None:
    """Change cells of the first row of an export."""
    first, *rest = export.read_text(encoding="utf-8").splitlines()
    row: dict[str, Any] = json.loads(first)
    row["result"] |= cells
    export.write_text("\n".join((json.dumps(row), *rest)), encoding="utf-8")


def test_a_log_s_rows_agree_with_splunk_s_and_no_cluster_is_asked(log: Path, export: Path) -> None:
    answer = validate(export, "--log", log, "--host", "gpu-1")
    assert answer.code == 0, answer
    assert answer.out == f"Splunk's rows agree: 16 rows from Splunk, 16 here from 3 events, 16 alike. ({RULE.id})\n"
    assert answer.err == "Evaluated: all time, as one window.\n"


def test_the_span_of_the_search_is_one_window(log: Path, export: Path) -> None:
    asked = ("--log", log, "--host", "gpu-1", "--format", "json")
    assert validate(export, *asked, "--from", "2026-11-24T09:00:00Z", "--to", "2026-11-24T11:05:01Z").code == 0
    answer = validate(export, *asked, "--from", "2026-11-24T09:00:00Z", "--to", "2026-11-24T11:05:00Z")
    assert (answer.code, answer.json["rows"]) == (1, {"splunk": 16, "here": 1, "alike": 0, "not_compared": 0})
    answer = validate(export, *asked, "--at", "2026-11-24T10:00:00Z")
    assert (answer.json["window_start"], answer.json["rows"]["here"]) == ("2026-11-24T08:50:00Z", 1)
    for wrong in (("--at", "2026-11-24T10:00:00Z", "--from", "2026-11-24"), ("--to", "2026-11-24")):
        answer = validate(export, *asked, *wrong)
        assert (answer.code, "give --from, with --to or without, or --at" in answer.err) == (2, True)


def test_a_difference_ends_with_1_and_is_told_in_every_form(log: Path, export: Path) -> None:
    changed(export, error_details="\x1b[31meof]]><b>")
    asked = ("--log", log, "--host", "gpu-1")
    table = validate(export, *asked)
    assert (table.code, "Splunk's rows DIFFER" in table.out, "\x1b[31m" in table.out) == (1, True, False)
    assert "results.json:1" in table.out
    answer = validate(export, *asked, "--format", "json")
    (difference,) = answer.json["differences"]
    assert (answer.code, answer.json["agrees"], difference["kind"], difference["reason"]) == (1, False, "cells differ", "")
    assert difference["cells"] == [{"column": "error_details", "splunk": "\x1b[31meof]]><b>", "here": "EOF"}]
    junit = validate(export, *asked, "--format", "junit")
    root = ET.fromstring(junit.out)
    assert (junit.code, root.get("failures"), [suite.get("name") for suite in root]) == (1, "1", [f"{RULE.id} in Splunk"])
    assert root.findall(".//failure")[0].get("message", "").endswith("Splunk '\\x1b[31meof]]><b>', here 'EOF'")


def test_known_differences_are_said_and_end_with_0(log: Path, export: Path) -> None:
    log.write_text(
        log.read_text() + error('source=server.go:1 msg="model"').replace("time=", "Nov 24 09:00:00 gpu-2 ollama[1]: time=")
    )
    changed(export, first_error="2026-11-24 09:12:00")
    answer = validate(export, "--log", log, "--host", "gpu-1")
    assert answer.code == 1  # --host names the machine of every line, so that gpu-1 has one error more
    answer = detect("scan", str(log), "--format", "json")
    hosts = {finding["host"] for finding in answer.json["findings"]}
    assert "gpu-2" in hosts
    changed(export, host=(other := (hosts - {"gpu-2"}).pop()))
    text = export.read_text().replace('"gpu-1"', json.dumps(other))
    export.write_text(text)
    answer = validate(export, "--log", log)
    assert answer.code == 0, answer
    assert f"Explained, 1 row of {other}: Splunk's time is not floored" in answer.out
    assert "Explained, 1 finding without a row, of gpu-2: error_details is empty, and `stats ... by` prints no row" in answer.out


def test_rows_of_a_host_that_one_side_lacks_are_told_by_what_the_row_above_has_not(log: Path, export: Path) -> None:
    export.write_text(export.read_text().splitlines()[0] + "\n")
    told = [line.split("│")[3:5] for line in validate(export, "--log", log, "--host", "gpu-1").out.splitlines() if "│" in line]
    whats = [what.strip() for what, _ in told if what.strip()]
    assert whats == ["only here", *["only here, else as above"] * 14]
    assert len(told) < 13 + 14 * 5
    assert {column.strip() for _, column in told[13:]} <= {"code_sources", "error_types", "error_messages", "error_details"}


def test_columns_of_one_side_are_noted(log: Path, export: Path) -> None:
    export.write_text("host,severity,_time\n" + "gpu-1,critical,2026\n" * 16)
    answer = validate(export, "--log", log, "--host", "gpu-1", "--rule", RULE.id)
    assert answer.code == 0, answer
    assert "Not compared, since the export lacks them: first_error, last_error, code_sources" in answer.err
    assert "Not compared, since a row of the search has no such column: _time." in answer.err


def test_nothing_compared_ends_with_1(log: Path, export: Path) -> None:
    export.write_text('{"results": []}')
    log.write_text(LINES[2] + "\n")
    answer = validate(export, "--log", log, "--rule", RULE.id)
    assert (answer.code, answer.out) == (
        1,
        f"Nothing was compared: 0 rows from Splunk, 0 here from 1 events, 0 alike. ({RULE.id})\n",
    )
    root = ET.fromstring(validate(export, "--log", log, "--rule", RULE.id, "--format", "junit").out)
    assert root.findall(".//failure")[0].get("message") == "nothing was compared: neither side has a row"


@pytest.mark.parametrize(
    ("content", "said"),
    [
        (
            "host,first_error,code_sources,error_count,error_messages,error_details,error_types\n" + "x," * 6 + "x\n",
            f": holds the rows of no rule; of {RULE.id} it lacks last_error, unique_error_types, severity, attack_type. Export",
        ),
        ("a,b\n1,2\n", ": has no column of what the search prints, such as host or severity"),
        ("", ": tells not of which rule its rows are; name it by --rule"),
        ("<xml/>", ": is XML; let Splunk export CSV or JSON"),
    ],
)
def test_an_export_of_something_else_is_bad_input(log: Path, export: Path, content: str, said: str) -> None:
    export.write_text(content)
    answer = validate(export, "--log", log)
    assert (answer.code, answer.out, f"{export}{said}" in answer.err) == (2, "", True)


def test_the_options_of_logs_go_with_an_export(log: Path) -> None:
    for option in (("--log", str(log)), ("--host", "gpu-1"), ("--host-from", "path:1")):
        answer = detect("validate", *option)
        assert (answer.code, "go with --splunk-export" in answer.err) == (2, True)
