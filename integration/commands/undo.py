"""`detect ingest --undo`: lines of files out of the data stream again, of all machines or one."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any
from urllib.parse import quote

from integration.engines.base import Engine
from integration.errors import PartlyAppliedError
from integration.log.documents import resolved
from integration.log.redaction import redact

_STEP = 10_000
"""Documents a request: one request over all might take longer than an answer is waited for."""


def lines_of_files(files: Sequence[str], host: str | None = None) -> dict[str, Any]:
    """Return the query of the lines that were ingested from files, and from each file in a zip; with a host of its lines alone."""
    paths = [redact(resolved(file)) for file in files]  # as the pipeline stores them
    alternatives = [{"terms": {"log.file.path": paths}}, *({"prefix": {"log.file.path": f"{path}/"}} for path in paths)]
    of_host = [{"term": {"host.name": redact(host)}}] if host else []
    return {"bool": {"filter": [{"bool": {"should": alternatives, "minimum_should_match": 1}}, *of_host]}}


def undo(engine: Engine, index: str, query: dict[str, Any], on_deleted: Callable[[int], None]) -> int:
    """Delete what a query finds, and return how many documents that were; `on_deleted` hears of each step.

    Raises `PartlyAppliedError` if some could not be deleted.
    """
    deleted = 0
    path = f"/{quote(index)}/_delete_by_query"
    while True:
        answer = engine.request("POST", path, {"query": query}, {"max_docs": _STEP, "conflicts": "proceed", "refresh": True})
        step = int(answer["deleted"])
        deleted += step
        on_deleted(step)
        if not step:
            break
    if left := engine.count(index, query):
        raise PartlyAppliedError(f"{deleted:,} lines were taken out of {index}, but {left:,} are still there: run it again")
    return deleted
