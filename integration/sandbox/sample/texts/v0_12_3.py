"""What Ollama 0.12.3 logs on a quiet machine, and honest faults. The engines' loaders print beside the server's own records."""

# ruff: noqa: E501 - a log line is as long as it is

from __future__ import annotations

from collections.abc import Sequence

from integration.sandbox.sample.texts.episode import Episode, Passage, access, upload
from integration.sandbox.sample.texts.requests import NOT_FOUND, REQUESTS


def started(unused: int) -> str:
    """Return the lines of a start that finds `unused` blobs which belong to no model."""
    return rf"""level=INFO source=routes.go:1475 msg="server config" env="map[CUDA_VISIBLE_DEVICES: GPU_DEVICE_ORDINAL: HTTPS_PROXY: OLLAMA_CONTEXT_LENGTH:4096 OLLAMA_DEBUG:INFO OLLAMA_FLASH_ATTENTION:false OLLAMA_HOST:http://0.0.0.0:11434 OLLAMA_KEEP_ALIVE:5m0s OLLAMA_LOAD_TIMEOUT:5m0s OLLAMA_MAX_LOADED_MODELS:0 OLLAMA_MODELS:/root/.ollama/models OLLAMA_NEW_ENGINE:false OLLAMA_NOPRUNE:false OLLAMA_NUM_PARALLEL:1 OLLAMA_ORIGINS:[http://localhost https://localhost] OLLAMA_REMOTES:[ollama.com]]"
level=INFO source=images.go:518 msg="total blobs: {{few}}"
level=INFO source=images.go:525 msg="total unused blobs removed: {unused}"
level=INFO source=routes.go:1528 msg="Listening on [::]:11434 (version 0.12.3)"
level=INFO source=gpu.go:217 msg="looking for compatible GPUs"
level=INFO source=types.go:131 msg="inference compute" id=GPU-{{digest}} library=cuda variant=v12 compute=8.9 driver=12.4 name="NVIDIA L4" total="22.0 GiB" available="21.7 GiB"
"""


STARTUP = rf"""app: level=INFO source=app_windows.go:274 msg="starting Ollama" app=/opt/ollama version=0.12.3 OS=Linux/6.8.0
app: level=INFO source=app.go:229 msg="initialized tools registry" tool_count=0
app: level=INFO source=app.go:244 msg="starting ollama server"
{started(0)}"""

