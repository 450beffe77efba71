"""The faults a user can meet, one class a kind, each with the exit code that the command ends with."""

from __future__ import annotations


class DetectError(Exception):
    """A fault with a message for the user: what is wrong, where, and what to do next."""

    exit_code = 2


class InputError(DetectError):
    """A file, a line or an option that cannot be used."""


class RuleError(InputError):
    """A rule file that cannot be read; the message names the file, the line and the field."""


class ClusterError(DetectError):
    """The cluster cannot be reached or refused a request."""

    exit_code = 3


class ForbiddenError(ClusterError):
    """The cluster knows the user, and does not let them do this (403)."""


class BlockedError(ClusterError):
    """An index or the cluster is closed to such requests, whoever sends them (403); the message says what opens it."""


class NotFoundError(ClusterError):
    """The cluster has no such object."""


class MissingApiError(ClusterError):
    """The cluster knows no such request: a plugin or a module of it is not there, or is switched off."""


class ConflictError(ClusterError):
    """The object on the cluster changed since it was read, or is there already."""


class OverwrittenError(ConflictError):
    """The object was written, and what somebody else changed of it since it was read may be lost."""


class UnreachableError(ClusterError):
    """No answer came from the cluster: a write may or may not have been done."""


class AnswerTimeoutError(UnreachableError):
    """The cluster took longer than the time allowed for an answer."""


class ThrottledError(ClusterError):
    """The cluster is too busy for this request now (429, 503); later it may take it."""


class UnavailableError(ThrottledError):
    """The cluster cannot do this now (503): it is starting, has no leader, or lacks a shard."""


class NoClusterManagerError(UnavailableError):
    """The cluster waited for an elected cluster manager in vain: most of the nodes that could be one are away."""


class TooLargeError(ClusterError):
    """The request is larger than the cluster, or a proxy before it, takes (413)."""


class TooManyBucketsError(ClusterError):
    """The aggregation makes more buckets than the cluster's limit `search.max_buckets`."""


class NodeError(DetectError):
    """A local node cannot be assembled, started or stopped; the message says what to do next."""

    exit_code = 3


class PartlyAppliedError(DetectError):
    """Some of the work was done and some was not; the message says which and how to go on."""

    exit_code = 4


class StoppedError(DetectError):
    """A signal ended the command before it was done; the exit code is the one that shells give it, 128 and the signal's number."""

    def __init__(self, message: str, number: int) -> None:
        super().__init__(message)
        self.exit_code = 128 + number
