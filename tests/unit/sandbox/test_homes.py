from __future__ import annotations

import zipfile
from collections.abc import Callable
from pathlib import Path

import pytest

from integration.errors import InputError
from integration.sandbox.local import elasticsearch_home
from integration.sandbox.local.cache import Cache
from integration.sandbox.local.distribution import Layout, jvm_options
from integration.sandbox.local.elasticsearch_home import RELEASES, Elasticsearch, unpack
from integration.sandbox.local.opensearch_home import MODULES, OpenSearch
from integration.sandbox.local.servers import distribution

POM = """<project xmlns="http://maven.apache.org/POM/4.0.0"><dependencies>
<dependency><groupId>g</groupId><artifactId>needed</artifactId><version>1</version></dependency>
<dependency><groupId>g</groupId><artifactId>log4j-core</artifactId><version>2.25.4</version><optional>true</optional></dependency>
</dependencies></project>"""
# Fetches the server's pom; then, for each module of our own pom, one jar of its own and one that the server has too.
FAKE_MVN = f"""
if [ ! -e lib ]; then
  for version in 3.4.0 2.19.1; do echo '{POM}' > opensearch-$version.pom; done
  exit
fi
grep -q '<artifactId>log4j-core</artifactId><version>2.25.4</version>' lib/pom.xml || exit 1
for pom in */pom.xml; do
  set="${{pom%/pom.xml}}"; jars="$set/target/dependency"
  mkdir -p "$jars"; touch "$jars/shared.jar" "$jars/$set.jar"
done
"""


def make_zip(path: Path, *names: str) -> Path:
    with zipfile.ZipFile(path, "w") as archive:
        for name in names:
            archive.writestr(name, name)
    return path


def files(folder: Path) -> set[str]:
    return {path.relative_to(folder).as_posix() for path in folder.rglob("*") if path.is_file()}


def test_a_module_is_described_as_the_server_wants() -> None:
    module = next(module for module in MODULES if module.name == "ingest-common")
    assert module.descriptor("3.4.0", OpenSearch("3.4.0").release).splitlines() == [
        "name=ingest-common",
        "description=The module ingest-common",
        "version=3.4.0",
        "opensearch.version=3.4.0",
        "java.version=21",
        "classname=org.opensearch.ingest.common.IngestCommonModulePlugin",
        "extended.plugins=lang-painless",
    ]
    assert [module.name for module in MODULES if module.extends] == ["ingest-common", "analysis-common"]
    older = module.descriptor("2.19.1", OpenSearch("2.19.1").release).splitlines()
    assert "java.version=11" in older
    assert "classname=org.opensearch.ingest.common.IngestCommonPlugin" in older


def test_opensearch_is_laid_out_without_a_class_twice(cache: Cache, on_path: Callable[[str, str], Path], said: list[str]) -> None:
    on_path("mvn", FAKE_MVN)
    home = OpenSearch("3.4.0").assemble(cache, said.append)
    assert home.name.startswith("opensearch-3.4.0")
    assert {path.name for path in (home / "lib").iterdir()} == {"shared.jar", "lib.jar"}
    for module in MODULES:
        names = {path.name for path in (home / "modules" / module.name).iterdir()}
        assert names == {f"{module.name}.jar", "plugin-descriptor.properties"}
    assert (home / "bin").is_dir()
    assert (home / "plugins").is_dir()
    assert said == ["Fetching OpenSearch 3.4.0 from Maven Central: about 60 MB, once"]


def test_under_a_security_manager_each_module_has_a_policy(cache: Cache, on_path: Callable[[str, str], Path]) -> None:
    on_path("mvn", FAKE_MVN)
    home = OpenSearch("2.19.1").assemble(cache, print)
    for module in MODULES:
        assert "grant" in (home / "modules" / module.name / "plugin-security.policy").read_text()


