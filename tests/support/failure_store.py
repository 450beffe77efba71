"""An Elasticsearch with a failure store.

The one on Maven Central lacks two things for it, which a plugin made here gives back: the module that tells that a node has the
feature, and the one with the field type `match_only_text`, here `text`. The failure store itself is Elasticsearch's own.
"""

from __future__ import annotations

import shutil
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from integration.sandbox.local import Node, NodeOptions, running_node
from integration.sandbox.local.account import Account
from integration.sandbox.local.cache import Cache, Report
from integration.sandbox.local.java import find_java
from integration.sandbox.local.servers import distribution

_FEATURES = """
package detect;
public class Features implements org.elasticsearch.features.FeatureSpecification {
  public java.util.Set<org.elasticsearch.features.NodeFeature> getFeatures() {
    return java.util.Set.of(org.elasticsearch.cluster.metadata.DataStream.DATA_STREAM_FAILURE_STORE_FEATURE);
  }
}
"""
_PLUGIN = """
package detect;
import org.elasticsearch.index.mapper.Mapper;
import org.elasticsearch.index.mapper.TextFieldMapper;
public class Plugin extends org.elasticsearch.plugins.Plugin implements org.elasticsearch.plugins.MapperPlugin {
  public java.util.Map<String, Mapper.TypeParser> getMappers() {
    return java.util.Map.of("match_only_text", TextFieldMapper.PARSER);
  }
}
"""
_DESCRIPTOR = """name=failure-store
description=What a failure store needs
version={version}
elasticsearch.version={version}
java.version={java}
classname=detect.Plugin
"""


@contextmanager
def node_with_failure_store(version: str | None) -> Iterator[Node]:
    """Start an Elasticsearch of version 9 whose data streams may have a failure store."""

    def report(line: str) -> None:
        print(line, file=sys.stderr)  # noqa: T201

    with running_node("elasticsearch", version, options=NodeOptions(home=_home(version, report)), report=report) as node:
        yield node


def _home(version: str | None, report: Report) -> Path:
    server = distribution("elasticsearch", version)
    account = Account.for_node()
    cache = Cache.open(account)
    java = find_java(server.java, account, cache, report)

    def build(home: Path) -> None:
        shutil.copytree(server.assemble(cache, report), home, dirs_exist_ok=True)
        plugin = home / "plugins" / "failure-store"
        plugin.mkdir(parents=True)
        descriptor = _DESCRIPTOR.format(version=server.version, java=server.java.release)
        (plugin / "plugin-descriptor.properties").write_text(descriptor)
        with tempfile.TemporaryDirectory() as scratch:
            classes = Path(scratch) / "classes"
            services = classes / "META-INF" / "services"
            services.mkdir(parents=True)
            (services / "org.elasticsearch.features.FeatureSpecification").write_text("detect.Features\n")
            sources = {"Features.java": _FEATURES, "Plugin.java": _PLUGIN}
            for name, source in sources.items():
                (Path(scratch) / name).write_text(source)
            options = ["--release", str(server.java.release), "-cp", f"{home / 'lib'}/*", "-d", str(classes)]
            subprocess.run([java / "bin" / "javac", *options, *sources], cwd=scratch, check=True)
            subprocess.run([java / "bin" / "jar", "cf", plugin / "failure-store.jar", "-C", classes, "."], check=True)

    return cache.assembled(f"elasticsearch-failure-store-{server.version}-1", build, report)