_LOADED = r"""level=INFO source=server.go:399 msg="starting runner" cmd="/usr/bin/ollama runner --ollama-engine --model {blob} --port {port}"
level=INFO source=server.go:672 msg="loading model" "model layers"={layers} requested=-1
level=INFO source=server.go:678 msg="system memory" total="62.8 GiB" free="{gib} GiB" free_swap="8.0 GiB"
level=INFO source=server.go:686 msg="gpu memory" id=GPU-{digest} available="{gib2} GiB" free="{gib3} GiB" minimum="457.0 MiB" overhead="0 B"
level=INFO source=runner.go:1252 msg="starting ollama engine"
level=INFO source=runner.go:1287 msg="Server listening on 127.0.0.1:{port}"
level=INFO source=runner.go:1171 msg=load request="{{Operation:commit LoraPath:[] Parallel:1 BatchSize:512 FlashAttention:false KvSize:{context} KvCacheType: NumThreads:8 GPULayers:{layers}[ID:GPU-{digest} Layers:{layers}(0..{layers})] MultiUserCache:false ProjectorPath: MainGPU:0 UseMmap:false}}"
level=INFO source=ggml.go:131 msg="" architecture={family} file_type=Q4_K_M name="" description="" num_tensors={tensors} num_key_values={few}
ggml_cuda_init: GGML_CUDA_FORCE_MMQ:    no
ggml_cuda_init: GGML_CUDA_FORCE_CUBLAS: no
ggml_cuda_init: found 1 CUDA devices:
  Device 0: NVIDIA L4, compute capability 8.9, VMM: yes, ID: GPU-{digest}
load_backend: loaded CUDA backend from /usr/lib/ollama/libggml-cuda.so
load_backend: loaded CPU backend from /usr/lib/ollama/libggml-cpu-icelake.so
level=INFO source=ggml.go:104 msg=system CPU.0.SSE3=1 CPU.0.AVX=1 CPU.0.AVX2=1 CPU.0.LLAMAFILE=1 CUDA.0.ARCHS=500,600,700,750,800,860,890,900,1200 CUDA.0.USE_GRAPHS=1 compiler=cgo(gcc)
level=INFO source=ggml.go:487 msg="offloading {layers} repeating layers to GPU"
level=INFO source=ggml.go:493 msg="offloading output layer to GPU"
level=INFO source=ggml.go:498 msg="offloaded {layers}/{layers} layers to GPU"
level=INFO source=backend.go:310 msg="model weights" device=CUDA0 size="{gib} GiB"
level=INFO source=backend.go:321 msg="kv cache" device=CUDA0 size="{mib} MiB"
level=INFO source=backend.go:332 msg="compute graph" device=CUDA0 size="{mib2} MiB"
level=INFO source=backend.go:342 msg="total memory" size="{gib2} GiB"
level=INFO source=sched.go:470 msg="loaded runners" count=1
level=INFO source=server.go:1251 msg="waiting for llama runner to start responding"
level=INFO source=server.go:1285 msg="waiting for server to become available" status="llm server loading model"
level=INFO source=server.go:1289 msg="llama runner started in {seconds} seconds"
"""
_LOADER = r"""llama_model_loader: loaded meta data with {few} key-value pairs and {tensors} tensors from {blob} (version GGUF V3 (latest))
llama_model_loader: Dumping metadata keys/values. Note: KV overrides do not apply in this output.
llama_model_loader: - kv   0:                       general.architecture str              = {family}
llama_model_loader: - kv   1:                               general.name str              = {model}
llama_model_loader: - kv   2:                      tokenizer.ggml.tokens arr[str,128256]  = ["!", "\"", "#", "$", "%", "&", "'", ...
llama_model_loader: - type  f32:   66 tensors
llama_model_loader: - type q4_K:  193 tensors
print_info: file format = GGUF V3 (latest)
print_info: file type   = Q4_K - Medium
print_info: file size   = {gib} GiB (4.64 BPW)
load: printing all EOG tokens:
load:   - 128001 ('<|end_of_text|>')
load: special tokens cache size = 256
load: token to piece cache size = 0.7999 MB
print_info: arch             = {family}
"""
_LOADED_BY_LLAMA_CPP = (
    _LOADER
    + r"""print_info: vocab_only       = 1
llama_model_load: vocab only - skipping tensors
level=INFO source=server.go:399 msg="starting runner" cmd="/usr/bin/ollama runner --model {blob} --port {port}"
level=INFO source=server.go:504 msg="system memory" total="62.8 GiB" free="{gib} GiB" free_swap="8.0 GiB"
level=INFO source=server.go:544 msg=offload library=cuda layers.requested=-1 layers.model={layers} layers.offload={layers} layers.split=[] memory.available="[21.3 GiB]" memory.gpu_overhead="0 B" memory.required.full="{gib} GiB"
level=INFO source=runner.go:864 msg="starting go runner"
level=INFO source=runner.go:900 msg="Server listening on 127.0.0.1:{port}"
"""
    + _LOADER
    + r"""load_tensors: loading model tensors, this can take a while... (mmap = true)
load_tensors: offloading {layers} repeating layers to GPU
load_tensors: offloaded {layers}/{layers} layers to GPU
load_tensors:        CUDA0 model buffer size = {mib} MiB
load_tensors:   CPU_Mapped model buffer size = {mib2} MiB
llama_context: n_ctx_per_seq ({context}) < n_ctx_train (131072) -- the full capacity of the model will not be utilized
llama_context:  CUDA_Host  output buffer size =     0.50 MiB
llama_kv_cache_unified:      CUDA0 KV buffer size =   448.00 MiB
llama_context:      CUDA0 compute buffer size =   256.50 MiB
llama_context: graph nodes  = 986
llama_context: graph splits = 2
level=INFO source=sched.go:470 msg="loaded runners" count=1
level=INFO source=server.go:1251 msg="waiting for llama runner to start responding"
level=INFO source=server.go:1289 msg="llama runner started in {seconds} seconds"
"""
)
_PULLED = r"""level=INFO source=download.go:177 msg="downloading {digest} in {few} 100 MB part(s)"
level=INFO source=download.go:177 msg="downloading {digest2} in 1 1.5 KB part(s)"
level=INFO source=download.go:177 msg="downloading {digest3} in 1 487 B part(s)"
"""
_RESUMED = r"""level=INFO source=download.go:177 msg="downloading {digest} in 16 {few} MB part(s)"
level=INFO source=download.go:295 msg="{digest} part {part} attempt 0 failed: unexpected EOF, retrying in 1s"
level=INFO source=download.go:295 msg="{digest} part {part} attempt 1 failed: read tcp {client}:{port}->104.18.9.90:443: read: connection reset by peer, retrying in 2s"
level=INFO source=download.go:374 msg="{digest} part {part2} stalled; retrying. If this persists, press ctrl-c to exit, then 'ollama pull' to find a faster connection."
level=INFO source=download.go:374 msg="{digest} part {part3} stalled; retrying. If this persists, press ctrl-c to exit, then 'ollama pull' to find a faster connection."
"""

