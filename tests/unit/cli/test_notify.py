"""`detect notify`, and the settings that it reads."""

from __future__ import annotations

import json
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.support.builders import RULE
from tests.support.cli import detect
from tests.support.memory_engine import MemoryEngine
from tests.support.receivers import Webhook, webhook


@pytest.fixture(autouse=True)
def _alone(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("XDG_CONFIG_HOME", str(tmp_path / "home"))
    monkeypatch.setenv("NO_PROXY", "127.0.0.1")
    monkeypatch.chdir(tmp_path)


@pytest.fixture
def hook(monkeypatch: pytest.MonkeyPatch) -> Iterator[Webhook]:
    with webhook() as opened:
        monkeypatch.setenv("HOOK", opened.url)
        yield opened


def settings(text: str) -> None:
    Path("detect.toml").write_text(text)


def test_a_list_sends_nothing(hook: Webhook) -> None:
    settings("[[notify]]\nurl_env = 'HOOK'\nseverity_at_least = 'high'\nhost = ['gpu-*']")
    answer = detect("notify", "--format", "json")
    assert answer.json == {
        "notify": [{"to": "[[notify]] 1 (HOOK)", "service": "JSON", "severity_at_least": "high", "rule": [], "host": ["gpu-*"]}]
    }
    assert (answer.code, hook.received) == (0, [])
    assert "geheim" not in answer.out + answer.err


def test_a_test_message_to_each(hook: Webhook) -> None:
    Path("url").write_text(hook.url)
    Path("url").chmod(0o644)
    settings("[[notify]]\nurl_env = 'HOOK'\n[[notify]]\nurl_file = 'url'")
    answer = detect("notify", "--test")
    assert (answer.code, answer.out.count("sent")) == (0, 2)
    assert "'url' can be read by other users of this machine: chmod 600 it" in answer.err
    assert [each["title"] for each in hook.received] == ["Test message of detect"] * 2


def test_one_that_fails_ends_with_1_and_keeps_no_other_from_its_message(hook: Webhook) -> None:
    settings("[[notify]]\nurl_env = 'HOOK'\n[[notify]]\nurl_env = 'HOOK'")
    hook.statuses.append(401)
    answer = detect("notify", "--test", "--format", "json")
    assert [each["fault"] for each in answer.json["notify"]] == ["refused with HTTP status 401", None]
    assert (answer.code, len(hook.received)) == (1, 1)
    assert "geheim" not in answer.out + answer.err


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("", "has no [[notify]] entry"),
        ("[[notify]]\nurl = 'json://geheim'", "detect.toml:1: [[notify]] 1: url holds a secret and does not belong here"),
        ("[[notify]]\nhost = 'x'", "detect.toml:1: [[notify]] 1: say where its URL stands"),
        ("[[notify]]\nurl_env = 'A'\nurl_file = 'b'", "detect.toml:1: [[notify]] 1: say where its URL stands"),
        ("[[notify]]\nurl_env = 'json://geheim'", "detect.toml:2: [[notify]] 1.url_env"),
        ("[[notify]]\nurl_env = 'A'\nseverity_at_least = 'loud'", "detect.toml:3: [[notify]] 1.severity_at_least"),
        ("[[notify]]\nurl_env = 'A'\nmessages_per_hour = 0", "detect.toml:3: [[notify]] 1.messages_per_hour"),
        ("[[notify]]\nurl_env = 'HOOK'\nrule = 'missing'", "[[notify]] 1.rule: there is no rule of the id missing"),
        ("[[notify]]\nurl_env = 'MISSING'", "[[notify]] 1 (MISSING): the environment has no variable MISSING"),
        ("[[notify]]\nurl_file = 'missing'", "detect.toml: [[notify]] 1 (missing): missing: cannot be read: No such file"),
        ("[[notify]]\nurl_env = 'NO_URL'", "detect.toml: [[notify]] 1 (NO_URL): this is not a URL that apprise knows"),
    ],
)
def test_faults_are_told_without_secrets(hook: Webhook, monkeypatch: pytest.MonkeyPatch, text: str, said: str) -> None:
    monkeypatch.setenv("NO_URL", "geheim")
    settings(text)
    answer = detect("notify")
    assert (answer.code, said in answer.err) == (2, True), answer.err
    assert (hook.received, "json://geheim" in answer.err) == ([], False)


def test_every_entry_that_is_wrong_is_told(hook: Webhook) -> None:
    settings("[[notify]]\nurl_env = 'MISSING'\n[[notify]]\nurl_env = 'HOOK'\n[[notify]]\nurl_file = 'mail.url'")
    answer = detect("notify", "--test")
    assert (answer.code, hook.received) == (2, [])
    assert [line.partition(" (")[0] for line in answer.err.splitlines()] == [
        f"{begin}detect.toml: [[notify]] {number}" for begin, number in (("detect: ", 1), ("", 3))
    ]


def test_watch_does_not_begin_where_it_could_tell_nobody() -> None:
    settings("[[notify]]\nurl_env = 'MISSING'")
    answer = detect("watch", "--once", "--url", "http://127.0.0.1:9")
    assert (answer.code, "no variable MISSING" in answer.err) == (2, True)


def test_watch_tells_its_entries(hook: Webhook, monkeypatch: pytest.MonkeyPatch) -> None:
    engine = MemoryEngine()
    engine.errors = [RULE.windows.last_run(time.time_ns() // 1_000_000).start]
    monkeypatch.setattr("integration.cli.connection.connect", lambda _connection: engine)
    settings("[[notify]]\nurl_env = 'HOOK'")
    answer = detect("watch", "--once", "--rule", RULE.id)
    told = {entry["event"]: entry for entry in map(json.loads, answer.err.splitlines())}
    assert (answer.code, told["started"]["notify"], told["notified"]["findings"]) == (0, ["[[notify]] 1 (HOOK)"], 1)
    (message,) = hook.received
    assert f"detect explain --finding {told['finding']['id']}" in message["message"]
    assert "geheim" not in answer.err
