"""Installing while somebody else changes the same objects: nothing of theirs is overwritten."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from functools import partial
from typing import Any

import pytest

from integration.engines.base import Engine
from integration.engines.connect import connect
from integration.engines.connection import Connection
from integration.errors import ConflictError, PartlyAppliedError
from integration.install.comparison import State
from integration.install.installation import asset_status, install
from integration.install.objects import Asset, desired_assets
from integration.names import EVENTS_TEMPLATE, PIPELINE
from tests.support.builders import RULE


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
    install(engine, desired_assets([RULE], engine.name), [RULE], force=True, on_step=lambda _: None)
    upgrade = [replace(asset, body=with_mark(asset)) for asset in desired_assets([RULE], engine.name)]
    (asset,) = [each for each in upgrade if each.name == name]
    api = "_ingest/pipeline" if name == PIPELINE else "_index_template"
    with connect(Connection(engine.url)) as other:
        theirs = asset.body | ({"description": "theirs"} if name == PIPELINE else {"_meta": {"by": "them"}})
        change = partial(other.request, "PUT", f"/{api}/{name}", theirs)
        before_request(monkeypatch, engine, "GET", f"/{api}/{name}", 2, change)
        with pytest.raises((ConflictError, PartlyAppliedError), match="was changed since it was compared"):
            install(engine, upgrade, [RULE], on_step=lambda _: None)
        assert asset_status(other, asset).state is State.FOREIGN


def test_a_pipeline_that_changes_while_it_is_written_is_not_overwritten_on_elasticsearch(
    engine: Engine, monkeypatch: pytest.MonkeyPatch
) -> None:
    assets = desired_assets([RULE], engine.name)
    install(engine, assets, [RULE], force=True, on_step=lambda _: None)
    (asset,) = [replace(each, body=with_mark(each)) for each in assets if each.name == PIPELINE]
    path = f"/_ingest/pipeline/{PIPELINE}"
    with connect(Connection(engine.url)) as other:
        before_request(monkeypatch, engine, "PUT", path, 1, partial(other.request, "PUT", path, {"processors": [], "version": 7}))
        if engine.name == "elasticsearch":
            with pytest.raises(ConflictError, match="version conflict, required version"):
                install(engine, [asset], [RULE], on_step=lambda _: None)
            assert asset_status(other, asset).state is State.FOREIGN
        else:
            install(engine, [asset], [RULE], on_step=lambda _: None)
            assert asset_status(other, asset).state is State.SAME
    install(engine, assets, [RULE], force=True, on_step=lambda _: None)
    assert asset_status(engine, assets[0]).state is State.SAME


@pytest.mark.parametrize("same", [True, False], ids=["same version", "other version"])
def test_two_installers_at_the_same_time(engine: Engine, monkeypatch: pytest.MonkeyPatch, same: bool) -> None:
    assets = desired_assets([RULE], engine.name)
    install(engine, assets, [RULE], force=True, on_step=lambda _: None)
    first = [replace(each, body=with_mark(each)) for each in assets]
    second = first if same else [replace(each, body=with_mark(each, "0 second")) for each in assets]
    with connect(Connection(engine.url)) as other:
        run = partial(install, other, second, [RULE], on_step=lambda _: None)
        before_request(monkeypatch, engine, "GET", f"/_ingest/pipeline/{PIPELINE}", 2, run)
        if same:
            install(engine, first, [RULE], on_step=lambda _: None)
        else:
            with pytest.raises(ConflictError, match="was changed since it was compared"):
                install(engine, first, [RULE], on_step=lambda _: None)
        assert {asset_status(other, each).state for each in second} == {State.SAME}


def with_mark(asset: Asset, mark: str = "0 first") -> dict[str, Any]:
    """The body of another version of ours."""
    if asset.kind == "ingest pipeline":
        return asset.body | {"description": f"[ollama-detect {mark}]"}
    return asset.body | {"_meta": asset.body["_meta"] | {"version": mark}}
