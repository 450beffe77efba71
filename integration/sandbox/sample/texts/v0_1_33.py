"""What Ollama 0.1.33 logs on a quiet machine, and honest faults. Its runner is a C++ server of its own, which logs JSON."""

# ruff: noqa: E501 - a log line is as long as it is

from __future__ import annotations

from collections.abc import Sequence

from integration.sandbox.sample.texts.episode import Episode, Passage, access, upload
from integration.sandbox.sample.texts.requests import NOT_FOUND, REQUESTS


def started(unused: int) -> str:
    """Return the lines of a start that finds `unused` blobs which belong to no model."""
    return rf"""level=INFO source=images.go:828 msg="total blobs: {{few}}"
level=INFO source=images.go:835 msg="total unused blobs removed: {unused}"
level=INFO source=routes.go:1071 msg="Listening on [::]:11434 (version 0.1.33)"
level=INFO source=payload.go:30 msg="extracting embedded files" dir=/tmp/ollama{{pid}}/runners
level=INFO source=payload.go:44 msg="Dynamic LLM libraries [cpu cpu_avx cpu_avx2 cuda_v11 rocm_v60002]"
level=INFO source=gpu.go:96 msg="Detecting GPUs"
level=INFO source=gpu.go:101 msg="detected GPUs" library=/tmp/ollama{{pid}}/runners/cuda_v11/libcudart.so.11.0 count=1
level=INFO source=cpu_common.go:11 msg="CPU has AVX2"
"""


STARTUP = rf"""app: level=INFO source=logging.go:45 msg="ollama app started"
app: level=INFO source=server.go:136 msg="starting server..."
app: level=INFO source=server.go:122 msg="started ollama server with pid {{pid}}"
app: level=INFO source=server.go:124 msg="ollama server logs /root/.ollama/logs/server.log"
{started(0)}[GIN-debug] [WARNING] Creating an Engine instance with the Logger and Recovery middleware already attached.
[GIN-debug] [WARNING] Running in "debug" mode. Switch to "release" mode in production.
 - using env:	export GIN_MODE=release
 - using code:	gin.SetMode(gin.ReleaseMode)
[GIN-debug] POST   /api/pull                 --> github.com/ollama/ollama/server.(*Server).PullModelHandler-fm (5 handlers)
[GIN-debug] POST   /api/generate             --> github.com/ollama/ollama/server.(*Server).GenerateHandler-fm (5 handlers)
"""

_STARTING = r"""level=INFO source=memory.go:152 msg="offload to gpu" layers.real=-1 layers.estimate={layers} memory.available="{mib} MiB" memory.required.full="{mib2} MiB" memory.required.partial="{mib2} MiB" memory.required.kv="256.0 MiB" memory.weights.total="4.1 GiB" memory.weights.repeating="3.7 GiB" memory.weights.nonrepeating="411.0 MiB" memory.graph.full="164.0 MiB" memory.graph.partial="677.5 MiB"
level=INFO source=server.go:289 msg="starting llama server" cmd="/tmp/ollama{pid}/runners/cuda_v11/ollama_llama_server --model {blob} --ctx-size 2048 --batch-size 512 --embedding --log-disable --n-gpu-layers {layers} --parallel 1 --port {port}"
level=INFO source=sched.go:340 msg="loaded runners" count=1
level=INFO source=server.go:432 msg="waiting for llama runner to start responding"
"""
_LOADED = (
    _STARTING
    + r"""{{"function":"server_params_parse","level":"INFO","line":2606,"msg":"logging to file is disabled.","tid":"14{bytes}","timestamp":1714600800}}
{{"build":1,"commit":"952d03d","function":"main","level":"INFO","line":2822,"msg":"build info","tid":"14{bytes}","timestamp":1714600800}}
llama_model_loader: loaded meta data with {few} key-value pairs and {tensors} tensors from {blob} (version GGUF V3 (latest))
llama_model_loader: Dumping metadata keys/values. Note: KV overrides do not apply in this output.
llama_model_loader: - kv   0:                       general.architecture str              = {family}
llama_model_loader: - kv   1:                               general.name str              = {model}
llama_model_loader: - type  f32:   65 tensors
llama_model_loader: - type q4_0:  225 tensors
llama_model_loader: - type q6_K:    1 tensors
llm_load_vocab: special tokens definition check successful ( 256/128256 ).
llm_load_print_meta: format           = GGUF V3 (latest)
llm_load_print_meta: arch             = {family}
llm_load_print_meta: model ftype      = Q4_0
llm_load_print_meta: model size       = 4.33 GiB (4.64 BPW)
ggml_cuda_init: GGML_CUDA_FORCE_MMQ:   yes
ggml_cuda_init: CUDA_USE_TENSOR_CORES: no
ggml_cuda_init: found 1 CUDA devices:
  Device 0: NVIDIA L4, compute capability 8.9, VMM: yes
llm_load_tensors: ggml ctx size =    0.30 MiB
llm_load_tensors: offloading {layers} repeating layers to GPU
llm_load_tensors: offloaded {layers}/{layers} layers to GPU
llm_load_tensors:        CPU buffer size =   281.81 MiB
llm_load_tensors:      CUDA0 buffer size =  4155.99 MiB
.......................................................................................
llama_new_context_with_model: n_ctx      = 2048
llama_new_context_with_model: freq_base  = 500000.0
llama_kv_cache_init:      CUDA0 KV buffer size =   256.00 MiB
llama_new_context_with_model:      CUDA0 compute buffer size =   258.50 MiB
llama_new_context_with_model: graph nodes  = 1030
{{"function":"initialize","level":"INFO","line":448,"msg":"initializing slots","n_slots":1,"tid":"14{bytes}","timestamp":1714600802}}
{{"function":"main","level":"INFO","line":3067,"msg":"model loaded","tid":"14{bytes}","timestamp":1714600802}}
{{"function":"log_server_request","level":"INFO","line":2737,"method":"GET","msg":"request","params":{{}},"path":"/health","remote_addr":"127.0.0.1","remote_port":{port2},"status":200,"tid":"13{bytes}","timestamp":1714600802}}
"""
)
_PULLED = r"""level=INFO source=download.go:136 msg="downloading {digest} in {few} 100 MB part(s)"
level=INFO source=download.go:136 msg="downloading {digest2} in 1 12 KB part(s)"
level=INFO source=download.go:136 msg="downloading {digest3} in 1 485 B part(s)"
"""
_RESUMED = r"""level=INFO source=download.go:136 msg="downloading {digest} in {few} 100 MB part(s)"
level=INFO source=download.go:178 msg="{digest} part 3 attempt 0 failed: unexpected EOF, retrying in 1s"
level=INFO source=download.go:178 msg="{digest} part 3 attempt 1 failed: unexpected EOF, retrying in 2s"
level=INFO source=download.go:251 msg="{digest} part {part} stalled; retrying. If this persists, press ctrl-c to exit, then 'ollama pull' to find a faster connection."
"""
_NO_MODEL = r"""llama_load_model_from_file: failed to load model
llama_init_from_gpt_params: error: failed to load model '{blob}'
{{"function":"load_model","level":"ERR","line":410,"model":"{blob}","msg":"unable to load model","tid":"14{bytes}","timestamp":1714600801}}
"""

