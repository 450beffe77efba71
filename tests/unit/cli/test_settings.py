"""detect.toml: what it changes, in which order it counts, and how it is refused."""

from __future__ import annotations

import os
import time
from pathlib import Path
from typing import Any

import pytest

from integration.cli.settings.loading import load_config
from integration.cli.settings.model import Config
from integration.detection.severity import Severity
from integration.errors import InputError
from integration.evaluation.cluster import events_query
from integration.render.aggregation import window_search
from integration.times import parse_time
from tests.support.builders import RULE, error, event, findings_of
from tests.support.cli import detect

WHOLE = """
namespace = "prod"
timezone = "Europe/Berlin"
rules = ["my-rules", "/srv/rules"]

[connection]
url = "https://search.example:9200"
username = "detect"
ca_certs = "ca.pem"

[index]
pattern = "filebeat-*"
dataset = ""

[fields]
event.original = "message"
"host.name" = "agent.hostname"

[thresholds]
critical = 10
high.error_count = 4

[schedule]
offset = "20m"

[[filter]]
action = "exclude"
reason = "test machines"
host = "test-*"

[[filter]]
action = "exclude"
severity_at_most = "medium"
[filter.all_contain]
error_messages = ["disk full"]
"""


@pytest.fixture(autouse=True)
def _nowhere(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("XDG_CONFIG_HOME", str(tmp_path / "home"))
    monkeypatch.chdir(tmp_path)


def config(text: str) -> Config:
    Path("some.toml").write_text(text)
    return load_config(Path("some.toml"))


def refused(text: str | bytes) -> str:
    Path("bad.toml").write_bytes(text if isinstance(text, bytes) else text.encode())
    with pytest.raises(InputError) as fault:
        load_config(Path("bad.toml"))
    return str(fault.value)


def test_everything_is_read_and_feeds_the_options() -> None:
    read = config(WHOLE)
    assert read.option_defaults() == {
        "namespace": "prod",
        "timezone": "Europe/Berlin",
        "rules": ["my-rules", "/srv/rules"],
        "url": "https://search.example:9200",
        "username": "detect",
        "ca_certs": "ca.pem",
        "index": "filebeat-*",
    }
    assert [entry.reason for entry in read.filter] == ["test machines", ""]


def test_paths_start_at_the_file_s_folder(tmp_path: Path) -> None:
    folder = tmp_path / "etc"
    folder.mkdir()
    (folder / "d.toml").write_text('rules = ["r"]\n[connection]\nca_certs = "/abs/ca.pem"\nclient_key = "~/k.pem"\n')
    assert load_config(folder / "d.toml").option_defaults() == {
        "rules": [str(folder / "r")],
        "ca_certs": "/abs/ca.pem",
        "client_key": str(Path("~/k.pem").expanduser()),
    }


def test_no_file_changes_nothing() -> None:
    assert load_config().applied_to([RULE]) == (RULE,)
    assert load_config().option_defaults() == {}


def test_the_rule_changes_as_the_settings_say() -> None:
    (rule,) = config(WHOLE).applied_to([RULE])
    assert rule.field_names.own_index
    assert [(c.column, c.greater_than) for step in rule.severity for c in step.any] == [
        ("error_details", None),
        ("error_count", 10),
        ("error_count", 4),
    ]
    window = rule.windows.last_run(parse_time("2026-11-24T10:00:00Z"))
    assert (window.start, window.end) == (parse_time("2026-11-24T08:30:00Z"), parse_time("2026-11-24T09:30:00Z"))


def test_settings_of_one_rule_win() -> None:
    (rule,) = config(
        f'[thresholds]\nhigh = 3\n[schedule]\noffset = "5m"\n[rule.{RULE.id}.thresholds]\nhigh = 4\n[rule.{RULE.id}.schedule]\n'
        'cron = "30 * * * *"'
    ).applied_to([RULE])
    assert rule.severity[1].any[0].greater_than == 4
    assert (rule.schedule.cron, rule.schedule.earliest, rule.schedule.latest) == ("30 * * * *", "-75m@m", "-15m@m")


def test_thresholds_count_in_the_reference() -> None:
    lines = [event(error("model")) for _ in range(4)]
    (rule,) = config("[thresholds]\nhigh = 4").applied_to([RULE])
    assert findings_of(lines)[0].severity is Severity.HIGH
    assert findings_of(lines, rule)[0].severity is Severity.MEDIUM


def test_own_field_names_reach_every_part_of_the_search() -> None:
    text = '[index]\npattern = "x"\ndataset = ""\n[fields]\n'
    names = {
        "@timestamp": "ts",
        "event.original": "raw",
        "host.name": "node",
        "log.level": "lvl",
        "ollama.msg": "m",
        "ollama.err": "e",
        "ollama.source": "s",
    }
    (rule,) = config(text + "\n".join(f'"{ours}" = "{theirs}"' for ours, theirs in names.items())).applied_to([RULE])
    body = repr(window_search(rule, "opensearch", 0, 1)) + repr(events_query(rule, 0, 1))
    assert [name for name in (*names, "event.dataset") if repr(name) in body or f"\\'{name}\\'" in body] == []
    (other,) = config('[index]\npattern = "x"\ndataset = "mine"').applied_to([RULE])
    assert {"term": {"event.dataset": "mine"}} in events_query(other, 0, 1)["bool"]["filter"]


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("namespace = 'a'\nnamespce = 'b'", "bad.toml:2: namespce: there is no such setting"),
        ("a =", "bad.toml:1: is not TOML: Invalid value"),
        ("[thresholds]\n\nhigh = -1", "bad.toml:3: thresholds.high: must be at least 0"),
        ("[thresholds]\ngrave = 1", "bad.toml:2: thresholds.grave: 'grave' is not a severity"),
        (
            "[[filter]]\naction = 'keep'\nhost = 'x'\n[[filter]]\naction = 'drop'",
            "bad.toml:5: [[filter]] 2.action: must be one of 'exclude', 'keep'",
        ),
        (
            "[[filter]]\naction = 'keep'\n[filter.greater_than]\nerror_count = 'x'",
            "bad.toml:4: [[filter]] 1.greater_than.error_count",
        ),
        ("[connection]\napi_key = 'geheim'", "api_key is a secret and does not belong here: set DETECT_API_KEY"),
        ("[connection]\nurl = 'https://u:geheim@h'", "bad.toml:2: connection.url: must not hold a user or password"),
        ("[fields]\nhost = 'x'", "host is not an event field of a rule"),
        ("[index]\npattern = 'a/_search'", "bad.toml:2: index.pattern"),
        ("[schedule]\noffset = 'soon'", "bad.toml:2: schedule.offset"),
        ("[rule.x.y]\nz = 1", "bad.toml:1: rule.x.y: there is no such setting"),
        (b"a = '\xff'", "bad.toml:1: is not UTF-8 text"),
    ],
)
def test_faults_name_file_line_and_setting(text: str | bytes, message: str) -> None:
    told = refused(text)
    assert message in told
    assert "geheim" not in told


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("[schedule]\ncron = '*/5 * * * *'", "overlap or leave gaps"),
        ("[schedule]\ncron = 'x'", "must have five fields"),
        ("[thresholds]\nlow = 3", "thresholds.low: no rule tests error_count for that level"),
        (f"[rule.{RULE.id}.thresholds]\nhigh.unique_error_types = 3", "the rule tests no unique_error_types"),
        ("[rule.missing]", "rule.missing: there is no rule of that id"),
        ("[thresholds]\nhigh = 8", "no finding is ever high by error_count above 8: it is critical above 5 already"),
        (f"[thresholds]\ncritical = 9\n[rule.{RULE.id}.thresholds]\nhigh = 9", "no finding is ever high by error_count above 9"),
    ],
)
def test_settings_that_fit_no_rule_are_refused(text: str, message: str) -> None:
    with pytest.raises(InputError, match=message):
        config(text).applied_to([RULE])


