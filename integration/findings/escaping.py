"""Texts of logs made harmless before a person reads them."""

from __future__ import annotations


def cut(text: str, limit: int) -> str:
    """Return a text with at most `limit` characters."""
    return text if len(text) <= limit else f"{text[: limit - 1]}…"


def escaped(text: str, limit: int | None = None) -> str:
    """Return a text with control characters and bidi marks as escapes, so that no log line steers a terminal; cut at `limit`."""
    shown = text if limit is None else cut(text, limit)
    if shown.isprintable():
        return shown
    return "".join(c if c.isprintable() else c.encode("unicode_escape").decode() for c in shown)
