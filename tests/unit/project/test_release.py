"""A release: the version in one place, the same bytes from the same sources, pinned versions."""

from __future__ import annotations

import hashlib
import os
import re
import shutil
import subprocess
import sys
import tomllib
import zipfile
from email.parser import Parser
from pathlib import Path

import pytest
from packaging.requirements import Requirement

import integration

ROOT = Path(__file__).parents[3]
PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))
SHIPPED = ["pyproject.toml", ".gitignore", *PROJECT["tool"]["hatch"]["build"]["targets"]["sdist"]["include"]]
LOCK = (ROOT / "requirements.lock").read_text(encoding="utf-8")


def copy_sources(target: Path, *, stamp: int, mode: int) -> None:
    """Copy what a release is built from; each file gets another time and other rights than git gave it."""
    for name in SHIPPED:
        if (ROOT / name).is_dir():
            shutil.copytree(ROOT / name, target / name, ignore=shutil.ignore_patterns("__pycache__"))
        elif (ROOT / name).exists():
            shutil.copy(ROOT / name, target / name)
    for path in target.rglob("*"):
        if path.is_file():
            path.chmod(mode)
            os.utime(path, (stamp, stamp))


def build(sources: Path, *, stamp: int, mode: int) -> dict[str, bytes]:
    """Build the wheel and the sdist, and give them by name."""
    sources.mkdir()
    copy_sources(sources, stamp=stamp, mode=mode)
    command = [sys.executable, "-m", "build", "--no-isolation", "--sdist", "--wheel"]
    environment = os.environ | {"SOURCE_DATE_EPOCH": "1795500000", "TZ": "Pacific/Apia" if stamp % 2 else "UTC"}
    subprocess.run(command, cwd=sources, env=environment, check=True, capture_output=True)
    return {path.name: path.read_bytes() for path in (sources / "dist").iterdir()}


@pytest.fixture(scope="module")
def builds(tmp_path_factory: pytest.TempPathFactory) -> list[dict[str, bytes]]:
    folder = tmp_path_factory.mktemp("release")
    return [
        build(folder / "one", stamp=1_700_000_000, mode=0o644),
        build(folder / "another-place", stamp=1_750_000_001, mode=0o600),
    ]


@pytest.mark.tools
def test_two_builds_are_equal_to_the_byte(builds: list[dict[str, bytes]]) -> None:
    digests = [{name: hashlib.sha256(data).hexdigest() for name, data in made.items()} for made in builds]
    assert digests[0] == digests[1]
    stem = f"ollama_detect-{integration.__version__}"
    assert set(digests[0]) == {f"{stem}-py3-none-any.whl", f"{stem}.tar.gz"}


@pytest.mark.tools
def test_the_wheel_has_the_version_and_the_asset_folders(builds: list[dict[str, bytes]], tmp_path: Path) -> None:
    (wheel,) = [data for name, data in builds[0].items() if name.endswith(".whl")]
    (tmp_path / "wheel").write_bytes(wheel)
    with zipfile.ZipFile(tmp_path / "wheel") as archive:
        names = archive.namelist()
        metadata = Parser().parsestr(archive.read(next(n for n in names if n.endswith("/METADATA"))).decode())
    assert metadata["Version"] == integration.__version__
    assert "integration/py.typed" in names
    assert "integration/rules/ollama_possible_rce_via_model_loading.yml" in names
    assert "integration/rules/tests/ollama_possible_rce_via_model_loading/labels.yml" in names
    assert "integration/ingest_pipelines/ollama.server.yml" in names
    assert {f"integration/cli/page/{name}" for name in ("page.html", "page.css", "charts.js")} <= set(names)
    assert not [name for name in names if name.startswith(("tests/", "benchmarks/"))]


def test_the_version_stands_in_one_place() -> None:
    assert PROJECT["project"]["dynamic"] == ["version"]
    assert "version" not in PROJECT["project"]
    newest = re.search(r"^## (\S+)", (ROOT / "CHANGELOG.md").read_text(encoding="utf-8"), re.MULTILINE)
    assert newest is not None
    assert newest[1] == integration.__version__


def test_the_lock_pins_every_dependency_in_its_range_with_hashes() -> None:
    entries = re.findall(r"^(\S+?)==(\S+)((?: ;.*?)?) \\\n((?:    --hash=\S+(?: \\)?\n)+)", LOCK, re.MULTILINE)
    pinned = {name: version for name, version, _, _ in entries}
    assert len(entries) == len(re.findall(r"^[A-Za-z]", LOCK, re.MULTILINE))
    for text in PROJECT["project"]["dependencies"]:
        wanted = Requirement(text)
        assert wanted.specifier.contains(pinned[wanted.name.lower()]), text


def test_the_lock_names_no_registry() -> None:
    assert "://" not in LOCK
    assert "index-url" not in LOCK
