"""Kibana's HTTP API, as far as rules and dashboards need it: its conventions and its spaces."""

from __future__ import annotations

from urllib.parse import quote

from integration.engines.connection import Connection
from integration.engines.front_end import FrontEnd
from integration.errors import InputError, NotFoundError

DEFAULT_SPACE = "default"
# Kibana refuses to change anything for a request without the first; the second names the version of its public API.
_CONVENTIONS = {"kbn-xsrf": "ollama-detect", "elastic-api-version": "2023-10-31"}


class Kibana(FrontEnd):
    """One space of a Kibana."""

    def __init__(self, connection: Connection, space: str = DEFAULT_SPACE) -> None:
        super().__init__(connection, _CONVENTIONS)
        self.space = space

    def check(self) -> str:
        """Return Kibana's version; `InputError` when there is no such space: of a rule in it, Kibana says that there is none."""
        version = super().check()
        if self.space != DEFAULT_SPACE:
            try:
                self._send_again("GET", f"/api/spaces/space/{quote(self.space, safe='')}", None)
            except NotFoundError as error:
                raise InputError(f"{self.url} has no space {self.space!r}: check --space") from error
        return version

    def _located(self, path: str, params: dict[str, str] | None) -> str:
        prefix = "" if self.space == DEFAULT_SPACE else f"/s/{quote(self.space, safe='')}"
        return prefix + super()._located(path, params)
