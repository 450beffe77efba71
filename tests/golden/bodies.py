"""Rendering the bodies of some rules in the form in which they are kept here."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path

import yaml

from integration import __version__
from integration.commands.export import ENGINES, exports
from integration.detection.field_names import MAPPABLE, FieldNames
from integration.detection.loading import load_rule, load_rules
from integration.detection.model import Rule
from integration.findings.filter import Filter
from integration.install.deployment import Deployment
from integration.install.ownership import OWNER
from integration.names import Namespace
from integration.render.aggregation import few_events_search, first_lines_search, host_counts_search, lines_search
from integration.render.saved_objects import decoded
from integration.targets.opensearch.body import action
from tests.support.builders import RULE
from tests.support.filters import entry

FOLDER = Path(__file__).parent
EVERY_KEY = load_rule(FOLDER / "every_key.yml")
FILTER = Filter(
    (
        entry("exclude", rule="every_key", host=["lab-*", "gpu-?"], severity_at_most="low"),
        entry("keep", severity_at_least="low", greater_than={"error_count": 1}),
        entry("exclude", less_than={"unique_error_types": 2}),
    )
)
# An index whose fields all have names of the user's own, among them ones that a query language must quote.
OWN_NAMES = FieldNames({name: f"my.{name}-'x'.keyword" for name in MAPPABLE}, own_index=True, any_dataset=True)
OWN_INDEX = Deployment(Namespace("default"), "my index", FILTER)
CASES: dict[str, tuple[Rule, Deployment]] = {
    "shipped": (RULE, Deployment(Namespace("default"))),
    "exploitation": (load_rules(ids=["ollama_model_loading_exploitation"])[0], Deployment(Namespace("default"))),
    "every_key": (EVERY_KEY, Deployment(Namespace("default"), None, FILTER)),
    "own_index": (EVERY_KEY.with_field_names(OWN_NAMES), OWN_INDEX),
}
SAME = "same_as.yml"
"""The file that names bodies equal to one that stands here already."""


class _Dumper(yaml.CSafeDumper):
    """Texts of several lines, scripts above all, stand line by line."""


def _text(dumper: _Dumper, text: str) -> yaml.ScalarNode:
    return dumper.represent_scalar("tag:yaml.org,2002:str", text, style="|" if "\n" in text else None)


_Dumper.add_representer(str, _text)


def readable(body: object) -> str:
    """A body as YAML, its keys in their own order."""
    return yaml.dump(body, Dumper=_Dumper, sort_keys=False, allow_unicode=True, width=120)


def rendered() -> dict[str, str]:
    """Every file that should stand here with its content.

    The pipeline is not among them since its body is a file already, nor what can be imported, since it is made of other bodies.
    A dashboard is, with what its texts of JSON hold in their place.
    """
    files: dict[str, str] = {}
    same: dict[str, str] = {}
    first: dict[str, str] = {}
    for path, content in _bodies():
        if first.setdefault(content, path) == path:
            files[path] = content
        else:
            same[path] = first[content]
    return files | {SAME: readable(same)}


def kept() -> dict[str, str]:
    """The files that stand here."""
    return {
        path.relative_to(FOLDER).as_posix(): path.read_text(encoding="utf-8")
        for path in [FOLDER / SAME, *(file for case in CASES for file in (FOLDER / case).rglob("*") if file.is_file())]
        if path.exists()
    }


def _bodies() -> Iterator[tuple[str, str]]:
    for case, (rule, deployment) in CASES.items():
        yield from ((f"{case}/{path}", readable(body)) for path, body in _sent_besides(rule))
        files, left_out = exports([rule], ENGINES, deployment)
        yield f"{case}/left_out.yml", readable({each.path: each.reason for each in left_out})
        for file in files:
            path = f"{case}/{file.path}"
            if rule is not RULE and rule.id not in file.path and "logs-" not in file.path:
                continue  # roles and the index of risk events know a rule by its name alone
            if path.endswith(".json") and "/ingest_pipeline." not in path:
                yield path.removesuffix("json") + "yml", _without_version(readable(json.loads(file.content)))
            elif path.endswith("/dashboards.ndjson"):
                objects = [decoded(json.loads(line)) for line in _without_version(file.content).splitlines()]
                yield path.removesuffix("ndjson") + "yml", _without_version(readable(objects))
            elif path.endswith(".esql"):
                yield path, file.content


def _sent_besides(rule: Rule) -> Iterator[tuple[str, object]]:
    """What `detect export` does not write: the searches of a run besides the first, and what a monitor does when it fires."""
    window = rule.windows.last_run(0)
    for engine in ENGINES:
        yield f"{engine}/{rule.id}.host_counts.yml", host_counts_search(rule, window.start, window.end)
        yield f"{engine}/{rule.id}.few_events.yml", few_events_search(rule, engine, window.start, window.end, 9)
        yield f"{engine}/{rule.id}.lines.yml", lines_search(rule, engine, window.start, window.end, "gpu-1")
        yield f"{engine}/{rule.id}.first_lines.yml", first_lines_search(rule, engine, window.start, window.end, "gpu-1", 9)
    yield f"opensearch/{rule.id}.action.yml", action(rule, "CHANNEL")


def _without_version(text: str) -> str:
    """The project's own version stands in the ownership tags, and a new one is not a change of any body."""
    return text.replace(f"{OWNER} {__version__} ", f"{OWNER} VERSION ").replace(f"version: {__version__}\n", "version: VERSION\n")
