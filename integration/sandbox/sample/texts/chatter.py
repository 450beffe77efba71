"""What a server says that was asked for debug lines: many lines an answer, none of them of interest."""

# ruff: noqa: E501 - a log line is as long as it is

from __future__ import annotations

from collections.abc import Sequence

from integration.sandbox.sample.texts.episode import Passage

CHATTER: Sequence[Passage] = (
    Passage(
        30,
        'level=DEBUG source=cache.go:140 msg="loading cache slot" id={slot} cache={count} prompt={count2} used={count3} remaining={few}',
    ),
    Passage(20, 'level=DEBUG source=server.go:1531 msg="completion request" images=0 prompt={count} format=""'),
    Passage(15, 'level=DEBUG source=sched.go:681 msg="evaluating already loaded" model={blob}'),
    Passage(
        15,
        r"""level=DEBUG source=sched.go:377 msg="context for request finished" runner.name=registry.ollama.ai/library/{model} runner.inference="[{{ID:GPU-{digest} Library:CUDA}}]" runner.size="{gib} GiB" runner.vram="{gib} GiB" runner.parallel=1 runner.pid={pid} runner.model={blob} runner.num_ctx={context}
level=DEBUG source=sched.go:286 msg="runner with non-zero duration has gone idle, adding timer" runner.name=registry.ollama.ai/library/{model} runner.pid={pid} runner.model={blob} duration=5m0s
level=DEBUG source=sched.go:304 msg="after processing request finished event" runner.name=registry.ollama.ai/library/{model} runner.pid={pid} refCount=0""",
    ),
    Passage(10, 'level=DEBUG source=ggml.go:276 msg="key with type not found" key={family}.attention.{key} default={count}'),
    Passage(
        8,
        'level=DEBUG source=gpu.go:391 msg="updating cuda memory data" gpu=GPU-{digest} name="NVIDIA L4" overhead="0 B" before.free="{gib} GiB" now.free="{gib2} GiB" now.used="{mib} MiB"',
    ),
    Passage(6, 'level=DEBUG source=prompt.go:66 msg="truncating input messages which exceed context length" truncated={few}'),
    Passage(
        6,
        'level=TRACE source=bytepairencoding.go:217 msg=encoded string="Explain step {few} of the \\"{key}\\" plan" ids="[{count} {count2} {count3}]"',
    ),
    Passage(5, 'level=DEBUG source=process_text_spm.go:184 msg="adding bos token to prompt" id={few} "duplicate token"="a b"'),
    Passage(4, 'level=INFO source=routes.go:1702 msg="request served" model={model} tokens={count} rate="{seconds} tok/s"'),
    Passage(4, "set_cache: cache slot {slot} is now at {count} of {context} cells"),
)
