"""Which filter entries are suggested, and what they are said to hide."""

from __future__ import annotations

import tomllib

from integration.cli.settings.model import Config
from integration.commands.suggestions import Suggestion, suggested
from integration.detection.loading import load_rules
from integration.detection.severity import Severity
from integration.findings.filter import Filter
from integration.findings.finding import Finding
from tests.support.builders import RULE, error, event, findings_of


def noisy(host: str, message: str, hours: int, rest: str = "") -> list[Finding]:
    return findings_of(
        [event(error(f'msg="{message}" {rest}', at=f"2026-11-24T{hour:02}:00:00.000Z"), host) for hour in range(hours)]
    )


def by_host(suggestions: list[Suggestion]) -> dict[str, Suggestion]:
    return {each.stated["host"]: each for each in suggestions if "host" in each.stated}


def test_entries_say_what_they_hide_and_hide_it() -> None:
    found = (
        noisy("lab-1", "model missing", 9)
        + noisy("gpu-1", "model missing", 3)
        + noisy("gpu-1", "model cut", 2, 'err="exit status 2"')
    )
    suggestions = suggested(found, 20)
    for each in suggestions:
        config = Config.model_validate(tomllib.loads(each.toml))
        config.applied_to(load_rules())
        hidden = [finding for finding in found if not config.post_filter.passes(finding)]
        assert len(hidden) == each.hides.total() > 0
        assert each.worst is not None
        assert each.worst.severity == max(finding.severity for finding in hidden) == max(each.hides)
    harmless = [each for each in suggestions if max(each.hides) < Severity.HIGH]
    grave = suggestions[len(harmless) :]
    assert harmless[0].stated == {"action": "exclude", "rule": RULE.id, "all_contain": {"error_messages": ["model missing"]}}
    assert grave[0].stated["all_contain"] == {"error_types": ["model_error"]}
    assert grave[0].hides == {Severity.MEDIUM: 12, Severity.CRITICAL: 2}
    assert suggestions == harmless + grave
    for some in (harmless, grave):
        assert [each.hides.total() for each in some] == sorted((each.hides.total() for each in some), reverse=True)
    assert len(suggested(found, 2)) == 2


def test_entries_that_hide_nothing_grave_stand_first_however_few() -> None:
    found = noisy("lab-1", "model x", 3, 'err="exit status 2"') + noisy("lab-2", "model y", 1)
    assert list(by_host(suggested(found, 20))) == ["lab-2", "lab-1"]


def test_a_list_with_another_value_beside_is_not_hidden() -> None:
    lines = [error('msg="model missing"'), error('msg="model attacked"')]
    found = noisy("lab-1", "model missing", 8) + findings_of([event(line, "gpu-1") for line in lines])
    (alone,) = (each for each in suggested(found, 20) if each.stated.get("all_contain") == {"error_messages": ["model missing"]})
    assert alone.hides.total() == 8


def test_hostile_hosts_and_messages_stay_text() -> None:
    hosts = ["*", "[a-z]?", 'x"]\n[connection]\nurl = "http://evil"', "\x1b[2J\u202e", "😀\\", "\x7f\x00", "a" * 3_000]
    found = [finding for host in hosts for finding in noisy(host, 'model \\"]\\n[x]', 1)] + noisy("gpu-1", "model", 1)
    named = by_host(suggested(found, 100))
    assert len(named) == len(hosts)  # without the host that no filter may state, with gpu-1
    for each in named.values():
        assert each.hides.total() == 1
        assert all(c.isprintable() for c in each.toml.replace("\n", ""))
        (entry,) = Config.model_validate(tomllib.loads(each.toml)).filter
        assert sum(not Filter((entry,)).passes(finding) for finding in found) == 1


def test_addresses_and_paths_are_not_what_a_filter_goes_by() -> None:
    exploitation = load_rules(ids=["ollama_model_loading_exploitation"])[0]
    line = '[GIN] 2026/11/24 - 09:00:00 | 404 | 9.9ms | 203.0.113.9 | GET "/api/blobs/../../etc/passwd"'
    found = findings_of([event(line)], exploitation)
    assert found[0]["paths"]
    stated = [column for each in suggested(found, 100) for column in each.stated.get("all_contain", {"host": ()})]
    assert set(stated) == {"host", "signals"}


def test_nothing_found_is_nothing_to_suggest() -> None:
    assert suggested([], 10) == []
