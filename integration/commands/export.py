"""`detect export`: every rendered body as a file, for people who deploy by their own means."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from integration import __version__
from integration.detection.model import Rule
from integration.engines.kibana import DEFAULT_SPACE
from integration.errors import InputError
from integration.findings.filter import NO_FILTER, Filter
from integration.install.objects import PipelineAsset, desired_assets
from integration.install.ownership import OWNER
from integration.install.roles import role_assets
from integration.names import Namespace
from integration.render.aggregation import window_search
from integration.targets.kibana import body as kibana
from integration.targets.kibana import esql
from integration.targets.kibana.saved_objects import saved_rule
from integration.targets.opensearch import body as monitor

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
class LeftOut:
    """A body that a rule does not have, and why."""

    path: str
    reason: str


@dataclass(frozen=True, slots=True)
class _Body:
    """A body that a rule may or may not have."""

    path: str
    render: Callable[[], str]
    what: str
    request: str


def exports(
    rules: Sequence[Rule],
    engines: Sequence[str],
    namespace: Namespace,
    index: str | None = None,
    post_filter: Filter = NO_FILTER,
) -> tuple[list[Export], list[LeftOut]]:
    """Render every body for these rules: what can be said for each engine, and what cannot."""
    files: list[Export] = []
    left_out: list[LeftOut] = []
    for engine in engines:
        files += _assets(rules, engine)
        files += _roles(rules, engine, index)
        for rule in rules:
            for body in _bodies(rule, engine, namespace, index, post_filter):
                try:
                    files.append(Export(body.path, body.render(), body.what, body.request))
                except InputError as error:
                    left_out.append(LeftOut(body.path, str(error)))
    if "elasticsearch" in engines:
        files += _importable(rules, namespace, index, post_filter)
    return files, left_out


def write(folder: Path, files: Sequence[Export], left_out: Sequence[LeftOut], *, force: bool = False) -> dict[str, str]:
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


def _assets(rules: Sequence[Rule], engine: str) -> Iterator[Export]:
    for asset in desired_assets(rules, engine):
        at = "_ingest/pipeline" if isinstance(asset, PipelineAsset) else "_index_template"
        path = f"{engine}/{asset.kind.replace(' ', '_')}.{asset.name}.json"
        yield Export(path, _json(asset.body), f"{asset.kind} {asset.name}", f"PUT /{at}/{asset.name}")


def _roles(rules: Sequence[Rule], engine: str, index: str | None) -> Iterator[Export]:
    for role in role_assets(engine, rules, index):
        yield Export(f"{engine}/role.{role.name}.json", _json(role.body), f"role {role.name}", f"PUT {role.api}/{role.name}")


def _bodies(rule: Rule, engine: str, namespace: Namespace, index: str | None, post_filter: Filter) -> Iterator[_Body]:
    events = index or namespace.events
    last = rule.windows.last_run(0)
    yield _Body(
        f"{engine}/{rule.id}.search.json",
        lambda: _json(window_search(rule, engine, last.start, last.end)),
        f"search for the findings of {rule.id}; set the window in its range, and page by after_key",
        f"POST /{events}/_search",
    )
    if engine == "opensearch":
        yield _Body(
            f"{engine}/{rule.id}.monitor.json",
            lambda: _json(monitor.monitor(rule, namespace, index, post_filter)),
            f"bucket-level monitor of {rule.id}",
            "POST /_plugins/_alerting/monitors",
        )
        return
    yield _Body(
        f"{engine}/{rule.id}.esql",
        lambda: f"{esql.query(rule, events, post_filter=post_filter)}\n",
        f"ES|QL query for the findings of {rule.id}",
        "POST /_query (as its `query`)",
    )
    yield from _kibana_bodies(rule, namespace, index, post_filter)


def _kibana_bodies(rule: Rule, namespace: Namespace, index: str | None, post_filter: Filter) -> Iterator[_Body]:
    yield _Body(
        f"kibana/{rule.id}.detection_rule.json",
        lambda: _json(kibana.detection_rule(rule, namespace, index, post_filter)),
        f"detection rule of {rule.id}",
        "POST /api/detection_engine/rules (Kibana; header kbn-xsrf)",
    )
    yield _Body(
        f"kibana/{rule.id}.stack_rule.json",
        lambda: _json(kibana.stack_rule(rule, namespace, index, post_filter)),
        f"Elasticsearch query rule of {rule.id}",
        f"POST /api/alerting/rule/{kibana.stack_id(rule, namespace, DEFAULT_SPACE)} (Kibana; header kbn-xsrf)",
    )


def _importable(rules: Sequence[Rule], namespace: Namespace, index: str | None, post_filter: Filter) -> Iterator[Export]:
    bodies, saved = [], []
    for rule in rules:
        try:
            bodies.append(kibana.detection_rule(rule, namespace, index, post_filter))
            identifier = kibana.stack_id(rule, namespace, DEFAULT_SPACE)
            saved.append(saved_rule(kibana.stack_rule(rule, namespace, index, post_filter), identifier))
        except InputError:
            continue  # told of as a left-out body already
    if bodies:
        what = "every detection rule, for Security > Rules > Import rules"
        request = "POST /api/detection_engine/rules/_import (Kibana; multipart, header kbn-xsrf)"
        yield Export("kibana/detection_rules.ndjson", kibana.ndjson(bodies), what, request)
        what = "every Elasticsearch query rule, for Stack Management > Saved Objects > Import, with the ids that they have here"
        request = "POST /api/saved_objects/_import (Kibana; multipart, header kbn-xsrf)"
        yield Export("kibana/stack_rules.ndjson", kibana.ndjson(saved), what, request)


def _json(body: dict[str, Any]) -> str:
    return json.dumps(body, indent=2, ensure_ascii=False) + "\n"
