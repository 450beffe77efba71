"""What Ollama 0.32.15 logs on a quiet machine, and honest faults. Its runner is llama.cpp's own server, whose lines have no prefix."""

# ruff: noqa: E501 - a log line is as long as it is

from __future__ import annotations

from collections.abc import Sequence

from integration.sandbox.sample.texts.episode import Episode, Passage, access, upload
from integration.sandbox.sample.texts.requests import NOT_FOUND, REQUESTS


def started(unused: int) -> str:
    """Return the lines of a start that finds `unused` blobs which belong to no model."""
    return rf"""level=INFO source=routes.go:1951 msg="server config" env="map[CUDA_VISIBLE_DEVICES: GGML_VK_VISIBLE_DEVICES: HTTPS_PROXY: OLLAMA_CONTEXT_LENGTH:0 OLLAMA_DEBUG:INFO OLLAMA_FLASH_ATTENTION:false OLLAMA_HOST:http://0.0.0.0:11434 OLLAMA_KEEP_ALIVE:5m0s OLLAMA_LOAD_TIMEOUT:5m0s OLLAMA_MAX_LOADED_MODELS:0 OLLAMA_MODELS:/root/.ollama/models OLLAMA_NOPRUNE:false OLLAMA_NUM_PARALLEL:1 OLLAMA_ORIGINS:[http://localhost https://localhost] OLLAMA_REMOTES:[ollama.com]]"
level=INFO source=routes.go:1953 msg="Ollama cloud disabled: false"
level=INFO source=images.go:919 msg="total blobs: {{few}}"
level=INFO source=images.go:926 msg="total unused blobs removed: {unused}"
level=INFO source=routes.go:2008 msg="Listening on [::]:11434 (version 0.32.15)"
level=INFO source=runner.go:60 msg="discovering available GPUs..."
level=INFO source=types.go:32 msg="inference compute" id=GPU-{{digest}} filter_id="" library=CUDA compute=8.9 name=CUDA0 description="NVIDIA L4" libdirs=ollama,cuda_v12 driver=12.4 pci_id=0000:00:04.0 type=discrete total="22.0 GiB" available="21.7 GiB"
level=INFO source=routes.go:2058 msg="vram-based default context" total_vram="22.0 GiB" default_num_ctx=4096
level=INFO source=model_list_cache.go:112 msg="model list cache hydration complete" models={{part}} failures=0 elapsed=41.{{few}}ms
"""


STARTUP = rf"""app: level=INFO source=app_windows.go:272 msg="starting Ollama" app=/opt/ollama version=0.32.15 OS=Linux/6.8.0
app: level=INFO source=app.go:236 msg="initialized tools registry" tool_count=0
app: level=INFO source=app.go:251 msg="starting ollama server"
app: level=INFO source=app.go:282 msg="starting ui server" port={{port}}
{started(0)}"""

