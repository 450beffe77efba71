"""Regular expressions of rule files: which may be there; and taken apart, if they have neither anchors nor word boundaries."""

from __future__ import annotations

import re
import warnings
from math import prod

from integration.detection.patterns import ANY, AnyOf, InOrder, OneOf, Pattern, Repeated

# What Python, Java and Painless read alike: no look-around, back-references, flags, possessive or named groups, no `$`.
_NOT_PORTABLE = re.compile(r"\(\?(?!:)|\\[0-9kgGzZAQENpPRUvX]|[*+?}]\+|\$|&&|\[[^\]]*\[|^$")
_STANDS_FOR_ITSELF = re.compile(r"\\\W")
# Where no repetition begins, Python takes a brace for itself, and Java for a mistake; so too a backspace in a set.
_BARE_BRACE = re.compile(r"\{(?!\d+(?:,\d*)?\})")
_BACKSPACE = r"\b"
_MOST_TIMES = 100
_NO_GROUP = re.compile(r"\\.|\[\^?\]?(?:\\.|[^\]\\])*\]", re.DOTALL)
_REPEATED_GROUP = re.compile(r"\)(?:[*+]|\{\d+,\}|\{(?:\d+,)?(\d+)\})")
_MOST_NESTED = 50
_DIGITS, _WORD = (("0", "9"),), (("0", "9"), ("A", "Z"), ("_", "_"), ("a", "z"))
_SPACE = (("\t", "\r"), (" ", " "))
_CLASSES = {"d": _DIGITS, "w": _WORD, "s": _SPACE}
_CONTROLS = {"t": "\t", "n": "\n", "r": "\r", "f": "\f"}
_CHARACTER = r"\\(?:x[0-9a-fA-F]{2}|u[0-9a-fA-F]{4}|.)"
_TOKEN = re.compile(
    r"(?P<open>\((?:\?:)?)|(?P<bar>\|)|(?P<close>\))"
    r"|(?P<often>(?:[*+?]|\{\d+(?:,\d*)?\})\??)"
    r"|(?P<any>\.)"
    r"|(?P<set>\[\^?\]?(?:\\.|[^\]\\])*\])"
    rf"|(?P<escape>{_CHARACTER})"
    r"|(?P<plain>[^\\^$\[\](){}*+?|.])",
    re.DOTALL,
)
_IN_SET = re.compile(rf"{_CHARACTER}|.", re.DOTALL)


def portable(regex: str) -> str:
    """Give the regular expression back if Python and Java read it alike and can run it; `ValueError` says why not."""
    plain, meant = _NO_GROUP.sub("x", regex), _STANDS_FOR_ITSELF.sub("x", regex)
    in_sets = (part for part in _NO_GROUP.findall(meant) if part.startswith("["))
    if _NOT_PORTABLE.search(meant) or _BARE_BRACE.search(plain) or any(_BACKSPACE in part for part in in_sets):
        raise ValueError(
            "must be a regular expression that Python and Java read alike (no look-around, back-references, flags, `$`, bare `{`)"
        )
    try:
        with warnings.catch_warnings(action="error", category=FutureWarning):  # of what later Pythons may read otherwise
            re.compile(regex, re.ASCII)
    except (re.error, FutureWarning) as error:
        raise ValueError(f"is not a regular expression: {error}") from error
    bounds = [int(found[1] or _MOST_TIMES + 1) for found in _REPEATED_GROUP.finditer(plain)]
    if prod(max(bound, 1) for bound in bounds) > _MOST_TIMES:
        raise ValueError(
            f"repeats a group more than {_MOST_TIMES} times or without a bound: on a long line Java's stack would not do, and the "
            "whole search would fail; repeat single characters or sets, or give a bound as in `(?:...){1,9}`"
        )
    return regex


def parsed(regex: str) -> Pattern:
    """Give the pattern of what the regular expression matches; it must be one that Python's `re` takes.

    `ValueError` names the part that cannot be said as a pattern.
    """
    groups: list[list[list[Pattern]]] = [[[]]]
    position = 0
    while position < len(regex):
        token = _TOKEN.match(regex, position)
        if token is None or len(groups) > _MOST_NESTED:
            raise _unsayable(regex[position:])
        match token.lastgroup:
            case "open":
                groups.append([[]])
            case "bar":
                groups[-1].append([])
            case "close":
                group = _group(groups.pop())
                groups[-1][-1].append(group)
            case "often":
                # Whether something is found at all, a lazy one tells like a greedy one.
                groups[-1][-1].append(_repeated(groups[-1][-1].pop(), token[0]))
            case kind:
                groups[-1][-1].append(_one_of(str(kind), token[0]))
        position = token.end()
    return _group(groups.pop())


def _group(alternatives: list[list[Pattern]]) -> Pattern:
    parts = tuple(InOrder(tuple(each)) for each in alternatives)
    return parts[0] if len(parts) == 1 else AnyOf(parts)


def _repeated(part: Pattern, text: str) -> Repeated:
    match text[0]:
        case "*":
            return Repeated(part, 0, None)
        case "+":
            return Repeated(part, 1, None)
        case "?":
            return Repeated(part, 0, 1)
    least, comma, most = text.rstrip("?")[1:-1].partition(",")
    return Repeated(part, int(least), int(most) if most else None if comma else int(least))


def _one_of(kind: str, text: str) -> OneOf:
    match kind:
        case "any":
            return ANY
        case "set":
            negated = text.startswith("[^")
            return OneOf(tuple(_ranges(text[2 if negated else 1 : -1])), negated)
        case "escape" if text[1].lower() in _CLASSES:
            return OneOf(_CLASSES[text[1].lower()], negated=text[1].isupper())
    return _single(text)


def _ranges(inside: str) -> list[tuple[str, str]]:
    """Read what stands in a set: characters, ranges of them, classes."""
    found: list[tuple[str, str]] = []
    parts = _IN_SET.findall(inside)
    while parts:
        part = parts.pop(0)
        if part[0] == "\\" and part[1] in _CLASSES:
            found += _CLASSES[part[1]]
        elif len(parts) > 1 and parts[0] == "-":
            found.append((_character(part), _character(parts[1])))
            del parts[:2]
        else:
            found.append((_character(part),) * 2)
    return found


def _single(text: str) -> OneOf:
    character = _character(text)
    return OneOf(((character, character),))


def _character(text: str) -> str:
    """Give the one character that a part of a regular expression stands for."""
    if text[0] != "\\":
        return text
    if text[1] in "xu" and len(text) > 2:
        return chr(int(text[2:], 16))
    if text[1] in _CONTROLS:
        return _CONTROLS[text[1]]
    if text[1].isalnum():
        raise _unsayable(text)
    return text[1]


def _unsayable(part: str) -> ValueError:
    return ValueError(f"cannot be said in ES|QL (at {part[:20]!r})")
