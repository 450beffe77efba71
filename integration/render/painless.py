"""Painless for a rule's searches: texts and values of events as scripts read them, and hosts as monitors take them.

Neither regular expressions of the pipeline nor doc values are taken for granted: a line or value longer than the mapping's
`ignore_above` has no doc value and is read from `_source`; a document without one is passed over, never an error, since one
script exception fails a whole search.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from textwrap import indent
from typing import Any

from integration.detection.case import FINAL_AND_PLAIN_SIGMA
from integration.detection.fields import name_in_index, path_in_source
from integration.detection.model import Rule

_MOST_INT = 2**31 - 1
_MAY_BE_DATE = re.compile(r"[+-]?[0-9]{4,10}[-/T]")
ERROR_LINE = "ollama.error_line"
"""The field of the lines of errors, which the pipeline fills. Events that were stored before have none."""
# A line is too long for a doc value: no other can hold a value too long for one.
_LONG_LINE = " && ".join(f"!(doc.containsKey({name!r}) && doc[{name!r}].size() > 0)" for name in (ERROR_LINE, "event.original"))


def script(source: str, params: Mapping[str, Any] | None = None) -> dict[str, Any]:
    """Return a script as a request takes it."""
    return {"lang": "painless", "source": source, **({"params": dict(params)} if params else {})}


def number(value: int) -> str:
    """Return a number as a Painless literal."""
    return f"{value}L" if value > _MOST_INT else str(value)


def literal(text: str) -> str:
    """Return `text` as a Painless string literal; nothing in it can end the literal.

    `{{` is taken apart, since OpenSearch Alerting reads a monitor's search as a mustache template.
    """
    escaped = text.replace("\\", "\\\\").replace("'", "\\'")
    parts = re.sub(r"\{(?=\{)", "{' + '", escaped)
    return f"'{parts}'" if parts == escaped else f"('{parts}')"


def read(variable: str, rule: Rule, field: str) -> str:
    """Return code that sets `variable` to the field's text: the doc value, else `_source` (nested or dotted), else null.

    `_source` costs ten times a doc value: of events of ours it is looked into only where the line is too long for one.
    """
    guard = "" if rule.field_names.own_index else f" && {_LONG_LINE}"
    sent = block([f"{variable} == null{guard}"], from_source(variable, rule, field))
    return f"String {variable} = null;\n{from_index(variable, rule, field)}{sent}"


def line_from_index(rule: Rule) -> str:
    """Return code that sets `line` to the event's line, where an index has it.

    That of an error is read where few others are: an engine unpacks 64 values that follow each other in order to read one.
    """
    code = from_index("line", rule, "event.original")
    return code if rule.field_names.own_index else from_index("line", rule, ERROR_LINE) + block(["line == null"], code)


def block(tests: Sequence[str], code: str) -> str:
    """Return code that is run where one of the tests holds."""
    test = tests[0] if len(tests) == 1 else " || ".join(f"({test})" for test in tests)
    return f"if ({test}) {{\n{indent(code, '  ')}}}\n"


def from_index(variable: str, rule: Rule, field: str) -> str:
    """Return code that sets `variable` to the doc value of a field, if there is one.

    It is asked for once, since each time decompresses it. A field of the user's own index may be of a type that refuses doc values,
    as `event.original` is where ECS maps it.
    """
    name = literal(name_in_index(rule, field))
    read = f"def kept = doc[{name}];\nif (kept.size() > 0) {{ {variable} = kept.value.toString(); }}\n"
    code = block([f"doc.containsKey({name})"], read)
    if not rule.field_names.own_index:
        return code
    return f"try {{\n{indent(code, '  ')}}} catch (IllegalArgumentException e) {{ {variable} = null; }}\n"


def from_source(variable: str, rule: Rule, field: str) -> str:
    """Return code that sets `variable` to the text of a field in `_source`, nested or dotted, if there is one."""
    sent = path_in_source(name_in_index(rule, field))
    dotted = literal(".".join(sent))
    steps = "".join(
        f"  if (at instanceof Map) {{ at = ((Map) at).get({literal(part)}); }} else {{ at = null; }}\n" for part in sent
    )
    return f"""def at = params._source;