_STARTING = r"""level=INFO source=server.go:109 msg="using llama-server for model" model={blob}
level=INFO source=llama_server.go:433 msg="starting llama-server" cmd="/usr/lib/ollama/llama-server --model {blob} --port {port} --host 127.0.0.1 --no-webui --no-log-prefix --no-log-timestamps --jinja -c {context} -np 1"
level=INFO source=sched.go:613 msg="system memory" total="62.8 GiB" free="{gib} GiB" free_swap="8.0 GiB"
level=INFO source=sched.go:620 msg="gpu memory" id=GPU-{digest} library=CUDA available="{gib2} GiB" free="{gib3} GiB" minimum="457.0 MiB" overhead="0 B"
level=INFO source=llama_server.go:1048 msg="loading model via llama-server" model={blob}
level=INFO source=llama_server.go:1295 msg="waiting for llama-server to start responding"
level=INFO source=llama_server.go:1350 msg="waiting for llama-server to become available" status="llm server not responding"
"""
_LOADER = r"""ggml_cuda_init: found 1 CUDA devices (Total VRAM: 22563 MiB):
  Device 0: NVIDIA L4, compute capability 8.9, VMM: yes, VRAM: 22563 MiB
load_backend: loaded CUDA backend from /usr/lib/ollama/cuda_v12/libggml-cuda.so
load_backend: loaded CPU backend from /usr/lib/ollama/libggml-cpu-icelake.so
srv    load_model: loading model '{blob}'
common_init_result: fitting params to device memory, for bugs during this step try to reproduce them with -fit off, or provide --verbose logs if the bug only occurs with -fit on
llama_model_loader: loaded meta data with {few} key-value pairs and {tensors} tensors from {blob} (version GGUF V3 (latest))
llama_model_loader: Dumping metadata keys/values. Note: KV overrides do not apply in this output.
llama_model_loader: - kv   0:                       general.architecture str              = {family}
llama_model_loader: - kv   1:                               general.name str              = {model}
llama_model_loader: - type  f32:  145 tensors
llama_model_loader: - type q4_K:  216 tensors
print_info: file format = GGUF V3 (latest)
print_info: file type   = Q4_K - Medium
print_info: file size   = {gib} GiB (4.92 BPW)
"""
_LOADED = (
    _STARTING
    + _LOADER
    + r"""load: printing all EOG tokens:
load:   - 151645 ('<|im_end|>')
load: special tokens cache size = 26
print_info: arch                  = {family}
load_tensors: loading model tensors, this can take a while... (mmap = true, direct_io = false)
load_tensors: offloading output layer to GPU
load_tensors: offloaded {layers}/{layers} layers to GPU
load_tensors:   CPU_Mapped model buffer size = {mib} MiB
load_tensors:        CUDA0 model buffer size = {mib2} MiB
level=INFO source=llama_server.go:1350 msg="waiting for llama-server to become available" status="llm server loading model"
llama_context: n_ctx         = {context}
llama_context: n_ctx_seq ({context}) < n_ctx_train (40960) -- the full capacity of the model will not be utilized
llama_kv_cache:      CUDA0 KV buffer size =   576.00 MiB
sched_reserve:      CUDA0 compute buffer size =   304.75 MiB
sched_reserve: graph nodes  = 1267
sched_reserve: graph splits = 2
common_init_: warming up the model with an empty run - please wait ... (--no-warmup to disable)
srv  llama_server: model loaded
srv  llama_server: listening on http://127.0.0.1:{port}
srv  update_slots: all slots are idle
level=INFO source=llama_server.go:1362 msg="llama-server started in {seconds} seconds"
level=INFO source=images.go:381 msg="template selection" model=registry.ollama.ai/library/{model} selected=chat_template renderer="" parser="" go_template="[completion tools]" chat_template="[completion tools]" harmony=unavailable renderer_parser=unavailable
level=INFO source=sched.go:728 msg="loaded runners" count=1
"""
)
_ANSWERED = r"""slot launch_slot_: id  0 | task {count} | processing task, is_child = 0
slot update_slots: id  0 | task {count} | new prompt, n_ctx_slot = {context}, n_keep = 4, task.n_tokens = {few}
slot print_timing: id  0 | task {count} |
prompt eval time =      {few2}.54 ms /    {few} tokens
       eval time =    {count2}.40 ms /   {few3} tokens
      total time =    {count3}.94 ms /   {few4} tokens
slot      release: id  0 | task {count} | stop processing: n_tokens = {few}, truncated = 0
srv  update_slots: all slots are idle
"""
_UNLOADED = r"""srv    operator(): operator(): cleaning up before exit...
llama_memory_breakdown_print: | memory breakdown [MiB] | total    free     self   model   context   compute    unaccounted |
llama_memory_breakdown_print: |   - CUDA0 (NVIDIA L4)  | 22563 = {count} + ({count2} = {count3} +     576 +     304) +         {few} |
llama_memory_breakdown_print: |   - Host               |                    {few2} =   {few3} +       0 +      12                |
"""
_PULLED = r"""level=INFO source=download.go:181 msg="downloading {digest} in {few} 100 MB part(s)"
level=INFO source=download.go:181 msg="downloading {digest2} in 1 1.4 KB part(s)"
level=INFO source=download.go:181 msg="downloading {digest3} in 1 487 B part(s)"
"""
_RESUMED = r"""level=INFO source=download.go:181 msg="downloading {digest} in 16 {few} MB part(s)"
level=INFO source=download.go:299 msg="{digest} part 3 attempt 0 failed: unexpected EOF, retrying in 1s"
level=INFO source=download.go:299 msg="{digest} part 3 attempt 1 failed: unexpected EOF, retrying in 2s"
level=INFO source=download.go:299 msg="{digest} part {part} attempt 0 failed: Get \"https://dd20bb89.r2.cloudflarestorage.com/ollama/docker/registry/v2/blobs/sha256/{address}/data?X-Amz-Algorithm=AWS4-HMAC-SHA256&X-Amz-Credential={address2}%2Fauto%2Fs3&X-Amz-Signature={digest2}\": dial tcp: lookup dd20bb89.r2.cloudflarestorage.com: no such host, retrying in 1s"
level=INFO source=download.go:384 msg="{digest} part {part2} stalled; retrying. If this persists, press ctrl-c to exit, then 'ollama pull' to find a faster connection."
"""