@pytest.mark.parametrize(
    "text",
    [
        "x = 1\n" * 100_000,
        "x = " + "[" * 100_000,
        "x = " + "{a=" * 50_000,
        "a." * 60_000 + "a = 1",
        "\n".join(f"[{'a.' * 99}b{n}]" for n in range(1_000)),
    ],
    ids=["huge", "lists", "tables", "dots", "headers"],
)
def test_hostile_files_are_refused_quickly(text: str) -> None:
    start = time.monotonic()
    assert refused(text).startswith("bad.toml")
    assert time.monotonic() - start < 10


def test_faults_are_told_in_the_order_of_their_lines() -> None:
    told = refused("colour = 1\n[[filter]]\naction = 'exclud'\n[thresholds]\ngrave = 1").splitlines()
    assert [line.split(": ")[:2] for line in told] == [
        ["bad.toml:1", "colour"],
        ["bad.toml:3", "[[filter]] 1.action"],
        ["bad.toml:5", "thresholds.grave"],
    ]


def test_the_file_is_looked_for_in_order(tmp_path: Path) -> None:
    own = tmp_path / "home" / "ollama-detect" / "detect.toml"
    own.parent.mkdir(parents=True)
    own.write_text("namespace = 'own'")
    assert load_config().namespace == "own"
    (tmp_path / "detect.toml").write_text("namespace = 'here'")
    assert load_config().namespace == "here"
    (tmp_path / "named.toml").write_text("namespace = 'named'")
    assert load_config(Path("named.toml")).namespace == "named"
    with pytest.raises(InputError, match="cannot be read"):
        load_config(Path("missing.toml"))


