"""What attacks on model loading leave in the log of Ollama 0.12.3: it decodes uploads, pulls and vocabularies in the server's own process.

A panic in one of its goroutines ends the server, so that no access line follows; Gin recovers only what a handler itself does.
"""

# ruff: noqa: E501 - a log line is as long as it is

from __future__ import annotations

from collections.abc import Sequence

from integration.sandbox.sample.texts.episode import Episode, access, upload
from integration.sandbox.sample.texts.requests import refused_attacks
from integration.sandbox.sample.texts.v0_12_3 import started

_RESTART = f'app: level=ERROR source=server.go:177 msg="ollama exited" err="exit status 2"\n{started(1)}'
_RESTART_WITH_MODEL = _RESTART.replace("removed: 1", "removed: 0")
_CREATED = f"{upload()}\n{access(200, 'short', 'attacker', 'POST /api/create')}\n"
_PULLED = (
    'level=INFO source=download.go:177 msg="downloading {digest} in 1 {few} KB part(s)"\n'
    'level=INFO source=download.go:177 msg="downloading {digest2} in 1 412 B part(s)"\n'
    + access(200, "short", "attacker", "POST /api/pull")
    + "\n"
)
_CREATE_FRAMES = r"""github.com/ollama/ollama/fs/ggml.(*containerGGUF).Decode(0xc0{address}, {{0x56{address2}, 0xc0{address3}}})
	github.com/ollama/ollama/fs/ggml/gguf.go:66 +0x20f
github.com/ollama/ollama/fs/ggml.Decode({{0x7f{address4}, 0xc0{address5}}}, 0xffffffffffffffff)
	github.com/ollama/ollama/fs/ggml/ggml.go:532 +0x2c5
github.com/ollama/ollama/server.ggufLayers({{0xc0{address6}, 0x47}}, 0xc0{address7})
	github.com/ollama/ollama/server/create.go:618 +0x39b
github.com/ollama/ollama/server.convertModelFromFiles(0xc0{address8}, {{0x0, 0x0, 0x0}}, 0x0, 0xc0{address7})
	github.com/ollama/ollama/server/create.go:299 +0x245
github.com/ollama/ollama/server.(*Server).CreateHandler.func1()
	github.com/ollama/ollama/server/create.go:124 +0x5f1
created by github.com/ollama/ollama/server.(*Server).CreateHandler in goroutine {few}
	github.com/ollama/ollama/server/create.go:85 +0x6b8
"""
_LOAD_FRAMES = r"""github.com/ollama/ollama/server.(*Scheduler).load(0xc0{address6}, 0xc0{address7}, 0xc0{address8}, {{0xc0{address9}, 0x1, 0x1}}, 0x0)
	github.com/ollama/ollama/server/sched.go:409 +0x2c8
github.com/ollama/ollama/server.(*Scheduler).processPending(0xc0{address6}, {{0x56{address2}, 0xc0{address3}}})
	github.com/ollama/ollama/server/sched.go:209 +0xc3a
github.com/ollama/ollama/server.(*Scheduler).Run.func1()
	github.com/ollama/ollama/server/sched.go:123 +0x1f
created by github.com/ollama/ollama/server.(*Scheduler).Run in goroutine 1
	github.com/ollama/ollama/server/sched.go:122 +0xb1
"""
_RUNNER_PANIC = r"""level=INFO source=server.go:399 msg="starting runner" cmd="/usr/bin/ollama runner --model {blob} --port {port}"
level=INFO source=runner.go:864 msg="starting go runner"
level=INFO source=runner.go:900 msg="Server listening on 127.0.0.1:{port}"
llama_model_load: error loading model: check_tensor_dims: tensor 'blk.{part}.ffn_down.weight' has wrong shape; expected 14336,  4096, got  4096, 14336,     1,     1
llama_model_load_from_file_impl: failed to load model
panic: unable to load model: {blob}
goroutine {few} [running]:
github.com/ollama/ollama/runner/llamarunner.(*Server).loadModel(0xc0{address}, {{0x1d, 0x0, 0x0, {{0xc0{address2}, 0x1, 0x1}}, 0xc0{address3}, 0x0}}, {{0x7ffc{address4}, 0x65}}, ...)
	github.com/ollama/ollama/runner/llamarunner/runner.go:747 +0x375
created by github.com/ollama/ollama/runner/llamarunner.(*Server).load in goroutine 22
	github.com/ollama/ollama/runner/llamarunner/runner.go:833 +0x8f5
level=ERROR source=server.go:425 msg="llama runner terminated" error="exit status 2"
level=INFO source=sched.go:438 msg="Load failed" model={blob} error="llama runner process has terminated: error loading model: check_tensor_dims: tensor 'blk.{part}.ffn_down.weight' has wrong shape; expected 14336,  4096, got  4096, 14336,     1,     1"
"""


