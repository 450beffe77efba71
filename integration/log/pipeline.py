"""`make pipeline`: write into the ingest pipelines what they share with Python, the expressions and the tables of shippers.

The file itself is the template: a pattern definition, a gsub's pattern or a table keeps its place and gets its value from here.
Prompts have the pipeline of API events under another name.
"""

from __future__ import annotations

import json
import re
from collections.abc import Sequence
from typing import Final

from integration.folders import asset_folder
from integration.log import event, gin, json_record, kind, line, prefixes, redaction, shipper_fields, shipper_times
from integration.times import RFC3339

FOLDER: Final = asset_folder("ingest_pipelines")
FILE: Final = FOLDER / "ollama.server.yml"
API_FILE: Final = FOLDER / "ollama.api.yml"
PROMPTS_FILE: Final = FOLDER / "ollama.prompts.yml"

_DEFINITIONS: Final = {
    "TIME3339": RFC3339,
    "CARRIERS": prefixes.CARRIERS,
    "ANY_CARRIER": prefixes.ANY_CARRIER,
    "LATER_STAMP": prefixes.LATER_STAMP,
    "KIND": kind.KIND,
    "SEVERAL": kind.SEVERAL,
    "SOLID": event.SOLID,
    "BARE": event.BARE,
    "QUOTELESS": event.QUOTELESS,
    "WORD": event.WORD,
    "GAP": gin.GAP,
    "CELL": gin.CELL,
    "METHOD": gin.METHOD,
    "IP": gin.IP,
    "JSON_STAMP": json_record.STAMP,
    "JSON_FILE": json_record.FILE,
    **{f"JSON_{key.upper()}": pattern for key, pattern in json_record.TEXTS.items()},
}
# Where a match ended, the next may begin: Java's \G.
_EMAIL: Final = rf"(?:(?<!{redaction.LOCAL_PART})|\G){redaction.LOCAL_PART}++{redaction.DOMAIN}"
_PATTERNS: Final = {
    **dict.fromkeys(("redact-emails", "host-emails", "path-emails", "shipped-emails", "failed-redact-emails"), _EMAIL),
    **dict.fromkeys(("redact-keys", "host-keys", "path-keys", "shipped-keys", "failed-redact-keys"), redaction.KEY),
}


def _fields(table: Sequence[shipper_fields.Field]) -> list[list[str]]:
    rows = ([field.name, field.beside, field.without] for field in table)
    return [row if row[2] else row[:2] if row[1] else row[:1] for row in rows]


_TABLES: Final[dict[str, object]] = {
    "lines": _fields(shipper_fields.LINES),
    "hosts": _fields(shipper_fields.HOSTS),
    "addresses": _fields(shipper_fields.ADDRESSES),
    "times": _fields(shipper_fields.TIMES),
    "zones": shipper_times.ZONES,
    "records": shipper_fields.RECORDS,
    "attributes": shipper_fields.ATTRIBUTES,
    "levels": shipper_fields.LEVELS,
    "any_severity": shipper_fields.ANY_SEVERITY,
    "metadata": shipper_fields.METADATA,
    "namespaces": shipper_fields.NAMESPACES,
    "from_line": shipper_fields.FROM_LINE,
    "never": shipper_fields.NEVER_A_LINE,
    "mapped": shipper_fields.MAPPED,
    "reserved": shipper_fields.RESERVED,
    "bytes": line.MAX_BYTES,
}
_TABLES_OF: Final = {"shipper", "cut", "event"}
_ENTRY: Final = re.compile(r"( *)([A-Za-z0-9_]+): (.*)")


def written(text: str) -> str:
    """Return the pipeline's text with what it shares with Python."""
    tag = ""
    lines = []
    for old in text.splitlines():
        entry = _ENTRY.fullmatch(old)
        if entry and entry[2] == "tag":
            tag = entry[3]
        lines.append(old if entry is None else f"{entry[1]}{entry[2]}: {_value(tag, entry[2], entry[3])}")
    return "\n".join(lines) + "\n"


def _value(tag: str, key: str, old: str) -> str:
    if key in _DEFINITIONS:
        return _scalar(_grok(_DEFINITIONS[key]))
    if key == "pattern" and tag in _PATTERNS:
        return _scalar(_PATTERNS[tag])
    if key in _TABLES and tag in _TABLES_OF:
        return json.dumps(_TABLES[key])
    return old


def _grok(pattern: str) -> str:
    """Return one of Python's expressions in the words of Oniguruma; its groups become scratch fields."""
    found = re.sub(r"\(\?P<(\w+)>", r"(?<_ollama.\1>", pattern)
    return found.replace(r"\Z", r"\z").replace(r"\uFEFF", r"\xEF\xBB\xBF")


def _scalar(text: str) -> str:
    return "'" + text.replace("'", "''") + "'"


def for_prompts(text: str) -> str:
    """Return the pipeline of prompts, from the text of that of API events."""
    return (
        text.replace("ollama.api", "ollama.prompts")
        .replace("ollama:api", "ollama:prompts")
        .replace("An event of Ollama's API", "A prompt to Ollama with its response")
        .replace("JSON events of Ollama's API", "JSON events of prompts to Ollama and responses")
    )


if __name__ == "__main__":
    for file in (FILE, API_FILE):
        file.write_text(written(file.read_text(encoding="utf-8")), encoding="utf-8")
    PROMPTS_FILE.write_text(for_prompts(API_FILE.read_text(encoding="utf-8")), encoding="utf-8")
