"""How long events are kept: a data stream lifecycle on Elasticsearch, a policy of Index State Management (ISM) on OpenSearch."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from functools import partial
from typing import Any

from integration.engines.base import Engine
from integration.errors import ClusterError, ForbiddenError, InputError, MissingApiError, NotFoundError
from integration.install.comparison import Difference, changes
from integration.install.named_object import SharedObject
from integration.install.objects import Connections, Leftover
from integration.install.ownership import OWNER
from integration.names import DATASETS

NO_RETENTION = "none"
"""The word for events that are kept until somebody deletes them."""
POLICY = "ollama-detect-retention"
_PATTERN = ",".join(dataset.pattern for dataset in DATASETS)
_TIME = re.compile(r"[1-9][0-9]{0,4}[dh]")
_ROLLOVER = {"min_index_age": "1d", "min_primary_shard_size": "50gb"}


def retention_of(text: str) -> str:
    """Return a time to keep events, days or hours, or `none`, if it is one; `InputError` otherwise."""
    if text != NO_RETENTION and not _TIME.fullmatch(text):
        raise InputError(f"--retention {text!r}: give days or hours such as 30d or 12h, or {NO_RETENTION}")
    return text


def lifecycle(retention: str) -> dict[str, Any]:
    """Return the lifecycle of data streams as a template of Elasticsearch has it."""
    return {"enabled": True, "data_retention": retention}


def objects(engine: str, retention: str) -> list[SharedObject]:
    """Return what keeps the events of an engine no longer than that, besides the templates."""
    return [Lifecycles(retention)] if engine == "elasticsearch" else [Policy(retention)]


def ended(connections: Connections) -> Iterator[Leftover]:
    """Yield what an earlier installation made for a retention that shall be no more."""
    for each in objects(connections.engine.name, ""):
        found = each.fetch(connections)
        if found is not None and each.is_ours(found):
            yield Leftover(each.kind, each.name, "", partial(each.delete, connections, found))


def policy_retention(engine: Engine) -> str | None:
    """Return the time that our policy on OpenSearch keeps events, None where there is none or it may not be read."""
    try:
        found = engine.request("GET", f"/_plugins/_ism/policies/{POLICY}", retry=True)
    except (ForbiddenError, MissingApiError, NotFoundError):
        return None
    return str(found["policy"]["states"][0]["transitions"][0]["conditions"]["min_rollover_age"])


class Lifecycles(SharedObject):
    """The lifecycles of the data streams that are there already, which no template changes, by the data stream's name."""

    kind = "data stream lifecycle"
    api = "/_data_stream"

    def __init__(self, retention: str) -> None:
        super().__init__(_PATTERN, {"data_retention": retention})

    @property
    def request(self) -> str:
        """The request that sets the lifecycles."""
        return f"PUT {self._path}"

    @property
    def _path(self) -> str:
        return f"{self.api}/{self.name}/_lifecycle"

    def fetch(self, connections: Connections) -> dict[str, Any]:
        """Read the lifecycle of every data stream; without any, there is nothing to differ.

        `InputError` where the cluster has no lifecycles.
        """
        engine = connections.engine
        if not engine.get_mapping(self.name):
            return {}
        try:
            found = engine.request("GET", self._path, retry=True)["data_streams"]
        except MissingApiError as error:
            raise InputError(
                f"--retention: Elasticsearch {engine.version_text} at {engine.url} has no data stream lifecycles, which delete "
                "old indices there (8.11 has them); nothing was changed"
            ) from error
        return {each["name"]: each.get("lifecycle", {}).get("data_retention") for each in found}

    def put(self, connections: Connections, _found: dict[str, Any] | None) -> None:
        """Set the lifecycle of every data stream."""
        connections.engine.request("PUT", self._path, self.body, retry=True)

    def delete(self, connections: Connections, found: dict[str, Any]) -> None:
        """Take the lifecycle of every data stream away: what is stored stays."""
        if found:
            connections.engine.request("DELETE", self._path)

    def is_ours(self, _found: dict[str, Any]) -> bool:
        """Whoever made a data stream of this name, its events are kept as long as was asked for."""
        return True

    def compare(self, found: dict[str, Any]) -> Iterator[Difference]:
        """Yield the data streams that keep their events for another time."""
        wanted = self.body["data_retention"]
        return ((f"{name}.data_retention", wanted, has) for name, has in found.items() if has != wanted)


