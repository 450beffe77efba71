"""The zone of access lines' clocks, where the shipper's document names none: a processor of the pipeline that is installed."""

from __future__ import annotations

from typing import Any

from integration.errors import InputError
from integration.log.shipper_times import zone_of

NO_TIMEZONE = "none"
"""The word for access lines that keep the shipper's time."""
_TAG = "gin-timezone"
_BEFORE = "named"


def timezone_of(text: str) -> str:
    """Return a zone's name, or `none`, if it is one; `InputError` otherwise.

    It has an area, which the abbreviations that machines know differently do not.
    """
    if text not in (NO_TIMEZONE, "UTC") and not ("/" in text and zone_of(text)):
        raise InputError(f"--gin-timezone {text!r} is not a time zone; write one such as Europe/Berlin, UTC or {NO_TIMEZONE}")
    return text


def put_timezone(pipeline: dict[str, Any], timezone: str) -> None:
    """Let a pipeline read the clock of access lines in a zone, where the document names none and no earlier pass read it."""
    processors = pipeline["processors"]
    place = next(number for number, each in enumerate(processors) if each.get("script", {}).get("tag") == _BEFORE)
    named = {
        "tag": _TAG,
        "description": "The clock of a GIN line counts in this zone, where the shipper names none in `event.timezone`",
        "if": "ctx.event.original.startsWith('[GIN] ') && ctx._ollama?.again == null",
        "field": "_ollama.timezone",
        "value": timezone,
        "override": False,
    }
    processors.insert(place, {"set": named})


def installed_timezone(pipeline: dict[str, Any]) -> str | None:
    """Return the zone that a pipeline reads the clock of access lines in, None where it reads it in none of its own."""
    return next((each["set"]["value"] for each in pipeline.get("processors", ()) if each.get("set", {}).get("tag") == _TAG), None)
