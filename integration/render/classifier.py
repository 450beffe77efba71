"""The classifier in Painless: SPL 1 and 6 as the script of a computed field, and as that of a query."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import lru_cache
from ipaddress import IPv4Network, IPv6Network

from integration.detection.case import fold
from integration.detection.conditions import (
    LINE_KIND,
    NO_LEVEL,
    AddressField,
    Condition,
    NumberField,
    TextCondition,
    TextField,
)
from integration.detection.fields import name_in_index
from integration.detection.model import Rule
from integration.render import painless

_RULES = 64  # a script takes milliseconds to write, and each search asks for it


@lru_cache(_RULES)
def classifier(rule: Rule) -> str:
    """Return the script of SPL 1 and 6, which emits the class of an event that the rule selects and nothing for any other.

    The same source serves as a runtime field's script (Elasticsearch) and as a derived field's (OpenSearch).
    """
    return _classifier(rule, "emit({})".format, "return")


@lru_cache(_RULES)
def selects(rule: Rule) -> str:
    """Return the script of a query for the events that get a class, as far as an index holds their lines."""
    return _classifier(rule, lambda _: "return true", "return false") + "return false;\n"


def _classifier(rule: Rule, found: Callable[[str], str], excused: str) -> str:
    """Return code that classifies an event; `found` says a class, `excused` is done for an event that gets none.

    To read the line costs most by far, so that level and kind are tested before it. Each class is a function of its own, since a
    JVM compiles none of more than 8,000 bytes: the longer one would be interpreted for every event.
    """
    conditions: tuple[Condition, ...] = (*rule.selection, *rule.classification.classes)
    functions, branches = _functions(conditions), []
    for each in rule.classification.classes:
        tests = _tests(each)
        if texts := _texts(each, "line"):
            functions += f"boolean is_{each.name}(String line) {{\n  return {texts};\n}}\n"
            tests.append(f"is_{each.name}(line)")
        taken = excused if each.excuses else found(painless.literal(each.name))
        branches.append(f"if ({' && '.join(tests)}) {{\n  {taken};\n}}")
    if rule.classification.otherwise is not None:
        branches.append(f"{{\n  {found(painless.literal(rule.classification.otherwise))};\n}}")
    classified = " else ".join(branches) + "\n"
    if any(alternative.on_line or alternative.fields.stated for alternative in rule.selection):
        every = [" && ".join(filter(None, (*_tests(each), _texts(each, "lower")))) for each in rule.selection]
        classified = painless.block(every, classified)
        if any(text.contains or text.contains_all for condition in rule.selection for text in condition.texts):
            classified = f"String lower = {painless.folded('line')};\n{classified}"
    classified = f"{_fields(rule, conditions)}{classified}"
    code = "String line = null;\n" + painless.line_from_index(rule)
    code += "boolean longLine = line == null;\n" + painless.block(
        ["longLine"], painless.from_source("line", rule, "event.original")
    )
    code += painless.block(["line != null"], classified)
    before = [_level_and_kind(alternative) for alternative in rule.selection]
    return f"{functions}{_keywords(rule, conditions)}{painless.block(before, code) if all(before) else code}"


# Painless stops a regular expression that looks at six times as many characters as the line has, and its exception would fail the
# whole search: a line made so would hide all others. It counts as found.
_FOUND = """boolean found(Matcher matcher) {
  try { return matcher.find(); } catch (Exception e) { return true; }
}
"""


# What the fields of conditions are called in the script.
_VARIABLES = {
    "http.request.method": "method",
    "http.response.status_code": "status",
    "url.path": "path",
    "source.ip": "address",
    "event.duration": "duration",
}


# Neither engine lets such a script use its own class for networks. An address is canonical, as an index keeps it: four numbers of
# eight bits, or eight of sixteen with one `::` at most.
_WITHIN = """boolean within(String address, List network, int bits) {
  try {
    boolean four = address.indexOf(':') < 0;
    if (four != (network.size() == 4)) { return false; }
    List found = new ArrayList();
    List after = new ArrayList();
    if (four) {
      for (String part : address.splitOnToken('.')) { found.add(Integer.parseInt(part)); }
    } else {
      String[] halves = address.splitOnToken('::');
      for (String part : halves[0].splitOnToken(':')) { if (!part.isEmpty()) { found.add(Integer.parseInt(part, 16)); } }
      for (String part : halves[halves.length - 1].splitOnToken(':')) {
        if (halves.length > 1 && !part.isEmpty()) { after.add(Integer.parseInt(part, 16)); }
      }
      while (found.size() + after.size() < 8) { found.add(0); }
      found.addAll(after);
    }
    int width = four ? 8 : 16;
    for (int i = 0; i * width < bits; i++) {
      int shift = bits - i * width >= width ? 0 : width - (bits - i * width);
      if (((int) found.get(i)) >> shift != ((int) network.get(i)) >> shift) { return false; }
    }
    return true;
  } catch (Exception e) { return false; }
}
"""


def _functions(conditions: Sequence[Condition]) -> str:
    fields = [field for condition in conditions for field in condition.fields.stated.values()]
    patterns = [text.matches for condition in conditions for text in condition.texts]
    patterns += [field.matches for field in fields if isinstance(field, TextField)]
    code = _WITHIN if any(isinstance(field, AddressField) for field in fields) else ""
    return code + (_FOUND if any(patterns) else "")


def _keywords(rule: Rule, conditions: Sequence[Condition]) -> str:
    """Return code that sets the level and the kind of the line, as far as conditions ask for them."""
    code = ""
    if any(condition.level or condition.not_level for condition in conditions):
        code += _keyword("level", rule, "log.level")
    if any(condition.kind for condition in conditions):
        code += _keyword("kind", rule, LINE_KIND)
    return code


def _keyword(variable: str, rule: Rule, field: str) -> str:
    """Return code that sets `variable` to a field that the pipeline keeps short, empty where the event has none."""
    if rule.field_names.own_index:
        return painless.read(variable, rule, field) + f"if ({variable} == null) {{ {variable} = ''; }}\n"
    return f"String {variable} = '';\n{painless.from_index(variable, rule, field)}"


def _fields(rule: Rule, conditions: Sequence[Condition]) -> str:
    """Return code that sets the fields that conditions ask for, on lines of the kinds that these are about."""
    code = ""
    for name, field in {name: field for condition in conditions for name, field in condition.fields.stated.items()}.items():
        variable, asking = _VARIABLES[name], [condition for condition in conditions if name in condition.fields.stated]
        if isinstance(field, NumberField):
            declared, read = "def", _number_of(variable, rule, name)
        else:
            long_line = "" if rule.field_names.own_index else " && longLine"
            read = painless.from_index(variable, rule, name)
            read += painless.block([f"{variable} == null{long_line}"], painless.from_source(variable, rule, name))
            declared = "String"
        if all(condition.kind for condition in asking):
            read = painless.block([_of_kind(sorted({kind for condition in asking for kind in condition.kind}))], read)
        code += f"{declared} {variable} = null;\n{read}"
    return code


def _number_of(variable: str, rule: Rule, field: str) -> str:
    """Return code that sets `variable` to the number that a field holds, if it holds one."""
    name = painless.literal(name_in_index(rule, field))
    read = f"def kept = doc[{name}];\nif (kept.size() > 0 && kept.value instanceof Number) {{ {variable} = kept.value; }}\n"
    return painless.block([f"doc.containsKey({name})"], read)


def _tests(condition: Condition) -> list[str]:
    """Return the tests of what a condition says of the event besides its line."""
    before = _level_and_kind(condition)
    fields = [_field(_VARIABLES[name], field) for name, field in condition.fields.stated.items()]
    return [before, *fields] if before else fields


def _texts(condition: Condition, variable: str) -> str:
    """Return the test of what a condition says of the line, empty where it says nothing.

    `variable` is the line, or `lower` where case is ignored. Regular expressions come last, and see the line as it is.
    """
    parts = _literals(condition, variable)
    if condition.any_of:
        parts.append(_any([" && ".join([*_literals(part, variable), *_patterns(part)]) for part in condition.any_of]))
    return " && ".join([*parts, *_patterns(condition)])


def _level_and_kind(condition: Condition) -> str:
    """Return the test of what a condition says of level and kind, empty where it says nothing."""
    parts = [_of_kind(condition.kind)] if condition.kind else []
    parts += [_any(_levels(condition.level))] if condition.level else []
    parts += [f"!{_any(_levels(condition.not_level), always=True)}"] if condition.not_level else []
    return " && ".join(parts)


def _of_kind(kinds: Sequence[str]) -> str:
    return _any([f"kind.equals({painless.literal(kind)})" for kind in kinds])


def _literals(condition: TextCondition, variable: str) -> list[str]:
    compared = fold if variable == "lower" else str
    found = [f"{variable}.contains({painless.literal(compared(term))})" for term in condition.contains]
    every = [f"{variable}.contains({painless.literal(compared(term))})" for term in condition.contains_all]
    return [*([_any(found)] if found else []), *every]


def _patterns(condition: TextCondition) -> list[str]:
    return [_any(_found(condition.matches, "line"))] if condition.matches else []


def _found(patterns: Sequence[str], variable: str) -> list[str]:
    return [f"found({_regex(pattern)}.matcher({variable}))" for pattern in patterns]


def _levels(names: Sequence[str]) -> list[str]:
    return ["level.isEmpty()" if level == NO_LEVEL.upper() else _is_level(level) for level in dict.fromkeys(map(str.upper, names))]


def _is_level(level: str) -> str:
    """Compare ignoring the case of ASCII letters alone: Java's own comparison takes a dotless i for an I."""
    lower, upper = painless.literal(level.lower()), painless.literal(level)
    return f"(level.toLowerCase(Locale.ROOT).equals({lower}) && level.toUpperCase(Locale.ROOT).equals({upper}))"