def test_a_user_without_a_home_has_no_file_there(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("XDG_CONFIG_HOME", "HOME"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setattr(os, "getuid", lambda: 12_345)
    with pytest.raises(RuntimeError):
        Path("~").expanduser()
    assert load_config() == Config()


def test_a_stranger_s_file_in_this_folder_is_not_read_by_itself(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "detect.toml").write_text("namespace = 'x'")
    owner = (tmp_path / "detect.toml").stat().st_uid
    if owner == 0:
        os.chown(tmp_path / "detect.toml", 12_345, -1)
    else:
        monkeypatch.setattr(os, "geteuid", lambda: owner + 1)
    with pytest.raises(InputError, match="belongs to another user"):
        load_config()
    assert load_config(Path("detect.toml")).namespace == "x"


def scanned(*arguments: str) -> Any:
    Path("a.log").write_text(f"{error('model')}\n")
    return detect("scan", "a.log", "--host", "gpu-1", "--format", "json", *arguments)


def test_options_before_environment_before_file_before_defaults(monkeypatch: pytest.MonkeyPatch) -> None:
    def first_error(*arguments: str) -> str:
        return str(scanned(*arguments).json["findings"][0]["first_error"])

    assert first_error() == "2026-11-24 09:00:00"
    Path("detect.toml").write_text("timezone = 'Asia/Tokyo'")
    assert first_error() == "2026-11-24 18:00:00"
    Path("x.toml").write_text("timezone = 'Asia/Kolkata'")
    assert first_error("--config", "x.toml") == "2026-11-24 14:30:00"
    monkeypatch.setenv("DETECT_CONFIG", "x.toml")
    assert first_error() == "2026-11-24 14:30:00"
    monkeypatch.setenv("DETECT_TIMEZONE", "Europe/Berlin")
    assert first_error() == "2026-11-24 10:00:00"
    assert first_error("--timezone", "UTC") == "2026-11-24 09:00:00"


def test_scan_applies_the_filter_and_says_so() -> None:
    Path("detect.toml").write_text("[[filter]]\naction = 'exclude'\nhost = 'gpu-*'")
    answer = scanned("--fail-on", "low")
    assert (answer.code, answer.json["findings"], answer.json["events"]) == (0, [], {"read": 1, "selected": 1})
    assert "1 more finding taken away by the filter" in answer.err


def test_a_pipe_feeds_the_options_and_the_filter() -> None:
    reading, writing = os.pipe()
    with open(writing, "w") as pipe:  # noqa: PTH123 - it has no path
        pipe.write("timezone = 'Asia/Tokyo'\n[[filter]]\naction = 'exclude'\nhost = 'gpu-*'")
    with open(reading):  # noqa: PTH123
        assert scanned("--config", f"/dev/fd/{reading}").json["findings"] == []


SETTINGS = "connection, fields, filter, index, namespace, notify, rule, rules, schedule, thresholds, timezone"


def test_a_bad_file_ends_with_2(tmp_path: Path) -> None:
    (tmp_path / "detect.toml").write_text("x = 1")
    answer = scanned()
    assert (answer.code, answer.err) == (2, f"detect: detect.toml:1: x: there is no such setting; there are: {SETTINGS}\n")
