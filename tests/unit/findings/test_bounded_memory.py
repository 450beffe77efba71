"""`run`, `validate` and `findings` keep their memory however many hosts there are."""

from __future__ import annotations

from typing import Any

import pytest

from tests.support.measuring import MEBIBYTE, measured

# Their text is 28 MiB in the lists of 2,000 hosts, and as much again in the risk messages; a page of risk events is half of it.
AT = ("--at", "2026-11-24T10:00:00Z", "--format", "json")
MOST = 130 * MEBIBYTE
hosts = pytest.mark.parametrize("hosts", [2_000, pytest.param(4_000, marks=pytest.mark.long)])


def on_crowd(hosts: int, counted: int, *arguments: str, code: int = 0) -> tuple[Any, int]:
    """Run `detect` on a cluster of very many hosts; gives its JSON and the most memory (bytes) it ever had."""
    rule = ("--rule", "ollama_possible_rce_via_model_loading")  # whose answers the crowd has
    return measured(str(hosts), str(counted), *arguments, *rule, module="tests.support.crowd", code=code)


@hosts
def test_run(hosts: int) -> None:
    answer, peak = on_crowd(hosts, 1, "run", *AT, "--spl-rows")
    assert [finding["host"] for finding in answer["findings"]] == [f"host-{n:07}" for n in range(hosts)]
    assert {len(finding["spl_rows"]) for finding in answer["findings"]} == {1}
    assert answer["events"] == {"read": hosts, "selected": hosts}
    assert peak < MOST


@hosts
def test_findings(hosts: int) -> None:
    answer, peak = on_crowd(hosts, 1, "findings", "--source", "risk", "--format", "json")
    assert [finding["host"] for finding in answer["findings"]] == [f"host-{n:07}" for n in range(hosts)]
    assert peak < MOST


@pytest.mark.long
def test_validate() -> None:
    """The reference holds 64 MiB of lists, besides."""
    answer, peak = on_crowd(4_000, 1, "validate", *AT)
    assert answer["agrees"] is True
    assert answer["rules"][0]["findings"] == 4_000
    assert peak < MOST + 85 * MEBIBYTE


@hosts
def test_validate_where_all_differs(hosts: int) -> None:
    answer, peak = on_crowd(hosts, 2, "validate", *AT, code=1)
    (result,) = answer["rules"]
    # The count, the message that names it, and the row.
    assert len(result["differences"]) + result["differences_left_out"] == 3 * hosts
    assert 0 < len(result["differences"]) <= 1_000
    assert peak < MOST + 85 * MEBIBYTE
