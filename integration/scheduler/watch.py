"""`detect watch`: the built-in scheduler. It runs rules by their cron, one scheduler at a time, and catches up what was missed."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import UTC, tzinfo
from typing import Protocol

from integration.detection.model import Rule
from integration.detection.schedule import Schedule, Window
from integration.engines.base import Engine
from integration.errors import ClusterError, DetectError, PartlyAppliedError, ThrottledError, UnreachableError
from integration.evaluation import risk_events as risk
from integration.evaluation.cluster import evaluate
from integration.findings.filter import NO_FILTER, Filter, Passed
from integration.findings.store import stored_findings
from integration.names import Namespace
from integration.scheduler.leadership import Leadership, LeaseLostError
from integration.scheduler.progress import Done, Progress, create_state_index
from integration.times import rfc3339


class Log(Protocol):
    """Takes one event of the scheduler's life."""

    def __call__(self, level: str, event: str, /, **fields: object) -> None:
        """`level` is info, warning or error."""


@dataclass(frozen=True)
class Job:
    """What is watched: rules over an index; findings that pass the filter become risk events of the namespace.

    Windows missed for longer than `catch_up` (milliseconds) are given up. With `revisit`, each window is evaluated once more at the
    next run, for lines that came late. `zone` is what SPL prints times in.
    """

    rules: tuple[Rule, ...]
    index: str
    namespace: Namespace
    catch_up: int
    revisit: bool = True
    post_filter: Filter = NO_FILTER
    zone: tzinfo = UTC


class Watcher:
    """One scheduler on one cluster; `now` gives epoch milliseconds, `stop` asks it to end after the window in work.

    `on_window` is called after each window.
    """

    def __init__(
        self, engine: Engine, job: Job, leadership: Leadership, now: Callable[[], int], log: Log, stop: threading.Event
    ) -> None:
        self.last_windows: dict[str, str] = {}
        self.on_window: Callable[[], None] = lambda: None
        self._engine = engine
        self._job = job
        self._leadership = leadership
        self._progress = Progress(engine, job.namespace.state, job.namespace.risk)
        self._now = now
        self._log = log
        self._stop = stop
        self._done: dict[str, Done] = {}
        self._schedules = {rule.id: rule.windows for rule in job.rules}

    @property
    def leading(self) -> bool:
        """Whether this scheduler is the one that writes."""
        return self._leadership.held

    def tick(self) -> None:
        """Do everything that is due now; nothing while another scheduler leads.

        A rule that fails does not keep the others from running; its error is raised at the end. Calling again does the rest.
        """
        was_leading = self.leading
        create_state_index(self._engine, self._job.namespace.state)
        if not self._leadership.acquire():
            if was_leading:
                self._log("warning", "leadership_lost")
            return
        if not was_leading:
            self._done.clear()
            self._log("info", "leading")
        faults: list[DetectError] = []
        for rule in self._job.rules:
            try:
                self._run_due(rule)
            except LeaseLostError as error:
                self._done.clear()
                self._log("warning", "leadership_lost", reason=str(error))
                return
            except (ClusterError, PartlyAppliedError) as error:
                self._done.pop(rule.id, None)
                if isinstance(error, UnreachableError | ThrottledError):
                    raise
                self._log("error", "rule_failed", rule=rule.id, error=str(error))
                faults.append(error)
        if faults:
            raise faults[0]

    def next_due(self) -> int:
        """The next instant (epoch milliseconds) at which a rule runs."""
        schedules = self._schedules.values()
        return min(schedule.window_of(schedule.last_run(self._now()).end).run_at for schedule in schedules)

    def _run_due(self, rule: Rule) -> None:
        last = self._schedules[rule.id].last_run(self._now())
        done = self._done.get(rule.id) or self._read_progress(rule, last)
        self._done[rule.id] = done
        new_from = done.end
        revisited = done.revisit_from if self._job.revisit else new_from
        if last.end <= new_from:
            return
        for window in _from(self._schedules[rule.id], revisited, last.end):
            if self._stop.is_set():
                return
            self._run_window(rule, window, again=window.end <= new_from)
            if window.end > new_from:
                done = Done(window.end, new_from)
                self._progress.save(rule.id, done)
                self._done[rule.id] = done
                self.last_windows[rule.id] = rfc3339(window.end, millis=False)
            self.on_window()

    def _run_window(self, rule: Rule, window: Window, *, again: bool) -> None:
        started = self._now()
        passed = Passed(self._job.post_filter.passes)
        with stored_findings(passed.of(evaluate(self._engine, rule, self._job.index, window, self._job.zone))) as findings:
            self._leadership.confirm()
            written = risk.write(self._engine, self._job.namespace.risk, {rule.id: rule}, findings)
            for finding in findings if written.created or written.updated else ():
                details = {"host": finding.host, "severity": str(finding.severity), "error_count": finding.error_count}
                self._log("info", "finding", rule=rule.id, id=finding.id, **details)
            count = len(findings)
        self._log(
            "info",
            "window_revisited" if again else "window_done",
            rule=rule.id,
            window_start=rfc3339(window.start, millis=False),
            window_end=rfc3339(window.end, millis=False),
            findings=count,
            filtered=passed.filtered,
            created=written.created,
            updated=written.updated,
            unchanged=written.unchanged,
            took_ms=self._now() - started,
        )

    def _read_progress(self, rule: Rule, last: Window) -> Done:
        """Where to go on: after what is done already; a rule that never ran begins with its last window."""
        done = self._progress.read(rule.id) or Done(last.start, last.start)
        oldest = min(self._schedules[rule.id].window_of(self._now() - self._job.catch_up).start, last.start)
        if done.end < oldest:
            span = {"from": rfc3339(done.end, millis=False), "to": rfc3339(oldest, millis=False)}
            self._log("warning", "windows_given_up", rule=rule.id, **span)
        self.last_windows[rule.id] = rfc3339(done.end, millis=False)
        return Done(max(done.end, oldest), max(done.revisit_from, oldest))


def _from(schedule: Schedule, start: int, end: int) -> Iterator[Window]:
    """Every window from the one that holds `start` to `end`: after a change of schedule the first may begin before `start`."""
    return schedule.within(schedule.window_of(start).start, end)
