"""What the lines of a made-up log say: episodes of one or more lines, each with how often it comes.

`{slot}` is filled in by `slots.py`, the same name with the same value within an episode. A line that begins with `level=` gets a
`time=` stamp, one with `[GIN] |` the access log's time, one with `std: ` the old standard logger's; `app: ` sends a line to app.log.
Source lines and the short messages are Ollama's own, from versions 0.6 to 0.33; the rest is made up.
"""

# ruff: noqa: E501 - a log line is as long as it is

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple


class Episode(NamedTuple):
    """Lines that come together, and their weight among the episodes of their kind."""

    weight: int
    text: str


def _repeated(times: int, text: str) -> str:
    """Write a text several times; `#` numbers its slots, so that each time has values of its own."""
    return "\n".join(text.strip().replace("#", str(number)) for number in range(times))


STARTUP: Sequence[Episode] = (
    Episode(
        1,
        r"""app: level=INFO source=app.go:229 msg="initialized tools registry" tool_count=0
app: level=INFO source=app.go:244 msg="starting ollama server" version={version}
app: level=INFO source=server.go:341 msg="ollama server ready" url=http://127.0.0.1:11434
level=INFO source=routes.go:1511 msg="server config" env="map[CUDA_VISIBLE_DEVICES: HTTPS_PROXY: OLLAMA_CONTEXT_LENGTH:{context} OLLAMA_DEBUG:INFO OLLAMA_FLASH_ATTENTION:false OLLAMA_HOST:http://0.0.0.0:11434 OLLAMA_KEEP_ALIVE:5m0s OLLAMA_LOAD_TIMEOUT:5m0s OLLAMA_MAX_LOADED_MODELS:0 OLLAMA_MODELS:/root/.ollama/models OLLAMA_NUM_PARALLEL:1 OLLAMA_ORIGINS:[http://localhost https://localhost]]"
level=INFO source=images.go:522 msg="total blobs: {few}"
level=INFO source=images.go:529 msg="total unused blobs removed: 0"
[GIN-debug] [WARNING] Running in "debug" mode. Switch to "release" mode in production.
 - using env:	export GIN_MODE=release
[GIN-debug] POST   /api/pull                 --> github.com/ollama/ollama/server.(*Server).PullHandler-fm (5 handlers)
[GIN-debug] POST   /api/generate             --> github.com/ollama/ollama/server.(*Server).GenerateHandler-fm (5 handlers)
[GIN-debug] POST   /api/chat                 --> github.com/ollama/ollama/server.(*Server).ChatHandler-fm (5 handlers)
[GIN-debug] GET    /api/tags                 --> github.com/ollama/ollama/server.(*Server).ListHandler-fm (5 handlers)
level=INFO source=routes.go:1564 msg="Listening on [::]:11434 (version {version})"
level=INFO source=runner.go:67 msg="discovering available GPUs..."
level=INFO source=types.go:42 msg="inference compute" id=GPU-{digest} library=CUDA compute=8.9 name=CUDA0 description="NVIDIA L4" libdirs=ollama,cuda_v12 driver=12.4 type=discrete total="{gib} GiB" available="{gib} GiB"
""",
    ),
)

