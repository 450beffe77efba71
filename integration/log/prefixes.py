"""What carriers write before a line: one table of prefixes, and whatever else stands before a slog record.

The pipeline takes the same prefixes off: `pipeline` writes these expressions into it.
"""

import re
from typing import Final, NamedTuple

from integration.times import RFC3339, millis_of

# An instant.
_ISO: Final = r"(?!00|99)[0-9]{4}-[0-9]{2}-[0-9]{2}T[0-9]{2}:[0-9]{2}:[0-9]{2}(?:[.,][0-9]{1,9})?(?:Z|[+-][0-9]{2}:?[0-9]{2})"
# What is pasted may be indented.
_INDENT: Final = r"(?>[ \t]{0,40})"
_CLOCK: Final = r"[0-9]{2}:[0-9]{2}:[0-9]{2}(?:[.,][0-9]{1,9})?"
# A colour, or what clears the rest of the line, as grep does behind each.
COLOUR: Final = r"\x1b\[[0-9;]{0,20}[mK]"
# journalctl and others colour all that they write before a line, and end the colour behind the colon.
_BEHIND: Final = rf":(?:{COLOUR}){{0,3}}(?: |\Z)"
_WORD: Final = r"[^ \t\n\x0B\f\r]"
# A name or an address; with nothing in it that a redaction looks for.
_HOST: Final = r"(?:[^ \t\n\x0B\f\r@=:|\"'`<>\[\]\\]{1,255}|[0-9A-Fa-f:.]{2,45})"
_PROGRAM: Final = r"[^ \t\n\x0B\f\r\[\]:]{1,255}"
_OLLAMA: Final = r"(?:[A-Za-z0-9_./-]{1,100}[./-])?ollama(?:[./-][A-Za-z0-9_./-]{1,100})?"
_PID: Final = r"\[[0-9]{1,20}\]"
# BusyBox and BSD name a facility and a level: `daemon.info`.
_LEVEL: Final = r"<?[a-z0-9]{2,8}\.(?:emerg|alert|crit|err|warn|notice|info|debug)>? "
# Two words are a host and a program, or one a program, where the number of a process or a record stands behind them.
_TAGGED: Final = rf"(?:[^ ]{{1,255}} )?(?:{_LEVEL})?(?:{_PROGRAM}{_PID}:|{_PROGRAM}: {{1,9}}(?:time=|\[GIN\]))"
_PRIORITY: Final = r"(?:(?:[0-9]{1,6} )?<[0-9]{1,3}>)"
# The name of a month in any language (`8月`, `févr.`), perhaps after that of a weekday, and a year on either side of the clock.
_NAME: Final = rf"(?>{_WORD}{{1,16}}) "
_CLASSIC: Final = rf" ?(?:{_NAME})?{_NAME}[ 0-3]?[0-9] (?:[0-9]{{4}} )?{_CLOCK}(?: [0-9]{{4}})?"
_DATE: Final = r"[0-9]{4}-[0-9]{2}-[0-9]{2}"
_WEEKDAY_AND_DATE: Final = (
    rf"{_NAME}(?:(?P<stamp_full>(?!00|99){_DATE} [0-9]{{2}}:[0-9]{{2}}:[0-9]{{2}}) UTC|{_DATE} {_CLOCK} [A-Za-z0-9+:-]{{1,6}})"
)
_DATE_AND_CLOCK: Final = rf"{_DATE}[ _T]{_CLOCK}"
_OFFSET: Final = r"[+-][0-9]{2}:[0-9]{2}"
_SECONDS: Final = (
    r"(?:(?P<stamp_unix>[0-9]{10}\.[0-9]{1,9})|[0-9]{9,11}\.[0-9]{1,9}"
    r"|\[ {0,12}[0-9]{1,12}\.[0-9]{1,9}(?: < {0,12}[0-9]{0,12}\.?[0-9]{0,9} {0,12}>| {1,20})?\])"
)
# What Ollama's lines without a record begin with, so that a clock before them is no part of another program's line.
_UNSTAMPED: Final = r"panic: |fatal error: |goroutine [0-9]|[a-z][a-z0-9]{1,20}(?:_[a-z0-9]{1,20}){1,6}: "
_NATIVE: Final = rf"(?=\[GIN\] |level=|{_UNSTAMPED}|\[signal |\t|CUDA error|GGML_|[0-9]{{4}}-[0-9]{{2}}-[0-9]{{2}}[T _])"
_COLON: Final = rf"(?:{COLOUR}){{0,9}}:(?:{COLOUR}){{0,9}}"
_LABEL: Final = r"[A-Za-z_][A-Za-z0-9_]{0,60}=\x22(?:[^\x22\\\n\r]|\\[^\n\r]){0,500}\x22"
_STRUCTURED: Final = r"(?:-|(?:\[(?:[^\]\\\n\r]|\\[^\n\r]){0,2000}\]){1,20})"

