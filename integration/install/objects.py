"""What `detect install` puts on a cluster: each object's desired body, marked as ours, and how to read and write it there."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, ClassVar

import yaml

from integration.detection.model import Rule
from integration.engines.base import Engine
from integration.folders import asset_folder
from integration.install.ownership import is_marked, is_marked_text, mark, mark_text, versions_of
from integration.names import EVENTS_TEMPLATE, PIPELINE, RISK_TEMPLATE
from integration.render.templates import events_template, risk_template


@dataclass(frozen=True)
class Asset(ABC):
    """One object on a cluster: its name, and its body as it should be, with our mark in it."""

    name: str
    body: dict[str, Any]
    kind: ClassVar[str] = ""
    added: ClassVar[tuple[str, ...]] = ()
    """What engines add to such a body by themselves, by the beginning of the dotted path."""

    @abstractmethod
    def fetch(self, engine: Engine) -> dict[str, Any] | None:
        """Read the object; None when there is none."""

    @abstractmethod
    def put(self, engine: Engine, found: Mapping[str, Any] | None) -> None:
        """Create the object, or replace the one that was read as `found`."""

    @abstractmethod
    def delete(self, engine: Engine) -> bool:
        """Delete the object; False when there was none."""

    @abstractmethod
    def is_ours(self, found: dict[str, Any]) -> bool:
        """Whether the object that was read bears our mark."""


class PipelineAsset(Asset):
    """An ingest pipeline. OpenSearch takes no `_meta` in one, so the mark is in the description."""

    kind = "ingest pipeline"
    added = ("created_date", "modified_date", "version")

    def fetch(self, engine: Engine) -> dict[str, Any] | None:
        """Read the pipeline."""
        return engine.get_pipeline(self.name)

    def put(self, engine: Engine, found: Mapping[str, Any] | None) -> None:
        """Create or replace the pipeline; on Elasticsearch it bears a version, and `ConflictError` when that is another by now."""
        if engine.name != "elasticsearch":
            engine.put_pipeline(self.name, self.body)
            return
        version = found.get("version") if found else None
        version = version if isinstance(version, int) else None
        engine.put_pipeline(self.name, self.body | {"version": (version or 0) + 1}, if_version=version)

    def delete(self, engine: Engine) -> bool:
        """Delete the pipeline."""
        return engine.delete_pipeline(self.name)

    def is_ours(self, found: dict[str, Any]) -> bool:
        """Look for the mark in the description."""
        return is_marked_text(found.get("description"))


class TemplateAsset(Asset):
    """A composable index template, marked in `_meta`."""

    kind = "index template"
    added = ("composed_of", "data_stream", "created_date", "modified_date", "ignore_missing_component_templates")

    def fetch(self, engine: Engine) -> dict[str, Any] | None:
        """Read the template."""
        return engine.get_template(self.name)

    def put(self, engine: Engine, found: Mapping[str, Any] | None) -> None:  # noqa: ARG002 - no engine guards a template
        """Create or replace the template."""
        engine.put_template(self.name, self.body)

    def delete(self, engine: Engine) -> bool:
        """Delete the template."""
        return engine.delete_template(self.name)

    def is_ours(self, found: dict[str, Any]) -> bool:
        """Look for the mark in `_meta`."""
        return is_marked(found.get("_meta"))


def desired_assets(rules: Sequence[Rule], engine: str) -> list[Asset]:
    """Return every object that the rules share, in the order in which they must be created."""
    versions = versions_of(rules)
    pipeline = yaml.safe_load((asset_folder("ingest_pipelines") / f"{PIPELINE}.yml").read_text(encoding="utf-8"))
    description = f"{pipeline['description']} {mark_text(pipeline, versions)}"
    if engine == "elasticsearch":
        del pipeline["version"]  # counted up with each replacement, since it guards them
    events, risk = events_template(rules, engine), risk_template()
    return [
        PipelineAsset(PIPELINE, pipeline | {"description": description}),
        TemplateAsset(EVENTS_TEMPLATE, events | {"_meta": mark(events, versions)}),
        TemplateAsset(RISK_TEMPLATE, risk | {"_meta": mark(risk, versions)}),
    ]
