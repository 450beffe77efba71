"""Results as JUnit's XML, which CI systems read."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from xml.etree.ElementTree import Element, SubElement, indent, tostring

from integration.cli.output import escaped, escaped_lines


@dataclass(frozen=True, slots=True)
class TestCase:
    """One thing that was tested, and what is wrong with it in words; without faults it passes. `place` is where it stands."""

    name: str
    classname: str
    faults: tuple[str, ...] = ()
    place: str | None = None


def junit(suites: Mapping[str, Sequence[TestCase]]) -> str:
    """Return suites of cases by name as JUnit's XML; what XML cannot hold is escaped as on a terminal."""
    root = Element("testsuites", _counts([case for cases in suites.values() for case in cases]))
    for name, cases in suites.items():
        suite = SubElement(root, "testsuite", {"name": escaped(name)} | _counts(cases))
        for case in cases:
            where = {"file": escaped(case.place)} if case.place else {}
            element = SubElement(suite, "testcase", {"classname": escaped(case.classname), "name": escaped(case.name)} | where)
            if case.faults:
                failure = SubElement(element, "failure", message=escaped(case.faults[0]))
                failure.text = escaped_lines("\n".join(filter(None, (case.place, *case.faults))))
    indent(root)
    return tostring(root, encoding="unicode", xml_declaration=True)


def _counts(cases: Sequence[TestCase]) -> dict[str, str]:
    return {"tests": str(len(cases)), "failures": str(sum(bool(case.faults) for case in cases))}
