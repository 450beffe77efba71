"""What attacks on model loading leave in the log of Ollama 0.32.15: the decoder refuses what is out of bounds, and native code runs apart.

What still ends the server: a registry's challenge or answer, and converters. What llama-server does with a file, it does to itself.
"""

# ruff: noqa: E501 - a log line is as long as it is

from __future__ import annotations

from collections.abc import Sequence

from integration.sandbox.sample.texts.episode import Episode, access, repeated, upload
from integration.sandbox.sample.texts.requests import refused_attacks
from integration.sandbox.sample.texts.v0_32_15 import started

_RESTART = f'app: level=ERROR source=server.go:224 msg="ollama exited" err="exit status 2"\n{started(2)}'
_RESTART_WITH_MODEL = _RESTART.replace("removed: 2", "removed: 0")
_CREATED = f"{upload()}\n{access(200, 'short', 'attacker', 'POST /api/create')}\n"
_PULLED = (
    'level=INFO source=download.go:181 msg="downloading {digest} in 1 {few} KB part(s)"\n'
    'level=INFO source=download.go:181 msg="downloading {digest2} in 1 412 B part(s)"\n'
    + access(200, "short", "attacker", "POST /api/pull")
    + "\n"
)
_STARTING = r"""level=INFO source=server.go:109 msg="using llama-server for model" model={blob}
level=INFO source=llama_server.go:433 msg="starting llama-server" cmd="/usr/lib/ollama/llama-server --model {blob} --port {port} --host 127.0.0.1 --no-webui --no-log-prefix --no-log-timestamps --jinja -c 4096 -np 1"
level=INFO source=llama_server.go:1048 msg="loading model via llama-server" model={blob}
level=INFO source=llama_server.go:1295 msg="waiting for llama-server to start responding"
llama_model_loader: loaded meta data with 9 key-value pairs and 3 tensors from {blob} (version GGUF V3 (latest))
llama_model_loader: Dumping metadata keys/values. Note: KV overrides do not apply in this output.
"""
_PULL_FRAMES = r"""github.com/ollama/ollama/server.pullModelManifest({{0x56{address2}, 0xc0{address3}}}, {{{{0xc0{address4}, 0x17}}, {{0xc0{address5}, 0x6}}, ...}}, 0xc0{address7})
	github.com/ollama/ollama/server/images.go:1277 +0x2e5
github.com/ollama/ollama/server.PullModel({{0x56{address2}, 0xc0{address3}}}, {{0xc0{address5}, 0x2a}}, 0xc0{address7}, 0xc0{address8})
	github.com/ollama/ollama/server/images.go:1023 +0x4b1
github.com/ollama/ollama/server.(*Server).PullHandler.func1()
	github.com/ollama/ollama/server/routes.go:1147 +0x198
created by github.com/ollama/ollama/server.(*Server).PullHandler in goroutine {few2}
	github.com/ollama/ollama/server/routes.go:1134 +0x6a5
"""

