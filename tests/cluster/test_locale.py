"""A node whose machine speaks Turkish: where a script leaves the locale to it, Java lower-cases `I` to a letter without a dot."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from integration.detection.model import Rule
from integration.engines.base import Engine
from integration.engines.connect import connect
from integration.engines.connection import Connection
from integration.findings.filter import Filter
from integration.names import Namespace
from integration.sandbox.local import NodeOptions, running_node
from tests.cluster import test_filter_on_nodes
from tests.cluster.test_agreement import cluster_findings, store
from tests.support.alerting_node import engine_with_alerting
from tests.support.builders import RULE, rule_with
from tests.support.drawn_logs import BASE, reference_findings
from tests.support.filters import entry
from tests.support.installing import install_shared
from tests.support.servers import Server, on_opensearch
from tests.support.shipped import Shipped, drop

LETTERS = rule_with(
    selection=[{"level": ["INFO", "RISK"], "contains": ["IKIS", "É☃", "ΟΔΟΣ"]}, {"contains_all": ["disk", "I/O"]}],
    classification={"field": "letters", "classes": [{"name": "capital", "contains": ["IKI"]}], "otherwise": "rest"},
)
TEXTS = (
    "level=INFO IKIS",
    "level=info ikis",
    "level=\u0131nfo ikis",
    "level=r\u0130sk ikis",
    "level=RI\u017fK disk i/o",
    "level=ri\u212a IKI\u017f",
    "level=INFO \u0131k\u0131s",
    "level=INFO \u0130K\u0130S",
    "level=INFO i\u212ais",
    "level=INFO é☃",
    "level=INFO οδος, ΟΔΟΣΑ",
    "level=x DISK I/O",
    "level=x d\u0131sk i/o",
    "level=x dis\u212a i/o",
    "level=ERROR EXITED",
    "level=ERROR ex\u0131ted",
    'level=error LLAMA RUNNER msg="Bİr I"',
)


@pytest.fixture(scope="module")
def turkish(server: Server) -> Iterator[Engine]:
    options = NodeOptions(java=("-Duser.language=tr", "-Duser.country=TR"))
    with (
        running_node(server.engine, server.version, options=options, report=print) as node,
        connect(Connection(node.url)) as engine,
    ):
        install_shared(engine, [RULE])
        yield engine


@pytest.mark.enough_on("opensearch")
@pytest.mark.parametrize("rule", [RULE, LETTERS], ids=lambda rule: rule.id)
def test_findings_do_not_depend_on_the_machine_s_language(turkish: Engine, rule: Rule) -> None:
    lines = [Shipped(text, f"GPU-I{n}", BASE + n) for n, text in enumerate(TEXTS)]
    index = store(turkish, lines)
    try:
        expected = reference_findings(rule, lines)
        assert {finding.host for finding in expected} > {"GPU-I14"} if rule is RULE else len(expected) > 5
        assert cluster_findings(turkish, rule, index, lines) == expected
    finally:
        drop(turkish, index)


@on_opensearch
def test_a_monitor_and_its_filter_do_not_either(turkish: Engine) -> None:
    hosts = ["GPU-I", "gpu-i", "gpu-\u0131", "GPU-\u0130", "lab-I"]
    lines = [Shipped('level=ERROR EXITED msg="DISK I"', host, BASE + n) for n, host in enumerate(hosts)]
    lines += [Shipped('level=ERROR EXITED msg="D\u0130SK"', "gpu-i2", BASE)]
    index = store(turkish, lines)
    post_filter = Filter((entry("exclude", host="LAB-I"), entry("keep", host="GPU-I")))
    try:
        found = reference_findings(RULE, lines)
        kept = list(post_filter.kept(found))
        assert [finding.host for finding in kept] == ["GPU-I", "gpu-i"]
        with engine_with_alerting(turkish.url) as alerting:
            namespace = Namespace(index.rpartition("-")[2])
            assert test_filter_on_nodes.fired(alerting, namespace, post_filter, found) == test_filter_on_nodes.told(kept)
    finally:
        drop(turkish, index)
