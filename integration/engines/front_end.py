"""What Kibana and OpenSearch Dashboards have in common over HTTP: conventions, saved objects, errors."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any, Self
from urllib.parse import urlencode

import urllib3
import urllib3.exceptions

from integration.engines.connection import Connection
from integration.engines.faults import Call, no_answer, not_a_cluster, refused
from integration.engines.retry import RETRY
from integration.errors import ClusterError, MissingApiError, NotFoundError

_JSON = "application/json"
_NDJSON = "application/ndjson"


class FrontEnd:
    """A Kibana or an OpenSearch Dashboards, and the part of it where our objects are.

    Methods raise `ClusterError` or one of its kinds. Only reading is tried again after a fault: a change may be made already.
    It holds connections: close it, or use it as a context manager.
    """

    space = ""
    """What tells apart the places in it that share ids; "" where there is but one."""

    def __init__(self, connection: Connection, conventions: Mapping[str, str]) -> None:
        self.url = connection.url
        self._headers = {"accept": _JSON, **conventions, **connection.headers()}
        self._pool = urllib3.PoolManager(ssl_context=connection.ssl_context(), timeout=connection.timeout, retries=False)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def close(self) -> None:
        """Close the connections."""
        self._pool.clear()

    def check(self) -> str:
        """Return the version; `ClusterError` when something else answers."""
        try:
            answer = self._send_again("GET", "/api/status", None)
        except MissingApiError as error:  # which a cluster says, and nothing in front of one
            hint = "check --kibana-url and --dashboards-url"
            raise ClusterError(f"{self.url} is a cluster, not what stands in front of one: {hint}") from error
        if not isinstance(answer.get("version"), dict):
            raise not_a_cluster(Call(self.url, "GET", "/api/status"), str(answer))
        return str(answer["version"].get("number"))

    def get(self, path: str, params: dict[str, str] | None = None) -> dict[str, Any] | None:
        """Read an object, None if there is none."""
        try:
            return self._send_again("GET", self._located(path, params), None)
        except NotFoundError:
            return None

    def send(self, method: str, path: str, body: object = None, params: dict[str, str] | None = None) -> dict[str, Any]:
        """Change something, in one request; the answer is empty where none is given."""
        return self._send(method, self._located(path, params), body)

    def search(self, path: str, body: object) -> dict[str, Any]:
        """Read by a request that carries a body."""
        return self._send_again("POST", self._located(path, None), body)

    def upload(self, path: str, name: str, content: str, params: dict[str, str]) -> dict[str, Any]:
        """Send a file of JSON lines as a form does, in one request."""
        form, kind = urllib3.encode_multipart_formdata({"file": (name, content, _NDJSON)})
        return self._exchange("POST", self._located(path, params), form, kind)

    def _located(self, path: str, params: dict[str, str] | None) -> str:
        return f"{path}{'?' + urlencode(params) if params else ''}"

    def _send_again(self, method: str, path: str, body: object) -> dict[str, Any]:
        return RETRY.wraps(self._send)(method, path, body)

    def _send(self, method: str, path: str, body: object) -> dict[str, Any]:
        return self._exchange(method, path, None if body is None else json.dumps(body).encode(), _JSON)

    def _exchange(self, method: str, path: str, content: bytes | None, kind: str) -> dict[str, Any]:
        call = Call(self.url, method, path, "--kibana-url, --dashboards-url")
        headers = self._headers | {"content-type": kind}
        try:
            response = self._pool.request(method, self.url + path, body=content, headers=headers, redirect=False)
        except urllib3.exceptions.HTTPError as error:
            raise no_answer(call, error) from error
        text = response.data.decode(errors="replace")
        try:
            answer = json.loads(text) if text else {}
        except (ValueError, RecursionError):
            answer = text
        if not 200 <= response.status < 300:
            message = answer.get("message") if isinstance(answer, dict) else None
            raise refused(call, response.status, message or answer)
        if not isinstance(answer, dict):
            raise not_a_cluster(call, text)
        return answer
