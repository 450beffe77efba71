"""The time of a line in a file: its own, its carrier's, or that of the last line above it that has one."""

from __future__ import annotations

import re

from integration.log.batches import events_of
from integration.log.gin import local_time
from integration.log.line import Line, Steps, arrived, read
from integration.log.shipper_times import EARLIEST_SECOND

# No clock and no number of seconds is without one of these.
_may_tell_time = re.compile(rb"[0-9]:[0-9]|[0-9]{8}").search


class Clock:
    """The time of the last line above a place in a block that has one, and the zone of the last record; looks at no line twice."""

    def __init__(self, before_any: int) -> None:
        self._seen = 0
        self._block = b""
        self._time = before_any
        self._zone: int | None = None

    def dated(self, way: Steps, start: int, end: int) -> tuple[int, Line]:
        """Return the time of a line, and the line; without one it takes the last one above where it starts in the block.

        The clock of a GIN line is that of the last record's zone.
        """
        line = arrived(way)
        if line.stamp is None:
            self._look_above(start)
        line, self._seen = self._told(line), end
        return self._time if line.stamp is not None or line.carried is None else line.carried, line

    def look_below(self, block: bytes) -> None:
        """Begin a block; look in it for the zone of the GIN lines that stand above the first record of a file."""
        self._block, self._seen = block, 0
        place = 0
        while self._zone is None and b"[GIN]" in block and (hit := block.find(b"time", place)) >= 0:
            start, place = line_start(block, hit, place), line_end(block, hit)
            events = events_of(block[start:place].decode(errors="replace"))
            self._zone = next((zone for event in events if (zone := read(event).zone) is not None), None)

    def leave_block(self) -> None:
        """Remember the last time of the block."""
        self._look_above(len(self._block))
        self._block = b""

    def _told(self, line: Line) -> Line:
        """Remember the time that a line tells, and its zone; return it with the time of an access line."""
        if line.stamp is not None:
            self._time, self._zone = line.stamp, line.zone
            return line
        if self._zone is not None and (local := local_time(line.text)) is not None:
            line = line._replace(stamp=local - self._zone)
        self._time = self._time if (time := _time_told(line)) is None else time
        return line

    def _look_above(self, place: int) -> None:
        """Look for the last time above a line that begins at `place`; places come in ascending order."""
        told: list[Line] = []
        end, is_dated = place, False
        while end - self._seen > 1:  # more than the end of a line
            start = line_start(self._block, end - 1, self._seen)
            text = self._block[start:end]
            # Where the time is known, only a record is of use, for its zone.
            if b"time" in text if is_dated else _may_tell_time(text):
                line = read(text.decode(errors="replace"))
                if line.stamp is not None or not is_dated:
                    told.append(line)
                is_dated = is_dated or _time_told(line) is not None
                if line.stamp is not None:
                    break
            end = start
        for line in reversed(told):
            self._told(line)
        self._seen = place


def _time_told(line: Line) -> int | None:
    """Return the time that a line tells those below it; a carrier's before 1973 stands for none."""
    return line.stamp if line.stamp is not None or (line.carried or 0) < EARLIEST_SECOND * 1_000 else line.carried


def line_start(block: bytes, place: int, earliest: int) -> int:
    """Return where the line at `place` begins, not before `earliest`."""
    return max(block.rfind(b"\n", earliest, place) + 1, earliest)


def line_end(block: bytes, place: int) -> int:
    """Return where the line at `place` ends, before its line feed."""
    end = block.find(b"\n", place)
    return end if end >= 0 else len(block)
