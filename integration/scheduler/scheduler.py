"""The built-in scheduler of `detect watch`: it runs rules by their cron and catches up missed windows.

Several schedulers of one namespace may run side by side. They evaluate the same windows, and a risk event is an upsert under an id
made of rule, host and window, so that a second write changes nothing. The scheduler whose write created the risk event logs it and
tells of it.
"""

from __future__ import annotations

import threading
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, tzinfo

from integration.detection.model import Rule
from integration.detection.schedule import Window
from integration.engines.base import Engine
from integration.errors import ClusterError, DetectError, PartlyAppliedError, ThrottledError, UnreachableError
from integration.evaluation import risk_events as risk
from integration.evaluation.cluster import evaluate
from integration.findings.escaping import escaped
from integration.findings.filter import NO_FILTER, Filter, FilterTally
from integration.findings.finding import Finding
from integration.findings.store import stored_findings
from integration.names import Namespace
from integration.scheduler.jsonlog import Log
from integration.scheduler.notifications import Notifier
from integration.scheduler.progress import Progress, create_state_index, read_progress, risk_events_span, save_progress
from integration.times import rfc3339

_LOGGED_CHARACTERS = 1_000


@dataclass(frozen=True)
class Job:
    """The rules to run and the index they read; findings that pass the filter become risk events of the namespace.

    Windows missed for longer than `catch_up` (milliseconds) are given up. With `revisit`, each window is evaluated once more at the
    next run, for lines that came late. `zone` is the time zone in which SPL prints times.
    """

    rules: tuple[Rule, ...]
    index: str
    namespace: Namespace
    catch_up: int
    revisit: bool = True
    post_filter: Filter = NO_FILTER
    zone: tzinfo = UTC


class Scheduler:
    """One scheduler on one cluster; `now` returns epoch milliseconds, `stop` asks it to end after the current window.

    `on_window` is called after each window.
    """

    def __init__(
        self,
        engine: Engine,
        job: Job,
        now: Callable[[], int],
        log: Log,
        stop: threading.Event,
        notifier: Notifier | None = None,
    ) -> None:
        self.last_windows: dict[str, str] = {}
        self.on_window: Callable[[], None] = lambda: None
        self._engine = engine
        self._job = job
        self._now = now
        self._log = log
        self._stop = stop
        self._notifier = notifier or Notifier((), now, log)
        self._progress: dict[str, Progress] = {}
        self._schedules = {rule.id: rule.windows for rule in job.rules}

    def tick(self) -> None:
        """Run every window that is due now.

        A rule that fails does not keep the others from running; its error is raised at the end. Calling again does the rest.
        """
        create_state_index(self._engine, self._job.namespace)
        faults: list[DetectError] = []
        for rule in self._job.rules:
            try:
                self._run_due(rule)
            except (ClusterError, PartlyAppliedError) as error:
                self._progress.pop(rule.id, None)
                if isinstance(error, UnreachableError | ThrottledError):
                    raise
                self._log("error", "rule_failed", rule=rule.id, error=str(error))
                faults.append(error)
        if faults:
            raise faults[0]

    def next_due(self) -> int:
        """Return the next instant (epoch milliseconds) at which a rule runs."""
        schedules = self._schedules.values()
        return min(schedule.window_of(schedule.last_run(self._now()).end).run_at for schedule in schedules)

    def _run_due(self, rule: Rule) -> None:
        last = self._schedules[rule.id].last_run(self._now())
        progress = self._progress.get(rule.id) or self._read_progress(rule, last)
        self._progress[rule.id] = progress
        new_from = progress.end
        revisit_from = progress.revisit_from if self._job.revisit else new_from
        if last.end <= new_from:
            return
        schedule = self._schedules[rule.id]
        # After a change of schedule, the first window may begin earlier.
        for window in schedule.within(schedule.window_of(revisit_from).start, last.end):
            if self._stop.is_set():
                return
            self._run_window(rule, window, again=window.end <= new_from)
            if window.end > new_from:
                progress = Progress(window.end, new_from)
                save_progress(self._engine, self._job.namespace, rule.id, progress)
                self._progress[rule.id] = progress
                self.last_windows[rule.id] = rfc3339(window.end, millis=False)
            self.on_window()

    def _run_window(self, rule: Rule, window: Window, *, again: bool) -> None:
        started = self._now()
        tally = FilterTally(self._job.post_filter)
        evaluated = evaluate(self._engine, rule, self._job.index, window, self._job.zone)
        with stored_findings(tally.kept(evaluated)) as findings:
            try:
                written = risk.write(self._engine, self._job.namespace.risk, {rule.id: rule}, findings, self._report)
            finally:  # a repetition finds what this call stored unchanged and would not tell of it
                self._notifier.tell(rule, window)
            count = len(findings)
        self._log(
            "info",
            "window_revisited" if again else "window_done",
            rule=rule.id,
            window_start=rfc3339(window.start, millis=False),
            window_end=rfc3339(window.end, millis=False),
            findings=count,
            filtered=sum(tally.taken.values()),
            filtered_by=tally.taken,
            created=written.created,
            updated=written.updated,
            unchanged=written.unchanged,
            took_ms=self._now() - started,
        )

    def _report(self, finding: Finding, result: str) -> None:
        """Log a finding whose risk event this scheduler's write created or updated, and keep a new one for a message."""
        numbers = {name: finding[name] for name in finding.rule.numbers}
        self._log(
            "info",
            "finding" if result == "created" else "finding_updated",
            rule=finding.rule_id,
            window_start=rfc3339(finding.window_start, millis=False),
            window_end=rfc3339(finding.window_end, millis=False),
            host=finding.host,
            severity=str(finding.severity),
            message=escaped(finding.risk_message, _LOGGED_CHARACTERS),
            id=finding.id,
            **numbers,
        )
        if result == "created":
            self._notifier.add(finding)

    def _read_progress(self, rule: Rule, last: Window) -> Progress:
        """Return where to go on: without stored progress the newest risk event says it; a new rule begins with its last window."""
        progress = read_progress(self._engine, self._job.namespace, rule.id)
        if progress is None:
            _, newest = risk_events_span(self._engine, self._job.namespace, rule.id)
            newest = newest or last.start
            progress = Progress(newest, newest)
            if newest >= last.end:  # no window will store it before the next run, and `doctor` reads it
                save_progress(self._engine, self._job.namespace, rule.id, progress)
        oldest = min(self._schedules[rule.id].window_of(self._now() - self._job.catch_up).start, last.start)
        if progress.end < oldest:
            span = {"from": rfc3339(progress.end, millis=False), "to": rfc3339(oldest, millis=False)}
            self._log("warning", "windows_given_up", rule=rule.id, **span)
        self.last_windows[rule.id] = rfc3339(progress.end, millis=False)
        return Progress(max(progress.end, oldest), max(progress.revisit_from, oldest))
