"""The JSON events that no rule reads: how many there are, and what of them went past their pipeline."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from integration.commands.losses import Loss
from integration.engines.base import Engine
from integration.errors import ForbiddenError
from integration.names import API, PROMPTS, Namespace


@dataclass(frozen=True, slots=True)
class JsonEvents:
    """The documents of a data stream, and those that its pipeline never saw."""

    index: str
    count: int
    past_pipeline: Loss


def json_events(engine: Engine, namespace: Namespace) -> Iterator[JsonEvents]:
    """Count the events of the API and the prompts of a namespace; whoever may not read them is told nothing of them."""
    for dataset in (API, PROMPTS):
        index = namespace.stream(dataset)
        past: dict[str, Any] = {"bool": {"must_not": [{"term": {"event.dataset": dataset.name}}]}}
        try:
            count, lost = engine.count(index, {"match_all": {}}), engine.count(index, past)
        except ForbiddenError:
            continue
        if count:
            advice = f"name the pipeline in the request (pipeline={dataset.pipeline}), and send these through it now"
            mend = f"{advice}:\nPOST /{index}/_update_by_query?pipeline={dataset.pipeline}\n{json.dumps({'query': past})}"
            text = "never went through the pipeline, so that prompts and secrets are stored as they came"
            yield JsonEvents(index, count, Loss("past_pipeline", lost, fault=True, text=text, mend=mend))
