"""Elasticsearch's own classes (ES|QL's parser, Lucene's patterns) in a process of their own.

The JVM of this process may belong to another engine's parser.
"""

from __future__ import annotations

import multiprocessing
from collections.abc import Iterator
from concurrent.futures import ProcessPoolExecutor
from contextlib import contextmanager
from functools import cache
from typing import Any

import jpype  # type: ignore[import-untyped]

from integration.sandbox.local.maven import Artifact
from tests.support.jvm import start_jvm

_VERSION = "8.19.21"
_SERVER = (
    Artifact("org.elasticsearch", "elasticsearch", _VERSION),
    Artifact("org.elasticsearch", "elasticsearch-dissect", _VERSION),
    Artifact("org.antlr", "antlr4-runtime", "4.13.1"),
)
# Published, but what they name as their dependencies is not, so these are fetched alone.
_PLUGINS = tuple(
    Artifact("org.elasticsearch.plugin", name, _VERSION)
    for name in ("x-pack-esql", "x-pack-esql-core", "x-pack-esql-compute", "x-pack-core")
)
_PATTERN = "org.elasticsearch.xpack.esql.core.expression.predicate.regex.WildcardPattern"
_EVALUATOR = "org.elasticsearch.xpack.esql.expression.function.scalar.string.AutomataMatch"


class ElasticJvm:
    """Asks the other process."""

    def __init__(self, pool: ProcessPoolExecutor) -> None:
        self._pool = pool

    def fault(self, query: str) -> str | None:
        """Return what the parser says against a query, None when it takes it."""
        return self._pool.submit(_fault, query).result()

    def text(self, literal: str) -> str:
        """Return the text that a string literal stands for."""
        return self._pool.submit(_text, literal).result()

    def like(self, literal: str, value: str) -> bool:
        """Return whether `value LIKE literal` holds."""
        return self._pool.submit(_matches, literal, value).result()


@contextmanager
def elastic_jvm() -> Iterator[ElasticJvm]:
    """Start the other process, and end it."""
    with ProcessPoolExecutor(1, mp_context=multiprocessing.get_context("spawn")) as pool:
        yield ElasticJvm(pool)


@cache
def _parser() -> Any:
    start_jvm(f"esql-parser-{_VERSION}", _SERVER, _PLUGINS)
    jpype.JClass("org.elasticsearch.common.logging.LogConfigurator").configureESLogging()
    return jpype.JClass("org.elasticsearch.xpack.esql.parser.EsqlParser")()


def _fault(query: str) -> str | None:
    parser = _parser()
    try:
        parser.createStatement(query, None)
    except jpype.JException as error:
        return str(error.getMessage())
    return None


def _text(literal: str) -> str:
    row = _parser().createStatement(f"ROW a = {literal}", None)
    value: Any = row.fields().get(0).child().value()
    return str(value.utf8ToString()) if hasattr(value, "utf8ToString") else str(value)


def _matches(literal: str, value: str) -> bool:
    """Run a pattern as ES|QL does, with its bound on the work for it."""
    text = _text(literal)
    try:
        automaton = jpype.JClass(_PATTERN)(text).createAutomaton(False)
        jpype.JClass(_EVALUATOR).toEvaluator(None, None, automaton)
    except jpype.JException as error:
        raise RuntimeError(str(error)) from None  # no exception of Java's leaves this process
    return bool(jpype.JClass("org.apache.lucene.util.automaton.CharacterRunAutomaton")(automaton).run(value))
