"""What attacks on model loading leave in the log of Ollama 0.1.33: digests are not checked, and no panic in a goroutine is recovered."""

# ruff: noqa: E501 - a log line is as long as it is

from __future__ import annotations

from collections.abc import Sequence

from integration.sandbox.sample.texts.episode import Episode, access, upload
from integration.sandbox.sample.texts.requests import ODD_DIGESTS, TRAVERSALS, refusals
from integration.sandbox.sample.texts.v0_1_33 import started

_RESPAWN = r"""app: level=WARN source=server.go:158 msg="server crash 1 - exit code 2 - respawning"
app: level=INFO source=server.go:136 msg="starting server..."
app: level=INFO source=server.go:122 msg="started ollama server with pid {pid2}"
"""
_RESTART = _RESPAWN + started(1)
_RESTART_WITH_MODEL = _RESPAWN + started(0)
_CREATED = f"{upload()}\n{access(200, 'short', 'attacker', 'POST /api/create')}\n"
_CREATE_FRAMES = r"""github.com/ollama/ollama/llm.(*containerGGUF).Decode(0xc0{address}, {{0x7f{address2}, 0xc0{address3}}})
	github.com/ollama/ollama/llm/gguf.go:58 +0x2b4
github.com/ollama/ollama/llm.DecodeGGML({{0x7f{address2}, 0xc0{address3}}})
	github.com/ollama/ollama/llm/ggml.go:309 +0x18b
github.com/ollama/ollama/server.CreateModel({{0x55{address4}, 0xc0{address5}}}, {{0xc0{address6}, 0x8}}, {{0x55{address7}, 0x1}}, {{0x0, 0x0}}, {{0xc0{address8}, 0x1, 0x1}}, 0xc0{address9})
	github.com/ollama/ollama/server/images.go:453 +0x1a8d
"""
_CREATE_HANDLER = r"""github.com/ollama/ollama/server.(*Server).CreateModelHandler.func1()
	github.com/ollama/ollama/server/routes.go:583 +0x1f2
created by github.com/ollama/ollama/server.(*Server).CreateModelHandler in goroutine {few2}
	github.com/ollama/ollama/server/routes.go:574 +0x7a5
"""
_PULL_FRAMES = r"""github.com/ollama/ollama/server.PullModel({{0x55{address4}, 0xc0{address5}}}, {{0xc0{address6}, 0x2a}}, 0xc0{address7}, 0xc0{address8})
	github.com/ollama/ollama/server/images.go:1052 +0x6cb
github.com/ollama/ollama/server.(*Server).PullModelHandler.func1()
	github.com/ollama/ollama/server/routes.go:461 +0x17d
created by github.com/ollama/ollama/server.(*Server).PullModelHandler in goroutine {few2}
	github.com/ollama/ollama/server/routes.go:448 +0x3f1
"""
_STARTING = r"""level=INFO source=server.go:289 msg="starting llama server" cmd="/tmp/ollama{pid}/runners/cuda_v11/ollama_llama_server --model {blob} --ctx-size 2048 --batch-size 512 --embedding --log-disable --n-gpu-layers 33 --parallel 1 --port {port}"
level=INFO source=sched.go:340 msg="loaded runners" count=1
level=INFO source=server.go:432 msg="waiting for llama runner to start responding"
"""