class Policy(SharedObject):
    """The ISM policy, and which index it is attached to: it attaches itself to new ones alone.

    An index with a policy of somebody else's keeps that one.
    """

    kind = "ISM policy"
    api = "/_plugins/_ism/policies"

    def __init__(self, retention: str) -> None:
        description = f"Deletes Ollama's events {retention} after their index was rolled over [{OWNER} retention]"
        keep = {
            "name": "keep",
            "actions": [{"rollover": _ROLLOVER}],
            "transitions": [{"state_name": "delete", "conditions": {"min_rollover_age": retention}}],
        }
        delete = {"name": "delete", "actions": [{"delete": {}}], "transitions": []}
        template = {"index_patterns": _PATTERN.split(","), "priority": 100}
        body = {"description": description, "default_state": "keep", "states": [keep, delete], "ism_template": [template]}
        super().__init__(POLICY, {"policy": body})

    def fetch(self, connections: Connections) -> dict[str, Any] | None:
        """Read the policy and what it manages; `InputError` where the cluster has no ISM."""
        engine = connections.engine
        try:
            found = super().fetch(connections)
        except MissingApiError as error:
            raise InputError(_without_plugin(engine)) from error
        return found and found | {"attached": _attached(engine)}

    def unwrapped(self, answer: dict[str, Any]) -> dict[str, Any]:
        """Return the whole answer, since the next write must name the version in it."""
        return answer

    def put(self, connections: Connections, found: dict[str, Any] | None) -> None:
        """Create or replace the policy, if nobody else did meanwhile, and attach it to the indices that have none."""
        engine = connections.engine
        versions = {f"if_{name}": found[f"_{name}"] for name in ("seq_no", "primary_term")} if found else {}
        engine.request("PUT", f"{self.api}/{self.name}", self.body, versions)
        attached = _attached(engine)
        self._attach(engine, "add", [index for index, policy in attached.items() if policy is None])
        self._attach(engine, "change_policy", [index for index, policy in attached.items() if policy == self.name])

    def delete(self, connections: Connections, found: dict[str, Any]) -> None:
        """Detach the policy from its indices, which stay, and delete it."""
        ours = [index for index, policy in _attached(connections.engine).items() if policy == self.name]
        if ours:
            connections.engine.request("POST", f"/_plugins/_ism/remove/{','.join(ours)}")
        super().delete(connections, found)

    def is_ours(self, found: dict[str, Any]) -> bool:
        """Look for the ownership tag in the policy."""
        return super().is_ours(found["policy"])

    def compare(self, found: dict[str, Any]) -> Iterator[Difference]:
        """Yield where the policy differs, and the indices that it should manage and nobody does."""
        for path, desired, there in changes(self.body, found):
            if desired is not None:
                yield path, desired, there
        yield from ((f"{index}.policy_id", self.name, None) for index, policy in found["attached"].items() if policy is None)

    def verify(self, connections: Connections) -> None:
        """Read the policy itself back: of what it manages, ISM tells after a while."""
        found = super().fetch(connections)
        self.refuse(["the whole policy"] if found is None else [path for path, _, _ in self.compare(found | {"attached": {}})])

    def _attach(self, engine: Engine, api: str, indices: Iterable[str]) -> None:
        if names := ",".join(indices):
            answer = engine.request("POST", f"/_plugins/_ism/{api}/{names}", {"policy_id": self.name}, retry=True)
            for failed in answer.get("failed_indices", ()):
                raise ClusterError(f"{self.kind} {self.name!r} was not attached to {failed['index_name']}: {failed['reason']}")


def _attached(engine: Engine) -> dict[str, str | None]:
    """Return the policy of each index of events, by its name."""
    indices = sorted(engine.get_mapping(_PATTERN))
    if not indices:
        return {}
    found = engine.request("GET", f"/_plugins/_ism/explain/{','.join(indices)}", retry=True)
    return {index: found.get(index, {}).get("index.plugins.index_state_management.policy_id") for index in indices}


def _without_plugin(engine: Engine) -> str:
    return (
        f"--retention: OpenSearch {engine.version_text} at {engine.url} has no Index State Management, which deletes old indices "
        "there; nothing was changed. Install the plugin opensearch-index-management, or roll the data stream over each day and "
        "delete its oldest indices yourself: POST /DATA_STREAM/_rollover, DELETE /INDEX"
    )
