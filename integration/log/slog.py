r"""Lines of Go's log/slog text handler: `time=... level=ERROR source=server.go:544 msg="..." key=value`."""

import re
from typing import Final

_QUOTED: Final = r'"(?:[^"\\\t\n\x0B\f\r]++|\\[^\t\n\x0B\f\r])*+"'
# A value ends at one space or at the end of the line: what is stuck to it, or stands after white space that Go
# would have escaped, is no slog text.
_ATTRIBUTE: Final = re.compile(
    rf'(?:([^ \t\n\x0B\f\r"=]++)|{_QUOTED})=(?:({_QUOTED})|([^ \t\n\x0B\f\r"]*+))(?: |\Z)',
)
_ESCAPE: Final = re.compile(r'\\(?:([abfnrtv\\"])|x([0-9A-Fa-f]{2})|u([0-9A-Fa-f]{4})|U([0-9A-Fa-f]{8}))')
_SHORT: Final = {"a": "\a", "b": "\b", "f": "\f", "n": "\n", "r": "\r", "t": "\t", "v": "\v", "\\": "\\", '"': '"'}


def attributes(line: str) -> dict[str, str]:
    """Return the attributes of a slog `line` from left to right, up to the first malformed spot.

    Values are unescaped. The first of equal keys counts; quoted keys are left out, since slog quotes none of the
    keys that have a meaning here. A line that begins with neither `time=` nor `level=` has no attributes.
    """
    found: dict[str, str] = {}
    if not line.startswith(("time=", "level=")):
        return found
    at = 0
    while attribute := _ATTRIBUTE.match(line, at):
        key, quoted, bare = attribute.groups()
        if key is not None and key not in found:
            found[key] = unescape(quoted[1:-1]) if quoted else bare
        at = attribute.end()
    return found


def unescape(text: str) -> str:
    r"""Return what Go's strconv.Quote made `text` from (the text between its quotes).

    An escape of no valid character (`\xff`, half a surrogate pair) becomes U+FFFD. One that Go never writes stays
    as it is: redaction can leave a lone backslash behind.
    """
    return _ESCAPE.sub(_character, text) if "\\" in text else text


def _character(escape: re.Match[str]) -> str:
    short, byte, four, eight = escape.groups()
    if short:
        return _SHORT[short]
    code = int(byte or four or eight, 16)
    invalid = code > 0x10FFFF or 0xD800 <= code <= 0xDFFF or (byte is not None and code >= 0x80)
    return "\ufffd" if invalid else chr(code)