def _crash(name: str, about: str, cause: str, frames: str) -> Episode:
    """Return an episode in which the decoder ends the server while a model is created from an upload."""
    text = f"{upload()}\n{cause.strip()}\ngoroutine {{few}} [running]:\n{frames.lstrip()}{_CREATE_FRAMES}{_RESTART}"
    return Episode(name, about, text, attack=True, impact=True)


ATTACKS: Sequence[Episode] = (
    _crash(
        "gguf_string_length",
        "An uploaded GGUF states a string longer than memory: the decoder panics while a model is created.",
        "panic: runtime error: makeslice: len out of range",
        r"""
github.com/ollama/ollama/fs/ggml.readGGUFString(0xc0{address9}, {{0x56{address2}, 0xc0{address3}}})
	github.com/ollama/ollama/fs/ggml/gguf.go:346 +0x1b7
github.com/ollama/ollama/fs/ggml.(*gguf).Decode(0xc0{address9}, {{0x56{address2}, 0xc0{address3}}})
	github.com/ollama/ollama/fs/ggml/gguf.go:144 +0x9a
""",
    ),
    _crash(
        "gguf_negative_length",
        "A length that turns negative: the decoder slices out of bounds.",
        "panic: runtime error: slice bounds out of range [:-4441803743202727513]",
        r"""
github.com/ollama/ollama/fs/ggml.readGGUFString(0xc0{address9}, {{0x56{address2}, 0xc0{address3}}})
	github.com/ollama/ollama/fs/ggml/gguf.go:348 +0x1f4
github.com/ollama/ollama/fs/ggml.(*gguf).Decode(0xc0{address9}, {{0x56{address2}, 0xc0{address3}}})
	github.com/ollama/ollama/fs/ggml/gguf.go:195 +0x5d2
""",
    ),
    _crash(
        "gguf_alignment",
        "An alignment of zero: the decoder divides by it (CVE-2025-0317).",
        "panic: runtime error: integer divide by zero",
        r"""
github.com/ollama/ollama/fs/ggml.ggufPadding(...)
	github.com/ollama/ollama/fs/ggml/gguf.go:654
github.com/ollama/ollama/fs/ggml.(*gguf).Decode(0xc0{address9}, {{0x56{address2}, 0xc0{address3}}})
	github.com/ollama/ollama/fs/ggml/gguf.go:245 +0xb27
""",
    ),
    _crash(
        "gguf_array_memory",
        "An array of a length that no memory holds: Go gives up, which no handler can recover.",
        "runtime: out of memory: cannot allocate 1099511627776-byte block ({bytes} in use)\nfatal error: out of memory",
        r"""
runtime.throw({{0x56{address2}?, 0x0?}})
	runtime/panic.go:1101 +0x48 fp=0xc0{address3} sp=0xc0{address4} pc=0x56{address5}
runtime.(*mcache).allocLarge(0x0?, 0x10000000000, 0x0)
	runtime/mcache.go:236 +0x176 fp=0xc0{address3} sp=0xc0{address4} pc=0x56{address5}
runtime.makeslice(0x0?, 0x0?, 0xc0{address8}?)
	runtime/slice.go:116 +0x49 fp=0xc0{address3} sp=0xc0{address4} pc=0x56{address5}
github.com/ollama/ollama/fs/ggml.newArray[...](...)
	github.com/ollama/ollama/fs/ggml/gguf.go:404
github.com/ollama/ollama/fs/ggml.readGGUFArray(0xc0{address9}, {{0x56{address2}, 0xc0{address3}}})
	github.com/ollama/ollama/fs/ggml/gguf.go:440 +0x6c5 fp=0xc0{address3} sp=0xc0{address4} pc=0x56{address5}
github.com/ollama/ollama/fs/ggml.(*gguf).Decode(0xc0{address9}, {{0x56{address2}, 0xc0{address3}}})
	github.com/ollama/ollama/fs/ggml/gguf.go:181 +0x4ad fp=0xc0{address3} sp=0xc0{address4} pc=0x56{address5}
""",
    ),
    Episode(
        "rogue_model_panic",
        "A model pulled from the attacker's registry ends the server when it is asked something.",
        _PULLED
        + r"""panic: runtime error: makeslice: len out of range
goroutine {few} [running]:
github.com/ollama/ollama/fs/ggml.readGGUFString(0xc0{address}, {{0x56{address2}, 0xc0{address3}}})
	github.com/ollama/ollama/fs/ggml/gguf.go:346 +0x1b7
github.com/ollama/ollama/fs/ggml.(*gguf).Decode(0xc0{address}, {{0x56{address2}, 0xc0{address3}}})
	github.com/ollama/ollama/fs/ggml/gguf.go:144 +0x9a
github.com/ollama/ollama/fs/ggml.(*containerGGUF).Decode(0xc0{address4}, {{0x56{address2}, 0xc0{address3}}})
	github.com/ollama/ollama/fs/ggml/gguf.go:66 +0x20f
github.com/ollama/ollama/fs/ggml.Decode({{0x7f{address4}, 0xc0{address5}}}, 0x400)
	github.com/ollama/ollama/fs/ggml/ggml.go:532 +0x2c5
github.com/ollama/ollama/llm.LoadModel({{0xc0{address9}, 0x65}}, 0x400)
	github.com/ollama/ollama/llm/server.go:141 +0x115
"""
        + "\n".join(_LOAD_FRAMES.split("\n")[2:]).replace("sched.go:209", "sched.go:197")
        + _RESTART_WITH_MODEL,
        attack=True,
        impact=True,
    ),
    Episode(
        "native_vocabulary_crash",
        "llama.cpp reads the vocabulary in the server's process, and the file makes it read where nothing is.",
        _CREATED
        + r"""llama_model_loader: loaded meta data with 9 key-value pairs and 3 tensors from {blob} (version GGUF V3 (latest))
llama_model_loader: Dumping metadata keys/values. Note: KV overrides do not apply in this output.
llama_model_loader: - kv   0:                       general.architecture str              = llama
llama_model_loader: - kv   1:                      tokenizer.ggml.tokens arr[str,4]       = ["<unk>", "<s>", "</s>", "a"]
SIGSEGV: segmentation violation
PC=0x7f{address} m=8 sigcode=1 addr=0x{address2}
signal arrived during cgo execution
goroutine {few} gp=0xc0{address3} m=8 mp=0xc0{address4} [syscall]:
runtime.cgocall(0x56{address5}, 0xc0{address9})
	runtime/cgocall.go:167 +0x4b fp=0xc0{address} sp=0xc0{address2} pc=0x56{address3}
github.com/ollama/ollama/llama._Cfunc_llama_model_load_from_file(0x7f{address4}, {{0x0, 0x0, 0x0, 0x1, 0x0, 0x0, 0x56{address5}, 0xc0{address6}, 0x0, ...}})
	_cgo_gotypes.go:827 +0x4b fp=0xc0{address} sp=0xc0{address2} pc=0x56{address3}
github.com/ollama/ollama/llama.LoadModelFromFile.func2(...)
	github.com/ollama/ollama/llama/llama.go:256
github.com/ollama/ollama/llama.LoadModelFromFile({{0xc0{address7}, 0x65}}, {{0x0, 0x0, 0x0, 0x1, {{0x0, 0x0, 0x0}}, 0x0, 0x0}})
	github.com/ollama/ollama/llama/llama.go:256 +0x4d6 fp=0xc0{address} sp=0xc0{address2} pc=0x56{address3}
github.com/ollama/ollama/llm.NewLlamaServer({{0xc0{address9}, 0x1, 0x1}}, {{0xc0{address7}, 0x65}}, 0xc0{address8}, {{0x0, 0x0, 0x0}}, {{0x0, 0x0, ...}}, ...)
	github.com/ollama/ollama/llm/server.go:162 +0x1c5 fp=0xc0{address} sp=0xc0{address2} pc=0x56{address3}
"""
        + _LOAD_FRAMES
        + r"""goroutine 1 gp=0xc0000061c0 m=nil [IO wait]:
runtime.gopark(0x0?, 0x0?, 0x0?, 0x0?, 0x0?)
	runtime/proc.go:435 +0xce fp=0xc0{address} sp=0xc0{address2} pc=0x56{address3}
rax    0x0
"""
        + _RESTART_WITH_MODEL,
        attack=True,
        impact=True,
    ),
    Episode(
        "challenge_panic",
        "The attacker's registry answers 401 with a challenge that ends too early: the pull panics.",
        r"""panic: runtime error: slice bounds out of range [:7] with length 6
goroutine {few} [running]:
github.com/ollama/ollama/server.getValue({{0xc0{address}, 0x6}}, {{0x56{address2}, 0x5}})
	github.com/ollama/ollama/server/images.go:875 +0x14e
github.com/ollama/ollama/server.parseRegistryChallenge({{0xc0{address}, 0x6}})
	github.com/ollama/ollama/server/images.go:882 +0x7c
github.com/ollama/ollama/server.makeRequestWithRetry({{0x56{address2}, 0xc0{address3}}}, {{0x56{address4}, 0x3}}, 0xc0{address5}, 0xc0{address6}, {{0x0, 0x0}}, 0xc0{address7})
	github.com/ollama/ollama/server/images.go:766 +0x3a5
github.com/ollama/ollama/server.pullModelManifest({{0x56{address2}, 0xc0{address3}}}, {{{{0x56{address4}, 0x5}}, {{0xc0{address5}, 0x18}}, {{0xc0{address6}, 0x4}}, ...}}, 0xc0{address7})
	github.com/ollama/ollama/server/images.go:723 +0x2c8
github.com/ollama/ollama/server.PullModel({{0x56{address2}, 0xc0{address3}}}, {{0xc0{address5}, 0x2a}}, 0xc0{address7}, 0xc0{address8})
	github.com/ollama/ollama/server/images.go:637 +0x3d8
github.com/ollama/ollama/server.(*Server).PullHandler.func1()
	github.com/ollama/ollama/server/routes.go:808 +0x17d
created by github.com/ollama/ollama/server.(*Server).PullHandler in goroutine {few2}
	github.com/ollama/ollama/server/routes.go:795 +0x5e5
"""
        + _RESTART_WITH_MODEL,
        attack=True,
        impact=True,
    ),
    Episode(
        "memory_leak_push",
        "Bleeding Llama (CVE-2026-7482): a GGUF whose tensors lie beyond its end is quantized, and the model with the server's memory in it pushed.",
        _CREATED
        + 'level=INFO source=upload.go:112 msg="uploading {digest} in 1 {few} MB part(s)"\n'
        + 'level=INFO source=upload.go:112 msg="uploading {digest2} in 1 312 B part(s)"\n'
        + access(200, "latency", "attacker", "POST /api/push"),
        attack=True,
        impact=True,
    ),
    Episode(
        "runner_panic",
        "An uploaded model has tensors of other shapes than it states: the runner dies, the server stays.",
        _CREATED + _RUNNER_PANIC + access(500, "short2", "attacker", "POST /api/generate"),
        attack=True,
        impact=True,
    ),
    Episode(
        "forged_lines",
        "The name of an architecture holds line feeds: llama.cpp prints lines that the attacker wrote.",
        _CREATED
        + r"""llama_model_load: error loading model: error loading model architecture: unknown model architecture: 'x
level=ERROR source=server.go:1 msg="forged line" err="exit status 0" model=..\..\x
'
llama_model_load_from_file_impl: failed to load model
level=INFO source=sched.go:417 msg="NewLlamaServer failed" model={blob} error="unable to load model: {blob}"
"""
        + access(500, "short2", "attacker", "POST /api/chat"),
        attack=True,
    ),
    Episode(
        "quoted_forgeries",
        "Texts of the attacker's registry and of a config.json stand quoted in records, and look like records themselves.",
        r"""level=INFO source=download.go:177 msg="downloading {digest} in 1 {few} KB part(s)"
level=INFO source=download.go:295 msg="{digest} part 0 attempt 0 failed: 401: rejected Authorization: Bearer sk-{digest2}{digest3}, retrying in 1s"
level=INFO source=download.go:295 msg="{digest} part 0 attempt 1 failed: 503: gone\ntime=2020-01-01T00:00:00.000Z level=ERROR source=server.go:1 msg=\"forged line\" err=\"exit status 0\", retrying in 2s"
"""
        + access(200, "short", "attacker", "POST /api/pull")
        + "\n"
        + upload()
        + r"""
level=ERROR source=create.go:284 msg="error converting from safetensors" error="unsupported architecture \"model\\\" level=INFO err=\\\"exit status 0\\\" source=forged.go:1\""
"""
        + access(500, "short2", "attacker", "POST /api/create"),
        attack=True,
    ),
    Episode(
        "tensors_beyond_end",
        "An uploaded model states tensors that its file does not hold: llama.cpp refuses it in the server.",
        _CREATED
        + r"""llama_model_load: error loading model: tensor 'blk.{part}.ffn_down.weight' data is not within the file bounds, model is corrupted or incomplete
llama_model_load_from_file_impl: failed to load model
level=INFO source=sched.go:417 msg="NewLlamaServer failed" model={blob} error="unable to load model: {blob}"
"""
        + access(500, "short2", "attacker", "POST /api/generate"),
        attack=True,
    ),
    Episode(
        "recovered_panic",
        "The decoder panics where a handler shows a model: Gin recovers, and writes places without names.",
        _PULLED
        + r"""[Recovery] panic recovered:
runtime error: makeslice: len out of range
runtime/panic.go:115 (0x55{address})
runtime/slice.go:102 (0x55{address2})
github.com/ollama/ollama/fs/ggml/gguf.go:346 (0x55{address3})
github.com/ollama/ollama/fs/ggml/gguf.go:144 (0x55{address4})
github.com/ollama/ollama/fs/ggml/gguf.go:66 (0x55{address5})
github.com/ollama/ollama/fs/ggml/ggml.go:532 (0x55{address6})
github.com/ollama/ollama/llm/server.go:141 (0x55{address7})
github.com/ollama/ollama/server/routes.go:1121 (0x55{address8})
github.com/ollama/ollama/server/routes.go:1090 (0x55{address9})
github.com/ollama/ollama/server/routes.go:969 (0x55{address10})
"""
        + access(500, "short2", "attacker", "POST /api/show"),
        attack=True,
    ),
    *refused_attacks("create.go:614"),
)