EVERYDAY: Sequence[Episode] = (
    Episode(30, '[GIN] | 200 | {latency:>13} | {client:>15} | POST     "/api/chat"'),
    Episode(20, '[GIN] | 200 | {latency:>13} | {client:>15} | POST     "/api/generate"'),
    Episode(
        12,
        '[GIN] | 200 | {short:>13} |       127.0.0.1 | HEAD     "/"\n[GIN] | 200 | {short2:>13} |       127.0.0.1 | GET      "/api/tags"',
    ),
    Episode(8, '[GIN] | 200 | {latency:>13} | {client:>15} | POST     "/v1/chat/completions"'),
    Episode(5, '[GIN] | 200 | {short:>13} | {client6:>15} | GET      "/api/ps"'),
    Episode(5, '[GIN] | 200 | {latency:>13} | {client:>15} | POST     "/api/embed"'),
    Episode(2, '[GIN] | 499 | {latency:>13} | {client:>15} | POST     "/api/chat"'),
    Episode(
        6,
        r"""level=INFO source=server.go:431 msg="starting runner" cmd="/usr/bin/ollama runner --ollama-engine --model {blob} --port {port}"
level=INFO source=runner.go:1254 msg="starting ollama engine"
level=INFO source=runner.go:1290 msg="Server listening on 127.0.0.1:{port}"
level=INFO source=ggml.go:136 msg="" architecture={family} file_type=Q4_K_M name="" description="" num_tensors={tensors} num_key_values={few}
level=INFO source=ggml.go:482 msg="offloading {layers} repeating layers to GPU"
level=INFO source=ggml.go:494 msg="offloaded {layers}/{layers} layers to GPU"
level=INFO source=device.go:240 msg="model weights" device=CUDA0 size="{gib} GiB"
level=INFO source=device.go:251 msg="kv cache" device=CUDA0 size="{mib} MiB"
level=INFO source=sched.go:500 msg="loaded runners" count=1
level=INFO source=server.go:1332 msg="waiting for llama runner to start responding"
level=INFO source=server.go:1376 msg="llama runner started in {seconds} seconds"
[GIN] | 200 | {latency:>13} | {client:>15} | POST     "/api/generate"
""",
    ),
    Episode(
        3,
        r"""llama_model_loader: loaded meta data with {few} key-value pairs and {tensors} tensors from {blob} (version GGUF V3 (latest))
llama_model_loader: - kv   0:                       general.architecture str              = {family}
llama_model_loader: - kv   1:                               general.name str              = {model}
print_info: file format = GGUF V3 (latest)
print_info: file size   = {gib} GiB (4.64 BPW)
load_tensors: offloaded {layers}/{layers} layers to GPU
llama_context: n_ctx_per_seq ({context}) < n_ctx_train (131072) -- the full capacity of the model will not be utilized""",
    ),
    Episode(
        2,
        r"""level=INFO source=download.go:177 msg="downloading {digest} in {few} 100 MB part(s)"
level=INFO source=download.go:177 msg="downloading {digest2} in 1 487 B part(s)"
[GIN] | 200 | {minutes:>13} | {client:>15} | POST     "/api/pull"
""",
    ),
    Episode(
        2,
        'level=INFO source=sched.go:546 msg="updated VRAM based on existing loaded models" gpu=GPU-{digest} library=cuda total="{gib} GiB" available="{mib} MiB"',
    ),
    Episode(1, 'level=WARN source=types.go:753 msg="invalid option provided" option=tfs_z'),
    Episode(1, "std: llama.go:459: loaded {layers} layers in {seconds} seconds"),
)

CHATTER: Sequence[Episode] = (
    Episode(
        30,
        'level=DEBUG source=cache.go:140 msg="loading cache slot" id={slot} cache={count} prompt={count2} used={count3} remaining={few}',
    ),
    Episode(20, 'level=DEBUG source=server.go:1531 msg="completion request" images=0 prompt={count} format=""'),
    Episode(15, 'level=DEBUG source=sched.go:681 msg="evaluating already loaded" model={blob}'),
    Episode(
        15,
        r"""level=DEBUG source=sched.go:377 msg="context for request finished" runner.name=registry.ollama.ai/library/{model} runner.inference="[{{ID:GPU-{digest} Library:CUDA}}]" runner.size="{gib} GiB" runner.vram="{gib} GiB" runner.parallel=1 runner.pid={pid} runner.model={blob} runner.num_ctx={context}
level=DEBUG source=sched.go:286 msg="runner with non-zero duration has gone idle, adding timer" runner.name=registry.ollama.ai/library/{model} runner.pid={pid} runner.model={blob} duration=5m0s
level=DEBUG source=sched.go:304 msg="after processing request finished event" runner.name=registry.ollama.ai/library/{model} runner.pid={pid} refCount=0""",
    ),
    Episode(10, 'level=DEBUG source=ggml.go:276 msg="key with type not found" key={family}.attention.{key} default={count}'),
    Episode(
        8,
        'level=DEBUG source=gpu.go:391 msg="updating cuda memory data" gpu=GPU-{digest} name="NVIDIA L4" overhead="0 B" before.free="{gib} GiB" now.free="{gib2} GiB" now.used="{mib} MiB"',
    ),
    Episode(6, 'level=DEBUG source=prompt.go:66 msg="truncating input messages which exceed context length" truncated={few}'),
    Episode(
        6,
        'level=TRACE source=bytepairencoding.go:217 msg=encoded string="Explain step {few} of the \\"{key}\\" plan" ids="[{count} {count2} {count3}]"',
    ),
    Episode(5, 'level=DEBUG source=process_text_spm.go:184 msg="adding bos token to prompt" id={few} "duplicate token"="a b"'),
    Episode(4, 'level=INFO source=routes.go:1702 msg="request served" model={model} tokens={count} rate="{seconds} tok/s"'),
    Episode(4, "set_cache: cache slot {slot} is now at {count} of {context} cells"),
)

