"""Random and hostile lines, for whatever has to hold of every line."""

from __future__ import annotations

import json

from hypothesis import strategies as st

_STAMPS = [
    "2025-10-02T14:46:19.789-04:00",
    "2025-10-02T14:46:19Z",
    "2025-02-30T00:00:00Z",
    "1969-12-31T23:59:59.9999+18:00",
    "0001-01-02T00:00:00Z",
    "0100-01-01T00:00:00+18:00",
    "9899-12-31T23:59:59.999-18:00",
    "9999-12-30T00:00:00Z",
]
_PIECES = [
    *(f"time={stamp}" for stamp in _STAMPS),
    *("level=", "loglevel=", "source=", "msg=", "err=", "xerr=", "error=", "time=", "x="),
    *("ERROR", "ERROR+1", "debug", "server.go:12", "a b.go:99999999999", "C:\\x.go:1", "model", "exit status 2"),
    *(
        '"',
        '"',
        '=""',
        "\\",
        "\\\\",
        '\\"',
        "\\n",
        "\\x41",
        "\\xff",
        "\\u00e9",
        "\\ud800",
        "\\ud83d\\ude00",
        "\\U0001f600",
        "\\U00110000",
    ),
    *(" ", " ", "  ", "\t", "\n", "\r", "\v", "\f", "\x00", "\x1c", "\x85", "\u00a0", "\u2003", "\u2028", "\ufeff"),
    *("é", "😀", "ſ", "\u212a", "ı", "\u0661", "\ufffd"),
    *(
        "a@b.com",
        "_x@y.org",
        "@",
        ".",
        "%",
        "+",
        "-",
        "com",
        "bearer ",
        "API-key: ",
        "authorization=",
        "Bearer",
        "&",
        ":",
        "=",
        "[",
    ),
    *("Feb 26 10:05:31 host ollama[7]: ", "2025-02-26T10:05:31+0000 host ollama: ", "ollama-1  | ", "2025-03-06 23:33:40 ", "| "),
    *(
        '{"log":"',
        '{ "log" : "',
        '","stream":"stderr"',
        ',"time":"2025-10-02T14:46:20.123456789Z"',
        "}",
        "{",
        ",",
        "null",
        "-1.5e3",
    ),
    *("[GIN] 2025/11/06 - 06:23:22 | 500 | 1m2.5s | ::1 | ", "[GIN] 2025/11/06 - 06:23:22 | 200 |", "50.6µs", 'GET      "/api?x"'),
]
carriers = st.sampled_from(
    [
        "Feb 26 10:05:31 host ollama[7]: ",
        "8\u6708 02 08:15:47.123 host ollama[7]: ",
        "2025-02-26T10:05:31+0000 host ollama[7]: ",
        "2025-02-26T10:05:31.123456789Z ",
        "2025-02-26T10:05:31.5-07:00 stderr F ",
        "<30>1 2025-02-26T10:05:31Z host ollama 7 - - ",
        "ollama-1  | ",
        "\x1b[36mollama-1  | \x1b[0m",
        "2025-03-06 23:33:40 ",
        "[pod/ollama-0/ollama] ",
    ]
)
"""What carriers write before a line."""
_pieces = st.lists(st.sampled_from(_PIECES) | carriers | st.text(max_size=3), max_size=14).map("".join)
_wrapped = st.builds("{}{}".format, st.lists(carriers, max_size=3).map("".join), _pieces)


def _quoted(text: str) -> str:
    escaped = text.encode("unicode_escape").decode().replace('"', '\\"')
    return f'"{escaped}"'


_texts = st.text(max_size=12) | _pieces
_values = st.sampled_from(["", "x", "server.go:7", "EOF"]) | _texts.map(_quoted)
_keys = st.sampled_from(["msg", "err", "error", "source", "level", "model"]) | _texts.map(_quoted)
_attributes = st.lists(st.tuples(_keys, _values).map("=".join), max_size=6).map(" ".join)
_slog = st.tuples(st.sampled_from([f"time={stamp} level=ERROR" for stamp in _STAMPS]), _attributes).map(" ".join)


def _digits(width: int) -> st.SearchStrategy[str]:
    return st.integers(0, 10**width - 1).map(lambda n: str(n).zfill(width))


