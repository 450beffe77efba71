"""OpenSearch 2 and 3, through opensearch-py."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING

import opensearchpy
import opensearchpy.helpers

from integration.engines.base import CONNECTIONS, Body, Engine, Params
from integration.engines.faults import Call, no_answer, not_a_cluster, refused

if TYPE_CHECKING:
    from integration.engines.connection import Connection


class OpenSearch(Engine):
    """An OpenSearch cluster."""

    name = "opensearch"
    _streaming_bulk = staticmethod(opensearchpy.helpers.streaming_bulk)

    def __init__(self, connection: Connection, version_text: str, cluster_name: str) -> None:
        super().__init__(connection.url, version_text, cluster_name)
        self._client = opensearchpy.OpenSearch(
            hosts=[connection.url],
            headers=connection.headers(),
            ssl_context=connection.ssl_context(),
            timeout=connection.timeout,
            pool_maxsize=CONNECTIONS,
            max_retries=0,  # the client would send any request again, also one that makes a new object each time
        )

    def _send(self, method: str, path: str, body: Body, params: Params) -> object:
        # The transport writes parameters as they are: the client's own methods lower-case a truth value before it.
        texts = {key: str(value).lower() if isinstance(value, bool) else str(value) for key, value in params.items()}
        with self._faults(method, path):
            answer: object = self._client.transport.perform_request(method, path, params=texts, body=body)
        return answer

    @contextmanager
    def _faults(self, method: str, path: str) -> Iterator[None]:
        call = Call(self.url, method, path)
        try:
            yield
        except opensearchpy.ConnectionError as error:
            cause = error.info
            raise no_answer(call, cause if isinstance(cause, BaseException) else error) from error
        except opensearchpy.TransportError as error:
            raise refused(call, int(error.status_code), error.info or error.error) from error
        except opensearchpy.SerializationError as error:
            raise not_a_cluster(call, str(error)) from error
