"""The values that fill the slots of a text."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from functools import cache
from random import Random

_SLOT = re.compile(r"\{([a-z]+[0-9]*)(?::>([0-9]+))?\}")

_MODELS = ("llama3.2:3b", "llama3.1:8b", "qwen3:8b", "gemma3:12b", "mistral:7b", "deepseek-r1:14b", "phi4:14b", "gpt-oss:20b")
_FAMILIES = ("llama", "qwen3", "gemma3", "mistral", "phi3", "gptoss")
_KEYS = ("key_length", "layer_norm_epsilon", "head_count_kv", "sliding_window", "wkv_mode", "scale")
_ASSERTIONS = (
    "tensor->ne[0] == n_embd",
    "hparams.n_expert <= LLAMA_MAX_EXPERTS",
    "ggml_nbytes(tensor) <= size",
    "n_dims >= 1 && n_dims <= GGML_MAX_DIMS",
    "ctx->n_tensors > 0",
)


def _latency(rng: Random, low: float, high: float) -> str:
    """Write seconds as Go writes a duration, and Gin one of more than a minute: without fractions."""
    seconds = low * (high / low) ** rng.random()
    if seconds >= 60:
        return f"{int(seconds // 60)}m{int(seconds % 60)}s"
    if seconds >= 1:
        return f"{seconds:.9f}s"
    return f"{seconds * 1e3:.6f}ms" if seconds >= 1e-3 else f"{seconds * 1e6:.3f}µs"


_MAKERS: Mapping[str, Callable[[Random], object]] = {
    "address": lambda rng: f"{rng.getrandbits(32):08x}",
    "assertion": lambda rng: rng.choice(_ASSERTIONS),
    "attacker": lambda rng: rng.choice(("203.0.113.66", "198.51.100.23", "2001:db8::bad:1")),
    "blob": lambda rng: f"/root/.ollama/models/blobs/sha256-{rng.getrandbits(256):064x}",
    "bytes": lambda rng: rng.randrange(10**8, 10**11),
    "client": lambda rng: f"172.18.0.{rng.randrange(2, 30)}",
    "client6": lambda rng: f"fd00::{rng.randrange(1, 0xFFFF):x}",
    "context": lambda rng: rng.choice((4096, 8192, 32768)),
    "count": lambda rng: rng.randrange(200, 8000),
    "digest": lambda rng: f"{rng.getrandbits(48):012x}",
    "family": lambda rng: rng.choice(_FAMILIES),
    "few": lambda rng: rng.randrange(10, 100),
    "gib": lambda rng: f"{rng.randrange(20, 480) / 10}",
    "instant": lambda rng: _latency(rng, 3e-5, 9e-4),
    "key": lambda rng: rng.choice(_KEYS),
    "latency": lambda rng: _latency(rng, 0.2, 90),
    "layers": lambda rng: rng.choice((25, 29, 33, 37, 49)),
    "local": lambda _rng: "127.0.0.1",
    "mib": lambda rng: f"{rng.randrange(1000, 90_000) / 10}",
    "minutes": lambda rng: _latency(rng, 61, 3000),
    "model": lambda rng: rng.choice(_MODELS),
    "part": lambda rng: rng.randrange(16),
    "pid": lambda rng: rng.randrange(1000, 4_000_000),
    "port": lambda rng: rng.randrange(32768, 61000),
    "quick": lambda rng: _latency(rng, 3e-4, 8e-3),
    "registry": lambda rng: rng.choice(("models.attacker.example", "registry.evil.example", "hub.bad.example")),
    "seconds": lambda rng: f"{rng.randrange(80, 3000) / 100}",
    "short": lambda rng: _latency(rng, 2e-5, 0.4),
    "slot": lambda rng: rng.randrange(4),
    "slow": lambda rng: _latency(rng, 8, 59),
    "tensors": lambda rng: rng.randrange(255, 800),
    "upload": lambda rng: f"{rng.getrandbits(256):064x}",
}


def filled(text: str, rng: Random) -> str:
    """Fill in the slots of a text, each with one value throughout; `port2` is another port than `port`."""

    @cache
    def value(name: str) -> str:
        make = _MAKERS.get(name) or _MAKERS[name.rstrip("0123456789")]
        return str(make(rng))

    return _SLOT.sub(lambda slot: value(slot[1]).rjust(int(slot[2] or 0)), text)
