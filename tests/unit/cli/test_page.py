"""`--format html`: one page that needs nothing beside it, in which texts of logs are text."""

from __future__ import annotations

import gzip
import json
import re
import subprocess
import sys
from pathlib import Path
from types import SimpleNamespace

import pytest

from integration.cli.page import pages
from integration.findings.escaping import escaped
from tests.support.builders import error
from tests.support.cli import detect
from tests.support.hostile import BYTES
from tests.support.html_page import HtmlPage

HOSTS = (
    "<script>alert(1)</script>",
    '"><img src=x onerror=alert(1)>',
    "\u202egpu\x1b[2J",
    "2026",
    '<a href="https://example.test/">x</a>',
)


def page_of(*arguments: str) -> HtmlPage:
    answer = detect(*arguments, "--format", "html")
    assert answer.code == 0, answer.err
    return HtmlPage(answer.out)


def written(folder: Path, *lines: str) -> str:
    path = folder / "server.log"
    path.write_text("\n".join(lines) + "\n", encoding="utf-8")
    return str(path)


@pytest.mark.parametrize("verb", ["scan", "backtest"])
def test_every_finding_is_there_with_its_lines(logs: list[str], verb: str) -> None:
    found = detect("scan", *logs, "--format", "json").json
    page = page_of(verb, *logs)
    assert len(found["findings"]) > 3
    for finding in found["findings"]:
        assert f"id {finding['id']}" in page.text
        evidence = detect("explain", "--finding", finding["id"], *logs, "--format", "json").json
        for line in evidence["lines"][: pages.MAX_LINES]:
            assert line["time"] in page.text
            assert re.sub(r" +", " ", escaped(line["text"])) in page.text
    assert f"{len(found['findings'])} findings" in page.text
    assert f"From {found['events']['selected']} selected of {found['events']['read']} events." in page.text
    assert {figure["id"] for figure in page.figures} == {"chart-timeline", "chart-hosts", "chart-messages"}


@pytest.mark.parametrize("verb", ["scan", "backtest"])
def test_a_page_asks_for_nothing_and_runs_its_own_scripts_alone(logs: list[str], verb: str) -> None:
    page = page_of(verb, *logs)
    assert page.attributes.isdisjoint({"src", "href", "action", "srcset", "data", "poster", "background", "style"})
    assert page.tags.isdisjoint({"link", "iframe", "object", "embed", "base", "img", "a", "form"})
    assert page.policy == {
        "default-src": ["'none'"],
        "script-src": page.hashes,
        "style-src": ["'unsafe-inline'"],
        "img-src": ["data:"],
        "base-uri": ["'none'"],
        "form-action": ["'none'"],
    }
    assert len(page.hashes) == 2
    assert page.source.isascii()
    assert "<noscript>" in page.source


def test_the_licence_of_the_library_is_kept(logs: list[str]) -> None:
    page = page_of("scan", *logs)
    assert "Licensed under the MIT license" in page.scripts[1][1][:300]
    assert "Permission is hereby granted, free of charge" in page.text
    assert "Plotly Technologies Inc." in page.text


def test_texts_of_logs_are_text(tmp_path: Path) -> None:
    (tmp_path / "bytes.log").write_bytes(b"\n".join(BYTES.values()) + b"\n")
    documents = [{"message": error(f'msg="model {host}" err="{host}"'), "host": {"name": host}} for host in HOSTS]
    (tmp_path / "hosts.log").write_text("".join(json.dumps(each) + "\n" for each in documents), encoding="utf-8")
    page = page_of("backtest", str(tmp_path / "bytes.log"), str(tmp_path / "hosts.log"), "--suggest")
    assert all(c.isprintable() for c in page.text.replace("\n", ""))
    for host in HOSTS:
        assert host.replace("\u202e", "\\u202e").replace("\x1b", "\\x1b") in page.text
    harmless = page_of("scan", written(tmp_path, error('msg="model"')))
    assert page.tags - {"br"} <= harmless.tags | {"p"}
    assert page.attributes == harmless.attributes
    assert len(page.scripts) == 3


