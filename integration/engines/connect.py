"""From connection options to an engine, which the cluster's own first answer tells."""

from __future__ import annotations

import json
import re
import warnings
from collections.abc import Mapping
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

import urllib3
import urllib3.exceptions

from integration.engines.answers import Json
from integration.engines.base import Engine
from integration.engines.connection import Connection
from integration.engines.faults import Call, no_answer, refused
from integration.errors import ClusterError

if TYPE_CHECKING:
    from integration.engines.elasticsearch import Elasticsearch
    from integration.engines.opensearch import OpenSearch

_OLDEST = {"elasticsearch": (8,), "opensearch": (2,)}


def connect(connection: Connection) -> Engine:
    """Return the engine of the cluster at a connection.

    Raises `ClusterError` if the cluster cannot be reached or trusted, refuses, is no cluster, or is too old.
    """
    if connection.insecure and connection.url.startswith("https://"):
        host = re.escape(f"Unverified HTTPS request is being made to host '{urlsplit(connection.url).hostname}'")
        warnings.filterwarnings("ignore", host, urllib3.exceptions.InsecureRequestWarning)
    answer = _first_answer(connection)
    version = answer["version"]
    engine = _engine_class(version)(connection, str(version["number"]), str(answer.get("cluster_name", "")))
    if engine.version < _OLDEST[engine.name]:
        raise ClusterError(
            f"{connection.url} runs {type(engine).__name__} {engine.version_text}, which is too old: Elasticsearch 8, OpenSearch 2 "
            "or later is needed (an OpenSearch that gives an old number has compatibility.override_main_response_version)"
        )
    return engine


def _first_answer(connection: Connection) -> Json:
    """Return the cluster's answer to `GET /`, checked to be one."""
    call = Call(connection.url, "GET", "/")
    with urllib3.PoolManager(ssl_context=connection.ssl_context(), timeout=connection.timeout, retries=False) as pool:
        try:
            response = pool.request("GET", f"{connection.url}/", headers=connection.headers(), redirect=False)
        except urllib3.exceptions.HTTPError as error:
            raise no_answer(call, error) from error
        text = response.data.decode(errors="replace")
    if "kbn-name" in response.headers or "osd-name" in response.headers:
        raise ClusterError(f"{connection.url} is {_in_front(response.headers)}")
    try:
        answer = json.loads(text)
    except ValueError:
        answer = text
    if not 200 <= response.status < 300:
        raise refused(call, response.status, answer)
    if not (isinstance(answer, dict) and isinstance(answer.get("version"), dict) and "number" in answer["version"]):
        raise ClusterError(
            f"Neither Elasticsearch nor OpenSearch answers at {connection.url}, but something that sends "
            f"{response.headers.get('content-type', 'no content type')}: check --url, and a proxy in between"
        )
    return answer


def _in_front(headers: Mapping[str, str]) -> str:
    if "kbn-name" in headers:
        return "Kibana, not the cluster: its address goes to --kibana-url"
    return "OpenSearch Dashboards, not the cluster: its address goes to --dashboards-url"


def _engine_class(version: Json) -> type[Elasticsearch | OpenSearch]:
    """Import the one client that is needed: both together take longer to load than a short scan takes to run."""
    if version.get("distribution") == "opensearch":
        from integration.engines.opensearch import OpenSearch

        return OpenSearch
    from integration.engines.elasticsearch import Elasticsearch

    return Elasticsearch
