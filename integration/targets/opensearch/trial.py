"""A monitor tried over a past run, without alerts: one that fails when its schedule runs it raises none, and says nothing."""

from __future__ import annotations

import json
import time
from collections.abc import Mapping
from typing import Any

from integration.detection.model import Rule
from integration.engines.base import Engine, Params
from integration.errors import ClusterError
from integration.render.aggregation import BY_HOST
from integration.targets.opensearch.body import PERIOD_END

# Without the buckets, which are as large as a log's author likes.
_FAULTS = "error,input_results.error,trigger_results.*.error"
_TIME_ALONE: Params = {"allow_partial_search_results": False, "ignore_unavailable": True, "filter_path": "took"}


def trial_fault(engine: Engine, rule: Rule, body: Mapping[str, Any], stored_at: str | None = None) -> str | None:
    """Let Alerting evaluate the last scheduled run, and return what went wrong; a stored monitor is tried at its own path."""
    run = rule.windows.last_run(int(time.time() * 1000))
    options: Params = {"dryrun": True, "period_end": f"{run.run_at}ms", "filter_path": _FAULTS}
    path = f"{stored_at or '/_plugins/_alerting/monitors'}/_execute"
    answer = engine.request("POST", path, None if stored_at else dict(body), options, retry=True)
    faults = [answer.get("error"), answer.get("input_results", {}).get("error")]
    faults += [trigger.get("error") for trigger in answer.get("trigger_results", {}).values()]
    fault = next((str(fault) for fault in faults if fault), None)
    return fault and (_cause(engine, body, run.run_at) or fault)


def _cause(engine: Engine, body: Mapping[str, Any], run_at: int) -> str | None:
    """Search as a monitor does, with each of its conditions: of what a shard or a script complains, Alerting tells nothing."""
    search = body["inputs"][0]["search"]
    text = json.dumps(search["query"]).replace(PERIOD_END, str(run_at))
    for wrapped in body["triggers"]:
        query = json.loads(text)
        condition = wrapped["bucket_level_trigger"]["condition"]
        selector = {key: condition[key] for key in ("buckets_path", "script")}
        query["aggregations"][BY_HOST]["aggregations"]["condition"] = {"bucket_selector": selector}
        try:
            engine.request("POST", f"/{','.join(search['indices'])}/_search", query, _TIME_ALONE, retry=True)
        except ClusterError as error:
            return str(error)
    return None
