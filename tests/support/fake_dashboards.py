"""OpenSearch Dashboards on 127.0.0.1, as far as saved objects go: its conventions, credentials and tenants."""

from __future__ import annotations

import base64
from typing import Self

from tests.support.fake_cluster import Answer, FakeCluster, Request
from tests.support.fake_saved_objects import OPENSEARCH_DASHBOARDS, SavedObjects

USER, PASSWORD = "admin", "secret"
PRIVATE = "__user__"
"""The tenant of a request that names none."""


class FakeDashboards:
    """An OpenSearch Dashboards that runs until it is closed; `objects` holds what it keeps, by tenant, type and id."""

    def __init__(self) -> None:
        self.objects = SavedObjects(OPENSEARCH_DASHBOARDS)
        self._server = FakeCluster(Answer("", 302, {"location": "/app", "osd-name": "dashboards"}))
        self._server.on(".*", r"/.+", self._answer)
        self.url = self._server.url

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self._server.close()

    def asked(self, method: str, path: str = ".*") -> list[Request]:
        """Return the requests that were made."""
        return self._server.asked(method, path)

    def _answer(self, request: Request) -> Answer:
        token = base64.b64encode(f"{USER}:{PASSWORD}".encode()).decode()
        if request.headers.get("authorization") != f"Basic {token}":
            return Answer({"statusCode": 401, "error": "Unauthorized", "message": "Authentication Exception"}, 401)
        if request.method != "GET" and "osd-xsrf" not in request.headers:
            message = "Request must contain a osd-xsrf header."
            return Answer({"statusCode": 400, "error": "Bad Request", "message": message}, 400)
        if request.path == "/api/status":
            return Answer({"name": "dashboards", "version": {"number": "3.4.0"}})
        return self.objects.answer(request, request.headers.get("securitytenant", PRIVATE), request.path)