def _within(variable: str, network: IPv4Network | IPv6Network) -> str:
    """Return the test whether an address is in a network, whose address is written as its numbers."""
    packed, size = network.network_address.packed, 1 if network.version == 4 else 2
    numbers = [str(int.from_bytes(packed[at : at + size])) for at in range(0, len(packed), size)]
    return f"within({variable}, [{', '.join(numbers)}], {network.prefixlen})"


def _field(variable: str, field: TextField | NumberField | AddressField) -> str:
    """Return the test of a condition on a field, which never holds where the event has no such field."""
    if isinstance(field, NumberField):
        bounds = ((">=", field.least), ("<=", field.most), ("<", field.below))
        tests = [f"{variable} {comparison} {painless.number(bound)}" for comparison, bound in bounds if bound is not None]
    elif isinstance(field, AddressField):
        within, not_in = field.networks
        tests = [_any([_within(variable, each) for each in within])] if within else []
        tests += [f"!{_within(variable, each)}" for each in not_in]
    else:
        stated = (("equals", field.equals), ("startsWith", field.begins), ("contains", field.contains))
        texts = [f"{variable}.{test}({painless.literal(term)})" for test, terms in stated for term in terms]
        tests = [_any([*texts, *_found(field.matches, variable)])]
    return f"({' && '.join([f'{variable} != null', *tests])})"


def _any(tests: Sequence[str], *, always: bool = False) -> str:
    return tests[0] if len(tests) == 1 and not always else f"({' || '.join(tests)})"


def _regex(pattern: str) -> str:
    """Write a pattern between slashes: those in it escaped, and `{{` avoided, as in `literal`.

    A brace before a brace cannot begin a repetition, so it stands for itself, escaped or in a class.
    """
    out: list[str] = []
    escaped = False
    for position, character in enumerate(pattern):
        if pattern.startswith("{{", position):
            if escaped:
                out.pop()
            out.append("\\x7b")
        else:
            out.append("\\/" if character == "/" and not escaped else character)
        escaped = character == "\\" and not escaped
    return f"/{''.join(out)}/s"
