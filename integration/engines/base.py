"""The few requests to a cluster that Elasticsearch and OpenSearch answer alike."""

from __future__ import annotations

import json
import re
from abc import ABC, abstractmethod
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import AbstractContextManager, suppress
from typing import Any, ClassVar, Self
from urllib.parse import quote

from integration.engines.answers import ItemResult, Json
from integration.engines.faults import Call, not_a_cluster, reason
from integration.engines.retry import RETRY
from integration.errors import ClusterError, ConflictError, NotFoundError

Body = Json | list[Any] | str | None
Params = Mapping[str, str | int | bool]

CONNECTIONS = 16
BULK_BYTES = 5 * 1024 * 1024
_SCROLL = "5m"
# Half of a bulk answer is never read.
_ITEMS = "items.*._id,items.*._index,items.*.status,items.*.result,items.*.error"
_WHOLE: dict[str, str | int | bool] = {"allow_partial_search_results": False}
_NO_HITS: Json = {"hits": {"hits": []}}


class Engine(ABC):
    """A cluster, whichever engine it runs.

    Every method raises `ClusterError` or one of its kinds. Only requests that may safely reach the cluster twice are
    sent again after a fault. An engine holds connections: close it, or use it as a context manager.
    Several threads may use one engine.
    """

    name: ClassVar[str]
    """`opensearch` or `elasticsearch`."""
    _streaming_bulk: ClassVar[Callable[..., Iterable[tuple[bool, Json]]]]
    """The client's bulk helper, alike in both."""
    _client: Any

    def __init__(self, url: str, version_text: str, cluster_name: str) -> None:
        self.url = url
        self.version_text = version_text
        self.version = tuple(int(part) for part in re.findall(r"\d+", version_text)[:3])
        self.cluster_name = cluster_name

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def __repr__(self) -> str:
        return f"<{type(self).__name__} {self.version_text} at {self.url}>"

    def close(self) -> None:
        """Close the connections."""
        self._client.close()

    @abstractmethod
    def _send(self, method: str, path: str, body: Body, params: Params) -> object:
        """Send one request, once, and return the parsed answer."""

    @abstractmethod
    def _faults(self, method: str, path: str) -> AbstractContextManager[None]:
        """Turn the client's errors in a block into ours."""

    def _bulk(self, pairs: Iterable[tuple[str, str | Json]], chunk: int, options: Json) -> Iterator[Json]:
        """Run the client's bulk helper over pairs of header and source: the result of each, in order."""
        with self._faults("POST", f"/{options['index']}/_bulk"):
            results = self._streaming_bulk(
                self._client,
                pairs,
                chunk_size=chunk,
                max_chunk_bytes=BULK_BYTES,
                expand_action_callback=lambda pair: pair,
                raise_on_error=False,
                **options,
            )
            for _, action in results:
                yield action

    def request(self, method: str, path: str, body: Body = None, params: Params | None = None, *, retry: bool = False) -> Json:
        """Send any request, for an API that has no method here.

        Give `retry` only if the cluster may get it twice: never to create an object whose id the cluster chooses.
        """
        answer = (RETRY.wraps(self._send) if retry else self._send)(method, path, body, params or {})
        if not isinstance(answer, dict):
            raise not_a_cluster(Call(self.url, method, path), str(answer))
        return answer

    # Ingest pipelines and index templates

    def get_pipeline(self, name: str) -> Json | None:
        """Return the body of an ingest pipeline, None if there is none of that name."""
        found = self._get(_path("_ingest", "pipeline", name))
        return found and found.get(name)

    def put_pipeline(self, name: str, body: Json, *, if_version: int | None = None) -> None:
        """Create an ingest pipeline, or replace it.

        With `if_version`, which Elasticsearch alone takes, its version must still be that one, else `ConflictError`.
        """
        params = {} if if_version is None else {"if_version": if_version}
        try:
            # A guarded write that did reach the cluster would meet itself the second time and look like a conflict.
            self.request("PUT", _path("_ingest", "pipeline", name), body, params, retry=if_version is None)
        except ClusterError as error:
            if "version conflict, required version" in str(error):
                raise ConflictError(str(error)) from error
            raise

    def simulate(self, pipeline: str | Json, documents: Iterable[Json]) -> list[Json]:
        """Try a pipeline, stored under a name or given as a body, on documents' sources.

        One object a document: `{"doc": {"_source": ...}}`, or `{"error": ...}`.
        """
        docs = [{"_source": document} for document in documents]
        if isinstance(pipeline, str):
            path, body = _path("_ingest", "pipeline", pipeline, "_simulate"), Json(docs=docs)
        else:
            path, body = _path("_ingest", "pipeline", "_simulate"), Json(pipeline=pipeline, docs=docs)
        results: list[Json] = self.request("POST", path, body, retry=True)["docs"]
        return results

    def pipeline_failures(self, name: str) -> int:
        """Return on how many documents an ingest pipeline failed, on all nodes since they started."""
        nodes = self.request("GET", _path("_nodes", "stats", "ingest"), retry=True)["nodes"].values()
        return sum(node["ingest"]["pipelines"].get(name, {"failed": 0})["failed"] for node in nodes)

    def get_template(self, name: str) -> Json | None:
        """Return the body of a composable index template, None if there is none of that name."""
        found = self._get(_path("_index_template", name))
        return found and next(iter(found["index_templates"]))["index_template"]

    def put_template(self, name: str, body: Json) -> None:
        """Create an index template, or replace it."""
        self.request("PUT", _path("_index_template", name), body, retry=True)

    # Indices and data streams

    def backing_indices(self, name: str) -> list[str]:
        """Return the indices behind a data stream, oldest first; an index stands for itself; [] if there is neither."""
        found = self._get(_path(name, "_settings", "index.creation_date"), {"flat_settings": True}) or {}
        return sorted(found, key=lambda index: (int(found[index]["settings"]["index.creation_date"]), index))

    def exists(self, name: str) -> bool:
        """Return whether there is an index or a data stream of that name."""
        return bool(self.backing_indices(name))

    def get_mapping(self, name: str) -> dict[str, Json]:
        """Return the mapping of each index behind a name, by index; {} if there is none."""
        found = self._get(_path(name, "_mapping")) or {}
        return {index: body["mappings"] for index, body in found.items()}

    def put_mapping(self, name: str, body: Json) -> None:
        """Add to the mapping of an index, or of every index behind a data stream."""
        self.request("PUT", _path(name, "_mapping"), body, retry=True)

    def delete_index(self, name: str) -> bool:
        """Delete an index with its documents; False if there was none."""
        return self._delete(_path(name))

    def delete_data_stream(self, name: str) -> bool:
        """Delete a data stream with its documents; False if there was none."""
        # OpenSearch acknowledges the deletion of what never was.
        return self.exists(name) and self._delete(_path("_data_stream", name))

    def refresh(self, name: str) -> None:
        """Make all that was written so far visible to searches; nothing if there is no such index."""
        answer = self.request("POST", _path(name, "_refresh"), params={"ignore_unavailable": True}, retry=True)
        for failure in answer["_shards"].get("failures", ()):  # a copy that no node has is none
            raise ClusterError(
                f"{self.url} could not make what was written to {name} visible to searches: {reason(failure['reason'])}"
            )

    # Searches

    def search(self, index: str, body: Json, *, missing_ok: bool = True) -> Json:
        """Search, and get a whole answer or none: a failing shard is an error, not a gap, and so is an index that may not be read.

        With `missing_ok` a missing index has no hits, else it is a `NotFoundError`.
        """
        return self._ask(index, "_search", body, _WHOLE, missing_ok=missing_ok) or _NO_HITS

    def scan(self, index: str, body: Json, *, size: int = 1000) -> Iterator[Json]:
        """Yield every hit of a search, streamed by scroll, `size` hits a request.

        The order is that of `sort`, else none. A missing index has no hits. (The clients' helpers overlook failed shards.)
        """
        params = _WHOLE | {"scroll": _SCROLL, "size": size}
        page = self._ask(index, "_search", {"sort": ["_doc"]} | body, params, retry=False) or _NO_HITS
        scroll_id = page.get("_scroll_id")  # none over no index
        try:
            while hits := page["hits"]["hits"]:
                yield from hits
                # Never sent again: the cluster has moved on after an answer that was lost.
                page = self.request("POST", "/_search/scroll", {"scroll": _SCROLL, "scroll_id": scroll_id})
                self._check_shards(page, f"read all of {index}")
                scroll_id = page.get("_scroll_id")
        finally:
            # A scroll that cannot be closed closes by itself, and must not hide an error of the search.
            if scroll_id:
                with suppress(ClusterError):
                    self.request("DELETE", "/_search/scroll", {"scroll_id": [scroll_id]})

    def count(self, index: str, query: Json) -> int:
        """Count the documents that match; a missing index has none."""
        answer = self._ask(index, "_count", {"query": query}, {}) or {"count": 0, "_shards": {"total": 0, "successful": 0}}
        self._check_shards(answer, f"count in {index}")
        return int(answer["count"])

    # Documents

    def get_document(self, index: str, document_id: str) -> Json | None:
        """Return the source of a document by its id, None if there is none."""
        found = self._get(_path(index, "_doc", document_id))
        return found and found["_source"]

    def put_document(self, index: str, document_id: str, source: Json, *, version: int | None = None) -> None:
        """Store a document and make it searchable.

        With `version`, a number of the caller's own, the stored one must not have a higher version, else `ConflictError`.
        """
        params: dict[str, str | int | bool] = {"refresh": "true"}
        if version is not None:
            params |= {"version": version, "version_type": "external_gte"}
        self.request("PUT", _path(index, "_doc", document_id), source, params, retry=True)

    def bulk_create(
        self, index: str, documents: Iterable[tuple[str, str | Json]], *, chunk: int = 1000, pipeline: str | None = None
    ) -> Iterator[ItemResult]:
        """Create documents, given as id and source (a source may be JSON text already), `chunk` a request.

        A result a document, in order; an id that is there already gives status 409. An error that meets a whole
        request is raised; some of its documents may be stored then.
        """
        pairs = ((f'{{"create":{{"_id":{json.dumps(document_id)}}}}}', source) for document_id, source in documents)
        options = {"index": index, "filter_path": _ITEMS} | ({"pipeline": pipeline} if pipeline else {})
        return map(ItemResult.read, self._bulk(pairs, chunk, options))

    def bulk_upsert(self, index: str, documents: Iterable[tuple[str, Json]]) -> Iterator[ItemResult]:
        """Create or update documents by id, and make them searchable; one that is the same already is left alone.

        A result a document, in order: `created`, `updated`, `noop`, or an error.
        """
        pairs = (
            (json.dumps({"update": {"_id": document_id, "retry_on_conflict": 3}}), {"doc": source, "doc_as_upsert": True})
            for document_id, source in documents
        )
        return map(ItemResult.read, self._bulk(pairs, 1000, {"index": index, "refresh": "true", "filter_path": _ITEMS}))

    def _ask(self, index: str, api: str, body: Json, params: Params, *, missing_ok: bool = True, retry: bool = True) -> Json | None:
        """Return what a search gives, None if there is no such index; of several names a missing one is a fault."""
        # Not `ignore_unavailable`: Elasticsearch then takes an index that the user may not read for a missing one.
        try:
            return self.request("POST", _path(index, api), body, {**params, "allow_no_indices": missing_ok}, retry=retry)
        except NotFoundError as error:
            if missing_ok and "," not in index and "index_not_found_exception" in str(error):
                return None
            raise

    def _get(self, path: str, params: Params | None = None) -> Json | None:
        with suppress(NotFoundError):
            return self.request("GET", path, params=params, retry=True)
        return None

    def _delete(self, path: str) -> bool:
        with suppress(NotFoundError):
            self.request("DELETE", path)
            return True
        return False

    def _check_shards(self, answer: Json, purpose: str) -> None:
        """Refuse an answer that lacks a shard: one that no node has at the moment is not among the failed ones."""
        shards = answer["_shards"]
        if shards["successful"] < shards["total"]:
            causes = [reason(failure["reason"]) for failure in shards.get("failures", [])]
            why = next(iter(causes), "no node that is there has all of its shards; see the cluster's health")
            raise ClusterError(f"{self.url} could not {purpose}: {why}")


def _path(*parts: str) -> str:
    return "/" + "/".join(quote(part, safe=",*") for part in parts)
