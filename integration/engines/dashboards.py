"""OpenSearch Dashboards' HTTP API, as far as saved objects need it: its conventions and its tenants."""

from __future__ import annotations

from integration.engines.connection import Connection
from integration.engines.front_end import FrontEnd
from integration.errors import InputError

GLOBAL_TENANT = "global"
"""The tenant that everybody sees. Without a name, Dashboards may take the user's private one."""


class Dashboards(FrontEnd):
    """One tenant of an OpenSearch Dashboards; without its security plugin there are none, and the name counts for nothing.

    `InputError` for a name that no header can carry.
    """

    def __init__(self, connection: Connection, tenant: str = GLOBAL_TENANT) -> None:
        if not (tenant and tenant.isascii() and tenant.isprintable()):
            raise InputError(f"--tenant {tenant!r}: a tenant's name is sent in a header, so give it in printable ASCII characters")
        super().__init__(connection, {"osd-xsrf": "ollama-detect", "securitytenant": tenant})
