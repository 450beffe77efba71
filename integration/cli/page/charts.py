"""The charts of a page as figures of Plotly, without colours: those are the page's own, light or dark.

Plotly takes some markup in texts, such as links, so that texts of logs are escaped for it. Hosts and messages stand at numbered
places of an axis, since Plotly takes a name such as 2026 for a date and two names that are cut alike for one.
"""

from __future__ import annotations

from bisect import bisect_right
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from html import escape
from textwrap import wrap
from typing import Any
from unicodedata import combining, normalize

from integration.commands.backtest import Sums
from integration.detection.model import Rule
from integration.detection.severity import Severity
from integration.findings.escaping import cut, escaped
from integration.findings.severity_counts import in_words, top_keys

Figure = dict[str, Any]
Counts = Mapping[str, Counter[Severity]]

MAX_DAYS = 366
"""The most days of the timeline: the stretch with the most findings. One forged stamp would else squeeze all others together."""
_DAYS_BY_HOUR = 7
_HOURS = [f"{hour:02}" for hour in range(24)]
_MILLIS = {"hour": 3_600_000, "day": 86_400_000}
_MAX_HOST, _MAX_LABEL, _MAX_HOVER, _HOVER_WIDTH = 16, 44, 240, 60
_MOST_TICKS = 8
_ROW, _AROUND = 34, 70  # pixels of a row of bars, and of what stands around the rows


@dataclass(frozen=True, slots=True)
class Chart:
    """A chart: a name for the page, a title, what it shows and leaves out, and the figure as Plotly reads it."""

    name: str
    title: str
    note: str
    figure: Figure


def charts_of(sums: Sums, rules: Sequence[Rule], top: int, zone: str) -> list[Chart]:
    """Return the charts of findings, none where there is no finding; of hosts and messages the `top` ones are drawn."""
    if not sums.severities:
        return []
    messages = _messages(sums, rules)
    charts = [_timeline(sums, zone), _heat_map(sums, top, zone)]
    return [*charts, _top_messages(messages, top)] if messages else charts


def _timeline(sums: Sums, zone: str) -> Chart:
    first, last = _densest(sums.by["day"])
    is_short = (date.fromisoformat(last) - date.fromisoformat(first)).days < _DAYS_BY_HOUR
    step = "hour" if is_short and not sums.hours.beyond else "day"  # of very many hours the last ones may be beyond those counted
    counts = {key: each for key, each in (sums.hours if step == "hour" else sums.by["day"]).items() if first <= key[:10] <= last}
    suffix = ":00" if step == "hour" else ""
    traces = [
        {
            "type": "bar",
            "name": str(level),
            "meta": str(level),
            "x": [f"{key}{suffix}" for key in keys],
            "y": [counts[key][level] for key in keys],
            "width": _MILLIS[step],
            "offset": 0,
            "hovertext": [f"{key.replace('T', ' ')}{suffix}: {in_words(counts[key])}" for key in keys],
            "hoverinfo": "text",
        }
        for level in sorted(sums.severities, reverse=True)
        if (keys := sorted(key for key, each in counts.items() if each[level]))
    ]
    left_out = sums.severities.total() - sum(each.total() for each in counts.values())
    note = f"Findings by the {step} in which their window begins ({zone})." + f" Outside of these days: {left_out:,}." * bool(
        left_out
    )
    shown = [f"{min(counts)}{suffix}", _end_of(max(counts), step)]
    axes = {"xaxis": {"type": "date", "range": shown}, "yaxis": _count_axis(counts.values())}
    return Chart("timeline", "Timeline by severity", note, {"data": traces, "layout": {"barmode": "stack", "height": 280, **axes}})


def _densest(by_day: Counts) -> tuple[str, str]:
    """Return the first and the last day of the stretch of at most `MAX_DAYS` that has the most findings; of several the latest."""
    days = sorted(by_day)
    before = [0]
    for day in days:
        before.append(before[-1] + by_day[day].total())

    def stretch(start: int) -> tuple[int, int, int]:
        end = bisect_right(days, _days_after(days[start], MAX_DAYS - 1))
        return before[end] - before[start], start, end

    _, start, end = max(map(stretch, range(len(days))))
    return days[start], days[end - 1]


def _days_after(day: str, days: int) -> str:
    return (date.fromisoformat(day) + timedelta(days=days)).isoformat()