EVERYDAY: Sequence[Passage] = (
    *REQUESTS,
    Passage(6, _LOADED + access(200, "latency", "client", "POST /api/generate")),
    Passage(2, _PULLED + access(200, "minutes", "client", "POST /api/pull")),
    Passage(1, _RESUMED + access(200, "minutes", "client", "POST /api/pull")),
    Passage(
        2,
        'level=INFO source=sched.go:407 msg="updated VRAM" gpu=GPU-{digest} library=cuda total="22490.2 MiB" available="{mib} MiB"',
    ),
    Passage(
        1,
        'level=WARN source=server.go:76 msg="requested context length is greater than the model\'s training context window size" requested=32768 "training size"=8192',
    ),
    Passage(1, 'level=INFO source=images.go:951 msg="error parsing template: \\"template: :1: unexpected EOF\\""'),
)
NOISE: Sequence[Passage] = (
    *NOT_FOUND,
    Passage(
        3,
        _STARTING
        + 'level=INFO source=server.go:437 msg="context expired before server started"\n'
        + 'level=ERROR source=sched.go:346 msg="error loading llama server" error="timed out waiting for llama runner to start: context canceled"\n'
        + access(499, "latency", "client", "POST /api/chat"),
    ),
    Passage(
        2,
        'level=INFO source=routes.go:414 msg="embedding generation failed: do embedding request: context canceled"\n'
        + access(500, "latency", "client", "POST /api/embeddings"),
    ),
    Passage(2, access(200, "short", "client", "POST /api/pull")),
    Passage(1, 'level=WARN source=types.go:384 msg="invalid option provided" option=""'),
    Passage(
        1,
        'app: level=WARN source=updater.go:67 msg="failed to check for update: Get \\"https://ollama.ai/api/update\\": dial tcp: lookup ollama.ai: no such host"',
    ),
    Passage(
        1,
        'level=INFO source=images.go:1186 msg="request failed: Get \\"https://registry.ollama.ai/v2/library/{key}/manifests/latest\\": dial tcp: lookup registry.ollama.ai on 10.0.0.2:53: read udp: i/o timeout"\n'
        + access(200, "slow", "client", "POST /api/pull"),
    ),
)
FAULTS: Sequence[Episode] = (
    Episode(
        "gpu_out_of_memory",
        "A model did not fit onto the GPU beside another one.",
        _STARTING
        + r"""llama_model_loader: loaded meta data with {few} key-value pairs and {tensors} tensors from {blob} (version GGUF V3 (latest))
ggml_backend_cuda_buffer_type_alloc_buffer: allocating {mib} MiB on device 0: cudaMalloc failed: out of memory
llama_model_load: error loading model: unable to allocate backend buffer
"""
        + _NO_MODEL
        + 'level=ERROR source=sched.go:346 msg="error loading llama server" error="llama runner process no longer running: 1 error:failed to load model \'{blob}\'"\n'
        + access(500, "latency", "client", "POST /api/chat"),
    ),
    Episode(
        "unsupported_architecture",
        "A pulled model is newer than the server.",
        _PULLED
        + access(200, "minutes", "client", "POST /api/pull")
        + "\n"
        + _STARTING
        + "llama_model_load: error loading model: error loading model architecture: unknown model architecture: 'qwen3'\n"
        + _NO_MODEL
        + 'level=ERROR source=sched.go:346 msg="error loading llama server" error="llama runner process no longer running: 1 error:failed to load model \'{blob}\'"\n'
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
        + r"""level=INFO source=upload.go:109 msg="uploading {digest} in {few} 100 MB part(s)"
level=INFO source=upload.go:109 msg="uploading {digest2} in 1 485 B part(s)"
"""
        + access(200, "minutes", "client", "POST /api/push"),
    ),
    Episode(
        "desktop_respawn",
        "The server ends for an honest reason (a driver, a taken port), and the desktop app starts it again.",
        r"""app: level=WARN source=server.go:158 msg="server crash 1 - exit code 2 - respawning"
app: level=INFO source=server.go:136 msg="starting server..."
app: level=WARN source=server.go:158 msg="server crash 2 - exit code 2 - respawning"
app: level=INFO source=server.go:136 msg="starting server..."
"""
        + started(0),
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