EVERYDAY: Sequence[Passage] = (
    *REQUESTS,
    Passage(5, access(200, "short", "client", "GET /api/ps")),
    Passage(
        5,
        "init: embeddings required but some input tokens were not marked as outputs -> overriding\n"
        "decode: cannot decode batches with this context (calling encode() instead)\n"
        + access(200, "short", "client", "POST /api/embed"),
    ),
    Passage(
        2,
        r"""level=WARN source=server.go:1258 msg="client connection closed before server finished loading, aborting load"
level=INFO source=sched.go:438 msg="Load failed" model={blob} error="timed out waiting for llama runner to start: context canceled"
"""
        + access(499, "latency", "client", "POST /api/chat"),
    ),
    Passage(
        1,
        'level=WARN source=sched.go:649 msg="gpu VRAM usage didn\'t recover within timeout" seconds={seconds} runner.size="{gib} GiB" runner.vram="{gib} GiB" runner.parallel=1 runner.pid={pid} runner.model={blob}',
    ),
    Passage(3, access(200, "short", "client", "POST /v1/embeddings")),
    Passage(4, _LOADED + access(200, "latency", "client", "POST /api/generate")),
    Passage(3, _LOADED_BY_LLAMA_CPP + access(200, "latency", "client", "POST /api/chat")),
    Passage(2, _PULLED + access(200, "minutes", "client", "POST /api/pull")),
    Passage(1, _RESUMED + access(200, "minutes", "client", "POST /api/pull")),
    Passage(
        2,
        'level=INFO source=server.go:1420 msg="aborting completion request due to client closing the connection"\n'
        + access(499, "latency", "client", "POST /api/generate"),
    ),
    Passage(
        2,
        'level=INFO source=sched.go:537 msg="updated VRAM based on existing loaded models" gpu=GPU-{digest} library=cuda total="22.0 GiB" available="{mib} MiB"',
    ),
    Passage(1, 'level=WARN source=types.go:725 msg="invalid option provided" option=tfs_z'),
    Passage(1, 'level=WARN source=runner.go:159 msg="truncating input prompt" limit=4096 prompt={count} keep=4 new=4096'),
    Passage(1, 'level=WARN source=server.go:171 msg="requested context size too large for model" num_ctx=131072 n_ctx_train=32768'),
)
NOISE: Sequence[Passage] = (
    *NOT_FOUND,
    Passage(
        3,
        'level=WARN source=server.go:1258 msg="client connection closed before server finished loading, aborting load"\n'
        'level=ERROR source=sched.go:476 msg="error loading llama server" error="timed out waiting for llama runner to start: context canceled"\n'
        + access(499, "latency", "client", "POST /api/generate"),
    ),
    Passage(
        4,
        r"""level=WARN source=server.go:956 msg="model request too large for system" requested="{gib} GiB" available="{mib} MiB" total="31.2 GiB" free="{mib} MiB" swap="0 B"
level=INFO source=sched.go:438 msg="Load failed" model={blob} error="model requires more system memory ({gib} GiB) than is available ({mib} MiB)"
"""
        + access(500, "short", "client", "POST /api/generate"),
    ),
    Passage(1, 'level=WARN source=manifest.go:160 msg="bad manifest name" path=.DS_Store'),
    Passage(
        1,
        'level=INFO source=images.go:755 msg="request failed: Get \\"https://registry.ollama.ai/v2/library/{key}/manifests/latest\\": dial tcp: lookup registry.ollama.ai on 10.0.0.2:53: read udp: i/o timeout"\n'
        + access(200, "slow", "client", "POST /api/pull"),
    ),
    Passage(1, access(200, "short", "client", "POST /api/pull")),
    Passage(
        1,
        'app: level=WARN source=updater.go:95 msg="failed to check for update: Get \\"https://ollama.com/api/update\\": dial tcp: lookup ollama.com: no such host"',
    ),
)

