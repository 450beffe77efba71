"""Every window of a stretch of the past in one pass over a cluster, not a search for each.

Few events take one search. Where there are more, they are counted by window and host first, which takes no script. Windows that
follow each other are then one search, as long as that is not too much; a window that is too much alone is evaluated as
`detect watch` does.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from itertools import groupby

from integration.detection.fields import name_in_index
from integration.detection.model import Rule
from integration.detection.schedule import Window
from integration.engines.answers import Json
from integration.engines.base import Engine
from integration.engines.paging import asked_too_much
from integration.errors import ClusterError
from integration.evaluation.buckets import Load, all_buckets, few_buckets
from integration.evaluation.cluster import statistics_of, window_statistics
from integration.findings.finding import Statistics
from integration.render.aggregation import BY_HOST, host_counts_search, window_search

_WINDOW = "window"


class Backtest:
    """Lets the cluster evaluate windows of a rule that follow each other.

    `on_windows` is called with how many windows are done since it was called last.
    """

    def __init__(
        self, engine: Engine, rule: Rule, index: str, windows: Sequence[Window], on_windows: Callable[[int], None] = lambda _: None
    ) -> None:
        self._engine = engine
        self._rule = rule
        self._index = index
        self._by_start = {window.start: window for window in windows}
        self._start, self._end = windows[0].start, windows[-1].end
        self._length = windows[0].end - windows[0].start  # of each, since windows tile time
        self._on_windows = on_windows

    def statistics(self) -> Iterator[tuple[Window, str, Statistics]]:
        """Yield what SPL 8 says of each host and window that has selected events, by window, then as the cluster orders hosts."""
        few = few_buckets(self._engine, self._rule, self._index, self._start, self._end, self._by_window)
        if few is not None:
            yield from self._read(few)
            self._on_windows(len(self._by_start))
        else:
            yield from self._in_stretches()

    def _in_stretches(self) -> Iterator[tuple[Window, str, Statistics]]:
        """Yield what `statistics` does of more events than one search may have."""
        done = 0
        for starts, load in self._stretches():
            stretch = [self._by_start[start] for start in starts]
            yield from self._in_one(stretch, load) or self._one_by_one(stretch)
            reached = (stretch[-1].end - self._start) // self._length
            self._on_windows(reached - done)
            done = reached
        self._on_windows(len(self._by_start) - done)

    def _stretches(self) -> Iterator[tuple[list[int], Load]]:
        """Yield windows with events, by their starts, as many at a time as one search may have; one that is too much is alone."""
        stretch: list[int] = []
        load = Load()
        for start, more in self._loads():
            if stretch and (load + more).is_too_much:
                yield stretch, load
                stretch, load = [], Load()
            stretch.append(start)
            load += more
        if stretch:
            yield stretch, load

    def _loads(self) -> Iterator[tuple[int, Load]]:
        """Yield the start of each window with events that may be selected, and the load of a search for it."""
        body = self._by_window(host_counts_search(self._rule, self._start, self._end))
        for start, buckets in groupby(all_buckets(self._engine, self._index, body), lambda bucket: int(bucket["key"][_WINDOW])):
            yield start, sum(map(Load.of, buckets), Load())

    def _in_one(self, stretch: Sequence[Window], load: Load) -> Iterator[tuple[Window, str, Statistics]] | None:
        """Return the statistics of windows by one search, None where that is too much."""
        if load.is_too_much:
            return None
        body = self._by_window(window_search(self._rule, self._engine.name, stretch[0].start, stretch[-1].end))
        try:
            buckets = list(all_buckets(self._engine, self._index, body))
        except ClusterError as error:
            if not asked_too_much(error):
                raise
            return None
        return self._read(buckets)

    def _read(self, buckets: Sequence[Json]) -> Iterator[tuple[Window, str, Statistics]]:
        for bucket in buckets:
            window, host = self._by_start[int(bucket["key"][_WINDOW])], bucket["key"]["host"]
            yield window, host, statistics_of(self._engine, self._rule, self._index, window, host, bucket)

    def _one_by_one(self, stretch: Sequence[Window]) -> Iterator[tuple[Window, str, Statistics]]:
        for window in stretch:
            for host, statistics in window_statistics(self._engine, self._rule, self._index, window):
                yield window, host, statistics

    def _by_window(self, body: Json) -> Json:
        """Return a search by host as one by window and host."""
        every = {"fixed_interval": f"{self._length}ms", "offset": f"{self._start % self._length}ms"}
        source = {"date_histogram": {"field": name_in_index(self._rule, "@timestamp"), **every}}
        body["aggs"][BY_HOST]["composite"]["sources"].insert(0, {_WINDOW: source})
        return body
