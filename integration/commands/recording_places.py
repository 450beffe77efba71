"""What alerts and risk events recorded of a rule: read from every place that keeps some, with when the place ran the rule."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field, replace
from datetime import UTC, tzinfo
from itertools import chain
from typing import TypeVar

from integration.detection.model import Rule
from integration.detection.schedule import MINUTE_MS, Window
from integration.engines.base import Engine
from integration.engines.kibana import Kibana
from integration.errors import ForbiddenError
from integration.evaluation.history import AlertQuery, AlertState, FindingQuery, Skipped, risk_findings
from integration.evaluation.recorded import KIBANA_ALERT, OPENSEARCH_ALERT, RISK_EVENT, Recorded, Records, Running
from integration.findings.finding import in_zone
from integration.install.deployment import Deployment
from integration.install.objects import Connections
from integration.names import Namespace
from integration.scheduler.progress import read_progress, risk_events_span
from integration.targets.kibana.alerts import kibana_findings
from integration.targets.kibana.rules import DetectionRule
from integration.targets.opensearch.alerts import alerts, monitor_findings
from integration.targets.opensearch.monitors import Monitor, Stored
from integration.targets.opensearch.plugins import has_alerting
from integration.times import millis_of, now

T = TypeVar("T")

_SETTLED_MS = 10 * MINUTE_MS
"""A run may take as long before its alerts can be expected."""
_KEPT_MS = 30 * 24 * 60 * MINUTE_MS
"""Alerting keeps alerts that are over for 60 days, counted from when it began an index of them, and begins one every 30 days."""


@dataclass(frozen=True)
class Places:
    """Where the rules of a namespace may have recorded findings: the cluster's Alerting, Kibana, the index of risk events.

    `zone` is what SPL prints times in. `unread` says what this user may not read, `left_out` what cannot be read.
    """

    engine: Engine
    kibana: Kibana | None
    namespace: Namespace
    index: str
    zone: tzinfo = UTC
    unread: list[str] = field(default_factory=list)
    left_out: Skipped = field(default_factory=Skipped)

    def alerts(self, rule: Rule, asked: AlertQuery) -> Iterator[Recorded]:
        """Yield the findings of a rule's alerts that are asked for, wherever it runs by itself."""
        for monitor in self._monitors(rule):
            yield from self._monitor_alerts(rule, monitor, asked)
        yield from self._kibana_alerts(rule, asked)

    def records(self, rule: Rule, windows: Sequence[Window]) -> Records:
        """Return what every place recorded of a rule in some windows; to be closed."""
        start, end = windows[0].start, windows[-1].end
        wanted = FindingQuery({rule.id: rule}, start, end)
        asked = AlertQuery(wanted, AlertState.ALL, self.left_out, self.zone)
        monitor = next(self._readable(OPENSEARCH_ALERT, self._monitors(rule)), None)
        risk = (Recorded(RISK_EVENT, each) for each in risk_findings(self.engine, self.namespace.risk, wanted, asked.left_out))
        found = [self._readable(RISK_EVENT, risk), self._readable(KIBANA_ALERT, self._kibana_alerts(rule, asked))]
        if monitor is not None:
            # An alert that is still open may tell of a window after these.
            until_now = replace(asked, wanted=replace(wanted, end=None))
            found.append(self._readable(OPENSEARCH_ALERT, self._monitor_alerts(rule, monitor, until_now)))
        running = dict(self._running(rule, monitor))
        in_this_zone = (replace(each, finding=in_zone(each.finding, asked.zone)) for each in chain.from_iterable(found))
        return Records(in_this_zone, running, start, end)

    def _monitors(self, rule: Rule) -> Iterator[Stored]:
        """Yield our monitor of a rule, if there is one."""
        if has_alerting(self.engine):
            monitor = Monitor(rule, self._deployment)
            found = monitor.fetch(Connections(self.engine))
            if found is not None and monitor.is_ours(found):
                yield found

    def _monitor_alerts(self, rule: Rule, monitor: Stored, asked: AlertQuery) -> Iterator[Recorded]:
        for alert in alerts(self.engine, monitor.id, asked.state, asked.left_out):
            for finding in monitor_findings(self.engine, rule, self.index, [alert], asked):
                yield Recorded(OPENSEARCH_ALERT, finding, alert.get("start_time"))

    def _kibana_alerts(self, rule: Rule, asked: AlertQuery) -> Iterator[Recorded]:
        if self.kibana is not None and self.engine.name == "elasticsearch":
            for finding in kibana_findings(self.kibana, rule, self.namespace, asked):
                yield Recorded(KIBANA_ALERT, finding)

    def _running(self, rule: Rule, monitor: Stored | None) -> Iterator[tuple[str, Running]]:
        """Yield the places that are known to run the rule, each with since when."""
        if monitor is not None and monitor.body.get("enabled") and isinstance(since := monitor.body.get("enabled_time"), int):
            yield OPENSEARCH_ALERT, Running(max(since, now() - _KEPT_MS), now() - _SETTLED_MS)
        for since in self._readable(KIBANA_ALERT, self._kibana_rule_since(rule)):
            yield KIBANA_ALERT, Running(since, now() - _SETTLED_MS)
        yield from self._readable(RISK_EVENT, self._scheduler(rule))

    def _kibana_rule_since(self, rule: Rule) -> Iterator[int]:
        """Yield when our detection rule in Kibana was changed last, where it is enabled: it may not have run before."""
        if self.kibana is None or self.engine.name != "elasticsearch":
            return
        managed = DetectionRule(rule, self._deployment)
        found = managed.fetch(Connections(self.engine, self.kibana))
        if found is not None and managed.is_ours(found) and found.get("enabled"):
            since = millis_of(str(found.get("updated_at")))
            if since is not None:
                yield since

    def _scheduler(self, rule: Rule) -> Iterator[tuple[str, Running]]:
        """Yield the runs of `detect watch`, which goes on from the newest risk event to the end of its progress."""
        progress = read_progress(self.engine, self.namespace, rule.id)
        oldest = None if progress is None else risk_events_span(self.engine, self.namespace, rule.id)[0]
        if progress is not None and oldest is not None:
            first, last = (rule.windows.window_of(end - 1).run_at for end in (oldest, progress.end))
            yield RISK_EVENT, Running(first, last)

    def _readable(self, place: str, found: Iterator[T]) -> Iterator[T]:
        """Yield what a place holds as far as this user may read it."""
        try:
            yield from found
        except ForbiddenError as error:
            self.unread.append(f"The {place}s were not compared, since this user may not read them: {error}")

    @property
    def _deployment(self) -> Deployment:
        return Deployment(self.namespace, self.index)
