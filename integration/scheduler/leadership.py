"""One leader among the schedulers of a namespace: a lock document that the leader writes anew all the time.

Clocks of two machines are never compared: a lock counts as abandoned when a candidate has seen it unchanged for the whole lease by
its own clock. A leader proves that it still is one by writing the lock in the state it left it in.
"""

from __future__ import annotations

import threading
from collections.abc import Callable
from typing import Any

from integration.engines.answers import StoredDocument, Versions
from integration.engines.base import Engine
from integration.errors import ConflictError, DetectError

LOCK_ID = "leader"


class LeaseLostError(DetectError):
    """Another scheduler leads now."""

    exit_code = 3


class Leadership:
    """Our part in the lock of one state index; `clock` gives seconds that never jump.

    `holder` is what the lock says of us; its `id` tells us from every other process. Several threads may call.
    """

    def __init__(self, engine: Engine, index: str, holder: dict[str, str], lease: float, clock: Callable[[], float]) -> None:
        self.lease = lease
        self._engine = engine
        self._index = index
        self._holder = holder
        self._clock = clock
        self._guard = threading.RLock()
        self._mine: Versions | None = None
        self._seen: tuple[Versions, float] | None = None

    @property
    def held(self) -> bool:
        """Whether we are the leader, as far as we know."""
        return self._mine is not None

    def acquire(self) -> bool:
        """Become the leader, or stay it; False while another is."""
        with self._guard:
            try:
                if self._mine is not None:
                    self._write(if_at=self._mine)
                else:
                    found = self._engine.get_document(self._index, LOCK_ID)
                    if found is None:
                        self._write(create=True)
                    elif self._is_free(found):
                        self._write(if_at=found.versions)
            except ConflictError:
                # Our own write may have arrived although its answer did not.
                self._mine = None
                found = self._engine.get_document(self._index, LOCK_ID)
                if found is not None and found.source.get("id") == self._holder["id"]:
                    self._write(if_at=found.versions)
            return self.held

    def confirm(self) -> None:
        """Renew the lock; `LeaseLostError` when another has it."""
        with self._guard:
            if self._mine is None or not self.acquire():
                raise LeaseLostError("another scheduler took the lock")

    def release(self) -> None:
        """Let another one lead at once."""
        with self._guard:
            mine, self._mine = self._mine, None
            if mine is not None:
                self._engine.put_document(self._index, LOCK_ID, {"kind": "lock", "id": None}, if_at=mine)

    def _is_free(self, found: StoredDocument) -> bool:
        if found.source.get("id") in (None, self._holder["id"]):
            return True
        if self._seen is None or self._seen[0] != found.versions:
            self._seen = (found.versions, self._clock())
        return self._clock() - self._seen[1] >= self.lease

    def _write(self, **condition: Any) -> None:
        self._mine = self._engine.put_document(self._index, LOCK_ID, {"kind": "lock", **self._holder}, **condition)
