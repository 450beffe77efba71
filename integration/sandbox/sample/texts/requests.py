"""Access lines of every day, the same in all versions, and requests that look for a way in."""

from __future__ import annotations

from collections.abc import Sequence

from integration.sandbox.sample.texts.episode import Episode, Passage, access, repeated

REQUESTS: Sequence[Passage] = (
    Passage(30, access(200, "latency", "client", "POST /api/chat")),
    Passage(20, access(200, "latency", "client", "POST /api/generate")),
    Passage(12, f"{access(200, 'instant', 'local', 'HEAD /')}\n{access(200, 'short', 'local', 'GET /api/tags')}"),
    Passage(8, access(200, "latency", "client", "POST /v1/chat/completions")),
    Passage(5, access(200, "short", "client6", "GET /api/tags")),
    Passage(5, access(200, "short", "client", "POST /api/embeddings")),
    Passage(4, access(499, "latency", "client", "POST /api/chat")),
    Passage(2, f"{access(200, 'instant', 'client', 'GET /api/version')}\n{access(200, 'short', 'client', 'POST /api/show')}"),
    Passage(1, access(404, "instant", "client", "GET /favicon.ico")),
    Passage(1, access(200, "instant", "client", "GET /api/tags?api_key=sk-{digest}{digest2}&user=ops.{key}@mail.example.org")),
)
NOT_FOUND: Sequence[Passage] = (
    Passage(6, access(404, "instant", "client", "POST /api/chat")),
    Passage(3, f"{access(404, 'instant', 'client', 'POST /api/show')}\n{access(404, 'instant', 'client', 'POST /api/generate')}"),
    Passage(2, access(400, "instant", "client", "POST /api/generate")),
    Passage(2, access(404, "instant", "client", "GET /v1/engines")),
)

# Gin writes the path decoded, so `%2e%2e` and `%2f` are dots and slashes by then. Since 0.2, only what was encoded gets so far.
TRAVERSALS = "\n".join(
    access(404, f"instant{number}", "attacker", f"{method} {path}")
    for number, (method, path) in enumerate(
        (
            ("GET", "/api/../../../../etc/passwd"),
            ("GET", "/../../../../proc/self/environ"),
            ("HEAD", "/api/blobs/../../../../root/.ssh/authorized_keys"),
            ("POST", "/api/blobs/sha256:../../../../../etc/ld.so.preload"),
            ("GET", r"/..\\..\\..\\Windows\\System32\\drivers\\etc\\hosts"),
            ("GET", "/api/tags/../../etc/shadow?authorization=Bearer+sk-{digest}&by=eve.{key}@mail.example.org"),
        )
    )
)
ODD_DIGESTS = "\n".join(
    access(400, f"instant{number}", "attacker", f"{method} /api/blobs/{digest}")
    for number, (method, digest) in enumerate(
        (("HEAD", "latest"), ("HEAD", "sha256:{digest}"), ("POST", "sha256:{digest}"), ("POST", "sha512:{upload}"))
    )
)


def refusals(times: int, status: int) -> str:
    """Return uploads that the decoder refuses, by a client that waits for the answer (`"stream": false`)."""
    uploaded = access(201, "quick#", "attacker", "POST /api/blobs/sha256:{upload#}")
    return repeated(times, f"{uploaded}\n{access(status, 'short#', 'attacker', 'POST /api/create')}")


def refused_attacks(refuses_at: str) -> tuple[Episode, ...]:
    """Return the attacks that versions since 0.12 refuse; `refuses_at` is where its source names a file that is no model."""
    kinds = ("application/zip", "text/plain; charset=utf-8", "unknown")
    uploads = "\n".join(
        f"{access(201, f'quick{number}', 'attacker', f'POST /api/blobs/sha256:{{upload{number}}}')}\n"
        f'level=ERROR source={refuses_at} msg="unsupported content type: {kind}"\n'
        f"{access(400, f'instant{number}', 'attacker', 'POST /api/create')}"
        for number, kind in enumerate(kinds)
    )
    return (
        Episode("refused_uploads", "Files that are no models, by a client that waits for the answer.", uploads, attack=True),
        Episode(
            "refused_creates",
            "Faulty GGUF files that the decoder refuses with an error (status 500).",
            refusals(4, 500),
            attack=True,
        ),
        Episode(
            "streamed_refusals",
            "Faulty files by a client that reads a stream, as `ollama create` does: the refusal is told with status 200.",
            refusals(3, 200),
            attack=True,
        ),
        Episode("url_traversal", "Requests whose path leaves its folder.", TRAVERSALS, attack=True),
        Episode("odd_digests", "Blobs are asked for under names that are no digests.", ODD_DIGESTS, attack=True),
    )
