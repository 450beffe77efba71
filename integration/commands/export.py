"""`detect export`: every rendered body as a file, for people who deploy by their own means."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

from integration import __version__
from integration.detection.model import Rule
from integration.engines.kibana import DEFAULT_SPACE
from integration.errors import InputError
from integration.install.dashboards import dashboard_objects, import_request
from integration.install.deployment import Deployment
from integration.install.event_indices import EventIndices
from integration.install.objects import RuleObject
from integration.install.ownership import OWNER
from integration.install.roles import role_objects
from integration.install.shared_objects import shared_objects
from integration.install.streams import ORDINARY, Streams
from integration.render.aggregation import window_search
from integration.targets.choose import targets_for
from integration.targets.kibana import body as kibana
from integration.targets.kibana import esql
from integration.targets.kibana.rules import DetectionRule, KibanaRule, StackRule
from integration.targets.kibana.saved_objects import saved_rule

INDEX = "index.json"
"""The file that says what each of the others is, and what request takes it."""
ENGINES = ("elasticsearch", "opensearch")


@dataclass(frozen=True, slots=True)
class Export:
    """One file: its path in the folder, its content, what it is, and the request that takes it."""

    path: str
    content: str
    what: str
    request: str = ""


@dataclass(frozen=True, slots=True)
class MissingBody:
    """A body that a rule does not have, and why."""

    path: str
    reason: str


def exports(
    rules: Sequence[Rule], engines: Sequence[str], deployment: Deployment, streams: Streams = ORDINARY
) -> tuple[list[Export], list[MissingBody]]:
    """Render every body for these rules: what can be said for each engine, and what cannot."""
    files: list[Export] = []
    left_out: list[MissingBody] = []
    for engine in engines:
        files += _shared(rules, engine, deployment, streams)
        made = [target.rule_object(rule) for rule in rules for target in targets_for(engine, deployment)]
        for path, what, request, rendered in _renderings(rules, engine, deployment, made):
            try:
                files.append(Export(path, rendered(), what, request))
            except InputError as error:
                left_out.append(MissingBody(path, str(error)))
        lost = {each.path for each in left_out}
        files += _importable([each for each in made if _path(engine, each) not in lost])
    return files, left_out


def write(folder: Path, files: Sequence[Export], left_out: Sequence[MissingBody], *, force: bool = False) -> dict[str, str]:
    """Write the files and `INDEX`; says of each path whether it was created, updated or unchanged.

    `InputError`, before anything is written, when a file there has another content and `force` is not given.
    """
    listed = [{"path": f.path, "what": f.what, **({"request": f.request} if f.request else {})} for f in files]
    missing = [{"path": each.path, "reason": each.reason} for each in left_out]
    index = Export(INDEX, _json({"made_by": f"{OWNER} {__version__}", "files": listed, "left_out": missing}), "this list")
    states = {file.path: _state(folder / file.path, file.content) for file in [*files, index]}
    changed = [path for path, state in states.items() if state == "updated"]
    if changed and not force:
        raise InputError(
            f"{folder / changed[0]} {f'and {len(changed) - 1} more ' if changed[1:] else ''}would be overwritten with another "
            "content; nothing was written. --force overwrites."
        )
    for file in [*files, index]:
        if states[file.path] == "unchanged":
            continue
        target = folder / file.path
        try:
            target.parent.mkdir(parents=True, exist_ok=True)
            target.write_text(file.content, encoding="utf-8", newline="\n")
        except OSError as error:
            raise InputError(f"{target} cannot be written: {error.strerror}") from error
    return states


def _state(path: Path, content: str) -> str:
    try:
        return "unchanged" if path.read_bytes() == content.encode() else "updated"
    except FileNotFoundError:
        return "created"
    except OSError as error:
        raise InputError(f"{path} cannot be read: {error.strerror}") from error


def _shared(rules: Sequence[Rule], engine: str, deployment: Deployment, streams: Streams) -> Iterator[Export]:
    for each in (*shared_objects(rules, engine, streams), *role_objects(engine, rules, deployment.index)):
        if not isinstance(each, EventIndices):  # which are what is there already
            path = f"{engine}/{each.kind.replace(' ', '_')}.{each.name}.json"
            yield Export(path, _json(each.body), f"{each.kind} {each.name}", each.request)


def _renderings(
    rules: Sequence[Rule], engine: str, deployment: Deployment, made: Sequence[RuleObject]
) -> Iterator[tuple[str, str, str, Callable[[], str]]]:
    """Yield the path of each file, what it is, its request, and what renders it, or raises `InputError` for a rule without one."""
    for rule in rules:
        what = f"search for the findings of {rule.id}; set the window in its range, and page by after_key"
        yield f"{engine}/{rule.id}.search.json", what, f"POST /{deployment.events}/_search", partial(_search, rule, engine)
        if engine == "elasticsearch":
            what, text = f"ES|QL query for the findings of {rule.id}", partial(_esql, rule, deployment)
            yield f"{engine}/{rule.id}.esql", what, "POST /_query (as its `query`)", text
    for each in made:
        yield _path(engine, each), f"{each.kind} of {each.rule.id}", each.request, partial(_body, each)
    what = "the dashboard with its panels and data views, for the import of saved objects"
    path = f"{'kibana' if engine == 'elasticsearch' else engine}/dashboards.ndjson"
    yield path, what, import_request(engine), partial(_dashboard, rules, engine, deployment)


def _search(rule: Rule, engine: str) -> str:
    last = rule.windows.last_run(0)
    return _json(window_search(rule, engine, last.start, last.end))


def _esql(rule: Rule, deployment: Deployment) -> str:
    return f"{esql.query(rule, deployment.events, post_filter=deployment.filter)}\n"


def _body(made: RuleObject) -> str:
    return _json(made.body)


def _dashboard(rules: Sequence[Rule], engine: str, deployment: Deployment) -> str:
    made = dashboard_objects(rules, deployment, engine, DEFAULT_SPACE if engine == "elasticsearch" else "")
    return "".join(each.line for each in made)


def _path(engine: str, made: RuleObject) -> str:
    folder = "kibana" if isinstance(made, KibanaRule) else engine
    return f"{folder}/{made.rule.id}.{made.kind.replace(' ', '_')}.json"


def _importable(made: Sequence[RuleObject]) -> Iterator[Export]:
    if bodies := [each.body for each in made if isinstance(each, DetectionRule)]:
        what = "every detection rule, for Security > Rules > Import rules"
        request = "POST /api/detection_engine/rules/_import (Kibana; multipart, header kbn-xsrf)"
        yield Export("kibana/detection_rules.ndjson", kibana.ndjson(bodies), what, request)
    if saved := [saved_rule(each.body, each.identifier(DEFAULT_SPACE)) for each in made if isinstance(each, StackRule)]:
        what = "every Elasticsearch query rule, for Stack Management > Saved Objects > Import, with the ids that they have here"
        request = "POST /api/saved_objects/_import (Kibana; multipart, header kbn-xsrf)"
        yield Export("kibana/stack_rules.ndjson", kibana.ndjson(saved), what, request)


def _json(body: dict[str, Any]) -> str:
    return json.dumps(body, indent=2, ensure_ascii=False) + "\n"
