"""SIGINT and SIGTERM: the first ends the running verb in good order, with a hint how to go on; a second ends it at once."""

from __future__ import annotations

import os
import signal
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from types import FrameType

from integration.errors import StoppedError

_STANDARD_ERROR = 2
_SIGNALS = (signal.SIGINT, signal.SIGTERM)
_HINT = "Running the same command again leaves alone what is done and does the rest."


class _StopSignal(KeyboardInterrupt):
    """A signal arrived. Not an `Exception`, so that no client library takes it for a connection error and retries."""

    def __init__(self, number: int) -> None:
        super().__init__()
        self.number = number


@contextmanager
def first_signal(handle: Callable[[int], None], *, ignored_too: bool = False) -> Iterator[None]:
    """Call `handle` with the number of the first SIGINT or SIGTERM; a second signal ends the process at once.

    A signal that is ignored (nohup and a shell's `&` see to that) stays ignored, unless `ignored_too`.
    """
    handlers = {number: signal.getsignal(number) for number in _SIGNALS}
    before = {number: handler for number, handler in handlers.items() if ignored_too or handler is not signal.SIG_IGN}

    def arrived(number: int, _frame: FrameType | None) -> None:
        for each in before:
            signal.signal(each, signal.SIG_DFL)
        handle(number)

    for number in before:
        signal.signal(number, arrived)
    try:
        yield
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)


@contextmanager
def stoppable() -> Iterator[None]:
    """Turn the first SIGINT or SIGTERM into `StoppedError`.

    Its message holds the notes that the code in work added to the `KeyboardInterrupt` on its way up.
    """
    if threading.current_thread() is not threading.main_thread():
        yield
        return

    def end(number: int) -> None:
        # Not through `sys.stderr`: the code that was interrupted may be writing to it.
        os.write(_STANDARD_ERROR, f"{signal.Signals(number).name}: ending in good order; a second signal ends at once\n".encode())
        raise _StopSignal(number)

    try:
        with first_signal(end):
            yield
    except _StopSignal as stop:
        said = getattr(stop, "__notes__", None) or [_HINT]
        raise StoppedError(f"stopped by {signal.Signals(stop.number).name}. {' '.join(said)}", stop.number) from stop