def _end_of(key: str, step: str) -> str:
    """Return where the day or the hour ends that a key names."""
    if step == "day":
        return _days_after(key, 1)
    return (datetime.fromisoformat(key) + timedelta(hours=1)).isoformat(timespec="minutes")


def _heat_map(sums: Sums, top: int, zone: str) -> Chart:
    hosts = top_keys(sums.by["host"], top)
    hours = [sums.hours_of_hosts[host] for host in hosts]
    trace = {
        "type": "heatmap",
        "x": _HOURS,
        "y": list(range(len(hosts))),
        "z": [[each[hour].total() if hour in each else None for hour in _HOURS] for each in hours],
        "zmin": 0,
        "zmax": max(counts.total() for each in hours for counts in each.values()),
        "text": [
            [f"{_hover(host)}<br>{hour}:00: {in_words(each.get(hour, Counter())) or 'none'}" for hour in _HOURS]
            for host, each in zip(hosts, hours, strict=True)
        ],
        "hoverinfo": "text",
        "xgap": 1,
        "ygap": 1,
        "showscale": False,
    }
    names = {"tickvals": trace["y"], "ticktext": [_label(host, _MAX_HOST) for host in hosts]}
    bare = {"showgrid": False, "zeroline": False}
    axes = {"xaxis": {"type": "category", "nticks": 12, **bare}, "yaxis": {"autorange": "reversed", **bare, **names}}
    left_out = sums.severities.total() - sum(sums.by["host"][host].total() for host in hosts)
    note = f"Findings by host and hour of the day ({zone}); the stronger the colour, the more."
    note += f" These are the {len(hosts)} hosts with the most; all others have {left_out:,}." * bool(left_out)
    layout = {"height": _AROUND + _ROW * len(hosts), **axes}
    return Chart("hosts", "Hosts by hour of the day", note, {"data": [trace], "layout": layout})


def _top_messages(messages: Counts, top: int) -> Chart:
    shown = top_keys(messages, top)
    levels = sorted({level for message in shown for level in messages[message]}, reverse=True)
    traces = [
        {
            "type": "bar",
            "orientation": "h",
            "name": str(level),
            "meta": str(level),
            "x": [messages[message][level] for message in shown],
            "y": list(range(len(shown))),
            "width": 0.35,
            "hovertext": [f"{_hover(message)}<br>{in_words(messages[message])}" for message in shown],
            "hoverinfo": "text",
        }
        for level in levels
    ]
    # A message stands above its bar: beside it there is no room on a narrow screen.
    above = {"x": 0, "xanchor": "left", "yanchor": "bottom", "yshift": 6, "showarrow": False, "xref": "paper"}
    labels = [{"y": place, "text": _label(message, _MAX_LABEL), **above} for place, message in enumerate(shown)]
    axes = {
        "xaxis": _count_axis(messages[message] for message in shown),
        "yaxis": {"range": [len(shown) - 0.6, -0.9], "showticklabels": False, "showgrid": False, "zeroline": False},
    }
    layout = {"barmode": "stack", "height": _AROUND + (_ROW + 10) * len(shown), "annotations": labels, **axes}
    more = len(messages) - len(shown)
    note = "Findings by message; a finding counts for each of its messages." + f" {more:,} more messages." * bool(more)
    return Chart("messages", "Top messages", note, {"data": traces, "layout": layout})


def _count_axis(counts: Iterable[Counter[Severity]]) -> Figure:
    """Return an axis of counts, whose ticks are whole numbers."""
    most = max(each.total() for each in counts)
    return {"rangemode": "tozero", **({"dtick": 1} if most <= _MOST_TICKS else {})}


def _messages(sums: Sums, rules: Sequence[Rule]) -> Counts:
    """Return findings by message, whatever each rule calls its list of messages."""
    names = {name for rule in rules for name, column in rule.columns.items() if column.values == "ollama.msg"}
    messages: dict[str, Counter[Severity]] = {}
    for name in sorted(names & sums.values.keys()):
        for message, counts in sums.values[name].items():
            messages[message] = messages.get(message, Counter()) + counts
    return messages


def _label(text: str, limit: int) -> str:
    """Return a text for Plotly; marks that stack on a character are left out, since they would paint over other labels."""
    flat = "".join(c for c in normalize("NFC", escaped(text)) if not combining(c))
    return escape(cut(flat, limit), quote=False)


def _hover(text: str) -> str:
    return "<br>".join(_label(line, _HOVER_WIDTH) for line in wrap(escaped(text, _MAX_HOVER), _HOVER_WIDTH))
