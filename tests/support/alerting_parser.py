"""OpenSearch Alerting's own parser of monitors, in this process: `Monitor.parse` of org.opensearch:common-utils."""

from __future__ import annotations

import json
from functools import cache
from typing import Any

import jpype  # type: ignore[import-untyped]

from integration.sandbox.local.maven import Artifact
from tests.support.jvm import start_jvm

_JARS = (
    Artifact("org.opensearch", "common-utils", "3.4.0.0"),
    Artifact("org.opensearch", "opensearch", "3.4.0"),
    Artifact("org.jetbrains.kotlin", "kotlin-stdlib", "2.2.0"),
    Artifact("com.cronutils", "cron-utils", "9.1.7"),
)
_MODEL = "org.opensearch.commons.alerting.model"


class RefusedError(Exception):
    """The parser's own words."""


class AlertingParser:
    """Parses a monitor as the server does, and gives what the server would store and show."""

    def __init__(self) -> None:
        if not jpype.isJVMStarted():
            start_jvm("alerting-parser-3.4.0.0", _JARS)
        self._content = jpype.JClass("org.opensearch.common.xcontent.XContentType").JSON.xContent()
        self._strict = jpype.JClass("org.opensearch.core.xcontent.DeprecationHandler").THROW_UNSUPPORTED_OPERATION
        self._monitor = jpype.JClass(f"{_MODEL}.Monitor")
        self._registry = _registry()

    def parse(self, body: dict[str, Any]) -> dict[str, Any]:
        """Return the monitor as the server writes it; `RefusedError` when it takes no such body."""
        try:
            parser = self._content.createParser(self._registry, self._strict, json.dumps(body))
            parser.nextToken()
            monitor = self._monitor.parse(parser)
        except jpype.JException as error:
            raise RefusedError(str(error.getMessage())) from error
        builder = jpype.JClass("org.opensearch.common.xcontent.XContentFactory").jsonBuilder()
        monitor.toXContent(builder, jpype.JClass("org.opensearch.core.xcontent.ToXContent").EMPTY_PARAMS)
        written: dict[str, Any] = json.loads(str(builder.toString()))
        return written


@cache
def alerting_parser() -> AlertingParser:
    """Return the one parser: a process has one JVM."""
    return AlertingParser()


def _registry() -> Any:
    """What the server's parser knows: the core's queries and aggregations, and Alerting's inputs and triggers."""
    settings = jpype.JClass("org.opensearch.common.settings.Settings").EMPTY
    array_list = jpype.JClass("java.util.ArrayList")
    entries = array_list(jpype.JClass("org.opensearch.search.SearchModule")(settings, array_list()).getNamedXContents())
    for name in ("SearchInput", "BucketLevelTrigger", "Monitor"):
        entry = jpype.JClass(f"{_MODEL}.{name}").class_.getDeclaredField("XCONTENT_REGISTRY")
        entry.setAccessible(True)
        entries.add(entry.get(None))
    return jpype.JClass("org.opensearch.core.xcontent.NamedXContentRegistry")(entries)
