"""Why a cell of Splunk's may differ from ours although both are right: what is known, in words."""

from __future__ import annotations

import re
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
_MOST_PAIRS = 10_000
_MARK = "=[REDACTED]"


def reason_of(splunk: str, here: str, floor_ms: int | None, zone: tzinfo) -> str:
    """Return why two cells differ, "" where that is not known; `floor_ms` is the span to which a time is floored here."""
    if floor_ms is not None:
        return NOT_FLOORED if splunk and _floored(splunk, floor_ms, zone) == here else ""
    theirs, ours = set(splunk.split("\n")), set(here.split("\n"))
    redacted, only_here = {each: redact(each) for each in theirs - ours}, ours - theirs
    if len(redacted) * len(only_here) > _MOST_PAIRS:
        return ""
    pairs = {(there, own): reason for there in redacted for own in only_here if (reason := _reason_of(there, redacted[there], own))}
    # Values may be one and the same here, redacted.
    alike = {there for there, value in redacted.items() if value in ours}
    if redacted.keys() - alike - {there for there, _ in pairs} or only_here - {own for _, own in pairs}:
        return ""
    return "; ".join(sorted({*pairs.values(), *([REDACTED] if alike else [])}))


def _reason_of(splunk: str, redacted: str, here: str) -> str:
    """Return why two values differ, of which Splunk's is given redacted, too."""
    if redacted == here or _but_for_marks(redacted, here):
        return REDACTED
    short, long = sorted((splunk, here), key=len)
    return LINE_CUT if len(short) >= _LONG and long.startswith(short) else ""


def _but_for_marks(theirs: str, here: str) -> bool:
    """Whether redacted values differ only in what a redaction explains.

    Splunk's may have a word more, the credential behind its scheme. Where the redaction reaches over the closing quote, ours goes
    on until the next quote, behind the name of an attribute.
    """
    *parts, last = map(re.escape, here.split(_MARK))
    ends = [last, ""] if here.endswith("=") else [last]
    mark = rf"{re.escape(_MARK)}(?: [^ ]+)?"
    return bool(parts) and any(re.fullmatch(mark.join([*parts, end]), theirs) for end in ends)


def zone_hint(seconds: float) -> str:
    """Return what to do where every time differs by so much."""
    hours = f"{abs(seconds) / 3600:g} hour{'s' * (abs(seconds) != 3600)}"
    side = "later" if seconds > 0 else "earlier"
    return f"Every time is {hours} {side} in Splunk: give the time zone of the user who exported the rows by --timezone."


def _floored(text: str, floor_ms: int, zone: tzinfo) -> str:
    instant = to_millis(datetime.fromisoformat(text).replace(tzinfo=zone))
    return spl_time(instant, floor_ms, zone)
