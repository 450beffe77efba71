"""Building the cluster's image from Debian and Maven Central, where the official one cannot be pulled.

`python -m tests.support.docker.image` builds it and prints its name, for `DETECT_TEST_IMAGE`.
"""

from __future__ import annotations

import shutil
import sys
import tempfile
from pathlib import Path

import docker
from docker.errors import BuildError

from integration.sandbox.local.account import Account
from integration.sandbox.local.cache import Cache
from integration.sandbox.local.distribution import LOG_CONFIGURATION
from integration.sandbox.local.opensearch_home import OpenSearch
from tests.support.secured import security_plugin, with_security

VERSION = with_security(None)
NAME = "ollama-detect-test/opensearch:built"
_RECIPE = Path(__file__).parent / "image_files"
_SHOWN_LINES = 40
_SETTINGS = "network.host: 0.0.0.0\ncluster.name: docker-cluster\n"


def build(client: docker.DockerClient) -> str:
    """Build the image and give its name. Its base `debian:trixie-slim` must be there or be had.

    Raises `docker.errors.BuildError` when a step fails.
    """
    cache = Cache.open(Account.for_node())
    server = OpenSearch(VERSION)
    with tempfile.TemporaryDirectory() as scratch:
        context = Path(scratch, "context")
        shutil.copytree(_RECIPE, context)
        shutil.copytree(server.assemble(cache, _tell), context / "home")
        shutil.copytree(security_plugin(VERSION, cache, _tell), context / "security")
        (context / "config").mkdir()
        (context / "config" / "opensearch.yml").write_text(_SETTINGS, encoding="utf-8")
        (context / "config" / "log4j2.properties").write_text(LOG_CONFIGURATION, encoding="utf-8")
        client.images.build(path=str(context), tag=NAME, network_mode="host", rm=True)
    return NAME


def _tell(line: str) -> None:
    print(line, file=sys.stderr)  # noqa: T201


def main() -> None:
    """Build the image; print its name, or what the failed step printed."""
    client = docker.from_env()
    try:
        print(build(client))  # noqa: T201
    except BuildError as error:
        printed = "".join(str(line["stream"]) for line in error.build_log if "stream" in line)
        sys.exit("\n".join([*printed.splitlines()[-_SHOWN_LINES:], str(error)]))
    finally:
        client.close()


if __name__ == "__main__":
    main()
