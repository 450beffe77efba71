"""What is blanked out before a line is stored: e-mail addresses and keys, as the Splunk add-on does it, and credentials."""

import re
from typing import Final

LOCAL_PART: Final = "[A-Za-z0-9._%+-]"
DOMAIN: Final = r"@[A-Za-z0-9.-]+\.[A-Za-z]{2,}"
# The add-on takes the run behind its key. Where that run is a scheme, whatever stands around it, the credential is the next one.
KEY: Final = (
    r"(?i)(api[_-]?key|authorization|bearer)[=: ]+"
    r"(?:[^A-Za-z0-9& \t\n\x0B\f\r]{0,20}(?:bearer|basic|token)[^A-Za-z0-9& \t\n\x0B\f\r]{0,20}[ \t\n\x0B\f\r]{1,20}){0,4}"
    r"[^& \t\n\x0B\f\r]+"
)

# One pass over whole runs of local-part characters. The plain `[local]+@...` starts anew at every character of
# a run without an `@`, which takes quadratic time on a long one; the matches are the same.
_EMAIL: Final = re.compile(rf"{LOCAL_PART}++({DOMAIN})?")
_KEY: Final = re.compile(KEY, re.ASCII)


def redact(line: str) -> str:
    """Return `line` with its e-mail addresses, then its keys and credentials, blanked out."""
    if "@" in line:
        line = _EMAIL.sub(_blank_email, line)
    lower = line.lower()
    if "api" in lower or "authorization" in lower or "bearer" in lower:
        line = _KEY.sub(r"\1=[REDACTED]", line)
    return line


def _blank_email(run: re.Match[str]) -> str:
    return "[REDACTED_EMAIL]" if run[1] else run[0]
