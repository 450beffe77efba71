r"""Records of builds with a JSON handler: `{"time":"...","level":"ERROR","source":{"file":"server.go","line":316},"msg":"..."}`.

They are read by expressions and not by a parser, since a redaction may have eaten a quote. Each takes the first such member.
"""

import json
import re
from typing import Final

from integration.times import RFC3339

_COLON: Final = r"[ \t]*+:[ \t]*+"
_TEXT: Final = r'(?:[^"\\\n\r]++|\\[^\n\r])*+'
# In a value, the quotes around a name have backslashes before them.
_START: Final = r'[{,][ \t]*+"'

STAMP: Final = rf'{_START}time"{_COLON}"(?P<stamp>{RFC3339})"'
TEXTS: Final = {key: rf'{_START}{key}"{_COLON}"(?P<json_{key}>{_TEXT})"' for key in ("level", "msg", "err", "error", "source")}
FILE: Final = rf'{_START}file"{_COLON}"(?P<json_file>{_TEXT})"(?:[ \t]*+,[ \t]*+"line"{_COLON}(?P<json_line>[0-9]{{1,10}}))?'

_STAMP: Final = re.compile(STAMP)
_TEXTS: Final = {key: re.compile(pattern) for key, pattern in TEXTS.items()}
_FILE: Final = re.compile(FILE)
_SURROGATE: Final = re.compile("[\ud800-\udfff]")


def stamp(line: str) -> str | None:
    """Return the time of a record, as it is written."""
    match = _STAMP.search(line)
    return match["stamp"] if match else None


def attributes(line: str) -> dict[str, str]:
    """Return the attributes of a record that mean something here; `source` as the text handler writes it, `server.go:316`."""
    found = {key: _unescaped(match[1]) for key, pattern in _TEXTS.items() if (match := pattern.search(line))}
    if "source" not in found and (match := _FILE.search(line)):
        number = match["json_line"]
        found["source"] = _unescaped(match["json_file"]) + (f":{number}" if number else "")
    return found


def _unescaped(text: str) -> str:
    """Return what JSON made `text` from; one that JSON never writes stays as it is."""
    if "\\" not in text:
        return text
    try:
        return _SURROGATE.sub("\ufffd", str(json.loads(f'"{text}"')))
    except ValueError:
        return text
