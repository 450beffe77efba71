"""Texts of a rule inside ES|QL: string literals, LIKE and RLIKE patterns, names of fields."""

from __future__ import annotations

import re

from integration.errors import RuleError
from integration.globs import OneOf, Star, pieces

_PLAIN_NAME = re.compile(r"@?[A-Za-z_][A-Za-z0-9_]*(?:\.@?[A-Za-z_][A-Za-z0-9_]*)*")
_PLAIN_INDEX = re.compile(r"[a-z0-9.*][a-z0-9_.*-]*(?:,[a-z0-9.*][a-z0-9_.*-]*)*")
_IN_LITERAL = {"\\": "\\\\", '"': '\\"', "\n": "\\n", "\r": "\\r", "\t": "\\t"}
# Lucene's regular expressions know operators that others do not: # @ & < > ~ "
_LUCENE_SPECIAL = frozenset('.*+?|()[]{}\\"#@&<>~^$-')
_CLASSES = {"d": "0-9", "w": "A-Za-z0-9_", "s": " \t\n\x0b\f\r"}
_CONTROLS = {"t": "\t", "n": "\n", "r": "\r", "f": "\f"}
_TOKEN = re.compile(
    r"(?P<group>\(\?:|[()|])"
    r"|(?P<quantifier>(?:[*+?]|\{\d+(?:,\d*)?\})\??)"
    r"|(?P<any>\.)"
    r"|(?P<set>\[\^?\]?(?:\\.|[^\]\\])*\])"
    r"|(?P<escape>\\(?:x[0-9a-fA-F]{2}|u[0-9a-fA-F]{4}|.))"
    r"|(?P<plain>[^\\^$\[\](){}*+?|.])"
)


def literal(text: str) -> str:
    """Give `text` as a string literal; nothing in it can end the literal."""
    return '"' + "".join(_IN_LITERAL.get(character, character) for character in text) + '"'


def holding(text: str) -> str:
    """Give the LIKE pattern, as a literal, that matches what holds `text`: its `*`, `?` and backslashes stand for themselves."""
    escaped = re.sub(r"[\\*?]", r"\\\g<0>", text)
    return literal(f"*{escaped}*")


def ignoring_ascii_case(text: str) -> str:
    """Give the RLIKE pattern, as a literal, that matches `text` in any case of its ASCII letters and no other letter."""
    return literal(
        "".join(f"[{c.upper()}{c.lower()}]" if c.isascii() and c.isalpha() else _escaped(c) for c in text),
    )


def field(name: str) -> str:
    """Give a field's name as a query refers to it, quoted where it must be."""
    return name if _PLAIN_NAME.fullmatch(name) else f"`{name.replace('`', '``')}`"


def index(name: str) -> str:
    """Give an index, data stream or pattern as FROM takes it."""
    return name if _PLAIN_INDEX.fullmatch(name) else literal(name)


def matching(pattern: str) -> str:
    """Give the RLIKE pattern, as a literal, of what a rule's regular expression finds anywhere in a line.

    `RuleError` for one that Lucene's regular expressions cannot say: they know no word boundaries and no anchors.
    """
    out, position = [], 0
    while position < len(pattern):
        token = _TOKEN.match(pattern, position)
        if token is None:
            raise _untranslatable(pattern, pattern[position:])
        out.append(_translated(pattern, token))
        position = token.end()
    return literal(f".*({''.join(out)}).*")


def glob(pattern: str) -> str:
    """Give the RLIKE pattern, as a literal, that matches the whole of what a glob matches."""
    out = []
    for piece in pieces(pattern):
        match piece:
            case Star():
                out.append(".*")
            case OneOf((), negated):
                out.append("." if negated else "#")  # anything, and Lucene's sign for nothing at all
            case OneOf(ranges, negated):
                inside = "".join(f"{_escaped(low)}-{_escaped(high)}" for low, high in ranges)
                out.append(f"[{'^' if negated else ''}{inside}]")
            case _:
                out.append("".join(map(_escaped, piece)))
    return literal("".join(out))


def _translated(pattern: str, token: re.Match[str]) -> str:
    text = token[0]
    match token.lastgroup:
        case "group":
            return "(" if text == "(?:" else text
        case "quantifier":
            # Whether something is found at all, a lazy one tells like a greedy one.
            return text[:-1] if len(text) > 1 and text.endswith("?") else text
        case "any":
            return text
        case "set":
            return _set(pattern, text)
        case "escape":
            return _escape(pattern, text)
        case _:
            return _escaped(text)


def _escape(pattern: str, text: str) -> str:
    letter = text[1]
    if letter in _CLASSES:
        return f"[{_CLASSES[letter]}]"
    if letter.lower() in _CLASSES:
        return f"[^{_CLASSES[letter.lower()]}]"
    return _escaped(_character(pattern, text))


def _set(pattern: str, text: str) -> str:
    """Translate `[...]`: the same set, its classes spelled out, everything else escaped."""
    negated = text.startswith("[^")
    parts = re.findall(r"\\(?:x[0-9a-fA-F]{2}|u[0-9a-fA-F]{4}|.)|.", text[2 if negated else 1 : -1], re.DOTALL)
    out = []
    for position, part in enumerate(parts):
        if part == "-" and 0 < position < len(parts) - 1:
            out.append("-")
        elif part[0] == "\\" and len(part) == 2 and part[1] in _CLASSES:
            out.append(_CLASSES[part[1]])
        else:
            out.append(_escaped(_character(pattern, part)))
    return f"[{'^' if negated else ''}{''.join(out)}]"


def _character(pattern: str, text: str) -> str:
    """Give the one character that a part of a pattern stands for."""
    if text[0] != "\\":
        return text
    if text[1] in "xu" and len(text) > 2:
        return chr(int(text[2:], 16))
    if text[1] in _CONTROLS:
        return _CONTROLS[text[1]]
    if text[1].isalnum():
        raise _untranslatable(pattern, text)
    return text[1]


def _escaped(character: str) -> str:
    return f"\\{character}" if character in _LUCENE_SPECIAL else character


def _untranslatable(pattern: str, part: str) -> RuleError:
    return RuleError(
        f"the regular expression {pattern!r} cannot be said in ES|QL (at {part[:20]!r}), so this rule cannot go to Kibana; "
        "`detect watch`, Watcher and OpenSearch Alerting run it"
    )
