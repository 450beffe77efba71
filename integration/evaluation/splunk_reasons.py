"""Why a cell of Splunk's may differ from ours although both are right: what is known, in words."""

from __future__ import annotations

from datetime import datetime, tzinfo

from integration.findings.finding import spl_time
from integration.findings.values import MAX_VALUES
from integration.log.redaction import redact
from integration.times import to_millis

NOT_FLOORED = "Splunk's time is not floored: the exported search lacks `bin _time` (SPL 7)"
REDACTED = (
    "redacted here: the line reached Splunk without TA-ollama's redaction, or with a credential behind a scheme such as Bearer, "
    "which the add-on leaves"
)
LINE_CUT = "one side cut the line: Splunk after TRUNCATE bytes (10,000 unless an add-on says otherwise), here after 200,000"
LIST_CUT = f"the finding here shows a part of a list: its first {MAX_VALUES:,} values, or a mebibyte of them"
FILTERED = "the filter of detect.toml takes the finding of this host away"
NO_ROW = "`stats ... by` prints no row where a by-field is null (SPL 14)"

_LONG = 9_000
_MARK = "=[REDACTED]"


def reason_of(splunk: str, here: str, floor_ms: int | None, zone: tzinfo) -> str:
    """Return why two cells differ, "" where that is not known; `floor_ms` is the span to which a time is floored here."""
    if floor_ms is not None:
        return NOT_FLOORED if splunk and _floored(splunk, floor_ms, zone) == here else ""
    redacted = redact(splunk)
    # What is redacted may reach over a closing quote, so that one side's value goes on where the other's ends.
    before, mark, _ = here.partition(_MARK)
    if redacted == here or (mark and redacted.startswith(before + mark)):
        return REDACTED
    short, long = sorted((splunk, here), key=len)
    return LINE_CUT if len(long) >= _LONG and short and long.startswith(short) else ""


def zone_hint(seconds: float) -> str:
    """Return what to do where every time differs by so much."""
    hours = f"{abs(seconds) / 3600:g} hour{'s' * (abs(seconds) != 3600)}"
    side = "later" if seconds > 0 else "earlier"
    return f"Every time is {hours} {side} in Splunk: give the time zone of the user who exported the rows by --timezone."


def _floored(text: str, floor_ms: int, zone: tzinfo) -> str:
    instant = to_millis(datetime.fromisoformat(text).replace(tzinfo=zone))
    return spl_time(instant, floor_ms, zone)
