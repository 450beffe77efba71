"""How the data streams of a cluster are set up: whose their templates are, and what the user chose for them."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from fnmatch import fnmatchcase
from typing import Any
from urllib.parse import quote

from integration.engines.base import Engine
from integration.errors import NotFoundError
from integration.install.gin_timezone import installed_timezone
from integration.install.ownership import OWNER, has_tag
from integration.install.retention import policy_retention
from integration.names import DATASETS, PROMPTS, SERVER, Dataset


@dataclass(frozen=True, slots=True)
class Hooked:
    """A data stream whose template another hand made, Fleet's or a user's, and which takes what is ours by its hooks.

    `calls_pipeline` tells that its default pipeline calls the hook. Where it has none, our part of the component template names
    ours.
    """

    dataset: Dataset
    manager: str
    calls_pipeline: bool


@dataclass(frozen=True, slots=True)
class Streams:
    """What an installation must know of the data streams beside the rules.

    `abandoned` are the datasets in whose hooks we still are, though the template is ours. `retention` is how long events are
    kept, such as `30d`, None where nothing deletes them. `keep_prompts` tells that prompts and responses are stored.
    `gin_timezone` is the zone of access lines' clocks where a shipper names none, None where such a line has the shipper's time.
    """

    hooked: tuple[Hooked, ...] = ()
    abandoned: tuple[Dataset, ...] = ()
    retention: str | None = None
    keep_prompts: bool = False
    gin_timezone: str | None = None


ORDINARY = Streams()
"""Nobody else's template, and nothing chosen."""


def streams_of(engine: Engine) -> Streams:
    """Read how the data streams of a cluster are set up."""
    if engine.name != "elasticsearch":  # whose templates cannot name a component that may not be there: it has no such hooks
        return Streams((), (), policy_retention(engine), _keeps_prompts(engine), gin_timezone(engine))
    hooked = tuple(each for dataset in DATASETS if (each := _hooked(engine, dataset)))
    theirs = {each.dataset for each in hooked}
    abandoned = tuple(each for each in DATASETS if each not in theirs and _in_hooks(engine, each))
    return Streams(hooked, abandoned, _retention(engine), _keeps_prompts(engine), gin_timezone(engine))


def gin_timezone(engine: Engine) -> str | None:
    """Read the zone in which the pipeline of a cluster reads the clock of access lines, None where it has none."""
    return installed_timezone(engine.get_pipeline(SERVER.pipeline) or {})


def overriding(engine: Engine, dataset: Dataset, stream: str) -> list[str]:
    """Return the index templates that go before a dataset's own where a data stream gets its next index."""
    found = {
        each["name"]: each["index_template"] for each in engine.request("GET", "/_index_template", retry=True)["index_templates"]
    }
    own = found.get(dataset.template)
    if own is None:
        return []
    above = {name: body for name, body in found.items() if (body.get("priority") or 0) > (own.get("priority") or 0)}
    return sorted(name for name, body in above.items() if any(fnmatchcase(stream, pattern) for pattern in body["index_patterns"]))


def our_processors(pipeline: dict[str, Any]) -> list[dict[str, Any]]:
    """Return the processors of a pipeline that bear our tag."""
    return [each for each in pipeline.get("processors", []) if each.get("pipeline", {}).get("tag") == OWNER]


def component_template(engine: Engine, name: str) -> dict[str, Any] | None:
    """Read a component template, None if there is none of that name."""
    try:
        found = engine.request("GET", f"/_component_template/{quote(name)}", retry=True)["component_templates"]
    except NotFoundError:
        return None
    template: dict[str, Any] = found[0]["component_template"]
    return template


def holds_ours(component: dict[str, Any]) -> bool:
    """Return whether a component template of the user's has a part of ours, which our tag stands for."""
    return has_tag(component.get("_meta", {}).get(OWNER))


def _hooked(engine: Engine, dataset: Dataset) -> Hooked | None:
    template = engine.get_template(dataset.template)
    if template is None or has_tag(template.get("_meta")) or dataset.custom not in template.get("composed_of", []):
        return None
    pipeline = _default_pipeline(engine, template)
    calls = pipeline is not None and _calls(engine, pipeline, dataset.custom)
    if pipeline not in (None, dataset.pipeline) and not calls:
        return None  # nothing of ours would be reached
    manager = "Fleet" if template.get("_meta", {}).get("managed_by") == "fleet" else "somebody else"
    return Hooked(dataset, manager, calls)


def _default_pipeline(engine: Engine, template: dict[str, Any]) -> str | None:
    """Return the default pipeline that a template gives to its indices, but for what our hook says; the last one counts."""
    found = [*(_settings(part) for part in _components(engine, template)), _settings(template)]
    return next((pipeline for settings in reversed(found) if (pipeline := settings.get("default_pipeline"))), None)


def _components(engine: Engine, template: dict[str, Any]) -> Iterator[dict[str, Any]]:
    for name in template.get("composed_of", []):
        component = component_template(engine, name)
        if component is not None and not holds_ours(component):
            yield component


def _settings(template: dict[str, Any]) -> dict[str, Any]:
    found: dict[str, Any] = template.get("template", {}).get("settings", {}).get("index", {})
    return found


def _calls(engine: Engine, pipeline: str, name: str) -> bool:
    processors = (engine.get_pipeline(pipeline) or {}).get("processors", [])
    return any(each.get("pipeline", {}).get("name") == name for each in processors)


def keeping(pipeline: dict[str, Any]) -> dict[str, Any]:
    """Return the parameters of the pipeline of prompts that say whether it keeps them; of another pipeline none."""
    scripts = (each["script"] for each in pipeline.get("processors", []) if each.get("script", {}).get("tag") == "event")
    return next((script["params"] for script in scripts), {})


def _keeps_prompts(engine: Engine) -> bool:
    return keeping(engine.get_pipeline(PROMPTS.pipeline) or {}).get("keep") is True


def _retention(engine: Engine) -> str | None:
    """Return what an installation wrote into the template of the lines, or into its hook."""
    template = engine.get_template(SERVER.template) or {}
    if not has_tag(template.get("_meta")):
        template = component_template(engine, SERVER.custom) or {}
        if not holds_ours(template):
            return None
    retention: str | None = template.get("template", {}).get("lifecycle", {}).get("data_retention")
    return retention


def _in_hooks(engine: Engine, dataset: Dataset) -> bool:
    component = component_template(engine, dataset.custom) or {}
    return holds_ours(component) or bool(our_processors(engine.get_pipeline(dataset.custom) or {}))