def test_charts_take_no_markup_from_logs(tmp_path: Path) -> None:
    documents = [{"message": error(f'msg="model {host}"'), "host": {"name": host}} for host in HOSTS]
    path = written(tmp_path, *map(json.dumps, documents))
    _, hosts, messages = page_of("scan", path).figures
    shown = [*hosts["layout"]["yaxis"]["ticktext"], *(each["text"] for each in messages["layout"]["annotations"])]
    shown += [text for row in hosts["data"][0]["text"] for text in row] + [
        text for each in messages["data"] for text in each["hovertext"]
    ]
    assert len(shown) > 2 * len(HOSTS)
    assert {text.replace("<br>", "") for text in shown if "<" in text.replace("<br>", "")} == set()
    assert all(text.isprintable() for text in shown)
    assert hosts["layout"]["yaxis"]["tickvals"] == list(range(len(HOSTS)))


def test_secrets_are_blanked_out(tmp_path: Path) -> None:
    page = page_of("scan", written(tmp_path, error('msg="model of joe@example.org" err="Authorization: Bearer s3cr3t"')))
    assert "[REDACTED_EMAIL]" in page.text
    assert not [word for word in ("joe@", "s3cr3t") if word in page.source]


def test_what_is_left_out_is_told(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(pages, "MAX_FINDINGS", 2)
    lines = [error('msg="model"', at=f"2026-11-2{day}T09:00:00.000Z") for day in range(1, 6)]
    lines += [error(f'msg="model {n:02}" err="{"x" * 2_000}"', at="2026-11-29T09:00:00.000Z") for n in range(14)]
    page = page_of("scan", written(tmp_path, *lines), "--host", "gpu-1")
    assert "The 2 most severe; 4 more are not shown. --format json and csv write all of them." in page.text
    assert "The first 10 lines in time; 4 more: detect explain FILE... --finding " in page.text
    assert "model 09 and 4 more" in page.text
    assert "x" * pages.MAX_LINE not in page.source
    assert "Top messages Findings by message; a finding counts for each of its messages. 5 more messages." in page.text


def test_the_most_severe_finding_comes_first_and_of_those_the_first_in_time(tmp_path: Path) -> None:
    counts = {"2026-11-24": 1, "2026-11-25": 6, "2026-11-26": 3, "2026-11-27": 6}
    lines = [error('msg="model"', at=f"{day}T09:00:00.000Z") for day, count in counts.items() for _ in range(count)]
    shown = re.findall(r"(critical|high|medium) (2026-11-\d\d) 08:50 to 09:50", page_of("scan", written(tmp_path, *lines)).text)
    expected = [("critical", "2026-11-25"), ("critical", "2026-11-27"), ("high", "2026-11-26"), ("medium", "2026-11-24")]
    assert shown == expected


def test_scan_says_beside_the_page_what_it_says_beside_a_table(tmp_path: Path) -> None:
    path = written(tmp_path, error('msg="model"'), error('msg="all is well"', level="INFO"))
    said = "1 finding from 1 selected of 2 events, by 2 rules\n"
    assert said in detect("scan", path).err
    assert said in detect("scan", path, "--format", "html").err


def test_what_other_calls_told_is_counted(tmp_path: Path) -> None:
    path, state = written(tmp_path, error('msg="model"')), str(tmp_path / "state.json")
    assert "1 finding 1 medium From 1 selected of 1 events." in page_of("scan", path, "--new", "--state", state).text
    again = page_of("scan", path, "--new", "--state", state)
    assert "An earlier call with --new told of 1 more finding." in again.text
    assert "No findings." in again.text


def test_a_comparison_shows_the_findings_that_are_left(logs: list[str]) -> None:
    hosts = [each["host"] for each in detect("backtest", *logs, "--format", "json").json["results"][0]["by_host"]]
    Path("new.toml").write_text(f'[[filter]]\naction = "exclude"\nhost = "{hosts[0]}"\n', encoding="utf-8")
    page = page_of("backtest", *logs, "--compare", "new.toml", "--suggest")
    assert "Charts and findings are those of new.toml; the counts compare it with rules alone." in page.text
    assert "severity rules alone new.toml" in page.text
    assert "taken away by the filter in your settings" in page.text
    assert '[[filter]] action = "exclude"' in page.text
    heat_map = page.figures[1]
    assert heat_map["layout"]["yaxis"]["ticktext"] == hosts[1:]


def test_no_finding_makes_a_page_without_charts(tmp_path: Path) -> None:
    for verb in ("scan", "backtest"):
        page = page_of(verb, written(tmp_path, error('msg="all is well"', level="INFO")))
        assert "No findings." in page.text
        assert page.figures == []


def test_a_log_of_something_else_is_told(tmp_path: Path) -> None:
    assert "server.log: " in page_of("scan", written(tmp_path, "2026-11-24 nginx: hello", "2026-11-24 nginx: bye")).text


def test_rows_are_refused(tmp_path: Path) -> None:
    path = written(tmp_path, error('msg="model"'))
    for option in ("--all", "--spl-rows"):
        answer = detect("scan", path, "--format", "html", option)
        assert (answer.code, answer.out, "do not go with --format html" in answer.err) == (2, "", True)


@pytest.mark.parametrize("verb", ["scan", "backtest"])
def test_no_page_goes_to_a_terminal(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, verb: str) -> None:
    monkeypatch.setattr("integration.cli.page.document.sys", SimpleNamespace(stdout=SimpleNamespace(isatty=lambda: True)))
    answer = detect(verb, written(tmp_path, error('msg="model"')), "--format", "html")
    assert (answer.code, answer.out, "send it to a file, > report.html" in answer.err) == (2, "", True)


@pytest.mark.parametrize("verb", ["scan", "backtest"])
def test_without_its_packages_it_is_told_how_to_get_them(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, verb: str) -> None:
    monkeypatch.setitem(sys.modules, "plotly", None)
    answer = detect(verb, written(tmp_path, error('msg="model"')), "--format", "html")
    assert (answer.code, answer.out) == (2, "")
    assert "not installed (plotly): run `pip install 'ollama-detect[html]'`" in answer.err


@pytest.mark.parametrize(("form", "loaded"), [("json", set()), ("html", {"jinja2", "plotly"})])
def test_its_packages_are_imported_for_a_page_alone(tmp_path: Path, form: str, loaded: set[str]) -> None:
    script = "import sys\nfrom integration.cli import main\ntry: main()\nfinally: print(*sys.modules, file=sys.stderr)"
    arguments = ["scan", written(tmp_path, error('msg="model"')), "--format", form]
    ran = subprocess.run([sys.executable, "-c", script, *arguments], capture_output=True, text=True, check=True)
    assert set(ran.stderr.split()) & {"jinja2", "plotly"} == loaded


def test_each_place_is_one_that_explain_takes(tmp_path: Path) -> None:
    lines = ["", error('msg="all is well"', level="INFO"), "", error('msg="model 1"'), error('msg="model 2"')]
    text = ("\r\n".join(lines) + "\r\n").encode()
    (tmp_path / "plain.log").write_bytes(text)
    (tmp_path / "packed.log.gz").write_bytes(gzip.compress(text))
    for name in ("plain.log", "packed.log.gz"):
        path = tmp_path / name
        page = page_of("scan", str(path), "--host", "gpu-1")
        for number in (4, 5):
            assert f" {path}:{number} " in page.text
            found = detect("explain", f"{path}:{number}", "--format", "json").json["event"]["event"]["original"]
            assert found == lines[number - 1]