def test_an_assembled_opensearch_needs_no_maven(
    cache: Cache, on_path: Callable[[str, str], Path], monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    on_path("mvn", FAKE_MVN)
    home = OpenSearch("3.4.0").assemble(cache, print)
    monkeypatch.setenv("PATH", str(tmp_path))
    assert OpenSearch("3.4.0").assemble(cache, print) == home


def test_elasticsearch_is_taken_out_of_the_zip(tmp_path: Path) -> None:
    archive = make_zip(
        tmp_path / "sonar.zip",
        "sonarqube-26/bin/elasticsearch",
        "sonarqube-26/bin/linux-x86-64/sonar.sh",
        "sonarqube-26/elasticsearch/lib/elasticsearch.jar",
        "sonarqube-26/elasticsearch/lib/tools/server-launcher/server-launcher",
        "sonarqube-26/elasticsearch/lib/tools/server-launcher/launcher.jar",
        "sonarqube-26/elasticsearch/bin/elasticsearch-env",
        "sonarqube-26/elasticsearch/bin/elasticsearch.bat",
        "sonarqube-26/lib/sonar.jar",
    )
    home = tmp_path / "home"
    home.mkdir()
    unpack(archive, home)
    assert files(home) == {
        "bin/elasticsearch",
        "bin/elasticsearch-env",
        "lib/elasticsearch.jar",
        "lib/tools/server-launcher/launcher.jar",
    }
    assert (home / "bin" / "elasticsearch").stat().st_mode & 0o111 == 0o111


def test_a_zip_cannot_write_outside(tmp_path: Path) -> None:
    archive = make_zip(tmp_path / "evil.zip", "sonarqube-26/elasticsearch/../../../evil", "sonarqube-26/bin/elasticsearch")
    unpack(archive, tmp_path / "home" / "deeper" / "still")
    assert files(tmp_path) == {"evil.zip", "home/deeper/still/evil", "home/deeper/still/bin/elasticsearch"}


def test_a_full_disk_is_noticed_before_the_download(cache: Cache, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(elasticsearch_home, "_BYTES_WHILE_FETCHING", 10**18)
    with pytest.raises(InputError, match="Make room, or set DETECT_CACHE_DIR"):
        Elasticsearch("9.4.3").assemble(cache, print)


@pytest.mark.parametrize("version", RELEASES)
def test_elasticsearch_calls_nobody_and_needs_a_full_java(version: str) -> None:
    server = Elasticsearch(version)
    assert server.settings["xpack.security.enabled"] is False
    assert sum(name.startswith("xpack.inference.elastic.") for name in server.settings) == 1
    assert server.java.modules == {"jdk.jdi", "jdk.jlink"}


def test_the_jvm_gets_the_heap_and_the_nodes_own_folders(tmp_path: Path) -> None:
    layout = Layout(tmp_path)
    assert f"-Djava.io.tmpdir={tmp_path}/tmp" in jvm_options(layout)
    arguments = OpenSearch("3.4.0").launch(Path("/j"), Path("/h"), layout, ("-Xmx1g",)).arguments
    assert arguments[:2] == ("/j/bin/java", "-Xmx1g")
    launch = Elasticsearch("9.4.3").launch(Path("/j"), Path("/h"), layout, ("-Xmx1g",))
    assert launch.arguments == ("/h/bin/elasticsearch",)
    assert launch.environment["ES_PATH_CONF"] == f"{tmp_path}/config"
    assert launch.files == {"jvm.options": "-Xmx1g\n"}


def test_loaded_classes_are_kept_where_the_java_can() -> None:
    assert OpenSearch("3.8.0").keeps_classes
    assert not OpenSearch("2.19.6").keeps_classes  # it runs on Java 11, too
    assert not any(Elasticsearch(version).keeps_classes for version in RELEASES)


def test_servers_are_found_by_engine_and_version() -> None:
    assert distribution("opensearch") == OpenSearch("3.8.0")
    assert distribution("elasticsearch") == Elasticsearch("9.4.3")
    assert distribution("opensearch", "2.19.6") == OpenSearch("2.19.6")
    assert distribution("elasticsearch", "8.19.13") == Elasticsearch("8.19.13")
    with pytest.raises(InputError, match="Choose opensearch or elasticsearch"):
        distribution("solr")
    with pytest.raises(InputError, match=r"elasticsearch 7\.0 is not .*Choose 9\.4\.3 or 8\.19\.13"):
        distribution("elasticsearch", "7.0")