ATTACKS: Sequence[Episode] = (
    Episode(
        "challenge_panic",
        "The attacker's registry answers 401 with a challenge that ends too early: the pull panics.",
        r"""panic: runtime error: slice bounds out of range [:7] with length 6
goroutine {few} [running]:
github.com/ollama/ollama/server.getValue({{0xc0{address}, 0x6}}, {{0x56{address2}, 0x5}})
	github.com/ollama/ollama/server/images.go:1434 +0x14e
github.com/ollama/ollama/server.parseRegistryChallenge({{0xc0{address}, 0x6}})
	github.com/ollama/ollama/server/images.go:1441 +0x7c
github.com/ollama/ollama/server.makeRequestWithRetry({{0x56{address2}, 0xc0{address3}}}, {{0x56{address4}, 0x3}}, 0xc0{address5}, 0xc0{address6}, {{0x0, 0x0}}, 0xc0{address7})
	github.com/ollama/ollama/server/images.go:1325 +0x3a5
"""
        + _PULL_FRAMES
        + _RESTART_WITH_MODEL,
        attack=True,
        impact=True,
    ),
    Episode(
        "registry_memory",
        "The attacker's registry answers with an error that has no end, packed: the server reads it until memory is gone (CVE-2024-12886).",
        r"""runtime: out of memory: cannot allocate 68719476736-byte block ({bytes} in use)
fatal error: out of memory
goroutine {few} gp=0xc0{address9} m=7 mp=0xc0{address10} [running]:
runtime.throw({{0x56{address2}?, 0x0?}})
	runtime/panic.go:1101 +0x48 fp=0xc0{address3} sp=0xc0{address4} pc=0x56{address5}
runtime.growslice(0xc0{address8}, 0x1000000000, 0xfffffffff, 0x1, 0x0?)
	runtime/slice.go:265 +0x535 fp=0xc0{address3} sp=0xc0{address4} pc=0x56{address5}
io.ReadAll({{0x7f{address4}, 0xc0{address5}}})
	io/io.go:715 +0xa5 fp=0xc0{address3} sp=0xc0{address4} pc=0x56{address5}
github.com/ollama/ollama/server.makeRequestWithRetry({{0x56{address2}, 0xc0{address3}}}, {{0x56{address4}, 0x3}}, 0xc0{address5}, 0xc0{address6}, {{0x0, 0x0}}, 0xc0{address7})
	github.com/ollama/ollama/server/images.go:1342 +0x5f2 fp=0xc0{address3} sp=0xc0{address4} pc=0x56{address5}
"""
        + _PULL_FRAMES
        + _RESTART_WITH_MODEL,
        attack=True,
        impact=True,
    ),
    Episode(
        "converter_panic",
        "A safetensors file whose tensor has no offsets: the converter panics while a model is created.",
        "\n".join(upload(blob=f"upload{number}", took=f"quick{number}") for number in range(2))
        + r"""
panic: runtime error: index out of range [0] with length 0
goroutine {few} [running]:
github.com/ollama/ollama/convert.parseSafetensors({{0x56{address2}, 0xc0{address3}}}, 0xc0{address4}, {{0xc0{address5}, 0x1, 0x1}})
	github.com/ollama/ollama/convert/reader_safetensors.go:97 +0xd1c
github.com/ollama/ollama/convert.parseTensors({{0x56{address2}, 0xc0{address3}}}, 0xc0{address4})
	github.com/ollama/ollama/convert/reader.go:96 +0x1a5
github.com/ollama/ollama/convert.ConvertModel({{0x56{address2}, 0xc0{address3}}}, 0xc0{address6}, {{0xc0{address5}, 0x1, 0x1}})
	github.com/ollama/ollama/convert/convert.go:414 +0x217
github.com/ollama/ollama/server.convertFromSafetensors(0xc0{address7}, {{0x0, 0x0, 0x0}}, 0x0, {{0x0, 0x0}}, 0x1, 0xc0{address8})
	github.com/ollama/ollama/server/create.go:568 +0x9b2
github.com/ollama/ollama/server.convertModelFromFilesWithMediaType(0xc0{address7}, {{0x0, 0x0, 0x0}}, 0x0, {{0x0, 0x0}}, 0x1, 0xc0{address8})
	github.com/ollama/ollama/server/create.go:414 +0xb8
github.com/ollama/ollama/server.convertModelFromFiles(...)
	github.com/ollama/ollama/server/create.go:404
github.com/ollama/ollama/server.(*Server).CreateHandler.func1()
	github.com/ollama/ollama/server/create.go:192 +0x8f5
created by github.com/ollama/ollama/server.(*Server).CreateHandler in goroutine {few2}
	github.com/ollama/ollama/server/create.go:116 +0x8e5
"""
        + _RESTART,
        attack=True,
        impact=True,
    ),
    Episode(
        "llama_server_abort",
        "An uploaded model trips an assertion: llama-server ends itself.",
        _CREATED
        + _STARTING
        + r"""/build/llama.cpp/ggml/src/ggml.c:1702: GGML_ASSERT({assertion}) failed
/usr/lib/ollama/libggml-base.so.0(+0x1ab5b)[0x7f{address}]
/usr/lib/ollama/libggml-base.so.0(ggml_print_backtrace+0x21f)[0x7f{address2}]
/usr/lib/ollama/libggml-base.so.0(ggml_abort+0x152)[0x7f{address3}]
/usr/lib/ollama/libllama.so.0(llama_model_load_from_file+0x4b)[0x7f{address4}]
level=ERROR source=llama_server.go:1023 msg="llama-server terminated" error="signal: aborted (core dumped)" exit=unknown
level=INFO source=sched.go:641 msg="Load failed" model={blob} error="llama-server process has terminated: GGML_ASSERT({assertion}) failed"
"""
        + access(500, "short2", "attacker", "POST /api/generate"),
        attack=True,
        impact=True,
    ),
    Episode(
        "llama_server_fault",
        "An uploaded model makes llama-server read where nothing is: it dies without a word.",
        _CREATED
        + _STARTING
        + 'level=INFO source=sched.go:641 msg="Load failed" model={blob} error="llama-server process has terminated: signal: segmentation fault (core dumped)"\n'
        + access(500, "short2", "attacker", "POST /api/generate"),
        attack=True,
        impact=True,
    ),
    Episode(
        "llama_server_heap",
        "An uploaded model writes beyond its buffers: glibc finds the heap broken.",
        _CREATED
        + _STARTING
        + r"""malloc(): corrupted top size
level=INFO source=sched.go:641 msg="Load failed" model={blob} error="llama-server process has terminated: signal: aborted (core dumped)"
"""
        + access(500, "short2", "attacker", "POST /api/generate"),
        attack=True,
        impact=True,
    ),
    Episode(
        "rogue_models_refused",
        "Models pulled from the attacker's registry state tensors beyond their files: the decoder refuses each.",
        _PULLED
        + r"""level=INFO source=sched.go:529 msg="failed to load model metadata" model={blob} error="tensor \"blk.0.ffn_down.weight\" offset+size (1099511627776) exceeds file size (4096)"
"""
        + access(500, "short2", "attacker", "POST /api/generate")
        + "\n"
        + r"""level=INFO source=sched.go:529 msg="failed to load model metadata" model={blob2} error="GGUF string length 9223372036854775807 exceeds maximum 1073741824"
"""
        + access(500, "short3", "attacker", "POST /api/generate"),
        attack=True,
    ),
    Episode(
        "rogue_realm",
        "The attacker's registry asks for the token of another one (CVE-2025-51471); since 0.14.3 it gets none.",
        'level=INFO source=download.go:181 msg="downloading {digest} in 1 {few} KB part(s)"\n'
        + repeated(
            3,
            r'level=WARN source=download.go:260 msg="failed to get direct URL; backing off and retrying" err="realm host \"auth.ollama.example\" does not match original host \"{registry}\""',
        )
        + "\n"
        + access(200, "slow", "attacker", "POST /api/pull"),
        attack=True,
    ),
    Episode(
        "inner_network",
        "Pulls from addresses of the inner network, to learn what answers there.",
        "\n".join(
            rf'level=INFO source=images.go:1314 msg="request failed: Get \"http://{address}/v2/library/x/manifests/latest\": dial tcp {address}: {error}"'
            f"\n{access(200, f'short{number}', 'attacker', 'POST /api/pull')}"
            for number, (address, error) in enumerate(
                (
                    ("169.254.169.254:80", "i/o timeout"),
                    ("10.0.0.5:8500", "connect: connection refused"),
                    ("10.0.0.5:6443", "connect: connection refused"),
                )
            )
        ),
        attack=True,
    ),
    Episode(
        "forged_lines",
        "The name of an architecture holds line feeds: llama.cpp prints lines that the attacker wrote, and a record quotes them.",
        _CREATED
        + _STARTING
        + r"""llama_model_load: error loading model: error loading model architecture: unknown model architecture: 'x
level=ERROR source=server.go:1 msg="forged line" err="exit status 0" model=..\..\x
'
llama_model_load_from_file_impl: failed to load model
level=ERROR source=llama_server.go:1023 msg="llama-server terminated" error="exit status 1" exit=1
level=INFO source=sched.go:641 msg="Load failed" model={blob} error="llama-server process has terminated: exit status 1: error loading model: error loading model architecture: unknown model architecture: 'x\ntime=2020-01-01T00:00:00.000Z level=ERROR err=\"exit status 0\""
"""
        + access(500, "short2", "attacker", "POST /api/generate"),
        attack=True,
    ),
    *refused_attacks("create.go:1255"),
)
