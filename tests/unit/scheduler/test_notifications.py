"""Messages about findings, sent by apprise to receivers on this machine."""

from __future__ import annotations

import io
import logging
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from integration.cli.notify import receivers_of
from integration.cli.settings.loading import load_config
from integration.detection.severity import Severity
from integration.errors import InputError, PartlyAppliedError
from integration.findings.filter import FilterEntry
from integration.findings.finding import Finding
from integration.scheduler.jsonlog import JsonLog
from integration.scheduler.notifications import Notifier, Receiver
from tests.support.builders import RULE, error, event, findings_of
from tests.support.memory_engine import MemoryEngine
from tests.support.receivers import Mailbox, Webhook, mailbox, webhook
from tests.support.watching import HOUR, Clock, scheduler_at, window

WINDOW = RULE.windows.window_of(window(0)[0])
SHELL = ("*", "http://", "`", "<", ">", "@", "&", "[", "]", "\x1b", "\x07", "\u202e")


@pytest.fixture(autouse=True)
def _no_proxy(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("NO_PROXY", "127.0.0.1")


@pytest.fixture
def hook() -> Iterator[Webhook]:
    with webhook() as opened:
        yield opened


@pytest.fixture
def box() -> Iterator[Mailbox]:
    with mailbox() as opened:
        yield opened


def receiver(url: str, most_findings: int = 10, most_messages: int = 20, **wanted: Any) -> Receiver:
    entry = FilterEntry(action="keep", **{"severity_at_least": Severity.INFORMATIONAL} | wanted)
    return Receiver("[[notify]] 1 (HOOK)", url, entry, most_findings, most_messages)


def finding(host: str = "gpu-1", severity: Severity = Severity.HIGH, message: str | None = None) -> Finding:
    (found,) = findings_of([event(error('msg="error loading model"', at="2026-11-24T09:00:00Z"), host=host)])
    return replace(found, severity=severity, risk_message=message or found.risk_message)


class Told:
    """A notifier with its clock and its log."""

    def __init__(self, *receivers: Receiver) -> None:
        self.clock = Clock()
        self.log: list[dict[str, Any]] = []
        self._notifier = Notifier(receivers, self.clock.millis, self._take, self.clock.wait)

    def _take(self, level: str, event: str, /, **fields: object) -> None:
        self.log.append({"level": level, "event": event} | fields)

    def window(self, *findings: Finding, number: int = 0) -> None:
        for each in findings:
            self._notifier.add(each)
        self._notifier.tell(RULE, RULE.windows.window_of(window(number)[0]))

    def events(self) -> list[str]:
        return [str(entry["event"]) for entry in self.log]


def test_a_new_finding_is_told_once_with_all_that_one_needs(engine: MemoryEngine, hook: Webhook) -> None:
    engine.errors = [WINDOW.start]
    clock = Clock()
    one = scheduler_at(engine, clock, receivers=[receiver(hook.url)], revisit=True)
    one.scheduler.tick()
    engine.errors.append(WINDOW.start + 5)
    clock.now += HOUR
    one.scheduler.tick()
    (logged,) = one.events("finding")
    (message,) = hook.received
    assert message["title"] == f"{logged['severity']}: 1 finding of {RULE.name}"
    for part in (RULE.id, "2026-11-24T08:50:00Z to 2026-11-24T09:50:00Z", f"{logged['severity']} on gpu-1: {logged['message']}"):
        assert part in message["message"]
    assert f"detect explain --finding {logged['id']}" in message["message"]
    assert (logged["window_start"], logged["window_end"]) == ("2026-11-24T08:50:00Z", "2026-11-24T09:50:00Z")
    assert [entry["to"] for entry in one.events("notified")] == ["[[notify]] 1 (HOOK)"]


def test_two_schedulers_tell_a_finding_once(engine: MemoryEngine, hook: Webhook) -> None:
    engine.errors = [WINDOW.start]
    first, second = (scheduler_at(engine, Clock(), receivers=[receiver(hook.url)]) for _ in range(2))
    first.scheduler.tick()
    second.scheduler.tick()
    assert len(hook.received) == 1


def test_what_a_failing_write_stored_is_told_since_its_repetition_creates_nothing(
    engine: MemoryEngine, hook: Webhook, monkeypatch: pytest.MonkeyPatch
) -> None:
    engine.errors = [WINDOW.start]
    one = scheduler_at(engine, Clock(), receivers=[receiver(hook.url)])
    with monkeypatch.context() as patch:
        patch.setattr("integration.evaluation.risk_events._READ_BACK", lambda *_: ["gpu-1"])
        with pytest.raises(PartlyAppliedError):
            one.scheduler.tick()
    one.scheduler.tick()
    assert len(hook.received) == 1
    assert [entry["created"] for entry in one.events("window_done")] == [0]


def test_an_entry_is_told_of_what_it_asks_for(hook: Webhook) -> None:
    told = Told(
        receiver(hook.url, severity_at_least=Severity.HIGH, host=("gpu-*",)),
        receiver(hook.url, rule=("another",)),
    )
    told.window(finding("gpu-1"), finding("cpu-1"), finding("gpu-2", Severity.LOW))
    (message,) = hook.received
    assert ("gpu-1" in message["message"], "cpu-1" in message["message"], "gpu-2" in message["message"]) == (True, False, False)
    told.window(number=1)
    assert len(hook.received) == 1


def test_a_message_shows_the_gravest_and_counts_the_rest(hook: Webhook) -> None:
    told = Told(receiver(hook.url, most_findings=2))
    told.window(*(finding(f"gpu-{n}", Severity.LOW) for n in range(5)), finding("gpu-9", Severity.CRITICAL))
    (message,) = hook.received
    assert message["title"].startswith("critical: 6 findings of ")
    assert message["message"].index("critical on gpu-9") < message["message"].index("low on gpu-0")
    assert "gpu-1" not in message["message"]
    assert (
        "The 2 most severe are below. All 6: detect findings --from 2026-11-24T08:50:00Z --to 2026-11-24T09:50:00Z"
        in message["message"]
    )


def test_too_many_messages_are_held_back_and_counted_in_the_next_one(hook: Webhook) -> None:
    told = Told(receiver(hook.url, most_messages=2))
    for number in range(4):
        told.window(finding(), number=number)
    assert len(hook.received) == 2
    assert told.events() == ["notified", "notified", "notification_held_back", "notification_held_back"]
    told.clock.now += HOUR + 1
    told.window(number=4)
    assert hook.received[2]["title"] == "2 findings not told"
    assert "detect findings --from 2026-11-24T10:50:00Z" in hook.received[2]["message"]
    told.window(number=5)
    assert len(hook.received) == 3


def test_a_message_is_repeated_after_pauses(hook: Webhook) -> None:
    hook.statuses.extend([500, 503])
    told = Told(receiver(hook.url))
    told.window(finding())
    assert len(hook.received) == 1
    assert told.clock.waits == [2, 4]
    assert told.events() == ["notified"]


def test_a_receiver_that_fails_ends_nothing_and_is_told_later_what_it_missed(
    hook: Webhook, capfd: pytest.CaptureFixture[str], caplog: pytest.LogCaptureFixture
) -> None:
    hook.statuses.extend([403] * 3)
    told = Told(receiver(hook.url))
    told.window(finding())
    told.window(finding(), number=1)
    assert hook.received == []
    assert told.events() == ["notification_failed", "notification_held_back"]
    assert told.log[0]["error"] == "refused with HTTP status 403"
    assert told.clock.waits == [2, 4]
    told.clock.now += HOUR
    told.window(finding("gpu-3"), number=2)
    (message,) = hook.received
    assert "gpu-3" in message["message"]
    assert "2 findings from 2026-11-24T08:50:00Z on were in no message" in message["message"]
    assert "geheim" not in f"{told.log}{caplog.text}{capfd.readouterr()}"


def test_the_library_logs_nothing_of_its_own(capfd: pytest.CaptureFixture[str]) -> None:
    stream = io.StringIO()
    root, log = logging.getLogger(), JsonLog(stream, lambda: 0)
    root.addHandler(log)
    try:
        told = Told(receiver("json://user:geheim@127.0.0.1:9/geheim"))
        told.window(finding())
    finally:
        root.removeHandler(log)
    assert told.events() == ["notification_failed"]
    assert (stream.getvalue(), capfd.readouterr()) == ("", ("", ""))
    assert "geheim" not in str(told.log)


@pytest.mark.parametrize(
    "hostile",
    [
        "<!channel> <!here|x> <@U123> <#C1>",
        "@everyone @here @room",
        "<b>x</b><img src=http://evil.example/x>",
        "**x** `x` ~~x~~ [x](http://evil.example)",
        "a\r\nBcc: x@example.org\r\n\r\n.\r\n\x1b[31m\x07\u202e\u2028",
        "&lt;!channel&gt; ${HOME} {{x}} \\n",
    ],
)
def test_words_of_a_log_do_nothing(hook: Webhook, box: Mailbox, hostile: str) -> None:
    told = Told(receiver(hook.url), receiver(box.url))
    told.window(finding(hostile, message=f"Ollama error: {hostile}"))
    (message,) = hook.received
    text = message["message"]
    assert not any(sign in f"{message['title']}{text}" for sign in SHELL)
    assert len(text.splitlines()) == 4
    (mail,) = box.received
    assert [mail["To"], mail["Bcc"]] == ["soc@example.org", None]
    for part in mail.walk():
        if not part.is_multipart():
            shown = str(part.get_content())
            assert not any(sign in shown for sign in ("<img", "<b>x", "http://evil", "@everyone", "<!channel", "\x1b"))
            assert "Ollama error:" in shown


def test_a_long_message_is_cut(hook: Webhook) -> None:
    Told(receiver(hook.url)).window(finding("h" * 10_000, message="m" * 100_000))
    assert len(hook.received[0]["message"]) < 1_000


def test_one_message_stays_one_where_a_receiver_takes_little(hook: Webhook) -> None:
    small = receiver(hook.url)
    (service,) = small._apprise.services
    service.body_maxlen = 250
    Told(small).window(*(finding(f"gpu-{n}") for n in range(10)))
    (message,) = hook.received
    assert "All 10: detect findings --from 2026-11-24T08:50:00Z" in message["message"]


@pytest.mark.parametrize("url", ["geheim", "nothing://geheim", "slack://geheim", "json://", "geheim://x, json://127.0.0.1"])
def test_a_url_that_cannot_be_used_is_refused_and_not_shown(url: str, capfd: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(InputError, match=r"^this is not a URL that apprise knows") as refused:
        receiver(url)
    assert "geheim" not in f"{refused.value}{capfd.readouterr()}"


def test_entries_of_the_settings_become_receivers(tmp_path: Path, hook: Webhook, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "hook.url").write_text(f"{hook.url}\n")
    monkeypatch.setenv("HOOK", hook.url)
    path = tmp_path / "detect.toml"
    path.write_text("[[notify]]\nurl_env = 'HOOK'\nseverity_at_least = 'high'\n[[notify]]\nurl_file = 'hook.url'\nhost = 'gpu-*'")
    told = Told(*receivers_of(load_config(path)))
    told.window(finding("gpu-1", Severity.LOW), finding("cpu-1", Severity.HIGH))
    assert [("cpu-1" in each["message"], "gpu-1" in each["message"]) for each in hook.received] == [(True, False), (False, True)]
