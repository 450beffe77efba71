"""Installing while somebody else changes the same objects: nothing of theirs is overwritten."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import Any

import pytest

from integration.engines.base import Engine
from integration.engines.connect import connect
from integration.engines.connection import Connection
from integration.errors import ConflictError, PartlyAppliedError
from integration.install.named_object import SharedObject
from integration.install.plan import State
from integration.install.shared_objects import shared_objects
from integration.names import EVENTS_TEMPLATE, PIPELINE
from tests.support.builders import RULE
from tests.support.installing import install_objects, install_shared, state_of


def before_request(
    monkeypatch: pytest.MonkeyPatch, engine: Engine, method: str, path: str, turn: int, act: Callable[[], object]
) -> None:
    """Let something happen right before the `turn`th request of a method and path."""
    send = engine._send
    waiting = [act if n == turn else None for n in range(1, turn + 1)]

    def sent(sent_method: str, sent_path: str, body: Any, params: Any) -> object:
        if (sent_method, sent_path) == (method, path) and waiting and (now := waiting.pop(0)):
            now()
        return send(sent_method, sent_path, body, params)

    monkeypatch.setattr(engine, "_send", sent)


@pytest.mark.parametrize("name", [PIPELINE, EVENTS_TEMPLATE])
def test_what_changes_after_it_was_compared_is_not_overwritten(engine: Engine, monkeypatch: pytest.MonkeyPatch, name: str) -> None:
    install_shared(engine, [RULE], force=True)
    upgrade = [marked(asset) for asset in shared_objects([RULE], engine.name)]
    (asset,) = [each for each in upgrade if each.name == name]
    api = "_ingest/pipeline" if name == PIPELINE else "_index_template"
    with connect(Connection(engine.url)) as other:
        theirs = asset.body | ({"description": "theirs"} if name == PIPELINE else {"_meta": {"by": "them"}})
        change = partial(other.request, "PUT", f"/{api}/{name}", theirs)
        before_request(monkeypatch, engine, "GET", f"/{api}/{name}", 2, change)
        with pytest.raises((ConflictError, PartlyAppliedError), match="was changed since it was compared"):
            install_objects(engine, upgrade)
        assert state_of(other, asset) is State.FOREIGN


def test_a_pipeline_that_changes_while_it_is_written_is_not_overwritten_on_elasticsearch(
    engine: Engine, monkeypatch: pytest.MonkeyPatch
) -> None:
    assets = shared_objects([RULE], engine.name)
    install_objects(engine, assets, force=True)
    (asset,) = [marked(each) for each in assets if each.name == PIPELINE]
    path = f"/_ingest/pipeline/{PIPELINE}"
    with connect(Connection(engine.url)) as other:
        before_request(monkeypatch, engine, "PUT", path, 1, partial(other.request, "PUT", path, {"processors": [], "version": 7}))
        if engine.name == "elasticsearch":
            with pytest.raises(ConflictError, match="version conflict, required version"):
                install_objects(engine, [asset])
            assert state_of(other, asset) is State.FOREIGN
        else:
            install_objects(engine, [asset])
            assert state_of(other, asset) is State.SAME
    install_objects(engine, assets, force=True)
    assert state_of(engine, assets[0]) is State.SAME


@pytest.mark.parametrize("same", [True, False], ids=["same version", "other version"])
def test_two_installers_at_the_same_time(engine: Engine, monkeypatch: pytest.MonkeyPatch, same: bool) -> None:
    assets = shared_objects([RULE], engine.name)
    install_objects(engine, assets, force=True)
    first = [marked(each) for each in assets]
    second = first if same else [marked(each, "0 second") for each in assets]
    with connect(Connection(engine.url)) as other:
        run = partial(install_objects, other, second)
        before_request(monkeypatch, engine, "GET", f"/_ingest/pipeline/{PIPELINE}", 2, run)
        if same:
            install_objects(engine, first)
        else:
            with pytest.raises(ConflictError, match="was changed since it was compared"):
                install_objects(engine, first)
        assert {state_of(other, each) for each in second} == {State.SAME}


def marked(shared: SharedObject, mark: str = "0 first") -> SharedObject:
    """Another version of an object of ours; one without a tag is the same in all."""
    if shared.kind == "ingest pipeline":
        return type(shared)(shared.name, shared.body | {"description": f"[ollama-detect {mark}]"})
    if "_meta" not in shared.body:
        return shared
    return type(shared)(shared.name, shared.body | {"_meta": shared.body["_meta"] | {"version": mark}})