EVERYDAY: Sequence[Passage] = (
    *REQUESTS,
    Passage(6, _ANSWERED + access(200, "latency", "client", "POST /api/chat")),
    Passage(5, access(200, "short", "client", "GET /api/ps")),
    Passage(5, access(200, "short", "client", "POST /api/embed")),
    Passage(
        2,
        _STARTING
        + 'level=WARN source=llama_server.go:1301 msg="client connection closed before llama-server finished loading, aborting load"\n'
        + 'level=INFO source=sched.go:641 msg="Load failed" model={blob} error="timed out waiting for llama-server to start: context canceled"\n'
        + access(499, "latency", "client", "POST /api/generate"),
    ),
    Passage(2, _UNLOADED),
    Passage(3, access(200, "latency", "client", "POST /v1/messages")),
    Passage(3, access(200, "latency", "client", "POST /v1/responses")),
    Passage(5, _LOADED + _ANSWERED + access(200, "latency", "client", "POST /api/generate")),
    Passage(2, _PULLED + access(200, "minutes", "client", "POST /api/pull")),
    Passage(1, _RESUMED + access(200, "minutes", "client", "POST /api/pull")),
    Passage(
        2,
        'level=INFO source=llama_server.go:1895 msg="aborting chat request due to client closing the connection"\n'
        + access(499, "latency", "client", "POST /api/chat"),
    ),
    Passage(
        2,
        'level=INFO source=sched.go:562 msg="llama-server model fits alongside existing models" predicted="{gib} GiB" predicted_num_ctx=4096 num_batch=512 available="{gib2} GiB" gpu_free="{gib2} GiB" system_free="{gib3} GiB" system_limited=false',
    ),
    Passage(
        1,
        'level=INFO source=sched.go:1332 msg="updated VRAM based on existing loaded models" gpu=GPU-{digest} library=CUDA total="22.0 GiB" available="{mib} MiB"',
    ),
    Passage(1, 'level=WARN source=server.go:114 msg="requested context size too large for model" num_ctx=131072 n_ctx_train=32768'),
)
NOISE: Sequence[Passage] = (
    *NOT_FOUND,
    Passage(
        1,
        'level=ERROR source=llama_server.go:1934 msg="llama-server chat error" error="Post \\"http://127.0.0.1:{port}/v1/chat/completions\\": EOF"\n'
        + access(500, "latency", "client", "POST /api/chat"),
    ),
    Passage(2, access(200, "short", "client", "POST /api/pull")),
    Passage(
        1,
        'level=WARN source=model_list_cache.go:104 msg="failed to hydrate model list cache" model=registry.ollama.ai/library/{model} error="open {blob}: no such file or directory"',
    ),
    Passage(
        1,
        'level=WARN source=model_recommendations.go:168 msg="model recommendations refresh failed" error="Get \\"https://ollama.com/api/recommendations\\": context deadline exceeded"',
    ),
    Passage(
        1,
        'app: level=WARN source=updater.go:95 msg="failed to check for update: Get \\"https://ollama.com/api/update\\": dial tcp: lookup ollama.com: no such host"',
    ),
    Passage(
        1,
        'level=INFO source=images.go:1314 msg="request failed: Get \\"https://registry.ollama.ai/v2/library/{key}/manifests/latest\\": dial tcp: lookup registry.ollama.ai on 10.0.0.2:53: read udp: i/o timeout"\n'
        + access(200, "slow", "client", "POST /api/pull"),
    ),
)
FAULTS: Sequence[Episode] = (
    Episode(
        "gpu_out_of_memory",
        "A model did not fit onto the GPU beside another one; less context was tried, in vain.",
        _STARTING
        + _LOADER
        + r"""ggml_backend_cuda_buffer_type_alloc_buffer: allocating {mib} MiB on device 0: cudaMalloc failed: out of memory
alloc_tensor_range: failed to allocate CUDA0 buffer of size {bytes}
llama_model_load: error loading model: unable to allocate CUDA0 buffer
llama_model_load_from_file_impl: failed to load model
common_init_from_params: failed to load model '{blob}', try reducing --n-gpu-layers if you're running out of VRAM
srv    load_model: failed to load model, '{blob}'
srv    operator(): operator(): cleaning up before exit...
level=ERROR source=llama_server.go:1023 msg="llama-server terminated" error="exit status 1" exit=1
level=INFO source=sched.go:641 msg="Load failed" model={blob} error="llama-server process has terminated: exit status 1: cudaMalloc failed: out of memory\nalloc_tensor_range: failed to allocate CUDA0 buffer of size {bytes}\nerror loading model: unable to allocate CUDA0 buffer"
level=WARN source=sched.go:652 msg="llama-server load failed; reducing automatic context and retrying once" model={blob} old_num_ctx=32768 effective_num_ctx=32768 new_num_ctx=4096 old_num_batch=2048 new_num_batch=512 loaded_count=0 evict_all=false error="llama-server process has terminated: exit status 1: cudaMalloc failed: out of memory"
"""
        + access(500, "latency", "client", "POST /api/chat"),
    ),
    Episode(
        "unsupported_architecture",
        "A pulled model is newer than the server.",
        _PULLED
        + access(200, "minutes", "client", "POST /api/pull")
        + "\n"
        + _STARTING
        + r"""llama_model_load: error loading model: error loading model architecture: unknown model architecture: 'gemma5'
llama_model_load_from_file_impl: failed to load model
srv    load_model: failed to load model, '{blob}'
level=ERROR source=llama_server.go:1023 msg="llama-server terminated" error="exit status 1" exit=1
level=INFO source=sched.go:641 msg="Load failed" model={blob} error="llama-server process has terminated: exit status 1: error loading model: error loading model architecture: unknown model architecture: 'gemma5'"
"""
        + access(500, "short", "client", "POST /api/generate"),
    ),
    Episode(
        "own_create",
        "Somebody imports a model of their own, which takes its time to upload, and has it quantized.",
        upload("client", took="slow")
        + "\n"
        + 'level=INFO source=quantization.go:124 msg="quantizing model" type=Q4_K_M input={blob} output=/root/.ollama/models/blobs/Q4_K_M{bytes}\n'
        + access(200, "minutes", "client", "POST /api/create")
        + "\n"
        + _LOADED,
    ),
    Episode(
        "own_push",
        "Somebody publishes a model that was on the server before.",
        access(200, "instant", "client", "POST /api/copy")
        + "\n"
        + r"""level=INFO source=upload.go:114 msg="uploading {digest} in {few} 100 MB part(s)"
level=INFO source=upload.go:114 msg="uploading {digest2} in 1 487 B part(s)"
"""
        + access(200, "minutes", "client", "POST /api/push"),
    ),
    Episode(
        "desktop_respawn",
        "Another server holds the port, and the desktop app starts its own again and again.",
        'app: level=ERROR source=server.go:224 msg="ollama exited" err="exit status 1"\n' * 3 + started(0),
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
