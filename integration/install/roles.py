"""The roles as objects on a cluster: put, compared and removed as every other object that `detect install` makes."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from integration.detection.model import Rule
from integration.engines.base import Engine
from integration.errors import InputError, MissingApiError
from integration.install.named_object import SharedObject
from integration.install.ownership import shared_tag, shared_tag_text
from integration.install.role_bodies import roles

# What engines add to a role by themselves, and the values that say nothing.
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


class Role(SharedObject):
    """A role, without whatever the engine adds to it; `InputError` where the cluster's security is off."""

    kind = "role"

    def unwrapped(self, answer: dict[str, Any]) -> dict[str, Any] | None:
        """Return the role in the answer to reading it."""
        role: dict[str, Any] | None = answer.get(self.name)
        return role and _plain(role)

    def send(self, engine: Engine, method: str, body: dict[str, Any] | None = None) -> dict[str, Any]:
        """Send a request about the role."""
        try:
            return super().send(engine, method, body)
        except MissingApiError as error:
            raise InputError(f"{engine.url} has no roles: its security is off or not there; nothing was changed") from error


class ElasticsearchRole(Role):
    """A role of Elasticsearch, with the ownership tag in its metadata."""

    api = "/_security/role"


class OpenSearchRole(Role):
    """A role of OpenSearch's security plugin, which has no place for the ownership tag but the description."""

    api = "/_plugins/_security/api/roles"


def role_objects(engine: str, rules: Sequence[Rule], index: str | None = None) -> list[Role]:
    """Return every role for an engine, and for work with these rules.

    `index` is a pattern of the user's own events, which the readers may read then.
    """
    made: list[Role] = []
    for name, body in roles(engine, index).items():
        if engine == "elasticsearch":
            made.append(ElasticsearchRole(name, _plain(body | {"metadata": body["metadata"] | shared_tag(body, rules)})))
        else:
            made.append(
                OpenSearchRole(name, _plain(body | {"description": f"{body['description']} {shared_tag_text(body, rules)}"}))
            )
    return made


def _plain(value: Any) -> Any:
    """Take out what has its default value, and sort lists of names, which engines keep in an order of their own."""
    if isinstance(value, dict):
        return {key: _plain(item) for key, item in value.items() if item not in _DEFAULTS.get(key, ())}
    if isinstance(value, list):
        items = [_plain(item) for item in value]
        return sorted(items, key=str)
    return value
