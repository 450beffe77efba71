"""A rule's cron expression in Watcher's form: seconds first, and days either of the month or of the week."""

from __future__ import annotations

from collections.abc import Collection
from datetime import UTC, datetime
from typing import cast

from cronsim import CronSim

_WEEKDAYS = ("SUN", "MON", "TUE", "WED", "THU", "FRI", "SAT", "SUN")


def crons(expression: str) -> list[str]:
    """Give one or two expressions, whose instants together are those of a five-field `expression`.

    Two where days of the month and of the week are alternatives. `ValueError` for what Watcher cannot say: days of both kinds at
    once, and days counted from the month's end.
    """
    parsed = CronSim(expression, datetime(1970, 1, 1, tzinfo=UTC))
    if any(isinstance(day, tuple) for day in parsed.weekdays) or min(parsed.days) < 0:
        raise ValueError("counts days from the month's end, or weeks within it")
    times = f"0 {_listed(parsed.minutes, range(60))} {_listed(parsed.hours, range(24))}"
    months = _listed(parsed.months, range(1, 13))
    days = _listed(parsed.days, range(1, 32))
    names = {_WEEKDAYS[day] for day in cast("set[int]", parsed.weekdays)}
    weekdays = "*" if len(names) == len(set(_WEEKDAYS)) else ",".join(name for name in _WEEKDAYS[:7] if name in names)
    if weekdays == "*":
        return [f"{times} {days} {months} ?"] if parsed.day_and or days == "*" else [f"{times} * {months} ?"]
    if days == "*":
        return [f"{times} ? {months} {weekdays}"] if parsed.day_and else [f"{times} * {months} ?"]
    if parsed.day_and:
        raise ValueError("asks for days of the month and of the week at once")
    return [f"{times} {days} {months} ?", f"{times} ? {months} {weekdays}"]


def _listed(values: Collection[int], whole: Collection[int]) -> str:
    return "*" if set(values) == set(whole) else ",".join(str(value) for value in sorted(values))