PREFIXES: Final[dict[str, str]] = {
    # The clock of syslog: `Feb 26 10:05:31 gpu-1 ollama[1499630]: `, `Sat 2026-08-03 06:46:39 UTC gpu-1 ollama[7]: `. `ts` writes a
    # clock and the line, which may begin with `panic: `.
    "journald and syslog": (
        rf"{_INDENT}{_PRIORITY}?(?:{_CLASSIC}|{_WEEKDAY_AND_DATE}|{_SECONDS}|{_DATE_AND_CLOCK}(?:[+-][0-9]{{4}} )?) "
        rf"(?:{_LEVEL})?(?:(?={_TAGGED})(?:(?!{_LEVEL})(?P<host>{_HOST}) )?(?:{_LEVEL})?{_PROGRAM}(?:{_PID})?"
        rf"|(?:(?!{_LEVEL})(?P<host_named>{_HOST}) )?(?:{_LEVEL})?{_OLLAMA}){_BEHIND}"
    ),
    "syslog by RFC 5424": (
        rf"{_PRIORITY}?1 (?:-|(?P<stamp_rfc5424>{_ISO})) (?:-|(?P<host_rfc5424>{_HOST}))(?: {_WORD}{{1,255}}){{3}}"
        rf" {_STRUCTURED}(?: \uFEFF?|\Z)"
    ),
    # `docker logs -t` writes an instant in UTC and the line, which may begin with `starting ollama: `.
    "journald and syslog, an instant": (
        rf"{_INDENT}{_PRIORITY}?(?P<stamp_iso>{_ISO}) (?:(?={_TAGGED})(?:(?P<host_iso>{_HOST}) )?{_PROGRAM}(?:{_PID})?"
        rf"|(?<!Z )(?P<host_offset>{_HOST}) {_OLLAMA}){_BEHIND}"
    ),
    # Without a priority it is Ollama's number of a process; the kernel writes it behind a prefix of its own.
    "syslog without a time": rf"(?:{_PRIORITY}{_PROGRAM}(?:{_PID})?|\Aollama{_PID}):(?: |\Z)",
    # `aws logs tail` names the stream of a task's container, Loki's logcli the labels, and Grafana writes a tab.
    "CRI, docker logs -t, and exports": (
        rf"{_INDENT}\[?(?P<stamp_cri>{_ISO})\]?"
        r"(?: std(?:out|err) [FP](?::[A-Za-z0-9]{1,20})?| [A-Za-z0-9_./-]{1,200}/[0-9a-f]{32})?(?:[ \t]|\Z)"
    ),
    "Loki's logcli": (
        rf"\{{(?:(?>(?:(?:host|hostname|node_name|nodename)=\x22(?P<host_loki>{_HOST})\x22|{_LABEL})(?:, ?)?)){{0,40}}\}}[ \t]"
    ),
    # A swarm's services name the node: `ollama.1.k3x9@gpu-1    | `. Foreman writes a clock before the name, pm2 a number. podman's
    # has brackets around the name, and no blank behind the bar, like nerdctl's.
    "Docker Compose, docker service logs, foreman and pm2": (
        rf"(?:{_CLOCK} |[0-9]{{1,4}}\|)?(?>\[?[A-Za-z0-9][A-Za-z0-9_.-]{{0,254}}\]?)(?:@(?P<host_swarm>{_HOST}))? {{1,255}}"
        rf"(?:{COLOUR})?\|(?:{COLOUR})?(?: |\Z|{_NATIVE})"
    ),
    "Docker Desktop, svlogd, s6-log, NSSM and ts": (
        rf"(?:{_DATE_AND_CLOCK}:?|\[{_DATE_AND_CLOCK}\]|@4[0-9a-f]{{23}}) (?: (?![ \t]))?(?!\|)|(?:{_CLASSIC}|{_CLOCK}) {_NATIVE}"
    ),
    "journalctl -o verbose and export": r" {0,8}MESSAGE=",
    "kubectl logs --prefix": rf"\[pod/{_WORD}{{1,500}}\] ",
    # The file and perhaps the number of the line: `syslog.1:12:Nov 28 10:15:04 gpu-1 ollama[820]: `, `server.log:417:[GIN] `.
    "grep": (
        rf"(?:[A-Za-z]:[\\/])?[^ \t\n\x0B\f\r\x1b:\"'=|]{{1,300}}{_COLON}(?:[0-9]{{1,9}}{_COLON})?"
        rf"(?:(?={_PRIORITY}?(?:1 )?(?:{_CLASSIC}|{_ISO}) )|{_NATIVE})"
    ),
    "TrueNAS": rf"(?P<stamp_blank>(?!00|99){_DATE} {_CLOCK}{_OFFSET})(?: |(?=time=)|{_NATIVE})",
}
"""By carrier, what it writes before a line, with the host and the instant that it names. A new prefix is a new entry."""

