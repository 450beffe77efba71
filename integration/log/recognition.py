"""Whether text looks like Ollama's log: of what does not, finding nothing says nothing."""

from __future__ import annotations

import re
from typing import Final

_LEVEL: Final = "(?:TRACE|DEBUG|INFO|WARN|ERROR)(?![A-Za-z])"
# Each begins with letters that a search can skip to, and repeats nothing without bound: lines are long.
_SIGNS: Final = tuple(
    re.compile(sign.encode())
    for sign in (
        f"level={_LEVEL}",
        r"\[GIN(?:-debug|-warning|-recovery)?\]",
        rf'"level\\{{0,3}}": ?\\{{0,3}}"{_LEVEL}',
        r"\.go:[0-9]{1,5}: ",
        "panic: ",
        "fatal error: ",
        r"goroutine [0-9]{1,9} \[",
        r"\[signal SIG",
        "llama_[a-z0-9_]{1,60}: ",
        "ggml_[a-z0-9_]{1,60}: ",
        "gguf_[a-z0-9_]{1,60}: ",
        "clip_[a-z0-9_]{1,60}: ",
        r"GGML_ASSERT\(",
        "CUDA error",
        "ROCm error",
        "load_tensors: ",
        "print_info: ",
    )
)


def looks_like_ollama(text: bytes) -> bool:
    """Return whether a line of a text is a record of slog, an access line of GIN, a Go panic, or what llama.cpp writes."""
    return any(sign.search(text) for sign in _SIGNS)


def said_unlike(path: str, lines: int) -> str:
    """Return the words for a log in which no line looks like Ollama's."""
    return f"{path}: 0 of {lines:,} lines look like Ollama's"