_near = st.tuples(
    st.sampled_from(["0001", "0000", "1969", "2024", "2025", "9999"]) | _digits(4),
    st.sampled_from(["02-29", "02-30", "12-31", "01-01", "13-01"]) | st.tuples(_digits(2), _digits(2)).map("-".join),
    st.sampled_from(["00:00:00", "24:00:00", "23:59:60"]) | st.tuples(_digits(2), _digits(2), _digits(2)).map(":".join),
    st.sampled_from(["", ".", "."]).flatmap(
        lambda dot: st.integers(1, 10).flatmap(_digits).map(dot.__add__) if dot else st.just("")
    ),
    st.sampled_from(["Z", "+18:00", "-18:00", "+18:01", "-00:00", "", "z"])
    | st.tuples(_digits(2), _digits(2)).map("+{0[0]}:{0[1]}".format),
).map(lambda part: f"time={part[0]}-{part[1]}T{part[2]}{part[3]}{part[4]}")
_status = st.sampled_from(["200", "500", "999", "42", " 404 "])
_duration = st.sampled_from(["1.5s", "12.3ms", "1h2m3.4s", "999ns", "0.5µs", "0s", "61s", "1m"]) | st.text(
    "0123456789hmsnuµ.", max_size=9
)
_address = (
    st.ip_addresses().map(str)
    | st.sampled_from(["", "fe80::1%eth0", "1.2.3", "01.2.3.4", "::ffff:1.2.3.4"])
    | st.text("01234569abf:.%", max_size=14)
    | st.lists(st.sampled_from(["", "1", "ab", "FFFF", "12345", "1.2.3.4"]), max_size=9).map(":".join)
)
_posts = _texts.map(lambda text: 'POST     "/' + _quoted(text)[1:])
_request = st.sampled_from(['GET      "/a?b"', 'PUT "/\\"\\u00e9"', 'X "']) | _posts | _pieces
_gin = st.tuples(_status, _duration, _address, _request).map(lambda cells: "[GIN] 2025/11/06 - 06:23:22 | " + " | ".join(cells))
_inner = _pieces | _slog | _gin | _near
_docker = st.tuples(_inner, st.booleans(), st.sampled_from([None, "x", 5, True, {}, {"tag": "x"}, [1], {"deep": {"er": 1}}])).map(
    lambda part: json.dumps({"log": part[0] + "\n", "attrs": part[2], "time": "2025-10-02T14:46:20.5Z"}, ensure_ascii=part[1])
)
_blanks = st.sampled_from(["", "", "", "", " ", "\t "])
_record_texts = st.sampled_from(
    ['"', 'level=ERROR source=s.go:1 msg=\\"model\\" err=x', "\\r\\n", "\\u00e9\\ud83d", "", "\\x", "\\u00g0", "\t"]
)
_record_values = st.one_of(
    st.lists(_record_texts, max_size=2).map(lambda texts: f'"{"".join(texts)}"'),
    _near.map(lambda line: f'"{line[5:]}"'),
    st.sampled_from(["5", "-0.5e+7", "1E5", "01", "1.", "-", "1e", "true", "false", "null", "tru", "{}", "{ }", "[1]"]),
    st.sampled_from(['{"a":"b"}', '{"log":"no" , "b":1}', '{"a":1,}', '{"a":{}}', '{"a":01}']),
)
_record_members = st.tuples(
    _blanks, st.sampled_from(['"log"', '"log"', '"time"', '"a"', '""', '"l\\u006fg"']), _blanks, _record_values, _blanks
).map("{0[0]}{0[1]}{0[2]}:{0[0]}{0[3]}{0[4]}".format)
_records = st.tuples(
    st.sampled_from(['"log":"level=ERROR model"', '"log":"x","time":"2025-10-02T14:46:20.5Z"', '"time":"2025-10-02T14:46:20.5Z"']),
    st.lists(_record_members, max_size=3),
    st.sampled_from(["}", "}", "} ", ",}", "", "} x", "}\n"]),
).map(lambda part: "{" + ",".join((part[0], *part[1])) + part[2])

_wrapped_slog = st.builds(
    "{}{}{}".format, st.lists(carriers, max_size=2).map("".join), st.sampled_from(["", " ", "x ", "[a]", "'"]), _slog
)
_several = st.lists(st.one_of(_slog, _wrapped, _gin), min_size=2, max_size=4).map("\n".join)
_json_record = st.builds(
    lambda level, message, rest: json.dumps({"time": "2025-10-02T14:46:20.5Z", "level": level, "msg": message} | rest),
    st.sampled_from(["ERROR", "INFO", "ERROR+1", ""]),
    _near | st.text(max_size=5),
    st.sampled_from(
        [
            {},
            {"err": "x"},
            {"error": "Authorization: Bearer abc", "source": "a.go:1"},
            {"source": {"function": "f", "file": "a.go", "line": 7}},
        ]
    ),
)
lines = st.one_of(_pieces, _slog, _near, _gin, _docker, _records, _wrapped, _wrapped_slog, _several, _json_record)
"""Lines of every kind that Ollama and its carriers write, and what is nearly one."""

