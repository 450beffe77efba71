from __future__ import annotations

import pytest

from tests.support.memory_engine import MemoryEngine


@pytest.fixture
def engine(monkeypatch: pytest.MonkeyPatch) -> MemoryEngine:
    monkeypatch.setattr("integration.engines.retry.RETRY.sleep", lambda _seconds: None)
    return MemoryEngine()
