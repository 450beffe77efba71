from __future__ import annotations

import json

import pytest

from integration.log.recognition import looks_like_ollama

RECORD = 'time=2026-11-24T09:00:00.123Z level=INFO source=server.go:1 msg="x"'
OLLAMAS = [
    RECORD,
    f"Nov 24 09:00:00 gpu-1 ollama[1]: {RECORD}",
    json.dumps({"log": f"{RECORD}\n", "stream": "stderr"}),
    'level=WARN msg="x"',
    '{"time":"2026-11-24T09:00:00Z","level":"ERROR","msg":"x"}',
    json.dumps({"log": '{"time":"2026-11-24T09:00:00Z","level":"ERROR","msg":"x"}'}),
    '[GIN] 2025/11/06 - 06:23:22 | 500 |  2.859719514s |      172.18.0.3 | POST     "/api/chat"',
    "[GIN-debug] POST   /api/pull",
    "2023/12/24 23:48:35 llama.go:459: loaded",
    "panic: runtime error: integer divide by zero",
    "goroutine 27 [running]:",
    "llama_model_load: error loading model",
    "GGML_ASSERT(x) failed",
    "CUDA error: out of memory",
]
OTHERS = [
    "",
    "Nov 24 09:00:00 gpu-1 sshd[1]: Accepted publickey for root",
    'time="2026-11-24T09:00:00Z" level=error msg="logrus writes levels in lower case"',
    '192.0.2.1 - - [24/Nov/2026:09:00:00 +0000] "GET / HTTP/1.1" 200 5',
    "a.go: 12",
    "Kernel panic - not syncing: VFS",
    "loglevel=ERRORS",
]


@pytest.mark.parametrize("line", OLLAMAS)
def test_ollamas(line: str) -> None:
    assert looks_like_ollama(line.encode())
    assert looks_like_ollama(f"other\n{line}\nother".encode())


@pytest.mark.parametrize("line", OTHERS)
def test_others(line: str) -> None:
    assert not looks_like_ollama(line.encode())
