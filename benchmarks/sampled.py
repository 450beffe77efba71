"""Sample lines as a shipper sends them: a line without a stamp has the time of the last one above it."""

from __future__ import annotations

from collections.abc import Iterator

from integration.log.files import RawLine
from integration.log.line import read
from integration.sandbox.sample import Plan, generate


def shipped(plan: Plan) -> Iterator[tuple[str, RawLine]]:
    """Yield every line of a plan with its host."""
    times: dict[str, int] = {}
    for number, (host, text) in enumerate(generate(plan), 1):
        line = read(text)
        if line.stamp is not None:
            times[host] = line.stamp
        yield host, RawLine(text, f"{host}/{plan.seed}.log", number, number, times.get(host, plan.start), line)
