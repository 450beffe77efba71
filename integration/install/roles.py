"""The roles as objects on a cluster: put, compared and removed as every other object that `detect install` makes."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, ClassVar
from urllib.parse import quote

from integration.detection.model import Rule
from integration.engines.base import Engine
from integration.errors import ClusterError, InputError, NotFoundError
from integration.install.objects import Asset
from integration.install.ownership import is_marked, is_marked_text, mark, mark_text, versions_of
from integration.install.role_bodies import roles

# What an API without a security plugin behind it says.
_NO_SECURITY = ("no handler found", "Unknown API", "security_exception: Security must be explicitly enabled")
# What engines add to a role by themselves, and these values say nothing.
_DEFAULTS: dict[str, tuple[object, ...]] = {
    "allow_restricted_indices": (False,),
    "applications": ([],),
    "dls": (None, ""),
    "fls": ([],),
    "global": ([], {}),
    "hidden": (False,),
    "masked_fields": ([],),
    "remote_cluster": ([],),
    "remote_indices": ([],),
    "reserved": (False,),
    "run_as": ([],),
    "static": (False,),
    "tenant_permissions": ([],),
    "transient_metadata": ({"enabled": True}, {}),
}


class RoleAsset(Asset):
    """A role, without whatever the engine adds to it; `InputError` where the cluster's security is off."""

    kind: ClassVar[str] = "role"
    api: ClassVar[str]

    def fetch(self, engine: Engine) -> dict[str, Any] | None:
        """Read the role."""
        try:
            found = self._request(engine, "GET")
        except NotFoundError:
            return None
        role: dict[str, Any] | None = found.get(self.name)
        return role and _plain(role)

    def put(self, engine: Engine, found: Mapping[str, Any] | None) -> None:  # noqa: ARG002 - no engine guards a role
        """Create or replace the role."""
        self._request(engine, "PUT", self.body)

    def delete(self, engine: Engine) -> bool:
        """Delete the role."""
        try:
            self._request(engine, "DELETE")
        except NotFoundError:
            return False
        return True

    def _request(self, engine: Engine, method: str, body: dict[str, Any] | None = None) -> dict[str, Any]:
        try:
            return engine.request(method, f"{self.api}/{quote(self.name)}", body, retry=method != "DELETE")
        except ClusterError as error:
            if any(words in str(error) for words in _NO_SECURITY):
                raise InputError(f"{engine.url} has no roles: its security is off or not there; nothing was changed") from error
            raise


class ElasticsearchRole(RoleAsset):
    """A role of Elasticsearch, marked in its metadata."""

    api = "/_security/role"

    def is_ours(self, found: dict[str, Any]) -> bool:
        """Look for the mark in the metadata."""
        return is_marked(found.get("metadata"))


class OpenSearchRole(RoleAsset):
    """A role of OpenSearch's security plugin, which has no place for a mark but the description."""

    api = "/_plugins/_security/api/roles"

    def is_ours(self, found: dict[str, Any]) -> bool:
        """Look for the mark in the description."""
        return is_marked_text(found.get("description"))


def role_assets(engine: str, rules: Sequence[Rule], index: str | None = None) -> list[RoleAsset]:
    """Return every role for an engine, and for work with these rules.

    `index` is a pattern of the user's own events, which the readers may read then.
    """
    versions = versions_of(rules)
    made: list[RoleAsset] = []
    for name, body in roles(engine, index).items():
        if engine == "elasticsearch":
            metadata = body["metadata"] | mark(body, versions)
            made.append(ElasticsearchRole(name, _plain(body | {"metadata": metadata})))
        else:
            description = f"{body['description']} {mark_text(body, versions)}"
            made.append(OpenSearchRole(name, _plain(body | {"description": description})))
    return made


def _plain(value: Any) -> Any:
    """Take out what is as it is by default; engines keep lists of names in an order of their own."""
    if isinstance(value, dict):
        return {key: _plain(item) for key, item in value.items() if item not in _DEFAULTS.get(key, ())}
    if isinstance(value, list):
        items = [_plain(item) for item in value]
        return sorted(items, key=str)
    return value
