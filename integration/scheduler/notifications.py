"""Messages about new findings, by apprise: Slack, e-mail, webhooks and what else it knows.

One message a window and rule, bounded in length and in number, repeated when it fails. Texts of logs are data in it: no control
character, no markup, no mention. The URLs of receivers hold secrets and are never logged.
"""

from __future__ import annotations

import logging
import re
import time
from collections import deque
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from heapq import nsmallest

from tenacity import Retrying, retry_if_result, stop_after_attempt, wait_exponential

from integration.detection.model import Rule
from integration.detection.schedule import Window
from integration.detection.severity import Severity
from integration.errors import InputError
from integration.findings.escaping import escaped
from integration.findings.filter import FilterEntry
from integration.findings.finding import Finding
from integration.scheduler.jsonlog import Log
from integration.times import rfc3339

_ATTEMPTS = 3
_ANSWER_SECONDS = 30
_HOUR_MS = 60 * 60_000
_QUIET_MS = 10 * 60_000
"""So long a receiver that failed is left alone: windows that are caught up do not wait for it one after another."""
_HOST_CHARACTERS = 255
_MESSAGE_CHARACTERS = 300
# What begins a mention, a link or markup in some receiver becomes its full-width form, which reads alike and does nothing.
_HARMLESS = str.maketrans({sign: chr(ord(sign) + 0xFEE0) for sign in "@<>&`[]*~|\\"})
_STATUS = re.compile(r"\berror=(\d{3})\b")


class Receiver:
    """Whom to tell of which findings: the service that a URL of apprise's names, which is a secret. `name` is what logs call it.

    A message shows the `most_findings` most severe, and counts the rest. There are at most `most_messages` an hour. `InputError`
    when apprise does not know the URL.
    """

    def __init__(self, name: str, url: str, wanted: FilterEntry, most_findings: int, most_messages: int) -> None:
        import apprise  # not above: it takes half a second, and only those who are told need it

        logging.getLogger("apprise").propagate = False  # its records may hold parts of URLs
        # No picture is fetched, no file written, and nothing in a text is read as an escape, a template or an emoji.
        asset = apprise.AppriseAsset(
            app_id="detect",
            app_desc="detect",
            app_url="",
            image_url_mask="",
            image_url_logo="",
            async_mode=False,
            interpret_emojis=False,
            interpret_escapes=False,
            allow_templates=False,
            secure_logging=True,
            storage_mode=apprise.PersistentStoreMode.MEMORY,
            service_timeout=_ANSWER_SECONDS,
        )
        self.name = name
        self.wanted = wanted
        self.most_findings = most_findings
        self.most_messages = most_messages
        service = apprise.Apprise.instantiate(url, asset=asset)
        if not isinstance(service, apprise.NotifyBase):
            raise InputError(
                "this is not a URL that apprise knows, or its service needs a package that is not installed "
                "(the URL is not shown, it may hold a secret); docs/notify.md has examples"
            )
        service.overflow_mode = apprise.OverflowMode.TRUNCATE  # one message stays one, also where a page takes 250 characters
        self.service = str(service.service_name)
        self._apprise = apprise.Apprise(asset=asset)
        self._apprise.add(service)

    def send(self, title: str, body: str) -> str | None:
        """Send a message; returns None when the receiver took it, else why not, without any secret."""
        from apprise import AppriseResultStatus, NotifyFormat, NotifyType

        result = self._apprise.notify(body=body, title=title, notify_type=NotifyType.WARNING, body_format=NotifyFormat.TEXT)
        if result:
            return None
        if result.status == AppriseResultStatus.TIMEOUT:
            return f"no answer within {_ANSWER_SECONDS} seconds"
        refused = (_STATUS.search(record.message) for record in result.logs())
        status = next((found[1] for found in refused if found), None)
        return f"refused with HTTP status {status}" if status else "it cannot be reached, or refused the message"


