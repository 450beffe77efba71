"""Elasticsearch 8 and 9, through the client of version 9."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

import elastic_transport
import elasticsearch
import elasticsearch.helpers
import urllib3
from elastic_transport.client_utils import DEFAULT

from integration.engines.base import CONNECTIONS, Body, Engine, Params
from integration.engines.faults import Call, no_answer, not_a_cluster, refused

if TYPE_CHECKING:
    from integration.engines.connection import Connection

_JSON = {"accept": "application/json", "content-type": "application/json"}


class Elasticsearch(Engine):
    """An Elasticsearch cluster."""

    name = "elasticsearch"
    _streaming_bulk = staticmethod(elasticsearch.helpers.streaming_bulk)

    def __init__(self, connection: Connection, version_text: str, cluster_name: str) -> None:
        super().__init__(connection.url, version_text, cluster_name)
        self._client = elasticsearch.Elasticsearch(
            hosts=[connection.url],
            headers=connection.headers(),
            request_timeout=connection.timeout,
            connections_per_node=CONNECTIONS,
            max_retries=0,  # the client would send any request again, also one that makes a new object each time
            node_class=_Node,
            transport_class=_Transport8 if self.version < (9,) else elastic_transport.Transport,
            ssl_context=connection.ssl_context() or DEFAULT,
        )

    def _send(self, method: str, path: str, body: Body, params: Params) -> object:
        with self._faults(method, path):
            answer: object = self._client.perform_request(method, path, params=params, headers=_JSON, body=body).body
        return answer

    @contextmanager
    def _faults(self, method: str, path: str) -> Iterator[None]:
        call = Call(self.url, method, path)
        try:
            yield
        except elasticsearch.UnsupportedProductError as error:
            raise not_a_cluster(call, str(error.body)) from error
        except elasticsearch.ApiError as error:
            raise refused(call, error.meta.status, error.body) from error
        except elasticsearch.SerializationError as error:
            raise not_a_cluster(call, str(error)) from error
        except elasticsearch.TransportError as error:
            raise no_answer(call, error.__cause__ or error) from error


class _Transport8(elastic_transport.Transport):
    """Asks for the answers of version 8: a server of version 8 refuses the media type of the client's own version."""

    def perform_request(self, method: str, target: str, *, headers: Any = None, **options: Any) -> Any:
        fitting = {name: value.replace("compatible-with=9", "compatible-with=8") for name, value in (headers or {}).items()}
        return super().perform_request(method, target, headers=fitting, **options)


class _Node(elastic_transport.Urllib3HttpNode):
    """Trusts exactly the CAs of the TLS context: the client's node would add the public ones to it."""

    def __init__(self, config: elastic_transport.NodeConfig) -> None:
        super().__init__(config)
        if isinstance(self.pool, urllib3.HTTPSConnectionPool):
            self.pool.ca_certs = None
            self.pool.cert_reqs = None