ATTACKS: Sequence[Episode] = (
    Episode(
        "gguf_dimensions",
        "A tensor with more than four dimensions: the decoder indexes out of range while a model is created.",
        upload()
        + r"""
panic: runtime error: index out of range [4] with length 4
goroutine {few} [running]:
github.com/ollama/ollama/llm.(*gguf).Decode(0xc0{address9}, {{0x7f{address2}, 0xc0{address3}}})
	github.com/ollama/ollama/llm/gguf.go:208 +0xf6c
"""
        + _CREATE_FRAMES
        + _CREATE_HANDLER
        + _RESTART,
        attack=True,
        impact=True,
    ),
    Episode(
        "gguf_v1_string",
        "A GGUF of version 1 with an empty string: the decoder cuts off more than there is.",
        access(201, "quick", "attacker", "POST /api/blobs/sha256:{upload}")
        + r"""
panic: bytes.Buffer: truncation out of range
goroutine {few} [running]:
bytes.(*Buffer).Truncate(...)
	bytes/buffer.go:115
github.com/ollama/ollama/llm.readGGUFV1String(0xc0{address9}, {{0x7f{address2}, 0xc0{address3}}})
	github.com/ollama/ollama/llm/gguf.go:293 +0x1c7
github.com/ollama/ollama/llm.(*gguf).Decode(0xc0{address9}, {{0x7f{address2}, 0xc0{address3}}})
	github.com/ollama/ollama/llm/gguf.go:144 +0x85
"""
        + _CREATE_FRAMES
        + _CREATE_HANDLER
        + _RESTART,
        attack=True,
        impact=True,
    ),
    Episode(
        "gguf_four_bytes",
        "A file of the four bytes GGUF: the decoder returns nothing, and the server asks it (CVE-2024-39720).",
        upload()
        + r"""
panic: runtime error: invalid memory address or nil pointer dereference
[signal SIGSEGV: segmentation violation code=0x1 addr=0x20 pc=0x55{address9}]
goroutine {few} [running]:
github.com/ollama/ollama/server.CreateModel({{0x55{address4}, 0xc0{address5}}}, {{0xc0{address6}, 0x8}}, {{0x55{address7}, 0x1}}, {{0x0, 0x0}}, {{0xc0{address8}, 0x1, 0x1}}, 0xc0{address9})
	github.com/ollama/ollama/server/images.go:463 +0x1b21
"""
        + _CREATE_HANDLER
        + _RESTART,
        attack=True,
        impact=True,
    ),
    Episode(
        "zero_heads",
        "A model that states no attention heads: the server divides by zero when it reckons how much fits.",
        _CREATED
        + r"""panic: runtime error: integer divide by zero
goroutine {few} [running]:
github.com/ollama/ollama/llm.EstimateGPULayers({{0xc0{address}, 0x1, 0x1}}, 0xc0{address2}, {{0x0, 0x0, 0x0}}, {{{{0x0, 0x800, 0x200, 0x1, 0xffffffffffffffff, ...}}, ...}})
	github.com/ollama/ollama/llm/memory.go:77 +0x10f3
github.com/ollama/ollama/llm.PredictServerFit({{0xc0{address}, 0x1, 0x1}}, 0xc0{address2}, {{0x0, 0x0, 0x0}}, {{0x0, 0x0, 0x0}}, {{{{0x0, 0x800, ...}}, ...}})
	github.com/ollama/ollama/llm/memory.go:29 +0x217
github.com/ollama/ollama/server.pickBestFitGPUs(0xc0{address3}, 0xc0{address2}, {{0xc0{address}, 0x1, 0x1}})
	github.com/ollama/ollama/server/sched.go:507 +0x4a7
github.com/ollama/ollama/server.(*Scheduler).processPending(0xc0{address4}, {{0x55{address5}, 0xc0{address6}}})
	github.com/ollama/ollama/server/sched.go:163 +0x3be
github.com/ollama/ollama/server.(*Scheduler).Run.func1()
	github.com/ollama/ollama/server/sched.go:107 +0x1f
created by github.com/ollama/ollama/server.(*Scheduler).Run in goroutine 1
	github.com/ollama/ollama/server/sched.go:106 +0xb4
"""
        + _RESTART_WITH_MODEL,
        attack=True,
        impact=True,
    ),
    Episode(
        "traversal_write",
        "A rogue registry's manifest names a path as digest, and the pull writes there (CVE-2024-37032).",
        r"""level=INFO source=download.go:136 msg="downloading ./../../../. in 1 20 B part(s)"
level=INFO source=download.go:136 msg="downloading {digest} in 1 412 B part(s)"
level=INFO source=images.go:1077 msg="couldn't remove file with digest mismatch '/root/.ollama/models/blobs/../../../../etc/ld.so.preload': remove /root/.ollama/models/blobs/../../../../etc/ld.so.preload: permission denied"
"""
        + access(200, "short", "attacker", "POST /api/pull"),
        attack=True,
        impact=True,
    ),
    Episode(
        "traversal_read",
        "Such a path plants a manifest; a push of that model sends a file of the machine to the registry.",
        'level=INFO source=download.go:136 msg="downloading ./../../../m in 1 523 B part(s)"\n'
        + access(500, "short", "attacker", "POST /api/pull")
        + '\nlevel=INFO source=upload.go:109 msg="uploading ./../../../. in 1 1.4 KB part(s)"\n'
        + access(200, "short2", "attacker", "POST /api/push"),
        attack=True,
        impact=True,
    ),
    Episode(
        "empty_layer",
        "A rogue registry's layer has no length: the pull takes the first of no parts.",
        r"""panic: runtime error: index out of range [0] with length 0
goroutine {few} [running]:
github.com/ollama/ollama/server.(*blobDownload).Prepare(0xc0{address9}, {{0x55{address4}, 0xc0{address5}}}, 0xc0{address6}, 0xc0{address7})
	github.com/ollama/ollama/server/download.go:136 +0x5ea
github.com/ollama/ollama/server.downloadBlob({{0x55{address4}, 0xc0{address5}}}, {{{{{{0x55{address2}, 0x5}}, {{0xc0{address6}, 0x18}}, ...}}}}, ...}})
	github.com/ollama/ollama/server/download.go:370 +0x4b0
"""
        + _PULL_FRAMES
        + _RESTART_WITH_MODEL,
        attack=True,
        impact=True,
    ),
    Episode(
        "short_digest",
        "A rogue registry's digest is shorter than what the log shows of one.",
        r"""panic: runtime error: slice bounds out of range [:19] with length 12
goroutine {few} [running]:
github.com/ollama/ollama/server.(*blobDownload).Prepare(0xc0{address9}, {{0x55{address4}, 0xc0{address5}}}, 0xc0{address6}, 0xc0{address7})
	github.com/ollama/ollama/server/download.go:136 +0x622
github.com/ollama/ollama/server.downloadBlob({{0x55{address4}, 0xc0{address5}}}, {{{{{{0x55{address2}, 0x5}}, {{0xc0{address6}, 0x18}}, ...}}}}, ...}})
	github.com/ollama/ollama/server/download.go:370 +0x4b0
"""
        + _PULL_FRAMES
        + _RESTART_WITH_MODEL,
        attack=True,
        impact=True,
    ),
    Episode(
        "zip_slip",
        "An uploaded archive unpacks beside its folder, which this version does not log (CVE-2024-45436): nothing shows it.",
        _CREATED,
        attack=True,
        impact=True,
        blind=True,
    ),
    Episode(
        "silent_runner_crash",
        "The C++ runner reads where nothing is and dies without a word; each try is told by its exit code alone.",
        "".join(
            f"{upload(blob=f'upload{number}', took=f'quick{number}')}\n{access(200, f'short{number}', 'attacker', 'POST /api/create')}\n"
            + _STARTING.replace("{blob}", f"{{blob{number}}}").replace("{port}", f"{{port{number}}}")
            + 'level=ERROR source=sched.go:346 msg="error loading llama server" error="llama runner process no longer running: -1 "\n'
            + access(500, f"short1{number}", "attacker", "POST /api/generate")
            + "\n"
            for number in range(3)
        ),
        attack=True,
        impact=True,
    ),
    Episode(
        "forged_error",
        "A made-up architecture holds `error:`, so that its text becomes the record's own.",
        _CREATED
        + _STARTING
        + r"""llama_model_load: error loading model: error loading model architecture: unknown model architecture: 'error: x" level=INFO err="exit status 0" source=forged.go:1'
llama_load_model_from_file: failed to load model
level=ERROR source=sched.go:346 msg="error loading llama server" error="llama runner process no longer running: 1 error:x\" level=INFO err=\"exit status 0\" source=forged.go:1'"
"""
        + access(500, "short2", "attacker", "POST /api/generate"),
        attack=True,
    ),
    Episode(
        "file_probing",
        "Modelfiles of other folders are asked for, to learn which exist (CVE-2024-39719).",
        "\n".join(access(400, f"instant{number}", "attacker", "POST /api/create") for number in range(6)),
        attack=True,
    ),
    Episode("refused_creates", "Faulty files that the decoder refuses with an error (status 500).", refusals(4, 500), attack=True),
    Episode(
        "streamed_refusals",
        "Faulty files by a client that reads a stream: the refusal is told with status 200.",
        refusals(3, 200),
        attack=True,
    ),
    Episode("url_traversal", "Requests whose path leaves its folder.", TRAVERSALS, attack=True),
    Episode(
        "odd_digests",
        "Blobs are asked for under names that are no digests.",
        ODD_DIGESTS.replace("| 400 |", "| 404 |", 2),
        attack=True,
    ),
)