_OUT_OF_MEMORY = (
    _LOADED_BY_LLAMA_CPP.split("load_tensors:        CUDA0")[0]
    + r"""ggml_backend_cuda_buffer_type_alloc_buffer: allocating {mib} MiB on device 0: cudaMalloc failed: out of memory
alloc_tensor_range: failed to allocate CUDA0 buffer of size {bytes}
llama_model_load: error loading model: unable to allocate CUDA0 buffer
llama_model_load_from_file_impl: failed to load model
panic: unable to load model: {blob}
goroutine 50 [running]:
github.com/ollama/ollama/runner/llamarunner.(*Server).loadModel(0xc0{address}, {{0x1d, 0x0, 0x0, {{0xc0{address2}, 0x1, 0x1}}, 0xc0{address3}, 0x0}}, {{0x7ffc{address4}, 0x65}}, ...)
	github.com/ollama/ollama/runner/llamarunner/runner.go:747 +0x375
created by github.com/ollama/ollama/runner/llamarunner.(*Server).load in goroutine 22
	github.com/ollama/ollama/runner/llamarunner/runner.go:833 +0x8f5
level=INFO source=server.go:1251 msg="waiting for llama runner to start responding"
level=ERROR source=server.go:425 msg="llama runner terminated" error="exit status 2"
level=INFO source=sched.go:438 msg="Load failed" model={blob} error="llama runner process has terminated: error loading model: unable to allocate CUDA0 buffer"
"""
)
FAULTS: Sequence[Episode] = (
    Episode(
        "runner_killed",
        "The system killed a runner that took too much memory.",
        _LOADED + 'level=ERROR source=server.go:425 msg="llama runner terminated" error="signal: killed"\n'
        'level=INFO source=sched.go:438 msg="Load failed" model={blob} error="llama runner process has terminated: cudaMalloc failed: out of memory"\n'
        + access(500, "latency", "client", "POST /api/chat"),
    ),
    Episode(
        "gpu_out_of_memory",
        "A model did not fit onto the GPU beside another one.",
        _OUT_OF_MEMORY + access(500, "latency", "client", "POST /api/chat"),
    ),
    Episode(
        "unsupported_architecture",
        "A pulled model is newer than the server.",
        _PULLED
        + access(200, "minutes", "client", "POST /api/pull")
        + "\n"
        + r"""llama_model_loader: loaded meta data with {few} key-value pairs and {tensors} tensors from {blob} (version GGUF V3 (latest))
llama_model_load: error loading model: error loading model architecture: unknown model architecture: 'qwen3next'
llama_model_load_from_file_impl: failed to load model
level=INFO source=sched.go:417 msg="NewLlamaServer failed" model={blob} error="unable to load model: {blob}"
"""
        + access(500, "short", "client", "POST /api/generate"),
    ),
    Episode(
        "own_create",
        "Somebody imports a model of their own, which takes its time to upload.",
        upload("client", took="slow") + "\n" + access(200, "latency", "client", "POST /api/create") + "\n" + _LOADED,
    ),
    Episode(
        "own_push",
        "Somebody publishes a model that was on the server before.",
        access(200, "instant", "client", "POST /api/copy")
        + "\n"
        + r"""level=INFO source=upload.go:112 msg="uploading {digest} in {few} 100 MB part(s)"
level=INFO source=upload.go:162 msg="{digest} part {part} attempt 0 failed: http status 502 Bad Gateway: error code: 502, retrying in 1s"
level=INFO source=upload.go:112 msg="uploading {digest2} in 1 487 B part(s)"
"""
        + access(200, "minutes", "client", "POST /api/push"),
    ),
    Episode(
        "desktop_respawn",
        "Another server holds the port, and the desktop app starts its own again and again.",
        'app: level=ERROR source=server.go:177 msg="ollama exited" err="exit status 1"\n' * 3 + started(0),
    ),
    Episode(
        "interrupted_pull",
        "A pull was broken off and begun anew; the restart between them removed what was left of it.",
        _RESUMED
        + access(200, "minutes", "client", "POST /api/pull")
        + "\n"
        + started(1)
        + _PULLED
        + access(200, "minutes2", "client", "POST /api/pull"),
    ),
)