LONG = 200_000
"""A line of more bytes is cut there."""


def _padded(line: str, piece: str, place: int, off: int) -> str:
    at = place % (len(line) + 1)
    wanted = LONG + off - len(line.encode())
    return line[:at] + piece * (wanted // len(piece.encode())) + line[at:]


long_lines = st.builds(
    _padded,
    lines,
    st.sampled_from(["x", " ", "\\\\", '\\"', "a= ", "😀", "é", "€"]),
    st.integers(0, 300),
    st.sampled_from([-1, 0, 1, 2, 999]),
)
"""The same with something in them that makes them about as long as a line may be, and longer."""

MEBIBYTE = 1 << 20


def _filled(piece: str, start: str = "") -> str:
    return start + piece * ((MEBIBYTE - len(start.encode())) // len(piece.encode()))


_HEAD = "time=2025-10-02T14:46:19.789Z level=ERROR source=server.go:1 "
WORST = {
    "one word": _filled("a"),
    "at signs": _filled("@"),
    "almost addresses": _filled("a@"),
    "addresses back to back": _filled("a@b.com_"),
    "dots behind an at sign": _filled(".c1", "a@b"),
    "a local part without an end": _filled("a.", _HEAD),
    "spaces": _filled(" "),
    "spaces behind a head": _filled(" ", _HEAD),
    'msg="': _filled('msg="'),
    'msg=""': _filled('msg=""'),
    'err=" behind a head': _filled('err="', _HEAD),
    "msg=": _filled("msg= "),
    "xmsg=a": _filled("xmsg=a "),
    "level=": _filled("level= "),
    "source=": _filled("source= "),
    "backslashes": _filled("\\"),
    "backslashes in a value": _filled("\\\\", _HEAD + 'msg="') + '"',
    "escaped quotes in a value": _filled('\\"', _HEAD + 'msg="') + '"',
    "escapes in a value": _filled("\\xff", _HEAD + 'msg="') + '"',
    "an unclosed value": _filled("a ", _HEAD + 'msg="'),
    "quotes": _filled('"', _HEAD),
    "empty values": _filled('a="" ', _HEAD),
    "bare values": _filled("a= ", _HEAD),
    "unspaced values": _filled("a=", _HEAD),
    "values without backslash, then one": _filled('a="" ', _HEAD) + '"\\',
    "bearer and separators": _filled("=", "bearer "),
    "bearer and spaces": _filled("bearer  "),
    "keys": _filled("api_key=a "),
    "almost keys": _filled("apiauthorizatio"),
    "Docker record of line ends": '{"log":"' + _filled("\\n") + '"}',
    "Docker record of escapes": '{"log":"' + _filled("\\u00e9") + '"}',
    "Docker record of members": '{"log":"x"' + _filled(',"a":1') + "}",
    "Docker record of blanks": '{"log":"x"' + _filled(" ") + "x}",
    "Docker record of blanks first": _filled(" ", "{") + '"log"',
    "Docker record without an end": _filled('{"log":"a",'),
    "Docker record of one long text": '{"log":"' + _filled("a") + '"',
    "Compose name": _filled("a.", "ollama") + "  | x",
    "journald host": _filled("a", "Feb 26 10:05:31 "),
    "GIN cells": _filled(" | ", "[GIN] 2025/11/06 - 06:23:22 | 200 |"),
    "GIN spaces": _filled(" ", "[GIN] 2025/11/06 - 06:23:22 | 200 |"),
    "GIN spaces behind the address": _filled(" ", "[GIN] 2025/11/06 - 06:23:22 | 200 | 1s | ::1 "),
    "GIN method": _filled("A", "[GIN] 2025/11/06 - 06:23:22 | 200 | 1s | ::1 | "),
    "GIN path": _filled("\\u00e9", '[GIN] 2025/11/06 - 06:23:22 | 200 | 1s | ::1 | GET "') + '"',
    "GIN address": _filled("1:", "[GIN] 2025/11/06 - 06:23:22 | 200 | 1s | "),
    "GIN duration": _filled("1", "[GIN] 2025/11/06 - 06:23:22 | 200 | "),
    "digits of a source": _filled("1", "level=ERROR source=a.go:"),
    "stamp without an end": _filled("1", "time=2025-10-02T14:46:19."),
    "colons of a source": _filled(":", "level=ERROR source=") + "1",
    "emoji": _filled("😀"),
}
"""One-mebibyte lines, each the worst for some part of the way."""


def cut(line: str) -> str:
    """The longest line of this kind that is kept whole."""
    return line[: LONG - 100] + line[-100:]