NOISE: Sequence[Episode] = (
    Episode(
        10,
        r"""level=INFO source=download.go:295 msg="{digest} part {few} attempt 0 failed: unexpected EOF, retrying in 1s"
level=INFO source=download.go:295 msg="{digest} part {few} attempt 1 failed: read tcp {client}:{port}->104.18.9.90:443: read: connection reset by peer, retrying in 2s"
level=INFO source=download.go:370 msg="{digest} part {few2} stalled; retrying. If this persists, press ctrl-c to exit, then 'ollama pull' to find a faster connection."
[GIN] | 200 | {minutes:>13} | {client:>15} | POST     "/api/pull"
""",
    ),
    Episode(
        8,
        '[GIN] | 404 | {short:>13} | {client:>15} | POST     "/api/chat"\nlevel=WARN source=routes.go:118 msg="model not found" model={model}-typo',
    ),
    Episode(
        5,
        r"""level=WARN source=server.go:1024 msg="model request too large for system" requested="{gib} GiB" available="{mib} MiB" total="31.2 GiB" free="{mib} MiB" swap="0 B"
level=INFO source=sched.go:470 msg="Load failed" model={blob} error="model requires more system memory ({gib} GiB) than is available ({mib} MiB)"
[GIN] | 500 | {short:>13} | {client:>15} | POST     "/api/generate"
""",
    ),
    Episode(
        5,
        r"""ggml_backend_cuda_buffer_type_alloc_buffer: allocating {mib} MiB on device 0: cudaMalloc failed: out of memory
alloc_tensor_range: failed to allocate CUDA0 buffer of size {bytes}
llama_model_load: error loading model: unable to allocate CUDA0 buffer
llama_model_load_from_file_impl: failed to load model
level=INFO source=sched.go:417 msg="NewLlamaServer failed" model={blob} error="unable to load model: {blob}"
[GIN] | 500 | {latency:>13} | {client:>15} | POST     "/api/chat"
""",
    ),
    Episode(4, 'level=WARN source=manifest.go:164 msg="bad manifest filepath" path=/root/.ollama/models/manifests/.DS_Store'),
    Episode(
        3,
        'level=WARN source=sched.go:687 msg="gpu VRAM usage didn\'t recover within timeout" seconds={seconds} runner.size="{gib} GiB" runner.pid={pid} runner.model={blob}',
    ),
    Episode(3, 'app: level=WARN source=server.go:163 msg="server crash {few} - exit code 2 - respawning"'),
    Episode(3, 'level=ERROR source=upload.go:208 msg="part upload failed" digest={digest} error="context canceled"'),
    Episode(
        2,
        'level=ERROR source=routes.go:1093 msg="registry lookup" error="dial tcp: lookup registry.ollama.ai on 10.0.0.2:53: i/o timeout"',
    ),
    Episode(
        1,
        'level=ERROR source=server.go:304 msg=pulling model={model} error="pull model manifest: file does not exist"\n[GIN] | 500 | {short:>13} | {client:>15} | POST     "/api/pull"',
    ),
    Episode(1, 'level=ERROR source=server.go:807 msg="llama runner terminated" error="signal: killed"'),
    Episode(1, 'app: level=ERROR source=updater.go:96 msg="failed to check for update" error=EOF'),
)

