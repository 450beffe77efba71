"""Kibana's HTTP API, as far as rules need it: its conventions, its spaces, its errors."""

from __future__ import annotations

import json
from typing import Any, Self
from urllib.parse import quote, urlencode

import urllib3
import urllib3.exceptions

from integration.engines.connection import Connection
from integration.engines.faults import Call, no_answer, not_a_cluster, refused
from integration.engines.retry import RETRY
from integration.errors import InputError, NotFoundError

DEFAULT_SPACE = "default"
_JSON = {"accept": "application/json", "content-type": "application/json"}
# Kibana refuses to change anything for a request without the first; the second names the version of its public API.
_CONVENTIONS = {"kbn-xsrf": "ollama-detect", "elastic-api-version": "2023-10-31"}


class Kibana:
    """One space of a Kibana.

    Methods raise `ClusterError` or one of its kinds. Only reading is tried again after a fault: a change may be made already.
    It holds connections: close it, or use it as a context manager.
    """

    def __init__(self, connection: Connection, space: str = DEFAULT_SPACE) -> None:
        self.url = connection.url
        self.space = space
        self._headers = {**_JSON, **_CONVENTIONS, **connection.headers()}
        self._pool = urllib3.PoolManager(ssl_context=connection.ssl_context(), timeout=connection.timeout, retries=False)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def close(self) -> None:
        """Close the connections."""
        self._pool.clear()

    def check(self) -> str:
        """Return Kibana's version; `InputError` when there is no such space: of a rule in it, Kibana says that there is none."""
        answer = self._send_again("GET", "/api/status", None)
        if "version" not in answer:
            raise not_a_cluster(Call(self.url, "GET", "/api/status"), str(answer))
        if self.space != DEFAULT_SPACE:
            try:
                self._send_again("GET", f"/api/spaces/space/{quote(self.space, safe='')}", None)
            except NotFoundError as error:
                raise InputError(f"{self.url} has no space {self.space!r}: check --space") from error
        return str(answer["version"]["number"])

    def get(self, path: str, params: dict[str, str] | None = None) -> dict[str, Any] | None:
        """Read an object of the space, None if there is none."""
        try:
            return self._send_again("GET", self._in_space(path, params), None)
        except NotFoundError:
            return None

    def send(self, method: str, path: str, body: object = None, params: dict[str, str] | None = None) -> dict[str, Any]:
        """Change something in the space, in one request; the answer is empty where Kibana gives none."""
        return self._send(method, self._in_space(path, params), body)

    def search(self, path: str, body: object) -> dict[str, Any]:
        """Read by a request that carries a body."""
        return self._send_again("POST", self._in_space(path, None), body)

    def _in_space(self, path: str, params: dict[str, str] | None) -> str:
        prefix = "" if self.space == DEFAULT_SPACE else f"/s/{quote(self.space, safe='')}"
        return f"{prefix}{path}{'?' + urlencode(params) if params else ''}"

    def _send_again(self, method: str, path: str, body: object) -> dict[str, Any]:
        return RETRY.wraps(self._send)(method, path, body)

    def _send(self, method: str, path: str, body: object) -> dict[str, Any]:
        call = Call(self.url, method, path)
        content = None if body is None else json.dumps(body).encode()
        try:
            response = self._pool.request(method, self.url + path, body=content, headers=self._headers, redirect=False)
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
