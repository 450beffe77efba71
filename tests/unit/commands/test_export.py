"""`detect export`: the files, what they hold, and what is never overwritten."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
import typer
from typer.testing import CliRunner

from integration.cli.export import export
from integration.commands.export import ENGINES, INDEX, exports, write
from integration.detection.loading import load_rules
from integration.errors import InputError
from integration.findings.filter import Filter
from integration.install.deployment import Deployment
from integration.names import Namespace
from tests.support.builders import RULE
from tests.support.fake_kibana import check_saved_rule
from tests.support.fake_saved_objects import KIBANA, OPENSEARCH_DASHBOARDS, Product, check_saved_object
from tests.support.filters import entry

NAMESPACE = Namespace("prod")
DEPLOYMENT = Deployment(NAMESPACE)


def run(*arguments: str) -> Any:
    app = typer.Typer()
    app.command()(export)
    return CliRunner().invoke(app, list(arguments))


def test_every_body_is_written_and_listed(tmp_path: Path) -> None:
    files, left_out = exports([RULE], ENGINES, DEPLOYMENT)
    states = write(tmp_path, files, left_out)
    assert left_out == []
    assert set(states.values()) == {"created"}
    listed = json.loads((tmp_path / INDEX).read_text(encoding="utf-8"))["files"]
    assert {entry["path"] for entry in listed} | {INDEX} == set(states)
    assert all(entry["request"] for entry in listed)


def test_what_kibana_imports_are_the_bodies_for_its_api(tmp_path: Path) -> None:
    write(tmp_path, *exports([RULE], ENGINES, DEPLOYMENT))
    alone = [path for path in (tmp_path / "kibana").iterdir() if path.name != "dashboards.ndjson"]
    kibana = {path.name: json.loads(path.read_text(encoding="utf-8")) for path in alone}
    assert kibana["detection_rules.ndjson"] == kibana[f"{RULE.id}.detection_rule.json"]
    saved = kibana["stack_rules.ndjson"]
    check_saved_rule(saved)
    assert saved["attributes"]["params"] == kibana[f"{RULE.id}.stack_rule.json"]["params"]


def test_one_engine_has_its_own_files_only() -> None:
    files, _ = exports([RULE], ["opensearch"], DEPLOYMENT)
    assert {file.path.split("/")[0] for file in files} == {"opensearch"}


def test_what_a_target_is_not_told_is_left_out_and_named(tmp_path: Path) -> None:
    post_filter = Filter((entry("exclude", contains={"error_messages": "disk"}),))
    files, left_out = exports([RULE], ENGINES, Deployment(NAMESPACE, None, post_filter))
    assert [each.path for each in left_out] == [
        f"elasticsearch/{RULE.id}.esql",
        f"kibana/{RULE.id}.detection_rule.json",
        f"kibana/{RULE.id}.stack_rule.json",
        f"opensearch/{RULE.id}.monitor.json",
    ]
    assert all("cannot be told `contains.error_messages`" in each.reason for each in left_out)
    assert [file.path for file in files if file.path.endswith(".ndjson")] == [
        "kibana/dashboards.ndjson",
        "opensearch/dashboards.ndjson",
    ]
    write(tmp_path, files, left_out)
    assert len(json.loads((tmp_path / INDEX).read_text())["left_out"]) == 4


@pytest.mark.parametrize(
    ("engine", "path", "product"),
    [
        ("elasticsearch", "kibana/dashboards.ndjson", KIBANA),
        ("opensearch", "opensearch/dashboards.ndjson", OPENSEARCH_DASHBOARDS),
    ],
)
def test_the_dashboard_is_a_file_for_the_import(engine: str, path: str, product: Product) -> None:
    files, left_out = exports([RULE], [engine], DEPLOYMENT)
    (file,) = [each for each in files if each.path == path]
    saved = [json.loads(line) for line in file.content.splitlines()]
    for each in saved:
        check_saved_object(each, product)
    assert saved[-1]["type"] == "dashboard"
    assert {(each["type"], each["id"]) for one in saved for each in one["references"]} < {(one["type"], one["id"]) for one in saved}
    _, left_out = exports([RULE], [engine], Deployment(NAMESPACE, "theirs-*"))
    assert [(each.path, "leave --dashboards out" in each.reason) for each in left_out if "dashboards" in each.path] == [
        (path, True)
    ]


def test_the_pipeline_has_the_zone_that_is_asked_for(tmp_path: Path) -> None:
    def pipelines(*options: str) -> list[bool]:
        assert run(str(tmp_path), "--force", *options).exit_code == 0
        files = [tmp_path / engine / "ingest_pipeline.ollama.server.json" for engine in ENGINES]
        return ["Europe/Berlin" in file.read_text(encoding="utf-8") for file in files]

    assert pipelines() == [False, False]
    assert pipelines("--gin-timezone", "Europe/Berlin") == [True, True]
    assert isinstance(run(str(tmp_path), "--gin-timezone", "CET").exception, InputError)


def test_changed_files_are_not_overwritten_unless_forced(tmp_path: Path) -> None:
    files, left_out = exports([RULE], ENGINES, DEPLOYMENT)
    write(tmp_path, files, left_out)
    assert set(write(tmp_path, files, left_out).values()) == {"unchanged"}
    mine, gone = tmp_path / files[0].path, tmp_path / files[1].path
    mine.write_text("mine")
    gone.unlink()
    with pytest.raises(InputError, match="nothing was written"):
        write(tmp_path, files, left_out)
    assert mine.read_text() == "mine"
    assert not gone.exists()
    states = write(tmp_path, files, left_out, force=True)
    assert (states[files[0].path], states[files[1].path]) == ("updated", "created")
    assert mine.read_text() == files[0].content


def test_a_folder_that_cannot_be_used_is_told(tmp_path: Path) -> None:
    (tmp_path / "elasticsearch").write_text("a file")
    with pytest.raises(InputError, match="elasticsearch"):
        write(tmp_path, *exports([RULE], ENGINES, DEPLOYMENT))


def test_the_verb_writes_and_tells(tmp_path: Path) -> None:
    folder = tmp_path / "bodies"
    result = run(str(folder), "--namespace", "soc", "--format", "json")
    assert result.exit_code == 0
    told = {entry["path"]: entry["state"] for entry in json.loads(result.stdout)["files"]}
    assert set(told.values()) == {"created"}
    assert {path.relative_to(folder).as_posix() for path in folder.rglob("*") if path.is_file()} == set(told)
    assert "logs-ollama.server-soc" in (folder / f"elasticsearch/{RULE.id}.esql").read_text()
    assert len([path for path in told if path.endswith(".esql")]) == len(load_rules())
    again = run(str(folder), "--namespace", "other", "--engine", "opensearch")
    assert isinstance(again.exception, InputError)
    assert run(str(folder), "--namespace", "soc").stdout.count(": unchanged") == len(told)


def test_bodies_carry_the_filter(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    Path("detect.toml").write_text("[[filter]]\naction = 'exclude'\nhost = 'lab-*'")
    assert run("bodies", "--namespace", NAMESPACE.name).exit_code == 0
    assert '"lab-"' in Path(f"bodies/opensearch/{RULE.id}.monitor.json").read_text()
    assert 'LIKE \\"lab-*\\"' in Path(f"bodies/kibana/{RULE.id}.detection_rule.json").read_text()
    assert 'LIKE "lab-*"' in Path(f"bodies/elasticsearch/{RULE.id}.esql").read_text()
