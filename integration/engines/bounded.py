"""Answers no larger than the caller wants to hold: what a log's author can make large, a cluster would send whole."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from functools import partial
from typing import TYPE_CHECKING, Any

import urllib3

from integration.engines.faults import AnswerCutError
from integration.errors import AnswerTooLargeError, ClusterError, ThrottledError, TooManyBucketsError, UnavailableError

if TYPE_CHECKING:
    from collections.abc import Callable

    from integration.engines.answers import Json

MAX_ANSWER = 32 << 20
"""What a search may answer where a log's author decides how much that is, in bytes."""
# What says that less must be asked at a time; the second when a node has no memory for it.
_TOO_MUCH = (TooManyBucketsError, ThrottledError, AnswerTooLargeError)
_most: ContextVar[int | None] = ContextVar("most", default=None)


@contextmanager
def answers_up_to(most: int) -> Iterator[None]:
    """Allow the answers to requests of this block `most` bytes each; a larger one is an `AnswerTooLargeError`."""
    token = _most.set(most)
    try:
        yield
    finally:
        _most.reset(token)


def bounded(ask: Callable[[], Json]) -> Json | ClusterError:
    """Ask for an answer of up to `MAX_ANSWER` bytes; gives the error back when less must be asked at a time.

    Raises every other error. A missing shard is one, though the cluster then seems busy: no page is small enough for that.
    """
    try:
        with answers_up_to(MAX_ANSWER):
            return ask()
    except UnavailableError:
        raise
    except _TOO_MUCH as error:
        return error


class Pages:
    """How many documents to ask for at a time, where one may be as large as a log's author likes.

    One at first, then twice as many after each answer, up to `largest`: a node builds a whole answer in its memory before it sends
    any of it, and does not live through a thousand large documents.
    """

    def __init__(self, largest: int) -> None:
        self._largest = largest
        self._size = 1

    def ask(self, ask: Callable[[int], Json], most: int | None = None) -> tuple[Json, int]:
        """Let `ask` get a page of so many documents (`most` at most), a smaller one where that is too much; gives its size too.

        Raises the error where one document alone is too much.
        """
        self._size = self._size if most is None else min(self._size, most)
        while isinstance(answer := bounded(partial(ask, self._size)), ClusterError):
            if self._size == 1:
                raise answer
            self._size = max(1, self._size // 10)
        asked, self._size = self._size, min(self._largest, self._size * 2)
        return answer, asked


def bound(pool: urllib3.HTTPConnectionPool) -> None:
    """Let a client's connections heed `answers_up_to`; both clients read whatever comes to its end."""
    pool.urlopen = partial(_urlopen, pool.urlopen)  # type: ignore[method-assign]


def _urlopen(honest: Callable[..., urllib3.BaseHTTPResponse], *arguments: Any, **options: Any) -> urllib3.BaseHTTPResponse:
    most = _most.get()
    if most is None:
        return honest(*arguments, **options)
    response = honest(*arguments, **options, preload_content=False)
    data = response.read(most + 1)
    if len(data) > most:
        response.close()
        raise AnswerCutError(f"the answer is larger than {most:,} bytes")
    response.release_conn()
    return urllib3.HTTPResponse(data, response.headers, response.status, response.version, reason=response.reason)
