"""`run`, `validate` and `findings` keep their memory however many hosts there are."""

from __future__ import annotations

from typing import Any

import pytest

from tests.support.measuring import MEBIBYTE, measured

HOSTS = 4_000
AT = ("--at", "2026-11-24T10:00:00Z", "--format", "json")
# Their text alone is 57 MiB in the lists, and as much again in the risk messages; a page of risk events is a fourth of it.
MOST = 175 * MEBIBYTE


def on_crowd(counted: int, *arguments: str, code: int = 0) -> tuple[Any, int]:
    """Run `detect` on a cluster of 4,000 hosts; gives its JSON and the most memory (bytes) it ever had."""
    rule = ("--rule", "ollama_possible_rce_via_model_loading")  # whose answers the crowd has
    return measured(str(HOSTS), str(counted), *arguments, *rule, module="tests.support.crowd", code=code)


def test_run() -> None:
    answer, peak = on_crowd(1, "run", *AT, "--spl-rows")
    assert [finding["host"] for finding in answer["findings"]] == [f"host-{n:07}" for n in range(HOSTS)]
    assert {len(finding["spl_rows"]) for finding in answer["findings"]} == {1}
    assert answer["events"] == {"read": HOSTS, "selected": HOSTS}
    assert peak < MOST


def test_findings() -> None:
    answer, peak = on_crowd(1, "findings", "--source", "risk", "--format", "json")
    assert [finding["host"] for finding in answer["findings"]] == [f"host-{n:07}" for n in range(HOSTS)]
    assert peak < MOST


@pytest.mark.long
def test_validate() -> None:
    """The reference holds 64 MiB of lists, besides."""
    answer, peak = on_crowd(1, "validate", *AT)
    assert answer["agrees"] is True
    assert answer["rules"][0]["findings"] == HOSTS
    assert peak < MOST + 64 * MEBIBYTE


def test_validate_where_all_differs() -> None:
    answer, peak = on_crowd(2, "validate", *AT, code=1)
    (result,) = answer["rules"]
    # The count, the message that names it, and the row.
    assert len(result["differences"]) + result["differences_left_out"] == 3 * HOSTS
    assert 0 < len(result["differences"]) <= 1_000
    assert peak < MOST + 64 * MEBIBYTE