if (at instanceof Map && ((Map) at).get({dotted}) instanceof String) {{
  {variable} = (String) ((Map) at).get({dotted});
}} else {{
{steps}  if (at != null && !(at instanceof Map)) {{ {variable} = at.toString(); }}
}}
"""


def value(rule: Rule, field: str) -> str:
    """Return the script of an event field's text for a `terms` aggregation, null where the event has none."""
    return f"{read('text', rule, field)}return text;\n"


# The year has ten digits at most: a loop over a text as long as somebody likes would fail the whole search.
_DATE = """boolean mayBeDate(String text) {
  int from = text.startsWith('+') || text.startsWith('-') ? 1 : 0;
  int at = from;
  while (at < text.length() && at - from < 10 && text.charAt(at) >= (char)'0' && text.charAt(at) <= (char)'9') { at++; }
  return at - from > 3 && at < text.length() && '-/T'.indexOf(text.substring(at, at + 1)) >= 0;
}
String noDate(String text) { return text != null && mayBeDate(text) ? text + ' ' : text; }
"""


def undated_value(rule: Rule, field: str) -> str:
    """Return the script `value` with a blank after a text that may begin with a date, so that no index maps it as one."""
    return f"{_DATE}{read('text', rule, field)}return noDate(text);\n"


def undated_hosts(rule: Rule) -> str:
    """Return the script of an event's hosts for a `composite` aggregation.

    A name that may begin with a date ends with a blank, and one that holds `{{` has a blank after each `{`.
    """
    field, two = literal(name_in_index(rule, "host.name")), literal("{{")
    return f"""{_DATE}List hosts = new ArrayList();
if (doc.containsKey({field})) {{
  for (def host : doc[{field}]) {{
    hosts.add(noDate(host.contains({two}) ? host.replace('{{', '{{ ') : host));
  }}
}}
return hosts;
"""


def undated(text: str) -> str:
    """Return the text without the blank that `undated_value` added."""
    return text[:-1] if text.endswith(" ") and _MAY_BE_DATE.match(text) else text


def host_matches(rule: Rule) -> str:
    """Return the script that is, for each of an event's hosts, 1 if one of `params.patterns` (folded) matches it, else 0.

    It is for a `min` or `max` aggregation. A pattern is the list of its pieces: `*`, `?`, and the texts between them.
    """
    field = literal(name_in_index(rule, "host.name"))
    return f"""{_MATCHES}List found = new ArrayList();
if (doc.containsKey({field})) {{
  for (def host : doc[{field}]) {{
    String folded = {folded("host.toString()")};
    int held = 0;
    for (def pieces : params.patterns) {{
      if (matches(folded, (List) pieces)) {{ held = 1; }}
    }}
    found.add(held);
  }}
}}
return found;
"""


_MATCHES = """boolean matches(String text, List pieces) {
  int at = 0;
  int next = 0;
  int afterStar = -1;
  int from = 0;
  while (at < text.length()) {
    String piece = next < pieces.size() ? (String) pieces.get(next) : '';
    if (piece.equals('*')) {
      next++;
      afterStar = next;
      from = at;
    } else if (piece.equals('?')) {
      next++;
      at += Character.charCount(text.codePointAt(at));
    } else if (!piece.isEmpty() && text.startsWith(piece, at)) {
      next++;
      at += piece.length();
    } else if (afterStar < 0) {
      return false;
    } else {
      from += Character.charCount(text.codePointAt(from));
      at = from;
      next = afterStar;
    }
  }
  while (next < pieces.size() && pieces.get(next).equals('*')) { next++; }
  return next == pieces.size();
}
"""


def folded(text: str) -> str:
    """Return code for `case.fold` of a text; without a locale it would depend on the machine's, in Turkish for one."""
    sigmas = ", ".join(map(literal, FINAL_AND_PLAIN_SIGMA))
    return f"{text}.toLowerCase(Locale.ROOT).replace({sigmas})"


def value_contains(rule: Rule, field: str, term: str) -> str:
    """Return the script that is 1 where the text of an event field contains `term` (case counts), else 0, for `max`.

    Not for a script query: that one has no `_source`, and would miss long values without a word.
    """
    return f"{read('text', rule, field)}return text != null && text.contains({literal(term)}) ? 1 : 0;\n"
