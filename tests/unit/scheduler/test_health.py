from __future__ import annotations

import json
from pathlib import Path
from urllib.error import HTTPError
from urllib.request import urlopen

import pytest

from integration.errors import InputError
from integration.scheduler.health import STALE_AFTER_MS, Health, HealthServer
from tests.support.watching import Clock


def test_health_file_and_address(tmp_path: Path) -> None:
    clock = Clock()
    file = tmp_path / "health.json"
    health = Health(clock.millis, file)
    with HealthServer(health, 0) as server:
        url = f"http://127.0.0.1:{server.port}"
        health.say("running", {"r": "2026-11-24T09:50:00Z"})
        with urlopen(f"{url}/health", timeout=10) as answer:
            said = json.load(answer)
        assert said == json.loads(file.read_text())
        assert (said["state"], said["healthy"], said["last_windows"]) == ("running", True, {"r": "2026-11-24T09:50:00Z"})
        assert said["updated"] == "2026-11-24T10:00:00.000Z"
        clock.now += STALE_AFTER_MS + 1
        with pytest.raises(HTTPError) as stale:
            urlopen(f"{url}/health", timeout=10)
        assert stale.value.code == 503
        stale.value.close()
        with pytest.raises(HTTPError) as missing:
            urlopen(f"{url}/other", timeout=10)
        assert missing.value.code == 404
        missing.value.close()
    assert list(tmp_path.iterdir()) == [file]
    with pytest.raises(InputError, match="--health-file"):
        Health(clock.millis, tmp_path / "none" / "health.json")
