"""Texts of logs made harmless before a person reads them."""

from __future__ import annotations


def escaped(text: str, limit: int | None = None) -> str:
    """Return a text with control characters and bidi marks as escapes, so that no log line steers a terminal; cut at `limit`."""
    shown = text if limit is None or len(text) <= limit else f"{text[: limit - 1]}…"
    if shown.isprintable():
        return shown
    return "".join(c if c.isprintable() else c.encode("unicode_escape").decode() for c in shown)
