"""Pages that a cluster has the memory to build: smaller ones where it says that it has not."""

from __future__ import annotations

from collections.abc import Callable

from integration.engines.answers import Json
from integration.errors import ClusterError, ThrottledError, TooManyBucketsError, UnavailableError


def asked_too_much(error: ClusterError) -> bool:
    """Return whether a request for less may succeed: no memory for the answer (429), or too many buckets.

    A missing shard (503) is not such a fault: no page is small enough for it.
    """
    return isinstance(error, TooManyBucketsError | ThrottledError) and not isinstance(error, UnavailableError)


def page_of(ask: Callable[[int], Json], size: int) -> tuple[Json, int]:
    """Return what `ask` answers for a page of `size`, or of the next smaller one that the cluster can build, and its size.

    Raises the error where a page of one is too much.
    """
    while True:
        try:
            return ask(size), size
        except ClusterError as error:
            if size == 1 or not asked_too_much(error):
                raise
            size = max(1, size // 10)