_CRASHES = _repeated(
    7,
    r"""level=INFO source=server.go:431 msg="starting runner" cmd="/usr/bin/ollama runner --model {blob#} --port {port#}"
level=ERROR source=server.go:{line} msg="llama runner terminated" error="exit status 2"
[GIN] | 500 | {short#:>13} | {attacker:>15} | POST     "/api/generate"
""",
)
_ASSERTS = _repeated(
    3,
    r"""/build/ml/backend/ggml/ggml/src/ggml.c:{line}: GGML_ASSERT({assertion#}) failed
level=INFO source=sched.go:417 msg="NewLlamaServer failed" model={blob#} error="llama runner process has terminated: GGML_ASSERT({assertion#}) failed"
level=ERROR source=sched.go:457 msg="error loading llama server" error="llama runner process has terminated: GGML_ASSERT({assertion#}) failed"
[GIN] | 500 | {short#:>13} | {attacker:>15} | POST     "/api/chat"
""",
)

ATTACK: Sequence[Episode] = (
    Episode(6, _CRASHES),
    Episode(6, _ASSERTS),
    Episode(
        5,
        r"""level=INFO source=routes.go:1204 msg="importing gguf" digest=sha256:{digest}
gguf_init_from_file_impl: tensor 'blk.{few}.ffn_down.weight' has offset {bytes}, expected {count}
llama_model_load: error loading model: tensor 'blk.{few}.ffn_down.weight' data is not within the file bounds, model is corrupted or incomplete
level=ERROR source=llama_server.go:1023 msg="llama-server terminated" error="{signal}" exit="{signal}"
[GIN] | 500 | {short:>13} | {attacker:>15} | POST     "/api/create"
""",
    ),
    Episode(
        5,
        r"""panic: runtime error: slice bounds out of range [:{bytes}] with capacity {count}
[signal SIGSEGV: segmentation violation code=0x1 addr=0x{address} pc=0x{address2}]
goroutine {few} [running]:
github.com/ollama/ollama/fs/ggml.(*gguf).readTensor(0xc000{address}, {{0x5591{address2}, 0xc000{address}}})
	github.com/ollama/ollama/fs/ggml/gguf.go:{line} +0x{few}
github.com/ollama/ollama/server.(*Server).CreateHandler.func1()
	github.com/ollama/ollama/server/create.go:{line} +0x{few2}
created by github.com/ollama/ollama/server.(*Server).CreateHandler in goroutine {few2}
	github.com/ollama/ollama/server/create.go:{line} +0x3d1
app: level=ERROR source=server.go:224 msg="ollama exited" err="exit status 1"
app: level=WARN source=server.go:163 msg="server crash {few} - exit code 2 - respawning"
""",
    ),
    Episode(4, _repeated(4, 'app: level=ERROR source=server.go:224 msg="ollama exited" err="{exit#}"')),
    Episode(
        4,
        r"""level=WARN source=manifest.go:164 msg="bad manifest filepath" path={traversal}
level=ERROR source=server.go:304 msg=pulling model={traversal} error="invalid model name"
level=ERROR source=create.go:512 msg="couldn't open model file" path=/root/.ollama/models/blobs/{traversal} error="open {traversal}: permission denied"
[GIN] | 400 | {short:>13} | {attacker:>15} | POST     "/api/push"
""",
    ),
    Episode(
        3,
        r'level=ERROR source=sched.go:457 msg="error loading llama server" model="x\" level=INFO err=\"exit status 0\" source=forged.go:1" error="unknown model architecture: \"{key}\""',
    ),
    Episode(
        2,
        r'level=INFO source=routes.go:702 msg="model tag" model="x\ntime=2020-01-01T00:00:00.000Z level=ERROR source=server.go:1 msg=\"forged line\""',
    ),
    Episode(2, r'level=ERROR source=sched.go:457 msg="error loading model \"{key} msg=\"" err=EOF'),
    Episode(2, 'level=ERROR+1 source=server.go:{line} msg="llama runner terminated" error="{signal}"'),
    Episode(
        2,
        'level=ERROR source=convert.go:231 msg="Model conversion rejected" architecture={key} error="unsupported tensor type {few}"',
    ),
    Episode(2, 'level=ERROR source=server.go:{line} msg="llama runner terminated" error="exit status 0xc0000005"'),
    Episode(
        2,
        r"""level=ERROR source=images.go:402 msg="pull model manifest" model={model} error="401: eve.{key}@mail.example.org, rejected Bearer sk-{digest}{digest2}"
level=ERROR source=cloud.go:77 msg="cloud model refused" url="https://models.example.org/v1?api_key={digest}&n={few}"
""",
    ),
)
