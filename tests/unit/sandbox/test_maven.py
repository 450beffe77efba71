from __future__ import annotations

import xml.etree.ElementTree as ET
from collections.abc import Callable
from pathlib import Path

import pytest

from integration.errors import InputError, NodeError
from integration.sandbox.local.maven import Artifact, Maven

SERVER = Artifact("org.example.server", "server", "1.0")
NAMESPACE = {"m": "http://maven.apache.org/POM/4.0.0"}
PutOnPath = Callable[[str, str], Path]


def test_without_maven_the_message_says_how_to_get_it(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))
    with pytest.raises(InputError, match=r"`mvn` is not on PATH.*apt install maven") as raised:
        Maven(print)
    assert raised.value.exit_code == 2


def test_an_artifact_lies_where_maven_puts_it() -> None:
    artifact = Artifact("org.sonarsource.sonarqube", "sonar-application", "26.9", "zip")
    assert artifact.path == Path("org/sonarsource/sonarqube/sonar-application/26.9/sonar-application-26.9.zip")
    assert artifact.coordinates == "org.sonarsource.sonarqube:sonar-application:26.9:zip"


def test_jars_are_fetched_in_sets_by_one_call(tmp_path: Path, on_path: PutOnPath) -> None:
    on_path(
        "mvn",
        'echo call >> calls; echo "$@" > arguments\n'
        "for set in lib reindex; do mkdir -p $set/target/dependency; touch $set/target/dependency/$set.jar; done",
    )
    scratch = tmp_path / "scratch"
    scratch.mkdir()
    jars = Maven(print).copy_jars({"lib": [SERVER], "reindex": [Artifact("g", "a&b", "2")]}, scratch)
    assert {name: [jar.name for jar in found] for name, found in jars.items()} == {"lib": ["lib.jar"], "reindex": ["reindex.jar"]}
    assert (scratch / "calls").read_text() == "call\n"
    assert "copy-dependencies" in (scratch / "arguments").read_text()
    top = ET.parse(scratch / "pom.xml")
    assert [module.text for module in top.findall("m:modules/m:module", NAMESPACE)] == ["lib", "reindex"]
    names = ET.parse(scratch / "reindex" / "pom.xml").findall("m:dependencies/m:dependency/m:artifactId", NAMESPACE)
    assert [name.text for name in names] == ["a&b"]


def test_optional_dependencies_are_those_that_the_artifacts_own_pom_names(tmp_path: Path, on_path: PutOnPath) -> None:
    pom = """<project xmlns="http://maven.apache.org/POM/4.0.0"><dependencies>
<dependency><groupId>g</groupId><artifactId>needed</artifactId><version>1</version></dependency>
<dependency><groupId>g</groupId><artifactId>log</artifactId><version>2.25.4</version><optional>true</optional></dependency>
</dependencies></project>"""
    on_path("mvn", f"echo '{pom}' > server-1.0.pom; echo \"$@\" > arguments")
    assert Maven(print).optional_dependencies(SERVER, tmp_path) == [Artifact("g", "log", "2.25.4")]
    assert (
        f":copy -Dartifact=org.example.server:server:1.0:pom -DoutputDirectory={tmp_path}" in (tmp_path / "arguments").read_text()
    )


def test_a_big_file_goes_to_a_repository_that_can_be_thrown_away(tmp_path: Path, on_path: PutOnPath) -> None:
    on_path(
        "mvn",
        'for argument; do case "$argument" in -Dmaven.repo.local=*) repository="${argument#*=}" ;; esac; done\n'
        f'mkdir -p "$repository/{SERVER.path.parent}"; echo jar > "$repository/{SERVER.path}"; echo "$@" > arguments',
    )
    found = Maven(print).fetch(SERVER, tmp_path)
    assert found.read_text() == "jar\n"
    assert tmp_path in found.parents
    assert "-Dtransitive=false" in (tmp_path / "arguments").read_text()


def test_progress_is_reported_while_maven_works(
    tmp_path: Path, on_path: PutOnPath, said: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("integration.sandbox.local.maven._SECONDS_BETWEEN_REPORTS", 0.1)
    on_path("mvn", "head -c 3000000 /dev/zero > part; sleep 0.5")
    Maven(said.append).fetch(SERVER, tmp_path)
    assert any("3 MB fetched" in line for line in said)


def test_mavens_own_complaint_is_passed_on(tmp_path: Path, on_path: PutOnPath) -> None:
    on_path("mvn", 'echo "[INFO] Scanning"; echo "[ERROR] Could not find artifact x"; echo "[ERROR]"; exit 1')
    with pytest.raises(NodeError, match="Could not find artifact x") as raised:
        Maven(print).fetch(SERVER, tmp_path)
    assert "Scanning" not in str(raised.value)
    assert raised.value.exit_code == 3
