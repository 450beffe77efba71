"""Text compared ignoring case, alike in Python and on the cluster, whatever the locale of either."""

from __future__ import annotations

FINAL_AND_PLAIN_SIGMA = ("\u03c2", "\u03c3")


def fold(text: str) -> str:
    """Return text as it is compared: in lower case, and with one form of sigma.

    Which form stands at the end of a word is the one thing in which Python and Java differ. `render.painless.folded` and
    `render.esql_text.folded` say the same to an engine.
    """
    return text.lower().replace(*FINAL_AND_PLAIN_SIGMA)
