"""What went wrong with a request, told from the client's error in the words a user can act on.

Both clients hand over the same two things: a status with a body, or the urllib3 error that kept the answer away.
"""

from __future__ import annotations

import ssl
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import urllib3.exceptions

from integration.engines import blocks
from integration.errors import (
    AnswerTimeoutError,
    BlockedError,
    ClusterError,
    ConflictError,
    ForbiddenError,
    MissingApiError,
    NoClusterManagerError,
    NotFoundError,
    ThrottledError,
    TooLargeError,
    TooManyBucketsError,
    UnavailableError,
    UnreachableError,
)

_LONGEST_TEXT = 300
_FORBIDDEN = 403
# What a node says that sees too few others to elect one: OpenSearch's word, and Elasticsearch's.
_NO_MANAGER = ("cluster_manager_not_discovered_exception", "master_not_discovered_exception")
# What it puts before writes meanwhile: "no master", whatever an engine or a version calls it.
_NO_MANAGER_BLOCK = "[SERVICE_UNAVAILABLE/2/"
_TOO_FEW_NODES = (
    "the cluster has no elected cluster manager: most of the nodes that could be one are away or cut off. Bring them back, and run "
    "the same command again"
)
_BY_TYPE: dict[str, type[ClusterError]] = {
    "too_many_buckets_exception": TooManyBucketsError,
    **dict.fromkeys(_NO_MANAGER, NoClusterManagerError),
}
_BY_STATUS: dict[int, type[ClusterError]] = {
    403: ForbiddenError,
    404: NotFoundError,
    409: ConflictError,
    413: TooLargeError,
    429: ThrottledError,
    502: UnreachableError,  # a proxy speaking for a cluster that it could not reach
    503: UnavailableError,
    504: UnreachableError,
}
_HINTS = {
    401: "the cluster does not accept these credentials, or none were given: check DETECT_API_KEY, or "
    "DETECT_USERNAME and DETECT_PASSWORD (or the options --api-key-file, --username and --password-file)",
    403: "the user or API key lacks the privilege for this",
    413: "the request is larger than the cluster, or a proxy before it, takes",
}
# What a cluster says of a path that no part of it serves, and Elasticsearch of its security where that is off.
_NO_API = ("no handler found", "Unknown API", "Security must be explicitly enabled")
_PAGE = "a page for people, as a proxy or another program than a cluster gives"
# X509_V_ERR_* of OpenSSL: the certificate names another host or address.
_WRONG_NAME = {62, 64}
# ... is not valid yet, or no more.
_WRONG_TIME = {9, 10}


@dataclass(frozen=True, slots=True)
class Call:
    """A request as messages name it; the URL holds no credentials."""

    cluster_url: str
    method: str
    path: str
    named_by: str = "--url, DETECT_URL"

    def __str__(self) -> str:
        return f"{self.method} {self.path}"


def reason(error: object) -> str:
    """Return the cluster's own words about an error: each cause once, the outermost first, a script's faulty line last."""
    if not isinstance(error, dict):
        return _shortened(str(error or ""))
    causes = list(_causes(error))
    texts = [f"{cause['type']}: {cause.get('reason') or ''}".rstrip(": ") for cause in causes if cause.get("type")]
    if not texts:
        return _shortened(str(error))
    stack: list[str] = next((cause["script_stack"] for cause in causes if cause.get("script_stack")), [])
    here = next((number for number, line in enumerate(stack) if "^---- HERE" in line), 0)
    texts += blocks.advice(texts)
    if any(text.startswith(_NO_MANAGER) or _NO_MANAGER_BLOCK in text for text in texts):
        texts.append(_TOO_FEW_NODES)
    return "\n  ".join(["; ".join(dict.fromkeys(texts)), *stack[max(here - 1, 0) : here + 1]])