CARRIERS: Final = (
    rf"[\r\x00]*+(?:\uFEFF?(?:{COLOUR}){{0,9}}(?:{'|'.join(PREFIXES.values())})(?:{COLOUR}){{0,9}}){{0,20}}\uFEFF?"
    rf"(?:(?:{COLOUR}|[ \t]){{1,255}}(?=time=|level=|\[GIN\]|{{\x22time\x22:)| (?={_UNSTAMPED}))?"
)
"""What known carriers wrote before a line, at its beginning; matches every line, perhaps with nothing.

A log that was cut off while it was written begins with NULs.
"""

_STAMPED: Final = rf"(?:time={RFC3339} level=|{{\x22time\x22:\x22{RFC3339}\x22,\x22level\x22:\x22)"
# Nothing of this can be in a value of the record that a client wrote: a value comes after `msg=`, or in quotes. Bounded, since
# each character of a long line would be tried.
_ANYTHING: Final = rf"(?:(?!msg=|\[GIN\])[^\n\r\"'`]){{0,2000}}?(?:[ \t\x0B\f|\]:>]|{COLOUR})"
ANY_CARRIER: Final = rf"(?:(?!{_STAMPED}){_ANYTHING}(?={_STAMPED}))?"
"""Whatever stands before a record; matches every line, perhaps with nothing."""
LATER_STAMP: Final = rf"[\n\r](?:{_ANYTHING})?time=(?P<stamp>{RFC3339}) level="
"""The first record below the first line of a document, with its stamp."""

_CARRIERS: Final = re.compile(CARRIERS)
_ANY_CARRIER: Final = re.compile(ANY_CARRIER)
_HOSTS: Final = tuple(name for name in _CARRIERS.groupindex if name.startswith("host"))
_STAMPS: Final = tuple(name for name in _CARRIERS.groupindex if name.startswith("stamp"))


class Stripped(NamedTuple):
    """A line without what its carriers wrote, the host that they name, and the instant, in epoch milliseconds."""

    text: str
    host: str | None
    time: int | None


def strip(line: str) -> Stripped:
    """Return a line without the prefixes of its carriers.

    Of several that name a host or an instant, the first in the table counts.
    """
    if line.startswith(("time=", "[GIN")):
        return Stripped(line, None, None)
    carriers = _CARRIERS.match(line) if _may_be_carried(line) else None
    named = (carriers[name] for name in _HOSTS) if carriers else ()
    stamps = (carriers[name] for name in _STAMPS) if carriers else ()
    time = next((instant for stamp in stamps if stamp and (instant := _instant(stamp)) is not None), None)
    text = line[carriers.end() :] if carriers else line
    if (
        ("time=" in text or '{"time":"' in text)
        and not text.startswith(("time=", "[GIN"))
        and (carrier := _ANY_CARRIER.match(text))
    ):
        text = text[carrier.end() :]
    return Stripped(text, next(filter(None, named), None), time)


def _may_be_carried(line: str) -> bool:
    """Return whether a line may have a prefix.

    One that begins with a letter has a bar, or a clock with the first colon in it, or a process's number before that, or begins
    with a file's name and a colon.
    """
    if not ("a" <= line[:1] <= "z" or "A" <= line[:1] <= "Z") or line.startswith("MESSAGE="):
        return True
    colon = line.find(":")
    return (
        colon > 0
        and (
            line[colon + 3 : colon + 4] == ":"
            or line[colon - 1] == "]"
            or (line[colon + 1 : colon + 2] > " " and " " not in line[:colon])
        )
    ) or ("|" in line)


def _instant(text: str) -> int | None:
    """Return the epoch milliseconds of an instant as carriers write it: perhaps with a comma, or no colon in the offset.

    journald writes seconds since the epoch, and a date in UTC without saying so.
    """
    if text[10] == ".":
        return int(float(text) * 1000.0)  # as the engines do
    text = text.replace(",", ".").replace(" ", "T")
    if len(text) == len("2026-08-03T06:46:39"):
        text += "Z"
    return millis_of(text if text.endswith("Z") or text[-3] == ":" else f"{text[:-2]}:{text[-2:]}")
