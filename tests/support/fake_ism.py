"""OpenSearch's Index State Management as its documentation describes it: policies, and the indices that they manage.

No artifact holds the plugin itself. What it adds to a policy, what it demands of a write and how it refuses are from its reference.
"""

from __future__ import annotations

import copy
from typing import Any

from tests.support.fake_cluster import Answer, FakeCluster, Request

_MANAGED = "This index already has a policy, use the update policy API to update index policies"


class FakeIsm(FakeCluster):
    """A cluster with ISM; `indices` are the backing indices of the data streams of events, with the policy of each."""

    def __init__(self, *indices: str) -> None:
        super().__init__()
        self.policies: dict[str, dict[str, Any]] = {}
        self.indices: dict[str, str | None] = dict.fromkeys(indices)
        self.writes = 0
        self.on("GET", "/logs-[^/]*/_mapping", lambda _: Answer({index: {"mappings": {}} for index in self.indices}))
        self.on("GET", "/_plugins/_ism/policies/.*", lambda request: self._policy(_last(request)))
        self.on("PUT", "/_plugins/_ism/policies/.*", self._put)
        self.on("DELETE", "/_plugins/_ism/policies/.*", self._delete)
        self.on("GET", "/_plugins/_ism/explain/.*", self._explain)
        self.on("POST", "/_plugins/_ism/(add|change_policy|remove)/.*", self._attach)

    def _policy(self, name: str) -> Answer:
        if name not in self.policies:
            return Answer({"error": {"type": "status_exception", "reason": "Policy not found"}, "status": 404}, 404)
        return Answer(copy.deepcopy(self.policies[name]))

    def _put(self, request: Request) -> Answer:
        before = self.policies.get(name := _last(request))
        given = (request.query.get("if_seq_no"), request.query.get("if_primary_term"))
        if before and given != (str(before["_seq_no"]), str(before["_primary_term"])):
            return Answer({"error": {"type": "version_conflict_engine_exception", "reason": "conflict"}, "status": 409}, 409)
        policy = request.json["policy"]
        for state in policy["states"]:
            for action in state["actions"]:
                action["retry"] = {"count": 3, "backoff": "exponential", "delay": "1m"}
        for template in policy["ism_template"]:
            template["last_updated_time"] = 1795510800000
        policy |= {"policy_id": name, "last_updated_time": 1795510800000, "schema_version": 21, "error_notification": None}
        self.writes += 1
        self.policies[name] = {"_id": name, "_version": self.writes, "_seq_no": self.writes, "_primary_term": 1, "policy": policy}
        return self._policy(name)

    def _delete(self, request: Request) -> Answer:
        if self.policies.pop(_last(request), None) is None:
            return self._policy(_last(request))
        return Answer({"result": "deleted"})

    def _explain(self, request: Request) -> Answer:
        key = "index.plugins.index_state_management.policy_id"
        found = {index: {key: self.indices[index]} for index in _last(request).split(",")}
        return Answer({**found, "total_managed_indices": len(found)})

    def _attach(self, request: Request) -> Answer:
        api, names = request.path.split("/")[3:5]
        failed = []
        for index in names.split(","):
            if api == "add" and self.indices[index] is not None:
                failed.append({"index_name": index, "index_uuid": "u", "reason": _MANAGED})
            else:
                self.indices[index] = None if api == "remove" else request.json["policy_id"]
        return Answer({"updated_indices": len(names) - len(failed), "failures": bool(failed), "failed_indices": failed})


def _last(request: Request) -> str:
    return request.path.rpartition("/")[2]