@dataclass
class _Outbox:
    """What one receiver has still to be told; times in epoch milliseconds."""

    receiver: Receiver
    count: int = 0
    most_severe: list[tuple[int, str, str]] = field(default_factory=list)
    held: int = 0
    held_since: int = 0
    sent: deque[int] = field(default_factory=deque)
    quiet_until: int = 0

    def add(self, finding: Finding) -> None:
        if self.receiver.wanted.matches(finding):
            self.count += 1
            shown = (-finding.severity, finding.host, _shown(finding))
            self.most_severe = nsmallest(self.receiver.most_findings, [*self.most_severe, shown])

    def may_send(self, now: int) -> bool:
        while self.sent and self.sent[0] <= now - _HOUR_MS:
            self.sent.popleft()
        return now >= self.quiet_until and len(self.sent) < self.receiver.most_messages

    def hold(self, window: Window) -> None:
        """Count what is not told now; the next message says so."""
        self.held_since = min(self.held_since, window.start) if self.held else window.start
        self.held += self.count

    def message(self, rule: Rule, window: Window) -> tuple[str, str]:
        """Return the title and the text; the counts stand first, since a receiver may cut a text that is too long for it."""
        start, end = _time(window.start), _time(window.end)
        title = f"{_findings(self.held)} not told"
        parts: list[str] = []
        if self.count:
            title = f"{Severity(-self.most_severe[0][0])}: {_findings(self.count)} of {rule.name}"
            parts.append(f"rule {rule.id}, window {start} to {end}")
        if self.count > 1:
            parts.append(
                f"The {len(self.most_severe)} most severe are below. All {self.count:,}: detect findings --from {start} --to {end}"
            )
        if self.held:
            since = _time(self.held_since)
            parts.append(
                f"{_findings(self.held)} from {since} on were in no message: there were too many messages, or one failed. "
                f"detect findings --from {since}"
            )
        parts += [text for _, _, text in self.most_severe]
        return title, "\n\n".join(parts)


class Notifier:
    """Tells receivers of new findings. `now` returns epoch milliseconds, `wait` takes seconds.

    No fault of a receiver is raised: it is logged, and the next message counts the findings that were not told.
    """

    def __init__(
        self, receivers: Iterable[Receiver], now: Callable[[], int], log: Log, wait: Callable[[float], None] = time.sleep
    ) -> None:
        self._outboxes = [_Outbox(receiver) for receiver in receivers]
        self._now = now
        self._log = log
        self._retrying = Retrying(
            retry=retry_if_result(lambda fault: fault is not None),
            stop=stop_after_attempt(_ATTEMPTS),
            wait=wait_exponential(multiplier=2),
            sleep=wait,
            retry_error_callback=lambda state: state.outcome and state.outcome.result(),
        )

    def add(self, finding: Finding) -> None:
        """Keep a finding that is new, for the message of its window."""
        for outbox in self._outboxes:
            outbox.add(finding)

    def tell(self, rule: Rule, window: Window) -> None:
        """Send a message to each receiver for which there are new findings of this window, or some that it was not told of."""
        for outbox in self._outboxes:
            if outbox.count or outbox.held:
                self._tell(outbox, rule, window)
            outbox.count, outbox.most_severe = 0, []

    def _tell(self, outbox: _Outbox, rule: Rule, window: Window) -> None:
        about = {"to": outbox.receiver.name, "rule": rule.id, "window_end": _time(window.end), "findings": outbox.count}
        if not outbox.may_send(self._now()):
            if outbox.count:
                outbox.hold(window)
                self._log("warning", "notification_held_back", **about, held_back=outbox.held)
            return
        fault = self._retrying(outbox.receiver.send, *outbox.message(rule, window))
        if fault is None:
            self._log("info", "notified", **about, held_back=outbox.held)
            outbox.sent.append(self._now())
            outbox.held = 0
        else:
            outbox.hold(window)
            outbox.quiet_until = self._now() + _QUIET_MS
            self._log("error", "notification_failed", **about, error=fault, held_back=outbox.held)


def _shown(finding: Finding) -> str:
    """Return a finding as a paragraph of a message: its host and its risk message are words of a log."""
    host, said = _plain(finding.host, _HOST_CHARACTERS), _plain(finding.risk_message, _MESSAGE_CHARACTERS)
    return f"{finding.severity} on {host}: {said}\nid {finding.id}: detect explain --finding {finding.id}"


def _plain(text: str, limit: int) -> str:
    """Return a text of a log as one line that no receiver takes for markup, a mention or a link."""
    return escaped(text, limit).translate(_HARMLESS).replace("://", ":\uff0f\uff0f")


def _findings(count: int) -> str:
    return f"{count:,} finding{'s' * (count != 1)}"


def _time(instant: int) -> str:
    return rfc3339(instant, millis=False)
