"""`install` and `uninstall` killed at each of their writes, and asked to stop.

Before the other tests: they leave data streams, which the Elasticsearch of the tests cannot delete, and which make each
installation long.
"""

from __future__ import annotations

import signal
from typing import Any

import pytest

from integration.detection.loading import load_rules
from integration.engines.base import Engine
from integration.install.objects import Connections
from integration.install.shared_objects import shared_objects
from integration.names import API, EVENTS_PATTERN, EVENTS_TEMPLATE, PROMPTS
from tests.cluster.faults.conftest import Tried
from tests.support.cli import Result, detect
from tests.support.fake_cluster import Request
from tests.support.faults.killer import MOST_REQUESTS, Killer
from tests.support.faults.ledger import Count
from tests.support.faults.proxy import Meeting, Proxy
from tests.support.faults.site import Site
from tests.support.waiting import until

pytestmark = pytest.mark.enough_on("elasticsearch")


def objects(engine: Engine) -> dict[str, Any]:
    """All that an installation makes, as it is on the cluster."""
    made = {shared.name: shared.fetch(Connections(engine)) for shared in shared_objects(load_rules(), engine.name)[:3]}
    settings = engine.request("GET", f"/{EVENTS_PATTERN}/_settings", params={"flat_settings": True})
    pipelines = {index: body["settings"].get("index.default_pipeline") for index, body in settings.items()}
    for asset in made.values():
        for stamp in ("created_date", "modified_date", "created_date_millis", "modified_date_millis"):
            (asset or {}).pop(stamp, None)
    return made | pipelines


def difference(wanted: dict[str, Any], found: dict[str, Any]) -> Count:
    lost = sum(found.get(name) != body for name, body in wanted.items())
    return Count(len(wanted), lost, len(found.keys() - wanted.keys()), "objects")


def test_install_and_uninstall(killer: Killer) -> None:
    engine = killer.site.engine
    assert killer.site.detect("ingest").code == 0

    def writes(request: Request) -> bool:
        """Between two of them nothing changes; mapping and settings of all data streams are written by their pattern.

        JSON events have objects of the same kinds, which are left out.
        """
        parts = ("/_ingest/", "/_index_template/", EVENTS_PATTERN.rstrip("*"))
        of_json_events = API.name in request.path or PROMPTS.name in request.path
        return request.method in ("PUT", "DELETE") and any(part in request.path for part in parts) and not of_json_events

    wanted = {"install": objects(engine)}
    plainly(engine, "uninstall")
    wanted["uninstall"] = objects(engine)
    counts: dict[str, list[Count]] = {verb: [] for verb in wanted}
    ends: dict[str, tuple[Result, ...]] = {}
    try:
        for number in range(MOST_REQUESTS):
            # Each verb leaves what the other one begins with.
            for verb, state in wanted.items():
                if struck := killer.strike((verb,), number, writes):
                    counts[verb].append(difference(state, objects(engine)))
                    ends[verb] = struck
            if max(map(len, counts.values())) <= number:
                break
    finally:
        plainly(engine, "install")
    assert {verb: len(found) for verb, found in counts.items()} == {"install": 5, "uninstall": 4}
    for verb in wanted:
        killer.enter(verb, "writes", counts[verb], ends[verb])
    assert killer.site.line_count().lost == 0


def plainly(engine: Engine, verb: str) -> None:
    assert detect(verb, "--url", engine.url).code == 0


def test_a_signal_to_install_says_what_is_done(behind: Site, proxy: Proxy, tried: Tried) -> None:
    plainly(behind.engine, "uninstall")
    try:
        proxy.fault = Meeting(proxy.hang, puts_template, lambda _: True)
        command = behind.start("install")
        until(lambda: any(map(puts_template, proxy.requests)), "the second object")
        command.process.send_signal(signal.SIGTERM)
        stopped = command.end()
        assert stopped.code == 143
        assert "Done before that: ingest pipeline 'ollama.server' created. Running `detect install` again" in stopped.err
        proxy.fault = None
        again = behind.detect("install")
        assert again.code == 0
    finally:
        plainly(behind.engine, "install")
    assert behind.detect("diff").code == 0
    missing = sum(body is None for body in objects(behind.engine).values())
    tried(behind.engine.name, "SIGTERM to the command", "install", Count(3, missing, 0, "objects"), stopped, again)


def puts_template(request: Request) -> bool:
    return request.method == "PUT" and EVENTS_TEMPLATE in request.path