def refused(call: Call, status: int, body: object) -> ClusterError:
    """Return the error for an answer that is none of the 2xx.

    `body` is the parsed answer, or its text where it is no JSON.
    """
    error = body.get("error", body) if isinstance(body, dict) else body
    types = [str(cause.get("type")) for cause in _causes(error)] if isinstance(error, dict) else []
    blocked = status == _FORBIDDEN and blocks.EXCEPTION in types
    said = _PAGE if isinstance(error, str) and error.lstrip()[:9].lower().startswith(("<!doctype", "<html")) else reason(error)
    words = "; ".join(filter(None, [None if blocked else _HINTS.get(status), said]))
    message = f"{call.cluster_url} refused {call} with status {status}" + (f": {words}" if words else "")
    if blocked:
        return BlockedError(message)
    if any(text in said for text in _NO_API):
        return MissingApiError(message)
    named = next((_BY_TYPE[each] for each in types if each in _BY_TYPE), None)
    return (named or _BY_STATUS.get(status, ClusterError))(message)


def not_a_cluster(call: Call, answer: str) -> ClusterError:
    """Return the error for an answer that no search engine gives, most often a proxy's page."""
    return ClusterError(
        f"{call.cluster_url} answered {call} with something that is no JSON object, so a proxy or another program "
        f"answers there: {_shortened(answer)}"
    )


def no_answer(call: Call, cause: BaseException | None) -> ClusterError:
    """Return the error for a request that got no answer: no connection, no trust, or none in time."""
    url = call.cluster_url
    tls = _find(cause, ssl.SSLError)
    if isinstance(tls, ssl.SSLCertVerificationError):
        return ClusterError(_untrusted(url, tls))
    if tls is not None:
        return ClusterError(
            f"{url} and this machine cannot agree on TLS ({tls.reason or tls}): a cluster without TLS needs http:// "
            "in --url, one that asks for a client certificate needs --client-cert and --client-key"
        )
    if _find(cause, urllib3.exceptions.NameResolutionError):
        return UnreachableError(f"The host name in {url} is not known here: check --url")
    if _find(cause, ConnectionRefusedError):
        return UnreachableError(f"{url} refuses connections: is the cluster running, and is this its address ({call.named_by})?")
    if _find(cause, urllib3.exceptions.TimeoutError, TimeoutError):
        return AnswerTimeoutError(f"{url} did not answer {call} in time: see the cluster's health, or raise --timeout")
    hint = " (a cluster with TLS needs https:// in --url)" if url.startswith("http://") else ""
    return UnreachableError(f"The connection to {url} broke during {call}{hint}: {_shortened(str(cause))}")


def may_pass(error: BaseException) -> bool:
    """Return whether the same request may well succeed a moment later.

    Not so one that took too long: sent again, it would only load the cluster twice. Nor one that waited for a cluster manager in
    vain: the cluster did so for half a minute before it said so.
    """
    return isinstance(error, UnreachableError | ThrottledError) and not isinstance(
        error, AnswerTimeoutError | NoClusterManagerError
    )


def _untrusted(url: str, fault: ssl.SSLCertVerificationError) -> str:
    why = fault.verify_message
    if fault.verify_code in _WRONG_NAME:
        return f"The certificate of {url} is for another host name ({why}): use a name in the certificate in --url"
    if fault.verify_code in _WRONG_TIME:
        return f"The certificate of {url}, or one above it, is out of its time ({why}): renew it, or set this machine's clock"
    return f"The certificate of {url} is not trusted ({why}): give the CA that signed it with --ca-certs"


def _causes(error: dict[str, Any]) -> Iterator[dict[str, Any]]:
    """Yield the error and everything it names as a cause, outermost first."""
    yield error
    shards = [shard["reason"] for shard in error.get("failed_shards", []) if "reason" in shard]
    for cause in [*error.get("root_cause", []), *shards, error.get("caused_by")]:
        if isinstance(cause, dict):
            yield from _causes(cause)


def _find(error: BaseException | None, *kinds: type[BaseException]) -> Any:
    """Return the first error of one of the kinds among an error, its arguments and its causes."""
    seen: list[BaseException] = []
    waiting = [error]
    while waiting:
        current = waiting.pop()
        if current is None or any(current is other for other in seen):
            continue
        if isinstance(current, kinds):
            return current
        seen.append(current)
        waiting += [current.__cause__, current.__context__]
        waiting += [argument for argument in current.args if isinstance(argument, BaseException)]
    return None


def _shortened(text: str) -> str:
    line = " ".join(text.split())
    return line if len(line) <= _LONGEST_TEXT else line[: _LONGEST_TEXT - 1] + "…"
